//! Remembered routing decisions: the packets of a flow ask the same question again and again.
//!
//! Unlike the route cache that Linux 3.6 abolished this one shows nowhere and changes nothing: an answer is kept only as
//! long as nothing that it follows from has changed (devices, addresses, tables, rules, variables), and only if it follows
//! from nothing else. What is known of single destinations ([`super::exceptions`]) is asked afterwards, never kept here.

use super::errno::Errno;
use super::fib::FlowKey;
use super::inet::Inet;
use super::routing::{InError, InRoute, OutRoute};
use crate::base::DevIdx;
use std::net::Ipv4Addr;

/// Answers of each direction that are kept at most; a new one takes the place of one with the same hash.
const MOST: usize = 256;
const FIRST: usize = 8;

/// A host's remembered decisions.
#[derive(Clone, Debug, Default)]
pub struct RouteCache {
    /// What the answers follow from was so old.
    stamp: u64,
    sent: Slots<OutRoute>,
    received: Slots<InRoute>,
}

/// A question: both addresses, and everything else.
type Key = (u64, u64);

/// Direct-mapped. It begins empty and doubles when two questions meet, so that idle hosts keep nothing.
#[derive(Clone, Debug)]
struct Slots<T>(Vec<Option<(Key, T)>>);

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Slots(Vec::new())
    }
}

impl<T: Copy> Slots<T> {
    #[inline]
    fn place(&self, key: Key) -> usize {
        let hash = (key.0 ^ key.1.rotate_left(17)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (hash >> 32) as usize & self.0.len().wrapping_sub(1)
    }

    #[inline]
    fn get(&self, key: Key) -> Option<&T> {
        match self.0.get(self.place(key)) {
            Some(Some((k, answer))) if *k == key => Some(answer),
            _ => None,
        }
    }

    #[cold]
    fn put(&mut self, key: Key, answer: T) {
        if self.0.is_empty() {
            self.0.resize(FIRST, None);
        }
        while self.0[self.place(key)].is_some() && self.0.len() < MOST {
            let doubled = self.0.len() * 2;
            for (key, answer) in std::mem::replace(&mut self.0, vec![None; doubled]).into_iter().flatten() {
                let place = self.place(key);
                self.0[place] = Some((key, answer));
            }
        }
        let place = self.place(key);
        self.0[place] = Some((key, answer));
    }
}

#[inline]
fn key(daddr: Ipv4Addr, saddr: Ipv4Addr, mark: u32, tos: u8, dev: DevIdx) -> Key {
    let addrs = u64::from(daddr.to_bits()) << 32 | u64::from(saddr.to_bits());
    (addrs, u64::from(mark) << 32 | u64::from(tos) << 16 | u64::from(dev.0))
}

impl Inet {
    /// [`Inet::output_route_key`] for the packet path: the answer may be a remembered one.
    ///
    /// # Errors
    /// As [`Inet::output_route`].
    #[inline]
    pub fn route_out(&mut self, flow: FlowKey) -> Result<OutRoute, Errno> {
        let key = key(flow.daddr, flow.saddr, flow.mark, flow.tos, DevIdx::LO);
        if flow.oif.is_none() {
            self.refresh();
            if let Some(known) = self.cache.sent.get(key) {
                return Ok(*known);
            }
        }
        let found = self.output_route_key(flow)?;
        if flow.oif.is_none() && !self.has_rival_defaults() {
            self.cache.sent.put(key, found);
        }
        Ok(found)
    }

    /// The same for who may not change anything: a remembered answer is used, a new one is not remembered.
    ///
    /// # Errors
    /// As [`Inet::output_route`].
    pub fn route_out_known(&self, flow: FlowKey) -> Result<OutRoute, Errno> {
        if flow.oif.is_none() && self.cache.stamp == self.stamp() {
            let key = key(flow.daddr, flow.saddr, flow.mark, flow.tos, DevIdx::LO);
            if let Some(known) = self.cache.sent.get(key) {
                return Ok(*known);
            }
        }
        self.output_route_key(flow)
    }

