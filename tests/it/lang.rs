//! The tables of texts: every language has every message, filled with the same; none is missing, none is unused.
//!
//! What the code uses is read from the code: `text!("id", …)` and, for the rows of tables, the tables themselves.

use crate::support::{files, text};
use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};
use lvsim::lang::{self, Lang};
use std::collections::{BTreeMap, BTreeSet};

/// A message or an attribute of one, `id` or `id.attr`.
#[derive(Debug, Default)]
struct Message {
    file: &'static str,
    /// What fills it.
    filled: BTreeSet<String>,
    /// Messages that it is made of.
    made_of: BTreeSet<String>,
    /// Its words, with a mark where something fills it.
    words: Vec<String>,
}

/// Stands for what fills a message.
const FILLED: char = '\u{fffc}';

fn table(lang: Lang) -> BTreeMap<String, Message> {
    let mut all = BTreeMap::new();
    for (file, text) in lang::files(lang) {
        let read =
            fluent_syntax::parser::parse(*text).unwrap_or_else(|(_, e)| panic!("{}/{file}.ftl: {e:?}", lang.code()));
        for entry in read.body {
            let message = match entry {
                Entry::Message(message) => message,
                Entry::Comment(_) | Entry::GroupComment(_) | Entry::ResourceComment(_) => continue,
                other => panic!("{}/{file}.ftl: {other:?} is no message", lang.code()),
            };
            let value = message.value.iter().map(|v| (message.id.name.to_string(), v));
            let attrs = message.attributes.iter().map(|a| (format!("{}.{}", message.id.name, a.id.name), &a.value));
            for (id, pattern) in value.chain(attrs) {
                let mut told = Message { file, ..Message::default() };
                let mut words = String::new();
                read_pattern(pattern, &mut told, &mut words);
                told.words.push(words);
                assert!(all.insert(id.clone(), told).is_none(), "{}: `{id}` stands there twice", lang.code());
            }
        }
    }
    all
}

fn read_pattern(pattern: &Pattern<&str>, told: &mut Message, words: &mut String) {
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { value } => words.push_str(value),
            PatternElement::Placeable { expression: Expression::Inline(inline) } => read_inline(inline, told, words),
            PatternElement::Placeable { expression: Expression::Select { selector, variants } } => {
                read_inline(selector, told, words);
                for variant in variants {
                    let mut inside = String::new();
                    read_pattern(&variant.value, told, &mut inside);
                    told.words.push(inside);
                }
            }
        }
    }
}

fn read_inline(inline: &InlineExpression<&str>, told: &mut Message, words: &mut String) {
    match inline {
        InlineExpression::StringLiteral { value } => words.push_str(value),
        InlineExpression::VariableReference { id } => {
            told.filled.insert(id.name.to_string());
            words.push(FILLED);
        }
        InlineExpression::MessageReference { id, attribute } => {
            let attr = attribute.as_ref().map_or_else(String::new, |a| format!(".{}", a.name));
            told.made_of.insert(format!("{}{attr}", id.name));
            words.push(FILLED);
        }
        other => panic!("{other:?}: texts use variables, messages, literals and selectors only"),
    }
}

/// A use in the code: the id, and the names of what fills it.
fn uses(code: &str) -> Vec<(String, BTreeSet<String>)> {
    let mut found = Vec::new();
    for (at, start) in code.match_indices("text!(") {
        let rest = &code[at + start.len()..];
        // `args_text!(…)` and the like are other macros; the macro's own definition has no literal.
        let whole = code[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_');
        let Some(id) = rest.trim_start().strip_prefix('"').filter(|_| whole).and_then(|r| r.split('"').next()) else {
            continue;
        };
        let inside = arguments(rest);
        let names = inside.iter().skip(1).map(|a| a.split('=').next().unwrap_or_default().trim().to_string());
        found.push((id.to_string(), names.filter(|n| !n.is_empty()).collect()));
    }
    found
}

/// The arguments up to the parenthesis that closes the macro.
fn arguments(rest: &str) -> Vec<String> {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    let mut all = vec![String::new()];
    for c in rest.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' if depth == 0 => break,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                all.push(String::new());
                continue;
            }
            _ => {}
        }
        all.last_mut().expect("there is one at least").push(c);
    }
    all
}

