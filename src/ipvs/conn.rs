//! Connection entries and their hash table (ip_vs_conn.c).
//!
//! As in the kernel one table serves both directions: the bucket follows from protocol, client address and client
//! port, new entries go to the head. The table grows with its entries and its hash has no random seed.
//! Entries are 64 bytes in a dense slab; a slot's generation tells a timer of an earlier tenant. What only
//! synchronisation asks for stands beside the slab (`Told`), and only where there is something to keep.
//!
//! Left out: entries without client port (FTP data), IPv6, persistence engine data.

use super::dest::{DestId, Method};
use super::state;
use crate::base::{Chunks, SimTime, Span};
use std::net::Ipv4Addr;

/// No slot.
pub const NO_SLOT: u32 = u32::MAX;

/// Entry flags, as in include/uapi/linux/ip_vs.h; the low three bits are the forwarding method.
pub mod flag {
    /// Mask of the forwarding method.
    pub const FWD_MASK: u32 = 0x7;
    /// Created by the synchronisation daemon.
    pub const SYNC: u32 = 0x20;
    /// In the table.
    pub const HASHED: u32 = 0x40;
    /// No packet of the server was seen.
    pub const NOOUTPUT: u32 = 0x80;
    /// Counted as inactive.
    pub const INACTIVE: u32 = 0x100;
    /// A persistence template.
    pub const TEMPLATE: u32 = 0x1000;
    /// For one packet only, never in the table.
    pub const ONE_PACKET: u32 = 0x2000;
    /// Keeps netfilter's connection tracking.
    pub const NFCT: u32 = 1 << 16;
}

/// A connection entry.
#[derive(Clone, Debug)]
pub struct Conn {
    pub(super) expires: SimTime,
    pub(super) caddr: u32,
    pub(super) vaddr: u32,
    pub(super) daddr: u32,
    pub(super) cport: u16,
    pub(super) vport: u16,
    pub(super) dport: u16,
    pub(super) proto: u8,
    pub(super) state: u8,
    pub(super) flags: u32,
    /// Seconds.
    pub(super) timeout: u32,
    /// Next in the bucket, or next free slot.
    next: u32,
    pub(super) dest: DestId,
    /// Slot of the template, or [`NO_SLOT`].
    pub(super) control: u32,
    /// Entries that this one controls.
    pub(super) n_control: u32,
    pub(super) in_pkts: u32,
    pub(super) generation: u32,
    /// An upper bound of the moment for which the timer is armed, in steps of 2^28 ns.
    armed: u32,
}

/// What synchronisation keeps of an entry.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told {
    /// When the entry was to end as last told, in jiffies; the low two bits count repetitions (`sync_endtime`).
    pub end: i64,
    /// The packet's firewall mark when the entry was made (`fwmark`).
    pub mark: u32,
    /// The state that was told (`old_state`).
    pub state: u8,
}

/// The addresses of an entry to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConnParam {
    pub proto: u8,
    pub caddr: u32,
    pub cport: u16,
    pub vaddr: u32,
    pub vport: u16,
}

impl Conn {
    /// Protocol number: 6, 17, or 0 for the template of a marked service.
    pub fn proto(&self) -> u8 {
        self.proto
    }

    /// How its packets are forwarded.
    #[inline]
    pub fn method(&self) -> Method {
        Method::from_bits(self.flags)
    }

    /// Client address and port.
    pub fn client(&self) -> (Ipv4Addr, u16) {
        (self.caddr.into(), self.cport)
    }

    /// Virtual address and port.
    pub fn virt(&self) -> (Ipv4Addr, u16) {
        (self.vaddr.into(), self.vport)
    }

    /// Server address and port.
    pub fn server(&self) -> (Ipv4Addr, u16) {
        (self.daddr.into(), self.dport)
    }

    /// Flags, see [`flag`].
    pub fn flags(&self) -> u32 {
        self.flags
    }

    /// The state's number; for a template bit 0 is "assured".
    pub fn state(&self) -> u8 {
        self.state
    }

    /// Packets from the client.
    pub fn in_pkts(&self) -> u32 {
        self.in_pkts
    }

    /// When it ends if nothing happens.
    pub fn expires(&self) -> SimTime {
        self.expires
    }

