//! `lvsim show … sysctl NODE --effective`: what counts on each interface, and which line made it so.

use crate::support::{Sandbox, text};
use serde_json::Value;

const LAB: &str = r#"lvsim: 1
nodes:
  lan: { kind: switch }
  gw:
    kind: router
    interfaces: { eth0: { to: lan, address: 10.0.0.254/24 } }
    sysctl:
      net/ipv4/conf/eth0/rp_filter: 1
  rs1:
    kind: real-server
    interfaces: { eth0: { to: lan, address: 10.0.0.2/24 } }
    sysctl:
      net.ipv4.conf.all.arp_ignore: 1
    run: |
      echo 2 > /proc/sys/net/ipv4/conf/all/arp_announce
      echo yes > /proc/sys/net/ipv4/conf/eth0/arp_filter
      cat > /etc/my.conf <<END
      net.ipv4.conf.eth0.arp_ignore = 2
      net.ipv4.ip_forward = 1
      END
      sysctl -p /etc/my.conf
      sysctl -w net.ipv4.conf.default.log_martians=1
      ip tunnel add tun1 mode ipip remote 10.0.0.9 local 10.0.0.2
timeline:
  - { at: 1s, node: rs1, run: "sysctl -q -w net.ipv4.conf.lo.arp_ignore=8" }
"#;

