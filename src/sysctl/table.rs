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
    /// Where Linux keeps it.
    pub kernel_file: &'static str,
}

impl Row {
    /// What it does, in one line.
    pub fn about(&self) -> Text {
        Text::row("sysctl", &self.path.replace(".*", "").replace('.', "-"), None)
    }

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
    ($(#[$doc:meta])* $name:ident, $table:ident, $prefix:literal: $($variant:ident $path:literal $default:literal $range:expr, $combine:ident, $modelled:literal, $file:literal;)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name {
            $(#[doc = concat!("`", $prefix, $path, "`")] $variant,)*
        }
        /// The rows behind the keys of the same name, in their order.
        pub const $table: &[Row] = &[
            $(Row { path: concat!($prefix, $path), default: $default, min: $range.0, max: $range.1, combine: Combine::$combine, modelled: $modelled, kernel_file: $file },)*
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
    AcceptLocal "accept_local" 0 I32, Or, true, "net/ipv4/fib_frontend.c";
    AcceptRedirects "accept_redirects" 1 I32, Redirects, true, "net/ipv4/route.c";
    AcceptSourceRoute "accept_source_route" 0 I32, And, false, "net/ipv4/ip_options.c";
    ArpAccept "arp_accept" 0 I32, Max, true, "net/ipv4/arp.c";
    ArpAnnounce "arp_announce" 0 I32, Max, true, "net/ipv4/arp.c";
    ArpEvictNocarrier "arp_evict_nocarrier" 1 I32, And, true, "net/ipv4/arp.c";
    ArpFilter "arp_filter" 0 I32, Or, true, "net/ipv4/arp.c";
    ArpIgnore "arp_ignore" 0 I32, Max, true, "net/ipv4/arp.c";
    ArpNotify "arp_notify" 0 I32, Max, true, "net/ipv4/devinet.c";
    BcForwarding "bc_forwarding" 0 I32, And, false, "net/ipv4/route.c";
    BootpRelay "bootp_relay" 0 I32, And, false, "net/ipv4/route.c";
    DisablePolicy "disable_policy" 0 I32, Dev, false, "net/ipv4/route.c";
    DisableXfrm "disable_xfrm" 0 I32, Dev, false, "net/ipv4/route.c";
    DropGratuitousArp "drop_gratuitous_arp" 0 I32, Or, true, "net/ipv4/arp.c";
    DropUnicastInL2Multicast "drop_unicast_in_l2_multicast" 0 I32, Or, true, "net/ipv4/ip_input.c";
    ForceIgmpVersion "force_igmp_version" 0 I32, Max, false, "net/ipv4/igmp.c";
    Forwarding "forwarding" 0 I32, Dev, true, "net/ipv4/devinet.c";
    Igmpv2Unsolicited "igmpv2_unsolicited_report_interval" 10000 I32, Dev, false, "net/ipv4/igmp.c";
    Igmpv3Unsolicited "igmpv3_unsolicited_report_interval" 1000 I32, Dev, false, "net/ipv4/igmp.c";
    IgnoreRoutesWithLinkdown "ignore_routes_with_linkdown" 0 I32, Or, true, "net/ipv4/fib_semantics.c";
    LogMartians "log_martians" 0 I32, Or, true, "net/ipv4/route.c";
    McForwarding "mc_forwarding" 0 I32, And, false, "net/ipv4/ipmr.c";
    MediumId "medium_id" 0 I32, Dev, true, "net/ipv4/devinet.c";
    PromoteSecondaries "promote_secondaries" 0 I32, Or, true, "net/ipv4/devinet.c";
    ProxyArp "proxy_arp" 0 I32, Or, true, "net/ipv4/arp.c";
    ProxyArpPvlan "proxy_arp_pvlan" 0 I32, Or, true, "net/ipv4/arp.c";
    RouteLocalnet "route_localnet" 0 I32, Or, true, "net/ipv4/route.c";
    RpFilter "rp_filter" 0 I32, Max, true, "net/ipv4/fib_frontend.c";
    SecureRedirects "secure_redirects" 1 I32, Or, true, "net/ipv4/route.c";
    SendRedirects "send_redirects" 1 I32, Or, true, "net/ipv4/ip_forward.c";
    SharedMedia "shared_media" 1 I32, Or, true, "net/ipv4/route.c";
    SrcValidMark "src_valid_mark" 0 I32, Or, true, "net/ipv4/fib_frontend.c";
    Tag "tag" 0 I32, Dev, false, "net/ipv4/devinet.c";
}

rows! {
    /// Variables of `net.ipv4.neigh.*`.
    Neigh, NEIGH, "net.ipv4.neigh.*.":
    AnycastDelay "anycast_delay" 100 I32, Single, false, "net/core/neighbour.c";
    AppSolicit "app_solicit" 0 (0, i32::MAX as i64), Single, true, "net/core/neighbour.c";
    BaseReachableTime "base_reachable_time_ms" 30000 (0, i32::MAX as i64), Single, true, "net/core/neighbour.c";
    DelayFirstProbeTime "delay_first_probe_time" 5 (0, 1_000_000), Single, true, "net/core/neighbour.c";
    GcStaleTime "gc_stale_time" 60 (0, 1_000_000), Single, true, "net/core/neighbour.c";
    Locktime "locktime" 100 I32, Single, true, "net/core/neighbour.c";
    McastResolicit "mcast_resolicit" 0 (0, i32::MAX as i64), Single, true, "net/core/neighbour.c";
    McastSolicit "mcast_solicit" 3 (0, i32::MAX as i64), Single, true, "net/core/neighbour.c";
    ProxyDelay "proxy_delay" 80 I32, Single, true, "net/core/neighbour.c";
    ProxyQlen "proxy_qlen" 64 I32, Single, true, "net/core/neighbour.c";
    RetransTime "retrans_time_ms" 1000 (0, i32::MAX as i64), Single, true, "net/core/neighbour.c";
    UcastSolicit "ucast_solicit" 3 (0, i32::MAX as i64), Single, true, "net/core/neighbour.c";
    UnresQlenBytes "unres_qlen_bytes" 212992 (0, i32::MAX as i64), Single, true, "net/core/neighbour.c";
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
    IcmpEchoIgnoreAll "ipv4.icmp_echo_ignore_all" 0 (0, 1), Single, true, "net/ipv4/icmp.c";
    IcmpEchoIgnoreBroadcasts "ipv4.icmp_echo_ignore_broadcasts" 1 (0, 1), Single, true, "net/ipv4/icmp.c";
    IcmpRatelimit "ipv4.icmp_ratelimit" 1000 (0, i32::MAX as i64), Single, true, "net/ipv4/icmp.c";
    IcmpRatemask "ipv4.icmp_ratemask" 6168 (0, i32::MAX as i64), Single, true, "net/ipv4/icmp.c";
    IgmpLinkLocal "ipv4.igmp_link_local_mcast_reports" 1 (0, 1), Single, false, "net/ipv4/igmp.c";
    IpDefaultTtl "ipv4.ip_default_ttl" 64 (1, 255), Single, true, "net/ipv4/ip_output.c";
    IpForward "ipv4.ip_forward" 0 I32, Single, true, "net/ipv4/devinet.c";
    IpForwardUsePmtu "ipv4.ip_forward_use_pmtu" 0 (0, 255), Single, true, "net/ipv4/ip_forward.c";
    IpLocalPortRange "ipv4.ip_local_port_range" 32768 (1, 65535), Single, true, "net/ipv4/inet_connection_sock.c";
    IpNoPmtuDisc "ipv4.ip_no_pmtu_disc" 0 (0, 3), Single, true, "net/ipv4/route.c";
    IpNonlocalBind "ipv4.ip_nonlocal_bind" 0 (0, 1), Single, true, "net/ipv4/af_inet.c";
    TcpFinTimeout "ipv4.tcp_fin_timeout" 60 (0, i32::MAX as i64), Single, true, "net/ipv4/tcp.c";
    TcpMaxSynBacklog "ipv4.tcp_max_syn_backlog" 512 (0, i32::MAX as i64), Single, false, "net/ipv4/tcp_ipv4.c";
    TcpRetries2 "ipv4.tcp_retries2" 15 (0, 255), Single, true, "net/ipv4/tcp_timer.c";
    TcpSynRetries "ipv4.tcp_syn_retries" 6 (1, 127), Single, true, "net/ipv4/tcp_timer.c";
    TcpSynackRetries "ipv4.tcp_synack_retries" 5 (0, 255), Single, true, "net/ipv4/tcp_timer.c";
    TcpSyncookies "ipv4.tcp_syncookies" 1 (0, 2), Single, false, "net/ipv4/syncookies.c";
    TcpTimestamps "ipv4.tcp_timestamps" 1 (0, 2), Single, true, "net/ipv4/tcp_output.c";
    TcpTwReuse "ipv4.tcp_tw_reuse" 2 (0, 2), Single, false, "net/ipv4/tcp_ipv4.c";
    SoMaxConn "core.somaxconn" 4096 (0, i32::MAX as i64), Single, true, "net/core/sysctl_net_core.c";
    MessageBurst "core.message_burst" 10 (0, i32::MAX as i64), Single, true, "net/core/utils.c";
    NetdevMaxBacklog "core.netdev_max_backlog" 1000 (0, i32::MAX as i64), Single, true, "net/core/dev.c";
    MessageCost "core.message_cost" 5 (0, 2_147_483), Single, true, "net/core/utils.c";
    CtAcct "netfilter.nf_conntrack_acct" 0 (0, 1), Single, false, "net/netfilter/nf_conntrack_acct.c";
    CtBuckets "netfilter.nf_conntrack_buckets" 262144 (1, i32::MAX as i64), Single, false, "net/netfilter/nf_conntrack_core.c";
    CtChecksum "netfilter.nf_conntrack_checksum" 1 (0, 1), Single, false, "net/netfilter/nf_conntrack_core.c";
    CtCount "netfilter.nf_conntrack_count" 0 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_core.c";
    CtGenericTimeout "netfilter.nf_conntrack_generic_timeout" 600 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_generic.c";
    CtIcmpTimeout "netfilter.nf_conntrack_icmp_timeout" 30 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_icmp.c";
    CtLogInvalid "netfilter.nf_conntrack_log_invalid" 0 (0, 255), Single, false, "net/netfilter/nf_conntrack_core.c";
    CtMax "netfilter.nf_conntrack_max" 262144 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_core.c";
    CtTcpBeLiberal "netfilter.nf_conntrack_tcp_be_liberal" 0 (0, 1), Single, false, "net/netfilter/nf_conntrack_proto_tcp.c";
    CtTcpLoose "netfilter.nf_conntrack_tcp_loose" 1 (0, 1), Single, true, "net/netfilter/nf_conntrack_proto_tcp.c";
    CtTcpMaxRetrans "netfilter.nf_conntrack_tcp_max_retrans" 3 (0, 255), Single, true, "net/netfilter/nf_conntrack_proto_tcp.c";
    CtTcpClose "netfilter.nf_conntrack_tcp_timeout_close" 10 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_tcp.c";
    CtTcpCloseWait "netfilter.nf_conntrack_tcp_timeout_close_wait" 60 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_tcp.c";
    CtTcpEstablished "netfilter.nf_conntrack_tcp_timeout_established" 432000 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_tcp.c";
    CtTcpFinWait "netfilter.nf_conntrack_tcp_timeout_fin_wait" 120 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_tcp.c";
    CtTcpLastAck "netfilter.nf_conntrack_tcp_timeout_last_ack" 30 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_tcp.c";
    CtTcpRetrans "netfilter.nf_conntrack_tcp_timeout_max_retrans" 300 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_tcp.c";
    CtTcpSynRecv "netfilter.nf_conntrack_tcp_timeout_syn_recv" 60 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_tcp.c";
    CtTcpSynSent "netfilter.nf_conntrack_tcp_timeout_syn_sent" 120 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_tcp.c";
    CtTcpTimeWait "netfilter.nf_conntrack_tcp_timeout_time_wait" 120 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_tcp.c";
    CtTcpUnacknowledged "netfilter.nf_conntrack_tcp_timeout_unacknowledged" 300 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_tcp.c";
    CtTimestamp "netfilter.nf_conntrack_timestamp" 0 (0, 1), Single, false, "net/netfilter/nf_conntrack_timestamp.c";
    CtUdpTimeout "netfilter.nf_conntrack_udp_timeout" 30 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_udp.c";
    CtUdpStream "netfilter.nf_conntrack_udp_timeout_stream" 120 (0, i32::MAX as i64), Single, true, "net/netfilter/nf_conntrack_proto_udp.c";
    VsAmDroprate "ipv4.vs.am_droprate" 10 I32, Single, true, "net/netfilter/ipvs/ip_vs_ctl.c";
    VsAmemthresh "ipv4.vs.amemthresh" 1024 I32, Single, true, "net/netfilter/ipvs/ip_vs_ctl.c";
    VsBackupOnly "ipv4.vs.backup_only" 0 I32, Single, true, "net/netfilter/ipvs/ip_vs_core.c";
    VsCacheBypass "ipv4.vs.cache_bypass" 0 I32, Single, true, "net/netfilter/ipvs/ip_vs_core.c";
    VsConnReuseMode "ipv4.vs.conn_reuse_mode" 1 I32, Single, true, "net/netfilter/ipvs/ip_vs_core.c";
    VsConntrack "ipv4.vs.conntrack" 0 I32, Single, true, "net/netfilter/ipvs/ip_vs_nfct.c";
    VsDropEntry "ipv4.vs.drop_entry" 0 (0, 3), Single, true, "net/netfilter/ipvs/ip_vs_ctl.c";
    VsDropPacket "ipv4.vs.drop_packet" 0 (0, 3), Single, true, "net/netfilter/ipvs/ip_vs_ctl.c";
    VsExpireNodestConn "ipv4.vs.expire_nodest_conn" 0 I32, Single, true, "net/netfilter/ipvs/ip_vs_core.c";
    VsExpireQuiescentTemplate "ipv4.vs.expire_quiescent_template" 0 I32, Single, true, "net/netfilter/ipvs/ip_vs_conn.c";
    VsIgnoreTunneled "ipv4.vs.ignore_tunneled" 0 I32, Single, true, "net/netfilter/ipvs/ip_vs_core.c";
    VsLblcExpiration "ipv4.vs.lblc_expiration" 86400 I32, Single, true, "net/netfilter/ipvs/ip_vs_lblc.c";
    VsLblcrExpiration "ipv4.vs.lblcr_expiration" 86400 I32, Single, true, "net/netfilter/ipvs/ip_vs_lblcr.c";
    VsNatIcmpSend "ipv4.vs.nat_icmp_send" 0 I32, Single, true, "net/netfilter/ipvs/ip_vs_core.c";
    VsPmtuDisc "ipv4.vs.pmtu_disc" 1 I32, Single, true, "net/netfilter/ipvs/ip_vs_xmit.c";
    VsRunEstimation "ipv4.vs.run_estimation" 1 I32, Single, true, "net/netfilter/ipvs/ip_vs_est.c";
    VsScheduleIcmp "ipv4.vs.schedule_icmp" 0 I32, Single, true, "net/netfilter/ipvs/ip_vs_core.c";
    VsSecureTcp "ipv4.vs.secure_tcp" 0 (0, 3), Single, true, "net/netfilter/ipvs/ip_vs_ctl.c";
    VsSloppySctp "ipv4.vs.sloppy_sctp" 0 I32, Single, false, "net/netfilter/ipvs/ip_vs_core.c";
    VsSloppyTcp "ipv4.vs.sloppy_tcp" 0 I32, Single, true, "net/netfilter/ipvs/ip_vs_core.c";
    VsSnatReroute "ipv4.vs.snat_reroute" 1 I32, Single, true, "net/netfilter/ipvs/ip_vs_core.c";
    VsSyncPersistMode "ipv4.vs.sync_persist_mode" 0 I32, Single, true, "net/netfilter/ipvs/ip_vs_sync.c";
    VsSyncPorts "ipv4.vs.sync_ports" 1 (1, i32::MAX as i64), Single, true, "net/netfilter/ipvs/ip_vs_sync.c";
    VsSyncQlenMax "ipv4.vs.sync_qlen_max" 14825 (0, i64::MAX), Single, true, "net/netfilter/ipvs/ip_vs_sync.c";
    VsSyncRefreshPeriod "ipv4.vs.sync_refresh_period" 0 (0, i32::MAX as i64 / 250), Single, true, "net/netfilter/ipvs/ip_vs_sync.c";
    VsSyncRetries "ipv4.vs.sync_retries" 0 (0, 3), Single, true, "net/netfilter/ipvs/ip_vs_sync.c";
    VsSyncSockSize "ipv4.vs.sync_sock_size" 0 I32, Single, false, "net/netfilter/ipvs/ip_vs_sync.c";
    VsSyncThreshold "ipv4.vs.sync_threshold" 3 (0, i32::MAX as i64), Single, true, "net/netfilter/ipvs/ip_vs_sync.c";
    VsSyncVersion "ipv4.vs.sync_version" 1 (0, 1), Single, true, "net/netfilter/ipvs/ip_vs_sync.c";
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
