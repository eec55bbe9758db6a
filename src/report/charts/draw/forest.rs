//! Forest plots: a row for each difference; a filled square is real, a hollow one is not to be told from zero.

use super::super::plot::forest::{Forest, ForestPanel};
use super::axis::Ruler;
use super::canvas::{Canvas, MARGIN, WIDTH, legend_height};
use super::look::{self, AXIS, GRID, INK, Marker, SMALL, WHITE};
use super::surface::Drawn;

const TOP: f64 = 72.0;
const ABOVE: f64 = 32.0;
const BELOW: f64 = 24.0;
const GAP: f64 = 26.0;
const NAMES: [&str; 2] = ["real: the interval does not hold zero", "not to be told from zero"];

fn across(forest: &Forest) -> usize {
    if forest.panels.len() > 1 { 2 } else { 1 }
}

fn row(forest: &Forest) -> f64 {
    match forest.panels.iter().map(|p| p.rows.len()).max().unwrap_or(0) {
        0..=20 => 22.0,
        _ => 16.0,
    }
}

fn panel_height(forest: &Forest) -> f64 {
    row(forest) * forest.panels.iter().map(|p| p.rows.len()).max().unwrap_or(0).max(2) as f64
}

/// How high the picture is.
pub(super) fn height(forest: &Forest) -> f64 {
    let rows = forest.panels.len().max(1).div_ceil(across(forest)) as f64;
    TOP + legend_height(&NAMES, 34.0) + rows * (ABOVE + panel_height(forest) + BELOW) + 8.0
}

/// If most differences would be nothing beside the largest: the size of a usual one's uncertainty, up to which the axis is even.
fn knee(panel: &ForestPanel) -> Option<f64> {
    let mut sizes: Vec<f64> = panel.rows.iter().map(|r| r.value.high().abs().max(r.value.low().abs())).collect();
    sizes.sort_by(f64::total_cmp);
    let largest = sizes.last().copied()?;
    let usual = sizes[sizes.len() / 2];
    let mut spreads: Vec<f64> = panel.rows.iter().map(|r| (r.value.high() - r.value.low()) / 2.0).collect();
    spreads.sort_by(f64::total_cmp);
    let spread = spreads[spreads.len() / 4];
    (usual > 0.0 && largest > 8.0 * usual).then(|| spread.max(usual / 100.0))
}

impl Canvas<'_> {
    pub(super) fn forest(&self, forest: &Forest) -> Drawn {
        self.legend(TOP, &NAMES, 34.0, &|n, x, y| {
            self.line((x - 16.0, y), (x + 16.0, y), INK, 1.3)?;
            self.difference((x, y), n == 0)
        })?;
        let first = TOP + legend_height(&NAMES, 34.0);
        let across = across(forest);
        let wide = (WIDTH - 2.0 * MARGIN + GAP) / across as f64 - GAP;
        for (n, panel) in forest.panels.iter().enumerate() {
            let x = MARGIN + (wide + GAP) * (n % across) as f64;
            let top = first + ABOVE + (ABOVE + panel_height(forest) + BELOW) * (n / across) as f64;
            self.forest_panel(panel, (x, top, wide), row(forest))?;
        }
        if forest.panels.is_empty() {
            self.nothing(WIDTH / 2.0, first + 60.0)?;
        }
        Ok(())
    }

    fn forest_panel(&self, panel: &ForestPanel, (x, top, wide): (f64, f64, f64), row: f64) -> Drawn {
        let bottom = top + row * panel.rows.len().max(1) as f64;
        let names = panel.rows.iter().map(|r| self.measure(&r.label, SMALL));
        let widest = names.fold(0.0, f64::max).min(wide * 0.45);
        let (left, right) = (x + widest + 12.0, x + wide - 26.0);
        let (low, high) =
            panel.rows.iter().fold((0.0f64, 0.0f64), |r, row| (r.0.min(row.value.low()), r.1.max(row.value.high())));
        let n = ((right - left) / 70.0) as usize;
        let mut title = panel.title.clone();
        let along = match knee(panel) {
            Some(knee) => {
                title.push_str(", by factors from zero on");
                Ruler::wide(panel.unit, low, high, knee, (left, right), n)
            }
            None => Ruler::even(panel.unit, low, high, (left, right), n, false),
        };
        self.text(x, top - 14.0, &self.fit(&title, wide, SMALL), SMALL.dark().bold())?;
        for (value, label) in &along.ticks {
            let at = along.at(*value);
            self.line((at, top), (at, bottom), GRID, 1.0)?;
            let half = self.measure(label, SMALL) / 2.0;
            self.text(at.min(x + wide - half), bottom + 13.0, label, SMALL.center())?;
        }
        self.line((along.at(0.0), top - 2.0), (along.at(0.0), bottom), AXIS, 1.6)?;
        for (n, one) in panel.rows.iter().enumerate() {
            let y = top + row * (n as f64 + 0.5);
            self.text(left - 10.0, y, &self.fit(&one.label, widest, SMALL), SMALL.dark().right())?;
            if let Some((low, high)) = one.value.ends {
                self.line((along.at(low), y), (along.at(high), y), INK, 1.3)?;
                for end in [low, high] {
                    self.line((along.at(end), y - 3.0), (along.at(end), y + 3.0), INK, 1.3)?;
                }
            }
            self.difference((along.at(one.value.mean), y), one.real)?;
        }
        match panel.rows.is_empty() {
            true => self.nothing((left + right) / 2.0, top + row),
            false => Ok(()),
        }
    }

    fn difference(&self, at: (f64, f64), real: bool) -> Drawn {
        self.marker(at, Marker::Square, look::line(super::super::plot::lines::Stroke::Style(0)).color, 4.2)?;
        if real { Ok(()) } else { self.marker(at, Marker::Square, WHITE, 2.0) }
    }
}
