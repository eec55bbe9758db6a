//! A Linux host: its tables, its packet path, its sockets and what runs on them.
//!
//! The path is in `path_in`, `path_forward`, `path_out` and `ipvs`, in the kernel's order; `hooks` holds the table of
//! netfilter hooks. A router, a director, a real server are hosts with other tables.

mod arp;
mod backlog;
mod calls;
mod frag;
mod hooks;
mod icmp;
mod ipvs;
mod log;
mod netfilter;
mod path_forward;
mod path_in;
mod path_out;
mod programs;
mod snmp;
mod sockets;
mod sync;
mod tap;
mod tell;

pub use calls::{Connecting, News};
pub use hooks::{HOOKS, HookModule, HookPoint};
pub use programs::{EchoError, EchoRequest, FragmentRule, Heard, Probe};
pub use sockets::Plan;
pub use tap::{Captured, TapCounts, TapRequest, Taps};

use super::app::{AppOut, Clients, Finished, Reached, Servers};
use super::{Cx, Effect, FrameId, Input, TimerKey};
use crate::base::{DevIdx, NodeId, Rng, Seed};
use crate::ipvs::{Ipvs, IpvsAct};
use crate::net::Inet;
use crate::net::klog::KernelLog;
use crate::net::netfilter::{Ct, Netfilter};
use crate::net::sock::{TcpOut, TcpStack, UdpStack};
use crate::sysctl::Conf;
use crate::trace::{DropReason, Snmp, TraceEvent, TraceMask};
use crate::wire::{Frame, IpPacket, L3, Mac};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// A packet inside a host, with what the kernel keeps beside it in its `sk_buff`.
#[derive(Clone, Debug)]
pub struct Skb {
    /// The packet.
    pub pkt: IpPacket,
    /// The device: by which it came, or by which it leaves.
    pub dev: DevIdx,
    /// Firewall mark.
    pub mark: u32,
    /// The frame was for this host's hardware address (`PACKET_HOST`).
    pub to_me: bool,
    /// Its destination is one of the host's addresses (`RTCF_LOCAL`).
    pub local_dst: bool,
    /// It came by `lo` from this host.
    pub looped: bool,
    /// It passes through (`IPSKB_FORWARDED`).
    pub forwarded: bool,
    /// IPVS has dealt with it (`ipvs_property`).
    pub ipvs: bool,
    /// It may be cut although DF is set.
    pub ignore_df: bool,
    /// The sending socket makes progress: its neighbour is confirmed, and so is the next hop of whoever passes it on
    /// (`dst_pending_confirm`, which stays set).
    pub confirm: bool,
    /// The longest of the fragments that it came in; 0 if it came whole.
    pub largest_fragment: u32,
    /// What connection tracking knows of it.
    pub ct: Ct,
    /// How it came; none for what this host has made.
    pub came: Option<Came>,
}

/// How a packet came to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Came {
    /// By this device.
    pub dev: DevIdx,
    /// Destination and source of its Ethernet header; none where the device has none.
    pub link: Option<(Mac, Mac)>,
}

impl Skb {
    fn received(pkt: IpPacket, dev: DevIdx) -> Skb {
        Skb {
            pkt,
            dev,
            mark: 0,
            to_me: true,
            local_dst: false,
            looped: false,
            forwarded: false,
            ipvs: false,
            ignore_df: false,
            confirm: false,
            largest_fragment: 0,
            ct: Ct::None,
            came: None,
        }
    }

    fn local(pkt: IpPacket) -> Skb {
        Skb::received(pkt, DevIdx::LO)
    }

    /// The packet leaves its buffer. What is left behind is never looked at.
    #[inline]
    fn take(&mut self) -> IpPacket {
        std::mem::replace(&mut self.pkt, IpPacket::NOTHING)
    }

    /// The whole buffer, for what keeps it for later.
    fn take_all(&mut self) -> Skb {
        std::mem::replace(self, Skb::local(IpPacket::NOTHING))
    }
}

