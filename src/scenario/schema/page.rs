//! The tables of the format as a page in Markdown: every map with its keys, every form of value.

use super::beyond::BEYOND;
use super::convert::example;
use crate::scenario::spec::SCENARIO;
use crate::scenario::spec::table::{Element, Names, Row, Rule, Scalar, Shape, When};
use crate::scenario::spec::value::in_millionths;

/// Both tables.
pub(super) fn page() -> String {
    let mut found = Found::default();
    found.element(&SCENARIO);
    let mut out = String::from("## Every key\n");
    for element in &found.elements {
        out.push_str(&section(element));
    }
    out.push_str("\n## Values\n\n| | how it is written | examples |\n| --- | --- | --- |\n");
    for scalar in found.scalars.iter().filter(|s| !s.about.is_empty()) {
        let examples: Vec<String> = scalar.examples.iter().map(|e| format!("`{e}`")).collect();
        let line = format!("| {} | {} | {} |\n", scalar.title, escaped(scalar.about), examples.join(", "));
        out.push_str(&line);
    }
    out.push_str(
        "\n## What a schema cannot see\n\n| | refused by lvsim | why not by the schema |\n| --- | --- | --- |\n",
    );
    for row in BEYOND {
        out.push_str(&format!("| {} | {} | {} |\n", row.code, escaped(row.what), row.why.words()));
    }
    out
}

/// The maps and scalars of the format, in the order in which a reader meets them.
#[derive(Default)]
struct Found {
    elements: Vec<&'static Element>,
    scalars: Vec<&'static Scalar>,
}

impl Found {
    fn element(&mut self, element: &'static Element) {
        if self.elements.iter().any(|e| std::ptr::eq(*e, element)) {
            return;
        }
        self.elements.push(element);
        for row in element.rows() {
            self.shape(&(row.shape)());
        }
        for case in element.cases {
            self.element(case.element);
        }
    }

    fn shape(&mut self, shape: &Shape) {
        match shape {
            Shape::Scalar(scalar) => self.scalar(scalar),
            Shape::Map(element) => self.element(element),
            Shape::Named(names, of) => {
                if let Names::Form(scalar, _) | Names::Special(scalar, ..) = names {
                    self.scalar(scalar);
                }
                self.shape(of);
                if let Names::Special(_, _, special) = names {
                    special.iter().for_each(|(_, shape)| self.shape(shape));
                }
            }
            Shape::List(of, ..) | Shape::OrNothing(of) | Shape::OneOrMore(of, _) => self.shape(of),
            Shape::Tuple(each, _) | Shape::Either(each) => each.iter().for_each(|shape| self.shape(shape)),
            Shape::Whole(..) | Shape::Decimal(..) | Shape::Words(_) => {}
        }
    }

    fn scalar(&mut self, scalar: &'static Scalar) {
        if !self.scalars.iter().any(|s| std::ptr::eq(*s, scalar)) {
            self.scalars.push(scalar);
        }
    }
}

fn section(element: &Element) -> String {
    let mut out = format!("\n### {}\n\n{}.\n", element.name, element.about);
    if example(element).is_some() {
        out.push_str(&format!("\n```yaml\n{}\n```\n", element.example));
    }
    if !element.cases.is_empty() {
        out.push('\n');
        for case in element.cases {
            let when = match case.when {
                When::Has(keys) => format!("with {}", quoted(keys, " or ")),
                When::Is(key, value) => format!("`{key}: {value}`"),
                When::Otherwise => "otherwise".to_string(),
            };
            out.push_str(&format!("- {when}: {}\n", link(case.element)));
        }
        return out;
    }
    out.push_str("\n| key | value | |\n| --- | --- | --- |\n");
    for row in element.rows() {
        out.push_str(&line(row, !element.keeps));
    }
    let rules: Vec<String> = element.rules.iter().map(rule).collect();
    if !rules.is_empty() {
        out.push_str(&format!("\n{}.\n", rules.join(". ")));
    }
    if let Some(begin) = element.free {
        out.push_str(&format!("\nKeys that begin with `{begin}` are left alone: a place for anchors.\n"));
    }
    out
}

