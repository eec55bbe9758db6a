//! `-m ipvs`: what IPVS knows of a packet (net/netfilter/xt_ipvs.c).
//!
//! The packet is looked up as the request it is once its destination has been rewritten, so that the answers of a service
//! with address translation are never found.

use std::net::Ipv4Addr;

/// A connection of IPVS, as far as rules ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpvsConn {
    /// Virtual address.
    pub vaddr: Ipv4Addr,
    /// Virtual port.
    pub vport: u16,
    /// The number of its forwarding method.
    pub method: u8,
    /// The virtual port of the connection that controls it.
    pub vportctl: Option<u16>,
}

/// What IPVS has to do with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handled {
    /// Nothing: it never passed through.
    Not,
    /// It has dealt with it (`ipvs_property`), and this is the connection, if it is still found.
    By(Option<IpvsConn>),
}

/// Something that is asked, and whether it must not be so.
pub type Asked<T> = Option<(T, bool)>;

/// The match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IpvsMatch {
    /// `--ipvs`; implied by the others.
    pub property: Asked<()>,
    /// `--vproto`.
    pub proto: Asked<u8>,
    /// `--vaddr` and its mask.
    pub addr: Asked<(Ipv4Addr, Ipv4Addr)>,
    /// `--vport`.
    pub port: Asked<u16>,
    /// `--vdir`: whether it goes against the direction of the connection's first packet.
    pub reply: Option<bool>,
    /// `--vmethod`, by number.
    pub method: Asked<u8>,
    /// `--vportctl`.
    pub portctl: Asked<u16>,
}

impl IpvsMatch {
    /// Whether nothing but `--ipvs` was said.
    pub fn only_property(&self) -> bool {
        let IpvsMatch { property: _, proto, addr, port, reply, method, portctl } = self;
        proto.is_none() && addr.is_none() && port.is_none() && reply.is_none() && method.is_none() && portctl.is_none()
    }

    /// Whether it holds; `reply` is what connection tracking says about the direction, if it knows.
    pub(super) fn holds(&self, handled: Handled, proto: u8, reply: Option<bool>) -> bool {
        if self.only_property() {
            let invert = self.property.is_some_and(|((), invert)| invert);
            return matches!(handled, Handled::By(_)) != invert;
        }
        let Handled::By(Some(c)) = handled else { return false };
        let addr = |(want, mask): (Ipv4Addr, Ipv4Addr)| (u32::from(want) ^ u32::from(c.vaddr)) & u32::from(mask) == 0;
        asked(self.proto, |p| p == proto)
            && asked(self.port, |p| p == c.vport)
            && asked(self.portctl, |p| c.vportctl == Some(p))
            && self.reply.is_none_or(|want| reply == Some(want))
            && asked(self.method, |m| m == c.method)
            && asked(self.addr, addr)
    }
}

fn asked<T>(asked: Asked<T>, holds: impl FnOnce(T) -> bool) -> bool {
    asked.is_none_or(|(want, invert)| holds(want) != invert)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_ipvs_has_dealt_with_is_met() {
        let conn = IpvsConn { vaddr: [10, 0, 0, 100].into(), vport: 80, method: 0, vportctl: None };
        let found = Handled::By(Some(conn));
        let property = IpvsMatch { property: Some(((), false)), ..IpvsMatch::default() };
        assert!(property.holds(found, 6, None) && property.holds(Handled::By(None), 6, None));
        assert!(!property.holds(Handled::Not, 6, None));
        let not = IpvsMatch { property: Some(((), true)), ..IpvsMatch::default() };
        assert!(not.holds(Handled::Not, 6, None) && !not.holds(found, 6, None));
        let port = IpvsMatch { port: Some((80, false)), ..IpvsMatch::default() };
        assert!(port.holds(found, 6, None) && !port.holds(Handled::By(None), 6, None));
        let other = IpvsMatch { port: Some((80, true)), ..IpvsMatch::default() };
        assert!(!other.holds(found, 6, None) && !other.holds(Handled::Not, 6, None), "negated, it implies --ipvs");
    }

    #[test]
    fn all_that_is_asked_must_hold() {
        let conn = IpvsConn { vaddr: [10, 0, 0, 100].into(), vport: 80, method: 3, vportctl: Some(0) };
        let found = Handled::By(Some(conn));
        let net = ([10, 0, 0, 7].into(), [255, 255, 255, 0].into());
        let m = IpvsMatch {
            addr: Some((net, false)),
            method: Some((0, true)),
            reply: Some(false),
            portctl: Some((0, false)),
            proto: Some((6, false)),
            ..IpvsMatch::default()
        };
        assert!(m.holds(found, 6, Some(false)));
        assert!(!m.holds(found, 6, Some(true)));
        assert!(!m.holds(found, 6, None), "untracked packets have no direction");
        assert!(!m.holds(found, 17, Some(false)));
    }
}
