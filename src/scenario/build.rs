//! A resolved scenario becomes a world: boxes, cables, and what the file declares instead of typing it.
//!
//! The order of set-up is the format's: all interfaces up and addressed, then every host's gateway and routes, then
//! sysctls, then what serves. `run` blocks come afterwards, in `play`.

use super::model::{AddrSpec, Arrivals, Kind, NodeSpec, Protocol, Scenario, Serve, Traffic};
use crate::base::{DevIdx, NodeId, Seed, Span};
use crate::engine::arrivals;
use crate::engine::link::{End, Link, LinkProfile};
use crate::engine::workload::Workload;
use crate::engine::world::World;
use crate::node::app::{ConnSpec, Service, Work};
use crate::node::{Host, Node, Switch};
use crate::shell::{self, Output};
use crate::trace::Tracer;
use crate::wire::{Mac, Proto};

/// The world of a scenario, set up as far as the file declares it, and what the kernel had to say against it.
pub fn build(scenario: &Scenario, seed: Seed, tracer: &mut Tracer) -> (World, Vec<String>) {
    let nodes = scenario.nodes.iter().enumerate().map(|(i, n)| box_of(NodeId(i as u32), n, seed)).collect();
    let mut world = World::new(nodes);
    wire(scenario, seed, &mut world);
    let mut complaints = Vec::new();
    declare(scenario, &mut world, tracer, &mut complaints);
    world.workloads = scenario.traffic.iter().map(|t| workload(t, seed)).collect();
    (world, complaints)
}

/// The device of an interface, by its place in the file's list.
pub fn device(world: &World, node: NodeId, name: &str) -> Option<DevIdx> {
    world.host(node)?.net.dev_by_name(name)
}

fn box_of(id: NodeId, spec: &NodeSpec, seed: Seed) -> Node {
    if spec.kind == Kind::Switch {
        let mut switch = Switch::new(spec.name.as_str().into());
        switch.ageing = spec.ageing;
        return Node::Switch(Box::new(switch));
    }
    let mut host = Host::new(id, spec.name.as_str().into(), seed);
    if let Some(time) = spec.frame_time {
        host.set_frame_time(time);
    }
    for interface in &spec.interfaces {
        match host.net.dev_by_name(&interface.name) {
            Some(dev) => host.net.set_mtu(dev, interface.link.mtu).unwrap_or_default(),
            None => {
                host.net.add_ethernet(interface.name.as_str().into(), Mac(interface.mac), interface.link.mtu);
            }
        }
    }
    Node::Host(Box::new(host))
}

fn wire(scenario: &Scenario, seed: Seed, world: &mut World) {
    for cable in &scenario.cables {
        let mut end = |e: super::model::End| match (&mut world.nodes[e.node.index()], e.interface) {
            (Node::Switch(s), _) => (End { node: e.node, dev: s.add_port(cable.link.mtu) }, s.name.to_string()),
            (Node::Host(h), Some(i)) => {
                let name = &scenario.nodes[e.node.index()].interfaces[i].name;
                let dev = h.net.dev_by_name(name).unwrap_or(DevIdx::LO);
                (End { node: e.node, dev }, format!("{}:{name}", h.name))
            }
            (Node::Host(h), None) => (End { node: e.node, dev: DevIdx::LO }, h.name.to_string()),
        };
        let ((a, a_name), (b, b_name)) = (end(cable.a), end(cable.b));
        let profile = LinkProfile {
            latency: cable.link.latency,
            bandwidth: cable.link.bandwidth_bps,
            loss_ppm: cable.link.loss_ppm,
            queue: cable.link.queue,
        };
        let stream = |from: &str, to: &str| seed.stream(&format!("link/{from}-{to}/loss"));
        let rng = [stream(&a_name, &b_name), stream(&b_name, &a_name)];
        world.connect(Link::new([a, b], profile, rng));
    }
}

