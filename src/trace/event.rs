//! Every observable step, with typed facts. Sentences are made in `report/`.

use super::DropReason;
use crate::base::{DevIdx, NodeId, SimTime};
use crate::sysctl::Effective;
use crate::wire::{Arp, Frame, IpPacket, Mac, PacketId, Proto};
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
    /// What a scheduler compared, whether or not it chose one.
    Receipt(Box<Receipt>),
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
    /// A program has ended, or a file of `/proc` was opened for writing.
    Ran {
        /// The line of the text that it stands in, from 1.
        line: u32,
        /// That text is a script file, not what was typed.
        script: bool,
        /// The words after expansion; `>` and the path for a file of `/proc`.
        words: Vec<String>,
        /// Its exit status.
        status: u8,
        /// What it printed.
        out: String,
    },
    /// Something was written into a file of `/proc` that [`TraceEvent::Ran`] told of when it was opened.
    Wrote {
        /// The file.
        path: String,
        /// Whether the kernel took it.
        taken: bool,
    },
    /// A step of a packet inside a host, told only to those who ask for [`super::TraceMask::DECISIONS`].
    Decided {
        /// Which packet.
        packet: PacketId,
        /// The device by which it came or leaves.
        dev: DevIdx,
        /// What was decided.
        what: Box<Decision>,
    },
    /// A command added, changed or deleted a server of a virtual service.
    ServerSet {
        /// The service as ipvsadm names it.
        service: Arc<str>,
        /// The server.
        dest: (Ipv4Addr, u16),
        /// Method (`Masq`, `Route`, `Tunnel`) and weight from now on; none: it was deleted.
        to: Option<(&'static str, i32)>,
    },
}

/// What a host decides about a packet that it does not lose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The way was found.
    Routed {
        /// The destination.
        dst: Ipv4Addr,
        /// The route as `ip route` prints it, without its device.
        route: Arc<str>,
        /// Its table: 255 local, 254 main, 253 default.
        table: u32,
        /// What it does: `local`, `unicast`, `broadcast`, `multicast`.
        kind: &'static str,
        /// By which device.
        out: Arc<str>,
        /// The next hop, where there is one.
        via: Option<Ipv4Addr>,
    },
    /// The source may come by this device.
    SourceChecked {
        /// The source.
        src: Ipv4Addr,
        /// `rp_filter`.
        knob: Effective,
    },
    /// The hardware address of the next hop.
    Neighbour {
        /// The next hop.
        next_hop: Ipv4Addr,
        /// The state of its entry; `NONE` where there was none.
        state: &'static str,
        /// The hardware address; none: it has to be asked for, and the packet waits.
        mac: Option<Mac>,
    },
    /// A chain of iptables let it pass.
    Passed {
        /// The table.
        table: &'static str,
        /// The chain.
        chain: &'static str,
    },
    /// Its addresses or ports were changed.
    Translated {
        /// By whom: `netfilter` or `IPVS`.
        by: &'static str,
        /// Source and destination before.
        from: Ends,
        /// Source and destination after.
        to: Ends,
    },
    /// IPVS sends it on to a server, by a new connection or one that it knows.
    Forwarded {
        /// The method's word in `ipvsadm -Ln`.
        method: &'static str,
        /// The server.
        dest: (Ipv4Addr, u16),
    },
    /// IPVS has looked at it and has nothing to do with it.
    NotVirtual,
    /// It is handed to its protocol.
    Delivered {
        /// The protocol.
        proto: Proto,
        /// The port, where there are ports.
        port: Option<u16>,
    },
}

/// Source and destination, with ports where there are ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Source.
    pub src: (Ipv4Addr, Option<u16>),
    /// Destination.
    pub dst: (Ipv4Addr, Option<u16>),
}

impl Ends {
    /// Those of a packet.
    pub fn of(packet: &IpPacket) -> Ends {
        let ports = packet.l4.ports();
        Ends { src: (packet.saddr, ports.map(|p| p.0)), dst: (packet.daddr, ports.map(|p| p.1)) }
    }
}

/// What a host did about a who-has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
        /// `proxy_arp` or `proxy_arp_pvlan`.
        knob: Box<Effective>,
    },
    /// It would answer in another's place, but too many such answers are held back already.
    TooManyHeld {
        /// How many may be (`proxy_qlen`).
        limit: u32,
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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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

/// A scheduler's decision with everything that it looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Client address and port.
    pub client: (Ipv4Addr, u16),
    /// The service as ipvsadm names it.
    pub service: Arc<str>,
    /// The scheduler.
    pub scheduler: &'static str,
    /// Every destination in the order of the kernel's list, newest first.
    pub candidates: Vec<Candidate>,
    /// Why the chosen one; none if there is none.
    pub because: Option<Because>,
}

/// A destination as a scheduler saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The server.
    pub dest: (Ipv4Addr, u16),
    /// Its weight.
    pub weight: i32,
    /// Connections in an active state.
    pub active: u32,
    /// Other connections.
    pub inactive: u32,
    /// Full, by its thresholds.
    pub overload: bool,
    /// What was compared.
    pub compared: Compared,
    /// Whether it was chosen.
    pub chosen: bool,
}

/// What a scheduler compares of one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compared {
    /// How soon it is its turn: 1 is next (rr).
    Turn(u32),
    /// Its weight against the mark (wrr).
    Mark {
        /// Its weight.
        weight: i32,
        /// The mark at which somebody was chosen (`cw` in the kernel); that before, if nobody was.
        mark: i32,
    },
    /// A measure, divided by the weight where that counts (lc, wlc, sed, nq, lblc, lblcr).
    Ratio {
        /// What is measured.
        measure: &'static str,
        /// The value.
        value: i64,
        /// What it is divided by; none where weights do not count.
        weight: Option<i32>,
    },
    /// Whether the packet's slot of the hash table leads here (dh, sh, mh).
    Slot {
        /// The slot.
        slot: u32,
        /// Slots in the table.
        size: u32,
        /// Whether it leads here.
        here: bool,
    },
    /// The cache binds the address to it, and it has fewer active connections than it may (lblc, lblcr).
    Bound,
    /// The weight (fo), with active connections where they count (ovf).
    Weight {
        /// Its weight.
        weight: i32,
        /// Its active connections; none where they do not count.
        active: Option<u32>,
    },
    /// Drawn by weight, then compared by load (twos).
    Drawn {
        /// Its weight, out of this sum.
        of: i64,
        /// Its weight.
        weight: i32,
        /// Its load.
        load: i64,
    },
}
