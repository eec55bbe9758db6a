//! The table of lints, by subject: addresses (L00x), the director's table (L01x), servers (L02x), ways (L03x), filters
//! (L04x), what is typed (L05x). A code is never given to another mistake.
//!
//! Their words stand in the tables of texts (`src/lang/*/lints.ftl`).
//!
//! The order is that of asking: causes before what may be their consequences, see [`Lint::after`].

use super::{Lint, address, filter, route, server, service, typed};

/// Every lint.
pub const LINTS: &[Lint] = &[
    Lint { code: "L050", cause: "misspelt-knob", example: "misspelt-knob", after: &[], find: typed::misspelt },
    Lint { code: "L001", cause: "vip-mask", example: "vip-mask", after: &[], find: address::vip_mask },
    Lint {
        code: "L002",
        cause: "arp-ignore-on-lo",
        example: "arp-ignore-on-lo",
        after: &["L050"],
        find: address::ignore_on_lo,
    },
    Lint { code: "L003", cause: "stale-neighbour", example: "stale-neighbour", after: &[], find: address::too_late },
    Lint {
        code: "L004",
        cause: "vip-not-hidden",
        example: "vip-not-hidden",
        after: &["L002", "L050"],
        find: address::not_hidden,
    },
    Lint {
        code: "L005",
        cause: "duplicate-address",
        example: "duplicate-address",
        after: &[],
        find: address::duplicate,
    },
    Lint {
        code: "L010",
        cause: "director-without-vip",
        example: "director-without-vip",
        after: &[],
        find: service::director_without_vip,
    },
    Lint { code: "L011", cause: "no-servers", example: "no-servers", after: &["L010"], find: service::no_servers },
    Lint { code: "L012", cause: "no-service", example: "no-service", after: &[], find: service::no_service },
    Lint {
        code: "L013",
        cause: "weight-ignored",
        example: "weight-ignored",
        after: &[],
        find: service::weight_ignored,
    },
    Lint {
        code: "L014",
        cause: "persistence-with-sh",
        example: "persistence-with-sh",
        after: &[],
        find: service::persistence_with_hash,
    },
    Lint {
        code: "L015",
        cause: "directors-differ",
        example: "directors-differ",
        after: &[],
        find: service::directors_differ,
    },
    Lint {
        code: "L016",
        cause: "vrid-duplicate",
        example: "vrid-duplicate",
        after: &[],
        find: service::vrid_duplicate,
    },
    Lint {
        code: "L034",
        cause: "dr-across-router",
        example: "dr-across-router",
        after: &[],
        find: route::dr_across_router,
    },
    Lint {
        code: "L020",
        cause: "real-server-without-vip",
        example: "real-server-without-vip",
        after: &["L034"],
        find: server::without_vip,
    },
    Lint { code: "L021", cause: "port-mapping", example: "port-mapping", after: &[], find: server::port_mapping },
    Lint {
        code: "L022",
        cause: "not-listening",
        example: "not-listening",
        after: &["L020", "L021", "L034"],
        find: server::not_listening,
    },
    Lint { code: "L023", cause: "nat-without-port", example: "nat-without-port", after: &[], find: server::nat_port },
    Lint { code: "L024", cause: "tunnel-down", example: "tunnel-down", after: &["L020"], find: server::tunnel_down },
    Lint { code: "L025", cause: "rp-filter", example: "rp-filter", after: &["L024", "L050"], find: server::rp_filter },
    Lint { code: "L026", cause: "mtu", example: "mtu", after: &[], find: server::too_large },
    Lint {
        code: "L027",
        cause: "arp-announce",
        example: "arp-announce",
        after: &["L002", "L003", "L004", "L050"],
        find: server::announces,
    },
    Lint {
        code: "L033",
        cause: "default-route-to-self",
        example: "default-route-to-self",
        after: &[],
        find: route::default_to_self,
    },
    Lint { code: "L036", cause: "mask-mismatch", example: "mask-mismatch", after: &[], find: route::mask_mismatch },
    Lint {
        code: "L030",
        cause: "nat-gateway",
        example: "nat-gateway",
        after: &["L033", "L036"],
        find: route::nat_gateway,
    },
    Lint {
        code: "L031",
        cause: "nat-one-network",
        example: "nat-one-network",
        after: &["L036"],
        find: route::nat_one_network,
    },
    Lint { code: "L032", cause: "ip-forward", example: "ip-forward", after: &["L050"], find: route::ip_forward },
    Lint {
        code: "L035",
        cause: "no-route-back",
        example: "no-route-back",
        after: &["L001", "L020", "L033", "L036"],
        find: route::no_way_back,
    },
    Lint { code: "L037", cause: "no-route", example: "no-route", after: &["L033", "L036"], find: route::no_route },
    Lint { code: "L040", cause: "filter-drops", example: "filter-drops", after: &[], find: filter::rule_drops },
    Lint {
        code: "L041",
        cause: "arp-filtered",
        example: "arp-filtered",
        after: &["L036"],
        find: filter::arp_kept_silent,
    },
    Lint { code: "L051", cause: "health-loop", example: "health-loop", after: &[], find: typed::health_loop },
    Lint { code: "L052", cause: "misspelt-knob", example: "no-such-interface", after: &[], find: typed::no_interface },
];
