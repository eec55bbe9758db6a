//! Which of the causes that [`CAUSES`](crate::scenario::causes::CAUSES) names is behind what a run shows: one table, a row
//! for each code with the function that recognises it.
//!
//! A recogniser wants evidence from the run (a packet that died, an answer that should not have been given) and explains it
//! by the state of the world. Rows stand from root to consequence: what is found first is told first. `vrid-duplicate` has no
//! row, because keepalived is not simulated.

use super::lab::Lab;
use super::{find_arp, find_gone, find_ipvs, find_mask, find_path, find_server, find_typed};
use crate::base::NodeId;
use crate::lang::Text;

/// A cause that was recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its code in the table of causes.
    pub code: &'static str,
    /// Where it is to be mended.
    pub node: NodeId,
    /// What there is, with names and values.
    pub detail: Text,
    /// What to type there, or what to change in the file.
    pub cure: Text,
}

/// One cause, and who recognises it.
#[derive(Debug)]
pub struct Recogniser {
    /// The code.
    pub code: &'static str,
    /// Adds what it finds.
    pub find: fn(&Lab<'_>) -> Vec<Found>,
}

/// Every recogniser, roots first.
pub const RECOGNISERS: &[Recogniser] = &[
    Recogniser { code: "misspelt-knob", find: find_typed::misspelt_knob },
    Recogniser { code: "interface-down", find: find_path::interface_down },
    Recogniser { code: "lossy-link", find: find_path::lossy_link },
    Recogniser { code: "filter-drops", find: find_path::filter_drops },
    Recogniser { code: "arp-filtered", find: find_arp::arp_filtered },
    Recogniser { code: "vip-mask", find: find_mask::vip_mask },
    Recogniser { code: "mask-mismatch", find: find_mask::mask_mismatch },
    Recogniser { code: "duplicate-address", find: find_arp::duplicate_address },
    Recogniser { code: "arp-ignore-on-lo", find: find_arp::arp_ignore_on_lo },
    Recogniser { code: "stale-neighbour", find: find_arp::stale_neighbour },
    Recogniser { code: "vip-not-hidden", find: find_arp::vip_not_hidden },
    Recogniser { code: "arp-announce", find: find_arp::arp_announce },
    Recogniser { code: "director-without-vip", find: find_ipvs::director_without_vip },
    Recogniser { code: "no-service", find: find_ipvs::no_service },
    Recogniser { code: "no-servers", find: find_ipvs::no_servers },
    Recogniser { code: "server-deleted", find: find_gone::server_deleted },
    Recogniser { code: "template-over-weight", find: find_gone::template_over_weight },
    Recogniser { code: "health-loop", find: find_ipvs::health_loop },
    Recogniser { code: "directors-differ", find: find_ipvs::directors_differ },
    Recogniser { code: "wrong-mode", find: find_ipvs::wrong_mode },
    Recogniser { code: "dr-across-router", find: find_ipvs::dr_across_router },
    Recogniser { code: "real-server-without-vip", find: find_ipvs::real_server_without_vip },
    Recogniser { code: "tunnel-down", find: find_server::tunnel_down },
    Recogniser { code: "port-mapping", find: find_server::port_mapping },
    Recogniser { code: "nat-without-port", find: find_server::nat_without_port },
    Recogniser { code: "not-listening", find: find_server::not_listening },
    Recogniser { code: "server-overloaded", find: find_server::server_overloaded },
    Recogniser { code: "default-route-to-self", find: find_path::default_route_to_self },
    Recogniser { code: "nat-one-network", find: find_server::nat_one_network },
    Recogniser { code: "nat-gateway", find: find_server::nat_gateway },
    Recogniser { code: "answers-through-director", find: find_server::answers_through_director },
    Recogniser { code: "rp-filter", find: find_path::rp_filter },
    Recogniser { code: "ip-forward", find: find_path::ip_forward },
    Recogniser { code: "mtu", find: find_path::mtu },
    Recogniser { code: "unowned-address", find: find_path::unowned_address },
    Recogniser { code: "no-route-back", find: find_path::no_route_back },
    Recogniser { code: "no-route", find: find_path::no_route },
    Recogniser { code: "weight-ignored", find: find_ipvs::weight_ignored },
    Recogniser { code: "persistence-with-sh", find: find_ipvs::persistence_with_sh },
];

/// A cause that explains another away: on the same node, or anywhere.
struct Hides {
    code: &'static str,
    hides: &'static [&'static str],
    same_node: bool,
}

