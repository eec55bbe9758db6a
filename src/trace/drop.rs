//! Every way to lose a packet, and the kernel rule behind each.
//!
//! The variant carries the facts, [`KernelRule`] the law. There is no "other": a new way of losing a packet is a new
//! variant here, with its rule below (the match does not compile without it). Linux's own vocabulary is
//! include/net/dropreason-core.h; where IPVS refuses a packet Linux has no name, so ours are finer.

use super::snmp::Mib;
use crate::sysctl::Effective;
use crate::wire::{Mac, Proto};
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
    /// A few words.
    pub title: &'static str,
    /// The kernel function that decides, and its file.
    pub symbol: &'static str,
    /// What Linux itself calls it (`skb` drop reason); empty where it has no name.
    pub linux: &'static str,
    /// The counters that move with every such loss (`nstat`); others depend on where it happens.
    pub counters: &'static [Mib],
    /// What to try.
    pub remedy: &'static str,
}

macro_rules! rules {
    ($($pattern:pat => $code:literal, $title:literal, $symbol:literal, $linux:literal $([$($mib:ident),*])?, $remedy:literal;)*) => {
        impl DropReason {
            /// The rule behind the reason.
            pub fn rule(&self) -> &'static KernelRule {
                use DropReason::*;
                match self {
                    $($pattern => {
                        const RULE: KernelRule = KernelRule { code: $code, title: $title, symbol: $symbol, linux: $linux, counters: &[$($(Mib::$mib),*)?], remedy: $remedy };
                        &RULE
                    })*
                }
            }
        }
        /// Every code that `dropped: { reason: … }` takes.
        pub const CODES: &[&str] = &[$($code,)*];
        /// Every rule, in the order of [`CODES`].
        pub const RULES: &[KernelRule] = &[$(KernelRule { code: $code, title: $title, symbol: $symbol, linux: $linux, counters: &[$($(Mib::$mib),*)?], remedy: $remedy },)*];
    };
}

