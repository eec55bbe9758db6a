//! Connection tracking (net/netfilter/nf_conntrack_core.c, nf_conntrack_proto_tcp.c, _udp.c, _icmp.c, _generic.c).
//!
//! An entry is made by the first packet and kept once that packet has passed the last hook; until then it travels with
//! the packet. Entries end lazily, when somebody meets them. Left out: TCP window tracking (as with
//! `nf_conntrack_tcp_be_liberal`), helpers and expectations, and the sysctls: the timeouts are the kernel's defaults.

use super::matches::state;
use super::nat::{self, Manip, keys};
use super::targets::NatRange;
use crate::base::{SimTime, Span, Table};
use crate::wire::{IpPacket, L4, Proto, TcpFlags};
use std::net::Ipv4Addr;

/// Entries that a host keeps (`nf_conntrack_max` of a machine with a few GB).
pub const MOST: usize = 262_144;

/// One direction of a connection. For echo, the identifier stands where the asked side has its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tuple {
    /// Source.
    pub src: Ipv4Addr,
    /// Destination.
    pub dst: Ipv4Addr,
    /// Protocol.
    pub proto: u8,
    /// Source port.
    pub sport: u16,
    /// Destination port.
    pub dport: u16,
}

impl Tuple {
    /// The tuple of a packet; none for fragments and for ICMP errors.
    pub fn of(pkt: &IpPacket) -> Option<Tuple> {
        let (proto, sport, dport) = keys(&pkt.l4)?;
        Some(Tuple { src: pkt.saddr, dst: pkt.daddr, proto, sport, dport })
    }

    /// The other direction.
    pub fn turned(self) -> Tuple {
        Tuple { src: self.dst, dst: self.src, proto: self.proto, sport: self.dport, dport: self.sport }
    }
}

/// What a packet is to its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Info {
    /// It opens it, or there was no answer yet.
    New,
    /// Both sides have been heard.
    Established,
    /// It is an error about it.
    Related,
}

/// What a packet carries of its connection (`skb->_nfct`).
#[derive(Clone, Debug, Default)]
pub enum Ct {
    /// Nothing: not looked at yet, or invalid.
    #[default]
    None,
    /// Nobody is to look (`IP_CT_UNTRACKED`).
    Untracked,
    /// A connection that is not in the table: its first packet is on its way, or it has just ended.
    Loose {
        /// The connection.
        conn: Box<Conn>,
        /// What the packet is to it.
        info: Info,
        /// The packet goes against the direction of the first.
        reply: bool,
    },
    /// A connection in the table.
    Held {
        /// Its place.
        slot: u32,
        /// Its generation.
        generation: u32,
        /// What the packet is to it.
        info: Info,
        /// The packet goes against the direction of the first.
        reply: bool,
    },
}

impl Ct {
    /// IPVS has dealt with the packet: unless it is to be kept, nobody tracks it any more (`ip_vs_notrack`).
    #[inline]
    pub fn keep_if(&mut self, keep: bool) {
        if !keep && !matches!(self, Ct::None) {
            *self = Ct::Untracked;
        }
    }
}

/// States of a TCP connection (`enum tcp_conntrack`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tcp {
    None,
    SynSent,
    SynRecv,
    Established,
    FinWait,
    CloseWait,
    LastAck,
    TimeWait,
    Close,
    SynSent2,
}

/// A connection.
#[derive(Clone, Debug)]
pub struct Conn {
    original: Tuple,
    reply: Tuple,
    tcp: Tcp,
    /// Heard in the direction of the answers.
    answered: bool,
    expires: SimTime,
    snat: bool,
    dnat: bool,
    /// Its source, its destination was settled (`IPS_SRC_NAT_DONE`, `IPS_DST_NAT_DONE`).
    src_done: bool,
    dst_done: bool,
    /// It has been in the table and shall not come back.
    dying: bool,
}

#[derive(Clone, Debug, Default)]
struct Slot {
    generation: u32,
    conn: Option<Box<Conn>>,
}

