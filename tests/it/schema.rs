//! `lvsim schema`: every scenario of the repository fits it, other programs read it.
//!
//! What is wrong is refused: `src/scenario/schema/tests` holds every key and every problem against the parser.

use crate::support::{Sandbox, files, load, root, text};
use lvsim::report::names::names;
use lvsim::scenario::schema;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;

#[path = "../../src/scenario/schema/tests/validator.rs"]
mod validator;

/// A file as a program gets it that reads YAML and knows nothing of lvsim.
fn instance(name: &str) -> Value {
    let options = serde_yaml::options! { strict_booleans: true };
    serde_yaml::from_str_with_options(&text(name), options).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// What a student hands in may be wrong.
const WRONG: &[&str] = &["book/labs/class/dave.yaml"];

/// All files that lvsim must read.
fn good() -> Vec<String> {
    let mut all = files("scenarios", &[".yaml"]);
    all.extend(files("tests/kernel", &[".yaml"]));
    all.extend(files("book/labs", &[".yaml"]));
    all.retain(|file| !WRONG.contains(&file.as_str()));
    all
}

#[test]
fn every_scenario_of_the_repository_fits_the_schema() {
    let schema = validator::Validator::new(&schema::text());
    assert_eq!(schema.schema()["schema_version"], schema::SCHEMA_VERSION);
    let all = good();
    assert!(all.len() > 500, "{} files", all.len());
    for file in all {
        assert_eq!(schema.check(&instance(&file)), Ok(()), "{file}");
    }
    for file in WRONG {
        assert!(load(file, &text(file)).is_err() && schema.check(&instance(file)).is_err(), "{file}");
    }
}

#[test]
fn a_spoilt_scenario_does_not_fit() {
    let schema = validator::Validator::new(&schema::text());
    let good = instance("scenarios/dr.yaml");
    let spoilt = |path: &str, value: Value| {
        let mut file = good.clone();
        *file.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = value;
        schema.check(&file)
    };
    assert_eq!(spoilt("/nodes/lan/kind", json!("switch")), Ok(()));
    for (path, value) in [
        ("/lvsim", json!(2)),
        ("/nodes/lan/kind", json!("swich")),
        ("/nodes/client/interfaces", json!(["eth0"])),
        ("/traffic/0/to", json!("192.168.1.200")),
        ("/traffic/0/from", json!([])),
        ("/expect/0", json!({ "outcomes": { "ok": 1 } })),
    ] {
        assert!(spoilt(path, value.clone()).is_err(), "{path}: {value}");
    }
}

#[test]
fn every_sysctl_of_the_simulator_is_known_and_a_misspelt_one_is_not() {
    let schema = validator::Validator::new(&schema::text());
    let fits = |name: &str, value: Value| {
        let host = json!({ "kind": "host", "sysctl": { name: value } });
        schema.check(&json!({ "lvsim": 1, "nodes": { "a": host } })).is_ok()
    };
    let names = names();
    for name in names.sysctls {
        let eth0 = name.replace(".all.", ".eth0.").replace(".default.", ".eth0.");
        let slashes = eth0.replace('.', "/").replace("eth0", "eth0.100");
        for name in [name, eth0.as_str(), slashes.as_str()] {
            assert!(fits(name, json!(1)) || fits(name, json!(40_000)), "{name}");
            assert!(!fits(name, json!("on")), "{name}");
            assert!(!fits(&format!("{name}s"), json!(1)), "{name}s");
        }
    }
}

#[test]
fn the_program_prints_it_and_writes_it() {
    let sandbox = Sandbox::new();
    let printed = sandbox.run(&["schema"]);
    assert_eq!((printed.code, printed.err.as_str()), (Some(0), ""));
    assert_eq!(printed.out, schema::text());
    let wrote = sandbox.run(&["schema", "--format", "json", "-o", "editor/lvsim.schema.json"]);
    assert_eq!((wrote.code, wrote.out.as_str()), (Some(0), "wrote editor/lvsim.schema.json\n"));
    assert_eq!(sandbox.read("editor/lvsim.schema.json"), printed.out.as_bytes());
    assert_eq!(sandbox.run(&["schema", "--format", "markdown"]).out, schema::page());
    assert_eq!(sandbox.run(&["schema", "--format", "xml"]).code, Some(2));
}

#[test]
fn the_page_of_keys_tells_every_key_and_what_it_is_unless_said() {
    let page = schema::page();
    let keys = schema::keys();
    assert!(keys.len() > 150, "{}", keys.len());
    for [map, key, value, default, about] in &keys {
        assert!(page.contains(&format!("\n### {map}\n")), "no section {map}");
        let unless = match default.as_str() {
            "" => String::new(),
            "needed" => ". **Needed**".into(),
            default => format!(". Unless said: `{default}`"),
        };
        let (begin, end) = (format!("| `{key}` | "), format!(" | {}{unless} |", about.replace('|', "\\|")));
        assert!(page.lines().any(|l| l.starts_with(&begin) && l.ends_with(&end)), "{map}.{key}: no line …{end}");
        assert!(!value.contains(['`', '#']) && !value.contains("]("), "{map}.{key}: {value}");
    }
    let latency = keys.iter().find(|k| k[..2] == ["link-defaults", "latency"]).expect("a key");
    assert_eq!(latency[2..4], ["duration", "50us"]);
}

/// Runs check-jsonschema; nothing if it is not installed.
fn check_jsonschema(args: &[PathBuf]) -> Option<bool> {
    match Command::new("check-jsonschema").args(args).output() {
        Ok(out) => Some(out.status.success()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
        Err(e) => panic!("check-jsonschema: {e}"),
    }
}

#[test]
fn check_jsonschema_reads_it_and_says_the_same() {
    let sandbox = Sandbox::new();
    sandbox.write("schema.json", &schema::text());
    sandbox.write("wrong.yaml", &text("scenarios/dr.yaml").replace("kind: switch", "kind: swich"));
    let (schema, wrong) = (sandbox.path().join("schema.json"), sandbox.path().join("wrong.yaml"));
    let Some(sound) = check_jsonschema(&["--check-metaschema".into(), schema.clone()]) else {
        eprintln!("SKIPPED: no check-jsonschema on this machine (pipx install check-jsonschema)");
        return;
    };
    assert!(sound, "it is no sound JSON Schema");
    let with = |files: Vec<PathBuf>| {
        let args: Vec<PathBuf> = ["--schemafile".into(), schema.clone()].into_iter().chain(files).collect();
        check_jsonschema(&args)
    };
    assert_eq!(with(good().iter().map(|file| root().join(file)).collect()), Some(true));
    assert_eq!(with(vec![wrong]), Some(false));
}
