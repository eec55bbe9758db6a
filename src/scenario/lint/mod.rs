//! Lints: everything valid that will not work, told before any run.
//!
//! The set-up is played up to the first connection ([`Lab`]) and the hosts' state is read; what the timeline types later is
//! read as text. No traffic is run. A lint is one row in [`LINTS`]: a stable code, the cause that it foretells (a row of
//! [`causes`](super::causes)), and a function that finds it. [`Finding::fails`] is set where a connection of the
//! scenario will fail for it, as far as the kernel's rules leave no doubt; all else warns.
//!
//! Left out: keepalived is not simulated, so of its file only the virtual router ids are looked at; answers are not held
//! against netfilter's rules; what a background job changes after the first connection is not foreseen.

mod address;
mod filter;
mod journal;
mod lab;
mod origin;
mod places;
mod route;
mod server;
mod service;
mod typed;
mod walk;

pub use lab::{Lab, Unsettled};

use super::Scenario;
use super::problem::Place;
use super::render::{Diagnostic, draw};
use crate::base::{NodeId, Seed};
use std::collections::BTreeSet;

/// Findings that are told of one file.
const MOST: usize = 200;

/// One kind of mistake.
pub struct Lint {
    /// The stable code, such as `L001`.
    pub code: &'static str,
    /// The cause that it foretells: a code of [`causes`](super::causes).
    pub cause: &'static str,
    /// What is wrong, in one line.
    pub title: &'static str,
    /// What one types to have it.
    pub wrong: &'static str,
    /// What one types instead.
    pub right: &'static str,
    /// Quiet about a node for which one of these has spoken: it would tell a consequence.
    pub after: &'static [&'static str],
    /// Finds it.
    pub find: fn(&Lab<'_>) -> Vec<Finding>,
}

impl std::fmt::Debug for Lint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lint").field("code", &self.code).field("cause", &self.cause).finish_non_exhaustive()
    }
}

/// A mistake that was found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The lint's code.
    pub code: &'static str,
    /// The cause's code.
    pub cause: &'static str,
    /// The node that it is about.
    pub node: NodeId,
    /// The node's name.
    pub name: String,
    /// A connection of the scenario will fail for it; else it only warns.
    pub fails: bool,
    /// What is.
    pub title: String,
    /// The line that made it so.
    pub place: Place,
    /// What stands beside the caret.
    pub label: String,
    /// Other lines involved.
    pub more: Vec<(Place, String)>,
    /// What will happen, by the kernel's rules.
    pub note: String,
    /// What one types to mend it.
    pub cure: String,
}

impl Finding {
    fn new(lab: &Lab<'_>, node: NodeId, place: Place, title: impl Into<String>) -> Finding {
        Finding {
            code: "",
            cause: "",
            node,
            name: lab.name(node).to_string(),
            fails: false,
            title: title.into(),
            place,
            label: String::new(),
            more: Vec::new(),
            note: String::new(),
            cure: String::new(),
        }
    }

    fn label(mut self, label: impl Into<String>) -> Finding {
        self.label = label.into();
        self
    }

    fn note(mut self, note: impl Into<String>) -> Finding {
        self.note = note.into();
        self
    }

    fn cure(mut self, cure: impl Into<String>) -> Finding {
        self.cure = cure.into();
        self
    }

    fn fails(mut self, fails: bool) -> Finding {
        self.fails = fails;
        self
    }

    fn also(mut self, place: Place, label: impl Into<String>) -> Finding {
        if place != self.place {
            self.more.push((place, label.into()));
        }
        self
    }

    /// `error` for what will fail, `warning` for the rest.
    pub fn level(&self) -> &'static str {
        if self.fails { "error" } else { "warning" }
    }
}

/// All findings as text, an empty line between two, in the look of the other problems. `text` is the file's.
pub fn render(findings: &[Finding], file_name: &str, text: &str, color: bool) -> String {
    let mut out = String::new();
    for (i, f) in findings.iter().enumerate() {
        if i > 0 {
            out.push('\n');
        }
        let more = f.more.iter().map(|(place, label)| (place, label.as_str()));
        let spots: Vec<(&Place, &str)> = std::iter::once((&f.place, f.label.as_str())).chain(more).collect();
        let below = [("note", f.note.as_str()), ("help", f.cure.as_str())];
        let diagnostic = Diagnostic { warns: !f.fails, code: f.code, title: &f.title, spots: &spots, below: &below };
        draw(&diagnostic, file_name, text, color, &mut out);
    }
    out
}

