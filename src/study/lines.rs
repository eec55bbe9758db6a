//! Two texts of one file as the lines that went and came, with a line around them, as `diff -U1` prints it.

/// The changed lines with their numbers; empty if the texts are the same.
pub fn diff(old: &str, new: &str) -> String {
    let (a, b): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let mut out = String::new();
    let mut shown = 0;
    for (i, j, n, m) in hunks(&a, &b) {
        let before = i.saturating_sub(1).max(shown);
        let after = (i + n + 1).min(a.len());
        out.push_str(&format!("@@ line {} @@\n", before + 1));
        a[before..i].iter().for_each(|l| out.push_str(&format!(" {l}\n")));
        a[i..i + n].iter().for_each(|l| out.push_str(&format!("-{l}\n")));
        b[j..j + m].iter().for_each(|l| out.push_str(&format!("+{l}\n")));
        a[i + n..after].iter().for_each(|l| out.push_str(&format!(" {l}\n")));
        shown = after;
    }
    out
}

/// Lines beyond which only the differing middle as a whole is told.
const FINE: usize = 2_000;

/// Where lines differ: from which line of each, and how many of each.
fn hunks(a: &[&str], b: &[&str]) -> Vec<(usize, usize, usize, usize)> {
    let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let tail = a[head..].iter().rev().zip(b[head..].iter().rev()).take_while(|(x, y)| x == y).count();
    let (x, y) = (&a[head..a.len() - tail], &b[head..b.len() - tail]);
    if x.is_empty() && y.is_empty() {
        return Vec::new();
    }
    if x.len() > FINE || y.len() > FINE {
        return vec![(head, head, x.len(), y.len())];
    }
    // The longest common subsequence, from the back: how many lines are shared from (i, j) on.
    let mut common = vec![vec![0u32; y.len() + 1]; x.len() + 1];
    for i in (0..x.len()).rev() {
        for j in (0..y.len()).rev() {
            common[i][j] = match x[i] == y[j] {
                true => common[i + 1][j + 1] + 1,
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut out: Vec<(usize, usize, usize, usize)> = Vec::new();
    while i < x.len() || j < y.len() {
        if i < x.len() && j < y.len() && x[i] == y[j] {
            (i, j) = (i + 1, j + 1);
            continue;
        }
        let goes = i < x.len() && (j == y.len() || common[i + 1][j] >= common[i][j + 1]);
        let (n, m) = (usize::from(goes), usize::from(!goes));
        match out.last_mut().filter(|h| h.0 + h.2 == head + i && h.1 + h.3 == head + j) {
            Some(h) => (h.2, h.3) = (h.2 + n, h.3 + m),
            None => out.push((head + i, head + j, n, m)),
        }
        (i, j) = (i + n, j + m);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_went_and_came_are_shown_with_their_neighbours() {
        let old = "a\nb\nc\nd\ne\nf\ng\n";
        assert_eq!(diff(old, "a\nb\nc\nd\nE\nf\ng\n"), "@@ line 4 @@\n d\n-e\n+E\n f\n");
        assert_eq!(diff(old, "a\nx\nb\nc\nd\ne\nf\n"), "@@ line 1 @@\n a\n+x\n b\n@@ line 6 @@\n f\n-g\n");
        assert_eq!(diff(old, old), "");
        assert_eq!(diff("", "a\n"), "@@ line 1 @@\n+a\n");
    }
}
