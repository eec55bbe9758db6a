//! A picture's canvas: shapes and texts in the picture's own units, whatever it is painted on.

use super::super::Figure;
use super::super::plot::Ink;
use super::look::{Line, Look, MUTED, Marker, Rgb, SMALL, SUBTITLE, TINY, TITLE, WHITE, color_of};
use super::surface::{self, Drawn, Letters, Surface};
use crate::report::log::Outcome;
use unicode_width::UnicodeWidthChar;

/// Every picture is so wide.
pub(super) const WIDTH: f64 = 880.0;
/// Nothing is nearer to an edge.
pub(super) const MARGIN: f64 = 18.0;
/// A line of the caption.
const CAPTION: f64 = 17.0;
const CAPTION_SIZE: f64 = 12.5;

/// What a picture is painted on, at which scale.
#[derive(Clone, Copy)]
pub(super) struct Canvas<'s> {
    pub surface: &'s dyn Surface,
    pub scale: f64,
}

/// How high the caption is.
pub(super) fn caption_height(figure: &Figure) -> f64 {
    match lines(figure).len() {
        0 => 0.0,
        n => 10.0 + CAPTION * n as f64,
    }
}

/// The caption in lines that fit.
fn lines(figure: &Figure) -> Vec<String> {
    let mut out = Vec::new();
    for text in &figure.caption {
        let mut line = String::new();
        for word in text.split(' ') {
            let longer = if line.is_empty() { word.to_string() } else { format!("{line} {word}") };
            if !line.is_empty() && surface::width(&longer, CAPTION_SIZE, false) > WIDTH - 2.0 * MARGIN {
                out.push(std::mem::replace(&mut line, word.to_string()));
            } else {
                line = longer;
            }
        }
        out.push(line);
    }
    out
}

