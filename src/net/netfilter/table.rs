//! Tables, chains and rules of iptables, and how a packet runs through them (net/ipv4/netfilter/ip_tables.c
//! `ipt_do_table`, `mark_source_chains`, the checks of net/netfilter/x_tables.c).
//!
//! Changes are made to a copy, which is checked as a whole and then put in place, as the kernel does it. A packet for
//! which more than [`MOST_STEPS`] rules would have to be looked at is dropped.

use super::matches::{AddrMatch, DevMatch, Match, limit};
use super::targets::{Mss, NatTarget, RejectWith, Target};
use super::{Counter, Culprit, HookPoint, View};
use crate::net::klog::Level;
use std::sync::Arc;

/// Rules that a table may have.
pub const MOST_RULES: usize = 4_096;
/// Rules that are looked at for one packet.
pub const MOST_STEPS: u32 = 65_536;

/// The tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TableId {
    /// Before connection tracking.
    Raw,
    /// Changes packets.
    Mangle,
    /// Asked once for each connection.
    Nat,
    /// Lets pass or not.
    Filter,
    /// Labels of security modules.
    Security,
}

impl TableId {
    /// All.
    pub const ALL: [TableId; 5] = [TableId::Raw, TableId::Mangle, TableId::Nat, TableId::Filter, TableId::Security];

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            TableId::Raw => "raw",
            TableId::Mangle => "mangle",
            TableId::Nat => "nat",
            TableId::Filter => "filter",
            TableId::Security => "security",
        }
    }

    /// Its built-in chains, in the order of the hooks.
    pub fn hooks(self) -> &'static [HookPoint] {
        use HookPoint::{Forward, LocalIn, LocalOut, PostRouting, PreRouting};
        match self {
            TableId::Raw => &[PreRouting, LocalOut],
            TableId::Mangle => &[PreRouting, LocalIn, Forward, LocalOut, PostRouting],
            TableId::Nat => &[PreRouting, LocalIn, LocalOut, PostRouting],
            TableId::Filter | TableId::Security => &[LocalIn, Forward, LocalOut],
        }
    }
}

/// A chain's place in its table; it stays the same as long as the chain exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainId(u32);

impl ChainId {
    fn index(self) -> usize {
        self.0 as usize
    }
}

/// What becomes of a packet at the end of a built-in chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// It passes.
    Accept,
    /// It ends.
    Drop,
}

impl Policy {
    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Policy::Accept => "ACCEPT",
            Policy::Drop => "DROP",
        }
    }
}

/// A chain.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The name.
    pub name: Arc<str>,
    /// The policy of a built-in chain, and what it was applied to.
    pub policy: Option<(Policy, Counter)>,
    /// The rules, in order.
    pub rules: Vec<Rule>,
}

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Source.
    pub src: AddrMatch,
    /// Destination.
    pub dst: AddrMatch,
    /// The device it came by.
    pub input: DevMatch,
    /// The device it leaves by.
    pub output: DevMatch,
    /// The protocol's number; 0 is all.
    pub proto: u8,
    /// All but that protocol.
    pub not_proto: bool,
    /// Only later fragments, or only others.
    pub fragment: Option<bool>,
    /// What else is asked.
    pub matches: Vec<Match>,
    /// What it does.
    pub target: Target,
    /// What it was applied to.
    pub counter: Counter,
}

impl Default for Rule {
    fn default() -> Rule {
        Rule {
            src: AddrMatch::default(),
            dst: AddrMatch::default(),
            input: DevMatch::default(),
            output: DevMatch::default(),
            proto: 0,
            not_proto: false,
            fragment: None,
            matches: Vec::new(),
            target: Target::None,
            counter: Counter::default(),
        }
    }
}

impl Rule {
    /// Whether two rules say the same, whatever they have counted.
    pub fn same(&self, other: &Rule) -> bool {
        self.src == other.src
            && self.dst == other.dst
            && self.input == other.input
            && self.output == other.output
            && (self.proto, self.not_proto, self.fragment) == (other.proto, other.not_proto, other.fragment)
            && self.matches == other.matches
            && self.target == other.target
    }

    fn holds(&mut self, view: &mut View<'_>) -> bool {
        let pkt = &*view.pkt;
        self.src.holds(pkt.saddr)
            && self.dst.holds(pkt.daddr)
            && self.input.holds(view.input)
            && self.output.holds(view.output)
            && (self.proto == 0 || (pkt.l4.proto() as u8 == self.proto) != self.not_proto)
            && self.fragment.is_none_or(|later| (pkt.offset() != 0) == later)
            && self.matches.iter_mut().all(|m| m.holds(view))
    }