    /// The state as `ipvsadm -Lnc` names it.
    pub fn state_name(&self) -> &'static str {
        state::name(self.proto, self.flags & flag::TEMPLATE != 0, self.state)
    }

    #[inline]
    pub(super) fn is(&self, bits: u32) -> bool {
        self.flags & bits != 0
    }

    /// Moves the timer to `at`; true if a timer must be armed, under a new generation.
    #[inline]
    pub(super) fn set_expires(&mut self, at: SimTime) -> bool {
        self.expires = at;
        if u64::from(self.armed) <= at.0 >> 28 {
            return false;
        }
        self.generation = self.generation.wrapping_add(1);
        self.note_armed(at);
        true
    }

    /// The armed timer will fire at `at`.
    #[inline]
    pub(super) fn note_armed(&mut self, at: SimTime) {
        self.armed = u32::try_from((at.0 >> 28) + 1).unwrap_or(u32::MAX);
    }
}

/// A row of `ipvsadm -Lnc`, as data.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnRow {
    /// 6, 17, or 0 (`IP`) for the template of a marked service.
    pub proto: u8,
    /// Client.
    pub client: (Ipv4Addr, u16),
    /// Virtual address; the mark written as an address for the template of a marked service.
    pub virt: (Ipv4Addr, u16),
    /// Server.
    pub dest: (Ipv4Addr, u16),
    /// State, in the kernel's word.
    pub state: &'static str,
    /// Time left.
    pub expires_in: Span,
    /// Flags, see [`flag`].
    pub flags: u32,
    /// Its slot.
    pub slot: u32,
}

impl ConnRow {
    /// Who made the entry, in the kernel's word.
    pub fn origin(&self) -> &'static str {
        if self.flags & flag::SYNC != 0 { "SYNC" } else { "LOCAL" }
    }

    /// The `pro` column.
    pub fn proto_name(&self) -> &'static str {
        match self.proto {
            6 => "TCP",
            17 => "UDP",
            _ => "IP",
        }
    }
}

/// All entries of a host.
#[derive(Clone, Debug)]
pub struct ConnTable {
    slots: Chunks<Conn>,
    /// By slot; slots beyond its end have nothing to keep.
    told: Vec<Told>,
    buckets: Vec<u32>,
    shift: u32,
    free: u32,
    live: u32,
}

const FIRST_BITS: u32 = 6;

impl Default for ConnTable {
    fn default() -> Self {
        ConnTable {
            slots: Chunks::default(),
            told: Vec::new(),
            buckets: vec![NO_SLOT; 1 << FIRST_BITS],
            shift: 64 - FIRST_BITS,
            free: NO_SLOT,
            live: 0,
        }
    }
}

