//! `nstat` (iproute2 6.1): the kernel's counters by name, as differences from the last time.
//!
//! It reads /proc/net/snmp and /proc/net/netstat, and keeps what it has shown in /tmp/.nstat.u0. Left out: counters of IPv6
//! and SCTP. Refused by name: JSON (`-j`), the sampling daemon (`-d`, `-t`). A counter that lvsim does not model is told.

use super::machine::HostMachine;
use super::output::Output;
use super::ping::{Options, Word};
use super::words::fnmatch;
use crate::trace::snmp::{Source, TABLE};

/// Where root's history is.
const HISTORY: &str = "/tmp/.nstat.u0";
/// What is no counter.
const USELESS: &[&str] =
    &["IpForwarding", "IpDefaultTTL", "TcpRtoAlgorithm", "TcpRtoMin", "TcpRtoMax", "TcpMaxConn", "TcpCurrEstab"];
/// The program's `exit(-1)`.
const FAILED: u8 = 255;

/// Counters and their numbers, in order.
type Numbers = Vec<(String, u64)>;

/// What was typed.
#[derive(Default)]
struct Typed {
    zeros: bool,
    reset: bool,
    ignore: bool,
    no_output: bool,
    no_update: bool,
    patterns: Vec<String>,
}

/// `nstat ARGS`.
pub fn main(m: &mut HostMachine<'_, '_>, args: &[String], out: &mut Output) -> u8 {
    let typed = match Typed::read(args, out) {
        Ok(typed) => typed,
        Err(status) => return status,
    };
    if typed.reset {
        // There may be none.
        let _none = m.files.remove(HISTORY);
    }
    let history = if typed.ignore && typed.no_update {
        Numbers::new()
    } else {
        history(m.files.read(HISTORY).unwrap_or_default())
    };
    let kernel = kernel(&m.host.proc_net_snmp(), &m.host.proc_net_netstat());
    if !typed.no_output {
        typed.confess(out);
        let since = if typed.ignore { &[] } else { &history[..] };
        out.out(&typed.show(&kernel, since));
    }
    if !typed.no_update && m.files.write(HISTORY, &typed.remember(&kernel, &history)).is_err() {
        out.err("nstat: open history file: No such file or directory");
        return FAILED;
    }
    0
}

impl Typed {
    fn read(args: &[String], out: &mut Output) -> Result<Typed, u8> {
        let mut typed = Typed::default();
        let args: Vec<String> = args.iter().map(|a| long(a)).collect();
        let mut words = Options::new(&args);
        while let Some(word) = words.next("") {
            match word {
                Word::Plain(pattern) => typed.patterns.push(pattern),
                Word::Option('z', _) => typed.zeros = true,
                Word::Option('r', _) => typed.reset = true,
                Word::Option('a', _) => typed.ignore = true,
                Word::Option('s', _) => typed.no_update = true,
                Word::Option('n', _) => typed.no_output = true,
                // Only JSON looks different with it.
                Word::Option('p', _) => {}
                Word::Option('v' | 'V', _) => {
                    out.line("nstat utility, iproute2-6.1.0");
                    return Err(0);
                }
                Word::Option(c @ ('j' | 'd' | 't'), _) => {
                    out.err(&format!("lvsim: nstat -{c} is not simulated"));
                    return Err(1);
                }
                Word::Option(c, _) | Word::Missing(c) => {
                    if !matches!(c, 'h' | '?') {
                        out.err(&format!("nstat: invalid option -- '{c}'"));
                    }
                    out.stderr(USAGE);
                    return Err(FAILED);
                }
            }
        }
        Ok(typed)
    }

    fn wants(&self, id: &str) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|p| fits(p, id))
    }

    /// What is asked for and not modelled.
    fn confess(&self, out: &mut Output) {
        for pattern in &self.patterns {
            let mut asked = TABLE.iter().filter(|r| fits(pattern, r.id)).peekable();
            if asked.peek().is_some() && asked.all(|r| r.source == Source::NotModelled) {
                out.err(&format!("lvsim: nstat {pattern} is not simulated: it stays 0"));
            }
        }
    }

    /// What is new since `history`; everything if there is none.
    fn show(&self, kernel: &Numbers, history: &[(String, u64)]) -> String {
        let mut text = String::from("#kernel\n");
        for (id, now) in kernel {
            let before = number(history, id).unwrap_or(0);
            let more = now.saturating_sub(before);
            if (self.zeros || more > 0) && self.wants(id) {
                let overflow = if *now < before { " (overflow)" } else { "" };
                text.push_str(&format!("{}{overflow}\n", row(id, more)));
            }
        }
        text
    }

    /// The new history: what was not asked for stays as it was.
    fn remember(&self, kernel: &Numbers, history: &[(String, u64)]) -> String {
        let mut text = String::from("#kernel\n");
        for (id, now) in kernel.iter().filter(|(_, now)| self.zeros || *now > 0) {
            let kept = if self.wants(id) { None } else { number(history, id) };
            text.push_str(&format!("{}\n", row(id, kept.unwrap_or(*now))));
        }
        text
    }
}

