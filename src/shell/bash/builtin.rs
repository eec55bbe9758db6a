//! Builtins: one row each in [`BUILTINS`]; those that print or read are in `print`, those about jobs in `jobs`.
//!
//! Not here: `alias`, `bind`, `complete`, `history`, `fg`, `bg`, `pushd`, `popd`, `ulimit`, `enable`, `caller`. They are
//! refused by name, as a shell without them would be a surprise.

use super::command::Simple;
use super::env::Options;
use super::frame::{Cx, Frame};
use super::task::Task;
use super::{Machine, Overlay, cond};
use crate::shell::vfs::{Files, resolve};

/// The builtins, sorted.
pub(super) const BUILTINS: &[&str] = &[
    ".",
    ":",
    "[",
    "alias",
    "bg",
    "bind",
    "break",
    "builtin",
    "cd",
    "command",
    "complete",
    "continue",
    "declare",
    "disown",
    "echo",
    "enable",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fg",
    "getopts",
    "hash",
    "history",
    "jobs",
    "kill",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "set",
    "shift",
    "shopt",
    "source",
    "test",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "wait",
];

const KEYWORDS: &[&str] = &[
    "!", "[[", "]]", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in",
    "select", "then", "time", "until", "while", "{", "}",
];

pub(super) fn is_builtin(name: &str) -> bool {
    BUILTINS.binary_search(&name).is_ok()
}

/// An option of `set -o` by its name.
pub(super) fn option<'a>(opts: &'a mut Options, name: &str) -> Option<&'a mut bool> {
    Some(match name {
        "errexit" => &mut opts.errexit,
        "nounset" => &mut opts.nounset,
        "xtrace" => &mut opts.xtrace,
        "noglob" => &mut opts.noglob,
        "noexec" => &mut opts.noexec,
        "pipefail" => &mut opts.pipefail,
        "verbose" => &mut opts.verbose,
        _ => return None,
    })
}

/// Applies `-eux` or `+e`; false if a letter is unknown.
pub(super) fn flags(opts: &mut Options, text: &str) -> bool {
    let on = text.starts_with('-');
    text[1..].chars().all(|c| {
        match c {
            'e' => opts.errexit = on,
            'u' => opts.nounset = on,
            'x' => opts.xtrace = on,
            'f' => opts.noglob = on,
            'n' => opts.noexec = on,
            'v' => opts.verbose = on,
            // Job control, hashing, braces, monitoring: nothing here depends on them.
            'a' | 'b' | 'h' | 'k' | 'm' | 'p' | 't' | 'B' | 'C' | 'E' | 'H' | 'P' | 'T' => {}
            _ => return false,
        }
        true
    })
}

