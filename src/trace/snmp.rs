//! The kernel's SNMP counters: one row each, in the order of /proc/net/snmp and /proc/net/netstat (net/ipv4/proc.c).
//!
//! A row names the counter as the kernel does, says where its number comes from, and how `netstat -s` puts it. The
//! sentences are those of net-tools 2.10, whose own table is searched as if it were sorted: rows that the search misses
//! (`Forwarding`, `TCPTimeouts`, `TCPSackRecovery` …) are printed by name. Counters are counted where Linux counts them;
//! those that belong to a [`super::DropReason`] stand with its rule and are counted with the loss.
//!
//! Not modelled, so 0 in the files, silent in `netstat -s`, and told by `nstat` when asked for by name:
//!
//! | counters | why |
//! | --- | --- |
//! | `Syncookies…`, `TCPReqQFull…` | requests to a listener are not limited, so there are no SYN cookies |
//! | `TCPSACK…`, `TCPDSACK…`, `TCPSack…` of SACK blocks, `…Reorder`, `…Undo`, `TCPLostRetransmit`, `TCPSpuriousRTOs`, `TCPLossProbeRecovery`, `TCPReno…`, `TCPAckCompressed`, `TcpDuplicateDataRehash` | segments carry no SACK blocks |
//! | `LockDroppedIcmps`, `DelayedACKLocked`, `TCPBacklogCoalesce`, `TCPRcvCoalesce`, `TCPAutoCorking` | a race with a system call; here applications read at once |
//! | `PAWS…`, `TCPACKSkippedPAWS` | timestamps have no values |
//! | `TCPHystart…` | no HyStart |
//! | `TCP…ZeroWindowAdv`, `TCPWinProbe`, `TCPKeepAlive`, `TCPRetransFail`, `TCPTimeWaitOverflow` | no such event |
//!
//! Two are close, not exact: `TCPHPHits` (Linux predicts a data segment only if the socket has memory at hand; here that
//! is while own data is on its way) and, after losses, `TCPHPAcks` (an acknowledgement with SACK blocks is not predicted).
//! IPv6 (/proc/net/snmp6) is not simulated at all.

use std::fmt::Write;

/// The groups of counters, in the order of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// IP (RFC 2011).
    Ip,
    /// ICMP.
    Icmp,
    /// TCP (RFC 2012).
    Tcp,
    /// UDP (RFC 2013).
    Udp,
    /// What Linux counts besides, mostly TCP's.
    TcpExt,
    /// RFC 4293.
    IpExt,
}

impl Section {
    /// As the files name it.
    pub const fn name(self) -> &'static str {
        match self {
            Section::Ip => "Ip",
            Section::Icmp => "Icmp",
            Section::Tcp => "Tcp",
            Section::Udp => "Udp",
            Section::TcpExt => "TcpExt",
            Section::IpExt => "IpExt",
        }
    }
}

/// Where a counter's number comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// It is counted.
    Counted,
    /// It is no count: a setting, a constant, or a number of the moment. The host knows it.
    Told,
    /// It stays 0: what it counts cannot happen here.
    Never,
    /// It stays 0, but Linux might count something.
    NotModelled,
}

