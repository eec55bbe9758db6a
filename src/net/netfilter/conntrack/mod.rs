//! Connection tracking (net/netfilter/nf_conntrack_core.c, nf_conntrack_proto_udp.c, _icmp.c, _generic.c).
//!
//! An entry is made by the first packet and kept once that packet has passed the last hook; until then it travels with
//! the packet. Entries end lazily, when somebody meets them. Left out: TCP window tracking (as with
//! `nf_conntrack_tcp_be_liberal`), helpers and expectations, zones, accounting, and `early_drop`: a full table of
//! connections that are not assured gives none of them up.

mod conf;
mod tcp;
mod text;

pub use tcp::Tcp;

use super::matches::state;
use super::nat::{self, Manip, keys};
use super::targets::NatRange;
use crate::base::{SimTime, Span, Table};
use crate::sysctl::Sysctls;
use crate::wire::{IpPacket, L4, Proto, TcpFlags};
use conf::Conf;
use std::net::Ipv4Addr;
use tcp::{Event, Sent, Step, step};

/// How long an exchange of datagrams must go on to be a stream.
const STREAM: Span = Span::from_secs(2);
/// Nanoseconds of a jiffy.
const JIFFY: u64 = 1_000_000_000 / HZ;
const HZ: u64 = 250;

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

/// A connection.
#[derive(Clone, Debug)]
pub struct Conn {
    original: Tuple,
    reply: Tuple,
    tcp: Tcp,
    sent: Sent,
    /// Heard in the direction of the answers (`IPS_SEEN_REPLY`).
    answered: bool,
    /// It is not given up when the table is full (`IPS_ASSURED`).
    assured: bool,
    /// From then on datagrams in both directions are a stream.
    stream_from: SimTime,
    /// Its mark.
    mark: u32,
    /// Which it is of those that the host has kept.
    number: u64,
    expires: SimTime,
    snat: bool,
    dnat: bool,
    /// Its source, its destination was settled (`IPS_SRC_NAT_DONE`, `IPS_DST_NAT_DONE`).
    src_done: bool,
    dst_done: bool,
    /// It has been in the table and shall not come back.
    dying: bool,
}

impl Conn {
    /// The direction of its first packet.
    pub fn original(&self) -> &Tuple {
        &self.original
    }

    /// The direction of its answers.
    pub fn reply(&self) -> &Tuple {
        &self.reply
    }

    /// Its state, if it is one of TCP.
    pub fn tcp(&self) -> Option<Tcp> {
        (self.original.proto == Proto::Tcp as u8).then_some(self.tcp)
    }

    /// Whether both directions have been heard.
    pub fn answered(&self) -> bool {
        self.answered
    }

    /// Whether it counts as lasting.
    pub fn assured(&self) -> bool {
        self.assured
    }

    /// Its mark.
    pub fn mark(&self) -> u32 {
        self.mark
    }

    /// Which it is of those that the host has kept.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Whether its source, its destination was settled: as it was, or translated.
    pub fn settled(&self) -> (bool, bool) {
        (self.src_done, self.dst_done)
    }

    /// Whole seconds until it is forgotten, as the kernel's jiffies tell them.
    pub fn seconds_left(&self, now: SimTime) -> u64 {
        (self.expires.0 / JIFFY).saturating_sub(now.0 / JIFFY) / HZ
    }
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
    swept: SimTime,
    born: u64,
    conf: Conf,
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

    /// Follows the host's variables.
    #[inline]
    pub fn take_sysctls(&mut self, s: &Sysctls) {
        if self.conf.version != Some(s.version()) {
            self.conf = Conf::of(s);
        }
    }

    /// Connections that it may keep; 0: as many as come.
    pub fn most(&self) -> usize {
        self.conf.most
    }

    /// The connections whose time is not over, in the order in which they were kept.
    pub fn alive_now(&self, now: SimTime) -> Vec<&Conn> {
        let mut all: Vec<&Conn> =
            self.slots.iter().filter_map(|s| s.conn.as_deref()).filter(|c| c.expires > now).collect();
        all.sort_by_key(|c| c.number);
        all
    }

    /// Forgets the connections that `which` says yes to; returns copies of them, in the order in which they were kept.
    pub fn forget(&mut self, now: SimTime, which: impl Fn(&Conn) -> bool) -> Vec<Conn> {
        let wanted = |s: &Slot| s.conn.as_deref().is_some_and(|c| c.expires > now && which(c));
        let slots: Vec<u32> = (0..self.slots.len()).filter(|&i| wanted(&self.slots[i])).map(|i| i as u32).collect();
        let mut gone: Vec<Conn> = slots.into_iter().filter_map(|slot| self.remove(slot)).map(|c| *c).collect();
        gone.sort_by_key(|c| c.number);
        gone
    }

    /// Whether a packet goes against the direction of its connection's first; none without a connection.
    pub fn reply_of(&self, ct: &Ct) -> Option<bool> {
        match ct {
            Ct::None | Ct::Untracked => None,
            Ct::Loose { reply, .. } | Ct::Held { reply, .. } => Some(*reply),
        }
    }

    /// The mark of a packet's connection.
    pub fn mark_of(&self, ct: &Ct) -> Option<u32> {
        self.conn(ct).map(|c| c.mark)
    }

    /// Gives a packet's connection another mark.
    pub fn set_mark(&mut self, ct: &mut Ct, mark: u32) {
        if let Some(conn) = self.conn(ct) {
            let (new, was) = (Conn { mark, ..conn.clone() }, conn.reply);
            self.put(ct, new, was);
        }
    }

