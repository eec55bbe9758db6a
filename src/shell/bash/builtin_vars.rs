//! Builtins about variables, options and arguments: `declare` and its family, `unset`, `set`, `shopt`, `shift`, `let`, `getopts`.

use super::builtin::{flags, option};
use super::command::Simple;
use super::env::{Content, is_identifier};
use super::expand::Halt;
use super::frame::Cx;
use super::task::Task;
use super::{Machine, arith};
use std::sync::Arc;

impl<P: Clone + std::fmt::Debug> Task<P> {
    pub(super) fn builtin_declare<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, simple: &Simple) -> u8 {
        let name = simple.argv[0].as_str();
        let (mut export, mut readonly, mut integer, mut array, mut print, mut remove, mut funcs) =
            (name == "export", name == "readonly", false, false, false, false, false);
        let mut global = false;
        let mut status = 0;
        let local = name == "local" || (name != "export" && name != "readonly" && !self.env.locals.is_empty());
        if name == "local" && self.env.locals.is_empty() {
            self.complain(cx, "local: can only be used in a function");
            return 1;
        }
        let mut names = 0;
        let mut options = true;
        for (n, arg) in simple.argv.iter().enumerate().skip(1) {
            if options && (arg.starts_with('-') || arg.starts_with('+')) && arg.len() > 1 {
                let on = arg.starts_with('-');
                if arg == "--" {
                    options = false;
                    continue;
                }
                for c in arg[1..].chars() {
                    match c {
                        'x' => export = on,
                        'r' => readonly = on,
                        'i' => integer = on,
                        'a' => array = on,
                        'p' => print = true,
                        'g' => global = true,
                        'n' if name == "export" => remove = true,
                        'f' | 'F' => funcs = true,
                        'A' => {
                            self.complain(cx, &format!("{name}: lvsim: associative arrays are not simulated"));
                            return 2;
                        }
                        'l' | 'u' | 't' | 'n' | 'I' => {
                            self.complain(cx, &format!("{name}: lvsim: the option -{c} is not simulated"));
                            return 2;
                        }
                        c => {
                            self.complain(cx, &format!("{name}: -{c}: invalid option"));
                            return 2;
                        }
                    }
                }
                continue;
            }
            names += 1;
            if funcs {
                if !self.env.funcs.contains_key(arg) {
                    status = 1;
                }
                continue;
            }
            let (mut var, value) = match arg.split_once('=') {
                Some((var, value)) => (var.to_string(), Some(value.to_string())),
                None => (arg.clone(), None),
            };
            let append = var.ends_with('+') && value.is_some();
            if append {
                var.pop();
            }
            let index = var
                .split_once('[')
                .map(|(base, i)| (base.to_string(), i.trim_end_matches(']').parse::<i64>().unwrap_or(0)));
            if let Some((base, _)) = &index {
                var = base.clone();
            }
            if !is_identifier(&var) {
                self.complain(cx, &format!("{name}: `{arg}': not a valid identifier"));
                status = 1;
                continue;
            }
            if print && value.is_none() {
                match self.declaration(&var) {
                    Some(text) => {
                        self.say(cx, name, &text);
                    }
                    None => {
                        self.complain(cx, &format!("{name}: {var}: not found"));
                        status = 1;
                    }
                }
                continue;
            }
            if local && !global {
                self.env.local(&var);
            }
            let mut done = Ok(());
            if let Some(items) = simple.arrays.get(&n) {
                done = self.env.set_array(&var, items.clone());
            } else if let Some(value) = value {
                let value = if integer || self.env.vars.get(&var).is_some_and(|v| v.integer) {
                    match arith::evaluate(&mut self.env, &value) {
                        Ok(n) => n.to_string(),
                        Err(text) => {
                            self.fail(cx, Halt::Line(text));
                            return 1;
                        }
                    }
                } else if append {
                    self.env.get(&var).unwrap_or_default() + &value
                } else {
                    value
                };
                done = match index {
                    Some((_, at)) => self.env.set_element(&var, at, value),
                    None => self.env.set(&var, value),
                };
            } else if array && self.env.vars.get(&var).is_none_or(|v| v.value.is_none()) {
                done = self.env.set_array(&var, std::collections::BTreeMap::new());
            }
            if done.is_ok() {
                done = self.env.change(&var, |v| {
                    v.exported = (v.exported || export) && !remove;
                    v.integer |= integer;
                    v.readonly |= readonly;
                });
            }
            // `readonly x` of one that is so already is no error.
            if let Err(text) = done
                && (!readonly || simple.argv[n].contains('='))
            {
                self.complain(cx, &if name == "local" || name == "declare" { format!("{name}: {text}") } else { text });
                status = 1;
            }
        }
        if names == 0 && !funcs {
            let all = !export && !readonly && !integer && !array;
            let keys: Vec<String> = self
                .env
                .vars
                .iter()
                .filter(|(_, v)| {
                    all || (export && v.exported)
                        || (readonly && v.readonly)
                        || (integer && v.integer)
                        || (array && matches!(v.value, Some(Content::Array(_))))
                })
                .map(|(k, _)| k.clone())
                .collect();
            let text: String = keys.iter().filter_map(|k| self.declaration(k)).collect();
            return self.say(cx, name, &text);
        }
        status
    }

    /// A variable as `declare -p` writes it.
    pub(super) fn declaration(&self, name: &str) -> Option<String> {
        let var = self.env.vars.get(name)?;
        let quote = |text: &str| {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$").replace('`', "\\`"))
        };
        let mut flags = String::new();
        if matches!(var.value, Some(Content::Array(_))) {
            flags.push('a');
        }
        for (on, c) in [(var.integer, 'i'), (var.readonly, 'r'), (var.exported, 'x')] {
            if on {
                flags.push(c);
            }
        }
        if flags.is_empty() {
            flags.push('-');
        }
        let value = match &var.value {
            None => String::new(),
            Some(Content::Scalar(text)) => format!("={}", quote(text)),
            Some(Content::Array(items)) => {
                let items: Vec<String> = items.iter().map(|(k, v)| format!("[{k}]={}", quote(v))).collect();
                format!("=({})", items.join(" "))
            }
        };
        Some(format!("declare -{flags} {name}{value}\n"))
    }

    pub(super) fn builtin_unset<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, args: &[String]) -> u8 {
        let (mut status, mut functions, mut variables) = (0, true, true);
        for arg in args {
            match arg.as_str() {
                "-f" => variables = false,
                "-v" => functions = false,
                other => {
                    if let Some((name, index)) = other.split_once('[') {
                        let index = arith::evaluate(&mut self.env, index.trim_end_matches(']')).unwrap_or(0);
                        let done = self.env.change(name, |v| {
                            if let Some(Content::Array(items)) = &mut v.value {
                                items.remove(&index);
                            }
                        });
                        status |= u8::from(done.is_err());
                        continue;
                    }
                    let is_var = self.env.vars.contains_key(other);
                    if variables && is_var {
                        if let Err(text) = self.env.unset(other) {
                            self.complain(cx, &format!("unset: {text}"));
                            status = 1;
                        }
                    } else if functions {
                        Arc::make_mut(&mut self.env.funcs).remove(other);
                    }
                }
            }
        }
        status
    }

    pub(super) fn builtin_set<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, args: &[String]) -> u8 {
        if args.is_empty() {
            let keys =
                self.env.vars.iter().filter_map(|(k, v)| {
                    Some(format!("{k}={}\n", super::escape::trace_quote(v.value.as_ref()?.first()?)))
                });
            let text: String = keys.collect();
            return self.say(cx, "set", &text);
        }
        let mut at = 0;
        while let Some(arg) = args.get(at) {
            match arg.as_str() {
                "--" => {
                    self.env.args = Arc::new(args[at + 1..].to_vec());
                    return 0;
                }
                "-" => {
                    self.env.opts.xtrace = false;
                    self.env.opts.verbose = false;
                }
                "-o" | "+o" => {
                    let on = arg == "-o";
                    let Some(name) = args.get(at + 1) else {
                        let opts = self.env.opts;
                        let mut text = String::new();
                        for (name, value) in [
                            ("errexit", opts.errexit),
                            ("noexec", opts.noexec),
                            ("noglob", opts.noglob),
                            ("nounset", opts.nounset),
                            ("pipefail", opts.pipefail),
                            ("verbose", opts.verbose),
                            ("xtrace", opts.xtrace),
                        ] {
                            text += &if on {
                                format!("{name:<15}\t{}\n", if value { "on" } else { "off" })
                            } else {
                                format!("set {}o {name}\n", if value { '-' } else { '+' })
                            };
                        }
                        return self.say(cx, "set", &text);
                    };
                    at += 1;
                    match option(&mut self.env.opts, name) {
                        Some(slot) => *slot = on,
                        None if matches!(
                            name.as_str(),
                            "posix"
                                | "monitor"
                                | "notify"
                                | "hashall"
                                | "braceexpand"
                                | "histexpand"
                                | "history"
                                | "emacs"
                                | "vi"
                                | "allexport"
                                | "noclobber"
                                | "physical"
                        ) => {}
                        None => {
                            self.complain(cx, &format!("set: {name}: invalid option name"));
                            return 2;
                        }
                    }
                }
                flag if flag.len() > 1 && (flag.starts_with('-') || flag.starts_with('+')) => {
                    // `-eo pipefail`.
                    let (letters, named) = match flag.strip_suffix('o') {
                        Some(letters) if letters.len() > 1 => (letters, true),
                        _ => (flag, false),
                    };
                    if !flags(&mut self.env.opts, letters) {
                        self.complain(cx, &format!("set: {flag}: invalid option"));
                        self.write_text(
                            cx,
                            2,
                            "set: usage: set [-abefhkmnptuvxBCEHPT] [-o option-name] [--] [-] [arg ...]\n",
                        );
                        return 2;
                    }
                    if named && let Some(slot) = args.get(at + 1).and_then(|n| option(&mut self.env.opts, n)) {
                        *slot = flag.starts_with('-');
                        at += 1;
                    }
                }
                _ => {
                    self.env.args = Arc::new(args[at..].to_vec());
                    return 0;
                }
            }
            at += 1;
        }
        0
    }

    pub(super) fn builtin_shopt<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, args: &[String]) -> u8 {
        let on = match args.first().map(String::as_str) {
            Some("-s") => true,
            Some("-u") => false,
            _ => {
                self.complain(cx, "shopt: lvsim: only -s and -u with names are simulated");
                return 2;
            }
        };
        let mut status = 0;
        for name in &args[1..] {
            match name.as_str() {
                "nullglob" => self.env.opts.nullglob = on,
                "expand_aliases" | "checkwinsize" | "sourcepath" | "progcomp" => {}
                other => {
                    self.complain(cx, &format!("shopt: lvsim: the option {other} is not simulated"));
                    status = 1;
                }
            }
        }
        status
    }

    pub(super) fn builtin_shift<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, args: &[String]) -> u8 {
        let n = match args.first() {
            None => 1,
            Some(text) => match text.parse::<i64>() {
                Ok(n) if n < 0 => {
                    self.complain(cx, &format!("shift: {text}: shift count out of range"));
                    return 1;
                }
                Ok(n) => n as usize,
                Err(_) => {
                    self.complain(cx, &format!("shift: {text}: numeric argument required"));
                    return 1;
                }
            },
        };
        if n > self.env.args.len() {
            return 1;
        }
        Arc::make_mut(&mut self.env.args).drain(..n);
        0
    }

    pub(super) fn builtin_let<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, args: &[String]) -> u8 {
        if args.is_empty() {
            self.complain(cx, "let: expression expected");
            return 1;
        }
        let mut value = 0;
        for arg in args {
            match arith::evaluate(&mut self.env, arg) {
                Ok(n) => value = n,
                Err(text) => {
                    self.complain(cx, &format!("let: {text}"));
                    return 1;
                }
            }
        }
        u8::from(value == 0)
    }

    pub(super) fn builtin_getopts<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, args: &[String]) -> u8 {
        let [letters, name, rest @ ..] = args else {
            self.write_text(cx, 2, "getopts: usage: getopts optstring name [arg ...]\n");
            return 2;
        };
        let words = if rest.is_empty() { self.env.args.to_vec() } else { rest.to_vec() };
        // The place within a cluster such as -ab is kept behind the number in a variable of ours.
        let index: usize = self.env.get("OPTIND").and_then(|t| t.parse().ok()).unwrap_or(1).max(1);
        let place: usize = self
            .env
            .get("_OPTPLACE")
            .and_then(|t| t.split_once(':').filter(|(i, _)| *i == index.to_string()).and_then(|(_, p)| p.parse().ok()))
            .unwrap_or(1);
        let end = |task: &mut Self, index: usize| {
            let _ = task.env.set("OPTIND", index.to_string());
            let _ = task.env.set(name, "?");
            1
        };
        let Some(word) = words.get(index - 1) else { return end(self, index) };
        if word == "--" {
            return end(self, index + 1);
        }
        let chars: Vec<char> = word.chars().collect();
        if chars.len() < 2 || chars[0] != '-' || place >= chars.len() {
            return end(self, index);
        }
        let c = chars[place];
        let takes = letters.find(c).filter(|_| c != ':').map(|at| letters[at + c.len_utf8()..].starts_with(':'));
        let (mut next, mut at) = (index, place + 1);
        let quiet = letters.starts_with(':');
        let _ = self.env.unset("OPTARG");
        let found = match takes {
            None => {
                if quiet {
                    let _ = self.env.set("OPTARG", c.to_string());
                } else {
                    let text = format!("{}: illegal option -- {c}\n", self.env.name);
                    self.write_text(cx, 2, &text);
                }
                '?'
            }
            Some(false) => c,
            Some(true) => {
                let joined: String = chars[place + 1..].iter().collect();
                at = chars.len();
                if !joined.is_empty() {
                    let _ = self.env.set("OPTARG", joined);
                    c
                } else if let Some(value) = words.get(index) {
                    let _ = self.env.set("OPTARG", value.clone());
                    next += 1;
                    c
                } else if quiet {
                    let _ = self.env.set("OPTARG", c.to_string());
                    ':'
                } else {
                    let text = format!("{}: option requires an argument -- {c}\n", self.env.name);
                    self.write_text(cx, 2, &text);
                    '?'
                }
            }
        };
        if at >= chars.len() {
            next += 1;
            at = 1;
        }
        let _ = self.env.set("OPTIND", next.to_string());
        let _ = self.env.set("_OPTPLACE", format!("{next}:{at}"));
        let _ = self.env.set(name, found.to_string());
        0
    }
}
