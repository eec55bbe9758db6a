//! Every way to lose a packet, and the kernel rule behind each.
//!
//! The variant carries the facts, [`KernelRule`] the law. There is no "other": a new way of losing a packet is a new
//! variant here, with its rule below (the match does not compile without it). Linux's own vocabulary is
//! include/net/dropreason-core.h; where IPVS refuses a packet Linux has no name, so ours are finer. The words stand in the
//! tables of texts (`src/lang/*/drops.ftl`), by code.

use super::snmp::Mib;
use crate::lang::{Arg, Text, ToArg};
use crate::sysctl::Effective;
use crate::wire::{Mac, Proto};
use crate::{args, text};
use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Why a packet was lost, with the facts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DropReason {
    // The wire.
    /// The cable lost it, by its `loss`.
    LinkLoss,
    /// Too many frames were waiting for the cable.
    LinkQueueFull {
        /// Frames that may wait.
        limit: u32,
    },
    /// The cable has no carrier, or the interface no cable.
    NoCarrier,
    /// A switch had no other port to send it to.
    SwitchNowhere,
    /// The interface is down.
    DevDown,
    /// Too many frames were waiting for the processor.
    BacklogFull {
        /// Frames that may wait.
        limit: u32,
    },
    /// The frame was for another hardware address.
    OtherHost {
        /// To whom.
        dst: Mac,
    },
    // Input.
    /// The source can be nobody's: multicast, broadcast, 0/8, 127/8 from outside.
    MartianSource {
        /// The source.
        src: Ipv4Addr,
    },
    /// The source is one of the host's own addresses.
    OwnSource {
        /// The source.
        src: Ipv4Addr,
        /// `accept_local`.
        knob: Box<Effective>,
    },
    /// The destination can be nobody's: 0/8, or 127/8 from outside.
    MartianDestination {
        /// The destination.
        dst: Ipv4Addr,
    },
    /// The way back to the source does not lead through this interface.
    ReversePath {
        /// The source.
        src: Ipv4Addr,
        /// Where the way back leads; none: nowhere.
        best: Option<Arc<str>>,
        /// `rp_filter`.
        knob: Box<Effective>,
    },
    /// Not one of the host's addresses, and it does not forward.
    NotForUs {
        /// The destination.
        dst: Ipv4Addr,
        /// `forwarding`.
        knob: Box<Effective>,
    },
    /// A packet for everybody that nobody here wants.
    UnwantedBroadcast,
    /// A packet for one host in a frame for everybody.
    UnicastInMulticast {
        /// `drop_unicast_in_l2_multicast`.
        knob: Box<Effective>,
    },
    /// No program waits on the port.
    NoSocket {
        /// TCP or UDP.
        proto: Proto,
        /// The port.
        port: u16,
    },
    /// An ICMP message that no program waits for or that is about nothing known.
    NoIcmpOwner,
    /// A tunnel packet, but no tunnel that is up.
    NoTunnel,
    /// A tunnel whose other end is reached by the tunnel.
    TunnelLoop {
        /// The other end.
        dst: Ipv4Addr,
    },
    /// The rest of the fragments did not come.
    FragmentTimeout,
    /// Too many fragments are waiting.
    FragmentQueueFull {
        /// Packets that may be incomplete at once.
        limit: u32,
    },
    // Routing and forwarding.
    /// No route.
    NoRoute {
        /// The destination.
        dst: Ipv4Addr,
    },
    /// A route of type unreachable, prohibit or blackhole.
    RouteSaysNo {
        /// The destination.
        dst: Ipv4Addr,
        /// The route's type.
        kind: &'static str,
    },
    /// The time to live is used up.
    TtlExpired,
    /// Too long for the next cable, and DF is set.
    TooBig {
        /// The packet's length.
        len: u32,
        /// What fits.
        mtu: u32,
    },
    /// Longer than the device or port that receives it takes; in a switch, also the one that would send it.
    OverMtu {
        /// The packet's length.
        len: u32,
        /// What fits.
        mtu: u32,
    },
    // Neighbours.
    /// Nobody answered the ARP requests.
    NeighFailed {
        /// Who was asked for.
        next_hop: Ipv4Addr,
        /// How often.
        tries: u32,
    },
    /// Too many packets waited for the answer.
    NeighQueueFull {
        /// Who was asked for.
        next_hop: Ipv4Addr,
        /// Bytes that may wait.
        limit: u32,
    },
    /// The neighbours of the interface were forgotten while the packet waited.
    NeighFlushed {
        /// Who was asked for.
        next_hop: Ipv4Addr,
    },
    // Filters.
    /// A rule of iptables.
    Filtered {
        /// The table.
        table: &'static str,
        /// The chain.
        chain: Arc<str>,
        /// The rule's number, or none for the chain's policy.
        rule: Option<u32>,
    },
    /// A rule of arptables.
    ArpFiltered {
        /// The chain.
        chain: Arc<str>,
        /// The rule's number, or none for the chain's policy.
        rule: Option<u32>,
    },
    /// Connection tracking has no room for another connection.
    ConntrackFull {
        /// Connections that a host tracks.
        limit: u32,
    },
    // TCP.
    /// A segment for no connection; answered with RST.
    TcpNoConnection,
    /// A segment outside the window or otherwise unacceptable.
    TcpUnacceptable,
    /// The listener has no room.
    TcpBacklogFull {
        /// Connections that may wait.
        limit: u32,
    },
    /// A segment that carries nothing new: already received.
    TcpDuplicate,
    // IPVS.
    /// No server may be chosen; answered with ICMP port unreachable.
    IpvsNoDest {
        /// The virtual service.
        service: Arc<str>,
        /// Servers in its list.
        dests: u32,
        /// How many of them have weight 0.
        quiesced: u32,
        /// How many are full.
        overloaded: u32,
    },
    /// The connection's server was deleted, and `expire_nodest_conn` is 0.
    IpvsDestGone {
        /// The server.
        dest: Ipv4Addr,
    },
    /// A server on the director's own 127/8 cannot be reached from outside.
    IpvsLoopbackDest {
        /// The server.
        dest: Ipv4Addr,
    },
    /// No route from the director to the server.
    IpvsNoRoute {
        /// The server.
        dest: Ipv4Addr,
    },
    /// `drop_packet` is at work.
    IpvsDefence {
        /// One packet of so many.
        rate: u32,
    },
    /// An answer that nobody asked for, with `nat_icmp_send`.
    IpvsUnasked,
    /// The protocol cannot be handled by IPVS where it arrived.
    IpvsUnsupported,
    /// The persistence engine `sip` found no Call-ID.
    IpvsNoCallId,
    /// A backup's daemon cannot read a message.
    IpvsSyncMalformed {
        /// What the kernel says.
        said: &'static str,
    },
    /// A message for backups with another number.
    IpvsSyncId {
        /// The message's number.
        said: u8,
        /// The backup's.
        wanted: u8,
    },
    /// A master has too many messages to send.
    IpvsSyncQueueFull {
        /// Messages that may wait.
        limit: u32,
    },
}