    fn needs_conntrack(&self) -> bool {
        matches!(self.target, Target::Nat(_) | Target::ConnMark(_)) || self.matches.iter().any(Match::needs_conntrack)
    }
}

/// Why the kernel refuses a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// EINVAL: a match or target may not stand there; what the kernel's log says about it, if anything.
    Invalid(Option<String>),
    /// ERANGE, and what the kernel's log says about it.
    Range(String),
    /// ELOOP: chains call each other in a circle.
    Loop,
    /// More than [`MOST_RULES`] rules.
    TooLarge,
}

/// How a packet's run through a table ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Accept,
    Drop(Culprit),
    Reject(RejectWith, Culprit),
    Nat(NatTarget, Culprit),
}

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Which.
    pub id: TableId,
    /// A slab: built-in chains first, then whatever was made.
    chains: Vec<Option<Chain>>,
    steps: Vec<(usize, usize)>,
}

impl Table {
    /// A table with empty chains that accept everything.
    pub fn new(id: TableId) -> Table {
        let chain = |hook: &HookPoint| {
            let policy = Some((Policy::Accept, Counter::default()));
            Some(Chain { name: hook.chain().into(), policy, rules: Vec::new() })
        };
        Table { id, chains: id.hooks().iter().map(chain).collect(), steps: Vec::new() }
    }

    /// A chain by name.
    pub fn find(&self, name: &str) -> Option<ChainId> {
        let at = self.chains.iter().position(|c| c.as_ref().is_some_and(|c| &*c.name == name))?;
        Some(ChainId(at as u32))
    }

    /// A chain.
    pub fn chain(&self, id: ChainId) -> &Chain {
        self.chains[id.index()].as_ref().expect("an id is that of a chain that exists")
    }

    /// A chain, to change it.
    pub fn chain_mut(&mut self, id: ChainId) -> &mut Chain {
        self.chains[id.index()].as_mut().expect("an id is that of a chain that exists")
    }

    /// The chains as they are listed: the built-in ones in the order of the hooks, then the others by name.
    pub fn listed(&self) -> Vec<ChainId> {
        let mut ids: Vec<ChainId> =
            (0..self.chains.len()).filter(|&i| self.chains[i].is_some()).map(|i| ChainId(i as u32)).collect();
        let built_in = self.id.hooks().len();
        ids[built_in..].sort_by(|a, b| self.chain(*a).name.cmp(&self.chain(*b).name));
        ids
    }

    /// Makes an empty chain. The name must be free.
    pub fn add_chain(&mut self, name: &str) -> ChainId {
        let chain = Some(Chain { name: name.into(), policy: None, rules: Vec::new() });
        let built_in = self.id.hooks().len();
        let free = self.chains.iter().skip(built_in).position(Option::is_none).map(|i| i + built_in);
        let at = free.unwrap_or(self.chains.len());
        match free {
            Some(at) => self.chains[at] = chain,
            None => self.chains.push(chain),
        }
        ChainId(at as u32)
    }

    /// Takes a chain away to which nothing jumps.
    pub fn remove_chain(&mut self, id: ChainId) {
        self.chains[id.index()] = None;
    }

    /// How many rules jump to a chain.
    pub fn references(&self, id: ChainId) -> usize {
        let rules = self.chains.iter().flatten().flat_map(|c| &c.rules);
        rules.filter(|r| matches!(r.target, Target::Jump(to) | Target::Goto(to) if to == id)).count()
    }

    /// Chains and rules together.
    pub fn size(&self) -> usize {
        self.chains.iter().flatten().map(|c| c.rules.len() + 1).sum()
    }

    pub(super) fn needs_conntrack(&self) -> bool {
        self.chains.iter().flatten().flat_map(|c| &c.rules).any(Rule::needs_conntrack)
    }

