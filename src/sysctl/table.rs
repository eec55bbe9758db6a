//! Every variable lvsim knows: path, default, range, how `all` and the interface combine, what it does, where it lives.
//!
//! Sources: Documentation/networking/ip-sysctl.rst, Documentation/networking/ipvs-sysctl.rst,
//! include/linux/inetdevice.h (the combining rules), net/ipv4/devinet.c, net/core/neighbour.c,
//! net/netfilter/ipvs/ip_vs_ctl.c. Ranges are what the kernel accepts, not what makes sense: `arp_ignore=99` is taken.

use crate::lang::Text;
use crate::text;
/// How the value for an interface follows from `all` and the interface's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Combine {
    /// The larger of the two.
    Max,
    /// Either of the two.
    Or,
    /// Both.
    And,
    /// The interface's own; `all` is copied to every interface when written.
    Dev,
    /// `accept_redirects`: both if the interface forwards, else either.
    Redirects,
    /// There is only one value.
    Single,
}

impl Combine {
    /// The rule in a few words, for explanations.
    pub fn text(self) -> Text {
        match self {
            Combine::Max => text!("combine-max"),
            Combine::Or => text!("combine-or"),
            Combine::And => text!("combine-and"),
            Combine::Dev => text!("combine-dev"),
            Combine::Redirects => text!("combine-redirects"),
            Combine::Single => text!("combine-single"),
        }
    }
}

/// One variable. In `path`, `*` stands for `all`, `default` or an interface.
#[derive(Debug)]
pub struct Row {
    /// Dotted path with `*` for the interface.
    pub path: &'static str,
    /// The kernel's default.
    pub default: i64,
    /// Smallest value taken.
    pub min: i64,
    /// Largest value taken.
    pub max: i64,
    /// How `all` and the interface combine.
    pub combine: Combine,
    /// Whether lvsim's behaviour follows it; if not, `sysctl` stores it and a note says so.
    pub modelled: bool,
    /// One line.
    pub about: &'static str,
    /// Where Linux keeps it.
    pub kernel_file: &'static str,
}

impl Row {
    /// The values that are taken, in words.
    pub fn range(&self) -> String {
        match (self.min, self.max) {
            (low, high) if (low, high) == I32 => "any of 32 bits".into(),
            (low, high) if high == I32.1 || high == i64::MAX => format!("from {low}"),
            (low, high) => format!("{low} to {high}"),
        }
    }
}

/// Pages of 4 KiB that a simulated host has free, whatever it does: a machine of 2 GB.
pub const FREE_PAGES: i64 = 474_400;

const I32: (i64, i64) = (i32::MIN as i64, i32::MAX as i64);

