//! For tests of studies.

use super::books::Books;
use super::numbers::Waits;
use super::sample::{Case, Sample};
use crate::scenario::{Names, Scenario, load};

/// What a run measured of which only the times matter: four connections, three of them answered.
pub fn sample(case: Case, waits: Waits) -> Sample {
    Sample {
        case,
        connections: 4,
        ok: 3,
        connect: waits,
        first_byte: waits,
        completion: waits,
        slowdown: waits,
        servers: Vec::new(),
        evenness: None,
        busy_evenness: None,
        director: None,
        events: 99,
        books: Books::default(),
        detail: None,
    }
}

/// So many servers behind a director on one switch; `serve` is what each does, `traffic` the rest of the entry.
pub fn lab(servers: u32, serve: &str, traffic: &str) -> Scenario {
    let mut text = String::from(
        "lvsim: 1\nname: lab\ndefaults: { link: { latency: 1us, bandwidth: 100gbit } }\nnodes:\n  lan: { kind: switch }\n  \
         client: { kind: client, interfaces: { eth0: { to: lan, address: 10.0.0.1/8 } } }\n  director:\n    kind: director\n    \
         interfaces: { eth0: { to: lan, addresses: [10.0.0.2/8, 10.0.0.100/32] } }\n    run: |\n      \
         ipvsadm -A -t 10.0.0.100:80 -s rr\n",
    );
    for n in 1..=servers {
        text.push_str(&format!("      ipvsadm -a -t 10.0.0.100:80 -r 10.0.1.{n} -g -w 1\n"));
    }
    text.push_str(&format!(
        "  rs:\n    kind: real-server\n    count: {servers}\n    interfaces:\n      eth0: {{ to: lan, address: 10.0.1.1/8 }}\n    \
         sysctl: {{ net.ipv4.conf.all.arp_ignore: 1, net.ipv4.conf.all.arp_announce: 2 }}\n    \
         run: ip addr add 10.0.0.100/32 dev lo\n    serves: [ {{ port: 80, {serve} }} ]\ntraffic:\n  - {{ name: web, from: \
         client, to: '10.0.0.100:80', timeout: 60s, {traffic} }}\n"
    ));
    // A group counts every address up, one on lo as well: that is why it is typed.
    load("lab.yaml", &text, &[], &Names::default()).expect("a good scenario").scenario
}
