//! What an expectation claims, in words: what it is about, and what is wanted, in the form in which a run says what it found.

use crate::base::NodeId;
use crate::base::time::seconds;
use crate::lang::Text;
use crate::scenario::Scenario;
use crate::scenario::model::{At, Claim};
use crate::text;

/// Characters of a command or an output that are shown.
const SHOWN: usize = 80;

/// What it is about.
pub(super) fn subject(lab: &Scenario, claim: &Claim) -> Text {
    let name = |id: &NodeId| lab.node_name(*id);
    let traffic = |place: &usize| lab.traffic.get(*place).map_or("", |t| t.name.as_str());
    match claim {
        Claim::Outcomes { traffic: t, .. } => text!("grade-outcomes", traffic = traffic(t)),
        Claim::Served { traffic: t, .. } => text!("grade-serves", traffic = traffic(t)),
        Claim::Sequence { traffic: t, .. } => text!("grade-sequence", traffic = traffic(t)),
        Claim::Neighbour { address, on, at, .. } => {
            let when = match at {
                At::Time(t) => text!("grade-at", time = seconds(t.0 as i64)),
                At::End => Text::none(),
            };
            text!("grade-neighbour", host = name(on), address, when)
        }
        Claim::Output { node, script, .. } => text!("grade-output", command = cut(&script.text), host = name(node)),
        Claim::Dropped { node, reason, .. } => {
            let why = reason.as_ref().map_or_else(Text::none, |r| text!("grade-reason", r));
            text!("grade-dropped", host = name(node), why)
        }
    }
}

/// What is wanted.
pub(super) fn wanted(lab: &Scenario, claim: &Claim) -> Text {
    let name = |id: &NodeId| lab.node_name(*id).to_string();
    match claim {
        Claim::Outcomes { counts, .. } => listing(counts.iter().map(|(o, n)| (o.word().to_string(), *n))),
        Claim::Served { counts, .. } => listing(counts.iter().map(|(id, n)| (name(id), *n))),
        Claim::Sequence { servers, .. } => {
            let names: Vec<String> = servers.iter().map(|s| s.as_ref().map_or("-".into(), name)).collect();
            Text::plain(format!("[{}]", names.join(", ")))
        }
        Claim::Neighbour { is, .. } => is.as_ref().map_or(text!("expect-no-entry"), |id| Text::plain(name(id))),
        Claim::Output { contains, equals, .. } => match (contains, equals) {
            (_, Some(all)) => text!("grade-prints-only", output = cut(all)),
            (part, None) => text!("grade-prints", output = cut(part.as_deref().unwrap_or_default())),
        },
        Claim::Dropped { least, most, .. } => match (least, most) {
            (least, Some(most)) if least == most => text!("grade-exactly", least),
            (0, Some(most)) => text!("grade-at-most", most),
            (least, Some(most)) => text!("grade-between", least, most),
            (least, None) => text!("grade-at-least", least),
        },
    }
}

fn listing(rows: impl Iterator<Item = (String, u64)>) -> Text {
    let parts: Vec<String> = rows.filter(|(_, n)| *n > 0).map(|(name, n)| format!("{name}: {n}")).collect();
    if parts.is_empty() { text!("expect-nothing") } else { Text::plain(parts.join(", ")) }
}

/// The first line, not too long, without back-ticks.
fn cut(text: &str) -> String {
    let text = text.trim();
    let line = text.lines().next().unwrap_or("");
    let mut out: String = line.chars().take(SHOWN).map(|c| if c == '`' { '\'' } else { c }).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}
