//! Two texts line by line: what went, what came, what both have.

use similar::{Change, ChangeTag, DiffOp, TextDiff};

fn signed(c: &Change<&str>) -> (char, String) {
    let sign = match c.tag() {
        ChangeTag::Delete => '-',
        ChangeTag::Insert => '+',
        ChangeTag::Equal => ' ',
    };
    (sign, c.value().trim_end_matches(['\n', '\r']).to_string())
}

/// The changed lines with a line around them and their numbers, as `diff -U1` prints them; empty if the texts are the same.
pub fn diff(old: &str, new: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    let mut out = String::new();
    for group in diff.grouped_ops(1) {
        let line = group.first().map_or(0, |op: &DiffOp| op.old_range().start) + 1;
        out.push_str(&format!("@@ line {line} @@\n"));
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (sign, text) = signed(&change);
            out.push_str(&format!("{sign}{text}\n"));
        }
    }
    out
}

/// Every line: `- ` what only the first has, `+ ` what only the second has, two blanks before what both have.
pub fn all(old: &str, new: &str) -> Vec<String> {
    let line = |c: Change<&str>| {
        let (sign, text) = signed(&c);
        format!("{sign} {}", text.trim_end())
    };
    TextDiff::from_lines(old, new).iter_all_changes().map(line).collect()
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
