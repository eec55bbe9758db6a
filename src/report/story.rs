//! The story that `lvsim run` prints: what each connection met, what died where and why, who answered for a contested
//! address, whether expectations hold.

use super::facts::{Death, Deaths, Question, Traffic, facts, traffic};
use super::log::{ConnectionRow, Outcome, RunLog};
use super::tables::{Cell, Grid};
use super::why::lineage;
use super::words::arp_answer;
use crate::base::SimTime;
use crate::lang::{Join, Lang, Text};
use crate::text;
use crate::trace::ArpAnswer;
use crate::wire::print::Printer;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use unicode_width::UnicodeWidthStr;

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
pub fn story(log: &RunLog<'_>, color: bool, lang: Lang) -> io::Result<String> {
    let paint = Paint { color, lang };
    let facts = facts(log)?;
    let (title, name, seed) = (paint.bold(&log.title), &log.name, log.seed);
    let head = match log.title == log.name {
        true => text!("story-head", title, seed),
        false => text!("story-head-named", title, name, seed),
    };
    let mut out = format!("{}\n", head.say(lang));
    for entry in traffic(log) {
        out.push('\n');
        out.push_str(&connections(log, &entry, paint));
    }
    out.push_str(&losses(log, &facts.deaths, paint));
    out.push_str(&arp(log, &facts.questions, paint));
    out.push_str(&typed(log, paint));
    out.push_str(&expectations(log, paint));
    if log.lost_records > 0 {
        let full = text!("story-trace-full", n = log.lost_records);
        out.push_str(&format!("\n{}\n", full.say(lang)));
    }
    let (events, frames) = (text!("n-events", n = log.events), text!("n-frames", n = log.frames));
    let end = text!("story-end", events, frames, time = log.brief(log.ended));
    out.push_str(&format!("\n{}\n", end.say(lang)));
    Ok(out)
}

fn connections(log: &RunLog<'_>, entry: &Traffic<'_>, paint: Paint) -> String {
    let total = entry.connections.len();
    let connections = text!("n-connections", n = total);
    let head = text!("story-traffic", name = paint.bold(entry.name), connections);
    let mut out = format!("{}\n", head.say(paint.lang));
    if total <= LISTED {
        out.push_str(&rows(log, entry.connections.iter().copied(), paint));
        return out;
    }
    for (outcome, n) in &entry.outcomes {
        let servers = match outcome {
            Outcome::Ok => served(entry),
            _ => Text::none(),
        };
        let told = text!("story-outcome", n, outcome = paint.outcome(*outcome), servers);
        out.push_str(&format!("  {}\n", told.say(paint.lang)));
    }
    for outcome in entry.outcomes.keys().filter(|o| **o != Outcome::Ok) {
        let odd = entry.connections.iter().copied().filter(|c| c.outcome == *outcome).take(ODD);
        out.push_str(&format!("  {}\n", text!("story-first-with", outcome).say(paint.lang)));
        out.push_str(&rows(log, odd, paint));
    }
    out
}

/// ` (rs1 500, rs2 500)`.
fn served(entry: &Traffic<'_>) -> Text {
    let all = entry.served.iter().map(|(node, n)| Text::plain(format!("{node} {n}")));
    if entry.served.is_empty() { Text::none() } else { text!("story-served", servers = Text::list(all, Join::Comma)) }
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
            c.server.as_deref().map(|server| text!("story-by", server).say(paint.lang)).into(),
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
        out.push_str(&format!("\n{}\n", paint.head(&text!("story-lost"))));
    }
    for death in all.real.iter().take(TOLD) {
        out.push_str(&loss(log, death, paint));
    }
    if all.real.len() > TOLD {
        let rest = all.real.len() - TOLD;
        out.push_str(&format!("  {}\n", text!("story-more-kinds", n = rest).say(paint.lang)));
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
        let kinds = kinds.iter().map(|(title, n)| text!("story-times", n, title));
        let told = text!("story-lost-without-harm", kinds = Text::list(kinds, Join::Comma));
        out.push_str(&format!("\n{}\n", told.say(paint.lang)));
    }
    out
}

fn loss(log: &RunLog<'_>, death: &Death, paint: Paint) -> String {
    let first = death.first();
    let rule = first.reason.rule();
    let place = log.place(first.node, first.dev);
    let packets = match first.arp().is_some() {
        true => text!("n-arp-packets", n = death.count),
        false => text!("n-packets", n = death.count),
    };
    let told = text!("story-loss", packets, place, reason = first.reason);
    let mut out = format!("  {}\n", paint.red(&told.say(paint.lang)));
    let ports: BTreeSet<u16> = log.connections.iter().map(|c| c.source_port).collect();
    let line = Printer::new(ports).line(first.frame, &|mac| log.mac_owner(mac));
    let at = log.brief(first.at);
    let which = if death.count > 1 { text!("story-the-first", at, line) } else { text!("story-it", at, line) };
    out.push_str(&format!("      {}\n", which.say(paint.lang)));
    let decided = text!("decided-by", rule = lineage::rule(first.reason));
    out.push_str(&format!("      {}\n", decided.say(paint.lang)));
    if let Some(remedy) = rule.remedy() {
        out.push_str(&format!("      {}\n", text!("story-try", remedy).say(paint.lang)));
    }
    out
}

