//! Expectations, judged against a world. Each says what was found.

use super::model::{Claim, Expect};
use super::play::{Judged, Play};
use crate::engine::workload::Workload;
use crate::lang::Text;
use crate::net::Nud;
use crate::text;
use std::net::Ipv4Addr;

/// Judges everything but outputs, as things stand now.
pub fn judge(expect: &Expect, play: &Play<'_>) -> Judged {
    let (holds, found) = match &expect.what {
        Claim::Outcomes { traffic, counts } => {
            let w = &play.world.workloads[*traffic];
            let count = |word: &str| w.results.iter().filter(|r| r.outcome.word() == word).count() as u64;
            let words = ["ok", "refused", "reset", "unreachable", "timeout", "unfinished"];
            let wanted = |word: &str| counts.iter().find(|(o, _)| o.word() == word).map_or(0, |(_, n)| *n);
            let holds = words.iter().all(|word| count(word) == wanted(word));
            (holds, listing(words.iter().map(|word| (word.to_string(), count(word)))))
        }
        Claim::Served { traffic, counts } => {
            let found = served(&play.world.workloads[*traffic], play);
            let wanted: Vec<(String, u64)> = counts
                .iter()
                .filter(|(_, n)| *n > 0)
                .map(|(id, n)| (play.scenario.node_name(*id).to_string(), *n))
                .collect();
            let same = found.len() == wanted.len() && wanted.iter().all(|w| found.contains(w));
            (same, listing(found.into_iter()))
        }
        Claim::Sequence { traffic, servers } => {
            let results = &play.world.workloads[*traffic].results;
            let found: Vec<_> = results.iter().map(|r| r.server()).collect();
            let name = |s: &Option<_>| s.map_or("-".to_string(), |id| play.scenario.node_name(id).to_string());
            (found == *servers, Text::plain(format!("[{}]", found.iter().map(name).collect::<Vec<_>>().join(", "))))
        }
        Claim::Neighbour { address, on, is, .. } => neighbour(play, *address, *on, *is),
        Claim::Dropped { node, reason, least, most } => {
            let node = &play.world.nodes[node.index()];
            let drops = match node {
                crate::node::Node::Host(h) => &h.drops,
                crate::node::Node::Switch(s) => &s.drops,
            };
            let n: u64 = match reason {
                Some(code) => drops.get(code.as_str()).copied().unwrap_or(0),
                None => drops.values().sum(),
            };
            let all = listing(drops.iter().map(|(code, n)| (code.to_string(), *n)));
            (n >= *least && most.is_none_or(|m| n <= m), text!("expect-in-all", n, all))
        }
        Claim::Output { .. } => (false, text!("expect-not-asked")),
    };
    Judged { line: expect.line, text: expect.text.clone(), holds, found }
}

/// Judges what a command printed.
pub fn judge_output(expect: &Expect, out: &str, contains: Option<&str>, equals: Option<&str>) -> Judged {
    let holds = contains.is_none_or(|part| out.contains(part.trim_end_matches('\n')))
        && equals.is_none_or(|all| out.trim_end() == all.trim_end());
    Judged { line: expect.line, text: expect.text.clone(), holds, found: Text::plain(out.trim_end()) }
}

fn neighbour(
    play: &Play<'_>,
    address: Ipv4Addr,
    on: crate::base::NodeId,
    is: Option<crate::base::NodeId>,
) -> (bool, Text) {
    let Some(host) = play.world.host(on) else { return (false, text!("expect-switch")) };
    let entries = host.net.neigh.sorted();
    let known: Vec<_> = entries.iter().filter(|n| n.addr == address && n.state.valid()).collect();
    let owner = |mac| {
        play.world.nodes.iter().find(|n| {
            n.host().is_some_and(|h| h.net.devs.iter().any(|d| d.mac == mac && !mac.0.iter().all(|b| *b == 0)))
        })
    };
    let names: Vec<String> =
        known.iter().map(|n| owner(n.mac).map_or(n.mac.to_string(), |o| o.name().to_string())).collect();
    let tried = entries.iter().any(|n| n.addr == address && matches!(n.state, Nud::Incomplete | Nud::Failed));
    let found = match (names.is_empty(), tried) {
        (false, _) => Text::plain(names.join(", ")),
        (true, true) => text!("expect-nobody-answered"),
        (true, false) => text!("expect-no-entry"),
    };
    let holds = match is {
        Some(id) => names.iter().any(|n| n == play.scenario.node_name(id)),
        None => names.is_empty(),
    };
    (holds, found)
}

/// Who served how many of a workload, in the order of the file.
pub fn served(w: &Workload, play: &Play<'_>) -> Vec<(String, u64)> {
    let mut counts = vec![0u64; play.scenario.nodes.len()];
    for server in w.results.iter().filter_map(|r| r.server()) {
        if let Some(n) = counts.get_mut(server.index()) {
            *n += 1;
        }
    }
    let named = counts.into_iter().enumerate().filter(|(_, n)| *n > 0);
    named.map(|(i, n)| (play.scenario.nodes[i].name.clone(), n)).collect()
}

fn listing(rows: impl Iterator<Item = (String, u64)>) -> Text {
    let parts: Vec<String> = rows.filter(|(_, n)| *n > 0).map(|(name, n)| format!("{name}: {n}")).collect();
    if parts.is_empty() { text!("expect-nothing") } else { Text::plain(parts.join(", ")) }
}
