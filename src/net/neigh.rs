//! The neighbour cache of a host: which hardware address an IPv4 address has, and how sure it is.
//!
//! Follows net/core/neighbour.c: states, timers, the queue of packets that wait for an answer, and the rule by which
//! an answer replaces what is known. The table decides; it sends nothing itself but says what to do ([`Act`]).
//! Left out: garbage collection (Linux leaves fewer than 128 entries alone). No resolver in user space listens: the
//! questions that `app_solicit` gives to it pass unheard.

use crate::base::{DevIdx, Rng, SimTime, Span, Table};
use crate::sysctl::{Neigh as Key, Sysctls};
use crate::wire::{IpPacket, Mac};
use std::collections::VecDeque;
use std::net::Ipv4Addr;

/// Neighbour unreachability states, in the kernel's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nud {
    /// Just made.
    None,
    /// Asked, not answered yet.
    Incomplete,
    /// Confirmed lately.
    Reachable,
    /// Known, not confirmed lately.
    Stale,
    /// Used while stale: a confirmation is hoped for.
    Delay,
    /// Asked by unicast.
    Probe,
    /// Nobody answered.
    Failed,
    /// A device without ARP, or an entry typed so.
    Noarp,
    /// Typed by a person (`arp -s`, `ip neigh add`).
    Permanent,
}

impl Nud {
    /// As `ip neigh` prints it.
    pub fn name(self) -> &'static str {
        match self {
            Nud::None => "NONE",
            Nud::Incomplete => "INCOMPLETE",
            Nud::Reachable => "REACHABLE",
            Nud::Stale => "STALE",
            Nud::Delay => "DELAY",
            Nud::Probe => "PROBE",
            Nud::Failed => "FAILED",
            Nud::Noarp => "NOARP",
            Nud::Permanent => "PERMANENT",
        }
    }

    /// Whether the hardware address is known (`NUD_VALID`).
    pub fn valid(self) -> bool {
        !matches!(self, Nud::None | Nud::Incomplete | Nud::Failed)
    }

    /// Whether the cached header may be used (`NUD_CONNECTED`).
    pub fn connected(self) -> bool {
        matches!(self, Nud::Reachable | Nud::Noarp | Nud::Permanent)
    }
}

/// One entry.
#[derive(Clone, Debug)]
pub struct Neigh {
    /// The device.
    pub dev: DevIdx,
    /// The IPv4 address.
    pub addr: Ipv4Addr,
    /// The hardware address, once known; kept through PROBE, forgotten by INCOMPLETE.
    pub mac: Mac,
    /// How sure it is.
    pub state: Nud,
    /// When address or state last changed.
    pub updated: SimTime,
    /// When it was last confirmed.
    pub confirmed: SimTime,
    /// When the slow path last used it.
    pub used: SimTime,
    /// Questions asked without answer, as the kernel counts (INCOMPLETE begins at `ucast_solicit`).
    pub probes: u32,
    /// Which timer is the current one; an older one that fires is ignored.
    pub generation: u32,
    queue: VecDeque<IpPacket>,
    queue_bytes: u32,
}

/// What the host must do after a change.
#[derive(Clone, Debug)]
pub enum Act {
    /// Send a who-has for `target`: to `to`, or to everybody. `for_source` is the source of the newest packet that waits.
    Solicit {
        /// The device to ask on.
        dev: DevIdx,
        /// Who is asked for.
        target: Ipv4Addr,
        /// Unicast to this hardware address.
        to: Option<Mac>,
        /// Source address of the packet that waits, if one waits.
        for_source: Option<Ipv4Addr>,
    },
    /// Wake the entry at this time.
    Arm {
        /// Which entry.
        entry: u32,
        /// Its timer's generation.
        generation: u32,
        /// When.
        at: SimTime,
    },
    /// Send what waited.
    Send {
        /// The device.
        dev: DevIdx,
        /// To whom.
        mac: Mac,
        /// The packet.
        packet: IpPacket,
    },
    /// Nobody answered: tell the sender (ICMP host unreachable) and drop.
    Fail {
        /// The device.
        dev: DevIdx,
        /// Who was asked for.
        next_hop: Ipv4Addr,
        /// The packet.
        packet: IpPacket,
        /// How often it was asked.
        tries: u32,
    },
    /// No room for this packet.
    Overflow {
        /// The device.
        dev: DevIdx,
        /// Who was asked for.
        next_hop: Ipv4Addr,
        /// The packet.
        packet: IpPacket,
        /// Bytes that may wait.
        limit: u32,
    },
    /// The entry went away while this packet waited.
    Flushed {
        /// The device.
        dev: DevIdx,
        /// Who was asked for.
        next_hop: Ipv4Addr,
        /// The packet.
        packet: IpPacket,
    },
    /// For the trace: the entry changed.
    Changed {
        /// The device.
        dev: DevIdx,
        /// The address.
        addr: Ipv4Addr,
        /// State before.
        from: Nud,
        /// State after.
        to: Nud,
        /// Hardware address before.
        was: Option<Mac>,
        /// Hardware address after.
        mac: Option<Mac>,
    },
}

