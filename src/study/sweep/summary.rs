//! What is printed of a study: point by point, the mean of some measures over the seeds with its 95 % interval.
//!
//! Rows are taken one by one in the order of the study, so that no more than one point's values are held.

use super::columns::Values;
use super::plan::Study;
use crate::report::tables::{Cell, Format, Grid, csv_line};
use crate::study::measures::{MEASURES, Measure};
use crate::study::stats::Interval;
use crate::study::verdict::shown;
use serde_json::{Value, json};

/// The measures that are shown unless others are asked for.
pub const SHOWN: &str = "mean,p99,failed";
const CONFIDENCE: f64 = 0.95;

/// The measures of a list such as `p99,mean`, by their names in tables or in rows.
///
/// # Errors
/// A sentence that names an unknown one and those that there are.
pub fn measures(list: &str) -> Result<Vec<&'static Measure>, String> {
    let mut found: Vec<&Measure> = Vec::new();
    for word in list.split(',').map(str::trim).filter(|w| !w.is_empty()) {
        let Some(measure) = MEASURES.iter().find(|m| m.name.eq_ignore_ascii_case(word) || m.key() == word) else {
            let names: Vec<&str> = MEASURES.iter().map(|m| m.name).collect();
            return Err(format!("`{word}` is no measure; there are {}", names.join(", ")));
        };
        if found.iter().any(|m| m.name == measure.name) {
            return Err(format!("`{word}` stands twice"));
        }
        found.push(measure);
    }
    if found.is_empty() { Err("name a measure, such as `mean,p99`".into()) } else { Ok(found) }
}

/// One point.
struct Line {
    point: u64,
    runs: u64,
    errors: u64,
    means: Vec<Option<Interval>>,
}

/// A summary that is being made.
pub struct Summary<'a> {
    study: &'a Study,
    measures: Vec<&'static Measure>,
    keys: Vec<String>,
    lines: Vec<Line>,
    current: Option<Line>,
    values: Vec<Vec<f64>>,
}

