//! Policy rules: which table a packet asks (net/core/fib_rules.c, net/ipv4/fib_rules.c).
//!
//! Left out: `goto`, `suppress_prefixlength`, port and user ranges, realms.

use super::FlowKey;
use super::route::{TABLE_DEFAULT, TABLE_LOCAL, TABLE_MAIN};
use crate::base::DevIdx;
use ipnet::Ipv4Net;
use std::sync::Arc;

/// What a rule does with a packet that it fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleAction {
    /// Asks this table; without an answer the next rule is tried.
    Table(u32),
    /// Drops it.
    Blackhole,
    /// Refuses: network unreachable.
    Unreachable,
    /// Refuses: administratively prohibited.
    Prohibit,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Priority: smaller ones are tried first.
    pub pref: u32,
    /// It fits what the rest does not describe.
    pub not: bool,
    /// Source.
    pub from: Option<Ipv4Net>,
    /// Destination.
    pub to: Option<Ipv4Net>,
    /// Name of the device by which the packet came; `lo` for the host's own.
    pub iif: Option<Arc<str>>,
    /// Name of the device that the sender has chosen.
    pub oif: Option<Arc<str>>,
    /// Mark and mask.
    pub fwmark: Option<(u32, u32)>,
    /// Type of service; 0 for all.
    pub tos: u8,
    /// What it does.
    pub action: RuleAction,
    /// Made by the kernel.
    pub by_kernel: bool,
    /// The device behind `iif`, while there is one of that name.
    pub(in crate::net) iif_dev: Option<DevIdx>,
    /// The device behind `oif`, while there is one of that name.
    pub(in crate::net) oif_dev: Option<DevIdx>,
}

impl Rule {
    /// A rule that fits everything.
    pub fn new(pref: u32, action: RuleAction) -> Rule {
        Rule {
            pref,
            not: false,
            from: None,
            to: None,
            iif: None,
            oif: None,
            fwmark: None,
            tos: 0,
            action,
            by_kernel: false,
            iif_dev: None,
            oif_dev: None,
        }
    }

    /// The three rules that a host begins with.
    pub(super) fn defaults() -> Vec<Rule> {
        [(0, TABLE_LOCAL), (32766, TABLE_MAIN), (32767, TABLE_DEFAULT)]
            .map(|(pref, table)| Rule { by_kernel: true, ..Rule::new(pref, RuleAction::Table(table)) })
            .into()
    }

    /// Whether this packet is meant. What the host itself sends has come in by `lo`.
    pub fn fits(&self, key: &FlowKey) -> bool {
        let describes = self.iif.as_ref().is_none_or(|_| self.iif_dev == Some(key.iif.unwrap_or(DevIdx::LO)))
            && self.oif.as_ref().is_none_or(|_| self.oif_dev.is_some() && self.oif_dev == key.oif)
            && self.fwmark.is_none_or(|(mark, mask)| (mark ^ key.mark) & mask == 0)
            && self.from.is_none_or(|net| net.contains(&key.saddr))
            && self.to.is_none_or(|net| net.contains(&key.daddr))
            && (self.tos == 0 || self.tos == key.tos);
        describes != self.not
    }
}
