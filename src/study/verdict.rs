//! What a comparison says: tables with intervals over the seeds, differences pair by pair, and sentences that say which of
//! them are real.
//!
//! Intervals of means have 95 %. Those of differences are wider, so that all of one measure hold together at 95 %
//! (Bonferroni): of fifteen pairs none is called real by chance more often than once in twenty studies.

use super::compare::Comparison;
use super::measures::{MEASURES, Measure, Topic, Unit};
use super::sample::{Sample, ServerShare};
use super::stats::Interval;
use crate::report::tables::{Cell, Format, Grid, csv_line};
use serde_json::{Value, json};

/// Measures whose differences are looked at pair by pair.
pub(super) const COMPARED: &[&str] = &["mean", "p99"];
const CONFIDENCE: f64 = 0.95;

/// A difference of two schedulers: the second's value less the first's.
pub(super) struct Pair {
    pub first: usize,
    pub second: usize,
    pub difference: Interval,
    /// The first's mean.
    base: f64,
}

impl Comparison {
    fn interval(&self, scheduler: usize, measure: &Measure) -> Option<Interval> {
        let values: Vec<f64> = self.samples[scheduler].iter().filter_map(measure.of).collect();
        Interval::of(&values, CONFIDENCE)
    }

    /// Differences by seed, for every pair.
    pub(super) fn pairs(&self, measure: &Measure) -> Vec<Pair> {
        let n = self.variants.len();
        let confidence = 1.0 - (1.0 - CONFIDENCE) / (n * n.saturating_sub(1) / 2).max(1) as f64;
        let mut pairs = Vec::new();
        for first in 0..n {
            for second in first + 1..n {
                let both = self.samples[first].iter().zip(&self.samples[second]);
                let values: Vec<(f64, f64)> =
                    both.filter_map(|(a, b)| Some(((measure.of)(a)?, (measure.of)(b)?))).collect();
                let differences: Vec<f64> = values.iter().map(|(a, b)| b - a).collect();
                let base = values.iter().map(|v| v.0).sum::<f64>() / values.len().max(1) as f64;
                if let Some(difference) = Interval::of(&differences, confidence) {
                    pairs.push(Pair { first, second, difference, base });
                }
            }
        }
        pairs
    }

    /// The result, printed.
    pub fn print(&self, format: Format) -> String {
        match format {
            Format::Human => self.human(),
            Format::Json => format!("{:#}\n", self.json()),
            Format::Csv => self.csv(),
        }
    }

    fn human(&self) -> String {
        let mut out = format!("{}: {}\n\n", self.name, self.caption());
        let columns: Vec<&'static str> = std::iter::once(self.kind()).chain(MEASURES.iter().map(|m| m.name)).collect();
        for topic in Topic::ALL {
            let part = || MEASURES.iter().filter(move |m| m.topic == topic);
            let mut grid = Grid::new(&columns_of(&columns, topic, self.kind()));
            for (n, name) in self.variants.iter().enumerate() {
                let cells = part().map(|m| self.interval(n, m).map_or(Cell::None, |i| shown(i, m.unit).into()));
                grid.row(std::iter::once(Cell::from(name.name())).chain(cells));
            }
            out.push_str(&grid.print(Format::Human));
            out.push('\n');
        }
        out.push_str(&self.server_table().print(Format::Human));
        for measure in MEASURES.iter().filter(|m| COMPARED.contains(&m.name)) {
            if self.variants.len() > 1 {
                out.push_str(&format!("\n{}, differences by seed:\n", capital(&measure.about().to_string())));
                out.push_str(&self.pair_table(measure).print(Format::Human));
            }
        }
        out.push_str(&self.preparations());
        out.push('\n');
        for sentence in self.sentences() {
            out.push_str(&sentence);
            out.push('\n');
        }
        out
    }

    /// What stands under every chart and table: n, seeds, intervals, warm-up.
    pub fn caption(&self) -> String {
        let counts = || self.samples.iter().flatten().map(|s| s.connections);
        let (least, most) = (counts().min().unwrap_or(0), counts().max().unwrap_or(0));
        let connections = if least == most { most.to_string() } else { format!("{least} to {most}") };
        let seeds = match self.seeds.as_slice() {
            [] => "no seed".to_string(),
            [one] => format!("seed {one}, no intervals"),
            [first, .., last] => format!("seeds {first} to {last}, ± is the 95 % interval of the mean over them"),
        };
        let warmup = match self.warmup.0 {
            0 => "no warm-up cut".to_string(),
            _ => format!("the first {} cut", self.warmup),
        };
        format!("{connections} connections a run, {seeds}, {warmup}")
    }

