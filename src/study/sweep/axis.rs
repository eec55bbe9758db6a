//! What one `--set` of a sweep says: `PATH=A..B/N`, `PATH=A..B/Nlog`, `PATH={a, b, c}`, or `PATH=VALUE` as everywhere.
//!
//! A list in braces is a map of keys without values to YAML, which no key of a scenario takes, so that it cannot be meant
//! otherwise; `{ exponential: 5ms }` stays the map that it is, and may be an item of a list.

use super::quantity::{self, Kind, Quantity, Spacing};
use crate::scenario::split_set;

/// The most values of one axis, and of one with equal ratios (finding those exactly takes time).
pub const MAX_VALUES: usize = 10_000;
const MAX_RATIOS: usize = 200;

/// A key of the file and the values that it gets.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// The key, as `--set` names it.
    pub path: String,
    /// The values, as `--set` takes them; one is a constant, none a text that is no `PATH=VALUE`.
    pub values: Vec<String>,
    /// What they are counted in, if all are in the same.
    pub kind: Option<Kind>,
}

impl Axis {
    /// Reads an argument of `--set`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with a range or a list. What is wrong with the path or with a value is told when the
    /// scenario is read.
    pub fn read(set: &str) -> Result<Axis, String> {
        let Some((path, value)) = split_set(set) else {
            return Ok(Axis { path: set.to_string(), values: Vec::new(), kind: None });
        };
        let wrong = |why: String| format!("`--set {}`: {why}", shortened(set));
        let values = match (range(value), list(value)) {
            (Some(range), _) => range.map_err(wrong)?,
            (None, Some(list)) => list.map_err(wrong)?,
            (None, None) => vec![value.to_string()],
        };
        let numbers: Option<Vec<Quantity>> = values.iter().map(|v| Quantity::read(v)).collect();
        let kind = numbers.and_then(|numbers| quantity::common(&numbers));
        Ok(Axis { path: path.to_string(), values, kind })
    }

    /// Whether it has more than one value.
    pub fn varies(&self) -> bool {
        self.values.len() > 1
    }

    /// The argument of `--set` for one of its values.
    pub fn set(&self, place: usize) -> String {
        match self.values.get(place) {
            Some(value) => format!("{}={value}", self.path),
            None => self.path.clone(),
        }
    }
}

/// A user's text in a message, not too long.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

/// The values of `A..B/N`; nothing if it is no range, so that it may be some other text.
fn range(value: &str) -> Option<Result<Vec<String>, String>> {
    let (from, rest) = value.split_once("..")?;
    let from = Quantity::read(from)?;
    // `10/s..100/s/10`: the number of points stands behind the last stroke, where both ends may have one, too.
    let (to, count) = match (Quantity::read(rest), rest.rsplit_once('/')) {
        (Some(to), _) => (to, ""),
        (None, Some((to, count))) => (Quantity::read(to)?, count.trim()),
        (None, None) => return None,
    };
    let (number, spacing) = match count.strip_suffix("log") {
        Some(number) => (number.trim(), Spacing::Log),
        None => (count, Spacing::Linear),
    };
    let most = if spacing == Spacing::Log { MAX_RATIOS } else { MAX_VALUES };
    Some(match number.parse::<usize>() {
        Ok(n) if (2..=most).contains(&n) => quantity::between(from, to, n, spacing),
        Ok(n) => Err(format!("{n} points; a range has 2 to {most}")),
        Err(_) if number.is_empty() => {
            Err("how many points? Write for example `1ms..10ms/4`, or `1ms..1s/4log` for equal ratios".into())
        }
        Err(_) => Err(format!("`{number}` is no number of points; write for example `1ms..10ms/4`")),
    })
}

/// The items of `{a, b, c}`; nothing if it is no list in braces but a map, or something else.
fn list(value: &str) -> Option<Result<Vec<String>, String>> {
    let inside = value.trim().strip_prefix('{')?.strip_suffix('}')?;
    let items = items(inside)?;
    if items.iter().any(|item| is_entry(item)) {
        return None;
    }
    Some(match items.as_slice() {
        [""] => Err("a list without values; write for example `{1ms, 5ms}`".into()),
        all if all.len() > MAX_VALUES => Err(format!("{} values; a list has {MAX_VALUES} at most", all.len())),
        all => match all.iter().enumerate().find(|(n, item)| item.is_empty() || all[..*n].contains(item)) {
            Some((_, &"")) => Err("a value is empty; write `\"\"` for the empty text".into()),
            Some((_, item)) => Err(format!("`{item}` stands twice")),
            None => Ok(all.iter().map(ToString::to_string).collect()),
        },
    })
}

