//! Persistence: templates and what they do to scheduling (ip_vs_sched_persist, ip_vs_check_template).
//!
//! Left out: SIP. The persistence engine `sip` takes UDP datagrams with a Call-ID and drops all others
//! (`ip_vs_sip_fill_param`); clients here do not speak SIP, so all are dropped. Templates of FTP data connections made by the FTP helper.

use super::conn::{ConnParam, flag};
use super::core::{Headers, Unscheduled};
use super::dest::DestId;
use super::service::{FTP_PORT, ServiceId, ServiceKey};
use super::{HookCx, Ipvs, IpvsAct, state};
use crate::base::SimTime;
use crate::sysctl::Global;
use crate::trace::Because;
use crate::wire::IpPacket;

/// The port of a template that no longer counts.
const INVALID_PORT: u16 = 0xffff;

impl Ipvs {
    /// Schedules by the client's template, or makes one.
    pub(super) fn schedule_persistent(
        &mut self,
        now: SimTime,
        id: ServiceId,
        pkt: &IpPacket,
        h: &Headers,
        cx: &HookCx<'_>,
        acts: &mut Vec<IpvsAct>,
    ) -> Result<u32, Unscheduled> {
        let svc = self.svc(id);
        let (key, ops) = (svc.key, svc.spec.ops);
        let seconds = svc.spec.persistent.unwrap_or(0);
        if svc.spec.by_call_id {
            return Err(Unscheduled::NoCallId);
        }
        let p = h.param();
        let own_port = p.vport == key.port();
        let template = template_param(key, svc.spec.netmask.to_bits(), &p);
        let (ct, dest, because) = match self.valid_template(&template, cx) {
            Some((ct, dest)) => (ct, dest, Because::Persistent),
            None => {
                let (dest, because) = self.pick(now, id, h, cx, acts).ok_or(Unscheduled::NoDest)?;
                let d = &self.dests[dest.index()];
                let dport = if own_port && key.port() != FTP_PORT { d.port } else { 0 };
                let daddr = d.addr.to_bits();
                let ct = self.conn_new(&template, daddr, dport, flag::TEMPLATE, dest, cx);
                self.conns.get_mut(ct).timeout = seconds;
                (ct, dest, because)
            }
        };
        let d = &self.dests[dest.index()];
        let dport = match d.port {
            port if own_port && port != 0 => port,
            _ => p.vport,
        };
        let daddr = d.addr.to_bits();
        let flags = if ops { flag::ONE_PACKET } else { 0 };
        let slot = self.conn_new(&p, daddr, dport, flags, dest, cx);
        self.conns.get_mut(slot).control = ct;
        self.conns.get_mut(ct).n_control += 1;
        let at = now + state::seconds(self.conns.get(ct).timeout);
        self.set_expires(ct, at, acts);
        self.count_conn(now, dest);
        self.tell_scheduled(id, dest, because, pkt, cx, acts);
        Ok(slot)
    }

    /// The template, if its destination still counts. Else it moves out of the way and runs out under other ports.
    fn valid_template(&mut self, p: &ConnParam, cx: &HookCx<'_>) -> Option<(u32, DestId)> {
        let ct = self.conns.find_template(p)?;
        let dest = self.conns.get(ct).dest;
        let quiesced = cx.on(Global::VsExpireQuiescentTemplate);
        let valid = self.dest(dest).is_some_and(|d| d.available && !(quiesced && d.weight == 0));
        if valid {
            return Some((ct, dest));
        }
        if self.conns.get(ct).vport != INVALID_PORT {
            self.conns.unhash(ct);
            let c = self.conns.get_mut(ct);
            (c.vport, c.dport, c.cport) = (INVALID_PORT, INVALID_PORT, 0);
            self.conns.hash(ct);
        }
        None
    }
}

/// What the template of a packet with these addresses is called.
fn template_param(key: ServiceKey, netmask: u32, p: &ConnParam) -> ConnParam {
    let mut t = ConnParam { proto: p.proto, caddr: p.caddr & netmask, cport: 0, vaddr: p.vaddr, vport: 0 };
    if p.vport == key.port() {
        if key.port() != FTP_PORT {
            t.vport = p.vport;
        }
    } else if let ServiceKey::Mark(mark) = key {
        t.proto = 0;
        t.vaddr = mark;
    }
    t
}
