//! Values as a YAML 1.2 reader gives them to a program (the core schema, YAML 1.2.2 section 10.3): `5` is a number, `on` a word.

use super::json::Json;
use crate::scenario::problem::Problems;
use crate::scenario::spec::table::Element;
use crate::scenario::tree::{self, Kind, Node, Style};

/// A value of a file.
pub(super) fn value(node: &Node<'_>) -> Json {
    match &node.kind {
        _ if node.is_null() => Json::Null,
        Kind::Scalar(text, Style::Plain) => plain(text),
        Kind::Scalar(text, _) => Json::Text(text.to_string()),
        Kind::Seq(items) => Json::List(items.iter().map(value).collect()),
        Kind::Map(entries) => Json::Map(entries.iter().map(|(k, v)| (k.text.to_string(), value(v))).collect()),
    }
}

/// A scalar without quotes.
pub(super) fn plain(text: &str) -> Json {
    match text {
        "true" | "True" | "TRUE" => return Json::Bool(true),
        "false" | "False" | "FALSE" => return Json::Bool(false),
        _ => {}
    }
    let number = match text.get(..2) {
        Some("0x") => i64::from_str_radix(&text[2..], 16).ok().map(Into::into),
        Some("0o") => i64::from_str_radix(&text[2..], 8).ok().map(Into::into),
        _ => decimal(text),
    };
    number.map_or_else(|| Json::Text(text.to_string()), Json::Number)
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn decimal(text: &str) -> Option<serde_json::Number> {
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((m, e)) => (m, Some(e.strip_prefix(['-', '+']).unwrap_or(e))),
        None => (unsigned, None),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let none = whole.is_empty() && part.is_empty();
    if none || !digits(whole) || !digits(part) || exponent.is_some_and(|e| e.is_empty() || !digits(e)) {
        return None;
    }
    if exponent.is_none() && !mantissa.contains('.') {
        let text = text.strip_prefix('+').unwrap_or(text);
        if let Ok(n) = text.parse::<u64>().map(Into::into).or_else(|_| text.parse::<i64>().map(Into::into)) {
            return Some(n);
        }
    }
    serde_json::Number::from_f64(text.parse().ok()?)
}

/// An element's example; nothing, if it shows a part only.
pub(super) fn example(element: &Element) -> Option<Json> {
    let node = tree::parse(element.example, 0, 0, &mut Problems::new(&[element.example]))?;
    let whole = element.rows().all(|row| row.need.is_none() || node.get(row.key).is_some());
    whole.then(|| value(&node))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_are_what_yaml_says() {
        let shown = |text: &str| plain(text).pretty();
        for (text, json) in [
            ("5", "5"),
            ("-5", "-5"),
            ("+5", "5"),
            ("007", "7"),
            ("1.0", "1.0"),
            ("1.", "1.0"),
            (".5", "0.5"),
            ("1e3", "1000.0"),
            ("0x10", "16"),
            ("0o17", "15"),
            ("18446744073709551615", "18446744073709551615"),
            ("true", "true"),
        ] {
            assert_eq!(shown(text), json, "{text}");
        }
        for text in ["on", "no", "10:20", "52:54:00:12:34:56", "1_000", "10.0.0.1", "1e", "-", ".", "0x", "10%", "5s"] {
            assert_eq!(shown(text), format!("\"{text}\""));
        }
    }
}
