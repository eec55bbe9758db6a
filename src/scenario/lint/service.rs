//! The director's table: what schedulers ignore, services without servers, addresses without services, two directors.

use super::Finding;
use super::lab::{Asked, Lab, Virtual};
use super::walk::{End, Parcel};
use crate::base::NodeId;
use crate::ipvs::Method;
use crate::lang::Text;
use crate::scenario::model::StepKind;
use crate::text;
use crate::wire::Proto;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// L010: nobody who has the service has its address.
pub fn director_without_vip(lab: &Lab<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for service in lab.services.iter().filter(|_| !lab.unsure) {
        let Some(vip) = service.vip else { continue };
        // A second director has the table and gets the address when it takes over.
        let has = |s: &&Virtual| s.key == service.key && lab.host(s.node).net.is_local(vip);
        if lab.services.iter().any(|s| has(&s)) {
            continue;
        }
        let name = lab.name(service.node);
        let lost = |a: &Asked| {
            let ways = lab.ways(a.client, Parcel { saddr: a.from, daddr: a.to.0, request: Some(a) });
            ways.iter().all(|w| !matches!(w.end, End::Arrived | End::Unknown))
        };
        let dev = lab.towards_clients(service);
        found.push(
            Finding::new(lab, service.node, lab.at_service(service), text!("lint-director-without-vip", name, vip))
                .label(text!("lint-no-interface-has"))
                .note(text!("lint-director-without-vip-note", vip))
                .cure(Text::plain(format!("ip addr add {vip}/32 dev {dev}")))
                .fails(service.asked.first().is_some_and(lost)),
        );
    }
    found
}

/// L011: no server may be chosen.
pub fn no_servers(lab: &Lab<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for service in lab.services.iter().filter(|_| !lab.unsure) {
        if service.reals.iter().any(|r| r.weight > 0) {
            continue;
        }
        // Who has a second address line later may add servers; only a connection that comes before is lost for sure.
        let later = |s: &crate::scenario::model::Step| matches!(&s.kind, StepKind::Run { node, script, observe: false } if *node == service.node && script.text.contains("ipvsadm"));
        let lost = service.reached;
        if !lost && (lab.world.processes.busy() || lab.scenario.steps.iter().any(later)) {
            continue;
        }
        let name = lab.name(service.node);
        let (title, label) = match service.reals.is_empty() {
            true => (text!("lint-no-servers", service = service.option(), name), text!("lint-no-a-follows")),
            false => (text!("lint-all-quiesced", service = service.option(), name), text!("lint-none-may-be-chosen")),
        };
        found.push(
            Finding::new(lab, service.node, lab.at_service(service), title)
                .label(label)
                .note(text!("lint-no-servers-note"))
                .cure(text!("lint-no-servers-cure", service = service.option()))
                .fails(lost),
        );
    }
    found
}

/// L012: the director has services, but none for what is asked.
pub fn no_service(lab: &Lab<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for asked in &lab.asked {
        let ways = lab.ways(asked.client, Parcel { saddr: asked.from, daddr: asked.to.0, request: Some(asked) });
        let ends: BTreeSet<NodeId> = ways.iter().filter_map(|w| w.last().map(|(n, _)| n)).collect();
        let [node] = ends.iter().copied().collect::<Vec<_>>()[..] else { continue };
        let arrived = ways.iter().all(|w| w.end == End::Arrived);
        let has: Vec<&Virtual> = lab.services.iter().filter(|s| s.node == node).collect();
        let taken = has.iter().any(|s| s.asked.iter().any(|a| a.to == asked.to && a.proto == asked.proto));
        let (addr, port) = asked.to;
        // A line that ipvsadm refused is why there is none.
        let adds = |c: &&super::journal::Command| {
            let option = |w: &String| w == "--add-service" || w.starts_with("-A");
            c.is("ipvsadm") && c.status != 0 && !c.out.contains("already exists") && c.words.iter().any(option)
        };
        let refused = lab.journal.on(node).find(adds);
        let director = !has.is_empty() || refused.is_some();
        if !arrived || !director || taken || lab.listens(node, asked.proto, addr, port) {
            continue;
        }
        let traffic = &lab.scenario.traffic[asked.traffic];
        let name = lab.name(node);
        let listed: Vec<String> = has.iter().map(|s| s.option()).collect();
        let option = if asked.proto == Proto::Udp { "-u" } else { "-t" };
        let wanted = lab.at_line(traffic.line, "", &format!("{addr}:{port}"));
        let title = text!("lint-no-service", name, addr, port);
        let finding = match refused {
            Some(command) => Finding::new(lab, node, lab.at_command(command, ""), title)
                .label(command.out.lines().next().map_or_else(|| text!("lint-refused"), Text::plain))
                .also(wanted, text!("lint-asked-here")),
            None => Finding::new(lab, node, wanted, title).label(text!(
                "lint-has-services",
                name,
                services = listed.join(", ")
            )),
        };
        found.push(
            finding
                .note(text!("lint-no-service-note"))
                .cure(Text::plain(format!("ipvsadm -A {option} {addr}:{port} -s rr")))
                .fails(true),
        );
    }
    found
}

