//! What a host says of itself: `hostname`, `uname` (coreutils), `whoami`, `id`, `lsmod` and `modprobe` (kmod).
//!
//! The simulated kernel calls itself `6.1.0-lvsim`, so that nobody takes it for a release; everything it has is built in, so
//! that `lsmod` lists nothing and `modprobe` finds what it needs there already. Everybody is root. Left out, refused by name:
//! changing the host's name, and names and addresses that would have to be looked up (`hostname -f`, `-i`, `-d`).

use super::machine::HostMachine;
use super::output::Output;
use crate::ipvs::sched::SCHEDULERS;
use crate::node::Host;

/// `uname -r`.
pub const RELEASE: &str = "6.1.0-lvsim";
/// `uname -v`: a simulated kernel was never compiled, and has no date.
pub const VERSION: &str = "#1 SMP PREEMPT_DYNAMIC";

/// What `modprobe` finds built in, besides the schedulers, sorted.
const BUILT_IN: &[&str] = &[
    "arp_tables",
    "arptable_filter",
    "dummy",
    "ip_tables",
    "ip_tunnel",
    "ip_vs",
    "ipip",
    "iptable_filter",
    "iptable_mangle",
    "iptable_nat",
    "iptable_raw",
    "nf_conntrack",
    "nf_nat",
    "tunnel4",
    "veth",
    "x_tables",
];

/// `hostname`.
pub fn hostname(m: &mut HostMachine<'_, '_>, args: &[String], out: &mut Output) -> u8 {
    let name = &*m.host.name;
    match args {
        [] => out.line(name),
        [option] if matches!(option.as_str(), "-s" | "--short") => {
            out.line(name.split('.').next().unwrap_or(name));
        }
        [option] if matches!(option.as_str(), "-I" | "--all-ip-addresses") => out.line(&addresses(m.host)),
        [word, ..] => {
            let why = if word.starts_with('-') { "" } else { ": a host keeps the name of the file" };
            out.err(&format!("lvsim: hostname {word} is not simulated{why}"));
            return 1;
        }
    }
    0
}

/// The addresses of every device that is up, but for `lo`.
fn addresses(host: &Host) -> String {
    let devs = host.net.devices().filter(|d| d.up && !d.is_loopback());
    devs.flat_map(|d| &d.addrs).map(|a| format!("{} ", a.local)).collect()
}

/// `uname`.
pub fn uname(m: &mut HostMachine<'_, '_>, args: &[String], out: &mut Output) -> u8 {
    // In the order in which they are printed, whatever the order of the options.
    let facts = [
        ('s', "kernel-name", "Linux"),
        ('n', "nodename", &*m.host.name),
        ('r', "kernel-release", RELEASE),
        ('v', "kernel-version", VERSION),
        ('m', "machine", "x86_64"),
        ('p', "processor", "unknown"),
        ('i', "hardware-platform", "unknown"),
        ('o', "operating-system", "GNU/Linux"),
    ];
    let mut wanted = Vec::new();
    let mut all = false;
    for arg in args {
        if let Some(long) = arg.strip_prefix("--") {
            match facts.iter().find(|(_, name, _)| *name == long) {
                Some((letter, ..)) => wanted.push(*letter),
                None if long == "all" => all = true,
                None => {
                    out.err(&format!("lvsim: uname --{long} is not simulated"));
                    return 1;
                }
            }
            continue;
        }
        let Some(letters) = arg.strip_prefix('-').filter(|l| !l.is_empty()) else {
            return misused("uname", &format!("extra operand ‘{arg}’"), out);
        };
        for letter in letters.chars() {
            match letter {
                'a' => all = true,
                c if facts.iter().any(|(letter, ..)| *letter == c) => wanted.push(c),
                c => return misused("uname", &format!("invalid option -- '{c}'"), out),
            }
        }
    }
    if wanted.is_empty() && !all {
        wanted.push('s');
    }
    // `-a` leaves out what is not known.
    let shown = facts.iter().filter(|(letter, _, text)| wanted.contains(letter) || (all && *text != "unknown"));
    out.line(&shown.map(|(.., text)| *text).collect::<Vec<_>>().join(" "));
    0
}

/// `whoami`.
pub fn whoami(args: &[String], out: &mut Output) -> u8 {
    match args.first() {
        None => {
            out.line("root");
            0
        }
        Some(option) if option.starts_with('-') => {
            out.err(&format!("lvsim: whoami {option} is not simulated"));
            1
        }
        Some(word) => misused("whoami", &format!("extra operand ‘{word}’"), out),
    }
}

