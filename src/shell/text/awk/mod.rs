//! `awk`: the language of POSIX without `getline`, commands, and the functions beyond + - * / (`parse` says which).
//!
//! `for (k in a)` walks numbers in their order, then other keys in theirs: real awks have no order that one could rely on.

mod calls;
mod eval;
mod expr;
mod fields;
mod lex;
mod parse;
mod tree;
mod value;

use super::Io;
use super::regex::Regex;
use parse::read;
use std::collections::BTreeMap;
use std::rc::Rc;
use tree::{Expr, Program, Stmt, When};
use value::{Value, sprintf};

const MAX_STEPS: u64 = 2_000_000;
const MAX_DEPTH: u32 = 400;
const MAX_TEXT: usize = 1 << 20;
const MAX_ITEMS: usize = 100_000;

pub(super) fn run(io: &mut Io<'_, '_>) -> u8 {
    let mut args = io.args.iter().cloned();
    let (mut source, mut vars, mut operands) = (None::<String>, Vec::new(), Vec::new());
    let fail = |io: &mut Io<'_, '_>, text: &str| {
        io.error(&format!("awk: {text}\n"));
        2
    };
    while let Some(arg) = args.next() {
        if arg == "--" {
            break;
        }
        let (option, joined) = if arg.starts_with('-') && arg.len() > 1 { arg.split_at(2) } else { ("", "") };
        let mut value = || if joined.is_empty() { args.next() } else { Some(joined.to_string()) };
        match option {
            "-F" => match value() {
                Some(sep) => vars.push(("FS".to_string(), if sep == "t" { "\t".into() } else { unescape(&sep) })),
                None => return fail(io, "option requires an argument -- F"),
            },
            "-v" => match value().as_deref().and_then(|v| v.split_once('=')) {
                Some((name, text)) => vars.push((name.to_string(), unescape(text))),
                None => return fail(io, "option -v wants name=value"),
            },
            "-f" => {
                let Some(name) = value() else { return fail(io, "option requires an argument -- f") };
                match io.read(&name) {
                    Ok(text) => source = Some(source.unwrap_or_default() + &text + "\n"),
                    Err(error) => return fail(io, &format!("couldn't open file {name}: {error}")),
                }
            }
            "" => {
                operands.push(arg);
                break;
            }
            other => return fail(io, &format!("lvsim: the option {other} is not simulated")),
        }
    }
    operands.extend(args);
    let source = match source {
        Some(source) => source,
        None if operands.is_empty() => {
            io.error("Usage: mawk [Options] [Program] [file ...]\n");
            return 2;
        }
        None => operands.remove(0),
    };
    let program = match read(&source) {
        Ok(program) => program,
        Err(error) => return fail(io, &error),
    };
    let mut awk = Awk::new(&program, io);
    for (name, text) in vars {
        awk.vars.insert(name.as_str().into(), Value::input(&text));
    }
    let argv = std::iter::once("awk".to_string()).chain(operands.iter().cloned());
    let argv: BTreeMap<Key, Value> =
        argv.enumerate().map(|(n, a)| (Key::new(&n.to_string()), Value::input(&a))).collect();
    awk.vars.insert("ARGC".into(), Value::Number(argv.len() as f64));
    awk.arrays.insert("ARGV".into(), argv);
    let status = match awk.whole(&operands) {
        Ok(()) => awk.status,
        Err(Stop::Exit) => awk.status,
        Err(Stop::Fail(text)) => {
            let out = std::mem::take(&mut awk.out);
            awk.io.print(&out);
            awk.io.error(&format!("awk: {text}\n"));
            2
        }
        Err(_) => 0,
    };
    let (out, work) = (std::mem::take(&mut awk.out), awk.steps);
    // A step of awk is about as much work as sixteen bytes copied.
    io.work += work * 16;
    io.print(&out);
    status
}

fn unescape(text: &str) -> String {
    crate::shell::bash::escape::unescape(text, crate::shell::bash::escape::Style::Format).0
}

/// A key: numbers sort before other text, by value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key(Option<i64>, Rc<str>);

impl Key {
    fn new(text: &str) -> Key {
        let number = text.parse::<i64>().ok().filter(|n| n.to_string() == text);
        // `None` sorts first: turn the order round by giving text the largest number.
        Key(Some(number.unwrap_or(i64::MAX)), text.into())
    }
}

/// Why a statement did not come to its end.
enum Stop {
    Break,
    Continue,
    Next,
    Return(Value),
    Exit,
    Fail(String),
}