macro_rules! rows {
    ($(#[$doc:meta])* $name:ident, $table:ident, $prefix:literal: $($variant:ident $path:literal $default:literal $range:expr, $combine:ident, $modelled:literal, $file:literal, $about:literal;)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name {
            $(#[doc = $about] $variant,)*
        }
        /// The rows behind the keys of the same name, in their order.
        pub const $table: &[Row] = &[
            $(Row { path: concat!($prefix, $path), default: $default, min: $range.0, max: $range.1, combine: Combine::$combine, modelled: $modelled, about: $about, kernel_file: $file },)*
        ];
        impl $name {
            /// Every key, in the table's order.
            pub const ALL: &[$name] = &[$($name::$variant,)*];
            /// The key's row.
            pub fn row(self) -> &'static Row { &$table[self as usize] }
            /// The last part of the path.
            pub fn leaf(self) -> &'static str { self.row().path.rsplit('.').next().unwrap_or_default() }
        }
    };
}

rows! {
    /// Variables of `net.ipv4.conf.*`.
    Conf, CONF, "net.ipv4.conf.*.":
    AcceptLocal "accept_local" 0 I32, Or, true, "net/ipv4/fib_frontend.c", "accept packets whose source is one of the host's own addresses";
    AcceptRedirects "accept_redirects" 1 I32, Redirects, true, "net/ipv4/route.c", "believe ICMP redirects";
    AcceptSourceRoute "accept_source_route" 0 I32, And, false, "net/ipv4/ip_options.c", "accept packets with a source route";
    ArpAccept "arp_accept" 0 I32, Max, true, "net/ipv4/arp.c", "make entries from gratuitous ARP: 0 never, 1 yes, 2 for addresses of the interface's subnets";
    ArpAnnounce "arp_announce" 0 I32, Max, true, "net/ipv4/arp.c", "sender address of ARP requests: 0 any local, 1 one of the target's subnet, 2 the best of the interface";
    ArpEvictNocarrier "arp_evict_nocarrier" 1 I32, And, true, "net/ipv4/arp.c", "forget neighbours when the carrier goes";
    ArpFilter "arp_filter" 0 I32, Or, true, "net/ipv4/arp.c", "answer only where a packet to the asker would leave";
    ArpIgnore "arp_ignore" 0 I32, Max, true, "net/ipv4/arp.c", "which who-has to answer: 0 any local address, 1 of this interface, 2 and in the asker's subnet, 3 not of scope host, 8 none";
    ArpNotify "arp_notify" 0 I32, Max, true, "net/ipv4/devinet.c", "announce addresses when the device comes up or changes its hardware address";
    BcForwarding "bc_forwarding" 0 I32, And, false, "net/ipv4/route.c", "forward directed broadcasts";
    BootpRelay "bootp_relay" 0 I32, And, false, "net/ipv4/route.c", "accept packets from 0.b.c.d";
    DisablePolicy "disable_policy" 0 I32, Dev, false, "net/ipv4/route.c", "no IPsec policy on the interface";
    DisableXfrm "disable_xfrm" 0 I32, Dev, false, "net/ipv4/route.c", "no IPsec on the interface";
    DropGratuitousArp "drop_gratuitous_arp" 0 I32, Or, true, "net/ipv4/arp.c", "drop gratuitous ARP";
    DropUnicastInL2Multicast "drop_unicast_in_l2_multicast" 0 I32, Or, true, "net/ipv4/ip_input.c", "drop unicast packets in broadcast frames";
    ForceIgmpVersion "force_igmp_version" 0 I32, Max, false, "net/ipv4/igmp.c", "IGMP version";
    Forwarding "forwarding" 0 I32, Dev, true, "net/ipv4/devinet.c", "forward packets that arrive on the interface";
    Igmpv2Unsolicited "igmpv2_unsolicited_report_interval" 10000 I32, Dev, false, "net/ipv4/igmp.c", "milliseconds";
    Igmpv3Unsolicited "igmpv3_unsolicited_report_interval" 1000 I32, Dev, false, "net/ipv4/igmp.c", "milliseconds";
    IgnoreRoutesWithLinkdown "ignore_routes_with_linkdown" 0 I32, Or, true, "net/ipv4/fib_semantics.c", "ignore routes whose link has no carrier";
    LogMartians "log_martians" 0 I32, Or, true, "net/ipv4/route.c", "log packets with impossible addresses";
    McForwarding "mc_forwarding" 0 I32, And, false, "net/ipv4/ipmr.c", "multicast routing";
    MediumId "medium_id" 0 I32, Dev, true, "net/ipv4/devinet.c", "devices of one medium, by number: no proxy ARP between them; 0 each has its own, -1 none";
    PromoteSecondaries "promote_secondaries" 0 I32, Or, true, "net/ipv4/devinet.c", "a secondary address takes the place of a deleted primary";
    ProxyArp "proxy_arp" 0 I32, Or, true, "net/ipv4/arp.c", "answer for addresses that are routed elsewhere";
    ProxyArpPvlan "proxy_arp_pvlan" 0 I32, Or, true, "net/ipv4/arp.c", "answer for addresses that are reached by the same interface";
    RouteLocalnet "route_localnet" 0 I32, Or, true, "net/ipv4/route.c", "127/8 is an ordinary network";
    RpFilter "rp_filter" 0 I32, Max, true, "net/ipv4/fib_frontend.c", "check the way back to the source: 0 no, 1 by the same interface, 2 by any";
    SecureRedirects "secure_redirects" 1 I32, Or, true, "net/ipv4/route.c", "believe redirects to known gateways only, where shared_media is off";
    SendRedirects "send_redirects" 1 I32, Or, true, "net/ipv4/ip_forward.c", "tell hosts on the link of a better gateway";
    SharedMedia "shared_media" 1 I32, Or, true, "net/ipv4/route.c", "several subnets share the link";
    SrcValidMark "src_valid_mark" 0 I32, Or, true, "net/ipv4/fib_frontend.c", "the mark counts in source validation";
    Tag "tag" 0 I32, Dev, false, "net/ipv4/devinet.c", "a number for the user";
}

rows! {
    /// Variables of `net.ipv4.neigh.*`.
    Neigh, NEIGH, "net.ipv4.neigh.*.":
    AnycastDelay "anycast_delay" 100 I32, Single, false, "net/core/neighbour.c", "jiffies";
    AppSolicit "app_solicit" 0 (0, i32::MAX as i64), Single, true, "net/core/neighbour.c", "questions to a user-space resolver; none listens";
    BaseReachableTime "base_reachable_time_ms" 30000 (0, i32::MAX as i64), Single, true, "net/core/neighbour.c", "milliseconds; an entry is believed for half to one and a half times this";
    DelayFirstProbeTime "delay_first_probe_time" 5 (0, 1_000_000), Single, true, "net/core/neighbour.c", "seconds in DELAY";
    GcStaleTime "gc_stale_time" 60 (0, 1_000_000), Single, true, "net/core/neighbour.c", "seconds after which an unused entry may go";
    Locktime "locktime" 100 I32, Single, true, "net/core/neighbour.c", "hundredths of a second in which another address is not believed";
    McastResolicit "mcast_resolicit" 0 (0, i32::MAX as i64), Single, true, "net/core/neighbour.c", "broadcast questions after unicast ones";
    McastSolicit "mcast_solicit" 3 (0, i32::MAX as i64), Single, true, "net/core/neighbour.c", "broadcast questions before FAILED";
    ProxyDelay "proxy_delay" 80 I32, Single, true, "net/core/neighbour.c", "hundredths of a second before a proxy answer";
    ProxyQlen "proxy_qlen" 64 I32, Single, true, "net/core/neighbour.c", "proxy answers that may wait";
    RetransTime "retrans_time_ms" 1000 (0, i32::MAX as i64), Single, true, "net/core/neighbour.c", "milliseconds between questions";
    UcastSolicit "ucast_solicit" 3 (0, i32::MAX as i64), Single, true, "net/core/neighbour.c", "unicast questions in PROBE";
    UnresQlenBytes "unres_qlen_bytes" 212992 (0, i32::MAX as i64), Single, true, "net/core/neighbour.c", "bytes that may wait for an answer";
}

/// Other names of variables of `net.ipv4.neigh.*`: the last part of the path, whose value it is, and how many of its units
/// one of this name has. A packet counts as 2090 bytes (net/core/neighbour.c, SKB_TRUESIZE of an Ethernet frame).
pub const NEIGH_ALIASES: &[(&str, Neigh, i64)] = &[
    ("base_reachable_time", Neigh::BaseReachableTime, 1000),
    ("retrans_time", Neigh::RetransTime, 10),
    ("unres_qlen", Neigh::UnresQlenBytes, 2090),
];

rows! {
    /// Variables with one value for the host.
    Global, GLOBAL, "net.":
    IcmpEchoIgnoreAll "ipv4.icmp_echo_ignore_all" 0 (0, 1), Single, true, "net/ipv4/icmp.c", "do not answer ping";
    IcmpEchoIgnoreBroadcasts "ipv4.icmp_echo_ignore_broadcasts" 1 (0, 1), Single, true, "net/ipv4/icmp.c", "do not answer ping to broadcast";
    IcmpRatelimit "ipv4.icmp_ratelimit" 1000 (0, i32::MAX as i64), Single, true, "net/ipv4/icmp.c", "milliseconds between errors to one host";
    IcmpRatemask "ipv4.icmp_ratemask" 6168 (0, i32::MAX as i64), Single, true, "net/ipv4/icmp.c", "types that are limited";
    IgmpLinkLocal "ipv4.igmp_link_local_mcast_reports" 1 (0, 1), Single, false, "net/ipv4/igmp.c", "report link-local groups";
    IpDefaultTtl "ipv4.ip_default_ttl" 64 (1, 255), Single, true, "net/ipv4/ip_output.c", "TTL of what the host sends";
    IpForward "ipv4.ip_forward" 0 I32, Single, true, "net/ipv4/devinet.c", "forward packets; writing it changes every interface";
    IpForwardUsePmtu "ipv4.ip_forward_use_pmtu" 0 (0, 255), Single, true, "net/ipv4/ip_forward.c", "trust learnt path MTUs when forwarding";
    IpLocalPortRange "ipv4.ip_local_port_range" 32768 (1, 65535), Single, true, "net/ipv4/inet_connection_sock.c", "the first and the last port that a program's socket gets; a scenario's traffic counts from 32768";
    IpNoPmtuDisc "ipv4.ip_no_pmtu_disc" 0 (0, 3), Single, true, "net/ipv4/route.c", "do not discover path MTUs";
    IpNonlocalBind "ipv4.ip_nonlocal_bind" 0 (0, 1), Single, true, "net/ipv4/af_inet.c", "allow binding to addresses that are not here";
    TcpFinTimeout "ipv4.tcp_fin_timeout" 60 (0, i32::MAX as i64), Single, true, "net/ipv4/tcp.c", "seconds in FIN_WAIT2 without an owner";
    TcpMaxSynBacklog "ipv4.tcp_max_syn_backlog" 512 (0, i32::MAX as i64), Single, false, "net/ipv4/tcp_ipv4.c", "half-open connections remembered";
    TcpRetries2 "ipv4.tcp_retries2" 15 (0, 255), Single, true, "net/ipv4/tcp_timer.c", "retransmissions before an established connection is given up";
    TcpSynRetries "ipv4.tcp_syn_retries" 6 (1, 127), Single, true, "net/ipv4/tcp_timer.c", "repeated SYNs";
    TcpSynackRetries "ipv4.tcp_synack_retries" 5 (0, 255), Single, true, "net/ipv4/tcp_timer.c", "repeated SYN+ACKs";
    TcpSyncookies "ipv4.tcp_syncookies" 1 (0, 2), Single, false, "net/ipv4/syncookies.c", "cookies when the backlog is full";
    TcpTimestamps "ipv4.tcp_timestamps" 1 (0, 2), Single, true, "net/ipv4/tcp_output.c", "the timestamps option";
    TcpTwReuse "ipv4.tcp_tw_reuse" 2 (0, 2), Single, false, "net/ipv4/tcp_ipv4.c", "reuse of TIME_WAIT for new connections";
    SoMaxConn "core.somaxconn" 4096 (0, i32::MAX as i64), Single, true, "net/core/sysctl_net_core.c", "upper limit of a listener's backlog";
    MessageBurst "core.message_burst" 10 (0, i32::MAX as i64), Single, true, "net/core/utils.c", "lines that the network code may write to the log at once";
    NetdevMaxBacklog "core.netdev_max_backlog" 1000 (0, i32::MAX as i64), Single, true, "net/core/dev.c", "frames that may wait for a processor that `packet_rate` limits";
    MessageCost "core.message_cost" 5 (0, 2_147_483), Single, true, "net/core/utils.c", "seconds until it may again";
    CtAcct "netfilter.nf_conntrack_acct" 0 (0, 1), Single, false, "net/netfilter/nf_conntrack_acct.c", "count packets and bytes of connections";
    CtBuckets "netfilter.nf_conntrack_buckets" 262144 (1, i32::MAX as i64), Single, false, "net/netfilter/nf_conntrack_core.c", "size of the hash table";
    CtChecksum "netfilter.nf_conntrack_checksum" 1 (0, 1), Single, false, "net/netfilter/nf_conntrack_core.c", "packets with a wrong checksum are invalid";
    CtCount "netfilter.nf_conntrack_count" 0 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_core.c", "connections that are tracked; cannot be written";
    CtGenericTimeout "netfilter.nf_conntrack_generic_timeout" 600 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_generic.c", "seconds, for other protocols";
    CtIcmpTimeout "netfilter.nf_conntrack_icmp_timeout" 30 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_icmp.c", "seconds, for echo";
    CtLogInvalid "netfilter.nf_conntrack_log_invalid" 0 (0, 255), Single, false, "net/netfilter/nf_conntrack_core.c", "log packets that belong to no connection";
    CtMax "netfilter.nf_conntrack_max" 262144 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_core.c", "connections that are tracked at most";
    CtTcpBeLiberal "netfilter.nf_conntrack_tcp_be_liberal" 0 (0, 1), Single, false, "net/netfilter/nf_conntrack_proto_tcp.c", "only resets outside the window are invalid";
    CtTcpLoose "netfilter.nf_conntrack_tcp_loose" 1 (0, 1), Single, true, "net/netfilter/nf_conntrack_proto_tcp.c", "take connections up in mid-life";
    CtTcpMaxRetrans "netfilter.nf_conntrack_tcp_max_retrans" 3 (0, 255), Single, true, "net/netfilter/nf_conntrack_proto_tcp.c", "equal segments after which the shorter timeout counts";
    CtTcpClose "netfilter.nf_conntrack_tcp_timeout_close" 10 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_tcp.c", "seconds";
    CtTcpCloseWait "netfilter.nf_conntrack_tcp_timeout_close_wait" 60 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_tcp.c", "seconds";
    CtTcpEstablished "netfilter.nf_conntrack_tcp_timeout_established" 432000 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_tcp.c", "seconds";
    CtTcpFinWait "netfilter.nf_conntrack_tcp_timeout_fin_wait" 120 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_tcp.c", "seconds";
    CtTcpLastAck "netfilter.nf_conntrack_tcp_timeout_last_ack" 30 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_tcp.c", "seconds";
    CtTcpRetrans "netfilter.nf_conntrack_tcp_timeout_max_retrans" 300 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_tcp.c", "seconds, when segments are repeated";
    CtTcpSynRecv "netfilter.nf_conntrack_tcp_timeout_syn_recv" 60 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_tcp.c", "seconds";
    CtTcpSynSent "netfilter.nf_conntrack_tcp_timeout_syn_sent" 120 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_tcp.c", "seconds";
    CtTcpTimeWait "netfilter.nf_conntrack_tcp_timeout_time_wait" 120 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_tcp.c", "seconds";
    CtTcpUnacknowledged "netfilter.nf_conntrack_tcp_timeout_unacknowledged" 300 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_tcp.c", "seconds, while data is not acknowledged";
    CtTimestamp "netfilter.nf_conntrack_timestamp" 0 (0, 1), Single, false, "net/netfilter/nf_conntrack_timestamp.c", "note when connections begin";
    CtUdpTimeout "netfilter.nf_conntrack_udp_timeout" 30 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_udp.c", "seconds";
    CtUdpStream "netfilter.nf_conntrack_udp_timeout_stream" 120 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_udp.c", "seconds, once both sides have been heard for two seconds";
    VsAmDroprate "ipv4.vs.am_droprate" 10 I32, Single, true, "net/netfilter/ipvs/ip_vs_ctl.c", "one packet of so many that would be scheduled is dropped with drop_packet 3";
    VsAmemthresh "ipv4.vs.amemthresh" 1024 I32, Single, true, "net/netfilter/ipvs/ip_vs_ctl.c", "pages below which memory is short: the modes 1 and 2 look at it; a simulated host has 474400 free";
    VsBackupOnly "ipv4.vs.backup_only" 0 I32, Single, true, "net/netfilter/ipvs/ip_vs_core.c", "while the backup daemon runs, requests are not forwarded";
    VsCacheBypass "ipv4.vs.cache_bypass" 0 I32, Single, true, "net/netfilter/ipvs/ip_vs_core.c", "without a server, go to the original destination";
    VsConnReuseMode "ipv4.vs.conn_reuse_mode" 1 I32, Single, true, "net/netfilter/ipvs/ip_vs_core.c", "when a SYN that meets an old entry is scheduled anew";
    VsConntrack "ipv4.vs.conntrack" 0 I32, Single, true, "net/netfilter/ipvs/ip_vs_nfct.c", "keep netfilter's connection tracking";
    VsDropEntry "ipv4.vs.drop_entry" 0 (0, 3), Single, true, "net/netfilter/ipvs/ip_vs_ctl.c", "drop half-open and idle entries: 0 never, 1 or 2 while memory is short, 3 always";
    VsDropPacket "ipv4.vs.drop_packet" 0 (0, 3), Single, true, "net/netfilter/ipvs/ip_vs_ctl.c", "drop some packets that would be scheduled: 0 never, 1 or 2 while memory is short, 3 always";
    VsExpireNodestConn "ipv4.vs.expire_nodest_conn" 0 I32, Single, true, "net/netfilter/ipvs/ip_vs_core.c", "end connections whose server was deleted";
    VsExpireQuiescentTemplate "ipv4.vs.expire_quiescent_template" 0 I32, Single, true, "net/netfilter/ipvs/ip_vs_conn.c", "persistence ends when the weight is 0";
    VsIgnoreTunneled "ipv4.vs.ignore_tunneled" 0 I32, Single, true, "net/netfilter/ipvs/ip_vs_core.c", "packets that come out of a tunnel are not scheduled again";
    VsLblcExpiration "ipv4.vs.lblc_expiration" 86400 I32, Single, true, "net/netfilter/ipvs/ip_vs_lblc.c", "seconds";
    VsLblcrExpiration "ipv4.vs.lblcr_expiration" 86400 I32, Single, true, "net/netfilter/ipvs/ip_vs_lblcr.c", "seconds";
    VsNatIcmpSend "ipv4.vs.nat_icmp_send" 0 I32, Single, true, "net/netfilter/ipvs/ip_vs_core.c", "tell a server of an answer that nobody asked for";
    VsPmtuDisc "ipv4.vs.pmtu_disc" 1 I32, Single, true, "net/netfilter/ipvs/ip_vs_xmit.c", "DF on the outer packet follows the inner one";
    VsRunEstimation "ipv4.vs.run_estimation" 1 I32, Single, true, "net/netfilter/ipvs/ip_vs_est.c", "count rates, and refresh what --stats shows";
    VsScheduleIcmp "ipv4.vs.schedule_icmp" 0 I32, Single, true, "net/netfilter/ipvs/ip_vs_core.c", "schedule ICMP errors without a connection";
    VsSecureTcp "ipv4.vs.secure_tcp" 0 (0, 3), Single, true, "net/netfilter/ipvs/ip_vs_ctl.c", "the stricter TCP state table: 0 never, 1 or 2 while memory is short, 3 always";
    VsSloppySctp "ipv4.vs.sloppy_sctp" 0 I32, Single, false, "net/netfilter/ipvs/ip_vs_core.c", "schedule any SCTP packet; SCTP is not simulated";
    VsSloppyTcp "ipv4.vs.sloppy_tcp" 0 I32, Single, true, "net/netfilter/ipvs/ip_vs_core.c", "schedule any TCP segment but RST";
    VsSnatReroute "ipv4.vs.snat_reroute" 1 I32, Single, true, "net/netfilter/ipvs/ip_vs_core.c", "route translated answers anew";
    VsSyncPersistMode "ipv4.vs.sync_persist_mode" 0 I32, Single, true, "net/netfilter/ipvs/ip_vs_sync.c", "synchronise the templates of persistent services, but not their connections";
    VsSyncPorts "ipv4.vs.sync_ports" 1 (1, i32::MAX as i64), Single, true, "net/netfilter/ipvs/ip_vs_sync.c", "ports that connections are spread over, a power of two, as of the start of a daemon (at most 64)";
    VsSyncQlenMax "ipv4.vs.sync_qlen_max" 14825 (0, i64::MAX), Single, true, "net/netfilter/ipvs/ip_vs_sync.c", "full messages that may wait to be sent; Linux takes a 32nd of the free pages";
    VsSyncRefreshPeriod "ipv4.vs.sync_refresh_period" 0 (0, i32::MAX as i64 / 250), Single, true, "net/netfilter/ipvs/ip_vs_sync.c", "seconds by which an entry's end must move to be sent again; 0 does not look at it";
    VsSyncRetries "ipv4.vs.sync_retries" 0 (0, 3), Single, true, "net/netfilter/ipvs/ip_vs_sync.c", "repetitions within sync_refresh_period, an eighth of it apart";
    VsSyncSockSize "ipv4.vs.sync_sock_size" 0 I32, Single, false, "net/netfilter/ipvs/ip_vs_sync.c", "bytes that wait in the daemons' sockets; here they are sent and read at once";
    VsSyncThreshold "ipv4.vs.sync_threshold" 3 (0, i32::MAX as i64), Single, true, "net/netfilter/ipvs/ip_vs_sync.c", "a connection is sent with its packet number N of every P; P 0 means once";
    VsSyncVersion "ipv4.vs.sync_version" 1 (0, 1), Single, true, "net/netfilter/ipvs/ip_vs_sync.c", "message format: 1, or 0 of kernels before 2.6.39 without timeouts and marks";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_unique_and_their_defaults_are_in_range() {
        let mut paths: Vec<&str> = CONF.iter().chain(NEIGH).chain(GLOBAL).map(|r| r.path).collect();
        for row in CONF.iter().chain(NEIGH).chain(GLOBAL) {
            assert!((row.min..=row.max).contains(&row.default), "{}", row.path);
        }
        let ranges = [Conf::ArpIgnore.row(), Neigh::AppSolicit.row(), Neigh::GcStaleTime.row()].map(Row::range);
        assert_eq!(ranges, ["any of 32 bits", "from 0", "0 to 1000000"]);
        let n = paths.len();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), n);
    }
}
