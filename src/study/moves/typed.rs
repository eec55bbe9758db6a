//! Changes of what is typed: how it is spelt, in which order, when, and whether at all.

use super::Bench;
use crate::base::NodeId;
use crate::report::why::lab::{Server, option, service_words};
use crate::study::change::{Change, Edit, Place, typed_lines};
use crate::sysctl::Sysctls;
use std::collections::{BTreeMap, BTreeSet};

/// Words that begin a line which only makes the table, an address or a route: what a lab consists of.
const BUILDS: &[&str] = &[
    "ipvsadm -A",
    "ipvsadm -a",
    "ipvsadm --add",
    "ip addr add",
    "ifconfig lo:",
    "modprobe",
    "#",
    "cat ",
    "done",
    "fi",
    "while",
    "if ",
    "for ",
    "}",
    "{",
];

/// A line with the spelling of its variables mended; none if nothing is misspelt.
fn mended(line: &str) -> Option<String> {
    let known = Sysctls::default();
    let mut out = line.to_string();
    for word in line.split(|c: char| c.is_whitespace() || matches!(c, '=' | ';' | '"' | '\'' | '>' | '&' | '|' | ')')) {
        let (slashes, path) = match word.strip_prefix("/proc/sys/") {
            Some(rest) => (true, rest.replace('/', ".")),
            None if word.starts_with("net.") => (false, word.to_string()),
            None => continue,
        };
        let mut parts: Vec<&str> = path.split('.').collect();
        let named = parts.len() >= 5 && parts[0] == "net" && parts[1] == "ipv4";
        // Interfaces are known by the host; every host knows `default`.
        let interface = parts.get(3).copied().unwrap_or("").to_string();
        if named {
            parts[3] = "default";
        }
        let generic = parts.join(".");
        if known.knows(&generic) || path.is_empty() || !path.starts_with("net") {
            continue;
        }
        let all = known.paths();
        let near = all.iter().min_by_key(|p| strsim::damerau_levenshtein(p, &generic))?;
        if strsim::damerau_levenshtein(near, &generic) > 3 {
            continue;
        }
        let mut right: Vec<&str> = near.split('.').collect();
        if named && right.len() >= 5 {
            right[3] = &interface;
        }
        let right = if slashes { format!("/proc/sys/{}", right.join("/")) } else { right.join(".") };
        out = out.replace(word, &right);
    }
    (out != line).then_some(out)
}

/// Misspelt variables, on each host and everywhere.
pub fn spelling(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut by_node: BTreeMap<NodeId, Vec<Edit>> = BTreeMap::new();
    for (place, node, n, line) in typed_lines(b.lab.play.scenario) {
        if let Some(right) = mended(line) {
            by_node.entry(node).or_default().push(Edit::Line(place, n, vec![right]));
        }
    }
    let mut out: Vec<Change> = by_node.values().map(|edits| Change { kind, edits: edits.clone() }).collect();
    if by_node.len() > 1 {
        out.push(Change { kind, edits: by_node.into_values().flatten().collect() });
    }
    out
}

/// Whether the line sets a knob of ARP.
fn hides(line: &str) -> bool {
    (line.contains("arp_ignore") || line.contains("arp_announce")) && !line.trim_start().starts_with('#')
}

/// In set-up, the lines about ARP before the address that they hide.
pub fn order(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut by_node: BTreeMap<NodeId, Vec<Edit>> = BTreeMap::new();
    let lines = typed_lines(b.lab.play.scenario);
    for (place, node, n, line) in lines.iter().filter(|(p, ..)| matches!(p, Place::Run(_))) {
        let earlier = lines.iter().any(|(p, _, m, l)| p == place && m < n && !hides(l) && !l.trim().is_empty());
        if hides(line) && earlier {
            let edits = by_node.entry(*node).or_default();
            edits.push(Edit::Line(*place, *n, vec![]));
            edits.push(Edit::First(*place, vec![line.trim().to_string()]));
        }
    }
    let mut out: Vec<Change> = by_node.values().map(|edits| Change { kind, edits: edits.clone() }).collect();
    if by_node.len() > 1 {
        out.push(Change { kind, edits: by_node.into_values().flatten().collect() });
    }
    out
}

