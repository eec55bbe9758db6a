//! How fast, how large: the workload of the comparison with other simulators, and how to measure it.
//!
//! One switch, 16 clients and 4 servers, a 1 Gb/s 5 us cable each, ARP on, open loop of 10,000 connections per simulated
//! second. A TCP connection is 10 segments: handshake, 100 B asked, 1000 B answered, closed by the client.
//!
//! | topology | what | frames on cables for a connection |
//! | --- | --- | --- |
//! | `lan` | clients ask the servers | tcp 20, udp 4 |
//! | `dr` | clients ask a virtual address, an LVS director with direct routing picks the server | tcp 32, udp 6 |
//! | `hold` | as `dr`, but nobody closes: what a live connection costs | 18 |
//!
//! ```text
//! cargo bench --bench engine                              the table
//! cargo bench --bench engine -- dr tcp 10000 100000       some cells of it
//! cargo bench --bench engine -- --json lan                a line of JSON for each cell
//! cargo bench --bench engine -- --callgrind               instructions for a connection and a frame (needs valgrind)
//! ```
//!
//! Every cell runs in a process of its own, so that its memory is its own. Rates are for a second of CPU time, from t = 0
//! to the end of the run; set-up is not counted. A cell fails if the ledger does not balance or a connection is not `ok`.
//! Instructions are the difference of two sizes, divided by the difference of the sizes: the same to the last digit on
//! every run. Figures and targets are in `benches/README.md`.

use lvsim::base::{Seed, SimTime};
use lvsim::engine::world::{Limits, World};
use lvsim::node::app::Outcome;
use lvsim::scenario::play::{Ending, Play};
use lvsim::scenario::{self, Names};
use lvsim::trace::Tracer;
use std::fmt::Write as _;
use std::process::{Command, ExitCode};
use std::{env, fs};

