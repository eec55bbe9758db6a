//! `dmesg` (util-linux 2.38): the kernel's log.
//!
//! Refused by name: following (`-w`, `-W`), the console (`-D`, `-E`, `-n`), other files (`-F`), colours that are asked for,
//! JSON, and the layouts of `-H` and `-e`.

use super::bash::Machine;
use super::machine::HostMachine;
use super::output::Output;
use super::ping::{Options, Word};
use super::text::date;
use crate::net::klog::{Level, Line};
use std::fmt::Write;

/// Names of the levels, by number.
const LEVELS: [&str; 8] = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];
/// Names of the facilities, by number.
const FACILITIES: [&str; 12] =
    ["kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"];

/// Long options and their letters.
const LONG: &[(&str, char)] = &[
    ("buffer-size", 's'),
    ("clear", 'C'),
    ("color", 'L'),
    ("console-level", 'n'),
    ("console-off", 'D'),
    ("console-on", 'E'),
    ("ctime", 'T'),
    ("decode", 'x'),
    ("facility", 'f'),
    ("file", 'F'),
    ("follow", 'w'),
    ("follow-new", 'W'),
    ("force-prefix", 'p'),
    ("human", 'H'),
    ("json", 'J'),
    ("kernel", 'k'),
    ("level", 'l'),
    ("nopager", 'P'),
    ("notime", 't'),
    ("raw", 'r'),
    ("read-clear", 'c'),
    ("reltime", 'e'),
    ("show-delta", 'd'),
    ("syslog", 'S'),
    ("userspace", 'u'),
    ("version", 'V'),
];

/// Options that do not go together: as they are told, and their letters.
const EXCLUSIVE: &[(&str, &str)] = &[
    ("--clear --console-off --console-on --read-clear --console-level --raw", "CDEcnr"),
    ("--raw --notime", "rt"),
    ("--ctime --raw", "Tr"),
    ("--raw --decode", "rx"),
];

#[derive(Default)]
struct Typed {
    said: String,
    /// Bits of levels; none: all.
    levels: Option<u8>,
    /// Whether `kern` is among the facilities.
    kern: bool,
}

impl Typed {
    fn has(&self, letter: char) -> bool {
        self.said.contains(letter)
    }
}

/// `dmesg ARGS`.
pub fn main(m: &mut HostMachine<'_, '_>, args: &[String], out: &mut Output) -> u8 {
    let typed = match read(args, out) {
        Ok(typed) => typed,
        Err(status) => return status,
    };
    if !typed.has('C') {
        let boot = m.unix_time().0 - (m.cx.now.0 / 1_000_000_000) as i64;
        let mut last = None;
        let shown = m.host.klog.lines().filter(|l| typed.kern && typed.levels.is_none_or(|b| b & 1 << l.level.0 != 0));
        let text: String = shown.map(|line| one(line, &typed, boot, &mut last)).collect();
        out.out(&text);
    }
    if typed.has('C') || typed.has('c') {
        m.host.klog.clear();
    }
    0
}

fn read(args: &[String], out: &mut Output) -> Result<Typed, u8> {
    let mut typed = Typed { kern: true, ..Typed::default() };
    for mode in args.iter().filter_map(|a| a.strip_prefix("--color=")) {
        match mode {
            "auto" | "never" => {}
            "always" => return Err(refused("--color=always", out)),
            _ => return Err(failed(&format!("unsupported color mode: '{mode}'"), out)),
        }
    }
    let args: Vec<String> = args.iter().map(|a| short(a)).collect();
    let mut words = Options::new(&args);
    while let Some(word) = words.next("Ffnls") {
        match word {
            Word::Plain(_) => return Err(misused("bad usage", out)),
            Word::Missing(c) => return Err(misused(&format!("option requires an argument -- '{c}'"), out)),
            Word::Option('-', _) => return Err(unknown_long(&args, out)),
            Word::Option('V', _) => {
                out.line("dmesg from util-linux 2.38.1");
                return Err(0);
            }
            Word::Option('l', list) => typed.levels = Some(bits(&list, &LEVELS, "level", out)? as u8),
            Word::Option('f', list) => typed.kern = bits(&list, &FACILITIES, "facility", out)? & 1 != 0,
            Word::Option('u', _) => typed.kern = false,
            Word::Option(c @ ('F' | 'n' | 'D' | 'E' | 'H' | 'J' | 'w' | 'W' | 'e'), _) => {
                return Err(refused(&format!("-{c}"), out));
            }
            // Not to a terminal, there are no colours.
            Word::Option('L', _) => {}
            Word::Option('s', size) if !size.starts_with(|c: char| c.is_ascii_digit()) => {
                return Err(failed(&format!("invalid buffer size argument: '{size}'"), out));
            }
            // Whatever the log is read by, it is the same; there is no pager.
            Word::Option(c @ ('C' | 'c' | 'T' | 't' | 'd' | 'k' | 'r' | 'x' | 'P' | 'p' | 'S' | 's'), _) => {
                typed.said.push(c);
            }
            Word::Option(c, _) => return Err(misused(&format!("invalid option -- '{c}'"), out)),
        }
    }
    for (options, letters) in EXCLUSIVE {
        if letters.chars().filter(|c| typed.has(*c)).count() > 1 {
            return Err(failed(&format!("mutually exclusive arguments: {options}"), out));
        }
    }
    Ok(typed)
}