/// What the timeline types too late is typed in set-up, before everything else.
pub fn earlier(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut all: Vec<Edit> = Vec::new();
    let mut out = Vec::new();
    for (place, node, n, line) in typed_lines(b.lab.play.scenario) {
        if matches!(place, Place::Entry(_)) && (line.contains("sysctl") || hides(line)) {
            let edits =
                vec![Edit::Line(place, n, vec![]), Edit::First(Place::Run(node), vec![line.trim().to_string()])];
            all.extend(edits.clone());
            out.push(Change { kind, edits });
        }
    }
    if out.len() > 1 {
        out.push(Change { kind, edits: all });
    }
    out
}

/// Whoever takes a VIP over in the timeline tells everybody.
pub fn announce_after(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut out = Vec::new();
    for (place, node, n, line) in typed_lines(b.lab.play.scenario) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let takes = line.contains("ip addr add") || line.trim_start().starts_with("ifconfig");
        if !matches!(place, Place::Entry(_)) || !takes || !b.lab.is_director(node) {
            continue;
        }
        let named =
            |vip: &&std::net::Ipv4Addr| words.iter().any(|w| w.split('/').next() == Some(vip.to_string().as_str()));
        let Some(vip) = b.lab.vips.iter().find(named) else { continue };
        let dev = match words.iter().position(|w| *w == "dev") {
            Some(i) => words.get(i + 1).copied(),
            None => words.get(1).and_then(|w| w.split(':').next()),
        };
        if let Some(dev) = dev.map(|d| d.trim_end_matches(';')) {
            let new = vec![line.to_string(), format!("arping -U -c 1 -I {dev} {vip}")];
            out.push(Change { kind, edits: vec![Edit::Line(place, n, new)] });
        }
    }
    out
}

/// Words that add a server.
const ADDS: [&str; 2] = [" -a ", "--add-server"];

/// A script adds servers without saying how: in each mode, and with a weight where the table has one.
pub fn mode_in_script(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let lines = typed_lines(b.lab.play.scenario);
    let adds = |l: &str| l.contains("ipvsadm") && (l.contains(" -a ") || l.contains("--add-server"));
    let says = |l: &str| {
        l.split_whitespace().any(|w| matches!(w.trim_end_matches(|c: char| !c.is_alphanumeric()), "-m" | "-g" | "-i"))
    };
    let weights: Vec<i32> = b.lab.servers.iter().map(|s| s.weight).filter(|w| *w > 1).collect();
    let mut ends: Vec<String> = vec![" -m".into(), " -i".into(), " -g".into()];
    for w in weights {
        ends.extend([" -m", " -i", " -g"].map(|m| format!("{m} -w {w}")));
    }
    let mut out = Vec::new();
    for end in ends {
        let mut edits = Vec::new();
        for (place, _, n, line) in &lines {
            if let Some(new) = (adds(line) && !says(line)).then(|| with_end(line, &ADDS, &end)).flatten() {
                edits.push(Edit::Line(*place, *n, vec![new]));
            }
        }
        if !edits.is_empty() {
            out.push(Change { kind, edits });
        }
    }
    out
}

