//! The filter table of arptables (net/ipv4/netfilter/arp_tables.c, arpt_mangle.c).
//!
//! ARP on a host is always about IPv4 over Ethernet. Left out: the targets `CLASSIFY` and `MARK`, which change nothing
//! that ARP goes by. `FORWARD` is passed only by bridges, so here nothing ever comes there.

use super::matches::{AddrMatch, DevMatch};
use super::table::Policy;
use super::{Counter, Culprit};
use crate::wire::{Arp, ArpOp, Mac};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Rules and chains together that the table may have.
pub const MOST_RULES: usize = 4_096;
const MOST_STEPS: u32 = 65_536;

/// A chain's place; it stays the same as long as the chain exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArpChainId(u32);

impl ArpChainId {
    /// What arrives.
    pub const INPUT: ArpChainId = ArpChainId(0);
    /// What this host says.
    pub const OUTPUT: ArpChainId = ArpChainId(1);
    /// What a bridge passes on.
    pub const FORWARD: ArpChainId = ArpChainId(2);
    const BUILT_IN: usize = 3;

    fn index(self) -> usize {
        self.0 as usize
    }
}

/// A hardware address under a mask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MacMatch {
    /// The address, masked.
    pub mac: Mac,
    /// The mask.
    pub mask: Mac,
    /// All but these.
    pub invert: bool,
}

impl MacMatch {
    fn holds(&self, mac: Mac) -> bool {
        let hit = (0..6).all(|i| mac.0[i] & self.mask.0[i] == self.mac.0[i]);
        hit != self.invert
    }
}

/// A number under a mask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NumberMatch {
    /// The number.
    pub value: u16,
    /// The mask; 0: not asked.
    pub mask: u16,
    /// All but these.
    pub invert: bool,
}

impl NumberMatch {
    fn holds(&self, value: u16) -> bool {
        self.mask == 0 || (value & self.mask == self.value) != self.invert
    }
}

/// What is written into a message; what is none stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mangle {
    /// The sender's hardware address.
    pub sha: Option<Mac>,
    /// The sender's address.
    pub spa: Option<Ipv4Addr>,
    /// The target's hardware address.
    pub tha: Option<Mac>,
    /// The target's address.
    pub tpa: Option<Ipv4Addr>,
    /// What comes then.
    pub then: Then,
}

/// What comes after mangling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Then {
    /// The message passes.
    #[default]
    Accept,
    /// The message ends.
    Drop,
    /// The next rule.
    Continue,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArpTarget {
    /// Nothing: it counts.
    #[default]
    None,
    /// The message passes.
    Accept,
    /// The message ends.
    Drop,
    /// Back to the calling chain.
    Return,
    /// Another chain.
    Jump(ArpChainId),
    /// Changes the message.
    Mangle(Mangle),
}

/// A rule.
#[derive(Clone, Debug, Default)]
pub struct ArpRule {
    /// The sender's address.
    pub src: AddrMatch,
    /// The target's address.
    pub dst: AddrMatch,
    /// The device it came by.
    pub input: DevMatch,
    /// The device it leaves by.
    pub output: DevMatch,
    /// The sender's hardware address.
    pub src_mac: MacMatch,
    /// The target's hardware address.
    pub dst_mac: MacMatch,
    /// Length of hardware addresses: 6.
    pub hlen: NumberMatch,
    /// 1 is a request, 2 a reply.
    pub opcode: NumberMatch,
    /// Kind of hardware: 1.
    pub htype: NumberMatch,
    /// Protocol: 0x800.
    pub ptype: NumberMatch,
    /// What it does.
    pub target: ArpTarget,
    /// What it was applied to.
    pub counter: Counter,
}

impl ArpRule {
    /// Whether two rules say the same, whatever they have counted.
    pub fn same(&self, other: &ArpRule) -> bool {
        let plain = |r: &ArpRule| ArpRule { counter: Counter::default(), ..r.clone() };
        let (a, b) = (plain(self), plain(other));
        (a.src, a.dst, &a.input, &a.output) == (b.src, b.dst, &b.input, &b.output)
            && (a.src_mac, a.dst_mac, a.hlen, a.opcode) == (b.src_mac, b.dst_mac, b.hlen, b.opcode)
            && (a.htype, a.ptype, a.target) == (b.htype, b.ptype, b.target)
    }

    fn holds(&self, arp: &Arp, input: Option<&str>, output: Option<&str>) -> bool {
        let op = match arp.op {
            ArpOp::Request => 1,
            ArpOp::Reply => 2,
        };
        self.src.holds(arp.spa)
            && self.dst.holds(arp.tpa)
            && self.input.holds(input)
            && self.output.holds(output)
            && self.src_mac.holds(arp.sha)
            && self.dst_mac.holds(arp.tha)
            && self.opcode.holds(op)
            && self.hlen.holds(6)
            && self.htype.holds(1)
            && self.ptype.holds(0x800)
    }
}

