//! What a host decides about a packet that it keeps, told to whoever asks for [`TraceMask::DECISIONS`].
//!
//! Losses are told where packets end (`Host::lose`), scheduling by IPVS itself; here are the steps between. Nobody else
//! pays more than one branch for each.

use super::{Host, Skb};
use crate::base::DevIdx;
use crate::net::fib::{Hit, SCOPE_LINK};
use crate::net::routing::OutRoute;
use crate::node::Cx;
use crate::sysctl::Conf;
use crate::trace::{Decision, Ends, TraceEvent, TraceMask};
use crate::wire::{IpPacket, PacketId};
use std::net::Ipv4Addr;
use std::sync::Arc;

impl Host {
    /// Tells a decision about a packet.
    #[inline]
    pub(super) fn tell(&self, skb: &Skb, cx: &mut Cx<'_>, make: impl FnOnce(&Host) -> Decision) {
        if cx.tracer.wants(TraceMask::DECISIONS) {
            self.tell_of(skb.pkt.id, skb.dev, cx, make);
        }
    }

    #[cold]
    fn tell_of(&self, packet: PacketId, dev: DevIdx, cx: &mut Cx<'_>, make: impl FnOnce(&Host) -> Decision) {
        let (now, node) = (cx.now, cx.node);
        let what = Box::new(make(self));
        cx.tracer.emit(TraceMask::DECISIONS, now, node, || TraceEvent::Decided { packet, dev, what });
    }

    /// The way of a packet that came; its source has been looked at, too.
    #[inline]
    pub(super) fn tell_input(&self, skb: &Skb, hit: &Hit, cx: &mut Cx<'_>) {
        if cx.tracer.wants(TraceMask::DECISIONS) {
            if !skb.looped {
                self.tell(skb, cx, |h| Decision::SourceChecked {
                    src: skb.pkt.saddr,
                    knob: h.net.sysctl.explain(Conf::RpFilter, skb.dev),
                });
            }
            self.tell(skb, cx, |h| h.routed(skb.pkt.daddr, hit, hit.dev, hit.gateway()));
        }
    }

    /// The way of a packet that this host sends to `dst`: under IPVS that is not the packet's own destination.
    #[inline]
    pub(super) fn tell_output(&self, skb: &Skb, dst: Ipv4Addr, route: &OutRoute, cx: &mut Cx<'_>) {
        if let Some(hit) = &route.hit {
            self.tell(skb, cx, |h| h.routed(dst, hit, route.dev, route.via.filter(|via| *via != dst)));
        }
    }

    fn routed(&self, dst: Ipv4Addr, hit: &Hit, out: DevIdx, via: Option<Ipv4Addr>) -> Decision {
        let out = self.net.devs[out.index()].name.clone();
        let route = self.net.fib.routes().iter().find(|r| r.id == hit.route);
        let route: Arc<str> = match (hit.prefix_len, route) {
            (0, _) => "default".into(),
            (32, Some(r)) => r.dst.addr().to_string().into(),
            (_, Some(r)) => r.dst.to_string().into(),
            (len, None) => format!("a prefix of {len} bits").into(),
        };
        // A route over a gateway that is an address of this host asks for the destination on the link.
        let via = via.filter(|_| hit.nh_scope <= SCOPE_LINK);
        Decision::Routed { dst, route, table: hit.table, kind: hit.kind.name(), out, via }
    }

    /// Source and destination before something may translate them; none if nobody wants to know.
    #[inline]
    pub(super) fn ends_before(&self, pkt: &IpPacket, cx: &Cx<'_>) -> Option<Ends> {
        cx.tracer.wants(TraceMask::DECISIONS).then(|| Ends::of(pkt))
    }

    /// What became of them, if they changed.
    #[inline]
    pub(super) fn tell_translated(&self, skb: &Skb, before: Option<Ends>, by: &'static str, cx: &mut Cx<'_>) {
        if let Some(from) = before {
            let to = Ends::of(&skb.pkt);
            if from != to {
                self.tell(skb, cx, |_| Decision::Translated { by, from, to });
            }
        }
    }

    /// The entry of the next hop as it is before it is used.
    #[inline]
    pub(super) fn tell_neighbour(&self, pkt: &IpPacket, dev: DevIdx, next_hop: Ipv4Addr, cx: &mut Cx<'_>) {
        if cx.tracer.wants(TraceMask::DECISIONS) {
            self.tell_of(pkt.id, dev, cx, |h| {
                let entry = h.net.neigh.get(dev, next_hop);
                let state = entry.map_or("NONE", |n| n.state.name());
                Decision::Neighbour { next_hop, state, mac: entry.filter(|n| n.state.valid()).map(|n| n.mac) }
            });
        }
    }
}
