//! What can be said of a run, in numbers: one measure, one row.

use super::sample::Sample;
use super::slowdown;
use crate::lang::Text;
use crate::text;

/// A number of a run.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    /// Its name in tables.
    pub name: &'static str,
    /// The table of a comparison in which it stands.
    pub topic: Topic,
    /// What it is counted in.
    pub unit: Unit,
    /// Its value in a run, if it has one.
    pub of: fn(&Sample) -> Option<f64>,
}

/// What a measure is about: a table of its own, so that lines stay short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// How long clients wait.
    Waiting,
    /// How servers share the work, and who is not served.
    Sharing,
    /// What the director does.
    Director,
}

impl Topic {
    /// In the order of the tables.
    pub const ALL: [Topic; 3] = [Topic::Waiting, Topic::Sharing, Topic::Director];

    /// In a word of the reader's language.
    pub fn text(self) -> Text {
        match self {
            Topic::Waiting => text!("topic-waiting"),
            Topic::Sharing => text!("topic-sharing"),
            Topic::Director => text!("topic-director"),
        }
    }

    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Topic::Waiting => "waiting",
            Topic::Sharing => "sharing",
            Topic::Director => "director",
        }
    }
}

/// What a measure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds.
    Time,
    /// A bare number.
    Number,
    /// A part of 1, printed in percent.
    Part,
}

impl Unit {
    /// In a few words.
    pub fn text(self) -> Text {
        match self {
            Unit::Time => text!("unit-time"),
            Unit::Number => text!("unit-number"),
            Unit::Part => text!("unit-part"),
        }
    }
}

/// Every measure, in the order of tables.
pub const MEASURES: &[Measure] = &[
    Measure { name: "mean", topic: Topic::Waiting, unit: Unit::Time, of: |s| waited(s, s.completion.mean) },
    Measure { name: "p50", topic: Topic::Waiting, unit: Unit::Time, of: |s| waited(s, s.completion.p50) },
    Measure { name: "p90", topic: Topic::Waiting, unit: Unit::Time, of: |s| waited(s, s.completion.p90) },
    Measure { name: "p99", topic: Topic::Waiting, unit: Unit::Time, of: |s| waited(s, s.completion.p99) },
    Measure { name: "p99.9", topic: Topic::Waiting, unit: Unit::Time, of: |s| waited(s, s.completion.p999) },
    Measure { name: "connect", topic: Topic::Waiting, unit: Unit::Time, of: |s| waited(s, s.connect.mean) },
    Measure { name: "first byte", topic: Topic::Waiting, unit: Unit::Time, of: |s| waited(s, s.first_byte.mean) },
    Measure { name: "slowdown", topic: Topic::Waiting, unit: Unit::Number, of: |s| slowed(s, s.slowdown.mean) },
    Measure { name: "slowdown p99", topic: Topic::Waiting, unit: Unit::Number, of: |s| slowed(s, s.slowdown.p99) },
    Measure { name: "Jain", topic: Topic::Sharing, unit: Unit::Number, of: |s| Some(s.evenness?.jain) },
    Measure { name: "CV", topic: Topic::Sharing, unit: Unit::Number, of: |s| Some(s.evenness?.cv) },
    Measure { name: "max/mean", topic: Topic::Sharing, unit: Unit::Number, of: |s| Some(s.evenness?.max_over_mean) },
    Measure { name: "share error", topic: Topic::Sharing, unit: Unit::Part, of: |s| Some(s.evenness?.share_error) },
    Measure { name: "Jain of work", topic: Topic::Sharing, unit: Unit::Number, of: |s| Some(s.busy_evenness?.jain) },
    Measure {
        name: "director frames",
        topic: Topic::Director,
        unit: Unit::Number,
        of: |s| s.director.and_then(|d| d.per_connection(d.frames)),
    },
    Measure {
        name: "director bytes",
        topic: Topic::Director,
        unit: Unit::Number,
        of: |s| s.director.and_then(|d| d.per_connection(d.bytes)),
    },
    Measure { name: "director link", topic: Topic::Director, unit: Unit::Part, of: |s| Some(s.director?.link_use) },
    Measure { name: "director cpu", topic: Topic::Director, unit: Unit::Part, of: |s| s.director?.cpu_use },
    Measure { name: "director ceiling", topic: Topic::Director, unit: Unit::Number, of: |s| s.director?.ceiling() },
    Measure {
        name: "director drops",
        topic: Topic::Director,
        unit: Unit::Number,
        of: |s| Some(s.director?.dropped as f64),
    },
    Measure { name: "failed", topic: Topic::Sharing, unit: Unit::Part, of: |s| Some(s.failed()) },
];

impl Measure {
    /// What it is, in a few words.
    pub fn about(&self) -> Text {
        Text::row("measure", &self.name.replace([' ', '.', '/'], "-"), None)
    }

    /// Its name for programs: times say that they are in nanoseconds.
    pub fn key(&self) -> String {
        let name = self.name.to_lowercase().replace([' ', '.', '/'], "_");
        if self.unit == Unit::Time { format!("{name}_ns") } else { name }
    }
}

fn slowed(sample: &Sample, millionths: f64) -> Option<f64> {
    (sample.slowdown.n > 0).then_some(millionths / slowdown::ONE as f64)
}

fn waited(sample: &Sample, value: f64) -> Option<f64> {
    (sample.ok > 0).then_some(value)
}
