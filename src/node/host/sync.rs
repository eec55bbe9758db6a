//! The sockets of IPVS's synchronisation daemons (make_send_sock, make_receive_sock, ip_vs_send_async in
//! net/netfilter/ipvs/ip_vs_sync.c).
//!
//! What is said and how it is understood is in [`crate::ipvs::sync`]. A master's socket is bound to an address of its
//! interface and connected to the group; a backup's is bound to the group and to the interface, and has joined the group.
//! Left out: send and receive buffers (`sync_sock_size`): here nothing waits in them.

use super::{Host, Skb};
use crate::base::DevIdx;
use crate::ipvs::{Role, SyncTimer};
use crate::net::fib::{FlowKey, SCOPE_UNIVERSE};
use crate::net::sock::UdpId;
use crate::node::Cx;
use crate::node::app::Owner;
use crate::trace::{DropReason, Mib};
use crate::wire::emit::datagram_bytes;
use crate::wire::{Body, Datagram, IpPacket, L4};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// One socket for each thread.
#[derive(Clone, Debug, Default)]
pub(super) struct SyncSockets {
    master: Vec<UdpId>,
    backup: Vec<UdpId>,
}

impl Host {
    pub(super) fn sync_open(&mut self, role: Role) {
        let Some(daemon) = self.ipvs.daemon(role).cloned() else { return };
        for thread in 0..self.ipvs.sync_ports() {
            let port = daemon.port.wrapping_add(u16::from(thread));
            let user = Owner::Sync(u32::from(thread)).user();
            match role {
                Role::Master => {
                    let own = self.net.select_source(None, daemon.dev, SCOPE_UNIVERSE);
                    let Ok(own_port) = self.free_port(false) else { return };
                    let local = (own.unwrap_or(Ipv4Addr::UNSPECIFIED), own_port);
                    self.sync_sockets.master.extend(self.udp.connect(local, (daemon.group, port), user));
                }
                Role::Backup => {
                    self.sync_sockets.backup.extend(self.udp.bind_device(daemon.group, port, daemon.dev, user));
                    self.net.join_group(daemon.dev, daemon.group);
                }
            }
        }
    }

    pub(super) fn sync_close(&mut self, role: Role, dev: DevIdx, group: Ipv4Addr) {
        let sockets = match role {
            Role::Master => std::mem::take(&mut self.sync_sockets.master),
            Role::Backup => std::mem::take(&mut self.sync_sockets.backup),
        };
        for sock in sockets {
            self.udp.close(sock);
            if role == Role::Backup {
                self.net.leave_group(dev, group);
            }
        }
    }

    pub(super) fn sync_timer(&mut self, timer: SyncTimer, cx: &mut Cx<'_>) {
        let mut acts = std::mem::take(&mut self.ipvs_acts);
        self.ipvs.sync_timer(timer, cx.now, &mut acts);
        self.ipvs_carry_out(acts, cx);
    }

    /// The message as a packet, without DF (`IP_PMTUDISC_DONT`), and the interface that it leaves by.
    fn sync_packet(&self, thread: u8, bytes: Arc<[u8]>, cx: &mut Cx<'_>) -> Option<(IpPacket, DevIdx)> {
        let daemon = self.ipvs.daemon(Role::Master)?;
        let &sock = self.sync_sockets.master.get(usize::from(thread))?;
        let (from, to) = self.udp.peers(sock)?;
        let len = bytes.len() as u16;
        let body = Body::bytes(cx.texts.number_bytes(bytes));
        let l4 = L4::Udp(Datagram { sport: from.1, dport: to.1, len, body });
        let packet = IpPacket { ttl: daemon.ttl, ..self.packet(from.0, to.0, l4, 0, cx) };
        Some((packet, daemon.dev))
    }

    /// A master's thread sends a message.
    pub(super) fn sync_send(&mut self, thread: u8, bytes: Arc<[u8]>, cx: &mut Cx<'_>) {
        let Some((pkt, dev)) = self.sync_packet(thread, bytes, cx) else { return };
        let key = FlowKey { saddr: pkt.saddr, oif: Some(dev), ..FlowKey::to(pkt.daddr) };
        match self.net.route_out(key) {
            Ok(route) => {
                if self.send_skb(Skb::local(pkt), route, cx) {
                    self.snmp.count(Mib::UdpOutDatagrams);
                }
            }
            Err(error) => {
                self.count_no_route(error);
                let dst = pkt.daddr;
                self.lose(&Skb { dev, ..Skb::local(pkt) }, DropReason::NoRoute { dst }, cx);
            }
        }
    }

    /// A message that finds no room in the queue is never sent.
    pub(super) fn sync_overflow(&mut self, thread: u8, bytes: Arc<[u8]>, limit: u32, cx: &mut Cx<'_>) {
        if let Some((pkt, dev)) = self.sync_packet(thread, bytes, cx) {
            self.lose(&Skb { dev, ..Skb::local(pkt) }, DropReason::IpvsSyncQueueFull { limit }, cx);
        }
    }

    /// A backup's thread reads a message.
    pub(super) fn sync_receive(&mut self, skb: &Skb, datagram: &Datagram, cx: &mut Cx<'_>) {
        let message = datagram_bytes(datagram, cx.texts.words());
        let mut acts = std::mem::take(&mut self.ipvs_acts);
        let heard = self.ipvs.sync_receive(cx.now, &message, &self.net.sysctl, &mut acts);
        self.ipvs_carry_out(acts, cx);
        if let Err(reason) = heard {
            self.lose(skb, reason, cx);
        }
    }
}
