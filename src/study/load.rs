//! The same study under several loads: every arrival rate of the file times a factor.
//!
//! Times between arrivals are divided by it, in integers; those drawn are the same draws under every load (common random
//! numbers), except where a rate changes at random or in steps, which keep their times. Closed workloads stay as they are: their
//! users wait for answers, so that nobody offers a load.

use super::compare::Comparison;
use super::detail::Offered;
use super::leave::Leave;
use super::measures::{MEASURES, Unit};
use super::sample::{Case, Sample};
use super::stats::Interval;
use super::verdict::shown;
use crate::base::Span;
use crate::report::tables::{Cell, Format, Grid};
use crate::scenario::Scenario;
use crate::scenario::model::{ArrivalPhase, ArrivalStep, Arrivals};
use serde_json::{Value, json};
use std::fmt;

/// Loads of a study at most.
pub const MOST: usize = 100;

/// A factor of every arrival rate, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Load(u64);

impl Load {
    /// As the file has it.
    pub const AS_IT_IS: Load = Load(1_000_000);
    const LEAST: Load = Load(1_000);
    const LARGEST: Load = Load(1_000_000_000);

    /// The factor.
    pub fn factor(self) -> f64 {
        self.0 as f64 / 1e6
    }

    fn gap(self, gap: Span) -> Span {
        let scaled = (u128::from(gap.0) * 1_000_000 + u128::from(self.0) / 2) / u128::from(self.0);
        // What had a distance keeps one.
        Span(u64::try_from(scaled).unwrap_or(u64::MAX / 4).min(u64::MAX / 4).max(u64::from(gap.0 > 0)))
    }
}

/// As short as it goes: `1`, `0.25`.
impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000);
        f.pad(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// `0.2,0.4,1` or `0.1..1.2/12`: from, to, how many.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn parse(text: &str) -> Result<Vec<Load>, String> {
    let all = match text.split_once("..") {
        Some((from, rest)) => {
            let (to, n) = rest.split_once('/').ok_or("write FROM..TO/N, such as `0.1..1.2/12`")?;
            let (from, to) = (one(from)?, one(to)?);
            let n = n.trim().parse::<u64>().ok().filter(|n| (2..=MOST as u64).contains(n));
            let n = n.ok_or_else(|| format!("`{rest}`: write how many loads, from 2 to {MOST}, behind the `/`"))?;
            if from >= to {
                return Err(format!("`{text}`: the first load is the least"));
            }
            (0..n).map(|i| Load(from.0 + ((to.0 - from.0) * i + (n - 1) / 2) / (n - 1))).collect()
        }
        None => text.split(',').map(one).collect::<Result<Vec<Load>, String>>()?,
    };
    let mut sorted = all.clone();
    sorted.sort_unstable();
    sorted.dedup();
    match (sorted.len() == all.len(), all.len()) {
        (false, _) => Err(format!("`{text}`: a load stands twice")),
        (_, n) if n > MOST => Err(format!("{n} loads; at most {MOST}")),
        _ => Ok(sorted),
    }
}

fn one(text: &str) -> Result<Load, String> {
    let text = text.trim();
    let wrong =
        || format!("`{text}` is no load: write a factor such as `0.8`, from 0.001 to 1000, six decimals at most");
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |s: &str| !s.is_empty() && s.len() <= 6 && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) {
        return Err(wrong());
    }
    let part: u64 = format!("{part:0<6}").parse().map_err(|_| wrong())?;
    let load = Load(whole.parse::<u64>().map_err(|_| wrong())? * 1_000_000 + part);
    if (Load::LEAST..=Load::LARGEST).contains(&load) { Ok(load) } else { Err(wrong()) }
}

