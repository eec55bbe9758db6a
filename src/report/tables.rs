//! Tables of rows: aligned for people, JSON and CSV for programs, Markdown for reports.
//!
//! East Asian wide characters count as two columns. CSV follows RFC 4180 with a line feed at line ends.

use std::str::FromStr;
use unicode_width::UnicodeWidthStr;

/// How a table is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns.
    #[default]
    Human,
    /// An array of objects.
    Json,
    /// Comma-separated values with a header.
    Csv,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Text.
    Text(String),
    /// A number: stands right in its column.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// Nothing: a dash for people, `null`, an empty field.
    None,
}

/// A table.
#[derive(Clone, Debug, Default)]
pub struct Grid {
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

impl Grid {
    /// An empty table with these columns.
    pub fn new(columns: &[&str]) -> Grid {
        Grid { columns: columns.iter().map(ToString::to_string).collect(), rows: Vec::new() }
    }

    /// Adds a row; missing cells are none, cells beyond the columns are left out.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let mut cells: Vec<Cell> = cells.into_iter().collect();
        cells.resize(self.columns.len(), Cell::None);
        self.rows.push(cells);
    }

    /// Whether it has no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as text, with a line feed at its end.
    pub fn print(&self, format: Format) -> String {
        match format {
            Format::Human => self.human(""),
            Format::Json => self.json(),
            Format::Csv => self.csv(),
        }
    }

    /// Aligned columns without a header, each line behind `indent`.
    pub fn body(&self, indent: &str) -> String {
        self.aligned(indent, &self.widths(false), false)
    }

    /// Aligned columns under a header, each line behind `indent`.
    pub fn human(&self, indent: &str) -> String {
        self.aligned(indent, &self.widths(true), true)
    }

    /// A Markdown table.
    pub fn markdown(&self) -> String {
        let cell = |text: &str| text.replace('\\', "\\\\").replace('|', "\\|").replace('\n', " ");
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let mut out = line(self.columns.iter().map(|c| cell(c)).collect());
        let rule = |i: usize| if self.numeric(i) { "---:" } else { "---" }.to_string();
        out.push_str(&line((0..self.columns.len()).map(rule).collect()));
        for row in &self.rows {
            out.push_str(&line(row.iter().map(|c| cell(&c.text("–"))).collect()));
        }
        out
    }

    fn numeric(&self, i: usize) -> bool {
        let mut cells = self.rows.iter().map(|r| &r[i]);
        cells.clone().any(|c| matches!(c, Cell::Number(_))) && !cells.any(|c| matches!(c, Cell::Text(_)))
    }

    fn widths(&self, header: bool) -> Vec<usize> {
        let widest = |i: usize| self.rows.iter().map(|r| r[i].text("–").width()).max().unwrap_or(0);
        let name = |i: usize| if header { self.columns[i].width() } else { 0 };
        (0..self.columns.len()).map(|i| widest(i).max(name(i))).collect()
    }

    fn aligned(&self, indent: &str, widths: &[usize], header: bool) -> String {
        let right: Vec<bool> = (0..self.columns.len()).map(|i| self.numeric(i)).collect();
        let line = |cells: Vec<String>| {
            let padded = cells.iter().zip(widths).zip(&right).map(|((text, width), right)| {
                let gap = " ".repeat(width - text.width());
                if *right { format!("{gap}{text}") } else { format!("{text}{gap}") }
            });
            let text = padded.collect::<Vec<_>>().join("  ");
            format!("{indent}{}\n", text.trim_end())
        };
        let mut out = String::new();
        if header {
            out.push_str(&line(self.columns.clone()));
        }
        for row in &self.rows {
            out.push_str(&line(row.iter().map(|c| c.text("–")).collect()));
        }
        out
    }

    fn json(&self) -> String {
        let text = |t: &str| serde_json::Value::from(t).to_string();
        let value = |c: &Cell| match c {
            Cell::Text(t) => text(t),
            Cell::Number(n) => n.to_string(),
            Cell::Flag(yes) => yes.to_string(),
            Cell::None => "null".into(),
        };
        let object = |row: &Vec<Cell>| {
            let fields = self.columns.iter().zip(row).map(|(k, c)| format!("{}: {}", text(k), value(c)));
            format!("  {{{}}}", fields.collect::<Vec<_>>().join(", "))
        };
        let rows: Vec<String> = self.rows.iter().map(object).collect();
        if rows.is_empty() { "[]\n".into() } else { format!("[\n{}\n]\n", rows.join(",\n")) }
    }

    fn csv(&self) -> String {
        let mut out = csv_line(self.columns.iter().cloned());
        for row in &self.rows {
            out.push_str(&csv_line(row.iter().map(|c| c.text(""))));
        }
        out
    }
}

/// One line of RFC 4180, with a line feed at its end.
pub fn csv_line(cells: impl IntoIterator<Item = String>) -> String {
    let field = |text: String| {
        if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
    };
    cells.into_iter().map(field).collect::<Vec<_>>().join(",") + "\n"
}

/// The rows that [`Grid::print`] made as JSON, as the last key of the object `head`; on one line.
pub fn enveloped(head: &serde_json::Value, rows: &str) -> String {
    let head = head.to_string();
    format!("{},\"rows\":{}}}\n", head.strip_suffix('}').unwrap_or(&head), rows.trim_end())
}

impl Cell {
    fn text(&self, none: &str) -> String {
        match self {
            Cell::Text(text) => text.clone(),
            Cell::Number(n) => n.to_string(),
            Cell::Flag(yes) => yes.to_string(),
            Cell::None => none.to_string(),
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_string())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text)
    }
}

impl From<u64> for Cell {
    fn from(n: u64) -> Cell {
        Cell::Number(i64::try_from(n).unwrap_or(i64::MAX))
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Cell {
        value.map_or(Cell::None, Into::into)
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Format, String> {
        match text {
            "human" => Ok(Format::Human),
            "json" => Ok(Format::Json),
            "csv" => Ok(Format::Csv),
            _ => Err(format!("`{text}` is no format: human, json, csv")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        let mut grid = Grid::new(&["node", "served"]);
        grid.row(["rs1".into(), 12u64.into()]);
        grid.row(["导演".into(), 3u64.into()]);
        grid.row(["a, \"b\"|".into(), Cell::None]);
        grid
    }

    #[test]
    fn wide_characters_take_two_columns() {
        let expected = "node     served\nrs1          12\n导演          3\na, \"b\"|       –\n";
        assert_eq!(grid().print(Format::Human), expected);
    }

    #[test]
    fn csv_quotes_what_needs_it() {
        assert_eq!(grid().print(Format::Csv), "node,served\nrs1,12\n导演,3\n\"a, \"\"b\"\"|\",\n");
    }

    #[test]
    fn json_keeps_the_order_of_columns_and_reads_back() {
        let text = grid().print(Format::Json);
        assert!(text.contains("{\"node\": \"rs1\", \"served\": 12}"), "{text}");
        let read: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(read[2]["served"], serde_json::Value::Null);
        assert_eq!(Grid::new(&["a"]).print(Format::Json), "[]\n");
    }

    #[test]
    fn markdown_escapes_the_bar() {
        assert!(grid().markdown().contains("| a, \"b\"\\| | – |"), "{}", grid().markdown());
        assert!(grid().markdown().contains("| --- | ---: |"));
    }
}
