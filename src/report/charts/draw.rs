//! Shared by all charts: Figures as SVG: the only place that knows plotters.
//!
//! Everything is drawn at ten times its size in whole pixels, and the root element is rewritten to the true size, so
//! that lines are smooth and the bytes are the same everywhere. Texts stay texts: letters that the embedded font
//! (DejaVu Sans) lacks, such as Chinese ones, come from the reader's own fonts; as not every reader has them, the
//! scenario's name stands under such a title.
//! Colours are Okabe and Ito's; what went wrong is hatched as well.

use super::{CHARTS, Columns, Figure, Group, Ink, Plot, clock, tenths};
use crate::report::Artifact;
use crate::report::log::{Outcome, RunLog};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, register_font};
use std::sync::Once;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Pixels drawn for one pixel of the picture.
const SCALE: f64 = 10.0;
const WIDTH: f64 = 880.0;
const MARGIN: f64 = 18.0;
const FAMILY: &str = "DejaVu Sans";

const INK: RGBColor = RGBColor(0x26, 0x26, 0x26);
const MUTED: RGBColor = RGBColor(0x5f, 0x5f, 0x5f);
const GRID: RGBColor = RGBColor(0xe2, 0xe2, 0xe2);
const AXIS: RGBColor = RGBColor(0x8c, 0x8c, 0x8c);
const SERVERS: [RGBColor; 6] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xf0, 0xe4, 0x42),
];
const OTHERS: RGBColor = RGBColor(0xb8, 0xb8, 0xb8);
const ODD: RGBColor = RGBColor(0xd5, 0x5e, 0x00);

/// Every chart of a run as `NAME.svg`.
///
/// # Errors
/// A sentence, should the font not load or a text not be measured.
pub fn charts(log: &RunLog<'_>) -> Result<Vec<Artifact>, String> {
    CHARTS
        .iter()
        .map(|row| {
            let svg = svg(&(row.figure)(log))?;
            Ok(Artifact { name: format!("{}.svg", row.name), bytes: svg.into_bytes() })
        })
        .collect()
}

/// A figure as an SVG document.
///
/// # Errors
/// As [`charts`].
pub fn svg(figure: &Figure) -> Result<String, String> {
    fonts()?;
    let height = match &figure.plot {
        Plot::Bars(groups) => bars_height(groups),
        Plot::Columns(columns) => columns_height(columns),
    };
    let mut out = String::new();
    {
        let size = ((WIDTH * SCALE) as u32, (height * SCALE) as u32);
        let root = SVGBackend::with_string(&mut out, size).into_drawing_area();
        let canvas = Canvas { root: &root };
        let done = canvas.figure(figure, height).and_then(|()| root.present().map_err(|e| e.to_string()));
        done.map_err(|e| format!("the chart `{}` cannot be drawn: {e}", figure.name))?;
    }
    Ok(finish(&out, figure, height))
}

fn fonts() -> Result<(), String> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // A font that does not load shows when the first text is measured.
        let _ = register_font(FAMILY, FontStyle::Normal, dejavu::sans::regular());
        let _ = register_font(FAMILY, FontStyle::Bold, dejavu::sans::bold());
    });
    let probe = (FAMILY, 10.0).into_font();
    probe.box_size("lvsim").map(|_| ()).map_err(|e| format!("the embedded font cannot be used: {e}"))
}

/// The true size, a role, a title and a description for readers that see no picture, and fallback fonts.
fn finish(svg: &str, figure: &Figure, height: f64) -> String {
    let body = svg.find("<svg").and_then(|at| svg[at..].find('>').map(|end| &svg[at + end + 1..]));
    let body = body.unwrap_or(svg).trim_start_matches('\n');
    let body = body.replace(
        &format!("font-family=\"{FAMILY}\""),
        "font-family=\"'DejaVu Sans', Verdana, 'Noto Sans', 'Noto Sans CJK SC', sans-serif\"",
    );
    let (w, h) = (WIDTH as u32, height as u32);
    let (vw, vh) = ((WIDTH * SCALE) as u32, (height * SCALE) as u32);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {vw} {vh}\">\n\
         <title>{}</title>\n<desc>{}</desc>\n{body}",
        escape(&figure.title),
        escape(figure.text().trim_end()),
    )
}