    fn server_table(&self) -> Grid {
        let mut grid =
            Grid::new(&[self.kind(), "server", "weight", "share of weight", "of connections", "of bytes", "busy"]);
        for (scheduler, samples) in self.variants.iter().zip(&self.samples) {
            let Some(first) = samples.first() else { continue };
            let weights: f64 = first.servers.iter().map(|s| f64::from(s.weight.max(0))).sum();
            for (place, server) in first.servers.iter().enumerate() {
                let share = |of: &dyn Fn(&ServerShare) -> f64| {
                    let part = |s: &Sample| {
                        let all: f64 = s.servers.iter().map(of).sum();
                        (all > 0.0).then(|| of(&s.servers[place]) / all)
                    };
                    let values: Vec<f64> = samples.iter().filter_map(part).collect();
                    Interval::of(&values, CONFIDENCE).map_or(Cell::None, |i| shown(i, Unit::Part).into())
                };
                let busy: Vec<f64> = samples.iter().map(|s| s.servers[place].busy * 1e9).collect();
                let busy = Interval::of(&busy, CONFIDENCE).map_or(Cell::None, |i| shown(i, Unit::Time).into());
                let weight = f64::from(server.weight.max(0));
                grid.row([
                    Cell::from(scheduler.name()),
                    server.name.as_str().into(),
                    Cell::Number(i64::from(server.weight)),
                    if weights > 0.0 { format!("{:.1} %", 100.0 * weight / weights).into() } else { Cell::None },
                    share(&|s| s.connections as f64),
                    share(&|s| s.bytes as f64),
                    busy,
                ]);
            }
        }
        grid
    }

    fn pair_table(&self, measure: &Measure) -> Grid {
        let mut grid = Grid::new(&["first", "second", "second − first", "in percent", "real"]);
        for pair in self.pairs(measure) {
            let percent = |x: f64| 100.0 * x / pair.base;
            let relative = match pair.difference.half {
                Some(half) => format!("{:+.1} ± {:.1}", percent(pair.difference.mean), percent(half)),
                None => format!("{:+.1}", percent(pair.difference.mean)),
            };
            grid.row([
                Cell::from(self.variants[pair.first].name()),
                self.variants[pair.second].name().into(),
                shown(pair.difference, measure.unit).into(),
                relative.into(),
                match pair.difference.half {
                    None => "one seed says nothing".into(),
                    Some(_) if pair.difference.excludes_zero() => "yes".into(),
                    Some(_) => "not to be told".into(),
                },
            ]);
        }
        grid
    }

    /// Which differences are real, in words.
    pub fn sentences(&self) -> Vec<String> {
        let mut said = Vec::new();
        if self.seeds.len() < 2 {
            said.push(
                "One seed proves nothing: run 20 or more (`--seeds 20`) to learn which differences are real.".into(),
            );
            return said;
        }
        for measure in MEASURES.iter().filter(|m| COMPARED.contains(&m.name)) {
            said.extend(self.sentence(measure));
        }
        said.extend(self.bottlenecks());
        if self.seeds.len() < 20 {
            said.push(format!("With {} seeds heavy tails may hide: 20 or more are wanted for them.", self.seeds.len()));
        }
        let failed =
            MEASURES.last().map(|m| (0..self.variants.len()).filter_map(|n| self.interval(n, m)).map(|i| i.mean));
        if let Some(worst) = failed.and_then(|f| f.reduce(f64::max)).filter(|&worst| worst > 0.0) {
            said.push(format!(
                "Up to {:.2} % of the connections failed: completion times are of the others only.",
                100.0 * worst
            ));
        }
        said
    }

    fn sentence(&self, measure: &Measure) -> Option<String> {
        let means: Vec<(usize, f64)> =
            (0..self.variants.len()).filter_map(|n| Some((n, self.interval(n, measure)?.mean))).collect();
        let best = means.iter().copied().reduce(|a, b| if b.1 < a.1 { b } else { a })?.0;
        let (mut worse, mut same) = (Vec::new(), Vec::new());
        for pair in self.pairs(measure).iter().filter(|p| p.first == best || p.second == best) {
            let other = if pair.first == best { pair.second } else { pair.first };
            let name = self.variants[other].name();
            if pair.difference.excludes_zero() {
                let base = means.iter().find(|m| m.0 == best)?.1;
                let half = pair.difference.half.unwrap_or(0.0);
                let (times, spread) = (100.0 * pair.difference.mean.abs() / base, 100.0 * half / base);
                worse.push(format!("{name} (+{times:.1} % ± {spread:.1})"));
            } else {
                same.push(name);
            }
        }
        let shown = shown(self.interval(best, measure)?, measure.unit);
        let mut text =
            format!("{}: {} is lowest, {shown}.", capital(&measure.about().to_string()), self.variants[best].name());
        if !worse.is_empty() {
            text.push_str(&format!(" Really higher: {}.", worse.join(", ")));
        }
        if !same.is_empty() {
            text.push_str(&format!(" No difference can be told from {}.", same.join(", ")));
        }
        Some(text)
    }

