//! What a cable is: `latency`, `bandwidth`, `loss`, `mtu`, `queue`; and the cables between switches (`links`).

use crate::base::Span;
use crate::scenario::limits::MAX_QUEUE;
use crate::scenario::problem::Problems;
use crate::scenario::spec::read::{Fields, items};
use crate::scenario::spec::{Spot, value};
use crate::scenario::tree::{Mark, Node};

/// The words that describe a cable, as far as they were said.
#[derive(Clone, Debug, Default)]
pub(crate) struct LinkWords {
    pub latency: Option<Spot<Span>>,
    pub bandwidth: Option<Spot<u64>>,
    pub loss: Option<Spot<u32>>,
    pub mtu: Option<Spot<u64>>,
    pub queue: Option<Spot<u64>>,
}

/// The keys of a cable.
pub(crate) const LINK_KEYS: [&str; 5] = ["latency", "bandwidth", "loss", "mtu", "queue"];

impl LinkWords {
    pub fn read(f: &mut Fields<'_, '_>, p: &mut Problems) -> LinkWords {
        LinkWords {
            latency: f.opt("latency", p, value::duration),
            bandwidth: f.opt("bandwidth", p, value::bandwidth),
            loss: f.opt("loss", p, value::loss),
            // 68 bytes is the least that IPv4 may have (RFC 791), 65535 the most that a veth takes.
            mtu: f.opt("mtu", p, |n, p| value::whole(n, 68..=65_535, p)),
            queue: f.opt("queue", p, |n, p| value::whole(n, 1..=MAX_QUEUE, p)),
        }
    }

    /// What is said here, or else there.
    pub fn or(&self, other: &LinkWords) -> LinkWords {
        LinkWords {
            latency: self.latency.clone().or_else(|| other.latency.clone()),
            bandwidth: self.bandwidth.clone().or_else(|| other.bandwidth.clone()),
            loss: self.loss.clone().or_else(|| other.loss.clone()),
            mtu: self.mtu.clone().or_else(|| other.mtu.clone()),
            queue: self.queue.clone().or_else(|| other.queue.clone()),
        }
    }
}

/// A cable between two switches.
#[derive(Debug)]
pub(crate) struct Link {
    /// Both names, or nothing if they could not be read.
    pub between: Option<[Spot<String>; 2]>,
    pub words: LinkWords,
}

/// Reads one entry of `links`.
pub(crate) fn read(node: &Node<'_>, p: &mut Problems) -> Link {
    let Some(mut f) = Fields::new(node, "a link", "{ between: [sw1, sw2], latency: 10us }", p) else {
        return Link { between: None, words: LinkWords::default() };
    };
    let between =
        f.need("between", "say which switches: `between: [sw1, sw2]`", p, |n, p| two(n, "between", "[sw1, sw2]", p));
    let words = LinkWords::read(&mut f, p);
    f.finish(p);
    Link { between: between.map(|b| b.v), words }
}

/// A list of exactly two texts.
pub(crate) fn two(node: &Node<'_>, key: &str, example: &str, p: &mut Problems) -> Option<[Spot<String>; 2]> {
    let before: Mark = node.at;
    let list = items(node, key, example, p);
    match list {
        [a, b] => {
            let a = value::text(a, p).map(|v| Spot { v: v.trim().to_string(), at: a.at });
            let b = value::text(b, p).map(|v| Spot { v: v.trim().to_string(), at: b.at });
            Some([a?, b?])
        }
        _ => {
            if matches!(node.kind, crate::scenario::tree::Kind::Seq(_)) {
                p.error("E016", before, format!("`{key}` names two ends, not {}", list.len()))
                    .label("wants two")
                    .help(format!("write for example `{key}: {example}`"));
            }
            None
        }
    }
}
