//! The kernel's counters as a user reads them: what a small network does moves these, and no others.

use crate::support::{load, run};
use serde_json::Value;

/// Two networks, a router between them; `a` is alone in its network, `b` serves.
const NETWORK: &str = "\
lvsim: 1
duration: 20s
nodes:
  left: { kind: switch }
  right: { kind: switch }
  a: { kind: host, gateway: 10.0.0.254, interfaces: { eth0: { to: left, address: 10.0.0.1/24 } } }
  r:
    kind: router
    interfaces:
      eth0: { to: left, address: 10.0.0.254/24 }
      eth1: { to: right, address: 10.0.1.254/24 }
  b:
    kind: host
    gateway: 10.0.1.254
    interfaces: { eth0: { to: right, address: 10.0.1.2/24 } }
    serves: [ tcp/80, udp/53 ]
";

/// What `nstat` prints at the end on a host, without TCP's own counters and octets.
fn counted(node: &str, rest: &str) -> String {
    let text = format!("{NETWORK}{rest}observe:\n  - {{ at: end, node: {node}, run: nstat -a }}\n");
    let scenario = load("case.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    let record: Value = serde_json::from_str(&run(&scenario, true, 1_000_000).record_json()).expect("JSON");
    let events = record["events"].as_array().expect("a list");
    let out = events.iter().find(|e| e["run"] == "nstat -a").and_then(|e| e["out"].as_str()).expect("its output");
    let rows = out.lines().skip(1).filter_map(|l| {
        let mut words = l.split_whitespace();
        let (id, n) = (words.next()?, words.next()?);
        let others = id.starts_with("Tcp") && id != "TcpExtIPReversePathFilter";
        (!others && !id.contains("Octets") && id != "IpExtInNoECTPkts").then(|| format!("{id} {n}"))
    });
    rows.collect::<Vec<_>>().join(", ")
}

fn typed(node: &str, line: &str) -> String {
    format!("timeline:\n  - {{ at: 1s, node: {node}, run: \"{line}\" }}\n")
}

#[test]
fn a_router_counts_what_it_forwards_as_sent_too() {
    let ping = typed("a", "ping -c 3 10.0.1.2");
    assert_eq!(counted("r", &ping), "IpInReceives 6, IpForwDatagrams 6, IpOutRequests 6");
    let ends = "IpInReceives 3, IpInDelivers 3, IpOutRequests 3, IcmpInMsgs 3, ";
    let asks = "IcmpInEchoReps 3, IcmpOutMsgs 3, IcmpOutEchos 3, IcmpMsgInType0 3, IcmpMsgOutType8 3";
    assert_eq!(counted("a", &ping), format!("{ends}{asks}"));
    let answers = "IcmpInEchos 3, IcmpOutMsgs 3, IcmpOutEchoReps 3, IcmpMsgInType8 3, IcmpMsgOutType0 3";
    assert_eq!(counted("b", &ping), format!("{ends}{answers}"));
}

#[test]
fn what_a_router_cannot_forward_is_counted_by_its_reason() {
    let gone = |what: &str| format!("IpInReceives 1, {what}, IcmpOutMsgs 1, ");
    let unreachable = "IcmpOutDestUnreachs 1, IcmpMsgOutType3 1";
    assert_eq!(
        counted("r", &typed("a", "ping -c 1 -t 1 10.0.1.2")),
        gone("IpInHdrErrors 1, IpOutRequests 1") + "IcmpOutTimeExcds 1, IcmpMsgOutType11 1"
    );
    assert_eq!(
        counted("r", &typed("a", "ping -c 1 192.0.2.1")),
        gone("IpOutRequests 1") + unreachable + ", IpExtInNoRoutes 1"
    );
    assert_eq!(
        counted("r", &typed("a", "ping -c 1 10.0.1.77")),
        "IpInReceives 1, IpForwDatagrams 1, IpOutRequests 2, IcmpOutMsgs 1, ".to_string() + unreachable
    );
    let off = typed("r", "sysctl -w net.ipv4.ip_forward=0");
    let lost = format!("{off}  - {{ at: 2s, node: a, run: ping -c 1 10.0.1.2 }}\n");
    assert_eq!(counted("r", &lost), "IpInReceives 1, IpInAddrErrors 1");
    // The first ping asks for the router's hardware address: a question with a wrong sender is dropped without a counter.
    let strict = "ip addr add 10.5.0.1/32 dev lo; ping -c 1 10.0.0.254; ping -c 1 -I 10.5.0.1 10.0.1.2";
    let lost = typed("r", "sysctl -w net.ipv4.conf.all.rp_filter=1") + &typed("a", strict)["timeline:\n".len()..];
    let counters = counted("r", &lost);
    assert!(counters.starts_with("IpInReceives 2, IpInDelivers 1, IpOutRequests 1"), "{counters}");
    assert!(counters.ends_with(", TcpExtIPReversePathFilter 1"), "{counters}");
}

#[test]
fn fragments_are_counted_where_they_are_made_and_where_they_are_joined() {
    let ping = typed("a", "ping -c 1 -s 3000 10.0.1.2");
    assert!(counted("a", &ping).contains("IpReasmReqds 3, IpReasmOKs 1, IpFragOKs 1, IpFragCreates 3"));
    assert_eq!(counted("r", &ping), "IpInReceives 6, IpForwDatagrams 6, IpOutRequests 6");
    let narrow = typed("r", "ip link set eth1 mtu 1000");
    let refused = format!("{narrow}  - {{ at: 2s, node: a, run: ping -c 1 -s 1200 -M do 10.0.1.2 }}\n");
    let counters =
        "IpInReceives 1, IpOutRequests 1, IpFragFails 1, IcmpOutMsgs 1, IcmpOutDestUnreachs 1, IcmpMsgOutType3 1";
    assert_eq!(counted("r", &refused), counters);
}

#[test]
fn datagrams_are_counted_at_their_ports() {
    let dns = "traffic:\n  - { from: a, to: \"10.0.1.2:53\", protocol: udp, start: 1s }\n";
    let served = "IpInReceives 1, IpInDelivers 1, IpOutRequests 1, UdpInDatagrams 1, UdpOutDatagrams 1";
    assert_eq!((counted("a", dns).as_str(), counted("b", dns).as_str()), (served, served));
    let closed = dns.replace(":53", ":54");
    let refused = "IpInReceives 1, IpInDelivers 1, IpOutRequests 1, IcmpOutMsgs 1, IcmpOutDestUnreachs 1, \
                   IcmpMsgOutType3 1, UdpNoPorts 1";
    assert_eq!(counted("b", &closed), refused);
    let heard = "IpInReceives 1, IpInDelivers 1, IpOutRequests 1, IcmpInMsgs 1, IcmpInDestUnreachs 1, \
                 IcmpMsgInType3 1, UdpOutDatagrams 1";
    assert_eq!(counted("a", &closed), heard);
}

#[test]
fn what_a_rule_of_the_sender_drops_is_no_packet_sent() {
    let rule = typed("a", "iptables -A OUTPUT -j DROP; ping -c 1 10.0.1.2");
    assert_eq!(counted("a", &rule), "IpOutDiscards 1, IcmpOutMsgs 1, IcmpOutEchos 1, IcmpMsgOutType8 1");
}

#[test]
fn refusals_of_a_route_pay_twice_so_two_go_at_once_and_the_rest_is_counted() {
    let burst = typed("a", "ping -c 4 -i 0.1 192.0.2.1");
    let counters = counted("r", &burst);
    assert!(counters.contains("IcmpOutMsgs 2, IcmpOutRateLimitHost 1, IcmpOutDestUnreachs 2"), "{counters}");
    assert!(counters.ends_with("IpExtInNoRoutes 4"), "{counters}");
}
