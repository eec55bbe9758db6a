//! Files good, bad and hostile through the whole reading.

mod bad;
mod good;
mod hostile;

use super::*;

/// A small network for the tests to spoil: a switch, a client, a group of three servers and a single one.
const NETWORK: &str = "\
lvsim: 1
nodes:
  lan: { kind: switch }
  client: { kind: client, interfaces: { eth0: { to: lan, address: 10.0.0.1/24 } } }
  rs: { kind: real-server, count: 3, interfaces: { eth0: { to: lan, address: 10.0.0.10/24 } } }
  rs1: { kind: real-server, interfaces: { eth0: { to: lan }, lo: { address: 10.0.0.9 } } }
";

/// The names that the tests know.
fn names() -> Names<'static> {
    Names {
        sysctls: &["net.ipv4.conf.all.arp_ignore", "net.ipv4.conf.all.rp_filter", "net.ipv4.ip_forward"],
        known_sysctl: |s| ["arp_ignore", "rp_filter", "ip_forward"].iter().any(|end| s.ends_with(end)),
        sysctl_value: |_, value| value.parse::<i32>().map(|_| ()).map_err(|_| crate::text!("problem-want-number")),
        reasons: crate::trace::drop::CODES,
        read_file: Some(files::ReadFile(&|name| match name {
            "times.csv" => Ok("# recorded\n20ms\n0.5,x\n".into()),
            "trace.csv" => Ok("time,bytes\n0s,1kB\n5ms\n0.01,20000\n".into()),
            "back.csv" => Ok("5ms\n1ms\n".into()),
            "words.csv" => Ok("1ms\nsoon\n".into()),
            "empty.csv" => Ok("# nothing\n".into()),
            _ => Err("no such file".into()),
        })),
    }
}

fn load_text(text: &str) -> Result<Loaded, Vec<Problem>> {
    load("dir/case.yaml", text, &[], &names())
}

fn good(text: &str) -> Scenario {
    match load_text(text) {
        Ok(loaded) => {
            assert_eq!(schema::tests::agree(text, true), Ok(()));
            loaded.scenario
        }
        Err(problems) => panic!("{}", render(&problems, "case.yaml", text, false)),
    }
}

/// Reads every `.yaml` below the directory that the variable `LVSIM_SCENARIOS` names.
#[test]
#[ignore = "wants LVSIM_SCENARIOS, a directory of scenarios"]
fn all_scenarios_of_a_directory_load() {
    let Ok(dir) = std::env::var("LVSIM_SCENARIOS") else { return };
    let (mut open, mut read, mut bad, mut warned) = (vec![std::path::PathBuf::from(dir)], 0, 0, 0);
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).expect("a readable directory").flatten().map(|e| e.path()));
        } else if path.extension().is_some_and(|e| e == "yaml") {
            let text = std::fs::read_to_string(&path).expect("a readable file");
            let file = path.display().to_string();
            read += 1;
            let problems = match load(&file, &text, &[], &Names::default()) {
                Ok(loaded) => {
                    warned += loaded.warnings.len();
                    loaded.warnings
                }
                Err(problems) => {
                    bad += 1;
                    problems
                }
            };
            print!("{}", render(&problems, &file, &text, false));
        }
    }
    println!("{read} files, {bad} bad, {warned} warnings");
    assert_eq!(bad, 0);
}
