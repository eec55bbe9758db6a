//! `test`, `[` and the single tests of `[[`: strings, numbers, files (bash's test.c, by behaviour).
//!
//! Files have no owners and no links: `-r` and `-w` ask whether there is such a path (we are root), `-h`, `-p`, `-S`,
//! `-b`, `-c` are true for nothing but `/dev/null` (`-c`).

use super::env::Env;
use crate::shell::vfs::{Files, Stat, resolve};

/// Whether `[[` and `test` know this as an operator with one operand.
pub(super) fn is_unary(op: &str) -> bool {
    let mut c = op.chars();
    c.next() == Some('-') && c.next().is_some_and(|c| "abcdefghknoprstuvwxzGLNORS".contains(c)) && c.next().is_none()
}

/// Whether `[[` and `test` know this as an operator with two operands, spelt with letters.
pub(super) fn is_binary(op: &str) -> bool {
    matches!(op, "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" | "-nt" | "-ot" | "-ef")
}

fn stat(env: &Env, files: &mut dyn Files, path: &str) -> Option<Stat> {
    if path.is_empty() {
        return None;
    }
    let whole = resolve(&env.cwd, path);
    let device =
        matches!(whole.as_str(), "/dev/null" | "/dev/zero" | "/dev/tty" | "/dev/stdout" | "/dev/stderr" | "/dev/stdin");
    if device {
        return Some(Stat { dir: false, mode: 0o666, size: 0, modified: crate::base::SimTime::ZERO });
    }
    let stat = files.stat(&whole)?;
    // `file/` names nothing.
    if path.ends_with('/') && !stat.dir { None } else { Some(stat) }
}

/// A test with one operand.
pub(super) fn unary(env: &mut Env, files: &mut dyn Files, op: &str, arg: &str) -> bool {
    let device = arg.starts_with("/dev/");
    match op {
        "-z" => arg.is_empty(),
        "-n" => !arg.is_empty(),
        "-v" => match arg.split_once('[') {
            Some((name, index)) => {
                let index = index.trim_end_matches(']');
                if index == "@" || index == "*" {
                    env.array(name).is_some_and(|a| !a.is_empty())
                } else {
                    index.parse().is_ok_and(|i| env.element(name, i).is_some())
                }
            }
            None => env.get(arg).is_some(),
        },
        "-o" => super::builtin::option(&mut env.opts, arg).is_some_and(|o| *o),
        "-t" | "-p" | "-S" | "-h" | "-L" | "-b" | "-g" | "-u" | "-k" | "-N" => false,
        _ => {
            let Some(stat) = stat(env, files, arg) else { return false };
            match op {
                "-f" => !stat.dir && !device,
                "-d" => stat.dir,
                "-s" => stat.dir || stat.size > 0,
                "-x" => stat.dir || stat.mode & 0o111 != 0,
                "-w" => stat.dir || !files.is_virtual(&resolve(&env.cwd, arg)) || stat.mode & 0o222 != 0,
                "-c" => device && !stat.dir,
                _ => true,
            }
        }
    }
}

/// A test with two operands.
///
/// # Errors
/// An operand is no number: bash's text without the name of the command.
pub(super) fn binary(env: &Env, files: &mut dyn Files, left: &str, op: &str, right: &str) -> Result<bool, String> {
    let number = |text: &str| {
        let digits = text.trim();
        let digits = digits.strip_prefix('+').unwrap_or(digits);
        digits.parse::<i64>().map_err(|_| format!("{text}: integer expression expected"))
    };
    Ok(match op {
        "=" | "==" => left == right,
        "!=" => left != right,
        "<" => left < right,
        ">" => left > right,
        "-nt" | "-ot" => {
            let (a, b) = (stat(env, files, left), stat(env, files, right));
            let (a, b) = if op == "-nt" { (a, b) } else { (b, a) };
            match (a, b) {
                (Some(a), Some(b)) => a.modified > b.modified,
                (a, _) => a.is_some(),
            }
        }
        "-ef" => stat(env, files, left).is_some() && resolve(&env.cwd, left) == resolve(&env.cwd, right),
        _ => {
            let (a, b) = (number(left)?, number(right)?);
            match op {
                "-eq" => a == b,
                "-ne" => a != b,
                "-lt" => a < b,
                "-le" => a <= b,
                "-gt" => a > b,
                _ => a >= b,
            }
        }
    })
}

