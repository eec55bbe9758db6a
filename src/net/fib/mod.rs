//! The forwarding information base: routing tables, rules, and the question "where does this packet go?".
//!
//! Follows net/ipv4/fib_trie.c, fib_semantics.c, fib_frontend.c (`fib_lookup` in include/net/ip_fib.h) and fib_rules.c.
//! The local and the main table share one trie until the first rule is added: the longest prefix over both wins, and the
//! local table on a tie. From then on, for ever, the local table is asked first.
//!
//! Instead of a trie there is an index by prefix length and prefix: a look-up tries the lengths in use, longest first.
//! Left out: several next hops.

pub mod route;
pub mod rule;

pub use route::{
    FibError, Insert, PROTO_BOOT, PROTO_KERNEL, Route, RouteKind, RouteMatch, SCOPE_HOST, SCOPE_LINK, SCOPE_NOWHERE,
    SCOPE_UNIVERSE, TABLE_DEFAULT, TABLE_LOCAL, TABLE_MAIN,
};
pub use rule::{Rule, RuleAction};

use crate::base::{DevIdx, Table};
use crate::net::dev::mask;
use crate::net::errno::Errno;
use crate::net::neigh::Nud;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// What a packet shows to the rules and tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowKey {
    /// Destination.
    pub daddr: Ipv4Addr,
    /// Source; 0.0.0.0 while it has none.
    pub saddr: Ipv4Addr,
    /// The device by which it came; none for the host's own.
    pub iif: Option<DevIdx>,
    /// The device that its sender has chosen.
    pub oif: Option<DevIdx>,
    /// Firewall mark.
    pub mark: u32,
    /// Type of service.
    pub tos: u8,
}

impl FlowKey {
    /// A packet of the host's own to `daddr`, without a source yet.
    pub fn to(daddr: Ipv4Addr) -> FlowKey {
        FlowKey { daddr, saddr: Ipv4Addr::UNSPECIFIED, iif: None, oif: None, mark: 0, tos: 0 }
    }
}

/// The route that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// What it does: unicast, local, broadcast or multicast.
    pub kind: RouteKind,
    /// The device.
    pub dev: DevIdx,
    /// The next hop; none where the destination is on the link.
    pub via: Option<Ipv4Addr>,
    /// The route's preferred source.
    pub prefsrc: Option<Ipv4Addr>,
    /// The route's scope.
    pub scope: u8,
    /// Scope of the next hop: [`SCOPE_HOST`] and above where the destination itself is on the link.
    pub nh_scope: u8,
    /// The table.
    pub table: u32,
    /// How many bits fitted.
    pub prefix_len: u8,
    /// Path MTU by decree.
    pub mtu: Option<u32>,
    /// `mtu lock`.
    pub mtu_lock: bool,
    /// Announced MSS by decree.
    pub advmss: Option<u32>,
    /// [`Route::id`].
    pub route: u64,
}

impl Hit {
    /// The next hop that packets are sent to: a gateway that is this host itself counts as none, so that the destination is
    /// asked for on the link (`rt_set_nexthop`).
    pub fn gateway(&self) -> Option<Ipv4Addr> {
        self.via.filter(|_| self.nh_scope == SCOPE_LINK)
    }
}

impl Hit {
    /// Whether the next hop is the destination itself.
    #[inline]
    pub fn on_link(&self) -> bool {
        self.nh_scope >= SCOPE_HOST
    }
}

/// The tables and rules of a host.
#[derive(Clone, Debug)]
pub struct Fib {
    /// Changes with every change of tables and rules.
    pub version: u64,
    /// In the order of [`Route::order`].
    routes: Vec<Route>,
    rules: Vec<Rule>,
    /// Local and main share a trie.
    merged: bool,
    tries: Vec<(u32, Trie)>,
    next_id: u64,
    /// Of default routes of equal rank, which one was taken last: by the first one's id (`fa_default`).
    taken: BTreeMap<u64, i32>,
    /// Devices without carrier whose routes do not count (`ignore_routes_with_linkdown`).
    ignored: Vec<DevIdx>,
}

