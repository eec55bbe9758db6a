//! Who is joined to whom, as a graph: nodes are switches and hosts, edges are cables.
//!
//! The stable graph keeps its numbers when something is removed. petgraph's own walks return randomly seeded hash maps,
//! so the walks here are ours and answer in the order of node numbers.

use crate::base::{LinkId, NodeId};
use petgraph::stable_graph::{NodeIndex, StableUnGraph};
use std::collections::BTreeSet;

/// The graph of a scenario.
#[derive(Clone, Debug, Default)]
pub struct Topology {
    /// Nodes and cables; the graph's node index is the [`NodeId`].
    pub graph: StableUnGraph<NodeId, LinkId>,
    switches: BTreeSet<NodeId>,
}

impl Topology {
    /// For nodes of which these are switches (`true`), in order.
    pub(crate) fn new(is_switch: impl IntoIterator<Item = bool>) -> Topology {
        let mut topology = Topology::default();
        for (i, switch) in is_switch.into_iter().enumerate() {
            let id = NodeId(i as u32);
            topology.graph.add_node(id);
            if switch {
                topology.switches.insert(id);
            }
        }
        topology
    }

    /// Adds a cable.
    pub(crate) fn join(&mut self, a: NodeId, b: NodeId, cable: LinkId) {
        self.graph.add_edge(NodeIndex::new(a.index()), NodeIndex::new(b.index()), cable);
    }

    /// The cables at a node, with the node at the other end, in the order of the file.
    pub fn cables_at(&self, node: NodeId) -> Vec<(LinkId, NodeId)> {
        let mut found: Vec<(LinkId, NodeId)> = self
            .graph
            .edges(NodeIndex::new(node.index()))
            .filter_map(|edge| {
                use petgraph::visit::EdgeRef;
                let other = if edge.source().index() == node.index() { edge.target() } else { edge.source() };
                Some((*edge.weight(), *self.graph.node_weight(other)?))
            })
            .collect();
        found.sort_unstable();
        found
    }

    /// Whether cables lead from `a` to `b`, through whatever lies between.
    pub fn reachable(&self, a: NodeId, b: NodeId) -> bool {
        self.walk(a, |_| true).contains(&b)
    }

    /// The nodes that hear a broadcast of `node`, itself included: what is joined to it through switches, in order.
    /// From a host the segments of all its interfaces.
    pub fn segment_of(&self, node: NodeId) -> Vec<NodeId> {
        self.walk(node, |through| through == node || self.switches.contains(&through)).into_iter().collect()
    }

    /// All nodes that can be reached from `from`, going on only through nodes that `passes`.
    fn walk(&self, from: NodeId, passes: impl Fn(NodeId) -> bool) -> BTreeSet<NodeId> {
        let mut seen = BTreeSet::from([from]);
        let mut open = vec![from];
        while let Some(node) = open.pop() {
            if !passes(node) {
                continue;
            }
            for next in self.graph.neighbors(NodeIndex::new(node.index())) {
                if let Some(&id) = self.graph.node_weight(next)
                    && seen.insert(id)
                {
                    open.push(id);
                }
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nodes 0 and 1 are switches joined by a trunk; host 2 is at 0, router 3 at 0 and 4, switch 4, host 5 at 4; 6 is alone.
    fn sample() -> Topology {
        let mut t = Topology::new([true, true, false, false, true, false, false]);
        for (n, (a, b)) in [(0, 1), (2, 0), (3, 0), (3, 4), (5, 4)].into_iter().enumerate() {
            t.join(NodeId(a), NodeId(b), LinkId(n as u32));
        }
        t
    }

    #[test]
    fn a_segment_ends_at_a_router() {
        let ids = |t: &Topology, n| t.segment_of(NodeId(n)).iter().map(|n| n.0).collect::<Vec<_>>();
        let t = sample();
        assert_eq!(ids(&t, 2), [0, 1, 2, 3]);
        assert_eq!(ids(&t, 5), [3, 4, 5]);
        assert_eq!(ids(&t, 3), [0, 1, 2, 3, 4, 5]);
        assert_eq!(ids(&t, 6), [6]);
    }

    #[test]
    fn what_is_behind_a_router_is_reachable_and_what_has_no_cable_is_not() {
        let t = sample();
        assert!(t.reachable(NodeId(2), NodeId(5)));
        assert!(!t.reachable(NodeId(2), NodeId(6)));
        assert_eq!(t.cables_at(NodeId(3)), [(LinkId(2), NodeId(0)), (LinkId(3), NodeId(4))]);
    }
}