    /// [`Inet::input_route`] for the packet path: the answer may be a remembered one. Refusals are not remembered.
    ///
    /// # Errors
    /// As [`Inet::input_route`].
    #[inline]
    pub fn route_in(
        &mut self,
        daddr: Ipv4Addr,
        saddr: Ipv4Addr,
        iif: DevIdx,
        mark: u32,
        tos: u8,
    ) -> Result<InRoute, InError> {
        let key = key(daddr, saddr, mark, tos, iif);
        self.refresh();
        if let Some(known) = self.cache.received.get(key) {
            return Ok(*known);
        }
        let found = self.input_route(daddr, saddr, iif, mark, tos)?;
        if !self.has_rival_defaults() {
            self.cache.received.put(key, found);
        }
        Ok(found)
    }

    /// What answers follow from, as a number. Each of these only grows, so their sum tells any change.
    #[inline]
    fn stamp(&self) -> u64 {
        self.version.wrapping_add(self.fib.version).wrapping_add(self.sysctl.version())
    }

    /// Forgets everything if anything has changed.
    #[inline]
    fn refresh(&mut self) {
        let stamp = self.stamp();
        if self.cache.stamp != stamp {
            self.cache = RouteCache { stamp, ..RouteCache::default() };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Seed;
    use crate::net::dev::IfAddr;
    use crate::wire::Mac;

    const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 1);
    const ME: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

    fn host() -> (Inet, DevIdx) {
        let mut inet = Inet::new(Seed(1).stream("neigh"));
        let eth0 = inet.add_ethernet("eth0".into(), Mac([2, 0, 0, 0, 0, 1]), 1500);
        inet.link_up(eth0);
        inet.addr_add(eth0, IfAddr::new(ME, 16, "eth0".into())).expect("a free address");
        (inet, eth0)
    }

    #[test]
    fn a_remembered_answer_is_the_answer() {
        let (mut inet, eth0) = host();
        for _ in 0..3 {
            for n in 0..1000 {
                let client = Ipv4Addr::from_bits(CLIENT.to_bits() + n);
                let flow = FlowKey { saddr: ME, ..FlowKey::to(client) };
                assert_eq!(inet.route_out(flow), inet.output_route_key(flow));
                assert_eq!(inet.route_out_known(flow), inet.output_route_key(flow));
                assert_eq!(inet.route_in(ME, client, eth0, 0, 0), inet.input_route(ME, client, eth0, 0, 0));
            }
        }
    }

    #[test]
    fn what_has_changed_is_asked_anew() {
        let (mut inet, eth0) = host();
        assert_eq!(inet.route_in(OTHER, CLIENT, eth0, 0, 0), Err(InError::NotForwarding));
        inet.addr_add(eth0, IfAddr::new(OTHER, 16, "eth0".into())).expect("a free address");
        assert!(matches!(inet.route_in(OTHER, CLIENT, eth0, 0, 0), Ok(InRoute::Local(_))));
        inet.addr_del(eth0, OTHER, None, None).expect("it was added");
        inet.sysctl.write("net.ipv4.ip_forward", "1").expect("a variable");
        assert!(matches!(inet.route_in(OTHER, CLIENT, eth0, 0, 0), Ok(InRoute::Forward { .. })));
        let redirects = |inet: &mut Inet| match inet.route_in(OTHER, CLIENT, eth0, 0, 0) {
            Ok(InRoute::Forward { redirect, .. }) => redirect,
            other => panic!("not forwarded: {other:?}"),
        };
        assert!(redirects(&mut inet));
        inet.sysctl.write("net.ipv4.conf.all.send_redirects", "0").expect("a variable");
        inet.sysctl.write("net.ipv4.conf.eth0.send_redirects", "0").expect("a variable");
        assert!(!redirects(&mut inet));
        let out = FlowKey::to(CLIENT);
        assert_eq!(inet.route_out(out).map(|r| r.mtu), Ok(1500));
        inet.set_mtu(eth0, 900).expect("a fitting MTU");
        assert_eq!(inet.route_out_known(out).map(|r| r.mtu), Ok(900));
        assert_eq!(inet.route_out(out).map(|r| r.mtu), Ok(900));
        inet.link_down(eth0);
        assert_eq!(inet.route_out(out), Err(Errno::NetUnreachable));
    }
}