/// The index over one table, or over local and main together.
#[derive(Clone, Debug, Default)]
struct Trie {
    /// Prefix lengths in use, longest first.
    lens: Vec<u8>,
    /// Prefix and length: where in `order` its routes are.
    prefixes: Table<(u32, u8), (u32, u32)>,
    /// Indexes into the routes.
    order: Vec<u32>,
}

impl Default for Fib {
    fn default() -> Self {
        Fib {
            version: 0,
            routes: Vec::new(),
            rules: Rule::defaults(),
            merged: true,
            tries: Vec::new(),
            next_id: 0,
            taken: BTreeMap::new(),
            ignored: Vec::new(),
        }
    }
}

impl Fib {
    /// Where a packet goes (`fib_lookup`).
    ///
    /// # Errors
    /// There is no route, or the route or a rule refuses.
    pub fn lookup(&self, key: &FlowKey) -> Result<Hit, FibError> {
        self.lookup_within(key, SCOPE_UNIVERSE)
    }

    /// The same among routes of at least this scope, as the check of a gateway asks.
    pub fn lookup_within(&self, key: &FlowKey, scope: u8) -> Result<Hit, FibError> {
        self.lookup_by(key, scope, &self.ignored)
    }

    /// The same, whatever the carrier of a route's device (`FIB_LOOKUP_IGNORE_LINKSTATE`).
    pub fn lookup_any_link(&self, key: &FlowKey) -> Result<Hit, FibError> {
        self.lookup_by(key, SCOPE_UNIVERSE, &[])
    }

    fn lookup_by(&self, key: &FlowKey, scope: u8, ignored: &[DevIdx]) -> Result<Hit, FibError> {
        let found = if self.merged {
            match self.search_by(TABLE_MAIN, key, scope, ignored) {
                // As the kernel's short way has it, even a refusal leaves the last word to the default table.
                Err(_) if self.has_table(TABLE_DEFAULT) => self.search_by(TABLE_DEFAULT, key, scope, ignored),
                found => found,
            }
        } else {
            self.ask_rules(key, scope, ignored)
        };
        match found {
            Err(FibError::Throw) => Err(FibError::NoRoute),
            found => found,
        }
    }

    /// One table's answer; [`FibError::Throw`] if it has none. While they share a trie, local and main answer for both.
    pub fn search(&self, table: u32, key: &FlowKey, scope: u8) -> Result<Hit, FibError> {
        self.search_by(table, key, scope, &[])
    }

    fn search_by(&self, table: u32, key: &FlowKey, scope: u8, ignored: &[DevIdx]) -> Result<Hit, FibError> {
        let table = self.trie_of(table);
        let Some((_, trie)) = self.tries.iter().find(|(id, _)| *id == table) else {
            return Err(FibError::Throw);
        };
        let daddr = u32::from(key.daddr);
        for &len in &trie.lens {
            let Some(&(from, to)) = trie.prefixes.get(&(daddr & mask(len), len)) else {
                continue;
            };
            for &i in &trie.order[from as usize..to as usize] {
                let r = &self.routes[i as usize];
                if (r.tos != 0 && r.tos != key.tos & 0xfc) || r.scope < scope {
                    continue;
                }
                if let Some(error) = r.kind.error() {
                    return Err(error);
                }
                let Some(dev) = r.dev else { continue };
                if key.oif.is_some_and(|oif| oif != dev) || (r.linkdown && ignored.contains(&dev)) {
                    continue;
                }
                return Ok(r.hit(dev));
            }
        }
        Err(FibError::Throw)
    }

    fn ask_rules(&self, key: &FlowKey, scope: u8, ignored: &[DevIdx]) -> Result<Hit, FibError> {
        for rule in self.rules.iter().filter(|r| r.fits(key)) {
            match rule.action {
                RuleAction::Table(table) => match self.search_by(table, key, scope, ignored) {
                    Err(FibError::Throw) => {}
                    found => return found,
                },
                RuleAction::Blackhole => return Err(FibError::Blackhole),
                RuleAction::Unreachable => return Err(FibError::NoRoute),
                RuleAction::Prohibit => return Err(FibError::Prohibit),
            }
        }
        Err(FibError::NoRoute)
    }

