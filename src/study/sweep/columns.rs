//! The columns of a row, one table: from it come the rows as JSON Lines and CSV, the JSON Schema and the table of the book.

use super::plan::{Run, SCHEMA_VERSION, Study};
use super::quantity::{Kind, Quantity};
use crate::report::tables::csv_line;
use crate::study::measures::{MEASURES, Unit};
use crate::study::sample::Sample;
use serde_json::{Map, Value, json};

/// A row's values by column.
pub type Values = Map<String, Value>;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// Text.
    Text,
}

/// What a row tells of.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The study.
    pub study: &'a Study,
    /// Which run.
    pub run: Run,
    /// What it measured, or why it has no result.
    pub result: Result<&'a Sample, &'a str>,
}

/// A column that every study has.
struct Fixed {
    name: &'static str,
    about: &'static str,
    holds: Type,
    /// It may be empty.
    optional: bool,
    of: fn(&Told<'_>) -> Value,
}

/// The columns before those of `--set`.
const FIRST: &[Fixed] = &[
    Fixed {
        name: "schema_version",
        about: "the version of this table",
        holds: Type::Integer,
        optional: false,
        of: |_| SCHEMA_VERSION.into(),
    },
    Fixed {
        name: "run",
        about: "the run's number in the whole study, from 0",
        holds: Type::Integer,
        optional: false,
        of: |t| t.run.run.into(),
    },
    Fixed {
        name: "point",
        about: "the number of its point in the grid, from 0; runs of one point differ by the seed alone",
        holds: Type::Integer,
        optional: false,
        of: |t| t.run.point.into(),
    },
    Fixed { name: "seed", about: "its seed", holds: Type::Integer, optional: false, of: |t| t.run.seed.into() },
    Fixed {
        name: "scheduler",
        about: "the scheduler of `--schedulers`; empty: the file's own",
        holds: Type::Text,
        optional: true,
        of: |t| t.study.scheduler(t.run.point).into(),
    },
];

/// Those behind them, before the measures.
const COUNTS: &[Fixed] = &[
    Fixed {
        name: "connections",
        about: "connections that count: begun after the warm-up, not cut off by the end",
        holds: Type::Integer,
        optional: true,
        of: |t| t.result.ok().map(|s| s.connections).into(),
    },
    Fixed {
        name: "ok",
        about: "those of them that were answered",
        holds: Type::Integer,
        optional: true,
        of: |t| t.result.ok().map(|s| s.ok).into(),
    },
];

/// The last ones.
const LAST: &[Fixed] = &[
    Fixed {
        name: "events",
        about: "events simulated; `lvsim run` says the same",
        holds: Type::Integer,
        optional: true,
        of: |t| t.result.ok().map(|s| s.events).into(),
    },
    Fixed {
        name: "error",
        about: "why the run has no result; empty: it has one",
        holds: Type::Text,
        optional: true,
        of: |t| t.result.err().into(),
    },
];

/// A column of a study's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it is, with its unit.
    pub about: String,
    /// What it holds.
    pub holds: Type,
    /// Whether it may be empty: `null` in JSON Lines, nothing in CSV.
    pub optional: bool,
}

impl From<&Fixed> for Column {
    fn from(f: &Fixed) -> Column {
        Column { name: f.name.into(), about: f.about.into(), holds: f.holds, optional: f.optional }
    }
}

/// The columns of a study, in order.
pub fn columns(study: &Study) -> Vec<Column> {
    let sets = (0..study.sets.len()).flat_map(|n| set_columns(study, n));
    let all = FIRST.iter().map(Column::from).chain(sets);
    all.chain(COUNTS.iter().map(Column::from)).chain(measures()).chain(LAST.iter().map(Column::from)).collect()
}

fn measures() -> impl Iterator<Item = Column> {
    MEASURES.iter().map(|m| {
        let unit = match m.unit {
            Unit::Time => ", in nanoseconds",
            Unit::Part => ", from 0 to 1",
            Unit::Number => "",
        };
        Column { name: m.key(), about: format!("{}{unit}", m.about()), holds: Type::Number, optional: true }
    })
}