/// The scenario under this load, and the entries that stay as they are.
///
/// # Errors
/// A sentence, if no entry has a rate.
pub fn scaled(scenario: &Scenario, load: Load) -> Result<(Scenario, Vec<String>), String> {
    let mut changed = scenario.clone();
    let mut kept = Vec::new();
    for traffic in &mut changed.traffic {
        if traffic.users > 0 || traffic.arrivals == Arrivals::Every(Span::ZERO) || traffic.connections < 2 {
            kept.push(traffic.name.clone());
            continue;
        }
        traffic.arrivals = match &traffic.arrivals {
            Arrivals::Every(gap) => Arrivals::Every(load.gap(*gap)),
            Arrivals::Rate(gap) => Arrivals::Rate(load.gap(*gap)),
            Arrivals::Poisson(mean) => Arrivals::Poisson(load.gap(*mean)),
            Arrivals::Mmpp(phases) => {
                let phase = |p: &ArrivalPhase| ArrivalPhase { gap: p.gap.map(|g| load.gap(g)), ..*p };
                Arrivals::Mmpp(phases.iter().map(phase).collect())
            }
            Arrivals::Steps(steps) => {
                let step = |s: &ArrivalStep| ArrivalStep { gap: s.gap.map(|g| load.gap(g)), ..*s };
                Arrivals::Steps(steps.iter().map(step).collect())
            }
            Arrivals::Trace { times, sizes } => {
                Arrivals::Trace { times: times.iter().map(|&t| load.gap(t)).collect(), sizes: sizes.clone() }
            }
        };
    }
    match kept.len() == changed.traffic.len() {
        true => Err("no traffic of this file comes at a rate: users wait for their answers and offer no load; \
                     write `arrivals: { poisson: 100/s }`"
            .into()),
        false => Ok((changed, kept)),
    }
}

/// The place of the load that is the file's own, or nearest to it.
pub fn nearest(loads: &[Load]) -> usize {
    (0..loads.len()).min_by_key(|&n| loads[n].0.abs_diff(Load::AS_IT_IS.0)).unwrap_or(0)
}

/// Every case of a study, for every load: seed by seed, so that a study that is cut short has whole pairs.
pub fn cases(loads: usize, variants: usize, first_seed: u64, seeds: u64) -> Vec<Case> {
    let one = super::compare::cases(variants, first_seed, seeds);
    one.chunks(variants.max(1))
        .flat_map(|seed| (0..loads).flat_map(move |load| seed.iter().map(move |&case| Case { load, ..case })))
        .collect()
}

/// A study under several loads.
#[derive(Clone, Debug)]
pub struct Study {
    /// The loads, from the least on.
    pub loads: Vec<Load>,
    /// A comparison for each; all of the same seeds.
    pub by_load: Vec<Comparison>,
    /// Who left on the way, if anybody did.
    pub leave: Option<Leave>,
}

impl Study {
    /// Puts runs in order, whatever order they come in. Seeds that some run is missing of are left out everywhere.
    pub fn of(
        scenario: &Scenario,
        variants: &[super::variant::Variant],
        prepared: &[super::mode::Prepared],
        loads: Vec<Load>,
        leave: Option<Leave>,
        samples: Vec<Sample>,
    ) -> Study {
        let mut apart: Vec<Vec<Sample>> = loads.iter().map(|_| Vec::new()).collect();
        for sample in samples {
            if let Some(of) = apart.get_mut(sample.case.load) {
                of.push(sample);
            }
        }
        let merged = |of| Comparison { prepared: prepared.to_vec(), ..super::compare::merge(scenario, variants, of) };
        let mut by_load: Vec<Comparison> = apart.into_iter().map(merged).collect();
        let everywhere: Vec<u64> = match by_load.first() {
            Some(one) => one.seeds.iter().copied().filter(|s| by_load.iter().all(|c| c.seeds.contains(s))).collect(),
            None => Vec::new(),
        };
        for one in &mut by_load {
            one.seeds.retain(|s| everywhere.contains(s));
            one.samples.iter_mut().for_each(|of| of.retain(|s| everywhere.contains(&s.case.seed)));
        }
        Study { loads, by_load, leave }
    }

    /// The comparison that is not about load: that of the file's own, or the nearest to it.
    pub fn base(&self) -> Option<&Comparison> {
        self.by_load.get(nearest(&self.loads))
    }

    /// The load that [`Study::base`] is of.
    pub fn base_load(&self) -> Load {
        self.loads.get(nearest(&self.loads)).copied().unwrap_or(Load::AS_IT_IS)
    }

    /// A number of the load of a comparison: its mean over all runs of all variants, as arrivals do not depend on them.
    pub fn offered(comparison: &Comparison) -> Option<f64> {
        mean(comparison.samples.iter().flatten().filter_map(|s| s.detail.as_ref()?.load).map(|l| l.offered))
    }

    /// The part of the workers that was busy, over all runs.
    pub fn utilisation(comparison: &Comparison) -> Option<f64> {
        mean(comparison.samples.iter().flatten().filter_map(|s| s.detail.as_ref()?.load?.utilisation))
    }