/// A chain.
#[derive(Clone, Debug)]
pub struct ArpChain {
    /// The name.
    pub name: Arc<str>,
    /// The policy of a built-in chain, and what it was applied to.
    pub policy: Option<(Policy, Counter)>,
    /// The rules, in order.
    pub rules: Vec<ArpRule>,
}

/// The table; empty until somebody uses it.
#[derive(Clone, Debug, Default)]
pub struct ArpTable {
    chains: Vec<Option<ArpChain>>,
}

impl ArpTable {
    /// Whether it is in use.
    #[inline]
    pub fn active(&self) -> bool {
        !self.chains.is_empty()
    }

    /// Takes it into use: from now on its chains count.
    pub fn load(&mut self) {
        if self.chains.is_empty() {
            self.chains = ["INPUT", "OUTPUT", "FORWARD"]
                .map(|name| {
                    let policy = Some((Policy::Accept, Counter::default()));
                    Some(ArpChain { name: name.into(), policy, rules: Vec::new() })
                })
                .into();
        }
    }

    /// A chain by name.
    pub fn find(&self, name: &str) -> Option<ArpChainId> {
        let at = self.chains.iter().position(|c| c.as_ref().is_some_and(|c| &*c.name == name))?;
        Some(ArpChainId(at as u32))
    }

    /// A chain.
    pub fn chain(&self, id: ArpChainId) -> &ArpChain {
        self.chains[id.index()].as_ref().expect("an id is that of a chain that exists")
    }

    /// A chain, to change it.
    pub fn chain_mut(&mut self, id: ArpChainId) -> &mut ArpChain {
        self.chains[id.index()].as_mut().expect("an id is that of a chain that exists")
    }

    /// The chains in the order of listing: the built-in ones, then the others by name.
    pub fn listed(&self) -> Vec<ArpChainId> {
        let all = 0..self.chains.len();
        let mut ids: Vec<_> = all.filter(|&i| self.chains[i].is_some()).map(|i| ArpChainId(i as u32)).collect();
        let user = ArpChainId::BUILT_IN.min(ids.len());
        ids[user..].sort_by(|a, b| self.chain(*a).name.cmp(&self.chain(*b).name));
        ids
    }

    /// Makes an empty chain. The name must be free.
    pub fn add_chain(&mut self, name: &str) -> ArpChainId {
        self.chains.push(Some(ArpChain { name: name.into(), policy: None, rules: Vec::new() }));
        ArpChainId((self.chains.len() - 1) as u32)
    }

    /// Takes a chain away to which nothing jumps.
    pub fn remove_chain(&mut self, id: ArpChainId) {
        self.chains[id.index()] = None;
        while self.chains.len() > ArpChainId::BUILT_IN && self.chains.last().is_some_and(Option::is_none) {
            self.chains.pop();
        }
    }

    /// How many rules jump to a chain.
    pub fn references(&self, id: ArpChainId) -> usize {
        let rules = self.chains.iter().flatten().flat_map(|c| &c.rules);
        rules.filter(|r| r.target == ArpTarget::Jump(id)).count()
    }

    /// Chains and rules together; places of chains that were taken away count as well.
    pub fn size(&self) -> usize {
        self.chains.iter().map(|c| c.as_ref().map_or(1, |c| c.rules.len() + 1)).sum()
    }

    /// Whether chains call each other in a circle that a message can come into.
    pub fn loops(&self) -> bool {
        let mut done = vec![false; self.chains.len()];
        let mut on_the_way = vec![false; self.chains.len()];
        for start in 0..ArpChainId::BUILT_IN.min(self.chains.len()) {
            let mut way = vec![(start, 0)];
            while let Some((chain, rule)) = way.pop() {
                on_the_way[chain] = true;
                let Some(next) = self.chains[chain].as_ref().and_then(|c| c.rules.get(rule)) else {
                    on_the_way[chain] = false;
                    done[chain] = true;
                    continue;
                };
                way.push((chain, rule + 1));
                if let ArpTarget::Jump(to) = next.target {
                    if on_the_way[to.index()] {
                        return true;
                    }
                    if !done[to.index()] {
                        way.push((to.index(), 0));
                    }
                }
            }
        }
        false
    }

