//! What a lab understands beside shells: words that begin with a colon. One command, one row.

use super::reports;
use super::save;
use super::session::{Act, Session, What};
use crate::base::Span;
use crate::base::time::seconds;
use crate::lang::{Join, Lang, Text};
use crate::text;
use std::fmt::Write as _;

/// A command of the lab.
#[derive(Clone, Copy, Debug)]
pub struct CommandRow {
    /// Its name, without the colon.
    pub name: &'static str,
    /// What follows it.
    pub args: &'static str,
    /// Does it.
    pub run: fn(&mut Session<'_>, &str) -> Result<Reply, Text>,
}

impl CommandRow {
    /// What it does, in a few words.
    pub fn about(&self) -> Text {
        Text::row("lab-command", self.name, None)
    }
}

/// What a command answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A text to print, perhaps none.
    Text(String),
    /// Time is to pass: [`Session::advance`], then [`told`].
    Started,
    /// A file to write, and what is said when it is written.
    Save {
        /// Its name.
        file: String,
        /// What is in it.
        text: String,
        /// To be said.
        note: String,
    },
    /// The lab is over.
    Quit,
}

/// Every command, by name.
pub const COMMANDS: &[CommandRow] = &[
    CommandRow { name: "at", args: "TIME", run: at },
    CommandRow { name: "back", args: "[N]", run: back },
    CommandRow { name: "diff", args: "", run: |s, _| reports::diff(s) },
    CommandRow { name: "frames", args: "[FILTER]", run: reports::frames },
    CommandRow { name: "help", args: "", run: |s, _| Ok(Reply::Text(help(s.lang))) },
    CommandRow { name: "hosts", args: "", run: |s, _| Ok(Reply::Text(hosts(s))) },
    CommandRow { name: "judge", args: "", run: |s, _| Ok(Reply::Text(judge(s))) },
    CommandRow { name: "ladder", args: "[NAME:N]", run: reports::ladder },
    CommandRow { name: "log", args: "", run: |s, _| Ok(Reply::Text(log(s))) },
    CommandRow { name: "on", args: "HOST", run: on },
    CommandRow { name: "quit", args: "", run: |_, _| Ok(Reply::Quit) },
    CommandRow { name: "run", args: "TIME", run: run_for },
    CommandRow { name: "save", args: "FILE", run: save::save },
    CommandRow { name: "show", args: "TABLE [NODE]", run: reports::show },
    CommandRow { name: "step", args: "", run: step },
    CommandRow { name: "time", args: "", run: |s, _| Ok(Reply::Text(clock(s) + "\n")) },
    CommandRow { name: "why", args: "[NAME:N | who-has ADDRESS]", run: reports::why },
];

/// Does what a line after a colon says.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn run(session: &mut Session<'_>, name: &str, rest: &str) -> Result<Reply, Text> {
    match COMMANDS.iter().find(|c| c.name == name) {
        Some(row) => (row.run)(session, rest),
        None => {
            let names: Vec<String> = COMMANDS.iter().map(|c| format!(":{}", c.name)).collect();
            Err(text!("lab-no-command-there-are", name, names = names.join(", ")))
        }
    }
}

/// Goes to another host.
///
/// # Errors
/// If there is none of this name or address.
pub fn on(session: &mut Session<'_>, word: &str) -> Result<Reply, Text> {
    let Some(node) = session.host_named(word) else {
        let names: Vec<&str> =
            session.scenario().nodes.iter().filter(|n| n.kind.is_host()).map(|n| n.name.as_str()).collect();
        return Err(text!("lab-no-host", word, names = names.join(", ")));
    };
    session.go(node);
    Ok(Reply::Text(String::new()))
}

fn time(text: &str) -> Result<Span, Text> {
    if text.is_empty() {
        return Err(text!("lab-how-long"));
    }
    Span::parse(text).map_err(Text::plain)
}

fn run_for(session: &mut Session<'_>, rest: &str) -> Result<Reply, Text> {
    let until = session.now() + time(rest)?;
    session.pass_until(until);
    Ok(Reply::Started)
}

fn step(session: &mut Session<'_>, _: &str) -> Result<Reply, Text> {
    session.step();
    Ok(Reply::Started)
}

fn at(session: &mut Session<'_>, rest: &str) -> Result<Reply, Text> {
    let moment = session.play().zero + time(rest)?;
    if moment >= session.now() {
        session.pass_until(moment);
        return Ok(Reply::Started);
    }
    let undone = session.back_to(moment);
    let mut out = String::new();
    for act in &undone {
        let undone = text!("lab-undone", act = said(session, act));
        let _ = writeln!(out, "{}", session.say(&undone));
    }
    session.advance(u64::MAX);
    Ok(Reply::Text(out + &clock(session) + "\n"))
}

