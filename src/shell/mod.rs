//! What is typed on simulated hosts: the programs, and the shell that runs them.
//!
//! A new program is one file (or folder) and one row in [`COMMANDS`]; text programs (`grep`, `sed` …) have a table of
//! their own in `text`. What a real host has and lvsim has not is listed in [`NOT_SIMULATED`], so that it is told by
//! name instead of passing for a typing mistake.

pub mod arp;
pub mod arping;
pub mod arptables;
pub mod bash;
pub mod conntrack;
pub mod curl;
pub mod dmesg;
pub mod forms;
mod http;
pub mod identity;
pub mod ifconfig;
pub mod ip;
pub mod iptables;
pub mod ipvsadm;
pub mod machine;
pub mod nc;
pub mod netstat;
pub mod nstat;
pub mod output;
pub mod ping;
mod probe;
pub mod proc;
pub mod process;

pub mod route;
pub mod service;
pub mod ss;
pub mod statistics;
pub mod sysctl;
pub mod tcpdump;
pub mod text;
pub mod tracepath;
pub mod traceroute;
pub mod vfs;
pub mod wget;
pub mod words;

use crate::lang::Text;
pub use output::{Output, Stream};

use bash::{Exec, Stdin};
use machine::{HostMachine, Running};

/// A program: runs with its arguments (without its name).
pub type Main = fn(&mut HostMachine<'_, '_>, &[String], &mut Stdin<'_>, &mut Output) -> Exec<Running>;

/// One simulated program.
pub struct CommandRow {
    /// Its name.
    pub name: &'static str,
    /// Where it lies.
    pub dir: &'static str,
    /// What runs.
    pub main: Main,
}

impl CommandRow {
    /// What it is for, in a few words.
    pub fn about(&self) -> Text {
        Text::row("program", self.name, None)
    }
}

/// Every simulated program that acts on a host, sorted by name.
pub const COMMANDS: &[CommandRow] = &[
    CommandRow {
        name: "arp",
        dir: "/usr/sbin",
        main: |m, args, _, out| {
            let now = m.cx.now;
            Exec::Done(arp::main(&mut m.host.net, now, args, out))
        },
    },
    CommandRow { name: "arping", dir: "/usr/bin", main: arping::main },
    CommandRow {
        name: "arptables",
        dir: "/usr/sbin",
        main: |m, args, stdin, out| Exec::Done(arptables::main(m, args, stdin, out)),
    },
    CommandRow {
        name: "arptables-restore",
        dir: "/usr/sbin",
        main: |m, args, stdin, out| Exec::Done(arptables::restore_main(m, args, stdin, out)),
    },
    CommandRow {
        name: "arptables-save",
        dir: "/usr/sbin",
        main: |m, args, stdin, out| Exec::Done(arptables::save_main(m, args, stdin, out)),
    },
    CommandRow {
        name: "conntrack",
        dir: "/usr/sbin",
        main: |m, args, _, out| Exec::Done(conntrack::main(m, args, out)),
    },
    CommandRow { name: "curl", dir: "/usr/bin", main: curl::main },
    CommandRow { name: "dmesg", dir: "/bin", main: |m, args, _, out| Exec::Done(dmesg::main(m, args, out)) },
    CommandRow { name: "hostname", dir: "/bin", main: |m, args, _, out| Exec::Done(identity::hostname(m, args, out)) },
    CommandRow { name: "id", dir: "/usr/bin", main: |_, args, _, out| Exec::Done(identity::id(args, out)) },
    CommandRow {
        name: "ifconfig",
        dir: "/sbin",
        main: |m, args, _, out| Exec::Done(ifconfig::main(&mut m.host.net, args, out)),
    },
    CommandRow {
        name: "ip",
        dir: "/sbin",
        main: |m, args, _, out| {
            let now = m.cx.now;
            Exec::Done(ip::main(&mut m.host.net, now, args, out))
        },
    },
    CommandRow {
        name: "iptables",
        dir: "/usr/sbin",
        main: |m, args, stdin, out| Exec::Done(iptables::main(m, args, stdin, out)),
    },
    CommandRow {
        name: "iptables-restore",
        dir: "/usr/sbin",
        main: |m, args, stdin, out| Exec::Done(iptables::restore_main(m, args, stdin, out)),
    },
    CommandRow {
        name: "iptables-save",
        dir: "/usr/sbin",
        main: |m, args, stdin, out| Exec::Done(iptables::save_main(m, args, stdin, out)),
    },
    CommandRow {
        name: "ipvsadm",
        dir: "/sbin",
        main: |m, args, stdin, out| {
            let reads = args.iter().any(|a| a == "-R" || a == "--restore");
            Exec::Done(ipvs_program(ipvsadm::main, m, args, if reads { stdin.read() } else { "" }, out))
        },
    },
    CommandRow {
        name: "ipvsadm-restore",
        dir: "/sbin",
        main: |m, args, stdin, out| Exec::Done(ipvs_program(ipvsadm::restore_main, m, args, stdin.read(), out)),
    },
    CommandRow {
        name: "ipvsadm-save",
        dir: "/sbin",
        main: |m, args, _, out| Exec::Done(ipvs_program(ipvsadm::save_main, m, args, "", out)),
    },
    CommandRow { name: "lsmod", dir: "/sbin", main: |_, args, _, out| Exec::Done(identity::lsmod(args, out)) },
    CommandRow { name: "modprobe", dir: "/sbin", main: |_, args, _, out| Exec::Done(identity::modprobe(args, out)) },
    CommandRow { name: "nc", dir: "/bin", main: nc::nc_main },
    CommandRow { name: "netstat", dir: "/bin", main: |m, args, _, out| Exec::Done(netstat::main(m.host, args, out)) },
    CommandRow { name: "nstat", dir: "/usr/bin", main: |m, args, _, out| Exec::Done(nstat::main(m, args, out)) },
    CommandRow { name: "ping", dir: "/bin", main: ping::main },
    CommandRow {
        name: "route",
        dir: "/sbin",
        main: |m, args, _, out| Exec::Done(route::main(&mut m.host.net, args, out)),
    },
    CommandRow {
        name: "service",
        dir: "/usr/sbin",
        main: |m, args, stdin, out| Exec::Done(service::service_main(m, args, stdin, out)),
    },
    CommandRow {
        name: "ss",
        dir: "/bin",
        main: |m, args, _, out| {
            let now_us = (m.cx.now.0 / 1000) as u32;
            Exec::Done(ss::main(m.host, now_us, args, out))
        },
    },
    CommandRow {
        name: "sysctl",
        dir: "/sbin",
        main: |m, args, _, out| {
            // Only the host knows what `nf_conntrack_count` says.
            let tracked = m.host.netfilter.conntrack.alive_now(m.cx.now).len();
            m.host.net.sysctl.note_tracked(tracked);
            let files = &mut *m.files;
            let mut read = |path: &str| files.read(path).ok().map(str::to_string);
            Exec::Done(sysctl::main(&mut m.host.net, args, out, &mut read))
        },
    },
    CommandRow {
        name: "systemctl",
        dir: "/bin",
        main: |m, args, stdin, out| Exec::Done(service::systemctl_main(m, args, stdin, out)),
    },
    CommandRow { name: "tcpdump", dir: "/usr/bin", main: tcpdump::main },
    CommandRow { name: "telnet", dir: "/usr/bin", main: nc::telnet_main },
    CommandRow { name: "tracepath", dir: "/usr/bin", main: tracepath::main },
    CommandRow { name: "traceroute", dir: "/usr/bin", main: traceroute::main },
    CommandRow { name: "uname", dir: "/bin", main: |m, args, _, out| Exec::Done(identity::uname(m, args, out)) },
    CommandRow { name: "wget", dir: "/usr/bin", main: wget::main },
    CommandRow { name: "whoami", dir: "/usr/bin", main: |_, args, _, out| Exec::Done(identity::whoami(args, out)) },
];

/// Programs that a real host may have and lvsim does not simulate (yet), sorted: the name, and what does the work instead,
/// or nothing.
pub const NOT_SIMULATED: &[(&str, &str)] = &[
    ("apt", INSTALL),
    ("apt-get", INSTALL),
    ("arp-scan", "arping asks one address"),
    ("brctl", SWITCH),
    ("bridge", SWITCH),
    ("chkconfig", BOOT),
    ("dig", NAMES),
    ("elinks", PAGES),
    ("ethtool", "ip link shows devices"),
    ("firewall-cmd", RULES),
    ("getenforce", "there is no SELinux"),
    ("host", NAMES),
    ("httpd", "systemctl start httpd is, and `serves:` in the scenario"),
    ("ifdown", UPDOWN),
    ("ifup", UPDOWN),
    ("insmod", "modprobe is"),
    ("ip6tables", IPV6),
    ("ip6tables-restore", IPV6),
    ("ip6tables-save", IPV6),
    ("iperf", LOAD),
    ("iperf3", LOAD),
    ("ipset", ""),
    ("journalctl", "dmesg is"),
    ("keepalived", DAEMON),
    ("killall", PROCESSES),
    ("ldirectord", DAEMON),
    ("links", PAGES),
    ("lsof", "netstat and ss list sockets"),
    ("mii-tool", "ip link shows devices"),
    ("modinfo", "modprobe and lsmod are"),
    ("mtr", "traceroute and tracepath are"),
    ("nano", EDITOR),
    ("ncat", "nc is"),
    ("nft", RULES),
    ("nginx", "systemctl start nginx is, and `serves:` in the scenario"),
    ("nmap", "nc tries one port"),
    ("nmcli", "ip and ifconfig are"),
    ("nslookup", NAMES),
    ("perl", SCRIPTS),
    ("pgrep", PROCESSES),
    ("pidof", PROCESSES),
    ("ping6", IPV6),
    ("pkill", PROCESSES),
    ("ps", PROCESSES),
    ("python", SCRIPTS),
    ("python3", SCRIPTS),
    ("rpm", INSTALL),
    ("scp", ELSEWHERE),
    ("setenforce", "there is no SELinux"),
    ("ssh", ELSEWHERE),
    ("tc", "`latency`, `loss` and `bandwidth` of a link are"),
    ("top", PROCESSES),
    ("tshark", "tcpdump is"),
    ("ufw", RULES),
    ("vi", EDITOR),
    ("vim", EDITOR),
    ("yum", INSTALL),
];

const BOOT: &str = "nothing starts by itself: commands belong into `run:` of the scenario";
const DAEMON: &str = "a script that asks with curl and types ipvsadm is";
const EDITOR: &str = "cat > FILE <<'END' writes a file";
const ELSEWHERE: &str = "the lab has ssh and scp, at its prompt";
const INSTALL: &str = "nothing has to be installed";
const IPV6: &str = "there is no IPv6";
const LOAD: &str = "`traffic:` of the scenario is";
const NAMES: &str = "there is no DNS, use addresses";
const PAGES: &str = "curl and wget are";
const PROCESSES: &str = "hosts have no processes but what a shell runs, see jobs and kill";
const RULES: &str = "iptables is";
const SCRIPTS: &str = "bash, awk and sed are";
const SWITCH: &str = "a switch is a node of the scenario";
const UPDOWN: &str = "ifconfig DEV up and ip link set DEV up are";

type IpvsMain = fn(
    &mut crate::ipvs::Ipvs,
    &crate::sysctl::Sysctls,
    crate::base::SimTime,
    &dyn Fn(&str) -> Option<crate::ipvs::McastIf>,
    &[String],
    &str,
    &mut Output,
    &mut Vec<crate::ipvs::IpvsAct>,
) -> u8;

fn ipvs_program(main: IpvsMain, m: &mut HostMachine<'_, '_>, args: &[String], text: &str, out: &mut Output) -> u8 {
    let now = m.cx.now;
    let host = &mut *m.host;
    let (net, udp) = (&host.net, &host.udp);
    let iface = |name: &str| {
        let dev = net.devices().find(|d| &*d.name == name)?;
        let busy = udp.sockets().iter().map(|s| s.local.1).collect();
        Some(crate::ipvs::McastIf { dev: dev.idx, mtu: dev.mtu, up: dev.up, busy })
    };
    let mut acts = Vec::new();
    let status = main(&mut host.ipvs, &net.sysctl, now, &iface, args, text, out, &mut acts);
    host.ipvs_carry_out(acts, m.cx);
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted_and_share_no_name() {
        let names: Vec<&str> = COMMANDS.iter().map(|c| c.name).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
        assert!(NOT_SIMULATED.is_sorted_by(|a, b| a.0 < b.0));
        assert!(NOT_SIMULATED.iter().all(|(n, _)| !names.contains(n)));
        assert!(text::TEXT_PROGRAMS.iter().all(|p| !names.contains(&p.name)));
    }
}