rules! {
    LinkLoss => "link-loss", "lost on the cable", "the cable", "", "set the link's loss to 0";
    LinkQueueFull { .. } => "link-queue-full", "the cable's queue is full", "pfifo_enqueue, net/sched/sch_fifo.c", "QDISC_DROP", "send less, or raise the link's bandwidth or queue";
    NoCarrier => "no-carrier", "no carrier", "dev_queue_xmit, net/core/dev.c", "QDISC_DROP", "plug the cable in";
    SwitchNowhere => "switch-nowhere", "the switch had nowhere to send it", "br_handle_frame_finish, net/bridge/br_input.c", "", "the destination sits on the port that the frame came from, or no other port is connected";
    DevDown => "dev-down", "the interface is down", "__netif_receive_skb, net/core/dev.c", "DEV_READY", "bring the interface up";
    BacklogFull { .. } => "backlog-full", "too many frames wait for the processor", "enqueue_to_backlog, net/core/dev.c", "CPU_BACKLOG", "send less to this host, or raise its packet_rate or net.core.netdev_max_backlog";
    OtherHost { .. } => "other-host", "a frame for another host", "ip_rcv, net/ipv4/ip_input.c", "OTHERHOST", "nothing: a switch that does not know the address sends it everywhere";
    MartianSource { .. } => "martian-source", "an impossible source address", "ip_route_input_slow, net/ipv4/route.c", "IP_INVALID_SOURCE", "nobody may send from that address";
    OwnSource { .. } => "martian-own-source", "the source is an address of this host", "__fib_validate_source, net/ipv4/fib_frontend.c", "", "do not route answers through a host that owns their source, or set accept_local";
    MartianDestination { .. } => "martian-destination", "an impossible destination address", "ip_route_input_slow, net/ipv4/route.c", "IP_INVALID_DEST", "route_localnet lets 127/8 in";
    ReversePath { .. } => "rp-filter", "the way back to the source leads elsewhere", "__fib_validate_source, net/ipv4/fib_frontend.c", "IP_RPFILTER" [TcpExtIPReversePathFilter], "set rp_filter to 0 on all and on the interface, or to 2 on the interface if it has an address";
    NotForUs { .. } => "not-for-us", "not an address of this host, and it does not forward", "ip_route_input_slow, net/ipv4/route.c", "IP_INADDRERRORS" [IpInAddrErrors], "give the host the address, or set net.ipv4.ip_forward=1";
    UnwantedBroadcast => "unwanted-broadcast", "a broadcast that nobody here wants", "ip_rcv_finish, net/ipv4/ip_input.c", "UNICAST_IN_L2_MULTICAST", "nothing";
    UnicastInMulticast { .. } => "unicast-in-multicast", "a packet for one host in a frame for everybody", "ip_rcv_finish_core, net/ipv4/ip_input.c", "UNICAST_IN_L2_MULTICAST", "set drop_unicast_in_l2_multicast to 0";
    NoSocket { .. } => "no-socket", "nothing listens on the port", "tcp_v4_rcv, net/ipv4/tcp_ipv4.c; __udp4_lib_rcv, net/ipv4/udp.c", "NO_SOCKET", "start the server on that port and address";
    NoIcmpOwner => "icmp-unowned", "an ICMP message about nothing known here", "icmp_rcv, net/ipv4/icmp.c", "", "nothing";
    NoTunnel => "no-tunnel", "no tunnel device is up for it", "tunnel4_rcv, net/ipv4/tunnel4.c", "", "ip link set tunl0 up";
    TunnelLoop { .. } => "tunnel-loop", "the way to the tunnel's other end leads into the tunnel", "ip_tunnel_xmit, net/ipv4/ip_tunnel.c", "", "give the other end a route by a real device";
    FragmentTimeout => "fragment-timeout", "the other fragments did not come", "ip_expire, net/ipv4/ip_fragment.c", "FRAG_REASM_TIMEOUT" [IpReasmTimeout, IpReasmFails], "look where the others died";
    FragmentQueueFull { .. } => "fragment-queue-full", "too many incomplete packets", "inet_frag_find, net/ipv4/inet_fragment.c", "FRAG_TOO_FAR" [IpReasmFails], "send less that has to be fragmented";
    NoRoute { .. } => "no-route", "no route to the destination", "fib_lookup, net/ipv4/fib_trie.c", "IP_OUTNOROUTES", "add a route, or a default gateway";
    RouteSaysNo { .. } => "route-refuses", "a route that refuses", "fib_lookup, net/ipv4/fib_trie.c", "IP_OUTNOROUTES", "delete the route of type unreachable, prohibit or blackhole";
    TtlExpired => "ttl-expired", "the time to live is used up", "ip_forward, net/ipv4/ip_forward.c", "IP_INHDR" [IpInHdrErrors], "look for a routing loop";
    TooBig { .. } => "too-big", "too long for the next cable, and DF is set", "ip_forward, net/ipv4/ip_forward.c; ensure_mtu_is_adequate, net/netfilter/ipvs/ip_vs_xmit.c", "PKT_TOO_BIG", "let ICMP fragmentation-needed reach the sender, or lower its MTU or MSS";
    OverMtu { .. } => "over-mtu", "longer than the device takes", "is_skb_forwardable, net/core/dev.c", "", "give both ends of the cable the same MTU";
    NeighFailed { .. } => "neigh-failed", "nobody answered the ARP requests", "neigh_timer_handler, net/core/neighbour.c", "NEIGH_FAILED", "is the next hop up, in the same network, and allowed to answer (arp_ignore)?";
    NeighQueueFull { .. } => "neigh-queue-full", "too many packets waited for an ARP answer", "__neigh_event_send, net/core/neighbour.c", "NEIGH_QUEUEFULL", "raise unres_qlen_bytes";
    NeighFlushed { .. } => "neigh-flushed", "the neighbour was forgotten while the packet waited", "neigh_flush_dev, net/core/neighbour.c", "NEIGH_DEAD", "the interface went down";
    Filtered { .. } => "filtered", "a rule of iptables drops it", "ipt_do_table, net/ipv4/netfilter/ip_tables.c", "NETFILTER_DROP", "delete or reorder the rule";
    ArpFiltered { .. } => "arp-filtered", "a rule of arptables drops it", "arpt_do_table, net/ipv4/netfilter/arp_tables.c", "NETFILTER_DROP", "delete the rule";
    ConntrackFull { .. } => "conntrack-full", "too many connections are tracked", "__nf_conntrack_confirm, net/netfilter/nf_conntrack_core.c", "NETFILTER_DROP", "track fewer connections: no nat table and no state matches";
    TcpNoConnection => "tcp-no-connection", "a segment of no connection here", "tcp_v4_rcv, net/ipv4/tcp_ipv4.c", "NO_SOCKET", "the connection lives elsewhere, or is over";
    TcpUnacceptable => "tcp-unacceptable", "a segment outside the window", "tcp_validate_incoming, net/ipv4/tcp_input.c", "TCP_INVALID_SEQUENCE", "nothing: a late or strange segment";
    TcpBacklogFull { .. } => "tcp-backlog-full", "the listener's queue is full", "tcp_conn_request, net/ipv4/tcp_input.c", "" [TcpExtListenOverflows, TcpExtListenDrops], "raise the server's backlog or workers";
    TcpDuplicate => "tcp-duplicate", "a segment that was received before", "tcp_data_queue, net/ipv4/tcp_input.c", "TCP_OLD_DATA", "nothing: a retransmission that was not needed";
    IpvsNoDest { .. } => "ipvs-no-dest", "no server may be chosen", "ip_vs_leave, net/netfilter/ipvs/ip_vs_core.c", "", "add a server, or give one a weight above 0";
    IpvsDestGone { .. } => "ipvs-dest-gone", "the connection's server was deleted", "ip_vs_in_hook, net/netfilter/ipvs/ip_vs_core.c", "", "add the server again, or set net.ipv4.vs.expire_nodest_conn=1";
    IpvsLoopbackDest { .. } => "ipvs-loopback-dest", "a server on 127/8 cannot be reached from outside", "__ip_vs_get_out_rt, net/netfilter/ipvs/ip_vs_xmit.c", "", "use an address of the director that is not on 127/8";
    IpvsNoRoute { .. } => "ipvs-no-route", "no route from the director to the server", "__ip_vs_get_out_rt, net/netfilter/ipvs/ip_vs_xmit.c", "", "add a route on the director";
    IpvsDefence { .. } => "ipvs-defence", "drop_packet is at work", "ip_vs_todrop, include/net/ip_vs.h", "", "set net.ipv4.vs.drop_packet=0";
    IpvsUnasked => "ipvs-unasked", "an answer that nobody asked for", "ip_vs_out_hook, net/netfilter/ipvs/ip_vs_core.c", "", "set net.ipv4.vs.nat_icmp_send=0";
    IpvsUnsupported => "ipvs-unsupported", "not something IPVS forwards", "ip_vs_in_hook, net/netfilter/ipvs/ip_vs_core.c", "", "nothing";
    IpvsNoCallId => "ipvs-no-call-id", "the persistence engine sip takes SIP over UDP only, and lvsim's clients speak none", "ip_vs_sip_fill_param, net/netfilter/ipvs/ip_vs_pe_sip.c", "", "take --pe sip off the service";
    IpvsSyncMalformed { .. } => "ipvs-sync-malformed", "a synchronisation message that cannot be read", "ip_vs_process_message, net/netfilter/ipvs/ip_vs_sync.c", "", "give master and backup the same --sync-maxlen";
    IpvsSyncId { .. } => "ipvs-sync-id", "a synchronisation message with another syncid", "ip_vs_process_message, net/netfilter/ipvs/ip_vs_sync.c", "", "give master and backup the same --syncid";
    IpvsSyncQueueFull { .. } => "ipvs-sync-queue-full", "too many synchronisation messages wait to be sent", "sb_queue_tail, net/netfilter/ipvs/ip_vs_sync.c", "", "raise net.ipv4.vs.sync_qlen_max";
}

