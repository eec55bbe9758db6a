//! A submitted scenario and the lab: what is taken from which, and what of the submission is left out.
//!
//! The submission gives, on the hosts and for the keys that the lab's `grade` names (all, unless said otherwise): addresses of
//! interfaces, gateway, routes, sysctls, the `run` block, and what it types in `timeline` beyond what the lab types there.
//! All else is the lab's: nodes and cables, servers, traffic, the lab's own timeline, what is observed and expected,
//! the seed, the duration. So nobody edits what he is judged by.

use crate::base::NodeId;
use crate::lang::Text;
use crate::scenario::Scenario;
use crate::scenario::grading::Part;
use crate::scenario::model::{Claim, NodeSpec, Peer, Step, StepKind, Traffic};
use crate::text;
use std::collections::BTreeMap;

/// Entries of `timeline` that a submission may add.
pub const MAX_ENTRIES: usize = 1_000;

/// What is played.
#[derive(Debug)]
pub struct Merged {
    /// The lab with what the submission gives.
    pub scenario: Scenario,
    /// Where the submission differs and that does not count, in words.
    pub left_out: Vec<Text>,
}

/// Puts what a submission gives into the lab.
///
/// # Errors
/// A sentence, if its nodes are not those of the lab or it types too much.
pub fn merge(lab: &Scenario, theirs: &Scenario) -> Result<Merged, Text> {
    let map = nodes(lab, theirs)?;
    let mut scenario = lab.clone();
    let mut left_out = Vec::new();
    for (i, their) in theirs.nodes.iter().enumerate().filter(|(_, n)| n.kind.is_host()) {
        host(&mut scenario, map[i], their, &map, &mut left_out)?;
    }
    timeline(&mut scenario, theirs, &map, &mut left_out)?;
    rest(lab, theirs, &map, &mut left_out);
    left_out.dedup();
    Ok(Merged { scenario, left_out })
}

/// The lab's number of each of their nodes.
fn nodes(lab: &Scenario, theirs: &Scenario) -> Result<Vec<NodeId>, Text> {
    let missing: Vec<&str> =
        lab.nodes.iter().map(|n| n.name.as_str()).filter(|n| theirs.node(n).is_none()).take(5).collect();
    if !missing.is_empty() {
        return Err(text!("grade-node-missing", nodes = missing.join(", ")));
    }
    let mut map = Vec::with_capacity(theirs.nodes.len());
    for their in &theirs.nodes {
        let Some(id) = lab.node(&their.name) else {
            return Err(text!("grade-node-extra", node = their.name));
        };
        let is = lab.nodes[id.index()].kind;
        if is != their.kind {
            let (is, says) = (is.word(), their.kind.word());
            return Err(text!("grade-node-kind", node = their.name, is, says));
        }
        map.push(id);
    }
    Ok(map)
}

/// What a host gets.
fn host(
    scenario: &mut Scenario,
    id: NodeId,
    their: &NodeSpec,
    map: &[NodeId],
    left_out: &mut Vec<Text>,
) -> Result<(), Text> {
    let grading = scenario.grading.clone();
    let ours = &mut scenario.nodes[id.index()];
    let name = ours.name.clone();
    for interface in &ours.interfaces {
        if interface.cable.is_some() && !their.interfaces.iter().any(|i| i.name == interface.name) {
            return Err(text!("grade-interface-missing", name, interface = interface.name));
        }
    }
    let mut differs = |what: Text| left_out.push(text!("grade-of", what, name));
    let takes = |part: Part| grading.on(id) && grading.has(part);
    for interface in &their.interfaces {
        match ours.interfaces.iter_mut().find(|i| i.name == interface.name) {
            Some(own) => {
                let to = match &interface.to {
                    Peer::Switch(node) => Peer::Switch(map[node.index()]),
                    Peer::Cable(node, port) => Peer::Cable(map[node.index()], port.clone()),
                    Peer::None => Peer::None,
                };
                if own.link != interface.link || own.to != to {
                    differs(text!("grade-the-cable", interface = interface.name));
                }
                match takes(Part::Interfaces) {
                    true => own.addresses.clone_from(&interface.addresses),
                    false if own.addresses != interface.addresses => {
                        differs(text!("grade-addresses", interface = interface.name));
                    }
                    false => {}
                }
            }
            None if interface.cable.is_some() => {
                return Err(text!("grade-interface-extra", name, interface = interface.name));
            }
            None if takes(Part::Interfaces) => ours.interfaces.push(interface.clone()),
            None => differs(text!("grade-addresses", interface = interface.name)),
        }
    }
    // What the submission does not name has no address there; what has no cable may be left away.
    if takes(Part::Interfaces) {
        let named = |name: &str| their.interfaces.iter().any(|i| i.name == name);
        ours.interfaces.iter_mut().filter(|i| !named(&i.name)).for_each(|i| i.addresses.clear());
    }
    let mut take = |part: Part, word: &str, same: bool, take: &mut dyn FnMut()| match takes(part) {
        true => take(),
        false if !same => left_out.push(text!("grade-key-of", word, name)),
        false => {}
    };
    take(Part::Gateway, "gateway", ours.gateway == their.gateway, &mut || ours.gateway = their.gateway);
    take(Part::Routes, "routes", ours.routes == their.routes, &mut || ours.routes.clone_from(&their.routes));
    take(Part::Sysctl, "sysctl", ours.sysctls == their.sysctls, &mut || ours.sysctls.clone_from(&their.sysctls));
    let text = |node: &NodeSpec| node.run.as_ref().map(|r| r.text.clone());
    take(Part::Run, "run", text(ours) == text(their), &mut || ours.run.clone_from(&their.run));
    if ours.serves != their.serves {
        left_out.push(text!("grade-serves-of", name));
    }
    if ours.frame_time != their.frame_time {
        left_out.push(text!("grade-packet-rate-of", name));
    }
    Ok(())
}

