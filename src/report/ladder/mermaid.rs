//! The ladder as a sequence diagram of Mermaid, for pages that draw those.

use super::{Ladder, Target};
use std::fmt::Write as _;

/// As Mermaid's text. Hosts are `h0`, `h1` …: names may hold what Mermaid reads as syntax.
pub fn mermaid(l: &Ladder) -> String {
    let mut out = "sequenceDiagram\n".to_string();
    for (n, name) in l.columns.iter().enumerate() {
        let _ = writeln!(out, "    participant h{n} as {}", plain(name));
    }
    for r in &l.rows {
        let from = r.from;
        let label = plain(&format!("{} {}", r.seconds, r.label));
        match (r.to, &r.lost) {
            (Target::Column(to), None) => {
                let _ = writeln!(out, "    h{from}->>h{to}: {label}");
            }
            (Target::Column(to), Some(why)) => {
                let _ = writeln!(out, "    h{from}-xh{to}: {label} (lost: {})", plain(why));
            }
            (Target::Reach(low, high), _) => {
                let _ = writeln!(out, "    Note over h{low},h{high}: h{from} to all: {label}");
            }
            (Target::Here, Some(why)) => {
                let _ = writeln!(out, "    Note over h{from}: {label} (lost: {})", plain(why));
            }
            (Target::Here, None) => {
                let _ = writeln!(out, "    Note over h{from}: {label}");
            }
        }
    }
    if l.more > 0 {
        let _ = writeln!(out, "    %% {}", plain(&l.note()));
    }
    out
}

/// Without what ends a statement or starts a comment.
fn plain(text: &str) -> String {
    text.replace(';', ",").replace('#', "no ").replace('%', " percent").replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::super::text::tests::sample;
    use super::*;

    #[test]
    fn a_loss_is_a_crossed_arrow_and_no_text_ends_a_statement() {
        let told = mermaid(&sample());
        assert!(told.starts_with("sequenceDiagram\n    participant h0 as client\n"), "{told}");
        assert!(told.contains("h1-xh2: 0.500000 SYN, data (lost: lost on the cable)"), "{told}");
        assert!(told.contains("h2->>h0: 0.500000 SYN & ACK"), "{told}");
        assert!(!told.contains(';'), "{told}");
    }
}
