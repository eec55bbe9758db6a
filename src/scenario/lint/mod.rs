//! Lints: everything valid that will not work, told before any run.
//!
//! The set-up is played up to the first connection ([`Lab`]) and the hosts' state is read; what the timeline types later is
//! read as text. No traffic is run. A lint is one row in [`LINTS`]: a stable code, the cause that it foretells (a row of
//! [`causes`](super::causes)), and a function that finds it. [`Finding::fails`] is set where a connection of the
//! scenario will fail for it, as far as the kernel's rules leave no doubt; all else warns.
//!
//! Left out: keepalived is not simulated, so of its file only the virtual router ids are looked at; answers are not held
//! against netfilter's rules; what a background job changes after the first connection is not foreseen.

mod address;
mod filter;
mod journal;
mod lab;
mod origin;
mod places;
mod route;
mod server;
mod service;
mod typed;
mod walk;

pub use lab::{Lab, Unsettled};

use super::Scenario;
use super::problem::Place;
use super::render::{Diagnostic, draw};
use crate::base::{NodeId, Seed};
use std::collections::BTreeSet;

/// Findings that are told of one file.
const MOST: usize = 200;

/// One kind of mistake.
pub struct Lint {
    /// The stable code, such as `L001`.
    pub code: &'static str,
    /// The cause that it foretells: a code of [`causes`](super::causes).
    pub cause: &'static str,
    /// What is wrong, in one line.
    pub title: &'static str,
    /// What one types to have it.
    pub wrong: &'static str,
    /// What one types instead.
    pub right: &'static str,
    /// The scenario that shows it: `scenarios/lint/NAME.yaml`.
    pub example: &'static str,
    /// Quiet about a node for which one of these has spoken: it would tell a consequence.
    pub after: &'static [&'static str],
    /// Finds it.
    pub find: fn(&Lab<'_>) -> Vec<Finding>,
}

impl std::fmt::Debug for Lint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lint").field("code", &self.code).field("cause", &self.cause).finish_non_exhaustive()
    }
}

/// A mistake that was found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The lint's code.
    pub code: &'static str,
    /// The cause's code.
    pub cause: &'static str,
    /// The node that it is about.
    pub node: NodeId,
    /// The node's name.
    pub name: String,
    /// A connection of the scenario will fail for it; else it only warns.
    pub fails: bool,
    /// What is.
    pub title: String,
    /// The line that made it so.
    pub place: Place,
    /// What stands beside the caret.
    pub label: String,
    /// Other lines involved.
    pub more: Vec<(Place, String)>,
    /// What will happen, by the kernel's rules.
    pub note: String,
    /// What one types to mend it.
    pub cure: String,
}

impl Finding {
    fn new(lab: &Lab<'_>, node: NodeId, place: Place, title: impl Into<String>) -> Finding {
        Finding {
            code: "",
            cause: "",
            node,
            name: lab.name(node).to_string(),
            fails: false,
            title: title.into(),
            place,
            label: String::new(),
            more: Vec::new(),
            note: String::new(),
            cure: String::new(),
        }
    }

    fn label(mut self, label: impl Into<String>) -> Finding {
        self.label = label.into();
        self
    }

    fn note(mut self, note: impl Into<String>) -> Finding {
        self.note = note.into();
        self
    }

    fn cure(mut self, cure: impl Into<String>) -> Finding {
        self.cure = cure.into();
        self
    }

    fn fails(mut self, fails: bool) -> Finding {
        self.fails = fails;
        self
    }

    fn also(mut self, place: Place, label: impl Into<String>) -> Finding {
        if place != self.place {
            self.more.push((place, label.into()));
        }
        self
    }

    /// `error` for what will fail, `warning` for the rest.
    pub fn level(&self) -> &'static str {
        if self.fails { "error" } else { "warning" }
    }
}

