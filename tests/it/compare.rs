//! `lvsim compare` as a person meets it: files, charts, loads, a server that leaves, any number of threads.

use crate::support::Sandbox;

/// Three servers of different weight, each with one worker.
const LAB: &str = "\
lvsim: 1
title: 三台服务器 and a title
warmup: 50ms
defaults: { link: { latency: 10us, bandwidth: 10gbit }, server: { service_time: { exponential: 2ms }, workers: 1, backlog: 999 } }
nodes:
  lan: { kind: switch }
  client: { kind: client, interfaces: { eth0: { to: lan, address: 10.0.0.1/8 } } }
  director:
    kind: director
    interfaces: { eth0: { to: lan, addresses: [10.0.0.2/8, 10.0.0.100/32] } }
    run: |
      ipvsadm -A -t 10.0.0.100:80 -s rr
      ipvsadm -a -t 10.0.0.100:80 -r 10.0.1.1 -g -w 1
      ipvsadm -a -t 10.0.0.100:80 -r 10.0.1.2 -g -w 1
      ipvsadm -a -t 10.0.0.100:80 -r 10.0.1.3 -g -w 2
  rs:
    kind: real-server
    count: 3
    interfaces: { eth0: { to: lan, address: 10.0.1.1/8 } }
    sysctl: { net.ipv4.conf.all.arp_ignore: 1, net.ipv4.conf.all.arp_announce: 2 }
    run: ip addr add 10.0.0.100/32 dev lo
    serves: [ tcp/80 ]
traffic:
  - { name: web, from: client, to: '10.0.0.100:80', connections: 240, arrivals: { poisson: 800/s }, addresses: 10.9.0.0/26 }
";

fn lab() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("lab.yaml", LAB);
    sandbox
}

#[test]
fn the_same_bytes_in_every_file_for_any_number_of_threads() {
    let sandbox = lab();
    let study = |threads: &str, folder: &str| {
        let args = ["compare", "lab.yaml", "--schedulers", "wrr,mh", "--seeds", "2", "--loads", "0.5,1"];
        let more = ["--leaves", "rs-2@150ms", "--threads", threads, "-o", folder];
        let ran = sandbox.run(&[&args[..], &more[..]].concat());
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.err.contains(&format!("to {folder}/lab/compare")), "{}", ran.err);
        let head = format!("{folder}/");
        let names: Vec<String> =
            sandbox.names().into_iter().filter_map(|n| n.strip_prefix(&head).map(String::from)).collect();
        let files: Vec<(String, Vec<u8>)> =
            names.into_iter().map(|n| (n.clone(), sandbox.read(&format!("{head}{n}")))).collect();
        (ran.out, files)
    };
    let (one, three) = (study("1", "one"), study("3", "three"));
    assert_eq!(one.0, three.0);
    let names: Vec<&str> = one.1.iter().map(|f| f.0.as_str()).collect();
    // Eleven charts, each as picture twice and as table; all runs; the comparison.
    assert_eq!(names.len(), 35, "{names:?}");
    for (a, b) in one.1.iter().zip(&three.1) {
        assert!(a == b, "`{}` depends on the number of threads", a.0);
        match a.0.rsplit('.').next() {
            Some("png") => assert!(a.1.starts_with(b"\x89PNG"), "{}", a.0),
            Some("svg") => {
                let text = String::from_utf8_lossy(&a.1);
                assert!(
                    text.contains("seeds 1 to 2, ± is the 95 % interval of the mean over them, the first 50ms cut")
                );
                // The Chinese part of the title is painted, the rest is text.
                assert!(text.contains("<path fill=") && text.contains(">\nand a title\n<"), "{}", a.0);
            }
            _ => assert!(a.1.len() > 30, "{}", a.0),
        }
    }
    assert!(
        one.0.contains("rs-2 left at 150ms; typed on director: ipvsadm -d -t 10.0.0.100:80 -r 10.0.1.2:80"),
        "{}",
        one.0
    );
    assert!(one.0.contains("Load by load"), "{}", one.0);
}

#[test]
fn charts_of_an_earlier_study_do_not_stay_among_those_of_a_later_one() {
    let sandbox = lab();
    sandbox.write("output/lab/compare/load.svg", "old");
    sandbox.write("output/lab/compare/mine.txt", "mine");
    let args = ["compare", "lab.yaml", "--schedulers", "rr", "--seeds", "1", "--until", "100ms", "--quiet"];
    let ran = sandbox.run(&args);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let names = sandbox.names();
    assert!(
        !names.iter().any(|n| n.ends_with("load.svg")) && names.iter().any(|n| n.ends_with("mine.txt")),
        "{names:?}"
    );
    let before = names.len();
    let ran = sandbox.run(&[&args[..], &["--no-output"]].concat());
    assert_eq!((ran.code, sandbox.names().len()), (Some(0), before));
}

#[test]
fn what_cannot_be_loaded_or_leave_is_told() {
    let sandbox = lab();
    sandbox.write("closed.yaml", &LAB.replace("arrivals: { poisson: 800/s }", "users: 3, think: 1ms"));
    sandbox.write("no.ttf", "this is no font");
    for (args, why) in [
        (&["lab.yaml", "--loads", "1..0.5/3"][..], "the first load is the least"),
        (&["lab.yaml", "--loads", "fast"], "write a factor such as `0.8`"),
        (&["closed.yaml", "--loads", "0.5,1"], "users wait for their answers"),
        (&["lab.yaml", "--leaves", "rs-2"], "NODE@TIME"),
        (&["lab.yaml", "--leaves", "rs-9@1s"], "no node `rs-9`"),
        (&["lab.yaml", "--leaves", "client@1s"], "no virtual service has a real server on `client`"),
        (&["lab.yaml", "--font", "no.ttf"], "this is no TrueType"),
        (&["lab.yaml", "--font", "none.ttf"], "none.ttf"),
    ] {
        let ran = sandbox.run(&[&["compare"], args].concat());
        assert_eq!(ran.code, Some(2), "{args:?}: {ran:?}");
        assert!(ran.err.contains(why), "{args:?}: {ran:?}");
    }
    let late = sandbox.run(&[
        "compare",
        "lab.yaml",
        "--schedulers",
        "rr",
        "--seeds",
        "1",
        "--until",
        "1s",
        "--leaves",
        "rs-1@9s",
    ]);
    assert_eq!(late.code, Some(1), "{late:?}");
    assert!(late.err.contains("the run ended before rs-1 left at 9s"), "{late:?}");
    assert!(!sandbox.path().join("output").exists(), "what failed wrote nothing");
}

#[test]
fn charts_are_listed_with_the_verb_that_draws_them() {
    let ran = lab().run(&["list", "charts", "--format", "csv"]);
    assert!(ran.out.contains("served,run,") && ran.out.contains("latency-ccdf,compare,"), "{}", ran.out);
}

#[test]
fn run_draws_png_only_if_asked() {
    let sandbox = lab();
    assert_eq!(sandbox.run(&["run", "lab.yaml", "--quiet"]).code, Some(0));
    assert!(!sandbox.names().iter().any(|n| n.ends_with(".png")));
    assert_eq!(sandbox.run(&["run", "lab.yaml", "--quiet", "--png"]).code, Some(0));
    let pictures: Vec<String> = sandbox.names().into_iter().filter(|n| n.ends_with(".png")).collect();
    assert_eq!(pictures, ["output/lab/served.png", "output/lab/timeline.png"]);
}