/// A host's neighbours.
#[derive(Clone, Debug)]
pub struct NeighTable {
    entries: Vec<Option<Neigh>>,
    free: Vec<u32>,
    /// By [`place`].
    index: Table<u64, u32>,
    /// `reachable_time` of each device: drawn anew every 300 s.
    reachable: Vec<(SimTime, Span)>,
    rng: Rng,
    generation: u32,
}

/// Device and address as one word.
#[inline]
fn place(dev: DevIdx, addr: Ipv4Addr) -> u64 {
    u64::from(dev.0) << 32 | u64::from(addr.to_bits())
}

impl NeighTable {
    /// An empty table that draws its reachable times from `rng`.
    pub fn new(rng: Rng) -> NeighTable {
        NeighTable {
            entries: Vec::new(),
            free: Vec::new(),
            index: Table::default(),
            reachable: Vec::new(),
            rng,
            generation: 0,
        }
    }

    /// The entry's number, for [`NeighTable::resolve_known`].
    #[inline]
    pub fn find(&self, dev: DevIdx, addr: Ipv4Addr) -> Option<u32> {
        self.index.get(&place(dev, addr)).copied()
    }

    /// An entry.
    pub fn get(&self, dev: DevIdx, addr: Ipv4Addr) -> Option<&Neigh> {
        self.find(dev, addr).and_then(|i| self.entries[i as usize].as_ref())
    }

    /// Every entry in the order of device and address.
    pub fn sorted(&self) -> Vec<&Neigh> {
        let mut all: Vec<&Neigh> = self.entries.iter().flatten().collect();
        all.sort_by_key(|n| (n.dev, n.addr));
        all
    }

    /// Every entry, newest first, as a hash chain of the kernel holds them.
    pub fn newest_first(&self) -> Vec<&Neigh> {
        let mut all: Vec<(u32, &Neigh)> =
            self.entries.iter().enumerate().filter_map(|(i, n)| n.as_ref().map(|n| (i as u32, n))).collect();
        all.sort_by_key(|(i, _)| std::cmp::Reverse(*i));
        all.into_iter().map(|(_, n)| n).collect()
    }