/// A long option as the short one that it stands for.
fn short(arg: &str) -> String {
    let Some(long) = arg.strip_prefix("--").filter(|l| !l.is_empty()) else { return arg.to_string() };
    let (name, value) = long.split_once('=').unwrap_or((long, ""));
    let mut hits = LONG.iter().filter(|(full, _)| full.starts_with(name));
    let exact = LONG.iter().find(|(full, _)| *full == name);
    match (exact.or(hits.next()), hits.next()) {
        (Some((full, letter)), None) => format!("-{letter}{}", if *full == "color" { "" } else { value }),
        (Some((_, letter)), Some(_)) if exact.is_some() => format!("-{letter}{value}"),
        _ => arg.to_string(),
    }
}

fn unknown_long(args: &[String], out: &mut Output) -> u8 {
    let word = args.iter().find(|a| a.starts_with("--") && a.len() > 2).map_or("", String::as_str);
    let name = word.split('=').next().unwrap_or(word);
    if matches!(name, "--time-format" | "--since" | "--until" | "--help" | "--noescape") {
        return refused(name, out);
    }
    misused(&format!("unrecognized option '{word}'"), out)
}

fn misused(what: &str, out: &mut Output) -> u8 {
    out.err(&format!("dmesg: {what}\nTry 'dmesg --help' for more information."));
    1
}

fn failed(what: &str, out: &mut Output) -> u8 {
    out.err(&format!("dmesg: {what}"));
    1
}

fn refused(what: &str, out: &mut Output) -> u8 {
    out.err(&format!("lvsim: dmesg {what} is not simulated"));
    1
}

fn bits(list: &str, names: &[&str], what: &str, out: &mut Output) -> Result<u16, u8> {
    list.split(',').try_fold(0, |bits, word| {
        let number = || word.parse::<usize>().ok().filter(|n| *n < names.len());
        match names.iter().position(|n| *n == word).or_else(number) {
            Some(at) => Ok(bits | 1 << at),
            None => Err(failed(&format!("unknown {what} '{word}'"), out)),
        }
    })
}

/// A line as it is shown; `boot` is when the host was booted, `last` when the line before was written.
fn one(line: &Line, typed: &Typed, boot: i64, last: &mut Option<u64>) -> String {
    let Level(level) = line.level;
    let micros = line.at.0 / 1000;
    let (secs, rest) = (micros / 1_000_000, micros % 1_000_000);
    let mut out = String::new();
    if typed.has('r') {
        let _ = writeln!(out, "<{level}>[{secs:5}.{rest:06}] {}", line.text);
        return out;
    }
    if typed.has('x') {
        let _ = write!(out, "kern  :{:<6}: ", LEVELS[usize::from(level & 7)]);
    }
    let since = micros - last.unwrap_or(micros);
    *last = Some(micros);
    let delta = format!("<{:>5}.{:06}>", since / 1_000_000, since % 1_000_000);
    let wall = || date::format("%a %b %e %H:%M:%S %Y", boot + secs as i64, 0);
    let time = match (typed.has('t'), typed.has('T'), typed.has('d')) {
        (true, ..) => String::new(),
        (_, true, true) => format!("[{} {delta:>12}] ", wall()),
        (_, true, false) => format!("[{}] ", wall()),
        (_, _, true) => format!("[{secs:5}.{rest:06} {delta:>12}] "),
        _ => format!("[{secs:5}.{rest:06}] "),
    };
    let _ = writeln!(out, "{time}{}", line.text);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SimTime;

    fn shown(args: &str, at: u64) -> String {
        let args: Vec<String> = args.split_whitespace().map(str::to_string).collect();
        let typed = read(&args, &mut Output::new()).expect("an option that is simulated");
        let line = Line { at: SimTime(at), level: Level::WARNING, text: "martian".into() };
        one(&line, &typed, 1_704_067_200, &mut Some(5_000_000))
    }

    #[test]
    fn a_line_has_its_time_since_the_boot_or_by_the_clock_or_none() {
        let at = 5_123_456_789;
        assert_eq!(shown("", at), "[    5.123456] martian\n");
        assert_eq!(shown("-T", at), "[Mon Jan  1 00:00:05 2024] martian\n");
        assert_eq!(shown("--notime", at), "martian\n");
        assert_eq!(shown("-r", at), "<4>[    5.123456] martian\n");
        assert_eq!(shown("-x", at), "kern  :warn  : [    5.123456] martian\n");
        assert_eq!(shown("-d", at), "[    5.123456 <    0.123456>] martian\n");
    }

    #[test]
    fn what_cannot_be_done_is_told() {
        for (args, text) in [
            ("-H", "lvsim: dmesg -H is not simulated\n"),
            ("--follow", "lvsim: dmesg -w is not simulated\n"),
            ("-Z", "dmesg: invalid option -- 'Z'\nTry 'dmesg --help' for more information.\n"),
            ("-l foo", "dmesg: unknown level 'foo'\n"),
            ("-s foo", "dmesg: invalid buffer size argument: 'foo'\n"),
            ("--color=foo", "dmesg: unsupported color mode: 'foo'\n"),
            ("--color=always", "lvsim: dmesg --color=always is not simulated\n"),
            ("-r -t", "dmesg: mutually exclusive arguments: --raw --notime\n"),
            ("foo", "dmesg: bad usage\nTry 'dmesg --help' for more information.\n"),
            ("--since now", "lvsim: dmesg --since is not simulated\n"),
        ] {
            let args: Vec<String> = args.split_whitespace().map(str::to_string).collect();
            let mut out = Output::new();
            assert_eq!(read(&args, &mut out).err(), Some(1), "{args:?}");
            assert_eq!(out.text(), text);
        }
    }
}
