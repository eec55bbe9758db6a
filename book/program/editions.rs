//! Whether the editions are the same book: each page in all of them, with the same headings' ids in the same order, the same
//! fences and the same commands in these, tables of as many rows and the same figures in these.
//!
//! Words may differ, and so may what only cuts an output to the page's size: `| grep word` looks for a word of the language.
//! So filters behind a pipe are not compared, nor what `grep` looks for, nor `--lang`.

use crate::fences::{self, Kind, Problem};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Programs that only cut or reshape what they read.
const FILTERS: [&str; 14] =
    ["awk", "column", "cut", "fold", "grep", "head", "jq", "paste", "sed", "sort", "tail", "tr", "uniq", "wc"];

/// An edition's pages in the order of its summary.
pub type Pages = Vec<(PathBuf, String)>;

/// What is wrong with the second edition beside the first, each with the page to mend.
pub fn compare(first: &Pages, second: &Pages) -> Vec<(PathBuf, Problem)> {
    let mut wrong = Vec::new();
    let texts: BTreeMap<&Path, &str> = first.iter().map(|(p, t)| (p.as_path(), t.as_str())).collect();
    let there: BTreeSet<&Path> = second.iter().map(|(p, _)| p.as_path()).collect();
    for (path, _) in first.iter().filter(|(p, _)| !there.contains(p.as_path())) {
        let remedy = "translate it, and name it in SUMMARY.md";
        wrong.push((path.clone(), Problem::new(0, "this page is missing in this edition", remedy)));
    }
    for (path, text) in second {
        match texts.get(path.as_path()) {
            Some(original) => wrong.extend(compare_pages(original, text).into_iter().map(|p| (path.clone(), p))),
            None => {
                let remedy = "write it in the first edition, too, or remove it";
                wrong.push((path.clone(), Problem::new(0, "the first edition has no such page", remedy)));
            }
        }
    }
    let [one, other] = [first, second].map(|pages| pages.iter().map(|(p, _)| p).collect::<Vec<_>>());
    if wrong.is_empty() && one != other {
        let at = one.iter().zip(&other).find(|(a, b)| a != b).map_or_else(PathBuf::new, |(a, _)| a.to_path_buf());
        let text = format!("the pages come in another order than in the first edition, from {} on", at.display());
        wrong.push(("SUMMARY.md".into(), Problem::new(0, text, "put them into the same order")));
    }
    wrong
}

/// What is wrong with a page beside the same page of the first edition.
fn compare_pages(original: &str, page: &str) -> Vec<Problem> {
    let [one, other] = [original, page].map(Outline::of);
    let mut wrong = Vec::new();
    let (was, is) = (one.headings.iter(), other.headings.iter());
    if let Some((was, is)) = parting(was, is, |a, b| (a.level, &a.id) == (b.level, &b.id)) {
        let marks = |level| "#".repeat(level);
        let of =
            |h: Option<&Heading>| h.map_or("no heading".into(), |h| format!("`{} … {{#{}}}`", marks(h.level), h.id));
        let remedy = was.map_or("remove the heading".into(), |h| {
            format!("write `{} … {{#{}}}`, so that links lead here in all editions", marks(h.level), h.id)
        });
        let text = format!("the first edition has {} here, this one {}", of(was), of(is));
        wrong.push(Problem::new(is.map_or(0, |h| h.line), text, remedy));
    }
    if let Some((was, is)) = parting(one.rows.iter(), other.rows.iter(), |a, b| same_figures(a, b)) {
        let of = |r: Option<&Row>| r.map_or("no row".into(), |r| format!("`| {} |`", r.cells.join(" | ")));
        let text = format!("a table of the first edition has {} here, this one {}", of(was), of(is));
        wrong.push(Problem::new(is.map_or(0, |r| r.line), text, "the same rows, with the figures of today"));
    }
    if let Some((was, is)) = parting(one.fences.iter(), other.fences.iter(), |a, b| a.what == b.what) {
        let of = |f: Option<&Fence>| f.map_or("no fence".into(), |f| format!("```{}", f.what));
        let text = format!("the first edition has {} here, this one {}", of(was), of(is));
        wrong.push(Problem::new(is.map_or(0, |f| f.line), text, "the same fences in the same order"));
        return wrong;
    }
    for (was, is) in one.fences.iter().zip(&other.fences) {
        let (was, is) = (was.commands.iter(), is.commands.iter().enumerate());
        if let Some((was, is)) = parting(was, is, |a, (_, b)| a.compared == b.compared) {
            let of = |c: Option<&Command>| c.map_or("nothing".into(), |c| format!("`{}`", c.compared.trim_end()));
            let line = is.map_or(0, |(_, c)| c.line);
            let text = format!("the first edition types {}, this one {}", of(was), of(is.map(|(_, c)| c)));
            wrong.push(Problem::new(line, text, "the same commands; only filters behind a pipe may differ"));
        }
    }
    wrong
}

