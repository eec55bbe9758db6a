//! A page: its commands run and compared, and what mdBook gets to see in place of its fences.

use crate::fences::{self, Block, Kind, Problem};
use crate::run::{End, Ran, Table};
use anyhow::{Context, Result};
use similar::{ChangeTag, TextDiff};
use std::fs;
use std::time::Duration;

/// Lines of a difference that are printed.
const DIFFERENCE: usize = 40;

/// What came of a page.
pub struct Checked {
    pub problems: Vec<Problem>,
    pub commands: usize,
    /// The page with today's outputs, if they are others.
    pub rewritten: Option<String>,
    /// What mdBook renders.
    pub rendered: String,
    pub times: Vec<(Duration, usize, String)>,
}

/// Runs every command of a page in order, those of a page whose fences are wrong not at all.
pub fn check(source: &str, table: &Table<'_>, write: bool) -> Result<Checked> {
    let (blocks, problems) = fences::parse(source);
    let mut checked = Checked { problems, commands: 0, rewritten: None, rendered: String::new(), times: Vec::new() };
    if !checked.problems.is_empty() {
        return Ok(checked);
    }
    let lines: Vec<&str> = source.lines().collect();
    let (mut rewritten, mut rendered) = (Vec::new(), Vec::new());
    for block in &blocks {
        match &block.kind {
            Kind::Console { exit } => {
                let outputs = console(block, *exit, table, write, &mut checked)?;
                rewritten.push((block, fences::console(block, lines[block.lines.start], &outputs)));
                rendered.push((block, shown(block, &outputs)));
            }
            Kind::Figure { file, alt } => rendered.push((block, figure(block, file, alt, table, &mut checked)?)),
            Kind::Generated => rendered.push((block, generated(block, table, &mut checked)?)),
        }
    }
    let anew = fences::replace(source, &rewritten);
    // A page is left alone if only its last line break would change.
    checked.rewritten = (write && checked.problems.is_empty() && anew.trim_end() != source.trim_end()).then_some(anew);
    checked.rendered = fences::replace(source, &rendered);
    Ok(checked)
}

/// Runs a console fence; gives the outputs of today.
fn console(
    block: &Block,
    exit: i32,
    table: &Table<'_>,
    write: bool,
    checked: &mut Checked,
) -> Result<Vec<Vec<String>>> {
    let mut outputs = Vec::new();
    for (n, command) in block.commands.iter().enumerate() {
        let ran = ran(table.run(&command.text), &command.text, command.line, checked)?;
        let mut output = fences::lines_of(&ran.mixed);
        if fences::interleaves(&command.output, &fences::lines_of(&ran.stdout), &fences::lines_of(&ran.stderr)) {
            output.clone_from(&command.output);
        }
        let last = n + 1 == block.commands.len();
        if !matches!(ran.end, End::Exit(code) if code == exit || !last) {
            let text = format!("`{}`: {}\n{}", first_line(&command.text), ran.end, tail(&ran.mixed));
            let remedy = match ran.end {
                End::Exit(code) => format!("mend the command, or say ```console exit={code}"),
                _ => "shorten the command".into(),
            };
            checked.problems.push(Problem::new(command.line, text, remedy));
        } else if let Some((text, remedy)) = fences::unwritable(block, &output) {
            checked.problems.push(Problem::new(
                command.line,
                format!("`{}`: {text}", first_line(&command.text)),
                remedy,
            ));
        } else if !write && output != command.output {
            let what = if command.output.is_empty() {
                "prints what the page does not show"
            } else {
                "prints something else now"
            };
            let text = format!("`{}` {what}\n{}", first_line(&command.text), difference(&command.output, &output));
            let remedy = "find out why; if it is right so, let --write put it into the page";
            checked.problems.push(Problem::new(command.line, text, remedy));
        }
        outputs.push(output);
    }
    Ok(outputs)
}

fn ran(ran: std::io::Result<Ran>, command: &str, line: usize, checked: &mut Checked) -> Result<Ran> {
    let ran = ran.with_context(|| format!("bash cannot be started for `{command}`"))?;
    checked.commands += 1;
    checked.times.push((ran.took, line, first_line(command).to_string()));
    Ok(ran)
}