/// The code without comments.
fn code() -> Vec<(String, String)> {
    let bare = |file: &String| {
        let text = text(file);
        let lines = text.lines().map(|l| if l.trim_start().starts_with("//") { "" } else { l });
        lines.collect::<Vec<_>>().join("\n")
    };
    files("src", &[".rs"]).into_iter().map(|f| (f.clone(), bare(&f))).collect()
}

/// What the rows of lvsim's own tables must have, `id` or `id.attr`.
fn rows() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut add = |family: &str, code: &str, attrs: &[&str]| {
        let id = format!("{family}-{}", code.to_lowercase());
        all.extend(attrs.iter().map(|a| format!("{id}.{a}")));
        all.insert(id);
    };
    for row in lvsim::scenario::causes::CAUSES {
        add("cause", row.code, &["happens", "cure"]);
    }
    for row in lvsim::study::lab::commands::COMMANDS {
        add("lab-command", row.name, &[]);
    }
    for row in lvsim::study::moves::MOVES {
        add("move", &row.name.replace(' ', "-"), &[]);
    }
    let sysctls =
        lvsim::sysctl::table::CONF.iter().chain(lvsim::sysctl::table::NEIGH).chain(lvsim::sysctl::table::GLOBAL);
    for row in sysctls {
        add("sysctl", &row.path.replace(".*", "").replace('.', "-"), &[]);
    }
    let programs = lvsim::shell::COMMANDS.iter().map(|r| r.name);
    for name in programs.chain(lvsim::shell::text::TEXT_PROGRAMS.iter().map(|r| r.name)) {
        add("program", name, &[]);
    }
    let charts = lvsim::report::charts::CHARTS.iter().map(|r| r.name);
    for name in charts.chain(lvsim::study::charts::CHARTS.iter().map(|r| r.name)) {
        add("chart", name, &[]);
    }
    for row in lvsim::scenario::limits::LIMITS {
        add("limit", row.name, &[]);
    }
    for row in lvsim::study::measures::MEASURES {
        add("measure", &row.name.replace([' ', '.', '/'], "-"), &[]);
    }
    for code in lvsim::scenario::problem::CODES {
        add("problem", code, &[]);
    }
    // The program's own; the library does not know them.
    for code in [0, 1, 2, 3, 4, 70, 130] {
        add("exit", &code.to_string(), &["about"]);
    }
    for row in lvsim::scenario::lint::LINTS {
        add("lint", row.code, &["wrong", "right"]);
    }
    for row in lvsim::ipvs::SCHEDULERS {
        add("scheduler", row.name, &["rule"]);
    }
    for row in lvsim::trace::drop::RULES {
        let remedy = row.remedy().is_some();
        add("drop", row.code, if remedy { &["remedy"] } else { &[] });
    }
    all
}

/// Attributes that the code names where it fills a row: every such attribute of a row's message is used.
fn named_attributes() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (_, code) in code() {
        for (at, start) in code.match_indices("Text::row_with(") {
            let inside = arguments(&code[at + start.len()..]);
            let attr = inside.get(2).and_then(|a| a.trim().strip_prefix("Some(\"")?.strip_suffix("\")"));
            all.extend(attr.map(String::from));
        }
    }
    all
}

