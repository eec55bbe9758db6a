//! Regular expressions of POSIX, basic and extended, with GNU's `\+ \? \| \< \> \b \w \s`; the leftmost longest match.
//!
//! All states run at once (Thompson, Pike), so no expression can take longer than its length times that of the text.
//! Back-references within an expression cannot run this way: they are refused.

mod parse;

use crate::shell::bash::escape;
use parse::{Syntax, compile};

/// A compiled expression.
#[derive(Clone, Debug)]
pub(crate) struct Regex {
    program: Vec<Op>,
    sets: Vec<Set>,
    groups: usize,
    icase: bool,
}

/// Where it matched, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    pub start: usize,
    pub end: usize,
    /// Group 0 is the whole.
    pub groups: Vec<Option<(usize, usize)>>,
}

#[derive(Clone, Debug)]
enum Op {
    Char(char),
    Any,
    Set(usize),
    Split(usize, usize),
    Jump(usize),
    Save(usize),
    Begin,
    End,
    Boundary,
    NotBoundary,
    WordBegin,
    WordEnd,
    Match,
}

#[derive(Clone, Debug, Default)]
struct Set {
    not: bool,
    ranges: Vec<(char, char)>,
    classes: Vec<String>,
}

impl Regex {
    /// An extended expression (`grep -E`, `[[ =~ ]]`, awk).
    ///
    /// # Errors
    /// GNU's words for what is wrong.
    pub fn extended(text: &str) -> Result<Regex, String> {
        compile(text, Syntax::Extended)
    }

    /// A basic expression (`grep`, `sed`).
    ///
    /// # Errors
    /// GNU's words for what is wrong.
    pub fn basic(text: &str) -> Result<Regex, String> {
        compile(text, Syntax::Basic)
    }

    /// The text itself, no expression (`grep -F`).
    pub fn literal(text: &str) -> Regex {
        let mut program = vec![Op::Save(0)];
        program.extend(text.chars().map(Op::Char));
        program.extend([Op::Save(1), Op::Match]);
        Regex { program, sets: Vec::new(), groups: 0, icase: false }
    }

    /// Upper and lower case are the same.
    pub fn ignoring_case(mut self) -> Regex {
        self.icase = true;
        self
    }

    /// The number of groups.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// What matching against `n` bytes costs.
    pub fn cost(&self, n: usize) -> u64 {
        (self.program.len() as u64 / 4 + 1) * (n as u64 + 1)
    }

    pub fn is_match(&self, text: &str) -> bool {
        self.find(text, 0).is_some()
    }

    /// The first match that begins at byte `from` or later. `^` is the beginning of `text`, not `from`.
    pub fn find(&self, text: &str, from: usize) -> Option<Match> {
        let slots = 2 * (self.groups + 1);
        let mut now = Threads::new(self.program.len());
        let mut next = Threads::new(self.program.len());
        let mut best: Option<Vec<Option<usize>>> = None;
        let mut at = from;
        let mut before = text.get(..from)?.chars().next_back();
        let mut chars = text.get(from..)?.chars();
        loop {
            let c = chars.next();
            if best.is_none() {
                let saves = vec![None; slots];
                self.follow(&mut now, 0, saves, At { at, before, after: c });
            }
            if now.list.is_empty() && best.is_some() {
                break;
            }
            let following = chars.clone().next();
            next.clear();
            let width = c.map_or(0, char::len_utf8);
            for (pc, saves) in now.list.drain(..) {
                match &self.program[pc] {
                    Op::Match => {
                        let better = match &best {
                            None => true,
                            Some(old) => saves[0] < old[0] || (saves[0] == old[0] && saves[1] > old[1]),
                        };
                        if better {
                            best = Some(saves);
                        }
                    }
                    op => {
                        let late = best.as_ref().is_some_and(|b| saves[0] > b[0]);
                        if !late && c.is_some_and(|c| self.takes(op, c)) {
                            self.follow(&mut next, pc + 1, saves, At { at: at + width, before: c, after: following });
                        }
                    }
                }
            }
            now.seen.iter_mut().for_each(|s| *s = false);
            std::mem::swap(&mut now, &mut next);
            if c.is_none() {
                break;
            }
            at += width;
            before = c;
        }
        let saves = best?;
        let groups: Vec<Option<(usize, usize)>> =
            saves.chunks(2).map(|p| Some((p[0]?, *p.get(1)?.as_ref()?))).collect();
        let (start, end) = groups.first().copied().flatten()?;
        Some(Match { start, end, groups })
    }

    fn takes(&self, op: &Op, c: char) -> bool {
        let one = |c: char| match op {
            Op::Char(own) => *own == c,
            Op::Any => true,
            Op::Set(n) => self.sets[*n].has(c),
            _ => false,
        };
        if !self.icase {
            return one(c);
        }
        let lower = c.to_lowercase().next().unwrap_or(c);
        let upper = c.to_uppercase().next().unwrap_or(c);
        match op {
            Op::Set(n) if self.sets[*n].not => {
                let set = Set { not: false, ..self.sets[*n].clone() };
                !(set.has(lower) || set.has(upper))
            }
            _ => one(c) || one(lower) || one(upper),
        }
    }

