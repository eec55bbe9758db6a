//! Figures as pictures, SVG and PNG, by the same code.
//!
//! SVG is drawn at ten times its size in whole pixels, and the root element is rewritten to the true size, so that lines are
//! smooth and the bytes are the same everywhere. PNG is drawn at six times its size and averaged three by three, which smooths
//! edges; it says 192 dots per inch. Letters that the embedded font (DejaVu Sans) lacks are painted, so that every reader sees
//! them (`font`). Colours are Okabe and Ito's; dashes, markers and hatches say the same.

mod axis;
mod bars;
mod canvas;
mod columns;
mod font;
mod forest;
mod grouped;
mod heat;
mod lines;
mod look;
mod slots;
mod surface;

use super::{CHARTS, Figure, Plot};
use crate::report::Artifact;
use crate::report::log::RunLog;
use canvas::{Canvas, WIDTH, caption_height};
use surface::{Bitmap, Drawn, Svg};

pub use font::use_font;

/// Pixels drawn for one pixel of an SVG.
const SCALE: f64 = 10.0;
/// Pixels of a PNG for one pixel of the picture.
const DENSE: u32 = 2;
/// The largest data that an SVG describes in words; that of others is in the table beside it.
const DESCRIBED: usize = 4_000;

/// Every chart of a run as `NAME.svg`, and as `NAME.png` if wanted.
///
/// # Errors
/// A sentence, should the font not load or a picture not be painted.
pub fn charts(log: &RunLog<'_>, png: bool) -> Result<Vec<Artifact>, String> {
    let mut out = Vec::new();
    for row in CHARTS {
        let figure = (row.figure)(log);
        out.push(Artifact { name: format!("{}.svg", row.name), bytes: svg(&figure)?.into_bytes() });
        if png {
            out.push(Artifact { name: format!("{}.png", row.name), bytes: self::png(&figure)? });
        }
    }
    Ok(out)
}

/// A figure as an SVG document.
///
/// # Errors
/// As [`charts`].
pub fn svg(figure: &Figure) -> Result<String, String> {
    let height = height(figure);
    let mut out = String::new();
    let letters = {
        let surface = Svg::new(&mut out, ((WIDTH * SCALE) as u32, (height * SCALE) as u32));
        let canvas = Canvas { surface: &surface, scale: SCALE };
        // A bitmap is white from the start.
        told(figure, canvas.rect(0.0, 0.0, WIDTH, height, look::WHITE))?;
        told(figure, paint(figure, height, canvas))?;
        told(figure, surface.end())?
    };
    Ok(finish(&out, &letters, figure, height))
}

/// A figure as a PNG of twice its size.
///
/// # Errors
/// As [`charts`].
pub fn png(figure: &Figure) -> Result<Vec<u8>, String> {
    let height = height(figure);
    // What is averaged; less of it for very high pictures, which would take hundreds of megabytes.
    let fold = if height > 1_500.0 { 2 } else { 3 };
    let scale = DENSE * fold;
    let size = (WIDTH as u32 * scale, height as u32 * scale);
    let mut pixels = vec![0xff; size.0 as usize * size.1 as usize * 3];
    let surface = Bitmap::new(&mut pixels, size);
    told(figure, paint(figure, height, Canvas { surface: &surface, scale: f64::from(scale) }))?;
    drop(surface);
    told(figure, encode(&averaged(&pixels, size.0 as usize, fold as usize), size.0 / fold, size.1 / fold))
}

fn told<T>(figure: &Figure, done: Result<T, String>) -> Result<T, String> {
    done.map_err(|e| format!("the chart `{}` cannot be drawn: {e}", figure.name))
}

fn height(figure: &Figure) -> f64 {
    let plot = match &figure.plot {
        Plot::Bars(groups) => bars::height(groups),
        Plot::Columns(columns) => columns::height(columns),
        Plot::Lines(lines) => lines::height(lines),
        Plot::Grouped(grouped) => grouped::height(grouped),
        Plot::Heat(heat) => heat::height(heat),
        Plot::Slots(slots) => slots::height(slots),
        Plot::Forest(forest) => forest::height(forest),
    };
    (plot + caption_height(figure)).ceil()
}

fn paint(figure: &Figure, height: f64, canvas: Canvas<'_>) -> Drawn {
    canvas.frame(figure, height)?;
    let plot = height - caption_height(figure);
    match &figure.plot {
        Plot::Bars(groups) => canvas.bars(groups, plot),
        Plot::Columns(columns) => canvas.columns(columns),
        Plot::Lines(lines) => canvas.lines(lines),
        Plot::Grouped(grouped) => canvas.grouped(grouped),
        Plot::Heat(heat) => canvas.heat(heat),
        Plot::Slots(slots) => canvas.slots(slots),
        Plot::Forest(forest) => canvas.forest(forest),
    }
}

/// The mean of each square of so many pixels. Plain loops: they are bearable without optimisation, too.
fn averaged(pixels: &[u8], width: usize, fold: usize) -> Vec<u8> {
    let square = (fold * fold) as u32;
    let row = width * 3;
    let (across, down) = (width / fold, pixels.len() / (row * fold));
    let mut out = vec![0u8; across * down * 3];
    for y in 0..down {
        for x in 0..across * 3 {
            let from = y * fold * row + (x / 3) * fold * 3 + x % 3;
            let mut sum = square / 2;
            for dy in 0..fold {
                for dx in 0..fold {
                    sum += u32::from(pixels[from + dy * row + dx * 3]);
                }
            }
            out[y * across * 3 + x] = (sum / square) as u8;
        }
    }
    out
}

fn encode(pixels: &[u8], width: u32, height: u32) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // 192 dots per inch: 7559 per metre.
    encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: 7_559, yppu: 7_559, unit: png::Unit::Meter }));
    let mut writer = encoder.write_header().map_err(|e| e.to_string())?;
    writer.write_image_data(pixels).map_err(|e| e.to_string())?;
    writer.finish().map_err(|e| e.to_string())?;
    Ok(out)
}

/// The true size, a role, a title and a description for readers that see no picture, fallback fonts, painted letters.
fn finish(svg: &str, letters: &str, figure: &Figure, height: f64) -> String {
    let body = svg.find("<svg").and_then(|at| svg[at..].find('>').map(|end| &svg[at + end + 1..]));
    let body = Svg::families(body.unwrap_or(svg).trim_start_matches('\n'));
    let body = body.trim_end().trim_end_matches("</svg>");
    let (w, h) = (WIDTH as u32, height as u32);
    let (vw, vh) = ((WIDTH * SCALE) as u32, (height * SCALE) as u32);
    let mut words = figure.text();
    if words.len() > DESCRIBED {
        words = format!("{}: {}\n{}", figure.title, figure.subtitle, figure.caption.join("\n"));
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {vw} {vh}\">\n\
         <title>{}</title>\n<desc>{}</desc>\n{body}{letters}</svg>\n",
        escape(&figure.title),
        escape(words.trim_end()),
    )
}

fn escape(text: &str) -> String {
    let printable = text.chars().filter(|c| !c.is_control() || *c == '\n');
    printable.collect::<String>().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests;
