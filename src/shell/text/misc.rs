//! `basename`, `dirname`, `seq`, `expr`.

use super::Io;
use super::options::{Spec, hint, parse};
use super::regex::Regex;

pub(super) fn basename(io: &mut Io<'_, '_>) -> u8 {
    let Some(parsed) = parse(
        io,
        &Spec { name: "basename", letters: "as:", longs: &[("multiple", 'a'), ("suffix", 's')], others: "z" },
    ) else {
        return 1;
    };
    let Some(first) = parsed.operands.first() else {
        io.error("basename: missing operand\n");
        hint(io, "basename");
        return 1;
    };
    let many = parsed.has('a') || parsed.has('s');
    if !many && parsed.operands.len() > 2 {
        io.error(&format!("basename: extra operand '{}'\n", parsed.operands[2]));
        hint(io, "basename");
        return 1;
    }
    let suffix =
        parsed.value('s').or(if many { None } else { parsed.operands.get(1).map(String::as_str) }).unwrap_or("");
    let names = if many { &parsed.operands[..] } else { std::slice::from_ref(first) };
    for name in names {
        let trimmed = name.trim_end_matches('/');
        let base = if trimmed.is_empty() && !name.is_empty() { "/" } else { trimmed.rsplit('/').next().unwrap_or("") };
        let base = base.strip_suffix(suffix).filter(|b| !b.is_empty()).unwrap_or(base);
        io.print(&format!("{base}\n"));
    }
    0
}

pub(super) fn dirname(io: &mut Io<'_, '_>) -> u8 {
    let Some(parsed) = parse(io, &Spec { name: "dirname", letters: "", longs: &[], others: "z" }) else { return 1 };
    if parsed.operands.is_empty() {
        io.error("dirname: missing operand\n");
        hint(io, "dirname");
        return 1;
    }
    for name in &parsed.operands {
        let trimmed = name.trim_end_matches('/');
        let dir = match trimmed.rfind('/') {
            None if trimmed.is_empty() && !name.is_empty() => "/",
            None => ".",
            Some(n) => match trimmed[..n].trim_end_matches('/') {
                "" => "/",
                dir => dir,
            },
        };
        io.print(&format!("{dir}\n"));
    }
    0
}

/// A decimal number of `seq`: its value times ten to the power of its places.
fn decimal(text: &str) -> Option<(i64, u32)> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 9 || !part.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    Some((format!("{whole}{part}").parse().ok()?, part.len() as u32))
}

pub(super) fn seq(io: &mut Io<'_, '_>) -> u8 {
    let mut args = io.args;
    let (mut sep, mut wide) = ("\n".to_string(), false);
    loop {
        match args {
            [first, value, rest @ ..] if first == "-s" => {
                sep = crate::shell::bash::escape::unescape(value, crate::shell::bash::escape::Style::Format).0;
                args = rest;
            }
            [first, rest @ ..] if first.len() > 2 && first.starts_with("-s") => {
                sep = first[2..].to_string();
                args = rest;
            }
            [first, rest @ ..] if first == "-w" || first == "--equal-width" => {
                wide = true;
                args = rest;
            }
            [first, rest @ ..] if first == "--" => {
                args = rest;
                break;
            }
            [first, ..] if first == "-f" || first.starts_with("--format") => {
                io.error("seq: lvsim: the option -f is not simulated\n");
                return 1;
            }
            [first, ..] if first.len() > 1 && first.starts_with('-') && decimal(first).is_none() => {
                io.error(&format!(
                    "seq: invalid option -- '{}'\n",
                    first.trim_start_matches('-').chars().next().unwrap_or('-')
                ));
                hint(io, "seq");
                return 1;
            }
            _ => break,
        }
    }
    if args.is_empty() {
        io.error("seq: missing operand\n");
        hint(io, "seq");
        return 1;
    }
    if args.len() > 3 {
        io.error(&format!("seq: extra operand '{}'\n", args[3]));
        hint(io, "seq");
        return 1;
    }
    let mut numbers = Vec::new();
    for arg in args {
        match decimal(arg) {
            Some(n) => numbers.push(n),
            None => {
                io.error(&format!("seq: invalid floating point argument: '{arg}'\n"));
                hint(io, "seq");
                return 1;
            }
        }
    }
    let places = numbers.iter().map(|(_, p)| *p).max().unwrap_or(0);
    let scaled: Vec<i128> = numbers.iter().map(|(v, p)| i128::from(*v) * 10i128.pow(places - p)).collect();
    let one = 10i128.pow(places);
    let (first, step, last) = match scaled.as_slice() {
        [last] => (one, one, *last),
        [first, last] => (*first, one, *last),
        [first, step, last] => (*first, *step, *last),
        _ => return 1,
    };
    if step == 0 {
        io.error(&format!("seq: invalid Zero increment value: '{}'\n", args[1]));
        hint(io, "seq");
        return 1;
    }
    let show = |v: i128| {
        let (sign, v) = if v < 0 { ("-", -v) } else { ("", v) };
        if places == 0 {
            format!("{sign}{v}")
        } else {
            format!("{sign}{}.{:0w$}", v / one, v % one, w = places as usize)
        }
    };
    let width = if wide { show(first).len().max(show(last).len()) } else { 0 };
    let mut out = String::new();
    let mut value = first;
    while (step > 0 && value <= last) || (step < 0 && value >= last) {
        if !out.is_empty() {
            out += &sep;
        }
        let text = show(value);
        let zeros = "0".repeat(width.saturating_sub(text.len()));
        out += &match text.strip_prefix('-') {
            Some(digits) => format!("-{zeros}{digits}"),
            None => format!("{zeros}{text}"),
        };
        value += step;
        if out.len() > 2 << 20 {
            io.error("seq: lvsim: more than 2 MiB of numbers\n");
            return 1;
        }
    }
    if !out.is_empty() {
        out.push('\n');
    }
    io.work += out.len() as u64;
    io.print(&out);
    0
}