fn escape(text: &str) -> String {
    let printable = text.chars().filter(|c| !c.is_control() || *c == '\n');
    printable.collect::<String>().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), String>;

struct Canvas<'r, 'a> {
    root: &'r Area<'a>,
}

#[derive(Clone, Copy)]
struct Look {
    size: f64,
    color: RGBColor,
    bold: bool,
    at: HPos,
}

const LABEL: Look = Look { size: 14.5, color: INK, bold: false, at: HPos::Left };
const SMALL: Look = Look { size: 13.0, color: MUTED, bold: false, at: HPos::Left };

impl Look {
    fn right(self) -> Look {
        Look { at: HPos::Right, ..self }
    }
    fn center(self) -> Look {
        Look { at: HPos::Center, ..self }
    }
    fn bold(self) -> Look {
        Look { bold: true, ..self }
    }
    fn style(&self) -> TextStyle<'_> {
        let style = if self.bold { FontStyle::Bold } else { FontStyle::Normal };
        let font = FontDesc::new(FontFamily::Name(FAMILY), self.size * SCALE, style);
        TextStyle::from(font).color(&self.color).pos(Pos::new(self.at, VPos::Center))
    }
}

fn px(v: f64) -> i32 {
    (v * SCALE).round() as i32
}

impl Canvas<'_, '_> {
    fn figure(&self, figure: &Figure, height: f64) -> Drawn {
        self.rect(0.0, 0.0, WIDTH, height, &WHITE)?;
        let title = Look { size: 21.0, color: INK, bold: true, at: HPos::Left };
        self.text(MARGIN, 26.0, &self.fit(&figure.title, WIDTH - 2.0 * MARGIN, title), title)?;
        let subtitle = Look { size: 15.0, color: MUTED, bold: false, at: HPos::Left };
        let foreign = figure.title.chars().any(|c| c.width() == Some(2));
        let below = if foreign { format!("{}: {}", figure.scenario, figure.subtitle) } else { figure.subtitle.clone() };
        self.text(MARGIN, 50.0, &self.fit(&below, WIDTH - 2.0 * MARGIN, subtitle), subtitle)?;
        match &figure.plot {
            Plot::Bars(groups) => self.bars(groups, height),
            Plot::Columns(columns) => self.columns(columns),
        }
    }

    fn text(&self, x: f64, y: f64, text: &str, look: Look) -> Drawn {
        let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.root.draw(&Text::new(clean, (px(x), px(y)), look.style())).map_err(|e| e.to_string())
    }

    fn rect(&self, x: f64, y: f64, w: f64, h: f64, color: &RGBColor) -> Drawn {
        let corners = [(px(x), px(y)), (px(x + w), px(y + h))];
        self.root.draw(&Rectangle::new(corners, color.filled())).map_err(|e| e.to_string())
    }

    fn line(&self, from: (f64, f64), to: (f64, f64), color: &RGBColor, width: f64) -> Drawn {
        let ends = vec![(px(from.0), px(from.1)), (px(to.0), px(to.1))];
        let style = color.stroke_width((width * SCALE) as u32);
        self.root.draw(&PathElement::new(ends, style)).map_err(|e| e.to_string())
    }

    /// A painted rectangle; failures are hatched, each in its own way.
    fn fill(&self, x: f64, y: f64, w: f64, h: f64, ink: Ink) -> Drawn {
        let color = match ink {
            Ink::Server(i) => SERVERS[i % SERVERS.len()],
            Ink::Others => OTHERS,
            Ink::Odd(_) => ODD,
        };
        self.rect(x, y, w, h, &color)?;
        let Ink::Odd(outcome) = ink else { return Ok(()) };
        if matches!(outcome, Outcome::Refused | Outcome::Unfinished) {
            let mut at = y + 3.0;
            while at < y + h - 0.5 {
                self.line((x, at), (x + w, at), &WHITE, if outcome == Outcome::Refused { 1.6 } else { 0.6 })?;
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
                self.line((x + a.0, y + a.1), (x + b.0, y + b.1), &WHITE, 1.2)?;
            }
            if back {
                self.line((x + w - a.0, y + a.1), (x + w - b.0, y + b.1), &WHITE, 1.2)?;
            }
            c += 6.0;
        }
        Ok(())
    }