/// A host.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its number.
    pub id: NodeId,
    /// Its name.
    pub name: Arc<str>,
    /// Devices, addresses, routes, neighbours, sysctls.
    pub net: Inet,
    /// The virtual server.
    pub ipvs: Ipvs,
    /// Packet filters.
    pub netfilter: Netfilter,
    /// The kernel's log.
    pub klog: KernelLog,
    /// TCP sockets.
    pub tcp: TcpStack,
    /// UDP sockets.
    pub udp: UdpStack,
    /// Connections that clients here have open.
    pub clients: Clients,
    /// What serves here.
    pub servers: Servers,
    /// Connections that are over, until the world collects them.
    pub finished: Vec<Finished>,
    /// Connections of clients here that got somewhere, until the world takes them over.
    pub reached: Vec<Reached>,
    /// Lost packets by the reason's code.
    pub drops: BTreeMap<&'static str, u64>,
    /// What the host has counted beside its TCP stack; [`Host::number`] puts both together.
    snmp: Snmp,
    /// Something happened that a program may wait for.
    pub wake_programs: bool,
    ears: programs::Ears,
    calls: calls::Calls,
    taps: Taps,
    icmp_limits: icmp::Limits,
    fragments: frag::Fragments,
    held_answers: Vec<Option<arp::HeldAnswer>>,
    loop_queue: VecDeque<Skb>,
    cells: VecDeque<Skb>,
    backlog: Option<Box<backlog::Backlog>>,
    rng: Rng,
    /// For `-m statistic --mode random`.
    filter_rng: Rng,
    tcp_out: Vec<TcpOut>,
    app_out: Vec<AppOut>,
    ipvs_acts: Vec<IpvsAct>,
    sync_sockets: sync::SyncSockets,
    next_port: u16,
}

impl Host {
    /// A host with `lo` and `tunl0`.
    pub fn new(id: NodeId, name: Arc<str>, seed: Seed) -> Host {
        let stream = |what: &str| seed.stream(&format!("host/{name}/{what}"));
        let mut isn = stream("isn");
        Host {
            id,
            net: Inet::new(stream("neigh")),
            ipvs: Ipvs::new(stream("ipvs")),
            netfilter: Netfilter::default(),
            klog: log::booted(),
            tcp: TcpStack::new(isn.next_u64()),
            udp: UdpStack::default(),
            clients: Clients::default(),
            servers: Servers::new(seed.draws("work")),
            finished: Vec::new(),
            reached: Vec::new(),
            drops: BTreeMap::new(),
            snmp: Snmp::default(),
            wake_programs: false,
            ears: programs::Ears::default(),
            calls: calls::Calls::default(),
            taps: Taps::default(),
            icmp_limits: icmp::Limits::default(),
            fragments: frag::Fragments::default(),
            held_answers: Vec::new(),
            loop_queue: VecDeque::new(),
            cells: VecDeque::new(),
            backlog: None,
            rng: stream("misc"),
            filter_rng: stream("netfilter"),
            tcp_out: Vec::new(),
            app_out: Vec::new(),
            ipvs_acts: Vec::new(),
            sync_sockets: sync::SyncSockets::default(),
            next_port: 32768,
            name,
        }
    }

    /// Lets something happen to the host.
    #[inline]
    pub fn handle(&mut self, input: Input, cx: &mut Cx<'_>) {
        match input {
            Input::Frame { dev, frame, confirm } => return self.receive(dev, frame, confirm, cx),
            Input::Timer(key) => self.timer(key, cx),
            Input::Carrier { dev, up } => self.carrier(dev, up, cx),
        }
        self.settle(cx);
    }

    /// A frame arrives: the short way of [`Host::handle`].
    #[inline]
    pub fn receive(&mut self, dev: DevIdx, frame: FrameId, confirm: bool, cx: &mut Cx<'_>) {
        match self.backlog {
            None => self.device_receive(dev, frame, confirm, cx),
            Some(_) => self.enqueue(dev, frame, confirm, cx),
        }
        self.settle(cx);
    }

    /// Whether the world has something to collect here, or programs to wake.
    #[inline]
    pub fn asks(&self) -> bool {
        self.wake_programs || !self.finished.is_empty() || !self.reached.is_empty()
    }

    /// Carries out what is left to do at this instant: packets to ourselves, decisions of the neighbour table.
    pub fn settle(&mut self, cx: &mut Cx<'_>) {
        loop {
            if !self.net.acts.is_empty() {
                self.neigh_acts(cx);
            }
            let Some(skb) = self.loop_queue.pop_front() else { break };
            self.receive_own(skb, cx);
        }
    }

