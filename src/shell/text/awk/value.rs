//! Values of awk: numbers, text, and text that looks like a number; how each becomes the other, and `printf`.
//!
//! Numbers are IEEE doubles as in every awk; only operations that IEEE 754 defines to the last bit are used, so a result is the
//! same on every machine.

use std::rc::Rc;

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Never assigned: both 0 and empty.
    Unset,
    Number(f64),
    Text(Rc<str>),
    /// Input that looks like a number: compared as one.
    Input(Rc<str>, f64),
}

impl Value {
    pub fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    /// A field or another piece of input.
    pub fn input(text: &str) -> Value {
        let trimmed = text.trim_matches([' ', '\t', '\n']);
        let (number, len) = number_prefix(trimmed);
        if len > 0 && len == trimmed.len() { Value::Input(text.into(), number) } else { Value::Text(text.into()) }
    }

    pub fn number(&self) -> f64 {
        match self {
            Value::Unset => 0.0,
            Value::Number(n) | Value::Input(_, n) => *n,
            Value::Text(text) => number_prefix(text.trim_start()).0,
        }
    }

    pub fn show(&self, format: &str) -> Rc<str> {
        match self {
            Value::Unset => "".into(),
            Value::Number(n) => number_text(*n, format).into(),
            Value::Text(text) | Value::Input(text, _) => text.clone(),
        }
    }

    pub fn truth(&self) -> bool {
        match self {
            Value::Unset => false,
            Value::Number(n) | Value::Input(_, n) => *n != 0.0,
            Value::Text(text) => !text.is_empty(),
        }
    }

    /// Whether a comparison with another such value is one of numbers.
    pub fn is_numeric(&self) -> bool {
        !matches!(self, Value::Text(_))
    }
}

/// The decimal number at the beginning of a text, and its length in bytes.
pub(super) fn number_prefix(text: &str) -> (f64, usize) {
    let bytes = text.as_bytes();
    let mut at = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let digits = |at: usize| bytes[at.min(bytes.len())..].iter().take_while(|c| c.is_ascii_digit()).count();
    let whole = digits(at);
    at += whole;
    let mut part = 0;
    if bytes.get(at) == Some(&b'.') {
        part = digits(at + 1);
        if whole + part > 0 {
            at += 1 + part;
        }
    }
    if whole + part == 0 {
        return (0.0, 0);
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent > 0 {
            at += 1 + sign + exponent;
        }
    }
    (text[..at].parse().unwrap_or(0.0), at)
}

/// A number as text: whole ones in full, others by `CONVFMT` or `OFMT`.
pub(super) fn number_text(n: f64, format: &str) -> String {
    if n.is_nan() {
        return if n.is_sign_negative() { "-nan".into() } else { "nan".into() };
    }
    if n.is_infinite() {
        return if n < 0.0 { "-inf".into() } else { "inf".into() };
    }
    if n == n.trunc() && n.abs() < 1e16 {
        return format!("{}", n as i64);
    }
    sprintf(format, &[Value::Number(n)], "%.6g").unwrap_or_default()
}

