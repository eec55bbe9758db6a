//! A packet leaves: route, LOCAL_OUT, POSTROUTING, fragments, neighbour, device (net/ipv4/ip_output.c, net/ipv4/ip_tunnel.c).

use super::{Host, Skb};
use crate::base::DevIdx;
use crate::net::DevKind;
use crate::net::fib::{FlowKey, RouteKind};
use crate::net::neigh::Act;
use crate::net::routing::OutRoute;
use crate::node::{Cx, Effect};
use crate::sysctl::Global;
use crate::trace::{Dir, DropReason, Mib};
use crate::wire::{Frame, Icmp, IpPacket, L3, L4, Mac};
use std::net::Ipv4Addr;

impl Host {
    /// Sends a packet that this host made along its route (`ip_local_out`).
    pub(super) fn send_local(&mut self, skb: &mut Skb, route: OutRoute, cx: &mut Cx<'_>) {
        skb.dev = route.dev;
        skb.local_dst = route.kind == RouteKind::Local;
        self.tell_output(skb, skb.pkt.daddr, &route, cx);
        if let Some(route) = self.local_out_hook(skb, route, cx) {
            self.output(skb, &route, cx);
        }
    }

    /// The same for ICMP and UDP, which hear of a rule that drops the packet: EPERM (`ip_send_skb`). Returns whether none
    /// did.
    pub(super) fn send_skb(&mut self, mut skb: Skb, route: OutRoute, cx: &mut Cx<'_>) -> bool {
        if !self.netfilter.active() {
            self.send_local(&mut skb, route, cx);
            return true;
        }
        let filtered = self.filtered_so_far();
        self.send_local(&mut skb, route, cx);
        let passed = self.filtered_so_far() == filtered;
        if !passed {
            self.snmp.count(Mib::IpOutDiscards);
        }
        passed
    }

    /// After LOCAL_OUT or FORWARD (`ip_output`, `ip_finish_output`).
    #[inline]
    pub(super) fn output(&mut self, skb: &mut Skb, route: &OutRoute, cx: &mut Cx<'_>) {
        // What is forwarded is counted here as well.
        self.snmp.count(Mib::IpOutRequests);
        self.snmp.add(Mib::IpExtOutOctets, u64::from(skb.pkt.len()));
        if !self.post_routing(skb, route, cx) {
            return;
        }
        let mtu = self.route_mtu(route, skb.pkt.daddr, skb.forwarded, cx);
        let len = skb.pkt.len();
        if len <= mtu && skb.largest_fragment == 0 {
            return self.transmit(skb, route, cx);
        }
        if skb.pkt.df() && len > mtu && !skb.ignore_df {
            self.snmp.count(Mib::IpFragFails);
            self.icmp_error(skb, |quote| Icmp::Unreachable { code: Icmp::FRAG_NEEDED, mtu: mtu as u16, quote }, cx);
            return self.lose(skb, DropReason::TooBig { len, mtu }, cx);
        }
        // What came in pieces leaves in pieces no larger (`frag_max_size`).
        let mtu = if skb.largest_fragment > 0 { mtu.min(skb.largest_fragment) } else { mtu };
        if len <= mtu {
            return self.transmit(skb, route, cx);
        }
        self.snmp.count(Mib::IpFragOKs);
        for piece in super::frag::fragment(&skb.pkt, mtu) {
            self.snmp.count(Mib::IpFragCreates);
            self.transmit(&mut Skb { pkt: piece, largest_fragment: 0, ..skb.clone() }, route, cx);
        }
    }

    /// What fits on the way to `daddr`: the device's MTU, the route's, or a learnt path MTU (not for forwarded packets).
    #[inline]
    pub(super) fn route_mtu(&self, route: &OutRoute, daddr: Ipv4Addr, forwarded: bool, cx: &Cx<'_>) -> u32 {
        if forwarded {
            return route.mtu;
        }
        let learnt = route.hit.and_then(|hit| self.net.exceptions.lookup(daddr, hit.route, cx.now)).and_then(|e| e.mtu);
        learnt.map_or(route.mtu, |mtu| mtu.min(route.mtu))
    }