    /// Every route, in the order in which `ip route show table all` prints them.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// Whether the table has ever held a route. Local and main always have.
    pub fn has_table(&self, table: u32) -> bool {
        matches!(table, TABLE_LOCAL | TABLE_MAIN) || self.tries.iter().any(|(id, _)| *id == table)
    }

    /// The rules in the order in which they are tried.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether a rule has ever been added or deleted: local and main are two tries then.
    pub fn has_custom_rules(&self) -> bool {
        !self.merged
    }

    /// Adds a rule behind those of its priority, and parts local from main for ever.
    ///
    /// # Errors
    /// EEXIST if the very same one is there.
    pub fn add_rule(&mut self, rule: Rule) -> Result<(), Errno> {
        if self.rules.iter().any(|r| *r == Rule { by_kernel: r.by_kernel, ..rule.clone() }) {
            return Err(Errno::Exists);
        }
        let at = self.rules.partition_point(|r| r.pref <= rule.pref);
        self.rules.insert(at, rule);
        self.merged = false;
        self.reindex();
        Ok(())
    }

    /// Deletes the first rule that `wanted` says yes to.
    ///
    /// # Errors
    /// ENOENT if there is none.
    pub fn del_rule(&mut self, wanted: impl FnMut(&Rule) -> bool) -> Result<(), Errno> {
        let at = self.rules.iter().position(wanted).ok_or(Errno::NoEntry)?;
        self.rules.remove(at);
        self.merged = false;
        self.reindex();
        Ok(())
    }

    /// The priority of a rule that was typed without one: just before the first rule that is not of priority 0
    /// (`fib_default_rule_pref`).
    pub fn default_rule_pref(&self) -> u32 {
        self.rules.get(1).map_or(0, |r| r.pref.saturating_sub(u32::from(r.pref > 0)))
    }

    /// Names and devices have changed: rules that name a device follow.
    pub(super) fn bind_rules(&mut self, find: impl Fn(&str) -> Option<DevIdx>) {
        for rule in &mut self.rules {
            rule.iif_dev = rule.iif.as_deref().and_then(&find);
            rule.oif_dev = rule.oif.as_deref().and_then(&find);
        }
        self.version += 1;
    }

    /// Puts a route in (`fib_table_insert`). What the route says must have been checked.
    ///
    /// # Errors
    /// EEXIST or ENOENT, as `how` demands.
    pub fn insert(&mut self, mut new: Route, how: Insert) -> Result<(), Errno> {
        self.next_id += 1;
        new.id = self.next_id;
        new.dst = new.dst.trunc();
        let order = new.order();
        let from = self.routes.partition_point(|r| r.order() < order);
        let to = self.routes.partition_point(|r| r.order() <= order);
        let equals = &self.routes[from..to];
        let same = equals.iter().position(|r| r.same(&new));
        match how {
            Insert::Exclusive if !equals.is_empty() => return Err(Errno::Exists),
            Insert::Replace | Insert::Change if !equals.is_empty() => {
                match same {
                    Some(0) => return Ok(()),
                    Some(_) => return Err(Errno::Exists),
                    None => self.routes[from] = new,
                }
                self.reindex();
                return Ok(());
            }
            Insert::Change => return Err(Errno::NoEntry),
            _ if same.is_some() => return Err(Errno::Exists),
            _ => {}
        }
        let at = if how == Insert::Append { to } else { from };
        self.routes.insert(at, new);
        self.reindex();
        Ok(())
    }

    /// Deletes the first route that fits (`fib_table_delete`).
    ///
    /// # Errors
    /// ESRCH if none does.
    pub fn delete(&mut self, wanted: &RouteMatch) -> Result<Route, Errno> {
        let at = self.routes.iter().position(|r| wanted.fits(r)).ok_or(Errno::NoProcess)?;
        let gone = self.routes.remove(at);
        self.reindex();
        Ok(gone)
    }

