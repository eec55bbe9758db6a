//! What pictures are painted on: an SVG document or a bitmap. The only place that knows plotters.
//!
//! Letters of a bitmap are painted here as well, from the outlines of the font: plotters leaves out the space before a letter,
//! which makes lines uneven.

use super::font::{self, Face};
use super::look::{Anchor, Rgb};
use plotters::prelude::{
    BitMapBackend, Color, DrawingBackend, FontDesc, FontFamily, FontStyle, RGBColor, SVGBackend, ShapeStyle, TextStyle,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::cell::RefCell;

/// What was painted, or why not.
pub(super) type Drawn = Result<(), String>;

const FAMILY: &str = "DejaVu Sans";
/// What readers take if they do not have the font.
const FAMILIES: &str = "'DejaVu Sans', Verdana, 'Noto Sans', 'Noto Sans CJK SC', sans-serif";

/// Something to paint on, in whole pixels.
pub(super) trait Surface {
    /// A filled rectangle between two corners; `alpha` from 0 to 1.
    fn rect(&self, from: (i32, i32), to: (i32, i32), color: Rgb, alpha: f64) -> Drawn;
    /// A filled shape.
    fn shape(&self, points: &[(i32, i32)], color: Rgb, alpha: f64) -> Drawn;
    /// A line through points.
    fn path(&self, points: &[(i32, i32)], color: Rgb, width: u32) -> Drawn;
    /// A text, centred upwards at `at`.
    fn text(&self, text: &str, at: (i32, i32), letters: Letters) -> Drawn;
}

/// How letters look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Letters {
    /// Their size in pixels, as plotters counts it.
    pub size: f64,
    pub color: Rgb,
    pub bold: bool,
    pub at: Anchor,
}

/// How wide a text is, in pixels.
pub(super) fn width(text: &str, size: f64, bold: bool) -> f64 {
    font::runs(text, font::em(size), bold).map_or(0.0, |runs| runs.iter().map(|r| r.width).sum())
}

fn style(color: Rgb, alpha: f64) -> ShapeStyle {
    ShapeStyle { color: RGBColor(color.0, color.1, color.2).mix(alpha), filled: true, stroke_width: 0 }
}

fn told<T, E: std::fmt::Display>(done: Result<T, E>) -> Result<T, String> {
    done.map_err(|e| e.to_string())
}

/// Where the first run of a text begins, and its baseline: as plotters puts it in SVG, half the height of an x below.
fn start(runs: &[font::Run], at: (i32, i32), letters: Letters) -> (f64, f64) {
    let all: f64 = runs.iter().map(|r| r.width).sum();
    let x = f64::from(at.0)
        - match letters.at {
            Anchor::Left => 0.0,
            Anchor::Center => all / 2.0,
            Anchor::Right => all,
        };
    (x, f64::from(at.1) + 0.5 * 0.547 * font::em(letters.size))
}

/// An SVG document.
pub(super) struct Svg<'a> {
    backend: RefCell<SVGBackend<'a>>,
    /// Letters as paths, which plotters cannot write.
    paths: RefCell<String>,
}

impl<'a> Svg<'a> {
    /// An empty document that is written to `out`.
    pub(super) fn new(out: &'a mut String, size: (u32, u32)) -> Svg<'a> {
        Svg { backend: RefCell::new(SVGBackend::with_string(out, size)), paths: RefCell::default() }
    }

    /// Ends the document; what is to be put before its last tag.
    pub(super) fn end(self) -> Result<String, String> {
        told(self.backend.borrow_mut().present())?;
        Ok(self.paths.into_inner())
    }

    /// The document with fonts that readers have, and without what goes without saying.
    pub(super) fn families(svg: &str) -> String {
        svg.replace(&format!("font-family=\"{FAMILY}\""), &format!("font-family=\"{FAMILIES}\""))
            .replace(" opacity=\"1\"", "")
            .replace(" stroke=\"none\"", "")
    }
}

impl Surface for Svg<'_> {
    fn rect(&self, from: (i32, i32), to: (i32, i32), color: Rgb, alpha: f64) -> Drawn {
        told(self.backend.borrow_mut().draw_rect(from, to, &style(color, alpha), true))
    }

    fn shape(&self, points: &[(i32, i32)], color: Rgb, alpha: f64) -> Drawn {
        told(self.backend.borrow_mut().fill_polygon(points.iter().copied(), &style(color, alpha)))
    }

    fn path(&self, points: &[(i32, i32)], color: Rgb, width: u32) -> Drawn {
        let style = ShapeStyle { stroke_width: width, ..style(color, 1.0) };
        told(self.backend.borrow_mut().draw_path(points.iter().copied(), &style))
    }

