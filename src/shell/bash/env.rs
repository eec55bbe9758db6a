//! What a shell knows: variables, functions, arguments, options, descriptors. A subshell is a clone of it.

use super::ast::Command;
use super::{MAX_VALUE, MAX_VARIABLES};
use crate::base::SimTime;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A variable with its attributes.
#[derive(Clone, Debug, Default)]
pub(super) struct Var {
    /// `None`: declared, but without a value.
    pub value: Option<Content>,
    pub exported: bool,
    pub readonly: bool,
    pub integer: bool,
}

/// A variable's value.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Scalar(String),
    Array(BTreeMap<i64, String>),
}

impl Content {
    fn size(&self) -> usize {
        match self {
            Content::Scalar(text) => text.len(),
            Content::Array(items) => items.values().map(|v| v.len() + 16).sum(),
        }
    }

    pub fn first(&self) -> Option<&str> {
        match self {
            Content::Scalar(text) => Some(text),
            Content::Array(items) => items.get(&0).map(String::as_str),
        }
    }
}

/// Where a descriptor leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fd {
    /// The shell's own standard output.
    Out,
    /// The shell's own standard error.
    Err,
    /// `/dev/null`.
    Null,
    /// A command substitution or a pipe.
    Buffer(usize),
    /// Text to read, by number.
    Input(usize),
    /// The end of a file; the flag: a virtual one.
    File(Arc<str>, bool),
}

/// A function with the name of the source that its errors mention.
#[derive(Clone, Debug)]
pub(super) struct Function {
    pub body: Arc<Command>,
    pub source: Arc<str>,
}

/// The options of `set`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Options {
    pub errexit: bool,
    pub nounset: bool,
    pub xtrace: bool,
    pub noglob: bool,
    pub noexec: bool,
    pub pipefail: bool,
    pub nullglob: bool,
    pub verbose: bool,
}

/// A shell's environment.
#[derive(Clone, Debug)]
pub(super) struct Env {
    pub vars: Arc<BTreeMap<String, Var>>,
    size: usize,
    /// Bytes of the values that `local` has hidden.
    hidden: usize,
    pub funcs: Arc<BTreeMap<String, Function>>,
    /// `$0`.
    pub name: Arc<str>,
    /// What errors begin with: `$0`, or the file being sourced.
    pub source: Arc<str>,
    pub args: Arc<Vec<String>>,
    pub fds: Vec<(u32, Fd)>,
    pub opts: Options,
    pub traps: BTreeMap<String, String>,
    /// Values that `local` has hidden, per function call.
    pub locals: Vec<Vec<(String, Option<Var>)>>,
    /// Values changed since [`Env::begin`].
    undo: Option<Vec<(String, Option<Var>)>>,
    pub cwd: String,
    pub status: u8,
    pub line: u32,
    pub pid: u32,
    pub last_job: Option<u32>,
    /// `PIPESTATUS`.
    pub pipe: Vec<u8>,
    /// The state of `$RANDOM`.
    pub random: u64,
    pub now: SimTime,
    pub started: SimTime,
    /// How many subshells this one is in.
    pub nesting: u32,
    pub interactive: bool,
    /// The text came from `-c`: some errors say so, and some statuses differ.
    pub command_mode: bool,
    /// Run as `sh`, which is dash on Debian: its errors are shorter. The language stays bash's.
    pub dash: bool,
}

impl Env {
    pub fn new(name: &str) -> Env {
        let mut env = Env {
            vars: Arc::default(),
            size: 0,
            hidden: 0,
            funcs: Arc::default(),
            name: name.into(),
            source: name.into(),
            args: Arc::default(),
            fds: vec![(0, Fd::Null), (1, Fd::Out), (2, Fd::Err)],
            opts: Options::default(),
            traps: BTreeMap::new(),
            locals: Vec::new(),
            undo: None,
            cwd: "/root".into(),
            status: 0,
            line: 1,
            pid: 1000,
            last_job: None,
            pipe: Vec::new(),
            random: 1,
            now: SimTime::ZERO,
            started: SimTime::ZERO,
            nesting: 0,
            interactive: false,
            command_mode: true,
            dash: false,
        };
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        for (name, value) in [
            ("PATH", path),
            ("HOME", "/root"),
            ("USER", "root"),
            ("LOGNAME", "root"),
            ("SHELL", "/bin/bash"),
            ("PWD", "/root"),
            ("SHLVL", "1"),
        ] {
            let var = Var { value: Some(Content::Scalar(value.into())), exported: true, ..Var::default() };
            Arc::make_mut(&mut env.vars).insert(name.into(), var);
        }
        for (name, value) in [
            ("IFS", " \t\n"),
            ("PS4", "+ "),
            ("OPTIND", "1"),
            ("UID", "0"),
            ("EUID", "0"),
            ("PPID", "1"),
            ("BASH_VERSION", "5.2.15(1)-release"),
            ("BASH", "/usr/bin/bash"),
            ("OSTYPE", "linux-gnu"),
            ("MACHTYPE", "x86_64-pc-linux-gnu"),
            ("HOSTTYPE", "x86_64"),
        ] {
            let var = Var { value: Some(Content::Scalar(value.into())), ..Var::default() };
            Arc::make_mut(&mut env.vars).insert(name.into(), var);
        }
        env
    }

