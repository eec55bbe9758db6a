//! A learning Ethernet switch (IEEE 802.1D without the spanning tree; Linux: net/bridge/br_fdb.c, br_forward.c).
//!
//! It learns source addresses, forgets them after 300 s, sends unknown and group addresses everywhere. A port has the MTU of
//! its cable, and what is longer is lost there, on the way in and out; `ip link set mtu` on the host at the other end changes
//! nothing here. It keeps no spanning tree: a loop of switches floods until a limit ends the run, as it would on cheap hardware.

use super::{Cx, Effect, FrameId, Input, longest_frame};
use crate::base::{DevIdx, SimTime, Span, Table};
use crate::trace::{DropReason, TraceEvent, TraceMask};
use crate::wire::{Frame, Mac};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A switch.
#[derive(Clone, Debug)]
pub struct Switch {
    /// Its name.
    pub name: Arc<str>,
    ports: Vec<Port>,
    /// Where in `known` an address is.
    fdb: Table<Mac, u32>,
    /// Every address ever learnt, in order.
    known: Vec<Learnt>,
    /// For the last byte of an address, the place in `known` where one that ends so was found last: addresses in a row,
    /// as a laboratory's are, are found without `fdb`.
    near: [u32; 256],
    /// The longest frame that every port takes.
    fits_all: u32,
    /// How long an address is remembered.
    pub ageing: Span,
    /// Frames received, sent to one port, sent to all.
    pub counts: SwitchCounts,
    /// Lost frames by reason.
    pub drops: BTreeMap<&'static str, u64>,
}

/// What a switch counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SwitchCounts {
    /// Frames that came in.
    pub received: u64,
    /// Frames sent to the one port where the address was learnt.
    pub forwarded: u64,
    /// Frames sent to every other port.
    pub flooded: u64,
    /// Copies sent by flooding.
    pub copies: u64,
    /// Addresses that were heard on another port than before: with a loop this never ends.
    pub moves: u64,
}

#[derive(Clone, Debug)]
struct Port {
    up: bool,
    mtu: u32,
    /// Who sent here last, by its place in `known`: nearly always who sends next.
    last: u32,
}

#[derive(Clone, Copy, Debug)]
struct Learnt {
    mac: Mac,
    port: DevIdx,
    heard: SimTime,
}

impl Switch {
    /// Linux bridges forget an address after 300 s.
    pub const AGEING: Span = Span::from_secs(300);
    /// Addresses a switch remembers; later ones are flooded like unknown ones.
    pub const MOST_ADDRESSES: usize = 65_536;

    /// A switch without ports.
    pub fn new(name: Arc<str>) -> Switch {
        Switch {
            name,
            ports: Vec::new(),
            fdb: Table::default(),
            known: Vec::new(),
            near: [u32::MAX; 256],
            fits_all: u32::MAX,
            ageing: Self::AGEING,
            counts: SwitchCounts::default(),
            drops: BTreeMap::new(),
        }
    }

    /// Adds a port for packets of at most so many bytes and tells its number.
    pub fn add_port(&mut self, mtu: u32) -> DevIdx {
        let port = DevIdx(self.ports.len() as u16);
        self.ports.push(Port { up: true, mtu, last: u32::MAX });
        self.set_mtu(port, mtu);
        port
    }

    /// Changes the largest packet of a port.
    pub fn set_mtu(&mut self, port: DevIdx, mtu: u32) {
        self.ports[port.index()].mtu = mtu;
        self.fits_all = self.ports.iter().map(|p| longest_frame(p.mtu)).min().unwrap_or(u32::MAX);
    }

    /// Address, port and when it was last heard, of what has not aged out, in the order of learning.
    pub fn learnt(&self, now: SimTime) -> Vec<(Mac, DevIdx, SimTime)> {
        let fresh = |l: &&Learnt| now <= l.heard + self.ageing;
        self.known.iter().filter(fresh).map(|l| (l.mac, l.port, l.heard)).collect()
    }

    /// Lets something happen to the switch.
    pub fn handle(&mut self, input: Input, cx: &mut Cx<'_>) {
        match input {
            Input::Frame { dev, frame, confirm } => self.receive(dev, frame, confirm, cx),
            Input::Carrier { dev, up } => self.carrier(dev, up),
            Input::Timer(_) => {}
        }
    }

    /// A port without a carrier forgets what was learnt on it (`br_stp_disable_port`): frames to those addresses are flooded.
    fn carrier(&mut self, port: DevIdx, up: bool) {
        if std::mem::replace(&mut self.ports[port.index()].up, up) && !up {
            self.known.retain(|l| l.port != port);
            self.fdb = Table::default();
            for (place, learnt) in self.known.iter().enumerate() {
                self.fdb.insert(learnt.mac, place as u32);
            }
            for port in &mut self.ports {
                port.last = u32::MAX;
            }
            self.near = [u32::MAX; 256];
        }
    }

