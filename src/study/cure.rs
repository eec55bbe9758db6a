//! The smallest cure: the least that has to be typed or changed for a lab to do what it should, proved by running it.
//!
//! `why` and the lints say where to look; the table of [`moves`] says what can be done. Single changes are
//! tried first, those that mend a found cause before all others; then pairs, where the second change answers what `why`
//! says after the first. What is found is stripped of every part that it does without. The search is bounded by runs and
//! events, and says so when the bound ends it.

use super::change::{Change, Edit, Keys, edited, sets};
use super::exam::{Exam, Facts, Goal};
use super::lines::diff;
use super::moves::{self, Bench};
use crate::lang::Text;
use crate::report::why;
use crate::scenario::{Scenario, lint};
use std::collections::BTreeSet;

/// How much a search may take.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Runs.
    pub runs: u32,
    /// Events of all runs together.
    pub events: u64,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { runs: 500, events: 50_000_000 }
    }
}

/// Why a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// A cure was found.
    Found,
    /// Nothing is to be cured.
    Sound,
    /// Every change and every pair was tried.
    Exhausted,
    /// The bound of runs or events was reached.
    Bound,
    /// The caller stopped it.
    Interrupted,
}

/// A set of changes that reaches the goal.
#[derive(Clone, Debug)]
pub struct Cure {
    /// The rows of the table of moves.
    pub kinds: Vec<&'static str>,
    /// What a person types: the host, and the lines.
    pub commands: Vec<(String, Vec<String>)>,
    /// What a person changes that cannot be typed at the end of set-up: the host, and the change in words.
    pub by_hand: Vec<(String, Text)>,
    /// The same as arguments of `--set`.
    pub sets: Vec<String>,
    /// The same as lines of the file, where the file has a place for them.
    pub yaml: Option<String>,
    /// What the run came to without it.
    pub before: Facts,
    /// What it comes to with it.
    pub after: Facts,
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct Search {
    /// The smallest cure; none or one.
    pub cures: Vec<Cure>,
    /// The goal.
    pub goal: Goal,
    /// Runs that it took.
    pub runs: u32,
    /// Events of all of them.
    pub events: u64,
    /// Why it ended.
    pub ended: Ended,
}

/// A first change whose run came nearest is tried first with a second.
const FIRSTS: usize = 16;
/// Second changes for each first one.
const SECONDS: usize = 24;

struct Searcher<'a, 'g> {
    exam: &'a Exam<'a>,
    before: Facts,
    goal: Goal,
    budget: Budget,
    runs: u32,
    events: u64,
    /// Events of a single run: a change must not begin a storm.
    most: u64,
    go_on: &'g mut dyn FnMut() -> bool,
    ended: Option<Ended>,
}

/// A change that was tried, with the arguments that carry it out.
#[derive(Clone)]
struct Tried {
    change: Change,
    sets: Vec<String>,
    keys: Keys,
    score: u64,
}

/// Searches the smallest cure. `go_on` is asked often; when it answers false, the search ends.
pub fn cure(exam: &Exam<'_>, budget: Budget, go_on: &mut dyn FnMut() -> bool) -> Search {
    let mut s = Searcher {
        exam,
        before: Facts::default(),
        goal: Goal::Expected,
        budget,
        runs: 0,
        events: 0,
        most: budget.events,
        go_on,
        ended: None,
    };
    let found = s.search();
    let cures: Vec<Cure> = found.into_iter().collect();
    let ended = match (cures.is_empty(), s.ended) {
        (false, _) => Ended::Found,
        (true, Some(ended)) => ended,
        (true, None) => Ended::Exhausted,
    };
    Search { cures, goal: s.goal, runs: s.runs, events: s.events, ended }
}

impl Searcher<'_, '_> {
    fn search(&mut self) -> Option<Cure> {
        let scenario = self.exam.load(&[])?;
        let run = self.exam.run(&scenario, true, self.most, self.go_on);
        let lab = run.lab();
        self.before = Facts::of(&run, &lab);
        self.spend(self.before.events);
        self.goal = Goal::of(&self.before);
        self.most = self.before.events.saturating_mul(8).saturating_add(200_000).min(self.budget.events);
        let mut causes: Vec<(&'static str, crate::base::NodeId)> =
            why::causes::causes(&lab).iter().map(|f| (f.code, f.node)).collect();
        if self.goal == Goal::Sound && causes.is_empty() && self.goal.reached(&self.before, &self.before, &scenario) {
            self.ended = Some(Ended::Sound);
            return None;
        }
        for f in lint::check(&scenario, self.exam.text).unwrap_or_default() {
            if !causes.contains(&(f.cause, f.node)) {
                causes.push((f.cause, f.node));
            }
        }
        let candidates = moves::candidates(&Bench { lab: &lab, causes: &causes });
        let mut tried: Vec<Tried> = Vec::new();
        for change in candidates {
            let Some((one, facts)) = self.try_one(&scenario, &[], change) else {
                if self.ended.is_some() {
                    return None;
                }
                continue;
            };
            if self.goal.reached(&self.before, &facts, &scenario) && self.confirmed(&one.sets) {
                return Some(self.strip(&scenario, Vec::new(), one, facts));
            }
            tried.push(one);
        }
        // The nearest first; of equals the one that was thought of first.
        tried.sort_by_key(|t| std::cmp::Reverse(t.score));
        for first in tried.into_iter().take(FIRSTS) {
            let Some(changed) = self.exam.load(&first.sets) else { continue };
            let run = self.exam.run(&changed, true, self.most, self.go_on);
            self.spend(run.events);
            let lab = run.lab();
            let causes: Vec<_> = why::causes::causes(&lab).iter().map(|f| (f.code, f.node)).collect();
            for change in moves::candidates(&Bench { lab: &lab, causes: &causes }).into_iter().take(SECONDS) {
                if change == first.change {
                    continue;
                }
                let Some((second, facts)) = self.try_one(&changed, &first.sets, change) else {
                    if self.ended.is_some() {
                        return None;
                    }
                    continue;
                };
                let both: Vec<String> = first.sets.iter().chain(&second.sets).cloned().collect();
                if self.goal.reached(&self.before, &facts, &scenario) && self.confirmed(&both) {
                    return Some(self.strip(&changed, vec![first], second, facts));
                }
            }
        }
        None
    }

    fn spend(&mut self, events: u64) {
        self.runs += 1;
        self.events += events;
    }

    /// Runs the scenario with what was changed before and one more change. None: it cannot be changed so, or the search is
    /// over.
    fn try_one(&mut self, scenario: &Scenario, before: &[String], change: Change) -> Option<(Tried, Facts)> {
        if self.runs >= self.budget.runs || self.events >= self.budget.events {
            self.ended = Some(Ended::Bound);
            return None;
        }
        let keys = change.keys(scenario)?;
        let own = sets(&keys);
        let all: Vec<String> = before.iter().chain(&own).cloned().collect();
        let changed = self.exam.load(&all)?;
        let facts = self.facts(&changed)?;
        let score = facts.score();
        Some((Tried { change, sets: own, keys, score }, facts))
    }

    fn facts(&mut self, scenario: &Scenario) -> Option<Facts> {
        let run = self.exam.run(scenario, false, self.most, self.go_on);
        self.spend(run.events);
        if !(self.go_on)() {
            self.ended = Some(Ended::Interrupted);
            return None;
        }
        Some(Facts::of(&run, &run.lab()))
    }

    /// Where nothing is expected, nobody but the director may answer for the VIP, not even to a host that asks later: that
    /// is seen in a trace only.
    fn confirmed(&mut self, sets: &[String]) -> bool {
        if self.goal == Goal::Expected {
            return true;
        }
        let Some(scenario) = self.exam.load(sets) else { return false };
        let run = self.exam.run(&scenario, true, self.most, self.go_on);
        self.spend(run.events);
        !why::strays(&run.lab())
    }

    /// Leaves out what the last change does without. What keeps a lab whole stays, needed by this run or not: no server is
    /// forgotten, no address is left behind where it was wrong, no VIP is shown that was to be hidden.
    fn strip(&mut self, scenario: &Scenario, before: Vec<Tried>, mut last: Tried, mut facts: Facts) -> Cure {
        let earlier: Vec<String> = before.iter().flat_map(|t| t.sets.clone()).collect();
        let mut i = 0;
        while last.change.edits.len() > 1 && i < last.change.edits.len() {
            let whole = ["ipvsadm -a", "ip addr del", "sysctl -w net.ipv4.conf.all.arp_"];
            if matches!(&last.change.edits[i], Edit::Type(_, line) if whole.iter().any(|w| line.starts_with(w))) {
                i += 1;
                continue;
            }
            let mut less = last.change.clone();
            less.edits.remove(i);
            let tried = self.try_one(scenario, &earlier, less);
            let all = |t: &Tried| earlier.iter().chain(&t.sets).cloned().collect::<Vec<_>>();
            match tried {
                Some((t, f)) if self.goal.reached(&self.before, &f, scenario) && self.confirmed(&all(&t)) => {
                    (last, facts) = (t, f);
                }
                _ => i += 1,
            }
        }
        self.ended = None;
        self.told(scenario, before, last, facts)
    }

    fn told(&mut self, scenario: &Scenario, before: Vec<Tried>, last: Tried, after: Facts) -> Cure {
        let all: Vec<Tried> = before.into_iter().chain([last]).collect();
        let mut text = Some(self.exam.text.to_string());
        for t in &all {
            text = text.and_then(|text| edited(&text, &t.keys));
        }
        // The changed file has to come to the same, whatever `--set` was there already.
        let yaml = text.and_then(|text| {
            let exam = Exam { text: &text, ..*self.exam };
            let changed = exam.load(&[])?;
            let run = exam.run(&changed, false, self.most, self.go_on);
            self.spend(run.events);
            let facts = Facts::of(&run, &run.lab());
            self.goal.reached(&self.before, &facts, &changed).then(|| diff(self.exam.text, &text))
        });
        let mut cure = Cure {
            kinds: all.iter().map(|t| t.change.kind).collect(),
            commands: Vec::new(),
            by_hand: Vec::new(),
            sets: latest(all.iter().flat_map(|t| t.sets.clone())),
            yaml,
            before: self.before.clone(),
            after,
        };
        for e in all.iter().flat_map(|t| &t.change.edits) {
            match e {
                Edit::Type(node, line) => {
                    let name = scenario.node_name(*node).to_string();
                    match cure.commands.iter_mut().find(|(n, _)| *n == name) {
                        Some((_, lines)) => lines.push(line.clone()),
                        None => cure.commands.push((name, vec![line.clone()])),
                    }
                }
                other => cure.by_hand.extend(moves::in_words(scenario, other)),
            }
        }
        let mut seen = BTreeSet::new();
        cure.by_hand.retain(|w| seen.insert(w.clone()));
        cure
    }
}

/// Of two values for one key the later one.
fn latest(sets: impl Iterator<Item = String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for set in sets {
        let key = set.split('=').next().unwrap_or_default().to_string() + "=";
        out.retain(|s| !s.starts_with(&key));
        out.push(set);
    }
    out
}
