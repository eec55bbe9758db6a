//! Backslash sequences of `$'…'`, `echo -e` and `printf`, and quoting for `set -x`, `declare -p` and `%q`.

pub(crate) use super::pattern::in_class;

/// Which program's sequences.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `$'…'`.
    Ansi,
    /// `echo -e` and `printf %b`: octal is `\0nnn`, `\c` ends all output.
    Echo,
    /// The format of `printf`: octal is `\nnn`.
    Format,
}

/// The text of `$'…'`.
pub(super) fn ansi_c(text: &str) -> String {
    unescape(text, Style::Ansi).0
}

/// Replaces the sequences; the flag says that `\c` ended the text.
pub(crate) fn unescape(text: &str, style: Style) -> (String, bool) {
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.extend(c.encode_utf8(&mut [0; 4]).bytes());
            continue;
        }
        let digits = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>, radix: u32, most: usize| {
            let mut value: Option<u32> = None;
            for _ in 0..most {
                let Some(d) = chars.peek().and_then(|c| c.to_digit(radix)) else { break };
                chars.next();
                value = Some(value.unwrap_or(0).wrapping_mul(radix).wrapping_add(d));
            }
            value
        };
        match chars.next() {
            None => out.push(b'\\'),
            Some('a') => out.push(7),
            Some('b') => out.push(8),
            Some('e' | 'E') => out.push(27),
            Some('f') => out.push(12),
            Some('n') => out.push(b'\n'),
            Some('r') => out.push(b'\r'),
            Some('t') => out.push(b'\t'),
            Some('v') => out.push(11),
            Some('\\') => out.push(b'\\'),
            Some(c @ ('\'' | '"' | '?')) if style != Style::Echo => out.push(c as u8),
            Some('c') if style == Style::Echo => return (String::from_utf8_lossy(&out).into_owned(), true),
            Some('x') => match digits(&mut chars, 16, 2) {
                Some(v) => out.push(v as u8),
                None => out.extend(b"\\x"),
            },
            Some(u @ ('u' | 'U')) => match digits(&mut chars, 16, if u == 'u' { 4 } else { 8 }) {
                Some(v) => out.extend(char::from_u32(v).unwrap_or('\u{fffd}').encode_utf8(&mut [0; 4]).bytes()),
                None => out.extend([b'\\', u as u8]),
            },
            Some('0') if style == Style::Echo => out.push(digits(&mut chars, 8, 3).unwrap_or(0) as u8),
            Some(d @ '0'..='7') if style != Style::Echo => {
                let mut v = d.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(next) = chars.peek().and_then(|c| c.to_digit(8)) else { break };
                    chars.next();
                    v = v * 8 + next;
                }
                out.push(v as u8);
            }
            Some(c) => {
                out.push(b'\\');
                out.extend(c.encode_utf8(&mut [0; 4]).bytes());
            }
        }
    }
    (String::from_utf8_lossy(&out).into_owned(), false)
}

/// Single quotes, as `set -x` and `${x@Q}` write them.
pub(crate) fn single_quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A word as `set -x` shows it: quoted only where the shell would read it differently.
pub(crate) fn trace_quote(text: &str) -> String {
    let special = |c: char| c.is_whitespace() || "|&;()<>\\\"'`$*?[]{}!^#".contains(c);
    if text.is_empty() || text.starts_with('~') || text.contains(special) {
        single_quote(text)
    } else {
        text.to_string()
    }
}

/// `printf %q`.
pub(crate) fn backslash_quote(text: &str) -> String {
    if text.is_empty() {
        return "''".to_string();
    }
    if text.contains(|c: char| c.is_control()) {
        let inner = text
            .replace('\\', "\\\\")
            .replace('\'', "\\'")
            .replace('\n', "\\n")
            .replace('\t', "\\t")
            .replace('\r', "\\r");
        return format!("$'{inner}'");
    }
    let mut out = String::new();
    for (n, c) in text.chars().enumerate() {
        if " |&;()<>\\\"'`$*?[]{}!^,".contains(c) || (n == 0 && "~#".contains(c)) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_differ_by_program() {
        for (text, style, out) in [
            ("a\\tb\\n", Style::Echo, "a\tb\n"),
            ("\\101\\x41", Style::Format, "AA"),
            ("\\101\\0101", Style::Echo, "\\101A"),
            ("\\'\\u00e9", Style::Ansi, "'é"),
            ("\\q\\", Style::Echo, "\\q\\"),
        ] {
            assert_eq!(unescape(text, style).0, out, "{text}");
        }
        assert_eq!(unescape("a\\cb", Style::Echo), ("a".to_string(), true));
    }

    #[test]
    fn a_trace_quotes_what_the_shell_would_change() {
        assert_eq!(trace_quote("eth0:0"), "eth0:0");
        assert_eq!(trace_quote("a b"), "'a b'");
        assert_eq!(trace_quote("it's"), "'it'\\''s'");
        assert_eq!(trace_quote("]"), "']'");
    }
}
