//! The story that `lvsim run` prints: what each connection met, what died where and why, who answered for a contested
//! address, whether expectations hold.

use super::facts::{Death, Deaths, Question, Traffic, facts, traffic};
use super::log::{ConnectionRow, Outcome, RunLog};
use super::tables::{Cell, Grid};
use super::words::{arp_answer, count};
use crate::base::SimTime;
use crate::lang::Text;
use crate::trace::ArpAnswer;
use crate::wire::print::Printer;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// More connections than this are counted, not listed.
const LISTED: usize = 40;
/// How many of each odd outcome are still listed then.
const ODD: usize = 3;
/// How many groups of losses, and how many questions, are told in full.
const TOLD: usize = 12;
/// How many typed lines are shown, and how much of what each printed.
const TYPED: usize = 24;
const TYPED_LINES: usize = 40;

/// The story as text. With `color`, ANSI codes stress what the words say anyway.
///
/// # Errors
/// If a trace that was put aside cannot be read.
pub fn story(log: &RunLog<'_>, color: bool) -> io::Result<String> {
    let paint = Paint(color);
    let facts = facts(log)?;
    let name = if log.title == log.name { String::new() } else { format!("{}, ", log.name) };
    let mut out = format!("{} ({name}seed {})\n", paint.bold(&log.title), log.seed);
    for entry in traffic(log) {
        out.push('\n');
        out.push_str(&connections(log, &entry, paint));
    }
    out.push_str(&losses(log, &facts.deaths, paint));
    out.push_str(&arp(log, &facts.questions, paint));
    out.push_str(&typed(log, paint));
    out.push_str(&expectations(log, paint));
    if log.lost_records > 0 {
        let n = count(log.lost_records, "later event is", "later events are");
        out.push_str(&format!("\nThe trace was full: {n} not told here.\n"));
    }
    out.push_str(&format!(
        "\n{}, {}, {} simulated\n",
        count(log.events, "event", "events"),
        count(log.frames, "frame", "frames"),
        log.brief(log.ended)
    ));
    Ok(out)
}

fn connections(log: &RunLog<'_>, entry: &Traffic<'_>, paint: Paint) -> String {
    let total = entry.connections.len();
    let mut out = format!("{}: {}\n", paint.bold(entry.name), count(total as u64, "connection", "connections"));
    if total <= LISTED {
        out.push_str(&rows(log, entry.connections.iter().copied(), paint));
        return out;
    }
    for (outcome, n) in &entry.outcomes {
        let servers = match outcome {
            Outcome::Ok => served(entry),
            _ => String::new(),
        };
        out.push_str(&format!("  {n} {}{servers}\n", paint.outcome(*outcome)));
    }
    for outcome in entry.outcomes.keys().filter(|o| **o != Outcome::Ok) {
        let odd = entry.connections.iter().copied().filter(|c| c.outcome == *outcome).take(ODD);
        out.push_str(&format!("  the first with outcome {outcome}:\n"));
        out.push_str(&rows(log, odd, paint));
    }
    out
}

/// ` (rs1 500, rs2 500)`.
fn served(entry: &Traffic<'_>) -> String {
    let all: Vec<String> = entry.served.iter().map(|(node, n)| format!("{node} {n}")).collect();
    if all.is_empty() { String::new() } else { format!(" ({})", all.join(", ")) }
}

fn rows<'a>(log: &RunLog<'_>, all: impl Iterator<Item = &'a ConnectionRow>, paint: Paint) -> String {
    let mut grid = Grid::new(&["index", "at", "flow", "outcome", "server", "took"]);
    let mut outcomes = Vec::new();
    for c in all {
        outcomes.push(c.outcome);
        let errno = c.errno.map_or_else(String::new, |e| format!(" ({e})"));
        let took = c.end.map(|end| took(end.since(c.start).0));
        grid.row([
            Cell::from(u64::from(c.index)),
            log.brief(c.start).into(),
            format!("{}:{} > {}:{}", c.client, c.source_port, c.to.0, c.to.1).into(),
            format!("{}{errno}", c.outcome).into(),
            c.server.as_deref().map(|s| format!("by {s}")).into(),
            took.into(),
        ]);
    }
    let text = grid.body("  ");
    let painted = text.lines().zip(outcomes).map(|(line, outcome)| match outcome {
        Outcome::Ok => format!("{line}\n"),
        odd => format!("{}\n", paint.line(odd, line)),
    });
    painted.collect()
}

fn took(ns: u64) -> String {
    let rounded = |unit: u64| ((ns + unit / 20) / (unit / 10)) as f64 / 10.0;
    if ns < 1_000_000_000 {
        format!("{:.1} ms", rounded(1_000_000))
    } else {
        format!("{:.1} s", rounded(1_000_000_000))
    }
}