type Run<T> = Result<T, Stop>;
type Array = BTreeMap<Key, Value>;

/// A function's argument: a value, or the name of an array.
#[derive(Clone, Debug)]
enum Slot {
    Value(Value),
    Array(Rc<str>),
}

struct Awk<'p, 'i, 'a, 'b> {
    program: &'p Program,
    io: &'i mut Io<'a, 'b>,
    vars: BTreeMap<Rc<str>, Value>,
    arrays: BTreeMap<Rc<str>, Array>,
    frames: Vec<BTreeMap<Rc<str>, Slot>>,
    record: Rc<str>,
    fields: Vec<Value>,
    split: bool,
    in_range: Vec<bool>,
    regexes: BTreeMap<Rc<str>, Rc<Regex>>,
    opened: Vec<String>,
    out: String,
    steps: u64,
    depth: u32,
    held: usize,
    locals: u64,
    status: u8,
}

impl<'p, 'i, 'a, 'b> Awk<'p, 'i, 'a, 'b> {
    fn new(program: &'p Program, io: &'i mut Io<'a, 'b>) -> Self {
        let mut vars = BTreeMap::new();
        for (name, text) in [
            ("FS", " "),
            ("OFS", " "),
            ("ORS", "\n"),
            ("RS", "\n"),
            ("SUBSEP", "\u{1c}"),
            ("CONVFMT", "%.6g"),
            ("OFMT", "%.6g"),
        ] {
            vars.insert(name.into(), Value::text(text));
        }
        for name in ["NR", "NF", "FNR", "RSTART"] {
            vars.insert(name.into(), Value::Number(0.0));
        }
        vars.insert("RLENGTH".into(), Value::Number(-1.0));
        let in_range = vec![false; program.rules.len()];
        Awk {
            program,
            io,
            vars,
            arrays: BTreeMap::new(),
            frames: Vec::new(),
            record: "".into(),
            fields: Vec::new(),
            split: true,
            in_range,
            regexes: BTreeMap::new(),
            opened: Vec::new(),
            out: String::new(),
            steps: 0,
            depth: 0,
            held: 0,
            locals: 0,
            status: 0,
        }
    }

    fn whole(&mut self, operands: &[String]) -> Run<()> {
        let program = self.program;
        let end = |s: Run<()>| match s {
            Err(Stop::Next | Stop::Break | Stop::Continue | Stop::Return(_)) | Ok(()) => Ok(()),
            other => other,
        };
        let mut exited = false;
        for (when, action) in &program.rules {
            if let (When::Begin, Some(action)) = (when, action) {
                match end(self.exec(action)) {
                    Err(Stop::Exit) => exited = true,
                    other => other?,
                }
            }
            if exited {
                break;
            }
        }
        let reads = program.rules.iter().any(|(w, _)| !matches!(w, When::Begin));
        if reads && !exited {
            match self.input(operands) {
                Err(Stop::Exit) => {}
                other => other?,
            }
        }
        if exited && self.status == 0 && !reads {
            return Ok(());
        }
        for (when, action) in &program.rules {
            if let (When::End, Some(action)) = (when, action) {
                end(self.exec(action))?;
            }
        }
        Ok(())
    }

    fn input(&mut self, operands: &[String]) -> Run<()> {
        let own = ["-".to_string()];
        let files: Vec<&String> = operands.iter().filter(|o| assignment(o).is_none()).collect();
        let list: Vec<&String> =
            if files.is_empty() { operands.iter().chain(own.iter()).collect() } else { operands.iter().collect() };
        for operand in list {
            if let Some((name, text)) = assignment(operand) {
                let value = Value::input(&unescape(text));
                self.set_var(name, value)?;
                continue;
            }
            if operand.is_empty() {
                continue;
            }
            let text = match self.io.read(operand) {
                Ok(text) => text,
                Err(error) => {
                    self.flush();
                    self.io.error(&format!("awk: cannot open {operand} ({error})\n"));
                    self.status = 2;
                    continue;
                }
            };
            let name = if operand == "-" { "" } else { operand };
            self.vars.insert("FILENAME".into(), Value::text(name));
            self.vars.insert("FNR".into(), Value::Number(0.0));
            for record in self.records(&text) {
                for name in ["NR", "FNR"] {
                    let n = self.vars.get(name).map_or(0.0, Value::number);
                    self.vars.insert(name.into(), Value::Number(n + 1.0));
                }
                self.set_record(&record);
                self.rules()?;
            }
        }
        Ok(())
    }

