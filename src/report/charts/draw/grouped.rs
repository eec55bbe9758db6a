//! Upright bars in groups: error bars, lines for what is wanted, panels of the same height.

use super::super::plot::Ink;
use super::super::plot::grouped::{Grouped, GroupedPanel};
use super::axis::Ruler;
use super::canvas::{Canvas, MARGIN, WIDTH, legend_height};
use super::look::{AXIS, GRID, INK, SMALL, TINY, WHITE};
use super::surface::Drawn;

const TOP: f64 = 72.0;
const ABOVE: f64 = 40.0;
const BELOW: f64 = 26.0;
const GAP: f64 = 20.0;

fn across(grouped: &Grouped) -> usize {
    let bars =
        grouped.panels.iter().map(|p| p.groups.iter().map(|g| g.columns.len()).sum::<usize>()).max().unwrap_or(0);
    match grouped.panels.len() {
        0 | 1 => 1,
        2 => 2,
        _ if bars > 40 => 1,
        4 => 2,
        _ => 3,
    }
}

fn panel_height(grouped: &Grouped) -> f64 {
    match grouped.panels.len() {
        0 | 1 => 300.0,
        2..=4 => 180.0,
        _ => 140.0,
    }
}

fn names(grouped: &Grouped) -> Vec<&str> {
    let mut names: Vec<&str> =
        if grouped.legend.len() > 1 { grouped.legend.iter().map(String::as_str).collect() } else { vec![] };
    if !grouped.target.is_empty() {
        names.push(grouped.target);
    }
    names
}

/// How high the picture is.
pub(super) fn height(grouped: &Grouped) -> f64 {
    let rows = grouped.panels.len().max(1).div_ceil(across(grouped)) as f64;
    TOP + legend_height(&names(grouped), 22.0) + rows * (ABOVE + panel_height(grouped) + BELOW) + 8.0
}

impl Canvas<'_> {
    pub(super) fn grouped(&self, grouped: &Grouped) -> Drawn {
        let names = names(grouped);
        let bars = if grouped.legend.len() > 1 { grouped.legend.len() } else { 0 };
        self.legend(TOP, &names, 22.0, &|n, x, y| match n < bars {
            true => self.column((x - 7.0, y - 7.0, 14.0, 14.0), n),
            false => self.wanted(x - 11.0, x + 11.0, y),
        })?;
        let first = TOP + legend_height(&names, 22.0);
        let (across, high) = (across(grouped), panel_height(grouped));
        let wide = (WIDTH - 2.0 * MARGIN + GAP) / across as f64 - GAP;
        for (n, panel) in grouped.panels.iter().enumerate() {
            let x = MARGIN + (wide + GAP) * (n % across) as f64;
            let top = first + ABOVE + (ABOVE + high + BELOW) * (n / across) as f64;
            self.columns_panel(grouped, panel, (x, top, wide, high))?;
        }
        if grouped.panels.is_empty() {
            self.nothing(WIDTH / 2.0, first + 80.0)?;
        }
        Ok(())
    }

    fn columns_panel(
        &self,
        grouped: &Grouped,
        panel: &GroupedPanel,
        (x, top, wide, high): (f64, f64, f64, f64),
    ) -> Drawn {
        let bottom = top + high;
        let columns = grouped.panels.iter().flat_map(|p| &p.groups).flat_map(|g| &g.columns);
        let values = columns.flat_map(|c| [c.value.high(), c.value.low(), c.target.unwrap_or(0.0)]);
        let up = Ruler::new(&grouped.y, values, (bottom, top), (high / 32.0) as usize, false);
        let widest = up.ticks.iter().map(|t| self.measure(&t.1, SMALL)).fold(0.0, f64::max);
        let (left, right) = (x + widest + 8.0, x + wide);
        match panel.title.is_empty() {
            true => self.text(x, top - 18.0, &grouped.y.label, SMALL)?,
            false => {
                let title = self.fit(&panel.title, wide * 0.6, SMALL.dark().bold());
                self.text(x, top - 18.0, &title, SMALL.dark().bold())?;
                let from = x + self.measure(&title, SMALL.bold()) + 10.0;
                self.text(from, top - 18.0, &self.fit(&grouped.y.label, x + wide - from, TINY), TINY)?;
            }
        }
        for (value, label) in &up.ticks {
            self.line((left, up.at(*value)), (right, up.at(*value)), GRID, 1.0)?;
            self.text(left - 7.0, up.at(*value), label, SMALL.right())?;
        }
        let room = (right - left) / panel.groups.len().max(1) as f64;
        let widest = panel.groups.iter().map(|g| self.measure(&g.label, SMALL)).fold(0.0, f64::max);
        for (n, group) in panel.groups.iter().enumerate() {
            let middle = left + room * (n as f64 + 0.5);
            let all = (room * 0.76).min(46.0 * group.columns.len() as f64);
            let each = all / group.columns.len().max(1) as f64;
            for (i, column) in group.columns.iter().enumerate() {
                let from = middle - all / 2.0 + each * i as f64;
                let (zero, end) = (up.at(0.0), up.at(column.value.mean));
                let gap = if group.columns.len() > 1 { (each * 0.08).min(2.0) } else { 0.0 };
                let body = (from + gap, zero.min(end), each - 2.0 * gap, (zero - end).abs());
                self.column(body, i)?;
                if let Some(target) = column.target {
                    self.wanted(from - 1.5, from + each + 1.5, up.at(target))?;
                }
                if let Some((low, high)) = column.value.ends {
                    let (at, cap) = (from + each / 2.0, (each * 0.22).clamp(1.0, 5.0));
                    self.whisker(at, up.at(low), up.at(high), cap)?;
                }
            }
            // Names that do not fit side by side give way to numbers, of which some are said.
            let label = match widest <= room - 4.0 {
                true => group.label.clone(),
                false if room >= 22.0 || n == 0 || (n + 1) % 5 == 0 => (n + 1).to_string(),
                false => String::new(),
            };
            self.text(middle, bottom + 14.0, &label, SMALL.center())?;
        }
        self.line((left, up.at(0.0)), (right, up.at(0.0)), AXIS, 1.0)?;
        if panel.groups.is_empty() {
            self.nothing((left + right) / 2.0, (top + bottom) / 2.0)?;
        }
        Ok(())
    }

    /// A bar; the second of a group is hatched, the third dotted, as far as colours go.
    fn column(&self, (x, y, w, h): (f64, f64, f64, f64), place: usize) -> Drawn {
        self.fill(x, y, w, h, Ink::Server(place))?;
        if place % 2 == 1 {
            let mut at = 4.0;
            while at < w + h {
                let (a, b) = ((at.min(w), (at - w).max(0.0)), ((at - h).max(0.0), at.min(h)));
                self.line((x + a.0, y + a.1), (x + b.0, y + b.1), WHITE, 1.1)?;
                at += 6.0;
            }
        }
        Ok(())
    }

    fn wanted(&self, from: f64, to: f64, y: f64) -> Drawn {
        self.line((from, y), (to, y), WHITE, 4.0)?;
        self.line((from, y), (to, y), INK, 2.0)
    }

    /// An error bar.
    pub(super) fn whisker(&self, x: f64, low: f64, high: f64, cap: f64) -> Drawn {
        self.line((x, low), (x, high), INK, 1.1)?;
        for y in [low, high] {
            self.line((x - cap, y), (x + cap, y), INK, 1.1)?;
        }
        Ok(())
    }
}
