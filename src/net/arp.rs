//! ARP's decisions: which who-has is answered, and whose address a question carries (net/ipv4/arp.c).
//!
//! Pure functions over the host's addresses and knobs; `node/host/arp.rs` walks.

use crate::base::DevIdx;
use crate::net::{DevKind, Devs};
use crate::sysctl::{Conf, Sysctls};
use std::net::Ipv4Addr;

const SCOPE_LINK: u8 = 253;
const SCOPE_HOST: u8 = 254;

/// Whether `arp_ignore` lets a host answer on `dev` for its address `tip`, asked by `sip` (`arp_ignore` in the kernel,
/// with `inet_confirm_addr`).
pub fn may_answer(devs: &Devs, sysctl: &Sysctls, dev: DevIdx, sip: Ipv4Addr, tip: Ipv4Addr) -> bool {
    let own = &devs[dev.index()].addrs;
    match sysctl.effective(Conf::ArpIgnore, dev) {
        // 1: the address must stand on the interface where the question arrived.
        1 => own.iter().any(|a| a.local == tip && a.scope <= SCOPE_HOST),
        // 2: and a subnet of that interface must hold both.
        2 => {
            own.iter().any(|a| a.local == tip && a.scope <= SCOPE_HOST)
                && (sip.is_unspecified() || own.iter().any(|a| a.covers(tip) && a.covers(sip)))
        }
        // 3: the address must not be of scope host, wherever it stands.
        3 => devs.iter().any(|d| d.addrs.iter().any(|a| a.local == tip && a.scope <= SCOPE_LINK)),
        8 => false,
        _ => true,
    }
}

/// The sender address of a question for `target` on `dev` (`arp_solicit`). `waiting` is the source of the packet that
/// waits, `is_local` tells one of the host's own. None: there is no address to ask with, so nothing is asked.
pub fn sender(
    devs: &Devs,
    sysctl: &Sysctls,
    dev: DevIdx,
    target: Ipv4Addr,
    waiting: Option<Ipv4Addr>,
    is_local: impl Fn(Ipv4Addr) -> bool,
) -> Option<Ipv4Addr> {
    let own = waiting.filter(|&s| is_local(s));
    let chosen = match sysctl.effective(Conf::ArpAnnounce, dev) {
        1 => own.filter(|&s| devs[dev.index()].addrs.iter().any(|a| a.covers(target) && a.covers(s))),
        2 => None,
        _ => own,
    };
    chosen.or_else(|| best_address(devs, dev, target))
}

/// The address of `dev` that suits `target`: the first primary of at most link scope whose subnet holds it, else the first;
/// a device without one borrows from the others in their order (`inet_select_addr` with scope link).
fn best_address(devs: &Devs, dev: DevIdx, target: Ipv4Addr) -> Option<Ipv4Addr> {
    let fit = |d: usize| devs[d].addrs.iter().filter(|a| !a.secondary && a.scope <= SCOPE_LINK);
    if let Some(a) = fit(dev.index()).find(|a| a.covers(target)).or_else(|| fit(dev.index()).next()) {
        return Some(a.local);
    }
    let others = (0..devs.len()).filter(|&d| d != dev.index() && devs[d].up);
    others.flat_map(fit).find(|a| a.scope < SCOPE_LINK).map(|a| a.local)
}

/// The name of the device that owns `addr`, for explanations.
pub fn owner(devs: &Devs, addr: Ipv4Addr) -> Option<&std::sync::Arc<str>> {
    devs.iter().find(|d| d.addrs.iter().any(|a| a.local == addr)).map(|d| &d.name)
}

/// Whether a device speaks ARP at all.
pub fn speaks(devs: &Devs, dev: DevIdx) -> bool {
    let d = &devs[dev.index()];
    !d.noarp && matches!(d.kind, DevKind::Ethernet)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Dev, IfAddr, dev::DevStats};
    use crate::wire::Mac;

    const RIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 11);
    const VIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 100);
    const CIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
    const FAR: Ipv4Addr = Ipv4Addr::new(172, 16, 0, 2);
    const ETH0: DevIdx = DevIdx(1);

    fn host(vip_scope: u8, vip_on_lo: bool) -> (Devs, Sysctls) {
        let dev = |idx, name: &str, kind, addrs| Dev {
            idx: DevIdx(idx),
            name: name.into(),
            kind,
            mac: Mac::ZERO,
            mtu: 1500,
            up: true,
            opened: true,
            gone: false,
            carrier: true,
            noarp: false,
            addrs,
            stats: DevStats::default(),
        };
        let addr = |local, prefix, scope| IfAddr { scope, ..IfAddr::new(local, prefix, "x".into()) };
        let vip = addr(VIP, 32, vip_scope);
        let mut eth0 = vec![addr(RIP, 24, 0)];
        let mut lo = vec![addr(Ipv4Addr::LOCALHOST, 8, SCOPE_HOST)];
        if vip_on_lo {
            lo.push(vip)
        } else {
            eth0.push(vip)
        }
        let mut sysctl = Sysctls::default();
        sysctl.add_dev("lo".into());
        sysctl.add_dev("eth0".into());
        (vec![dev(0, "lo", DevKind::Loopback, lo), dev(1, "eth0", DevKind::Ethernet, eth0)], sysctl)
    }

    #[test]
    fn arp_ignore_answers_as_the_kernel_does() {
        //          value  vip: lo, lo scope host, eth0   rip
        let rows = [
            (0, true, true, true, true),
            (1, false, false, true, true),
            (2, false, false, true, true),
            (3, true, false, true, true),
            (4, true, true, true, true),
            (8, false, false, false, false),
        ];
        for (value, on_lo, on_lo_host, on_eth0, rip) in rows {
            for (scope, lo, expected) in [(0, true, on_lo), (SCOPE_HOST, true, on_lo_host), (0, false, on_eth0)] {
                let (devs, mut sysctl) = host(scope, lo);
                sysctl.write("net.ipv4.conf.all.arp_ignore", &value.to_string()).unwrap();
                assert_eq!(
                    may_answer(&devs, &sysctl, ETH0, CIP, VIP),
                    expected,
                    "arp_ignore={value} scope={scope} lo={lo}"
                );
                assert_eq!(may_answer(&devs, &sysctl, ETH0, CIP, RIP), rip, "arp_ignore={value}, RIP");
            }
        }
        let (devs, mut sysctl) = host(0, true);
        sysctl.write("net.ipv4.conf.eth0.arp_ignore", "2").unwrap();
        assert!(!may_answer(&devs, &sysctl, ETH0, FAR, RIP), "2 wants the asker in the subnet");
    }

    #[test]
    fn arp_announce_chooses_the_sender_as_the_kernel_does() {
        let is_local = |a| a == RIP || a == VIP;
        //          value  waiting packet from VIP, target in the subnet / far
        let rows = [(0, VIP, VIP), (1, VIP, RIP), (2, RIP, RIP)];
        for (value, near, far) in rows {
            let (devs, mut sysctl) = host(0, true);
            sysctl.write("net.ipv4.conf.all.arp_announce", &value.to_string()).unwrap();
            assert_eq!(sender(&devs, &sysctl, ETH0, CIP, Some(VIP), is_local), Some(near), "arp_announce={value}");
            assert_eq!(sender(&devs, &sysctl, ETH0, FAR, Some(VIP), is_local), Some(far), "arp_announce={value}, far");
            assert_eq!(sender(&devs, &sysctl, ETH0, CIP, Some(FAR), is_local), Some(RIP), "a forwarded packet");
        }
    }
}
