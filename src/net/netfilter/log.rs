//! What the target `LOG` writes about a packet (net/netfilter/nf_log_syslog.c).
//!
//! Every word is followed by a blank, the last one as well. Left out: the user (`--log-uid`), which depends on who holds
//! the socket at that instant; IP options, which packets here never have.

use super::{View, targets::LogFlags};
use crate::wire::{Icmp, IpPacket, L4, Mac, TcpFlags, TcpSegment, emit};
use std::fmt::Write;

/// The line.
pub(super) fn line(view: &View<'_>, flags: u8, prefix: &str) -> String {
    let mut out = format!("{prefix}IN={} OUT={} ", view.input.unwrap_or(""), view.output.unwrap_or(""));
    if view.input.is_some() {
        link(&mut out, view.link, flags);
    }
    packet(&mut out, view.pkt, flags, true);
    if view.mark != 0 {
        let _ = write!(out, "MARK=0x{:x} ", view.mark);
    }
    out
}

fn link(out: &mut String, link: Option<(Mac, Mac)>, flags: u8) {
    let Some((dst, src)) = link else {
        out.push_str("MAC= ");
        return;
    };
    let _ = match flags & LogFlags::MAC_DECODE != 0 {
        true => write!(out, "MACSRC={src} MACDST={dst} MACPROTO=0800 "),
        false => write!(out, "MAC={dst}:{src}:08:00 "),
    };
}

fn packet(out: &mut String, pkt: &IpPacket, flags: u8, outer: bool) {
    let (tos, prec) = (pkt.tos & 0x1e, pkt.tos & 0xe0);
    let _ = write!(out, "SRC={} DST={} LEN={} TOS=0x{tos:02X} PREC=0x{prec:02X} ", pkt.saddr, pkt.daddr, pkt.len());
    let _ = write!(out, "TTL={} ID={} ", pkt.ttl, pkt.id.0 as u16);
    if pkt.df() {
        out.push_str("DF ");
    }
    if pkt.mf() {
        out.push_str("MF ");
    }
    let later = pkt.offset() != 0;
    if later {
        let _ = write!(out, "FRAG:{} ", pkt.offset() / 8);
    }
    let l4 = match &pkt.l4 {
        L4::Fragment(f) => &f.whole,
        l4 => l4,
    };
    match l4 {
        L4::Tcp(segment) => {
            out.push_str("PROTO=TCP ");
            if !later {
                tcp(out, pkt, segment, flags);
            }
        }
        L4::Udp(datagram) => {
            out.push_str("PROTO=UDP ");
            if !later {
                let len = u32::from(datagram.len) + crate::wire::Datagram::HEADER;
                let _ = write!(out, "SPT={} DPT={} LEN={len} ", datagram.sport, datagram.dport);
            }
        }
        L4::Icmp(message) => {
            out.push_str("PROTO=ICMP ");
            if !later {
                icmp(out, message, flags, outer);
            }
        }
        other => {
            let _ = write!(out, "PROTO={} ", other.proto() as u8);
        }
    }
}

fn tcp(out: &mut String, pkt: &IpPacket, t: &TcpSegment, flags: u8) {
    let _ = write!(out, "SPT={} DPT={} ", t.sport, t.dport);
    if flags & LogFlags::TCP_SEQUENCE != 0 {
        let ack = if t.flags.has(TcpFlags::ACK) { t.ack } else { 0 };
        let _ = write!(out, "SEQ={} ACK={ack} ", t.seq);
    }
    let _ = write!(out, "WINDOW={} RES=0x00 ", t.window);
    let names = [
        (TcpFlags::ACK, "ACK "),
        (TcpFlags::PSH, "PSH "),
        (TcpFlags::RST, "RST "),
        (TcpFlags::SYN, "SYN "),
        (TcpFlags::FIN, "FIN "),
    ];
    names.iter().filter(|(flag, _)| t.flags.has(*flag)).for_each(|(_, name)| out.push_str(name));
    out.push_str("URGP=0 ");
    let options = emit::tcp_options(t, pkt.id);
    if flags & LogFlags::TCP_OPTIONS != 0 && !options.is_empty() {
        out.push_str("OPT (");
        options.iter().for_each(|byte| {
            let _ = write!(out, "{byte:02X}");
        });
        out.push_str(") ");
    }
}

fn icmp(out: &mut String, message: &Icmp, flags: u8, outer: bool) {
    let _ = write!(out, "TYPE={} CODE={} ", message.kind(), super::nat::icmp_code(message));
    match message {
        Icmp::Echo { ident, seq, .. } => {
            let _ = write!(out, "ID={ident} SEQ={seq} ");
        }
        Icmp::Redirect { gateway, .. } => {
            let _ = write!(out, "GATEWAY={gateway} ");
        }
        Icmp::Unreachable { .. } | Icmp::TimeExceeded { .. } => {}
    }
    if let Some(quote) = message.quote().filter(|_| outer) {
        out.push('[');
        packet(out, quote, flags, false);
        out.push_str("] ");
    }
    if let Icmp::Unreachable { code: Icmp::FRAG_NEEDED, mtu, .. } = message {
        let _ = write!(out, "MTU={mtu} ");
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::syn;
    use super::*;
    use crate::wire::{Datagram, PacketId};

    fn of(mut pkt: IpPacket, flags: u8) -> String {
        pkt.id = PacketId(0x1_5a4a);
        let link = Some((Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 2])));
        line(&View { input: Some("eth0"), link, mark: 8, ..View::new(&mut pkt) }, flags, "in: ")
    }

    #[test]
    fn a_syn_is_told_as_the_kernel_tells_it() {
        let want = "in: IN=eth0 OUT= MAC=02:00:00:00:00:01:02:00:00:00:00:02:08:00 SRC=10.0.0.2 DST=10.0.0.1 LEN=60 \
                    TOS=0x00 PREC=0x00 TTL=64 ID=23114 DF PROTO=TCP SPT=54124 DPT=80 SEQ=7 ACK=0 WINDOW=64240 RES=0x00 \
                    SYN URGP=0 OPT (020405B40402080A";
        let line = of(syn(), LogFlags::TCP_SEQUENCE | LogFlags::TCP_OPTIONS);
        assert!(line.starts_with(want), "{line}");
        assert!(line.ends_with("0000000001030307) MARK=0x8 "), "{line}");
        let decoded = of(syn(), LogFlags::MAC_DECODE);
        assert!(decoded.contains("OUT= MACSRC=02:00:00:00:00:02 MACDST=02:00:00:00:00:01 MACPROTO=0800 SRC="));
    }

    #[test]
    fn an_error_shows_what_it_is_about_in_brackets() {
        let udp = L4::Udp(Datagram { sport: 51070, dport: 99, len: 3, body: crate::wire::Body::FILLER });
        let quote = IpPacket { l4: udp, ..syn() };
        let error = Icmp::Unreachable { code: 3, mtu: 0, quote: Box::new(quote) };
        let line = of(IpPacket { l4: L4::Icmp(Box::new(error)), frag: 0, tos: 0xc0, ..syn() }, 0);
        let want = "LEN=59 TOS=0x00 PREC=0xC0 TTL=64 ID=23114 PROTO=ICMP TYPE=3 CODE=3 [SRC=10.0.0.2 DST=10.0.0.1 LEN=31 \
                    TOS=0x00 PREC=0x00 TTL=64 ID=0 DF PROTO=UDP SPT=51070 DPT=99 LEN=11 ] MARK=0x8 ";
        assert!(line.ends_with(want), "{line}");
    }
}