    /// The environment of a new bash that runs a script: exported variables and descriptors only.
    pub fn child(&self, name: &str, args: Vec<String>) -> Env {
        let mut child = Env::new(name);
        for (name, var) in self.vars.iter().filter(|(_, v)| v.exported) {
            Arc::make_mut(&mut child.vars).insert(name.clone(), Var { readonly: false, ..var.clone() });
        }
        child.args = Arc::new(args);
        child.fds = self.fds.clone();
        child.cwd = self.cwd.clone();
        child.status = 0;
        child.now = self.now;
        child.started = self.now;
        child.random = self.random;
        child.nesting = self.nesting + 1;
        child.command_mode = false;
        child
    }

    /// `NAME: line N: `, how errors begin; dash leaves out the word.
    pub fn prefix(&self) -> String {
        if self.dash {
            format!("{}: {}: ", self.source, self.line)
        } else if self.interactive {
            format!("{}: ", self.source)
        } else {
            format!("{}: line {}: ", self.source, self.line)
        }
    }

    /// The value of a plain variable; element 0 of an array.
    pub fn get(&mut self, name: &str) -> Option<String> {
        match name {
            "RANDOM" => {
                // The generator of POSIX's rand() example, seeded per shell.
                self.random = self.random.wrapping_mul(1_103_515_245).wrapping_add(12_345) & 0x7fff_ffff;
                Some((self.random >> 16 & 0x7fff).to_string())
            }
            "SECONDS" => Some(self.now.since(self.started).as_secs().to_string()),
            "LINENO" => Some(self.line.to_string()),
            "BASHPID" => Some((self.pid + self.nesting).to_string()),
            "PIPESTATUS" => self.pipe.first().map(u8::to_string),
            "BASH_SUBSHELL" => Some(self.nesting.to_string()),
            _ => self.vars.get(name)?.value.as_ref()?.first().map(str::to_string),
        }
    }

    pub fn array(&self, name: &str) -> Option<BTreeMap<i64, String>> {
        if name == "PIPESTATUS" {
            return Some(self.pipe.iter().enumerate().map(|(n, s)| (n as i64, s.to_string())).collect());
        }
        match self.vars.get(name)?.value.as_ref()? {
            Content::Scalar(text) => Some(BTreeMap::from([(0, text.clone())])),
            Content::Array(items) => Some(items.clone()),
        }
    }

    pub fn element(&self, name: &str, index: i64) -> Option<String> {
        if name == "PIPESTATUS" {
            return self.pipe.get(usize::try_from(index).ok()?).map(u8::to_string);
        }
        match self.vars.get(name)?.value.as_ref()? {
            Content::Scalar(text) => (index == 0 || index == -1).then(|| text.clone()),
            Content::Array(items) => {
                let index =
                    if index < 0 { items.keys().next_back().map_or(index, |top| top + 1 + index) } else { index };
                items.get(&index).cloned()
            }
        }
    }

    /// Begins to remember what variables were, so that [`Env::rollback`] can bring it back.
    pub fn begin(&mut self) {
        self.undo = Some(Vec::new());
    }

    pub fn commit(&mut self) {
        self.undo = None;
    }

    pub fn rollback(&mut self) {
        for (name, var) in self.undo.take().unwrap_or_default().into_iter().rev() {
            self.put_back(&name, var);
        }
    }

    /// Sets or removes a variable whatever its attributes.
    pub fn put_back(&mut self, name: &str, var: Option<Var>) {
        let vars = Arc::make_mut(&mut self.vars);
        let new = held(&var);
        let old = match var {
            Some(var) => vars.insert(name.to_string(), var),
            None => vars.remove(name),
        };
        self.size = self.size.saturating_sub(held(&old)) + new;
    }

    fn note(&mut self, name: &str) {
        if self.undo.is_some() {
            let old = self.vars.get(name).cloned();
            if let Some(undo) = &mut self.undo {
                undo.push((name.to_string(), old));
            }
        }
    }

