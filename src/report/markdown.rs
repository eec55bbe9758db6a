//! `report.md`: a run as one readable page, to keep or to hand in. No clock and no path: the same run, the same bytes.

use super::Artifact;
use super::charts::CHARTS;
use super::facts::{Deaths, Question, facts, traffic};
use super::log::RunLog;
use super::tables::{Cell, Grid};
use super::words::arp_answer;
use crate::trace::ArpAnswer;
use std::io;

/// More who-has than this are counted.
const QUESTIONS: usize = 100;

/// A block of text under a heading, such as a table as `ipvsadm -Ln` prints it.
#[derive(Clone, Debug)]
pub struct TextBlock {
    /// The heading: `director: ipvsadm -Ln`.
    pub title: String,
    /// The text.
    pub text: String,
}

/// The page. `file` is the scenario as it would be typed, without a folder: `dr.yaml`.
///
/// # Errors
/// If a trace that was put aside cannot be read.
pub fn report(log: &RunLog<'_>, blocks: &[TextBlock], file: &str) -> io::Result<Artifact> {
    let facts = facts(log)?;
    let mut out = format!("# {}\n", plain(&log.title));
    if !log.about.trim().is_empty() {
        out.push_str(&format!("\n{}\n", log.about.trim()));
    }
    section(&mut out, "Connections", &connections(log));
    section(&mut out, "Services", &services(log));
    for row in CHARTS {
        out.push_str(&format!("\n![{}]({}.svg)\n", capital(row.about), row.name));
    }
    section(&mut out, "What was lost", &losses(log, &facts.deaths));
    section(&mut out, "Who answered for a shared address", &arp(log, &facts.questions));
    section(&mut out, "Expected", &expectations(log));
    if !blocks.is_empty() {
        out.push_str("\n## Tables at the end\n");
    }
    for block in blocks {
        out.push_str(&format!("\n### {}\n\n{}", plain(&block.title), fenced(&block.text)));
    }
    out.push_str("\n## The run\n\n");
    if log.lost_records > 0 {
        out.push_str(&format!("The trace was full: {} later events are not told here.\n\n", log.lost_records));
    }
    out.push_str(&format!(
        "{} of simulated time, {} events, {} frames, seed {}. Again, with the same result:\n\n",
        log.brief(log.ended),
        log.events,
        log.frames,
        log.seed
    ));
    out.push_str(&fenced(&format!("lvsim run {file} --seed {}\n", log.seed)));
    Ok(Artifact { name: "report.md".into(), bytes: out.into_bytes() })
}

fn section(out: &mut String, title: &str, body: &str) {
    if !body.is_empty() {
        out.push_str(&format!("\n## {title}\n\n{body}"));
    }
}

fn connections(log: &RunLog<'_>) -> String {
    let mut grid = Grid::new(&["traffic", "outcome", "server", "connections", "first at"]);
    for entry in traffic(log) {
        for outcome in entry.outcomes.keys() {
            let mut servers: Vec<Option<&str>> = Vec::new();
            for c in entry.connections.iter().filter(|c| c.outcome == *outcome) {
                if !servers.contains(&c.server.as_deref()) {
                    servers.push(c.server.as_deref());
                }
            }
            let place = |s: &Option<&str>| log.nodes.iter().position(|n| Some(n.name.as_str()) == *s);
            servers.sort_by_key(place);
            for server in servers {
                let mut these =
                    entry.connections.iter().filter(|c| c.outcome == *outcome && c.server.as_deref() == server);
                let first = these.next().map(|c| log.brief(c.start));
                let n = 1 + these.count() as u64;
                grid.row([entry.name.into(), outcome.word().into(), server.into(), n.into(), first.into()]);
            }
        }
    }
    if grid.is_empty() { String::new() } else { grid.markdown() }
}

fn services(log: &RunLog<'_>) -> String {
    let mut grid = Grid::new(&["service", "scheduler", "server", "forward", "weight", "share by weight"]);
    for s in &log.services {
        let sum: u64 = s.dests.iter().map(|d| u64::from(d.weight)).sum();
        let name = format!("{} on {}", s.service, s.director);
        for d in &s.dests {
            let tenths = (u64::from(d.weight) * 1000 + sum / 2).checked_div(sum);
            let share = tenths.map(|t| format!("{}.{} %", t / 10, t % 10));
            grid.row([
                name.as_str().into(),
                s.scheduler.as_str().into(),
                format!("{} ({}:{})", d.node, d.addr.0, d.addr.1).into(),
                d.forward.into(),
                u64::from(d.weight).into(),
                share.into(),
            ]);
        }
        if s.dests.is_empty() {
            grid.row([name.into(), s.scheduler.as_str().into(), "no server".into()]);
        }
    }
    if grid.is_empty() { String::new() } else { grid.markdown() }
}