/// What `netstat -s` prints for a counter; `{}` is the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// The sentence.
    Always(&'static str),
    /// The sentence, unless the number is 0.
    NonZero(&'static str),
    /// A line of the histogram of ICMP messages received; their type.
    In(u8, &'static str),
    /// A line of the histogram of ICMP messages sent; their type.
    Out(u8, &'static str),
    /// `NAME: {}`, unless the number is 0.
    Name,
    /// Nothing.
    Nothing,
}

/// One counter.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Which.
    pub mib: Mib,
    /// Its group.
    pub section: Section,
    /// Group and name, as `nstat` prints it.
    pub id: &'static str,
    /// Where the number comes from.
    pub source: Source,
    /// What `netstat -s` prints.
    pub says: Says,
}

impl Row {
    /// The kernel's name.
    pub fn name(&self) -> &'static str {
        &self.id[self.section.name().len()..]
    }
}

macro_rules! counters {
    ($($mib:ident: $section:ident, $source:ident, $says:ident $(($($arg:tt)*))?;)*) => {
        /// A counter; the names are those of `nstat`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Mib {
            $(
                #[doc = stringify!($mib)]
                $mib,
            )*
        }

        /// Every counter, in the order of the files.
        pub const TABLE: &[Row] = &[$(Row {
            mib: Mib::$mib,
            section: Section::$section,
            id: stringify!($mib),
            source: Source::$source,
            says: Says::$says $(($($arg)*))?,
        },)*];
    };
}