impl<'a> Summary<'a> {
    /// Of no rows yet.
    pub fn new(study: &'a Study, measures: Vec<&'static Measure>) -> Summary<'a> {
        let keys = measures.iter().map(|m| m.key()).collect();
        let values = vec![Vec::new(); measures.len()];
        Summary { study, measures, keys, lines: Vec::new(), current: None, values }
    }

    /// Takes the next row.
    pub fn take(&mut self, run: u64, row: &Values) {
        let point = self.study.run(run).point;
        if self.current.as_ref().is_none_or(|line| line.point != point) {
            self.settle();
            self.current = Some(Line { point, runs: 0, errors: 0, means: Vec::new() });
        }
        let Some(line) = &mut self.current else { return };
        line.runs += 1;
        if row.get("error").is_some_and(|e| !e.is_null()) {
            line.errors += 1;
        }
        for (values, key) in self.values.iter_mut().zip(&self.keys) {
            values.extend(row.get(key).and_then(Value::as_f64));
        }
    }

    fn settle(&mut self) {
        if let Some(mut line) = self.current.take() {
            line.means = self.values.iter().map(|v| Interval::of(v, CONFIDENCE)).collect();
            self.lines.push(line);
        }
        self.values.iter_mut().for_each(Vec::clear);
    }

    /// How many runs have no result.
    pub fn errors(&self) -> u64 {
        self.lines.iter().chain(&self.current).map(|l| l.errors).sum()
    }

    /// The table.
    pub fn print(mut self, format: Format) -> String {
        self.settle();
        match format {
            Format::Human => self.human(),
            Format::Json => format!("{:#}\n", self.json()),
            Format::Csv => self.csv(),
        }
    }

    /// The names of what varies, and its values at a point.
    fn varied(&self) -> Vec<&str> {
        let sets = self.study.sets.iter().filter(|a| a.varies()).map(|a| a.path.as_str());
        sets.chain((!self.study.schedulers.is_empty()).then_some("scheduler")).collect()
    }

    fn at(&self, point: u64) -> Vec<&str> {
        let places = self.study.places(point);
        let sets = self.study.sets.iter().zip(places).filter(|(a, _)| a.varies());
        let sets = sets.filter_map(|(a, place)| a.values.get(place).map(String::as_str));
        sets.chain(self.study.scheduler(point)).collect()
    }

    fn human(&self) -> String {
        let runs: u64 = self.lines.iter().map(|l| l.runs).sum();
        let seeds = match self.study.seeds {
            1 => format!("seed {}, no intervals", self.study.first_seed),
            n => format!("{n} seeds from {}, ± is the 95 % interval of the mean over them", self.study.first_seed),
        };
        let mut out = format!("{}: {} points, {runs} runs, {seeds}\n\n", self.study.name, self.lines.len());
        let errors = self.errors();
        let ends = (errors > 0).then_some("no result");
        let names: Vec<&str> = ["point"].into_iter().chain(self.varied()).collect();
        let mut grid =
            Grid::new(&names.into_iter().chain(self.measures.iter().map(|m| m.name)).chain(ends).collect::<Vec<_>>());
        for line in &self.lines {
            let means = line.means.iter().zip(&self.measures);
            let means = means.map(|(i, m)| i.map_or(Cell::None, |i| shown(i, m.unit).into()));
            let point = [Cell::from(line.point)].into_iter().chain(self.at(line.point).into_iter().map(Cell::from));
            grid.row(point.chain(means).chain([line.errors.into()]));
        }
        out.push_str(&grid.print(Format::Human));
        if errors > 0 {
            let runs = if errors == 1 { "1 run has".to_string() } else { format!("{errors} runs have") };
            out.push_str(&format!("\n{runs} no result; the column `error` of the rows says why.\n"));
        }
        out
    }

    fn json(&self) -> Value {
        let points: Vec<Value> = self
            .lines
            .iter()
            .map(|line| {
                let places = self.study.places(line.point);
                let sets = self.study.sets.iter().zip(places);
                let sets: Values = sets.map(|(a, p)| (a.path.clone(), a.values.get(p).cloned().into())).collect();
                let means: Values = line
                    .means
                    .iter()
                    .zip(&self.keys)
                    .filter_map(|(i, key)| Some((key.clone(), json!({ "mean": (*i)?.mean, "half": (*i)?.half }))))
                    .collect();
                json!({
                    "point": line.point,
                    "set": sets,
                    "scheduler": self.study.scheduler(line.point),
                    "runs": line.runs,
                    "errors": line.errors,
                    "measures": means,
                })
            })
            .collect();
        let measures: Values = self.measures.iter().map(|m| (m.key(), m.about().to_string().into())).collect();
        json!({
            "schema_version": 1,
            "name": self.study.name,
            "study": self.study.study,
            "confidence": CONFIDENCE,
            "first_seed": self.study.first_seed,
            "seeds": self.study.seeds,
            "measures": measures,
            "points": points,
        })
    }

    fn csv(&self) -> String {
        let own = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        let head = own(&["point"])
            .into_iter()
            .chain(self.varied().into_iter().map(String::from))
            .chain(own(&["runs", "errors"]));
        let means = self.keys.iter().flat_map(|k| [k.clone(), format!("{k}_half")]);
        let mut out = csv_line(head.chain(means));
        for line in &self.lines {
            let head = [line.point.to_string()].into_iter().chain(self.at(line.point).into_iter().map(String::from));
            let number = |x: Option<f64>| x.map_or(String::new(), |x| json!(x).to_string());
            let means = line.means.iter().flat_map(|i| [number(i.map(|i| i.mean)), number(i.and_then(|i| i.half))]);
            out.push_str(&csv_line(head.chain([line.runs.to_string(), line.errors.to_string()]).chain(means)));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::tests::study;
    use super::*;

    fn summary(study: &Study) -> Summary<'_> {
        let mut summary = Summary::new(study, measures("mean,failed").expect("two measures"));
        for run in 0..study.runs() {
            let row = match run {
                1 => json!({ "error": "a limit" }),
                _ => json!({ "error": null, "mean_ns": 1e6 + run as f64, "failed": 0.25 }),
            };
            summary.take(run, row.as_object().expect("an object"));
        }
        summary
    }

    #[test]
    fn every_point_is_a_line_with_what_varies() {
        let study = study();
        let text = summary(&study).print(Format::Human);
        assert!(text.starts_with("lab: 12 points, 36 runs, 3 seeds from 7"), "{text}");
        assert!(text.contains("point  a  c  scheduler  mean"), "{text}");
        assert!(text.contains("\n    3  1  y  wlc        1.000"), "{text}");
        assert!(text.contains("1 run has no result"), "{text}");
        let csv = summary(&study).print(Format::Csv);
        assert!(csv.starts_with("point,a,c,scheduler,runs,errors,mean_ns,mean_ns_half,failed,failed_half\n"), "{csv}");
        assert_eq!(csv.lines().count(), 13);
        assert!(csv.lines().nth(1).is_some_and(|l| l.starts_with("0,1,x,rr,3,1,1000001.0,")), "{csv}");
        let json: Value = serde_json::from_str(&summary(&study).print(Format::Json)).expect("JSON");
        assert_eq!(json["points"][3]["set"]["b"], "fixed");
        assert_eq!(json["points"][0]["errors"], 1);
        assert_eq!(json["points"][11]["measures"]["failed"]["mean"], 0.25);
    }

    #[test]
    fn measures_are_found_by_both_names() {
        let names = |list| measures(list).map(|m| m.iter().map(|m| m.name).collect::<Vec<_>>());
        assert_eq!(names("p99, mean_ns,jain"), Ok(vec!["p99", "mean", "Jain"]));
        assert!(names("p99,p98").is_err_and(|e| e.contains("`p98` is no measure; there are mean")));
        assert!(names("p99,p99_ns").is_err() && names("").is_err());
        assert!(names(SHOWN).is_ok());
    }
}