    /// Changes a variable, within the limits.
    ///
    /// # Errors
    /// What bash (or the limit) says.
    pub fn change(&mut self, name: &str, with: impl FnOnce(&mut Var)) -> Result<(), String> {
        if self.vars.get(name).is_some_and(|v| v.readonly) {
            return Err(format!("{name}: readonly variable"));
        }
        if !self.vars.contains_key(name) && self.vars.len() >= MAX_VARIABLES {
            return Err(format!("{name}: lvsim: more than {MAX_VARIABLES} variables"));
        }
        self.note(name);
        let vars = Arc::make_mut(&mut self.vars);
        let var = vars.entry(name.to_string()).or_default();
        let old = var.value.as_ref().map_or(0, Content::size);
        with(var);
        let new = var.value.as_ref().map_or(0, Content::size);
        if new > old && (new > MAX_VALUE || self.size + self.hidden + new - old > 8 * MAX_VALUE) {
            let old_size = self.size;
            vars.remove(name);
            self.size = old_size.saturating_sub(old);
            return Err(format!("{name}: lvsim: variables hold more than {} KiB", MAX_VALUE >> 10));
        }
        self.size = (self.size + new).saturating_sub(old);
        Ok(())
    }

    pub fn set(&mut self, name: &str, value: impl Into<String>) -> Result<(), String> {
        let value = value.into();
        if name == "RANDOM" {
            self.random = value.parse().unwrap_or(0);
            return Ok(());
        }
        if name == "SECONDS" {
            self.started = self.now;
            return Ok(());
        }
        self.change(name, |var| match &mut var.value {
            Some(Content::Array(items)) => {
                items.insert(0, value);
            }
            slot => *slot = Some(Content::Scalar(value)),
        })
    }

    pub fn set_element(&mut self, name: &str, index: i64, value: String) -> Result<(), String> {
        let top = match self.vars.get(name).and_then(|v| v.value.as_ref()) {
            Some(Content::Array(items)) => items.keys().next_back().map_or(0, |k| k + 1),
            Some(Content::Scalar(_)) => 1,
            None => 0,
        };
        let index = if index < 0 { top + index } else { index };
        if index < 0 {
            return Err(format!("{name}[{}]: bad array subscript", index - top));
        }
        self.change(name, |var| {
            let items = match var.value.take() {
                Some(Content::Array(items)) => items,
                Some(Content::Scalar(text)) => BTreeMap::from([(0, text)]),
                None => BTreeMap::new(),
            };
            let mut items = items;
            items.insert(index, value);
            var.value = Some(Content::Array(items));
        })
    }

    pub fn set_array(&mut self, name: &str, items: BTreeMap<i64, String>) -> Result<(), String> {
        self.change(name, |var| var.value = Some(Content::Array(items)))
    }

    pub fn unset(&mut self, name: &str) -> Result<(), String> {
        if self.vars.get(name).is_some_and(|v| v.readonly) {
            return Err(format!("{name}: cannot unset: readonly variable"));
        }
        self.note(name);
        self.put_back(name, None);
        Ok(())
    }

    /// Hides a variable until the function returns.
    pub fn local(&mut self, name: &str) {
        let Some(scope) = self.locals.last() else { return };
        if scope.iter().any(|(n, _)| n == name) {
            return;
        }
        let old = self.vars.get(name).cloned();
        self.hidden += held(&old);
        if let Some(scope) = self.locals.last_mut() {
            scope.push((name.to_string(), old));
        }
        let exported = self.vars.get(name).is_some_and(|v| v.exported);
        self.put_back(name, Some(Var { exported, ..Var::default() }));
    }

    pub fn leave_function(&mut self) {
        for (name, var) in self.locals.pop().unwrap_or_default().into_iter().rev() {
            self.hidden = self.hidden.saturating_sub(held(&var));
            self.put_back(&name, var);
        }
    }

    pub fn fd(&self, n: u32) -> Option<&Fd> {
        self.fds.iter().find(|(fd, _)| *fd == n).map(|(_, to)| to)
    }

    pub fn set_fd(&mut self, n: u32, to: Option<Fd>) {
        self.fds.retain(|(fd, _)| *fd != n);
        if let Some(to) = to {
            self.fds.push((n, to));
        }
    }

    pub fn ifs(&self) -> String {
        match self.vars.get("IFS").and_then(|v| v.value.as_ref()) {
            Some(value) => value.first().unwrap_or("").to_string(),
            None => " \t\n".to_string(),
        }
    }
}

fn held(var: &Option<Var>) -> usize {
    var.as_ref().and_then(|v| v.value.as_ref()).map_or(0, Content::size)
}

/// Whether this can name a variable.
pub(super) fn is_identifier(name: &str) -> bool {
    name.bytes().next().is_some_and(super::lex::is_name_start) && name.bytes().all(super::lex::is_name)
}
