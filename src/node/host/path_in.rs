//! A packet comes in: from the device to the socket or to forwarding (net/ipv4/ip_input.c, net/ipv4/route.c
//! `ip_route_input_slow`, net/ipv4/ipip.c).
//!
//! The branches are here, in the kernel's order; what they ask are tables. Left out: multicast routing, IGMP, source
//! routes, early demultiplexing.

use super::frag::Reassembly;
use super::tap::Passing;
use super::{Came, Host, Skb};
use crate::base::DevIdx;
use crate::net::DevKind;
use crate::net::fib::FibError;
use crate::net::routing::{InError, InRoute, OutRoute};
use crate::node::{Cx, Effect, FrameId, TimerKey, longest_frame};
use crate::sysctl::Conf;
use crate::trace::{Decision, Dir, DropReason, Mib, TraceEvent, TraceMask};
use crate::wire::{Frame, Icmp, IpPacket, L3, L4, Mac};
use std::net::Ipv4Addr;

/// `net.core.dev_weight`: how many packets a card may deliver before others have their turn.
const DEV_WEIGHT: usize = 64;

impl Host {
    /// A frame arrived by a device (`__netif_receive_skb_core`).
    pub(super) fn device_receive(&mut self, dev: DevIdx, frame: FrameId, confirm: bool, cx: &mut Cx<'_>) {
        let frame = cx.frames.take(frame);
        let d = &mut self.net.devs[dev.index()];
        if !d.up {
            return self.lose_frame(dev, frame, DropReason::DevDown, cx);
        }
        let len = frame.unpadded_len();
        if len > longest_frame(d.mtu) {
            return self.receive_too_long(dev, frame, cx);
        }
        d.stats.rx_packets += 1;
        d.stats.rx_bytes += u64::from(len);
        let mac = d.mac;
        self.see_frame(dev, Dir::In, &frame, cx);
        let to_me = frame.dst == mac;
        if !to_me && !frame.dst.is_multicast() {
            let dst = frame.dst;
            return self.lose_frame(dev, frame, DropReason::OtherHost { dst }, cx);
        }
        match frame.l3 {
            L3::Ip(pkt) => {
                let mut skb = Skb::received(pkt, dev);
                skb.to_me = to_me;
                skb.came = Some(Came { dev, link: Some((frame.dst, frame.src)) });
                skb.confirm = confirm;
                self.ip_receive(&mut skb, cx);
            }
            L3::Arp(arp) => {
                self.programs_hear_arp(dev, &frame, cx);
                self.arp_receive(dev, &arp, (frame.dst, frame.src), cx);
            }
        }
    }

    /// A frame is longer than the device takes: dropped before anybody sees it, and counted here only
    /// (`____dev_forward_skb`). The sender, who on a veth would count it, too, cannot know of it.
    #[cold]
    fn receive_too_long(&mut self, dev: DevIdx, frame: Frame, cx: &mut Cx<'_>) {
        let d = &mut self.net.devs[dev.index()];
        d.stats.rx_dropped += 1;
        let reason = DropReason::OverMtu { len: frame.unpadded_len() - Frame::HEADER, mtu: d.mtu };
        self.lose_frame(dev, frame, reason, cx);
    }

    /// A packet at the IP layer (`ip_rcv`, `ip_rcv_finish`).
    pub(super) fn ip_receive(&mut self, skb: &mut Skb, cx: &mut Cx<'_>) {
        self.count_received(&skb.pkt);
        if !self.pre_routing(skb, cx) {
            return;
        }
        let (saddr, daddr) = (skb.pkt.saddr, skb.pkt.daddr);
        let route = self.net.route_in(daddr, saddr, skb.dev, skb.mark, skb.pkt.tos);
        if !skb.to_me
            && matches!(route, Ok(InRoute::Local(_) | InRoute::Forward { .. }))
            && self.net.sysctl.on(Conf::DropUnicastInL2Multicast, skb.dev)
        {
            let knob = Box::new(self.net.sysctl.explain(Conf::DropUnicastInL2Multicast, skb.dev));
            return self.lose(skb, DropReason::UnicastInMulticast { knob }, cx);
        }
        match route {
            Ok(InRoute::Local(hit)) => {
                self.tell_input(skb, &hit, cx);
                skb.local_dst = true;
                self.local_deliver(skb, cx);
            }
            Ok(InRoute::Forward { hit, redirect }) => {
                self.tell_input(skb, &hit, cx);
                let mtu = hit.mtu.unwrap_or(self.net.devs[hit.dev.index()].mtu);
                let saddr = Ipv4Addr::UNSPECIFIED;
                let route = OutRoute { kind: hit.kind, dev: hit.dev, via: hit.gateway(), saddr, mtu, hit: Some(hit) };
                self.forward(skb, route, redirect, cx);
            }
            Ok(InRoute::Broadcast(_)) => {
                self.snmp.count(Mib::IpExtInBcastPkts);
                self.snmp.add(Mib::IpExtInBcastOctets, u64::from(skb.pkt.len()));
                skb.to_me = false;
                self.local_deliver(skb, cx);
            }
            Ok(InRoute::Multicast) if self.net.in_group(skb.dev, daddr) => {
                self.snmp.count(Mib::IpExtInMcastPkts);
                self.snmp.add(Mib::IpExtInMcastOctets, u64::from(skb.pkt.len()));
                skb.to_me = false;
                self.local_deliver(skb, cx);
            }
            Ok(InRoute::Multicast) => self.lose(skb, DropReason::UnwantedBroadcast, cx),
            Err(error) => self.refuse(skb, error, cx),
        }
    }