/// Adds what they type later, behind the lab's own entries: the lab's faults cannot be taken out.
fn timeline(scenario: &mut Scenario, theirs: &Scenario, map: &[NodeId], left_out: &mut Vec<Text>) -> Result<(), Text> {
    // Each of the lab's entries excuses one equal entry.
    let mut known: Vec<Step> = scenario.steps.iter().map(|s| Step { line: 0, ..plain(s.clone()) }).collect();
    let mut added = 0;
    for step in &theirs.steps {
        let step = moved(step, map);
        if let Some(same) = known.iter().position(|k| *k == Step { line: 0, ..plain(step.clone()) }) {
            known.remove(same);
            continue;
        }
        match &step.kind {
            StepKind::Run { observe: true, .. } => left_out.push(Text::plain("observe")),
            StepKind::Run { node, .. } if scenario.grading.on(*node) && scenario.grading.has(Part::Timeline) => {
                added += 1;
                if added > MAX_ENTRIES {
                    return Err(text!("grade-too-many-entries", most = MAX_ENTRIES));
                }
                scenario.steps.push(step);
            }
            StepKind::Run { node, .. } => left_out.push(text!("grade-timeline-of", host = scenario.node_name(*node))),
            StepKind::SetLink { .. } | StepKind::SetSpeed { .. } => {
                left_out.push(text!("grade-cables-in-timeline"));
            }
        }
    }
    // Who hands in his nodes only leaves all of it away, and knows.
    let gone = |s: &Step| !matches!(s.kind, StepKind::Run { observe: true, .. });
    if !theirs.steps.is_empty() && known.iter().any(gone) {
        left_out.push(text!("grade-entries-left-away"));
    }
    Ok(())
}

/// Without what differs between files that say the same.
fn plain(mut step: Step) -> Step {
    match &mut step.kind {
        StepKind::Run { script, .. } => script.line = 0,
        // Cables are numbered in the order of the file; their ends have names.
        StepKind::SetLink { cables, .. } => cables.clear(),
        StepKind::SetSpeed { .. } => {}
    }
    step
}

/// With the lab's numbers of nodes.
fn moved(step: &Step, map: &[NodeId]) -> Step {
    let mut step = step.clone();
    match &mut step.kind {
        StepKind::Run { node, .. } | StepKind::SetSpeed { node, .. } => *node = map[node.index()],
        StepKind::SetLink { .. } => {}
    }
    step
}

/// Tells what differs of all else; what the submission does not say is the lab's anyway.
fn rest(lab: &Scenario, theirs: &Scenario, map: &[NodeId], left_out: &mut Vec<Text>) {
    let traffic = |t: &Traffic, map: Option<&[NodeId]>| {
        let from = t.from.iter().map(|n| map.map_or(*n, |m| m[n.index()])).collect();
        Traffic { line: 0, from, ..t.clone() }
    };
    let ours: Vec<Traffic> = lab.traffic.iter().map(|t| traffic(t, None)).collect();
    let their: Vec<Traffic> = theirs.traffic.iter().map(|t| traffic(t, Some(map))).collect();
    let claims =
        |s: &Scenario, map: Option<&[NodeId]>| -> Vec<Claim> { s.expect.iter().map(|e| claim(&e.what, map)).collect() };
    let marking = |s: &Scenario| s.expect.iter().map(|e| e.marking.clone()).collect::<Vec<_>>();
    let trunks = |s: &Scenario| -> BTreeMap<[String; 2], Vec<crate::scenario::model::LinkSpec>> {
        let mut by_ends: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for t in &s.trunks {
            let mut ends = [s.node_name(t.a).to_string(), s.node_name(t.b).to_string()];
            ends.sort();
            by_ends.entry(ends).or_default().push(t.link);
        }
        by_ends
    };
    let differ = [
        ("traffic", !their.is_empty() && ours != their),
        ("links", trunks(lab) != trunks(theirs)),
        (
            "expect",
            !theirs.expect.is_empty()
                && (claims(lab, None) != claims(theirs, Some(map)) || marking(lab) != marking(theirs)),
        ),
        ("seed", theirs.seed != 1 && lab.seed != theirs.seed),
        ("duration", theirs.duration.is_some() && lab.duration != theirs.duration),
    ];
    left_out.extend(differ.iter().filter(|d| d.1).map(|d| Text::plain(d.0)));
}

/// With the lab's numbers of nodes, and without lines.
fn claim(what: &Claim, map: Option<&[NodeId]>) -> Claim {
    let mut what = what.clone();
    let to = |id: &mut NodeId| {
        if let Some(map) = map {
            *id = map[id.index()];
        }
    };
    match &mut what {
        Claim::Outcomes { .. } => {}
        Claim::Served { counts, .. } => counts.iter_mut().for_each(|(id, _)| to(id)),
        Claim::Sequence { servers, .. } => servers.iter_mut().flatten().for_each(to),
        Claim::Neighbour { on, is, .. } => {
            to(on);
            is.iter_mut().for_each(to);
        }
        Claim::Output { node, script, .. } => {
            to(node);
            script.line = 0;
        }
        Claim::Dropped { node, .. } => to(node),
    }
    what
}
