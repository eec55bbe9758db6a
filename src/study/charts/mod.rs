//! Charts of a comparison: each is data first, with every value in a table beside it, and a picture second.
//!
//! One chart, one file, one row in [`CHARTS`]. A chart that a study has no data for is not made: `load` needs several loads,
//! `disruption` a server that leaves, `hash-map` a scheduler with a table besides.

pub mod active;
pub mod course;
pub mod disruption;
pub mod fairness;
pub mod hash_map;
pub mod heat;
pub mod latency_ccdf;
pub mod latency_cdf;
pub mod load;
pub mod lorenz;
pub mod pairs;
pub mod share;

use super::compare::Comparison;
use super::detail::Detail;
use super::leave::Leave;
use super::load::Study;
use super::stats::Interval;
use crate::lang::Text;
use crate::report::Artifact;
use crate::report::charts::{Estimate, Figure, Plot};
use crate::report::tables::Format;

/// A chart that is made of a comparison.
#[derive(Clone, Copy, Debug)]
pub struct ChartRow {
    /// Its name, and that of its files.
    pub name: &'static str,
    /// Makes it, if the study has the data.
    pub figure: fn(&View<'_>) -> Option<Figure>,
}

impl ChartRow {
    /// What it shows, in a few words.
    pub fn about(&self) -> Text {
        Text::row("chart", self.name, None)
    }
}

/// Every chart, by name.
pub const CHARTS: &[ChartRow] = &[
    ChartRow { name: "active", figure: active::figure },
    ChartRow { name: "disruption", figure: disruption::figure },
    ChartRow { name: "fairness", figure: fairness::figure },
    ChartRow { name: "hash-map", figure: hash_map::figure },
    ChartRow { name: "heat", figure: heat::figure },
    ChartRow { name: "latency-ccdf", figure: latency_ccdf::figure },
    ChartRow { name: "latency-cdf", figure: latency_cdf::figure },
    ChartRow { name: "load", figure: load::figure },
    ChartRow { name: "lorenz", figure: lorenz::figure },
    ChartRow { name: "pairs", figure: pairs::figure },
    ChartRow { name: "share", figure: share::figure },
];

/// What charts are made of.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// All runs.
    pub study: &'a Study,
    /// The comparison that is not about load.
    pub base: &'a Comparison,
    /// Who left, if anybody did.
    pub leave: Option<&'a Leave>,
}

impl<'a> View<'a> {
    /// Of this study; nothing, if it has no run.
    pub fn of(study: &'a Study) -> Option<View<'a>> {
        let base = study.base().filter(|b| !b.seeds.is_empty())?;
        Some(View { study, base, leave: study.leave.as_ref() })
    }

    /// The charts that this study has the data for.
    pub fn figures(&self) -> Vec<Figure> {
        CHARTS.iter().filter_map(|row| (row.figure)(self)).collect()
    }

    /// Every file of the study: charts with their tables, all runs, the comparison as an object. Pictures need the feature
    /// `cli`.
    ///
    /// # Errors
    /// A sentence, should a picture not be drawn.
    pub fn artifacts(&self) -> Result<Vec<Artifact>, String> {
        let text = |name: &str, text: String| Artifact { name: name.into(), bytes: text.into_bytes() };
        let mut out = vec![
            text("runs.csv", self.study.print(Format::Csv)),
            text("comparison.json", self.study.print(Format::Json)),
        ];
        for figure in self.figures() {
            out.push(text(&format!("{}.csv", figure.name), figure.grid().print(Format::Csv)));
            #[cfg(feature = "cli")]
            {
                use crate::report::charts::draw::{png, svg};
                out.push(text(&format!("{}.svg", figure.name), svg(&figure)?));
                out.push(Artifact { name: format!("{}.png", figure.name), bytes: png(&figure)? });
            }
        }
        out.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(out)
    }

    /// A figure of the comparison; `note` says what is meant by it, below.
    fn drawn(&self, name: &'static str, subtitle: &str, note: &str, plot: Plot) -> Figure {
        let mut about = self.base.caption();
        if self.study.loads.len() > 1 && name != "load" {
            about.push_str(&format!(", load {}", self.study.base_load()));
        }
        let mut caption = vec![format!("{}: {about}.", self.base.name)];
        if !note.is_empty() {
            caption.push(note.to_string());
        }
        Figure {
            name,
            scenario: self.base.name.clone(),
            title: if self.base.title.is_empty() { &self.base.name } else { &self.base.title }.clone(),
            subtitle: subtitle.into(),
            caption,
            plot,
        }
    }

    /// The moment at which somebody leaves, for charts over time.
    fn left(&self) -> Vec<(f64, String)> {
        self.leave.map(|l| (l.at.0 as f64, format!("leaves: {}", l.name))).into_iter().collect()
    }

    /// The names of the servers.
    fn servers(&self) -> Vec<String> {
        let first = self.base.samples.iter().flatten().next();
        first.map(|s| s.servers.iter().map(|x| x.name.clone()).collect()).unwrap_or_default()
    }

    /// The details of all runs of a variant.
    fn details(&self, variant: usize) -> impl Iterator<Item = &'a Detail> + use<'a> {
        self.base.samples.get(variant).into_iter().flatten().filter_map(|s| s.detail.as_deref())
    }

    /// The variants by place and name.
    fn variants(&self) -> impl Iterator<Item = (usize, &'a str)> + use<'a> {
        self.base.variants.iter().enumerate().map(|(n, v)| (n, v.name()))
    }
}

/// The mean over the seeds with its interval of 95 %; nothing of nothing.
fn estimate(values: &[f64]) -> Option<Estimate> {
    let Interval { mean, half } = Interval::of(values, 0.95)?;
    Some(Estimate { mean, ends: half.map(|h| (mean - h, mean + h)) })
}

/// The same of a part of something, which is never beyond 0 and 1.
fn part(values: &[f64]) -> Option<Estimate> {
    let Estimate { mean, ends } = estimate(values)?;
    Some(Estimate { mean, ends: ends.map(|(low, high)| (low.max(0.0), high.min(1.0))) })
}

#[cfg(test)]
mod tests;