/// The connections of a host.
#[derive(Clone, Debug, Default)]
pub struct Conntrack {
    slots: Vec<Slot>,
    free: Vec<u32>,
    lookup: Table<Tuple, (u32, bool)>,
    sweep_at: usize,
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracked {
    /// It goes on.
    Passes,
    /// The table is full.
    Full,
}

impl Conntrack {
    /// Connections in the table, those included whose time is over and that nobody has met since.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Finds or makes a packet's connection (`nf_conntrack_in`). Packets that carry one already pass untouched.
    pub fn enter(&mut self, pkt: &IpPacket, ct: &mut Ct, now: SimTime) {
        if !matches!(ct, Ct::None) {
            return;
        }
        if let L4::Icmp(icmp) = &pkt.l4
            && let Some(quote) = icmp.quote()
        {
            *ct = self.related(quote, now);
            return;
        }
        let Some(tuple) = Tuple::of(pkt) else { return };
        // Once more if a connection that had ended gave way to a new one.
        for _ in 0..2 {
            match self.find(&tuple, now) {
                Some((slot, reply)) => {
                    if let Some(found) = self.update(slot, reply, pkt, now) {
                        *ct = found;
                        return;
                    }
                }
                None => {
                    *ct = fresh(tuple, pkt).map_or(Ct::None, |conn| Ct::Loose {
                        conn: Box::new(conn),
                        info: Info::New,
                        reply: false,
                    });
                    return;
                }
            }
        }
    }

    /// Keeps a new connection (`nf_conntrack_confirm`): its first packet has passed the last hook.
    pub fn confirm(&mut self, ct: &mut Ct, now: SimTime) -> Tracked {
        let Ct::Loose { conn, info: Info::New, reply: false } = ct else { return Tracked::Passes };
        if conn.dying || self.find(&conn.original, now).is_some() || self.find(&conn.reply, now).is_some() {
            return Tracked::Passes;
        }
        if self.len() >= self.sweep_at.max(1024) {
            self.sweep(now);
            if self.len() >= MOST {
                return Tracked::Full;
            }
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            (self.slots.len() - 1) as u32
        });
        let mut kept = conn.clone();
        kept.expires = now + timeout(&kept);
        self.lookup.insert(kept.original, (slot, false));
        self.lookup.insert(kept.reply, (slot, true));
        let place = &mut self.slots[slot as usize];
        place.generation = place.generation.wrapping_add(1);
        place.conn = Some(kept);
        *ct = Ct::Held { slot, generation: place.generation, info: Info::New, reply: false };
        Tracked::Passes
    }

    /// Whether a packet's connection is in the table (`nf_ct_is_confirmed`).
    pub fn confirmed(&self, ct: &Ct) -> bool {
        match ct {
            Ct::Held { .. } => true,
            Ct::Loose { conn, .. } => conn.dying,
            Ct::None | Ct::Untracked => false,
        }
    }

    /// What rules see of a packet's connection, as bits of [`state`].
    pub fn state_of(&self, ct: &Ct) -> u8 {
        let info = match ct {
            Ct::None => return state::INVALID,
            Ct::Untracked => return state::UNTRACKED,
            Ct::Loose { info, .. } | Ct::Held { info, .. } => info,
        };
        let mut bits = match info {
            Info::New => state::NEW,
            Info::Established => state::ESTABLISHED,
            Info::Related => state::RELATED,
        };
        if let Some(conn) = self.conn(ct) {
            bits |= if conn.snat { state::SNAT } else { 0 };
            bits |= if conn.dnat { state::DNAT } else { 0 };
        }
        bits
    }

    /// Whether the rules of the nat table are to be asked about a packet: it opens a connection of which this end is not
    /// settled yet.
    pub fn unsettled(&self, ct: &Ct, manip: Manip) -> bool {
        let fresh = matches!(ct, Ct::Loose { info: Info::New, .. } | Ct::Held { info: Info::New, .. });
        fresh
            && self.conn(ct).is_some_and(|c| match manip {
                Manip::Src => !c.src_done,
                Manip::Dst => !c.dst_done,
            })
    }