    /// A packet that goes nowhere: counted under the kernel's name; only a router says something about a missing route.
    fn refuse(&mut self, skb: &Skb, error: InError, cx: &mut Cx<'_>) {
        let (src, dst) = (skb.pkt.saddr, skb.pkt.daddr);
        self.log_martian(error, dst, src, skb.dev, skb.came.and_then(|c| c.link).map(|link| (link, 0x0800)), cx);
        let sysctl = &self.net.sysctl;
        let reason = match error {
            InError::MartianSource => DropReason::MartianSource { src },
            InError::MartianDestination => DropReason::MartianDestination { dst },
            InError::OwnSource => {
                DropReason::OwnSource { src, knob: Box::new(sysctl.explain(Conf::AcceptLocal, skb.dev)) }
            }
            InError::ReversePath { best } => {
                let knob = Box::new(sysctl.explain(Conf::RpFilter, skb.dev));
                let best = best.map(|d| self.net.devs[d.index()].name.clone());
                DropReason::ReversePath { src, best, knob }
            }
            InError::NotForwarding => {
                let knob = Box::new(sysctl.explain(Conf::Forwarding, skb.dev));
                DropReason::NotForUs { dst, knob }
            }
            InError::Fib(refusal) => {
                if matches!(refusal, FibError::NoRoute | FibError::Throw) {
                    self.snmp.count(Mib::IpExtInNoRoutes);
                }
                self.route_error(skb, refusal, cx);
                match refusal {
                    FibError::NoRoute | FibError::Throw => DropReason::NoRoute { dst },
                    FibError::Unreachable => DropReason::RouteSaysNo { dst, kind: "unreachable" },
                    FibError::Prohibit => DropReason::RouteSaysNo { dst, kind: "prohibit" },
                    FibError::Blackhole => DropReason::RouteSaysNo { dst, kind: "blackhole" },
                }
            }
        };
        self.lose(skb, reason, cx);
    }

    /// The packet is for this host (`ip_local_deliver`): whole again, through LOCAL_IN, to its protocol.
    pub(super) fn local_deliver(&mut self, skb: &mut Skb, cx: &mut Cx<'_>) {
        if skb.pkt.is_fragment() && !self.defragment(skb, cx) {
            return;
        }
        if self.local_in(skb, cx) {
            self.protocol_receive(skb, cx);
        }
    }

    /// A fragment joins the others. True once all are there: then it is the whole packet.
    pub(super) fn defragment(&mut self, skb: &mut Skb, cx: &mut Cx<'_>) -> bool {
        self.snmp.count(Mib::IpReasmReqds);
        match self.fragments.add(skb.take_all(), cx.now) {
            Reassembly::Whole(whole) => {
                self.snmp.count(Mib::IpReasmOKs);
                *skb = whole;
                true
            }
            Reassembly::Waits(armed) => {
                if let Some((slot, at)) = armed {
                    cx.out.push(Effect::Arm { key: TimerKey::Fragments { slot, generation: 0 }, at });
                }
                false
            }
            Reassembly::Full(skb) => {
                self.lose(&skb, DropReason::FragmentQueueFull { limit: super::frag::Fragments::MOST as u32 }, cx);
                false
            }
        }
    }

    /// The time for the other fragments is over (`ip_expire`).
    pub(super) fn fragments_expire(&mut self, slot: u32, cx: &mut Cx<'_>) {
        if let Some((skb, has_first)) = self.fragments.expire(slot) {
            if has_first {
                self.icmp_error(&skb, |quote| Icmp::TimeExceeded { code: 1, quote }, cx);
            }
            self.lose(&skb, DropReason::FragmentTimeout, cx);
        }
    }