    fn json(&self) -> Value {
        let interval = |i: Interval| json!({ "mean": i.mean, "half": i.half });
        let summary: Vec<Value> = self
            .variants
            .iter()
            .enumerate()
            .map(|(n, name)| {
                let values: serde_json::Map<String, Value> =
                    MEASURES.iter().filter_map(|m| Some((m.key(), interval(self.interval(n, m)?)))).collect();
                json!({ self.kind(): name.name(), "measures": values })
            })
            .collect();
        let pairs: Vec<Value> = MEASURES
            .iter()
            .filter(|m| COMPARED.contains(&m.name))
            .flat_map(|m| self.pairs(m).into_iter().map(move |p| (m, p)))
            .map(|(m, p)| {
                json!({
                    "measure": m.key(),
                    "first": self.variants[p.first].name(),
                    "second": self.variants[p.second].name(),
                    "difference": interval(p.difference),
                    "real": p.difference.excludes_zero(),
                })
            })
            .collect();
        let runs: Vec<Value> = self.samples.iter().flatten().map(|s| self.run_json(s)).collect();
        let measures: serde_json::Map<String, Value> =
            MEASURES.iter().map(|m| (m.key(), m.about().to_string().into())).collect();
        json!({
            "schema_version": 1,
            "name": self.name,
            "warmup_ns": self.warmup.0,
            "confidence": CONFIDENCE,
            "measures": measures,
            format!("{}s", self.kind()): self.variants.iter().map(|v| v.name()).collect::<Vec<_>>(),
            "seeds": self.seeds,
            "summary": summary,
            "pairs": pairs,
            "sentences": self.sentences(),
            "typed": self.typed_json(),
            "runs": runs,
        })
    }

    fn run_json(&self, s: &Sample) -> Value {
        let servers: Vec<Value> = s
            .servers
            .iter()
            .map(|x| {
                json!({
                    "server": x.name, "weight": x.weight, "connections": x.connections, "bytes": x.bytes, "busy_s": x.busy,
                })
            })
            .collect();
        let mut run = json!({
            self.kind(): self.variants[s.case.variant].name(),
            "seed": s.case.seed,
            "connections": s.connections,
            "ok": s.ok,
            "events": s.events,
            "servers": servers,
        });
        for m in MEASURES {
            run[m.key()] = (m.of)(s).into();
        }
        run
    }

    /// A line for every run.
    fn csv(&self) -> String {
        let head = [self.kind(), "seed", "connections", "ok"].map(String::from);
        let mut out = csv_line(head.into_iter().chain(MEASURES.iter().map(Measure::key)));
        for s in self.samples.iter().flatten() {
            let own = [
                self.variants[s.case.variant].name().to_string(),
                s.case.seed.to_string(),
                s.connections.to_string(),
                s.ok.to_string(),
            ];
            let values = MEASURES.iter().map(|m| (m.of)(s).map_or(String::new(), |x| x.to_string()));
            out.push_str(&csv_line(own.into_iter().chain(values)));
        }
        out
    }
}