fn declare(scenario: &Scenario, world: &mut World, tracer: &mut Tracer, complaints: &mut Vec<String>) {
    let hosts: Vec<(NodeId, &NodeSpec)> = scenario
        .nodes
        .iter()
        .enumerate()
        .filter(|(_, n)| n.kind.is_host())
        .map(|(i, n)| (NodeId(i as u32), n))
        .collect();
    for &(id, spec) in &hosts {
        for interface in &spec.interfaces {
            ip(world, id, &format!("link set {} up", interface.name), tracer, complaints);
            for address in &interface.addresses {
                ip(world, id, &address_line(address, &interface.name), tracer, complaints);
            }
        }
    }
    for &(id, spec) in &hosts {
        if let Some(gateway) = spec.gateway {
            ip(world, id, &format!("route add default via {gateway}"), tracer, complaints);
        }
        for route in &spec.routes {
            ip(world, id, &format!("route add {route}"), tracer, complaints);
        }
        // A client with many addresses owns their whole network.
        for (network, length) in scenario.traffic.iter().filter(|t| t.from.contains(&id)).filter_map(|t| t.addresses) {
            ip(world, id, &format!("route replace local {network}/{length} dev lo"), tracer, complaints);
        }
    }
    for &(id, spec) in &hosts {
        let now = world.now;
        let Some(host) = world.nodes[id.index()].host_mut() else { continue };
        for (path, value) in &spec.sysctls {
            if let Err(error) = host.net.sysctl_write(path, value) {
                complaints.push(format!("{}: {path}={value}: {error}", spec.name));
            }
        }
        host.ipvs.sysctl_changed(now, &host.net.sysctl);
    }
    for &(id, spec) in &hosts {
        for serve in &spec.serves {
            world.with_node(id, tracer, |node, _| {
                if let Some(host) = node.host_mut()
                    && let Err(error) = host.serve(service(serve))
                {
                    complaints.push(format!("{}: port {}: {error}", spec.name, serve.port));
                }
            });
        }
    }
}

/// `ip …` on a host, as the format defines its declarations.
fn ip(world: &mut World, id: NodeId, line: &str, tracer: &mut Tracer, complaints: &mut Vec<String>) {
    let args: Vec<String> = line.split_whitespace().map(str::to_string).collect();
    let mut out = Output::default();
    world.with_node(id, tracer, |node, cx| {
        if let Some(host) = node.host_mut() {
            shell::ip::main(&mut host.net, cx.now, &args, &mut out);
            host.settle(cx);
        }
    });
    let said = out.text();
    if !said.is_empty() {
        let name = world.nodes[id.index()].name();
        complaints.push(format!("{name}: ip {line}: {}", said.trim_end()));
    }
}

fn address_line(a: &AddrSpec, dev: &str) -> String {
    let mut line = format!("addr add {}/{} dev {dev}", a.addr, a.prefix);
    if let Some(label) = &a.label {
        line += &format!(" label {label}");
    }
    if let Some(scope) = &a.scope {
        line += &format!(" scope {scope}");
    }
    line
}

fn service(serve: &Serve) -> Service {
    Service {
        proto: proto(serve.protocol),
        port: serve.port,
        work: Work { time: serve.service_time.clone(), per_byte: serve.per_byte },
        workers: serve.workers,
        backlog: serve.backlog,
        discipline: serve.discipline,
        speed_ppm: serve.speed_ppm,
        max_connections: serve.max_connections,
    }
}

/// As packets have it.
pub(super) fn proto(p: Protocol) -> Proto {
    match p {
        Protocol::Tcp => Proto::Tcp,
        Protocol::Udp => Proto::Udp,
    }
}

fn workload(t: &Traffic, seed: Seed) -> Workload {
    let (arrivals, sizes) = match &t.arrivals {
        Arrivals::Every(gap) | Arrivals::Rate(gap) => (arrivals::Arrivals::Every(*gap), None),
        Arrivals::Poisson(mean) => (arrivals::Arrivals::Poisson(*mean), None),
        Arrivals::Mmpp(phases) => (arrivals::Arrivals::Mmpp(phases.clone()), None),
        Arrivals::Steps(steps) => (arrivals::Arrivals::Steps(steps.clone()), None),
        Arrivals::Trace { times, sizes } => (arrivals::Arrivals::Trace(times.clone()), sizes.clone()),
    };
    let spec = ConnSpec {
        request: t.request.clone(),
        response: t.response.clone(),
        hold: t.hold,
        timeout: t.timeout,
        requests: t.requests.min(u64::from(u32::MAX)) as u32,
        think: t.think.clone(),
        sizes,
        draws: seed.draws(&format!("traffic/{}/connections", t.name)),
    };
    let rng = seed.stream(&format!("traffic/{}/arrivals", t.name));
    Workload {
        from: t.from.clone(),
        sources: t.sources,
        to: t.to,
        protocol: proto(t.protocol),
        connections: t.connections,
        users: t.users,
        source_port: t.source_port,
        ..Workload::new(t.name.as_str().into(), spec.into(), arrivals, rng)
    }
}

/// One second after the last connection a run without `duration` ends.
pub const AFTER_THE_LAST: Span = Span::from_secs(1);
