//! Everything that can be wrong with a lab whose file is valid: one row per cause, under one stable code.
//!
//! `lvsim check` foretells a cause before any run, `lvsim why` finds it after one, a broken lab declares it under `causes`;
//! all three mean the row here. Rows say what Linux does, not what a person should have done; their
//! words stand in the tables of texts (`src/lang/*/causes.ftl`). Sorted by code.

use crate::lang::Text;

/// One thing that can be wrong.
#[derive(Clone, Copy, Debug)]
pub struct Cause {
    /// The stable code, such as `vip-mask`.
    pub code: &'static str,
}

impl Cause {
    /// What is wrong, in one line.
    pub fn title(&self) -> Text {
        Text::row("cause", self.code, None)
    }

    /// What happens then, and by which rule of the kernel.
    pub fn happens(&self) -> Text {
        Text::row("cause", self.code, Some("happens"))
    }

    /// What mends it.
    pub fn cure(&self) -> Text {
        Text::row("cause", self.code, Some("cure"))
    }
}

/// The row of a code.
pub fn cause(code: &str) -> Option<&'static Cause> {
    CAUSES.binary_search_by(|c| c.code.cmp(code)).ok().map(|i| &CAUSES[i])
}

/// Every cause, sorted by code.
pub const CAUSES: &[Cause] = &[
    Cause { code: "answers-through-director" },
    Cause { code: "arp-announce" },
    Cause { code: "arp-filtered" },
    Cause { code: "arp-ignore-on-lo" },
    Cause { code: "default-route-to-self" },
    Cause { code: "director-without-vip" },
    Cause { code: "directors-differ" },
    Cause { code: "dr-across-router" },
    Cause { code: "duplicate-address" },
    Cause { code: "filter-drops" },
    Cause { code: "health-loop" },
    Cause { code: "interface-down" },
    Cause { code: "ip-forward" },
    Cause { code: "lossy-link" },
    Cause { code: "mask-mismatch" },
    Cause { code: "misspelt-knob" },
    Cause { code: "mtu" },
    Cause { code: "nat-gateway" },
    Cause { code: "nat-one-network" },
    Cause { code: "nat-without-port" },
    Cause { code: "no-route" },
    Cause { code: "no-route-back" },
    Cause { code: "no-servers" },
    Cause { code: "no-service" },
    Cause { code: "not-listening" },
    Cause { code: "persistence-with-sh" },
    Cause { code: "port-mapping" },
    Cause { code: "real-server-without-vip" },
    Cause { code: "rp-filter" },
    Cause { code: "server-deleted" },
    Cause { code: "server-overloaded" },
    Cause { code: "stale-neighbour" },
    Cause { code: "template-over-weight" },
    Cause { code: "tunnel-down" },
    Cause { code: "unowned-address" },
    Cause { code: "vip-mask" },
    Cause { code: "vip-not-hidden" },
    Cause { code: "vrid-duplicate" },
    Cause { code: "weight-ignored" },
    Cause { code: "wrong-mode" },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_unique() {
        assert!(CAUSES.windows(2).all(|w| w[0].code < w[1].code));
        assert!(cause("vip-mask").is_some_and(|c| c.code == "vip-mask"));
        assert!(cause("no-such-thing").is_none());
    }
}