impl Canvas<'_> {
    fn px(&self, v: f64) -> i32 {
        (v * self.scale).round() as i32
    }

    fn at(&self, p: (f64, f64)) -> (i32, i32) {
        (self.px(p.0), self.px(p.1))
    }

    /// Title, subtitle and caption; the plot stands between them.
    pub(super) fn frame(&self, figure: &Figure, height: f64) -> Drawn {
        let room = WIDTH - 2.0 * MARGIN;
        self.text(MARGIN, 26.0, &self.fit(&figure.title, room, TITLE), TITLE)?;
        // The scenario's name stands under a title that not every reader can read.
        let foreign = figure.title.chars().any(|c| c.width() == Some(2));
        let below = if foreign { format!("{}: {}", figure.scenario, figure.subtitle) } else { figure.subtitle.clone() };
        self.text(MARGIN, 50.0, &self.fit(&below, room, SUBTITLE), SUBTITLE)?;
        let mut y = height - caption_height(figure) + 6.0;
        for line in lines(figure) {
            let look = Look { size: CAPTION_SIZE, color: MUTED, ..SMALL };
            self.text(MARGIN, y, &self.fit(&line, room, look), look)?;
            y += CAPTION;
        }
        Ok(())
    }

    pub(super) fn text(&self, x: f64, y: f64, text: &str, look: Look) -> Drawn {
        let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if clean.trim().is_empty() {
            return Ok(());
        }
        let letters = Letters { size: look.size * self.scale, color: look.color, bold: look.bold, at: look.at };
        self.surface.text(&clean, self.at((x, y)), letters)
    }

    pub(super) fn rect(&self, x: f64, y: f64, w: f64, h: f64, color: Rgb) -> Drawn {
        self.surface.rect(self.at((x, y)), self.at((x + w, y + h)), color, 1.0)
    }

    pub(super) fn line(&self, from: (f64, f64), to: (f64, f64), color: Rgb, width: f64) -> Drawn {
        self.surface.path(&[self.at(from), self.at(to)], color, ((width * self.scale) as u32).max(1))
    }

    /// A filled shape; `alpha` from 0 to 1.
    pub(super) fn shape(&self, points: &[(f64, f64)], color: Rgb, alpha: f64) -> Drawn {
        let points: Vec<(i32, i32)> = points.iter().map(|&p| self.at(p)).collect();
        self.surface.shape(&points, color, alpha)
    }

    /// A line through points, with its dashes.
    pub(super) fn curve(&self, points: &[(f64, f64)], line: &Line) -> Drawn {
        let width = ((line.width * self.scale) as u32).max(1);
        for piece in dashes(points, line.dashes) {
            let piece: Vec<(i32, i32)> = piece.into_iter().map(|p| self.at(p)).collect();
            self.surface.path(&piece, line.color, width)?;
        }
        Ok(())
    }

    /// A marker around a point, with a white rim.
    pub(super) fn marker(&self, at: (f64, f64), marker: Marker, color: Rgb, size: f64) -> Drawn {
        for (size, color) in [(size + 1.2, WHITE), (size, color)] {
            let corners: Vec<(f64, f64)> = match marker {
                Marker::None => return Ok(()),
                Marker::Circle => {
                    (0..16).map(|i| f64::from(i) * std::f64::consts::TAU / 16.0).map(|a| (a.cos(), a.sin())).collect()
                }
                Marker::Square => vec![(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
                Marker::Triangle => vec![(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)],
                Marker::Down => vec![(0.0, 1.2), (1.1, -0.8), (-1.1, -0.8)],
                Marker::Diamond => vec![(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)],
            };
            let points: Vec<(f64, f64)> = corners.iter().map(|c| (at.0 + c.0 * size, at.1 + c.1 * size)).collect();
            self.shape(&points, color, 1.0)?;
        }
        Ok(())
    }

    /// A painted rectangle; failures are hatched, each in its own way.
    pub(super) fn fill(&self, x: f64, y: f64, w: f64, h: f64, ink: Ink) -> Drawn {
        self.rect(x, y, w, h, color_of(ink))?;
        let Ink::Odd(outcome) = ink else { return Ok(()) };
        if matches!(outcome, Outcome::Refused | Outcome::Unfinished) {
            let mut at = y + 3.0;
            while at < y + h - 0.5 {
                self.line((x, at), (x + w, at), WHITE, if outcome == Outcome::Refused { 1.6 } else { 0.6 })?;
                at += 5.0;
            }
            return Ok(());
        }
        let slash = matches!(outcome, Outcome::Timeout | Outcome::Reset);
        let back = matches!(outcome, Outcome::Unreachable | Outcome::Reset);
        let mut c = 4.0;
        while c < w + h {
            // From the upper or left edge to the left or lower edge: x + y = c within the rectangle.
            let (a, b) = ((c.min(w), (c - w).max(0.0)), ((c - h).max(0.0), c.min(h)));
            if slash {
                self.line((x + a.0, y + a.1), (x + b.0, y + b.1), WHITE, 1.2)?;
            }
            if back {
                self.line((x + w - a.0, y + a.1), (x + w - b.0, y + b.1), WHITE, 1.2)?;
            }
            c += 6.0;
        }
        Ok(())
    }

    /// How wide a text is.
    pub(super) fn measure(&self, text: &str, look: Look) -> f64 {
        surface::width(text, look.size, look.bold)
    }

    /// The text, cut with an ellipsis if it is too wide.
    pub(super) fn fit(&self, text: &str, width: f64, look: Look) -> String {
        // A title can be as long as a file: nothing beyond 400 letters can fit.
        let mut cut: String = text.chars().take(400).collect();
        if cut.len() == text.len() && self.measure(text, look) <= width {
            return cut;
        }
        while !cut.is_empty() && self.measure(&format!("{cut}…"), look) > width {
            cut.pop();
        }
        format!("{}…", cut.trim_end())
    }

    /// Entries of a legend from left to right, in rows; `paint` paints the sample, so wide, with its middle at a place. How high
    /// the rows are together is [`legend_height`]'s to say.
    pub(super) fn legend(
        &self,
        top: f64,
        names: &[&str],
        sample: f64,
        paint: &dyn Fn(usize, f64, f64) -> Drawn,
    ) -> Drawn {
        for (n, &(x, row)) in places(names, sample).iter().enumerate() {
            let y = top + LEGEND * (row as f64 + 0.5);
            paint(n, x + sample / 2.0, y)?;
            self.text(x + sample + 7.0, y, &self.fit(names[n], ENTRY, SMALL.dark()), SMALL.dark())?;
        }
        Ok(())
    }

    /// A small text in the middle of an area without data.
    pub(super) fn nothing(&self, x: f64, y: f64) -> Drawn {
        self.text(x, y, "nothing to show", TINY.center())
    }
}

const LEGEND: f64 = 20.0;
/// The widest name in a legend.
const ENTRY: f64 = 240.0;

/// How high a legend with these names is.
pub(super) fn legend_height(names: &[&str], sample: f64) -> f64 {
    places(names, sample).last().map_or(0.0, |p| LEGEND * (p.1 + 1) as f64 + 4.0)
}

/// Where the entries of a legend begin, and in which row.
fn places(names: &[&str], sample: f64) -> Vec<(f64, usize)> {
    let (mut x, mut row) = (MARGIN, 0);
    let mut out = Vec::new();
    for name in names {
        let wide = sample + 7.0 + surface::width(name, SMALL.size, false).min(ENTRY) + 18.0;
        if x > MARGIN && x + wide > WIDTH - MARGIN + 18.0 {
            (x, row) = (MARGIN, row + 1);
        }
        out.push((x, row));
        x += wide;
    }
    out
}

/// The pieces of a line that are painted.
fn dashes(points: &[(f64, f64)], pattern: &[f64]) -> Vec<Vec<(f64, f64)>> {
    if pattern.is_empty() || points.len() < 2 {
        return vec![points.to_vec()];
    }
    let mut pieces: Vec<Vec<(f64, f64)>> = vec![vec![points[0]]];
    let (mut place, mut left) = (0, pattern[0]);
    for ends in points.windows(2) {
        let ((mut x, mut y), to) = (ends[0], ends[1]);
        loop {
            let rest = (to.0 - x).hypot(to.1 - y);
            let painted = place % 2 == 0;
            if rest < left {
                left -= rest;
                if painted && let Some(piece) = pieces.last_mut() {
                    piece.push(to);
                }
                break;
            }
            (x, y) = (x + (to.0 - x) * left / rest, y + (to.1 - y) * left / rest);
            match (painted, pieces.last_mut()) {
                (true, Some(piece)) => piece.push((x, y)),
                _ => pieces.push(vec![(x, y)]),
            }
            place = (place + 1) % pattern.len();
            left = pattern[place].max(0.1);
        }
    }
    pieces.retain(|p| p.len() > 1);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_have_their_lengths_also_around_a_corner() {
        let pieces = dashes(&[(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)], &[4.0, 3.0]);
        assert_eq!(pieces[0], [(0.0, 0.0), (4.0, 0.0)]);
        assert_eq!(pieces[1], [(7.0, 0.0), (10.0, 0.0), (10.0, 1.0)]);
        assert_eq!(pieces[2], [(10.0, 4.0), (10.0, 8.0)]);
        assert_eq!(dashes(&[(0.0, 0.0), (1.0, 0.0)], &[]).len(), 1);
    }

    #[test]
    fn a_long_legend_has_rows_within_the_picture() {
        let names = ["a name of some length"; 12];
        let places = places(&names, 38.0);
        assert!(places.iter().all(|p| p.0 < WIDTH - MARGIN) && places[11].1 >= 2, "{places:?}");
    }
}
