//! What a lab says about what happened: by the same reports that look at whole runs, on the run as far as it got.

use super::commands::{Reply, clock};
use super::session::Session;
use crate::lang::{Join, Lang, Text};
use crate::report::effective::Wanted;
use crate::report::filter::{Expr, TraceFilter};
use crate::report::ladder;
use crate::report::run::Run;
use crate::report::show::TABLES;
use crate::report::tables::Format;
use crate::report::why::{self, NotThere, Subject, find_connection};
use crate::study::diff;
use crate::text;
use std::fmt::Write as _;

/// Frames that are printed at most.
const FRAMES: usize = 200;
/// Losses that are listed when time has passed.
const LOSSES: usize = 10;

/// Lets a report look at the run as far as it got.
fn look<R>(session: &mut Session<'_>, report: impl FnOnce(&Run<'_>) -> R) -> R {
    let (play, tracer) = session.lend();
    let run = Run::so_far(play, tracer, session.seed());
    let result = report(&run);
    session.put_back(run.into_tracer());
    result
}

fn missing(e: &NotThere) -> Text {
    match e.names.is_empty() {
        true => e.what.clone(),
        false => text!("lab-there-are", what = e.what, names = e.names.join(", ")),
    }
}

/// `web:3`.
fn connection(text: &str) -> Result<(String, u32), Text> {
    let parsed = text.rsplit_once(':').and_then(|(name, n)| Some((name.to_string(), n.parse().ok()?)));
    parsed.ok_or_else(|| text!("lab-no-connection", text))
}

/// `:why`.
pub fn why(session: &mut Session<'_>, rest: &str) -> Result<Reply, Text> {
    let subject = match rest.split_whitespace().collect::<Vec<_>>().as_slice() {
        [] => Subject::Any,
        ["who-has", addr] => {
            let addr = addr.parse().map_err(|_| text!("lab-no-address", addr))?;
            Subject::WhoHas(addr, None)
        }
        [one] => {
            let (name, n) = connection(one)?;
            Subject::Connection(name, n)
        }
        _ => return Err(text!("lab-why-how")),
    };
    let lang = session.lang;
    look(session, |run| {
        let lab = run.lab();
        let told = why::why(&lab, &subject).map_err(|e| missing(&e))?;
        Ok(Reply::Text(why::text::text(&lab, &told, lang)))
    })
}

/// `:ladder`.
pub fn ladder(session: &mut Session<'_>, rest: &str) -> Result<Reply, Text> {
    let only = if rest.is_empty() { None } else { Some(connection(rest)?) };
    look(session, |run| {
        let lab = run.lab();
        let only = match &only {
            Some((name, n)) => Some(find_connection(&lab, name, *n).map_err(|e| missing(&e))?),
            None => None,
        };
        Ok(Reply::Text(ladder::text::text(&ladder::ladder(&lab, only))))
    })
}

/// `:show`.
pub fn show(session: &mut Session<'_>, rest: &str) -> Result<Reply, Text> {
    let here = session.scenario().node_name(session.here()).to_string();
    let mut words = rest.split_whitespace().peekable();
    let table = words.next().unwrap_or("");
    let node = words.next_if(|w| !w.starts_with('-')).map_or(here, str::to_string);
    let Some(row) = TABLES.iter().find(|t| t.name == table) else {
        let names: Vec<&str> = TABLES.iter().map(|t| t.name).collect();
        return Err(text!("lab-no-table", table, names = names.join(", ")));
    };
    if words.next_if_eq(&"--effective").is_some() {
        return effective(session, table, &node, words.map(str::to_string).collect());
    }
    let lang = session.lang;
    let shown = look(session, |run| run.show(row, &node, Format::Human, lang));
    shown.map(Reply::Text).ok_or_else(|| match row.is_of_hosts() {
        true => text!("is-no-host", name = node),
        false => text!("is-no-switch", name = node),
    })
}

/// `:show sysctl --effective`.
fn effective(session: &mut Session<'_>, table: &str, node: &str, mut names: Vec<String>) -> Result<Reply, Text> {
    if table != "sysctl" {
        return Err(text!("lab-effective", table));
    }
    let count = names.len();
    names.retain(|n| n != "--all");
    let wanted = Wanted { all: names.len() < count, names };
    let source = session.source();
    let lang = session.lang;
    let shown = look(session, |run| run.effective(node, source, &wanted, Format::Human, lang));
    match shown {
        None => Err(text!("is-no-host", name = node)),
        Some(Err(e)) => Err(text!("no-variable", name = e.name)),
        Some(Ok(text)) => Ok(Reply::Text(text)),
    }
}

