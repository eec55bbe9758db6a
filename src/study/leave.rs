//! A real server leaves: it is taken out of every virtual service at a moment, by the commands that a person would type. What
//! became of the clients that came before and come again, and of the schedulers' tables.
//!
//! A client is an address. Of its connections, the last answered one that began before and the first answered one that began after
//! count. It had to move if its server was the one that left; otherwise it moved without need. How many must move at least is the
//! part that the leaver had.

use super::compare::Comparison;
use super::measures::Unit;
use super::stats::Interval;
use super::verdict::shown;
use crate::base::{NodeId, Seed, SimTime, Span};
use crate::engine::world::{Limits, World};
use crate::node::app::Outcome;
use crate::report::charts::plot::SlotPanel;
use crate::report::tables::{Cell, Grid};
use crate::scenario::Scenario;
use crate::scenario::model::{At, ScriptSpec, Step, StepKind};
use crate::scenario::play::{Play, SHELL_STARTS};
use crate::shell::ipvsadm::list::delete_line;
use crate::trace::Tracer;
use std::sync::Arc;

/// After so long the commands have been carried out; connections that begin in between say nothing.
const SETTLED: Span = Span::from_millis(50);

/// Who leaves, when, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leave {
    /// The node.
    pub node: NodeId,
    /// Its name.
    pub name: String,
    /// When, from t = 0.
    pub at: Span,
    /// What is typed where.
    pub typed: Vec<(NodeId, Arc<str>)>,
    /// The same for readers: `director: ipvsadm -d …`.
    pub told: Vec<String>,
}

/// Where clients went that came before and again after a server left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    /// Clients that came before and again.
    pub clients: u64,
    /// Those whose server left.
    pub forced: u64,
    /// Those whose server stayed, and who got another one.
    pub free: u64,
}

/// A scheduler's table before and after, by the servers' places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotTable {
    /// The virtual service.
    pub service: String,
    /// The server of each slot before.
    pub before: Vec<Option<usize>>,
    /// And after.
    pub after: Vec<Option<usize>>,
}

/// `rs-3@10s`: a node and a time.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn parse(text: &str) -> Result<(String, Span), String> {
    let (node, at) = text.split_once('@').ok_or("write NODE@TIME, such as `rs-3@10s`")?;
    match node.is_empty() {
        true => Err("write NODE@TIME, such as `rs-3@10s`".into()),
        false => Ok((node.to_string(), Span::parse(at)?)),
    }
}

/// The scenario in which a node leaves, and how. Set-up is played once, to learn which services have it.
///
/// # Errors
/// A sentence, if there is no such node, or no virtual service has a real server there.
pub fn plan(scenario: &Scenario, node: &str, at: Span) -> Result<(Scenario, Leave), String> {
    let id = scenario.node(node).ok_or_else(|| {
        let names: Vec<&str> = scenario.nodes.iter().map(|n| n.name.as_str()).collect();
        format!("no node `{node}`; there are {}", names.join(", "))
    })?;
    let mut tracer = Tracer::off();
    let seed = Seed(scenario.seed);
    let play = Play::set_up(scenario, seed, Limits::default(), None, &mut tracer, &mut |_, _| true)
        .map_err(|early| format!("set-up did not come to its end: {:?}", early.1))?;
    let mut typed: Vec<(NodeId, Arc<str>)> = Vec::new();
    let has = |addr| play.world.host(id).is_some_and(|h| h.net.has_addr(addr));
    for (place, host) in play.world.nodes.iter().enumerate().filter_map(|(i, n)| Some((i, n.host()?))) {
        let lines: Vec<String> = host
            .ipvs
            .services()
            .flat_map(|s| s.dests().filter(|d| has(d.addr)).map(|d| delete_line(&s, d)).collect::<Vec<_>>())
            .collect();
        if !lines.is_empty() {
            typed.push((NodeId(place as u32), Arc::from(lines.join("\n"))));
        }
    }
    if typed.is_empty() {
        return Err(format!("no virtual service has a real server on `{node}` at the end of set-up: it cannot leave"));
    }
    let line = |(node, text): &(NodeId, Arc<str>)| {
        text.lines().map(|l| format!("{}: {l}", scenario.node_name(*node))).collect::<Vec<_>>()
    };
    let told = typed.iter().flat_map(line).collect();
    let mut changed = scenario.clone();
    for (node, text) in &typed {
        let script = ScriptSpec { text: text.clone(), line: 0 };
        let kind = StepKind::Run { node: *node, script, observe: false };
        changed.steps.push(Step { at: At::Time(at), kind, line: 0 });
    }
    Ok((changed, Leave { node: id, name: node.to_string(), at, typed, told }))
}