/// L013: weights on a scheduler that does not look at them.
pub fn weight_ignored(lab: &Lab<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for service in lab.services.iter().filter(|s| matches!(s.scheduler, "rr" | "lc" | "dh")) {
        let weights: BTreeSet<i32> = service.reals.iter().map(|r| r.weight).filter(|&w| w > 0).collect();
        let Some(real) = service.reals.iter().max_by_key(|r| r.weight).filter(|_| weights.len() > 1) else { continue };
        let scheduler = service.scheduler;
        let better = match scheduler {
            "rr" => "wrr",
            "lc" => "wlc",
            _ => "sh",
        };
        let name = lab.name(service.node);
        found.push(
            Finding::new(lab, service.node, lab.at_real(service, real), text!("lint-weight-ignored", scheduler, name))
                .label(text!("lint-weight-no-effect", weight = real.weight))
                .also(lab.at_service(service), Text::plain(format!("-s {scheduler}")))
                .note(text!("lint-weight-ignored-note", scheduler, service = service.option()))
                .cure(Text::plain(format!("ipvsadm -E {} -s {better}", service.option()))),
        );
    }
    found
}

/// L014: persistence where the source is hashed already.
pub fn persistence_with_hash(lab: &Lab<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for service in lab.services.iter().filter(|s| s.persistent && matches!(s.scheduler, "sh" | "mh")) {
        let scheduler = service.scheduler;
        found.push(
            Finding::new(
                lab,
                service.node,
                lab.at_service(service),
                text!("lint-persistence", service = service.option(), name = lab.name(service.node), scheduler),
            )
            .label(text!("lint-persistence-label", scheduler))
            .note(text!("lint-persistence-note"))
            .cure(text!("lint-persistence-cure", service = service.option(), scheduler)),
        );
    }
    found
}

/// L015: two directors that would serve differently.
pub fn directors_differ(lab: &Lab<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (i, second) in lab.services.iter().enumerate() {
        let first = lab.services[..i].iter().find(|s| s.key == second.key && s.node != second.node);
        let Some(first) = first.filter(|f| lab.segments.together(f.node, second.node)) else { continue };
        let Some((how, at)) = difference(first, second) else { continue };
        let (a, b) = (lab.name(first.node), lab.name(second.node));
        let place = at.map_or_else(|| lab.at_service(second), |r| lab.at_real(second, &second.reals[r]));
        found.push(
            Finding::new(lab, second.node, place, text!("lint-directors-differ", a, b, service = second.option()))
                .label(text!("lint-how", b, how))
                .also(lab.at_service(first), text!("lint-table-of", a))
                .note(text!("lint-directors-differ-note"))
                .cure(text!("lint-directors-differ-cure", a, b)),
        );
    }
    found
}

/// What is otherwise on the second, and which of its servers shows it.
fn difference(first: &Virtual, second: &Virtual) -> Option<(Text, Option<usize>)> {
    // A server that says sorry is the director's own.
    let own = |a: Ipv4Addr| a.is_loopback();
    let table = |s: &Virtual| -> BTreeMap<(Ipv4Addr, u16), (Method, i32)> {
        s.reals.iter().filter(|r| !own(r.addr)).map(|r| ((r.addr, r.port), (r.method, r.weight))).collect()
    };
    let (a, b) = (table(first), table(second));
    for (at, real) in second.reals.iter().enumerate().filter(|(_, r)| !own(r.addr)) {
        match a.get(&(real.addr, real.port)) {
            None => return Some((text!("lint-here-only", server = real.addr), Some(at))),
            Some((method, _)) if *method != real.method => {
                return Some((text!("lint-other-has", this = real.method.column(), other = method.column()), Some(at)));
            }
            Some((_, weight)) if *weight != real.weight => {
                return Some((text!("lint-other-weight", this = real.weight, weight), Some(at)));
            }
            Some(_) => {}
        }
    }
    if let Some(((addr, _), _)) = a.iter().find(|(key, _)| !b.contains_key(key)) {
        return Some((text!("lint-is-missing", addr), None));
    }
    if first.scheduler != second.scheduler {
        return Some((text!("lint-other-has", this = second.scheduler, other = first.scheduler), None));
    }
    (first.persistent != second.persistent).then(|| (text!("lint-one-persistent"), None))
}

