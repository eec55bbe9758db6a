//! `why` names the cause of a broken lab: scenarios of the repository, each broken by one change.

use crate::support::{Sandbox, load, scenarios, text};
use lvsim::report::run::{Run, RunOptions, simulate};
use lvsim::report::why::{Subject, why};
use lvsim::scenario::Scenario;
use lvsim::scenario::causes::cause;
use lvsim::trace::{Dir, TraceEvent};
use lvsim::wire::{Icmp, L4};

/// A change that breaks a scenario, and what is to be found then.
struct Broken {
    name: &'static str,
    base: &'static str,
    /// What is replaced by what, in so many places at most.
    changes: &'static [(&'static str, &'static str, usize)],
    code: &'static str,
    node: &'static str,
}

const ALIAS: &str = "      ifconfig lo:0 192.168.1.200 netmask 255.255.255.255 broadcast 192.168.1.200 up\n      route add -host 192.168.1.200 dev lo:0\n";

const BROKEN: &[Broken] = &[
    Broken {
        name: "not-hidden",
        base: "dr",
        changes: &[
            ("      echo 1 > /proc/sys/net/ipv4/conf/all/arp_ignore\n", "", 2),
            ("address: 192.168.1.199/24 }", "address: 192.168.1.199/24, latency: 2ms }", 1),
        ],
        code: "vip-not-hidden",
        node: "rs1",
    },
    Broken {
        name: "ignore-on-lo",
        base: "dr",
        changes: &[
            ("conf/all/arp_ignore", "conf/lo/arp_ignore", 9),
            ("address: 192.168.1.199/24 }", "address: 192.168.1.199/24, latency: 2ms }", 1),
        ],
        code: "arp-ignore-on-lo",
        node: "rs1",
    },
    Broken {
        name: "no-announce",
        base: "dr",
        changes: &[("      echo 2 > /proc/sys/net/ipv4/conf/all/arp_announce\n", "", 2)],
        code: "arp-announce",
        node: "rs1",
    },
    Broken {
        name: "announce-lo",
        base: "dr",
        changes: &[("conf/all/arp_announce", "conf/lo/arp_announce", 9)],
        code: "arp-announce",
        node: "rs1",
    },
    Broken {
        name: "misspelt",
        base: "dr",
        changes: &[
            ("conf/all/arp_ignore", "conf/all/arg_ignore", 9),
            ("address: 192.168.1.199/24 }", "address: 192.168.1.199/24, latency: 2ms }", 1),
        ],
        code: "misspelt-knob",
        node: "rs1",
    },
    Broken {
        name: "stale",
        base: "dr",
        changes: &[
            ("      echo 1 > /proc/sys/net/ipv4/conf/all/arp_ignore\n", "", 1),
            ("address: 192.168.1.199/24 }", "address: 192.168.1.199/24, latency: 2ms }", 1),
            (
                "\nobserve:",
                "\ntimeline:\n  - { at: 550ms, node: rs1, run: sysctl -w net.ipv4.conf.all.arp_ignore=1 }\n\nobserve:",
                1,
            ),
        ],
        code: "stale-neighbour",
        node: "client",
    },
    Broken {
        name: "lo-24",
        base: "dr",
        changes: &[(
            "ifconfig lo:0 192.168.1.200 netmask 255.255.255.255 broadcast 192.168.1.200 up",
            "ifconfig lo:0 192.168.1.200 netmask 255.255.255.0 up",
            1,
        )],
        code: "vip-mask",
        node: "rs1",
    },
    Broken { name: "rs-no-vip", base: "dr", changes: &[(ALIAS, "", 1)], code: "real-server-without-vip", node: "rs1" },
    Broken {
        name: "dir-no-vip",
        base: "dr",
        changes: &[(
            "      ifconfig eth0:0 192.168.1.200 netmask 255.255.255.255 broadcast 192.168.1.200 up\n      route add -host 192.168.1.200 dev eth0:0\n",
            "",
            1,
        )],
        code: "director-without-vip",
        node: "director",
    },
    Broken {
        name: "no-service",
        base: "dr",
        changes: &[
            ("-A -t 192.168.1.200:80", "-A -t 192.168.1.200:8080", 1),
            ("-a -t 192.168.1.200:80", "-a -t 192.168.1.200:8080", 2),
        ],
        code: "no-service",
        node: "director",
    },
    Broken {
        name: "no-service-udp",
        base: "dr",
        changes: &[("-A -t", "-A -u", 1), ("-a -t", "-a -u", 2)],
        code: "no-service",
        node: "director",
    },
    Broken {
        name: "no-ipvsadm",
        base: "nat",
        changes: &[(
            "      ipvsadm -A -t 8.8.8.8:80 -s rr\n      ipvsadm -a -t 8.8.8.8:80 -r 192.168.10.2:80 -m\n      ipvsadm -a -t 8.8.8.8:80 -r 192.168.10.3:80 -m\n",
            "      true\n",
            1,
        )],
        code: "no-service",
        node: "director",
    },
    Broken {
        name: "no-servers",
        base: "dr",
        changes: &[(
            "      ipvsadm -a -t 192.168.1.200:80 -r 192.168.1.198 -g\n      ipvsadm -a -t 192.168.1.200:80 -r 192.168.1.197 -g\n",
            "",
            1,
        )],
        code: "no-servers",
        node: "director",
    },
    Broken {
        name: "weight-0",
        base: "nat",
        changes: &[(":80 -m", ":80 -m -w 0", 2)],
        code: "no-servers",
        node: "director",
    },
    Broken {
        name: "deaf",
        base: "dr",
        changes: &[("    serves: [tcp/80]\n", "", 1)],
        code: "not-listening",
        node: "rs1",
    },
    Broken {
        name: "deaf-nat",
        base: "nat",
        changes: &[("    serves: [tcp/80]\n", "", 1)],
        code: "not-listening",
        node: "web1",
    },
    Broken {
        name: "port-map",
        base: "dr",
        changes: &[
            ("    serves: [tcp/80]\n", "    serves: [tcp/8080]\n", 1),
            ("-r 192.168.1.198 -g", "-r 192.168.1.198:8080 -g", 1),
        ],
        code: "port-mapping",
        node: "rs1",
    },
    Broken {
        name: "port-map-tun",
        base: "tun",
        changes: &[
            ("    serves: [tcp/80]\n", "    serves: [tcp/8080]\n", 2),
            ("10.2:80 -i", "10.2:8080 -i", 1),
            ("10.3:80 -i", "10.3:8080 -i", 1),
        ],
        code: "port-mapping",
        node: "web1",
    },
    Broken {
        name: "nat-port",
        base: "nat",
        changes: &[("    serves: [tcp/80]\n", "    serves: [tcp/8080]\n", 1)],
        code: "nat-without-port",
        node: "director",
    },
    Broken {
        name: "nat-gw",
        base: "nat",
        changes: &[("    gateway: 192.168.10.1\n", "", 1)],
        code: "nat-gateway",
        node: "web1",
    },
    Broken {
        name: "nat-gw-2",
        base: "nat",
        changes: &[("    gateway: 192.168.10.1\n", "    gateway: 192.168.10.3\n", 1)],
        code: "nat-gateway",
        node: "web1",
    },
    Broken {
        name: "nat-gw-missing",
        base: "nat",
        changes: &[("    gateway: 192.168.10.1\n", "    gateway: 192.168.10.254\n", 1)],
        code: "nat-gateway",
        node: "web1",
    },
    Broken {
        name: "nat-fwd",
        base: "nat",
        changes: &[("net.ipv4.ip_forward: 1", "net.ipv4.ip_forward: 0", 1)],
        code: "ip-forward",
        node: "director",
    },
    Broken {
        name: "nat-1net",
        base: "nat",
        changes: &[
            ("eth0: { to: front, address: 8.8.8.1/24 }", "eth0: { to: back, address: 192.168.10.9/24 }", 1),
            ("8.8.8.8:80", "192.168.10.1:80", 9),
        ],
        code: "nat-one-network",
        node: "web1",
    },
    Broken {
        name: "tun-down",
        base: "tun",
        changes: &[(
            "      ifconfig tunl0 200.168.10.10 netmask 255.255.255.255 up\n      route add -host 200.168.10.10 dev tunl0\n\ntraffic",
            "      ifconfig tunl0 200.168.10.10 netmask 255.255.255.255 up\n      ifconfig tunl0 down\n\ntraffic",
            1,
        )],
        code: "tunnel-down",
        node: "web2",
    },
    Broken {
        name: "tun-rp",
        base: "tun",
        changes: &[(
            "      net.ipv4.conf.all.arp_ignore: 1\n",
            "      net.ipv4.conf.all.arp_ignore: 1\n      net.ipv4.conf.all.rp_filter: 1\n",
            1,
        )],
        code: "rp-filter",
        node: "web1",
    },
    Broken {
        name: "tun-no-vip",
        base: "tun",
        changes: &[(
            "      net.ipv4.conf.all.arp_announce: 2\n    serves: [tcp/80]\n    run: |\n      ifconfig tunl0 200.168.10.10 netmask 255.255.255.255 up\n      route add -host 200.168.10.10 dev tunl0\n",
            "      net.ipv4.conf.all.arp_announce: 2\n    serves: [tcp/80]\n    run: ip link set tunl0 up\n",
            1,
        )],
        code: "real-server-without-vip",
        node: "web1",
    },
    Broken {
        name: "mode-m",
        base: "dr",
        changes: &[("-r 192.168.1.198 -g", "-r 192.168.1.198 -m", 1)],
        code: "wrong-mode",
        node: "rs1",
    },
    Broken {
        name: "mode-g",
        base: "nat",
        changes: &[("10.2:80 -m", "10.2:80 -g", 1)],
        code: "wrong-mode",
        node: "web1",
    },
    Broken {
        name: "mode-i",
        base: "dr",
        changes: &[("-r 192.168.1.198 -g", "-r 192.168.1.198 -i", 1)],
        code: "wrong-mode",
        node: "rs1",
    },
    Broken {
        name: "filter",
        base: "dr",
        changes: &[(
            "    run: |\n      ifconfig eth0:0",
            "    run: |\n      iptables -A INPUT -p tcp --dport 80 -j DROP\n      ifconfig eth0:0",
            1,
        )],
        code: "filter-drops",
        node: "director",
    },
    Broken {
        name: "filter-rs",
        base: "nat",
        changes: &[(
            "    gateway: 192.168.10.1\n",
            "    gateway: 192.168.10.1\n    run: iptables -A INPUT -p tcp --dport 80 -j REJECT\n",
            1,
        )],
        code: "filter-drops",
        node: "web1",
    },
    Broken {
        name: "arptables",
        base: "dr",
        changes: &[(
            "    run: |\n      ifconfig eth0:0",
            "    run: |\n      arptables -A INPUT -d 192.168.1.200 -j DROP\n      ifconfig eth0:0",
            1,
        )],
        code: "arp-filtered",
        node: "director",
    },
    Broken {
        name: "iface-down",
        base: "dr",
        changes: &[("      ifconfig lo:0", "      ifconfig eth0 down\n      ifconfig lo:0", 1)],
        code: "interface-down",
        node: "rs1",
    },
    Broken {
        name: "cable",
        base: "dr",
        changes: &[(
            "\nobserve:",
            "\ntimeline:\n  - { at: 800ms, link: [rs1:eth0, lan], set: { up: false } }\n\nobserve:",
            1,
        )],
        code: "interface-down",
        node: "rs1",
    },
    Broken {
        name: "mask",
        base: "nat",
        changes: &[("address: 8.8.8.1/24", "address: 8.8.8.1/30", 1)],
        code: "mask-mismatch",
        node: "client",
    },
    Broken {
        name: "mask-rs",
        base: "dr",
        changes: &[("address: 192.168.1.198/24", "address: 192.168.1.198/28", 1)],
        code: "mask-mismatch",
        node: "rs1",
    },
    Broken {
        name: "dup",
        base: "dr",
        changes: &[(
            "traffic:",
            "  printer:\n    kind: host\n    interfaces:\n      eth0: { to: lan, address: 192.168.1.200/24, latency: 10us }\n\ntraffic:",
            1,
        )],
        code: "duplicate-address",
        node: "printer",
    },
    Broken {
        name: "unowned",
        base: "dr",
        changes: &[("-r 192.168.1.198 -g", "-r 192.168.1.189 -g", 1)],
        code: "unowned-address",
        node: "director",
    },
    Broken {
        name: "no-route",
        base: "dr",
        changes: &[("-r 192.168.1.198 -g", "-r 192.168.2.198 -g", 1)],
        code: "no-route",
        node: "director",
    },
    Broken {
        name: "client-no-route",
        base: "nat",
        changes: &[("to: \"8.8.8.8:80\"", "to: \"9.9.9.9:80\"", 1)],
        code: "no-route",
        node: "client",
    },
    Broken {
        name: "health",
        base: "nat",
        changes: &[(
            "\nobserve:",
            "\ntimeline:\n  - { at: 600ms, node: director, run: \"ipvsadm -d -t 8.8.8.8:80 -r 192.168.10.2:80; ipvsadm -a -t 8.8.8.8:80 -r 192.168.10.2:80\" }\n\nobserve:",
            1,
        )],
        code: "health-loop",
        node: "director",
    },
    Broken {
        name: "weights",
        base: "dr",
        changes: &[
            ("-r 192.168.1.198 -g", "-r 192.168.1.198 -g -w 2", 1),
            ("sequence: [rs2, rs1, rs2, rs1, rs2, rs1]", "served: { rs1: 4, rs2: 2 }", 1),
        ],
        code: "weight-ignored",
        node: "director",
    },
    Broken {
        name: "lossy",
        base: "dr",
        changes: &[("address: 192.168.1.198/24 }", "address: 192.168.1.198/24, loss: 90% }", 1)],
        code: "lossy-link",
        node: "rs1",
    },
    Broken {
        name: "mtu",
        base: "tun",
        changes: &[
            ("response: 1kB", "request: 4kB, response: 1kB", 1),
            (
                "    run: |\n      ifconfig tunl0 200.168.10.10 netmask 255.255.255.255 up\n      route add -host 200.168.10.10 dev tunl0\n      ipvsadm",
                "    run: |\n      iptables -A OUTPUT -p icmp -j DROP\n      ifconfig tunl0 200.168.10.10 netmask 255.255.255.255 up\n      route add -host 200.168.10.10 dev tunl0\n      ipvsadm",
                1,
            ),
        ],
        code: "mtu",
        node: "director",
    },
    Broken {
        name: "gw-self",
        base: "nat",
        changes: &[("    gateway: 192.168.10.1\n", "    run: route add default gw 192.168.10.2\n", 1)],
        code: "default-route-to-self",
        node: "web1",
    },
    Broken {
        name: "dr-router",
        base: "dr",
        changes: &[
            (
                "  rs1:\n    kind: real-server\n    interfaces:\n      eth0: { to: lan, address: 192.168.1.198/24 }\n",
                "  far: { kind: switch }\n  r:\n    kind: router\n    interfaces:\n      eth0: { to: lan, address: 192.168.1.1/24 }\n      eth1: { to: far, address: 192.168.2.1/24 }\n  rs1:\n    kind: real-server\n    interfaces:\n      eth0: { to: far, address: 192.168.2.198/24 }\n    gateway: 192.168.2.1\n",
                1,
            ),
            ("-r 192.168.1.198", "-r 192.168.2.198", 1),
            (
                "address: 192.168.1.199/24 }",
                "address: 192.168.1.199/24 }\n    routes: [192.168.2.0/24 via 192.168.1.1]",
                1,
            ),
        ],
        code: "dr-across-router",
        node: "director",
    },
    Broken {
        name: "dir-gw",
        base: "dr",
        changes: &[
            (
                "  client:\n    kind: client\n    interfaces:\n      eth0: { to: lan, address: 192.168.1.101/24 }\n",
                "  out: { kind: switch }\n  client:\n    kind: client\n    interfaces:\n      eth0: { to: out, address: 10.9.9.2/24 }\n    gateway: 10.9.9.1\n",
                1,
            ),
            (
                "address: 192.168.1.199/24 }",
                "address: 192.168.1.199/24 }\n      eth1: { to: out, address: 10.9.9.1/24 }\n    sysctl: { net.ipv4.ip_forward: 1 }",
                1,
            ),
            ("address: 192.168.1.198/24 }", "address: 192.168.1.198/24 }\n    gateway: 192.168.1.199", 1),
            ("address: 192.168.1.197/24 }", "address: 192.168.1.197/24 }\n    gateway: 192.168.1.199", 1),
        ],
        code: "answers-through-director",
        node: "rs1",
    },
    Broken {
        name: "no-gw-dr",
        base: "dr",
        changes: &[
            (
                "  client:\n    kind: client\n    interfaces:\n      eth0: { to: lan, address: 192.168.1.101/24 }\n",
                "  out: { kind: switch }\n  r:\n    kind: router\n    interfaces:\n      eth0: { to: lan, address: 192.168.1.1/24 }\n      eth1: { to: out, address: 10.9.9.1/24 }\n  client:\n    kind: client\n    interfaces:\n      eth0: { to: out, address: 10.9.9.2/24 }\n    gateway: 10.9.9.1\n",
                1,
            ),
            ("address: 192.168.1.197/24 }", "address: 192.168.1.197/24 }\n    gateway: 192.168.1.1", 1),
        ],
        code: "no-route-back",
        node: "rs1",
    },
    Broken {
        name: "r-no-fwd",
        base: "dr",
        changes: &[
            (
                "  client:\n    kind: client\n    interfaces:\n      eth0: { to: lan, address: 192.168.1.101/24 }\n",
                "  out: { kind: switch }\n  r:\n    kind: host\n    interfaces:\n      eth0: { to: lan, address: 192.168.1.1/24 }\n      eth1: { to: out, address: 10.9.9.1/24 }\n  client:\n    kind: client\n    interfaces:\n      eth0: { to: out, address: 10.9.9.2/24 }\n    gateway: 10.9.9.1\n",
                1,
            ),
            ("address: 192.168.1.197/24 }", "address: 192.168.1.197/24 }\n    gateway: 192.168.1.1", 1),
            ("address: 192.168.1.198/24 }", "address: 192.168.1.198/24 }\n    gateway: 192.168.1.1", 1),
        ],
        code: "ip-forward",
        node: "r",
    },
    Broken {
        name: "overload",
        base: "dr",
        changes: &[
            (
                "    serves: [tcp/80]\n",
                "    serves: [{ protocol: tcp, port: 80, workers: 1, backlog: 1, service_time: 2s }]\n",
                2,
            ),
            ("connections: 6, every: 200ms", "connections: 60, every: 1ms", 1),
        ],
        code: "server-overloaded",
        node: "rs1",
    },
    Broken {
        name: "differ",
        base: "dr",
        changes: &[
            (
                "  rs1:\n",
                "  backup:\n    kind: director\n    interfaces:\n      eth0: { to: lan, address: 192.168.1.190/24 }\n    run: |\n      ipvsadm -A -t 192.168.1.200:80 -s rr\n      ipvsadm -a -t 192.168.1.200:80 -r 192.168.1.198 -m\n\n  rs1:\n",
                1,
            ),
            (
                "\nobserve:",
                "\ntimeline:\n  - { at: 950ms, node: director, run: ifconfig eth0 down }\n  - { at: 960ms, node: backup, run: \"ip addr add 192.168.1.200/32 dev eth0; arping -U -c 1 -I eth0 192.168.1.200\" }\n\nobserve:",
                1,
            ),
        ],
        code: "directors-differ",
        node: "backup",
    },
    Broken {
        name: "takeover-no-garp",
        base: "dr",
        changes: &[
            (
                "  rs1:\n",
                "  backup:\n    kind: director\n    interfaces:\n      eth0: { to: lan, address: 192.168.1.190/24 }\n    run: |\n      ipvsadm -A -t 192.168.1.200:80 -s rr\n      ipvsadm -a -t 192.168.1.200:80 -r 192.168.1.198 -g\n      ipvsadm -a -t 192.168.1.200:80 -r 192.168.1.197 -g\n\n  rs1:\n",
                1,
            ),
            (
                "\nobserve:",
                "\ntimeline:\n  - { at: 950ms, node: director, run: ifconfig eth0:0 down }\n  - { at: 960ms, node: backup, run: \"ip addr add 192.168.1.200/32 dev eth0\" }\n\nobserve:",
                1,
            ),
        ],
        code: "stale-neighbour",
        node: "client",
    },
    Broken {
        name: "two-directors",
        base: "dr",
        changes: &[(
            "  rs1:\n",
            "  backup:\n    kind: director\n    interfaces:\n      eth0: { to: lan, address: 192.168.1.190/24, latency: 10us }\n    run: |\n      ip addr add 192.168.1.200/32 dev eth0\n\n  rs1:\n",
            1,
        )],
        code: "duplicate-address",
        node: "backup",
    },
    Broken {
        name: "sh-p",
        base: "dr",
        changes: &[
            ("-s rr", "-s sh -p 300", 1),
            ("sequence: [rs2, rs1, rs2, rs1, rs2, rs1]", "served: { rs1: 3, rs2: 3 }", 1),
        ],
        code: "persistence-with-sh",
        node: "director",
    },
    Broken {
        name: "curl-only",
        base: "nat",
        changes: &[
            (
                "  - { name: web, from: client, to: \"8.8.8.8:80\", start: 500ms, connections: 6, every: 200ms, response: 1kB }\n",
                "  - { name: web, from: client, to: \"8.8.8.8:80\", start: 500ms, connections: 6, every: 200ms, response: 1kB }\n",
                1,
            ),
            ("net.ipv4.ip_forward: 1", "net.ipv4.ip_forward: 0", 1),
            ("\nobserve:", "\nduration: 12s\n\nobserve:", 1),
        ],
        code: "ip-forward",
        node: "director",
    },
    Broken {
        name: "vip-on-lo-dir",
        base: "dr",
        changes: &[
            (
                "    run: |\n      ifconfig eth0:0",
                "    run: |\n      sysctl -w net.ipv4.conf.all.arp_ignore=1\n      ifconfig lo:0",
                1,
            ),
            ("dev eth0:0", "dev lo", 1),
        ],
        code: "arp-filtered",
        node: "director",
    },
    Broken {
        name: "drop-policy",
        base: "dr",
        changes: &[(
            "    run: |\n      ifconfig eth0:0",
            "    run: |\n      iptables -P INPUT DROP\n      ifconfig eth0:0",
            1,
        )],
        code: "filter-drops",
        node: "director",
    },
    Broken {
        name: "arp-filter-rs",
        base: "nat",
        changes: &[(
            "    gateway: 192.168.10.1\n",
            "    gateway: 192.168.10.1\n    run: arptables -A INPUT -j DROP\n",
            1,
        )],
        code: "arp-filtered",
        node: "web1",
    },
    Broken {
        name: "rp-dir",
        base: "nat",
        changes: &[
            (
                "      net.ipv4.ip_forward: 1\n",
                "      net.ipv4.ip_forward: 1\n      net.ipv4.conf.all.rp_filter: 1\n",
                1,
            ),
            (
                "eth0: { to: front, address: 8.8.8.1/24 }",
                "eth0: { to: front, address: 192.168.10.77/24 }\n    routes: [8.8.8.0/24 dev eth0]",
                1,
            ),
        ],
        code: "rp-filter",
        node: "director",
    },
    Broken {
        name: "vip-in-wrong-place",
        base: "tun",
        changes: &[(
            "ifconfig tunl0 200.168.10.10 netmask 255.255.255.255 up\n      route add -host 200.168.10.10 dev tunl0\n\ntraffic",
            "modprobe ipip\n\ntraffic",
            1,
        )],
        code: "real-server-without-vip",
        node: "web2",
    },
    Broken {
        name: "udp",
        base: "dr",
        changes: &[("response: 1kB }", "response: 1kB, protocol: udp }", 1)],
        code: "no-service",
        node: "director",
    },
    Broken {
        name: "fwmark-none",
        base: "dr",
        changes: &[("-A -t 192.168.1.200:80", "-A -f 1", 1), ("-a -t 192.168.1.200:80", "-a -f 1", 2)],
        code: "no-service",
        node: "director",
    },
    Broken {
        name: "blackhole",
        base: "dr",
        changes: &[("      ifconfig lo:0", "      ip route add blackhole 192.168.1.101/32\n      ifconfig lo:0", 1)],
        code: "no-route-back",
        node: "rs1",
    },
    Broken {
        name: "srv-stops",
        base: "dr",
        changes: &[("\nobserve:", "\ntimeline:\n  - { at: 850ms, node: rs1, run: ifconfig eth0 down }\n\nobserve:", 1)],
        code: "interface-down",
        node: "rs1",
    },
    Broken {
        name: "quiesce",
        base: "dr",
        changes: &[(
            "\nobserve:",
            "\ntimeline:\n  - { at: 850ms, node: director, run: \"ipvsadm -C\" }\n\nobserve:",
            1,
        )],
        code: "no-service",
        node: "director",
    },
];

