//! Shell patterns: `*`, `?`, `[…]` with classes; a backslash makes the next character plain (fnmatch(3), no extended patterns).
//!
//! Matching walks all states at once, so that its cost is length times length and never more.

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    tokens: Vec<Token>,
}

#[derive(Clone, Debug)]
enum Token {
    Char(char),
    Any,
    Star,
    Set { not: bool, items: Vec<Item> },
}

#[derive(Clone, Debug)]
enum Item {
    Range(char, char),
    Class(String),
}

impl Token {
    fn matches(&self, c: char) -> bool {
        match self {
            Token::Char(own) => *own == c,
            Token::Any | Token::Star => true,
            Token::Set { not, items } => items.iter().any(|i| i.matches(c)) != *not,
        }
    }
}

impl Item {
    fn matches(&self, c: char) -> bool {
        match self {
            Item::Range(from, to) => (*from..=*to).contains(&c),
            Item::Class(name) => in_class(name, c),
        }
    }
}

/// Whether `c` belongs to `[:name:]`.
pub(crate) fn in_class(name: &str, c: char) -> bool {
    match name {
        "alpha" => c.is_alphabetic(),
        "digit" => c.is_ascii_digit(),
        "alnum" => c.is_alphanumeric(),
        "upper" => c.is_uppercase(),
        "lower" => c.is_lowercase(),
        "space" => c.is_whitespace(),
        "blank" => c == ' ' || c == '\t',
        "punct" => c.is_ascii_punctuation(),
        "cntrl" => c.is_control(),
        "print" => !c.is_control(),
        "graph" => !c.is_control() && !c.is_whitespace(),
        "xdigit" => c.is_ascii_hexdigit(),
        _ => false,
    }
}

impl Pattern {
    pub fn new(text: &str) -> Pattern {
        let chars: Vec<char> = text.chars().collect();
        let mut tokens = Vec::new();
        let mut at = 0;
        while let Some(&c) = chars.get(at) {
            at += 1;
            tokens.push(match c {
                '\\' => {
                    let plain = chars.get(at).copied().unwrap_or('\\');
                    at += 1;
                    Token::Char(plain)
                }
                '?' => Token::Any,
                '*' => {
                    while chars.get(at) == Some(&'*') {
                        at += 1;
                    }
                    Token::Star
                }
                '[' => match set(&chars, at) {
                    Some((token, after)) => {
                        at = after;
                        token
                    }
                    None => Token::Char('['),
                },
                c => Token::Char(c),
            });
        }
        Pattern { tokens }
    }

    pub fn matches(&self, text: &str) -> bool {
        let chars: Vec<char> = text.chars().collect();
        self.ends(&chars).last().copied().unwrap_or(false)
    }

    /// For each length of a beginning of `text`, from 0 on, whether the pattern matches it; stops where nothing can match any more.
    fn ends(&self, text: &[char]) -> Vec<bool> {
        run(&self.tokens.iter().collect::<Vec<_>>(), text.iter().copied(), text.len())
    }

    /// The length of the shortest or longest beginning that matches.
    pub fn prefix(&self, text: &[char], longest: bool) -> Option<usize> {
        pick(&self.ends(text), longest)
    }

    /// The length of the shortest or longest end that matches.
    pub fn suffix(&self, text: &[char], longest: bool) -> Option<usize> {
        let backwards: Vec<&Token> = self.tokens.iter().rev().collect();
        pick(&run(&backwards, text.iter().rev().copied(), text.len()), longest)
    }

    /// How costly matching against `n` characters is.
    pub fn cost(&self, n: usize) -> u64 {
        (self.tokens.len() as u64 + 1) * (n as u64 + 1)
    }

    /// Whether it can match more than one text length from a place.
    pub fn has_star(&self) -> bool {
        self.tokens.iter().any(|t| matches!(t, Token::Star))
    }
}

fn pick(ends: &[bool], longest: bool) -> Option<usize> {
    if longest { ends.iter().rposition(|e| *e) } else { ends.iter().position(|e| *e) }
}

fn run(tokens: &[&Token], text: impl Iterator<Item = char>, len: usize) -> Vec<bool> {
    let n = tokens.len();
    let mut states = vec![false; n + 1];
    let close = |states: &mut [bool], from: usize| {
        let mut at = from;
        states[at] = true;
        while at < n && matches!(tokens[at], Token::Star) {
            at += 1;
            states[at] = true;
        }
    };
    close(&mut states, 0);
    let mut ends = Vec::with_capacity(len + 1);
    ends.push(states[n]);
    let mut next = vec![false; n + 1];
    for c in text {
        next.iter_mut().for_each(|s| *s = false);
        let mut alive = false;
        for at in 0..n {
            if states[at] && tokens[at].matches(c) {
                let to = if matches!(tokens[at], Token::Star) { at } else { at + 1 };
                close(&mut next, to);
                alive = true;
            }
        }
        std::mem::swap(&mut states, &mut next);
        if !alive {
            ends.push(false);
            return ends;
        }
        ends.push(states[n]);
    }
    ends
}

/// A bracket expression whose inside begins at `at`, and where it ends.
fn set(chars: &[char], mut at: usize) -> Option<(Token, usize)> {
    let not = matches!(chars.get(at), Some('!' | '^'));
    at += usize::from(not);
    let mut items = Vec::new();
    let first = at;
    loop {
        let c = *chars.get(at)?;
        if c == ']' && at > first {
            return Some((Token::Set { not, items }, at + 1));
        }
        if c == '/' {
            return None;
        }
        if c == '[' && chars.get(at + 1) == Some(&':') {
            let close = (at + 2..chars.len().min(at + 12)).find(|n| chars[*n] == ':' && chars.get(n + 1) == Some(&']'));
            if let Some(close) = close {
                items.push(Item::Class(chars[at + 2..close].iter().collect()));
                at = close + 2;
                continue;
            }
        }
        let from = if c == '\\' {
            at += 1;
            *chars.get(at)?
        } else {
            c
        };
        at += 1;
        if chars.get(at) == Some(&'-') && chars.get(at + 1).is_some_and(|c| *c != ']') {
            at += 1;
            let mut to = *chars.get(at)?;
            if to == '\\' {
                at += 1;
                to = *chars.get(at)?;
            }
            at += 1;
            items.push(Item::Range(from, to));
        } else {
            items.push(Item::Range(from, from));
        }
    }
}

/// Makes every character of `text` plain within a pattern.
pub(super) fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        if "*?[]\\-!^".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_case() {
        for (pattern, text, matches) in [
            ("st*", "start", true),
            ("st*", "tst", false),
            ("*", "", true),
            ("?", "", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]", "]", true),
            ("[[:digit:]]*", "4a", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("[a", "[a", true),
            ("*.sh", "lvs.sh", true),
            ("a*b*c", "axxbyyc", true),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), matches, "{pattern} {text}");
        }
    }

    #[test]
    fn beginnings_and_ends_are_found_short_and_long() {
        let text: Vec<char> = "a.b.c".chars().collect();
        assert_eq!(Pattern::new("*.").prefix(&text, false), Some(2));
        assert_eq!(Pattern::new("*.").prefix(&text, true), Some(4));
        assert_eq!(Pattern::new(".*").suffix(&text, false), Some(2));
        assert_eq!(Pattern::new(".*").suffix(&text, true), Some(4));
        assert_eq!(Pattern::new("x").prefix(&text, true), None);
    }
}