impl Leave {
    /// Whether all of it was typed and went well.
    ///
    /// # Errors
    /// A sentence that says what did not.
    pub fn check(&self, play: &Play<'_>) -> Result<(), String> {
        for (node, text) in &self.typed {
            let found = play.events.iter().find(|e| e.node == *node && e.at == Some(self.at) && e.run == *text);
            match found.map(|e| (e.status, e.out.trim())) {
                Some((Some(0), _)) => {}
                Some((_, out)) => return Err(format!("`{text}` failed: {out}")),
                None => return Err(format!("the run ended before {} left at {}", self.name, self.at)),
            }
        }
        Ok(())
    }
}

/// A row for each variant: how many clients came before and again, which part of them got another server, which part of the
/// scheduler's table did.
pub fn table(comparison: &Comparison) -> Grid {
    let columns = [
        "scheduler",
        "clients",
        "had to move",
        "moved all the same",
        "slots",
        "slots that had to",
        "slots without need",
    ];
    let mut grid = Grid::new(&columns);
    for (variant, samples) in comparison.variants.iter().zip(&comparison.samples) {
        let all: Vec<Moves> = samples.iter().filter_map(|s| s.detail.as_ref()?.moves).collect();
        let mean = |of: &dyn Fn(&Moves) -> f64, unit| {
            let values: Vec<f64> = all.iter().map(of).collect();
            Cell::from(Interval::of(&values, 0.95).map(|i| shown(i, unit)))
        };
        let slots = samples.first().and_then(|s| s.detail.as_ref()?.slots.first());
        let part = |of: &dyn Fn(&SlotTable) -> usize| {
            Cell::from(slots.map(|t| format!("{:.2} %", 100.0 * of(t) as f64 / t.before.len().max(1) as f64)))
        };
        grid.row([
            Cell::from(variant.name()),
            mean(&|m| m.clients as f64, Unit::Number),
            mean(&|m| m.forced as f64 / m.clients as f64, Unit::Part),
            mean(&|m| m.free as f64 / m.clients as f64, Unit::Part),
            slots.map_or(Cell::None, |t| (t.before.len() as u64).into()),
            part(&|t| t.panel("").moved().0),
            part(&|t| t.panel("").moved().1),
        ]);
    }
    grid
}

impl SlotTable {
    /// As charts draw it.
    pub fn panel(&self, title: &str) -> SlotPanel {
        SlotPanel { title: title.into(), before: self.before.clone(), after: self.after.clone() }
    }
}

/// Looks at the tables shortly before and after a server leaves.
#[derive(Debug)]
pub struct Tables {
    leave: Leave,
    moments: [SimTime; 2],
    before: Vec<(String, Vec<Option<usize>>)>,
    after: Vec<(String, Vec<Option<usize>>)>,
}

impl Tables {
    /// Of this leave.
    pub fn new(leave: &Leave, zero: SimTime) -> Tables {
        let at = zero + leave.at;
        Tables { leave: leave.clone(), moments: [at, at + SETTLED], before: Vec::new(), after: Vec::new() }
    }

    /// When a look is needed.
    pub fn moments(&self) -> &[SimTime] {
        &self.moments
    }

    /// The world as it is now.
    pub fn look(&mut self, world: &World, servers: &[NodeId]) {
        if world.now <= self.moments[0] {
            // Once before t = 0, and again when the moment has come.
            if world.now == self.moments[0] || self.before.is_empty() {
                self.before = tables(world, servers, &self.leave);
            }
        } else if world.now >= self.moments[1] && self.after.is_empty() {
            self.after = tables(world, servers, &self.leave);
        }
    }

    /// What was seen, and where clients went.
    pub fn end(self, play: &Play<'_>, weights: &[(NodeId, i32)]) -> (Option<Moves>, Vec<SlotTable>) {
        let moves = moves(play, &self.leave, weights);
        let pair = |((service, before), (_, after))| SlotTable { service, before, after };
        (moves, self.before.into_iter().zip(self.after).map(pair).collect())
    }
}

/// The tables of the services that are left, by service, for schedulers that have one.
fn tables(world: &World, servers: &[NodeId], leave: &Leave) -> Vec<(String, Vec<Option<usize>>)> {
    let mut out = Vec::new();
    for (node, _) in &leave.typed {
        let Some(host) = world.host(*node) else { continue };
        for service in host.ipvs.services() {
            let Some(slots) = service.slots() else { continue };
            let owner = |addr| servers.iter().position(|&s| world.host(s).is_some_and(|h| h.net.has_addr(addr)));
            let places: Vec<Option<usize>> = service.dests().map(|d| owner(d.addr)).collect();
            let of = |slot: &u32| places.get(*slot as usize).copied().flatten();
            out.push((service.key().to_string(), slots.iter().map(of).collect()));
        }
    }
    out
}