fn explained(scenario: &Scenario) -> Run<'_> {
    let options = RunOptions { trace: true, decisions: true, ..RunOptions::default() };
    simulate(scenario, &options, &mut |_| true)
}

#[test]
fn why_names_the_cause_of_every_broken_lab_and_where_it_is() {
    let mut wrong = Vec::new();
    for b in BROKEN {
        let mut yaml = text(&format!("scenarios/{}.yaml", b.base));
        for (from, to, most) in b.changes {
            assert!(yaml.contains(from), "{}: `{from}` is not in {}.yaml", b.name, b.base);
            yaml = yaml.replacen(from, to, *most);
        }
        let scenario = load(&format!("{}.yaml", b.name), &yaml).unwrap_or_else(|e| panic!("{}: {e}", b.name));
        let run = explained(&scenario);
        let lab = run.lab();
        let told = why(&lab, &Subject::Any).expect("the first thing that went wrong");
        let found: Vec<(&str, &str)> = told.causes.iter().map(|f| (f.code, lab.name(f.node))).collect();
        if !told.wrong || !found.contains(&(b.code, b.node)) {
            wrong.push(format!("{}: {} at {} is not among {found:?}; {}", b.name, b.code, b.node, told.subject));
        }
        assert!(told.causes.iter().all(|f| !f.cure.is_none() && !f.detail.is_none()), "{}", b.name);
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), BROKEN.len(), wrong.join("\n"));
}

