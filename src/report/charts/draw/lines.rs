//! Lines in panels: a legend, then panels in rows, each with its own grid.

use super::super::plot::lines::{LinePanel, Lines, Series, Stroke};
use super::axis::Ruler;
use super::canvas::{Canvas, MARGIN, WIDTH, legend_height};
use super::look::{self, AXIS, GRID, SMALL, TINY};
use super::surface::Drawn;

/// Markers on a line at most.
const MARKERS: usize = 9;
/// Pixels between markers at least, where not every point has one.
const FAR: f64 = 70.0;
const TOP: f64 = 72.0;
/// Above a panel: its heading and the words of its y axis.
const ABOVE: f64 = 40.0;
const GAP: f64 = 22.0;
/// A line in the legend.
const SAMPLE: f64 = 38.0;

fn across(lines: &Lines) -> usize {
    lines.across.clamp(1, lines.panels.len().max(1))
}

fn panel_height(lines: &Lines) -> f64 {
    match (lines.panels.len(), across(lines)) {
        (0 | 1, _) => 330.0,
        (_, 1) => 200.0,
        (_, 2) => 180.0,
        _ => 140.0,
    }
}

/// Below a panel: labels, their second row, the words of the x axis.
fn below(lines: &Lines) -> f64 {
    24.0 + if lines.x.notes.is_empty() { 0.0 } else { 17.0 }
}

/// How high the picture is.
pub(super) fn height(lines: &Lines) -> f64 {
    let rows = lines.panels.len().max(1).div_ceil(across(lines)) as f64;
    let names: Vec<&str> = entries(lines).iter().map(|s| name(lines, s)).collect();
    TOP + legend_height(&names, SAMPLE) + rows * (ABOVE + panel_height(lines) + below(lines)) + GAP
}

/// The lines that the legend shows: each name once.
fn entries(lines: &Lines) -> Vec<&Series> {
    let mut out: Vec<&Series> = Vec::new();
    for series in lines.panels.iter().flat_map(|p| &p.series) {
        // Of many faint lines, one stands for all.
        let same =
            |s: &&&Series| s.name == series.name || (s.stroke == series.stroke && series.stroke == Stroke::Faint);
        if !out.iter().any(|s| same(&s)) {
            out.push(series);
        }
    }
    out
}

fn name<'a>(lines: &'a Lines, series: &'a Series) -> &'a str {
    if series.stroke == Stroke::Faint { lines.faint } else { &series.name }
}

fn values<'a>(panels: impl Iterator<Item = &'a LinePanel> + 'a) -> impl Iterator<Item = f64> + 'a {
    panels.flat_map(|p| &p.series).flat_map(|s| &s.points).flat_map(|p| [p.y.low(), p.y.high()])
}

fn up(lines: &Lines, panel: &LinePanel, ends: (f64, f64), n: usize) -> Ruler {
    match lines.same_y {
        true => Ruler::new(&panel.y, values(lines.panels.iter()), ends, n, false),
        false => Ruler::new(&panel.y, values(std::iter::once(panel)), ends, n, false),
    }
}