/// `expr`, by precedence: `|`, `&`, comparisons, `+ -`, `* / %`, `:`.
pub(super) fn expr(io: &mut Io<'_, '_>) -> u8 {
    let args = io.args;
    if args.is_empty() {
        io.error("expr: missing operand\n");
        hint(io, "expr");
        return 2;
    }
    let mut expr = Expr { args, at: 0, depth: 0, work: 0 };
    let value = expr.or().and_then(|v| {
        if expr.at < args.len() { Err(format!("syntax error: unexpected argument '{}'", args[expr.at])) } else { Ok(v) }
    });
    io.work += expr.work;
    match value {
        Ok(value) => {
            io.print(&format!("{value}\n"));
            u8::from(value.is_empty() || value == "0")
        }
        Err(error) => {
            io.error(&format!("expr: {error}\n"));
            2
        }
    }
}

struct Expr<'a> {
    args: &'a [String],
    at: usize,
    depth: u32,
    work: u64,
}

type Value = Result<String, String>;

fn truth(text: &str) -> bool {
    !text.is_empty() && text != "0"
}

impl Expr<'_> {
    fn take(&mut self, ops: &[&str]) -> Option<String> {
        let op = self.args.get(self.at).filter(|a| ops.contains(&a.as_str()))?.clone();
        self.at += 1;
        Some(op)
    }

    fn or(&mut self) -> Value {
        let mut left = self.and()?;
        while self.take(&["|"]).is_some() {
            let right = self.and()?;
            left = if truth(&left) {
                left
            } else if truth(&right) {
                right
            } else {
                "0".into()
            };
        }
        Ok(left)
    }

    fn and(&mut self) -> Value {
        let mut left = self.compare()?;
        while self.take(&["&"]).is_some() {
            let right = self.compare()?;
            left = if truth(&left) && truth(&right) { left } else { "0".into() };
        }
        Ok(left)
    }

    fn compare(&mut self) -> Value {
        let mut left = self.sum()?;
        while let Some(op) = self.take(&["=", "==", "!=", "<", "<=", ">", ">="]) {
            let right = self.sum()?;
            let order = match (left.parse::<i64>(), right.parse::<i64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                _ => left.cmp(&right),
            };
            let value = match op.as_str() {
                "=" | "==" => order.is_eq(),
                "!=" => order.is_ne(),
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                ">" => order.is_gt(),
                _ => order.is_ge(),
            };
            left = u8::from(value).to_string();
        }
        Ok(left)
    }

    fn sum(&mut self) -> Value {
        let mut left = self.product()?;
        while let Some(op) = self.take(&["+", "-"]) {
            let right = self.product()?;
            left = arithmetic(&left, &op, &right)?;
        }
        Ok(left)
    }

    fn product(&mut self) -> Value {
        let mut left = self.matching()?;
        while let Some(op) = self.take(&["*", "/", "%"]) {
            let right = self.matching()?;
            left = arithmetic(&left, &op, &right)?;
        }
        Ok(left)
    }

    fn matching(&mut self) -> Value {
        let mut left = self.term()?;
        while self.take(&[":"]).is_some() {
            let right = self.term()?;
            left = self.matched(&left, &right)?;
        }
        Ok(left)
    }

    fn matched(&mut self, text: &str, pattern: &str) -> Value {
        let regex = Regex::basic(&format!("^{}", pattern.strip_prefix('^').unwrap_or(pattern)))?;
        self.work += regex.cost(text.len());
        let found = regex.find(text, 0).filter(|m| m.start == 0);
        Ok(if regex.groups() > 0 {
            found
                .and_then(|m| m.groups.get(1).copied().flatten())
                .and_then(|(a, b)| text.get(a..b))
                .unwrap_or("")
                .to_string()
        } else {
            found.map_or(0, |m| text[..m.end].chars().count()).to_string()
        })
    }

    fn term(&mut self) -> Value {
        let missing = |at: usize, args: &[String]| {
            format!(
                "syntax error: missing argument after '{}'",
                at.checked_sub(1).and_then(|n| args.get(n)).map_or("", String::as_str)
            )
        };
        let Some(word) = self.args.get(self.at).cloned() else { return Err(missing(self.at, self.args)) };
        self.at += 1;
        self.depth += 1;
        if self.depth > 60 {
            return Err("lvsim: nested too deeply".into());
        }
        let value = match word.as_str() {
            "(" => {
                let value = self.or()?;
                if self.take(&[")"]).is_none() {
                    return Err(match self.args.get(self.at) {
                        Some(other) => format!("syntax error: expecting ')' instead of '{other}'"),
                        None => format!("syntax error: expecting ')' after '{}'", self.args[self.at - 1]),
                    });
                }
                value
            }
            "+" => {
                self.args.get(self.at).cloned().inspect(|_| self.at += 1).ok_or_else(|| missing(self.at, self.args))?
            }
            "length" if self.at < self.args.len() => self.term()?.chars().count().to_string(),
            "match" if self.at + 1 < self.args.len() => {
                let (text, pattern) = (self.term()?, self.term()?);
                self.matched(&text, &pattern)?
            }
            "substr" if self.at + 2 < self.args.len() => {
                let (text, from, len) = (self.term()?, self.term()?, self.term()?);
                match (from.parse::<usize>(), len.parse::<usize>()) {
                    (Ok(from), Ok(len)) if from > 0 => text.chars().skip(from - 1).take(len).collect(),
                    _ => String::new(),
                }
            }
            "index" if self.at + 1 < self.args.len() => {
                let (text, set) = (self.term()?, self.term()?);
                text.chars().position(|c| set.contains(c)).map_or(0, |n| n + 1).to_string()
            }
            ")" => return Err("syntax error: unexpected ')'".into()),
            _ => word,
        };
        self.depth -= 1;
        Ok(value)
    }
}

