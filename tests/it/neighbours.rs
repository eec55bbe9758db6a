//! What progress of a connection does for the neighbours along its way.

use crate::support::{load, run};
use serde_json::Value;

/// A director by NAT between a client and a server; a connection at 1 s and, if `later`, another one at 3 s. Returns the
/// questions that the director asks on the client's side.
fn probes(later: bool) -> Vec<String> {
    let again = "  - { name: later, from: client, to: '10.0.0.100:80', start: 3s }\n";
    let text = format!(
        "lvsim: 1
duration: 8s
nodes:
  front: {{ kind: switch }}
  back: {{ kind: switch }}
  client:
    kind: client
    interfaces: {{ eth0: {{ to: front, address: 10.0.0.1/24 }} }}
  director:
    kind: director
    interfaces:
      eth0: {{ to: front, address: 10.0.0.100/24 }}
      eth1: {{ to: back, address: 10.1.0.100/24 }}
    run: |
      echo 1 > /proc/sys/net/ipv4/ip_forward
      ipvsadm -A -t 10.0.0.100:80 -s rr
      ipvsadm -a -t 10.0.0.100:80 -r 10.1.0.2 -m
  server:
    kind: real-server
    interfaces: {{ eth0: {{ to: back, address: 10.1.0.2/24 }} }}
    gateway: 10.1.0.100
    serves: [ tcp/80 ]
traffic:
  - {{ name: first, from: client, to: '10.0.0.100:80', start: 1s }}
{}",
        if later { again } else { "" }
    );
    let scenario = load("case.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    let all: Value = serde_json::from_str(&run(&scenario, true, 1_000_000).record_json()).expect("JSON");
    let rows = all["frames"]["director:eth0"].as_array().cloned().unwrap_or_default();
    let questions = rows.iter().filter_map(|f| Some((f["dir"].as_str()?, f["type"].as_str()?)));
    questions
        .filter(|(dir, line)| *dir == "out" && line.contains("who-has"))
        .map(|(_, line)| line.to_string())
        .collect()
}

#[test]
fn progress_of_a_server_confirms_the_next_hop_of_the_director_that_passes_it_on() {
    assert_eq!(probes(false), ["ARP request who-has 10.0.0.1 tell 10.0.0.100"]);
    assert_eq!(probes(true), [""; 0]);
}
