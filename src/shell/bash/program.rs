//! What a name means that is no function and no builtin: a text program, a script, a program of the machine.

use super::command::Simple;
use super::frame::{Cx, Frame};
use super::output::{Output, Stdin};
use super::task::Task;
use super::{Exec, Machine, Overlay, Ran};
use crate::shell::text::{self, Io};
use crate::shell::vfs::{FileError, Files, resolve};

/// Directories whose programs are the machine's.
pub(super) const BIN_DIRS: &[&str] = &["/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];

impl<P: Clone + std::fmt::Debug> Task<P> {
    /// A program: by its path if the name has a slash, else by its name.
    pub(super) fn external<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, mut argv: Vec<String>) -> u64 {
        let name = argv[0].clone();
        if name.contains('/') {
            let path = resolve(&self.env.cwd, &name);
            let stat = Overlay(&mut *cx.m).stat(&path);
            match stat {
                Some(stat) if stat.dir => {
                    self.complain(cx, &format!("{name}: {}", FileError::IsDirectory));
                    self.env.status = 126;
                    return 0;
                }
                Some(stat) if stat.mode & 0o111 == 0 => {
                    self.complain(cx, &format!("{name}: {}", FileError::Denied));
                    self.env.status = 126;
                    return 0;
                }
                Some(_) => return self.script_file(cx, &path, argv),
                None => {
                    let known = path
                        .rsplit_once('/')
                        .filter(|(dir, _)| BIN_DIRS.contains(dir))
                        .map(|(_, base)| base.to_string());
                    match known {
                        Some(base) => argv[0] = base,
                        None => {
                            self.complain(cx, &format!("{name}: {}", FileError::NotFound));
                            self.env.status = 127;
                            return 0;
                        }
                    }
                }
            }
        } else if let Some(path) = self.in_path(cx, &name) {
            return self.script_file(cx, &path, argv);
        }
        self.program(cx, argv, &name)
    }

    /// A script in `$PATH`.
    pub(super) fn in_path<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, name: &str) -> Option<String> {
        let path = self.env.get("PATH")?;
        let dirs = path.split(':').take(50).map(|dir| resolve(&self.env.cwd, if dir.is_empty() { "." } else { dir }));
        let found = dirs
            .map(|dir| resolve(&dir, name))
            .find(|p| cx.m.fs().stat(p).is_some_and(|s| !s.dir && s.mode & 0o111 != 0));
        found.filter(|_| !name.is_empty())
    }

    pub(super) fn program<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, argv: Vec<String>, typed: &str) -> u64 {
        match argv[0].as_str() {
            "bash" | "sh" | "dash" => return self.run_shell(cx, &argv),
            // Builtins that are programs as well.
            "echo" | "printf" | "test" | "[" | "true" | "false" | "pwd" => {
                let simple = Simple::of(argv);
                return self.builtin(cx, simple);
            }
            "sleep" | "timeout" | "env" | "printenv" | "nohup" | "setsid" | "nice" | "which" => {
                return self.prefix_program(cx, argv);
            }
            _ => {}
        }
        let (input, at) = self.pending(0);
        let mut stdin = Stdin::new(input.get(at..).unwrap_or(""));
        let left = input.len() - at.min(input.len());
        let mut out = Output::new();
        let name = argv[0].clone();
        if let Some(program) = text::find(&name) {
            let mut overlay = Overlay(&mut *cx.m);
            let mut io = Io {
                args: &argv[1..],
                stdin: &mut stdin,
                out: &mut out,
                files: &mut overlay,
                cwd: &self.env.cwd,
                work: 0,
            };
            self.env.status = (program.run)(&mut io);
            let work = io.work + 50;
            if stdin.was_read() {
                self.consume(0, left);
            }
            self.flush(cx, &mut out, &name);
            return work;
        }
        let terminal = self.env.interactive && matches!(self.env.fd(1), Some(super::env::Fd::Out));
        cx.m.enter(&self.env.cwd, terminal);
        let exec = cx.m.exec(&argv, &mut stdin, &mut out);
        if stdin.was_read() {
            self.consume(0, left);
        }
        match exec {
            Exec::Done(status) => {
                self.env.status = status;
                cx.m.ran(&Ran { line: self.env.line, source: &self.env.source, words: &argv, status, out: &out });
                self.flush(cx, &mut out, &name);
            }
            Exec::Running(proc) => {
                self.flush(cx, &mut out, &name);
                self.frames.push(Frame::Program { proc, name });
            }
            Exec::NotFound => {
                let text = if typed.contains('/') {
                    format!("{typed}: {}", FileError::NotFound)
                } else if self.env.dash {
                    format!("{typed}: not found")
                } else {
                    format!("{typed}: command not found")
                };
                self.complain(cx, &text);
                self.env.status = 127;
            }
            Exec::NotSimulated { instead } => {
                if cx.sh.not_simulated.len() < 1000 {
                    cx.sh.not_simulated.push((self.env.line, name.clone()));
                }
                let instead = if instead.is_empty() { String::new() } else { format!(": {instead}") };
                self.write_text(cx, 2, &format!("lvsim: {name} is not simulated{instead}\n"));
                self.env.status = 127;
            }
        }
        50
    }

    /// Programs that take time or run others.
    pub(super) fn prefix_program<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, argv: Vec<String>) -> u64 {
        let name = argv[0].clone();
        let usage = |task: &mut Self, cx: &mut Cx<'_, M>, text: String, status: u8| {
            task.write_text(cx, 2, &format!("{name}: {text}\n"));
            task.env.status = status;
            0
        };
        match name.as_str() {
            "sleep" => {
                let mut total = crate::base::Span::ZERO;
                if argv.len() == 1 {
                    return usage(self, cx, "missing operand\nTry 'sleep --help' for more information.".into(), 1);
                }
                for arg in &argv[1..] {
                    match seconds(arg) {
                        Some(span) => total = total + span,
                        None => {
                            return usage(
                                self,
                                cx,
                                format!("invalid time interval '{arg}'\nTry 'sleep --help' for more information."),
                                1,
                            );
                        }
                    }
                }
                self.frames.push(Frame::Sleep(self.env.now + total));
                0
            }
            "timeout" => {
                let mut signal = 15;
                let mut at = 1;
                while let Some(arg) = argv.get(at).filter(|a| a.starts_with('-')) {
                    let value = match arg.as_str() {
                        "-s" | "--signal" => {
                            at += 1;
                            argv.get(at).cloned().unwrap_or_default()
                        }
                        "-k" | "--kill-after" => {
                            at += 2;
                            continue;
                        }
                        "--foreground" | "-v" | "--preserve-status" => {
                            at += 1;
                            continue;
                        }
                        other => match other.strip_prefix("--signal=").or_else(|| other.strip_prefix("-s")) {
                            Some(value) => value.to_string(),
                            None => {
                                return usage(
                                    self,
                                    cx,
                                    format!(
                                        "invalid option -- '{}'\nTry 'timeout --help' for more information.",
                                        other.trim_start_matches('-')
                                    ),
                                    125,
                                );
                            }
                        },
                    };
                    match super::jobs::signal_number(&value) {
                        Some(n) => signal = n,
                        None => return usage(self, cx, format!("'{value}': invalid signal"), 125),
                    }
                    at += 1;
                }
                let (Some(limit), Some(_)) = (argv.get(at), argv.get(at + 1)) else {
                    return usage(self, cx, "missing operand\nTry 'timeout --help' for more information.".into(), 125);
                };
                let Some(span) = seconds(limit) else {
                    return usage(
                        self,
                        cx,
                        format!("invalid time interval '{limit}'\nTry 'timeout --help' for more information."),
                        125,
                    );
                };
                let until = if span.0 == 0 { crate::base::SimTime::NEVER } else { self.env.now + span };
                self.frames.push(Frame::Timeout { at: until, signal });
                self.external(cx, argv[at + 1..].to_vec())
            }
            "env" => {
                let mut at = 1;
                let mut saved = Vec::new();
                while let Some((key, value)) = argv.get(at).and_then(|a| a.split_once('=')) {
                    saved.push((key.to_string(), self.env.vars.get(key).cloned()));
                    let _ = self.env.set(key, value);
                    let _ = self.env.change(key, |v| v.exported = true);
                    at += 1;
                }
                self.frames.push(Frame::Vars { saved });
                match argv.get(at) {
                    None => {
                        let text: String = self
                            .env
                            .vars
                            .iter()
                            .filter(|(_, v)| v.exported)
                            .filter_map(|(n, v)| Some(format!("{n}={}\n", v.value.as_ref()?.first()?)))
                            .collect();
                        self.env.status = 0;
                        self.say(cx, "env", &text);
                        0
                    }
                    Some(option) if option.starts_with('-') => {
                        usage(self, cx, format!("lvsim: the option {option} is not simulated"), 125)
                    }
                    Some(_) => self.external(cx, argv[at..].to_vec()),
                }
            }
            "printenv" => {
                let wanted = |n: &str| argv.len() == 1 || argv[1..].iter().any(|a| a == n);
                let shown = self.env.vars.iter().filter(|(n, v)| v.exported && wanted(n));
                let text: String = shown
                    .filter_map(|(n, v)| {
                        let value = v.value.as_ref()?.first()?;
                        Some(if argv.len() == 1 { format!("{n}={value}\n") } else { format!("{value}\n") })
                    })
                    .collect();
                self.env.status = u8::from(text.is_empty());
                self.say(cx, "printenv", &text);
                0
            }
            "which" => {
                let mut text = String::new();
                self.env.status = 0;
                for arg in &argv[1..] {
                    match self.locate(cx, arg) {
                        Some(path) => text += &format!("{path}\n"),
                        None => self.env.status = 1,
                    }
                }
                let status = self.env.status;
                self.say(cx, "which", &text);
                self.env.status = status;
                0
            }
            _ => {
                let mut at = 1;
                if name == "nice" && argv.get(at).is_some_and(|a| a == "-n") {
                    at += 2;
                }
                if argv.get(at).is_some_and(|a| a.starts_with('-')) {
                    return usage(self, cx, format!("lvsim: the option {} is not simulated", argv[at]), 125);
                }
                if argv.len() <= at {
                    return usage(self, cx, format!("missing operand\nTry '{name} --help' for more information."), 125);
                }
                self.external(cx, argv[at..].to_vec())
            }
        }
    }

    /// The path of a program, for `type` and `which`.
    pub(super) fn locate<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, name: &str) -> Option<String> {
        if name.contains('/') {
            let path = resolve(&self.env.cwd, name);
            let script = cx.m.fs().stat(&path).is_some_and(|s| !s.dir && s.mode & 0o111 != 0);
            let known = || {
                path.rsplit_once('/').is_some_and(|(dir, base)| {
                    BIN_DIRS.contains(&dir) && (text::find(base).is_some() || cx.m.which(base).is_some())
                })
            };
            return (script || known()).then(|| name.to_string());
        }
        if let Some(path) = self.in_path(cx, name) {
            return Some(path);
        }
        let own = text::find(name).is_some()
            || matches!(
                name,
                "bash"
                    | "sh"
                    | "dash"
                    | "sleep"
                    | "timeout"
                    | "env"
                    | "printenv"
                    | "nohup"
                    | "setsid"
                    | "nice"
                    | "which"
            );
        if own { Some(format!("/usr/bin/{name}")) } else { cx.m.which(name) }
    }
}

/// `0.5`, `2`, `1m`, `1h`, `1d`, `infinity`.
fn seconds(text: &str) -> Option<crate::base::Span> {
    if text == "infinity" || text == "inf" {
        return Some(crate::base::Span(u64::MAX / 4));
    }
    let (number, scale) = match text.char_indices().last()? {
        (n, 's') => (&text[..n], 1u64),
        (n, 'm') => (&text[..n], 60),
        (n, 'h') => (&text[..n], 3600),
        (n, 'd') => (&text[..n], 86_400),
        _ => (text, 1),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |s: &str| s.chars().all(|c| c.is_ascii_digit());
    if (whole.is_empty() && part.is_empty()) || !digits(whole) || !digits(part) {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().unwrap_or(u64::MAX) };
    let nanos: u64 = format!("{:0<9}", part.get(..part.len().min(9))?).parse().ok()?;
    Some(crate::base::Span(whole.saturating_mul(1_000_000_000).saturating_add(nanos).saturating_mul(scale)))
}