    /// Whether a packet like this waits for an answer.
    pub fn waits(&self, like: impl Fn(&IpPacket) -> bool) -> bool {
        self.entries.iter().flatten().any(|n| n.queue.iter().any(&like))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// A packet wants to go to `addr` (`neigh_event_send`, `neigh_resolve_output`). If the hardware address is known it is
    /// returned with the packet; else the packet waits. `confirm` says that the sending socket makes progress.
    #[expect(clippy::too_many_arguments, reason = "what neigh_resolve_output has in its skb and its table")]
    pub fn resolve(
        &mut self,
        dev: DevIdx,
        addr: Ipv4Addr,
        packet: IpPacket,
        confirm: bool,
        now: SimTime,
        sysctl: &Sysctls,
        acts: &mut Vec<Act>,
    ) -> Option<(Mac, IpPacket)> {
        let i = match self.find(dev, addr) {
            Some(i) => i,
            None => self.insert(dev, addr, now),
        };
        let n = self.entry(i);
        if confirm {
            n.confirmed = now;
        }
        if n.state.connected() {
            return Some((n.mac, packet));
        }
        n.used = now;
        match n.state {
            Nud::Delay | Nud::Probe => return Some((n.mac, packet)),
            Nud::Stale => {
                let mac = n.mac;
                self.set_state(i, Nud::Delay, None, now, acts);
                self.arm(i, now + Span::from_secs(knob(sysctl, Key::DelayFirstProbeTime, dev)), acts);
                return Some((mac, packet));
            }
            Nud::None | Nud::Failed => {
                if !asks(sysctl, dev) {
                    self.set_state(i, Nud::Failed, None, now, acts);
                    acts.push(Act::Fail { dev, next_hop: addr, packet, tries: 0 });
                    return None;
                }
                let ucast = knob(sysctl, Key::UcastSolicit, dev) as u32;
                let source = packet.saddr;
                self.enqueue(i, packet, sysctl, acts);
                self.set_state(i, Nud::Incomplete, None, now, acts);
                let n = self.entry(i);
                n.probes = ucast;
                n.updated = now;
                self.solicit(i, Some(source), sysctl, acts);
                self.arm(i, now + retrans(sysctl, dev), acts);
            }
            Nud::Incomplete => self.enqueue(i, packet, sysctl, acts),
            Nud::Reachable | Nud::Noarp | Nud::Permanent => {
                unreachable!("connected entries returned above")
            }
        }
        None
    }

    /// Asks about `addr` without a packet that waits (`neigh_event_send` with none): a redirect names a gateway that is not
    /// known yet.
    pub fn probe(&mut self, dev: DevIdx, addr: Ipv4Addr, now: SimTime, sysctl: &Sysctls, acts: &mut Vec<Act>) {
        let i = self.find(dev, addr).unwrap_or_else(|| self.insert(dev, addr, now));
        if !matches!(self.entry(i).state, Nud::None | Nud::Failed) || !asks(sysctl, dev) {
            return;
        }
        self.set_state(i, Nud::Incomplete, None, now, acts);
        let n = self.entry(i);
        n.probes = knob(sysctl, Key::UcastSolicit, dev) as u32;
        n.updated = now;
        self.solicit(i, None, sysctl, acts);
        self.arm(i, now + retrans(sysctl, dev), acts);
    }

    /// The short way for a known entry: its hardware address, if the cached header may be used.
    #[inline]
    pub fn resolve_known(&mut self, dev: DevIdx, addr: Ipv4Addr, confirm: bool, now: SimTime) -> Option<Mac> {
        let i = *self.index.get(&place(dev, addr))?;
        let n = self.entries[i as usize].as_mut()?;
        if confirm {
            n.confirmed = now;
        }
        n.state.connected().then_some(n.mac)
    }

    /// Something was heard about `addr` (`neigh_update`): `overriding` allows another hardware address to replace a valid one.
    /// Without an entry one is made if `create`. Returns whether there is an entry.
    #[expect(clippy::too_many_arguments, reason = "the kernel's neigh_update takes as many")]
    pub fn update(
        &mut self,
        dev: DevIdx,
        addr: Ipv4Addr,
        mac: Mac,
        state: Nud,
        overriding: bool,
        create: bool,
        now: SimTime,
        sysctl: &Sysctls,
        acts: &mut Vec<Act>,
    ) -> bool {
        let i = match self.find(dev, addr) {
            Some(i) => i,
            None if create => self.insert(dev, addr, now),
            None => return false,
        };
        let n = self.entry(i);
        let old = n.state;
        if matches!(old, Nud::Permanent | Nud::Noarp) && !matches!(state, Nud::Permanent | Nud::Noarp) {
            return true;
        }
        if state.valid() && old.valid() && n.mac != mac && !overriding {
            return true;
        }
        let same = old.valid() && n.mac == mac;
        if state.connected() {
            n.confirmed = now;
        }
        if same && state == Nud::Stale && old != Nud::None {
            return true;
        }
        if !same || state != old {
            n.updated = now;
        }
        let changed_mac = (!same).then_some(mac);
        if state == old && same {
            return true;
        }
        self.set_state(i, state, changed_mac, now, acts);
        if state == Nud::Reachable {
            let at = now + self.reachable_time(dev, now, sysctl);
            self.arm(i, at, acts);
        } else {
            self.disarm(i);
        }
        self.flush_queue(i, acts);
        true
    }

    /// An entry that a person types (`arp -s`, `ip neigh add|replace`).
    pub fn set_permanent(&mut self, dev: DevIdx, addr: Ipv4Addr, mac: Mac, now: SimTime, acts: &mut Vec<Act>) {
        let i = self.find(dev, addr).unwrap_or_else(|| self.insert(dev, addr, now));
        self.entry(i).updated = now;
        self.set_state(i, Nud::Permanent, Some(mac), now, acts);
        self.disarm(i);
        self.flush_queue(i, acts);
    }

    /// A person sets a state (`ip neigh change … nud STALE`).
    #[expect(clippy::too_many_arguments, reason = "an entry, its state, and what a change of state needs")]
    pub fn set_nud(
        &mut self,
        dev: DevIdx,
        addr: Ipv4Addr,
        mac: Option<Mac>,
        state: Nud,
        now: SimTime,
        sysctl: &Sysctls,
        acts: &mut Vec<Act>,
    ) {
        let i = self.find(dev, addr).unwrap_or_else(|| self.insert(dev, addr, now));
        let known = self.entry(i).mac;
        self.entry(i).updated = now;
        self.set_state(i, state, mac.or(Some(known)), now, acts);
        self.disarm(i);
        match state {
            Nud::Reachable => {
                self.entry(i).confirmed = now;
                let at = now + self.reachable_time(dev, now, sysctl);
                self.arm(i, at, acts);
            }
            Nud::Delay => self.arm(i, now + Span::from_secs(knob(sysctl, Key::DelayFirstProbeTime, dev)), acts),
            Nud::Probe => self.arm(i, now + retrans(sysctl, dev), acts),
            _ => {}
        }
        if state.valid() {
            self.flush_queue(i, acts);
        }
    }

    /// Forgets an entry (`ip neigh del`; `arp -d` makes it FAILED first). What waited is dropped.
    pub fn remove(&mut self, dev: DevIdx, addr: Ipv4Addr, acts: &mut Vec<Act>) -> bool {
        let Some(i) = self.index.remove(&place(dev, addr)) else {
            return false;
        };
        if let Some(mut n) = self.entries[i as usize].take() {
            changed(&n, Nud::None, None, acts);
            acts.extend(n.queue.drain(..).map(|packet| Act::Flushed { dev, next_hop: addr, packet }));
        }
        self.free.push(i);
        true
    }

    /// Forgets all entries of a device (it went down, lost its carrier or its last address); `keep_permanent` on loss of carrier.
    pub fn flush_dev(&mut self, dev: DevIdx, keep_permanent: bool, acts: &mut Vec<Act>) {
        let gone: Vec<Ipv4Addr> = self
            .entries
            .iter()
            .flatten()
            .filter(|n| n.dev == dev && !(keep_permanent && n.state == Nud::Permanent))
            .map(|n| n.addr)
            .collect();
        for addr in gone {
            self.remove(dev, addr, acts);
        }
    }

    /// An entry's timer fired (`neigh_timer_handler`).
    pub fn timer(&mut self, i: u32, generation: u32, now: SimTime, sysctl: &Sysctls, acts: &mut Vec<Act>) {
        let Some(n) = self.entries.get(i as usize).and_then(Option::as_ref) else {
            return;
        };
        if n.generation != generation {
            return;
        }
        let (dev, addr, state) = (n.dev, n.addr, n.state);
        let delay = Span::from_secs(knob(sysctl, Key::DelayFirstProbeTime, dev));
        let next = match state {
            Nud::Reachable => {
                let believed = n.confirmed + self.reachable_time(dev, now, sysctl);
                let n = self.entry(i);
                if now <= believed && believed > now {
                    believed
                } else if now <= n.used + delay {
                    n.updated = now;
                    self.set_state(i, Nud::Delay, None, now, acts);
                    now + delay
                } else {
                    n.updated = now;
                    self.set_state(i, Nud::Stale, None, now, acts);
                    return;
                }
            }
            Nud::Delay => {
                if now <= n.confirmed + delay {
                    let confirmed = n.confirmed;
                    self.entry(i).updated = now;
                    self.set_state(i, Nud::Reachable, None, now, acts);
                    (confirmed + self.reachable_time(dev, now, sysctl)).max(now + Span(1))
                } else {
                    self.entry(i).updated = now;
                    self.entry(i).probes = 0;
                    self.set_state(i, Nud::Probe, None, now, acts);
                    now + retrans(sysctl, dev)
                }
            }
            Nud::Probe | Nud::Incomplete => now + retrans(sysctl, dev),
            Nud::None | Nud::Stale | Nud::Failed | Nud::Noarp | Nud::Permanent => return,
        };
        let state = self.entry(i).state;
        if matches!(state, Nud::Probe | Nud::Incomplete) {
            // neigh_max_probes()
            let [ucast, app] = [Key::UcastSolicit, Key::AppSolicit].map(|k| knob(sysctl, k, dev) as u32);
            let mcast = if state == Nud::Probe { Key::McastResolicit } else { Key::McastSolicit };
            let most = ucast.saturating_add(app).saturating_add(knob(sysctl, mcast, dev) as u32);
            if self.entry(i).probes >= most {
                self.entry(i).updated = now;
                let tries = if state == Nud::Probe { most - app } else { most - ucast - app };
                self.set_state(i, Nud::Failed, None, now, acts);
                self.disarm(i);
                let n = self.entry(i);
                n.queue_bytes = 0;
                let waiting: Vec<IpPacket> = n.queue.drain(..).collect();
                acts.extend(waiting.into_iter().map(|packet| Act::Fail { dev, next_hop: addr, packet, tries }));
                return;
            }
            let for_source = self.entry(i).queue.back().map(|p| p.saddr);
            self.solicit(i, for_source, sysctl, acts);
        }
        self.arm(i, next, acts);
    }

    /// One more question (`neigh_probe`, `arp_solicit`): the first `ucast_solicit` by unicast, `app_solicit` to user space,
    /// then to everybody.
    fn solicit(&mut self, i: u32, for_source: Option<Ipv4Addr>, sysctl: &Sysctls, acts: &mut Vec<Act>) {
        let n = self.entry(i);
        let asked = u64::from(n.probes);
        n.probes = n.probes.saturating_add(1);
        let (dev, target) = (n.dev, n.addr);
        let ucast = knob(sysctl, Key::UcastSolicit, dev);
        let to = (asked < ucast).then_some(n.mac);
        if asked < ucast || asked >= ucast + knob(sysctl, Key::AppSolicit, dev) {
            acts.push(Act::Solicit { dev, target, to, for_source });
        }
    }

    /// Whether an answer may replace what is known: the lock time has passed since the last change (arp_process).
    pub fn unlocked(&self, dev: DevIdx, addr: Ipv4Addr, now: SimTime, sysctl: &Sysctls) -> bool {
        let locktime = Span::from_millis(knob(sysctl, Key::Locktime, dev) * 10);
        self.get(dev, addr).is_none_or(|n| now > n.updated + locktime)
    }

    fn entry(&mut self, i: u32) -> &mut Neigh {
        self.entries[i as usize].as_mut().expect("the index names live entries only")
    }

    fn insert(&mut self, dev: DevIdx, addr: Ipv4Addr, now: SimTime) -> u32 {
        let entry = Neigh {
            dev,
            addr,
            mac: Mac::ZERO,
            state: Nud::None,
            updated: now,
            confirmed: SimTime::ZERO,
            used: now,
            probes: 0,
            generation: 0,
            queue: VecDeque::new(),
            queue_bytes: 0,
        };
        let i = match self.free.pop() {
            Some(i) => {
                self.entries[i as usize] = Some(entry);
                i
            }
            None => {
                self.entries.push(Some(entry));
                (self.entries.len() - 1) as u32
            }
        };
        self.index.insert(place(dev, addr), i);
        i
    }

    fn set_state(&mut self, i: u32, to: Nud, mac: Option<Mac>, _now: SimTime, acts: &mut Vec<Act>) {
        let n = self.entry(i);
        changed(n, to, mac, acts);
        n.state = to;
        if let Some(mac) = mac {
            n.mac = mac;
        }
    }

    fn arm(&mut self, i: u32, at: SimTime, acts: &mut Vec<Act>) {
        self.generation = self.generation.wrapping_add(1);
        let generation = self.generation;
        let n = self.entry(i);
        // neigh_add_timer() lets `used` follow `confirmed`.
        n.used = n.used.max(n.confirmed);
        n.generation = generation;
        acts.push(Act::Arm { entry: i, generation, at });
    }

    fn disarm(&mut self, i: u32) {
        self.generation = self.generation.wrapping_add(1);
        self.entry(i).generation = self.generation;
    }

    fn enqueue(&mut self, i: u32, packet: IpPacket, sysctl: &Sysctls, acts: &mut Vec<Act>) {
        let n = self.entries[i as usize].as_mut().expect("the index names live entries only");
        let limit = knob(sysctl, Key::UnresQlenBytes, n.dev) as u32;
        let size = truesize(packet.len());
        // The oldest give way (__neigh_event_send).
        while n.queue_bytes + size > limit {
            let Some(old) = n.queue.pop_front() else {
                break;
            };
            n.queue_bytes -= truesize(old.len());
            acts.push(Act::Overflow { dev: n.dev, next_hop: n.addr, packet: old, limit });
        }
        n.queue_bytes += size;
        n.queue.push_back(packet);
    }

    fn flush_queue(&mut self, i: u32, acts: &mut Vec<Act>) {
        let n = self.entry(i);
        n.queue_bytes = 0;
        let (dev, mac) = (n.dev, n.mac);
        acts.extend(n.queue.drain(..).map(|packet| Act::Send { dev, mac, packet }));
    }

    fn reachable_time(&mut self, dev: DevIdx, now: SimTime, sysctl: &Sysctls) -> Span {
        if self.reachable.len() <= dev.index() {
            self.reachable.resize(dev.index() + 1, (SimTime::ZERO, Span::ZERO));
        }
        let base = Span::from_millis(knob(sysctl, Key::BaseReachableTime, dev));
        let (drawn, span) = self.reachable[dev.index()];
        // Drawn anew every five minutes, and when the base has been changed so that the old draw cannot be its.
        let fits = (base.0 / 2..=base.0 / 2 + base.0).contains(&span.0);
        if span > Span::ZERO && now < drawn + Span::from_secs(300) && fits {
            return span;
        }
        let span = if base.0 == 0 { Span(1) } else { Span(base.0 / 2 + self.rng.below(base.0)) };
        self.reachable[dev.index()] = (now, span);
        span
    }
}

fn changed(n: &Neigh, to: Nud, mac: Option<Mac>, acts: &mut Vec<Act>) {
    let was = n.state.valid().then_some(n.mac);
    let mac = if to.valid() { Some(mac.unwrap_or(n.mac)) } else { None };
    if n.state != to || was != mac {
        acts.push(Act::Changed { dev: n.dev, addr: n.addr, from: n.state, to, was, mac });
    }
}

fn knob(sysctl: &Sysctls, key: Key, dev: DevIdx) -> u64 {
    sysctl.neigh(key, dev).max(0) as u64
}

/// Whether a new entry is asked for at all (`__neigh_event_send`).
fn asks(sysctl: &Sysctls, dev: DevIdx) -> bool {
    knob(sysctl, Key::McastSolicit, dev) + knob(sysctl, Key::AppSolicit, dev) > 0
}

fn retrans(sysctl: &Sysctls, dev: DevIdx) -> Span {
    Span::from_millis(knob(sysctl, Key::RetransTime, dev).max(10))
}

/// What a packet takes of memory in the kernel's accounting: the buffer's size class, with 256 bytes of `sk_buff` and 320 of
/// shared info.
fn truesize(len: u32) -> u32 {
    match len + 48 {
        0..=192 => 768,
        193..=704 => 1280,
        _ => 2304,
    }
}