/// The law behind a reason.
#[derive(Debug)]
pub struct KernelRule {
    /// Stable name, used in scenarios (`dropped: { reason: … }`) and the book.
    pub code: &'static str,
    /// The kernel function that decides, and its file; empty where it is no kernel that loses.
    pub symbol: &'static str,
    /// What Linux itself calls it (`skb` drop reason); empty where it has no name.
    pub linux: &'static str,
    /// The counters that move with every such loss (`nstat`); others depend on where it happens.
    pub counters: &'static [Mib],
    /// Whether there is anything to try.
    pub remedy: Remedy,
}

/// What helps against a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// The tables say what to try.
    Try,
    /// Nothing has to be mended.
    None,
}

impl KernelRule {
    /// What happened, in a few words.
    pub fn title(&self) -> Text {
        Text::row("drop", self.code, None)
    }

    /// What to try.
    pub fn remedy(&self) -> Option<Text> {
        (self.remedy == Remedy::Try).then(|| Text::row("drop", self.code, Some("remedy")))
    }

    /// Who decides: the kernel function, and its file.
    pub fn decider(&self) -> Text {
        if self.symbol.is_empty() { text!("drop-by-cable") } else { Text::plain(self.symbol) }
    }
}

macro_rules! rules {
    ($($pattern:pat => $code:literal, $symbol:literal, $linux:literal $([$($mib:ident),*])?, $remedy:ident;)*) => {
        impl DropReason {
            /// The rule behind the reason.
            pub fn rule(&self) -> &'static KernelRule {
                use DropReason::*;
                match self {
                    $($pattern => {
                        const RULE: KernelRule = KernelRule { code: $code, symbol: $symbol, linux: $linux, counters: &[$($(Mib::$mib),*)?], remedy: Remedy::$remedy };
                        &RULE
                    })*
                }
            }
        }
        /// Every code that `dropped: { reason: … }` takes.
        pub const CODES: &[&str] = &[$($code,)*];
        /// Every rule, in the order of [`CODES`].
        pub const RULES: &[KernelRule] = &[$(KernelRule { code: $code, symbol: $symbol, linux: $linux, counters: &[$($(Mib::$mib),*)?], remedy: Remedy::$remedy },)*];
    };
}

