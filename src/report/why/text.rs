//! The answer of `why` for people and for programs.

use super::lab::Lab;
use super::{Asked, Found, Way, Why};
use crate::report::tables::{Cell, Grid};
use crate::report::words::count;
use crate::scenario::causes::cause;
use serde_json::{Value, json};

/// Questions that are told to people; programs get all.
const ASKED: usize = 12;

/// For people: the causes with their cures first, then the ways, then who answered.
pub fn text(lab: &Lab<'_>, why: &Why) -> String {
    let mut out = format!("{}\n", why.subject);
    if why.causes.is_empty() && why.wrong {
        out.push_str("\nNo cause of the table fits; the steps below say what was decided.\n");
    }
    // Several hosts with one cause are told together.
    let mut told = 0;
    while let Some(first) = why.causes.get(told) {
        let same = why.causes[told..].iter().take_while(|f| f.code == first.code).count();
        out.push_str(&together(lab, &why.causes[told..told + same]));
        told += same;
    }
    for w in &why.ways {
        out.push('\n');
        out.push_str(&way(lab, w));
    }
    if why.untold > 0 {
        out.push_str(&format!("\nand {} of it\n", count(why.untold as u64, "more packet", "more packets")));
    }
    for a in why.asked.iter().take(ASKED) {
        out.push('\n');
        out.push_str(&asked(lab, a));
    }
    if why.asked.len() > ASKED {
        let rest = (why.asked.len() - ASKED) as u64;
        out.push_str(&format!("\nand {}\n", count(rest, "more question", "more questions")));
    }
    if lab.log.lost_records > 0 {
        out.push_str("\nThe trace was full: what came later is not known; raise --max-memory.\n");
    }
    out
}

fn together(lab: &Lab<'_>, all: &[Found]) -> String {
    let Some(row) = all.first().and_then(|f| cause(f.code)) else { return String::new() };
    let nodes: Vec<&str> = all.iter().map(|f| lab.name(f.node)).collect();
    let mut out = format!("\n{}: {} [{}]\n", nodes.join(", "), row.title(), row.code);
    for f in all {
        out.push_str(&format!("  what there is: {}\n", f.detail));
    }
    out.push_str(&format!("  what happens:  {}\n", row.happens()));
    for (i, f) in all.iter().enumerate() {
        if i == 0 || all[i - 1].cure != f.cure {
            out.push_str(&format!("  what mends it: {}\n", f.cure));
        }
    }
    out
}

fn way(lab: &Lab<'_>, w: &Way) -> String {
    let mut out = format!("packet #{}: {}\n", w.packet, w.line);
    let mut place = "";
    for s in &w.steps {
        let mark = if s.lost { "✗" } else { " " };
        let shown = if s.place == place { String::new() } else { s.place.clone() };
        place = &s.place;
        out.push_str(&format!("{mark} {:>9}  {shown:<14} {}\n", lab.log.seconds(s.at), s.did));
        if let Some(rule) = s.rule.as_ref().filter(|_| s.lost) {
            out.push_str(&format!("  {:>9}  {:<14} decided by {rule}\n", "", ""));
        }
    }
    if let Some((n, last)) = w.same {
        let others = count(n as u64, "more packet ends", "more packets end");
        out.push_str(&format!("  {others} in the same way, the last at {}\n", lab.log.brief(last)));
    }
    out
}

fn asked(lab: &Lab<'_>, a: &Asked) -> String {
    let how = if a.unicast { ", asking one host only" } else { "" };
    let mut out = format!("{}: {} asks who has {}{how}\n", lab.log.brief(a.at), a.by, a.addr);
    let mut grid = Grid::new(&["host", "has", "arp_ignore", "did"]);
    for r in &a.rows {
        let has = if r.has.is_empty() { Cell::None } else { Cell::from(r.has.clone()) };
        grid.row([r.host.clone().into(), has, r.arp_ignore.clone().into(), r.did.clone().into()]);
    }
    out.push_str(&grid.body("  "));
    for (i, (at, who)) in a.answers.iter().enumerate() {
        let won = if i == 0 { ", the first: it counts" } else { "" };
        out.push_str(&format!("  {} answer of {who}{won}\n", lab.log.seconds(*at)));
    }
    if a.answers.is_empty() {
        out.push_str("  no answer came\n");
    }
    if let Some(who) = &a.cached {
        out.push_str(&format!("  the asker keeps {who}\n"));
    }
    for (at, what) in &a.later {
        out.push_str(&format!("  {} its entry goes from {what}\n", lab.log.seconds(*at)));
    }
    if let Some(lives) = &a.lives {
        out.push_str(&format!("  {lives}\n"));
    }
    out
}

/// For programs.
pub fn object(lab: &Lab<'_>, why: &Why) -> Value {
    let at = |t: crate::base::SimTime| t.since_zero(lab.log.zero);
    let causes: Vec<Value> = why
        .causes
        .iter()
        .map(|f| json!({ "code": f.code, "node": lab.name(f.node), "detail": f.detail, "cure": f.cure }))
        .collect();
    let steps = why.ways.iter().flat_map(|w| &w.steps);
    let chain: Vec<Value> = steps
        .map(|s| json!({ "at_ns": at(s.at), "place": s.place, "packet": s.packet, "did": s.did, "rule": s.rule, "lost": s.lost }))
        .collect();
    let packets: Vec<Value> = why
        .ways
        .iter()
        .map(|w| json!({ "packet": w.packet, "line": w.line, "same_end": w.same.map_or(0, |s| s.0) }))
        .collect();
    let asked: Vec<Value> = why
        .asked
        .iter()
        .map(|a| {
            let rows: Vec<Value> = a
                .rows
                .iter()
                .map(|r| json!({ "host": r.host, "has": r.has, "arp_ignore": r.arp_ignore, "did": r.did, "answered": r.answered }))
                .collect();
            let timed = |list: &[(crate::base::SimTime, String)]| -> Vec<Value> {
                list.iter().map(|(t, who)| json!({ "at_ns": at(*t), "what": who })).collect()
            };
            json!({
                "at_ns": at(a.at), "by": a.by, "address": a.addr, "unicast": a.unicast, "hosts": rows,
                "answers": timed(&a.answers), "cached": a.cached, "later": timed(&a.later), "lives": a.lives,
            })
        })
        .collect();
    json!({
        "schema_version": 1,
        "name": lab.log.name,
        "seed": lab.log.seed,
        "subject": why.subject,
        "wrong": why.wrong,
        "causes": causes,
        "packets": packets,
        "chain": chain,
        "untold": why.untold,
        "who_has": asked,
    })
}
