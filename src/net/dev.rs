//! Network devices and their addresses (include/linux/netdevice.h, net/ipv4/devinet.c).

use crate::base::DevIdx;
use crate::wire::Mac;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// What kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DevKind {
    /// `lo`.
    Loopback,
    /// An Ethernet card with a cable.
    Ethernet,
    /// An Ethernet device without a cable (`ip link add dummy0 type dummy`).
    Dummy,
    /// An IP-in-IP tunnel; `tunl0` has neither end set.
    Ipip {
        /// Outer source, if set.
        local: Option<Ipv4Addr>,
        /// Outer destination, if set.
        remote: Option<Ipv4Addr>,
        /// Outer TTL; 0 inherits.
        ttl: u8,
        /// DF on every outer packet (`IP_DF` in the tunnel's `frag_off`); else on those whose inner one has it.
        pmtudisc: bool,
    },
}

/// One address of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IfAddr {
    /// The address.
    pub local: Ipv4Addr,
    /// The address whose subnet is meant: the other end's on a point-to-point link, else the same (`ifa_address`).
    pub address: Ipv4Addr,
    /// Prefix length, 0 to 32.
    pub prefix: u8,
    /// Broadcast address, if any.
    pub broadcast: Option<Ipv4Addr>,
    /// Scope as the kernel numbers it: 0 global, 253 link, 254 host.
    pub scope: u8,
    /// Label: the device's name, or an alias such as `eth0:0`.
    pub label: Arc<str>,
    /// Whether another address of the same subnet came first.
    pub secondary: bool,
}

impl IfAddr {
    /// A primary address of scope global (127/8: host), without broadcast.
    pub fn new(local: Ipv4Addr, prefix: u8, label: Arc<str>) -> IfAddr {
        IfAddr {
            local,
            address: local,
            prefix,
            broadcast: None,
            scope: if local.is_loopback() { 254 } else { 0 },
            label,
            secondary: false,
        }
    }

    /// Whether `addr` is in this address's subnet (`inet_ifa_match`).
    #[inline]
    pub fn covers(&self, addr: Ipv4Addr) -> bool {
        (u32::from(self.address) ^ u32::from(addr)) & mask(self.prefix) == 0
    }

    /// Whether both have the same subnet with the same prefix length.
    pub fn same_subnet(&self, other: &IfAddr) -> bool {
        self.prefix == other.prefix && self.covers(other.address)
    }

    /// The subnet's address.
    pub fn network(&self) -> Ipv4Addr {
        (u32::from(self.address) & mask(self.prefix)).into()
    }

    /// The subnet's last address.
    pub fn subnet_broadcast(&self) -> Ipv4Addr {
        (u32::from(self.address) | !mask(self.prefix)).into()
    }
}

/// The netmask of a prefix length as a number.
#[inline]
pub fn mask(prefix: u8) -> u32 {
    if prefix == 0 { 0 } else { u32::MAX << (32 - u32::from(prefix.min(32))) }
}

/// What `ip -s link` and `ifconfig` count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DevStats {
    /// Received frames.
    pub rx_packets: u64,
    /// Received bytes, Ethernet headers included.
    pub rx_bytes: u64,
    /// Received frames that were dropped.
    pub rx_dropped: u64,
    /// Sent frames.
    pub tx_packets: u64,
    /// Sent bytes.
    pub tx_bytes: u64,
    /// Frames that could not be sent.
    pub tx_dropped: u64,
    /// Packets that a tunnel could not send.
    pub tx_errors: u64,
    /// Those for which there was no route.
    pub tx_carrier_errors: u64,
    /// Those that the tunnel would have sent into itself.
    pub collisions: u64,
}

/// A device.
#[derive(Clone, Debug)]
pub struct Dev {
    /// Its index.
    pub idx: DevIdx,
    /// Its name.
    pub name: Arc<str>,
    /// Its kind.
    pub kind: DevKind,
    /// Hardware address; zero where there is none.
    pub mac: Mac,
    /// Largest packet in bytes.
    pub mtu: u32,
    /// Administratively up (`IFF_UP`).
    pub up: bool,
    /// Whether the cable has a carrier.
    pub carrier: bool,
    /// Without ARP (`IFF_NOARP`).
    pub noarp: bool,
    /// Addresses in the kernel's order: primaries by scope, then secondaries.
    pub addrs: Vec<IfAddr>,
    /// Counters.
    pub stats: DevStats,
    /// It has been up once: it has a queueing discipline since.
    pub opened: bool,
    /// It has been deleted (`ip tunnel del`); its index is not used again.
    pub gone: bool,
}

impl Dev {
    /// `IFF_LOOPBACK`.
    #[inline]
    pub fn is_loopback(&self) -> bool {
        self.kind == DevKind::Loopback
    }

    /// Up, and with a carrier.
    #[inline]
    pub fn running(&self) -> bool {
        self.up && self.carrier
    }

    /// Broadcast frames are possible (`IFF_BROADCAST`).
    pub fn is_broadcast(&self) -> bool {
        matches!(self.kind, DevKind::Ethernet | DevKind::Dummy)
    }

    /// It has one other end (`IFF_POINTOPOINT`): a tunnel whose remote end is set.
    pub fn is_pointopoint(&self) -> bool {
        matches!(self.kind, DevKind::Ipip { remote: Some(_), .. })
    }

    /// Smallest and largest MTU that the driver takes, in bytes.
    pub fn mtu_limits(&self) -> (u32, u32) {
        match self.kind {
            DevKind::Loopback => (0, u32::MAX >> 1),
            DevKind::Ethernet => (68, 65535),
            DevKind::Dummy => (0, u32::MAX >> 1),
            DevKind::Ipip { .. } => (68, 65515),
        }
    }
}

/// A host's devices, by index: `lo`, `tunl0`, then those of the file.
pub type Devs = Vec<Dev>;
