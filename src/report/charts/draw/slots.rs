//! Slot maps: the table before on the left, after on the right; slots that moved are marked there, those that need not have
//! moved in another way.

use super::super::plot::slots::{SlotPanel, Slots};
use super::canvas::{Canvas, MARGIN, WIDTH, legend_height};
use super::look::{self, INK, Look, Marker, OTHERS, SMALL, TINY, WHITE};
use super::surface::Drawn;

const TOP: f64 = 72.0;
const ABOVE: f64 = 40.0;
const GAP: f64 = 28.0;
/// A sign in the legend.
const SAMPLE: f64 = 30.0;
const WIDE: f64 = (WIDTH - 2.0 * MARGIN - GAP) / 2.0;

/// Slots in a row.
fn row(panel: &SlotPanel) -> usize {
    if panel.before.len() <= 1024 { 32 } else { 64 }
}

fn cell(panel: &SlotPanel) -> f64 {
    WIDE / row(panel) as f64
}

fn panel_height(panel: &SlotPanel) -> f64 {
    panel.before.len().div_ceil(row(panel)) as f64 * cell(panel)
}

fn names(slots: &Slots) -> Vec<String> {
    let servers = slots.servers.iter().enumerate().map(|(n, s)| format!("{} {s}", n + 1));
    servers.chain(["moved, as it had to", "moved without need"].map(String::from)).collect()
}

/// How high the picture is.
pub(super) fn height(slots: &Slots) -> f64 {
    let names = names(slots);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let panels: f64 = slots.panels.iter().map(|p| ABOVE + panel_height(p)).sum();
    TOP + legend_height(&names, SAMPLE) + panels.max(100.0) + 14.0
}

impl Canvas<'_> {
    pub(super) fn slots(&self, slots: &Slots) -> Drawn {
        let names = names(slots);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let servers = slots.servers.len();
        self.legend(TOP, &names, SAMPLE, &|n, x, y| {
            if n < servers {
                return self.slot((x, y - 7.0, 14.0), Some(n));
            }
            // As it looks in small tables, and in large ones.
            self.rect(x - 15.0, y - 7.0, 14.0, 14.0, OTHERS)?;
            self.moved((x - 8.0, y), 14.0, n == servers)?;
            self.rect(x + 4.0, y - 4.0, 8.0, 8.0, OTHERS)?;
            self.moved((x + 8.0, y), 8.0, n == servers)
        })?;
        let mut top = TOP + legend_height(&names, SAMPLE) + ABOVE;
        for panel in &slots.panels {
            let (forced, free) = panel.moved();
            let all = panel.before.len().max(1) as f64;
            let part = |n: usize| format!("{:.2} %", 100.0 * n as f64 / all);
            let said = format!("after: {} had to move, {} moved without need", part(forced), part(free));
            let title = format!("{}: {} slots, before", panel.title, panel.before.len());
            self.text(MARGIN, top - 14.0, &self.fit(&title, WIDE, SMALL), SMALL.dark().bold())?;
            self.text(MARGIN + WIDE + GAP, top - 14.0, &self.fit(&said, WIDE, SMALL), SMALL.dark().bold())?;
            for (left, table) in [(MARGIN, &panel.before), (MARGIN + WIDE + GAP, &panel.after)] {
                let (row, each) = (row(panel), cell(panel));
                for (n, &server) in table.iter().enumerate() {
                    let at = (left + each * (n % row) as f64, top + each * (n / row) as f64);
                    self.slot((at.0, at.1, each), server)?;
                    if left > MARGIN && panel.has_moved(n) {
                        self.moved((at.0 + each / 2.0, at.1 + each / 2.0), each, panel.is_forced(n))?;
                    }
                }
            }
            top += ABOVE + panel_height(panel);
        }
        if slots.panels.is_empty() {
            self.nothing(WIDTH / 2.0, top)?;
        }
        Ok(())
    }

    /// A slot in its server's colour, with the server's number where there is room.
    fn slot(&self, (x, y, each): (f64, f64, f64), server: Option<usize>) -> Drawn {
        let color = server.map_or(WHITE, look::server);
        let gap = if each > 8.0 { 0.8 } else { 0.3 };
        self.rect(x, y, each - gap, each - gap, color)?;
        let Some(n) = server.filter(|_| each > 9.0) else { return Ok(()) };
        let ink = if look::is_dark(color) { WHITE } else { INK };
        let letters = Look { size: each * if n < 9 { 0.72 } else { 0.6 }, color: ink, ..TINY.center() };
        self.text(x + (each - gap) / 2.0, y + (each - gap) / 2.0, &(n + 1).to_string(), letters)
    }

    /// The mark of a slot that moved.
    fn moved(&self, at: (f64, f64), each: f64, forced: bool) -> Drawn {
        let half = each / 2.0 - 0.4;
        if each > 9.0 {
            // A frame leaves the number to be read.
            let (color, width) = if forced { (INK, 1.1) } else { (look::ODD, 2.4) };
            let corners = [(-half, -half), (half, -half), (half, half), (-half, half), (-half, -half)];
            for ends in corners.windows(2) {
                self.line((at.0 + ends[0].0, at.1 + ends[0].1), (at.0 + ends[1].0, at.1 + ends[1].1), color, width)?;
            }
            return Ok(());
        }
        match forced {
            true => self.marker(at, Marker::Circle, INK, each * 0.16),
            false => self.marker(at, Marker::Diamond, look::ODD, each * 0.42),
        }
    }
}
