//! `netstat` (net-tools 2.10): routes (`-r`), devices (`-i`), counters (`-s`), sockets (`-t`, `-u` with `-n`).
//!
//! Left out, refused by name: timers (`-o`), UNIX and raw sockets, names of ports. The kernel lists
//! sockets in the order of a hash with a random seed; here listeners come first, then connections by age of their place.

use super::output::Output;
use super::{ifconfig, route, statistics};
use crate::net::Inet;
use crate::net::sock::SockInfo;
use crate::node::Host;
use crate::wire::Proto;
use std::net::Ipv4Addr;

/// `netstat ARGS`: tables of the network, or sockets of the host's stacks.
pub fn main(host: &mut Host, args: &[String], out: &mut Output) -> u8 {
    if let Some(status) = tables(&host.net, args, out) {
        return status;
    }
    if let Some(groups) = statistics::Groups::wanted(args) {
        groups.print(host, out);
        return 0;
    }
    let all = host.tcp.sockets().into_iter().chain(host.udp.sockets());
    if let Some(wanted) = Sockets::wanted(args) {
        wanted.print(all, out);
        return 0;
    }
    out.err("lvsim: netstat is simulated with -r, -i, -s (-t -u -w), and for sockets with -n and -t or -u (-a -l -p)");
    1
}

/// Which sockets are asked for.
#[derive(Default)]
struct Sockets {
    tcp: bool,
    udp: bool,
    /// `-a`: those that listen as well.
    all: bool,
    /// `-l`: only those that listen.
    listening: bool,
    /// `-p`: a column for the program.
    programs: bool,
}

impl Sockets {
    /// Reads `-nat`, `-ltn`, `--tcp --numeric` and the like. `None` for what is not simulated.
    fn wanted(args: &[String]) -> Option<Sockets> {
        let (mut wanted, mut numeric) = (Sockets::default(), false);
        let mut letter = |c: char| {
            match c {
                't' => wanted.tcp = true,
                'u' => wanted.udp = true,
                'a' => wanted.all = true,
                'l' => wanted.listening = true,
                'p' => wanted.programs = true,
                'n' => numeric = true,
                '4' => {}
                _ => return false,
            }
            true
        };
        for arg in args {
            let known = match arg.as_str() {
                "--tcp" => letter('t'),
                "--udp" => letter('u'),
                "--all" => letter('a'),
                "--listening" => letter('l'),
                "--programs" | "--program" => letter('p'),
                "--numeric" => letter('n'),
                "--inet" => letter('4'),
                a if a.len() > 1 && a.starts_with('-') && !a.starts_with("--") => a[1..].chars().all(&mut letter),
                _ => false,
            };
            if !known {
                return None;
            }
        }
        (numeric && (wanted.tcp || wanted.udp)).then_some(wanted)
    }

    fn shows(&self, sock: &SockInfo) -> bool {
        let proto = if sock.proto == Proto::Tcp { self.tcp } else { self.udp };
        let listens = matches!(sock.state, "LISTEN" | "");
        proto && (self.all || self.listening == listens)
    }

    fn print(&self, all: impl Iterator<Item = SockInfo>, out: &mut Output) {
        let which = match (self.all, self.listening) {
            (true, _) => "servers and established",
            (_, true) => "only servers",
            _ => "w/o servers",
        };
        if self.programs {
            out.err("lvsim: processes are not simulated: -p names none");
        }
        let program = |text: &str| if self.programs { format!("{text:<20}") } else { String::new() };
        out.line(&format!("Active Internet connections ({which})"));
        out.line(&format!(
            "Proto Recv-Q Send-Q {:<23} {:<23} {:<11} {}",
            "Local Address",
            "Foreign Address",
            "State",
            program("PID/Program name")
        ));
        for sock in all.filter(|s| self.shows(s)) {
            // The kernel keeps a listener's backlog to itself: /proc/net/tcp shows 0 (net/ipv4/tcp_ipv4.c, get_tcp4_sock).
            let unsent = if sock.state == "LISTEN" { 0 } else { sock.send_q };
            out.line(&format!(
                "{:<4}  {:>6} {unsent:>6} {:<23} {:<23} {:<11} {}",
                if sock.proto == Proto::Tcp { "tcp" } else { "udp" },
                sock.recv_q,
                end(sock.local),
                end(sock.remote),
                sock.state,
                program("-")
            ));
        }
    }
}