/// Runs commands that must succeed; gives what they printed together.
fn succeed(block: &Block, table: &Table<'_>, checked: &mut Checked) -> Result<Option<String>> {
    let mut printed = String::new();
    for command in &block.commands {
        let ran = ran(table.run(&command.text), &command.text, command.line, checked)?;
        if ran.end != End::Exit(0) {
            let text = format!("`{}`: {}\n{}", first_line(&command.text), ran.end, tail(&ran.stderr));
            checked.problems.push(Problem::new(command.line, text, "mend the command"));
            return Ok(None);
        }
        printed.push_str(&ran.stdout);
    }
    Ok(Some(printed))
}

/// The picture itself, so that it works from a file, in print and without a network; its commands are the caption.
fn figure(block: &Block, file: &str, alt: &str, table: &Table<'_>, checked: &mut Checked) -> Result<Vec<String>> {
    let at = table.path().join(file);
    // A picture of an earlier fence would hide that these commands draw none.
    let _ = fs::remove_file(&at);
    if succeed(block, table, checked)?.is_none() {
        return Ok(Vec::new());
    }
    let Some(svg) = fs::read_to_string(&at).ok().and_then(|text| Some(text[text.find("<svg")?..].to_string())) else {
        let text = format!("the commands of this figure leave no picture {file}");
        checked.problems.push(Problem::new(block.line, text, "name the file that they draw"));
        return Ok(Vec::new());
    };
    let mut lines =
        vec!["<figure>".to_string(), format!("<div class=\"picture\" role=\"img\" aria-label=\"{}\">", escape(alt))];
    // An empty line would end the HTML for a reader of Markdown.
    lines.extend(svg.lines().filter(|l| !l.trim().is_empty()).map(|l| escape_directives(l).trim().to_string()));
    lines.push("</div>".into());
    lines.push("<figcaption>".into());
    for command in &block.commands {
        let text = escape(&command.text).replace('\n', "&#10;");
        lines.push(format!("<code>{}</code>", escape_directives(&text)));
    }
    lines.push("</figcaption>".into());
    lines.push("</figure>".into());
    Ok(lines)
}

fn generated(block: &Block, table: &Table<'_>, checked: &mut Checked) -> Result<Vec<String>> {
    let Some(printed) = succeed(block, table, checked)? else { return Ok(Vec::new()) };
    if printed.trim().is_empty() {
        checked.problems.push(Problem::new(block.line, "the commands of this fence print nothing", "mend the command"));
    }
    Ok(printed.lines().map(escape_directives).collect())
}

/// A console as HTML: what is typed is told from what is printed, whatever that looks like.
fn shown(block: &Block, outputs: &[Vec<String>]) -> Vec<String> {
    let mut lines = Vec::new();
    for (command, output) in block.commands.iter().zip(outputs) {
        let typed = command.shown.iter().map(|l| format!("<b>{}</b>", escape(l)));
        lines.extend(typed.chain(output.iter().map(|l| escape(l))).map(|l| escape_directives(&l)));
    }
    lines[0].insert_str(0, "<pre><code class=\"nohighlight console hljs\">");
    lines.push("</code></pre>".into());
    lines
}

/// mdBook looks for its own directives in everything.
fn escape_directives(line: &str) -> String {
    line.replace("{{#", "\\{{#")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn first_line(command: &str) -> &str {
    command.lines().next().unwrap_or(command)
}

/// The last lines of what a command said before it failed.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].iter().map(|l| format!("    {l}\n")).collect()
}

/// What was and what is, with two lines around each change; of long ones the begin.
fn difference(old: &[String], new: &[String]) -> String {
    let [old, new] = [old, new].map(|lines| lines.iter().map(|l| format!("{l}\n")).collect::<String>());
    let diff = TextDiff::from_lines(&old, &new);
    let mut lines = Vec::new();
    for (n, group) in diff.grouped_ops(2).iter().enumerate() {
        if n > 0 {
            lines.push("    …".to_string());
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            lines.push(format!("  {sign} {}", change.value().trim_end()).trim_end().to_string());
        }
    }
    let more = lines.len().saturating_sub(DIFFERENCE);
    lines.truncate(DIFFERENCE);
    if more > 0 {
        lines.push(format!("    … and {more} lines more"));
    }
    lines.join("\n")
}
