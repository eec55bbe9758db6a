//! The fences of a page that are more than text: `console`, `figure` and `generated`. Reads them, and writes a page anew
//! with other outputs.
//!
//! A fence is what CommonMark calls a fenced code block. It may be indented (in a list); inside a quote (`> `) it would not
//! be seen, and is reported.

use std::ops::Range;

/// What is wrong on a page, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Counted from 1; 0 where no line is to blame.
    pub line: usize,
    pub text: String,
    pub remedy: String,
}

impl Problem {
    pub fn new(line: usize, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Problem { line, text: text.into(), remedy: remedy.into() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Commands with their output; the last one's exit code.
    Console { exit: i32 },
    /// Commands that draw a file, and what the picture shows in words.
    Figure { file: String, alt: String },
    /// Commands that print Markdown.
    Generated,
}

/// A command of a fence, as it is typed and as it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub line: usize,
    /// Without prompts; several lines where it is continued by `> `.
    pub text: String,
    /// With prompts, as on the page.
    pub shown: Vec<String>,
    pub output: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Of the opening line, counted from 1.
    pub line: usize,
    /// From the opening line to the closing one, counted from 0.
    pub lines: Range<usize>,
    pub indent: String,
    pub fence: String,
    pub kind: Kind,
    pub commands: Vec<Command>,
}

/// The blocks of a page in their order, and what is wrong with them.
pub fn parse(page: &str) -> (Vec<Block>, Vec<Problem>) {
    let lines: Vec<&str> = page.lines().collect();
    let (mut blocks, mut problems) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < lines.len() {
        let Some((indent, fence, info)) = opening(lines[at]) else {
            if quoted(lines[at]) {
                let remedy = "end the quote before it";
                problems.push(Problem::new(at + 1, "a fence with commands inside a quote is not run", remedy));
            }
            at += 1;
            continue;
        };
        let end = (at + 1..lines.len()).find(|&n| closes(lines[n], fence));
        let Some(end) = end else {
            problems.push(Problem::new(at + 1, "this fence has no end", format!("close it by a line `{fence}`")));
            break;
        };
        match kind(info) {
            Ok(None) => {}
            Ok(Some(kind)) => {
                let inside = lines[at + 1..end].iter().map(|l| l.strip_prefix(indent).unwrap_or(l.trim_start()));
                let (commands, wrong) = commands(inside, at + 2, &kind);
                problems.extend(wrong);
                if commands.is_empty() {
                    let remedy = "begin a line with `$ `, or call the fence `text`";
                    problems.push(Problem::new(at + 1, "this fence has no command", remedy));
                }
                let (indent, fence) = (indent.to_string(), fence.to_string());
                blocks.push(Block { line: at + 1, lines: at..end + 1, indent, fence, kind, commands });
            }
            Err(wrong) => problems.push(Problem::new(at + 1, wrong.0, wrong.1)),
        }
        at = end + 1;
    }
    (blocks, problems)
}

/// Indent, fence and info string of a line that opens a fence.
pub fn opening(line: &str) -> Option<(&str, &str, &str)> {
    let rest = line.trim_start();
    let indent = &line[..line.len() - rest.len()];
    let mark = rest.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let after = rest.trim_start_matches(mark);
    let fence = &rest[..rest.len() - after.len()];
    (fence.len() >= 3 && !(mark == '`' && after.contains('`'))).then_some((indent, fence, after.trim()))
}

pub fn closes(line: &str, fence: &str) -> bool {
    let line = line.trim();
    line.len() >= fence.len() && line.chars().all(|c| fence.starts_with(c))
}

fn quoted(line: &str) -> bool {
    let inside = line.trim_start().trim_start_matches(['>', ' ']);
    line.trim_start().starts_with('>') && opening(inside).is_some_and(|(_, _, info)| !matches!(kind(info), Ok(None)))
}

/// What an info string asks for; in the error what is wrong, and the remedy.
fn kind(info: &str) -> Result<Option<Kind>, (String, String)> {
    let (word, rest) = info.split_once(char::is_whitespace).map_or((info, ""), |(w, r)| (w, r.trim()));
    match word {
        "console" if rest.is_empty() => Ok(Some(Kind::Console { exit: 0 })),
        "console" => match rest.strip_prefix("exit=").map(str::parse) {
            Some(Ok(exit)) => Ok(Some(Kind::Console { exit })),
            _ => Err((format!("`{rest}` says nothing to a console fence"), "write ```console exit=1".into())),
        },
        "figure" => {
            let form = || {
                let remedy = "write ```figure NAME.svg \"what the picture shows\"".to_string();
                (format!("`{info}` does not name a picture and what it shows"), remedy)
            };
            let (file, alt) = rest.split_once(char::is_whitespace).ok_or_else(form)?;
            let alt = alt.trim().strip_prefix('"').and_then(|a| a.strip_suffix('"')).ok_or_else(form)?;
            if !file.ends_with(".svg") || file.contains("..") || file.starts_with('/') || alt.trim().is_empty() {
                return Err(form());
            }
            Ok(Some(Kind::Figure { file: file.into(), alt: alt.into() }))
        }
        "generated" if rest.is_empty() => Ok(Some(Kind::Generated)),
        "generated" => Err((format!("`{rest}` says nothing to a generated fence"), "write ```generated".into())),
        _ => Ok(None),
    }
}

fn commands<'a>(inside: impl Iterator<Item = &'a str>, first: usize, kind: &Kind) -> (Vec<Command>, Option<Problem>) {
    let mut found: Vec<Command> = Vec::new();
    for (n, line) in inside.enumerate() {
        if let Some(text) = line.strip_prefix("$ ") {
            found.push(Command {
                line: first + n,
                text: text.into(),
                shown: vec![line.trim_end().into()],
                output: Vec::new(),
            });
            continue;
        }
        let Some(command) = found.last_mut() else {
            let remedy = "a line `$ …` comes first";
            return (found, Some(Problem::new(first + n, "output of no command", remedy)));
        };
        if let Some(more) = continued(line).filter(|_| command.output.is_empty()) {
            command.text.push('\n');
            command.text.push_str(more);
            command.shown.push(line.trim_end().into());
        } else {
            command.output.push(line.trim_end().into());
        }
    }
    for command in &mut found {
        while command.output.last().is_some_and(String::is_empty) {
            command.output.pop();
        }
    }
    let stray = found.iter().find(|c| !c.output.is_empty() && !matches!(kind, Kind::Console { .. }));
    let stray = stray.map(|c| {
        Problem::new(c.line + c.shown.len(), "only console fences hold output", "remove it; it is made anew each time")
    });
    (found, stray)
}