    /// What the kernel checks before it takes a table.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.size() > MOST_RULES {
            return Err(Refusal::TooLarge);
        }
        let mut reached = vec![0u8; self.chains.len()];
        for (at, &hook) in self.id.hooks().iter().enumerate() {
            self.reach(at, 1 << hook as u8, &mut reached)?;
        }
        for (at, chain) in self.chains.iter().enumerate() {
            for rule in chain.iter().flat_map(|c| &c.rules) {
                self.may_stand(rule, reached[at]).map_err(Refusal::Invalid)?;
                in_range(rule)?;
            }
        }
        Ok(())
    }

    /// Notes from which hook chains are reached, and refuses circles. Every chain is visited once.
    fn reach(&self, start: usize, hook: u8, reached: &mut [u8]) -> Result<(), Refusal> {
        #[derive(Clone, Copy, PartialEq)]
        enum Seen {
            No,
            OnTheWay,
            Done,
        }
        let mut seen = vec![Seen::No; self.chains.len()];
        let mut way = vec![(start, 0)];
        seen[start] = Seen::OnTheWay;
        while let Some((chain, rule)) = way.pop() {
            reached[chain] |= hook;
            let Some(next) = self.chains[chain].as_ref().and_then(|c| c.rules.get(rule)) else {
                seen[chain] = Seen::Done;
                continue;
            };
            way.push((chain, rule + 1));
            if let Target::Jump(to) | Target::Goto(to) = next.target {
                match seen[to.index()] {
                    Seen::OnTheWay => return Err(Refusal::Loop),
                    Seen::Done => {}
                    Seen::No => {
                        seen[to.index()] = Seen::OnTheWay;
                        way.push((to.index(), 0));
                    }
                }
            }
        }
        Ok(())
    }

    /// The checks of x_tables (`xt_check_match`, `xt_check_target`: table, hooks, protocol) and of the extensions.
    fn may_stand(&self, rule: &Rule, reached: u8) -> Result<(), Option<String>> {
        use HookPoint::{Forward, LocalIn, LocalOut, PostRouting, PreRouting};
        let refuse = |name: &str, why: String| Err(Some(format!("x_tables: ip_tables: {name}: {why}")));
        let hooks = |name: &str, hooks: &[HookPoint]| match reached & !bits(hooks) {
            0 => Ok(()),
            _ => {
                let (used, allowed) = (hook_names(reached), hook_names(bits(hooks)));
                let may = if name.ends_with("match") { "valid" } else { "usable" };
                refuse(name, format!("used from hooks {used}, but only {may} from {allowed}"))
            }
        };
        let table = |name: &str, id: TableId| match self.id == id {
            true => Ok(()),
            false => refuse(name, format!("only valid in {} table, not {}", id.name(), self.id.name())),
        };
        let proto = |list: &[u8]| list.contains(&rule.proto) && !rule.not_proto;
        let tcp = |name: &str| match proto(&[6]) {
            true => Ok(()),
            false => refuse(name, "only valid for protocol 6".to_string()),
        };
        for m in &rule.matches {
            match (m, m.protocol()) {
                (Match::Multiport { .. }, Some(list)) if !proto(list) => return Err(None),
                (_, Some(&[number])) if !proto(&[number]) => {
                    let name = if number == 6 {
                        "tcp match"
                    } else if number == 17 {
                        "udp match"
                    } else {
                        "icmp match"
                    };
                    return refuse(name, format!("only valid for protocol {number}"));
                }
                (Match::Mac { .. }, _) => hooks("mac match", &[PreRouting, LocalIn, Forward])?,
                (Match::AddrType { limit_in: true, .. }, _) if reached & bits(&[LocalOut, PostRouting]) != 0 => {
                    let why = "input interface limitation not valid in POSTROUTING and OUTPUT";
                    return Err(Some(format!("xt_addrtype: {why}")));
                }
                (Match::AddrType { limit_out: true, .. }, _) if reached & bits(&[PreRouting, LocalIn]) != 0 => {
                    let why = "output interface limitation not valid in PREROUTING and INPUT";
                    return Err(Some(format!("xt_addrtype: {why}")));
                }
                _ => {}
            }
        }
        match &rule.target {
            Target::Reject(with) => {
                table("REJECT target", TableId::Filter)?;
                hooks("REJECT target", &[LocalIn, Forward, LocalOut])?;
                if *with == RejectWith::TcpReset && !proto(&[6]) {
                    return Err(Some("ipt_REJECT: TCP_RESET invalid for non-tcp".to_string()));
                }
                Ok(())
            }
            Target::Nat(target) => {
                let (name, usable): (&str, &[HookPoint]) = match target {
                    NatTarget::Snat(_) => ("SNAT target", &[PostRouting, LocalIn]),
                    NatTarget::Dnat(_) => ("DNAT target", &[PreRouting, LocalOut]),
                    NatTarget::Masquerade(_) => ("MASQUERADE target", &[PostRouting]),
                    NatTarget::Redirect(_) => ("REDIRECT target", &[PreRouting, LocalOut]),
                };
                table(name, TableId::Nat)?;
                hooks(name, usable)
            }
            Target::NoTrack { .. } => table("CT target", TableId::Raw),
            Target::Ttl(..) => table("TTL target", TableId::Mangle),
            Target::Tos { .. } => table("TOS target", TableId::Mangle),
            Target::Dscp(_) => table("DSCP target", TableId::Mangle),
            Target::TcpMss(mss) => {
                tcp("TCPMSS target")?;
                if *mss == Mss::Clamp && reached & !bits(&[Forward, LocalOut, PostRouting]) != 0 {
                    let why = "path-MTU clamping only supported in FORWARD, OUTPUT and POSTROUTING hooks";
                    return Err(Some(format!("xt_TCPMSS: {why}")));
                }
                let syn = |m: &Match| matches!(m, Match::Tcp { flags: Some((_, set, false)), .. } if set & 2 != 0);
                match rule.matches.iter().any(syn) {
                    true => Ok(()),
                    false => Err(Some("xt_TCPMSS: Only works on TCP SYN packets".to_string())),
                }
            }
            _ => Ok(()),
        }
    }

    /// The table is put in place: its matches begin anew.
    pub(super) fn begin(&mut self) {
        let rules = self.chains.iter_mut().flatten().flat_map(|c| &mut c.rules);
        rules.flat_map(|r| &mut r.matches).for_each(Match::begin);
    }

    pub(super) fn run(&mut self, at: HookPoint, view: &mut View<'_>, said: &mut Vec<(Level, String)>) -> Ended {
        let Some(start) = self.id.hooks().iter().position(|h| *h == at) else { return Ended::Accept };
        let len = view.pkt.len();
        // Where to go on: the chain and the rule in each chain that was left by a jump.
        let mut back = std::mem::take(&mut self.steps);
        back.clear();
        let ended = self.walk(start, len, view, &mut back, said);
        self.steps = back;
        ended
    }

    fn walk(
        &mut self,
        start: usize,
        len: u32,
        view: &mut View<'_>,
        back: &mut Vec<(usize, usize)>,
        said: &mut Vec<(Level, String)>,
    ) -> Ended {
        let (mut chain, mut at) = (start, 0);
        for _ in 0..MOST_STEPS {
            let Some(c) = self.chains[chain].as_mut() else { return Ended::Accept };
            let Some(rule) = c.rules.get_mut(at) else {
                if let Some((policy, counter)) = &mut c.policy {
                    counter.add(len);
                    return match policy {
                        Policy::Accept => Ended::Accept,
                        Policy::Drop => Ended::Drop(Culprit { chain: c.name.clone(), rule: None }),
                    };
                }
                (chain, at) = back.pop().unwrap_or((start, usize::MAX));
                continue;
            };
            at += 1;
            if !rule.holds(view) {
                continue;
            }
            rule.counter.add(len);
            let culprit = || Culprit { chain: c.name.clone(), rule: Some(at as u32) };
            match &rule.target {
                Target::None => {}
                Target::Log { flags, level, prefix } => {
                    said.push((Level(*level), super::log::line(view, *flags, prefix)));
                }
                Target::Accept => return Ended::Accept,
                Target::Drop => return Ended::Drop(culprit()),
                Target::Reject(with) => return Ended::Reject(*with, culprit()),
                Target::Nat(target) => return Ended::Nat(target.clone(), culprit()),
                change @ (Target::Mark { .. }
                | Target::ConnMark(_)
                | Target::NoTrack { .. }
                | Target::TcpMss(_)
                | Target::Ttl(..)
                | Target::Tos { .. }
                | Target::Dscp(_)) => {
                    if !change.change(view) {
                        return Ended::Drop(culprit());
                    }
                }
                Target::Return => at = usize::MAX,
                Target::Goto(to) => (chain, at) = (to.index(), 0),
                Target::Jump(to) => {
                    back.push((chain, at));
                    (chain, at) = (to.index(), 0);
                }
            }
        }
        Ended::Drop(Culprit { chain: self.chains[start].as_ref().map_or("".into(), |c| c.name.clone()), rule: None })
    }
}

/// A limit whose credit would not fit (`limit_mt_check`).
fn in_range(rule: &Rule) -> Result<(), Refusal> {
    for m in &rule.matches {
        if let Match::Limit { avg, burst, .. } = m {
            let credits = limit::credits;
            if *burst == 0 || credits(avg.wrapping_mul(*burst)) < credits(*avg) {
                return Err(Refusal::Range(format!("xt_limit: Overflow, try lower: {avg}/{burst}")));
            }
        }
    }
    Ok(())
}

fn bits(hooks: &[HookPoint]) -> u8 {
    hooks.iter().fold(0, |bits, h| bits | 1 << *h as u8)
}

/// Hooks by name (`textify_hooks`).
fn hook_names(bits: u8) -> String {
    use HookPoint::{Forward, LocalIn, LocalOut, PostRouting, PreRouting};
    let all = [PreRouting, LocalIn, Forward, LocalOut, PostRouting];
    let names: Vec<&str> = all.iter().filter(|h| bits & 1 << **h as u8 != 0).map(|h| h.chain()).collect();
    names.join("/")
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