/// An end of a socket; `*` for any port.
fn end((addr, port): (Ipv4Addr, u16)) -> String {
    if port == 0 { format!("{addr}:*") } else { format!("{addr}:{port}") }
}

/// `netstat -r`, `-rn`, `-nr`, `-i`, `-ia`, `-rne` and the like. `None` if the options ask for something else.
pub fn tables(net: &Inet, args: &[String], out: &mut Output) -> Option<u8> {
    let mut letters = String::new();
    for arg in args {
        match arg.as_str() {
            "--route" => letters.push('r'),
            "--interfaces" => letters.push('i'),
            "--numeric" => letters.push('n'),
            "--all" => letters.push('a'),
            "--extend" => letters.push('e'),
            a if a.starts_with('-') && !a.starts_with("--") => letters.push_str(&a[1..]),
            _ => return None,
        }
    }
    if !letters.chars().all(|c| "rinaeveW4".contains(c)) {
        return None;
    }
    match (letters.contains('r'), letters.contains('i')) {
        (true, false) => {
            let form = match letters.matches('e').count() {
                0 => 2,
                1 => 1,
                _ => 3,
            };
            route::show(net, letters.contains('n'), form, out);
            Some(0)
        }
        (false, true) => {
            out.line("Kernel Interface table");
            if letters.contains('e') {
                ifconfig::print_all(net, letters.contains('a'), false, out);
            } else {
                ifconfig::print_table(net, letters.contains('a'), out);
            }
            Some(0)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

    fn printed(line: &str) -> Option<Vec<String>> {
        let any = (Ipv4Addr::UNSPECIFIED, 0);
        let sock = |proto, local, remote, state, send_q| SockInfo {
            proto,
            local,
            remote,
            dev: None,
            state,
            recv_q: 0,
            send_q,
            timer: None,
        };
        let all = vec![
            sock(Proto::Tcp, (any.0, 80), any, "LISTEN", 128),
            sock(Proto::Tcp, (A, 32768), (A, 80), "ESTABLISHED", 7),
            sock(Proto::Udp, (any.0, 53), any, "", 0),
        ];
        let args: Vec<String> = line.split_whitespace().map(str::to_string).collect();
        let mut out = Output::new();
        Sockets::wanted(&args)?.print(all.into_iter(), &mut out);
        Some(out.text().lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect())
    }

    #[test]
    fn a_listener_is_shown_with_a_or_l_and_its_backlog_is_not() {
        let listener = "tcp 0 0 0.0.0.0:80 0.0.0.0:* LISTEN";
        let open = "tcp 0 7 10.0.0.1:32768 10.0.0.1:80 ESTABLISHED";
        assert_eq!(printed("-nat").unwrap()[2..], [listener, open]);
        assert_eq!(printed("-ltn").unwrap()[2..], [listener]);
        assert_eq!(printed("-nt").unwrap()[2..], [open]);
        assert_eq!(printed("-nua").unwrap()[2..], ["udp 0 0 0.0.0.0:53 0.0.0.0:*"]);
        assert_eq!(printed("-ltn").unwrap()[0], "Active Internet connections (only servers)");
    }

    #[test]
    fn programs_are_said_not_to_be_simulated() {
        let lines = printed("-ntp").unwrap();
        assert_eq!(lines[0], "lvsim: processes are not simulated: -p names none");
        assert!(lines.last().unwrap().ends_with("ESTABLISHED -"));
    }

    #[test]
    fn what_is_not_simulated_is_not_taken_for_something_else() {
        for line in ["-s", "-at", "-ant -o", "-na", "-nat extra", ""] {
            assert!(printed(line).is_none(), "{line}");
        }
    }
}