const USAGE: &str = "\
Usage: nstat [OPTION] [ PATTERN [ PATTERN ] ]
   -h, --help          this message
   -a, --ignore        ignore history
   -d, --scan=SECS     sample every statistics every SECS
   -j, --json          format output in JSON
   -n, --nooutput      do history only
   -p, --pretty        pretty print
   -r, --reset         reset history
   -s, --noupdate      don't update history
   -t, --interval=SECS report average over the last SECS
   -V, --version       output version information
   -z, --zeros         show entries with zero activity
";

/// A long option as its letter.
fn long(arg: &str) -> String {
    const LONG: &[(&str, &str)] = &[
        ("help", "-h"),
        ("ignore", "-a"),
        ("scan", "-d"),
        ("nooutput", "-n"),
        ("json", "-j"),
        ("reset", "-r"),
        ("noupdate", "-s"),
        ("pretty", "-p"),
        ("interval", "-t"),
        ("version", "-V"),
        ("zeros", "-z"),
    ];
    let Some(name) = arg.strip_prefix("--").filter(|n| !n.is_empty()) else { return arg.to_string() };
    let name = name.split('=').next().unwrap_or(name);
    LONG.iter().find(|(l, _)| l.starts_with(name)).map_or("-?".to_string(), |(_, short)| (*short).to_string())
}

fn fits(pattern: &str, id: &str) -> bool {
    fnmatch(&pattern.to_lowercase(), &id.to_lowercase())
}

fn row(id: &str, n: u64) -> String {
    format!("{id:<32}{n:<16}   0.0")
}

fn number(numbers: &[(String, u64)], id: &str) -> Option<u64> {
    numbers.iter().find(|(name, _)| name == id).map(|(_, n)| *n)
}

/// The kernel's files: a line of names, and one of numbers.
fn kernel(snmp: &str, netstat: &str) -> Numbers {
    let lines: Vec<&str> = snmp.lines().chain(netstat.lines()).collect();
    let mut all = Numbers::new();
    for pair in lines.chunks_exact(2) {
        let [names, numbers] = pair else { continue };
        let (group, names) = names.split_once(": ").unwrap_or((names, ""));
        let numbers = numbers.split(' ').skip(1);
        for (name, n) in names.split(' ').zip(numbers) {
            let id = format!("{group}{name}");
            if !USELESS.contains(&id.as_str()) {
                all.push((id, n.parse().unwrap_or(0)));
            }
        }
    }
    all
}

/// The program's own file.
fn history(text: &str) -> Numbers {
    let rows = text.lines().filter(|l| !l.starts_with('#'));
    rows.filter_map(|l| {
        let mut words = l.split_whitespace();
        Some((words.next()?.to_string(), words.next()?.parse().ok()?))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SNMP: &str = "Ip: Forwarding InReceives OutRequests\nIp: 1 7 0\nTcp: MaxConn InSegs\nTcp: -1 4\n";
    const NETSTAT: &str = "TcpExt: TW\nTcpExt: 2\n";

    fn typed(line: &str) -> Typed {
        let args: Vec<String> = line.split_whitespace().map(str::to_string).collect();
        let mut out = Output::new();
        match Typed::read(&args, &mut out) {
            Ok(typed) => typed,
            Err(_) => panic!("{}", out.text()),
        }
    }

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(|l| l.split_whitespace().take(2).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn settings_are_no_counters_and_zeros_are_shown_when_asked_for() {
        let all = kernel(SNMP, NETSTAT);
        assert_eq!(lines(&typed("-a").show(&all, &[])), ["#kernel", "IpInReceives 7", "TcpInSegs 4", "TcpExtTW 2"]);
        assert_eq!(lines(&typed("-az Ip*").show(&all, &[])), ["#kernel", "IpInReceives 7", "IpOutRequests 0"]);
        assert_eq!(lines(&typed("tcpextTW").show(&all, &[])), ["#kernel", "TcpExtTW 2"]);
        assert_eq!(row("IpInReceives", 7), "IpInReceives                    7                  0.0");
    }

    #[test]
    fn the_second_time_only_what_is_new_is_shown_and_what_was_not_asked_for_stays() {
        let all = kernel(SNMP, NETSTAT);
        let first = history(&typed("").remember(&all, &[]));
        let later = kernel(&SNMP.replace("1 7 0", "1 9 0").replace("-1 4", "-1 6"), NETSTAT);
        assert_eq!(lines(&typed("").show(&later, &first)), ["#kernel", "IpInReceives 2", "TcpInSegs 2"]);
        let second = history(&typed("Tcp*").remember(&later, &first));
        assert_eq!(lines(&typed("").show(&later, &second)), ["#kernel", "IpInReceives 2"]);
    }

    #[test]
    fn a_counter_that_is_not_modelled_is_told() {
        let mut out = Output::new();
        typed("-az TcpExtLockDroppedIcmps TcpExtTW *").confess(&mut out);
        assert_eq!(out.text(), "lvsim: nstat TcpExtLockDroppedIcmps is not simulated: it stays 0\n");
    }

    #[test]
    fn what_is_not_simulated_is_refused() {
        for (line, status) in [("-j", 1), ("-d 5", 1), ("-x", FAILED), ("--scan=5", 1), ("--wrong", FAILED)] {
            let args: Vec<String> = line.split_whitespace().map(str::to_string).collect();
            assert_eq!(Typed::read(&args, &mut Output::new()).err(), Some(status), "{line}");
        }
    }
}