/// The columns of one `--set`: its text, and the bare number where it has a unit. A bare number has one column.
fn set_columns(study: &Study, n: usize) -> Vec<Column> {
    let axis = &study.sets[n];
    let column = |end: &str, about: String, holds| Column {
        name: format!("set.{}{end}", axis.path),
        about,
        holds,
        optional: false,
    };
    let whole = axis.values.iter().all(|v| Quantity::read(v).is_some_and(|q| q.number().is_u64()));
    let number = if whole { Type::Integer } else { Type::Number };
    let text = || column("", format!("`{}` as `--set` takes it", axis.path), Type::Text);
    match axis.kind {
        None => vec![text()],
        Some(Kind::Number) => vec![column("", format!("`{}`", axis.path), number)],
        Some(kind) => vec![text(), column(kind.unit(), format!("the same in {}", kind.words()), number)],
    }
}

/// The values of those columns at a point.
fn set_values(study: &Study, n: usize, place: usize) -> Vec<Value> {
    let axis = &study.sets[n];
    let text = axis.values.get(place).map_or("", String::as_str);
    let number = || Quantity::read(text).map(|q| q.number()).into();
    match axis.kind {
        None => vec![text.into()],
        Some(Kind::Number) => vec![number()],
        Some(_) => vec![text.into(), number()],
    }
}

/// A row as one line of JSON Lines, with its line feed.
pub fn json_line(told: &Told<'_>, columns: &[Column]) -> String {
    let places = told.study.places(told.run.point);
    let fixed = |list: &'static [Fixed]| list.iter().map(|f| (f.of)(told));
    let sets = (0..told.study.sets.len()).flat_map(|n| set_values(told.study, n, places[n]));
    let measured = MEASURES.iter().map(|m| told.result.ok().and_then(m.of).into());
    let values = fixed(FIRST).chain(sets).chain(fixed(COUNTS)).chain(measured).chain(fixed(LAST));
    let fields = columns.iter().zip(values).map(|(c, v): (&Column, Value)| format!("{}:{v}", json!(c.name)));
    format!("{{{}}}\n", fields.collect::<Vec<_>>().join(","))
}

/// Reads such a line: the run's number and the values.
///
/// # Errors
/// A fragment that says what is wrong with it.
pub fn read_line(line: &str, columns: &[Column], study: &Study) -> Result<(u64, Values), String> {
    let values: Values = serde_json::from_str(line).map_err(|_| "no JSON object".to_string())?;
    if let Some(missing) = columns.iter().find(|c| !values.contains_key(&c.name)) {
        return Err(format!("no `{}`", missing.name));
    }
    let number = |name: &str| values.get(name).and_then(Value::as_u64);
    let run = number("run").filter(|&run| run < study.runs()).map(|run| study.run(run));
    match run.filter(|run| number("seed") == Some(run.seed) && number("point") == Some(run.point)) {
        Some(run) => Ok((run.run, values)),
        None => Err("no run of this study".into()),
    }
}

/// The head of the CSV file.
pub fn csv_head(columns: &[Column]) -> String {
    csv_line(columns.iter().map(|c| c.name.clone()))
}

/// A row as a line of CSV: numbers as in JSON, nothing for `null`.
pub fn csv_row(values: &Values, columns: &[Column]) -> String {
    csv_line(columns.iter().map(|c| match values.get(&c.name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }))
}

/// A JSON Schema (2020-12) for a row.
pub fn schema(study: &Study, columns: &[Column]) -> String {
    let property = |c: &Column| {
        let name = match c.holds {
            Type::Integer => "integer",
            Type::Number => "number",
            Type::Text => "string",
        };
        let holds = if c.optional { json!([name, "null"]) } else { json!(name) };
        (c.name.clone(), json!({ "description": c.about, "type": holds }))
    };
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("a run of the study {}", study.name),
        "type": "object",
        "properties": columns.iter().map(property).collect::<Values>(),
        "required": columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(),
        "additionalProperties": false,
    });
    format!("{schema:#}\n")
}

