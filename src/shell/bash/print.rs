//! `echo`, `printf`, `read`, `mapfile`.

use super::env::is_identifier;
use super::escape::{Style, unescape};
use super::frame::Cx;
use super::printf::format_all;
use super::task::Task;
use super::{MAX_VALUE, Machine};
use std::collections::BTreeMap;

impl<P: Clone + std::fmt::Debug> Task<P> {
    pub(super) fn builtin_echo<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, args: &[String]) -> u8 {
        let (mut newline, mut escapes) = (true, self.env.dash);
        let mut at = 0;
        while let Some(option) = args.get(at).and_then(|a| a.strip_prefix('-')) {
            if option.is_empty() || !option.chars().all(|c| "neE".contains(c)) || (self.env.dash && option != "n") {
                break;
            }
            for c in option.chars() {
                match c {
                    'n' => newline = false,
                    'e' => escapes = true,
                    _ => escapes = false,
                }
            }
            at += 1;
        }
        let mut text = args[at..].join(" ");
        if escapes {
            let (plain, stop) = unescape(&text, Style::Echo);
            text = plain;
            newline &= !stop;
        }
        if newline {
            text.push('\n');
        }
        self.say(cx, "echo", &text)
    }

    pub(super) fn builtin_printf<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, args: &[String]) -> u8 {
        let (mut args, mut var) = (args, None);
        if let [option, name, rest @ ..] = args
            && option == "-v"
        {
            var = Some(name.clone());
            args = rest;
        }
        if args.first().is_some_and(|a| a == "--") {
            args = &args[1..];
        }
        let Some((format, values)) = args.split_first() else {
            self.write_text(cx, 2, "printf: usage: printf [-v var] format [arguments]\n");
            return 2;
        };
        let mut errors = Vec::new();
        let text = format_all(format, values, &mut errors);
        for error in &errors {
            self.complain(cx, &format!("printf: {error}"));
        }
        let status = u8::from(!errors.is_empty());
        match var {
            Some(name) if !is_identifier(&name) => {
                self.complain(cx, &format!("printf: `{name}': not a valid identifier"));
                2
            }
            Some(name) => match self.env.set(&name, text) {
                Ok(()) => status,
                Err(error) => {
                    self.complain(cx, &error);
                    1
                }
            },
            None => self.say(cx, "printf", &text).max(status),
        }
    }

    pub(super) fn builtin_read<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, args: &[String]) -> u8 {
        let (mut raw, mut array, mut fd, mut delim, mut most) = (false, None, 0u32, '\n', usize::MAX);
        let mut names: Vec<&String> = Vec::new();
        let mut at = 0;
        while let Some(arg) = args.get(at) {
            at += 1;
            if !arg.starts_with('-') || arg.len() < 2 || !names.is_empty() {
                names.push(arg);
                continue;
            }
            let mut letters = arg[1..].chars();
            while let Some(c) = letters.next() {
                if matches!(c, 'r' | 's' | 'e') {
                    raw |= c == 'r';
                    continue;
                }
                if !"apudtnNi".contains(c) {
                    self.complain(cx, &format!("read: -{c}: invalid option"));
                    self.write_text(cx, 2, "read: usage: read [-ers] [-a array] [-d delim] [-i text] [-n nchars] [-N nchars] [-p prompt] [-t timeout] [-u fd] [name ...]\n");
                    return 2;
                }
                let rest: String = letters.by_ref().collect();
                let value = if rest.is_empty() {
                    at += 1;
                    args.get(at - 1).cloned().unwrap_or_default()
                } else {
                    rest
                };
                match c {
                    'a' => array = Some(value),
                    'u' => fd = value.parse().unwrap_or(0),
                    'd' => delim = value.chars().next().unwrap_or('\0'),
                    'n' | 'N' => most = value.parse().unwrap_or(0),
                    // A prompt is shown on a terminal only; a time limit has nothing to wait for.
                    _ => {}
                }
            }
        }
        for name in &names {
            if !is_identifier(name) && !name.contains('[') {
                self.complain(cx, &format!("read: `{name}': not a valid identifier"));
                return 1;
            }
        }
        let (input, from) = self.pending(fd);
        let rest = input.get(from..).unwrap_or("");
        // Characters with whether they were escaped, which keeps them from splitting.
        let mut line: Vec<(char, bool)> = Vec::new();
        let mut used = 0;
        let mut ended = false;
        let mut chars = rest.chars();
        while line.len() < most.min(MAX_VALUE) {
            let Some(c) = chars.next() else { break };
            used += c.len_utf8();
            if c == delim {
                ended = true;
                break;
            }
            if c == '\\' && !raw {
                match chars.next() {
                    Some('\n') => used += 1,
                    Some(c) => {
                        used += c.len_utf8();
                        line.push((c, true));
                    }
                    None => {}
                }
                continue;
            }
            line.push((c, false));
        }
        ended |= line.len() >= most;
        self.consume(fd, used);
        let ifs = self.env.ifs();
        let done = if let Some(array) = array {
            let words = split(&line, &ifs, usize::MAX);
            self.env.set_array(&array, words.into_iter().enumerate().map(|(n, w)| (n as i64, w)).collect())
        } else if names.is_empty() {
            self.env.set("REPLY", line.iter().map(|(c, _)| *c).collect::<String>())
        } else {
            let mut words = split(&line, &ifs, names.len()).into_iter();
            let mut done = Ok(());
            for name in names {
                let value = words.next().unwrap_or_default();
                let set = match name.split_once('[') {
                    Some((base, index)) => match super::arith::evaluate(&mut self.env, index.trim_end_matches(']')) {
                        Ok(index) => self.env.set_element(base, index, value),
                        Err(error) => Err(error),
                    },
                    None => self.env.set(name, value),
                };
                done = done.and(set);
            }
            done
        };
        if let Err(error) = done {
            self.complain(cx, &format!("read: {error}"));
            return 2;
        }
        u8::from(!ended)
    }

    pub(super) fn builtin_mapfile<M: Machine<Proc = P>>(
        &mut self,
        cx: &mut Cx<'_, M>,
        own: &str,
        args: &[String],
    ) -> u8 {
        let (mut trim, mut name) = (false, "MAPFILE".to_string());
        for arg in args {
            match arg.as_str() {
                "-t" => trim = true,
                other if other.starts_with('-') => {
                    self.complain(cx, &format!("{own}: lvsim: the option {other} is not simulated"));
                    return 2;
                }
                other => name = other.to_string(),
            }
        }
        let (input, from) = self.pending(0);
        let rest = input.get(from..).unwrap_or("");
        let lines = rest.split_inclusive('\n').map(|l| if trim { l.trim_end_matches('\n') } else { l });
        let items: BTreeMap<i64, String> =
            lines.take(super::MAX_WORDS).enumerate().map(|(n, l)| (n as i64, l.to_string())).collect();
        self.consume(0, rest.len());
        match self.env.set_array(&name, items) {
            Ok(()) => 0,
            Err(error) => {
                self.complain(cx, &format!("{own}: {error}"));
                1
            }
        }
    }
}