fn arp(log: &RunLog<'_>, all: &[Question], paint: Paint) -> String {
    let all: Vec<&Question> = all.iter().filter(|q| q.contested(log)).collect();
    let mut out = String::new();
    if all.is_empty() {
        return out;
    }
    out.push_str(&format!("\n{}\n", paint.head(&text!("story-who-answered"))));
    // Questions that came to the same end are told once.
    let mut told: Vec<(String, SimTime, u64)> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for q in &all {
        let text = question(log, q, paint.lang);
        let place = *places.entry(text.clone()).or_insert(told.len());
        match told.get_mut(place) {
            Some(t) => t.2 += 1,
            None => told.push((text, q.at, 1)),
        }
    }
    for (text, at, n) in told.iter().take(TOLD) {
        let at = log.brief(*at);
        let when = if *n > 1 { text!("story-asked-again", at, n = n - 1) } else { text!("story-asked", at) };
        out.push_str(&format!("  {}{text}", when.say(paint.lang)));
    }
    if told.len() > TOLD {
        let rest = (told.len() - TOLD) as u64;
        out.push_str(&format!("  {}\n", text!("story-more-questions", n = rest).say(paint.lang)));
    }
    out
}

/// Without times, so that equal stories are equal text.
fn question(log: &RunLog<'_>, q: &Question, lang: Lang) -> String {
    let asked = q.request.tpa;
    let asker = log.place(q.node, Some(q.dev));
    let asks = if q.unicast { text!("story-asks-one", asker, asked) } else { text!("story-asks", asker, asked) };
    let mut lines = vec![asks];
    for (i, (_, mac)) in q.answers.iter().enumerate() {
        let who = log.mac_owner(*mac).unwrap_or_else(|| mac.to_string());
        lines.push(match i {
            0 => text!("story-answered-first", who),
            1 => text!("story-answered-second", who),
            2 => text!("story-answered-third", who),
            3 => text!("story-answered-fourth", who),
            4 => text!("story-answered-fifth", who),
            _ => text!("story-answered-later", who),
        });
    }
    if q.answers.is_empty() {
        lines.push(text!("story-no-answer"));
    }
    for (node, answer) in &q.verdicts {
        if matches!(answer, ArpAnswer::NotMine | ArpAnswer::NotAQuestion | ArpAnswer::Answered { .. }) {
            continue;
        }
        lines.push(text!("story-host-did", host = log.node(*node), did = arp_answer(answer, asked)));
    }
    if let Some(mac) = q.cached {
        let who = log.mac_owner(mac).unwrap_or_else(|| mac.to_string());
        lines.push(text!("story-keeps", asker = log.node(q.node), who));
    }
    let said: Vec<String> = lines.iter().map(|line| line.say(lang)).collect();
    said.join("\n      ") + "\n"
}

/// What typed lines printed, as on a screen: a prompt, the line, the text.
fn typed(log: &RunLog<'_>, paint: Paint) -> String {
    if log.typed.is_empty() {
        return String::new();
    }
    let mut out = format!("\n{}\n", paint.head(&text!("story-typed")));
    for row in log.typed.iter().take(TYPED) {
        let mut lines = row.run.lines();
        let first = lines.next().unwrap_or_default();
        let more = if lines.next().is_some() { " …" } else { "" };
        let status = match row.status {
            None => text!("story-still-running"),
            Some(0) => Text::none(),
            Some(status) => text!("story-exit-status", status),
        };
        let status = if status.is_none() { String::new() } else { format!("  {}", status.say(paint.lang)) };
        let prompt = text!("story-prompt", host = row.node, when = moment(&row.when)).say(paint.lang);
        out.push_str(&format!("  {prompt}# {first}{more}{status}\n"));
        for line in row.out.lines().take(TYPED_LINES) {
            out.push_str(&format!("      {}\n", line.trim_end()));
        }
        let rest = row.out.lines().count().saturating_sub(TYPED_LINES);
        if rest > 0 {
            out.push_str(&format!("      {}\n", text!("story-more-lines", n = rest).say(paint.lang)));
        }
    }
    if log.typed.len() > TYPED {
        let rest = (log.typed.len() - TYPED) as u64;
        out.push_str(&format!("  {}\n", text!("story-lines-more", n = rest).say(paint.lang)));
    }
    out
}

/// When something was typed, as a log has it.
fn moment(when: &str) -> Text {
    match when {
        "set-up" => text!("when-set-up"),
        "end" => text!("when-end"),
        time => Text::plain(time),
    }
}

fn expectations(log: &RunLog<'_>, paint: Paint) -> String {
    if log.expectations.is_empty() {
        return String::new();
    }
    let good = log.expectations.iter().filter(|e| e.holds).count();
    let (title, of) = (paint.head(&text!("story-expected")), log.expectations.len());
    let mut out = format!("\n{}\n", text!("story-hold", title, good, of).say(paint.lang));
    let [holds, fails] = [text!("word-holds"), text!("word-fails")].map(|word| word.say(paint.lang));
    let width = holds.width().max(fails.width());
    let pad = |word: &str| " ".repeat(width - word.width());
    for e in &log.expectations {
        if e.holds {
            out.push_str(&format!("  {}{}  {}\n", paint.green(&holds), pad(&holds), e.source));
        } else {
            out.push_str(&format!("  {}{}  {}\n", paint.red(&fails), pad(&fails), e.source));
            let indent = " ".repeat(width);
            out.push_str(&format!("    {indent}{}\n", text!("story-found", found = e.found).say(paint.lang)));
        }
    }
    out
}

#[derive(Clone, Copy)]
struct Paint {
    color: bool,
    lang: Lang,
}

impl Paint {
    fn code(self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }

    fn bold(self, text: &str) -> String {
        self.code("1", text)
    }

    /// A heading.
    fn head(self, text: &Text) -> String {
        self.bold(&text.say(self.lang))
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
        super::story(log, color, Lang::En).expect("a trace in memory")
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
