//! `report.md`: a run as one readable page, to keep or to hand in. No clock and no path: the same run, the same bytes.

use super::Artifact;
use super::charts::CHARTS;
use super::facts::{Deaths, Question, facts, traffic};
use super::log::RunLog;
use super::tables::{Cell, Grid};
use super::words::arp_answer;
use crate::lang::{Join, Lang, Text};
use crate::text;
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
pub fn report(log: &RunLog<'_>, blocks: &[TextBlock], file: &str, lang: Lang) -> io::Result<Artifact> {
    let facts = facts(log)?;
    let mut out = format!("# {}\n", plain(&log.title));
    if !log.about.trim().is_empty() {
        out.push_str(&format!("\n{}\n", log.about.trim()));
    }
    let section = |out: &mut String, title: Text, body: &str| section(out, &title.say(lang), body);
    section(&mut out, text!("report-connections"), &connections(log, lang));
    section(&mut out, text!("report-services"), &services(log, lang));
    for row in CHARTS {
        out.push_str(&format!("\n![{}]({}.svg)\n", capital(&row.about().say(lang)), row.name));
    }
    section(&mut out, text!("story-lost"), &losses(log, &facts.deaths, lang));
    section(&mut out, text!("story-who-answered"), &arp(log, &facts.questions, lang));
    section(&mut out, text!("story-expected"), &expectations(log, lang));
    if !blocks.is_empty() {
        out.push_str(&format!("\n## {}\n", text!("report-tables").say(lang)));
    }
    for block in blocks {
        out.push_str(&format!("\n### {}\n\n{}", plain(&block.title), fenced(&block.text)));
    }
    out.push_str(&format!("\n## {}\n\n", text!("report-run").say(lang)));
    if log.lost_records > 0 {
        out.push_str(&format!("{}\n\n", text!("report-full", n = log.lost_records).say(lang)));
    }
    let (time, events, frames, seed) = (log.brief(log.ended), log.events, log.frames, log.seed);
    out.push_str(&format!("{}\n\n", text!("report-again", time, events, frames, seed).say(lang)));
    out.push_str(&fenced(&format!("lvsim run {file} --seed {}\n", log.seed)));
    Ok(Artifact { name: "report.md".into(), bytes: out.into_bytes() })
}

fn section(out: &mut String, title: &str, body: &str) {
    if !body.is_empty() {
        out.push_str(&format!("\n## {title}\n\n{body}"));
    }
}

fn connections(log: &RunLog<'_>, lang: Lang) -> String {
    let mut grid = headed(
        lang,
        [
            text!("head-traffic"),
            text!("head-outcome"),
            text!("head-server"),
            text!("head-connections"),
            text!("head-first-at"),
        ],
    );
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

fn services(log: &RunLog<'_>, lang: Lang) -> String {
    let mut grid = headed(
        lang,
        [
            text!("head-service"),
            text!("head-scheduler"),
            text!("head-server"),
            text!("head-forward"),
            text!("head-weight"),
            text!("head-share-by-weight"),
        ],
    );
    for s in &log.services {
        let sum: u64 = s.dests.iter().map(|d| u64::from(d.weight)).sum();
        let name = text!("report-service-on", service = s.service, director = s.director).say(lang);
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
            grid.row([name.into(), s.scheduler.as_str().into(), text!("report-no-server").say(lang).into()]);
        }
    }
    if grid.is_empty() { String::new() } else { grid.markdown() }
}

fn losses(log: &RunLog<'_>, all: &Deaths, lang: Lang) -> String {
    let mut grid = headed(
        lang,
        [
            text!("head-packets"),
            text!("head-where"),
            text!("head-first-at"),
            text!("head-why"),
            text!("head-rule"),
            text!("head-try"),
        ],
    );
    for death in &all.real {
        let first = death.first();
        let rule = first.reason.rule();
        grid.row([
            death.count.into(),
            log.place(first.node, first.dev).into(),
            log.brief(first.at).into(),
            first.reason.text().say(lang).into(),
            format!("{} [{}]", rule.decider().say(lang), rule.code).into(),
            Cell::from(rule.remedy().map(|r| r.say(lang))),
        ]);
    }
    let mut out = if grid.is_empty() { String::new() } else { grid.markdown() };
    let harmless: u64 = all.harmless.iter().map(|d| d.count).sum();
    if harmless > 0 {
        let gap = if out.is_empty() { "" } else { "\n" };
        out.push_str(&format!("{gap}{}\n", text!("report-harmless", n = harmless).say(lang)));
    }
    out
}

fn arp(log: &RunLog<'_>, all: &[Question], lang: Lang) -> String {
    let all: Vec<&Question> = all.iter().filter(|q| q.contested(log)).collect();
    if all.is_empty() {
        return String::new();
    }
    let name = |mac| log.mac_owner(mac).unwrap_or_else(|| mac.to_string());
    let mut grid = headed(
        lang,
        [
            text!("head-at"),
            text!("head-asks"),
            text!("head-who-has"),
            text!("head-answered"),
            text!("head-kept-silent"),
            text!("head-keeps"),
        ],
    );
    for q in all.iter().take(QUESTIONS) {
        let answers: Vec<Text> = q.answers.iter().map(|a| Text::plain(name(a.1))).collect();
        let silent = q.verdicts.iter().filter(|v| {
            !matches!(
                v.1,
                ArpAnswer::Answered { .. } | ArpAnswer::Proxied { .. } | ArpAnswer::NotMine | ArpAnswer::NotAQuestion
            )
        });
        let did = |answer| arp_answer(answer, q.request.tpa);
        let silent = silent.map(|(node, a)| text!("story-host-did", host = log.node(*node), did = did(a))).collect();
        let some = |all: Vec<Text>, by| Cell::from(Some(Text::list(all, by).say(lang)).filter(|t| !t.is_empty()));
        grid.row([
            log.brief(q.at).into(),
            log.place(q.node, Some(q.dev)).into(),
            q.request.tpa.to_string().into(),
            some(answers, Join::Comma),
            some(silent, Join::Semicolon),
            q.cached.map(name).into(),
        ]);
    }
    let mut out = grid.markdown();
    if all.len() > QUESTIONS {
        out.push_str(&format!("\n{}\n", text!("report-more", n = all.len() - QUESTIONS).say(lang)));
    }
    out
}

fn expectations(log: &RunLog<'_>, lang: Lang) -> String {
    let mut grid = headed(lang, [Text::none(), text!("head-expected"), text!("head-found")]);
    for e in &log.expectations {
        let verdict = match e.holds {
            true => text!("word-holds").say(lang),
            false => format!("**{}**", text!("word-fails-small").say(lang)),
        };
        grid.row([verdict.into(), code(&e.source).into(), e.found.say(lang).into()]);
    }
    if grid.is_empty() { String::new() } else { grid.markdown() }
}

/// A table with these headings.
fn headed<const N: usize>(lang: Lang, heads: [Text; N]) -> Grid {
    let heads = heads.map(|head| head.say(lang));
    Grid::new(&heads.each_ref().map(String::as_str))
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
        let page = report(&testing::log(&records), &blocks, "example.yaml", Lang::En).expect("a trace in memory");
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
        let text =
            String::from_utf8(report(&log, &[], "a.yaml", Lang::En).expect("a trace in memory").bytes).expect("text");
        for part in ["## Connections", "## Services", "## What was lost", "## Expected", "## Tables"] {
            assert!(!text.contains(part), "{part}");
        }
    }
}