    /// The result, printed. A study of one load is printed as a comparison.
    pub fn print(&self, format: Format) -> String {
        let Some(base) = self.base() else { return String::new() };
        match format {
            Format::Human => self.human(base),
            Format::Csv if self.loads.len() < 2 => base.print(format),
            Format::Csv => self.csv(),
            Format::Json => format!("{:#}\n", self.json(base)),
        }
    }

    fn human(&self, base: &Comparison) -> String {
        let mut out = base.print(Format::Human);
        if let Some(leave) = &self.leave {
            out.push_str(&format!("\n{} left at {}; typed on {}\n", leave.name, leave.at, leave.told.join("\n  ")));
            out.push_str(&super::leave::table(base).print(Format::Human));
        }
        if self.loads.len() > 1 {
            let load = self.base_load();
            out.push_str(&format!("\nLoad by load (the tables above are of load {load}):\n"));
            out.push_str(&self.table().print(Format::Human));
        }
        out
    }

    fn json(&self, base: &Comparison) -> Value {
        let object = |comparison: &Comparison| {
            let text = comparison.print(Format::Json);
            serde_json::from_str::<Value>(&text).unwrap_or_default()
        };
        let leave = self.leave.as_ref().map(|leave| {
            let moves = |s: &Sample| {
                let m = s.detail.as_ref()?.moves?;
                let name = base.variants[s.case.variant].name();
                Some(json!({
                    "scheduler": name, "seed": s.case.seed, "clients": m.clients, "forced": m.forced, "free": m.free,
                }))
            };
            let runs: Vec<Value> = base.samples.iter().flatten().filter_map(moves).collect();
            json!({ "node": leave.name, "at_ns": leave.at.0, "typed": leave.told, "runs": runs })
        });
        let mut out = match self.loads.len() {
            1 => object(base),
            _ => {
                let of = |(load, comparison): (&Load, &Comparison)| {
                    json!({
                        "load": load.factor(),
                        "offered_per_s": Study::offered(comparison),
                        "utilisation": Study::utilisation(comparison),
                        "comparison": object(comparison),
                    })
                };
                let all: Vec<Value> = self.loads.iter().zip(&self.by_load).map(of).collect();
                json!({ "schema_version": 1, "name": base.name, "loads": all })
            }
        };
        if let Some(leave) = leave {
            out["leave"] = leave;
        }
        out
    }

    fn csv(&self) -> String {
        let mut out = String::new();
        for (n, (load, comparison)) in self.loads.iter().zip(&self.by_load).enumerate() {
            let text = comparison.print(Format::Csv);
            let mut lines = text.lines();
            let head = lines.next().unwrap_or("");
            if n == 0 {
                out.push_str(&format!("load,{head}\n"));
            }
            lines.for_each(|line| out.push_str(&format!("{load},{line}\n")));
        }
        out
    }

