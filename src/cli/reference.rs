//! Tables as Markdown for the book: a table where it is narrow enough for a phone, else an entry for each row, with a
//! heading that can be linked to.

use lvsim::lang::Lang;
use lvsim::text;

/// What a column holds, and so how it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Words; what stands in backquotes is code.
    Text,
    /// A name, a path, a value.
    Code,
    /// Lines that are typed.
    Typed,
}

/// Rows under these columns. The first one names the row.
pub fn markdown(columns: &[(String, Kind)], rows: &[Vec<String>], lang: Lang) -> String {
    let narrow = columns.len() <= 3 && columns.iter().all(|(_, kind)| *kind != Kind::Typed);
    if narrow { table(columns, rows) } else { entries(columns, rows, lang) }
}

fn table(columns: &[(String, Kind)], rows: &[Vec<String>]) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut out = line(columns.iter().map(|(name, _)| name.to_string()).collect());
    out.push_str(&line(columns.iter().map(|_| "---".to_string()).collect()));
    for row in rows {
        let cell = |(text, (_, kind)): (&String, &(String, Kind))| inline(text, *kind).replace('|', "\\|");
        out.push_str(&line(row.iter().zip(columns).map(cell).collect()));
    }
    out
}

fn entries(columns: &[(String, Kind)], rows: &[Vec<String>], lang: Lang) -> String {
    let names: Vec<&str> = rows.iter().filter_map(|row| Some(row.first()?.as_str())).collect();
    let mut out = String::new();
    for row in rows {
        let mut cells = row.iter().zip(columns).filter(|(text, _)| !text.is_empty());
        let Some((name, (_, kind))) = cells.next() else { continue };
        out.push_str(&format!("## {} {{#{}}}\n\n", inline(name, *kind), id(name, &names)));
        let (typed, told): (Vec<_>, Vec<_>) = cells.partition(|(_, (_, kind))| *kind == Kind::Typed);
        let first = told.iter().position(|(_, (_, kind))| *kind == Kind::Text);
        if let Some((text, (_, kind))) = first.map(|n| told[n]) {
            out.push_str(&format!("{}\n\n", inline(text, *kind)));
        }
        let others = told.into_iter().enumerate().filter(|(n, _)| Some(*n) != first).map(|(_, cell)| cell);
        let entry = |text: &str, column: &str, kind| text!("reference-entry", column, value = inline(text, kind));
        let rest: String =
            others.map(|(text, (column, kind))| format!("- {}\n", entry(text, column, *kind).say(lang))).collect();
        if !rest.is_empty() {
            out.push_str(&format!("{rest}\n"));
        }
        for (text, (column, _)) in typed {
            let column = text!("reference-typed", column).say(lang);
            out.push_str(&format!("{column}\n\n```text\n{}\n```\n\n", text.trim_end()));
        }
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// What links call an entry: its name, of a dotted path its last part where no other ends so.
fn id(name: &str, names: &[&str]) -> String {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_string();
    let alone = names.iter().filter(|other| last(other) == last(name)).count() == 1;
    let text = if alone { last(name) } else { name.replace(".*", "") };
    text.chars().map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' }).collect()
}

fn inline(text: &str, kind: Kind) -> String {
    match kind {
        _ if text.is_empty() => String::new(),
        Kind::Text => words(text),
        Kind::Code | Kind::Typed => code(text),
    }
}

/// A span of code, whatever is in it.
pub fn code(text: &str) -> String {
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

/// Words in which nothing but backquotes means something to Markdown.
pub fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (n, part) in text.split('`').enumerate() {
        if n > 0 {
            out.push('`');
        }
        if n % 2 == 1 {
            out.push_str(part);
            continue;
        }
        for c in part.chars() {
            if matches!(c, '*' | '_' | '<' | '>' | '[' | ']' | '\\' | '#') {
                out.push('\\');
            }
            out.push(if c == '\n' { ' ' } else { c });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(columns: &[(&str, Kind)]) -> Vec<(String, Kind)> {
        columns.iter().map(|(name, kind)| (name.to_string(), *kind)).collect()
    }

    fn rows(cells: &[&[&str]]) -> Vec<Vec<String>> {
        cells.iter().map(|row| row.iter().map(|c| c.to_string()).collect()).collect()
    }

    #[test]
    fn few_columns_are_a_table() {
        let rows = rows(&[&["a", "one | two, `x*y` and *"], &["b", ""]]);
        let table = markdown(&named(&[("name", Kind::Code), ("about", Kind::Text)]), &rows, Lang::En);
        assert_eq!(table, "| name | about |\n| --- | --- |\n| `a` | one \\| two, `x*y` and \\* |\n| `b` |  |\n");
    }

    #[test]
    fn many_columns_are_entries_with_names_that_can_be_linked_to() {
        let columns = [("path", Kind::Code), ("default", Kind::Code), ("about", Kind::Text), ("try", Kind::Typed)];
        let rows = rows(&[
            &["net.*.a_b", "0", "what __it__ does", ""],
            &["net.*.tag", "", "x", "ip a\nip r"],
            &["vs.*.tag", "", "y", ""],
        ]);
        assert_eq!(
            markdown(&named(&columns), &rows, Lang::En),
            "## `net.*.a_b` {#a_b}\n\nwhat \\_\\_it\\_\\_ does\n\n- default: `0`\n\n\
             ## `net.*.tag` {#net.tag}\n\nx\n\ntry:\n\n```text\nip a\nip r\n```\n\n\
             ## `vs.*.tag` {#vs.tag}\n\ny\n"
        );
    }
}