rules! {
    LinkLoss => "link-loss", "", "", Try;
    LinkQueueFull { .. } => "link-queue-full", "pfifo_enqueue, net/sched/sch_fifo.c", "QDISC_DROP", Try;
    NoCarrier => "no-carrier", "dev_queue_xmit, net/core/dev.c", "QDISC_DROP", Try;
    SwitchNowhere => "switch-nowhere", "br_handle_frame_finish, net/bridge/br_input.c", "", Try;
    DevDown => "dev-down", "__netif_receive_skb, net/core/dev.c", "DEV_READY", Try;
    BacklogFull { .. } => "backlog-full", "enqueue_to_backlog, net/core/dev.c", "CPU_BACKLOG", Try;
    OtherHost { .. } => "other-host", "ip_rcv, net/ipv4/ip_input.c", "OTHERHOST", Try;
    MartianSource { .. } => "martian-source", "ip_route_input_slow, net/ipv4/route.c", "IP_INVALID_SOURCE", Try;
    OwnSource { .. } => "martian-own-source", "__fib_validate_source, net/ipv4/fib_frontend.c", "", Try;
    MartianDestination { .. } => "martian-destination", "ip_route_input_slow, net/ipv4/route.c", "IP_INVALID_DEST", Try;
    ReversePath { .. } => "rp-filter", "__fib_validate_source, net/ipv4/fib_frontend.c", "IP_RPFILTER" [TcpExtIPReversePathFilter], Try;
    NotForUs { .. } => "not-for-us", "ip_route_input_slow, net/ipv4/route.c", "IP_INADDRERRORS" [IpInAddrErrors], Try;
    UnwantedBroadcast => "unwanted-broadcast", "ip_rcv_finish, net/ipv4/ip_input.c", "UNICAST_IN_L2_MULTICAST", None;
    UnicastInMulticast { .. } => "unicast-in-multicast", "ip_rcv_finish_core, net/ipv4/ip_input.c", "UNICAST_IN_L2_MULTICAST", Try;
    NoSocket { .. } => "no-socket", "tcp_v4_rcv, net/ipv4/tcp_ipv4.c; __udp4_lib_rcv, net/ipv4/udp.c", "NO_SOCKET", Try;
    NoIcmpOwner => "icmp-unowned", "icmp_rcv, net/ipv4/icmp.c", "", None;
    NoTunnel => "no-tunnel", "tunnel4_rcv, net/ipv4/tunnel4.c", "", Try;
    TunnelLoop { .. } => "tunnel-loop", "ip_tunnel_xmit, net/ipv4/ip_tunnel.c", "", Try;
    FragmentTimeout => "fragment-timeout", "ip_expire, net/ipv4/ip_fragment.c", "FRAG_REASM_TIMEOUT" [IpReasmTimeout, IpReasmFails], Try;
    FragmentQueueFull { .. } => "fragment-queue-full", "inet_frag_find, net/ipv4/inet_fragment.c", "FRAG_TOO_FAR" [IpReasmFails], Try;
    NoRoute { .. } => "no-route", "fib_lookup, net/ipv4/fib_trie.c", "IP_OUTNOROUTES", Try;
    RouteSaysNo { .. } => "route-refuses", "fib_lookup, net/ipv4/fib_trie.c", "IP_OUTNOROUTES", Try;
    TtlExpired => "ttl-expired", "ip_forward, net/ipv4/ip_forward.c", "IP_INHDR" [IpInHdrErrors], Try;
    TooBig { .. } => "too-big", "ip_forward, net/ipv4/ip_forward.c; ensure_mtu_is_adequate, net/netfilter/ipvs/ip_vs_xmit.c", "PKT_TOO_BIG", Try;
    OverMtu { .. } => "over-mtu", "is_skb_forwardable, net/core/dev.c", "", Try;
    NeighFailed { .. } => "neigh-failed", "neigh_timer_handler, net/core/neighbour.c", "NEIGH_FAILED", Try;
    NeighQueueFull { .. } => "neigh-queue-full", "__neigh_event_send, net/core/neighbour.c", "NEIGH_QUEUEFULL", Try;
    NeighFlushed { .. } => "neigh-flushed", "neigh_flush_dev, net/core/neighbour.c", "NEIGH_DEAD", Try;
    Filtered { .. } => "filtered", "ipt_do_table, net/ipv4/netfilter/ip_tables.c", "NETFILTER_DROP", Try;
    ArpFiltered { .. } => "arp-filtered", "arpt_do_table, net/ipv4/netfilter/arp_tables.c", "NETFILTER_DROP", Try;
    ConntrackFull { .. } => "conntrack-full", "__nf_conntrack_confirm, net/netfilter/nf_conntrack_core.c", "NETFILTER_DROP", Try;
    TcpNoConnection => "tcp-no-connection", "tcp_v4_rcv, net/ipv4/tcp_ipv4.c", "NO_SOCKET", Try;
    TcpUnacceptable => "tcp-unacceptable", "tcp_validate_incoming, net/ipv4/tcp_input.c", "TCP_INVALID_SEQUENCE", Try;
    TcpBacklogFull { .. } => "tcp-backlog-full", "tcp_conn_request, net/ipv4/tcp_input.c", "" [TcpExtListenOverflows, TcpExtListenDrops], Try;
    TcpDuplicate => "tcp-duplicate", "tcp_data_queue, net/ipv4/tcp_input.c", "TCP_OLD_DATA", Try;
    IpvsNoDest { .. } => "ipvs-no-dest", "ip_vs_leave, net/netfilter/ipvs/ip_vs_core.c", "", Try;
    IpvsDestGone { .. } => "ipvs-dest-gone", "ip_vs_in_hook, net/netfilter/ipvs/ip_vs_core.c", "", Try;
    IpvsLoopbackDest { .. } => "ipvs-loopback-dest", "__ip_vs_get_out_rt, net/netfilter/ipvs/ip_vs_xmit.c", "", Try;
    IpvsNoRoute { .. } => "ipvs-no-route", "__ip_vs_get_out_rt, net/netfilter/ipvs/ip_vs_xmit.c", "", Try;
    IpvsDefence { .. } => "ipvs-defence", "ip_vs_todrop, include/net/ip_vs.h", "", Try;
    IpvsUnasked => "ipvs-unasked", "ip_vs_out_hook, net/netfilter/ipvs/ip_vs_core.c", "", Try;
    IpvsUnsupported => "ipvs-unsupported", "ip_vs_in_hook, net/netfilter/ipvs/ip_vs_core.c", "", None;
    IpvsNoCallId => "ipvs-no-call-id", "ip_vs_sip_fill_param, net/netfilter/ipvs/ip_vs_pe_sip.c", "", Try;
    IpvsSyncMalformed { .. } => "ipvs-sync-malformed", "ip_vs_process_message, net/netfilter/ipvs/ip_vs_sync.c", "", Try;
    IpvsSyncId { .. } => "ipvs-sync-id", "ip_vs_process_message, net/netfilter/ipvs/ip_vs_sync.c", "", Try;
    IpvsSyncQueueFull { .. } => "ipvs-sync-queue-full", "sb_queue_tail, net/netfilter/ipvs/ip_vs_sync.c", "", Try;
}

