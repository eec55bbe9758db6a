//! `lvsim order`: every order of what is typed on one host, and who ends with a wrong hardware address in which.
//!
//! What is typed are the lines of the host's `run` block and its entries of the timeline; the moments stay, the commands
//! change places. Each order is a run of its own. Beyond a number of runs, orders are drawn from a named stream.

use super::exam::Facts;
use crate::base::{NodeId, Seed};
use crate::lang::{Lang, Text};
use crate::report::run::{Run, RunOptions, simulate};
use crate::scenario::Scenario;
use crate::scenario::model::{ScriptSpec, StepKind};
use crate::shell::bash::outline::statements;
use crate::text;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::Ipv4Addr;

/// Runs that are made unless the caller says otherwise: all orders of six commands.
pub const RUNS: usize = 720;

/// What came of all orders.
#[derive(Clone, Debug)]
pub struct Orders {
    /// The host.
    pub node: String,
    /// The commands as the file has them, from 0.
    pub commands: Vec<String>,
    /// How many orders there are; none: more than a number holds.
    pub orders: Option<u64>,
    /// How many were run.
    pub runs: usize,
    /// The addresses that were watched: virtual ones.
    pub watched: Vec<Ipv4Addr>,
    /// What came out, most frequent first.
    pub groups: Vec<Group>,
    /// The caller stopped it.
    pub interrupted: bool,
}

/// Orders with one result.
#[derive(Clone, Debug)]
pub struct Group {
    /// The result.
    pub result: Outcome,
    /// In how many runs.
    pub runs: usize,
    /// One of these orders, as places in [`Orders::commands`]; the file's own where it is among them.
    pub witness: Vec<usize>,
    /// Whether the file's own order is among them.
    pub own: bool,
}

/// What a run ends with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outcome {
    /// Somebody has a wrong hardware address for a VIP: a server's.
    pub wrong: bool,
    /// Who takes whom for which address: `router takes rs1 for 192.168.1.200`.
    pub takes: Vec<Text>,
    /// Connections that were answered, of all.
    pub ok: (u64, u64),
    /// Expectations that hold, of all.
    pub held: (usize, usize),
    /// A limit ended it.
    pub stopped: bool,
}

/// Why there is nothing to put in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoOrders {
    /// No such host, or a switch.
    NoHost,
    /// Fewer than two commands are typed on it.
    TooFew(usize),
}

/// A place in which a command is typed.
#[derive(Clone, Copy, Debug)]
enum Slot {
    /// A line of the `run` block.
    SetUp,
    /// This entry of the timeline.
    Step(usize),
}

