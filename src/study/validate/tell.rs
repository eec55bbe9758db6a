//! The verdicts, printed: a table for people, one object or one line a row for programs.

use super::FAMILIES;
use super::claim::Claim;
use super::judge::{Row, Verdicts};
use crate::report::tables::{Cell, Format, Grid, enveloped};
use serde_json::{Value, json};

impl Verdicts {
    /// All rows.
    pub fn print(&self, format: Format) -> String {
        match format {
            Format::Human => self.human(),
            Format::Json => format!("{:#}\n", self.json()),
            Format::Csv => self.csv(),
        }
    }

    fn human(&self) -> String {
        let mut grid = Grid::new(&["claim", "expected", "measured", "interval", "verdict", "source", "what"]);
        for row in &self.rows {
            let verdict = match (row.holds, row.proves_little()) {
                (false, _) => "DOES NOT HOLD".to_string(),
                (true, false) => "holds".to_string(),
                (true, true) => "holds, proves little".to_string(),
            };
            grid.row([
                Cell::from(row.name.as_str()),
                digits(row.expected, row.expected).into(),
                digits(row.measured, row.expected).into(),
                row.half.map_or(Cell::None, |half| format!("± {}", digits(half, row.expected)).into()),
                verdict.into(),
                row.source.into(),
                row.what.as_str().into(),
            ]);
        }
        format!("{}\n{}", grid.print(Format::Human), self.summary())
    }

    /// What stands below the table.
    pub fn summary(&self) -> String {
        let (first, n) = self.seeds;
        let failed: Vec<&str> = self.rows.iter().filter(|r| !r.holds).map(|r| r.name.as_str()).collect();
        let mut out = match failed.as_slice() {
            [] => format!("All {} claims hold.", self.rows.len()),
            some => format!("{} of {} claims do not hold: {}.", some.len(), self.rows.len(), some.join(", ")),
        };
        let last = first + n as u64 - 1;
        out.push_str(&format!(
            "\n{} runs with {} connections, seeds {first} to {last}. A row holds if it is off by no more than 1 % (Maglev by another \
             hash: 20 %)\nor its interval, whichever is wider; all intervals together hold at 95 %, each at {:.3} %.\n",
            self.runs,
            self.connections,
            100.0 * self.each,
        ));
        out
    }

    fn json(&self) -> Value {
        let row = |r: &Row| {
            json!({
                "claim": r.name, "what": r.what, "source": r.source, "expected": r.expected, "measured": r.measured,
                "half": r.half, "allowed": r.allowed, "holds": r.holds, "proves_little": r.proves_little(), "n": r.n,
            })
        };
        json!({
            "schema_version": 1,
            "holds": self.hold(),
            "first_seed": self.seeds.0,
            "seeds": self.seeds.1,
            "runs": self.runs,
            "connections": self.connections,
            "confidence_of_each": self.each,
            "rows": self.rows.iter().map(row).collect::<Vec<Value>>(),
        })
    }

    fn csv(&self) -> String {
        let mut grid = Grid::new(&["claim", "what", "source", "expected", "measured", "half", "allowed", "holds", "n"]);
        for r in &self.rows {
            grid.row([
                Cell::from(r.name.as_str()),
                r.what.as_str().into(),
                r.source.into(),
                r.expected.to_string().into(),
                r.measured.to_string().into(),
                r.half.map(|half| half.to_string()).into(),
                r.allowed.to_string().into(),
                Cell::Flag(r.holds),
                (r.n as u64).into(),
            ]);
        }
        grid.print(Format::Csv)
    }
}

/// As many digits as make four of `scale`.
fn digits(value: f64, scale: f64) -> String {
    let places = match scale.abs() {
        0.0 => 0,
        x => (3 - x.log10().floor() as i32).clamp(0, 6) as usize,
    };
    format!("{value:.places$}")
}

/// The claims without verdicts; for people also the families.
pub fn list(claims: &[Claim], format: Format) -> String {
    let mut grid = Grid::new(&["claim", "expected", "source", "what"]);
    for claim in claims {
        let expected = match claim.expected.value() {
            Some((value, half)) if half > 0.0 => format!("{} ± {half}", digits(value, value)),
            Some((value, _)) => digits(value, value),
            None => "by seed".into(),
        };
        grid.row([Cell::from(claim.name.as_str()), expected.into(), claim.source.into(), claim.what.as_str().into()]);
    }
    let rows = grid.print(format);
    match format {
        Format::Csv => rows,
        Format::Json => enveloped(&json!({ "schema_version": 1 }), &rows),
        Format::Human => {
            let mut families = Grid::new(&["family", "about"]);
            FAMILIES.iter().for_each(|f| families.row([Cell::from(f.name), f.about.into()]));
            format!("{rows}\n{}", families.print(format))
        }
    }
}