    fn rules(&mut self) -> Run<()> {
        let program = self.program;
        for (n, (when, action)) in program.rules.iter().enumerate() {
            let chosen = match when {
                When::Begin | When::End => false,
                When::Always => true,
                When::If(expr) => self.eval(expr)?.truth(),
                When::Range(from, to) => {
                    let begins = self.in_range[n] || self.eval(from)?.truth();
                    if begins {
                        self.in_range[n] = !self.eval(to)?.truth();
                    }
                    begins
                }
            };
            if !chosen {
                continue;
            }
            let done = match action {
                Some(action) => self.exec(action),
                None => {
                    let line = format!("{}{}", self.record.clone(), self.var_text("ORS"));
                    self.print(&line)
                }
            };
            match done {
                Err(Stop::Next) => return Ok(()),
                Err(Stop::Break | Stop::Continue | Stop::Return(_)) | Ok(()) => {}
                other => return other,
            }
        }
        Ok(())
    }

    fn step(&mut self) -> Run<()> {
        self.steps += 1;
        if self.steps > MAX_STEPS { Err(Stop::Fail("lvsim: stopped: an endless loop?".into())) } else { Ok(()) }
    }

    fn print(&mut self, text: &str) -> Run<()> {
        self.out += text;
        if self.out.len() > 4 * MAX_TEXT { Err(Stop::Fail("lvsim: more than 4 MiB of output".into())) } else { Ok(()) }
    }

    /// Brings what was printed before an error out before it.
    fn flush(&mut self) {
        let out = std::mem::take(&mut self.out);
        self.io.print(&out);
    }

    fn print_to(&mut self, text: &str, to: Option<&(bool, Expr)>) -> Run<()> {
        let Some((append, name)) = to else { return self.print(text) };
        let name = self.eval_text(name)?;
        match name.as_ref() {
            "/dev/stdout" | "-" => return self.print(text),
            "/dev/stderr" => {
                self.flush();
                self.io.error(text);
                return Ok(());
            }
            _ => {}
        }
        let path = self.io.path(&name);
        // A file is emptied when it is first opened, then written on.
        let again = self.opened.contains(&path);
        if !again {
            self.opened.push(path.clone());
        }
        self.steps += text.len() as u64 / 64;
        self.io
            .files
            .write(&path, text, *append || again)
            .map_err(|e| Stop::Fail(format!("cannot open \"{name}\" for output ({e})")))
    }