/// `id`.
pub fn id(args: &[String], out: &mut Output) -> u8 {
    let (mut which, mut name) = (None, false);
    for arg in args {
        let Some(letters) = arg.strip_prefix('-').filter(|l| !l.starts_with('-') && !l.is_empty()) else {
            // Root is the only user there is.
            if arg == "root" {
                continue;
            }
            if arg.starts_with('-') {
                out.err(&format!("lvsim: id {arg} is not simulated"));
            } else {
                out.err(&format!("id: ‘{arg}’: no such user"));
            }
            return 1;
        };
        for letter in letters.chars() {
            match letter {
                'u' | 'g' | 'G' if which.is_none_or(|w| w == letter) => which = Some(letter),
                'u' | 'g' | 'G' => {
                    out.err("id: cannot print \"only\" of more than one choice");
                    return 1;
                }
                'n' => name = true,
                'r' => {}
                c => {
                    out.err(&format!("lvsim: id -{c} is not simulated"));
                    return 1;
                }
            }
        }
    }
    match (which, name) {
        (None, true) => {
            out.err("id: cannot print only names or real IDs in default format");
            return 1;
        }
        (None, false) => out.line("uid=0(root) gid=0(root) groups=0(root)"),
        (Some(_), true) => out.line("root"),
        (Some(_), false) => out.line("0"),
    }
    0
}

/// `lsmod`: the kernel has everything built in.
pub fn lsmod(args: &[String], out: &mut Output) -> u8 {
    if !args.is_empty() {
        // Its only option is none.
        out.err("Usage: lsmod");
        return 1;
    }
    out.line("Module                  Size  Used by");
    0
}

/// Modules of IPVS that lvsim lacks, and what does not work without them.
const NOT_SIMULATED: &[(&str, &str)] = &[
    ("ip_vs_ftp", "data connections of FTP are not followed, so a service on port 21 with -m carries commands only"),
    ("ip_vs_pe_sip", "it looks for a Call-ID, and clients here speak no SIP"),
];

/// `modprobe NAME…`.
pub fn modprobe(args: &[String], out: &mut Output) -> u8 {
    let (mut every, mut quiet) = (false, false);
    let mut names = Vec::new();
    for arg in args {
        match arg.as_str() {
            "-a" | "--all" => every = true,
            "-q" | "--quiet" => quiet = true,
            "-v" | "--verbose" => {}
            option if option.starts_with('-') => {
                out.err(&format!("lvsim: modprobe {option} is not simulated"));
                return 1;
            }
            name => names.push(name),
        }
    }
    let Some(first) = names.first() else {
        out.err("modprobe: ERROR: missing parameters. See -h.");
        return 1;
    };
    // Without `-a`, what follows the name are the module's parameters.
    let wanted = if every { &names[..] } else { std::slice::from_ref(first) };
    let mut status = 0;
    for name in wanted {
        let name = name.replace('-', "_");
        let scheduler = name.strip_prefix("ip_vs_").is_some_and(|s| SCHEDULERS.iter().any(|row| row.name == s));
        if scheduler || BUILT_IN.contains(&name.as_str()) {
            continue;
        }
        status = 1;
        if !quiet {
            let why = NOT_SIMULATED.iter().find(|(module, _)| *module == name);
            out.err(&match why {
                Some((_, why)) => format!("lvsim: modprobe: {name} is not simulated: {why}"),
                None => format!("lvsim: modprobe: the simulated kernel has no {name}"),
            });
        }
    }
    status
}

fn misused(program: &str, what: &str, out: &mut Output) -> u8 {
    out.err(&format!("{program}: {what}\nTry '{program} --help' for more information."));
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(main: fn(&[String], &mut Output) -> u8, line: &str) -> (u8, String) {
        let args: Vec<String> = line.split_whitespace().map(str::to_string).collect();
        let mut out = Output::new();
        let status = main(&args, &mut out);
        (status, out.text())
    }

    #[test]
    fn everybody_is_root() {
        assert_eq!(run(whoami, ""), (0, "root\n".into()));
        assert_eq!(run(id, "-u"), (0, "0\n".into()));
        assert_eq!(run(id, "-un root"), (0, "root\n".into()));
        assert_eq!(run(id, ""), (0, "uid=0(root) gid=0(root) groups=0(root)\n".into()));
        assert_eq!(run(id, "-u -g").0, 1);
        assert_eq!(run(id, "alice"), (1, "id: ‘alice’: no such user\n".into()));
    }

    #[test]
    fn a_module_is_built_in_or_unknown() {
        for name in ["ip_vs", "ip-vs", "ip_vs_wlc", "ipip", "-a ip_vs ip_vs_rr", "ip_vs conn_tab_bits=12"] {
            assert_eq!(run(modprobe, name), (0, String::new()), "{name}");
        }
        for name in ["zram", "ip_vs_nope", "-a ip_vs zram", "-q zram", "-r ip_vs", ""] {
            assert_eq!(run(modprobe, name).0, 1, "{name}");
        }
        let (status, said) = run(modprobe, "ip_vs_ftp");
        assert!(status == 1 && said.contains("is not simulated: data connections of FTP"), "{said}");
        assert_eq!(run(lsmod, ""), (0, "Module                  Size  Used by\n".into()));
        assert!(BUILT_IN.is_sorted());
    }
}
