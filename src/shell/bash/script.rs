//! Shells within the shell: script files, `bash`, `sh`, `source`, `exec`.

use super::env::Env;
use super::frame::{Cx, Frame, Reading};
use super::program::BIN_DIRS;
use super::task::Task;
use super::{Machine, Overlay};
use crate::shell::text;
use crate::shell::vfs::{FileError, Files, resolve};
use std::sync::Arc;

impl<P: Clone + std::fmt::Debug> Task<P> {
    /// Runs a file by its first line.
    pub(super) fn script_file<M: Machine<Proc = P>>(
        &mut self,
        cx: &mut Cx<'_, M>,
        path: &str,
        argv: Vec<String>,
    ) -> u64 {
        let text = match Overlay(&mut *cx.m).read(path) {
            Ok(text) => text,
            Err(error) => {
                self.complain(cx, &format!("{}: {error}", argv[0]));
                self.env.status = 126;
                return 0;
            }
        };
        let mut options = Vec::new();
        let mut dash = false;
        if let Some(line) = text.strip_prefix("#!") {
            let mut words = line.lines().next().unwrap_or("").split_whitespace();
            let mut program = words.next().unwrap_or("");
            if program == "/usr/bin/env" || program == "/bin/env" {
                program = words.next().unwrap_or("");
            }
            options.extend(words.map(str::to_string));
            let base = program.rsplit('/').next().unwrap_or(program).trim_end_matches('\r').to_string();
            match base.as_str() {
                "bash" => {}
                "sh" | "dash" => dash = true,
                _ => {
                    let known = text::find(&base).is_some() || cx.m.which(&base).is_some() || !program.contains('/');
                    if known || BIN_DIRS.iter().any(|d| program.starts_with(d)) {
                        cx.sh.not_simulated.push((self.env.line, base.clone()));
                        self.write_text(cx, 2, &format!("lvsim: scripts of {base} are not simulated\n"));
                    } else {
                        self.complain(cx, &format!("{}: {program}: bad interpreter: {}", argv[0], FileError::NotFound));
                    }
                    self.env.status = if known { 127 } else { 126 };
                    return 0;
                }
            }
        }
        let name = if argv[0].contains('/') { argv[0].clone() } else { path.to_string() };
        let mut inner = self.env.child(&name, argv[1..].to_vec());
        inner.dash = dash;
        for option in &options {
            super::builtin::flags(&mut inner.opts, option);
        }
        if self.enter(cx, inner, true) {
            self.push_source(&text, 1);
        }
        text.len() as u64
    }

    /// `bash`, `sh`: `-c TEXT`, a file, or standard input.
    pub(super) fn run_shell<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, argv: &[String]) -> u64 {
        let shell = argv[0].as_str();
        let mut opts = super::env::Options::default();
        let (mut command, mut stdin) = (false, false);
        let mut rest = 1;
        while let Some(arg) = argv.get(rest) {
            if arg == "--" || arg == "-" {
                rest += 1;
                break;
            }
            let known = match arg.as_str() {
                "--norc" | "--noprofile" | "--login" | "--posix" => true,
                "--version" => {
                    self.env.status = 0;
                    self.say(cx, shell, "GNU bash, version 5.2.15(1)-release (x86_64-pc-linux-gnu)\n");
                    return 0;
                }
                long if long.starts_with("--") => false,
                short if short.starts_with('-') => short[1..].chars().all(|c| {
                    match c {
                        'c' => command = true,
                        's' => stdin = true,
                        'l' | 'i' => {}
                        c => return super::builtin::flags(&mut opts, &format!("-{c}")),
                    }
                    true
                }),
                _ => break,
            };
            if !known {
                self.write_text(cx, 2, &format!("{shell}: {arg}: invalid option\n"));
                self.env.status = 2;
                return 0;
            }
            rest += 1;
        }
        let mut left = argv[rest.min(argv.len())..].to_vec();
        let (name, text, script) = if command {
            if left.is_empty() {
                self.write_text(cx, 2, &format!("{shell}: -c: option requires an argument\n"));
                self.env.status = 2;
                return 0;
            }
            let text = left.remove(0);
            let name = if left.is_empty() { shell.to_string() } else { left.remove(0) };
            (name, text, false)
        } else if left.is_empty() || stdin {
            let (input, at) = self.pending(0);
            self.consume(0, input.len());
            (shell.to_string(), input.get(at..).unwrap_or("").to_string(), true)
        } else {
            let file = left.remove(0);
            let path = resolve(&self.env.cwd, &file);
            match Overlay(&mut *cx.m).read(&path) {
                Ok(text) => (file, text, true),
                Err(error) => {
                    let dash = shell != "bash";
                    let text = if dash {
                        format!("{shell}: 0: cannot open {file}: No such file\n")
                    } else {
                        format!("{shell}: {file}: {error}\n")
                    };
                    self.write_text(cx, 2, &text);
                    self.env.status = if dash { 2 } else { 127 };
                    return 0;
                }
            }
        };
        let mut inner = self.env.child(&name, left);
        inner.opts = opts;
        inner.command_mode = !script;
        inner.dash = shell != "bash";
        if self.enter(cx, inner, true) {
            self.push_source(&text, 1);
        }
        text.len() as u64
    }

    /// `source FILE [ARGS]`.
    pub(super) fn dot<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, argv: &[String]) -> u64 {
        let name = &argv[0];
        let Some(file) = argv.get(1) else {
            self.complain(cx, &format!("{name}: filename argument required"));
            self.write_text(cx, 2, &format!("{name}: usage: {name} filename [arguments]\n"));
            self.env.status = 2;
            return 0;
        };
        let mut path = resolve(&self.env.cwd, file);
        if !file.contains('/') && cx.m.fs().stat(&path).is_none() {
            path = self.in_path(cx, file).unwrap_or(path);
        }
        let text = match Overlay(&mut *cx.m).read(&path) {
            Ok(text) => text,
            Err(error) => {
                let error =
                    if error == FileError::IsDirectory { "is a directory".to_string() } else { error.to_string() };
                self.complain(cx, &format!("{file}: {error}"));
                self.env.status = 1;
                return 0;
            }
        };
        let args = argv.get(2).map(|_| std::mem::replace(&mut self.env.args, Arc::new(argv[2..].to_vec())));
        let source = std::mem::replace(&mut self.env.source, file.as_str().into());
        self.frames.push(Frame::Dot { args, source });
        self.frames.push(Frame::Source { parser: super::parse::Parser::new(&text, 1), what: Reading::Dot });
        self.env.status = 0;
        text.len() as u64
    }

    /// `exec PROGRAM`: nothing of this shell runs after it.
    pub(super) fn exec<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, argv: &[String]) -> u64 {
        if argv.len() < 2 {
            self.env.status = 0;
            return 0;
        }
        if argv[1].starts_with('-') {
            self.complain(cx, &format!("exec: lvsim: the option {} is not simulated", argv[1]));
            self.env.status = 2;
            return 0;
        }
        // The program has the descriptors and variables of this moment; the frames that would restore them are gone.
        let env: Env = self.env.clone();
        self.env.traps.remove("EXIT");
        if !self.unwind(|f| matches!(f, Frame::Env { .. })) {
            self.exited = true;
        }
        self.env = env;
        self.env.traps.clear();
        self.external(cx, argv[1..].to_vec())
    }
}