    fn measure(&self, text: &str, look: Look) -> f64 {
        let (w, _) = self.root.estimate_text_size(text, &look.style()).unwrap_or((0, 0));
        // The embedded font has no wide letters and measures its "missing" sign for them.
        let wide = text.chars().filter(|c| c.width() == Some(2)).count() as f64;
        (f64::from(w) / SCALE).max(text.width() as f64 * look.size * 0.42) + wide * look.size * 0.45
    }

    /// The text, cut with an ellipsis if it is too wide.
    fn fit(&self, text: &str, width: f64, look: Look) -> String {
        if self.measure(text, look) <= width {
            return text.to_string();
        }
        // A title can be as long as a file: nothing beyond 400 letters can fit.
        let mut cut: String = text.chars().take(400).collect();
        while !cut.is_empty() && self.measure(&format!("{cut}…"), look) > width {
            cut.pop();
        }
        format!("{}…", cut.trim_end())
    }

    fn bars(&self, groups: &[Group], height: f64) -> Drawn {
        let bars = || groups.iter().flat_map(|g| &g.bars);
        if bars().next().is_none() {
            return self.text(MARGIN, 92.0, "No connections.", LABEL);
        }
        let widest = bars().map(|b| self.measure(&b.label, LABEL)).fold(0.0, f64::max).min(250.0);
        let (left, right) = (MARGIN + widest + 10.0, WIDTH - 190.0);
        let longest = bars().map(|b| (b.value * 1000).max(b.target.unwrap_or(0))).max().unwrap_or(0);
        let ticks = ticks(longest.div_ceil(1000).max(1), 6);
        let most = *ticks.last().unwrap_or(&1) as f64;
        let x = |v: f64| left + (right - left) * v / most;
        let bottom = height - 38.0;
        for tick in &ticks {
            self.line((x(*tick as f64), 70.0), (x(*tick as f64), bottom), &GRID, 1.0)?;
            self.text(x(*tick as f64), bottom + 16.0, &thousands(*tick), SMALL.center())?;
        }
        let mut y = 70.0;
        for group in groups {
            self.text(MARGIN, y + 15.0, &self.fit(&group.label, left - MARGIN + 200.0, LABEL), LABEL.bold())?;
            y += GROUP;
            let total: u64 = group.bars.iter().map(|b| b.value).sum();
            for bar in &group.bars {
                let middle = y + BAR / 2.0;
                self.text(left - 10.0, middle, &self.fit(&bar.label, widest, LABEL), LABEL.right())?;
                self.fill(left, y + 4.0, x(bar.value as f64) - left, BAR - 8.0, bar.ink)?;
                let mut end = x(bar.value as f64);
                if let Some(target) = bar.target {
                    let at = x(target as f64 / 1000.0);
                    self.line((at, y + 1.0), (at, y + BAR - 1.0), &WHITE, 4.0)?;
                    self.line((at, y + 1.0), (at, y + BAR - 1.0), &INK, 2.0)?;
                    end = end.max(at);
                }
                let value = thousands(bar.value);
                self.text(end + 8.0, middle, &value, LABEL.bold())?;
                let share = (bar.value * 1000 + total / 2).checked_div(total).unwrap_or(0);
                let mut said = format!("{}.{} %", share / 10, share % 10);
                if let Some(target) = bar.target {
                    said.push_str(&format!(", by weight {}", tenths(target)));
                }
                self.text(end + 14.0 + self.measure(&value, LABEL.bold()), middle, &said, SMALL)?;
                y += BAR;
            }
            y += 8.0;
        }
        self.line((left, 70.0), (left, bottom), &AXIS, 1.0)
    }