#[rustfmt::skip]
counters! {
    IpForwarding: Ip, Told, Name;
    IpDefaultTTL: Ip, Told, Nothing;
    IpInReceives: Ip, Counted, Always("{} total packets received");
    IpInHdrErrors: Ip, Counted, NonZero("{} with invalid headers");
    IpInAddrErrors: Ip, Counted, NonZero("{} with invalid addresses");
    IpForwDatagrams: Ip, Counted, Always("{} forwarded");
    IpInUnknownProtos: Ip, Never, NonZero("{} with unknown protocol");
    IpInDiscards: Ip, Never, Always("{} incoming packets discarded");
    IpInDelivers: Ip, Counted, Always("{} incoming packets delivered");
    IpOutRequests: Ip, Counted, Always("{} requests sent out");
    IpOutDiscards: Ip, Counted, NonZero("{} outgoing packets dropped");
    IpOutNoRoutes: Ip, Counted, NonZero("{} dropped because of missing route");
    IpReasmTimeout: Ip, Counted, NonZero("{} fragments dropped after timeout");
    IpReasmReqds: Ip, Counted, NonZero("{} reassemblies required");
    IpReasmOKs: Ip, Counted, NonZero("{} packets reassembled ok");
    IpReasmFails: Ip, Counted, NonZero("{} packet reassemblies failed");
    IpFragOKs: Ip, Counted, NonZero("{} outgoing packets fragmented ok");
    IpFragFails: Ip, Counted, NonZero("{} outgoing packets failed fragmentation");
    IpFragCreates: Ip, Counted, NonZero("{} fragments created");
    IcmpInMsgs: Icmp, Counted, Always("{} ICMP messages received");
    IcmpInErrors: Icmp, Counted, Always("{} input ICMP message failed");
    IcmpInCsumErrors: Icmp, Never, Name;
    IcmpInDestUnreachs: Icmp, Counted, In(3, "destination unreachable: {}");
    IcmpInTimeExcds: Icmp, Counted, In(11, "timeout in transit: {}");
    IcmpInParmProbs: Icmp, Never, In(12, "wrong parameters: {}");
    IcmpInSrcQuenchs: Icmp, Never, In(4, "source quenches: {}");
    IcmpInRedirects: Icmp, Counted, In(5, "redirects: {}");
    IcmpInEchos: Icmp, Counted, In(8, "echo requests: {}");
    IcmpInEchoReps: Icmp, Counted, In(0, "echo replies: {}");
    IcmpInTimestamps: Icmp, Never, In(13, "timestamp request: {}");
    IcmpInTimestampReps: Icmp, Never, In(14, "timestamp reply: {}");
    IcmpInAddrMasks: Icmp, Never, In(17, "address mask request: {}");
    IcmpInAddrMaskReps: Icmp, Never, In(18, "address mask replies: {}");
    IcmpOutMsgs: Icmp, Counted, Always("{} ICMP messages sent");
    IcmpOutErrors: Icmp, Never, Always("{} ICMP messages failed");
    IcmpOutRateLimitGlobal: Icmp, Counted, Name;
    IcmpOutRateLimitHost: Icmp, Counted, Name;
    IcmpOutDestUnreachs: Icmp, Counted, Out(3, "destination unreachable: {}");
    IcmpOutTimeExcds: Icmp, Counted, Out(11, "time exceeded: {}");
    IcmpOutParmProbs: Icmp, Never, Out(12, "wrong parameters: {}");
    IcmpOutSrcQuenchs: Icmp, Never, Out(4, "source quench: {}");
    IcmpOutRedirects: Icmp, Counted, Out(5, "redirect: {}");
    IcmpOutEchos: Icmp, Counted, Out(8, "echo requests: {}");
    IcmpOutEchoReps: Icmp, Counted, Out(0, "echo replies: {}");
    IcmpOutTimestamps: Icmp, Never, Out(13, "timestamp requests: {}");
    IcmpOutTimestampReps: Icmp, Never, Out(14, "timestamp replies: {}");
    IcmpOutAddrMasks: Icmp, Never, Out(17, "address mask requests: {}");
    IcmpOutAddrMaskReps: Icmp, Never, Out(18, "address mask replies: {}");
    TcpRtoAlgorithm: Tcp, Told, Nothing;
    TcpRtoMin: Tcp, Told, Nothing;
    TcpRtoMax: Tcp, Told, Nothing;
    TcpMaxConn: Tcp, Told, Nothing;
    TcpActiveOpens: Tcp, Counted, Always("{} active connection openings");
    TcpPassiveOpens: Tcp, Counted, Always("{} passive connection openings");
    TcpAttemptFails: Tcp, Counted, Always("{} failed connection attempts");
    TcpEstabResets: Tcp, Counted, Always("{} connection resets received");
    TcpCurrEstab: Tcp, Told, Always("{} connections established");
    TcpInSegs: Tcp, Counted, Always("{} segments received");
    TcpOutSegs: Tcp, Counted, Always("{} segments sent out");
    TcpRetransSegs: Tcp, Counted, Always("{} segments retransmitted");
    TcpInErrs: Tcp, Counted, Always("{} bad segments received");
    TcpOutRsts: Tcp, Counted, Always("{} resets sent");
    TcpInCsumErrors: Tcp, Never, Name;
    UdpInDatagrams: Udp, Counted, Always("{} packets received");
    UdpNoPorts: Udp, Counted, Always("{} packets to unknown port received");
    UdpInErrors: Udp, Never, Always("{} packet receive errors");
    UdpOutDatagrams: Udp, Counted, Always("{} packets sent");
    UdpRcvbufErrors: Udp, Never, Always("{} receive buffer errors");
    UdpSndbufErrors: Udp, Never, Always("{} send buffer errors");
    UdpInCsumErrors: Udp, Never, Name;
    UdpIgnoredMulti: Udp, Counted, Name;
    UdpMemErrors: Udp, Never, Name;
    TcpExtSyncookiesSent: TcpExt, NotModelled, NonZero("{} SYN cookies sent");
    TcpExtSyncookiesRecv: TcpExt, NotModelled, NonZero("{} SYN cookies received");
    TcpExtSyncookiesFailed: TcpExt, NotModelled, NonZero("{} invalid SYN cookies received");
    TcpExtEmbryonicRsts: TcpExt, Counted, NonZero("{} resets received for embryonic SYN_RECV sockets");
    TcpExtPruneCalled: TcpExt, Never, NonZero("{} packets pruned from receive queue because of socket buffer overrun");
    TcpExtRcvPruned: TcpExt, Never, NonZero("{} packets pruned from receive queue");
    TcpExtOfoPruned: TcpExt, Never, NonZero("{} packets dropped from out-of-order queue because of socket buffer overrun");
    TcpExtOutOfWindowIcmps: TcpExt, Counted, NonZero("{} ICMP packets dropped because they were out-of-window");
    TcpExtLockDroppedIcmps: TcpExt, NotModelled, NonZero("{} ICMP packets dropped because socket was locked");
    TcpExtArpFilter: TcpExt, Counted, Name;
    TcpExtTW: TcpExt, Counted, NonZero("{} TCP sockets finished time wait in fast timer");
    TcpExtTWRecycled: TcpExt, Never, NonZero("{} time wait sockets recycled by time stamp");
    TcpExtTWKilled: TcpExt, Counted, Name;
    TcpExtPAWSActive: TcpExt, NotModelled, NonZero("{} active connections rejected because of time stamp");
    TcpExtPAWSEstab: TcpExt, NotModelled, NonZero("{} packets rejected in established connections because of timestamp");
    TcpExtDelayedACKs: TcpExt, Counted, NonZero("{} delayed acks sent");
    TcpExtDelayedACKLocked: TcpExt, NotModelled, NonZero("{} delayed acks further delayed because of locked socket");
    TcpExtDelayedACKLost: TcpExt, Counted, NonZero("Quick ack mode was activated {} times");
    TcpExtListenOverflows: TcpExt, Counted, NonZero("{} times the listen queue of a socket overflowed");
    TcpExtListenDrops: TcpExt, Counted, NonZero("{} SYNs to LISTEN sockets dropped");
    TcpExtTCPHPHits: TcpExt, Counted, Always("{} packet headers predicted");
    TcpExtTCPPureAcks: TcpExt, Counted, NonZero("{} acknowledgments not containing data payload received");
    TcpExtTCPHPAcks: TcpExt, Counted, NonZero("{} predicted acknowledgments");
    TcpExtTCPRenoRecovery: TcpExt, NotModelled, NonZero("{} times recovered from packet loss due to fast retransmit");
    TcpExtTCPSackRecovery: TcpExt, Counted, Name;
    TcpExtTCPSACKReneging: TcpExt, NotModelled, Name;
    TcpExtTCPSACKReorder: TcpExt, NotModelled, NonZero("Detected reordering {} times using SACK");
    TcpExtTCPRenoReorder: TcpExt, NotModelled, NonZero("Detected reordering {} times using reno fast retransmit");
    TcpExtTCPTSReorder: TcpExt, NotModelled, NonZero("Detected reordering {} times using time stamp");
    TcpExtTCPFullUndo: TcpExt, NotModelled, NonZero("{} congestion windows fully recovered without slow start");
    TcpExtTCPPartialUndo: TcpExt, NotModelled, NonZero("{} congestion windows partially recovered using Hoe heuristic");
    TcpExtTCPDSACKUndo: TcpExt, NotModelled, Name;
    TcpExtTCPLossUndo: TcpExt, NotModelled, NonZero("{} congestion windows recovered without slow start after partial ack");
    TcpExtTCPLostRetransmit: TcpExt, NotModelled, Name;
    TcpExtTCPRenoFailures: TcpExt, NotModelled, NonZero("{} timeouts after reno fast retransmit");
    TcpExtTCPSackFailures: TcpExt, Counted, Name;
    TcpExtTCPLossFailures: TcpExt, Counted, NonZero("{} timeouts in loss state");
    TcpExtTCPFastRetrans: TcpExt, Counted, NonZero("{} fast retransmits");
    TcpExtTCPSlowStartRetrans: TcpExt, Counted, NonZero("{} retransmits in slow start");
    TcpExtTCPTimeouts: TcpExt, Counted, Name;
    TcpExtTCPLossProbes: TcpExt, Counted, Name;
    TcpExtTCPLossProbeRecovery: TcpExt, NotModelled, Name;
    TcpExtTCPRenoRecoveryFail: TcpExt, NotModelled, Name;
    TcpExtTCPSackRecoveryFail: TcpExt, Counted, Name;
    TcpExtTCPRcvCollapsed: TcpExt, Never, NonZero("{} packets collapsed in receive queue due to low socket buffer");
    TcpExtTCPBacklogCoalesce: TcpExt, NotModelled, Name;
    TcpExtTCPDSACKOldSent: TcpExt, NotModelled, Name;
    TcpExtTCPDSACKOfoSent: TcpExt, NotModelled, Name;
    TcpExtTCPDSACKRecv: TcpExt, NotModelled, Name;
    TcpExtTCPDSACKOfoRecv: TcpExt, NotModelled, Name;
    TcpExtTCPAbortOnData: TcpExt, Counted, NonZero("{} connections reset due to unexpected data");
    TcpExtTCPAbortOnClose: TcpExt, Never, NonZero("{} connections reset due to early user close");
    TcpExtTCPAbortOnMemory: TcpExt, Never, NonZero("{} connections aborted due to memory pressure");
    TcpExtTCPAbortOnTimeout: TcpExt, Counted, NonZero("{} connections aborted due to timeout");
    TcpExtTCPAbortOnLinger: TcpExt, Never, NonZero("{} connections aborted after user close in linger timeout");
    TcpExtTCPAbortFailed: TcpExt, Never, NonZero("{} times unable to send RST due to no memory");
    TcpExtTCPMemoryPressures: TcpExt, Never, NonZero("TCP ran low on memory {} times");
    TcpExtTCPMemoryPressuresChrono: TcpExt, Never, Name;
    TcpExtTCPSACKDiscard: TcpExt, NotModelled, Name;
    TcpExtTCPDSACKIgnoredOld: TcpExt, NotModelled, Name;
    TcpExtTCPDSACKIgnoredNoUndo: TcpExt, NotModelled, Name;
    TcpExtTCPSpuriousRTOs: TcpExt, NotModelled, Name;
    TcpExtTCPMD5NotFound: TcpExt, Never, Name;
    TcpExtTCPMD5Unexpected: TcpExt, Never, Name;
    TcpExtTCPMD5Failure: TcpExt, Never, Name;
    TcpExtTCPSackShifted: TcpExt, NotModelled, Name;
    TcpExtTCPSackMerged: TcpExt, NotModelled, Name;
    TcpExtTCPSackShiftFallback: TcpExt, NotModelled, Name;
    TcpExtTCPBacklogDrop: TcpExt, Never, Name;
    TcpExtPFMemallocDrop: TcpExt, Never, Name;
    TcpExtTCPMinTTLDrop: TcpExt, Never, Name;
    TcpExtTCPDeferAcceptDrop: TcpExt, Never, Name;
    TcpExtIPReversePathFilter: TcpExt, Counted, Name;
    TcpExtTCPTimeWaitOverflow: TcpExt, NotModelled, Name;
    TcpExtTCPReqQFullDoCookies: TcpExt, NotModelled, Name;
    TcpExtTCPReqQFullDrop: TcpExt, NotModelled, Name;
    TcpExtTCPRetransFail: TcpExt, NotModelled, Name;
    TcpExtTCPRcvCoalesce: TcpExt, NotModelled, Name;
    TcpExtTCPOFOQueue: TcpExt, Counted, Name;
    TcpExtTCPOFODrop: TcpExt, Never, Name;
    TcpExtTCPOFOMerge: TcpExt, Counted, Name;
    TcpExtTCPChallengeACK: TcpExt, Counted, Name;
    TcpExtTCPSYNChallenge: TcpExt, Counted, Name;
    TcpExtTCPFastOpenActive: TcpExt, Never, Name;
    TcpExtTCPFastOpenActiveFail: TcpExt, Never, Name;
    TcpExtTCPFastOpenPassive: TcpExt, Never, Name;
    TcpExtTCPFastOpenPassiveFail: TcpExt, Never, Name;
    TcpExtTCPFastOpenListenOverflow: TcpExt, Never, Name;
    TcpExtTCPFastOpenCookieReqd: TcpExt, Never, Name;
    TcpExtTCPFastOpenBlackhole: TcpExt, Never, Name;
    TcpExtTCPSpuriousRtxHostQueues: TcpExt, Counted, Name;
    TcpExtBusyPollRxPackets: TcpExt, Never, Name;
    TcpExtTCPAutoCorking: TcpExt, NotModelled, Name;
    TcpExtTCPFromZeroWindowAdv: TcpExt, NotModelled, Name;
    TcpExtTCPToZeroWindowAdv: TcpExt, NotModelled, Name;
    TcpExtTCPWantZeroWindowAdv: TcpExt, NotModelled, Name;
    TcpExtTCPSynRetrans: TcpExt, Counted, Name;
    TcpExtTCPOrigDataSent: TcpExt, Counted, Name;
    TcpExtTCPHystartTrainDetect: TcpExt, NotModelled, Name;
    TcpExtTCPHystartTrainCwnd: TcpExt, NotModelled, Name;
    TcpExtTCPHystartDelayDetect: TcpExt, NotModelled, Name;
    TcpExtTCPHystartDelayCwnd: TcpExt, NotModelled, Name;
    TcpExtTCPACKSkippedSynRecv: TcpExt, Counted, Name;
    TcpExtTCPACKSkippedPAWS: TcpExt, NotModelled, Name;
    TcpExtTCPACKSkippedSeq: TcpExt, Counted, Name;
    TcpExtTCPACKSkippedFinWait2: TcpExt, Counted, Name;
    TcpExtTCPACKSkippedTimeWait: TcpExt, Counted, Name;
    TcpExtTCPACKSkippedChallenge: TcpExt, Counted, Name;
    TcpExtTCPWinProbe: TcpExt, NotModelled, Name;
    TcpExtTCPKeepAlive: TcpExt, NotModelled, Name;
    TcpExtTCPMTUPFail: TcpExt, Never, Name;
    TcpExtTCPMTUPSuccess: TcpExt, Never, Name;
    TcpExtTCPDelivered: TcpExt, Counted, Name;
    TcpExtTCPDeliveredCE: TcpExt, Never, Name;
    TcpExtTCPAckCompressed: TcpExt, NotModelled, Name;
    TcpExtTCPZeroWindowDrop: TcpExt, Never, Name;
    TcpExtTCPRcvQDrop: TcpExt, Never, Name;
    TcpExtTCPWqueueTooBig: TcpExt, Never, Name;
    TcpExtTCPFastOpenPassiveAltKey: TcpExt, Never, Name;
    TcpExtTcpTimeoutRehash: TcpExt, Counted, Name;
    TcpExtTcpDuplicateDataRehash: TcpExt, NotModelled, Name;
    TcpExtTCPDSACKRecvSegs: TcpExt, NotModelled, Name;
    TcpExtTCPDSACKIgnoredDubious: TcpExt, NotModelled, Name;
    TcpExtTCPMigrateReqSuccess: TcpExt, Never, Name;
    TcpExtTCPMigrateReqFailure: TcpExt, Never, Name;
    IpExtInNoRoutes: IpExt, Counted, Name;
    IpExtInTruncatedPkts: IpExt, Never, Name;
    IpExtInMcastPkts: IpExt, Counted, Name;
    IpExtOutMcastPkts: IpExt, Counted, Name;
    IpExtInBcastPkts: IpExt, Counted, Name;
    IpExtOutBcastPkts: IpExt, Counted, Name;
    IpExtInOctets: IpExt, Counted, Name;
    IpExtOutOctets: IpExt, Counted, Name;
    IpExtInMcastOctets: IpExt, Counted, Name;
    IpExtOutMcastOctets: IpExt, Counted, Name;
    IpExtInBcastOctets: IpExt, Counted, Name;
    IpExtOutBcastOctets: IpExt, Counted, Name;
    IpExtInCsumErrors: IpExt, Never, Name;
    IpExtInNoECTPkts: IpExt, Counted, Name;
    IpExtInECT1Pkts: IpExt, Counted, Name;
    IpExtInECT0Pkts: IpExt, Counted, Name;
    IpExtInCEPkts: IpExt, Counted, Name;
    IpExtReasmOverlaps: IpExt, Never, Name;
}