fn losses(log: &RunLog<'_>, all: &Deaths, paint: Paint) -> String {
    let mut out = String::new();
    if !all.real.is_empty() {
        out.push_str(&format!("\n{}\n", paint.bold("What was lost")));
    }
    for death in all.real.iter().take(TOLD) {
        out.push_str(&loss(log, death, paint));
    }
    if all.real.len() > TOLD {
        let rest = all.real.len() - TOLD;
        out.push_str(&format!("  and {} more; the report has them all\n", count(rest as u64, "kind", "kinds")));
    }
    if !all.harmless.is_empty() {
        let mut kinds: Vec<(Text, u64)> = Vec::new();
        for d in &all.harmless {
            let title = d.first().reason.rule().title();
            match kinds.iter_mut().find(|k| k.0 == title) {
                Some(kind) => kind.1 += d.count,
                None => kinds.push((title, d.count)),
            }
        }
        let kinds: Vec<String> = kinds.iter().map(|(title, n)| format!("{n} × {title}")).collect();
        out.push_str(&format!("\nLost without harm: {}\n", kinds.join(", ")));
    }
    out
}

fn loss(log: &RunLog<'_>, death: &Death, paint: Paint) -> String {
    let first = death.first();
    let rule = first.reason.rule();
    let place = log.place(first.node, first.dev);
    let what = if first.arp().is_some() { ("ARP packet", "ARP packets") } else { ("packet", "packets") };
    let n = count(death.count, what.0, what.1);
    let mut out = format!("  {}\n", paint.red(&format!("{n} at {place}: {}", first.reason)));
    let ports: BTreeSet<u16> = log.connections.iter().map(|c| c.source_port).collect();
    let line = Printer::new(ports).line(first.frame, &|mac| log.mac_owner(mac));
    let which = if death.count > 1 { "the first" } else { "it" };
    out.push_str(&format!("      {which} at {}: {line}\n", log.brief(first.at)));
    let counters: Vec<&str> = rule.counters.iter().map(|mib| mib.row().id).collect();
    let linux = match (counters.is_empty(), rule.linux) {
        (false, _) => format!("; Linux counts {}", counters.join(" and ")),
        (true, "") => String::new(),
        (true, name) => format!("; Linux calls it {name}"),
    };
    out.push_str(&format!("      decided by {} [{}]{linux}\n", rule.decider(), rule.code));
    if let Some(remedy) = rule.remedy() {
        out.push_str(&format!("      try: {remedy}\n"));
    }
    out
}

fn arp(log: &RunLog<'_>, all: &[Question], paint: Paint) -> String {
    let all: Vec<&Question> = all.iter().filter(|q| q.contested(log)).collect();
    let mut out = String::new();
    if all.is_empty() {
        return out;
    }
    out.push_str(&format!("\n{}\n", paint.bold("Who answered for a shared address")));
    // Questions that came to the same end are told once.
    let mut told: Vec<(String, SimTime, u64)> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for q in &all {
        let text = question(log, q);
        let place = *places.entry(text.clone()).or_insert(told.len());
        match told.get_mut(place) {
            Some(t) => t.2 += 1,
            None => told.push((text, q.at, 1)),
        }
    }
    for (text, at, n) in told.iter().take(TOLD) {
        let again = if *n > 1 { format!(", and {} later with the same end", n - 1) } else { String::new() };
        out.push_str(&format!("  {}{again}: {text}", log.brief(*at)));
    }
    if told.len() > TOLD {
        let rest = (told.len() - TOLD) as u64;
        out.push_str(&format!("  and {} more; the report has them all\n", count(rest, "question", "questions")));
    }
    out
}

/// Without times, so that equal stories are equal text.
fn question(log: &RunLog<'_>, q: &Question) -> String {
    let asked = q.request.tpa;
    let how = if q.unicast { " (asking one host only)" } else { "" };
    let mut out = format!("{} asks who has {asked}{how}\n", log.place(q.node, Some(q.dev)));
    for (i, (_, mac)) in q.answers.iter().enumerate() {
        let who = log.mac_owner(*mac).unwrap_or_else(|| mac.to_string());
        let order = ["first", "second", "third", "fourth", "fifth"].get(i).copied().unwrap_or("later");
        out.push_str(&format!("      {who} answered {order}\n"));
    }
    if q.answers.is_empty() {
        out.push_str("      nobody's answer arrived\n");
    }
    for (node, answer) in &q.verdicts {
        if matches!(answer, ArpAnswer::NotMine | ArpAnswer::NotAQuestion | ArpAnswer::Answered { .. }) {
            continue;
        }
        out.push_str(&format!("      {} {}\n", log.node(*node), arp_answer(answer, asked)));
    }
    if let Some(mac) = q.cached {
        let who = log.mac_owner(mac).unwrap_or_else(|| mac.to_string());
        out.push_str(&format!("      {} keeps {who}\n", log.node(q.node)));
    }
    out
}

