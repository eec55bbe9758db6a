//! Horizontal bars in groups, each with its value, its share, and a line for the length that weights ask for.

use super::super::plot::Group;
use super::super::tenths;
use super::axis::{thousands, ticks};
use super::canvas::{Canvas, MARGIN, WIDTH};
use super::look::{AXIS, GRID, INK, LABEL, SMALL, WHITE};
use super::surface::Drawn;

const GROUP: f64 = 28.0;
const BAR: f64 = 26.0;

/// How high the picture is.
pub(super) fn height(groups: &[Group]) -> f64 {
    let rows: f64 = groups.iter().map(|g| GROUP + BAR * g.bars.len() as f64 + 8.0).sum();
    (70.0 + rows + 38.0).max(140.0)
}

impl Canvas<'_> {
    pub(super) fn bars(&self, groups: &[Group], height: f64) -> Drawn {
        let bars = || groups.iter().flat_map(|g| &g.bars);
        if bars().next().is_none() {
            return self.text(MARGIN, 92.0, "No connections.", LABEL);
        }
        let widest = bars().map(|b| self.measure(&b.label, LABEL)).fold(0.0, f64::max).min(250.0);
        let (left, right) = (MARGIN + widest + 10.0, WIDTH - 190.0);
        let longest = bars().map(|b| (b.value * 1000).max(b.target.unwrap_or(0))).max().unwrap_or(0);
        let ticks = ticks(longest.div_ceil(1000).max(1), 6);
        let most = *ticks.last().unwrap_or(&1) as f64;
        let x = |v: f64| left + (right - left) * v / most;
        let bottom = height - 38.0;
        for tick in &ticks {
            self.line((x(*tick as f64), 70.0), (x(*tick as f64), bottom), GRID, 1.0)?;
            self.text(x(*tick as f64), bottom + 16.0, &thousands(*tick), SMALL.center())?;
        }
        let mut y = 70.0;
        for group in groups {
            self.text(MARGIN, y + 15.0, &self.fit(&group.label, left - MARGIN + 200.0, LABEL), LABEL.bold())?;
            y += GROUP;
            let first = y;
            let total: u64 = group.bars.iter().map(|b| b.value).sum();
            for bar in &group.bars {
                let middle = y + BAR / 2.0;
                self.text(left - 10.0, middle, &self.fit(&bar.label, widest, LABEL), LABEL.right())?;
                self.fill(left, y + 4.0, x(bar.value as f64) - left, BAR - 8.0, bar.ink)?;
                let mut end = x(bar.value as f64);
                if let Some(target) = bar.target {
                    let at = x(target as f64 / 1000.0);
                    self.line((at, y + 1.0), (at, y + BAR - 1.0), WHITE, 4.0)?;
                    self.line((at, y + 1.0), (at, y + BAR - 1.0), INK, 2.0)?;
                    end = end.max(at);
                }
                let value = thousands(bar.value);
                self.text(end + 8.0, middle, &value, LABEL.bold())?;
                let share = (bar.value * 1000 + total / 2).checked_div(total).unwrap_or(0);
                let mut said = format!("{}.{} %", share / 10, share % 10);
                if let Some(target) = bar.target {
                    said.push_str(&format!(", by weight {}", tenths(target)));
                }
                self.text(end + 14.0 + self.measure(&value, LABEL.bold()), middle, &said, SMALL)?;
                y += BAR;
            }
            // Not through the headings.
            self.line((left, first), (left, y), AXIS, 1.0)?;
            y += 8.0;
        }
        Ok(())
    }
}