/// The columns of any study: name, what it holds, what it is; `PATH` stands for the key of a `--set`.
pub fn told() -> Vec<[String; 3]> {
    let told = |c: Column| {
        let holds = match c.holds {
            Type::Integer => "whole number",
            Type::Number => "number",
            Type::Text => "text",
        };
        [c.name, format!("{holds}{}", if c.optional { " or nothing" } else { "" }), c.about]
    };
    let sets = [
        ["set.PATH", "text", "the value of a `--set`, as it takes it; of a bare number the number"],
        ["set.PATH_ns", "number", "the same as a bare number, if it has a unit: in nanoseconds"],
        ["set.PATH_per_s", "number", "of a rate: in a second"],
        ["set.PATH_bit_per_s", "number", "of a bandwidth"],
        ["set.PATH_bytes", "number", "of a size"],
        ["set.PATH_percent", "number", "of `0.5%`: 0.5"],
        ["set.PATH_factor", "number", "of `2x`: 2"],
    ];
    let mut rows: Vec<[String; 3]> = FIRST.iter().map(|f| told(f.into())).collect();
    rows.extend(sets.map(|row| row.map(String::from)));
    rows.extend(COUNTS.iter().map(Column::from).chain(measures()).chain(LAST.iter().map(Column::from)).map(told));
    rows
}

#[cfg(test)]
mod tests {
    use super::super::axis::Axis;
    use super::super::plan::tests::study;
    use super::*;
    use crate::study::sample::Case;

    fn typed() -> Study {
        let sets = ["traffic.web.every={1ms, 2.5ms}", "traffic.web.connections=1..3/3", "title=a, \"b\""];
        Study { sets: sets.iter().map(|s| Axis::read(s).expect("an axis")).collect(), ..study() }
    }

    fn sample() -> Sample {
        let waits = crate::study::numbers::Waits { n: 3, mean: 1.0 / 3.0, ..Default::default() };
        crate::study::testing::sample(Case { variant: 0, load: 0, seed: 7 }, waits)
    }

    #[test]
    fn a_row_holds_the_text_to_run_it_again_and_the_number_to_plot_it() {
        let study = typed();
        let columns = columns(&study);
        let sample = sample();
        let told = Told { study: &study, run: study.run(21), result: Ok(&sample) };
        let line = json_line(&told, &columns);
        let (run, values) = read_line(&line, &columns, &study).expect("a row");
        assert_eq!(run, 21);
        assert_eq!(values["set.traffic.web.every"], "2.5ms");
        assert_eq!(values["set.traffic.web.every_ns"], 2_500_000);
        assert_eq!(values["set.traffic.web.connections"], 1);
        assert_eq!((&values["scheduler"], &values["seed"]), (&json!("wlc"), &json!(7)));
        assert_eq!((&values["mean_ns"], &values["error"]), (&json!(1.0 / 3.0), &Value::Null));
        let csv = csv_head(&columns) + &csv_row(&values, &columns);
        assert!(csv.contains("2.5ms,2500000,1,\"a, \"\"b\"\"\",4,3,0.3333333333333333,"), "{csv}");
        assert!(csv.ends_with(",99,\n"), "{csv}");
    }

    #[test]
    fn a_run_without_result_is_a_row_that_says_why() {
        let study = typed();
        let columns = columns(&study);
        let line = json_line(&Told { study: &study, run: study.run(0), result: Err("too many") }, &columns);
        let (_, values) = read_line(&line, &columns, &study).expect("a row");
        assert_eq!((&values["error"], &values["mean_ns"]), (&json!("too many"), &Value::Null));
    }

    #[test]
    fn what_is_no_row_of_the_study_is_refused() {
        let study = typed();
        let columns = columns(&study);
        let line = json_line(&Told { study: &study, run: study.run(5), result: Err("x") }, &columns);
        for (wrong, why) in [
            (line[..20].to_string(), "no JSON object"),
            (line.replace("\"ok\"", "\"okay\""), "no `ok`"),
            (line.replace("\"run\":5", "\"run\":500"), "no run of this study"),
            (line.replace("\"run\":5", "\"run\":6"), "no run of this study"),
        ] {
            assert!(read_line(&wrong, &columns, &study).is_err_and(|e| e == why), "{why}");
        }
    }

    #[test]
    fn the_schema_has_every_column_with_its_type() {
        let study = typed();
        let columns = columns(&study);
        let schema: Value = serde_json::from_str(&schema(&study, &columns)).expect("JSON");
        assert_eq!(schema["required"].as_array().map(Vec::len), Some(columns.len()));
        assert_eq!(schema["properties"]["set.traffic.web.every_ns"]["type"], "integer");
        assert_eq!(schema["properties"]["p99_ns"]["type"], json!(["number", "null"]));
        assert_eq!(schema["properties"]["set.title"]["type"], "string");
    }
}