    /// Hands the packet to its protocol (`ip_protocol_deliver_rcu`).
    pub(super) fn protocol_receive(&mut self, skb: &mut Skb, cx: &mut Cx<'_>) {
        self.snmp.count(Mib::IpInDelivers);
        self.tell(skb, cx, |_| Decision::Delivered {
            proto: skb.pkt.l4.proto(),
            port: skb.pkt.l4.ports().map(|p| p.1),
        });
        match &skb.pkt.l4 {
            L4::Tcp(_) => self.tcp_receive(skb, cx),
            L4::Udp(_) => self.udp_receive(skb, cx),
            L4::Icmp(_) => self.icmp_receive(skb, cx),
            L4::Ipip(_) => self.tunnel_receive(skb, cx),
            L4::Fragment(_) => unreachable!("reassembled before delivery"),
        }
    }

    /// An IP-in-IP packet: unpacked, it arrives anew by the tunnel device (`tunnel4_rcv`, `ipip_rcv`), after the frames that
    /// came together with this one: it waits in a queue of the tunnel's own (`gro_cells_receive`), whose turn is after the
    /// card's. So three segments of a request are received before the first of them is acknowledged.
    fn tunnel_receive(&mut self, skb: &mut Skb, cx: &mut Cx<'_>) {
        let Some(dev) = self.tunnel_for(skb.pkt.daddr, skb.pkt.saddr) else {
            self.icmp_error(skb, |quote| Icmp::Unreachable { code: Icmp::PORT, mtu: 0, quote }, cx);
            return self.lose(skb, DropReason::NoTunnel, cx);
        };
        let handled = skb.ipvs;
        let L4::Ipip(inner) = skb.take().l4 else { return };
        let inner = *inner;
        let d = &mut self.net.devs[dev.index()];
        d.stats.rx_packets += 1;
        d.stats.rx_bytes += u64::from(inner.len());
        self.see_packet(dev, Dir::In, &inner, cx);
        // What IPVS has marked stays marked: it is the same `sk_buff`.
        let mut inner = Skb { ipvs: handled, confirm: skb.confirm, ..Skb::received(inner, dev) };
        inner.came = Some(Came { dev, link: None });
        // Who comes to an empty queue asks for its turn, the others go with it.
        if self.cells.is_empty() {
            cx.out.push(Effect::Poll { dev: skb.dev });
        }
        self.cells.push_back(inner);
        if self.cells.len() >= DEV_WEIGHT {
            self.poll_cells(cx);
        }
    }

    /// Takes up what came out of tunnels (`gro_cell_poll`).
    pub(super) fn poll_cells(&mut self, cx: &mut Cx<'_>) {
        while let Some(mut skb) = self.cells.pop_front() {
            self.ip_receive(&mut skb, cx);
        }
    }

    /// The tunnel that takes a packet from `remote` to `local`: both ends set, then one, then `tunl0`; it must be up.
    fn tunnel_for(&self, local: Ipv4Addr, remote: Ipv4Addr) -> Option<DevIdx> {
        let rank = |kind: &DevKind| match kind {
            DevKind::Ipip { local: Some(l), remote: Some(r), .. } if *l == local && *r == remote => Some(0),
            DevKind::Ipip { local: None, remote: Some(r), .. } if *r == remote => Some(1),
            DevKind::Ipip { local: Some(l), remote: None, .. } if *l == local => Some(2),
            DevKind::Ipip { local: None, remote: None, .. } => Some(3),
            _ => None,
        };
        let up = self.net.devs.iter().filter(|d| d.up);
        up.filter_map(|d| rank(&d.kind).map(|r| (r, d.idx))).min().map(|(_, dev)| dev)
    }

    /// A frame passes a device: for the trace, and for whoever taps the device.
    #[inline]
    pub(super) fn see_frame(&mut self, dev: DevIdx, dir: Dir, frame: &Frame, cx: &mut Cx<'_>) {
        if self.taps.any() {
            self.tap(dev, dir, Passing::Frame(frame), cx);
        }
        let (now, node) = (cx.now, cx.node);
        cx.tracer.emit(TraceMask::FRAMES, now, node, || TraceEvent::Frame {
            dev,
            dir,
            frame: Box::new(frame.clone()),
            ethernet: true,
        });
    }

    /// The same with a packet and a device without Ethernet.
    #[inline]
    pub(super) fn see_packet(&mut self, dev: DevIdx, dir: Dir, pkt: &IpPacket, cx: &mut Cx<'_>) {
        if self.taps.any() {
            self.tap(dev, dir, Passing::Packet(pkt), cx);
        }
        let (now, node) = (cx.now, cx.node);
        cx.tracer.emit(TraceMask::FRAMES, now, node, || TraceEvent::Frame {
            dev,
            dir,
            frame: Box::new(Frame { l3: L3::Ip(pkt.clone()), dst: Mac::ZERO, src: Mac::ZERO }),
            ethernet: false,
        });
    }
}
