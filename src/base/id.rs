//! Identities that cannot be mixed up: nodes, devices of a node, links.

use std::fmt;

/// A box of the topology, by its place in the file (groups unrolled).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// A network device of a host (its `ifindex` is this plus one: `lo` is 0, `tunl0` is 1), or a port of a switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DevIdx(pub u16);

/// A cable, in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u32);

impl NodeId {
    /// The index into a vector of nodes.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A box, or none, in two bytes, for what there are millions of: a scenario has 65,535 boxes at the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortId(u16);

impl ShortId {
    /// No box.
    pub const NOBODY: ShortId = ShortId(u16::MAX);

    /// This box.
    #[inline]
    pub fn of(node: NodeId) -> ShortId {
        u16::try_from(node.0).map_or(ShortId::NOBODY, ShortId)
    }

    /// The box, if there is one.
    #[inline]
    pub fn node(self) -> Option<NodeId> {
        (self != ShortId::NOBODY).then_some(NodeId(u32::from(self.0)))
    }
}

impl DevIdx {
    /// The loopback device, the first of every host.
    pub const LO: DevIdx = DevIdx(0);

    /// The index into a vector of devices.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// What Linux calls `ifindex`: counted from 1.
    pub fn ifindex(self) -> u32 {
        u32::from(self.0) + 1
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node#{}", self.0)
    }
}
