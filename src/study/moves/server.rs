//! Changes of what listens on a host, and how much of it there is room for.

use super::{Bench, each_and_all};
use crate::base::{Dist, NodeId};
use crate::node::Host;
use crate::scenario::model::{Kind, Protocol, Serve};
use crate::study::change::{Change, Edit};
use crate::trace::DropReason;
use crate::wire::Proto;
use std::collections::BTreeSet;

/// Whether something listens there.
fn listens(host: &Host, proto: Proto, port: u16) -> bool {
    host.servers.services().any(|s| s.proto == proto && s.port == port)
}

/// The application runs where clients are sent: `service httpd start` at port 80, else a line in the file.
pub fn listen(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut typed = Vec::new();
    let mut keys: Vec<Edit> = Vec::new();
    for h in b.hosts().filter(|h| b.lab.is_server(h.id)) {
        let mut wanted: BTreeSet<(Proto, u16)> = BTreeSet::new();
        for c in &b.lab.log.connections {
            wanted.insert((c.protocol, c.to.1));
        }
        for s in b.lab.servers.iter().filter(|s| s.host == Some(h.id) && s.method == "Masq" && s.addr.1 != 0) {
            let proto = if s.service.starts_with("UDP") { Proto::Udp } else { Proto::Tcp };
            wanted.insert((proto, s.addr.1));
        }
        for (proto, port) in wanted.into_iter().filter(|(proto, port)| !listens(h, *proto, *port)) {
            let unit = match (proto, port) {
                (Proto::Tcp, 80) => "httpd",
                (Proto::Tcp, 23) => "xinetd",
                _ => {
                    keys.extend(serve_too(b, h.id, proto, port));
                    continue;
                }
            };
            typed.push((h.id, vec![format!("service {unit} start")]));
        }
    }
    let mut out = each_and_all(kind, typed);
    out.extend(keys.iter().map(|k| Change { kind, edits: vec![k.clone()] }));
    if keys.len() > 1 {
        out.push(Change { kind, edits: keys });
    }
    out
}

fn serves<'a>(b: &Bench<'a>, node: NodeId) -> &'a [Serve] {
    b.lab.play.scenario.nodes.get(node.index()).map_or(&[], |n| &n.serves)
}

/// The file's `serves` with one more; none where what there is says more than a port.
fn serve_too(b: &Bench<'_>, node: NodeId, proto: Proto, port: u16) -> Option<Edit> {
    let word = match proto {
        Proto::Tcp => Protocol::Tcp.word(),
        Proto::Udp => Protocol::Udp.word(),
        _ => return None,
    };
    let plain = |s: &Serve| {
        s.workers == Serve::UNLIMITED && s.max_connections == Serve::UNLIMITED && s.service_time == Dist::Constant(0)
    };
    let there = serves(b, node);
    if !there.iter().all(plain) {
        return None;
    }
    let mut all: Vec<String> = there.iter().map(|s| format!("{}/{}", s.protocol.word(), s.port)).collect();
    all.push(format!("{word}/{port}"));
    Some(Edit::Key(node, vec!["serves".into()], format!("[{}]", all.join(", "))))
}

/// A longer queue, more workers, or both.
pub fn room(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let full =
        |n: NodeId| b.lab.log.drops().any(|d| d.node == n && matches!(d.reason, DropReason::TcpBacklogFull { .. }));
    let hosts: Vec<NodeId> =
        b.hosts().map(|h| h.id).filter(|n| b.lab.kind(*n) != Some(Kind::Switch) && full(*n)).collect();
    let mut out = Vec::new();
    for keys in [&[("backlog", "1024")][..], &[("workers", "64")], &[("workers", "64"), ("backlog", "1024")]] {
        let mut all = Vec::new();
        for node in &hosts {
            let mut edits = Vec::new();
            for i in 0..serves(b, *node).len() {
                let key = |k: &str| vec!["serves".to_string(), i.to_string(), k.to_string()];
                edits.extend(keys.iter().map(|(k, v)| Edit::Key(*node, key(k), v.to_string())));
            }
            all.extend(edits.clone());
            out.push(Change { kind, edits });
        }
        if hosts.len() > 1 {
            out.push(Change { kind, edits: all });
        }
    }
    out
}
