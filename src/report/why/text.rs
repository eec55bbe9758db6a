//! The answer of `why` for people and for programs.

use super::lab::Lab;
use super::{Asked, Found, Way, Why};
use crate::lang::{Join, Lang, Text};
use crate::report::tables::{Cell, Grid};
use crate::scenario::causes::cause;
use crate::text;
use serde_json::{Value, json};

/// Questions that are told to people; programs get all.
const ASKED: usize = 12;

/// For people: the causes with their cures first, then the ways, then who answered.
pub fn text(lab: &Lab<'_>, why: &Why, lang: Lang) -> String {
    let mut out = format!("{}\n", why.subject.say(lang));
    if why.causes.is_empty() && why.wrong {
        out.push_str(&format!("\n{}\n", text!("why-no-cause").say(lang)));
    }
    // Several hosts with one cause are told together.
    let mut told = 0;
    while let Some(first) = why.causes.get(told) {
        let same = why.causes[told..].iter().take_while(|f| f.code == first.code).count();
        out.push_str(&together(lab, &why.causes[told..told + same], lang));
        told += same;
    }
    for w in &why.ways {
        out.push('\n');
        out.push_str(&way(lab, w, lang));
    }
    if why.untold > 0 {
        out.push_str(&format!("\n{}\n", text!("why-more-packets", n = why.untold).say(lang)));
    }
    for a in why.asked.iter().take(ASKED) {
        out.push('\n');
        out.push_str(&asked(lab, a, lang));
    }
    if why.asked.len() > ASKED {
        let n = why.asked.len() - ASKED;
        out.push_str(&format!("\n{}\n", text!("why-more-questions", n).say(lang)));
    }
    if lab.log.lost_records > 0 {
        out.push_str(&format!("\n{}\n", text!("why-trace-full").say(lang)));
    }
    out
}

fn together(lab: &Lab<'_>, all: &[Found], lang: Lang) -> String {
    let Some(row) = all.first().and_then(|f| cause(f.code)) else { return String::new() };
    let nodes = Text::list(all.iter().map(|f| Text::plain(lab.name(f.node))), Join::Comma);
    let head = text!("why-cause", nodes, title = row.title(), code = row.code);
    let mut out = format!("\n{}\n", head.say(lang));
    let mut line = |told: Text| out.push_str(&format!("  {}\n", told.say(lang)));
    for f in all {
        line(text!("why-there-is", detail = f.detail));
    }
    line(text!("why-happens", happens = row.happens()));
    for (i, f) in all.iter().enumerate() {
        if i == 0 || all[i - 1].cure != f.cure {
            line(text!("why-mends", cure = f.cure));
        }
    }
    out
}

fn way(lab: &Lab<'_>, w: &Way, lang: Lang) -> String {
    let head = text!("why-packet", id = w.packet, line = w.line);
    let mut out = format!("{}\n", head.say(lang));
    let mut place = "";
    for s in &w.steps {
        let mark = if s.lost { "✗" } else { " " };
        let shown = if s.place == place { String::new() } else { s.place.clone() };
        place = &s.place;
        out.push_str(&format!("{mark} {:>9}  {shown:<14} {}\n", lab.log.seconds(s.at), s.did.say(lang)));
        if let Some(rule) = s.rule.as_ref().filter(|_| s.lost) {
            let decided = text!("decided-by", rule).say(lang);
            out.push_str(&format!("  {:>9}  {:<14} {decided}\n", "", ""));
        }
    }
    if let Some((n, last)) = w.same {
        let others = text!("why-same-end", n, at = lab.log.brief(last));
        out.push_str(&format!("  {}\n", others.say(lang)));
    }
    out
}

fn asked(lab: &Lab<'_>, a: &Asked, lang: Lang) -> String {
    let (at, asker, asked) = (lab.log.brief(a.at), &a.by, a.addr);
    let head = match a.unicast {
        true => text!("why-asks-one", at, asker, asked),
        false => text!("why-asks", at, asker, asked),
    };
    let mut out = format!("{}\n", head.say(lang));
    let mut grid = Grid::new(&["host", "has", "arp_ignore", "did"]);
    for r in &a.rows {
        let has = if r.has.is_empty() { Cell::None } else { Cell::from(r.has.clone()) };
        grid.row([r.host.clone().into(), has, r.arp_ignore.say(lang).into(), r.did.say(lang).into()]);
    }
    out.push_str(&grid.body("  "));
    for (i, (at, who)) in a.answers.iter().enumerate() {
        let told = if i == 0 { text!("why-answer-counts", who) } else { text!("why-answer", who) };
        out.push_str(&format!("  {} {}\n", lab.log.seconds(*at), told.say(lang)));
    }
    if a.answers.is_empty() {
        out.push_str(&format!("  {}\n", text!("why-no-answer").say(lang)));
    }
    if let Some(who) = &a.cached {
        out.push_str(&format!("  {}\n", text!("why-keeps", who).say(lang)));
    }
    for (at, what) in &a.later {
        let told = text!("why-entry-goes", what);
        out.push_str(&format!("  {} {}\n", lab.log.seconds(*at), told.say(lang)));
    }
    if let Some(lives) = &a.lives {
        out.push_str(&format!("  {}\n", lives.say(lang)));
    }
    out
}

/// For programs.
pub fn object(lab: &Lab<'_>, why: &Why, lang: Lang) -> Value {
    let maybe = |text: &Option<Text>| text.as_ref().map(|t| t.say(lang));
    let at = |t: crate::base::SimTime| t.since_zero(lab.log.zero);
    let causes: Vec<Value> = why
        .causes
        .iter()
        .map(|f| json!({ "code": f.code, "node": lab.name(f.node), "detail": f.detail.say(lang), "cure": f.cure.say(lang) }))
        .collect();
    let steps = why.ways.iter().flat_map(|w| &w.steps);
    let chain: Vec<Value> = steps
        .map(|s| json!({ "at_ns": at(s.at), "place": s.place, "packet": s.packet, "did": s.did.say(lang), "rule": maybe(&s.rule), "lost": s.lost }))
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
                .map(|r| json!({ "host": r.host, "has": r.has, "arp_ignore": r.arp_ignore.say(lang), "did": r.did.say(lang), "answered": r.answered }))
                .collect();
            let timed = |(t, what): (crate::base::SimTime, String)| json!({ "at_ns": at(t), "what": what });
            let answers: Vec<Value> = a.answers.iter().cloned().map(timed).collect();
            let later: Vec<Value> = a.later.iter().map(|(t, what)| timed((*t, what.say(lang)))).collect();
            json!({
                "at_ns": at(a.at), "by": a.by, "address": a.addr, "unicast": a.unicast, "hosts": rows,
                "answers": answers, "cached": a.cached, "later": later, "lives": maybe(&a.lives),
            })
        })
        .collect();
    json!({
        "schema_version": 1,
        "name": lab.log.name,
        "seed": lab.log.seed,
        "subject": why.subject.say(lang),
        "wrong": why.wrong,
        "causes": causes,
        "packets": packets,
        "chain": chain,
        "untold": why.untold,
        "who_has": asked,
    })
}