    fn exec(&mut self, stmt: &Stmt) -> Run<()> {
        self.step()?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Stop::Fail("lvsim: calls nested too deeply".into()));
        }
        let done = self.exec_inner(stmt);
        self.depth -= 1;
        done
    }

    /// A loop's body; false: leave the loop.
    fn round(&mut self, body: &Stmt) -> Run<bool> {
        match self.exec(body) {
            Err(Stop::Break) => Ok(false),
            Err(Stop::Continue) | Ok(()) => Ok(true),
            Err(other) => Err(other),
        }
    }

    fn exec_inner(&mut self, stmt: &Stmt) -> Run<()> {
        match stmt {
            Stmt::Expr(expr) => self.eval(expr).map(drop),
            Stmt::Print(args, to) => {
                let mut text = String::new();
                if args.is_empty() {
                    text += &self.record;
                }
                for (n, arg) in args.iter().enumerate() {
                    if n > 0 {
                        text += &self.var_text("OFS");
                    }
                    let value = self.eval(arg)?;
                    let format = self.var_text("OFMT");
                    text += &value.show(&format);
                }
                text += &self.var_text("ORS");
                self.print_to(&text, to.as_ref())
            }
            Stmt::Printf(args, to) => {
                let text = self.format(args)?;
                self.print_to(&text, to.as_ref())
            }
            Stmt::If(cond, yes, no) => {
                if self.eval(cond)?.truth() {
                    self.exec(yes)
                } else if let Some(no) = no {
                    self.exec(no)
                } else {
                    Ok(())
                }
            }
            Stmt::While(cond, body) => {
                while self.eval(cond)?.truth() {
                    if !self.round(body)? {
                        break;
                    }
                }
                Ok(())
            }
            Stmt::Do(body, cond) => loop {
                if !self.round(body)? || !self.eval(cond)?.truth() {
                    return Ok(());
                }
            },
            Stmt::For(init, cond, step, body) => {
                if let Some(init) = init {
                    self.exec(init)?;
                }
                loop {
                    if let Some(cond) = cond
                        && !self.eval(cond)?.truth()
                    {
                        return Ok(());
                    }
                    if !self.round(body)? {
                        return Ok(());
                    }
                    if let Some(step) = step {
                        self.exec(step)?;
                    }
                }
            }
            Stmt::Each(var, array, body) => {
                let name = self.array_name(array);
                let keys: Vec<Key> = self.arrays.get(&name).map(|a| a.keys().cloned().collect()).unwrap_or_default();
                for key in keys {
                    self.set_var(var, Value::input(&key.1))?;
                    if !self.round(body)? {
                        break;
                    }
                }
                Ok(())
            }
            Stmt::Block(all) => all.iter().try_for_each(|s| self.exec(s)),
            Stmt::Break => Err(Stop::Break),
            Stmt::Continue => Err(Stop::Continue),
            Stmt::Next => Err(Stop::Next),
            Stmt::Exit(value) => {
                if let Some(value) = value {
                    self.status = self.eval(value)?.number() as i64 as u8;
                }
                Err(Stop::Exit)
            }
            Stmt::Return(value) => {
                let value = value.as_ref().map_or(Ok(Value::Unset), |v| self.eval(v))?;
                Err(Stop::Return(value))
            }
            Stmt::Delete(array, keys) => {
                let name = self.array_name(array);
                match keys {
                    None => {
                        self.arrays.remove(&name);
                    }
                    Some(keys) => {
                        let key = self.key(keys)?;
                        if let Some(array) = self.arrays.get_mut(&name) {
                            array.remove(&key);
                        }
                    }
                }
                Ok(())
            }
        }
    }

    fn format(&mut self, args: &[Expr]) -> Run<String> {
        let format = match args.first() {
            Some(format) => self.eval_text(format)?,
            None => "".into(),
        };
        let values = args.iter().skip(1).map(|a| self.eval(a)).collect::<Run<Vec<Value>>>()?;
        let text = sprintf(&format, &values, &self.var_text("CONVFMT")).map_err(Stop::Fail)?;
        self.bounded(&text)?;
        Ok(text)
    }

    fn bounded(&mut self, text: &str) -> Run<()> {
        self.steps += text.len() as u64 / 64;
        if text.len() > MAX_TEXT { Err(Stop::Fail("lvsim: text longer than 1 MiB".into())) } else { Ok(()) }
    }

    fn var_text(&self, name: &str) -> Rc<str> {
        self.vars.get(name).map_or_else(|| "".into(), |v| v.show("%.6g"))
    }

    fn eval_text(&mut self, expr: &Expr) -> Run<Rc<str>> {
        let value = self.eval(expr)?;
        Ok(value.show(&self.var_text("CONVFMT")))
    }

    fn key(&mut self, keys: &[Expr]) -> Run<Key> {
        let mut text = String::new();
        for (n, key) in keys.iter().enumerate() {
            if n > 0 {
                text += &self.var_text("SUBSEP");
            }
            text += &self.eval_text(key)?;
        }
        Ok(Key::new(&text))
    }
}

/// `name=value` among the operands.
fn assignment(operand: &str) -> Option<(&str, &str)> {
    let (name, value) = operand.split_once('=')?;
    let good = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    good.then_some((name, value))
}

#[cfg(test)]
mod tests {
    use crate::shell::text::testing::run;

