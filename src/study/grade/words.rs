//! What an expectation claims, in words: what it is about, and what is wanted, in the form in which a run says what it found.

use crate::base::NodeId;
use crate::base::time::seconds;
use crate::scenario::Scenario;
use crate::scenario::model::{At, Claim};

/// Characters of a command or an output that are shown.
const SHOWN: usize = 80;

/// What it is about.
pub(super) fn subject(lab: &Scenario, claim: &Claim) -> String {
    let name = |id: &NodeId| lab.node_name(*id);
    let traffic = |place: &usize| lab.traffic.get(*place).map_or("", |t| t.name.as_str());
    match claim {
        Claim::Outcomes { traffic: t, .. } => format!("outcomes of {}", traffic(t)),
        Claim::Served { traffic: t, .. } => format!("who serves {}", traffic(t)),
        Claim::Sequence { traffic: t, .. } => format!("who serves {}, in order", traffic(t)),
        Claim::Neighbour { address, on, at, .. } => {
            let when = match at {
                At::Time(t) => format!(" at {} s", seconds(t.0 as i64)),
                At::End => String::new(),
            };
            format!("who {} takes for {address}{when}", name(on))
        }
        Claim::Output { node, script, .. } => format!("`{}` on {}", cut(&script.text), name(node)),
        Claim::Dropped { node, reason, .. } => {
            let why = reason.as_ref().map_or_else(String::new, |r| format!(" ({r})"));
            format!("packets lost on {}{why}", name(node))
        }
    }
}

/// What is wanted.
pub(super) fn wanted(lab: &Scenario, claim: &Claim) -> String {
    let name = |id: &NodeId| lab.node_name(*id).to_string();
    match claim {
        Claim::Outcomes { counts, .. } => listing(counts.iter().map(|(o, n)| (o.word().to_string(), *n))),
        Claim::Served { counts, .. } => listing(counts.iter().map(|(id, n)| (name(id), *n))),
        Claim::Sequence { servers, .. } => {
            let names: Vec<String> = servers.iter().map(|s| s.as_ref().map_or("-".into(), name)).collect();
            format!("[{}]", names.join(", "))
        }
        Claim::Neighbour { is, .. } => is.as_ref().map_or("no entry".into(), name),
        Claim::Output { contains, equals, .. } => match (contains, equals) {
            (_, Some(all)) => format!("prints `{}` and nothing else", cut(all)),
            (part, None) => format!("prints `{}`", cut(part.as_deref().unwrap_or_default())),
        },
        Claim::Dropped { least, most, .. } => match (least, most) {
            (least, Some(most)) if least == most => format!("exactly {least}"),
            (0, Some(most)) => format!("at most {most}"),
            (least, Some(most)) => format!("{least} to {most}"),
            (least, None) => format!("at least {least}"),
        },
    }
}

fn listing(rows: impl Iterator<Item = (String, u64)>) -> String {
    let parts: Vec<String> = rows.filter(|(_, n)| *n > 0).map(|(name, n)| format!("{name}: {n}")).collect();
    if parts.is_empty() { "nothing".into() } else { parts.join(", ") }
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