    /// To the device: by its neighbour on Ethernet, back to ourselves on `lo`, into another packet on a tunnel.
    #[inline]
    fn transmit(&mut self, skb: &mut Skb, route: &OutRoute, cx: &mut Cx<'_>) {
        let dev = route.dev;
        if matches!(route.kind, RouteKind::Broadcast | RouteKind::Multicast) {
            self.count_group(&skb.pkt, route.kind);
        }
        let d = &self.net.devs[dev.index()];
        if !d.up {
            return self.lose(skb, DropReason::DevDown, cx);
        }
        match d.kind {
            DevKind::Ethernet if d.noarp => self.send_frame(dev, Mac::ZERO, skb.take(), skb.confirm, cx),
            DevKind::Ethernet => self.by_neighbour(skb, route, cx),
            DevKind::Loopback => self.loop_back(skb, route, cx),
            DevKind::Dummy => self.lose(skb, DropReason::NoCarrier, cx),
            DevKind::Ipip { .. } => self.tunnel_send(skb, route, cx),
        }
    }

    #[inline(always)]
    fn by_neighbour(&mut self, skb: &mut Skb, route: &OutRoute, cx: &mut Cx<'_>) {
        let dev = route.dev;
        let daddr = skb.pkt.daddr;
        if route.kind == RouteKind::Broadcast || daddr.is_broadcast() {
            return self.send_frame(dev, Mac::BROADCAST, skb.take(), skb.confirm, cx);
        }
        if daddr.is_multicast() {
            let [_, b, c, d] = daddr.octets();
            return self.send_frame(dev, Mac([1, 0, 0x5e, b & 0x7f, c, d]), skb.take(), skb.confirm, cx);
        }
        let next_hop = self.next_hop(route, daddr, cx);
        self.tell_neighbour(&skb.pkt, dev, next_hop, cx);
        if let Some(mac) = self.net.neigh.resolve_known(dev, next_hop, skb.confirm, cx.now) {
            return self.send_frame(dev, mac, skb.take(), skb.confirm, cx);
        }
        let mut acts = std::mem::take(&mut self.net.acts);
        let confirm = skb.confirm;
        let ready = self.net.neigh.resolve(dev, next_hop, skb.take(), confirm, cx.now, &self.net.sysctl, &mut acts);
        self.net.acts = acts;
        if let Some((mac, pkt)) = ready {
            self.send_frame(dev, mac, pkt, confirm, cx);
        }
        self.neigh_acts(cx);
    }

    /// The gateway of the route, of a redirect that was believed, or the destination itself.
    #[inline]
    pub(super) fn next_hop(&self, route: &OutRoute, daddr: Ipv4Addr, cx: &Cx<'_>) -> Ipv4Addr {
        if let Some(hit) = route.hit
            && let Some(gateway) = self.net.exceptions.lookup(daddr, hit.route, cx.now).and_then(|e| e.gateway)
        {
            return gateway;
        }
        route.via.unwrap_or(daddr)
    }

    /// Puts a packet on the cable.
    #[inline(always)]
    pub(super) fn send_frame(&mut self, dev: DevIdx, dst: Mac, pkt: IpPacket, confirm: bool, cx: &mut Cx<'_>) {
        let src = self.net.devs[dev.index()].mac;
        self.put_on_cable(dev, Frame { l3: L3::Ip(pkt), dst, src }, confirm, cx);
    }

    /// The device's transmit function.
    #[inline]
    pub(super) fn put_on_cable(&mut self, dev: DevIdx, frame: Frame, confirm: bool, cx: &mut Cx<'_>) {
        let d = &mut self.net.devs[dev.index()];
        if !d.up || !d.carrier {
            let reason = if d.up { DropReason::NoCarrier } else { DropReason::DevDown };
            d.stats.tx_dropped += 1;
            return self.lose_frame(dev, frame, reason, cx);
        }
        d.stats.tx_packets += 1;
        d.stats.tx_bytes += u64::from(frame.unpadded_len());
        self.see_frame(dev, Dir::Out, &frame, cx);
        let frame = cx.frames.put(frame);
        cx.out.push(Effect::Send { dev, frame, confirm });
    }