/// What stands between the commas that are in no quotes and no further brackets; nothing if those do not close.
fn items(text: &str) -> Option<Vec<&str>> {
    let (mut found, mut begin, mut depth, mut quote) = (Vec::new(), 0, 0usize, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            // Within a word a quote is a letter, as to YAML.
            (None, '"' | '\'') if text[begin..at].trim().is_empty() || depth > 0 => quote = Some(c),
            (None, '{' | '[') => depth += 1,
            (None, '}' | ']') => depth = depth.checked_sub(1)?,
            (None, ',') if depth == 0 => {
                found.push(text[begin..at].trim());
                begin = at + 1;
            }
            (None, _) => {}
        }
    }
    found.push(text[begin..].trim());
    (depth == 0 && quote.is_none()).then_some(found)
}

/// Whether an item is an entry of a map: it has a colon with a blank or nothing behind it.
fn is_entry(item: &str) -> bool {
    !item.starts_with(['{', '[', '"', '\'']) && (item.contains(": ") || item.ends_with(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(set: &str) -> Vec<String> {
        Axis::read(set).unwrap_or_else(|why| panic!("{set}: {why}")).values
    }

    #[test]
    fn ranges_lists_and_constants_are_told_apart() {
        for (set, wanted) in [
            ("a.b=1ms..10ms/4", "1ms|4ms|7ms|10ms"),
            ("a.b=1ms..1s/4log", "1ms|10ms|100ms|1s"),
            ("a=10/s..100/s/10", "10/s|20/s|30/s|40/s|50/s|60/s|70/s|80/s|90/s|100/s"),
            ("a={1ms,5ms}", "1ms|5ms"),
            ("a={ rr , wlc }", "rr|wlc"),
            ("a={ {exponential: 5ms}, 5ms }", "{exponential: 5ms}|5ms"),
            ("a={[1, 2], \"x, y\"}", "[1, 2]|\"x, y\""),
            ("a={10.0.0.1:80, 10.0.0.2:80}", "10.0.0.1:80|10.0.0.2:80"),
            ("a={7}", "7"),
            ("a={ exponential: 5ms }", "{ exponential: 5ms }"),
            ("a={ pareto: { mean: 1ms, shape: 2 } }", "{ pareto: { mean: 1ms, shape: 2 } }"),
            ("a=5ms", "5ms"),
            ("a=../times.csv", "../times.csv"),
            ("a=x..y/3", "x..y/3"),
            ("a={", "{"),
            ("a={]}", "{]}"),
        ] {
            assert_eq!(values(set).join("|"), wanted, "{set}");
        }
    }

    #[test]
    fn the_path_may_have_quotes_and_equal_signs() {
        let axis = Axis::read("nodes.d.sysctl.\"a=b\"={0,1}").expect("a list");
        assert_eq!((axis.path.as_str(), axis.kind), ("nodes.d.sysctl.\"a=b\"", Some(Kind::Number)));
        assert_eq!(axis.set(1), "nodes.d.sysctl.\"a=b\"=1");
        let bare = Axis::read("a").expect("told later");
        assert_eq!((bare.set(0), bare.varies()), ("a".into(), false));
    }

    #[test]
    fn a_wrong_range_or_list_is_told() {
        for (set, why) in [
            ("a=1ms..10ms", "how many points?"),
            ("a=1ms..10ms/x", "`x` is no number of points"),
            ("a=1ms..10ms/1", "1 points; a range has 2 to 10000"),
            ("a=1ms..10ms/201log", "a range has 2 to 200"),
            ("a=1ms..10/s/3", "different kinds"),
            ("a=1..3/9", "comes twice"),
            ("a={}", "without values"),
            ("a={1,,2}", "a value is empty"),
            ("a={1,1}", "`1` stands twice"),
        ] {
            let said = Axis::read(set).expect_err(set);
            assert!(said.contains(why) && said.starts_with(&format!("`--set {set}`")), "{said}");
        }
    }
}
