//! A host's SNMP counters: what is counted in several places, and what each counter says now (net/ipv4/proc.c).

use super::Host;
use crate::net::fib::RouteKind;
use crate::sysctl::Global;
use crate::trace::Mib;
use crate::trace::snmp::{proc_net_netstat, proc_net_snmp};
use crate::wire::IpPacket;

impl Host {
    /// What a counter says now.
    pub fn number(&self, mib: Mib) -> i64 {
        match mib {
            Mib::IpForwarding if self.net.sysctl.global(Global::IpForward) != 0 => 1,
            Mib::IpForwarding => 2,
            Mib::IpDefaultTTL => self.net.sysctl.global(Global::IpDefaultTtl),
            Mib::TcpRtoAlgorithm => 1,
            Mib::TcpRtoMin => 200,
            Mib::TcpRtoMax => 120_000,
            Mib::TcpMaxConn => -1,
            Mib::TcpCurrEstab => self.tcp.established() as i64,
            _ => (self.snmp.get(mib) + self.tcp.snmp.get(mib)) as i64,
        }
    }

    /// /proc/net/snmp.
    pub fn proc_net_snmp(&self) -> String {
        proc_net_snmp(|mib| self.number(mib))
    }

    /// /proc/net/netstat.
    pub fn proc_net_netstat(&self) -> String {
        proc_net_netstat(|mib| self.number(mib))
    }

    /// A packet arrived at the IP layer (`ip_rcv_core`).
    #[inline]
    pub(super) fn count_received(&mut self, pkt: &IpPacket) {
        self.snmp.count(Mib::IpInReceives);
        self.snmp.add(Mib::IpExtInOctets, u64::from(pkt.len()));
        self.snmp.count(match pkt.tos & 3 {
            0 => Mib::IpExtInNoECTPkts,
            1 => Mib::IpExtInECT1Pkts,
            2 => Mib::IpExtInECT0Pkts,
            _ => Mib::IpExtInCEPkts,
        });
    }

    /// A packet leaves for everybody, or for a group (`ip_finish_output2`).
    pub(super) fn count_group(&mut self, pkt: &IpPacket, kind: RouteKind) {
        let (packets, octets) = match kind {
            RouteKind::Multicast => (Mib::IpExtOutMcastPkts, Mib::IpExtOutMcastOctets),
            _ => (Mib::IpExtOutBcastPkts, Mib::IpExtOutBcastOctets),
        };
        self.snmp.count(packets);
        self.snmp.add(octets, u64::from(pkt.len()));
    }

    /// An ICMP message was made (`icmp_out_count`).
    pub(super) fn count_icmp_out(&mut self, kind: u8) {
        self.snmp.count(Mib::IcmpOutMsgs);
        self.snmp.count(match kind {
            0 => Mib::IcmpOutEchoReps,
            5 => Mib::IcmpOutRedirects,
            8 => Mib::IcmpOutEchos,
            11 => Mib::IcmpOutTimeExcds,
            _ => Mib::IcmpOutDestUnreachs,
        });
    }

    /// An ICMP message arrived (`icmp_rcv`).
    pub(super) fn count_icmp_in(&mut self, kind: u8) {
        self.snmp.count(Mib::IcmpInMsgs);
        self.snmp.count(match kind {
            0 => Mib::IcmpInEchoReps,
            5 => Mib::IcmpInRedirects,
            8 => Mib::IcmpInEchos,
            11 => Mib::IcmpInTimeExcds,
            _ => Mib::IcmpInDestUnreachs,
        });
    }
}