/// Runs every order of what is typed on `node`, or `most` of them. `go_on` is asked before each run.
///
/// # Errors
/// [`NoOrders`].
pub fn orders(
    scenario: &Scenario,
    node: NodeId,
    most: usize,
    options: &RunOptions,
    go_on: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<Orders, NoOrders> {
    let spec = scenario.nodes.get(node.index()).ok_or(NoOrders::NoHost)?;
    let mut commands: Vec<String> = Vec::new();
    let mut slots = Vec::new();
    for command in spec.run.iter().flat_map(|s| statements(&s.text)) {
        commands.push(command);
        slots.push(Slot::SetUp);
    }
    for (i, step) in scenario.steps.iter().enumerate() {
        if let StepKind::Run { node: on, script, observe: false } = &step.kind
            && *on == node
        {
            commands.push(script.text.trim_end().to_string());
            slots.push(Slot::Step(i));
        }
    }
    if commands.len() < 2 {
        return Err(NoOrders::TooFew(commands.len()));
    }
    let own: Vec<usize> = (0..commands.len()).collect();
    let total = (1..=commands.len() as u64).try_fold(1u64, |n, k| n.checked_mul(k));
    let all = total.is_some_and(|t| t <= most as u64);
    let planned = if all { total.unwrap_or(0) as usize } else { most.max(1) };
    let mut rng = Seed(options.seed.unwrap_or(scenario.seed)).stream("study/order");
    let mut order = own.clone();
    let mut groups: BTreeMap<Outcome, Group> = BTreeMap::new();
    let (mut runs, mut interrupted, mut watched) = (0, false, Vec::new());
    while runs < planned {
        if !go_on(runs, planned) {
            interrupted = true;
            break;
        }
        let changed = in_order(scenario, node, &commands, &slots, &order);
        let run = simulate(&changed, options, &mut |_| true);
        let lab = run.lab();
        if runs == 0 {
            watched = lab.vips.iter().copied().collect();
        }
        let result = outcome(&run, &Facts::of(&run, &lab));
        let is_own = order == own;
        let group =
            groups.entry(result.clone()).or_insert(Group { result, runs: 0, witness: order.clone(), own: false });
        group.runs += 1;
        if is_own {
            (group.own, group.witness) = (true, order.clone());
        }
        runs += 1;
        if all {
            if !next_order(&mut order) {
                break;
            }
        } else {
            for i in (1..order.len()).rev() {
                order.swap(i, rng.below(i as u64 + 1) as usize);
            }
        }
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.sort_by(|a, b| b.runs.cmp(&a.runs).then_with(|| a.result.cmp(&b.result)));
    let node = scenario.node_name(node).to_string();
    Ok(Orders { node, commands, orders: total, runs, watched, groups, interrupted })
}

/// The scenario with the commands of a host in another order.
fn in_order(scenario: &Scenario, node: NodeId, commands: &[String], slots: &[Slot], order: &[usize]) -> Scenario {
    let mut changed = scenario.clone();
    let mut block = String::new();
    for (slot, &which) in slots.iter().zip(order) {
        match *slot {
            Slot::SetUp => {
                block.push_str(&commands[which]);
                block.push('\n');
            }
            Slot::Step(i) => {
                if let StepKind::Run { script, .. } = &mut changed.steps[i].kind {
                    script.text = format!("{}\n", commands[which]).into();
                }
            }
        }
    }
    if let Some(run) = &mut changed.nodes[node.index()].run {
        *run = ScriptSpec { text: block.into(), line: run.line };
    }
    changed
}

/// The next permutation in the order of the alphabet; false after the last.
fn next_order(order: &mut [usize]) -> bool {
    let Some(i) = order.windows(2).rposition(|w| w[0] < w[1]) else { return false };
    let j = order.iter().rposition(|&x| x > order[i]).expect("the one behind it is larger");
    order.swap(i, j);
    order[i + 1..].reverse();
    true
}

fn outcome(run: &Run<'_>, facts: &Facts) -> Outcome {
    Outcome {
        wrong: facts.astray(),
        takes: facts.neighbours.iter().map(|(host, addr, owner)| text!("order-takes", host, owner, addr)).collect(),
        ok: (facts.ok(), facts.made()),
        held: (run.expectations.iter().filter(|e| e.held).count(), run.expectations.len()),
        stopped: !facts.ended,
    }
}

/// For people.
pub fn text(o: &Orders, lang: Lang) -> String {
    let mut out = format!("{}\n", text!("order-typed-on", host = o.node).say(lang));
    for (n, c) in o.commands.iter().enumerate() {
        let _ = writeln!(out, "  {:>2}  {}", n + 1, c.replace('\n', "\n      "));
    }
    let of = match o.orders {
        Some(all) if all == o.runs as u64 => text!("order-all"),
        Some(all) => text!("order-drawn", all),
        None => text!("order-drawn-of-more"),
    };
    let _ = writeln!(out, "\n{}", text!("order-runs", n = o.runs, of).say(lang));
    let wrong: usize = o.groups.iter().filter(|g| g.result.wrong).map(|g| g.runs).sum();
    if !o.watched.is_empty() {
        let _ = writeln!(out, "{}", text!("order-wrong", n = wrong).say(lang));
    }
    for g in &o.groups {
        let r = &g.result;
        let head = match g.own {
            true => text!("order-group-own", n = g.runs, of = o.runs),
            false => text!("order-group", n = g.runs, of = o.runs),
        };
        let _ = writeln!(out, "\n{}", head.say(lang));
        let mut line = |told: Text| {
            let _ = writeln!(out, "  {}", told.say(lang));
        };
        if r.stopped {
            line(text!("order-stopped"));
        }
        r.takes.iter().for_each(|takes| line(takes.clone()));
        if r.takes.is_empty() {
            line(text!("order-nobody-knows"));
        }
        if r.ok.1 > 0 {
            line(text!("order-answered", n = r.ok.0, of = r.ok.1));
        }
        if r.held.1 > 0 {
            line(text!("order-hold", n = r.held.0, of = r.held.1));
        }
        let places: Vec<String> = g.witness.iter().map(|n| (n + 1).to_string()).collect();
        line(text!("order-example", places = places.join(" ")));
    }
    out
}

/// For programs.
pub fn object(o: &Orders, lang: Lang) -> Value {
    let groups: Vec<Value> = o
        .groups
        .iter()
        .map(|g| {
            let typed: Vec<&str> = g.witness.iter().map(|&n| &*o.commands[n]).collect();
            json!({
                "runs": g.runs,
                "own": g.own,
                "wrong": g.result.wrong,
                "takes": g.result.takes.iter().map(|t| t.say(lang)).collect::<Vec<_>>(),
                "ok": g.result.ok.0,
                "connections": g.result.ok.1,
                "held": g.result.held.0,
                "expectations": g.result.held.1,
                "stopped": g.result.stopped,
                "witness": typed,
            })
        })
        .collect();
    json!({
        "schema_version": 1,
        "node": o.node,
        "commands": o.commands,
        "orders": o.orders,
        "runs": o.runs,
        "watched": o.watched.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "groups": groups,
        "interrupted": o.interrupted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_comes_once() {
        let mut order = vec![0, 1, 2, 3];
        let mut seen = std::collections::BTreeSet::from([order.clone()]);
        while next_order(&mut order) {
            assert!(seen.insert(order.clone()), "{order:?} again");
        }
        assert_eq!(seen.len(), 24);
    }
}
