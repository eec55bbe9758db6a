//! Lints: everything valid that will not work, told before any run.
//!
//! The set-up is played up to the first connection ([`Lab`]) and the hosts' state is read; what the timeline types later is
//! read as text. No traffic is run. A lint is one row in [`LINTS`]: a stable code, the cause that it foretells (a row of
//! [`causes`](super::causes)), and a function that finds it. `Finding::fails` is set where a connection of the
//! scenario will fail for it, as far as the kernel's rules leave no doubt; all else warns.
//!
//! Left out: keepalived is not simulated, so of its file only the virtual router ids are looked at; answers are not held
//! against netfilter's rules; what a background job changes after the first connection is not foreseen.

mod address;
mod filter;
pub(crate) mod journal;
mod lab;
mod origin;
pub(crate) mod places;
mod route;
mod server;
mod service;
mod table;
mod typed;
mod walk;

pub use lab::{Lab, Unsettled};
pub use table::LINTS;

use super::Scenario;
use super::problem::Place;
use super::render::{Diagnostic, draw};
use crate::base::{NodeId, Seed};
use crate::lang::{Lang, Text};
use crate::text;
use std::collections::BTreeSet;

/// Findings that are told of one file.
const MOST: usize = 200;

/// One kind of mistake.
pub struct Lint {
    /// The stable code, such as `L001`.
    pub code: &'static str,
    /// The cause that it foretells: a code of [`causes`](super::causes).
    pub cause: &'static str,
    /// The scenario that shows it: `scenarios/lint/NAME.yaml`.
    pub example: &'static str,
    /// Quiet about a node for which one of these has spoken: it would tell a consequence.
    pub after: &'static [&'static str],
    /// Finds it.
    pub find: fn(&Lab<'_>) -> Vec<Finding>,
}

impl Lint {
    /// What is wrong, in one line.
    pub fn title(&self) -> Text {
        Text::row("lint", self.code, None)
    }

    /// What one types to have it.
    pub fn wrong(&self) -> Text {
        Text::row("lint", self.code, Some("wrong"))
    }

    /// What one types instead.
    pub fn right(&self) -> Text {
        Text::row("lint", self.code, Some("right"))
    }
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
    pub title: Text,
    /// The line that made it so.
    pub place: Place,
    /// What stands beside the caret.
    pub label: Text,
    /// Other lines involved.
    pub more: Vec<(Place, Text)>,
    /// What will happen, by the kernel's rules.
    pub note: Text,
    /// What one types to mend it.
    pub cure: Text,
}

impl Finding {
    fn new(lab: &Lab<'_>, node: NodeId, place: Place, title: Text) -> Finding {
        Finding {
            code: "",
            cause: "",
            node,
            name: lab.name(node).to_string(),
            fails: false,
            title,
            place,
            label: Text::none(),
            more: Vec::new(),
            note: Text::none(),
            cure: Text::none(),
        }
    }

    fn label(mut self, label: Text) -> Finding {
        self.label = label;
        self
    }

    fn note(mut self, note: Text) -> Finding {
        self.note = note;
        self
    }

    fn cure(mut self, cure: Text) -> Finding {
        self.cure = cure;
        self
    }

    fn fails(mut self, fails: bool) -> Finding {
        self.fails = fails;
        self
    }

    fn also(mut self, place: Place, label: Text) -> Finding {
        if place != self.place {
            self.more.push((place, label));
        }
        self
    }

    /// `error` for what will fail, `warning` for the rest.
    pub fn level(&self) -> &'static str {
        if self.fails { "error" } else { "warning" }
    }
}

