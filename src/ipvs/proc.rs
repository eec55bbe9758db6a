//! What `/proc/net/ip_vs`, `ip_vs_conn`, `ip_vs_conn_sync` and `ip_vs_stats` show (ip_vs_ctl.c, ip_vs_conn.c).
//!
//! Connections are sorted: the kernel's own order differs from boot to boot.

use super::est::{Counters, Rates};
use super::{Dest, Ipvs, ServiceKey, ServiceView};
use crate::base::SimTime;
use std::fmt::Write as _;
use std::net::Ipv4Addr;

/// Writing to a String cannot fail.
macro_rules! put {
    ($out:expr, $($arg:tt)*) => { let _ = writeln!($out, $($arg)*); };
}

impl Ipvs {
    /// `/proc/net/ip_vs`: services and destinations in the kernel's order, addresses in hexadecimal.
    pub fn proc_services(&self, _: SimTime) -> String {
        let mut out = String::from("IP Virtual Server version 1.2.1 (size=4096)\n");
        out.push_str("Prot LocalAddress:Port Scheduler Flags\n");
        out.push_str("  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n");
        for service in self.services() {
            put!(out, "{}", service_line(&service));
            for d in service.dests() {
                put!(out, "{}", dest_line(d));
            }
        }
        out
    }

    /// `/proc/net/ip_vs_conn`.
    pub fn proc_conns(&self, now: SimTime) -> String {
        let mut out = String::from("Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n");
        for row in self.conns(now) {
            let ends = [row.client, row.virt, row.dest].map(|(addr, port)| format!("{} {port:04X}", hex(addr)));
            let (proto, ends, left) = (row.proto_name(), ends.join(" "), row.expires_in.as_secs());
            put!(out, "{proto:<3} {ends} {:<11} {left:>7}", row.state);
        }
        out
    }

    /// `/proc/net/ip_vs_conn_sync`: who made each entry.
    pub fn proc_conns_sync(&self, now: SimTime) -> String {
        let mut out = String::from("Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Origin Expires\n");
        for row in self.conns(now) {
            let ends = [row.client, row.virt, row.dest].map(|(addr, port)| format!("{} {port:04X}", hex(addr)));
            let (proto, ends, left) = (row.proto_name(), ends.join(" "), row.expires_in.as_secs());
            put!(out, "{proto:<3} {ends} {:<11} {:<6} {left:>7}", row.state, row.origin());
        }
        out
    }

    /// `/proc/net/ip_vs_stats`: the namespace's counters and rates in hexadecimal.
    pub fn proc_stats(&self, now: SimTime) -> String {
        let mut out = String::from("   Total Incoming Outgoing         Incoming         Outgoing\n");
        out.push_str("   Conns  Packets  Packets            Bytes            Bytes\n");
        let Counters { conns, in_pkts, out_pkts, in_bytes, out_bytes } = self.total_counters(now);
        put!(out, "{conns:8X} {in_pkts:8X} {out_pkts:8X} {in_bytes:16X} {out_bytes:16X}\n");
        out.push_str(" Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s\n");
        let Rates { cps, in_pps, out_pps, in_bps, out_bps } = self.total_rates(now);
        put!(out, "{cps:8X} {in_pps:8X} {out_pps:8X} {in_bps:16X} {out_bps:16X}");
        out
    }
}

fn hex(addr: Ipv4Addr) -> String {
    format!("{:08X}", addr.to_bits())
}

fn service_line(service: &ServiceView<'_>) -> String {
    let spec = service.spec();
    let scheduler = service.scheduler();
    let ops = if spec.ops { "ops " } else { "" };
    let mut line = match service.key() {
        ServiceKey::Addr { proto, addr, port } => format!("{proto}  {}:{port:04X} {scheduler} {ops} ", hex(addr)),
        ServiceKey::Mark(mark) => format!("FWM  {mark:08X} {scheduler} {ops}"),
    };
    if let Some(seconds) = spec.persistent {
        // In jiffies of 4 ms.
        let _ = write!(line, "persistent {} {}", u64::from(seconds) * 250, hex(spec.netmask));
    }
    line
}

fn dest_line(d: &Dest) -> String {
    format!(
        "  -> {}:{:04X}      {:<7} {:<6} {:<10} {:<10}",
        hex(d.addr),
        d.port,
        d.method.column(),
        d.weight,
        d.active,
        d.inactive
    )
}