    /// Settles one end of a connection (`nf_nat_setup_info`): by a range, or as it is. False: no port is left.
    pub fn settle(&mut self, ct: &mut Ct, range: Option<&NatRange>, manip: Manip, now: SimTime) -> bool {
        let Some(conn) = self.conn(ct) else { return true };
        let (mut conn, was) = (conn.clone(), conn.reply);
        let current = conn.reply.turned();
        // Without a rule the address stays, and so does the port if nobody else has it (`nf_nat_alloc_null_binding`).
        let own = match manip {
            Manip::Src => current.src,
            Manip::Dst => current.dst,
        };
        let unchanged = NatRange { addrs: Some((own, own)), ports: None };
        let mine = match ct {
            Ct::Held { slot, .. } => Some(*slot),
            _ => None,
        };
        let taken = |t: &Tuple| {
            let other = self.lookup.get(&t.turned()).filter(|(slot, _)| Some(*slot) != mine);
            other.is_some_and(|&(slot, _)| self.alive(slot, now))
        };
        let Some(new) = nat::unique_tuple(current, range.unwrap_or(&unchanged), manip, taken) else { return false };
        if new != current {
            conn.reply = new.turned();
            match manip {
                Manip::Src => conn.snat = true,
                Manip::Dst => conn.dnat = true,
            }
        }
        match manip {
            Manip::Src => conn.src_done = true,
            Manip::Dst => conn.dst_done = true,
        }
        self.put(ct, conn, was);
        true
    }

    /// Rewrites a packet as its connection's translation says (`nf_nat_packet`, `nf_nat_icmp_reply_translation`).
    pub fn translate(&self, pkt: &mut IpPacket, ct: &Ct, manip: Manip) {
        let (info, reply) = match ct {
            Ct::None | Ct::Untracked => return,
            Ct::Loose { info, reply, .. } | Ct::Held { info, reply, .. } => (*info, *reply),
        };
        let Some(conn) = self.conn(ct) else { return };
        let wanted = match (manip, reply) {
            (Manip::Src, false) | (Manip::Dst, true) => conn.snat,
            (Manip::Dst, false) | (Manip::Src, true) => conn.dnat,
        };
        if !wanted {
            return;
        }
        let other = if reply { conn.original } else { conn.reply };
        if info == Info::Related && matches!(&pkt.l4, L4::Icmp(i) if i.quote().is_some()) {
            nat::rewrite_error(pkt, &other.turned(), &other, manip);
        } else {
            nat::rewrite(pkt, &other.turned(), manip);
        }
    }

    /// IPVS sends the connection to a server: answers will come from there (`ip_vs_update_conntrack`).
    pub fn ipvs_chose(&mut self, ct: &mut Ct, server: Ipv4Addr, port: u16) {
        if let Ct::Loose { conn, info: Info::New, reply: false } = ct {
            conn.reply.src = server;
            if matches!(conn.reply.proto, 6 | 17) {
                conn.reply.sport = port;
            }
        }
    }

    /// A copy for an answer that this host gives to the packet (`nf_ct_attach`).
    pub fn attached(&self, ct: &Ct) -> Ct {
        let mut ct = ct.clone();
        if let Ct::Loose { info, reply, .. } | Ct::Held { info, reply, .. } = &mut ct {
            *info = Info::Related;
            *reply = !*reply;
        }
        ct
    }

    fn conn<'a>(&'a self, ct: &'a Ct) -> Option<&'a Conn> {
        match ct {
            Ct::None | Ct::Untracked => None,
            Ct::Loose { conn, .. } => Some(conn),
            Ct::Held { slot, generation, .. } => {
                let place = self.slots.get(*slot as usize).filter(|s| s.generation == *generation)?;
                place.conn.as_deref()
            }
        }
    }