fn continued(line: &str) -> Option<&str> {
    if line == ">" { Some("") } else { line.strip_prefix("> ") }
}

/// What a command printed as a page can hold it: no spaces at the ends of lines, no empty lines at the end.
pub fn lines_of(printed: &str) -> Vec<String> {
    let mut lines: Vec<String> = printed.lines().map(|l| l.trim_end().to_string()).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// Whether `all` has the lines of both, each in its own order. Which of two programs of a pipe is heard first is chance.
pub fn interleaves(all: &[String], one: &[String], other: &[String]) -> bool {
    if all.len() != one.len() + other.len() {
        return false;
    }
    // Whether the first lines of `all` can be so many of `one` and the rest of them of `other`.
    let mut can = vec![false; one.len() + 1];
    for b in 0..=other.len() {
        for a in 0..=one.len() {
            let by_one = a > 0 && can[a - 1] && all[a + b - 1] == one[a - 1];
            let by_other = b > 0 && can[a] && all[a + b - 1] == other[b - 1];
            can[a] = (a, b) == (0, 0) || by_one || by_other;
        }
    }
    can[one.len()]
}

/// What a fence cannot hold, because it would be read as something else.
pub fn unwritable(block: &Block, output: &[String]) -> Option<(String, String)> {
    if output.iter().any(|l| l.starts_with("$ ")) {
        return Some(("its output has a line that begins with `$ `".into(), "shorten or change it by a pipe".into()));
    }
    if output.first().is_some_and(|l| continued(l).is_some()) {
        return Some(("its output begins with `> `".into(), "shorten or change it by a pipe".into()));
    }
    if output.iter().any(|l| closes(l, &block.fence)) {
        let remedy = format!("open and close the fence by `{}`", block.fence.clone() + &block.fence[..1]);
        return Some((format!("its output has a line {}", block.fence), remedy));
    }
    None
}

/// The page with each of these blocks replaced by these lines, ends of fences included.
pub fn replace(page: &str, changes: &[(&Block, Vec<String>)]) -> String {
    let lines: Vec<&str> = page.lines().collect();
    let mut text = String::with_capacity(page.len());
    let mut at = 0;
    for (block, new) in changes {
        for line in &lines[at..block.lines.start] {
            text.push_str(line);
            text.push('\n');
        }
        for line in new {
            if !line.is_empty() {
                text.push_str(&block.indent);
            }
            text.push_str(line);
            text.push('\n');
        }
        at = block.lines.end;
    }
    for line in &lines[at..] {
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// The lines of a console fence with these outputs, one for each command.
pub fn console(block: &Block, opening: &str, outputs: &[Vec<String>]) -> Vec<String> {
    let mut lines = vec![opening.trim_start().to_string()];
    for (command, output) in block.commands.iter().zip(outputs) {
        lines.extend(command.shown.iter().cloned());
        lines.extend(output.iter().cloned());
    }
    lines.push(block.fence.clone());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# A page

```console exit=1
$ lvsim lab labs/x.yaml <<'END'
> :run 1s
>
> END
ready

done
$ false
```

- in a list

  ```console
  $ echo a
  a
  ```

````markdown
```console
$ not run
```
````

```figure load.svg \"Load of two servers\"
$ lvsim chart load
```

```generated
$ lvsim list drops
```
";

    #[test]
    fn commands_have_their_continuations_outputs_and_places() {
        let (blocks, problems) = parse(PAGE);
        assert_eq!(problems, []);
        let kinds: Vec<&Kind> = blocks.iter().map(|b| &b.kind).collect();
        let figure = Kind::Figure { file: "load.svg".into(), alt: "Load of two servers".into() };
        assert_eq!(kinds, [&Kind::Console { exit: 1 }, &Kind::Console { exit: 0 }, &figure, &Kind::Generated]);
        let lab = &blocks[0].commands[0];
        assert_eq!((lab.line, lab.text.as_str()), (4, "lvsim lab labs/x.yaml <<'END'\n:run 1s\n\nEND"));
        assert_eq!(lab.output, ["ready", "", "done"]);
        assert_eq!((blocks[0].commands[1].line, blocks[0].commands[1].text.as_str()), (11, "false"));
        assert_eq!((blocks[1].indent.as_str(), blocks[1].commands[0].output.join("\n").as_str()), ("  ", "a"));
    }

    #[test]
    fn a_page_is_written_anew_with_the_same_bytes_or_with_other_outputs() {
        let (blocks, _) = parse(PAGE);
        let anew = |outputs: &dyn Fn(&Block) -> Vec<Vec<String>>| {
            let lines: Vec<&str> = PAGE.lines().collect();
            let consoles = blocks.iter().filter(|b| matches!(b.kind, Kind::Console { .. }));
            let changes: Vec<_> = consoles.map(|b| (b, console(b, lines[b.lines.start], &outputs(b)))).collect();
            replace(PAGE, &changes)
        };
        assert_eq!(anew(&|b| b.commands.iter().map(|c| c.output.clone()).collect()), PAGE);
        let other = anew(&|b| b.commands.iter().map(|_| lines_of("b  \n\n")).collect());
        assert!(other.contains("> END\nb\n$ false\nb\n```\n"), "{other}");
        assert!(other.contains("  $ echo a\n  b\n  ```\n"), "{other}");
    }

    #[test]
    fn what_would_not_run_is_told() {
        let said = |page: &str| {
            let (_, problems) = parse(page);
            problems.iter().map(|p| format!("{}: {}", p.line, p.text)).collect::<Vec<_>>()
        };
        assert_eq!(said("```console\nout\n$ x\n```\n"), ["2: output of no command", "1: this fence has no command"]);
        assert_eq!(said("\n```console\n$ x\n"), ["2: this fence has no end"]);
        assert_eq!(said("> ```console\n> $ x\n> ```\n"), ["1: a fence with commands inside a quote is not run"]);
        assert_eq!(said("```console fails\n$ x\n```\n"), ["1: `fails` says nothing to a console fence"]);
        assert_eq!(
            said("```figure a.svg\n$ x\n```\n"),
            ["1: `figure a.svg` does not name a picture and what it shows"]
        );
        assert_eq!(said("```generated\n$ x\ny\n```\n"), ["3: only console fences hold output"]);
        assert_eq!(said("```text\n$ not run\n```\n> a quote\n"), [""; 0]);
    }

    #[test]
    fn two_streams_may_come_in_any_order_but_each_in_its_own() {
        let is = |all: &str, one: &str, other: &str| {
            let [all, one, other] = [all, one, other].map(|t| t.chars().map(String::from).collect::<Vec<_>>());
            interleaves(&all, &one, &other)
        };
        assert!(is("abxc", "abc", "x") && is("xabc", "abc", "x") && is("", "", "") && is("aab", "ab", "a"));
        assert!(
            !is("acxb", "abc", "x") && !is("abc", "abc", "x") && !is("abcxy", "abc", "yx") && !is("abcd", "abc", "x")
        );
    }

    #[test]
    fn output_that_reads_as_something_else_cannot_be_held() {
        let (blocks, _) = parse("```console\n$ x\n```\n");
        let wrong = |printed: &str| unwritable(&blocks[0], &lines_of(printed)).map(|(text, _)| text);
        assert_eq!(wrong("a\n> b\n$5\n``\n"), None);
        assert_eq!(wrong("a\n$ b\n").as_deref(), Some("its output has a line that begins with `$ `"));
        assert_eq!(wrong("> b\n").as_deref(), Some("its output begins with `> `"));
        assert_eq!(wrong("```\n").as_deref(), Some("its output has a line ```"));
    }
}