#[test]
fn every_language_has_the_same_messages_in_the_same_files_filled_with_the_same() {
    let en = table(Lang::En);
    for lang in Lang::ALL {
        let other = table(lang);
        let mut wrong = Vec::new();
        for (id, message) in &en {
            match other.get(id) {
                None => wrong.push(format!("`{id}` of en/{}.ftl is missing", message.file)),
                Some(o) if o.file != message.file => wrong.push(format!("`{id}` belongs into {}.ftl", message.file)),
                Some(o) if o.filled != message.filled => {
                    wrong.push(format!("`{id}` is filled with {:?}, in English with {:?}", o.filled, message.filled));
                }
                Some(_) => {}
            }
        }
        wrong.extend(other.keys().filter(|id| !en.contains_key(*id)).map(|id| format!("`{id}` is not in English")));
        assert!(wrong.is_empty(), "{}:\n{}", lang.code(), wrong.join("\n"));
    }
}

#[test]
fn what_the_code_says_is_in_the_tables_and_filled_as_they_ask() {
    let en = table(Lang::En);
    let mut wrong = Vec::new();
    for (file, code) in code() {
        for (id, given) in uses(&code) {
            match en.get(&id) {
                None => wrong.push(format!("{file}: no message `{id}` in src/lang/en")),
                Some(m) if whole(&en, m) != given => {
                    wrong.push(format!("{file}: `{id}` is filled with {given:?}, and asks for {:?}", whole(&en, m)));
                }
                Some(_) => {}
            }
        }
    }
    for id in rows().iter().filter(|id| !en.contains_key(*id)) {
        wrong.push(format!("a row has no text: `{id}` in src/lang/en"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What fills a message and those that it is made of.
fn whole(all: &BTreeMap<String, Message>, message: &Message) -> BTreeSet<String> {
    let mut filled = message.filled.clone();
    for id in &message.made_of {
        filled.extend(whole(all, all.get(id).unwrap_or_else(|| panic!("`{id}` is no message"))));
    }
    filled
}

#[test]
fn every_message_is_used() {
    let en = table(Lang::En);
    let mut used = rows();
    let attributes = named_attributes();
    let joins = ["join-comma", "join-semicolon", "join-then", "join-comma-and", "join-and", "join-or", "join-space"];
    used.extend(joins.map(String::from));
    for (_, code) in code() {
        used.extend(uses(&code).into_iter().map(|(id, _)| id));
    }
    for (id, message) in &en {
        let of_row = id.split_once('.').is_some_and(|(row, attr)| used.contains(row) && attributes.contains(attr));
        if used.contains(id) || of_row {
            used.extend(message.made_of.iter().cloned());
        }
    }
    let unused: Vec<&String> = en
        .keys()
        .filter(|id| {
            let of_row = id.split_once('.').is_some_and(|(row, attr)| used.contains(row) && attributes.contains(attr));
            !used.contains(*id) && !of_row
        })
        .collect();
    assert!(unused.is_empty(), "nobody says these: {unused:#?}");
}

/// Letters that Chinese prose consists of.
fn han(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

#[test]
fn chinese_has_its_own_punctuation_and_room_around_latin_words() {
    let mut wrong = Vec::new();
    for (id, message) in table(Lang::Zh) {
        for words in &message.words {
            let letters: Vec<char> = words.chars().collect();
            for pair in letters.windows(2) {
                let (a, b) = (pair[0], pair[1]);
                let latin = |c: char| c.is_ascii_alphanumeric() || c == '`';
                let tight = (han(a) && latin(b)) || (latin(a) && han(b));
                let half = (han(a) && ",;:?!()".contains(b)) || (",;:?!()".contains(a) && han(b));
                if tight || half {
                    wrong.push(format!("{}.ftl: `{id}`: …{a}{b}…", message.file));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "a space between Chinese and Latin, full-width punctuation:\n{}", wrong.join("\n"));
}

#[test]
fn uses_are_found_however_they_are_written() {
    let code = "text!(\"a-b\", n = f(x, \"),\"), who)\n    text!(\n  \"c\"\n) other_text!(\"d\")";
    let names = |of: &[&str]| of.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    assert_eq!(uses(code), [("a-b".to_string(), names(&["n", "who"])), ("c".to_string(), names(&[]))]);
}