/// What typed lines printed, as on a screen: a prompt, the line, the text.
fn typed(log: &RunLog<'_>, paint: Paint) -> String {
    if log.typed.is_empty() {
        return String::new();
    }
    let mut out = format!("\n{}\n", paint.bold("What was typed, and what it printed"));
    for row in log.typed.iter().take(TYPED) {
        let mut lines = row.run.lines();
        let first = lines.next().unwrap_or_default();
        let more = if lines.next().is_some() { " …" } else { "" };
        let status = match row.status {
            None => "  (still running)".to_string(),
            Some(0) => String::new(),
            Some(status) => format!("  (exit status {status})"),
        };
        out.push_str(&format!("  {} at {}# {first}{more}{status}\n", row.node, row.when));
        for line in row.out.lines().take(TYPED_LINES) {
            out.push_str(&format!("      {}\n", line.trim_end()));
        }
        let rest = row.out.lines().count().saturating_sub(TYPED_LINES);
        if rest > 0 {
            out.push_str(&format!("      and {}\n", count(rest as u64, "more line", "more lines")));
        }
    }
    if log.typed.len() > TYPED {
        let rest = (log.typed.len() - TYPED) as u64;
        out.push_str(&format!("  and {} more\n", count(rest, "line", "lines")));
    }
    out
}

fn expectations(log: &RunLog<'_>, paint: Paint) -> String {
    if log.expectations.is_empty() {
        return String::new();
    }
    let good = log.expectations.iter().filter(|e| e.holds).count();
    let mut out = format!("\n{}: {good} of {} hold\n", paint.bold("Expected"), log.expectations.len());
    for e in &log.expectations {
        if e.holds {
            out.push_str(&format!("  {}  {}\n", paint.green("holds"), e.source));
        } else {
            out.push_str(&format!("  {}  {}\n         found: {}\n", paint.red("FAILS"), e.source, e.found));
        }
    }
    out
}

#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn code(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }

    fn bold(self, text: &str) -> String {
        self.code("1", text)
    }

    fn red(self, text: &str) -> String {
        self.code("31", text)
    }

    fn green(self, text: &str) -> String {
        self.code("32", text)
    }

    fn line(self, outcome: Outcome, text: &str) -> String {
        let code = if outcome == Outcome::Unfinished { "33" } else { "31" };
        self.code(code, text)
    }

    fn outcome(self, outcome: Outcome) -> String {
        match outcome {
            Outcome::Ok => self.green("ok"),
            odd => self.line(odd, odd.word()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing;

    fn story(log: &RunLog<'_>, color: bool) -> String {
        super::story(log, color).expect("a trace in memory")
    }

    #[test]
    fn the_story_tells_connections_losses_answers_and_expectations() {
        let records = testing::records();
        let told = story(&testing::log(&records), false);
        let expected = "\
A tunnel that works once (example, seed 42)

web: 2 connections
  0  0.500 s  client:32768 > 10.0.0.100:80  ok       by rs1  5.0 ms
  1  1.500 s  client:32769 > 10.0.0.100:80  timeout  –       3.0 s

What was lost
  2 packets at rs1:tunl0: the way back to the source leads elsewhere: the way to 10.0.0.1 is eth0; rp_filter=1 on eth0 (all=1, eth0=0: the larger counts)
      the first at 1.500 s: IP 10.0.0.1 > 10.0.0.100 ttl 64 DF TCP 32768 > 80 [SYN] seq 0 len 0 mss 1460
      decided by __fib_validate_source, net/ipv4/fib_frontend.c [rp-filter]; Linux counts TcpExtIPReversePathFilter
      try: set rp_filter to 0 on all and on the interface, or to 2 on the interface if it has an address

Who answered for a shared address
  0.500 s: client:eth0 asks who has 10.0.0.100
      director:eth0 answered first
      rs1 kept silent: has it on tunl0, but arp_ignore=1 on eth0 (all=1, eth0=0: the larger counts)
      client keeps director:eth0

Expected: 0 of 1 hold
  FAILS  { traffic: web, outcomes: { ok: 2 } }
         found: ok: 1, timeout: 1

40 events, 12 frames, 5.000 s simulated
";
        assert_eq!(told, expected);
    }

    #[test]
    fn many_connections_are_counted_and_odd_ones_shown() {
        let records = testing::records();
        let mut log = testing::log(&records);
        let (ok, odd) = (log.connections[0].clone(), log.connections[1].clone());
        log.connections = (0..100).map(|index| ConnectionRow { index, ..ok.clone() }).collect();
        log.connections.extend((100..110).map(|index| ConnectionRow { index, ..odd.clone() }));
        let told = story(&log, false);
        assert!(told.contains("web: 110 connections\n  100 ok (rs1 100)\n  10 timeout\n"), "{told}");
        assert!(told.contains("\n  102  1.500 s") && !told.contains("\n  103  1.500 s"), "{told}");
    }

    #[test]
    fn color_changes_no_word() {
        let records = testing::records();
        let log = testing::log(&records);
        let painted = story(&log, true);
        assert!(painted.contains("\x1b[31mFAILS\x1b[0m"));
        let mut plain = painted;
        for code in ["\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m"] {
            plain = plain.replace(code, "");
        }
        assert_eq!(plain, story(&log, false));
    }

    #[test]
    fn a_run_without_anything_has_a_title_and_a_last_line() {
        let mut log = testing::log(&[]);
        log.connections.clear();
        log.expectations.clear();
        log.lost_records = 1;
        let told = story(&log, false);
        assert!(told.ends_with("5.000 s simulated\n"));
        assert!(told.contains("1 later event is not told"));
    }
}