/// All findings as text, an empty line between two, in the look of the other problems. `text` is the file's.
pub fn render(findings: &[Finding], file_name: &str, text: &str, color: bool) -> String {
    let mut out = String::new();
    for (i, f) in findings.iter().enumerate() {
        if i > 0 {
            out.push('\n');
        }
        let more = f.more.iter().map(|(place, label)| (place, label.as_str()));
        let spots: Vec<(&Place, &str)> = std::iter::once((&f.place, f.label.as_str())).chain(more).collect();
        let below = [("note", f.note.as_str()), ("help", f.cure.as_str())];
        let diagnostic = Diagnostic { warns: !f.fails, code: f.code, title: &f.title, spots: &spots, below: &below };
        draw(&diagnostic, file_name, text, color, &mut out);
    }
    out
}

/// The lint of a code.
pub fn lint(code: &str) -> Option<&'static Lint> {
    LINTS.iter().find(|l| l.code == code)
}

/// Every mistake of a scenario, by place. `text` is its file's.
///
/// # Errors
/// The set-up does not end.
pub fn check(scenario: &Scenario, text: &str) -> Result<Vec<Finding>, Unsettled> {
    let lab = Lab::new(scenario, text, Seed(scenario.seed))?;
    // Where a program was typed that would set addresses or services and is not simulated, nothing is sure.
    let sure = !lab.unsure;
    let mut spoken: BTreeSet<(&'static str, NodeId)> = BTreeSet::new();
    let mut all: Vec<Finding> = Vec::new();
    for lint in LINTS {
        for mut finding in (lint.find)(&lab) {
            let consequence = lint.after.iter().any(|code| spoken.contains(&(code, finding.node)));
            // Members of a group share their lines.
            let told = all.iter().any(|f| f.code == lint.code && f.place == finding.place);
            if !consequence {
                spoken.insert((lint.code, finding.node));
            }
            if consequence || told || all.len() >= MOST {
                continue;
            }
            (finding.code, finding.cause) = (lint.code, lint.cause);
            finding.fails &= sure;
            all.push(finding);
        }
    }
    all.sort_by(|a, b| (a.place.start, a.code).cmp(&(b.place.start, b.code)));
    Ok(all)
}

/// Every lint. Causes before what may be their consequences, see [`Lint::after`].
pub const LINTS: &[Lint] = &[
    Lint {
        code: "L050",
        cause: "misspelt-knob",
        title: "a sysctl that does not exist was typed",
        wrong: "sysctl -w net.ipv4.conf.all.arg_ignore=1",
        right: "sysctl -w net.ipv4.conf.all.arp_ignore=1",
        example: "misspelt-knob",
        after: &[],
        find: typed::misspelt,
    },
    Lint {
        code: "L001",
        cause: "vip-mask",
        title: "the VIP stands on lo with a mask wider than /32",
        wrong: "ifconfig lo:0 192.168.1.200 netmask 255.255.255.0 up",
        right: "ifconfig lo:0 192.168.1.200 netmask 255.255.255.255 up",
        example: "vip-mask",
        after: &[],
        find: address::vip_mask,
    },
    Lint {
        code: "L002",
        cause: "arp-ignore-on-lo",
        title: "arp_ignore is set on lo only",
        wrong: "sysctl -w net.ipv4.conf.lo.arp_ignore=1",
        right: "sysctl -w net.ipv4.conf.all.arp_ignore=1",
        example: "arp-ignore-on-lo",
        after: &["L050"],
        find: address::ignore_on_lo,
    },
    Lint {
        code: "L003",
        cause: "stale-neighbour",
        title: "the VIP was added before it was hidden",
        wrong: "ip addr add 192.168.1.200/32 dev lo; sysctl -w net.ipv4.conf.all.arp_ignore=1",
        right: "sysctl -w net.ipv4.conf.all.arp_ignore=1; ip addr add 192.168.1.200/32 dev lo",
        example: "stale-neighbour",
        after: &[],
        find: address::too_late,
    },
    Lint {
        code: "L004",
        cause: "vip-not-hidden",
        title: "a real server answers who-has for the VIP",
        wrong: "ip addr add 192.168.1.200/32 dev lo",
        right: "sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2; ip addr add 192.168.1.200/32 dev lo",
        example: "vip-not-hidden",
        after: &["L002", "L050"],
        find: address::not_hidden,
    },
    Lint {
        code: "L005",
        cause: "duplicate-address",
        title: "two hosts of one segment answer for one address",
        wrong: "ip addr add 192.168.1.7/24 dev eth0, on two hosts",
        right: "ip addr add 192.168.1.7/24 dev eth0, and 192.168.1.8/24 on the other",
        example: "duplicate-address",
        after: &[],
        find: address::duplicate,
    },
    Lint {
        code: "L010",
        cause: "director-without-vip",
        title: "a director has a service and not its address",
        wrong: "ipvsadm -A -t 192.168.1.200:80 -s rr",
        right: "ip addr add 192.168.1.200/32 dev eth0; ipvsadm -A -t 192.168.1.200:80 -s rr",
        example: "director-without-vip",
        after: &[],
        find: service::director_without_vip,
    },
    Lint {
        code: "L011",
        cause: "no-servers",
        title: "a virtual service without a server that may be chosen",
        wrong: "ipvsadm -A -t 192.168.1.200:80 -s rr",
        right: "ipvsadm -A -t 192.168.1.200:80 -s rr; ipvsadm -a -t 192.168.1.200:80 -r 192.168.1.198 -g",
        example: "no-servers",
        after: &["L010"],
        find: service::no_servers,
    },
    Lint {
        code: "L012",
        cause: "no-service",
        title: "the director has no virtual service for what is asked",
        wrong: "ipvsadm -A -t 192.168.1.200:8080 -s rr, for clients that ask for port 80",
        right: "ipvsadm -A -t 192.168.1.200:80 -s rr",
        example: "no-service",
        after: &[],
        find: service::no_service,
    },
    Lint {
        code: "L013",
        cause: "weight-ignored",
        title: "weights on a scheduler that does not look at them",
        wrong: "ipvsadm -A -t 192.168.1.200:80 -s rr; ipvsadm -a -t 192.168.1.200:80 -r 192.168.1.198 -g -w 3",
        right: "ipvsadm -A -t 192.168.1.200:80 -s wrr; ipvsadm -a -t 192.168.1.200:80 -r 192.168.1.198 -g -w 3",
        example: "weight-ignored",
        after: &[],
        find: service::weight_ignored,
    },
    Lint {
        code: "L014",
        cause: "persistence-with-sh",
        title: "persistence on a service whose scheduler hashes the source already",
        wrong: "ipvsadm -A -t 192.168.1.200:80 -s sh -p 600",
        right: "ipvsadm -A -t 192.168.1.200:80 -s sh",
        example: "persistence-with-sh",
        after: &[],
        find: service::persistence_with_hash,
    },
    Lint {
        code: "L015",
        cause: "directors-differ",
        title: "two directors have one service with other servers, modes, weights or schedulers",
        wrong: "ipvsadm -a -t 192.168.1.200:80 -r 192.168.1.198 -m, and -g on the other director",
        right: "ipvsadm -a -t 192.168.1.200:80 -r 192.168.1.198 -g, on both",
        example: "directors-differ",
        after: &[],
        find: service::directors_differ,
    },
    Lint {
        code: "L016",
        cause: "vrid-duplicate",
        title: "two groups of keepalived have one virtual router id in one segment",
        wrong: "virtual_router_id 51, in both groups",
        right: "virtual_router_id 51, and 52 in the other group",
        example: "vrid-duplicate",
        after: &[],
        find: service::vrid_duplicate,
    },
    Lint {
        code: "L034",
        cause: "dr-across-router",
        title: "direct routing to a real server behind a router",
        wrong: "ipvsadm -a -t 192.168.1.200:80 -r 10.0.2.11 -g",
        right: "ipvsadm -a -t 192.168.1.200:80 -r 10.0.2.11 -i",
        example: "dr-across-router",
        after: &[],
        find: route::dr_across_router,
    },
    Lint {
        code: "L020",
        cause: "real-server-without-vip",
        title: "a DR or TUN real server does not have the VIP",
        wrong: "ipvsadm -a -t 192.168.1.200:80 -r 192.168.1.198 -g, and nothing on the server",
        right: "on the server: ip addr add 192.168.1.200/32 dev lo, with arp_ignore 1 and arp_announce 2",
        example: "real-server-without-vip",
        after: &["L034"],
        find: server::without_vip,
    },
    Lint {
        code: "L021",
        cause: "port-mapping",
        title: "direct routing or tunnelling to another port",
        wrong: "ipvsadm -a -t 192.168.1.200:80 -r 192.168.1.198:8080 -g",
        right: "ipvsadm -a -t 192.168.1.200:80 -r 192.168.1.198:8080 -m",
        example: "port-mapping",
        after: &[],
        find: server::port_mapping,
    },
    Lint {
        code: "L022",
        cause: "not-listening",
        title: "nothing listens at the real server's port",
        wrong: "ipvsadm -a -t 192.168.1.200:80 -r 192.168.1.198 -g, and no server is started",
        right: "on the server: service httpd start",
        example: "not-listening",
        after: &["L020", "L021", "L034"],
        find: server::not_listening,
    },
    Lint {
        code: "L023",
        cause: "nat-without-port",
        title: "a NAT real server was added with another port than it listens at",
        wrong: "ipvsadm -a -t 192.168.1.200:80 -r 10.0.0.11 -m, where the server listens at 8080",
        right: "ipvsadm -a -t 192.168.1.200:80 -r 10.0.0.11:8080 -m",
        example: "nat-without-port",
        after: &[],
        find: server::nat_port,
    },
    Lint {
        code: "L024",
        cause: "tunnel-down",
        title: "no tunnel device that is up takes the wrapped packets",
        wrong: "ipvsadm -a -t 192.168.1.200:80 -r 10.0.2.11 -i, and nothing on the server",
        right: "on the server: ip link set tunl0 up; ip addr add 192.168.1.200/32 dev tunl0",
        example: "tunnel-down",
        after: &["L020"],
        find: server::tunnel_down,
    },
    Lint {
        code: "L025",
        cause: "rp-filter",
        title: "strict rp_filter where the way back leads through another interface",
        wrong: "sysctl -w net.ipv4.conf.all.rp_filter=1, on a server with tunl0",
        right: "sysctl -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.tunl0.rp_filter=0",
        example: "rp-filter",
        after: &["L024", "L050"],
        find: server::rp_filter,
    },
    Lint {
        code: "L026",
        cause: "mtu",
        title: "requests that are too large once they are wrapped, and may not be fragmented",
        wrong: "ipvsadm -a -t 192.168.1.200:80 -r 10.0.2.11 -i, for uploads over cards with mtu 1500",
        right: "ip link set eth0 mtu 1480, on the clients; or let ICMP fragmentation needed through",
        example: "mtu",
        after: &[],
        find: server::too_large,
    },
    Lint {
        code: "L027",
        cause: "arp-announce",
        title: "a real server asks for its neighbours in the name of the VIP",
        wrong: "sysctl -w net.ipv4.conf.all.arp_ignore=1",
        right: "sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2",
        example: "arp-announce",
        after: &["L002", "L003", "L004", "L050"],
        find: server::announces,
    },
    Lint {
        code: "L033",
        cause: "default-route-to-self",
        title: "the default route leads to an address of the host itself",
        wrong: "ip addr add 192.168.10.1/24 dev eth1; ip route add default via 192.168.10.1",
        right: "ip route add default via 192.168.10.254, the next router",
        example: "default-route-to-self",
        after: &[],
        find: route::default_to_self,
    },
    Lint {
        code: "L036",
        cause: "mask-mismatch",
        title: "two ends of a cable have masks that put them into different networks",
        wrong: "ifconfig eth0 192.168.1.10 netmask 255.255.255.240, beside 192.168.1.200/24",
        right: "ifconfig eth0 192.168.1.10 netmask 255.255.255.0",
        example: "mask-mismatch",
        after: &[],
        find: route::mask_mismatch,
    },
    Lint {
        code: "L030",
        cause: "nat-gateway",
        title: "the answers of a NAT real server do not return through the director",
        wrong: "ip route add default via 192.168.10.254, on the server",
        right: "ip route add default via 192.168.10.1, the director's inner address",
        example: "nat-gateway",
        after: &["L033", "L036"],
        find: route::nat_gateway,
    },
    Lint {
        code: "L031",
        cause: "nat-one-network",
        title: "client and NAT real server are in one network",
        wrong: "ipvsadm -a -t 192.168.1.200:80 -r 192.168.1.198 -m, for a client at 192.168.1.101",
        right: "ipvsadm -a -t 192.168.1.200:80 -r 192.168.1.198 -g",
        example: "nat-one-network",
        after: &["L036"],
        find: route::nat_one_network,
    },
    Lint {
        code: "L032",
        cause: "ip-forward",
        title: "a host that must forward has ip_forward 0",
        wrong: "ipvsadm -a -t 192.168.1.200:80 -r 10.0.0.11 -m, and ip_forward as it was",
        right: "sysctl -w net.ipv4.ip_forward=1",
        example: "ip-forward",
        after: &["L050"],
        find: route::ip_forward,
    },
    Lint {
        code: "L035",
        cause: "no-route-back",
        title: "a host has no route for the answers",
        wrong: "on the server: no gateway, for clients in another network",
        right: "ip route add default via 192.168.1.254",
        example: "no-route-back",
        after: &["L001", "L020", "L033", "L036"],
        find: route::no_way_back,
    },
    Lint {
        code: "L037",
        cause: "no-route",
        title: "a host has no route to what it must reach, or nobody is there",
        wrong: "ipvsadm -a -t 200.168.10.10:80 -r 200.168.10.2 -g, where the server is 192.168.10.2",
        right: "ipvsadm -a -t 200.168.10.10:80 -r 192.168.10.2 -g",
        example: "no-route",
        after: &["L033", "L036"],
        find: route::no_route,
    },
    Lint {
        code: "L040",
        cause: "filter-drops",
        title: "a rule of iptables ends what belongs to the service",
        wrong: "iptables -A INPUT -j DROP, on the director",
        right: "iptables -A INPUT -p tcp --dport 80 -j ACCEPT; iptables -A INPUT -j DROP",
        example: "filter-drops",
        after: &[],
        find: filter::rule_drops,
    },
    Lint {
        code: "L041",
        cause: "arp-filtered",
        title: "a host is kept from answering for an address that it must answer for",
        wrong: "arptables -A INPUT -d 192.168.1.200 -j DROP, on the director",
        right: "arptables -A INPUT -d 192.168.1.200 -j DROP, on the real servers",
        example: "arp-filtered",
        after: &["L036"],
        find: filter::arp_kept_silent,
    },
    Lint {
        code: "L051",
        cause: "health-loop",
        title: "a health check puts a server back with another mode or weight",
        wrong: "ipvsadm -a -t $vip:80 -r $rip, in a NAT cluster",
        right: "ipvsadm -a -t $vip:80 -r $rip -m -w 1",
        example: "health-loop",
        after: &[],
        find: typed::health_loop,
    },
    Lint {
        code: "L052",
        cause: "misspelt-knob",
        title: "a sysctl of an interface that the host does not have",
        wrong: "sysctl -w net.ipv4.conf.eth1.arp_ignore=1, on a host with eth0",
        right: "sysctl -w net.ipv4.conf.all.arp_ignore=1",
        example: "no-such-interface",
        after: &[],
        find: typed::no_interface,
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::causes::cause;

    #[test]
    fn codes_are_unique_and_causes_are_known() {
        let codes: BTreeSet<&str> = LINTS.iter().map(|l| l.code).collect();
        assert_eq!(codes.len(), LINTS.len());
        for lint in LINTS {
            assert!(cause(lint.cause).is_some(), "{} names no cause: {}", lint.code, lint.cause);
        }
    }

    #[test]
    fn who_is_quiet_comes_after_those_it_waits_for() {
        for (i, lint) in LINTS.iter().enumerate() {
            for code in lint.after {
                assert!(
                    LINTS[..i].iter().any(|l| l.code == *code),
                    "{} waits for {code}, which comes later",
                    lint.code
                );
            }
        }
    }
}
