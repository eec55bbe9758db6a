//! Heat maps: a bar that explains the shades, then panels of rows over time.

use super::super::plot::Unit;
use super::super::plot::heat::{Heat, HeatPanel};
use super::axis::{Ruler, label};
use super::canvas::{Canvas, MARGIN, WIDTH};
use super::look::{AXIS, INK, SMALL, TINY, WHITE, shade};
use super::surface::Drawn;

const TOP: f64 = 70.0;
const LEGEND: f64 = 34.0;
const ABOVE: f64 = 26.0;
const BELOW: f64 = 22.0;
const GAP: f64 = 20.0;

fn across(heat: &Heat) -> usize {
    if heat.panels.len() > 1 { 2 } else { 1 }
}

fn row_height(heat: &Heat) -> f64 {
    match heat.panels.iter().map(|p| p.rows.len()).max().unwrap_or(0) {
        0..=6 => 20.0,
        7..=12 => 14.0,
        13..=40 => 8.0,
        n => (320.0 / n as f64).max(1.0),
    }
}

fn panel_height(heat: &Heat) -> f64 {
    row_height(heat) * heat.panels.iter().map(|p| p.rows.len()).max().unwrap_or(0).max(1) as f64
}

/// How high the picture is.
pub(super) fn height(heat: &Heat) -> f64 {
    let rows = heat.panels.len().max(1).div_ceil(across(heat)) as f64;
    TOP + LEGEND + rows * (ABOVE + panel_height(heat) + BELOW) + 20.0
}

impl Canvas<'_> {
    pub(super) fn heat(&self, heat: &Heat) -> Drawn {
        self.shades(heat)?;
        let across = across(heat);
        let wide = (WIDTH - 2.0 * MARGIN + GAP) / across as f64 - GAP;
        let names = heat.panels.iter().flat_map(|p| &p.rows).map(|r| self.measure(&r.0, SMALL));
        let widest = names.fold(0.0, f64::max).min(wide * 0.25);
        for (n, panel) in heat.panels.iter().enumerate() {
            let x = MARGIN + (wide + GAP) * (n % across) as f64;
            let top = TOP + LEGEND + ABOVE + (ABOVE + panel_height(heat) + BELOW) * (n / across) as f64;
            self.heat_panel(heat, panel, (x, top, wide), widest)?;
        }
        if heat.is_empty() {
            return self.nothing(WIDTH / 2.0, TOP + LEGEND + 30.0);
        }
        let bottom = height(heat) - 10.0;
        self.text(WIDTH - MARGIN, bottom, "time from t = 0", SMALL.right())
    }

    /// What shades mean.
    fn shades(&self, heat: &Heat) -> Drawn {
        let (left, wide, steps) = (MARGIN, 220.0, 33);
        for n in 0..steps {
            let each = wide / f64::from(steps);
            self.rect(left + each * f64::from(n), TOP, each + 0.2, 11.0, shade(f64::from(n) / f64::from(steps - 1)))?;
        }
        for (part, at) in [(0.0, left), (0.5, left + wide / 2.0), (1.0, left + wide)] {
            let text = label(heat.unit, heat.most * part, heat.most / 2.0, heat.most);
            self.line((at, TOP + 11.0), (at, TOP + 14.0), AXIS, 1.0)?;
            match part {
                0.0 => self.text(at, TOP + 22.0, &text, TINY)?,
                _ => self.text(at, TOP + 22.0, &text, TINY.center())?,
            }
        }
        self.text(left + wide + 34.0, TOP + 6.0, &self.fit(&heat.label, 540.0, SMALL), SMALL)
    }

    fn heat_panel(&self, heat: &Heat, panel: &HeatPanel, (x, top, wide): (f64, f64, f64), widest: f64) -> Drawn {
        let high = row_height(heat);
        let bottom = top + high * panel.rows.len() as f64;
        let named = high >= 13.0;
        let (left, right) = (x + if named { widest + 8.0 } else { 26.0 }, x + wide - 4.0);
        self.text(x, top - 13.0, &self.fit(&panel.title, wide, SMALL), SMALL.dark().bold())?;
        let cells = heat.len().max(1);
        let each = (right - left) / cells as f64;
        for (n, (name, values)) in panel.rows.iter().enumerate() {
            let y = top + high * n as f64;
            if named {
                self.text(left - 7.0, y + high / 2.0, &self.fit(name, widest, SMALL), SMALL.right())?;
            } else if n == 0 || (n + 1) % 5 == 0 {
                self.text(left - 7.0, y + high / 2.0, &(n + 1).to_string(), TINY.right())?;
            }
            let shades: Vec<_> = values.iter().map(|v| v.map(|v| shade(v / heat.most))).collect();
            let mut from = 0;
            while from < shades.len() {
                let same = shades[from..].iter().take_while(|s| **s == shades[from]).count();
                if let Some(shade) = shades[from] {
                    let gap = if high >= 6.0 { 0.6 } else { 0.0 };
                    self.rect(left + each * from as f64, y, each * same as f64, high - gap, shade)?;
                }
                from += same;
            }
        }
        let end = heat.from + heat.width * cells as f64;
        let along = Ruler::even(Unit::Time, heat.from, end, (left, right), ((right - left) / 70.0) as usize, true);
        for (value, label) in &along.ticks {
            let half = self.measure(label, SMALL) / 2.0;
            self.line((along.at(*value), bottom), (along.at(*value), bottom + 4.0), AXIS, 1.0)?;
            self.text(along.at(*value).min(x + wide - half), bottom + 13.0, label, SMALL.center())?;
        }
        self.line((left, bottom), (right, bottom), AXIS, 1.0)?;
        for (at, name) in &heat.marks {
            let at = along.at(*at);
            self.line((at, top - 4.0), (at, bottom), WHITE, 3.2)?;
            self.line((at, top - 4.0), (at, bottom), INK, 1.4)?;
            self.text(at, top - 10.0, &self.fit(name, right - at, TINY), TINY)?;
        }
        Ok(())
    }
}
