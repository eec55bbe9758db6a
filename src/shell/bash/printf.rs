//! The formats of `printf`, without floating point.

use super::MAX_VALUE;
use super::escape::{Style, backslash_quote, unescape};

/// The text of a `printf`, which repeats its format while arguments are left.
pub(crate) fn format_all(format: &str, values: &[String], errors: &mut Vec<String>) -> String {
    let mut out = String::new();
    let mut left = values.iter();
    loop {
        let before = left.len();
        let stop = format_once(format, &mut left, &mut out, errors);
        if stop || left.len() == 0 || left.len() == before || out.len() > MAX_VALUE {
            return out;
        }
    }
}

/// One pass over the format; true: no more output.
fn format_once(
    format: &str,
    values: &mut std::slice::Iter<'_, String>,
    out: &mut String,
    errors: &mut Vec<String>,
) -> bool {
    let chars: Vec<char> = format.chars().collect();
    let mut at = 0;
    let mut plain = String::new();
    while at < chars.len() {
        let c = chars[at];
        if c == '\\' {
            plain.push(c);
            plain.extend(chars.get(at + 1));
            at += 2;
            continue;
        }
        if c != '%' {
            plain.push(c);
            at += 1;
            continue;
        }
        *out += &unescape(&plain, Style::Format).0;
        plain.clear();
        at += 1;
        if chars.get(at) == Some(&'%') {
            out.push('%');
            at += 1;
            continue;
        }
        let (mut left, mut zero, mut plus, mut space, mut alt) = (false, false, false, false, false);
        while let Some(c) = chars.get(at) {
            match c {
                '-' => left = true,
                '0' => zero = true,
                '+' => plus = true,
                ' ' => space = true,
                '#' => alt = true,
                _ => break,
            }
            at += 1;
        }
        let mut number = |at: &mut usize| -> Option<i64> {
            if chars.get(*at) == Some(&'*') {
                *at += 1;
                return values.next().and_then(|v| v.parse().ok());
            }
            let from = *at;
            while chars.get(*at).is_some_and(char::is_ascii_digit) {
                *at += 1;
            }
            chars[from..*at].iter().collect::<String>().parse().ok()
        };
        let mut width = number(&mut at).unwrap_or(0);
        if width < 0 {
            left = true;
            width = -width;
        }
        let width = width.min(10_000) as usize;
        let mut precision = None;
        if chars.get(at) == Some(&'.') {
            at += 1;
            precision = Some(number(&mut at).unwrap_or(0).clamp(0, 10_000) as usize);
        }
        while matches!(chars.get(at), Some('l' | 'h' | 'q' | 'L' | 'j' | 'z' | 't'))
            && chars.get(at + 1).is_some_and(|c| "diouxXeEfFgGsc".contains(*c))
        {
            at += 1;
        }
        let Some(conv) = chars.get(at).copied() else {
            errors.push("`%': missing format character".into());
            return true;
        };
        at += 1;
        let mut value = || values.next().map(String::as_str);
        let body = match conv {
            's' => {
                let text = value().unwrap_or("");
                precision.map_or_else(|| text.to_string(), |p| text.chars().take(p).collect())
            }
            'b' => {
                let (text, stop) = unescape(value().unwrap_or(""), Style::Echo);
                if stop {
                    *out += &text;
                    return true;
                }
                text
            }
            'q' => backslash_quote(value().unwrap_or("")),
            'c' => value().unwrap_or("").chars().take(1).collect(),
            'd' | 'i' | 'u' | 'x' | 'X' | 'o' => {
                let n = integer(value().unwrap_or("0"), errors);
                let sign = if n < 0 && matches!(conv, 'd' | 'i') {
                    "-"
                } else if plus {
                    "+"
                } else if space {
                    " "
                } else {
                    ""
                };
                let sign = if matches!(conv, 'd' | 'i') { sign } else { "" };
                let digits = match conv {
                    'd' | 'i' => n.unsigned_abs().to_string(),
                    'u' => (n as u64).to_string(),
                    'x' => format!("{}{n:x}", if alt && n != 0 { "0x" } else { "" }),
                    'X' => format!("{}{n:X}", if alt && n != 0 { "0X" } else { "" }),
                    _ => format!("{}{n:o}", if alt { "0" } else { "" }),
                };
                let digits = format!("{digits:0>width$}", width = precision.unwrap_or(0));
                if zero && !left && precision.is_none() {
                    format!("{sign}{digits:0>w$}", w = width.saturating_sub(sign.len()))
                } else {
                    format!("{sign}{digits}")
                }
            }
            'f' | 'F' | 'e' | 'E' | 'g' | 'G' => {
                let text = decimal(value().unwrap_or("0"), precision.unwrap_or(6), errors);
                let text = if plus && !text.starts_with('-') { format!("+{text}") } else { text };
                if zero && !left { format!("{text:0>width$}") } else { text }
            }
            '(' => {
                errors.push("lvsim: %(…)T is not simulated".into());
                return true;
            }
            other => {
                errors.push(format!("`{other}': invalid format character"));
                return true;
            }
        };
        let fill = width.saturating_sub(body.chars().count());
        if left {
            *out += &body;
            out.extend(std::iter::repeat_n(' ', fill));
        } else {
            out.extend(std::iter::repeat_n(' ', fill));
            *out += &body;
        }
    }
    *out += &unescape(&plain, Style::Format).0;
    false
}

