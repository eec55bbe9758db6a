//! What `lvsim list commands` says of how programs are called: every form and every option is typed, and none refused.

use crate::support::{Sandbox, root};
use lvsim::shell::{COMMANDS, forms::FORMS, text::TEXT_PROGRAMS};

/// What the capitals of a form stand for, on the director of `scenarios/dr.yaml` after [`SETUP`].
const VALUES: &[(&str, &str)] = &[
    ("ADDRESS", "192.168.1.198"),
    ("BYTES", "1000"),
    ("CAPTURE", "/tmp/new.pcap"),
    ("CHAIN", "INPUT"),
    ("CHARACTER", ":"),
    ("CHARACTERS", "abc"),
    ("DEV", "eth0"),
    ("EXPRESSION", "arp or tcp port 80"),
    ("FILE", "/tmp/file"),
    ("FOLDER", "/tmp/folder"),
    ("FORMAT", "%s"),
    ("NEWADDRESS", "192.168.1.77"),
    ("HEADER", "'A: b'"),
    ("LABEL", "eth0:7"),
    ("LEVEL", "err"),
    ("MAC", "02:00:00:00:00:99"),
    ("MARK", "8"),
    ("MASK", "255.255.255.255"),
    ("MATCH", "state --state NEW"),
    ("MODE", "755"),
    ("MODULE", "ip_vs"),
    ("N", "1"),
    ("NAME", "new1"),
    ("NET", "10.9.0.0/24"),
    ("NEWFILE", "/tmp/new"),
    ("NEWSERVER", "192.168.1.77"),
    ("NEWSERVICE", "192.168.1.200:81"),
    ("NUD", "reachable"),
    ("OWN", "192.168.1.199"),
    ("OWNDUMMY", "dummy7"),
    ("OWNHOST", "10.7.0.1"),
    ("OWNNET", "10.8.0.0/24"),
    ("OWNPREFIX", "192.168.1.66/24"),
    ("PATH", "/tmp/file"),
    ("PATTERN", "arp_ignore"),
    ("PORT", "80"),
    ("PREFIX", "10.6.0.1/24"),
    ("PROGRAM", "'{ print $1 }'"),
    ("PROTOCOL", "tcp"),
    ("RULES", "/tmp/rules"),
    ("SCHEDULER", "wlc"),
    ("SCRIPT", "s/a/b/"),
    ("SCRIPTS", "/tmp/scripts"),
    ("SECONDS", "1"),
    ("SEPARATOR", ":"),
    ("SERVER", "192.168.1.198"),
    ("SERVICE", "192.168.1.200:80"),
    ("SERVICES", "/tmp/services"),
    ("SUFFIX", "e"),
    ("SYSCTLS", "/tmp/sysctls"),
    ("TABLE", "main"),
    ("TABLES", "iptables"),
    ("TEXT", "a"),
    ("TYPE", "dummy"),
    ("UNIT", "nginx"),
    ("URL", "http://192.168.1.198/"),
    ("VALUE", "1"),
    ("VARIABLE", "net.ipv4.ip_forward"),
];

/// Words that are capitals and mean themselves.
const WORDS: &[&str] =
    &["ACCEPT", "DROP", "ASSURED", "ESTABLISHED", "OUTPUT", "INPUT", "VERDICT", "A", "C", "D", "E", "F"];

const SETUP: &[&str] = &[
    "ssh director",
    "echo a > /tmp/file; : > /tmp/rules; : > /tmp/services; echo s/a/b/ > /tmp/scripts; mkdir /tmp/folder",
    "echo net.ipv4.ip_forward=1 > /tmp/sysctls",
    "ip link add dummy7 type dummy; ip route add 10.8.0.0/24 via 192.168.1.198; route add -host 10.7.0.1 dev eth0",
    "ip address add 192.168.1.66/24 dev eth0; iptables -A INPUT -j ACCEPT; arptables -A INPUT -j ACCEPT",
];

/// What a program says that does not know a word.
const REFUSALS: &[&str] = &[
    "not simulated",
    "not modelled",
    "invalid option",
    "unrecognized option",
    "unknown option",
    "Unknown option",
    "is unknown",
    "is wrong",
    "garbage",
    "sage:",
    "Bad argument",
    "Illegal option",
    "command not found",
    "requires an argument",
    "invalid argument",
    "syntax error",
    "Try ",
    "nvalid",
];

