//! Defence under pressure: `drop_packet`, `drop_entry` and `secure_tcp` (update_defense_level in ip_vs_ctl.c,
//! ip_vs_random_dropentry in ip_vs_conn.c).
//!
//! A simulated host always has the same free memory ([`FREE_PAGES`]), so `amemthresh` alone says
//! whether it is short. Simplifications: Linux looks every second, here a change counts at once; `drop_entry` looks at one entry in 32 at random each second, where Linux looks at one bucket in 32.

use super::conn::{Conn, NO_SLOT, flag};
use super::state::{self, tcp};
use super::{HookCx, Ipvs, IpvsAct};
use crate::base::{SimTime, Span};
use crate::sysctl::{FREE_PAGES, Global};
use crate::wire::Proto;

impl Ipvs {
    /// ip_vs_todrop: the rate, if this packet is the one of so many.
    pub(super) fn defence_drops(&mut self, now: SimTime, cx: &HookCx<'_>) -> Option<u32> {
        if !cx.sysctl.defends(Global::VsDropPacket) {
            return None;
        }
        let always = cx.sysctl.global(Global::VsDropPacket) == 3;
        let rate = if always { cx.sysctl.global(Global::VsAmDroprate) } else { rate_for_memory(cx) };
        if rate == 0 {
            return None;
        }
        // Where the rate follows the memory, the count starts anew with every look at it.
        let second = now.0 / Span::from_secs(1).0;
        if !always && std::mem::replace(&mut self.drop_second, second) != second {
            self.drop_counter = rate;
        }
        self.drop_counter -= 1;
        if self.drop_counter > 0 {
            return None;
        }
        self.drop_counter = rate;
        Some(u32::try_from(rate).unwrap_or(1))
    }

    /// Starts the task of every second while `drop_entry` is 3. Its timer has no slot.
    pub(super) fn watch_defence(&mut self, now: SimTime, cx: &HookCx<'_>, acts: &mut Vec<IpvsAct>) {
        let wanted = cx.sysctl.defends(Global::VsDropEntry);
        self.defence_wanted = wanted;
        if wanted && !self.defence_armed {
            self.defence_armed = true;
            arm(now, acts);
        }
    }

    pub(super) fn defence_timer(&mut self, now: SimTime, acts: &mut Vec<IpvsAct>) {
        if !self.defence_wanted || self.conns.is_empty() {
            self.defence_armed = false;
            return;
        }
        let slots = self.conns.capacity();
        for _ in 0..slots.div_ceil(32) {
            let slot = self.rng.below(u64::from(slots)) as u32;
            if self.is_victim(slot, now) {
                self.kill(slot, now);
            }
        }
        arm(now, acts);
    }

    fn is_victim(&mut self, slot: u32, now: SimTime) -> bool {
        let c = self.conns.get(slot);
        if !c.is(flag::HASHED) || c.n_control > 0 {
            return false;
        }
        if c.is(flag::TEMPLATE) {
            return c.state & state::ASSURED == 0;
        }
        match (c.proto == Proto::Tcp as u8, c.state) {
            (true, tcp::SYN_RECV | tcp::SYNACK) => true,
            (true, tcp::ESTABLISHED) | (false, _) => self.todrop_entry(slot, now),
            _ => false,
        }
    }

    /// Idle for a minute and with one to eight packets: one of so many.
    fn todrop_entry(&mut self, slot: u32, now: SimTime) -> bool {
        let c: &Conn = self.conns.get(slot);
        let end_if_used_now = now + state::seconds(c.timeout);
        let n = c.in_pkts;
        let idle = end_if_used_now >= c.expires + Span::from_secs(60);
        idle && (1..=8).contains(&n) && self.rng.below(u64::from(n)) == 0
    }
}

/// The less memory there is, the more packets are dropped.
fn rate_for_memory(cx: &HookCx<'_>) -> i64 {
    let wanted = cx.sysctl.global(Global::VsAmemthresh);
    wanted / (wanted - FREE_PAGES)
}

fn arm(now: SimTime, acts: &mut Vec<IpvsAct>) {
    acts.push(IpvsAct::Arm { slot: NO_SLOT, generation: 0, at: now + Span::from_secs(1) });
}