    fn loop_back(&mut self, skb: &mut Skb, route: &OutRoute, cx: &mut Cx<'_>) {
        let lo = &mut self.net.devs[DevIdx::LO.index()];
        let bytes = u64::from(skb.pkt.len() + Frame::HEADER);
        lo.stats.tx_packets += 1;
        lo.stats.tx_bytes += bytes;
        lo.stats.rx_packets += 1;
        lo.stats.rx_bytes += bytes;
        self.see_packet(DevIdx::LO, Dir::Out, &skb.pkt, cx);
        self.see_packet(DevIdx::LO, Dir::In, &skb.pkt, cx);
        skb.dev = DevIdx::LO;
        skb.to_me = true;
        skb.looped = true;
        skb.local_dst = route.kind == RouteKind::Local || skb.local_dst;
        self.loop_queue.push_back(skb.take_all());
    }

    /// Wraps a packet and sends the outer one (`ip_tunnel_xmit`). Nobody hears of a packet that finds no way: the tunnel
    /// only counts.
    ///
    /// Left out: an ICMP error about an outer packet, which the kernel hands on as host unreachable for the next ones.
    fn tunnel_send(&mut self, skb: &mut Skb, route: &OutRoute, cx: &mut Cx<'_>) {
        let dev = route.dev;
        let DevKind::Ipip { local, remote, ttl, pmtudisc } = self.net.devs[dev.index()].kind else { return };
        self.see_packet(dev, Dir::Out, &skb.pkt, cx);
        let daddr = remote.or(route.via).unwrap_or(skb.pkt.daddr);
        let saddr = local.unwrap_or(Ipv4Addr::UNSPECIFIED);
        let found = self.net.route_out(FlowKey { saddr, ..FlowKey::to(daddr) });
        let stats = &mut self.net.devs[dev.index()].stats;
        let outer_route = match found {
            Ok(r) if r.dev != dev => r,
            Ok(_) => {
                // It would never end.
                stats.tx_errors += 1;
                stats.collisions += 1;
                return self.lose(skb, DropReason::TunnelLoop { dst: daddr }, cx);
            }
            Err(_) => {
                stats.tx_errors += 1;
                stats.tx_carrier_errors += 1;
                return self.lose(skb, DropReason::NoRoute { dst: daddr }, cx);
            }
        };
        let df = pmtudisc || skb.pkt.df();
        let room = self.tunnel_room(&skb.pkt, route, df, (&outer_route, daddr), cx);
        let len = skb.pkt.len();
        if skb.pkt.df() && len > room {
            self.net.devs[dev.index()].stats.tx_errors += 1;
            self.icmp_error(skb, |quote| Icmp::Unreachable { code: Icmp::FRAG_NEEDED, mtu: room as u16, quote }, cx);
            return self.lose(skb, DropReason::TooBig { len, mtu: room }, cx);
        }
        let stats = &mut self.net.devs[dev.index()].stats;
        stats.tx_packets += 1;
        stats.tx_bytes += u64::from(len);
        let outer = IpPacket {
            saddr: local.unwrap_or(outer_route.saddr),
            daddr,
            id: skb.pkt.id,
            frag: if df { IpPacket::DF } else { 0 },
            ttl: if ttl == 0 { skb.pkt.ttl } else { ttl },
            tos: ecn_encapsulate(skb.pkt.tos),
            l4: L4::Ipip(Box::new(skb.take())),
        };
        let mut outer = Skb { confirm: skb.confirm, ..Skb::local(outer) };
        self.send_local(&mut outer, outer_route, cx);
    }

