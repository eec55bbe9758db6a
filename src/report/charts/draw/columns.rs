//! Stacked columns over time, with numbered moments.

use super::super::clock;
use super::super::plot::Columns;
use super::axis::{thousands, ticks, time_ticks};
use super::canvas::{Canvas, MARGIN, WIDTH};
use super::look::{AXIS, GRID, INK, LABEL, SMALL};
use super::surface::Drawn;
use unicode_width::UnicodeWidthStr;

const LEGEND: f64 = 22.0;
const PLOT: f64 = 260.0;
const MARK: f64 = 19.0;
/// Marks that are drawn and told.
const MARKS: usize = 12;

/// How high the picture is.
pub(super) fn height(c: &Columns) -> f64 {
    let marks = c.marks.len().min(MARKS + 1) as f64;
    let below = if c.marks.is_empty() { 34.0 } else { 40.0 + MARK * marks };
    80.0 + LEGEND * legend_rows(c) as f64 + 18.0 + PLOT + below
}

/// Rows that the legend takes at most: no entry is wider than 294.
fn legend_rows(c: &Columns) -> usize {
    let guess = |label: &str| (44.0 + label.width() as f64 * 9.5).min(294.0);
    let total: f64 = c.layers.iter().map(|l| guess(&l.label)).sum();
    (total / (WIDTH - 2.0 * MARGIN - 150.0)).ceil() as usize
}

impl Canvas<'_> {
    pub(super) fn columns(&self, c: &Columns) -> Drawn {
        let mut y = 80.0;
        let mut x = MARGIN;
        for layer in &c.layers {
            let label = self.fit(&layer.label, 250.0, LABEL);
            let width = 22.0 + self.measure(&label, LABEL) + 22.0;
            if x + width > WIDTH - MARGIN && x > MARGIN {
                (x, y) = (MARGIN, y + LEGEND);
            }
            self.fill(x, y - 7.0, 14.0, 14.0, layer.ink)?;
            self.text(x + 20.0, y, &label, LABEL)?;
            x += width;
        }
        // The height was reckoned with rows of legends; what they did not need stays white.
        let top = 80.0 + LEGEND * legend_rows(c) as f64 + 18.0;
        let bottom = top + PLOT;
        let sum = |i: usize| c.layers.iter().map(|l| l.values[i]).sum::<u64>();
        let highest = (0..c.len).map(sum).max().unwrap_or(0).max(1);
        let ticks_y = ticks(highest, 5);
        let most = *ticks_y.last().unwrap_or(&1) as f64;
        let widest = ticks_y.iter().map(|t| self.measure(&thousands(*t), SMALL)).fold(0.0, f64::max);
        let (left, right) = (MARGIN + widest + 8.0, WIDTH - MARGIN - 10.0);
        let wide = (right - left) / c.len as f64;
        let up = |v: f64| bottom - PLOT * v / most;
        for tick in &ticks_y {
            self.line((left, up(*tick as f64)), (right, up(*tick as f64)), GRID, 1.0)?;
            self.text(left - 8.0, up(*tick as f64), &thousands(*tick), SMALL.right())?;
        }
        // A single column would be as wide as the picture.
        let body = (wide * 0.86).min(60.0);
        for i in 0..c.len {
            let mut below = 0;
            for layer in &c.layers {
                let value = layer.values[i];
                if value == 0 {
                    continue;
                }
                let (y0, y1) = (up((below + value) as f64), up(below as f64));
                self.fill(left + wide * i as f64 + (wide - body) / 2.0, y0, body, y1 - y0, layer.ink)?;
                below += value;
            }
        }
        self.line((left, bottom), (right, bottom), AXIS, 1.0)?;
        let end = c.from + (c.width * c.len as u64) as i64;
        let over = |at: i64| left + (right - left) * (at - c.from) as f64 / (end - c.from).max(1) as f64;
        for at in time_ticks(c.from, end) {
            self.line((over(at), bottom), (over(at), bottom + 5.0), AXIS, 1.0)?;
            self.text(over(at), bottom + 17.0, &clock(at), SMALL.center())?;
        }
        if c.layers.is_empty() {
            self.text((left + right) / 2.0, (top + bottom) / 2.0, "No connections.", LABEL.center())?;
        }
        self.marks(c, top, bottom, &over)
    }

    /// Numbered lines in the plot, and what they stand for below it.
    fn marks(&self, c: &Columns, top: f64, bottom: f64, over: &dyn Fn(i64) -> f64) -> Drawn {
        let mut y = bottom + 46.0;
        let mut last = f64::NEG_INFINITY;
        for (n, (at, text)) in c.marks.iter().take(MARKS).enumerate() {
            let x = over(*at);
            self.line((x, top - 6.0), (x, bottom), INK, 1.0)?;
            // Numbers that would lie on one another stand side by side.
            let place = x.max(last + 14.0);
            self.text(place, top - 14.0, &(n + 1).to_string(), SMALL.center().bold())?;
            last = place;
            self.text(MARGIN, y, &(n + 1).to_string(), SMALL.bold())?;
            self.text(MARGIN + 96.0, y, &clock(*at), SMALL.right())?;
            self.text(MARGIN + 108.0, y, &self.fit(text, WIDTH - 2.0 * MARGIN - 108.0, SMALL), SMALL)?;
            y += MARK;
        }
        if c.marks.len() > MARKS {
            let rest = format!("and {} more", c.marks.len() - MARKS);
            self.text(MARGIN, y, &rest, SMALL)?;
        }
        Ok(())
    }
}