const SERVERS: u64 = 4;
const LEAST_CLIENTS: u64 = 16;
/// A client has 28,232 ports and a minute of TIME_WAIT: so many connections come from one at most while they are held.
const PORTS: u64 = 25_000;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).filter(|a| a != "--bench").collect();
    let has = |flag: &str| args.iter().any(|a| a == flag);
    let words: Vec<&str> = args.iter().map(String::as_str).filter(|a| !a.starts_with("--")).collect();
    let pick = |all: &[&'static str]| -> Vec<&'static str> {
        let named: Vec<&'static str> = all.iter().copied().filter(|a| words.contains(a)).collect();
        if named.is_empty() { all.to_vec() } else { named }
    };
    let numbers: Vec<u64> = words.iter().filter_map(|w| w.parse().ok()).collect();
    if has("--cell") {
        println!("{}", measure(words[0], words[1], numbers[0]));
        return ExitCode::SUCCESS;
    }
    if has("--scenario") {
        println!("{}", text(words[0], words[1], numbers[0]));
        return ExitCode::SUCCESS;
    }
    let cells = pick(&["lan", "dr", "hold"]).into_iter().flat_map(|topology| {
        let protocols = if topology == "hold" { vec!["tcp"] } else { pick(&["tcp", "udp"]) };
        protocols.into_iter().map(move |protocol| (topology, protocol))
    });
    let done = if has("--callgrind") {
        cells.filter(|(t, _)| *t != "hold").try_for_each(|(t, p)| callgrind(t, p))
    } else {
        table(cells, &numbers, has("--json"))
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// The scenario of a cell.
fn text(topology: &str, protocol: &str, n: u64) -> String {
    let clients = if topology == "hold" { LEAST_CLIENTS.max(n.div_ceil(PORTS)) } else { LEAST_CLIENTS };
    let mut s = String::from("lvsim: 1\nname: lanbench\n");
    s += "defaults: { link: { latency: 5us, bandwidth: 1gbit } }\n";
    if topology == "hold" {
        let _ = writeln!(s, "duration: {}ms", n / 10 + 1_000);
    }
    s += "nodes:\n  lan: { kind: switch }\n";
    let _ = writeln!(
        s,
        "  client: {{ kind: client, count: {clients}, interfaces: {{ eth0: {{ to: lan, address: 10.0.1.1/16 }} }} }}"
    );
    let through_director = topology != "lan";
    for i in 1..=SERVERS {
        let _ = writeln!(s, "  rs{i}:\n    kind: real-server\n    serves: [ {protocol}/80 ]");
        let _ = writeln!(s, "    interfaces:\n      eth0: {{ to: lan, address: 10.0.0.{i}/16 }}");
        if through_director {
            s += "      lo: { addresses: [ 10.0.0.100/32 ] }\n";
            s += "    sysctl: { net.ipv4.conf.all.arp_ignore: 1, net.ipv4.conf.all.arp_announce: 2 }\n";
        }
    }
    if !through_director {
        s += "traffic:\n";
        for i in 1..=SERVERS {
            let share = (n + SERVERS - i) / SERVERS;
            let _ = writeln!(s, "  - {{ from: client, to: 10.0.0.{i}:80, start: {}us, every: 400us,", 900 + 100 * i);
            let _ = writeln!(s, "      protocol: {protocol}, connections: {share}, request: 100B, response: 1000B }}");
        }
        return s;
    }
    let kind = if protocol == "tcp" { "-t" } else { "-u" };
    s += "  director:\n    kind: director\n    interfaces:\n";
    s += "      eth0: { to: lan, addresses: [ 10.0.0.99/16, 10.0.0.100/32 ] }\n";
    let _ = writeln!(s, "    run: |\n      ipvsadm -A {kind} 10.0.0.100:80 -s rr");
    for i in 1..=SERVERS {
        let _ = writeln!(s, "      ipvsadm -a {kind} 10.0.0.100:80 -r 10.0.0.{i} -g");
    }
    let hold = if topology == "hold" { "hold: 1h, " } else { "" };
    let _ = writeln!(s, "traffic:\n  - {{ from: client, to: 10.0.0.100:80, start: 1ms, every: 100us, {hold}");
    let _ = writeln!(s, "      protocol: {protocol}, connections: {n}, request: 100B, response: 1000B }}");
    s
}

/// Plays a cell in this process.
fn measure(topology: &str, protocol: &str, n: u64) -> serde_json::Value {
    let text = text(topology, protocol, n);
    let loaded = scenario::load("lanbench.yaml", &text, &[], &Names::default());
    let scenario = loaded.unwrap_or_else(|p| panic!("the scenario is wrong: {p:?}\n{text}")).scenario;
    let (seed, mut tracer) = (Seed(scenario.seed), Tracer::off());
    let mut go_on = |_: &World, _: Option<SimTime>| true;
    let limits = Limits { events: u64::MAX, ..Limits::default() };
    let set_up = Play::set_up(&scenario, seed, limits, None, &mut tracer, &mut go_on);
    let mut play = set_up.unwrap_or_else(|early| panic!("set-up ended with {:?}", early.1));
    let (frames, events, resident) = (play.world.ledger.sent, play.world.events, memory("VmRSS:"));
    let before = cpu();
    let ending = play.run(seed, &mut tracer, &mut go_on);
    let spent = (cpu() - before).max(1) as f64 / 1e9;
    assert_eq!(ending, Ending::Complete);
    assert!(play.world.ledger.balanced(), "the ledger does not balance: {:?}", play.world.ledger);
    let results = || play.world.workloads.iter().flat_map(|w| &w.results);
    let ok = results().filter(|r| r.outcome == Outcome::Ok).count() as u64;
    assert_eq!(ok, n, "of {n} connections {ok} were ok; one that was not: {:?}", {
        results().find(|r| r.outcome != Outcome::Ok)
    });
    let (frames, events) = (play.world.ledger.sent - frames, play.world.events - events);
    let grown = memory("VmRSS:").saturating_sub(resident);
    serde_json::json!({
        "topology": topology,
        "protocol": protocol,
        "connections": n,
        "frames": frames,
        "events": events,
        "cpu_s": spent,
        "events_per_s": events as f64 / spent,
        "frames_per_s": frames as f64 / spent,
        "connections_per_s": n as f64 / spent,
        "ns_per_frame": spent * 1e9 / frames as f64,
        "peak_rss_bytes": memory("VmHWM:"),
        "bytes_per_connection": grown / n,
        "fingerprint": format!("{:016x}", play.world.fingerprint()),
    })
}

/// CPU nanoseconds of this process, which has one thread. A moment's sleep makes the kernel bring the figure up to date.
fn cpu() -> u64 {
    std::thread::sleep(std::time::Duration::from_micros(1));
    let text = fs::read_to_string("/proc/self/schedstat").expect("a Linux with scheduler statistics");
    text.split(' ').next().and_then(|n| n.parse().ok()).expect("schedstat begins with nanoseconds on the CPU")
}

/// A line of this process's status, in bytes.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("a Linux");
    let line = status.lines().find_map(|l| l.strip_prefix(name)).expect("the status tells memory");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number of kB") * 1024
}

/// Runs this program again with other arguments, perhaps under another.
fn again(under: &[&str], args: &[&str]) -> Result<std::process::Output, String> {
    let me = env::current_exe().map_err(|e| format!("who am I? {e}"))?;
    let mut command = match under.split_first() {
        Some((program, first)) => {
            let mut c = Command::new(program);
            c.args(first).arg(me);
            c
        }
        None => Command::new(me),
    };
    let out = command.args(args).output().map_err(|e| format!("cannot run {under:?}: {e}"))?;
    if !out.status.success() {
        return Err(format!("{args:?}: {}", String::from_utf8_lossy(&out.stderr)));
    }
    Ok(out)
}

fn table<'a>(cells: impl Iterator<Item = (&'a str, &'a str)>, sizes: &[u64], json: bool) -> Result<(), String> {
    if !json {
        println!(
            "{:<9}{:>9}{:>11}{:>11}{:>8}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}  fingerprint",
            "", "N", "frames", "events", "CPU s", "kev/s", "kfr/s", "conn/s", "ns/frame", "peak MB", "B/conn"
        );
    }
    for (topology, protocol) in cells {
        let usual: &[u64] = if topology == "hold" { &[10_000, 100_000, 1_000_000] } else { &[1_000, 10_000, 100_000] };
        for &n in if sizes.is_empty() { usual } else { sizes } {
            let out = again(&[], &["--cell", topology, protocol, &n.to_string()])?;
            let row: serde_json::Value = serde_json::from_slice(&out.stdout).map_err(|e| format!("not JSON: {e}"))?;
            if json {
                println!("{row}");
                continue;
            }
            let f = |key: &str| row[key].as_f64().unwrap_or_default();
            println!(
                "{:<9}{n:>9}{:>11}{:>11}{:>8.2}{:>9.0}{:>9.0}{:>9.0}{:>9.0}{:>9.1}{:>9}  {}",
                format!("{topology} {protocol}"),
                f("frames"),
                f("events"),
                f("cpu_s"),
                f("events_per_s") / 1e3,
                f("frames_per_s") / 1e3,
                f("connections_per_s"),
                f("ns_per_frame"),
                f("peak_rss_bytes") / 1e6,
                f("bytes_per_connection"),
                row["fingerprint"].as_str().unwrap_or_default()
            );
        }
    }
    Ok(())
}

/// Instructions by the difference of two sizes.
fn callgrind(topology: &str, protocol: &str) -> Result<(), String> {
    const SIZES: [u64; 2] = [2_000, 6_000];
    let mut count = [(0, 0); 2];
    for (slot, n) in count.iter_mut().zip(SIZES) {
        let under = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"];
        let out = again(&under, &["--cell", topology, protocol, &n.to_string()])?;
        let told = String::from_utf8_lossy(&out.stderr);
        let collected = told.lines().find_map(|l| l.split_once("Collected : ")?.1.trim().parse::<u64>().ok());
        let row: serde_json::Value = serde_json::from_slice(&out.stdout).map_err(|e| format!("not JSON: {e}"))?;
        *slot = (collected.ok_or("valgrind told no figure")?, row["frames"].as_u64().unwrap_or(1));
    }
    let (instructions, frames) = (count[1].0 - count[0].0, count[1].1 - count[0].1);
    let each = instructions / (SIZES[1] - SIZES[0]);
    println!("{topology} {protocol}: {each} instructions a connection, {} a frame", instructions / frames);
    Ok(())
}
