//! A connection as `/proc/net/nf_conntrack` and `conntrack -L` show it (net/netfilter/nf_conntrack_standalone.c
//! `ct_seq_show`; libnetfilter_conntrack writes the same words).
//!
//! Left out: packets and bytes (`nf_conntrack_acct`), and what offloads, helpers and SELinux add.

use super::{Conn, Conntrack, Tuple};
use crate::base::SimTime;
use crate::wire::Proto;
use std::fmt::Write;

impl Conn {
    /// The words that both have in common, a blank after each: protocol, seconds, state, both directions, mark.
    pub fn words(&self, now: SimTime) -> String {
        let proto = self.original.proto;
        let mut out = format!("{:<8} {proto} {} ", name(proto), self.seconds_left(now));
        if let Some(state) = self.tcp() {
            let _ = write!(out, "{} ", state.name());
        }
        direction(&mut out, &self.original, false);
        if !self.answered {
            out.push_str("[UNREPLIED] ");
        }
        direction(&mut out, &self.reply, true);
        if self.assured {
            out.push_str("[ASSURED] ");
        }
        let _ = write!(out, "mark={} ", self.mark);
        out
    }
}

impl Conntrack {
    /// `/proc/net/nf_conntrack`. The kernel walks a hash table; here the oldest is first.
    pub fn proc(&self, now: SimTime) -> String {
        self.alive_now(now).into_iter().map(|c| format!("ipv4     2 {}zone=0 use=2\n", c.words(now))).collect()
    }
}

/// `l4proto_name`.
fn name(proto: u8) -> &'static str {
    const ICMP: u8 = Proto::Icmp as u8;
    const TCP: u8 = Proto::Tcp as u8;
    const UDP: u8 = Proto::Udp as u8;
    match proto {
        ICMP => "icmp",
        TCP => "tcp",
        UDP => "udp",
        _ => "unknown",
    }
}

fn direction(out: &mut String, t: &Tuple, reply: bool) {
    let _ = write!(out, "src={} dst={} ", t.src, t.dst);
    let _ = match name(t.proto) {
        "tcp" | "udp" => write!(out, "sport={} dport={} ", t.sport, t.dport),
        // Only echo makes connections; the asked side has the identifier where its port would be.
        "icmp" if reply => write!(out, "type=0 code=0 id={} ", t.dport),
        "icmp" => write!(out, "type=8 code=0 id={} ", t.sport),
        _ => Ok(()),
    };
}