    /// A packet that this host sent to itself: it has its route already, and no source is checked.
    fn receive_own(&mut self, mut skb: Skb, cx: &mut Cx<'_>) {
        skb.came = Some(Came { dev: DevIdx::LO, link: Some((Mac::ZERO, Mac::ZERO)) });
        self.count_received(&skb.pkt);
        if !self.pre_routing(&mut skb, cx) {
            return;
        }
        if skb.local_dst {
            self.local_deliver(&mut skb, cx);
        } else {
            self.ip_receive(&mut skb, cx);
        }
    }

    fn timer(&mut self, key: TimerKey, cx: &mut Cx<'_>) {
        match key {
            TimerKey::Tcp { slot, generation, .. } => self.tcp_timer(slot, generation, cx),
            TimerKey::Ipvs { slot, generation } => self.ipvs_timer(slot, generation, cx),
            TimerKey::IpvsSync(timer) => self.sync_timer(timer, cx),
            TimerKey::Client { slot, generation } => self.client_timer(slot, generation, cx),
            TimerKey::Server { job } => self.server_done(job, cx),
            TimerKey::Share { place } => self.servers_share(place, cx),
            TimerKey::Neigh { entry, generation, .. } => {
                let mut acts = std::mem::take(&mut self.net.acts);
                self.net.neigh.timer(entry, generation, cx.now, &self.net.sysctl, &mut acts);
                self.net.acts = acts;
            }
            TimerKey::Fragments { slot, .. } => self.fragments_expire(slot, cx),
            TimerKey::Cells { .. } => self.poll_cells(cx),
            TimerKey::Backlog => self.backlog_done(cx),
            TimerKey::ProxyArp { slot } => self.proxy_answer_due(slot, cx),
            TimerKey::Process { .. } => {}
        }
    }

    fn carrier(&mut self, dev: DevIdx, up: bool, cx: &mut Cx<'_>) {
        self.net.carrier(dev, up);
        self.announce(cx);
    }

    /// Tells the cables which devices went up or down, and sends the gratuitous ARP requests that `arp_notify` asks for.
    pub fn announce(&mut self, cx: &mut Cx<'_>) {
        for (dev, up) in self.net.switched.drain(..) {
            cx.out.push(Effect::Carrier { dev, up });
        }
        for (dev, addr) in std::mem::take(&mut self.net.garp) {
            let sha = self.net.devs[dev.index()].mac;
            let arp = crate::wire::Arp { op: crate::wire::ArpOp::Request, sha, spa: addr, tha: Mac::ZERO, tpa: addr };
            self.arp_send(dev, Mac::BROADCAST, arp, cx);
        }
    }

    /// A packet ends here: counted, and told to whoever listens. The only place where one does.
    fn lose(&mut self, skb: &Skb, reason: DropReason, cx: &mut Cx<'_>) {
        let frame = || Frame { l3: L3::Ip(skb.pkt.clone()), dst: Mac::ZERO, src: Mac::ZERO };
        self.note_loss(skb.dev, frame, reason, cx);
    }

    fn lose_frame(&mut self, dev: DevIdx, frame: Frame, reason: DropReason, cx: &mut Cx<'_>) {
        self.note_loss(dev, || frame, reason, cx);
    }

    fn note_loss(&mut self, dev: DevIdx, frame: impl FnOnce() -> Frame, reason: DropReason, cx: &mut Cx<'_>) {
        let rule = reason.rule();
        *self.drops.entry(rule.code).or_default() += 1;
        rule.counters.iter().for_each(|&mib| self.snmp.count(mib));
        let (now, node) = (cx.now, cx.node);
        cx.tracer.emit(TraceMask::DROPS, now, node, || TraceEvent::Dropped {
            dev: Some(dev),
            frame: Box::new(frame()),
            reason,
        });
    }

    /// Whether packets that arrive by `dev` are forwarded.
    pub fn forwards(&self, dev: DevIdx) -> bool {
        self.net.sysctl.own(Conf::Forwarding, dev) != 0
    }
}
