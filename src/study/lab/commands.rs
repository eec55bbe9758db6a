//! What a lab understands beside shells: words that begin with a colon. One command, one row.

use super::reports;
use super::save;
use super::session::{Act, Session, What};
use crate::base::Span;
use crate::base::time::seconds;
use std::fmt::Write as _;

/// A command of the lab.
#[derive(Clone, Copy, Debug)]
pub struct CommandRow {
    /// Its name, without the colon.
    pub name: &'static str,
    /// What follows it.
    pub args: &'static str,
    /// What it does, in a few words.
    pub about: &'static str,
    /// Does it.
    pub run: fn(&mut Session<'_>, &str) -> Result<Reply, String>,
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
    CommandRow { name: "at", args: "TIME", about: "go to this moment, back or forth", run: at },
    CommandRow {
        name: "back",
        args: "[N]",
        about: "undo the last command, frame or time that passed, or the last N",
        run: back,
    },
    CommandRow { name: "diff", args: "", about: "what the last command changed", run: |s, _| reports::diff(s) },
    CommandRow {
        name: "frames",
        args: "[FILTER]",
        about: "frames since the last command began, as tcpdump prints them",
        run: reports::frames,
    },
    CommandRow { name: "help", args: "", about: "this list", run: |_, _| Ok(Reply::Text(help())) },
    CommandRow {
        name: "hosts",
        args: "",
        about: "the hosts and their addresses",
        run: |s, _| Ok(Reply::Text(hosts(s))),
    },
    CommandRow {
        name: "judge",
        args: "",
        about: "whether what the scenario expects is so by now",
        run: |s, _| Ok(Reply::Text(judge(s))),
    },
    CommandRow {
        name: "ladder",
        args: "[NAME:N]",
        about: "frames between hosts as a sequence chart, of one connection or all",
        run: reports::ladder,
    },
    CommandRow { name: "log", args: "", about: "what was done so far", run: |s, _| Ok(Reply::Text(log(s))) },
    CommandRow { name: "on", args: "HOST", about: "go to another host, as ssh does", run: on },
    CommandRow { name: "quit", args: "", about: "leave the lab", run: |_, _| Ok(Reply::Quit) },
    CommandRow { name: "run", args: "TIME", about: "let time pass", run: run_for },
    CommandRow { name: "save", args: "FILE", about: "write the session as a scenario that replays", run: save::save },
    CommandRow {
        name: "show",
        args: "TABLE [NODE]",
        about: "a table of a node: addr, arp, conn, ipvs, mac, receipts, route, sysctl [--effective NAME…]",
        run: reports::show,
    },
    CommandRow { name: "step", args: "", about: "let one frame be sent or received", run: step },
    CommandRow { name: "time", args: "", about: "the time since t = 0", run: |s, _| Ok(Reply::Text(clock(s) + "\n")) },
    CommandRow {
        name: "why",
        args: "[NAME:N | who-has ADDRESS]",
        about: "what is wrong, or why a connection or an answer is as it is",
        run: reports::why,
    },
];

/// Does what a line after a colon says.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn run(session: &mut Session<'_>, name: &str, rest: &str) -> Result<Reply, String> {
    match COMMANDS.iter().find(|c| c.name == name) {
        Some(row) => (row.run)(session, rest),
        None => {
            let names: Vec<String> = COMMANDS.iter().map(|c| format!(":{}", c.name)).collect();
            Err(format!("the lab has no command `:{name}`; there are {}", names.join(", ")))
        }
    }
}

/// Goes to another host.
///
/// # Errors
/// If there is none of this name or address.
pub fn on(session: &mut Session<'_>, word: &str) -> Result<Reply, String> {
    let Some(node) = session.host_named(word) else {
        let names: Vec<&str> =
            session.scenario().nodes.iter().filter(|n| n.kind.is_host()).map(|n| n.name.as_str()).collect();
        return Err(format!("no host `{word}`; there are {}", names.join(", ")));
    };
    session.go(node);
    Ok(Reply::Text(String::new()))
}

fn time(text: &str) -> Result<Span, String> {
    if text.is_empty() {
        return Err("say how long, such as `5s` or `200ms`".into());
    }
    Span::parse(text)
}

fn run_for(session: &mut Session<'_>, rest: &str) -> Result<Reply, String> {
    let until = session.now() + time(rest)?;
    session.pass_until(until);
    Ok(Reply::Started)
}

fn step(session: &mut Session<'_>, _: &str) -> Result<Reply, String> {
    session.step();
    Ok(Reply::Started)
}

fn at(session: &mut Session<'_>, rest: &str) -> Result<Reply, String> {
    let moment = session.play().zero + time(rest)?;
    if moment >= session.now() {
        session.pass_until(moment);
        return Ok(Reply::Started);
    }
    let undone = session.back_to(moment);
    let mut out = String::new();
    for act in &undone {
        let _ = writeln!(out, "undone: {}", said(session, act));
    }
    session.advance(u64::MAX);
    Ok(Reply::Text(out + &clock(session) + "\n"))
}

fn back(session: &mut Session<'_>, rest: &str) -> Result<Reply, String> {
    let n: u32 = match rest {
        "" => 1,
        n => n.parse().map_err(|_| format!("`{n}` is no number"))?,
    };
    let mut out = String::new();
    for _ in 0..n {
        match session.back() {
            Some(act) => {
                let _ = writeln!(out, "undone: {}", said(session, &act));
            }
            None => {
                out.push_str("nothing is left to undo\n");
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
fn said(session: &Session<'_>, act: &Act) -> String {
    let name = |node| session.scenario().node_name(node);
    let at = seconds(act.at.since_zero(session.play().zero));
    let what = match &act.what {
        What::Type { node, text } => format!("{}: {}", name(*node), text.lines().next().unwrap_or("")),
        What::Pass { .. } => format!("{} passed", act.end.since(act.at)),
        What::Step => "a frame".to_string(),
        What::Go(node) => format!("went to {}", name(*node)),
        What::Leave => "left".to_string(),
    };
    let more = if act.interrupted { " (ended by Ctrl-C)" } else { "" };
    format!("{} s  {what}{more}", shorter(&at))
}

fn log(session: &Session<'_>) -> String {
    session.acts().iter().map(|act| said(session, act) + "\n").collect()
}

fn hosts(session: &Session<'_>) -> String {
    let mut grid = crate::report::tables::Grid::new(&["host", "kind", "addresses"]);
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
        return "the scenario expects nothing\n".to_string();
    }
    let mut out = String::new();
    for j in judged {
        let _ = match j.holds {
            true => writeln!(out, "✓ {}", j.text),
            false => writeln!(out, "✗ {}: {}", j.text, j.found),
        };
    }
    out
}

fn help() -> String {
    let mut out = String::from(
        "What you type runs on the host of the prompt, as on a real one. Time stands still until a command needs it.\n\
         ssh HOST goes to another host, exit comes back, Ctrl-C ends what runs.\n\n",
    );
    for row in COMMANDS {
        let head = format!(":{} {}", row.name, row.args);
        let _ = writeln!(out, "{:<33} {}", head.trim_end(), row.about);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_sorted_and_in_the_help() {
        assert!(COMMANDS.windows(2).all(|w| w[0].name < w[1].name));
        let help = help();
        assert!(COMMANDS.iter().all(|c| help.contains(&format!(":{}", c.name)) && help.contains(c.about)));
    }

    #[test]
    fn seconds_are_as_short_as_they_can_be() {
        assert_eq!([shorter("1.500000"), shorter("2.000"), shorter("10")], ["1.5", "2", "10"]);
    }
}