fn moves(play: &Play<'_>, leave: &Leave, weights: &[(NodeId, i32)]) -> Option<Moves> {
    let left = play.zero + leave.at;
    // Client, start, server.
    let mut all: Vec<(u64, SimTime, NodeId)> = Vec::new();
    for w in &play.world.workloads {
        for (k, r) in w.results.iter().enumerate() {
            let Some(server) = r.server().filter(|s| r.outcome == Outcome::Ok && weights.iter().any(|x| x.0 == *s))
            else {
                continue;
            };
            let turn = w.user_of.get(k).map_or(k as u64, |&user| u64::from(user));
            let client = match w.sources {
                Some((first, count)) => u64::from(first.to_bits()) + turn % u64::from(count.max(1)),
                None => 1 << 40 | u64::from(r.client().0),
            };
            all.push((client, r.start, server));
        }
    }
    all.sort_unstable();
    let mut moves = Moves::default();
    for one in all.chunk_by(|a, b| a.0 == b.0) {
        let before = one.iter().rfind(|c| c.1 < left);
        let after = one.iter().find(|c| c.1 >= left + SHELL_STARTS + SETTLED);
        let (Some(before), Some(after)) = (before, after) else { continue };
        moves.clients += 1;
        if before.2 == leave.node {
            moves.forced += 1;
        } else if before.2 != after.2 {
            moves.free += 1;
        }
    }
    (moves.clients > 0).then_some(moves)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::detail::Want;
    use crate::study::sample::{Case, run_wanted};
    use crate::study::testing::lab;
    use crate::study::variant::Variant;

    fn leaves(scheduler: &'static str) -> (Moves, Vec<SlotTable>) {
        // 200 clients come again and again, one each millisecond.
        let lab = lab(4, "service_time: 100us", "connections: 1000, every: 1ms, addresses: 10.9.0.0/24");
        let (lab, leave) = plan(&lab, "rs-3", Span::from_millis(500)).expect("it serves");
        assert_eq!(leave.told, ["director: ipvsadm -d -t 10.0.0.100:80 -r 10.0.1.3:80"]);
        let want = Want { charts: true, leave: Some(leave) };
        let case = Case { variant: 0, seed: 1, load: 0 };
        let variant = Variant::Scheduler(scheduler);
        let run = run_wanted(&lab, variant, case, Limits::default(), None, &want, &mut || true).expect("it runs");
        let detail = run.detail.expect("it was wanted");
        (detail.moves.expect("clients came again"), detail.slots)
    }

    #[test]
    fn maglev_moves_little_more_than_it_must_and_source_hashing_most() {
        let (mh, slots) = leaves("mh");
        assert!(mh.clients > 200 && mh.free * 10 < mh.clients, "{mh:?}");
        assert!((0.15..0.35).contains(&(mh.forced as f64 / mh.clients as f64)), "{mh:?}");
        let table = &slots[0];
        assert_eq!((table.service.as_str(), table.before.len(), table.after.len()), ("TCP 10.0.0.100:80", 4093, 4093));
        assert!(table.before.contains(&Some(2)) && !table.after.contains(&Some(2)));
        let (sh, slots) = leaves("sh");
        assert!(sh.free * 10 > sh.clients * 4, "{sh:?}");
        assert_eq!(slots[0].before.len(), 256);
        let (_, none) = leaves("rr");
        assert!(none.is_empty());
    }

    #[test]
    fn who_leaves_at_once_has_a_table_before_too() {
        let lab = lab(2, "service_time: 100us", "connections: 100, every: 2ms");
        let (lab, leave) = plan(&lab, "rs-1", Span::ZERO).expect("it serves");
        let want = Want { charts: true, leave: Some(leave) };
        let case = Case { variant: 0, seed: 1, load: 0 };
        let variant = Variant::Scheduler("sh");
        let run = run_wanted(&lab, variant, case, Limits::default(), None, &want, &mut || true).expect("it runs");
        let slots = run.detail.expect("it was wanted").slots;
        assert_eq!(slots[0].panel("").moved(), (128, 0));
    }

    #[test]
    fn who_cannot_leave_is_told() {
        let lab = lab(2, "service_time: 1ms", "connections: 10, every: 1ms");
        let at = Span::from_millis(1);
        assert!(plan(&lab, "client", at).is_err_and(|why| why.contains("no virtual service")));
        assert!(plan(&lab, "rs-9", at).is_err_and(|why| why.contains("there are lan, client")));
        assert_eq!(parse("rs-3@10s"), Ok(("rs-3".into(), Span::from_secs(10))));
        assert!(parse("rs-3").is_err() && parse("@1s").is_err() && parse("rs-3@x").is_err());
        let (late, leave) = plan(&lab, "rs-1", Span::from_secs(3000)).expect("it serves");
        let want = Want { charts: true, leave: Some(leave) };
        let case = Case { variant: 0, seed: 1, load: 0 };
        let until = Some(Span::from_secs(1));
        let run = run_wanted(&late, Variant::AsItIs, case, Limits::default(), until, &want, &mut || true);
        assert!(format!("{run:?}").contains("the run ended before rs-1 left"), "{run:?}");
    }
}