    /// A frame arrives: the short way of [`Switch::handle`].
    pub fn receive(&mut self, from: DevIdx, frame: FrameId, confirm: bool, cx: &mut Cx<'_>) {
        let (dst, src, len) = {
            let frame = cx.frames.get(frame);
            (frame.dst, frame.src, frame.unpadded_len())
        };
        let long = len > self.fits_all;
        if long && self.too_long(from, len) {
            return self.lose_too_long(from, frame, len, cx);
        }
        self.counts.received += 1;
        self.learn(src, from, cx.now);
        if !dst.is_multicast()
            && let Some(learnt) = self.find(dst)
            && cx.now <= learnt.heard + self.ageing
        {
            let port = learnt.port;
            if port == from || !self.ports[port.index()].up {
                self.lose(from, frame, DropReason::SwitchNowhere, cx);
            } else if long && self.too_long(port, len) {
                self.lose_too_long(port, frame, len, cx);
            } else {
                self.counts.forwarded += 1;
                cx.out.push(Effect::Send { dev: port, frame, confirm });
            }
            return;
        }
        if long {
            return self.flood_long(from, frame, len, confirm, cx);
        }
        self.flood(from, frame, confirm, cx);
    }

    fn flood(&mut self, from: DevIdx, frame: FrameId, confirm: bool, cx: &mut Cx<'_>) {
        let others = || (0..self.ports.len()).filter(|&p| p != from.index() && self.ports[p].up);
        let Some(last) = others().next_back() else {
            self.lose(from, frame, DropReason::SwitchNowhere, cx);
            return;
        };
        let mut copies = 1;
        for port in others().take_while(|&p| p < last) {
            copies += 1;
            let copy = cx.frames.get(frame).clone();
            let frame = cx.frames.put(copy);
            cx.out.push(Effect::Send { dev: DevIdx(port as u16), frame, confirm });
        }
        cx.out.push(Effect::Send { dev: DevIdx(last as u16), frame, confirm });
        self.counts.flooded += 1;
        self.counts.copies += copies;
    }

    /// Sends a frame everywhere that some port does not take: what goes there is lost.
    #[cold]
    fn flood_long(&mut self, from: DevIdx, frame: FrameId, len: u32, confirm: bool, cx: &mut Cx<'_>) {
        let others = (0..self.ports.len()).filter(|&p| p != from.index() && self.ports[p].up);
        let others: Vec<DevIdx> = others.map(|p| DevIdx(p as u16)).collect();
        let mut copies = 0;
        for (i, &port) in others.iter().enumerate() {
            let frame = if i + 1 < others.len() {
                let copy = cx.frames.get(frame).clone();
                cx.frames.put(copy)
            } else {
                frame
            };
            if self.too_long(port, len) {
                self.lose_too_long(port, frame, len, cx);
            } else {
                copies += 1;
                cx.out.push(Effect::Send { dev: port, frame, confirm });
            }
        }
        if others.is_empty() {
            return self.lose(from, frame, DropReason::SwitchNowhere, cx);
        }
        self.counts.flooded += 1;
        self.counts.copies += copies;
    }

    /// Whether a port does not take a frame of this length (`is_skb_forwardable`), be it on the way in or out.
    fn too_long(&self, port: DevIdx, len: u32) -> bool {
        len > longest_frame(self.ports[port.index()].mtu)
    }

    #[inline]
    fn find(&mut self, mac: Mac) -> Option<Learnt> {
        let near = &mut self.near[usize::from(mac.0[5])];
        if let Some(learnt) = self.known.get(*near as usize)
            && learnt.mac == mac
        {
            return Some(*learnt);
        }
        let at = *self.fdb.get(&mac)?;
        *near = at;
        Some(self.known[at as usize])
    }

    fn learn(&mut self, mac: Mac, port: DevIdx, now: SimTime) {
        if mac.is_multicast() {
            return;
        }
        let last = self.ports[port.index()].last;
        let at = match self.known.get(last as usize) {
            Some(learnt) if learnt.mac == mac => Some(last),
            _ => self.fdb.get(&mac).copied(),
        };
        if let Some(at) = at {
            self.ports[port.index()].last = at;
            let learnt = &mut self.known[at as usize];
            if learnt.port != port {
                self.counts.moves += 1;
                learnt.port = port;
            }
            learnt.heard = now;
        } else if self.fdb.len() < Self::MOST_ADDRESSES {
            self.fdb.insert(mac, self.known.len() as u32);
            self.known.push(Learnt { mac, port, heard: now });
        }
    }

    #[cold]
    fn lose_too_long(&mut self, port: DevIdx, frame: FrameId, len: u32, cx: &mut Cx<'_>) {
        let mtu = self.ports[port.index()].mtu;
        self.lose(port, frame, DropReason::OverMtu { len: len - Frame::HEADER, mtu }, cx);
    }

    fn lose(&mut self, dev: DevIdx, frame: FrameId, reason: DropReason, cx: &mut Cx<'_>) {
        *self.drops.entry(reason.rule().code).or_default() += 1;
        let (now, node, frame) = (cx.now, cx.node, cx.frames.take(frame));
        cx.tracer.emit(TraceMask::DROPS, now, node, || TraceEvent::Dropped {
            dev: Some(dev),
            frame: Box::new(frame),
            reason,
        });
    }
}