/// `:frames`.
pub fn frames(session: &mut Session<'_>, rest: &str) -> Result<Reply, Text> {
    let words: Vec<String> = rest.split_whitespace().map(str::to_string).collect();
    let expr = Expr::parse(&words).map_err(|e| Text::plain(e.message))?;
    let filter = TraceFilter { expr, ..TraceFilter::default() };
    let since = session.since();
    let lines = look(session, |run| run.trace_lines_since(&filter, since));
    Ok(Reply::Text(listed(&lines, session.lang)))
}

fn listed(lines: &[String], lang: Lang) -> String {
    let mut out = String::new();
    let left_out = lines.len().saturating_sub(FRAMES);
    if left_out > 0 {
        let _ = writeln!(out, "{}", text!("lab-left-out", n = left_out).say(lang));
    }
    for line in &lines[left_out..] {
        out.push_str(line);
        out.push('\n');
    }
    if lines.is_empty() {
        let _ = writeln!(out, "{}", text!("lab-no-frame").say(lang));
    }
    out
}

/// What happened while time passed: how many frames, what became of connections, what was lost.
pub fn passed(session: &mut Session<'_>) -> String {
    let since = session.since();
    let from = session.acts().last().map_or(session.now(), |a| a.at);
    let time = clock(session);
    let lang = session.lang;
    let (frames, losses) = look(session, |run| {
        let log = run.log();
        let new = &log.records[since.min(log.records.len())..];
        let frames = new.iter().filter(|r| matches!(r.event, crate::trace::TraceEvent::Frame { .. })).count();
        let losses: Vec<Text> = log
            .drops()
            .filter(|d| d.at >= from && !d.harmless())
            .map(|d| text!("lab-loss", at = log.brief(d.at), place = log.place(d.node, d.dev), reason = d.reason))
            .collect();
        (frames, losses)
    });
    let mut passed = vec![text!("n-frames", n = frames)];
    let mut outcomes: Vec<(&str, usize)> = Vec::new();
    for r in session.play().world.workloads.iter().flat_map(|w| &w.results) {
        if r.end >= from && r.start <= session.now() && r.outcome != crate::node::app::Outcome::Unfinished {
            let word = r.outcome.word();
            match outcomes.iter_mut().find(|o| o.0 == word) {
                Some(o) => o.1 += 1,
                None => outcomes.push((word, 1)),
            }
        }
    }
    for (word, n) in outcomes {
        passed.push(text!("lab-outcome", connections = text!("n-connections", n), word));
    }
    let mut out = text!("lab-time-passed", time, what = Text::list(passed, Join::Then)).say(lang) + "\n";
    for loss in losses.iter().take(LOSSES) {
        let _ = writeln!(out, "{}", text!("lab-lost-at", loss).say(lang));
    }
    if losses.len() > LOSSES {
        let _ = writeln!(out, "{}", text!("lab-more-losses", n = losses.len() - LOSSES).say(lang));
    }
    out
}

/// What one step showed.
pub fn stepped(session: &mut Session<'_>) -> String {
    let since = session.since();
    let lines = look(session, |run| run.trace_lines_since(&TraceFilter::default(), since));
    match lines.is_empty() {
        true => session.say(&text!("lab-no-frame-moves", time = clock(session))) + "\n",
        false => listed(&lines, session.lang),
    }
}

/// `:diff`: the same time without what was typed last.
pub fn diff(session: &mut Session<'_>) -> Result<Reply, Text> {
    let typed = session.last_typed().and_then(|t| t.lines().next()).unwrap_or_default().to_string();
    let Some((play, tracer)) = session.without_last() else { return Err(text!("lab-nothing-typed")) };
    let before = Run::so_far(play, tracer, session.seed());
    let lang = session.lang;
    let text = look(session, |run| {
        let found = diff::diff(&before, run);
        // The line itself differs always.
        let ends = found.frame.is_none() && found.connections.is_empty() && found.tables.is_empty();
        match ends && diff::same_but_typed(&before, run) {
            true => text!("diff-nothing-changed", typed).say(lang) + "\n",
            false => {
                let inputs = [text!("diff-without-last"), text!("diff-with-last")].map(|t| t.say(lang));
                diff::text(&found, &inputs, lang)
            }
        }
    });
    Ok(Reply::Text(text))
}