impl Mib {
    /// Its row.
    pub fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }
}

/// Numbers of one host or one of its stacks.
#[derive(Clone, Debug)]
pub struct Snmp([u64; TABLE.len()]);

impl Default for Snmp {
    fn default() -> Self {
        Snmp([0; TABLE.len()])
    }
}

impl Snmp {
    /// One more.
    #[inline]
    pub fn count(&mut self, mib: Mib) {
        self.add(mib, 1);
    }

    /// So many more.
    #[inline]
    pub fn add(&mut self, mib: Mib, n: u64) {
        debug_assert!(mib.row().source == Source::Counted, "{mib:?} is not said to be counted");
        self.0[mib as usize] += n;
    }

    /// How many so far.
    #[inline]
    pub fn get(&self, mib: Mib) -> u64 {
        self.0[mib as usize]
    }
}

/// The counters of MPTCP (net/mptcp/mib.c). Nobody here speaks it, so all are 0.
const MPTCP: &str = "MPCapableSYNRX MPCapableSYNTX MPCapableSYNACKRX MPCapableACKRX MPCapableFallbackACK MPCapableFallbackSYNACK \
    MPCapableEndpAttempt MPFallbackTokenInit MPTCPRetrans MPJoinNoTokenFound MPJoinSynRx MPJoinSynBackupRx \
    MPJoinSynAckRx MPJoinSynAckBackupRx MPJoinSynAckHMacFailure MPJoinAckRx MPJoinAckHMacFailure DSSNotMatching \
    DSSCorruptionFallback DSSCorruptionReset InfiniteMapTx InfiniteMapRx DSSNoMatchTCP DataCsumErr OFOQueueTail \
    OFOQueue OFOMerge NoDSSInWindow DuplicateData AddAddr EchoAdd PortAdd AddAddrDrop MPJoinPortSynRx \
    MPJoinPortSynAckRx MPJoinPortAckRx MismatchPortSynRx MismatchPortAckRx RmAddr RmAddrDrop RmSubflow MPPrioTx \
    MPPrioRx MPFailTx MPFailRx MPFastcloseTx MPFastcloseRx MPRstTx MPRstRx RcvPruned SubflowStale SubflowRecover \
    SndWndShared RcvWndShared RcvWndConflictUpdate RcvWndConflict";