/// `%e`: at least two digits in the exponent.
fn exponential(n: f64, precision: usize) -> String {
    let text = format!("{n:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |e| ('-', e));
    format!("{digits}e{sign}{exponent:0>2}")
}

fn general(n: f64, precision: usize, alt: bool) -> String {
    let precision = precision.max(1);
    if n == 0.0 {
        return "0".into();
    }
    let text = exponential(n, precision - 1);
    let exponent: i32 = text.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    let trim = |text: &str| {
        if alt || !text.contains('.') {
            text.to_string()
        } else {
            text.trim_end_matches('0').trim_end_matches('.').to_string()
        }
    };
    if exponent < -4 || exponent >= precision as i32 {
        let (digits, tail) = text.split_once('e').unwrap_or((&text, "+00"));
        return format!("{}e{tail}", trim(digits));
    }
    let places = (precision as i32 - 1 - exponent).max(0) as usize;
    trim(&format!("{n:.places$}"))
}

/// `sprintf`.
///
/// # Errors
/// A conversion that does not exist, or too few arguments.
pub(super) fn sprintf(format: &str, args: &[Value], convfmt: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut args = args.iter();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        if chars.peek() == Some(&'%') {
            chars.next();
            out.push('%');
            continue;
        }
        let mut flags = String::new();
        while let Some(c) = chars.peek().filter(|c| "-+ #0".contains(**c)) {
            flags.push(*c);
            chars.next();
        }
        let mut number = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| -> Option<i64> {
            if chars.peek() == Some(&'*') {
                chars.next();
                return args.next().map(|v| v.number() as i64);
            }
            let mut digits = String::new();
            while let Some(c) = chars.peek().filter(|c| c.is_ascii_digit()) {
                digits.push(*c);
                chars.next();
            }
            digits.parse().ok()
        };
        let width = number(&mut chars).unwrap_or(0);
        let left = flags.contains('-') || width < 0;
        let width = width.unsigned_abs().min(4096) as usize;
        let mut precision = None;
        if chars.peek() == Some(&'.') {
            chars.next();
            precision = Some(number(&mut chars).unwrap_or(0).clamp(0, 400) as usize);
        }
        while matches!(chars.peek(), Some('l' | 'h' | 'L' | 'q')) {
            chars.next();
        }
        let Some(conv) = chars.next() else {
            out.push('%');
            break;
        };
        let value = args.next().ok_or("not enough args in printf(...)")?;
        let n = value.number();
        let sign = if flags.contains('+') {
            "+"
        } else if flags.contains(' ') {
            " "
        } else {
            ""
        };
        let signed = |text: String| if text.starts_with('-') { text } else { format!("{sign}{text}") };
        let mut numeric = true;
        let body = match conv {
            'd' | 'i' => {
                let n = n.trunc();
                let digits =
                    if n.abs() < 9.2e18 { (n as i64).unsigned_abs().to_string() } else { format!("{:.0}", n.abs()) };
                let digits = format!("{digits:0>width$}", width = precision.unwrap_or(0));
                if n < 0.0 { format!("-{digits}") } else { format!("{sign}{digits}") }
            }
            'u' => (n as i64 as u64).to_string(),
            'o' => format!("{:o}", n as i64),
            'x' => format!("{}{:x}", if flags.contains('#') { "0x" } else { "" }, n as i64),
            'X' => format!("{}{:X}", if flags.contains('#') { "0X" } else { "" }, n as i64),
            'f' | 'F' => signed(format!("{n:.p$}", p = precision.unwrap_or(6))),
            'e' => signed(exponential(n, precision.unwrap_or(6))),
            'E' => signed(exponential(n, precision.unwrap_or(6)).to_uppercase()),
            'g' => signed(general(n, precision.unwrap_or(6), flags.contains('#'))),
            'G' => signed(general(n, precision.unwrap_or(6), flags.contains('#')).to_uppercase()),
            'c' => {
                numeric = false;
                match value {
                    Value::Number(n) => char::from_u32(*n as u32).unwrap_or('\u{fffd}').to_string(),
                    other => other.show(convfmt).chars().take(1).collect(),
                }
            }
            's' => {
                numeric = false;
                let text = value.show(convfmt);
                precision.map_or_else(|| text.to_string(), |p| text.chars().take(p).collect())
            }
            other => return Err(format!("bad conversion '%{other}' in printf")),
        };
        let fill = width.saturating_sub(body.chars().count());
        if left {
            out += &body;
            out.extend(std::iter::repeat_n(' ', fill));
        } else if flags.contains('0') && numeric && (precision.is_none() || !"dioxXu".contains(conv)) {
            let cut = usize::from(body.starts_with(['-', '+', ' ']));
            out += &body[..cut];
            out.extend(std::iter::repeat_n('0', fill));
            out += &body[cut..];
        } else {
            out.extend(std::iter::repeat_n(' ', fill));
            out += &body;
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_text_as_in_c() {
        for (n, text) in [
            (1.0, "1"),
            (0.1, "0.1"),
            (1e6, "1000000"),
            (1e20, "1e+20"),
            (123456.789, "123457"),
            (-0.5, "-0.5"),
            (1.0 / 3.0, "0.333333"),
            (1e-5, "1e-05"),
        ] {
            assert_eq!(number_text(n, "%.6g"), text);
        }
    }

    #[test]
    fn printf_formats_numbers_and_text() {
        for (format, value, text) in [
            ("%5.1f|", Value::Number(2.25), "  2.2|"),
            ("%-5d|", Value::Number(42.9), "42   |"),
            ("%05d", Value::Number(-42.0), "-0042"),
            ("%s", Value::Number(0.5), "0.5"),
            ("%c", Value::text("xyz"), "x"),
            ("%e", Value::Number(12345.678), "1.234568e+04"),
            ("%x", Value::Number(255.0), "ff"),
        ] {
            assert_eq!(sprintf(format, &[value], "%.6g"), Ok(text.to_string()), "{format}");
        }
        assert!(sprintf("%d", &[], "%.6g").is_err());
    }

    #[test]
    fn only_input_that_is_a_number_counts_as_one() {
        assert!(Value::input(" 10 ").is_numeric());
        assert!(!Value::input("10x").is_numeric());
        assert_eq!(Value::input("10x").number().to_string(), "10");
        assert_eq!(number_prefix("1e5x"), (1e5, 3));
        assert_eq!(number_prefix("-.5"), (-0.5, 3));
        assert_eq!(number_prefix("e5").1, 0);
    }
}
