//! `conntrack` (conntrack-tools 1.4.7): shows, counts and deletes what netfilter tracks.
//!
//! Refused by name: events (`-E`), statistics (`-S`), single connections (`-G`), making and changing them (`-I`, `-A`,
//! `-U`, `-R`), labels, SELinux, and every output but `extended`. Connections are listed from the oldest on; the kernel
//! lists them as they lie in its hash table.

mod args;
mod filter;

use super::machine::HostMachine;
use super::output::Output;
use crate::base::SimTime;
use crate::net::netfilter::conntrack::{Conn, Conntrack};
use args::{Command, Fail, Kind, Typed};

const NAME: &str = "conntrack v1.4.7 (conntrack-tools)";

/// `conntrack ARGS`.
pub fn main(m: &mut HostMachine<'_, '_>, args: &[String], out: &mut Output) -> u8 {
    let now = m.cx.now;
    run(&mut m.host.netfilter.conntrack, now, args, out)
}

fn run(table: &mut Conntrack, now: SimTime, args: &[String], out: &mut Output) -> u8 {
    match args::read(args) {
        Ok(typed) => {
            typed.notes.iter().for_each(|note| out.stderr(note));
            carry_out(table, now, &typed, out)
        }
        Err(Fail::Param(text)) => {
            out.err(&format!("{NAME}: {text}\nTry `conntrack -h' or 'conntrack --help' for more information."));
            2
        }
        Err(Fail::Other(text)) => {
            out.err(&format!("{NAME}: {text}"));
            1
        }
        Err(Fail::NotSimulated(what)) => {
            out.err(&format!("lvsim: conntrack {what} is not simulated"));
            1
        }
    }
}

fn carry_out(table: &mut Conntrack, now: SimTime, typed: &Typed, out: &mut Output) -> u8 {
    let there = typed.kind == Kind::Conntrack;
    let meant = |c: &Conn| there && typed.filter.holds(c);
    let noun = if typed.kind == Kind::Expect { "expectations" } else { "flow entries" };
    let one = |c: &Conn| {
        let family = if typed.extended { "ipv4     2 " } else { "" };
        format!("{family}{}use=1\n", c.words(now))
    };
    match typed.command {
        Command::Version => out.line(NAME),
        Command::Count => {
            let count = if typed.kind == Kind::Expect { 0 } else { table.alive_now(now).len() };
            out.line(&count.to_string());
        }
        Command::Flush if typed.kind == Kind::Expect => {
            out.err(&format!("{NAME}: expectation table has been emptied."))
        }
        Command::Flush => {
            table.forget(now, |_| true);
            out.err(&format!("{NAME}: connection tracking table has been emptied."));
        }
        Command::List => {
            let shown: Vec<&Conn> = table.alive_now(now).into_iter().filter(|c| meant(c)).collect();
            shown.iter().for_each(|c| out.out(&one(c)));
            out.err(&format!("{NAME}: {} {noun} have been shown.", shown.len()));
        }
        Command::Delete => {
            let gone = table.forget(now, meant);
            gone.iter().for_each(|c| out.out(&one(c)));
            out.err(&format!("{NAME}: {} {noun} have been deleted.", gone.len()));
            return u8::from(gone.is_empty());
        }
    }
    0
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