/// All findings as text, an empty line between two, in the look of the other problems. `text` is the file's.
pub fn render(findings: &[Finding], file_name: &str, text: &str, color: bool, lang: Lang) -> String {
    let mut out = String::new();
    for (i, f) in findings.iter().enumerate() {
        if i > 0 {
            out.push('\n');
        }
        let all = std::iter::once((&f.place, &f.label)).chain(f.more.iter().map(|(place, label)| (place, label)));
        let said: Vec<(&Place, String)> = all.map(|(place, label)| (place, label.say(lang))).collect();
        let spots: Vec<(&Place, &str)> = said.iter().map(|(place, label)| (*place, label.as_str())).collect();
        let (title, note, cure) = (f.title.say(lang), f.note.say(lang), f.cure.say(lang));
        let below = [(text!("diagnostic-note"), note.as_str()), (text!("diagnostic-help"), cure.as_str())];
        let diagnostic = Diagnostic { warns: !f.fails, code: f.code, title: &title, spots: &spots, below: &below };
        draw(&diagnostic, file_name, text, color, lang, &mut out);
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
    // Where a program was typed that would set addresses or services and is not simulated, nothing is sure.
    let sure = !lab.unsure;
    let mut spoken: BTreeSet<(&'static str, NodeId)> = BTreeSet::new();
    let mut all: Vec<Finding> = Vec::new();
    for lint in LINTS {
        for mut finding in (lint.find)(&lab) {
            let consequence = lint.after.iter().any(|code| spoken.contains(&(code, finding.node)));
            // Members of a group share their lines.
            let told = all.iter().any(|f| f.code == lint.code && f.place == finding.place);
            if !consequence {
                spoken.insert((lint.code, finding.node));
            }
            if consequence || told || all.len() >= MOST {
                continue;
            }
            (finding.code, finding.cause) = (lint.code, lint.cause);
            finding.fails &= sure;
            all.push(finding);
        }
    }
    all.sort_by(|a, b| (a.place.start, a.code).cmp(&(b.place.start, b.code)));
    Ok(all)
}

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

    const LAB: &str = "lvsim: 1
nodes:
  lan: { kind: switch }
  client: { kind: client, interfaces: { eth0: { to: lan, address: 10.0.0.1/24 } } }
  director:
    kind: director
    interfaces: { eth0: { to: lan, address: 10.0.0.2/24 } }
    run: |
      ip addr add 10.0.0.100/32 dev eth0
      ipvsadm -A -t 10.0.0.100:80 -s rr
      ipvsadm -a -t 10.0.0.100:80 -r 10.0.0.11 -g
  rs1:
    kind: real-server
    interfaces: { eth0: { to: lan, address: 10.0.0.11/24 }, lo: { address: 10.0.0.100/32 } }
    sysctl: { net.ipv4.conf.all.arp_ignore: 1, net.ipv4.conf.all.arp_announce: 2 }
";

    /// The codes of what fails and of what warns.
    fn found(rest: &str) -> (Vec<&'static str>, Vec<&'static str>) {
        let text = format!("{LAB}{rest}");
        let loaded = crate::scenario::load("a.yaml", &text, &[], &crate::scenario::Names::default());
        let scenario =
            loaded.unwrap_or_else(|p| panic!("{}", crate::scenario::render(&p, "a.yaml", &text, false))).scenario;
        let all = check(&scenario, &text).expect("a set-up that ends");
        let codes = |fails: bool| all.iter().filter(|f| f.fails == fails).map(|f| f.code).collect();
        (codes(true), codes(false))
    }

    fn traffic(start: &str) -> String {
        format!("traffic:\n  - {{ name: web, from: client, to: \"10.0.0.100:80\", start: {start} }}\n")
    }

    #[test]
    fn what_the_timeline_mends_before_the_first_connection_is_no_mistake() {
        assert_eq!(found(&traffic("1s")), (vec!["L022"], vec![]));
        let mends = "timeline:\n  - { at: 500ms, node: rs1, run: \"service httpd start\" }\n";
        assert_eq!(found(&(traffic("1s") + mends)), (vec![], vec![]));
        assert_eq!(found(&(traffic("100ms") + mends)), (vec!["L022"], vec![]));
    }

    #[test]
    fn nothing_is_claimed_of_connections_after_something_was_typed() {
        let later = "  - { name: other, from: client, to: \"10.0.0.100:8080\", start: 3s }\n";
        let typed = "timeline:\n  - { at: 2s, node: director, run: \"ipvsadm -A -t 10.0.0.100:8080 -s rr\" }\n";
        assert_eq!(found(&(traffic("1s") + later)).0, ["L022", "L012"]);
        assert_eq!(found(&(traffic("1s") + later + typed)).0, ["L022"]);
    }

    #[test]
    fn without_traffic_lints_only_warn() {
        assert_eq!(found(""), (vec![], vec!["L022"]));
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