/// /proc/net/snmp, given the number of each counter.
pub fn proc_net_snmp(number: impl Fn(Mib) -> i64) -> String {
    let mut text = String::new();
    group(&mut text, "Ip", rows(Section::Ip), &number);
    group(&mut text, "Icmp", rows(Section::Icmp), &number);
    let types = icmp_types(&number);
    if !types.is_empty() {
        let names: String = types.iter().map(|t| format!(" {}", t.0)).collect();
        let numbers: String = types.iter().map(|t| format!(" {}", t.1)).collect();
        let _ = writeln!(text, "IcmpMsg:{names}\nIcmpMsg:{numbers}");
    }
    group(&mut text, "Tcp", rows(Section::Tcp), &number);
    group(&mut text, "Udp", rows(Section::Udp), &number);
    group(&mut text, "UdpLite", rows(Section::Udp), &|_| 0);
    text
}

/// /proc/net/netstat, given the number of each counter.
pub fn proc_net_netstat(number: impl Fn(Mib) -> i64) -> String {
    let mut text = String::new();
    group(&mut text, "TcpExt", rows(Section::TcpExt), &number);
    group(&mut text, "IpExt", rows(Section::IpExt), &number);
    let zeros = " 0".repeat(MPTCP.split(' ').count());
    let _ = writeln!(text, "MPTcpExt: {MPTCP}\nMPTcpExt:{zeros}");
    text
}