impl ConnTable {
    /// Entries, with templates.
    pub fn len(&self) -> usize {
        self.live as usize
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// The entry in a slot that is in use.
    #[inline]
    pub fn get(&self, slot: u32) -> &Conn {
        &self.slots[slot as usize]
    }

    #[inline]
    pub(super) fn get_mut(&mut self, slot: u32) -> &mut Conn {
        &mut self.slots[slot as usize]
    }

    /// What synchronisation keeps of the entry in a slot.
    pub(super) fn told(&self, slot: u32) -> Told {
        self.told.get(slot as usize).copied().unwrap_or_default()
    }

    /// The same, to change it.
    pub(super) fn told_mut(&mut self, slot: u32) -> &mut Told {
        let place = slot as usize;
        if place >= self.told.len() {
            self.told.resize(place + 1, Told::default());
        }
        &mut self.told[place]
    }

    /// Slots in use, in the slab's order.
    pub fn slots(&self) -> impl Iterator<Item = (u32, &Conn)> {
        (0u32..).zip(self.slots.iter()).filter(|(_, c)| c.is(flag::HASHED))
    }

    /// Slots that ever were in use.
    pub(super) fn capacity(&self) -> u32 {
        self.slots.len() as u32
    }

    /// The entry of a request (ip_vs_conn_in_get).
    #[inline]
    pub(super) fn find_in(&self, p: &ConnParam) -> Option<u32> {
        self.find(p.proto, p.caddr, p.cport, |c| c.vaddr == p.vaddr && c.vport == p.vport && !c.is(flag::TEMPLATE))
    }

    /// The entry of an answer from (saddr, sport) to (daddr, dport) (ip_vs_conn_out_get).
    #[inline]
    pub(super) fn find_out(&self, proto: u8, saddr: u32, sport: u16, daddr: u32, dport: u16) -> Option<u32> {
        self.find(proto, daddr, dport, |c| {
            if c.is(flag::TEMPLATE) {
                false
            } else if c.flags & flag::FWD_MASK == Method::Nat as u32 {
                c.daddr == saddr && c.dport == sport
            } else {
                c.vaddr == saddr && c.vport == sport
            }
        })
    }

    /// The template (ip_vs_ct_in_get).
    pub(super) fn find_template(&self, p: &ConnParam) -> Option<u32> {
        self.find(p.proto, p.caddr, p.cport, |c| c.vaddr == p.vaddr && c.vport == p.vport && c.is(flag::TEMPLATE))
    }

    #[inline]
    fn find(&self, proto: u8, caddr: u32, cport: u16, fits: impl Fn(&Conn) -> bool) -> Option<u32> {
        let mut at = self.buckets[self.bucket(proto, caddr, cport)];
        while let Some(c) = self.slots.get(at as usize) {
            if c.caddr == caddr && c.cport == cport && c.proto == proto && fits(c) {
                return Some(at);
            }
            at = c.next;
        }
        None
    }

    /// Makes an entry; it is in the table unless it is for one packet only.
    pub(super) fn insert(&mut self, p: &ConnParam, daddr: u32, dport: u16, flags: u32, dest: DestId) -> u32 {
        let conn = Conn {
            expires: SimTime::NEVER,
            caddr: p.caddr,
            vaddr: p.vaddr,
            daddr,
            cport: p.cport,
            vport: p.vport,
            dport,
            proto: p.proto,
            state: 0,
            flags: flags & !flag::HASHED,
            timeout: 3,
            next: NO_SLOT,
            dest,
            control: NO_SLOT,
            n_control: 0,
            in_pkts: 0,
            generation: 0,
            armed: u32::MAX,
        };
        let slot = self.free;
        let slot = if let Some(old) = self.slots.get_mut(slot as usize) {
            self.free = old.next;
            let generation = old.generation.wrapping_add(1);
            *old = Conn { generation, ..conn };
            slot
        } else {
            self.slots.push(conn);
            self.slots.len() as u32 - 1
        };
        if let Some(told) = self.told.get_mut(slot as usize) {
            *told = Told::default();
        }
        self.live += 1;
        if flags & flag::ONE_PACKET == 0 {
            if self.live as usize > self.buckets.len() {
                self.grow();
            }
            self.hash(slot);
        }
        slot
    }

    /// Frees the slot.
    pub(super) fn remove(&mut self, slot: u32) {
        self.unhash(slot);
        let free = self.free;
        let c = self.get_mut(slot);
        c.generation = c.generation.wrapping_add(1);
        c.next = free;
        self.free = slot;
        self.live -= 1;
    }

    /// Puts the entry at the head of its bucket (ip_vs_conn_hash).
    pub(super) fn hash(&mut self, slot: u32) {
        let c = self.get(slot);
        let b = self.bucket(c.proto, c.caddr, c.cport);
        let head = self.buckets[b];
        let c = self.get_mut(slot);
        c.next = head;
        c.flags |= flag::HASHED;
        self.buckets[b] = slot;
    }

    /// Takes the entry out of its bucket (ip_vs_conn_unhash).
    pub(super) fn unhash(&mut self, slot: u32) {
        let c = self.get(slot);
        if !c.is(flag::HASHED) {
            return;
        }
        let next = c.next;
        let b = self.bucket(c.proto, c.caddr, c.cport);
        let mut at = self.buckets[b];
        if at == slot {
            self.buckets[b] = next;
        } else {
            while self.get(at).next != slot {
                at = self.get(at).next;
            }
            self.get_mut(at).next = next;
        }
        self.get_mut(slot).flags &= !flag::HASHED;
    }

    /// The rows of `ipvsadm -Lnc`, sorted: the kernel's own order differs from boot to boot.
    pub fn rows(&self, now: SimTime) -> Vec<ConnRow> {
        let mut rows: Vec<ConnRow> = self
            .slots()
            .map(|(slot, c)| ConnRow {
                proto: c.proto,
                client: c.client(),
                virt: c.virt(),
                dest: c.server(),
                state: c.state_name(),
                expires_in: c.expires.since(now),
                flags: c.flags,
                slot,
            })
            .collect();
        rows.sort_unstable();
        rows
    }

    #[inline]
    fn bucket(&self, proto: u8, caddr: u32, cport: u16) -> usize {
        let key = super::service::pack(proto, caddr, cport);
        let mixed = (key ^ (key >> 23)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> self.shift) as usize
    }

    /// Twice as many buckets. Each new bucket is filled from one old bucket, so the order within it stays.
    fn grow(&mut self) {
        let old = std::mem::take(&mut self.buckets);
        self.buckets = vec![NO_SLOT; old.len() * 2];
        self.shift -= 1;
        let mut chain = Vec::new();
        for head in old {
            let mut at = head;
            while at != NO_SLOT {
                chain.push(at);
                at = self.get(at).next;
            }
            while let Some(slot) = chain.pop() {
                self.hash(slot);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn param(client: u32) -> ConnParam {
        ConnParam { proto: 6, caddr: client, cport: (client >> 3) as u16, vaddr: 7, vport: 80 }
    }

    #[test]
    fn an_entry_is_one_cache_line() {
        assert_eq!(size_of::<Conn>(), 64);
    }

    #[test]
    fn every_entry_is_found_in_both_directions_while_the_table_grows_and_shrinks() {
        let mut t = ConnTable::default();
        let n = 5_000u32;
        let slots: Vec<u32> = (0..n).map(|i| t.insert(&param(i), 1000 + i, 8080, 0, DestId(0))).collect();
        for i in 0..n {
            assert_eq!(t.find_in(&param(i)), Some(slots[i as usize]));
            let p = param(i);
            assert_eq!(t.find_out(6, 1000 + i, 8080, p.caddr, p.cport), Some(slots[i as usize]));
            assert_eq!(t.find_out(6, p.vaddr, p.vport, p.caddr, p.cport), None);
        }
        for i in (0..n).step_by(2) {
            t.remove(slots[i as usize]);
        }
        for i in 0..n {
            assert_eq!(t.find_in(&param(i)).is_some(), i % 2 == 1);
        }
        assert_eq!(t.len(), 2_500);
        assert_eq!(t.rows(SimTime::ZERO).len(), 2_500);
    }

    #[test]
    fn the_newest_of_two_equal_entries_is_found_also_after_growing() {
        let mut t = ConnTable::default();
        let old = t.insert(&param(1), 1, 80, 0, DestId(0));
        let new = t.insert(&param(1), 2, 80, 0, DestId(0));
        for i in 2..1_000 {
            t.insert(&param(i), 1, 80, 0, DestId(0));
        }
        assert_eq!(t.find_in(&param(1)), Some(new));
        t.remove(new);
        assert_eq!(t.find_in(&param(1)), Some(old));
    }

    #[test]
    fn an_answer_of_direct_routing_is_found_by_the_virtual_address() {
        let mut t = ConnTable::default();
        let p = param(9);
        let slot = t.insert(&p, 1, 80, Method::Dr as u32, DestId(0));
        assert_eq!(t.find_out(6, 1, 80, p.caddr, p.cport), None);
        assert_eq!(t.find_out(6, p.vaddr, p.vport, p.caddr, p.cport), Some(slot));
    }

    #[test]
    fn a_timer_is_armed_again_only_when_it_must_fire_earlier() {
        let mut t = ConnTable::default();
        let slot = t.insert(&param(1), 1, 80, 0, DestId(0));
        let c = t.get_mut(slot);
        let at = |s: u64| SimTime(s * 1_000_000_000);
        for (expires, arms) in [(60, true), (900, false), (130, false), (20, true), (21, false)] {
            assert_eq!(c.set_expires(at(expires)), arms, "{expires} s");
        }
    }
}