/// A server that is deleted gets weight 0 instead; of a service that is deleted every server does.
pub fn weight_first(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    let mut out = Vec::new();
    for (place, node, n, line) in typed_lines(b.lab.play.scenario) {
        let rows = || b.lab.servers.iter().filter(move |s| s.director == node);
        let modes: BTreeSet<&str> = rows().map(|s| option(s.method)).collect();
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut new = Vec::new();
        if let Some(verb) = ["ipvsadm -d ", "ipvsadm --delete-server "].into_iter().find(|v| line.contains(v)) {
            // A script names its servers by variables: where all have one mode, that is theirs.
            let named = rows().find(|s| {
                words.iter().any(|w| w.split(':').next().and_then(|a| a.parse().ok()) == Some(s.addr.0))
                    && line.contains(&service_words(&s.service))
            });
            let only = modes.first().copied().filter(|_| modes.len() == 1);
            let Some(mode) = named.map(|s| option(s.method)).or(only) else { continue };
            new.extend(with_end(&line.replace(verb, "ipvsadm -e "), &[" -e "], &format!(" {mode} -w 0")));
        } else if let Some((_, verb)) =
            words.split_first().filter(|(first, rest)| **first == "ipvsadm" && !rest.is_empty())
        {
            let of = |s: &&Server| match verb[0] {
                "-D" | "--delete-service" => verb[1..].join(" ") == service_words(&s.service),
                "-C" | "--clear" => true,
                _ => false,
            };
            new.extend(rows().filter(of).map(|s| {
                let (words, mode) = (service_words(&s.service), option(s.method));
                format!("ipvsadm -e {words} -r {}:{} {mode} -w 0", s.addr.0, s.addr.1)
            }));
        }
        if !new.is_empty() {
            out.push(Change { kind, edits: vec![Edit::Line(place, n, new)] });
        }
    }
    out
}

/// The line with these words at the end of its last command that has one of the verbs.
fn with_end(line: &str, verbs: &[&str], words: &str) -> Option<String> {
    let at = verbs.iter().filter_map(|w| line.rfind(w)).max()?;
    let end = line[at..].find([';', '|', '&', '>', ')']).map_or(line.len(), |i| at + i);
    let body = line[..end].trim_end();
    Some(format!("{body}{words}{}", if end < line.len() { format!(" {}", &line[end..]) } else { String::new() }))
}

/// A line that was better not typed: one that does not build the lab.
pub fn leave_out(b: &Bench<'_>, kind: &'static str) -> Vec<Change> {
    /// Lines beyond which a script is left alone.
    const MOST: usize = 60;
    let lines = typed_lines(b.lab.play.scenario);
    let builds = |l: &str| l.is_empty() || BUILDS.iter().any(|w| l.starts_with(w));
    let candidates = lines.iter().filter(|(.., l)| !builds(l.trim()));
    let mut all: Vec<_> = candidates.collect();
    // What the timeline does to a lab that stood is most suspicious, the latest line first.
    all.sort_by_key(|(place, _, n, _)| (matches!(place, Place::Run(_)), std::cmp::Reverse(*n)));
    all.truncate(MOST);
    all.into_iter().map(|(place, _, n, _)| Change { kind, edits: vec![Edit::Line(*place, *n, vec![])] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_variables_are_mended_and_right_ones_left() {
        let right = |l: &str| mended(l);
        assert_eq!(
            right("echo 1 > /proc/sys/net/ipv4/conf/all/arg_ignore").as_deref(),
            Some("echo 1 > /proc/sys/net/ipv4/conf/all/arp_ignore")
        );
        assert_eq!(
            right("sysctl -w net.ipv4.conf.eth0.arp_anounce=2").as_deref(),
            Some("sysctl -w net.ipv4.conf.eth0.arp_announce=2")
        );
        assert_eq!(right("sysctl -w net.ipv4.ip_foward=1").as_deref(), Some("sysctl -w net.ipv4.ip_forward=1"));
        assert_eq!(right("sysctl -w net.ipv4.conf.eth7.arp_ignore=1"), None);
        assert_eq!(right("ip addr add 10.0.0.1/32 dev lo"), None);
    }

    #[test]
    fn the_mode_is_said_where_the_server_is_added() {
        let line = "ipvsadm -Ln | grep -q $rip || ipvsadm -a -t $vip:80 -r $rip; sleep 1";
        assert_eq!(
            with_end(line, &ADDS, " -m").as_deref(),
            Some("ipvsadm -Ln | grep -q $rip || ipvsadm -a -t $vip:80 -r $rip -m ; sleep 1")
        );
    }
}