fn rows(section: Section) -> impl Iterator<Item = &'static Row> + Clone {
    TABLE.iter().filter(move |r| r.section == section)
}

fn group(
    text: &mut String,
    title: &str,
    rows: impl Iterator<Item = &'static Row> + Clone,
    number: &impl Fn(Mib) -> i64,
) {
    let names: String = rows.clone().map(|r| format!(" {}", r.name())).collect();
    let numbers: String = rows.map(|r| format!(" {}", number(r.mib))).collect();
    let _ = writeln!(text, "{title}:{names}\n{title}:{numbers}");
}

/// ICMP messages by type, received first; only those that were seen (`icmpmsg_put`).
pub fn icmp_types(number: impl Fn(Mib) -> i64) -> Vec<(String, i64)> {
    let mut seen: Vec<(bool, u8, i64)> = Vec::new();
    for row in rows(Section::Icmp) {
        let n = number(row.mib);
        match row.says {
            Says::In(kind, _) if n > 0 => seen.push((false, kind, n)),
            Says::Out(kind, _) if n > 0 => seen.push((true, kind, n)),
            _ => {}
        }
    }
    seen.sort_unstable();
    let name = |sent: bool, kind: u8| format!("{}Type{kind}", if sent { "Out" } else { "In" });
    seen.into_iter().map(|(sent, kind, n)| (name(sent, kind), n)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_the_row_of_its_number_and_is_named_after_its_group() {
        for (place, row) in TABLE.iter().enumerate() {
            assert_eq!(row.mib as usize, place, "{}", row.id);
            assert!(row.id.starts_with(row.section.name()), "{}", row.id);
        }
        assert_eq!(Mib::TcpExtTCPOrigDataSent.row().name(), "TCPOrigDataSent");
    }

    #[test]
    fn a_sentence_has_room_for_its_number() {
        for row in TABLE {
            if let Says::Always(s) | Says::NonZero(s) | Says::In(_, s) | Says::Out(_, s) = row.says {
                assert_eq!(s.matches("{}").count(), 1, "{}", row.id);
            }
        }
    }

    #[test]
    fn the_files_have_a_line_of_names_and_one_of_numbers_for_each_group() {
        let snmp = proc_net_snmp(|mib| if mib == Mib::IcmpOutDestUnreachs { 7 } else { i64::from(mib as u16 % 2) });
        let lines: Vec<Vec<&str>> = snmp.lines().map(|l| l.split(' ').collect()).collect();
        let titles: Vec<&str> = lines.iter().step_by(2).map(|l| l[0]).collect();
        assert_eq!(titles, ["Ip:", "Icmp:", "IcmpMsg:", "Tcp:", "Udp:", "UdpLite:"]);
        for pair in lines.chunks(2) {
            assert_eq!((pair[0].len(), pair[0][0]), (pair[1].len(), pair[1][0]));
        }
        assert!(snmp.starts_with("Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams"));
        let netstat = proc_net_netstat(|_| 0);
        assert_eq!(netstat.lines().count(), 6);
        assert!(
            netstat.starts_with("TcpExt: SyncookiesSent SyncookiesRecv SyncookiesFailed EmbryonicRsts PruneCalled")
        );
    }

    #[test]
    fn icmp_types_are_sorted_and_those_received_come_first() {
        let some = |mib| match mib {
            Mib::IcmpInDestUnreachs => 3,
            Mib::IcmpInEchoReps => 1,
            Mib::IcmpOutEchos => 4,
            Mib::IcmpOutRedirects => 2,
            _ => 0,
        };
        let text = proc_net_snmp(some);
        assert!(text.contains("\nIcmpMsg: InType0 InType3 OutType5 OutType8\nIcmpMsg: 1 3 2 4\n"), "{text}");
        assert!(!proc_net_snmp(|_| 0).contains("IcmpMsg"));
    }
}