    #[test]
    fn awk_runs_patterns_and_actions() {
        let text = "TCP 10.0.0.1:80 rr\n  -> 10.0.0.2:80 Route 3\n  -> 10.0.0.3:80 Route 1\n";
        for (args, out) in [
            (vec!["{print $2}"], "10.0.0.1:80\n10.0.0.2:80\n10.0.0.3:80\n"),
            (vec!["/Route/ {print $2, $4}"], "10.0.0.2:80 3\n10.0.0.3:80 1\n"),
            (vec!["NR==2"], "  -> 10.0.0.2:80 Route 3\n"),
            (vec!["END {print NR, $0}"], "3   -> 10.0.0.3:80 Route 1\n"),
            (vec!["-F:", "{print $2}"], "80 rr\n80 Route 3\n80 Route 1\n"),
            (vec!["$3==\"Route\" {s+=$4} END {print s, s/2}"], "4 2\n"),
            (vec!["-v", "x=5", "BEGIN {print x+1}"], "6\n"),
            (vec!["BEGIN {printf \"%-5s|%03d\\n\", \"ab\", 7}"], "ab   |007\n"),
            (vec!["{print NF, $NF, $(NF-1)}"], "3 rr 10.0.0.1:80\n4 3 Route\n4 1 Route\n"),
            (vec!["{n[$3]++} END {for (k in n) print k, n[k]}"], "Route 2\nrr 1\n"),
            (vec!["!/Route/"], "TCP 10.0.0.1:80 rr\n"),
            (vec!["$4 > 2 {print \"heavy\"} $4 <= 2 && $1 == \"->\" {print \"light\"}"], "heavy\nlight\n"),
            (vec!["{sub(/:80/, \"\"); print $2}"], "10.0.0.1\n10.0.0.2\n10.0.0.3\n"),
            (vec!["{gsub(/[0-9]/, \"<&>\")} NR==1"], "TCP <1><0>.<0>.<0>.<1>:<8><0> rr\n"),
            (vec!["{split($2, a, \":\"); print a[1]}"], "10.0.0.1\n10.0.0.2\n10.0.0.3\n"),
            (vec!["NR==1 {$2=\"x\"; print}"], "TCP x rr\n"),
            (vec!["BEGIN {OFS=\"-\"} NR==1 {$1=$1; print}"], "TCP-10.0.0.1:80-rr\n"),
            (vec!["/TCP/,/0.2/ {print NR}"], "1\n2\n"),
            (vec!["BEGIN {for (i=0;i<3;i++) {if (i==1) continue; print i}}"], "0\n2\n"),
            (vec!["function f(n) {return n<2 ? 1 : n*f(n-1)} BEGIN {print f(5)}"], "120\n"),
            (
                vec!["BEGIN {x=\"abc\"; print length(x), substr(x,2), substr(x,1,1), index(x,\"c\"), toupper(x)}"],
                "3 bc a 3 ABC\n",
            ),
            (vec!["BEGIN {if (match(\"foobar\", /o+/)) print RSTART, RLENGTH}"], "2 2\n"),
            (vec!["BEGIN {while (i<3) i++; print i; do i--; while (i>0); print i}"], "3\n0\n"),
            (vec!["{print NR \": \" $1}"], "1: TCP\n2: ->\n3: ->\n"),
            (vec!["BEGIN {print 1==1.0, \"a\"<\"b\", 10<9, \"10\"<\"9\"}"], "1 1 0 1\n"),
            (vec!["BEGIN {print 1/3; print 100000*100000; print 0.1+0.2}"], "0.333333\n10000000000\n0.3\n"),
            (vec!["BEGIN {a[1,2]=3; if ((1,2) in a) print \"in\"; delete a[1,2]; print length(a)}"], "in\n0\n"),
            (vec!["$0 ~ /rr$/ {print \"sched\"; next} {print \"dest\"}"], "sched\ndest\ndest\n"),
            (vec!["BEGIN {print -3 % 2, 2^10, 7 - -2, !0 + 1}"], "-1 1024 9 2\n"),
            (vec!["BEGIN {print length()}"], "0\n"),
            (vec!["{print > \"/dev/stdout\"; exit 0}"], "TCP 10.0.0.1:80 rr\n"),
        ] {
            assert_eq!(run("awk", &args, text).0, out, "{args:?}");
        }
        assert_eq!(run("awk", &["{exit 3} END {print \"end\"}"], text), ("end\n".into(), 3));
    }

    #[test]
    fn wrong_and_endless_programs_end_with_a_message() {
        for (program, words) in [
            ("{print $1", "syntax error at or near end of file"),
            ("BEGIN {print 1/0}", "division by zero"),
            ("BEGIN {while (1) x++}", "endless loop"),
            ("BEGIN {x=\"a\"; while (1) x = x x}", "longer than 1 MiB"),
            ("function f() {f()} BEGIN {f()}", "nested too deeply"),
            ("BEGIN {system(\"reboot\")}", "system is not simulated"),
            ("BEGIN {f(1)}", "function f never defined"),
            ("BEGIN {$999999999=1}", "trying to access field"),
        ] {
            let (out, status) = run("awk", &[program], "");
            assert!(out.contains(words), "{program}: {out}");
            assert_eq!(status, 2);
        }
        assert_eq!(run("awk", &[&format!("BEGIN {{print {}", "(".repeat(9000))], "").1, 2);
        assert_eq!(run("awk", &[&format!("BEGIN {{print {}1}}", "-".repeat(9000))], "").1, 2);
        assert_eq!(run("awk", &[&format!("BEGIN {{print {}1}}", "1+".repeat(200_000))], "").1, 2);
    }
}