/// Splits a line for `read` into at most `most` words; the last takes what is left.
fn split(line: &[(char, bool)], ifs: &str, most: usize) -> Vec<String> {
    let white = |(c, escaped): &(char, bool)| !escaped && ifs.contains(*c) && c.is_ascii_whitespace();
    let sep = |(c, escaped): &(char, bool)| !escaped && ifs.contains(*c);
    let mut words = Vec::new();
    let mut at = 0;
    let mut end = line.len();
    while end > 0 && white(&line[end - 1]) {
        end -= 1;
    }
    while at < end && white(&line[at]) {
        at += 1;
    }
    while at < end {
        if words.len() + 1 == most {
            let mut last: Vec<(char, bool)> = line[at..end].to_vec();
            // One separator at the very end belongs to the word only if there are others in it.
            if last.last().is_some_and(sep) && !last[..last.len() - 1].iter().any(sep) {
                last.pop();
            }
            words.push(last.iter().map(|(c, _)| *c).collect());
            return words;
        }
        let from = at;
        while at < end && !sep(&line[at]) {
            at += 1;
        }
        words.push(line[from..at].iter().map(|(c, _)| *c).collect());
        while at < end && white(&line[at]) {
            at += 1;
        }
        if at < end && sep(&line[at]) && !white(&line[at]) {
            at += 1;
            while at < end && white(&line[at]) {
                at += 1;
            }
        }
    }
    words
}