impl<P: Clone + std::fmt::Debug> Task<P> {
    /// Prints for a builtin; its status.
    pub(super) fn say<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, name: &str, text: &str) -> u8 {
        match if text.is_empty() { Ok(()) } else { self.write(cx, 1, text) } {
            Ok(()) => 0,
            Err(error) => {
                self.complain(cx, &format!("{name}: write error: {error}"));
                1
            }
        }
    }

    pub(super) fn builtin<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, simple: Simple) -> u64 {
        let argv = &simple.argv;
        let args = &argv[1..];
        let name = argv[0].as_str();
        let mut cost = argv.iter().map(String::len).sum::<usize>() as u64;
        let status = match name {
            ":" | "true" | "umask" | "hash" | "times" | "ulimit" => 0,
            "false" => 1,
            "echo" => self.builtin_echo(cx, args),
            "printf" => self.builtin_printf(cx, args),
            "read" => self.builtin_read(cx, args),
            "mapfile" | "readarray" => self.builtin_mapfile(cx, name, args),
            "test" | "[" => self.builtin_test(cx, name, args),
            "cd" => self.builtin_cd(cx, args),
            "pwd" => {
                let text = format!("{}\n", self.env.cwd);
                self.say(cx, "pwd", &text)
            }
            "export" | "readonly" | "local" | "declare" | "typeset" => self.builtin_declare(cx, &simple),
            "unset" => self.builtin_unset(cx, args),
            "set" => self.builtin_set(cx, args),
            "shopt" => self.builtin_shopt(cx, args),
            "shift" => self.builtin_shift(cx, args),
            "let" => self.builtin_let(cx, args),
            "getopts" => self.builtin_getopts(cx, args),
            "type" => self.builtin_type(cx, args),
            "trap" => self.builtin_trap(cx, args),
            "jobs" => self.builtin_jobs(cx, args),
            "kill" => self.builtin_kill(cx, args),
            "disown" => 0,
            "wait" => {
                self.builtin_wait(cx, args);
                return 0;
            }
            "eval" => {
                let text = args.join(" ");
                self.env.status = 0;
                self.push_eval(&text);
                return 0;
            }
            "." | "source" => return self.dot(cx, argv),
            "exec" => return self.exec(cx, argv),
            "exit" | "logout" | "return" | "break" | "continue" => {
                self.jump(cx, name, args);
                return 0;
            }
            "command" | "builtin" => {
                cost += self.builtin_command(cx, simple);
                return cost;
            }
            _ => {
                self.complain(cx, &format!("lvsim: the builtin {name} is not simulated"));
                cx.sh.not_simulated.push((self.env.line, name.to_string()));
                127
            }
        };
        self.env.status = status;
        cost
    }

    fn jump<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, name: &str, args: &[String]) {
        let number = args.first().map(|a| a.trim().parse::<i64>());
        let bad = matches!(number, Some(Err(_)));
        if bad {
            self.complain(cx, &format!("{name}: {}: numeric argument required", args[0]));
        } else if args.len() > 1 && name != "break" && name != "continue" {
            self.complain(cx, &format!("{name}: too many arguments"));
            self.env.status = 1;
            return;
        }
        let number = number.and_then(Result::ok);
        match name {
            "exit" | "logout" => {
                let status = if bad { 2 } else { number.map_or(self.env.status, |n| n as u8) };
                self.exit(status);
            }
            "return" => {
                let inside = self
                    .frames
                    .iter()
                    .rev()
                    .take_while(|f| !matches!(f, Frame::Env { script: true, .. }))
                    .any(|f| matches!(f, Frame::Call { .. } | Frame::Dot { .. }));
                if !inside {
                    self.complain(cx, "return: can only `return' from a function or sourced script");
                    self.env.status = if bad { 2 } else { 1 };
                    return;
                }
                // Within a subshell of the function, the subshell ends.
                self.unwind(|f| matches!(f, Frame::Call { .. } | Frame::Dot { .. } | Frame::Env { .. }));
                self.env.status = if bad { 2 } else { number.map_or(self.env.status, |n| n as u8) };
            }
            _ => {
                let loops = self
                    .frames
                    .iter()
                    .rev()
                    .take_while(|f| !matches!(f, Frame::Call { .. } | Frame::Env { script: true, .. }))
                    .filter(|f| matches!(f, Frame::Body { body, .. } if body.loops()));
                let around = loops.count();
                if around == 0 {
                    self.complain(cx, &format!("{name}: only meaningful in a `for', `while', or `until' loop"));
                    self.env.status = 0;
                    return;
                }
                if bad || number.is_some_and(|n| n < 1) {
                    if !bad {
                        self.complain(cx, &format!("{name}: {}: loop count out of range", args[0]));
                    }
                    self.env.status = if bad { 128 } else { 1 };
                    return;
                }
                let mut left = number.unwrap_or(1).min(around as i64);
                self.env.status = 0;
                loop {
                    let is_loop = |f: &Frame<P>| {
                        matches!(f, Frame::Body { body, .. } if body.loops()) || matches!(f, Frame::Env { .. })
                    };
                    if !self.unwind(is_loop) || matches!(self.frames.last(), Some(Frame::Env { .. })) {
                        return;
                    }
                    left -= 1;
                    if left == 0 && name == "continue" {
                        return;
                    }
                    self.frames.pop();
                    if left == 0 {
                        return;
                    }
                }
            }
        }
    }

    fn builtin_test<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, name: &str, args: &[String]) -> u8 {
        let mut args = args;
        if name == "[" {
            match args.split_last() {
                Some((last, rest)) if last == "]" => args = rest,
                _ => {
                    self.complain(cx, "[: missing `]'");
                    return 2;
                }
            }
        }
        let result = cond::test(&mut self.env, &mut Overlay(&mut *cx.m), args);
        match result {
            Ok(value) => u8::from(!value),
            Err(text) => {
                self.complain(cx, &format!("{name}: {text}"));
                2
            }
        }
    }

    fn builtin_cd<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, args: &[String]) -> u8 {
        let args: Vec<&String> = args.iter().filter(|a| !matches!(a.as_str(), "-P" | "-L" | "--")).collect();
        if args.len() > 1 {
            self.complain(cx, "cd: too many arguments");
            return 1;
        }
        let target = match args.first().map(|a| a.as_str()) {
            None => match self.env.get("HOME") {
                Some(home) => home,
                None => {
                    self.complain(cx, "cd: HOME not set");
                    return 1;
                }
            },
            Some("-") => match self.env.get("OLDPWD") {
                Some(old) => old,
                None => {
                    self.complain(cx, "cd: OLDPWD not set");
                    return 1;
                }
            },
            Some(option) if option.starts_with('-') => {
                self.complain(
                    cx,
                    &format!(
                        "cd: {}: invalid option",
                        &option[..option.char_indices().nth(2).map_or(option.len(), |(n, _)| n)]
                    ),
                );
                self.write_text(cx, 2, "cd: usage: cd [-L|[-P [-e]] [-@]] [dir]\n");
                return 2;
            }
            Some(dir) => dir.to_string(),
        };
        let path = resolve(&self.env.cwd, &target);
        let error = match Overlay(&mut *cx.m).stat(&path) {
            Some(stat) if stat.dir => None,
            Some(_) => Some("Not a directory"),
            None => Some("No such file or directory"),
        };
        if let Some(error) = error {
            self.complain(cx, &format!("cd: {target}: {error}"));
            return 1;
        }
        let _ = self.env.set("OLDPWD", self.env.cwd.clone());
        let _ = self.env.set("PWD", path.clone());
        self.env.cwd = path;
        if args.first().is_some_and(|a| *a == "-") {
            let text = format!("{}\n", self.env.cwd);
            return self.say(cx, "cd", &text);
        }
        0
    }

    fn builtin_type<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, args: &[String]) -> u8 {
        let mut status = 0;
        let (mut short, mut path) = (false, false);
        for arg in args {
            match arg.as_str() {
                "-t" => short = true,
                "-p" | "-P" => path = true,
                "-a" | "-f" => {}
                name => {
                    let (kind, text) = if KEYWORDS.contains(&name) {
                        ("keyword", format!("{name} is a shell keyword"))
                    } else if self.env.funcs.contains_key(name) {
                        ("function", format!("{name} is a function"))
                    } else if is_builtin(name) {
                        ("builtin", format!("{name} is a shell builtin"))
                    } else if let Some(at) = self.locate(cx, name) {
                        if path {
                            self.say(cx, "type", &format!("{at}\n"));
                            continue;
                        }
                        ("file", format!("{name} is {at}"))
                    } else {
                        if !short && !path {
                            self.complain(cx, &format!("type: {name}: not found"));
                        }
                        status = 1;
                        continue;
                    };
                    if !path {
                        self.say(cx, "type", &format!("{}\n", if short { kind } else { &text }));
                    }
                }
            }
        }
        status
    }

    /// `command`, `builtin`: functions do not count.
    fn builtin_command<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, mut simple: Simple) -> u64 {
        let own = simple.argv.remove(0);
        let arrays = std::mem::take(&mut simple.arrays);
        simple.arrays = arrays.into_iter().map(|(n, a)| (n - 1, a)).collect();
        while own == "command" && simple.argv.first().is_some_and(|a| a.starts_with('-')) {
            let option = simple.argv.remove(0);
            match option.as_str() {
                "-p" | "--" => {}
                "-v" | "-V" => {
                    let mut status = 1;
                    for name in &simple.argv {
                        let known =
                            KEYWORDS.contains(&name.as_str()) || self.env.funcs.contains_key(name) || is_builtin(name);
                        let found = if known { Some(name.clone()) } else { self.locate(cx, name) };
                        match found {
                            Some(text) if option == "-v" => {
                                self.say(cx, "command", &format!("{text}\n"));
                                status = 0;
                            }
                            _ if option == "-V" => status = self.builtin_type(cx, std::slice::from_ref(name)),
                            _ => {}
                        }
                    }
                    self.env.status = status;
                    return 0;
                }
                other => {
                    self.complain(cx, &format!("command: {other}: invalid option"));
                    self.env.status = 2;
                    return 0;
                }
            }
            simple.arrays.clear();
        }
        let Some(name) = simple.argv.first() else {
            self.env.status = 0;
            return 0;
        };
        if own == "builtin" && !is_builtin(name) {
            self.complain(cx, &format!("builtin: {name}: not a shell builtin"));
            self.env.status = 1;
            return 0;
        }
        self.invoke(cx, simple, false)
    }

    fn builtin_trap<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, args: &[String]) -> u8 {
        let args: Vec<&String> = args.iter().filter(|a| *a != "--").collect();
        if args.is_empty() || args[0] == "-p" {
            let text: String = self
                .env
                .traps
                .iter()
                .map(|(n, t)| {
                    format!(
                        "trap -- {} {}\n",
                        super::escape::single_quote(t),
                        if n == "EXIT" { n.clone() } else { format!("SIG{n}") }
                    )
                })
                .collect();
            return self.say(cx, "trap", &text);
        }
        // `trap SIGNAL` is `trap - SIGNAL`.
        let (action, names) =
            if args.len() == 1 { ("-".to_string(), &args[..]) } else { (args[0].clone(), &args[1..]) };
        let mut status = 0;
        for name in names {
            let key = match name.as_str() {
                "0" | "EXIT" => "EXIT".to_string(),
                "ERR" | "DEBUG" | "RETURN" => {
                    self.complain(cx, &format!("trap: lvsim: {name} is not simulated"));
                    status = 1;
                    continue;
                }
                other => match super::jobs::signal_number(other) {
                    Some(_) => {
                        let upper = other.to_uppercase();
                        let upper = upper.strip_prefix("SIG").unwrap_or(&upper).to_string();
                        match upper.as_str() {
                            "1" => "HUP".into(),
                            "2" => "INT".into(),
                            "3" => "QUIT".into(),
                            "15" => "TERM".into(),
                            _ => upper,
                        }
                    }
                    None => {
                        self.complain(cx, &format!("trap: {other}: invalid signal specification"));
                        status = 1;
                        continue;
                    }
                },
            };
            if action == "-" {
                self.env.traps.remove(&key);
            } else if action.len() <= 4096 {
                self.env.traps.insert(key, action.clone());
            }
        }
        status
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_builtins_is_sorted_for_its_search() {
        assert!(BUILTINS.is_sorted());
        assert!(is_builtin("[") && is_builtin("wait") && !is_builtin("ls"));
    }
}