/// The facts in a sentence fragment: `not for us: 10.0.0.9, forwarding=0 on eth0 (…)`.
impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use DropReason::*;
        write!(f, "{}", self.rule().title)?;
        match self {
            LinkQueueFull { limit } | BacklogFull { limit } => write!(f, " ({limit} frames)"),
            OtherHost { dst } => write!(f, " ({dst})"),
            MartianSource { src } => write!(f, ": {src}"),
            OwnSource { src, knob } => write!(f, ": {src}; {knob}"),
            MartianDestination { dst } | NoRoute { dst } | TunnelLoop { dst } => write!(f, ": {dst}"),
            ReversePath { src, best, knob } => match best {
                Some(dev) => write!(f, ": the way to {src} is {dev}; {knob}"),
                None => write!(f, ": there is no way to {src}; {knob}"),
            },
            NotForUs { dst, knob } => write!(f, ": {dst}; {knob}"),
            UnicastInMulticast { knob } => write!(f, "; {knob}"),
            NoSocket { proto, port } => write!(f, ": {proto} {port}"),
            RouteSaysNo { dst, kind } => write!(f, ": {kind} {dst}"),
            TooBig { len, mtu } | OverMtu { len, mtu } => write!(f, ": {len} bytes, {mtu} fit"),
            NeighFailed { next_hop, tries } => {
                write!(f, ": who has {next_hop}? asked {tries} times")
            }
            NeighQueueFull { next_hop, limit } => write!(f, ": {next_hop}, {limit} bytes may wait"),
            NeighFlushed { next_hop } => write!(f, ": {next_hop}"),
            Filtered { table, chain, rule: Some(n) } => write!(f, ": {table} {chain}, rule {n}"),
            Filtered { table, chain, rule: None } => write!(f, ": {table} {chain}, policy"),
            ArpFiltered { chain, rule: Some(n) } => write!(f, ": {chain}, rule {n}"),
            ArpFiltered { chain, rule: None } => write!(f, ": {chain}, policy"),
            FragmentQueueFull { limit } | TcpBacklogFull { limit } | ConntrackFull { limit } => write!(f, " ({limit})"),
            IpvsNoDest { service, dests, quiesced, overloaded } => {
                write!(f, ": {service} has {dests} servers, {quiesced} with weight 0, {overloaded} full")
            }
            IpvsDestGone { dest } | IpvsLoopbackDest { dest } | IpvsNoRoute { dest } => {
                write!(f, ": {dest}")
            }
            IpvsSyncMalformed { said } => write!(f, ": {said}"),
            IpvsSyncId { said, wanted } => write!(f, ": {said}, not {wanted}"),
            IpvsSyncQueueFull { limit } => write!(f, " ({limit} may)"),
            IpvsDefence { rate } => write!(f, ": one packet of {rate}"),
            LinkLoss | NoCarrier | SwitchNowhere | DevDown | UnwantedBroadcast | NoIcmpOwner | NoTunnel
            | FragmentTimeout | TtlExpired | TcpNoConnection | TcpUnacceptable | TcpDuplicate | IpvsUnasked
            | IpvsUnsupported | IpvsNoCallId => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CODES;

    #[test]
    fn codes_are_unique() {
        let mut codes = CODES.to_vec();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), CODES.len());
    }
}
