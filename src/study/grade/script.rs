//! Lines that were typed, or a transcript of them, typed again in the lab's session; then the run goes on to its end.
//!
//! A transcript has prompts such as `[root@director ~]# `: what follows them is taken, on the host that they name, and what was
//! printed is not. Words that only look (`:why`, `:show` …) are passed over, and nothing is saved. A line that has not
//! ended after an hour, or waits for what never comes, is ended by Ctrl-C, as a person would.

use super::{Options, Paper, Trouble, ended};
use crate::base::{NodeId, SimTime, Span};
use crate::engine::world::Limits;
use crate::lang::Text;
use crate::report::run::Run;
use crate::scenario::grading::Part;
use crate::scenario::play::Typed;
use crate::study::lab::commands::{self, Reply};
use crate::study::lab::elsewhere;
use crate::study::lab::line::{Said, read};
use crate::study::lab::{Advance, Bounds, LINE, Session};
use crate::text;
use std::sync::Arc;

/// Lines that are read of one script.
pub const MAX_LINES: usize = 10_000;
/// How long all of them may take, unless the lab's duration is longer.
const ALL: Span = Span::from_secs(86_400);
/// Events between two looks.
const SLICE: u64 = 20_000;
/// What a session may keep: records of the trace, bytes of states to go back to, frames and timers pending.
const BOUNDS: (usize, u64, usize) = (200_000, 32 << 20, 300_000);

/// A line and the host whose prompt it stood behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The host, in a transcript.
    pub host: Option<String>,
    /// What was typed.
    pub text: String,
}

/// A text with the line ends of Linux.
pub fn unix(text: &str) -> String {
    text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n")
}

/// What was typed, each piece whole: a loop or here-document is one.
pub fn pieces(text: &str) -> Vec<Line> {
    let text = unix(text);
    let transcript = text.lines().any(|l| prompt(l).is_some());
    let mut out: Vec<Line> = Vec::new();
    let mut open: Option<Line> = None;
    for line in text.lines() {
        let (host, typed) = match (prompt(line), transcript) {
            (Some((host, typed)), _) => (Some(host), typed),
            (None, false) => (None, line),
            // A shell that waits for more shows `> `; all else was printed.
            (None, true) => match (line.strip_prefix('>'), &open) {
                (Some(typed), Some(_)) => (None, typed.strip_prefix(' ').unwrap_or(typed)),
                _ => continue,
            },
        };
        // A new prompt begins anew, whatever was open: Ctrl-C.
        if host.is_some() {
            open = None;
        }
        let mut piece = open.take().unwrap_or(Line { host: host.map(str::to_string), text: String::new() });
        piece.text.push_str(typed);
        piece.text.push('\n');
        match read(&piece.text) {
            Said::Unfinished => open = Some(piece),
            Said::Nothing => {}
            _ => out.push(piece),
        }
    }
    // The shell says what is missing.
    out.extend(open);
    out
}

/// `[root@director ~]# ipvsadm -Ln`: the host and what was typed.
fn prompt(line: &str) -> Option<(&str, &str)> {
    let (inside, typed) = line.strip_prefix('[')?.split_once(']')?;
    let (user, rest) = inside.split_once('@')?;
    let (host, folder) = rest.split_once(' ')?;
    let word = |w: &str| !w.is_empty() && !w.contains(char::is_whitespace);
    let typed = typed.strip_prefix(['#', '$'])?;
    (word(user) && word(host) && !folder.contains(' ')).then(|| (host, typed.strip_prefix(' ').unwrap_or(typed)))
}