    fn put(&mut self, ct: &mut Ct, new: Conn, was: Tuple) {
        match ct {
            Ct::None | Ct::Untracked => {}
            Ct::Loose { conn, .. } => **conn = new,
            Ct::Held { slot, .. } => {
                if new.reply != was {
                    self.lookup.remove(&was);
                    self.lookup.insert(new.reply, (*slot, true));
                }
                self.slots[*slot as usize].conn = Some(Box::new(new));
            }
        }
    }

    fn alive(&self, slot: u32, now: SimTime) -> bool {
        self.slots[slot as usize].conn.as_ref().is_some_and(|c| c.expires > now)
    }

    fn find(&mut self, tuple: &Tuple, now: SimTime) -> Option<(u32, bool)> {
        let &(slot, reply) = self.lookup.get(tuple)?;
        if self.alive(slot, now) {
            return Some((slot, reply));
        }
        self.remove(slot);
        None
    }

    fn remove(&mut self, slot: u32) -> Option<Box<Conn>> {
        let conn = self.slots[slot as usize].conn.take()?;
        for (tuple, reply) in [(conn.original, false), (conn.reply, true)] {
            if self.lookup.get(&tuple) == Some(&(slot, reply)) {
                self.lookup.remove(&tuple);
            }
        }
        self.free.push(slot);
        Some(conn)
    }

    fn sweep(&mut self, now: SimTime) {
        for slot in 0..self.slots.len() as u32 {
            if self.slots[slot as usize].conn.is_some() && !self.alive(slot, now) {
                self.remove(slot);
            }
        }
        self.sweep_at = self.len() * 2;
    }

    fn related(&mut self, quote: &IpPacket, now: SimTime) -> Ct {
        let Some(tuple) = Tuple::of(quote) else { return Ct::None };
        // The quoted packet is as it left; its answers are what is looked for.
        match self.find(&tuple.turned(), now) {
            // The error goes the way of the answers to the quoted packet.
            Some((slot, reply)) => {
                let generation = self.slots[slot as usize].generation;
                Ct::Held { slot, generation, info: Info::Related, reply }
            }
            None => Ct::None,
        }
    }

    /// A packet of a known connection. None: the connection had ended, and the packet opens a new one.
    fn update(&mut self, slot: u32, reply: bool, pkt: &IpPacket, now: SimTime) -> Option<Ct> {
        let place = &mut self.slots[slot as usize];
        let generation = place.generation;
        let conn = place.conn.as_mut()?;
        let mut info = if reply || conn.answered { Info::Established } else { Info::New };
        if let L4::Tcp(segment) = &pkt.l4 {
            let rst = segment.flags.has(TcpFlags::RST);
            match step(conn.tcp, Event::of(segment.flags), reply) {
                Step::To(Tcp::SynSent) if !reply && matches!(conn.tcp, Tcp::TimeWait | Tcp::Close) => {
                    self.remove(slot);
                    return None;
                }
                Step::To(next) => conn.tcp = next,
                Step::Ignore => return Some(Ct::Held { slot, generation, info, reply }),
                Step::Invalid => return Some(Ct::None),
            }
            // A reset is no answer that would make a connection of it.
            if rst && !conn.answered {
                let mut conn = self.remove(slot)?;
                conn.dying = true;
                return Some(Ct::Loose { conn, info, reply });
            }
        }
        if reply {
            conn.answered = true;
            info = Info::Established;
        }
        conn.expires = now + timeout(conn);
        Some(Ct::Held { slot, generation, info, reply })
    }
}

/// The connection that a packet opens; none if it cannot open one.
fn fresh(tuple: Tuple, pkt: &IpPacket) -> Option<Conn> {
    let tcp = match &pkt.l4 {
        L4::Tcp(segment) => match step(Tcp::None, Event::of(segment.flags), false) {
            // A connection in mid-life is taken up as it is (`nf_conntrack_tcp_loose`).
            Step::To(state) => state,
            Step::Ignore | Step::Invalid => return None,
        },
        L4::Icmp(icmp) if icmp.kind() != 8 => return None,
        _ => Tcp::None,
    };
    Some(Conn {
        original: tuple,
        reply: tuple.turned(),
        tcp,
        answered: false,
        expires: SimTime::ZERO,
        snat: false,
        dnat: false,
        src_done: false,
        dst_done: false,
        dying: false,
    })
}