impl DropReason {
    /// The rule's title and the facts: `not for us: 10.0.0.9; forwarding=0 on eth0 (…)`.
    pub fn text(&self) -> Text {
        use DropReason::*;
        let told = |facts| Text::row_with("drop", self.rule().code, Some("told"), facts);
        match self {
            LinkQueueFull { limit }
            | BacklogFull { limit }
            | FragmentQueueFull { limit }
            | TcpBacklogFull { limit }
            | ConntrackFull { limit }
            | IpvsSyncQueueFull { limit } => told(args!(limit)),
            OtherHost { dst } => told(args!(dst)),
            MartianSource { src } => told(args!(src)),
            OwnSource { src, knob } => told(args!(src, knob)),
            MartianDestination { dst } | NoRoute { dst } | TunnelLoop { dst } => told(args!(dst)),
            ReversePath { src, best: Some(dev), knob } => told(args!(src, dev, knob)),
            ReversePath { src, best: None, knob } => {
                Text::row_with("drop", self.rule().code, Some("nowhere"), args!(src, knob))
            }
            NotForUs { dst, knob } => told(args!(dst, knob)),
            UnicastInMulticast { knob } => told(args!(knob)),
            NoSocket { proto, port } => told(args!(proto, port)),
            RouteSaysNo { dst, kind } => told(args!(dst, kind)),
            TooBig { len, mtu } | OverMtu { len, mtu } => told(args!(len, mtu)),
            NeighFailed { next_hop, tries } => told(args!(next_hop, tries)),
            NeighQueueFull { next_hop, limit } => told(args!(next_hop, limit)),
            NeighFlushed { next_hop } => told(args!(next_hop)),
            Filtered { table, chain, rule: Some(rule) } => told(args!(table, chain, rule)),
            Filtered { table, chain, rule: None } => {
                Text::row_with("drop", self.rule().code, Some("policy"), args!(table, chain))
            }
            ArpFiltered { chain, rule: Some(rule) } => told(args!(chain, rule)),
            ArpFiltered { chain, rule: None } => Text::row_with("drop", self.rule().code, Some("policy"), args!(chain)),
            IpvsNoDest { service, dests, quiesced, overloaded } => told(args!(service, dests, quiesced, overloaded)),
            IpvsDestGone { dest } | IpvsLoopbackDest { dest } | IpvsNoRoute { dest } => told(args!(dest)),
            IpvsSyncMalformed { said } => told(args!(said)),
            IpvsSyncId { said, wanted } => told(args!(said, wanted)),
            IpvsDefence { rate } => told(args!(rate)),
            LinkLoss | NoCarrier | SwitchNowhere | DevDown | UnwantedBroadcast | NoIcmpOwner | NoTunnel
            | FragmentTimeout | TtlExpired | TcpNoConnection | TcpUnacceptable | TcpDuplicate | IpvsUnasked
            | IpvsUnsupported | IpvsNoCallId => self.rule().title(),
        }
    }
}