    /// Keeps the routes that `keep` says yes to; returns how many went.
    pub fn retain(&mut self, keep: impl FnMut(&Route) -> bool) -> usize {
        let before = self.routes.len();
        self.routes.retain(keep);
        let gone = before - self.routes.len();
        if gone > 0 {
            self.reindex();
        }
        gone
    }

    /// Says which devices' routes do not count while there is no carrier.
    pub(super) fn ignore(&mut self, devs: Vec<DevIdx>) {
        if self.ignored != devs {
            self.ignored = devs;
            self.version += 1;
        }
    }

    /// Whether some route leads to this gateway by this device (`ip_fib_check_default`).
    pub fn has_gateway(&self, gateway: Ipv4Addr, dev: DevIdx) -> bool {
        self.routes.iter().any(|r| r.via == Some(gateway) && r.dev == Some(dev))
    }

    /// Marks the routes through a device as without carrier, or with; those of the host's own addresses know no carrier.
    pub(super) fn set_linkdown(&mut self, dev: DevIdx, down: bool) {
        for r in &mut self.routes {
            if r.dev == Some(dev) && r.nh_scope != SCOPE_NOWHERE {
                r.linkdown = down;
            }
        }
        self.version += 1;
    }

    /// Which of several default routes of equal rank is taken in place of the first, `hit` (`fib_select_default`). `gateway`
    /// says in which state a gateway's neighbour entry is, if there is one. The second value is for [`Fib::remember_default`].
    pub(super) fn select_default(
        &self,
        hit: Hit,
        tos: u8,
        gateway: impl Fn(&Route) -> Option<Nud>,
    ) -> (Hit, Option<(u64, i32)>) {
        let defaults = |r: &&Route| r.table == hit.table && r.dst.prefix_len() == 0;
        if self.routes.iter().filter(defaults).count() < 2 {
            return (hit, None);
        }
        let Some(first) = self.routes.iter().find(|r| r.id == hit.route) else {
            return (hit, None);
        };
        let equals: Vec<&Route> = self
            .routes
            .iter()
            .filter(defaults)
            .filter(|r| {
                (r.tos == 0 || r.tos == tos & 0xfc)
                    && r.metric == first.metric
                    && r.scope == first.scope
                    && r.kind == RouteKind::Unicast
                    && r.via.is_some()
                    && r.nh_scope == SCOPE_LINK
            })
            .collect();
        if equals.first().is_none_or(|r| r.id != first.id) || equals.len() < 2 {
            return (hit, Some((first.id, -1)));
        }
        let last = self.taken.get(&first.id).copied().unwrap_or(-1);
        let mut resort: Option<(i32, &Route)> = None;
        for (n, r) in (0i32..).zip(&equals) {
            // Dead is a gateway that was asked in vain, and one that was taken last and has not been confirmed since.
            let Some(state) = gateway(r) else {
                return (r.hit(r.dev.unwrap_or(hit.dev)), Some((first.id, n)));
            };
            if state == Nud::Reachable || (state.valid() && n != last) {
                return (r.hit(r.dev.unwrap_or(hit.dev)), Some((first.id, n)));
            }
            if state.valid() || (resort.is_none() && n > last && state != Nud::Incomplete) {
                resort = Some((n, r));
            }
        }
        match resort {
            Some((n, r)) => (r.hit(r.dev.unwrap_or(hit.dev)), Some((first.id, n))),
            None => (hit, Some((first.id, -1))),
        }
    }

    /// Remembers which default route was taken.
    pub(super) fn remember_default(&mut self, (first, taken): (u64, i32)) {
        if taken < 0 {
            self.taken.remove(&first);
        } else {
            self.taken.insert(first, taken);
        }
    }

    fn trie_of(&self, table: u32) -> u32 {
        if self.merged && table == TABLE_LOCAL { TABLE_MAIN } else { table }
    }