/// How long a connection is kept without a packet.
fn timeout(conn: &Conn) -> Span {
    const TCP: u8 = Proto::Tcp as u8;
    const UDP: u8 = Proto::Udp as u8;
    const ICMP: u8 = Proto::Icmp as u8;
    Span::from_secs(match (conn.original.proto, conn.tcp) {
        (TCP, Tcp::SynRecv | Tcp::CloseWait) => 60,
        (TCP, Tcp::Established) => 432_000,
        (TCP, Tcp::LastAck) => 30,
        (TCP, Tcp::Close) => 10,
        (TCP, _) => 120,
        (UDP, _) => {
            if conn.answered {
                120
            } else {
                30
            }
        }
        (ICMP, _) => 30,
        _ => 600,
    })
}

#[derive(Clone, Copy)]
enum Event {
    Syn,
    SynAck,
    Fin,
    Ack,
    Rst,
    Other,
}

impl Event {
    fn of(flags: TcpFlags) -> Event {
        match () {
            () if flags.has(TcpFlags::RST) => Event::Rst,
            () if flags.has(TcpFlags::SYN) && flags.has(TcpFlags::ACK) => Event::SynAck,
            () if flags.has(TcpFlags::SYN) => Event::Syn,
            () if flags.has(TcpFlags::FIN) => Event::Fin,
            () if flags.has(TcpFlags::ACK) => Event::Ack,
            () => Event::Other,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    To(Tcp),
    Ignore,
    Invalid,
}

/// The state machine (`tcp_conntracks`), by what the segments mean.
fn step(now: Tcp, event: Event, reply: bool) -> Step {
    use Step::{Ignore, Invalid, To};
    use Tcp::{Close, CloseWait, Established, FinWait, LastAck, None, SynRecv, SynSent, SynSent2, TimeWait};
    match (event, now) {
        (Event::Other, _) => Invalid,
        // A reset closes whatever there is.
        (Event::Rst, None) => Invalid,
        (Event::Rst, _) => To(Close),
        (Event::Syn, None | SynSent | TimeWait | Close) if !reply => To(SynSent),
        (Event::Syn, SynSent2) if !reply => To(SynSent2),
        (Event::Syn, _) if !reply => Ignore,
        (Event::Syn, SynSent | SynSent2) => To(SynSent2),
        // The server's side opens the connection anew.
        (Event::Syn, TimeWait) => To(SynSent),
        (Event::Syn, _) => Invalid,
        (Event::SynAck, SynRecv | SynSent2) if !reply => To(SynRecv),
        (Event::SynAck, _) if !reply => Invalid,
        (Event::SynAck, None) => Invalid,
        (Event::SynAck, SynSent | SynSent2) => To(SynRecv),
        (Event::SynAck, _) => Ignore,
        (Event::Fin, None | SynSent | SynSent2) => Invalid,
        (Event::Fin, SynRecv | Established) => To(FinWait),
        (Event::Fin, FinWait | CloseWait | LastAck) => To(LastAck),
        (Event::Fin, TimeWait | Close) => To(now),
        (Event::Ack, None) if !reply => To(Established),
        (Event::Ack, None) => Invalid,
        (Event::Ack, SynSent | SynSent2) if !reply => Invalid,
        (Event::Ack, SynSent | SynSent2) => Ignore,
        (Event::Ack, SynRecv) => To(if reply { SynRecv } else { Established }),
        (Event::Ack, Established) => To(Established),
        (Event::Ack, FinWait | CloseWait) => To(CloseWait),
        (Event::Ack, LastAck | TimeWait) => To(TimeWait),
        (Event::Ack, Close) => To(Close),
    }
}

#[cfg(test)]
#[path = "conntrack_tests.rs"]
mod tests;
