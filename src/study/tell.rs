//! A cure for people and for programs.

use super::cure::{Budget, Cure, Ended, Search};
use super::exam::Facts;
use super::moves;
use crate::lang::{Join, Lang, Text};
use crate::text;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// For people: what to type, what changes in the file, and the proof.
pub fn text(search: &Search, budget: Budget, lang: Lang) -> String {
    let runs = text!("n-runs", n = search.runs);
    let goal = search.goal.text();
    let Some(cure) = search.cures.first() else {
        let told = match search.ended {
            Ended::Sound => return String::new(),
            Ended::Bound => text!("cure-bound", runs, most = budget.runs, events = budget.events),
            Ended::Interrupted => text!("cure-interrupted", runs),
            Ended::Found | Ended::Exhausted => text!("cure-exhausted", runs, goal),
        };
        return told.say(lang) + "\n";
    };
    let moves = Text::list(cure.kinds.iter().map(|kind| moves::named(kind)), Join::CommaAnd);
    let mut out = text!("cure-smallest", moves, runs).say(lang) + "\n";
    for (host, lines) in &cure.commands {
        lines.iter().for_each(|l| out.push_str(&format!("  {host}# {l}\n")));
    }
    for (host, words) in &cure.by_hand {
        let told = match host.is_empty() {
            true => words.clone(),
            false => text!("cure-by-hand", host, words),
        };
        out.push_str(&format!("  {}\n", told.say(lang)));
    }
    match &cure.yaml {
        Some(diff) => {
            out.push_str(&format!("{}\n", text!("cure-in-the-file").say(lang)));
            // An empty line around a change is a blank before nothing.
            diff.lines().for_each(|l| out.push_str(&format!("{}\n", format!("  {l}").trim_end())));
        }
        None => {
            out.push_str(&format!("{}\n", text!("cure-on-the-command-line").say(lang)));
            cure.sets.iter().for_each(|s| out.push_str(&format!("  --set '{}'\n", s.replace('\'', "'\\''"))));
        }
    }
    out.push_str(&format!("{}\n", text!("cure-proved", goal).say(lang)));
    proof(cure).into_iter().for_each(|l| out.push_str(&format!("  {}\n", l.say(lang))));
    out
}

fn listed<K: std::fmt::Display>(counts: &BTreeMap<K, u64>) -> Text {
    let all = counts.iter().map(|(k, n)| Text::plain(format!("{k} {n}")));
    if counts.is_empty() { text!("cure-nobody") } else { Text::list(all, Join::Comma) }
}

/// Before → after, line by line.
fn proof(cure: &Cure) -> Vec<Text> {
    let (before, after) = (&cure.before, &cure.after);
    let mut out = Vec::new();
    for ((name, was, by), (_, is, now)) in before.traffic.iter().zip(&after.traffic) {
        let (was, is, by, now) = (listed(was), listed(is), listed(by), listed(now));
        out.push(text!("cure-traffic", name, was, is, by, now));
    }
    for ((text, was), (_, is)) in before.expected.iter().zip(&after.expected).filter(|(a, b)| a.1 != b.1) {
        let word = |held: bool| if held { text!("word-holds") } else { text!("word-fails-small") };
        out.push(text!("cure-expectation", expected = text, was = word(*was), is = word(*is)));
    }
    let of = |facts: &Facts, host: &str, addr| {
        let found = facts.neighbours.iter().find(|(h, a, _)| h == host && *a == addr);
        found.map_or_else(|| text!("cure-nobody"), |(_, _, owner)| Text::plain(owner))
    };
    let mut all: Vec<(&String, std::net::Ipv4Addr)> =
        before.neighbours.iter().chain(&after.neighbours).map(|(h, a, _)| (h, *a)).collect();
    all.sort();
    all.dedup();
    for (host, addr) in all {
        let (was, is) = (of(before, host, addr), of(after, host, addr));
        if was != is {
            out.push(text!("cure-neighbour", host, addr, was, is));
        }
    }
    out
}

/// For programs: `cures`, each with `commands`, `yaml`, `runs`, `before`, `after`, and how the search ended.
pub fn object(search: &Search, lang: Lang) -> Value {
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
            let by_hand = c.by_hand.iter().map(|(node, what)| json!({ "node": node, "what": what.say(lang) }));
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
    json!({ "cures": cures, "goal": search.goal.text().say(lang), "runs": search.runs, "events": search.events, "ended": ended })
}