/// The builtin `test`; `[` has had its `]` taken off.
///
/// # Errors
/// Bash's text without the name of the command.
pub(super) fn test(env: &mut Env, files: &mut dyn Files, args: &[String]) -> Result<bool, String> {
    let mut test = Test { env, files, args, at: 0 };
    test.whole()
}

struct Test<'a> {
    env: &'a mut Env,
    files: &'a mut dyn Files,
    args: &'a [String],
    at: usize,
}

fn is_two(op: &str) -> bool {
    matches!(op, "=" | "==" | "!=" | "<" | ">") || is_binary(op)
}

impl Test<'_> {
    fn arg(&self, n: usize) -> &str {
        self.args.get(n).map_or("", String::as_str)
    }

    /// The rules of POSIX by the number of arguments.
    fn whole(&mut self) -> Result<bool, String> {
        let n = self.args.len();
        match n {
            0 => return Ok(false),
            1 => return Ok(!self.arg(0).is_empty()),
            2 => {
                if self.arg(0) == "!" {
                    return Ok(self.arg(1).is_empty());
                }
                if !is_unary(self.arg(0)) {
                    return Err(format!("{}: unary operator expected", self.arg(0)));
                }
            }
            3 => {
                let (a, op, b) = (self.arg(0), self.arg(1), self.arg(2));
                if is_two(op) {
                    let (a, op, b) = (a.to_string(), op.to_string(), b.to_string());
                    return binary(self.env, self.files, &a, &op, &b);
                }
                match op {
                    "-a" => return Ok(!a.is_empty() && !b.is_empty()),
                    "-o" => return Ok(!a.is_empty() || !b.is_empty()),
                    _ if a == "(" && b == ")" => return Ok(!op.is_empty()),
                    _ if a != "!" => return Err(format!("{op}: binary operator expected")),
                    _ => {}
                }
            }
            _ => {}
        }
        let value = self.or(0)?;
        if self.at < n {
            return Err(if n > 3 {
                "too many arguments".into()
            } else {
                format!("{}: binary operator expected", self.arg(self.at))
            });
        }
        Ok(value)
    }

    fn or(&mut self, depth: u32) -> Result<bool, String> {
        let mut value = self.and(depth)?;
        while self.arg(self.at) == "-o" && self.at < self.args.len() {
            self.at += 1;
            value |= self.and(depth)?;
        }
        Ok(value)
    }

    fn and(&mut self, depth: u32) -> Result<bool, String> {
        let mut value = self.term(depth)?;
        while self.arg(self.at) == "-a" && self.at < self.args.len() {
            self.at += 1;
            value &= self.term(depth)?;
        }
        Ok(value)
    }

    fn term(&mut self, depth: u32) -> Result<bool, String> {
        if self.at >= self.args.len() {
            return Err("argument expected".into());
        }
        if depth > 60 {
            return Err("too many arguments".into());
        }
        let first = self.arg(self.at).to_string();
        let left = self.args.len() - self.at;
        if first == "!" && left > 1 {
            self.at += 1;
            return Ok(!self.term(depth + 1)?);
        }
        if left > 2 && is_two(self.arg(self.at + 1)) {
            let (op, right) = (self.arg(self.at + 1).to_string(), self.arg(self.at + 2).to_string());
            self.at += 3;
            return binary(self.env, self.files, &first, &op, &right);
        }
        if first == "(" {
            self.at += 1;
            let value = self.or(depth + 1)?;
            if self.arg(self.at) != ")" {
                return Err("`)' expected".into());
            }
            self.at += 1;
            return Ok(value);
        }
        if is_unary(&first) && left > 1 {
            let arg = self.arg(self.at + 1).to_string();
            self.at += 2;
            return Ok(unary(self.env, self.files, &first, &arg));
        }
        self.at += 1;
        Ok(!first.is_empty())
    }
}