/// L016: two groups of keepalived with one virtual router id in one segment. Its file is read as it lies on each host.
pub fn vrid_duplicate(lab: &Lab<'_>) -> Vec<Finding> {
    let mut groups: Vec<(NodeId, Group)> = Vec::new();
    for (node, _) in lab.hosts() {
        let Some(text) = lab.world.processes.file(node, "/etc/keepalived/keepalived.conf") else { continue };
        groups.extend(vrrp_groups(text).into_iter().map(|g| (node, g)));
    }
    let mut found = Vec::new();
    for (i, (node, group)) in groups.iter().enumerate() {
        let clash = groups[..i].iter().find(|(n, g)| {
            let together = if n == node { g.interface == group.interface } else { lab.segments.together(*n, *node) };
            g.id == group.id && together && (n == node || g.addresses != group.addresses)
        });
        let Some((other, first)) = clash else { continue };
        let place = |n: NodeId, g: &Group| {
            let spec = lab.scenario.nodes[n.index()].run.as_ref();
            let lines = spec.map_or("", |s| &s.text);
            let at = lines.lines().position(|l| l.contains(&g.name));
            let id = lines.lines().skip(at.unwrap_or(0)).position(|l| l.contains("virtual_router_id"));
            match (spec, at, id) {
                (Some(s), Some(at), Some(id)) => lab.at_line(s.line + (at + id) as u32, "virtual_router_id", ""),
                _ => lab.at_node(n, &[]),
            }
        };
        let (a, b) = (lab.name(*other), lab.name(*node));
        found.push(
            Finding::new(
                lab,
                *node,
                place(*node, group),
                text!("lint-vrid", group = group.name, b, other = first.name, a, id = group.id),
            )
            .label(text!("lint-for", addresses = group.addresses.join(", ")))
            .also(place(*other, first), text!("lint-for", addresses = first.addresses.join(", ")))
            .note(text!("lint-vrid-note"))
            .cure(text!("lint-vrid-cure")),
        );
    }
    found
}

/// One `vrrp_instance` of a file.
struct Group {
    name: String,
    id: u32,
    interface: String,
    addresses: Vec<String>,
}

/// The `vrrp_instance`s of a file. What has no `virtual_router_id` is left out.
fn vrrp_groups(text: &str) -> Vec<Group> {
    let bare = text.lines().map(|l| l.split(['#', '!']).next().unwrap_or(""));
    let spaced = bare.collect::<Vec<_>>().join("\n").replace('{', " { ").replace('}', " } ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut groups = Vec::new();
    let mut at = 0;
    while let Some(start) = words.get(at..).and_then(|w| w.iter().position(|w| *w == "vrrp_instance")).map(|i| i + at) {
        let mut depth = 0i32;
        let length = words[start..].iter().position(|w| {
            depth += i32::from(*w == "{") - i32::from(*w == "}");
            *w == "}" && depth == 0
        });
        let block = &words[start..length.map_or(words.len(), |l| start + l)];
        let after = |key: &str| block.iter().position(|w| *w == key).and_then(|i| block.get(i + 1));
        let from =
            block.iter().position(|w| *w == "virtual_ipaddress").map_or(block.len(), |i| (i + 2).min(block.len()));
        let addresses = block[from..]
            .iter()
            .take_while(|w| **w != "}")
            .filter(|w| w.split('/').next().is_some_and(|a| a.parse::<Ipv4Addr>().is_ok()));
        if let (Some(name), Some(id)) = (block.get(1), after("virtual_router_id").and_then(|id| id.parse().ok())) {
            groups.push(Group {
                name: format!("vrrp_instance {name}"),
                id,
                interface: after("interface").map_or("", |i| i).to_string(),
                addresses: addresses.map(|a| a.to_string()).collect(),
            });
        }
        at = start + block.len();
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_groups_of_a_keepalived_file_are_read() {
        let text = "! a comment\nvrrp_instance VI_1 {\n  interface eth0\n  virtual_router_id 51 # the same\n  authentication {\n\
                    auth_type PASS\n  }\n  virtual_ipaddress {\n    10.0.0.100/24 dev eth0\n  }\n}\n\
                    vrrp_instance VI_2{\n interface eth1\n virtual_router_id 52\n virtual_ipaddress { 10.0.1.100 }\n}\n";
        let groups = vrrp_groups(text);
        let shown: Vec<String> =
            groups.iter().map(|g| format!("{} {} {} {}", g.name, g.id, g.interface, g.addresses.join("+"))).collect();
        assert_eq!(shown, ["vrrp_instance VI_1 51 eth0 10.0.0.100/24", "vrrp_instance VI_2 52 eth1 10.0.1.100"]);
    }
}