#[test]
fn nothing_is_wrong_with_the_scenarios_that_work() {
    for name in ["dr", "nat", "tun", "arp-repaired", "sync-takeover", "notes/note0-dr", "notes/note3-dr"] {
        let scenario = load(name, &text(&format!("scenarios/{name}.yaml"))).expect("a valid scenario");
        let run = explained(&scenario);
        let lab = run.lab();
        let told = why(&lab, &Subject::Any).expect("an answer");
        assert!(!told.wrong && told.causes.is_empty(), "{name}: {}: {:?}", told.subject, told.causes);
        assert_eq!(told.subject.to_string(), "nothing is wrong", "{name}");
    }
}

#[test]
fn asking_why_changes_nothing() {
    for file in scenarios() {
        let scenario = load(&file, &text(&file)).expect("a valid scenario");
        let plain = simulate(&scenario, &RunOptions::default(), &mut |_| true);
        let told = explained(&scenario);
        assert_eq!(plain.fingerprint, told.fingerprint, "{file}");
        assert_eq!((plain.events, plain.frames), (told.events, told.frames), "{file}");
    }
}

#[test]
fn a_way_is_told_host_by_host_with_its_decisions() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(&["why", "small.yaml", "--connection", "web:1"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for part in [
        "web:1, client:32769 > 192.168.1.200:80: ok by rs1",
        "`192.168.1.0/24` in table main",
        "neighbour 192.168.1.200: 02:00:00:00:00:02 (director:eth0), REACHABLE",
        "IPVS: TCP 192.168.1.200:80 chooses 192.168.1.198:80 by rr: next in turn (2 of 2)",
        "IPVS: sends it to 192.168.1.198:80 (Route)",
        "route to 192.168.1.198: by eth0, on the link",
        "rs1:eth0       receives it",
        "hands it to TCP port 80",
    ] {
        assert!(ran.out.contains(part), "`{part}` is missing in:\n{}", ran.out);
    }
}

#[test]
fn the_arp_verdict_has_a_row_for_each_host_and_says_how_long_an_entry_lives() {
    let sandbox = Sandbox::new();
    sandbox.write("arp.yaml", &text("scenarios/arp-problem.yaml"));
    let all = sandbox.run(&["why", "arp.yaml", "--who-has", "192.168.1.200"]);
    assert_eq!(all.code, Some(1), "four answers are three too many: {all:?}");
    for host in ["rs1", "rs2", "rs3", "director"] {
        assert!(
            all.out.lines().any(|l| l.trim_start().starts_with(host) && l.contains("answered")),
            "{host}: {}",
            all.out
        );
    }
    assert!(all.out.contains("answer of rs2:eth0, the first: it counts"), "{}", all.out);
    assert!(all.out.contains("gc_stale_time"), "{}", all.out);
    let silent = sandbox.run(&["why", "small.yaml", "--who-has", "192.168.1.200", "--silent", "rs1", "--json"]);
    assert_eq!(silent.code, Some(0), "{silent:?}");
    let told: serde_json::Value = serde_json::from_str(&silent.out).expect("one object");
    let row = &told["who_has"][0]["hosts"][0];
    assert_eq!((&row["host"], &row["answered"]), (&"rs1".into(), &false.into()));
    assert!(row["did"].as_str().is_some_and(|d| d.contains("arp_ignore=1 on eth0 (all=1, eth0=0")), "{row}");
}

#[test]
fn a_loss_is_told_to_its_end_under_the_kernels_own_name() {
    let sandbox = Sandbox::new();
    let yaml = text("scenarios/nat.yaml").replace("net.ipv4.ip_forward: 1", "net.ipv4.ip_forward: 0");
    sandbox.write("no-forward.yaml", &yaml);
    let ran = sandbox.run(&["why", "no-forward.yaml", "--drop", "1", "--json"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let told: serde_json::Value = serde_json::from_str(&ran.out).expect("one object");
    let last = told["chain"].as_array().and_then(|c| c.last()).expect("a chain");
    assert_eq!((&last["lost"], &last["place"]), (&true.into(), &"director:eth1".into()));
    assert!(
        last["rule"].as_str().is_some_and(|r| r.contains("ip_route_input_slow") && r.contains("IpInAddrErrors")),
        "{last}"
    );
    assert_eq!(told["causes"][0]["cure"], "sysctl -w net.ipv4.ip_forward=1");
}

#[test]
fn what_is_not_there_is_bad_usage_with_a_name_that_may_be_meant() {
    let sandbox = Sandbox::new();
    for (args, said) in [
        (&["why", "small.yaml", "--connection", "wbe:1"][..], "did you mean `web`?"),
        (&["why", "small.yaml", "--connection", "web:99"], "0 to 5"),
        (&["why", "small.yaml", "--connection", "web"], "web:3"),
        (&["why", "small.yaml", "--packet", "999999"], "no packet #999999"),
        (&["why", "small.yaml", "--drop", "1"], "nothing was lost"),
        (&["why", "small.yaml", "--who-has", "192.168.1.200", "--silent", "rs11"], "did you mean `rs1`?"),
        (&["why", "small.yaml", "--silent", "rs1"], "--who-has"),
        (&["why", "small.yaml", "--packet", "1", "--drop", "1"], "cannot be used"),
        (&["ladder", "small.yaml", "--connection", "wbe:1"], "did you mean `web`?"),
        (&["trace", "small.yaml", "--passport"], "--packet"),
        (&["trace", "small.yaml", "--passport", "--packet", "999999"], "no packet #999999"),
    ] {
        let ran = sandbox.run(args);
        assert_eq!(ran.code, Some(2), "{args:?}: {ran:?}");
        assert!(ran.err.contains(said), "{args:?}: {ran:?}");
        assert_eq!(ran.out, "", "{args:?}");
    }
}

#[test]
fn a_passport_shows_what_a_tunnel_adds_and_a_ladder_draws_the_connection() {
    let sandbox = Sandbox::new();
    sandbox.write("tun.yaml", &text("scenarios/tun.yaml"));
    let way = sandbox.run(&["why", "tun.yaml", "--connection", "web:0", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&way.out).expect("one object");
    let id = told["packets"][0]["packet"].to_string();
    let passport = sandbox.run(&["trace", "tun.yaml", "--packet", &id, "--passport"]);
    assert_eq!(passport.code, Some(0), "{passport:?}");
    assert!(passport.out.contains("200.168.10.1 > 200.168.10.3 ttl 6"), "{}", passport.out);
    assert!(passport.out.contains("web2:tunl0"), "{}", passport.out);
    let ladder = sandbox.run(&["ladder", "tun.yaml", "--connection", "web:0"]);
    assert_eq!(ladder.code, Some(0), "{ladder:?}");
    assert!(ladder.out.contains("client          director        web2"), "{}", ladder.out);
    let svg = sandbox.run(&["ladder", "tun.yaml", "--connection", "web:0", "--format", "svg"]);
    assert!(svg.out.starts_with("<svg ") && svg.out.ends_with("</svg>\n"), "{svg:?}");
    let mermaid = sandbox.run(&["ladder", "tun.yaml", "--format", "mermaid"]);
    assert!(mermaid.out.starts_with("sequenceDiagram\n"), "{mermaid:?}");
}

#[test]
fn what_happens_without_a_tunnel_is_what_the_server_answers() {
    let file = "scenarios/broken/tunnel-not-up.yaml";
    let scenario = load(file, &text(file)).expect("a valid scenario");
    let run = explained(&scenario);
    let lab = run.lab();
    let told = why(&lab, &Subject::Any).expect("an answer");
    let found = told.causes.iter().find(|f| f.code == "tunnel-down").expect("the cause");
    let answers = lab.log.records.iter().filter_map(|r| match &r.event {
        TraceEvent::Frame { dir: Dir::Out, frame, .. } if r.node == found.node => match &frame.ip()?.l4 {
            L4::Icmp(icmp) => Some((**icmp).clone()),
            _ => None,
        },
        _ => None,
    });
    let answers: Vec<Icmp> = answers.collect();
    assert!(!answers.is_empty(), "the server keeps silent");
    let port = |icmp: &Icmp| matches!(icmp, Icmp::Unreachable { code: Icmp::PORT, .. });
    assert!(answers.iter().all(port), "{answers:?}");
    let happens = cause("tunnel-down").expect("a row").happens().to_string();
    assert!(happens.contains("ICMP port unreachable"), "{happens}");
}

#[test]
fn a_clients_reset_to_a_stranger_is_no_cause_of_its_own() {
    // web2 answers by way of an office router, and the client resets what it never asked for; it has no way to web2.
    let office = "  office:\n    kind: router\n    interfaces:\n      eth0: { to: front, address: 8.8.8.254/24 }\n      \
                  eth1: { to: back, address: 192.168.10.254/24 }\n\n  web1:\n";
    let away = "address: 192.168.10.3/24 }\n    gateway: 192.168.10.254";
    let yaml = text("scenarios/nat.yaml")
        .replace("  web1:\n", office)
        .replace("address: 192.168.10.3/24 }\n    gateway: 192.168.10.1", away);
    assert!(yaml.contains(office) && yaml.contains(away), "scenarios/nat.yaml is not what it was");
    let scenario = load("case.yaml", &yaml).unwrap_or_else(|e| panic!("{e}"));
    let run = explained(&scenario);
    let lab = run.lab();
    assert!(
        lab.drops().any(|d| d.reason.rule().code == "no-route" && lab.name(d.node) == "client"),
        "nothing was reset"
    );
    let told = why(&lab, &Subject::Any).expect("an answer");
    let found: Vec<(&str, &str)> = told.causes.iter().map(|f| (f.code, lab.name(f.node))).collect();
    assert_eq!(found, [("nat-gateway", "web2")]);
}

#[test]
fn a_vip_on_the_card_that_is_asked_is_not_hidden_and_the_value_that_counts_is_told() {
    // The VIP stands on eth0 of the servers; 0 and 1 do not hide it there, 3 does not hide it on lo.
    for (value, dev, said, cure) in [
        (0, "eth0", "hides nothing, and on eth0 itself arp_ignore 1 would not hide it", "arp_ignore=1"),
        (1, "eth0", "hides the addresses of other interfaces, and the VIP stands on eth0 itself", "dev lo"),
        (3, "lo", "hides addresses of scope host, and the VIP on lo has a wider one", "arp_ignore=1"),
    ] {
        let yaml = text("scenarios/dr.yaml")
            .replace(
                "echo 1 > /proc/sys/net/ipv4/conf/all/arp_ignore",
                &format!("sysctl -w net.ipv4.conf.all.arp_ignore={value}"),
            )
            .replace(ALIAS, &format!("      ip addr add 192.168.1.200/32 dev {dev}\n"))
            .replace("address: 192.168.1.199/24 }", "address: 192.168.1.199/24, latency: 2ms }");
        let scenario = load("case.yaml", &yaml).unwrap_or_else(|e| panic!("{e}"));
        let run = explained(&scenario);
        let told = why(&run.lab(), &Subject::Any).expect("an answer");
        let found: Vec<_> = told.causes.iter().filter(|f| f.code == "vip-not-hidden").collect();
        assert_eq!(found.len(), 2, "{value}: {:?}", told.causes);
        for f in found {
            let knob = format!("on eth0: arp_ignore={value} on eth0 (all={value}, eth0=0: the larger counts) {said}");
            assert!(f.detail.to_string().contains(&knob), "{}", f.detail);
            assert!(f.cure.to_string().ends_with(cure), "{}", f.cure);
        }
    }
    let happens = cause("vip-not-hidden").expect("a row").happens().to_string();
    assert!(happens.contains("arp_ignore 0") && happens.contains("with 1"), "{happens}");
}

#[test]
fn a_server_that_is_deleted_under_open_connections_is_the_cause_whatever_the_kernel_does_with_them() {
    const NEW: &str =
        "  - { name: new, from: client, to: \"192.168.1.200:80\", start: 6s, connections: 4, every: 100ms }\n";
    let file = "scenarios/broken/deleted-in-use.yaml";
    for (delete, said) in [
        ("ipvsadm -d -t 192.168.1.200:80 -r 192.168.1.198", "at 5"),
        ("ipvsadm -D -t 192.168.1.200:80", "with the whole service"),
        ("ipvsadm -C", "with the whole service"),
    ] {
        for (knob, then) in [("0", "dropped; expire_nodest_conn=0"), ("1", "resets them itself; expire_nodest_conn=1")]
        {
            let yaml = text(file)
                .replace("ipvsadm -d -t 192.168.1.200:80 -r 192.168.1.198", delete)
                .replace(
                    "      ipvsadm -A",
                    &format!("      sysctl -w net.ipv4.vs.expire_nodest_conn={knob}\n      ipvsadm -A"),
                )
                .replace(NEW, "")
                .replace("  - { traffic: new, served: { rs2: 4 } }\n", "");
            let scenario = load("case.yaml", &yaml).unwrap_or_else(|e| panic!("{e}"));
            let run = explained(&scenario);
            let lab = run.lab();
            let told = why(&lab, &Subject::Any).expect("an answer");
            let found: Vec<(&str, &str)> = told.causes.iter().map(|f| (f.code, lab.name(f.node))).collect();
            assert_eq!(found, [("server-deleted", "director")], "{delete}, {knob}");
            let detail = told.causes[0].detail.to_string();
            assert!(detail.contains(said) && (said != "at 5" || detail.contains(then)), "{delete}, {knob}: {detail}");
        }
    }
}

#[test]
fn a_template_is_blamed_only_where_it_brings_clients_that_were_not_to_come() {
    let file = "scenarios/broken/weight-zero-still-asked.yaml";
    let codes = |yaml: &str| -> Vec<&str> {
        let scenario = load("case.yaml", yaml).unwrap_or_else(|e| panic!("{e}"));
        let run = explained(&scenario);
        why(&run.lab(), &Subject::Any).expect("an answer").causes.iter().map(|f| f.code).collect()
    };
    assert_eq!(codes(&text(file)), ["template-over-weight"]);
    // Persistence is meant to outlive weight 0: that is how a server is drained of its clients.
    let kept = text(file).replace("after, served: { rs2: 4 }", "after, served: { rs1: 2, rs2: 2 }");
    assert_eq!(codes(&kept), [""; 0]);
    let knob = "      sysctl -w net.ipv4.vs.expire_quiescent_template=1\n      ipvsadm -A";
    assert_eq!(codes(&text(file).replace("      ipvsadm -A", knob)), [""; 0]);
}

#[test]
fn who_is_asked_without_a_director_has_its_address_by_right() {
    let yaml = r#"
lvsim: 1
title: "Straight to a server"
nodes:
  lan: { kind: switch }
  client: { kind: client, interfaces: { eth0: { to: lan, address: 10.0.0.1/24 } } }
  web: { kind: real-server, interfaces: { eth0: { to: lan, address: 10.0.0.2/24 } }, serves: [tcp/80] }
traffic:
  - { name: page, from: client, to: "10.0.0.2:80", connections: 2 }
  - { name: deaf, from: client, to: "10.0.0.2:81", connections: 2 }
"#;
    let scenario = load("case.yaml", yaml).unwrap_or_else(|e| panic!("{e}"));
    let run = explained(&scenario);
    let told = why(&run.lab(), &Subject::Any).expect("an answer");
    let found: Vec<&str> = told.causes.iter().map(|f| f.code).collect();
    assert_eq!(found, ["not-listening"]);
}
