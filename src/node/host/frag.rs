//! Fragmentation and reassembly (net/ipv4/ip_output.c `ip_do_fragment`, net/ipv4/ip_fragment.c).
//!
//! A fragment remembers its whole, so reassembly counts bytes and hands the whole back. Left out: overlapping fragments
//! (Linux drops the packet; no lvsim host makes them), `max_dist`.

use super::Skb;
use crate::base::{SimTime, Span};
use crate::wire::{Fragment, IpPacket, L4, Proto};
use std::net::Ipv4Addr;

/// Cuts a packet so that each piece fits `mtu`; offsets count in eights.
pub fn fragment(pkt: &IpPacket, mtu: u32) -> Vec<IpPacket> {
    let room = (mtu.saturating_sub(IpPacket::HEADER) / 8 * 8).max(8);
    let whole = match &pkt.l4 {
        L4::Fragment(f) => &f.whole,
        l4 => l4,
    };
    let (mut at, end) = (0, pkt.l4.len());
    let mut pieces = Vec::new();
    while at < end {
        let len = room.min(end - at);
        let more = at + len < end || pkt.mf();
        let units = ((pkt.offset() + at) / 8) as u16;
        let flags = (pkt.frag & IpPacket::DF) | if more { IpPacket::MF } else { 0 };
        let piece = Fragment { whole: whole.clone(), len: len as u16 };
        pieces.push(IpPacket { frag: flags | units, l4: L4::Fragment(Box::new(piece)), ..pkt.clone() });
        at += len;
    }
    pieces
}

/// Packets of which some fragments have come.
#[derive(Clone, Debug, Default)]
pub struct Fragments {
    waiting: Vec<Waiting>,
    next: u32,
}

#[derive(Clone, Debug)]
struct Waiting {
    slot: u32,
    key: (Ipv4Addr, Ipv4Addr, u16, Proto),
    pieces: Vec<(u32, u32)>,
    total: Option<u32>,
    largest: u32,
    first: Option<Box<Skb>>,
    any: Box<Skb>,
}

/// What became of a fragment.
#[derive(Debug)]
pub enum Reassembly {
    /// The packet is whole; `largest` is the longest piece it came in.
    Whole(Skb),
    /// Others are missing; if it is the first of its packet, wake this slot at that time.
    Waits(Option<(u32, SimTime)>),
    /// Too many packets are incomplete.
    Full(Box<Skb>),
}

impl Fragments {
    /// How long the others are waited for (`ipfrag_time`).
    pub const TIME: Span = Span::from_secs(30);
    /// Incomplete packets at once; Linux counts 4 MiB (`ipfrag_high_thresh`).
    pub const MOST: usize = 1024;

    /// A fragment arrived.
    pub fn add(&mut self, skb: Skb, now: SimTime) -> Reassembly {
        let pkt = &skb.pkt;
        let key = (pkt.saddr, pkt.daddr, pkt.id.0 as u16, pkt.l4.proto());
        let (at, len, more) = (pkt.offset(), pkt.l4.len(), pkt.mf());
        let (place, new) = match self.waiting.iter().position(|w| w.key == key) {
            Some(place) => (place, false),
            None if self.waiting.len() >= Self::MOST => return Reassembly::Full(Box::new(skb)),
            None => {
                self.next = self.next.wrapping_add(1);
                let (slot, any) = (self.next, Box::new(skb.clone()));
                self.waiting.push(Waiting { slot, key, pieces: Vec::new(), total: None, largest: 0, first: None, any });
                (self.waiting.len() - 1, true)
            }
        };
        let w = &mut self.waiting[place];
        if !w.pieces.contains(&(at, len)) {
            w.pieces.push((at, len));
        }
        w.largest = w.largest.max(len + IpPacket::HEADER);
        if !more {
            w.total = Some(at + len);
        }
        if at == 0 {
            w.first = Some(Box::new(skb));
        }
        if w.total.is_some_and(|total| covers(&mut w.pieces, total)) && w.first.is_some() {
            let w = self.waiting.remove(place);
            let mut skb = *w.first.expect("looked at above");
            skb.pkt.frag &= IpPacket::DF;
            if let L4::Fragment(f) = skb.pkt.l4 {
                skb.pkt.l4 = f.whole;
            }
            skb.largest_fragment = w.largest;
            return Reassembly::Whole(skb);
        }
        let w = &self.waiting[place];
        Reassembly::Waits(new.then(|| (w.slot, now + Self::TIME)))
    }

    /// The time is over: the first fragment (or any), if the packet is still incomplete, and whether it is the first.
    pub fn expire(&mut self, slot: u32) -> Option<(Skb, bool)> {
        let place = self.waiting.iter().position(|w| w.slot == slot)?;
        let w = self.waiting.remove(place);
        Some(match w.first {
            Some(first) => (*first, true),
            None => (*w.any, false),
        })
    }
}

fn covers(pieces: &mut [(u32, u32)], total: u32) -> bool {
    pieces.sort_unstable();
    let mut reached = 0;
    for &(at, len) in pieces.iter() {
        if at > reached {
            return false;
        }
        reached = reached.max(at + len);
    }
    reached >= total
}