/// The command lines of a form: what must be there, and each thing that may be there, one at a time.
fn expand(form: &str) -> Vec<String> {
    let mut parts: Vec<(Vec<String>, bool)> = Vec::new();
    let mut rest = form.trim();
    while !rest.is_empty() {
        let (part, optional, after) = match rest.strip_prefix('[') {
            Some(inside) => inside.split_once(']').map(|(part, after)| (part, true, after)).expect("a bracket's end"),
            None => {
                let end = rest.find(' ').unwrap_or(rest.len());
                (&rest[..end], false, &rest[end..])
            }
        };
        let words: Vec<&str> = part.split(' ').collect();
        let either = |n: usize| words[n].split('|').collect::<Vec<_>>();
        let place = words.iter().position(|w| w.contains('|') && !w.starts_with("-p")).unwrap_or(0);
        let choices = either(place).into_iter().map(|choice| {
            let mut words = words.clone();
            words[place] = choice;
            words.iter().map(|w| valued(w)).collect::<Vec<_>>().join(" ")
        });
        parts.push((choices.collect(), optional));
        rest = after.trim_start();
    }
    let line = |pick: Option<(usize, usize)>| {
        let words = parts.iter().enumerate().filter_map(|(n, (choices, optional))| match pick {
            Some((place, choice)) if place == n => Some(choices[choice].as_str()),
            _ if *optional => None,
            _ => Some(choices[0].as_str()),
        });
        words.collect::<Vec<_>>().join(" ")
    };
    let mut lines = vec![line(None)];
    for (n, (choices, optional)) in parts.iter().enumerate() {
        lines.extend((usize::from(!optional)..choices.len()).map(|choice| line(Some((n, choice)))));
    }
    lines
}

/// A word with its capitals replaced.
fn valued(word: &str) -> String {
    let mut out = String::new();
    let mut rest = word;
    while !rest.is_empty() {
        let capital = rest.bytes().take_while(u8::is_ascii_uppercase).count();
        let (name, after) = rest.split_at(capital);
        match VALUES.iter().find(|(n, _)| *n == name) {
            Some((_, value)) if !(out.ends_with('-') && name.len() == 1) => out.push_str(value),
            _ if name == "VERDICT" => out.push_str("DROP"),
            _ => {
                assert!(name.len() < 2 || WORDS.contains(&name), "no value for {name} in {word}");
                out.push_str(name);
            }
        }
        let other = after.bytes().take_while(|b| !b.is_ascii_uppercase()).count();
        out.push_str(&after[..other]);
        rest = &after[other..];
    }
    out
}

#[test]
fn every_program_has_forms_and_every_form_its_program() {
    let mut programs: Vec<&str> = COMMANDS.iter().map(|c| c.name).chain(TEXT_PROGRAMS.iter().map(|p| p.name)).collect();
    programs.sort_unstable();
    let names: Vec<&str> = FORMS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, programs);
    for (name, forms) in FORMS {
        assert!(!forms.is_empty() && forms.iter().all(|f| f.split(' ').next() == Some(name)), "{name}");
    }
}

#[test]
fn every_form_is_taken() {
    let lines: Vec<String> = FORMS.iter().flat_map(|(_, forms)| forms.iter().flat_map(|form| expand(form))).collect();
    assert!(lines.len() > 300, "{}", lines.len());
    let mut script = SETUP.join("\n") + "\n";
    for (n, line) in lines.iter().enumerate() {
        // Each begins from the same state.
        script.push_str(&format!("echo @{n}; timeout 3 {line}\n:back\n"));
    }
    script.push_str("echo @@\n");
    let sandbox = Sandbox::new();
    sandbox.write("typed.txt", &script);
    let file = root().join("scenarios/dr.yaml");
    let ran = sandbox.run(&["lab", &file.to_string_lossy(), "--script", "typed.txt", "--quiet"]);
    let out = format!("\n{}", ran.out);
    let mut wrong = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        let answer = out.split(&format!("\n@{n}\n")).nth(1).unwrap_or_else(|| panic!("{line}: no answer"));
        let answer = answer.split("undone: ").next().unwrap_or_default();
        // `sysctl -a` has variables with such names.
        let answer: String = answer.lines().filter(|l| !l.starts_with("net.")).map(|l| format!("{l}\n")).collect();
        let refused = REFUSALS.iter().any(|r| answer.contains(r)) && !line.ends_with(" -h");
        if refused {
            wrong.push(format!("$ {line}\n{answer}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} are refused:\n{}", wrong.len(), lines.len(), wrong.join("\n"));
}
