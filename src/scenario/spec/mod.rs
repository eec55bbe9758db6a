//! What the user typed, one element per file: every value with its place, nothing resolved, nothing defaulted.
//!
//! A value that cannot be read is told and left out; `broken` marks a part whose consequences must not be told as well.

pub(crate) mod address;
pub(crate) mod arrivals;
pub(crate) mod dist;
pub(crate) mod expect;
pub(crate) mod host;
pub(crate) mod link;
pub(crate) mod read;
pub(crate) mod serves;
pub(crate) mod timeline;
pub(crate) mod traffic;
pub(crate) mod value;

use crate::base::Span;
use crate::scenario::grading::{self, GradeWords};
use crate::scenario::problem::{Problems, quote};
use crate::scenario::tree::{Kind, Mark, Node};
use expect::Expect;
use host::Host;
use link::{Link, LinkWords};
use read::{Fields, items};
use serves::ServerWords;
use timeline::Entry;
use traffic::Traffic;

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Spot<T> {
    pub v: T,
    pub at: Mark,
}

/// A part of the file that has places in it.
#[derive(Debug, Default)]
pub(crate) struct Spec {
    pub name: Option<Spot<String>>,
    pub title: Option<String>,
    pub about: Option<String>,
    pub seed: Option<u64>,
    pub duration: Option<Spot<Span>>,
    pub warmup: Option<Spot<Span>>,
    pub link: LinkWords,
    pub server: ServerWords,
    pub nodes: Vec<Host>,
    /// The nodes could not all be read: that a name is unknown may be a consequence.
    pub nodes_broken: bool,
    pub links: Vec<Link>,
    pub traffic: Vec<Traffic>,
    /// The traffic could not all be read.
    pub traffic_broken: bool,
    /// `timeline` and `observe`, in the order of the file.
    pub entries: Vec<Entry>,
    pub expect: Vec<Expect>,
    pub causes: Vec<Spot<String>>,
    pub grade: GradeWords,
}

/// Reads the whole file. `None`: it is no scenario of version 1, and nothing else is worth telling.
pub(crate) fn read(root: &Node<'_>, p: &mut Problems) -> Option<Spec> {
    let mut f = Fields::new(root, "a scenario", "lvsim: 1", p)?;
    version(&mut f, p)?;
    let mut spec = Spec {
        name: f.opt("name", p, |n, p| value::name(n, "a scenario", p)),
        title: f.opt("title", p, value::text).map(|t| t.v),
        about: f.opt("about", p, value::text).map(|t| t.v),
        seed: f.opt("seed", p, |n, p| value::whole(n, 0..=u64::MAX, p)).map(|s| s.v),
        duration: f.opt("duration", p, value::duration),
        warmup: f.opt("warmup", p, value::duration),
        ..Spec::default()
    };
    if let Some((_, node)) = f.get("defaults")
        && !node.is_null()
        && let Some(mut d) = Fields::new(node, "`defaults`", "{ link: { latency: 50us } }", p)
    {
        if let Some(mut l) = d.map("link", "{ latency: 50us, bandwidth: 1gbit }", p) {
            spec.link = LinkWords::read(&mut l, p);
            l.finish(p);
        }
        if let Some(mut s) = d.map("server", "{ service_time: 20ms, workers: 4 }", p) {
            spec.server = ServerWords::read(&mut s, p);
            s.finish(p);
        }
        d.finish(p);
    }
    match f.get("nodes") {
        Some((_, node)) if node.is_null() => {}
        Some((_, node)) => match &node.kind {
            Kind::Map(entries) => spec.nodes = entries.iter().map(|(key, node)| host::read(key, node, p)).collect(),
            _ => {
                spec.nodes_broken = true;
                read::wrong(node, "a map of nodes", "client: { kind: client }", p);
            }
        },
        None => {
            spec.nodes_broken = true;
            f.missing("nodes", "the network: `nodes:` with a map of switches and hosts", p);
        }
    }
    if let Some((_, node)) = f.get("links") {
        spec.links = items(node, "links", "[{ between: [sw1, sw2] }]", p).iter().map(|n| link::read(n, p)).collect();
    }
    if let Some((_, node)) = f.get("traffic") {
        let list = items(node, "traffic", "- { from: client, to: 192.168.1.200:80 }", p);
        spec.traffic_broken = list.is_empty() && !node.is_null() && !matches!(&node.kind, Kind::Seq(_));
        for (i, node) in list.iter().enumerate() {
            match traffic::read(node, i, p) {
                Some(entry) => spec.traffic.push(entry),
                None => spec.traffic_broken = true,
            }
        }
    }
    // Both sections are one list: of two entries for one instant the one further up goes first.
    let timeline = f.get("timeline").map(|(key, node)| (key.at, node, false));
    let observe = f.get("observe").map(|(key, node)| (key.at, node, true));
    let mut sections: Vec<_> = timeline.into_iter().chain(observe).collect();
    sections.sort_by_key(|s| s.0);
    for (_, node, observe) in sections {
        let (what, example) = match observe {
            true => ("observe", "- { at: end, node: director, run: ipvsadm -Ln }"),
            false => ("timeline", "- { at: 5s, node: rs1, run: ifconfig eth0 down }"),
        };
        spec.entries.extend(items(node, what, example, p).iter().filter_map(|n| timeline::read(n, observe, p)));
    }
    if let Some((_, node)) = f.get("expect") {
        let list = items(node, "expect", "- { traffic: web, outcomes: { ok: 12 } }", p);
        spec.expect = list.iter().filter_map(|n| expect::read(n, p)).collect();
    }
    if let Some((_, node)) = f.get("causes") {
        let words = |n: &Node<'_>, p: &mut Problems| {
            let v = value::word(n, "a cause", "[vip-not-hidden]", p)?.to_string();
            Some(Spot { v, at: n.at })
        };
        spec.causes = items(node, "causes", "[vip-not-hidden]", p).iter().filter_map(|n| words(n, p)).collect();
    }
    if let Some(words) = f.map("grade", "{ hosts: [director, rs1] }", p) {
        spec.grade = grading::read(words, p);
    }
    f.finish(p);
    Some(spec)
}

/// The version must be 1; of a file of another version nothing can be said.
fn version(f: &mut Fields<'_, '_>, p: &mut Problems) -> Option<()> {
    match f.get("lvsim") {
        None => {
            f.missing("lvsim", "begin the file with `lvsim: 1`", p);
            Some(())
        }
        Some((_, node)) if node.text().is_some_and(|t| t.trim() == "1") => Some(()),
        Some((_, node)) => {
            let written = node.text().filter(|_| !node.is_null()).map_or(node.what().to_string(), quote);
            p.error("E020", node.at, format!("this lvsim reads version 1 of the format, not {written}"))
                .label("not 1")
                .help("write `lvsim: 1`, or use the lvsim that the file was written for");
            None
        }
    }
}