    /// Adds a state and all that it leads to without taking a character.
    fn follow(&self, threads: &mut Threads, pc: usize, saves: Vec<Option<usize>>, place: At) {
        let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let (before, after) = (word(place.before), word(place.after));
        let mut stack = vec![(pc, saves)];
        while let Some((pc, mut saves)) = stack.pop() {
            if std::mem::replace(&mut threads.seen[pc], true) {
                continue;
            }
            let pass = match &self.program[pc] {
                Op::Jump(to) => {
                    stack.push((*to, saves));
                    continue;
                }
                Op::Split(a, b) => {
                    stack.push((*b, saves.clone()));
                    stack.push((*a, saves));
                    continue;
                }
                Op::Save(n) => {
                    saves[*n] = Some(place.at);
                    true
                }
                Op::Begin => place.before.is_none(),
                Op::End => place.after.is_none(),
                Op::Boundary => before != after,
                Op::NotBoundary => before == after,
                Op::WordBegin => !before && after,
                Op::WordEnd => before && !after,
                _ => {
                    threads.list.push((pc, saves));
                    continue;
                }
            };
            if pass {
                stack.push((pc + 1, saves));
            }
        }
    }
}

#[derive(Clone, Copy)]
struct At {
    at: usize,
    before: Option<char>,
    after: Option<char>,
}

struct Threads {
    list: Vec<(usize, Vec<Option<usize>>)>,
    seen: Vec<bool>,
}

impl Threads {
    fn new(n: usize) -> Threads {
        Threads { list: Vec::new(), seen: vec![false; n] }
    }

    fn clear(&mut self) {
        self.list.clear();
        self.seen.iter_mut().for_each(|s| *s = false);
    }
}

impl Set {
    fn has(&self, c: char) -> bool {
        let inside = self.ranges.iter().any(|(a, b)| (*a..=*b).contains(&c))
            || self.classes.iter().any(|n| escape::in_class(n, c));
        inside != self.not
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'a>(regex: &Regex, text: &'a str) -> Option<&'a str> {
        regex.find(text, 0).map(|m| &text[m.start..m.end])
    }

    #[test]
    fn extended_expressions_find_the_leftmost_longest_match() {
        for (regex, text, result) in [
            ("a|ab|abc", "xabcd", Some("abc")),
            ("[0-9]+", "eth10:0", Some("10")),
            ("^[a-z]+[0-9]*$", "eth0", Some("eth0")),
            ("(ab)*c", "ababc", Some("ababc")),
            ("x{2,3}", "xxxx", Some("xxx")),
            ("x{2", "x{2", Some("x{2")),
            ("a.c", "abd", None),
            ("\\bfoo\\b", "a foo b", Some("foo")),
            ("\\<oo", "foo", None),
            ("[[:space:]]+", "a \t b", Some(" \t ")),
            ("[^ ]+$", "a bc", Some("bc")),
            ("", "abc", Some("")),
            ("()", "abc", Some("")),
            ("(a*)*b", "aab", Some("aab")),
            ("seq|ack [0-9]+", "ack 12", Some("ack 12")),
            ("a+?", "aa", Some("aa")),
        ] {
            assert_eq!(found(&Regex::extended(regex).expect(regex), text), result, "{regex} {text}");
        }
    }

    #[test]
    fn basic_expressions_need_backslashes_for_operators() {
        for (regex, text, result) in [
            ("a+", "aa+", Some("a+")),
            ("a\\+", "aa", Some("aa")),
            ("\\(a\\|b\\)c", "bc", Some("bc")),
            ("*a", "*a", Some("*a")),
            ("a\\{2\\}", "aaa", Some("aa")),
            ("a{2}", "a{2}", Some("a{2}")),
            ("x^y$z", "x^y$z", Some("x^y$z")),
            ("^#", "#a", Some("#")),
            ("(a)", "(a)", Some("(a)")),
        ] {
            assert_eq!(found(&Regex::basic(regex).expect(regex), text), result, "{regex} {text}");
        }
    }

    #[test]
    fn groups_say_where_they_matched() {
        let regex = Regex::extended("(seq|ack) ([0-9]+)(:[0-9]+)?").expect("an expression");
        let m = regex.find("x seq 12:34", 0).expect("a match");
        assert_eq!(m.groups, [Some((2, 11)), Some((2, 5)), Some((6, 8)), Some((8, 11))]);
        assert_eq!(regex.find("ack 5", 0).expect("a match").groups[3], None);
    }

    #[test]
    fn wrong_expressions_are_refused_in_gnu_words() {
        for (regex, error) in [
            ("(", "Unmatched ( or \\("),
            ("[a", "Unmatched [, [^, [:, [., or [="),
            ("a\\", "Trailing backslash"),
            ("a{2,1}", "Invalid content of \\{\\}"),
            ("(((a{900}){900}){900}){900}", "Regular expression too big"),
        ] {
            assert_eq!(Regex::extended(regex).err().as_deref(), Some(error), "{regex}");
        }
        assert!(Regex::extended(&"(".repeat(10_000)).is_err());
        assert!(Regex::extended(&format!("a{}", "*".repeat(10_000))).is_err());
    }

    #[test]
    fn evil_expressions_take_no_longer_than_their_size() {
        let regex = Regex::extended("(a|aa)*(a|aa)*(a|aa)*$").expect("an expression");
        assert!(regex.is_match(&"a".repeat(2000)));
        let regex = Regex::extended("^(a|aa)*(a|aa)*$").expect("an expression");
        assert!(!regex.is_match(&format!("{}b", "a".repeat(2000))));
    }
}
