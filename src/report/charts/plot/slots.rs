//! Slot maps: which server each slot of a scheduler's table leads to, before and after.

use crate::report::tables::{Cell, Grid};

/// Tables before and after, one panel for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slots {
    /// The servers; slots name them by place.
    pub servers: Vec<String>,
    /// What the panels differ in, a word for the table.
    pub by: &'static str,
    /// The panels.
    pub panels: Vec<SlotPanel>,
}

/// One table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotPanel {
    /// Its heading.
    pub title: String,
    /// The server of each slot before; nothing: none.
    pub before: Vec<Option<usize>>,
    /// The server of each slot after.
    pub after: Vec<Option<usize>>,
}

impl SlotPanel {
    /// Slots whose server is another one afterwards: those that had to move, because their server is in no slot any more, and
    /// the others.
    pub fn moved(&self) -> (usize, usize) {
        let all = 0..self.before.len();
        let moved = all.filter(|&n| self.has_moved(n));
        let forced = moved.clone().filter(|&n| self.is_forced(n)).count();
        (forced, moved.count() - forced)
    }

    /// Whether this slot's server is another one afterwards.
    pub fn has_moved(&self, slot: usize) -> bool {
        self.before.get(slot) != self.after.get(slot)
    }

    /// Whether its server is in no slot any more.
    pub fn is_forced(&self, slot: usize) -> bool {
        self.before.get(slot).is_some_and(|was| was.is_some() && !self.after.contains(was))
    }
}

impl Slots {
    pub(crate) fn grid(&self) -> Grid {
        let mut grid = Grid::new(&[self.by, "slot", "before", "after", "moved"]);
        let name = |server: &Option<usize>| Cell::from(server.and_then(|n| self.servers.get(n)).cloned());
        for panel in &self.panels {
            for (slot, (was, is)) in panel.before.iter().zip(&panel.after).enumerate() {
                let moved = match (was == is, panel.is_forced(slot)) {
                    (true, _) => "no",
                    (false, true) => "forced",
                    (false, false) => "not forced",
                };
                grid.row([panel.title.as_str().into(), Cell::Number(slot as i64), name(was), name(is), moved.into()]);
            }
        }
        grid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_must_move_only_if_its_server_is_gone() {
        let some = |list: &[usize]| list.iter().map(|&n| Some(n)).collect::<Vec<_>>();
        let panel = SlotPanel { title: "mh".into(), before: some(&[0, 1, 2, 0, 1]), after: some(&[0, 1, 0, 1, 1]) };
        assert_eq!(panel.moved(), (1, 1));
        let slots = Slots { servers: vec!["a".into(), "b".into(), "c".into()], by: "scheduler", panels: vec![panel] };
        let csv = slots.grid().print(crate::report::tables::Format::Csv);
        assert!(csv.contains("mh,2,c,a,forced\n") && csv.contains("mh,3,a,b,not forced\n"), "{csv}");
    }
}