fn back(session: &mut Session<'_>, rest: &str) -> Result<Reply, Text> {
    let n: u32 = match rest {
        "" => 1,
        n => n.parse().map_err(|_| text!("lab-no-number", n))?,
    };
    let mut out = String::new();
    for _ in 0..n {
        match session.back() {
            Some(act) => {
                let undone = text!("lab-undone", act = said(session, &act));
                let _ = writeln!(out, "{}", session.say(&undone));
            }
            None => {
                let _ = writeln!(out, "{}", session.say(&text!("lab-nothing-left")));
                break;
            }
        }
    }
    Ok(Reply::Text(out + &clock(session) + "\n"))
}

/// What is said when time has passed by `:run`, `:at` or `:step`; nothing for other acts.
pub fn told(session: &mut Session<'_>) -> String {
    match session.acts().last().map(|a| a.what.clone()) {
        Some(What::Pass { .. }) => reports::passed(session),
        Some(What::Step) => reports::stepped(session),
        _ => String::new(),
    }
}

/// `t = 1.250000000 s`
pub fn clock(session: &Session<'_>) -> String {
    let text = seconds(session.now().since_zero(session.play().zero));
    format!("t = {} s", shorter(&text))
}

/// Without zeros that say nothing.
fn shorter(seconds: &str) -> &str {
    match seconds.contains('.') {
        true => seconds.trim_end_matches('0').trim_end_matches('.'),
        false => seconds,
    }
}

/// An act in a line.
fn said(session: &Session<'_>, act: &Act) -> Text {
    let name = |node| session.scenario().node_name(node);
    let at = seconds(act.at.since_zero(session.play().zero));
    let what = match &act.what {
        What::Type { node, text } => Text::plain(format!("{}: {}", name(*node), text.lines().next().unwrap_or(""))),
        What::Pass { .. } => text!("lab-passed", span = act.end.since(act.at).to_string()),
        What::Step => text!("lab-a-frame"),
        What::Go(node) => text!("lab-went-to", host = name(*node)),
        What::Leave => text!("lab-left"),
    };
    let more = if act.interrupted { text!("lab-ended") } else { Text::none() };
    Text::list([Text::plain(format!("{} s  ", shorter(&at))), what, more], Join::Nothing)
}

fn log(session: &Session<'_>) -> String {
    session.acts().iter().map(|act| session.say(&said(session, act)) + "\n").collect()
}

fn hosts(session: &Session<'_>) -> String {
    let heads = [text!("lab-head-host"), text!("lab-head-kind"), text!("lab-head-addresses")];
    let [host, kind, addresses] = heads.map(|head| session.say(&head));
    let mut grid = crate::report::tables::Grid::new(&[&host, &kind, &addresses]);
    for (node, spec) in session.play().world.nodes.iter().zip(&session.scenario().nodes) {
        let Some(host) = node.host() else { continue };
        let addrs: Vec<String> = host
            .net
            .devs
            .iter()
            .flat_map(|d| d.addrs.iter().map(move |a| format!("{} {}/{}", d.name, a.local, a.prefix)))
            .filter(|a| a != "lo 127.0.0.1/8")
            .collect();
        grid.row([spec.name.as_str().into(), spec.kind.word().into(), addrs.join(", ").into()]);
    }
    grid.print(crate::report::tables::Format::Human)
}

fn judge(session: &Session<'_>) -> String {
    let judged = session.play().judge(session.seed());
    if judged.is_empty() {
        return session.say(&text!("lab-expects-nothing")) + "\n";
    }
    let mut out = String::new();
    for j in judged {
        let _ = match j.holds {
            true => writeln!(out, "✓ {}", j.text),
            false => {
                let told = text!("lab-not-so", expected = j.text, found = j.found);
                writeln!(out, "✗ {}", session.say(&told))
            }
        };
    }
    out
}

fn help(lang: Lang) -> String {
    let mut out = [text!("lab-help"), text!("lab-help-hosts")].map(|line| line.say(lang) + "\n").concat() + "\n";
    for row in COMMANDS {
        let head = format!(":{} {}", row.name, row.args);
        let _ = writeln!(out, "{:<33} {}", head.trim_end(), row.about().say(lang));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_sorted_and_in_the_help() {
        assert!(COMMANDS.windows(2).all(|w| w[0].name < w[1].name));
        let help = help(Lang::En);
        assert!(
            COMMANDS.iter().all(|c| help.contains(&format!(":{}", c.name)) && help.contains(&c.about().to_string()))
        );
    }

    #[test]
    fn seconds_are_as_short_as_they_can_be() {
        assert_eq!([shorter("1.500000"), shorter("2.000"), shorter("10")], ["1.5", "2", "10"]);
    }
}