    fn columns(&self, c: &Columns) -> Drawn {
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
            self.line((left, up(*tick as f64)), (right, up(*tick as f64)), &GRID, 1.0)?;
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
        self.line((left, bottom), (right, bottom), &AXIS, 1.0)?;
        let end = c.from + (c.width * c.len as u64) as i64;
        let over = |at: i64| left + (right - left) * (at - c.from) as f64 / (end - c.from).max(1) as f64;
        for at in time_ticks(c.from, end) {
            self.line((over(at), bottom), (over(at), bottom + 5.0), &AXIS, 1.0)?;
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
            self.line((x, top - 6.0), (x, bottom), &INK, 1.0)?;
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

const GROUP: f64 = 28.0;
const BAR: f64 = 26.0;
const LEGEND: f64 = 22.0;
const PLOT: f64 = 260.0;
const MARK: f64 = 19.0;
/// Marks that are drawn and told.
const MARKS: usize = 12;

fn bars_height(groups: &[Group]) -> f64 {
    let rows: f64 = groups.iter().map(|g| GROUP + BAR * g.bars.len() as f64 + 8.0).sum();
    (70.0 + rows + 38.0).max(140.0)
}

fn columns_height(c: &Columns) -> f64 {
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

/// Round numbers from 0 to at least `most`, whole, at most `n` steps.
fn ticks(most: u64, n: u64) -> Vec<u64> {
    let mut unit = 1u64;
    let step = loop {
        if let Some(step) = [1, 2, 5].map(|s| unit.saturating_mul(s)).into_iter().find(|s| s.saturating_mul(n) >= most)
        {
            break step;
        }
        unit = unit.saturating_mul(10);
    };
    (0..=most.div_ceil(step)).map(|i| i * step).collect()
}

/// Round moments within a span of time, in nanoseconds.
fn time_ticks(from: i64, to: i64) -> Vec<i64> {
    let steps = ticks(to.abs_diff(from), 8);
    let step = steps.get(1).copied().unwrap_or(1).max(1) as i64;
    let first = from.div_euclid(step) * step;
    let all = (0..20).map(|i| first + step * i);
    all.filter(|at| (from..=to).contains(at)).collect()
}

/// `12 345` with thin spaces.
fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, d) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{2009}');
        }
        out.push(d);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing;

    #[test]
    fn pictures_are_well_formed_described_and_the_same_every_time() {
        let records = testing::records();
        let mut log = testing::log(&records);
        log.title = "LVS 直接路由 <&\" \u{1}".into();
        log.connections[0].server = Some("<script>".into());
        let all = charts(&log).expect("drawn");
        assert_eq!(all, charts(&log).expect("drawn"));
        for artifact in all {
            let text = String::from_utf8(artifact.bytes).expect("text");
            assert!(text.starts_with("<svg xmlns=") && text.trim_end().ends_with("</svg>"));
            assert!(text.contains("role=\"img\"") && text.contains("<title>LVS 直接路由 &lt;&amp;"));
            assert!(!text.contains("<script>") && !text.contains('\u{1}'));
            assert!(!text.contains("font-family=\"DejaVu Sans\""));
        }
    }

    #[test]
    fn ticks_are_round_and_cover_the_largest_value() {
        assert_eq!(ticks(7, 5), [0, 2, 4, 6, 8]);
        assert_eq!(ticks(1, 5), [0, 1]);
        assert_eq!(ticks(1000, 5), [0, 200, 400, 600, 800, 1000]);
        assert_eq!(
            time_ticks(-500_000_000, 1_500_000_000),
            [-500_000_000, 0, 500_000_000, 1_000_000_000, 1_500_000_000]
        );
        assert_eq!(thousands(1_234_567), "1\u{2009}234\u{2009}567");
    }

    #[test]
    fn an_empty_run_says_so() {
        let mut log = testing::log(&[]);
        log.connections.clear();
        log.marks.clear();
        for artifact in charts(&log).expect("drawn") {
            assert!(String::from_utf8_lossy(&artifact.bytes).contains("No connections."));
        }
    }

    #[test]
    fn long_names_are_cut_and_many_servers_make_the_picture_taller() {
        let bar = |i: u64| super::super::Bar {
            label: format!("real-server-{i}-with-a-name-that-nobody-can-read-at-a-glance"),
            value: i,
            target: None,
            ink: Ink::Server(0),
        };
        let figure = |n: u64| Figure {
            name: "served",
            scenario: "many".into(),
            title: "Many ".repeat(1000),
            subtitle: String::new(),
            plot: Plot::Bars(vec![Group { label: "web".into(), bars: (0..n).map(bar).collect() }]),
        };
        let text = svg(&figure(20)).expect("drawn");
        assert!(text.contains("real-server-7-with-a-name-that-no") && text.contains('…'));
        assert!(text.contains("height=\"664\"") && svg(&figure(2)).expect("drawn").contains("height=\"196\""));
    }
}
