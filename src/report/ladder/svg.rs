//! The ladder as SVG, by itself: no script, no font, every text escaped.

use super::{Ladder, Row, Target};
use std::fmt::Write as _;

const STEP: usize = 200;
const LINE: usize = 26;
const LEFT: usize = 150;
const TOP: usize = 70;

/// As one SVG picture.
pub fn svg(l: &Ladder) -> String {
    let columns = l.columns.len().max(1);
    let (width, height) = (LEFT * 2 + (columns - 1) * STEP, TOP + l.rows.len() * LINE + 50);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"22\" font-size=\"15\">{}</text>\n",
        escaped(&l.title)
    );
    for (n, name) in l.columns.iter().enumerate() {
        let x = x(n);
        let bottom = height - 30;
        let _ = write!(
            out,
            "<text x=\"{x}\" y=\"48\" text-anchor=\"middle\" font-weight=\"bold\">{}</text>\n\
             <line x1=\"{x}\" y1=\"55\" x2=\"{x}\" y2=\"{bottom}\" stroke=\"#999\"/>\n",
            escaped(name)
        );
    }
    for (n, row) in l.rows.iter().enumerate() {
        arrow(&mut out, row, TOP + n * LINE);
    }
    if l.more > 0 {
        let y = height - 10;
        let _ = writeln!(out, "<text x=\"{LEFT}\" y=\"{y}\">{}</text>", escaped(&l.note()));
    }
    out + "</svg>\n"
}

fn x(column: usize) -> usize {
    LEFT + column * STEP
}

fn arrow(out: &mut String, r: &Row, y: usize) {
    let from = x(r.from);
    let color = if r.lost.is_some() { "#b00020" } else { "#1f4e79" };
    let ends = match r.to {
        Target::Column(to) => vec![x(to)],
        Target::Reach(low, high) => [low, high].into_iter().filter(|c| *c != r.from).map(x).collect(),
        Target::Here => Vec::new(),
    };
    for &to in &ends {
        let back = if to > from { to - 7 } else { to + 7 };
        let _ = writeln!(
            out,
            "<path d=\"M{from} {y}H{to}M{back} {}L{to} {y}L{back} {}\" fill=\"none\" stroke=\"{color}\"/>",
            y - 4,
            y + 4
        );
    }
    let middle = ends.iter().min().map_or(from, |to| (from + to) / 2);
    let lost = r.lost.as_ref().map_or_else(String::new, |why| format!(" ✗ {why}"));
    let _ = write!(
        out,
        "<text x=\"8\" y=\"{}\" fill=\"#555\">{}</text>\n<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\" fill=\"{color}\">{}</text>\n",
        y + 4,
        escaped(&r.seconds),
        y - 4,
        escaped(&format!("{}{lost}", r.label))
    );
    if ends.is_empty() {
        let _ = writeln!(out, "<circle cx=\"{from}\" cy=\"{y}\" r=\"3\" fill=\"{color}\"/>");
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::text::tests::sample;
    use super::*;

    #[test]
    fn every_text_is_escaped_and_every_row_drawn() {
        let drawn = svg(&sample());
        assert!(drawn.contains("A &lt;small&gt; one") && drawn.contains("SYN &amp; ACK"), "{drawn}");
        assert!(!drawn.contains("<small>"));
        assert_eq!(drawn.matches("fill=\"#555\"").count(), 4);
        assert!(drawn.contains("3 more frames") && drawn.ends_with("</svg>\n"));
    }
}