fn integer(text: &str, errors: &mut Vec<String>) -> i64 {
    let trimmed = text.trim_start();
    if let Some(c) = trimmed.strip_prefix(['\'', '"']) {
        return c.chars().next().map_or(0, |c| i64::from(c as u32));
    }
    let (negative, digits) = match trimmed.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, trimmed.strip_prefix('+').unwrap_or(trimmed)),
    };
    let (radix, digits) = if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        (16, hex)
    } else if digits.len() > 1 && digits.starts_with('0') {
        (8, &digits[1..])
    } else {
        (10, digits)
    };
    let len = digits.chars().take_while(|c| c.is_digit(radix)).count();
    if len < digits.len() || (len == 0 && !text.is_empty()) {
        errors.push(format!("{text}: invalid number"));
    }
    let n = i64::from_str_radix(&digits[..len], radix).unwrap_or(if len > 0 { i64::MAX } else { 0 });
    if negative { n.wrapping_neg() } else { n }
}

/// `%f` without floating point: the digits as typed, rounded half up.
fn decimal(text: &str, places: usize, errors: &mut Vec<String>) -> String {
    let (sign, digits) = match text.trim().strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.trim().trim_start_matches('+')),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let good = |s: &str| s.chars().all(|c| c.is_ascii_digit());
    if !good(whole) || !good(part) || (whole.is_empty() && part.is_empty() && !text.is_empty()) || whole.len() > 30 {
        errors.push(format!("{text}: invalid number"));
        return if places == 0 { "0".into() } else { format!("0.{}", "0".repeat(places)) };
    }
    let places = places.min(30);
    let mut all: Vec<u8> =
        whole.bytes().chain(part.bytes().chain(std::iter::repeat(b'0')).take(places)).map(|c| c - b'0').collect();
    if part.as_bytes().get(places).is_some_and(|c| *c >= b'5') {
        let mut at = all.len();
        loop {
            if at == 0 {
                all.insert(0, 1);
                break;
            }
            at -= 1;
            if all[at] < 9 {
                all[at] += 1;
                break;
            }
            all[at] = 0;
        }
    }
    let text: String = all.iter().map(|d| char::from(b'0' + d)).collect();
    let cut = text.len() - places;
    let whole = if cut == 0 { "0" } else { &text[..cut] };
    if places == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{}", &text[cut..]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printf_formats_as_bash_does() {
        for (format, values, out) in [
            ("%s-%s\\n", vec!["a", "b", "c"], "a-b\nc-\n"),
            ("%5d|%-5d|%05d\\n", vec!["42", "42", "-42"], "   42|42   |-0042\n"),
            ("%x %o %X\\n", vec!["255", "8", "255"], "ff 10 FF\n"),
            ("%.2f %.0f\\n", vec!["3.14159", "2.5"], "3.14 3\n"),
            ("%s%%\\n", vec!["5"], "5%\n"),
            ("%-10s|\\n", vec!["ab"], "ab        |\n"),
            ("a\\tb\\n", vec![], "a\tb\n"),
            ("%c%c\\n", vec!["xyz", "ab"], "xa\n"),
            ("%q\\n", vec!["a b"], "a\\ b\n"),
            ("%.2s|\\n", vec!["abc"], "ab|\n"),
        ] {
            let values: Vec<String> = values.iter().map(|s| s.to_string()).collect();
            assert_eq!(format_all(format, &values, &mut Vec::new()), out, "{format}");
        }
    }

    #[test]
    fn a_bad_number_is_told_and_counts_as_what_could_be_read() {
        let mut errors = Vec::new();
        assert_eq!(format_all("%d\n", &["12x".to_string()], &mut errors), "12\n");
        assert_eq!(errors, ["12x: invalid number"]);
    }
}
