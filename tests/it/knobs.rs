//! Kernel variables as a user meets them: each is turned, and what is typed afterwards shows the difference.

use crate::support::{load, run};
use serde_json::Value;

/// Two networks behind a router; `a`, `c` and `d` share the left one, `b` is alone in the right one.
const NETWORK: &str = "\
lvsim: 1
duration: 30s
nodes:
  left: { kind: switch }
  right: { kind: switch }
  a: { kind: host, gateway: 10.0.0.254, interfaces: { eth0: { to: left, address: 10.0.0.1/24 } } }
  c: { kind: host, gateway: 10.0.0.254, interfaces: { eth0: { to: left, address: 10.0.0.3/24 } }, serves: [ tcp/80 ] }
  d: { kind: host, interfaces: { eth0: { to: left, address: 10.0.0.4/24 } } }
  r:
    kind: router
    interfaces:
      eth0: { to: left, address: 10.0.0.254/24 }
      eth1: { to: right, address: 10.0.1.254/24 }
  b: { kind: host, gateway: 10.0.1.254, interfaces: { eth0: { to: right, address: 10.0.1.2/24 } }, serves: [ tcp/80 ] }
";

/// Types lines at hosts, a second apart, and returns what the last one printed.
fn last(lines: &[(&str, &str)]) -> String {
    let mut text = format!("{NETWORK}timeline:\n");
    for (n, (node, line)) in lines.iter().enumerate() {
        let line = line.replace('\'', "''");
        text += &format!("  - {{ at: {}s, node: {node}, run: '{line}' }}\n", n + 1);
    }
    let scenario = load("case.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    let record: Value = serde_json::from_str(&run(&scenario, true, 1_000_000).record_json()).expect("JSON");
    let events = record["events"].as_array().expect("a list");
    let typed = events.iter().rfind(|e| e["run"].is_string()).expect("something was typed");
    format!("{}{}", typed["out"].as_str().unwrap_or(""), typed["err"].as_str().unwrap_or(""))
}

#[test]
fn programs_take_their_ports_from_ip_local_port_range() {
    let ports =
        "sysctl -qw net.ipv4.ip_local_port_range='40000 40003'; nc -z 10.0.0.3 80; ss -tan | awk 'NR>1 {print $4}'";
    let printed = last(&[("a", ports)]);
    assert!(["10.0.0.1:40000\n", "10.0.0.1:40002\n"].contains(&printed.as_str()), "{printed}");
    let refused = "sysctl: setting key \"net.ipv4.ip_local_port_range\": Invalid argument\n";
    assert_eq!(last(&[("a", "sysctl -w net.ipv4.ip_local_port_range='50000 40000'")]), refused);
}

#[test]
fn a_socket_may_wait_for_an_address_that_is_not_here_yet() {
    let listen = "(timeout 1 nc -l 10.0.0.99 80 || echo failed) 2>&1";
    assert!(last(&[("a", listen)]).contains("Cannot assign requested address"));
    let allowed = [("a", "sysctl -qw net.ipv4.ip_nonlocal_bind=1"), ("a", "nc -l 10.0.0.99 80 & sleep 0.5; ss -tln")];
    assert!(last(&allowed).contains("10.0.0.99:80"), "{}", last(&allowed));
}

#[test]
fn a_broadcast_is_answered_by_those_who_do_not_ignore_it() {
    let ping = ("a", "ping -b -c 1 -w 1 10.0.0.255");
    assert!(last(&[ping]).contains(" 0 received"));
    let willing = "sysctl -qw net.ipv4.icmp_echo_ignore_broadcasts=0";
    let printed = last(&[("c", willing), ("d", willing), ("a", "ping -b -c 2 -w 3 10.0.0.255")]);
    for line in [
        "WARNING: pinging broadcast address\n",
        "64 bytes from 10.0.0.3: icmp_seq=1 ttl=64",
        "64 bytes from 10.0.0.4: icmp_seq=1 ttl=64",
        " (DUP!)\n",
        "2 packets transmitted, 2 received, +1 duplicates, 0% packet loss",
    ] {
        assert!(printed.contains(line), "{line} in\n{printed}");
    }
}

/// How the questions for a neighbour that went away look: to whom, in order.
fn asked(knobs: &str) -> Vec<&'static str> {
    let knobs = format!("sysctl -qw {knobs}");
    let printed = last(&[
        ("a", "sysctl -qw net.ipv4.neigh.eth0.base_reachable_time_ms=100"),
        ("a", "ping -c 1 10.0.0.3"),
        ("a", &knobs),
        ("c", "ip link set eth0 down"),
        ("a", "ping -c 1 -w 1 10.0.0.3"),
        ("a", "timeout 12 tcpdump -i eth0 -nne arp and src 10.0.0.1"),
    ]);
    let to = |l: &str| if l.contains("> ff:ff:ff:ff:ff:ff") { "all" } else { "one" };
    printed.lines().filter(|l| l.contains("Request who-has 10.0.0.3 ")).map(to).collect()
}

#[test]
fn a_silent_neighbour_is_asked_by_unicast_then_as_mcast_resolicit_says() {
    assert_eq!(asked("net.ipv4.neigh.eth0.ucast_solicit=2"), ["one"; 2]);
    let all = asked("net.ipv4.neigh.eth0.ucast_solicit=2 net.ipv4.neigh.eth0.mcast_resolicit=3");
    assert_eq!(all, ["one", "one", "all", "all", "all"]);
    // What goes to a resolver in user space is a question that nobody hears.
    let fewer =
        "net.ipv4.neigh.eth0.ucast_solicit=1 net.ipv4.neigh.eth0.app_solicit=2 net.ipv4.neigh.eth0.mcast_resolicit=1";
    assert_eq!(asked(fewer), ["one", "all"]);
}

