//! Rows of a run that was played: what reports read beside its trace.

use super::log::{ConnectionRow, DestInfo, DevInfo, Mark, NodeInfo, ServiceInfo, TypedRow};
use super::record::{EventKind, EventRow};
use crate::base::{NodeId, Span};
use crate::ipvs::ServiceKey;
use crate::net::sock::Errno;
use crate::node::app::Outcome;
use crate::scenario::model::{At, LinkChange, StepKind};
use crate::scenario::play::{Play, Typed};
use serde_json::Value;
use std::net::Ipv4Addr;

/// A node with its devices as they are at the end.
pub fn node_info(play: &Play<'_>, id: NodeId) -> NodeInfo {
    let spec = &play.scenario.nodes[id.index()];
    let devs = play.world.host(id).map(|h| {
        h.net
            .devs
            .iter()
            .map(|d| DevInfo {
                name: d.name.to_string(),
                mac: d.mac,
                ethernet: !matches!(d.kind, crate::net::DevKind::Ipip { .. } | crate::net::DevKind::Loopback),
                addrs: d.addrs.iter().map(|a| (a.local, a.prefix)).collect(),
                mtu: d.mtu,
                peer: play.world.peer_of(id, d.idx).map(|end| match play.world.host(end.node) {
                    Some(other) => format!("{}:{}", other.name, other.net.devs[end.dev.index()].name),
                    None => play.scenario.node_name(end.node).to_string(),
                }),
            })
            .collect()
    });
    NodeInfo { name: spec.name.clone(), kind: spec.kind.word().into(), devs: devs.unwrap_or_default() }
}

/// Every connection, in the order of the file, then by index; one by one, as there may be millions.
pub fn connection_rows<'a>(play: &'a Play<'_>) -> impl Iterator<Item = ConnectionRow> + 'a {
    let node = |id: NodeId| play.world.nodes[id.index()].name().clone();
    play.world.workloads.iter().flat_map(move |w| {
        w.results.iter().zip(0..).map(move |(r, index)| ConnectionRow {
            traffic: w.name.clone(),
            index,
            client: node(r.client()),
            source_port: r.port,
            to: w.to,
            protocol: w.protocol,
            start: r.start,
            end: (r.outcome != Outcome::Unfinished).then_some(r.end),
            outcome: r.outcome,
            server: r.server().map(node),
            errno: r.errno.map(Errno::name),
        })
    })
}

/// Virtual services at the end.
pub fn services(play: &Play<'_>) -> Vec<ServiceInfo> {
    let owner = |addr: Ipv4Addr| {
        let has = |n: &&crate::node::Node| n.host().is_some_and(|h| h.net.has_addr(addr));
        play.world.nodes.iter().find(has).map_or(addr.to_string(), |n| n.name().to_string())
    };
    let mut out = Vec::new();
    for node in &play.world.nodes {
        let Some(host) = node.host() else { continue };
        for service in host.ipvs.services() {
            out.push(ServiceInfo {
                director: host.name.to_string(),
                service: service.key().to_string(),
                vip: match service.key() {
                    ServiceKey::Addr { addr, .. } => Some(addr),
                    ServiceKey::Mark(_) => None,
                },
                port: service.key().port(),
                scheduler: service.scheduler().to_string(),
                dests: service
                    .dests()
                    .map(|d| DestInfo {
                        node: owner(d.addr),
                        addr: (d.addr, d.port),
                        forward: d.method.column(),
                        weight: d.weight.max(0) as u32,
                    })
                    .collect(),
            });
        }
    }
    out
}

/// What typed lines printed: of set-up only what went wrong or was said, of the timeline and `observe` everything.
pub fn typed_rows(play: &Play<'_>) -> Vec<TypedRow> {
    let row = |t: &Typed, when: String| TypedRow {
        node: play.scenario.node_name(t.node).to_string(),
        when,
        run: t.run.trim().to_string(),
        status: t.status,
        out: t.out.clone(),
    };
    let setup = play.setup.iter().filter(|t| !t.out.is_empty()).map(|t| row(t, "set-up".into()));
    let later = play.events.iter().filter(|t| t.observe || !t.out.is_empty());
    let later = later.map(|t| row(t, t.at.map_or("end".into(), |at| at.to_string())));
    setup.chain(later).collect()
}

/// Moments of the timeline, in order of time.
pub fn marks(play: &Play<'_>) -> Vec<Mark> {
    let mut out = Vec::new();
    for step in &play.scenario.steps {
        let At::Time(at) = step.at else { continue };
        let text = match &step.kind {
            StepKind::Run { node, script, observe: false } => {
                format!("{}: {}", play.scenario.node_name(*node), script.text.trim())
            }
            StepKind::Run { .. } => continue,
            &StepKind::SetSpeed { node, protocol, port, speed_ppm } => format!(
                "{}: {}/{port} at speed {}",
                play.scenario.node_name(node),
                protocol.word(),
                speed_ppm as f64 / 1e6
            ),
            StepKind::SetLink { ends, set, .. } => format!("{}–{}: {}", ends[0], ends[1], change_words(set)),
        };
        out.push(Mark { at: play.zero + at, text });
    }
    out.sort_by_key(|m| m.at);
    out
}

fn change_words(set: &LinkChange) -> String {
    change_values(set).iter().map(|(k, v)| format!("{k} {v}")).collect::<Vec<_>>().join(", ")
}

fn change_values(set: &LinkChange) -> Vec<(String, Value)> {
    let mut out: Vec<(String, Value)> = Vec::new();
    let mut push = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            out.push((key.to_string(), value));
        }
    };
    push("up", set.up.map(Value::from));
    push("latency", set.latency.map(|l| l.to_string().into()));
    push("bandwidth", set.bandwidth_bps.map(Value::from));
    push("loss", set.loss_ppm.map(|l| format!("{}.{:04}%", l / 10_000, l % 10_000).into()));
    push("mtu", set.mtu.map(Value::from));
    push("queue", set.queue.map(Value::from));
    out
}

/// Entries of `timeline` and `observe`, in order of time.
pub fn event_rows(play: &Play<'_>) -> Vec<EventRow> {
    let mut rows: Vec<(Option<Span>, EventRow)> = Vec::new();
    for typed in &play.events {
        let what = EventKind::Run { node: play.scenario.node_name(typed.node).to_string(), run: typed.run.to_string() };
        let rc = typed.status.map_or(0, i32::from);
        let at = typed.at.map(|at| play.zero + at);
        rows.push((typed.at, EventRow { at, what, observe: typed.observe, rc, out: typed.out.clone() }));
    }
    for step in &play.scenario.steps {
        if let (At::Time(at), StepKind::SetLink { ends, set, .. }) = (step.at, &step.kind) {
            let what = EventKind::Link { link: ends.clone(), set: change_values(set) };
            rows.push((
                Some(at),
                EventRow { at: Some(play.zero + at), what, observe: false, rc: 0, out: String::new() },
            ));
        }
    }
    rows.sort_by_key(|(at, _)| at.map_or(u64::MAX, |a| a.0));
    rows.into_iter().map(|(_, row)| row).collect()
}
