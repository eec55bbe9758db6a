//! Letters: which font has them, how wide they are, their shapes.
//!
//! DejaVu Sans is embedded. What it lacks, such as Chinese, comes from a font that the user names ([`use_font`]), and from GNU
//! Unifont's embedded 16-pixel bitmaps otherwise (57 000 letters of the basic plane; its glyphs are under the SIL Open Font
//! Licence). Neither plotters nor SVG readers look for a letter in a second font of ours: a text is painted run by run.

use ab_glyph::{Font as _, FontRef, FontVec, GlyphId, OutlineCurve, Point, PxScale, ScaleFont as _, point};
use std::sync::OnceLock;

/// Where a letter comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    /// DejaVu Sans.
    Text,
    /// The font that the user named.
    Own,
    /// Unifont.
    Pixels,
}

static OWN: OnceLock<FontVec> = OnceLock::new();

/// Letters that the embedded font lacks are to come from this one: the bytes of a TrueType or OpenType file. The first one
/// that is named stays.
///
/// # Errors
/// A sentence, if it cannot be read.
pub fn use_font(bytes: Vec<u8>) -> Result<(), String> {
    let font = FontVec::try_from_vec_and_index(bytes, 0)
        .map_err(|_| "this is no TrueType or OpenType font; name a .ttf, .otf or .ttc file".to_string())?;
    let _ = OWN.set(font);
    Ok(())
}

/// The size of the em square for a size as plotters counts it.
pub(super) fn em(size: f64) -> f64 {
    size / 1.24
}

fn dejavu(bold: bool) -> Result<FontRef<'static>, String> {
    static BOTH: OnceLock<[Result<FontRef<'static>, String>; 2]> = OnceLock::new();
    let read = |bytes| FontRef::try_from_slice(bytes).map_err(|e| format!("the embedded font cannot be used: {e}"));
    let both = BOTH.get_or_init(|| [read(dejavu::sans::regular()), read(dejavu::sans::bold())]);
    both[usize::from(bold)].clone()
}

fn face(c: char, text: &FontRef<'_>) -> Face {
    let none = GlyphId(0);
    if text.glyph_id(c) != none || c.is_whitespace() {
        return Face::Text;
    }
    match OWN.get() {
        Some(own) if own.glyph_id(c) != none => Face::Own,
        _ => Face::Pixels,
    }
}

/// A piece of a text that one font has, with its width in pixels.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Run {
    pub face: Face,
    pub text: String,
    pub width: f64,
}

/// The runs of a text in letters whose em is so many pixels.
pub(super) fn runs(text: &str, em: f64, bold: bool) -> Result<Vec<Run>, String> {
    let font = dejavu(bold)?;
    let mut runs: Vec<Run> = Vec::new();
    for c in text.chars() {
        let face = face(c, &font);
        match runs.last_mut() {
            Some(run) if run.face == face => run.text.push(c),
            _ => runs.push(Run { face, text: c.into(), width: 0.0 }),
        }
    }
    for run in &mut runs {
        run.width = match run.face {
            Face::Text => advance(&font, &run.text, em),
            Face::Own => OWN.get().map_or(0.0, |own| advance(own, &run.text, em)),
            Face::Pixels => run.text.chars().map(|c| cells(c) as f64).sum::<f64>() * pixel(em),
        };
    }
    Ok(runs)
}

fn advance(font: &impl ab_glyph::Font, text: &str, em: f64) -> f64 {
    let scaled = font.as_scaled(scale(font, em));
    let mut last = None;
    let mut width = 0.0;
    for c in text.chars() {
        let id = scaled.glyph_id(c);
        width += f64::from(scaled.h_advance(id)) + last.map_or(0.0, |l| f64::from(scaled.kern(l, id)));
        last = Some(id);
    }
    width
}

fn scale(font: &impl ab_glyph::Font, em: f64) -> PxScale {
    // ab_glyph counts by the height of a line.
    let unscaled = font.as_scaled(PxScale::from(font.height_unscaled()));
    let units = f64::from(font.units_per_em().unwrap_or(1000.0));
    PxScale::from((em / units * f64::from(unscaled.height())) as f32)
}

/// Paints letters of a font: `paint` is told a pixel, counted from the start of the baseline, and how much of it is covered.
pub(super) fn paint(
    face: Face,
    text: &str,
    em: f64,
    bold: bool,
    paint: &mut dyn FnMut(i32, i32, f32),
) -> Result<(), String> {
    match (face, OWN.get()) {
        (Face::Own, Some(own)) => cover(own, text, em, paint),
        _ => cover(&dejavu(bold)?, text, em, paint),
    }
    Ok(())
}

