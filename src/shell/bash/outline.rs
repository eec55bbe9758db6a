//! What a script would type, read without running it: its simple commands with their lines, for whoever checks a script.
//!
//! A word is known as far as quotes and variables with one literal value say it; what only a run can tell (`$1`, `$(…)`,
//! patterns, a variable that is set twice) makes it unknown. Conditions are not judged: both branches are listed.

use super::ast::{Arg, Command, Kind, List, Part, Pipeline, RedirKind, Value, Word};
use super::ast::{Cond, Op};
use super::parse::Parser;
use std::collections::BTreeMap;

/// Commands that are listed of one script.
const MOST: usize = 5_000;

/// A simple command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlined {
    /// Its line, from 1.
    pub line: u32,
    /// Its words; none where only a run can tell.
    pub words: Vec<Option<String>>,
    /// Files that its output goes to; none where only a run can tell.
    pub writes: Vec<Option<String>>,
    /// It stands in a loop, or in a function.
    pub again: bool,
}

/// The simple commands of a script, in its order, as far as its syntax is right.
pub fn outline(script: &str) -> Vec<Outlined> {
    let mut parser = Parser::new(script, 1);
    let mut lists = Vec::new();
    while let Ok(Some(list)) = parser.next_line() {
        lists.push(list);
    }
    let mut assigned: BTreeMap<&str, Option<String>> = BTreeMap::new();
    let mut seen = Vec::new();
    lists.iter().for_each(|list| visit(list, false, &mut seen));
    for (command, _) in &seen {
        let Kind::Simple { assigns, words } = &command.kind else { continue };
        let declared = words.iter().filter_map(|w| if let Arg::Assign(a) = w { Some(a) } else { None });
        for assign in assigns.iter().chain(declared) {
            let value = match &assign.value {
                Value::Scalar(word) if !assign.append && assign.index.is_none() => known(&word.parts, &BTreeMap::new()),
                _ => None,
            };
            assigned.entry(&assign.name).and_modify(|v| *v = None).or_insert(value);
        }
    }
    let outlined = |(command, again): &(&Command, bool)| {
        let words = match &command.kind {
            Kind::Simple { words, .. } => {
                words.iter().filter_map(|w| if let Arg::Word(w) = w { Some(w) } else { None }).collect()
            }
            _ => Vec::new(),
        };
        let writes = command.redirs.iter().filter(|r| {
            matches!(r.kind, RedirKind::Write | RedirKind::Append | RedirKind::Both | RedirKind::BothAppend)
        });
        Outlined {
            line: command.line,
            words: words.iter().map(|w: &&Word| known(&w.parts, &assigned)).collect(),
            writes: writes.map(|r| known(&r.target.parts, &assigned)).collect(),
            again: *again,
        }
    };
    seen.iter().map(outlined).collect()
}

/// The script's commands as they stand, each with all its lines: what an interactive bash would run between two prompts.
/// What follows a syntax error is one with it. Comments between commands are left out.
pub fn statements(script: &str) -> Vec<String> {
    let mut parser = Parser::new(script, 1);
    let mut found = Vec::new();
    loop {
        let from = parser.pos;
        let read = parser.next_line();
        let to = if read.is_err() { parser.src.len() } else { parser.pos };
        let text = parser.src.get(from..to).unwrap_or("");
        let skipped = text.lines().take_while(|l| l.trim().is_empty() || l.trim_start().starts_with('#')).count();
        let text = text.lines().skip(skipped).collect::<Vec<_>>().join("\n");
        if !text.trim().is_empty() {
            found.push(text);
        }
        if !matches!(read, Ok(Some(_))) {
            return found;
        }
    }
}

/// The text of a word, if it has no need of a run.
fn known(parts: &[Part], assigned: &BTreeMap<&str, Option<String>>) -> Option<String> {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Text(t) if t.contains(['*', '?', '[', '{']) && t.len() > 1 => return None,
            Part::Text(t) | Part::Quoted(t) => text.push_str(t),
            Part::Double(inner) => text.push_str(&known(inner, assigned)?),
            Part::Param(p) if matches!(p.op, Op::Plain) && p.index.is_none() && !p.indirect => {
                text.push_str(assigned.get(p.name.as_str())?.as_ref()?);
            }
            _ => return None,
        }
    }
    Some(text)
}

/// Collects the simple commands. The parser bounds how deep they are nested.
fn visit<'a>(list: &'a List, again: bool, seen: &mut Vec<(&'a Command, bool)>) {
    for item in list.iter() {
        let rest = item.rest.iter().map(|(_, p)| p);
        for pipeline in std::iter::once(&item.first).chain(rest) {
            visit_pipeline(pipeline, again, seen);
        }
    }
}