fn columns_of(all: &[&'static str], topic: Topic, first: &str) -> Vec<&'static str> {
    let stands = |c: &&str| MEASURES.iter().any(|m| m.topic == topic && m.name == *c);
    all.iter().copied().filter(|c| *c == first || stands(c)).collect()
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |c| c.to_uppercase().chain(chars).collect())
}

/// `1.512 ms ± 0.011`: both in one unit, with as many digits as the interval is worth.
pub(super) fn shown(i: Interval, unit: Unit) -> String {
    let (scale, name) = match unit {
        Unit::Part => (1e-2, " %"),
        Unit::Number => (1.0, ""),
        Unit::Time => match i.mean.abs().max(i.half.unwrap_or(0.0)) {
            x if x >= 1e9 => (1e9, " s"),
            x if x >= 1e6 => (1e6, " ms"),
            _ => (1e3, " us"),
        },
    };
    let (mean, half) = (i.mean / scale, i.half.map(|h| h / scale));
    // Two digits of the interval, or four of the value.
    // What is left of a sum's rounding is no interval.
    let leading = half.filter(|&h| h > mean.abs() * 1e-9).map_or(mean.abs() / 100.0, |h| h);
    let digits = if leading > 0.0 { (1.0 - leading.log10().floor()).clamp(0.0, 4.0) as usize } else { 3 };
    match half {
        Some(half) => format!("{mean:.digits$}{name} ± {half:.digits$}"),
        None => format!("{mean:.digits$}{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::numbers::Waits;
    use super::super::sample::Case;
    use super::super::testing::sample;
    use super::super::variant::Variant;
    use super::*;
    use crate::base::Span;

    /// Three schedulers: `b` is 1 ms slower than `a` in every run, `c` differs from `a` by noise alone.
    fn study(seeds: u64) -> Comparison {
        let mut rng = crate::base::Seed(3).stream("study");
        let mut samples = vec![Vec::new(), Vec::new(), Vec::new()];
        for seed in 1..=seeds {
            let load = 10e6 + rng.below(5_000_000) as f64;
            for (n, more) in [0.0, 1e6 + rng.below(100_000) as f64, rng.below(200_000) as f64 - 1e5].iter().enumerate()
            {
                let waits = Waits { n: 5, mean: load + more, p99: 4.0 * load, ..Waits::default() };
                samples[n].push(sample(Case { variant: n, seed, load: 0 }, waits));
            }
        }
        Comparison {
            name: "study".into(),
            title: "Study".into(),
            warmup: Span::ZERO,
            prepared: Vec::new(),
            variants: ["a", "b", "c"].map(Variant::Scheduler).to_vec(),
            seeds: (1..=seeds).collect(),
            samples,
        }
    }

    #[test]
    fn a_difference_that_every_seed_shows_is_real_though_the_seeds_differ_by_more() {
        let study = study(20);
        let mean = &MEASURES[0];
        let pairs = study.pairs(mean);
        let real: Vec<bool> = pairs.iter().map(|p| p.difference.excludes_zero()).collect();
        assert_eq!(real, [true, false, true], "a-b, a-c, b-c");
        // Not by the intervals of the means alone: those overlap.
        let (a, b) = (study.interval(0, mean).expect("runs"), study.interval(1, mean).expect("runs"));
        let half = |i: Interval| i.half.expect("more than one seed");
        assert!(half(a) + half(b) > b.mean - a.mean);
        let said = study.sentences();
        assert!(said[0].contains("Really higher: b (+"), "{said:?}");
        assert!(said[0].contains("No difference can be told from"), "{said:?}");
    }

    #[test]
    fn one_seed_has_no_verdict() {
        let said = study(1).sentences();
        assert_eq!(said.len(), 1);
        assert!(said[0].contains("One seed proves nothing"));
    }

    #[test]
    fn numbers_have_as_many_digits_as_their_interval_is_worth() {
        let time = |mean, half| shown(Interval { mean, half }, Unit::Time);
        assert_eq!(time(1_512_345.0, Some(11_200.0)), "1.512 ms ± 0.011");
        assert_eq!(time(2_500_000_000.0, Some(400_000_000.0)), "2.50 s ± 0.40");
        assert_eq!(time(15_000.0, None), "15.00 us");
        assert_eq!(shown(Interval { mean: 5090.4056, half: Some(1e-12) }, Unit::Number), "5090 ± 0");
        assert_eq!(shown(Interval { mean: 0.25, half: Some(0.0) }, Unit::Part), "25.00 % ± 0.00");
        assert_eq!(shown(Interval { mean: 1.0, half: None }, Unit::Number), "1.000");
    }

    #[test]
    fn every_run_is_a_line_of_csv_and_an_object_of_json() {
        let study = study(2);
        let csv = study.print(Format::Csv);
        assert_eq!(csv.lines().count(), 7);
        assert!(csv.starts_with("scheduler,seed,connections,ok,mean_ns,p50_ns"), "{csv}");
        let json: Value = serde_json::from_str(&study.print(Format::Json)).expect("JSON");
        assert_eq!(json["runs"].as_array().map(Vec::len), Some(6));
        assert_eq!(json["pairs"].as_array().map(Vec::len), Some(6));
        assert!(json["summary"][0]["measures"]["mean_ns"]["half"].is_number());
    }
}