fn line(row: &Row, defaults: bool) -> String {
    let unless = match default(row, defaults) {
        Some("needed") => ". **Needed**".to_string(),
        Some(value) => format!(". Unless said: `{value}`"),
        None => String::new(),
    };
    format!("| `{}` | {} | {}{unless} |\n", row.key, words(&(row.shape)()), escaped(row.about))
}

/// `needed`, what a key is unless it is written, or nothing.
fn default(row: &Row, defaults: bool) -> Option<&'static str> {
    if row.need.is_some() { Some("needed") } else { row.default.filter(|_| defaults) }
}

/// Every key as cells: its map, its name, what it takes, what it is unless said, what it means.
pub(super) fn keys() -> Vec<[String; 5]> {
    let mut found = Found::default();
    found.element(&SCENARIO);
    let of = |element: &'static Element| {
        element.rows().map(|row| {
            let value = plain(&words(&(row.shape)()));
            let default = default(row, !element.keeps).unwrap_or_default();
            [element.name, row.key, &value, default, row.about].map(String::from)
        })
    };
    found.elements.into_iter().filter(|e| e.cases.is_empty()).flat_map(of).collect()
}

/// Markdown's links and code as bare words.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once("[")
        && let Some((name, after)) = link.split_once("](#")
        && let Some((_, after)) = after.split_once(')')
    {
        out.push_str(before);
        out.push_str(name);
        rest = after;
    }
    out.push_str(rest);
    out.replace('`', "")
}

fn link(element: &Element) -> String {
    format!("[{0}](#{0})", element.name)
}

fn quoted(words: &[&str], between: &str) -> String {
    words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(between)
}

/// A shape in a few words.
pub(super) fn words(shape: &Shape) -> String {
    match shape {
        Shape::Scalar(scalar) => scalar.title.to_string(),
        Shape::Whole(low, u64::MAX) => format!("whole number from {low}"),
        Shape::Whole(low, high) => format!("{low} to {high}"),
        Shape::Decimal(low, high) => format!("number, {} to {}", in_millionths(*low), in_millionths(*high)),
        Shape::Words(many) if many.len() > 8 => "one of a list".into(),
        Shape::Words(few) => quoted(few, ", "),
        Shape::Map(element) => link(element),
        Shape::Named(Names::Sysctls, _) => "map of kernel variables".into(),
        Shape::Named(Names::Words(names), of) => format!("map of {}: {}", quoted(names, ", "), words(of)),
        Shape::Named(Names::Special(_, _, special), of) => {
            let special: Vec<String> =
                special.iter().map(|(name, shape)| format!("`{name}`: {}", words(shape))).collect();
            format!("map of {}; {}", words(of), special.join(", "))
        }
        Shape::Named(_, of) => format!("map by name of {}", words(of)),
        Shape::List(of, ..) => format!("list of {}", words(of)),
        Shape::Tuple(each, _) => format!("`[`{}`]`", each.iter().map(words).collect::<Vec<_>>().join(", ")),
        Shape::Either(each) => each.iter().map(words).collect::<Vec<_>>().join(" or "),
        Shape::OrNothing(of) => words(of),
        Shape::OneOrMore(of, _) => format!("{}, or a list", words(of)),
    }
}

fn rule(rule: &Rule) -> String {
    match rule {
        Rule::One(keys) => format!("Exactly one of {}", quoted(keys, ", ")),
        Rule::AtMostOne(keys) => format!("At most one of {}", quoted(keys, ", ")),
        Rule::Some(keys) => format!("{} must be there, or both", quoted(keys, " or ")),
        Rule::OneUnless(keys, other) => format!("Exactly one of {}; or `{other}` alone", quoted(keys, ", ")),
        Rule::Alone(key, others) => format!("`{key}` leaves no room for {}", quoted(others, ", ")),
        Rule::NotEmpty => "One key at least".into(),
    }
}

/// A text in a cell.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}
