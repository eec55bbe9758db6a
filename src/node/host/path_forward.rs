//! A packet passes through (net/ipv4/ip_forward.c).

use super::{Host, Skb};
use crate::net::routing::OutRoute;
use crate::node::Cx;
use crate::sysctl::Global;
use crate::trace::{DropReason, Mib};
use crate::wire::Icmp;

impl Host {
    /// Forwards a packet along `route`. `redirect`: it leaves by where it came, and its sender may be told of a better way.
    pub(super) fn forward(&mut self, skb: &mut Skb, route: OutRoute, redirect: bool, cx: &mut Cx<'_>) {
        if !skb.to_me {
            return self.lose(skb, DropReason::UnwantedBroadcast, cx);
        }
        if skb.pkt.ttl <= 1 {
            self.icmp_error(skb, |quote| Icmp::TimeExceeded { code: 0, quote }, cx);
            return self.lose(skb, DropReason::TtlExpired, cx);
        }
        let learnt = self.net.sysctl.global(Global::IpForwardUsePmtu) != 0;
        let (len, mtu) = (skb.pkt.len(), self.route_mtu(&route, skb.pkt.daddr, !learnt, cx));
        if skb.pkt.df() && len > mtu {
            self.snmp.count(Mib::IpFragFails);
            self.icmp_error(skb, |quote| Icmp::Unreachable { code: Icmp::FRAG_NEEDED, mtu: mtu as u16, quote }, cx);
            return self.lose(skb, DropReason::TooBig { len, mtu }, cx);
        }
        skb.pkt.ttl -= 1;
        if redirect {
            let gateway = self.next_hop(&route, skb.pkt.daddr, cx);
            self.send_redirect(skb, gateway, cx);
        }
        if let Some(route) = self.forward_hook(skb, route, cx) {
            // `ip_forward_finish` counts the octets, and `ip_output` counts them again.
            self.snmp.count(Mib::IpForwDatagrams);
            self.snmp.add(Mib::IpExtOutOctets, u64::from(skb.pkt.len()));
            self.output(skb, &route, cx);
        }
    }
}