fn visit_pipeline<'a>(pipeline: &'a Pipeline, again: bool, seen: &mut Vec<(&'a Command, bool)>) {
    pipeline.stages.iter().for_each(|(command, _)| visit_command(command, again, seen));
}

fn visit_command<'a>(command: &'a Command, again: bool, seen: &mut Vec<(&'a Command, bool)>) {
    if seen.len() >= MOST {
        return;
    }
    match &command.kind {
        Kind::Simple { assigns, words } => {
            seen.push((command, again));
            let values = assigns.iter().filter_map(|a| if let Value::Scalar(w) = &a.value { Some(w) } else { None });
            let words = words.iter().filter_map(|w| if let Arg::Word(w) = w { Some(w) } else { None });
            values.chain(words).for_each(|w| visit_word(&w.parts, again, seen));
        }
        Kind::Group(list) | Kind::Subshell(list) => visit(list, again, seen),
        Kind::If { arms, otherwise } => {
            for (cond, then) in arms {
                visit(cond, again, seen);
                visit(then, again, seen);
            }
            otherwise.iter().for_each(|list| visit(list, again, seen));
        }
        Kind::While { cond, body, .. } => {
            visit(cond, true, seen);
            visit(body, true, seen);
        }
        Kind::For { body, .. } | Kind::ArithFor { body, .. } => visit(body, true, seen),
        Kind::Case { arms, .. } => arms.iter().for_each(|arm| visit(&arm.body, again, seen)),
        Kind::Function { body, .. } => visit_command(body, true, seen),
        Kind::Cond(cond) => visit_cond(cond, again, seen),
        Kind::Arith(_) => {}
    }
}

fn visit_cond<'a>(cond: &'a Cond, again: bool, seen: &mut Vec<(&'a Command, bool)>) {
    match cond {
        Cond::Not(c) => visit_cond(c, again, seen),
        Cond::And(a, b) | Cond::Or(a, b) => {
            visit_cond(a, again, seen);
            visit_cond(b, again, seen);
        }
        Cond::Unary(_, w) | Cond::Word(w) => visit_word(&w.parts, again, seen),
        Cond::Binary(a, _, b) => {
            visit_word(&a.parts, again, seen);
            visit_word(&b.parts, again, seen);
        }
    }
}

/// Commands within `$( )`.
fn visit_word<'a>(parts: &'a [Part], again: bool, seen: &mut Vec<(&'a Command, bool)>) {
    for part in parts {
        match part {
            Part::Command(list) => visit(list, again, seen),
            Part::Double(inner) => visit_word(inner, again, seen),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(script: &str) -> Vec<String> {
        let word = |w: &Option<String>| w.clone().unwrap_or_else(|| "?".into());
        outline(script).iter().map(|o| o.words.iter().map(word).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn variables_with_one_value_are_known_and_others_are_not() {
        let script = "VIP=10.0.0.1\nn=1\nn=2\nipvsadm -A -t $VIP:80 -s 'rr'\nipvsadm -w $n -r $1 \"${VIP}\"\n";
        assert_eq!(words(script)[3..], ["ipvsadm -A -t 10.0.0.1:80 -s rr", "ipvsadm -w ? -r ? 10.0.0.1"]);
    }

    #[test]
    fn loops_functions_and_branches_are_read_too() {
        let script = "f() { ip a; }\nwhile :; do\n  if curl x; then f; else ipvsadm -d y; fi\ndone\nhostname\n";
        let all = outline(script);
        let again = |name: &str| all.iter().find(|o| o.words[0].as_deref() == Some(name)).map(|o| (o.line, o.again));
        assert_eq!(again("ip"), Some((1, true)));
        assert_eq!(again("ipvsadm"), Some((3, true)));
        assert_eq!(again("hostname"), Some((5, false)));
    }

    #[test]
    fn what_is_written_to_is_told() {
        let all = outline("echo 1 > /proc/sys/net/ipv4/ip_forward\necho 1 >> $x\n");
        assert_eq!(all[0].writes, [Some("/proc/sys/net/ipv4/ip_forward".to_string())]);
        assert_eq!(all[1].writes, [None]);
    }

    #[test]
    fn a_script_is_read_as_far_as_its_syntax_is_right() {
        assert_eq!(words("ip a\nif; then\nip b\n"), ["ip a"]);
    }

    #[test]
    fn statements_are_what_stands_between_two_prompts() {
        let script = "# first\n\nip link set eth0 up\nfor i in 1 2; do\n  echo $i\ndone\ncat > f <<EOF\na\nEOF\n\necho b; echo c # d\n)\nx\n";
        let expected = [
            "ip link set eth0 up",
            "for i in 1 2; do\n  echo $i\ndone",
            "cat > f <<EOF\na\nEOF",
            "echo b; echo c # d",
            ")\nx",
        ];
        assert_eq!(statements(script), expected);
    }
}