    fn text(&self, text: &str, at: (i32, i32), letters: Letters) -> Drawn {
        let Letters { size, color, bold, .. } = letters;
        let runs = font::runs(text, font::em(size), bold)?;
        let (mut x, base) = start(&runs, at, letters);
        let one = runs.len() == 1;
        for run in runs {
            match run.face {
                Face::Text => {
                    let weight = if bold { FontStyle::Bold } else { FontStyle::Normal };
                    // A whole text is left to the reader's own measure of it.
                    let (h, place) = match letters.at {
                        Anchor::Center if one => (HPos::Center, at),
                        Anchor::Right if one => (HPos::Right, at),
                        _ => {
                            // SVG drops blanks at the beginning of a text.
                            let blanks = &run.text[..run.text.len() - run.text.trim_start().len()];
                            (HPos::Left, ((x + width(blanks, size, bold)).round() as i32, at.1))
                        }
                    };
                    let ink = RGBColor(color.0, color.1, color.2);
                    let style = TextStyle::from(FontDesc::new(FontFamily::Name(FAMILY), size, weight))
                        .color(&ink)
                        .pos(Pos::new(h, VPos::Center));
                    told(self.backend.borrow_mut().draw_text(run.text.trim(), &style, place))?;
                }
                Face::Own => self.letters(&font::outline(&run.text, font::em(size), (x, base)), color),
                Face::Pixels => {
                    let mut data = String::new();
                    for (dx, dy, w, h) in font::specks(&run.text, font::em(size), bold) {
                        let (left, right) = ((x + dx).round() as i32, (x + dx + w).round() as i32);
                        let (top, bottom) = ((base + dy).round() as i32, (base + dy + h).round() as i32);
                        let w = right - left;
                        data.push_str(&format!("M{left} {top}h{w}v{}h-{w}z", bottom - top));
                    }
                    self.letters(&data, color);
                }
            }
            x += run.width;
        }
        Ok(())
    }
}

impl Svg<'_> {
    fn letters(&self, data: &str, color: Rgb) {
        let (r, g, b) = color;
        self.paths.borrow_mut().push_str(&format!("<path fill=\"#{r:02X}{g:02X}{b:02X}\" d=\"{data}\"/>\n"));
    }
}

/// A bitmap of three bytes a pixel.
pub(super) struct Bitmap<'a> {
    backend: RefCell<BitMapBackend<'a>>,
}

impl<'a> Bitmap<'a> {
    /// Paints over these bytes.
    pub(super) fn new(pixels: &'a mut [u8], size: (u32, u32)) -> Bitmap<'a> {
        Bitmap { backend: RefCell::new(BitMapBackend::with_buffer(pixels, size)) }
    }
}

impl Surface for Bitmap<'_> {
    fn rect(&self, from: (i32, i32), to: (i32, i32), color: Rgb, alpha: f64) -> Drawn {
        // Here the second corner is within, in SVG it is without.
        let to = (to.0 - 1, to.1 - 1);
        match to.0 < from.0 || to.1 < from.1 {
            true => Ok(()),
            false => told(self.backend.borrow_mut().draw_rect(from, to, &style(color, alpha), true)),
        }
    }

    fn shape(&self, points: &[(i32, i32)], color: Rgb, alpha: f64) -> Drawn {
        told(self.backend.borrow_mut().fill_polygon(points.iter().copied(), &style(color, alpha)))
    }

    fn path(&self, points: &[(i32, i32)], color: Rgb, width: u32) -> Drawn {
        // Piece by piece: the long spikes of plotters' corners are ugly.
        let half = f64::from(width) / 2.0;
        for ends in points.windows(2) {
            let (a, b) = (ends[0], ends[1]);
            let (dx, dy) = (f64::from(b.0 - a.0), f64::from(b.1 - a.1));
            let length = dx.hypot(dy);
            if length == 0.0 {
                continue;
            }
            let (nx, ny) = (-dy / length * half, dx / length * half);
            // A little over the ends, so that corners close.
            let (ex, ey) = match points.len() {
                2 => (0.0, 0.0),
                _ => (dx / length * half * 0.5, dy / length * half * 0.5),
            };
            let at = |p: (i32, i32), x: f64, y: f64| {
                ((f64::from(p.0) + x).round() as i32, (f64::from(p.1) + y).round() as i32)
            };
            let corners =
                [at(a, nx - ex, ny - ey), at(b, nx + ex, ny + ey), at(b, ex - nx, ey - ny), at(a, -nx - ex, -ny - ey)];
            if dx == 0.0 || dy == 0.0 {
                let xs = corners.map(|c| c.0);
                let ys = corners.map(|c| c.1);
                let least = |v: [i32; 4]| v.into_iter().min().unwrap_or(0);
                let most = |v: [i32; 4]| v.into_iter().max().unwrap_or(0);
                self.rect((least(xs), least(ys)), (most(xs), most(ys)), color, 1.0)?;
            } else {
                self.shape(&corners, color, 1.0)?;
            }
        }
        Ok(())
    }

    fn text(&self, text: &str, at: (i32, i32), letters: Letters) -> Drawn {
        let Letters { size, color, bold, .. } = letters;
        let em = font::em(size);
        let runs = font::runs(text, em, bold)?;
        let (mut x, base) = start(&runs, at, letters);
        let (left, right) = self.backend.borrow().get_size();
        let inside = |x: i32, y: i32| x >= 0 && y >= 0 && x < left as i32 && y < right as i32;
        for run in runs {
            let (fx, fy) = (x.round() as i32, base.round() as i32);
            if run.face == Face::Pixels {
                for (dx, dy, w, h) in font::specks(&run.text, em, bold) {
                    let from = ((x + dx).round() as i32, (base + dy).round() as i32);
                    let to = ((x + dx + w).round() as i32, (base + dy + h).round() as i32);
                    self.rect(from, to, color, 1.0)?;
                }
            } else {
                let mut failed = Ok(());
                font::paint(run.face, &run.text, em, bold, &mut |px, py, part| {
                    if part > 0.0 && inside(fx + px, fy + py) {
                        let color = RGBColor(color.0, color.1, color.2).mix(f64::from(part.min(1.0)));
                        let done = self.backend.borrow_mut().draw_pixel((fx + px, fy + py), color.to_backend_color());
                        failed = failed.clone().and(told(done));
                    }
                })?;
                failed?;
            }
            x += run.width;
        }
        Ok(())
    }
}