    /// Runs a message through a built-in chain; what is left of it, or who ended it.
    pub fn run(
        &mut self,
        start: ArpChainId,
        arp: &Arp,
        input: Option<&str>,
        output: Option<&str>,
    ) -> Result<Arp, Culprit> {
        let (mut chain, mut at) = (start.index(), 0);
        let mut back: Vec<(usize, usize)> = Vec::new();
        let mut arp = *arp;
        for _ in 0..MOST_STEPS {
            let Some(c) = self.chains.get_mut(chain).and_then(Option::as_mut) else { return Ok(arp) };
            let Some(rule) = c.rules.get_mut(at) else {
                if let Some((policy, counter)) = &mut c.policy {
                    counter.add(Arp::LEN);
                    return match policy {
                        Policy::Accept => Ok(arp),
                        Policy::Drop => Err(Culprit { chain: c.name.clone(), rule: None }),
                    };
                }
                (chain, at) = back.pop().unwrap_or((start.index(), usize::MAX));
                continue;
            };
            at += 1;
            if !rule.holds(&arp, input, output) {
                continue;
            }
            rule.counter.add(Arp::LEN);
            let culprit = || Culprit { chain: c.name.clone(), rule: Some(at as u32) };
            match rule.target {
                ArpTarget::None => {}
                ArpTarget::Accept => return Ok(arp),
                ArpTarget::Drop => return Err(culprit()),
                ArpTarget::Return => at = usize::MAX,
                ArpTarget::Jump(to) => {
                    back.push((chain, at));
                    (chain, at) = (to.index(), 0);
                }
                ArpTarget::Mangle(m) => {
                    arp.sha = m.sha.unwrap_or(arp.sha);
                    arp.spa = m.spa.unwrap_or(arp.spa);
                    arp.tha = m.tha.unwrap_or(arp.tha);
                    arp.tpa = m.tpa.unwrap_or(arp.tpa);
                    match m.then {
                        Then::Accept => return Ok(arp),
                        Then::Drop => return Err(culprit()),
                        Then::Continue => {}
                    }
                }
            }
        }
        let name = self.chains[start.index()].as_ref().map_or("".into(), |c| c.name.clone());
        Err(Culprit { chain: name, rule: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(spa: [u8; 4], tpa: [u8; 4]) -> Arp {
        Arp { op: ArpOp::Request, sha: Mac([2, 0, 0, 0, 0, 1]), spa: spa.into(), tha: Mac::ZERO, tpa: tpa.into() }
    }

    fn only(addr: [u8; 4]) -> AddrMatch {
        AddrMatch { addr: addr.into(), mask: Ipv4Addr::BROADCAST, invert: false }
    }

    #[test]
    fn questions_for_the_vip_end_and_what_is_said_from_it_gets_another_sender() {
        let mut t = ArpTable::default();
        t.load();
        let vip = [192, 168, 1, 200];
        let drop = ArpRule { dst: only(vip), target: ArpTarget::Drop, ..ArpRule::default() };
        t.chain_mut(ArpChainId::INPUT).rules.push(drop);
        let mangle = Mangle { spa: Some([192, 168, 1, 198].into()), ..Mangle::default() };
        let rule = ArpRule { src: only(vip), target: ArpTarget::Mangle(mangle), ..ArpRule::default() };
        t.chain_mut(ArpChainId::OUTPUT).rules.push(rule);

        let asked = t.run(ArpChainId::INPUT, &says([192, 168, 1, 1], vip), Some("eth0"), None);
        assert_eq!(asked, Err(Culprit { chain: "INPUT".into(), rule: Some(1) }));
        let asking = t.run(ArpChainId::OUTPUT, &says(vip, [192, 168, 1, 1]), None, Some("eth0"));
        assert_eq!(asking, Ok(says([192, 168, 1, 198], [192, 168, 1, 1])));
        assert_eq!(t.chain(ArpChainId::INPUT).rules[0].counter, Counter { packets: 1, bytes: 28 });
    }

    #[test]
    fn the_opcode_tells_questions_from_answers() {
        let rule =
            |op| ArpRule { opcode: NumberMatch { value: op, mask: u16::MAX, invert: false }, ..ArpRule::default() };
        let question = says([10, 0, 0, 1], [10, 0, 0, 2]);
        assert!(rule(1).holds(&question, None, None));
        assert!(!rule(2).holds(&question, None, None));
    }

    #[test]
    fn a_circle_is_seen() {
        let mut t = ArpTable::default();
        t.load();
        let a = t.add_chain("a");
        t.chain_mut(a).rules.push(ArpRule { target: ArpTarget::Jump(a), ..ArpRule::default() });
        assert!(!t.loops());
        t.chain_mut(ArpChainId::INPUT).rules.push(ArpRule { target: ArpTarget::Jump(a), ..ArpRule::default() });
        assert!(t.loops());
    }
}
