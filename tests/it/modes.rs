//! `lvsim compare --modes`: one lab by NAT, direct routing and tunnelling, and where its director is full.

use crate::support::{Sandbox, load, text};
use lvsim::engine::world::Limits;
use lvsim::ipvs::Method;
use lvsim::scenario::{self, Scenario};
use lvsim::study::director::Director;
use lvsim::study::sample::{Case, Sample, run_one};
use lvsim::study::variant::Variant;
use serde_json::Value;

const FILE: &str = "scenarios/compare/modes.yaml";

fn run(lab: &Scenario, mode: Method, seed: u64) -> (Sample, Director) {
    let case = Case { variant: 0, load: 0, seed };
    let sample = run_one(lab, Variant::Mode(mode), case, Limits::default(), None, &mut || true).expect("it runs");
    let director = sample.director.expect("a director");
    (sample, director)
}

#[test]
fn with_nat_the_directors_cable_is_full_first() {
    let lab = load(FILE, &text(FILE)).unwrap_or_else(|problems| panic!("{problems}"));
    for seed in 1..=3 {
        let [nat, dr, tun] = [Method::Nat, Method::Dr, Method::Tun].map(|mode| run(&lab, mode, seed));
        for (sample, _) in [&nat, &dr, &tun] {
            assert_eq!((sample.connections, sample.ok), (150, 150), "all are answered in the end");
        }
        let ceiling = |d: &Director| d.ceiling().expect("a load");
        // 300 connections a second are more than NAT can take, and a tenth of what the others can.
        assert!(ceiling(&nat.1) < 250.0 && nat.1.dropped > 0, "{nat:?}");
        for (sample, director) in [&dr, &tun] {
            assert!(ceiling(director) > 3_000.0 && director.dropped == 0, "{director:?}");
            assert!(sample.completion.mean * 5.0 < nat.0.completion.mean);
        }
        // NAT: 60 kB in and out again. The others: what the client sends; a tunnel adds 20 bytes to each packet that leaves.
        let bytes = |d: &Director| d.bytes / d.answered;
        assert!((120_000..145_000).contains(&bytes(&nat.1)), "{nat:?}");
        assert!(bytes(&dr.1) < 6_000, "{dr:?}");
        assert_eq!(dr.1.frames, tun.1.frames, "the same frames");
        assert_eq!(tun.1.bytes - dr.1.bytes, 20 * 150 * 34, "{tun:?}");
    }
}

#[test]
fn a_slow_processor_is_the_other_bottleneck() {
    let sets = ["nodes.director.packet_rate=8000/s".to_string()];
    let names = lvsim::report::names::names();
    let lab = scenario::load(FILE, &text(FILE), &sets, &names).expect("a good scenario").scenario;
    let (_, nat) = run(&lab, Method::Nat, 1);
    let (_, dr) = run(&lab, Method::Dr, 1);
    let load = |d: &Director| d.cpu_use.expect("a packet rate");
    // 80 frames come for each connection with NAT, 34 with direct routing: 100 and 235 connections a second.
    assert!(load(&nat) > nat.link_use && (85.0..110.0).contains(&nat.ceiling().expect("a load")), "{nat:?}");
    assert!(load(&dr) > dr.link_use && (225.0..240.0).contains(&dr.ceiling().expect("a load")), "{dr:?}");
}

#[test]
fn the_comparison_tells_modes_what_was_typed_and_what_cannot_be() {
    let sandbox = Sandbox::new();
    sandbox.write("modes.yaml", &text(FILE).replace("connections: 150", "connections: 20"));
    let ran = sandbox.run(&["compare", "modes.yaml", "--modes", "nat,dr", "--seeds", "2"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("\nmode  director frames"), "{ran:?}");
    assert!(ran.out.contains("  rs-4: ip route replace default via 10.0.0.2\n"), "{ran:?}");
    assert!(ran.out.contains("dr: the file has it, nothing is typed."), "{ran:?}");
    assert!(ran.out.contains("it would be full at about"), "{ran:?}");
    let args = ["compare", "modes.yaml", "--modes", "dr,tun", "--seeds", "2", "--format"];
    let csv = sandbox.run(&[&args[..], &["csv"]].concat());
    assert!(csv.out.starts_with("mode,seed,"), "{csv:?}");
    let json = sandbox.run(&[&args[..], &["json"]].concat());
    let json: Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(
        (&json["modes"][1], &json["typed"][1]["typed"][1]["lines"][0]),
        (&"tun".into(), &"modprobe ipip".into())
    );

    let mapped = text(FILE).replace("-r 10.0.0.14 -g", "-r 10.0.0.14:8080 -m");
    sandbox.write("mapped.yaml", &mapped);
    let ran = sandbox.run(&["compare", "mapped.yaml", "--modes", "nat,dr", "--seeds", "1"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.err.contains("dr cannot be: director maps port 80 to port 8080 of 10.0.0.14"), "{ran:?}");
    assert!(ran.out.contains("dr cannot be: ") && !ran.out.contains("\ndr  "), "{ran:?}");
    let ran = sandbox.run(&["compare", "mapped.yaml", "--modes", "dr,tun"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{ran:?}");
    for (args, why) in [(["--modes", "nat,lvs"], "`lvs` is no mode"), (["--modes", "nat,nat"], "stands twice")] {
        let ran = sandbox.run(&[&["compare", "modes.yaml"][..], &args].concat());
        assert!(ran.code == Some(2) && ran.err.contains(why), "{ran:?}");
    }
    let both = sandbox.run(&["compare", "modes.yaml", "--modes", "nat", "--schedulers", "rr"]);
    assert!(both.code == Some(2) && both.err.contains("cannot be used with"), "{both:?}");
}