    /// What a tunnel can take: what fits into the outer packet if that must not be cut, else what its route says. The host
    /// remembers it for the inner destination, even if it is nothing new (`tnl_update_pmtu`).
    fn tunnel_room(
        &mut self,
        inner: &IpPacket,
        route: &OutRoute,
        df: bool,
        (outer, daddr): (&OutRoute, Ipv4Addr),
        cx: &Cx<'_>,
    ) -> u32 {
        let old = self.route_mtu(route, inner.daddr, false, cx);
        let room = if df { self.route_mtu(outer, daddr, false, cx).saturating_sub(IpPacket::HEADER) } else { old };
        if let Some(hit) = route.hit.filter(|hit| !hit.mtu_lock) {
            self.net.exceptions.pmtu(inner.daddr, room, old, hit.route, cx.now);
        }
        room
    }

    /// Carries out what the neighbour table decided.
    #[inline]
    pub(super) fn neigh_acts(&mut self, cx: &mut Cx<'_>) {
        let mut rounds = 0;
        while !self.net.acts.is_empty() {
            // An ICMP error about a failed neighbour can itself need a neighbour; that settles at once.
            rounds += 1;
            debug_assert!(rounds < 64, "neighbour decisions bring forth others without end");
            for act in std::mem::take(&mut self.net.acts) {
                self.neigh_act(act, cx);
            }
        }
    }

    fn neigh_act(&mut self, act: Act, cx: &mut Cx<'_>) {
        match act {
            Act::Solicit { dev, target, to, for_source } => self.arp_solicit(dev, target, to, for_source, cx),
            Act::Arm { entry, generation, at } => {
                let (at, level) = crate::base::jiffies::fires(cx.now, at);
                cx.out.push(Effect::Arm { key: crate::node::TimerKey::Neigh { entry, generation, level }, at });
            }
            Act::Send { dev, mac, packet } => self.send_frame(dev, mac, packet, false, cx),
            Act::Fail { dev, next_hop, packet, tries } => {
                // `arp_error_report`: the sender hears of an unreachable host, then the packet is gone.
                let mut skb = Skb::local(packet);
                skb.dev = dev;
                self.link_failure(&skb, cx);
                self.lose(&skb, DropReason::NeighFailed { next_hop, tries }, cx);
            }
            Act::Overflow { dev, next_hop, packet, limit } => {
                let mut skb = Skb::local(packet);
                skb.dev = dev;
                self.lose(&skb, DropReason::NeighQueueFull { next_hop, limit }, cx);
            }
            Act::Flushed { dev, next_hop, packet } => {
                let mut skb = Skb::local(packet);
                skb.dev = dev;
                self.lose(&skb, DropReason::NeighFlushed { next_hop }, cx);
            }
            Act::Changed { dev, addr, from, to, was, mac } => {
                let (now, node) = (cx.now, cx.node);
                cx.tracer.emit(crate::trace::TraceMask::ARP, now, node, || crate::trace::TraceEvent::Neigh {
                    dev,
                    addr,
                    from: from.name(),
                    to: to.name(),
                    mac,
                    was,
                });
            }
        }
    }

    /// The TTL that packets of this host start with.
    pub(super) fn default_ttl(&self) -> u8 {
        self.net.sysctl.global(Global::IpDefaultTtl) as u8
    }
}

/// The outer TOS of a tunnel that does not inherit it: only the two bits of ECN go along, and "congestion experienced" as
/// "capable" (`INET_ECN_encapsulate`).
fn ecn_encapsulate(inner: u8) -> u8 {
    const MASK: u8 = 3;
    const ECT_0: u8 = 2;
    if inner & MASK == MASK { ECT_0 } else { inner & MASK }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_bits_of_ecn_reach_the_outer_header() {
        let cases = [(0x10, 0), (0xc0, 0), (0x11, 1), (0x12, 2), (0x13, 2)];
        for (inner, outer) in cases {
            assert_eq!(ecn_encapsulate(inner), outer, "{inner:#x}");
        }
    }
}
