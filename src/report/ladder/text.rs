//! The ladder as text: columns under each other, an arrow a line, the label beside it.

use super::{Ladder, Row, Target};

/// Columns between two hosts.
const STEP: usize = 16;

/// As text, a line for each frame.
pub fn text(l: &Ladder) -> String {
    let width = (l.columns.len().max(1) - 1) * STEP + 1;
    let stamp = l.rows.iter().map(|r| r.seconds.len()).max().unwrap_or(0).max(4);
    let mut out = format!("{}\n\n{:stamp$}  ", l.title, "");
    for name in &l.columns {
        let short: String = name.chars().take(STEP - 1).collect();
        out.push_str(&format!("{short:<STEP$}"));
    }
    out = out.trim_end().to_string() + "\n";
    for r in &l.rows {
        let lost = r.lost.as_ref().map_or_else(String::new, |why| format!("  ✗ {why}"));
        out.push_str(&format!("{:>stamp$}  {}  {}{lost}\n", r.seconds, rail(l, r, width), r.label));
    }
    if l.more > 0 {
        out.push_str(&format!("\n{}\n", l.note()));
    }
    out
}

fn rail(l: &Ladder, r: &Row, width: usize) -> String {
    let mut cells: Vec<char> = vec![' '; width];
    for n in 0..l.columns.len() {
        cells[n * STEP] = '|';
    }
    let from = r.from * STEP;
    let mut arrow = |to: usize| {
        let (low, high) = (from.min(to), from.max(to));
        if low == high {
            return;
        }
        cells[low + 1..high].fill('-');
        if to > from {
            cells[to - 1] = '>';
        } else if to < from {
            cells[to + 1] = '<';
        }
        if r.lost.is_some() {
            cells[low.midpoint(high)] = 'x';
        }
    };
    match r.to {
        Target::Column(to) => arrow(to * STEP),
        Target::Reach(low, high) => {
            arrow(low * STEP);
            arrow(high * STEP);
            cells[from] = '*';
        }
        Target::Here => cells[from] = if r.lost.is_some() { 'x' } else { 'o' },
    }
    cells.into_iter().collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::base::SimTime;

    pub fn sample() -> Ladder {
        let row = |from, to, label: &str, lost: Option<&str>| Row {
            at: SimTime(5),
            seconds: "0.500000".into(),
            from,
            to,
            label: label.into(),
            lost: lost.map(String::from),
        };
        Ladder {
            title: "A <small> one".into(),
            columns: vec!["client".into(), "director".into(), "rs1".into()],
            rows: vec![
                row(0, Target::Reach(0, 2), "who has 10.0.0.100?", None),
                row(2, Target::Column(0), "SYN & ACK", None),
                row(1, Target::Column(2), "SYN; data", Some("lost on the cable")),
                row(2, Target::Here, "SYN", Some("no route")),
            ],
            more: 3,
        }
    }

    #[test]
    fn arrows_lead_from_column_to_column_and_losses_have_a_cross() {
        let told = text(&sample());
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines[0], "A <small> one");
        assert_eq!(lines[3], format!("0.500000  *{}>|  who has 10.0.0.100?", "-".repeat(30)));
        assert!(lines[4].contains("|<------------------------------|  SYN & ACK"), "{told}");
        assert!(lines[5].contains("|-------x------>|  SYN; data  ✗ lost on the cable"), "{told}");
        assert!(lines[6].contains("x  SYN  ✗ no route"), "{told}");
        assert!(told.ends_with("3 more frames are not drawn; name one connection to see its own\n"), "{told}");
    }
}
