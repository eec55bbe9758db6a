//! The schema against the parser: what one refuses the other refuses, as far as a schema can see.

mod codes;
mod every_key;
mod spoilt;
mod validator;

use super::json::Json;
use super::{BEYOND, convert};
use crate::scenario::problem::{Problem, Problems, render};
use crate::scenario::tree::{self, Kind, Node};
use crate::scenario::{Names, files, load, spec};
use crate::sysctl::Sysctls;
use crate::trace::drop::CODES as REASONS;
use serde_json::Value;
use std::sync::LazyLock;
use validator::Validator;

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| Validator::new(&super::text()));

/// What the parser says of a file before it looks names up: what is wrong with its structure.
fn structure(text: &str) -> Vec<Problem> {
    let mut p = Problems::new(&[text]);
    if let Some(root) = tree::parse(text, 0, 0, &mut p) {
        spec::read(&root, &mut p);
    }
    p.finish(&[text]).0
}

/// A file as a program gets it from a YAML reader; nothing, if it is no YAML. With `quotes` around all words.
fn instance(text: &str, quotes: bool) -> Option<Value> {
    let mut p = Problems::new(&[text]);
    let root = tree::parse(text, 0, 0, &mut p)?;
    if p.any() { None } else { instance_of(&root, quotes) }
}

fn instance_of(root: &Node<'_>, quotes: bool) -> Option<Value> {
    let json = if quotes { quoted(root) } else { convert::value(&trimmed(root)) };
    serde_json::to_value(json).ok()
}

/// All words as text, as if they were in quotes.
fn quoted(node: &Node<'_>) -> Json {
    match &node.kind {
        _ if node.is_null() => Json::Null,
        Kind::Scalar(text, _) => Json::Text(text.trim().to_string()),
        Kind::Seq(items) => Json::List(items.iter().map(quoted).collect()),
        Kind::Map(entries) => Json::Map(entries.iter().map(|(k, v)| (k.text.to_string(), quoted(v))).collect()),
    }
}

/// Blanks around a word in quotes the parser takes off, and the schema does not want: without them.
fn trimmed<'a>(node: &Node<'a>) -> Node<'a> {
    let kind = match &node.kind {
        Kind::Scalar(text, style) => Kind::Scalar(text.trim().to_string().into(), *style),
        Kind::Seq(items) => Kind::Seq(items.iter().map(trimmed).collect()),
        Kind::Map(entries) => Kind::Map(entries.iter().map(|(k, v)| (k.clone(), trimmed(v))).collect()),
    };
    Node { at: node.at, kind }
}

/// The names of the simulator; a sysctl may be of any interface.
fn names() -> Names<'static> {
    fn of_default(path: &str) -> String {
        for table in ["net.ipv4.conf.", "net.ipv4.neigh."] {
            if let Some((interface, leaf)) = path.strip_prefix(table).and_then(|rest| rest.rsplit_once('.'))
                && !interface.is_empty()
                && (interface != "all" || table == "net.ipv4.conf.")
            {
                return format!("{table}default.{leaf}");
            }
        }
        path.to_string()
    }
    Names {
        known_sysctl: |path| Sysctls::default().writable(&of_default(path)),
        sysctl_value: |path, value| {
            Sysctls::default().write(&of_default(path), value).map_err(|_| crate::text!("problem-want-number"))
        },
        reasons: REASONS,
        read_file: Some(files::ReadFile(&|_| Ok("1ms\n2ms\n".into()))),
        ..Names::default()
    }
}

/// Whether no schema can see a problem.
fn beyond(problem: &Problem, silent: bool) -> bool {
    BEYOND.iter().filter(|row| row.code == problem.code).any(|row| match row.title {
        None => true,
        Some("") => silent,
        Some(title) => problem.title.to_string().contains(title),
    })
}

/// Holds schema and parser against each other; says where they differ. `silent`: the file may have what only its text shows.
pub(in crate::scenario) fn agree(text: &str, silent: bool) -> Result<(), String> {
    let mut p = Problems::new(&[text]);
    let Some(root) = tree::parse(text, 0, 0, &mut p) else { return Ok(()) };
    if p.any() {
        return Ok(());
    }
    spec::read(&root, &mut p);
    let (wrong, _) = p.finish(&[text]);
    let seen = wrong.iter().any(|problem| !beyond(problem, silent));
    for quotes in [false, true] {
        let Some(instance) = instance_of(&root, quotes) else { return Ok(()) };
        match SCHEMA.check(&instance) {
            Ok(()) if seen => {
                let told = render(&wrong, "case", text, false);
                return Err(format!("the schema takes what the parser refuses:\n{told}"));
            }
            // What the schema has beyond the structure, such as the drop reasons, the parser looks up later.
            Err(why) if wrong.is_empty() && load("case.yaml", text, &[], &names()).is_ok() => {
                return Err(format!("the schema refuses what the parser takes: {why}\n{text}"));
            }
            _ => {}
        }
    }
    Ok(())
}

#[track_caller]
fn assert_agree(text: &str) {
    if let Err(why) = agree(text, false) {
        panic!("{why}");
    }
}

/// Whether the schema takes a file.
fn takes(text: &str) -> Result<(), String> {
    SCHEMA.check(&instance(text, false).expect("it is YAML"))
}

#[test]
fn the_schema_is_the_same_bytes_always_and_begins_with_what_it_is() {
    let text = super::text();
    assert_eq!(text, super::text());
    assert!(text.starts_with("{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n  \"$id\": "));
    assert_eq!(SCHEMA.schema()["schema_version"], super::SCHEMA_VERSION);
    assert!(text.ends_with("}\n"));
}

#[test]
fn every_definition_is_used_and_says_what_it_is() {
    let text = super::text();
    let defs = SCHEMA.schema()["$defs"].as_object().expect("definitions");
    for (name, def) in defs {
        assert!(text.contains(&format!("\"#/$defs/{name}\"")), "{name} is not used");
        assert!(def["description"].as_str().is_some_and(|d| !d.is_empty()), "{name} says nothing");
    }
}

#[test]
fn anchors_and_merges_are_carried_out_before() {
    let text = "\
lvsim: 1
x-quiet: &quiet { net.ipv4.conf.all.arp_ignore: 1 }
nodes:
  a: &server { kind: real-server, serves: [tcp/80], sysctl: *quiet }
  b: { <<: *server, serves: [tcp/81] }
";
    assert_eq!(takes(text), Ok(()));
    assert_agree(text);
}
