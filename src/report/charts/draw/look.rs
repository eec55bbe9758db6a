//! How things look: colours (Okabe and Ito's), dashes, markers, letters.

use super::super::{Ink, plot::lines::Stroke};

/// A colour.
pub type Rgb = (u8, u8, u8);

/// Which end of a text is at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// It begins there.
    Left,
    /// It lies around it.
    Center,
    /// It ends there.
    Right,
}

pub(super) const WHITE: Rgb = (0xff, 0xff, 0xff);
pub(super) const INK: Rgb = (0x26, 0x26, 0x26);
pub(super) const MUTED: Rgb = (0x5f, 0x5f, 0x5f);
pub(super) const GRID: Rgb = (0xe2, 0xe2, 0xe2);
pub(super) const AXIS: Rgb = (0x8c, 0x8c, 0x8c);
pub(super) const OTHERS: Rgb = (0xb8, 0xb8, 0xb8);
pub(super) const ODD: Rgb = (0xd5, 0x5e, 0x00);
/// Bars and areas of servers: vermilion is kept for what went wrong.
const SERVERS: [Rgb; 6] = [
    (0x00, 0x72, 0xb2),
    (0xe6, 0x9f, 0x00),
    (0x00, 0x9e, 0x73),
    (0x56, 0xb4, 0xe9),
    (0xcc, 0x79, 0xa7),
    (0xf0, 0xe4, 0x42),
];
/// Lines: yellow is too light for them.
const LINES: [Rgb; 7] = [
    (0x00, 0x72, 0xb2),
    (0xd5, 0x5e, 0x00),
    (0x00, 0x9e, 0x73),
    (0xcc, 0x79, 0xa7),
    (0x00, 0x00, 0x00),
    (0xe6, 0x9f, 0x00),
    (0x56, 0xb4, 0xe9),
];
/// Lengths of dashes and gaps; none: the line is whole. Seven colours and these four: 28 lines that differ.
const DASHES: [&[f64]; 4] = [&[], &[8.0, 3.5], &[2.2, 3.0], &[10.0, 3.0, 2.2, 3.0]];
/// Of shades, from the least to the largest value: light to dark, so that grey prints say the same.
const SHADES: [Rgb; 5] =
    [(0xf4, 0xf7, 0xfb), (0xbf, 0xd5, 0xe8), (0x6b, 0xa6, 0xd0), (0x1f, 0x6f, 0xae), (0x06, 0x2a, 0x5c)];

/// The colour of an ink.
pub(super) fn color_of(ink: Ink) -> Rgb {
    match ink {
        Ink::Server(n) => server(n),
        Ink::Others => OTHERS,
        Ink::Odd(_) => ODD,
    }
}

/// The colour of a server's area: the second six are lighter, the third ones darker.
pub(super) fn server(n: usize) -> Rgb {
    let plain = SERVERS[n % SERVERS.len()];
    match n / SERVERS.len() % 4 {
        0 => plain,
        1 => mix(plain, WHITE, 0.55),
        2 => mix(plain, (0, 0, 0), 0.45),
        _ => mix(plain, (0x80, 0x80, 0x80), 0.6),
    }
}

/// Whether letters on this colour have to be white.
pub(super) fn is_dark(color: Rgb) -> bool {
    2126 * u32::from(color.0) + 7152 * u32::from(color.1) + 722 * u32::from(color.2) < 1_350_000
}

/// A shade for a part of the largest value.
pub(super) fn shade(part: f64) -> Rgb {
    // In steps, so that neighbours of nearly the same value are one rectangle.
    let steps = 32.0;
    let at = (part.clamp(0.0, 1.0) * steps).round() / steps * (SHADES.len() - 1) as f64;
    let low = (at as usize).min(SHADES.len() - 2);
    mix(SHADES[low], SHADES[low + 1], at - low as f64)
}

fn mix(a: Rgb, b: Rgb, part: f64) -> Rgb {
    let one = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * part).round() as u8;
    (one(a.0, b.0), one(a.1, b.1), one(a.2, b.2))
}

/// What stands at some points of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    Circle,
    Square,
    Triangle,
    Diamond,
    Down,
    None,
}

/// How a line is painted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub color: Rgb,
    pub width: f64,
    pub dashes: &'static [f64],
    pub marker: Marker,
}

/// How a stroke is painted.
pub(super) fn line(stroke: Stroke) -> Line {
    const MARKERS: [Marker; 5] = [Marker::Circle, Marker::Square, Marker::Triangle, Marker::Diamond, Marker::Down];
    match stroke {
        Stroke::Style(n) => Line {
            color: LINES[n % LINES.len()],
            width: 1.8,
            dashes: DASHES[n % DASHES.len()],
            marker: MARKERS[n % MARKERS.len()],
        },
        Stroke::Faint => Line { color: (0xa8, 0xa8, 0xa8), width: 0.8, dashes: &[], marker: Marker::None },
        Stroke::Reference => Line { color: MUTED, width: 1.2, dashes: &[4.0, 3.0], marker: Marker::None },
    }
}

/// How letters look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub size: f64,
    pub color: Rgb,
    pub bold: bool,
    pub at: Anchor,
}

pub(super) const TITLE: Look = Look { size: 21.0, color: INK, bold: true, at: Anchor::Left };
pub(super) const SUBTITLE: Look = Look { size: 15.0, color: MUTED, bold: false, at: Anchor::Left };
pub(super) const LABEL: Look = Look { size: 14.5, color: INK, bold: false, at: Anchor::Left };
pub(super) const SMALL: Look = Look { size: 13.0, color: MUTED, bold: false, at: Anchor::Left };
pub(super) const TINY: Look = Look { size: 11.0, color: MUTED, bold: false, at: Anchor::Left };

impl Look {
    pub(super) fn right(self) -> Look {
        Look { at: Anchor::Right, ..self }
    }
    pub(super) fn center(self) -> Look {
        Look { at: Anchor::Center, ..self }
    }
    pub(super) fn bold(self) -> Look {
        Look { bold: true, ..self }
    }
    pub(super) fn dark(self) -> Look {
        Look { color: INK, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_eight_lines_differ_in_more_than_nothing_and_seven_neighbours_in_colour() {
        let seen: std::collections::BTreeSet<(Rgb, usize)> =
            (0..28).map(|n| (line(Stroke::Style(n)).color, line(Stroke::Style(n)).dashes.len())).collect();
        assert_eq!(seen.len(), 21, "two patterns of two dashes count as one here");
        let colors: std::collections::BTreeSet<Rgb> = (0..7).map(|n| line(Stroke::Style(n)).color).collect();
        assert_eq!(colors.len(), 7);
    }

    #[test]
    fn shades_grow_darker_with_the_value() {
        let light = |c: Rgb| u32::from(c.0) + u32::from(c.1) + u32::from(c.2);
        let all: Vec<u32> = (0..=32).map(|n| light(shade(f64::from(n) / 32.0))).collect();
        assert!(all.windows(2).all(|w| w[0] > w[1]), "{all:?}");
        assert!(is_dark(shade(1.0)) && !is_dark(shade(0.0)));
    }
}