#[test]
fn a_private_vlan_s_router_answers_for_neighbours_of_its_own_interface() {
    let gone = ("c", "ip link set eth0 down");
    let ask = ("a", "arping -c 1 -w 1 -I eth0 10.0.0.3");
    let answers = |printed: &str| printed.matches("Unicast reply").count();
    assert_eq!(answers(&last(&[gone, ask])), 0);
    let knobs = "sysctl -qw net.ipv4.conf.eth0.proxy_arp_pvlan=1 net.ipv4.neigh.eth0.proxy_delay=0";
    assert_eq!(answers(&last(&[gone, ("r", knobs), ask])), 1);
}

#[test]
fn devices_of_one_medium_do_not_answer_for_each_other() {
    let ask = ("a", "arping -c 1 -w 2 -I eth0 10.0.1.2");
    let answers = |knobs: &str| {
        let knobs = format!("sysctl -qw net.ipv4.conf.eth0.proxy_arp=1 {knobs}");
        last(&[("r", &knobs), ask]).matches("Unicast reply").count()
    };
    assert_eq!(answers(""), 1);
    assert_eq!(answers("net.ipv4.conf.eth0.medium_id=7 net.ipv4.conf.eth1.medium_id=7"), 0);
    assert_eq!(answers("net.ipv4.conf.eth0.medium_id=7 net.ipv4.conf.eth1.medium_id=8"), 1);
    assert_eq!(answers("net.ipv4.conf.eth0.medium_id=-1"), 0);
}

#[test]
fn a_route_without_carrier_counts_unless_it_is_ignored() {
    let cut = "  - { at: 500ms, link: [r:eth1, right], set: { up: false } }\n";
    let of = |knob: &str| {
        let lines = format!("{knob}; ip route; ip route get 10.0.1.2");
        let text = format!("{NETWORK}timeline:\n{cut}  - {{ at: 1s, node: r, run: '{lines}' }}\n");
        let scenario = load("case.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"));
        let record: Value = serde_json::from_str(&run(&scenario, true, 1_000_000).record_json()).expect("JSON");
        let events = record["events"].as_array().expect("a list");
        let typed = events.iter().find(|e| e["run"].is_string()).expect("something was typed");
        format!("{}{}", typed["out"].as_str().unwrap_or(""), typed["err"].as_str().unwrap_or(""))
    };
    let counts = of("true");
    assert!(counts.contains("src 10.0.1.254 linkdown \n") && counts.contains("10.0.1.2 dev eth1"), "{counts}");
    let ignored = of("sysctl -qw net.ipv4.conf.eth1.ignore_routes_with_linkdown=1");
    assert!(ignored.contains("src 10.0.1.254 dead linkdown \n"), "{ignored}");
    assert!(ignored.contains("RTNETLINK answers: Network is unreachable"), "{ignored}");
}

#[test]
fn a_packet_for_one_host_in_a_frame_for_all_can_be_refused() {
    let wrong = ("a", "arp -s 10.0.0.3 ff:ff:ff:ff:ff:ff");
    let ping = ("a", "ping -c 1 -w 1 10.0.0.3");
    assert!(last(&[wrong, ping]).contains(" 1 received"));
    let refuse = ("c", "sysctl -qw net.ipv4.conf.eth0.drop_unicast_in_l2_multicast=1");
    assert!(last(&[refuse, wrong, ping]).contains(" 0 received"));
}

#[test]
fn the_mark_counts_in_source_validation_only_where_it_is_said() {
    let ping = ("a", "ping -c 1 -w 1 -I 10.7.0.1 10.0.0.3");
    // The question for c's hardware address has no mark: it is asked with a source that needs none.
    let odd = ("a", "ip addr add 10.7.0.1/32 dev lo; ping -c 1 10.0.0.3");
    let strict = "sysctl -qw net.ipv4.conf.all.rp_filter=1; for chain in PREROUTING OUTPUT; do \
                  iptables -t mangle -A $chain -j MARK --set-mark 7; done; \
                  ip route add 10.7.0.0/24 dev lo; ip route add 10.7.0.0/24 dev eth0 table 7; ip rule add fwmark 7 table 7";
    assert!(last(&[odd, ("c", strict), ping]).contains(" 0 received"));
    let valid = ("c", "sysctl -qw net.ipv4.conf.eth0.src_valid_mark=1");
    let printed = last(&[odd, ("c", strict), valid, ping]);
    assert!(printed.contains(" 1 received"), "{printed}");
}

#[test]
fn a_secure_redirect_names_a_gateway_that_some_route_has() {
    let shared = "sysctl -qw net.ipv4.conf.all.shared_media=0 net.ipv4.conf.eth0.shared_media=0";
    let open = "sysctl -qw net.ipv4.conf.all.secure_redirects=0 net.ipv4.conf.eth0.secure_redirects=0";
    let believes = |first: &str| {
        let first = format!("{shared}; {first}; ping -c 1 10.0.0.3");
        let printed = last(&[
            ("r", "ip route add 10.9.0.0/16 via 10.0.0.3"),
            ("a", &first),
            ("a", "ping -c 1 -w 1 10.9.0.1"),
            ("a", "ip route get 10.9.0.1"),
        ]);
        printed.contains("via 10.0.0.3")
    };
    assert!(!believes("true"));
    assert!(believes(open));
    assert!(believes("ip route add 10.10.0.0/16 via 10.0.0.3"));
}