/// Types it all, and lets the run come to its end.
///
/// # Errors
/// [`Trouble`].
pub(super) fn play<'l>(
    paper: &Paper<'l>,
    text: &str,
    options: &Options<'_>,
    notes: &mut Vec<Text>,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Run<'l>, Trouble> {
    if !paper.lab.grading.has(Part::Timeline) {
        return Err(Trouble::Invalid(text!("grade-no-sessions")));
    }
    let lines = pieces(text);
    if lines.is_empty() {
        return Err(Trouble::Invalid(text!("grade-nothing-typed")));
    }
    if lines.len() > MAX_LINES {
        return Err(Trouble::Invalid(text!("grade-too-many-lines", most = MAX_LINES)));
    }
    let (records, weight, pending) = BOUNDS;
    let limits = Limits { events: options.events, pending, ..Limits::default() };
    let bounds = Bounds { limits, records, weight };
    let opened =
        Session::open_within(paper.lab, paper.source, options.seed, bounds, &mut |_, _| go_on()).map_err(|why| {
            match go_on() {
                true => Trouble::Stopped(why),
                false => Trouble::Interrupted,
            }
        })?;
    let last = opened.play().zero + ALL.max(paper.lab.duration.unwrap_or(ALL));
    let mut typist = Typist { session: opened, last, events: options.events, typed: Vec::new(), notes, elsewhere: 0 };
    for line in &lines {
        if typist.type_line(line, go_on)? {
            break;
        }
    }
    if typist.elsewhere > 0 {
        let n = typist.elsewhere;
        typist.notes.push(text!("grade-lines-elsewhere", n));
    }
    let Typist { session, typed, .. } = typist;
    ended(session.into_run(typed, &mut |_, _| go_on()))
}

struct Typist<'l, 'n> {
    session: Session<'l>,
    /// Until when lines may go on.
    last: SimTime,
    /// How many events all of it may take.
    events: u64,
    typed: Vec<Typed>,
    notes: &'n mut Vec<Text>,
    /// Lines on hosts that do not count.
    elsewhere: usize,
}

impl Typist<'_, '_> {
    /// Types a piece; whether it was the last that is read.
    fn type_line(&mut self, line: &Line, go_on: &mut dyn FnMut() -> bool) -> Result<bool, Trouble> {
        if let Some(node) = line.host.as_ref().and_then(|h| self.session.host_named(h))
            && node != self.session.here()
        {
            self.session.go(node);
        }
        match read(&line.text) {
            Said::Nothing => {}
            Said::Ssh(host) => {
                if let Err(why) = commands::on(&mut self.session, &host) {
                    self.note(Text::plain(format!("ssh {host}: {why}")));
                }
            }
            Said::There(host, command) => match self.session.host_named(&host) {
                Some(node) => self.shell(node, &command, go_on)?,
                None => self.note(text!("grade-ssh-no-host", host)),
            },
            Said::Copy(files, host, path) => match elsewhere::copying(&self.session, &files, &host, &path) {
                Ok((node, text)) => self.shell(node, &text, go_on)?,
                Err(why) => self.note(why),
            },
            Said::Lab(name, rest) => return self.lab(&name, &rest, go_on),
            Said::Shell(_) | Said::Unfinished => self.shell(self.session.here(), &line.text, go_on)?,
        }
        Ok(self.session.over())
    }

    fn shell(&mut self, node: NodeId, text: &str, go_on: &mut dyn FnMut() -> bool) -> Result<(), Trouble> {
        let at = self.session.now().since_zero(self.session.play().zero);
        let leaves = matches!(text.trim(), "exit" | "logout");
        if !leaves && !self.session.scenario().grading.on(node) {
            self.elsewhere += 1;
            return Ok(());
        }
        let text = text.strip_suffix('\n').unwrap_or(text);
        self.session.type_on(node, text);
        let out = self.wait(go_on)?;
        if let Some(why) = self.session.gave_up() {
            return Err(Trouble::Stopped(Text::plain(why.trim().trim_start_matches("lvsim: "))));
        }
        let status = self.session.status();
        let (run, at) = (Arc::from(text), Some(Span(at.max(0) as u64)));
        let (not_simulated, stopped) = (Vec::new(), None);
        self.typed.push(Typed { node, at, run, observe: false, status, out, not_simulated, stopped });
        Ok(())
    }

