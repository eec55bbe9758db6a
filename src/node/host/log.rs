//! What a host writes in its kernel log: martians (net/ipv4/route.c), and what the rules, connection tracking and IPVS
//! have to say.
//!
//! The simulated kernel has everything built in, so the lines of IPVS and its schedulers are from the boot.

use super::Host;
use crate::base::{DevIdx, SimTime};
use crate::ipvs::sched::SCHEDULERS;
use crate::net::DevKind;
use crate::net::klog::{KernelLog, Level};
use crate::net::routing::InError;
use crate::node::Cx;
use crate::sysctl::{Conf, Global};
use crate::wire::Mac;
use std::fmt::Write;
use std::net::Ipv4Addr;

/// Destination and source of an Ethernet header, and its type.
pub(super) type LinkHeader = ((Mac, Mac), u16);

/// The log of a host that has just been booted.
pub(super) fn booted() -> KernelLog {
    let mut log = KernelLog::default();
    let mut say = |text: String| log.write(SimTime::ZERO, Level::INFO, text);
    say("IPVS: Registered protocols (TCP, UDP)".to_string());
    say("IPVS: Connection hash table configured (size=4096, memory=32Kbytes)".to_string());
    say("IPVS: ipvs loaded.".to_string());
    SCHEDULERS.iter().for_each(|row| say(format!("IPVS: [{}] scheduler registered.", row.name)));
    log
}

impl Host {
    /// A packet or an ARP request whose addresses cannot be (`ip_handle_martian_source`, `martian_destination`).
    pub(super) fn log_martian(
        &mut self,
        error: InError,
        daddr: Ipv4Addr,
        saddr: Ipv4Addr,
        dev: DevIdx,
        link: Option<LinkHeader>,
        cx: &Cx<'_>,
    ) {
        let source = match error {
            InError::MartianSource | InError::OwnSource | InError::ReversePath { .. } => true,
            InError::MartianDestination => false,
            InError::NotForwarding | InError::Fib(_) => return,
        };
        // Groups have a check of their own, which is silent.
        if daddr.is_multicast() || !self.net.sysctl.on(Conf::LogMartians, dev) || !self.may_log(cx.now) {
            return;
        }
        let d = &self.net.devs[dev.index()];
        let text = match source {
            true => format!("IPv4: martian source {daddr} from {saddr}, on dev {}", d.name),
            false => format!("IPv4: martian destination {daddr} from {saddr}, dev {}", d.name),
        };
        let has_header = !matches!(d.kind, DevKind::Ipip { .. });
        self.klog.write(cx.now, Level::WARNING, text);
        if let Some(header) = link.filter(|_| source && has_header) {
            self.klog.write(cx.now, Level::WARNING, dump(header));
        }
    }

    /// `net_ratelimit`.
    fn may_log(&mut self, now: SimTime) -> bool {
        let sysctl = &self.net.sysctl;
        let (cost, burst) = (sysctl.global(Global::MessageCost), sysctl.global(Global::MessageBurst));
        self.klog.net_ratelimit(now, cost, burst)
    }

    /// A line of which there may be too many.
    pub(super) fn log_limited(&mut self, now: SimTime, level: Level, text: impl FnOnce() -> String) {
        if self.may_log(now) {
            self.klog.write(now, level, text());
        }
    }

    /// Writes what the rules have said.
    #[inline]
    pub fn log_rules(&mut self, now: SimTime) {
        for (level, text) in self.netfilter.said.drain(..) {
            self.klog.write(now, level, text);
        }
    }
}

/// `print_hex_dump` of an Ethernet header.
fn dump(((dst, src), kind): LinkHeader) -> String {
    let mut out = String::from("ll header: 00000000:");
    for byte in dst.0.into_iter().chain(src.0).chain(kind.to_be_bytes()) {
        let _ = write!(out, " {byte:02x}");
    }
    out
}
