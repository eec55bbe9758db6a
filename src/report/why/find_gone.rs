//! Causes in what a connection or a template keeps of a server that was to go: deleted under open connections, or bound to
//! clients that weight 0 does not turn away (net/netfilter/ipvs/ip_vs_core.c, ip_vs_conn.c).

use super::causes::Found;
use super::find_ipvs::{option, service_words, uneven};
use super::lab::{End, Lab};
use crate::base::{NodeId, SimTime};
use crate::ipvs::ServiceView;
use crate::lang::Text;
use crate::report::log::Drop;
use crate::sysctl::Global;
use crate::text;
use crate::trace::{Because, DropReason, TraceEvent};
use crate::wire::IpPacket;
use std::net::Ipv4Addr;

/// A server that a table has no more, while a connection to it lives.
struct Gone {
    service: String,
    dest: End,
    /// When it was deleted; none: its whole service was.
    at: Option<SimTime>,
}

/// The server that the lost packet's connection was sent to, if it was deleted before the loss.
fn lost_server(lab: &Lab<'_>, d: &Drop<'_>) -> Option<Gone> {
    let p = d.frame.ip()?;
    match d.reason {
        DropReason::IpvsDestGone { .. } => {}
        // The entry ended with its server (expire_nodest_conn), and what is no SYN is not scheduled: the host takes it itself.
        // Without any service its hooks look at no packet, whatever the knob.
        DropReason::TcpNoConnection if forgets(lab, d.node) || empty(lab, d.node) => {}
        _ => return None,
    }
    let (service, dest) = lab.log.records.iter().rev().filter(|r| r.at <= d.at && r.node == d.node).find_map(|r| {
        let TraceEvent::Scheduled { packet, service, dest, .. } = &r.event else { return None };
        let same = (packet.saddr, packet.daddr) == (p.saddr, p.daddr) && packet.l4.ports() == p.l4.ports();
        same.then(|| (service.to_string(), *dest))
    })?;
    let last = lab.log.records.iter().rev().filter(|r| r.at <= d.at && r.node == d.node).find_map(|r| match &r.event {
        TraceEvent::ServerSet { service: s, dest: e, to } if **s == *service && *e == dest => {
            Some((r.at, to.is_none()))
        }
        _ => None,
    });
    let at = last.filter(|(_, gone)| *gone).map(|(at, _)| at);
    let proved = matches!(d.reason, DropReason::IpvsDestGone { .. });
    let has = |s: ServiceView<'_>| s.key().to_string() == service && s.dests().any(|x| (x.addr, x.port) == dest);
    let listed = lab.host(d.node)?.ipvs.services().any(has);
    (proved || at.is_some() || !listed).then_some(Gone { service, dest, at })
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
    for d in lab.drops() {
        if out.iter().any(|f| f.node == d.node) {
            continue;
        }
        let (Some(gone), Some(host)) = (lost_server(lab, &d), lab.host(d.node)) else { continue };
        let Gone { service, dest, at } = gone;
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
                    service_words(&service),
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
    let fails = |p: &IpPacket| {
        let client = |c| p.l4.ports().is_some_and(|ports| lab.client_ends(c).contains(&(p.saddr, ports.0)));
        lab.failed().any(client)
    };
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