    /// Builds the index anew: changes are rare, and hosts have about a dozen routes.
    fn reindex(&mut self) {
        self.version += 1;
        let routes = &self.routes;
        self.taken.retain(|id, _| routes.iter().any(|r| r.id == *id));
        for (_, trie) in &mut self.tries {
            *trie = Trie::default();
        }
        let mut order: Vec<u32> = (0..self.routes.len() as u32).collect();
        // Within a shared trie the longest prefix comes first over both tables, and the local table before the main one.
        order.sort_by_key(|&i| {
            let r = &self.routes[i as usize];
            let (_, table, key, short, tos, metric) = r.order();
            (self.trie_of(r.table), short, key, std::cmp::Reverse(table), tos, metric, i)
        });
        for i in order {
            let r = &self.routes[i as usize];
            let table = self.trie_of(r.table);
            let (key, len) = (u32::from(r.dst.network()), r.dst.prefix_len());
            let at = match self.tries.iter().position(|(id, _)| *id == table) {
                Some(at) => at,
                None => {
                    self.tries.push((table, Trie::default()));
                    self.tries.len() - 1
                }
            };
            let trie = &mut self.tries[at].1;
            let end = trie.order.len() as u32 + 1;
            trie.order.push(i);
            if trie.lens.last() != Some(&len) {
                trie.lens.push(len);
            }
            match trie.prefixes.get_mut(&(key, len)) {
                Some((_, to)) => *to = end,
                None => {
                    trie.prefixes.insert((key, len), (end - 1, end));
                }
            }
        }
    }
}