    /// What changes time or place is done; what only looks is passed over.
    fn lab(&mut self, name: &str, rest: &str, go_on: &mut dyn FnMut() -> bool) -> Result<bool, Trouble> {
        match name {
            "quit" => return Ok(true),
            "back" => {
                let n: u32 = if rest.is_empty() { 1 } else { rest.parse().unwrap_or(0) };
                for _ in 0..n.min(MAX_LINES as u32) {
                    if self.session.back().is_none() {
                        break;
                    }
                    self.look(go_on)?;
                    // What was typed and is undone has said nothing.
                    let now = self.session.now().since_zero(self.session.play().zero);
                    self.typed.retain(|t| t.at.is_some_and(|at| (at.0 as i64) < now));
                }
            }
            "run" | "at" | "step" | "on" => match commands::run(&mut self.session, name, rest) {
                Ok(Reply::Started) => {
                    self.wait(go_on)?;
                }
                Ok(_) => {}
                Err(why) => self.note(Text::plain(format!(":{name} {rest}: {why}"))),
            },
            _ if commands::COMMANDS.iter().any(|c| c.name == name) => {}
            _ => self.note(text!("lab-no-command", name)),
        }
        Ok(false)
    }

    /// Lets what was begun come to its end; what it printed.
    fn wait(&mut self, go_on: &mut dyn FnMut() -> bool) -> Result<String, Trouble> {
        let late = self.session.now() + LINE;
        let mut out = String::new();
        loop {
            // A shell has a minute's patience at a time, so that its lateness is seen.
            let moment = (self.session.now() + Span::from_secs(60)).min(self.last + Span::from_secs(1));
            let advance = self.session.advance_until(SLICE, moment);
            out.extend(self.session.output().into_iter().filter(|s| s.foreground).map(|s| s.text));
            self.look(go_on)?;
            match advance {
                Advance::Done => return Ok(out),
                Advance::Limit(what) => {
                    return Err(Trouble::Stopped(text!("grade-stopped-by", what)));
                }
                Advance::Busy if self.session.now() < late => {}
                Advance::Busy if self.session.passing() => {}
                Advance::Busy | Advance::Idle => {
                    self.note(text!("grade-ctrl-c"));
                    self.session.interrupt();
                }
            }
        }
    }

    /// Whether it may go on.
    fn look(&self, go_on: &mut dyn FnMut() -> bool) -> Result<(), Trouble> {
        if !go_on() {
            return Err(Trouble::Interrupted);
        }
        if self.session.work() > self.events.saturating_mul(2) {
            let n = self.events;
            return Err(Trouble::Stopped(text!("grade-back-and-forth", n)));
        }
        if self.session.now() > self.last {
            return Err(Trouble::Stopped(text!("grade-more-than-a-day")));
        }
        Ok(())
    }

    fn note(&mut self, note: Text) {
        if !self.notes.contains(&note) && self.notes.len() < 20 {
            self.notes.push(note);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        pieces(text).into_iter().map(|l| format!("{}{}", l.host.map_or(String::new(), |h| h + "# "), l.text)).collect()
    }

    #[test]
    fn a_transcript_keeps_what_follows_the_prompts() {
        let text = "[root@director ~]# ipvsadm -Ln\nIP Virtual Server version 1.2.1 (size=4096)\n> not typed\n\
                    [root@director ~]# for i in 1 2\n> do\n>   echo $i\n> done\n1\n2\n[root@director ~]# ssh rs1\r\n\
                    [root@rs1 tmp]#ip addr\n[root@rs1 tmp]# echo 'open\n> ^C\n[root@rs1 tmp]# \n[root@rs1 tmp]$ ls\n";
        let expected = [
            "director# ipvsadm -Ln\n",
            "director# for i in 1 2\ndo\n  echo $i\ndone\n",
            "director# ssh rs1\n",
            "rs1# ip addr\n",
            "rs1# ls\n",
        ];
        assert_eq!(texts(text), expected);
    }

    #[test]
    fn a_script_is_taken_piece_by_piece() {
        let text = "\u{feff}#!/bin/bash\r\n# why\n\ncat > f << EOF\na\nEOF\n:run 5s\nif true; then\n";
        assert_eq!(texts(text), ["cat > f << EOF\na\nEOF\n", ":run 5s\n", "if true; then\n"]);
    }

    #[test]
    fn only_prompts_are_prompts() {
        assert_eq!(prompt("[root@rs1 ~]# ls -l"), Some(("rs1", "ls -l")));
        for line in ["[ -f x ] && echo", "[root@rs1]# x", "[root@ ~]# x", "[a b@c ~]# x", "12:00:00 [root@rs1 ~]# x"] {
            assert_eq!(prompt(line), None, "{line}");
        }
    }
}