    /// A row for each load and variant.
    pub fn table(&self) -> Grid {
        let mut grid = Grid::new(&["load", "offered/s", "busy", "scheduler", "mean", "p99", "done/s", "answered"]);
        for (load, comparison) in self.loads.iter().zip(&self.by_load) {
            for (variant, samples) in comparison.variants.iter().zip(&comparison.samples) {
                let of = |value: &dyn Fn(&Offered) -> Option<f64>| -> Vec<f64> {
                    samples.iter().filter_map(|s| value(&s.detail.as_ref()?.load?)).collect()
                };
                let cell = |values: &[f64], unit| Cell::from(Interval::of(values, 0.95).map(|i| shown(i, unit)));
                let measure = |name: &str| -> Vec<f64> {
                    let row = MEASURES.iter().find(|m| m.name == name);
                    row.map(|m| samples.iter().filter_map(m.of).collect()).unwrap_or_default()
                };
                let answered: Vec<f64> = samples.iter().map(|s| 1.0 - s.failed()).collect();
                grid.row([
                    Cell::from(load.to_string()),
                    Study::offered(comparison).map_or(Cell::None, |x| format!("{x:.1}").into()),
                    cell(&of(&|l| l.utilisation), Unit::Part),
                    variant.name().into(),
                    cell(&measure("mean"), Unit::Time),
                    cell(&measure("p99"), Unit::Time),
                    cell(&of(&|l| Some(l.done)), Unit::Number),
                    cell(&answered, Unit::Part),
                ]);
            }
        }
        grid
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut n) = (0.0, 0u64);
    values.for_each(|x| (sum, n) = (sum + x, n + 1));
    (n > 0).then(|| sum / n as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::world::Limits;
    use crate::study::detail::Want;
    use crate::study::sample::run_wanted;
    use crate::study::testing::lab;
    use crate::study::variant::Variant;

    #[test]
    fn loads_are_a_list_or_evenly_spaced() {
        let read = |text| parse(text).map(|l| l.iter().map(Load::to_string).collect::<Vec<_>>());
        assert_eq!(read("1,0.25, 0.5"), Ok(vec!["0.25".into(), "0.5".into(), "1".into()]));
        assert_eq!(read("0.1..1.2/12").map(|l| l.len()), Ok(12));
        assert_eq!(read("0.5..1/3"), Ok(vec!["0.5".into(), "0.75".into(), "1".into()]));
        for wrong in
            ["", "0", "-1", "1,1", "1..0.5/3", "0.1..1", "0.1..1/1", "1e3", "0.0000001", "9999", "nan", "1..2/101"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn twice_the_load_is_half_the_distance_of_every_kind_of_arrivals() {
        let twice = parse("2").expect("a load")[0];
        for (arrivals, wanted) in [
            ("every: 10ms", Arrivals::Every(Span::from_millis(5))),
            ("arrivals: { poisson: 100/s }", Arrivals::Poisson(Span::from_millis(5))),
            (
                "arrivals: { steps: [[0s, 100/s], [5s, 0]] }",
                Arrivals::Steps(
                    [(0, Some(5)), (5, None)]
                        .map(|(from, gap)| ArrivalStep { from: Span::from_secs(from), gap: gap.map(Span::from_millis) })
                        .into(),
                ),
            ),
            (
                "arrivals: { trace: [0s, 10ms] }",
                Arrivals::Trace { times: [Span::ZERO, Span::from_millis(5)].into(), sizes: None },
            ),
        ] {
            let lab = lab(1, "service_time: 1ms", &format!("connections: 2, {arrivals}"));
            let (changed, kept) = scaled(&lab, twice).expect("a rate");
            assert_eq!((&changed.traffic[0].arrivals, kept.len()), (&wanted, 0), "{arrivals}");
            assert_eq!(scaled(&lab, Load::AS_IT_IS).expect("a rate").0.traffic, lab.traffic, "{arrivals}");
        }
        let closed = lab(1, "service_time: 1ms", "connections: 20, users: 2, think: 1ms");
        assert!(scaled(&closed, twice).is_err_and(|why| why.contains("users wait")));
        assert_eq!(Load(3).gap(Span(1)), Span(333_333));
        assert_eq!(Load::LARGEST.gap(Span(1)), Span(1));
    }

    #[test]
    fn under_more_load_the_same_arrivals_come_sooner_and_wait_longer() {
        let serve = "service_time: { exponential: 5ms }, workers: 1, backlog: 65535";
        let lab = lab(1, serve, "connections: 500, arrivals: { poisson: 100/s }");
        let loads = parse("0.4,1,1.6").expect("loads");
        let want = Want { charts: true, leave: None };
        let variants = [Variant::AsItIs];
        let runs: Vec<Sample> = cases(3, 1, 1, 2)
            .into_iter()
            .map(|case| {
                let lab = scaled(&lab, loads[case.load]).expect("a rate").0;
                run_wanted(&lab, variants[0], case, Limits::default(), None, &want, &mut || true).expect("it runs")
            })
            .collect();
        let study = Study::of(&lab, &variants, &[], loads, None, runs.iter().rev().cloned().collect());
        let mean = |n: usize| study.by_load[n].samples[0][0].completion.mean;
        assert!(mean(0) < mean(1) && mean(1) < mean(2), "{} {} {}", mean(0), mean(1), mean(2));
        let busy: Vec<f64> = study.by_load.iter().filter_map(Study::utilisation).collect();
        assert!((busy[0] - 0.2).abs() < 0.04 && (busy[1] - 0.5).abs() < 0.1 && busy[2] > 0.68, "{busy:?}");
        let offered: Vec<f64> = study.by_load.iter().filter_map(Study::offered).collect();
        assert!((offered[2] / offered[0] - 4.0).abs() < 1e-3, "{offered:?}");
        let csv = study.print(Format::Csv);
        assert!(csv.starts_with("load,scheduler,seed") && csv.lines().count() == 7, "{csv}");
        let human = study.print(Format::Human);
        assert!(human.contains("of load 1)") && human.contains("1.6 "), "{human}");
        // A seed that one load is missing of is left out everywhere.
        let short = Study::of(&lab, &variants, &[], study.loads.clone(), None, runs[..5].to_vec());
        assert!(short.by_load.iter().all(|c| c.seeds == [1]));
    }
}