impl Canvas<'_> {
    pub(super) fn lines(&self, lines: &Lines) -> Drawn {
        let entries = entries(lines);
        let names: Vec<&str> = entries.iter().map(|s| name(lines, s)).collect();
        self.legend(TOP, &names, SAMPLE, &|n, x, y| {
            let line = look::line(entries[n].stroke);
            self.curve(&[(x - 19.0, y), (x + 19.0, y)], &line)?;
            self.marker((x, y), line.marker, line.color, 3.2)
        })?;
        let first = TOP + legend_height(&names, SAMPLE);
        let (across, high) = (across(lines), panel_height(lines));
        let wide = (WIDTH - 2.0 * MARGIN + GAP) / across as f64 - GAP;
        for (n, panel) in lines.panels.iter().enumerate() {
            let left = MARGIN + (wide + GAP) * (n % across) as f64;
            let top = first + ABOVE + (ABOVE + high + below(lines)) * (n / across) as f64;
            let last = n + 1 == lines.panels.len();
            self.panel(lines, panel, (left, top, wide, high), last)?;
        }
        if lines.panels.is_empty() {
            self.nothing(WIDTH / 2.0, first + 80.0)?;
        }
        Ok(())
    }

    fn panel(&self, lines: &Lines, panel: &LinePanel, (x, top, wide, high): (f64, f64, f64, f64), last: bool) -> Drawn {
        let bottom = top + high;
        let n = (high / 32.0) as usize;
        let up = up(lines, panel, (bottom, top), n);
        let (left, right) = (x + self.labels(lines, high) + 8.0, x + wide - 6.0);
        let all = || lines.panels.iter().flat_map(|p| &p.series).flat_map(|s| &s.points).map(|p| p.x);
        let along = Ruler::new(&lines.x, all(), (left, right), ((right - left) / 75.0) as usize, true);
        if panel.title.is_empty() {
            self.text(x, top - 16.0, &panel.y.label, SMALL)?;
        } else {
            let title = self.fit(&panel.title, wide * 0.6, SMALL.dark().bold());
            self.text(x, top - 16.0, &title, SMALL.dark().bold())?;
            let from = x + self.measure(&title, SMALL.bold()) + 10.0;
            self.text(from, top - 16.0, &self.fit(&panel.y.label, x + wide - from, TINY), TINY)?;
        }
        for &line in &up.lines {
            self.line((left, up.at(line)), (right, up.at(line)), GRID, 1.0)?;
        }
        for (value, label) in &up.ticks {
            self.text(left - 7.0, up.at(*value), label, SMALL.right())?;
        }
        for &line in along.lines.iter().filter(|_| along.lines.len() < 40) {
            self.line((along.at(line), top), (along.at(line), bottom), GRID, 0.7)?;
        }
        for (at, name) in &lines.marks {
            let x = along.at(*at);
            self.curve(&[(x, top), (x, bottom)], &look::line(Stroke::Reference))?;
            let look = if x > (left + right) / 2.0 { TINY.right() } else { TINY };
            let aside = if x > (left + right) / 2.0 { -4.0 } else { 4.0 };
            self.text(x + aside, top + 7.0, &self.fit(name, (right - left) / 2.0, TINY), look)?;
        }
        self.line((left, bottom), (right, bottom), AXIS, 1.0)?;
        let mut beyond = f64::NEG_INFINITY;
        for (value, label) in &along.ticks {
            // Labels stay within the picture, and off each other.
            let half = self.measure(label, SMALL) / 2.0;
            let at = along.at(*value).min(x + wide - half);
            if at - half > beyond {
                self.text(at, bottom + 14.0, label, SMALL.center())?;
                self.line((along.at(*value), bottom), (along.at(*value), bottom + 4.0), AXIS, 1.0)?;
                beyond = at + half + 6.0;
            }
        }
        let mut beyond = f64::NEG_INFINITY;
        for (value, note) in &lines.x.notes {
            let half = self.measure(note, TINY) / 2.0;
            let at = along.at(*value).min(x + wide - half);
            if at - half > beyond {
                self.text(at, bottom + 30.0, note, TINY.center())?;
                beyond = at + half + 6.0;
            }
        }
        if last {
            self.text(right, bottom + below(lines) + 8.0, &lines.x.label, SMALL.right())?;
        }
        if panel.series.iter().all(|s| s.points.is_empty()) {
            return self.nothing((left + right) / 2.0, (top + bottom) / 2.0);
        }
        for series in &panel.series {
            self.band(series, &along, &up)?;
        }
        for (n, series) in panel.series.iter().enumerate() {
            self.one(series, n, panel.series.len(), &along, &up)?;
        }
        Ok(())
    }

    /// How wide the labels of the y axes are: of all panels, so that their x axes lie one below the other.
    fn labels(&self, lines: &Lines, high: f64) -> f64 {
        let rulers = lines.panels.iter().map(|p| up(lines, p, (high, 0.0), (high / 32.0) as usize));
        let widths = rulers.flat_map(|r| r.ticks).map(|t| self.measure(&t.1, SMALL));
        widths.fold(0.0, f64::max)
    }

    fn band(&self, series: &Series, along: &Ruler, up: &Ruler) -> Drawn {
        let with: Vec<(f64, (f64, f64))> = series.points.iter().filter_map(|p| Some((p.x, p.y.ends?))).collect();
        if with.len() < 2 || series.stroke == Stroke::Faint {
            return Ok(());
        }
        // Along the upper ends, and back along the lower ones.
        let way = |end: &dyn Fn((f64, f64)) -> f64| {
            let mut out: Vec<(f64, f64)> = Vec::new();
            for &(x, ends) in &with {
                if series.step
                    && let Some(&(_, y)) = out.last()
                {
                    out.push((along.at(x), y));
                }
                out.push((along.at(x), up.at(end(ends))));
            }
            out
        };
        let mut shape = way(&|e| e.1);
        shape.extend(way(&|e| e.0).into_iter().rev());
        self.shape(&shape, look::line(series.stroke).color, 0.16)
    }

    fn one(&self, series: &Series, place: usize, of: usize, along: &Ruler, up: &Ruler) -> Drawn {
        let line = look::line(series.stroke);
        let mut points: Vec<(f64, f64)> = Vec::new();
        for p in &series.points {
            let at = (along.at(p.x), up.at(p.y.mean));
            if series.step
                && let Some(&(_, y)) = points.last()
            {
                points.push((at.0, y));
            }
            points.push(at);
        }
        self.curve(&points, &line)?;
        // Markers at equal distances along, each line's a little further, so that they do not lie on one another.
        let (from, to) = along_ends(&points);
        let every = ((to - from) / MARKERS as f64).max(FAR);
        let few = series.points.len() <= MARKERS * 2;
        let mut next = from + every * (place as f64 + 0.5) / of.max(1) as f64;
        for p in &series.points {
            let at = (along.at(p.x), up.at(p.y.mean));
            if few || at.0 >= next {
                self.marker(at, line.marker, line.color, 2.9)?;
                while next <= at.0 {
                    next += every;
                }
            }
        }
        Ok(())
    }
}

fn along_ends(points: &[(f64, f64)]) -> (f64, f64) {
    (points.first().map_or(0.0, |p| p.0), points.last().map_or(0.0, |p| p.0))
}
