//! Causes in what a connection or a template keeps of a server that was to go: deleted under open connections, or bound to
//! clients that weight 0 does not turn away (net/netfilter/ipvs/ip_vs_core.c, ip_vs_conn.c).

use super::causes::Found;
use super::find_ipvs::uneven;
use super::lab::{End, Lab, option, service_words};
use crate::base::{NodeId, SimTime};
use crate::ipvs::ServiceView;
use crate::lang::Text;
use crate::report::log::Drop;
use crate::sysctl::Global;
use crate::text;
use crate::trace::{Because, DropReason, Record, TraceEvent};
use crate::wire::IpPacket;
use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// Both ends of a connection, as the client sees them.
type Flow = (Ipv4Addr, Ipv4Addr, Option<(u16, u16)>);

fn flow(p: &IpPacket) -> Flow {
    (p.saddr, p.daddr, p.l4.ports())
}

/// What a director did until now. Kept while the losses are gone through in order of time, so that each of thousands costs a
/// look-up and not another reading of the trace.
#[derive(Default)]
struct Past<'a> {
    /// Where each connection was sent last.
    sent: BTreeMap<(NodeId, Flow), (&'a str, End)>,
    /// When the servers were deleted that have not come back.
    deleted: BTreeMap<(NodeId, &'a str, End), SimTime>,
}

impl<'a> Past<'a> {
    fn note(&mut self, r: &'a Record) {
        match &r.event {
            TraceEvent::Scheduled { packet, service, dest, .. } => {
                self.sent.insert((r.node, flow(packet)), (service, *dest));
            }
            TraceEvent::ServerSet { service, dest, to: None } => {
                self.deleted.insert((r.node, service, *dest), r.at);
            }
            TraceEvent::ServerSet { service, dest, to: Some(_) } => {
                self.deleted.remove(&(r.node, service, *dest));
            }
            _ => {}
        }
    }

    /// The server that the lost packet's connection was sent to, and when it was deleted; not when: its whole service was.
    fn lost_server(&self, lab: &Lab<'_>, d: &Drop<'_>) -> Option<(&'a str, End, Option<SimTime>)> {
        let &(service, dest) = self.sent.get(&(d.node, flow(d.frame.ip()?)))?;
        let proved = match d.reason {
            DropReason::IpvsDestGone { .. } => true,
            // The entry ended with its server (expire_nodest_conn), and what is no SYN is not scheduled: the host takes it
            // itself. Without any service its hooks look at no packet, whatever the knob.
            DropReason::TcpNoConnection if forgets(lab, d.node) || empty(lab, d.node) => false,
            _ => return None,
        };
        let at = self.deleted.get(&(d.node, service, dest)).copied();
        let has = |s: ServiceView<'_>| s.key().to_string() == service && s.dests().any(|x| (x.addr, x.port) == dest);
        let listed = || lab.host(d.node).is_some_and(|h| h.ipvs.services().any(has));
        (proved || at.is_some() || !listed()).then_some((service, dest, at))
    }
}

fn empty(lab: &Lab<'_>, node: NodeId) -> bool {
    lab.host(node).is_some_and(|h| h.ipvs.services().next().is_none())
}

fn forgets(lab: &Lab<'_>, node: NodeId) -> bool {
    lab.host(node).is_some_and(|h| h.net.sysctl.global(Global::VsExpireNodestConn) != 0)
}

/// A server, or a whole service, was deleted under open connections.
pub fn server_deleted(lab: &Lab<'_>) -> Vec<Found> {
    let mut out: Vec<Found> = Vec::new();
    let mut past = Past::default();
    let mut records = lab.log.records.iter().peekable();
    for d in lab.drops() {
        while let Some(r) = records.next_if(|r| r.at <= d.at) {
            past.note(r);
        }
        if out.iter().any(|f| f.node == d.node) {
            continue;
        }
        let (Some((service, dest, at)), Some(host)) = (past.lost_server(lab, &d), lab.host(d.node)) else { continue };
        let row = lab.servers.iter().find(|s| s.director == d.node && s.service == service && s.addr == dest);
        let when = match at {
            Some(at) => text!("found-deleted-at", at = lab.log.brief(at)),
            None => text!("found-deleted-with-service"),
        };
        let then = match d.reason {
            DropReason::IpvsDestGone { .. } => text!("found-open-dropped"),
            _ if forgets(lab, d.node) => text!("found-open-reset"),
            _ => text!("found-open-unseen"),
        };
        out.push(Found {
            code: "server-deleted",
            node: d.node,
            detail: text!(
                "found-server-deleted",
                director = host.name,
                addr = dest.0,
                port = dest.1,
                service,
                when,
                then,
                knob = host.net.sysctl.explain_global(Global::VsExpireNodestConn)
            ),
            cure: text!(
                "found-mend-deleted",
                command = format!(
                    "ipvsadm -e {} -r {}:{} {} -w 0",
                    service_words(service),
                    dest.0,
                    dest.1,
                    option(row.map_or("Route", |s| s.method))
                )
            ),
        });
    }
    out
}

/// Clients of a server with weight 0 whose template brings them back to it.
pub fn template_over_weight(lab: &Lab<'_>) -> Vec<Found> {
    let mut out: Vec<Found> = Vec::new();
    let failed = LazyCell::new(|| -> BTreeSet<End> { lab.failed().flat_map(|c| lab.client_ends(c)).collect() });
    let fails = |p: &IpPacket| p.l4.ports().is_some_and(|ports| failed.contains(&(p.saddr, ports.0)));
    let uneven = uneven(lab);
    // Weights as they are when each packet comes.
    let mut quiet: Vec<(NodeId, &str, End, SimTime)> = Vec::new();
    for r in lab.log.records {
        match &r.event {
            TraceEvent::ServerSet { service, dest, to } => {
                quiet.retain(|q| (q.0, q.1, q.2) != (r.node, &**service, *dest));
                if to.is_some_and(|(_, weight)| weight == 0) {
                    quiet.push((r.node, service, *dest, r.at));
                }
            }
            TraceEvent::Scheduled { packet, service, dest, because: Because::Persistent, .. } => {
                let row = quiet.iter().find(|q| (q.0, q.1, q.2) == (r.node, &**service, *dest));
                let (Some(row), Some(host)) = (row, lab.host(r.node)) else { continue };
                let told = out.iter().any(|f| f.node == r.node);
                if told || !(uneven || fails(packet)) {
                    continue;
                }
                let client: Ipv4Addr = packet.saddr;
                out.push(Found {
                    code: "template-over-weight",
                    node: r.node,
                    detail: text!(
                        "found-template-over-weight",
                        addr = dest.0,
                        port = dest.1,
                        service,
                        since = lab.log.brief(row.3),
                        client,
                        at = lab.log.brief(r.at),
                        knob = host.net.sysctl.explain_global(Global::VsExpireQuiescentTemplate)
                    ),
                    cure: Text::plain("sysctl -w net.ipv4.vs.expire_quiescent_template=1"),
                });
            }
            _ => {}
        }
    }
    out
}