fn losses(log: &RunLog<'_>, all: &Deaths) -> String {
    let mut grid = Grid::new(&["packets", "where", "first at", "why", "rule", "try"]);
    for death in &all.real {
        let first = death.first();
        let rule = first.reason.rule();
        grid.row([
            death.count.into(),
            log.place(first.node, first.dev).into(),
            log.brief(first.at).into(),
            first.reason.to_string().into(),
            format!("{} [{}]", rule.decider(), rule.code).into(),
            Cell::from(rule.remedy().map(|r| r.to_string())),
        ]);
    }
    let mut out = if grid.is_empty() { String::new() } else { grid.markdown() };
    let harmless: u64 = all.harmless.iter().map(|d| d.count).sum();
    if harmless > 0 {
        let gap = if out.is_empty() { "" } else { "\n" };
        out.push_str(&format!(
            "{gap}{harmless} more were lost without harm, such as frames that a switch sent everywhere.\n"
        ));
    }
    out
}

fn arp(log: &RunLog<'_>, all: &[Question]) -> String {
    let all: Vec<&Question> = all.iter().filter(|q| q.contested(log)).collect();
    if all.is_empty() {
        return String::new();
    }
    let name = |mac| log.mac_owner(mac).unwrap_or_else(|| mac.to_string());
    let mut grid = Grid::new(&["at", "asks", "who has", "answered, in order", "kept silent", "keeps"]);
    for q in all.iter().take(QUESTIONS) {
        let answers: Vec<String> = q.answers.iter().map(|a| name(a.1)).collect();
        let silent = q.verdicts.iter().filter(|v| {
            !matches!(
                v.1,
                ArpAnswer::Answered { .. } | ArpAnswer::Proxied { .. } | ArpAnswer::NotMine | ArpAnswer::NotAQuestion
            )
        });
        let silent: Vec<String> =
            silent.map(|(node, a)| format!("{} {}", log.node(*node), arp_answer(a, q.request.tpa))).collect();
        let some = |all: Vec<String>, by: &str| Cell::from(Some(all.join(by)).filter(|t| !t.is_empty()));
        grid.row([
            log.brief(q.at).into(),
            log.place(q.node, Some(q.dev)).into(),
            q.request.tpa.to_string().into(),
            some(answers, ", "),
            some(silent, "; "),
            q.cached.map(name).into(),
        ]);
    }
    let mut out = grid.markdown();
    if all.len() > QUESTIONS {
        out.push_str(&format!("\nand {} more.\n", all.len() - QUESTIONS));
    }
    out
}

fn expectations(log: &RunLog<'_>) -> String {
    let mut grid = Grid::new(&["", "expected", "found"]);
    for e in &log.expectations {
        let verdict = if e.holds { "holds" } else { "**fails**" };
        grid.row([verdict.into(), code(&e.source).into(), e.found.to_string().into()]);
    }
    if grid.is_empty() { String::new() } else { grid.markdown() }
}

/// One line without Markdown's own signs at its begin.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Code in a line, in more back-ticks than it holds.
fn code(text: &str) -> String {
    let ticks = "`".repeat(longest_run(text) + 1);
    let gap = if text.contains('`') { " " } else { "" };
    format!("{ticks}{gap}{}{gap}{ticks}", plain(text))
}

/// A block of code behind a fence that is longer than any in it.
fn fenced(text: &str) -> String {
    let fence = "`".repeat((longest_run(text) + 1).max(3));
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{fence}\n{text}{end}{fence}\n")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing;

    #[test]
    fn the_page_has_everything_and_the_line_that_makes_it_again() {
        let records = testing::records();
        let blocks = [TextBlock { title: "director: ipvsadm -Ln".into(), text: "IP Virtual Server".into() }];
        let page = report(&testing::log(&records), &blocks, "example.yaml").expect("a trace in memory");
        let text = String::from_utf8(page.bytes).expect("text");
        for part in [
            "# A tunnel that works once\n\nWhat *rp_filter* does.\n",
            "| web | ok | rs1 | 1 | 0.500 s |\n| web | timeout | – | 1 | 1.500 s |\n",
            "| TCP 10.0.0.100:80 on director | rr | rs1 (10.0.0.2:80) | Tunnel | 1 | 100.0 % |\n",
            "![Who served how many, against the share by weight](served.svg)\n",
            "| 2 | rs1:tunl0 | 1.500 s | the way back to the source leads elsewhere: ",
            "| 0.500 s | client:eth0 | 10.0.0.100 | director:eth0 | rs1 kept silent: has it on tunl0, but arp_ignore=1",
            "| **fails** | `{ traffic: web, outcomes: { ok: 2 } }` | ok: 1, timeout: 1 |\n",
            "### director: ipvsadm -Ln\n\n```\nIP Virtual Server\n```\n",
            "```\nlvsim run example.yaml --seed 42\n```\n",
        ] {
            assert!(text.contains(part), "{part}\n---\n{text}");
        }
    }

    #[test]
    fn fences_are_longer_than_what_they_hold() {
        assert_eq!(fenced("a ```` b"), "`````\na ```` b\n`````\n");
        assert_eq!(code("x `y`"), "`` x `y` ``");
    }

    #[test]
    fn empty_parts_are_left_out() {
        let mut log = testing::log(&[]);
        log.connections.clear();
        log.expectations.clear();
        log.services.clear();
        let text = String::from_utf8(report(&log, &[], "a.yaml").expect("a trace in memory").bytes).expect("text");
        for part in ["## Connections", "## Services", "## What was lost", "## Expected", "## Tables"] {
            assert!(!text.contains(part), "{part}");
        }
    }
}