impl Route {
    fn hit(&self, dev: DevIdx) -> Hit {
        Hit {
            kind: self.kind,
            dev,
            via: self.via,
            prefsrc: self.prefsrc,
            scope: self.scope,
            nh_scope: self.nh_scope,
            table: self.table,
            prefix_len: self.dst.prefix_len(),
            mtu: self.mtu,
            mtu_lock: self.mtu_lock,
            advmss: self.advmss,
            route: self.id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(dst: &str, table: u32, kind: RouteKind, dev: u16, metric: u32) -> Route {
        Route {
            dst: dst.parse().expect("a prefix"),
            kind,
            scope: SCOPE_LINK,
            tos: 0,
            table,
            metric,
            via: None,
            dev: Some(DevIdx(dev)),
            prefsrc: None,
            proto: PROTO_BOOT,
            mtu: None,
            mtu_lock: false,
            advmss: None,
            onlink: false,
            nh_scope: SCOPE_HOST,
            linkdown: false,
            id: 0,
        }
    }

    fn dev_to(fib: &Fib, daddr: &str) -> Option<u16> {
        fib.lookup(&FlowKey::to(daddr.parse().expect("an address"))).ok().map(|hit| hit.dev.0)
    }

    #[test]
    fn the_longest_prefix_wins_over_both_tables_until_the_first_rule() {
        let mut fib = Fib::default();
        let local = route("10.0.0.0/24", TABLE_LOCAL, RouteKind::Local, 0, 0);
        let host = route("10.0.0.9/32", TABLE_MAIN, RouteKind::Unicast, 2, 0);
        fib.insert(local, Insert::Append).unwrap();
        fib.insert(host, Insert::Exclusive).unwrap();
        assert_eq!(dev_to(&fib, "10.0.0.9"), Some(2));
        let rule = Rule::new(100, RuleAction::Table(7));
        fib.add_rule(rule.clone()).unwrap();
        assert_eq!(fib.add_rule(rule.clone()), Err(Errno::Exists));
        assert_eq!(dev_to(&fib, "10.0.0.9"), Some(0));
        fib.del_rule(|r| r.pref == 100).unwrap();
        assert_eq!(dev_to(&fib, "10.0.0.9"), Some(0), "they stay apart");
        assert_eq!(dev_to(&fib, "10.0.1.9"), None);
    }

    #[test]
    fn the_local_table_wins_a_tie() {
        let mut fib = Fib::default();
        for (table, kind, dev) in [(TABLE_MAIN, RouteKind::Unicast, 2), (TABLE_LOCAL, RouteKind::Local, 0)] {
            fib.insert(route("10.0.0.9/32", table, kind, dev, 0), Insert::Append).unwrap();
        }
        assert_eq!(dev_to(&fib, "10.0.0.9"), Some(0));
    }

    #[test]
    fn metric_decides_and_then_who_was_put_in_front() {
        let mut fib = Fib::default();
        let r = |dev, metric| route("0.0.0.0/0", TABLE_MAIN, RouteKind::Unicast, dev, metric);
        fib.insert(r(2, 5), Insert::Exclusive).unwrap();
        assert_eq!(fib.insert(r(3, 5), Insert::Exclusive), Err(Errno::Exists));
        fib.insert(r(3, 5), Insert::Append).unwrap();
        assert_eq!(dev_to(&fib, "8.8.8.8"), Some(2));
        fib.insert(r(4, 5), Insert::Prepend).unwrap();
        assert_eq!(dev_to(&fib, "8.8.8.8"), Some(4));
        assert_eq!(fib.insert(r(2, 5), Insert::Prepend), Err(Errno::Exists));
        fib.insert(r(6, 1), Insert::Exclusive).unwrap();
        assert_eq!(dev_to(&fib, "8.8.8.8"), Some(6));
        fib.insert(r(7, 1), Insert::Replace).unwrap();
        assert_eq!(dev_to(&fib, "8.8.8.8"), Some(7));
        assert_eq!(fib.insert(r(8, 9), Insert::Change), Err(Errno::NoEntry));
        fib.delete(&RouteMatch { metric: 1, ..RouteMatch::any("0.0.0.0/0".parse().unwrap(), TABLE_MAIN) }).unwrap();
        assert_eq!(dev_to(&fib, "8.8.8.8"), Some(4));
    }

    #[test]
    fn a_chosen_device_passes_over_routes_through_others() {
        let mut fib = Fib::default();
        fib.insert(route("10.0.0.0/24", TABLE_MAIN, RouteKind::Unicast, 2, 0), Insert::Append).unwrap();
        fib.insert(route("10.0.0.0/8", TABLE_MAIN, RouteKind::Unicast, 3, 0), Insert::Append).unwrap();
        let mut key = FlowKey::to(Ipv4Addr::new(10, 0, 0, 5));
        key.oif = Some(DevIdx(3));
        assert_eq!(fib.lookup(&key).unwrap().prefix_len, 8);
        key.oif = Some(DevIdx(4));
        assert_eq!(fib.lookup(&key), Err(FibError::NoRoute));
    }

    #[test]
    fn rules_choose_tables_by_mark_and_source() {
        let mut fib = Fib::default();
        fib.insert(route("0.0.0.0/0", TABLE_MAIN, RouteKind::Unicast, 2, 0), Insert::Append).unwrap();
        fib.insert(route("0.0.0.0/0", 100, RouteKind::Unicast, 3, 0), Insert::Append).unwrap();
        fib.add_rule(Rule {
            fwmark: Some((8, u32::MAX)),
            ..Rule::new(fib.default_rule_pref(), RuleAction::Table(100))
        })
        .unwrap();
        fib.add_rule(Rule {
            from: Some("10.9.0.0/16".parse().unwrap()),
            ..Rule::new(fib.default_rule_pref(), RuleAction::Prohibit)
        })
        .unwrap();
        assert_eq!(fib.rules().iter().map(|r| r.pref).collect::<Vec<_>>(), [0, 32764, 32765, 32766, 32767]);
        let mut key = FlowKey::to(Ipv4Addr::new(8, 8, 8, 8));
        assert_eq!(fib.lookup(&key).unwrap().dev, DevIdx(2));
        key.mark = 8;
        assert_eq!(fib.lookup(&key).unwrap().dev, DevIdx(3));
        key.saddr = Ipv4Addr::new(10, 9, 1, 1);
        assert_eq!(fib.lookup(&key), Err(FibError::Prohibit));
    }
}