fn cover(font: &impl ab_glyph::Font, text: &str, em: f64, paint: &mut dyn FnMut(i32, i32, f32)) {
    let scaled = font.as_scaled(scale(font, em));
    let (mut x, mut last) = (0.0, None);
    for c in text.chars() {
        let id = scaled.glyph_id(c);
        x += last.map_or(0.0, |l| scaled.kern(l, id));
        let glyph = id.with_scale_and_position(scale(font, em), point(x, 0.0));
        if let Some(outline) = scaled.outline_glyph(glyph) {
            let bounds = outline.px_bounds();
            outline.draw(|px, py, part| paint(bounds.min.x as i32 + px as i32, bounds.min.y as i32 + py as i32, part));
        }
        x += scaled.h_advance(id);
        last = Some(id);
    }
}

/// The letters of the user's font as the data of an SVG path that begins at `at` on the baseline.
pub(super) fn outline(text: &str, em: f64, at: (f64, f64)) -> String {
    let Some(font) = OWN.get() else { return String::new() };
    let unit = em / f64::from(font.units_per_em().unwrap_or(1000.0));
    let scaled = font.as_scaled(scale(font, em));
    let mut x = at.0;
    let mut out = String::new();
    for c in text.chars() {
        let id = scaled.glyph_id(c);
        let place = |p: Point| format!("{:.0} {:.0}", x + f64::from(p.x) * unit, at.1 - f64::from(p.y) * unit);
        let mut from: Option<Point> = None;
        for curve in font.outline(id).map(|o| o.curves).unwrap_or_default() {
            let (start, end, part) = match curve {
                OutlineCurve::Line(a, b) => (a, b, format!("L{}", place(b))),
                OutlineCurve::Quad(a, c, b) => (a, b, format!("Q{} {}", place(c), place(b))),
                OutlineCurve::Cubic(a, c, d, b) => (a, b, format!("C{} {} {}", place(c), place(d), place(b))),
            };
            if from != Some(start) {
                out.push_str(&format!("M{}", place(start)));
            }
            out.push_str(&part);
            from = Some(end);
        }
        x += f64::from(scaled.h_advance(id));
    }
    out
}

/// How large one of Unifont's pixels is.
fn pixel(em: f64) -> f64 {
    em * 1.08 / 16.0
}

fn cells(c: char) -> usize {
    unifont::get_glyph(c).map_or(16, unifont::Glyph::get_width)
}

/// Unifont's letters as rectangles: x, y, width, height from the start of the baseline; neighbours in a row are one.
///
/// Each is a little larger than its pixels, so that slanted strokes hold together; of bold letters half as large again.
pub(super) fn specks(text: &str, em: f64, bold: bool) -> Vec<(f64, f64, f64, f64)> {
    let unit = pixel(em);
    let more = if bold { (0.6 * unit, 0.3 * unit) } else { (0.2 * unit, 0.1 * unit) };
    // The baseline is above the two lowest rows.
    let top = -14.0 * unit;
    let (mut left, mut out) = (0.0, Vec::new());
    for c in text.chars() {
        let glyph = unifont::get_glyph(c);
        let width = cells(c);
        for y in 0..16 {
            // A letter that nobody has is a frame.
            let is_set = |x: usize| match glyph {
                Some(glyph) => glyph.get_pixel(x, y),
                None => (1..15).contains(&x) && (1..15).contains(&y) && (x == 1 || x == 14 || y == 1 || y == 14),
            };
            let mut x = 0;
            while x < width {
                let end = (x..width).find(|&e| !is_set(e)).unwrap_or(width);
                if end > x {
                    out.push((
                        left + unit * x as f64,
                        top + unit * y as f64,
                        unit * (end - x) as f64 + more.0,
                        unit + more.1,
                    ));
                }
                x = end + 1;
            }
        }
        left += unit * width as f64;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_split_where_the_font_changes() {
        let all = runs("LVS 直接路由 (DR)", 100.0, false).expect("the embedded font");
        let found: Vec<(Face, &str)> = all.iter().map(|r| (r.face, r.text.as_str())).collect();
        assert_eq!(found, [(Face::Text, "LVS "), (Face::Pixels, "直接路由"), (Face::Text, " (DR)")]);
        assert!((all[1].width - 4.0 * 108.0).abs() < 1e-6);
        // D of DejaVu Sans is 0.77 em wide.
        let d = runs("D", 100.0, false).expect("the embedded font")[0].width;
        assert!((d - 77.0).abs() < 0.5, "{d}");
    }

    #[test]
    fn chinese_letters_are_glyphs_and_differ_and_are_no_frames() {
        let frame = specks("\u{e123}", 16.0, false);
        let (one, other) = (specks("直", 16.0, false), specks("路", 16.0, false));
        assert_ne!(one, other);
        assert_ne!(one, frame);
        let area = |s: &[(f64, f64, f64, f64)]| s.iter().map(|r| r.2 * r.3).sum::<f64>();
        assert!(area(&one) > 40.0 && area(&one) < 200.0, "{}", area(&one));
    }

    #[test]
    fn what_is_no_font_is_refused() {
        assert!(use_font(b"lvsim: 1".to_vec()).is_err_and(|why| why.contains(".ttf")));
    }
}