/// In English.
impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}

impl ToArg for DropReason {
    fn to_arg(&self) -> Arg {
        self.text().to_arg()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Lang;
    use crate::sysctl::Combine;

    /// A reason of each form that has facts: what fills a message is not seen where it is written.
    fn with_facts() -> Vec<DropReason> {
        use DropReason::*;
        let a = Ipv4Addr::new(10, 0, 0, 9);
        let knob = || {
            let (name, combine) = ("rp_filter", Combine::Max);
            Box::new(Effective { name, dev: Some("eth0".into()), value: 1, all: 1, own: 0, combine })
        };
        vec![
            LinkQueueFull { limit: 7 },
            BacklogFull { limit: 7 },
            FragmentQueueFull { limit: 7 },
            TcpBacklogFull { limit: 7 },
            ConntrackFull { limit: 7 },
            IpvsSyncQueueFull { limit: 7 },
            OtherHost { dst: Mac([2, 0, 0, 0, 0, 1]) },
            MartianSource { src: a },
            OwnSource { src: a, knob: knob() },
            MartianDestination { dst: a },
            NoRoute { dst: a },
            TunnelLoop { dst: a },
            ReversePath { src: a, best: Some("eth1".into()), knob: knob() },
            ReversePath { src: a, best: None, knob: knob() },
            NotForUs { dst: a, knob: knob() },
            UnicastInMulticast { knob: knob() },
            NoSocket { proto: Proto::Tcp, port: 80 },
            RouteSaysNo { dst: a, kind: "blackhole" },
            TooBig { len: 1520, mtu: 1500 },
            OverMtu { len: 1520, mtu: 1500 },
            NeighFailed { next_hop: a, tries: 3 },
            NeighQueueFull { next_hop: a, limit: 7 },
            NeighFlushed { next_hop: a },
            Filtered { table: "filter", chain: "INPUT".into(), rule: Some(2) },
            Filtered { table: "filter", chain: "INPUT".into(), rule: None },
            ArpFiltered { chain: "INPUT".into(), rule: Some(2) },
            ArpFiltered { chain: "INPUT".into(), rule: None },
            IpvsNoDest { service: "TCP 10.0.0.100:80".into(), dests: 3, quiesced: 2, overloaded: 1 },
            IpvsDestGone { dest: a },
            IpvsLoopbackDest { dest: a },
            IpvsNoRoute { dest: a },
            IpvsSyncMalformed { said: "too short" },
            IpvsSyncId { said: 1, wanted: 2 },
            IpvsDefence { rate: 4 },
        ]
    }

    #[test]
    fn facts_fill_what_is_said_in_every_language() {
        for reason in with_facts() {
            for lang in Lang::ALL {
                let (title, told) = (reason.rule().title().say(lang), reason.text().say(lang));
                assert!(told.starts_with(&title) && told.len() > title.len(), "{told}");
                assert!(!told.contains(['{', '$']), "{told}");
            }
        }
    }

    #[test]
    fn codes_are_unique() {
        let mut codes = CODES.to_vec();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), CODES.len());
    }
}