const HIDES: &[Hides] = &[
    Hides {
        code: "interface-down",
        hides: &["no-route", "no-route-back", "nat-gateway", "unowned-address", "director-without-vip", "rp-filter"],
        same_node: true,
    },
    Hides { code: "interface-down", hides: &["unowned-address", "no-route"], same_node: false },
    Hides {
        code: "vip-mask",
        hides: &["no-route-back", "not-listening", "rp-filter", "vip-not-hidden"],
        same_node: true,
    },
    Hides { code: "vip-mask", hides: &["unowned-address"], same_node: false },
    Hides {
        code: "mask-mismatch",
        hides: &["no-route", "no-route-back", "unowned-address", "nat-gateway", "rp-filter"],
        same_node: true,
    },
    Hides { code: "duplicate-address", hides: &["no-service", "not-listening", "ip-forward"], same_node: true },
    Hides { code: "arp-filtered", hides: &["unowned-address"], same_node: false },
    Hides {
        code: "wrong-mode",
        hides: &["real-server-without-vip", "nat-gateway", "nat-one-network", "tunnel-down", "ip-forward"],
        same_node: true,
    },
    Hides { code: "wrong-mode", hides: &["unowned-address"], same_node: false },
    Hides { code: "health-loop", hides: &["wrong-mode", "real-server-without-vip"], same_node: false },
    Hides {
        code: "dr-across-router",
        hides: &["ip-forward", "unowned-address", "answers-through-director"],
        same_node: false,
    },
    Hides {
        code: "director-without-vip",
        hides: &["unowned-address", "no-route", "ip-forward", "arp-filtered"],
        same_node: false,
    },
    Hides {
        code: "default-route-to-self",
        hides: &["no-route", "no-route-back", "nat-gateway", "nat-one-network", "unowned-address"],
        same_node: true,
    },
    Hides { code: "nat-one-network", hides: &["nat-gateway"], same_node: true },
    Hides { code: "nat-gateway", hides: &["unowned-address", "ip-forward", "rp-filter", "no-route"], same_node: true },
    Hides { code: "nat-gateway", hides: &["ip-forward"], same_node: false },
    // To forward would not help: the source is the director's own.
    Hides { code: "answers-through-director", hides: &["rp-filter", "ip-forward"], same_node: false },
    Hides { code: "no-route-back", hides: &["unowned-address"], same_node: true },
    Hides { code: "ip-forward", hides: &["no-route"], same_node: true },
];

/// What is behind a run that went wrong: roots first, consequences left out.
pub fn causes(lab: &Lab<'_>) -> Vec<Found> {
    let sorted = |r: &Recogniser| {
        let mut found = (r.find)(lab);
        found.sort_by_key(|f| f.node);
        found
    };
    let all: Vec<Found> = RECOGNISERS.iter().flat_map(sorted).collect();
    let hidden = |f: &Found| {
        let by = |h: &&Hides| {
            // What a server sends elsewhere may end at anybody; what ends at the director came the right way.
            let came_right = (h.code, f.code) == ("nat-gateway", "ip-forward") && lab.is_director(f.node);
            let on = |o: &Found| o.node == f.node || (!h.same_node && !came_right);
            h.hides.contains(&f.code) && all.iter().any(|o| o.code == h.code && on(o))
        };
        HIDES.iter().any(|h| by(&h))
    };
    let mut out: Vec<Found> = Vec::new();
    for f in all.iter().filter(|f| !hidden(f)) {
        if !out.iter().any(|o| o.code == f.code && o.node == f.node) {
            out.push(f.clone());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::causes::{CAUSES, cause};

    #[test]
    fn every_cause_that_can_be_simulated_has_a_recogniser_and_every_recogniser_a_cause() {
        for row in RECOGNISERS {
            assert!(cause(row.code).is_some(), "{} is not in the table of causes", row.code);
        }
        for row in CAUSES.iter().filter(|c| c.code != "vrid-duplicate") {
            let n = RECOGNISERS.iter().filter(|r| r.code == row.code).count();
            assert_eq!(n, 1, "{} has {n} recognisers", row.code);
        }
    }

    #[test]
    fn only_causes_hide_and_are_hidden() {
        for row in HIDES {
            for code in row.hides.iter().chain([&row.code]) {
                assert!(cause(code).is_some(), "{code}");
            }
        }
    }
}