    /// Finds or makes a packet's connection (`nf_conntrack_in`). Packets that carry one already pass untouched.
    pub fn enter(&mut self, pkt: &IpPacket, ct: &mut Ct, now: SimTime) -> Tracked {
        if !matches!(ct, Ct::None) {
            return Tracked::Passes;
        }
        if let L4::Icmp(icmp) = &pkt.l4
            && let Some(quote) = icmp.quote()
        {
            *ct = self.related(quote, now);
            return Tracked::Passes;
        }
        let Some(tuple) = Tuple::of(pkt) else { return Tracked::Passes };
        // Once more if a connection that had ended gave way to a new one.
        for _ in 0..2 {
            match self.find(&tuple, now) {
                Some((slot, reply)) => {
                    if let Some(found) = self.update(slot, reply, pkt, now) {
                        *ct = found;
                        return Tracked::Passes;
                    }
                }
                None => {
                    if self.full(now) {
                        return Tracked::Full;
                    }
                    *ct = fresh(tuple, pkt, self.conf.loose).map_or(Ct::None, |conn| Ct::Loose {
                        conn: Box::new(conn),
                        info: Info::New,
                        reply: false,
                    });
                    return Tracked::Passes;
                }
            }
        }
        Tracked::Passes
    }

    /// Whether there is no room for another. Those whose time is over are cleared away once in a second.
    fn full(&mut self, now: SimTime) -> bool {
        let most = self.conf.most;
        if most == 0 || self.len() < most {
            return false;
        }
        if now.since(self.swept) >= Span::from_secs(1) {
            self.swept = now;
            self.sweep(now);
        }
        self.len() >= most
    }

    /// Keeps a new connection (`nf_conntrack_confirm`): its first packet has passed the last hook.
    pub fn confirm(&mut self, ct: &mut Ct, now: SimTime) {
        let Ct::Loose { conn, info: Info::New, reply: false } = ct else { return };
        if conn.dying || self.find(&conn.original, now).is_some() || self.find(&conn.reply, now).is_some() {
            return;
        }
        if self.len() >= self.sweep_at.max(1024) {
            self.sweep(now);
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            (self.slots.len() - 1) as u32
        });
        let mut kept = conn.clone();
        kept.expires = now + self.timeout(&kept);
        kept.stream_from = now + STREAM;
        kept.number = self.born;
        self.born += 1;
        self.lookup.insert(kept.original, (slot, false));
        self.lookup.insert(kept.reply, (slot, true));
        let place = &mut self.slots[slot as usize];
        place.generation = place.generation.wrapping_add(1);
        place.conn = Some(kept);
        *ct = Ct::Held { slot, generation: place.generation, info: Info::New, reply: false };
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
            let before = conn.tcp;
            match step(before, Event::of(segment.flags), reply) {
                Step::To(Tcp::SynSent) if !reply && matches!(before, Tcp::TimeWait | Tcp::Close) => {
                    self.remove(slot);
                    return None;
                }
                Step::To(next) => conn.tcp = next,
                Step::Ignore => return Some(Ct::Held { slot, generation, info, reply }),
                Step::Invalid => return Some(Ct::None),
            }
            conn.sent.note(segment, reply);
            // A reset is no answer that would make a connection of it.
            if rst && !conn.answered {
                let mut conn = self.remove(slot)?;
                conn.dying = true;
                return Some(Ct::Loose { conn, info, reply });
            }
            let repeated_syn =
                !conn.answered && before == Tcp::SynSent && matches!(Event::of(segment.flags), Event::Syn);
            // A SYN that is repeated makes nothing last longer.
            if repeated_syn && !reply {
                return Some(Ct::Held { slot, generation, info, reply });
            }
            let lasting = matches!(before, Tcp::SynRecv | Tcp::Established) && conn.tcp == Tcp::Established;
            conn.assured |= conn.answered && lasting;
        } else if conn.original.proto == Proto::Udp as u8 && conn.answered && now > conn.stream_from {
            conn.assured = true;
        }
        let conn = self.slots[slot as usize].conn.as_deref()?;
        let expires = now + self.timeout(conn);
        let conn = self.slots[slot as usize].conn.as_mut()?;
        conn.expires = expires;
        if reply {
            conn.answered = true;
            info = Info::Established;
        }
        Some(Ct::Held { slot, generation, info, reply })
    }

    /// How long a connection is kept without a packet.
    fn timeout(&self, conn: &Conn) -> Span {
        const TCP: u8 = Proto::Tcp as u8;
        const UDP: u8 = Proto::Udp as u8;
        const ICMP: u8 = Proto::Icmp as u8;
        match conn.original.proto {
            TCP => self.conf.tcp(conn),
            UDP if conn.assured => self.conf.stream,
            UDP => self.conf.udp,
            ICMP => self.conf.icmp,
            _ => self.conf.generic,
        }
    }
}

/// The connection that a packet opens; none if it cannot open one.
fn fresh(tuple: Tuple, pkt: &IpPacket, loose: bool) -> Option<Conn> {
    let mut sent = Sent::default();
    let tcp = match &pkt.l4 {
        L4::Tcp(segment) => {
            sent.note(segment, false);
            match step(Tcp::None, Event::of(segment.flags), false) {
                // A connection in mid-life is taken up as it is (`nf_conntrack_tcp_loose`).
                Step::To(state) if loose || state == Tcp::SynSent => state,
                Step::To(_) | Step::Ignore | Step::Invalid => return None,
            }
        }
        L4::Icmp(icmp) if icmp.kind() != 8 => return None,
        _ => Tcp::None,
    };
    Some(Conn {
        original: tuple,
        reply: tuple.turned(),
        tcp,
        sent,
        answered: false,
        assured: false,
        stream_from: SimTime::NEVER,
        mark: 0,
        number: 0,
        expires: SimTime::ZERO,
        snat: false,
        dnat: false,
        src_done: false,
        dst_done: false,
        dying: false,
    })
}

#[cfg(test)]
mod tests;