fn arithmetic(a: &str, op: &str, b: &str) -> Value {
    let number = |t: &str| t.parse::<i64>().map_err(|_| "non-integer argument".to_string());
    let (a, b) = (number(a)?, number(b)?);
    let value = match op {
        "+" => a.checked_add(b),
        "-" => a.checked_sub(b),
        "*" => a.checked_mul(b),
        _ if b == 0 => return Err("division by zero".into()),
        "/" => a.checked_div(b),
        _ => a.checked_rem(b),
    };
    value.map(|v| v.to_string()).ok_or_else(|| "lvsim: numbers beyond 64 bits".into())
}

#[cfg(test)]
mod tests {
    use crate::shell::text::testing::run;

    #[test]
    fn paths_are_taken_apart() {
        for (name, args, out) in [
            ("basename", vec!["/root/x.sh"], "x.sh\n"),
            ("basename", vec!["/root/x.sh", ".sh"], "x\n"),
            ("basename", vec!["/"], "/\n"),
            ("dirname", vec!["/root/x.sh"], "/root\n"),
            ("dirname", vec!["x.sh"], ".\n"),
            ("dirname", vec!["/x"], "/\n"),
        ] {
            assert_eq!(run(name, &args, "").0, out, "{name} {args:?}");
        }
    }

    #[test]
    fn seq_counts_with_steps_and_places() {
        for (args, out) in [
            (vec!["3"], "1\n2\n3\n"),
            (vec!["2", "3"], "2\n3\n"),
            (vec!["5", "-2", "1"], "5\n3\n1\n"),
            (vec!["-s", " ", "3"], "1 2 3\n"),
            (vec!["-w", "9", "10"], "09\n10\n"),
            (vec!["0.5", "0.5", "1.5"], "0.5\n1.0\n1.5\n"),
            (vec!["2", "1"], ""),
        ] {
            assert_eq!(run("seq", &args, "").0, out, "{args:?}");
        }
        assert_eq!(run("seq", &["99999999999"], "").1, 1);
    }

    #[test]
    fn expr_computes_and_tells_truth_by_its_status() {
        for (args, out, status) in [
            (vec!["1", "+", "2", "*", "3"], "7\n", 0),
            (vec!["3", "-", "3"], "0\n", 1),
            (vec!["a", "=", "a"], "1\n", 0),
            (vec!["eth0:1", ":", "\\(.*\\):"], "eth0\n", 0),
            (vec!["length", "abc"], "3\n", 0),
            (vec!["1", "/", "0"], "expr: division by zero\n", 2),
            (vec!["1", "+", "x"], "expr: non-integer argument\n", 2),
            (vec!["(", "1", "+", "1", ")", "*", "2"], "4\n", 0),
        ] {
            assert_eq!(run("expr", &args, ""), (out.to_string(), status), "{args:?}");
        }
    }
}
