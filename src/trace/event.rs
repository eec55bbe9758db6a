//! Every observable step, with typed facts. Sentences are made in `report/`.

use super::DropReason;
use crate::base::{DevIdx, NodeId, SimTime};
use crate::sysctl::Effective;
use crate::wire::{Arp, Frame, IpPacket, Mac};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// One step: when, where, what.
#[derive(Clone, Debug)]
pub struct Record {
    /// When.
    pub at: SimTime,
    /// On which node.
    pub node: NodeId,
    /// What.
    pub event: TraceEvent,
}

/// In or out of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dir {
    /// Received.
    In,
    /// Sent.
    Out,
}

/// What can be observed.
#[derive(Clone, Debug)]
pub enum TraceEvent {
    /// A frame passed a device of a host.
    Frame {
        /// The device.
        dev: DevIdx,
        /// In or out.
        dir: Dir,
        /// The frame as it passed.
        frame: Box<Frame>,
        /// Whether the device has Ethernet headers (`tunl0` has not).
        ethernet: bool,
    },
    /// A packet ended here.
    Dropped {
        /// The device it came in by or would have left by, where one is known.
        dev: Option<DevIdx>,
        /// The frame; without Ethernet (zero addresses) where it was a packet only.
        frame: Box<Frame>,
        /// Why.
        reason: DropReason,
    },
    /// A host decided about a who-has.
    ArpVerdict {
        /// Where it was heard.
        dev: DevIdx,
        /// The question.
        request: Box<Arp>,
        /// What the host did about it.
        answer: ArpAnswer,
    },
    /// A neighbour entry changed.
    Neigh {
        /// The device.
        dev: DevIdx,
        /// The address.
        addr: Ipv4Addr,
        /// The state before, in the kernel's words.
        from: &'static str,
        /// The state after.
        to: &'static str,
        /// The hardware address after.
        mac: Option<Mac>,
        /// The hardware address before.
        was: Option<Mac>,
    },
    /// IPVS chose a server for a new connection.
    Scheduled {
        /// The packet that asked for it.
        packet: Box<IpPacket>,
        /// The service as ipvsadm names it.
        service: Arc<str>,
        /// The scheduler.
        scheduler: &'static str,
        /// The server.
        dest: (Ipv4Addr, u16),
        /// Why this one.
        because: Because,
    },
    /// An IPVS connection changed its state.
    IpvsState {
        /// Client address and port.
        client: (Ipv4Addr, u16),
        /// Virtual address and port.
        virt: (Ipv4Addr, u16),
        /// Server address and port.
        dest: (Ipv4Addr, u16),
        /// The state before, as `ipvsadm -Lnc` names it.
        from: &'static str,
        /// The state after.
        to: &'static str,
    },
    /// A line was typed.
    Typed {
        /// The text.
        text: Arc<str>,
    },
}

/// What a host did about a who-has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArpAnswer {
    /// It answered with the device's hardware address.
    Answered {
        /// The device that owns the address.
        owner: Arc<str>,
        /// The knob that allowed it.
        knob: Box<Effective>,
    },
    /// It answered in another's place.
    Proxied {
        /// `proxy_arp`.
        knob: Box<Effective>,
    },
    /// It does not own the address.
    NotMine,
    /// It owns the address, and the effective `arp_ignore` forbids the answer.
    Ignored {
        /// The device that owns the address.
        owner: Arc<str>,
        /// `arp_ignore`.
        knob: Box<Effective>,
    },
    /// It owns the address, but would send to the asker by another device (`arp_filter`).
    Filtered {
        /// `arp_filter`.
        knob: Box<Effective>,
    },
    /// The asker's address is one of its own, so the question is martian.
    AskerIsMe {
        /// The asker's address.
        sip: Ipv4Addr,
    },
    /// The asker's address fails `rp_filter` on the device.
    ReversePath {
        /// `rp_filter`.
        knob: Box<Effective>,
    },
    /// A rule of arptables dropped the question.
    Arptables {
        /// The chain.
        chain: Arc<str>,
    },
    /// Gratuitous, multicast or otherwise nothing to answer.
    NotAQuestion,
}

/// Why a scheduler chose what it chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Because {
    /// The next in the list (rr).
    NextInTurn {
        /// Place in the list, from 0, newest first.
        place: u32,
        /// Servers in the list.
        of: u32,
    },
    /// The next in the list whose weight reaches the mark (wrr).
    WeightedTurn {
        /// Its weight.
        weight: u32,
        /// The mark (`cw` in the kernel).
        mark: u32,
    },
    /// The least of a measure (lc, wlc, sed, nq …).
    Least {
        /// What was compared.
        measure: &'static str,
        /// The winner's value.
        value: u64,
        /// The winner's weight.
        weight: u32,
    },
    /// A hash table's place (sh, dh, mh).
    HashSlot {
        /// The slot.
        slot: u32,
        /// Slots in the table.
        size: u32,
    },
    /// A persistence template.
    Persistent,
    /// The highest weight (fo, ovf).
    HighestWeight {
        /// Its weight.
        weight: u32,
    },
    /// A draw (twos).
    Drawn,
}
