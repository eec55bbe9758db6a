//! `timeline` and `observe`: what is typed, and what breaks, at which moment.

use crate::scenario::limits::MAX_SPEED_PPM;
use crate::scenario::model::{At, Protocol};
use crate::scenario::problem::Problems;
use crate::scenario::spec::Spot;
use crate::scenario::spec::link::{LinkWords, two};
use crate::scenario::spec::read::Fields;
use crate::scenario::spec::serves::port_of;
use crate::scenario::spec::value::{self, Script};
use crate::scenario::tree::{Kind, Mark, Node};

/// One entry of either section.
#[derive(Debug)]
pub(crate) struct Entry {
    pub at: Mark,
    pub when: Spot<At>,
    pub observe: bool,
    pub what: Deed,
}

/// What an entry does.
#[derive(Debug)]
pub(crate) enum Deed {
    /// Types something on a host.
    Run { node: Spot<String>, script: Script },
    /// Changes the speed of something that is served.
    Speed { node: Spot<String>, port: Spot<(Protocol, u16)>, speed_ppm: u64 },
    /// Changes a cable.
    Set { ends: [Spot<String>; 2], up: Option<bool>, words: LinkWords },
}

/// Reads one entry.
pub(crate) fn read(node: &Node<'_>, observe: bool, p: &mut Problems) -> Option<Entry> {
    let (what, example) = match observe {
        true => ("an entry of `observe`", "{ at: end, node: director, run: ipvsadm -Ln }"),
        false => ("an entry of `timeline`", "{ at: 5s, node: rs1, run: ifconfig eth0 down }"),
    };
    let mut f = Fields::new(node, what, example, p)?;
    let when = match observe && f.get("at").is_none() {
        true => Some(Spot { v: At::End, at: node.at }),
        false => f.need("at", "say when: `at: 5s`, or `at: end`", p, value::when),
    };
    let mut refused = false;
    if observe {
        for key in ["link", "set", "serves"] {
            if let Some(at) = f.refuse(key) {
                refused = true;
                p.error("E033", at, format!("`observe` has no `{key}`"))
                    .label("it looks and changes nothing")
                    .help("put the entry into `timeline`");
            }
        }
    }
    let has_port = !observe && f.get("serves").is_some();
    let has_link = !observe && (f.get("link").is_some() || f.get("set").is_some());
    let deed = if has_port || has_link {
        let (refused, forms): (&[&str], _) = match has_port {
            true => (&["link", "run"], "`serves` and `set`"),
            false => (&["node", "run"], "`link` and `set`"),
        };
        for key in refused {
            if let Some(at) = f.refuse(key) {
                p.error("E019", at, format!("an entry has {forms}, or `node` and `run`: not `{key}` as well"))
                    .label("one too many")
                    .help("make two entries of it");
            }
        }
        if has_port { read_speed(&mut f, p) } else { read_set(&mut f, p) }
    } else if refused {
        let _ = (f.get("node"), f.get("run"));
        None
    } else {
        let node = f.need("node", "say where: `node: director`", p, value::text);
        let script = f.need("run", "say what is typed: `run: ipvsadm -Ln`", p, value::script);
        // With what could not be read left empty, so that the name is looked up all the same.
        let script = script.map_or(Script { text: "".into(), line: 1 }, |s| s.v);
        node.map(|node| Deed::Run { node: Spot { v: node.v.trim().to_string(), at: node.at }, script })
    };
    f.finish(p);
    let when = when.unwrap_or(Spot { v: At::End, at: node.at });
    Some(Entry { at: node.at, when, observe, what: deed? })
}

/// `node: rs1, serves: tcp/80, set: { speed: 0.1 }`
fn read_speed(f: &mut Fields<'_, '_>, p: &mut Problems) -> Option<Deed> {
    let node = f.need("node", "say where: `node: rs1`", p, value::text);
    let port = f.need("serves", "say what: `serves: tcp/80`", p, |n, p| port_of(n, "write for example `tcp/80`", p));
    let speed = f.need("set", "say how fast: `set: { speed: 0.1 }`", p, |n, p| {
        let mut s = Fields::new(n, "`set`", "{ speed: 0.1 }", p)?;
        let speed =
            s.need("speed", "write for example `set: { speed: 0.1 }`", p, |n, p| value::speed(n, MAX_SPEED_PPM, p));
        s.finish(p);
        speed.map(|s| s.v)
    });
    let node = node?;
    Some(Deed::Speed { node: Spot { v: node.v.trim().to_string(), at: node.at }, port: port?, speed_ppm: speed?.v })
}

fn read_set(f: &mut Fields<'_, '_>, p: &mut Problems) -> Option<Deed> {
    let ends = f.need("link", "say which cable: `link: [rs1, lan]`", p, |n, p| two(n, "link", "[rs1, lan]", p));
    let set = match f.get("set") {
        None => {
            f.missing("set", "say what happens to the cable: `set: { up: false }` or `set: { loss: 10% }`", p);
            None
        }
        Some((key, node)) => Fields::new(node, "`set`", "{ up: false }", p).map(|mut s| {
            if matches!(&node.kind, Kind::Map(entries) if entries.is_empty()) {
                p.error("E015", key.at, "`set` changes nothing")
                    .label("empty")
                    .help("write for example `set: { up: false }` or `set: { loss: 10% }`");
            }
            let up = s.opt("up", p, value::boolean).map(|u| u.v);
            let words = LinkWords::read(&mut s, p);
            s.finish(p);
            (up, words)
        }),
    };
    let ends = ends?;
    let (up, words) = set.unwrap_or_default();
    Some(Deed::Set { ends: ends.v, up, words })
}
