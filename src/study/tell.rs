//! A cure for people and for programs.

use super::cure::{Budget, Cure, Ended, Search};
use super::exam::Facts;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// For people: what to type, what changes in the file, and the proof.
pub fn text(search: &Search, budget: Budget) -> String {
    let runs = crate::report::words::count(u64::from(search.runs), "run", "runs");
    let goal = search.goal.words();
    let Some(cure) = search.cures.first() else {
        return match search.ended {
            Ended::Sound => String::new(),
            Ended::Bound => format!(
                "no cure found in {runs}: the bound of {} runs or {} events ended the search; raise it with --cure-runs\n",
                budget.runs, budget.events
            ),
            Ended::Interrupted => format!("no cure found in {runs}: the search was stopped\n"),
            Ended::Found | Ended::Exhausted => {
                format!("no single change and no pair of the table of moves reaches the goal ({goal}); {runs}\n")
            }
        };
    };
    let mut out = format!("the smallest cure ({}), found in {runs}:\n", cure.kinds.join(", and "));
    for (host, lines) in &cure.commands {
        lines.iter().for_each(|l| out.push_str(&format!("  {host}# {l}\n")));
    }
    for (host, words) in &cure.by_hand {
        let host = if host.is_empty() { String::new() } else { format!("{host}, ") };
        out.push_str(&format!("  {host}{words}\n"));
    }
    match &cure.yaml {
        Some(diff) => {
            out.push_str("in the file:\n");
            // An empty line around a change is a blank before nothing.
            diff.lines().for_each(|l| out.push_str(&format!("{}\n", format!("  {l}").trim_end())));
        }
        None => {
            out.push_str("on the command line:\n");
            cure.sets.iter().for_each(|s| out.push_str(&format!("  --set '{}'\n", s.replace('\'', "'\\''"))));
        }
    }
    out.push_str(&format!("proved by running it ({goal}):\n"));
    proof(cure).into_iter().for_each(|l| out.push_str(&format!("  {l}\n")));
    out
}

fn listed<K: std::fmt::Display>(counts: &BTreeMap<K, u64>) -> String {
    let all: Vec<String> = counts.iter().map(|(k, n)| format!("{k} {n}")).collect();
    if all.is_empty() { "nobody".into() } else { all.join(", ") }
}

/// Before → after, line by line.
fn proof(cure: &Cure) -> Vec<String> {
    let (before, after) = (&cure.before, &cure.after);
    let mut out = Vec::new();
    for ((name, was, by), (_, is, now)) in before.traffic.iter().zip(&after.traffic) {
        out.push(format!("{name}: {} → {}; served by {} → {}", listed(was), listed(is), listed(by), listed(now)));
    }
    for ((text, was), (_, is)) in before.expected.iter().zip(&after.expected).filter(|(a, b)| a.1 != b.1) {
        let word = |held: bool| if held { "holds" } else { "fails" };
        out.push(format!("{text}: {} → {}", word(*was), word(*is)));
    }
    let of = |facts: &Facts, host: &str, addr| {
        let found = facts.neighbours.iter().find(|(h, a, _)| h == host && *a == addr);
        found.map_or_else(|| "nobody".to_string(), |(_, _, owner)| owner.clone())
    };
    let mut all: Vec<(&String, std::net::Ipv4Addr)> =
        before.neighbours.iter().chain(&after.neighbours).map(|(h, a, _)| (h, *a)).collect();
    all.sort();
    all.dedup();
    for (host, addr) in all {
        let (was, is) = (of(before, host, addr), of(after, host, addr));
        if was != is {
            out.push(format!("{host} has {addr} at {was} → {is}"));
        }
    }
    out
}

/// For programs: `cures`, each with `commands`, `yaml`, `runs`, `before`, `after`, and how the search ended.
pub fn object(search: &Search) -> Value {
    let facts = |f: &Facts| {
        let traffic: Vec<Value> = f
            .traffic
            .iter()
            .map(|(name, outcomes, served)| json!({ "traffic": name, "outcomes": outcomes, "served": served }))
            .collect();
        let neighbours: Vec<Value> =
            f.neighbours.iter().map(|(on, addr, is)| json!({ "on": on, "address": addr, "is": is })).collect();
        let expected: Vec<Value> =
            f.expected.iter().map(|(text, holds)| json!({ "text": text, "holds": holds })).collect();
        json!({ "traffic": traffic, "expect": expected, "neighbours": neighbours })
    };
    let cures: Vec<Value> = search
        .cures
        .iter()
        .map(|c| {
            let typed = c.commands.iter().map(|(node, lines)| json!({ "node": node, "lines": lines }));
            let by_hand = c.by_hand.iter().map(|(node, what)| json!({ "node": node, "what": what }));
            json!({
                "kinds": c.kinds,
                "commands": typed.collect::<Vec<_>>(),
                "by_hand": by_hand.collect::<Vec<_>>(),
                "sets": c.sets,
                "yaml": c.yaml,
                "runs": search.runs,
                "before": facts(&c.before),
                "after": facts(&c.after),
            })
        })
        .collect();
    let ended = match search.ended {
        Ended::Found => "found",
        Ended::Sound => "sound",
        Ended::Exhausted => "exhausted",
        Ended::Bound => "bound",
        Ended::Interrupted => "interrupted",
    };
    json!({ "cures": cures, "goal": search.goal.words(), "runs": search.runs, "events": search.events, "ended": ended })
}