/// The first pair that is not the same; none of one of them where it is shorter.
fn parting<A, B>(
    one: impl Iterator<Item = A>,
    other: impl Iterator<Item = B>,
    same: impl Fn(&A, &B) -> bool,
) -> Option<(Option<A>, Option<B>)> {
    let (mut one, mut other) = (one, other);
    loop {
        match (one.next(), other.next()) {
            (None, None) => return None,
            (Some(a), Some(b)) if same(&a, &b) => {}
            pair => return Some(pair),
        }
    }
}

/// What editions have in common of a page.
#[derive(Debug, Default)]
struct Outline {
    /// Those below the page's title.
    headings: Vec<Heading>,
    fences: Vec<Fence>,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Heading {
    line: usize,
    level: usize,
    id: String,
}

/// Of a table.
#[derive(Debug)]
struct Row {
    line: usize,
    cells: Vec<String>,
}

#[derive(Debug)]
struct Fence {
    line: usize,
    /// The info string without words for people.
    what: String,
    /// Of a fence with commands.
    commands: Vec<Command>,
}

#[derive(Debug)]
struct Command {
    line: usize,
    /// What is compared of it.
    compared: String,
}

impl Outline {
    fn of(page: &str) -> Outline {
        let (blocks, _) = fences::parse(page);
        let lines: Vec<&str> = page.lines().collect();
        let mut outline = Outline::default();
        let mut used = BTreeSet::new();
        let mut at = 0;
        while at < lines.len() {
            if let Some((indent, fence, info)) = fences::opening(lines[at]) {
                let end = (at + 1..lines.len()).find(|&n| fences::closes(lines[n], fence)).unwrap_or(lines.len());
                let block = blocks.iter().find(|b| b.line == at + 1);
                let mut found = Fence { line: at + 1, what: info.to_string(), commands: Vec::new() };
                if let Some(block) = block {
                    if let Kind::Figure { file, .. } = &block.kind {
                        found.what = format!("figure {file}");
                    }
                    let of = |c: &fences::Command| Command { line: c.line, compared: without_filters(&c.text) };
                    found.commands = block.commands.iter().map(of).collect();
                } else if info == "sh" {
                    let inside = (at + 1..end).map(|n| (n, lines[n].strip_prefix(indent).unwrap_or(lines[n])));
                    let of = |(n, line)| Command { line: n + 1, compared: without_comment(line) };
                    found.commands = inside.map(of).filter(|c| !c.compared.is_empty()).collect();
                }
                outline.fences.push(found);
                at = end + 1;
                continue;
            }
            if lines[at].trim_start().starts_with('|') {
                let cells = lines[at].trim().trim_matches('|').split('|').map(|c| c.trim().to_string());
                outline.rows.push(Row { line: at + 1, cells: cells.collect() });
            }
            if let Some((level, text)) = heading(lines[at]) {
                let id = id(text, &mut used);
                if level > 1 {
                    outline.headings.push(Heading { line: at + 1, level, id });
                }
            }
            at += 1;
        }
        outline
    }
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    ((1..=6).contains(&level) && text.starts_with(' ')).then(|| (level, text.trim()))
}

/// Whether the second row has the figures of the first: each cell of a number, with a letter for unit or size at most. It may have
/// words besides.
fn same_figures(first: &Row, second: &Row) -> bool {
    let is_word = |word: &str| word.chars().filter(|c| c.is_alphabetic()).count() > 1;
    let is_figure = |cell: &str| {
        cell.trim_start_matches('*').starts_with(|c: char| c.is_ascii_digit()) && !cell.split(' ').any(is_word)
    };
    // Chinese has wide signs, and no blanks beside them.
    let narrow = |cell: &str| {
        [('（', " ("), ('）', ")"), ('，', ", "), ('；', "; ")]
            .iter()
            .fold(cell.to_string(), |c, (from, to)| c.replace(*from, to))
    };
    let has = |cell: &str, figure: &str| cell == figure || !cell.is_ascii() && narrow(cell).contains(figure);
    first.cells.len() == second.cells.len()
        && first.cells.iter().zip(&second.cells).all(|(a, b)| !is_figure(a) || has(b, a))
}

/// The id that mdBook gives to a heading: its own, or one made of its text.
fn id(text: &str, used: &mut BTreeSet<String>) -> String {
    if let Some((_, own)) = text.rsplit_once("{#").filter(|(_, own)| own.ends_with('}')) {
        return own.trim_end_matches('}').to_string();
    }
    let made: String = without_targets(text).to_lowercase().chars().filter_map(letter).collect();
    let numbered = (1..).map(|n| format!("{made}-{n}"));
    let free = std::iter::once(made.clone()).chain(numbered).find(|id| !used.contains(id));
    let id = free.expect("there are more numbers than headings");
    used.insert(id.clone());
    id
}

fn letter(c: char) -> Option<char> {
    let c = if c.is_whitespace() { '-' } else { c };
    (c.is_alphanumeric() || matches!(c, '_' | '-')).then_some(c)
}

/// `[text](target)` is `[text]`.
fn without_targets(text: &str) -> String {
    let mut parts = text.split("](");
    let first = parts.next().unwrap_or_default().to_string();
    parts.fold(first, |all, part| all + part.split_once(')').map_or(part, |(_, rest)| rest))
}

/// A line of a script without what `#` begins.
fn without_comment(line: &str) -> String {
    let code = if line.starts_with('#') { "" } else { line.split(" #").next().unwrap_or(line) };
    code.trim_end().to_string()
}

/// A command without its filters behind pipes, without what `grep` looks for, and without `--lang`.
fn without_filters(command: &str) -> String {
    let mut kept = String::new();
    for (sign, stage) in stages(command) {
        let stage = stage.trim_matches([' ', '\\']);
        let program = stage.split_whitespace().next().unwrap_or_default();
        if sign == '|' && FILTERS.contains(&program) {
            continue;
        }
        kept.push(sign);
        kept.push_str(if program == "grep" { program } else { stage });
    }
    without_lang(kept.trim())
}

/// A command cut at each sign, outside of quotes, that begins something else, each piece with the sign before it.
fn stages(command: &str) -> Vec<(char, &str)> {
    let mut found = vec![('\n', command)];
    // `"`, and the `(` of `$(`, in which quotes begin anew.
    let mut open = Vec::new();
    let (mut from, mut at, mut before) = (0, 0, '\n');
    while let Some(c) = command[at..].chars().next() {
        let rest = &command[at + c.len_utf8()..];
        let quoted = open.last() == Some(&'"');
        let mut cut = !quoted && matches!(c, '|' | ';' | '&' | ')' | '\n' | '>' | '<');
        let mut skipped = 0;
        match c {
            '\\' => skipped = rest.chars().next().map_or(0, char::len_utf8),
            '\'' if !quoted => skipped = rest.find('\'').map_or(rest.len(), |n| n + 1),
            '"' if quoted => drop(open.pop()),
            '"' => open.push('"'),
            '(' if before == '$' => {
                open.push('(');
                cut = true;
            }
            ')' if open.last() == Some(&'(') => drop(open.pop()),
            _ => {}
        }
        if cut {
            found.last_mut().expect("it begins with one").1 = &command[from..at];
            from = at + c.len_utf8();
            found.push((c, &command[from..]));
        }
        before = c;
        at += c.len_utf8() + skipped;
    }
    found
}

fn without_lang(command: &str) -> String {
    let words = command.split_inclusive([' ', '\n']);
    let mut kept = String::new();
    let mut skip = false;
    for word in words {
        if std::mem::take(&mut skip) || word.starts_with("--lang=") {
            kept.push_str(if word.ends_with('\n') { "\n" } else { "" });
        } else if word.trim_end() == "--lang" {
            skip = true;
        } else {
            kept.push_str(word);
        }
    }
    kept.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"# Title

## What [it](x.md) is, `exactly`

```console exit=1
$ lvsim why a.yaml 2>&1 | grep -A 2 '^Lost | found' | head -3
> more
out
$ lvsim lab a.yaml <<'END' | sed -n '/^one/,/^two/p'
> ip addr; echo done
> END
$ for f in a b; do
>   echo "$f: $(lvsim why $f.yaml | sed -n '1s/.*: //p')" "$(grep -c 'Lost' $f.txt)"
> done
```

## Exercise

```figure a.svg "A picture"
$ lvsim run a.yaml
```

### Exercise

| what | now | most |
| --- | --- | --- |
| memory | 12 k | 10 million |
| time | **5.9x** (5-6) | 1 to 2 |

```sh
lvsim run a.yaml     # it runs
```
"#;

    const OTHER: &str = r#"# 标题

## 是什么 {#what-it-is-exactly}

```console exit=1
$ lvsim why a.yaml --lang en 2>&1 | awk '/丢失/ { print; next }'
> more
别的
$ lvsim lab a.yaml <<'END'
> ip addr; echo done
> END
$ for f in a b; do
>   echo "$f: $(lvsim why $f.yaml | sed -n '1s/.*：//p')" "$(grep -c '丢失' $f.txt)"
> done
```

## 练习 {#exercise}

```figure a.svg "一幅图"
$ lvsim run a.yaml
```

### 练习 {#exercise-1}

| 什么 | 现状 | 最多 |
| --- | --- | --- |
| 内存 | 12 k | 1000 万 |
| 时间 | **5.9x**（5-6） | 1 到 2 |

```sh
lvsim run a.yaml     # 运行
```
"#;

    fn pages(pages: &[(&str, &str)]) -> Pages {
        pages.iter().map(|(path, text)| (path.into(), text.to_string())).collect()
    }

    /// What is told of a page where one text stands for another.
    fn told(was: &str, is: &str) -> Vec<String> {
        assert!(OTHER.contains(was), "{was}");
        let problems = compare_pages(PAGE, &OTHER.replacen(was, is, 1));
        problems.iter().map(|p| format!("{}: {}", p.line, p.text)).collect()
    }

    #[test]
    fn a_translation_has_other_words_and_filters_and_nothing_else() {
        assert_eq!(told("", ""), [""; 0]);
        assert_eq!(
            told("why a.yaml", "why b.yaml"),
            ["6: the first edition types `lvsim why a.yaml 2>&1\nmore`, this one `lvsim why b.yaml 2>&1\nmore`"]
        );
        assert_eq!(told("(lvsim why $f.yaml |", "(lvsim run $f.yaml |").len(), 1);
        assert_eq!(told("(grep -c '丢失' $f.txt)", "(cat $f.txt)").len(), 1);
        assert_eq!(told("ip addr;", "ip route;").len(), 1);
        assert_eq!(told("run a.yaml     #", "test a.yaml #").len(), 1);
        assert_eq!(told(" | awk '/丢失/ { print; next }'", " | lvsim show -").len(), 1);
        assert_eq!(
            told("exit=1", "exit=2"),
            ["5: the first edition has ```console exit=1 here, this one ```console exit=2"]
        );
        assert_eq!(told("figure a.svg", "figure b.svg").len(), 1);
        assert_eq!(
            told("```sh\nlvsim run a.yaml     # 运行\n```\n", ""),
            ["0: the first edition has ```sh here, this one no fence"]
        );
    }

    #[test]
    fn headings_have_the_ids_of_the_first_edition() {
        assert_eq!(
            told(" {#exercise}", ""),
            ["17: the first edition has `## … {#exercise}` here, this one `## … {#练习}`"]
        );
        assert_eq!(told("### ", "## ").len(), 1);
        assert_eq!(told("## 练习 {#exercise}\n", "").len(), 1);
    }

    #[test]
    fn figures_of_tables_do_not_grow_old_in_one_edition() {
        assert_eq!(
            told("12 k", "13 k"),
            [
                "27: a table of the first edition has `| memory | 12 k | 10 million |` here, this one `| 内存 | 13 k | 1000 万 |`"
            ]
        );
        assert_eq!(told("12 k", "设为 12 k"), [""; 0]);
        assert_eq!(told("5.9x", "5.8x").len(), 1);
        assert_eq!(told("（5-6）", "（5-7）").len(), 1);
        assert_eq!(told("| 时间 | **5.9x**（5-6） | 1 到 2 |\n", "").len(), 1);
    }

    #[test]
    fn each_page_is_in_each_edition_and_at_the_same_place() {
        let told = |first: &[(&str, &str)], second: &[(&str, &str)]| {
            let wrong = compare(&pages(first), &pages(second));
            wrong.iter().map(|(path, p)| format!("{}: {}", path.display(), p.text)).collect::<Vec<_>>()
        };
        let (a, b) = (("a.md", PAGE), ("b.md", "# B\n"));
        assert_eq!(told(&[a, b], &[("a.md", OTHER), b]), [""; 0]);
        assert_eq!(told(&[a, b], &[b]), ["a.md: this page is missing in this edition"]);
        assert_eq!(told(&[b], &[b, a]), ["a.md: the first edition has no such page"]);
        assert_eq!(
            told(&[a, b], &[b, a]),
            ["SUMMARY.md: the pages come in another order than in the first edition, from a.md on"]
        );
    }
}