fn rows(args: &[&str]) -> Vec<Value> {
    let sandbox = Sandbox::new();
    sandbox.write("lab.yaml", LAB);
    let ran = sandbox.run(&[&["show", "lab.yaml", "sysctl"], args].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let object: Value = serde_json::from_str(&ran.out).expect("one JSON object");
    object["rows"].as_array().expect("rows").clone()
}

/// The row of an interface: effective value, rule, which side decides, and both origins.
fn told(rows: &[Value], variable: &str, dev: &str) -> String {
    let row = rows.iter().find(|r| r["variable"] == variable && (r["dev"] == dev || dev.is_empty()));
    let row = row.unwrap_or_else(|| panic!("no {variable} on {dev}"));
    let side = |s: &str| {
        let [value, from, line] = ["", "_from", "_line"].map(|end| row[format!("{s}{end}")].to_string());
        format!("{s}={value} {from} {line}")
    };
    format!("{} {} {}; {}; {}", row["effective"], row["rule"], row["decides"], side("own"), side("all"))
        .replace('"', "")
}

#[test]
fn every_value_has_its_origin() {
    let all = rows(&["rs1", "--format", "json", "--all", "--effective"]);
    for (variable, dev, expected) in [
        ("arp_ignore", "eth0", "2 max own; own=2 typed 21; all=1 file 13"),
        ("arp_ignore", "lo", "8 max own; own=8 typed 25; all=1 file 13"),
        ("arp_announce", "eth0", "2 max all; own=0 kernel null; all=2 typed 15"),
        // The kernel did not take the word.
        ("arp_filter", "eth0", "0 or both; own=0 kernel null; all=0 kernel null"),
        ("forwarding", "eth0", "1 own own; own=1 net.ipv4.ip_forward 21; all=null null null"),
        ("accept_redirects", "eth0", "0 redirects all; own=1 kernel null; all=0 net.ipv4.ip_forward 21"),
        ("log_martians", "eth0", "0 or both; own=0 kernel null; all=0 kernel null"),
        ("log_martians", "tun1", "1 or own; own=1 default 22; all=0 kernel null"),
        ("ip_forward", "", "1 one own; own=1 typed 21; all=null null null"),
        ("gc_stale_time", "eth0", "60 one own; own=60 kernel null; all=null null null"),
    ] {
        assert_eq!(told(&all, variable, dev), expected, "{variable} on {dev}");
    }
    let router = rows(&["gw", "--format", "json", "--effective", "rp_filter", "ip_forward"]);
    assert_eq!(told(&router, "rp_filter", "eth0"), "1 max own; own=1 file 8; all=0 kernel null");
    assert_eq!(told(&router, "ip_forward", ""), "1 one own; own=1 kind null; all=null null null");
}

#[test]
fn what_the_table_says_counts_is_what_the_kernel_reads() {
    // Before the timeline types, and for a variable of `all` that an interface has otherwise.
    let early = rows(&["rs1", "--at", "500ms", "--format", "json", "--effective", "arp_ignore"]);
    assert_eq!(told(&early, "arp_ignore", "lo"), "1 max all; own=0 kernel null; all=1 file 13");
    assert_eq!(early.len(), 4, "a row for each interface: {early:?}");
}

#[test]
fn names_are_patterns_and_a_path_names_its_interface() {
    let names = |args: &[&str]| -> Vec<String> {
        let found = rows(&[&["rs1", "--format", "json", "--effective"], args].concat());
        let mut names: Vec<String> = found.iter().filter_map(|r| r["variable"].as_str().map(String::from)).collect();
        names.dedup();
        names
    };
    assert_eq!(names(&["arp_i*", "net.ipv4.conf.all.rp_filter"]), ["arp_ignore", "rp_filter"]);
    assert_eq!(names(&["forwarding"]), ["forwarding"], "who names it, gets it");
    assert_eq!(names(&["*forward*"]), ["bc_forwarding", "mc_forwarding"], "a pattern keeps to what is combined");
    assert!(names(&[]).len() > 15 && !names(&[]).contains(&"gc_stale_time".to_string()));
    assert_eq!(rows(&["rs1", "--format", "json", "--effective", "net/ipv4/conf/lo/arp_ignore"]).len(), 1);
    let sandbox = Sandbox::new();
    for (args, why) in [
        (&["sysctl", "rs1", "--effective", "arp_ignor"][..], "did you mean `arp_ignore`?"),
        (&["arp", "rs1", "--effective"], "--effective is about `sysctl`"),
        (&["sysctl", "rs1", "--all"], "--effective"),
    ] {
        let ran = sandbox.run(&[&["show", "small.yaml"], args].concat());
        assert!(ran.code == Some(2) && ran.err.contains(why), "{ran:?}");
    }
}

#[test]
fn what_is_typed_counts_from_then_on() {
    let sandbox = Sandbox::new();
    sandbox.write("arp-poisoned.yaml", &text("scenarios/arp-poisoned.yaml"));
    let args = ["show", "arp-poisoned.yaml", "sysctl", "rs1", "--effective", "arp_ignore", "arp_announce", "rp_filter"];
    let ran = sandbox.run(&args);
    let line = |variable: &str, dev: &str| {
        let found = ran.out.lines().find(|l| l.split_whitespace().take(2).eq([variable, dev]));
        found.unwrap_or_default().split_whitespace().skip(2).collect::<Vec<_>>().join(" ")
    };
    let typed = |value: u8, line: u8, name: &str| {
        format!("{value} max 0 kernel {value} 1.505 s, line {line}: > /proc/sys/net/ipv4/conf/all/{name}")
    };
    assert_eq!(line("arp_ignore", "eth0"), typed(1, 63, "arp_ignore"), "{}", ran.out);
    assert_eq!(line("arp_announce", "lo"), typed(2, 64, "arp_announce"), "{}", ran.out);
    assert_eq!(line("rp_filter", "eth0"), "0 max 0 kernel 0 kernel", "{}", ran.out);
    let early = sandbox.run(&[&args[..], &["--at", "1s"]].concat());
    assert!(!early.out.contains("max          1"), "nothing is typed yet: {}", early.out);
}

#[test]
fn in_the_lab_a_line_that_somebody_typed_has_its_time() {
    let sandbox = Sandbox::new();
    sandbox.write("lab.yaml", LAB);
    let typed = "ssh rs1\n:run 2s\nsysctl -w net.ipv4.conf.eth0.rp_filter=1\n:show sysctl --effective rp_filter arp_ignore\n\
                 :back\n:show sysctl rs1 --effective rp_filter\n:show sysctl rs1 --effective nix\n";
    sandbox.write("typed.txt", typed);
    let ran = sandbox.run(&["lab", "lab.yaml", "--script", "typed.txt"]);
    let count = |part: &str| ran.out.matches(part).count();
    assert_eq!(count("2.005 s: sysctl -w net.ipv4.conf.eth0.rp_filter=1"), 1, "{}", ran.out);
    assert!(ran.out.contains("1.005 s, line 25: sysctl -q -w") && ran.out.contains("sysctl, line 13"), "{}", ran.out);
    assert!(ran.out.ends_with("no kernel variable `nix`\n"), "{}", ran.out);
}