/// The lint of a code.
pub fn lint(code: &str) -> Option<&'static Lint> {
    LINTS.iter().find(|l| l.code == code)
}

/// Every mistake of a scenario, by place. `text` is its file's.
///
/// # Errors
/// The set-up does not end.
pub fn check(scenario: &Scenario, text: &str) -> Result<Vec<Finding>, Unsettled> {
    let lab = Lab::new(scenario, text, Seed(scenario.seed))?;
    let mut spoken: BTreeSet<(&'static str, NodeId)> = BTreeSet::new();
    let mut all: Vec<Finding> = Vec::new();
    for lint in LINTS {
        for mut finding in (lint.find)(&lab) {
            let consequence = lint.after.iter().any(|code| spoken.contains(&(code, finding.node)));
            // Members of a group share their lines.
            let told = all.iter().any(|f| f.code == lint.code && f.place == finding.place);
            if consequence || told || all.len() >= MOST {
                continue;
            }
            (finding.code, finding.cause) = (lint.code, lint.cause);
            spoken.insert((lint.code, finding.node));
            all.push(finding);
        }
    }
    all.sort_by(|a, b| (a.place.start, a.code).cmp(&(b.place.start, b.code)));
    Ok(all)
}

/// Every lint. Causes before what may be their consequences, see [`Lint::after`].
pub const LINTS: &[Lint] = &[
    Lint {
        code: "L001",
        cause: "vip-mask",
        title: "the VIP stands on lo with a mask wider than /32",
        wrong: "ifconfig lo:0 192.168.1.200 netmask 255.255.255.0 up",
        right: "ifconfig lo:0 192.168.1.200 netmask 255.255.255.255 up",
        after: &[],
        find: address::vip_mask,
    },
    Lint {
        code: "L002",
        cause: "arp-ignore-on-lo",
        title: "arp_ignore is set on lo only",
        wrong: "sysctl -w net.ipv4.conf.lo.arp_ignore=1",
        right: "sysctl -w net.ipv4.conf.all.arp_ignore=1",
        after: &[],
        find: address::ignore_on_lo,
    },
    Lint {
        code: "L003",
        cause: "stale-neighbour",
        title: "the VIP was added before it was hidden",
        wrong: "ip addr add 192.168.1.200/32 dev lo; sysctl -w net.ipv4.conf.all.arp_ignore=1",
        right: "sysctl -w net.ipv4.conf.all.arp_ignore=1; ip addr add 192.168.1.200/32 dev lo",
        after: &[],
        find: address::too_late,
    },
    Lint {
        code: "L004",
        cause: "vip-not-hidden",
        title: "a real server answers who-has for the VIP",
        wrong: "ip addr add 192.168.1.200/32 dev lo",
        right: "sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2; ip addr add 192.168.1.200/32 dev lo",
        after: &["L002"],
        find: address::not_hidden,
    },
    Lint {
        code: "L005",
        cause: "duplicate-address",
        title: "two hosts of one segment answer for one address",
        wrong: "ip addr add 192.168.1.7/24 dev eth0, on two hosts",
        right: "ip addr add 192.168.1.7/24 dev eth0, and 192.168.1.8/24 on the other",
        after: &[],
        find: address::duplicate,
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::causes::cause;

    #[test]
    fn codes_are_unique_and_causes_are_known() {
        let codes: BTreeSet<&str> = LINTS.iter().map(|l| l.code).collect();
        assert_eq!(codes.len(), LINTS.len());
        for lint in LINTS {
            assert!(cause(lint.cause).is_some(), "{} names no cause: {}", lint.code, lint.cause);
        }
    }

    #[test]
    fn who_is_quiet_comes_after_those_it_waits_for() {
        for (i, lint) in LINTS.iter().enumerate() {
            for code in lint.after {
                assert!(
                    LINTS[..i].iter().any(|l| l.code == *code),
                    "{} waits for {code}, which comes later",
                    lint.code
                );
            }
        }
    }
}
