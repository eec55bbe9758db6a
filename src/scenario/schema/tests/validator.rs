//! A small validator: the keywords of draft 2020-12 that our schema uses, and no others.
//!
//! `tests/it/schema.rs` holds a library of the world against it where there is one.

use regex_lite::Regex;
use serde_json::{Number, Value};
use std::collections::BTreeMap;

/// Keywords that say nothing of an instance.
const NOTES: [&str; 9] = [
    "$schema",
    "$id",
    "title",
    "description",
    "examples",
    "default",
    "schema_version",
    "patternErrorMessage",
    "errorMessage",
];

/// A schema that is ready to be asked.
pub struct Validator {
    root: Value,
    patterns: BTreeMap<String, Regex>,
}

impl Validator {
    /// Reads a schema; panics if it has what this validator does not know.
    pub fn new(text: &str) -> Validator {
        let root: Value = serde_json::from_str(text).expect("a schema is JSON");
        let mut patterns = BTreeMap::new();
        survey(&root, &mut patterns);
        let validator = Validator { root, patterns };
        validator.references(&validator.root);
        validator
    }

    /// The schema itself.
    pub fn schema(&self) -> &Value {
        &self.root
    }

    /// Where an instance is wrong, if it is.
    pub fn check(&self, instance: &Value) -> Result<(), String> {
        self.at(&self.root, instance, "")
    }

    fn references(&self, schema: &Value) {
        match schema {
            Value::Object(entries) => entries.iter().for_each(|(key, value)| match (key.as_str(), value) {
                ("$ref", Value::String(to)) => assert!(self.resolve(to).is_some(), "{to} is not there"),
                ("examples" | "default" | "enum" | "const", _) => {}
                _ => self.references(value),
            }),
            Value::Array(items) => items.iter().for_each(|item| self.references(item)),
            _ => {}
        }
    }

    fn resolve(&self, reference: &str) -> Option<&Value> {
        self.root.pointer(reference.strip_prefix('#')?)
    }

    fn like(&self, pattern: &str, text: &str) -> bool {
        self.patterns[pattern].is_match(text)
    }

    fn at(&self, schema: &Value, v: &Value, path: &str) -> Result<(), String> {
        let schema = match schema {
            Value::Bool(true) => return Ok(()),
            Value::Bool(false) => return Err(format!("{path}: nothing may be here")),
            Value::Object(schema) => schema,
            other => panic!("{other} is no schema"),
        };
        let ok = |schema: &Value| self.at(schema, v, path).is_ok();
        let all = |key: &str| schema.get(key).and_then(Value::as_array).into_iter().flatten();
        let text = |key: &str| schema.get(key).and_then(Value::as_str);
        let no = |what: &str| Err(format!("{path}: {what}: {v}"));
        if let Some(to) = text("$ref") {
            self.at(self.resolve(to).expect("it was looked up"), v, path)?;
        }
        match schema.get("type") {
            Some(Value::String(t)) if !is(v, t) => return no(t),
            Some(Value::Array(types)) if !types.iter().any(|t| is(v, t.as_str().unwrap_or(""))) => return no("type"),
            _ => {}
        }
        if schema.get("const").is_some_and(|c| !same(c, v))
            || schema.contains_key("enum") && !all("enum").any(|c| same(c, v))
        {
            return no("none of the words");
        }
        for part in all("allOf") {
            self.at(part, v, path)?;
        }
        if schema.contains_key("anyOf") {
            let tried: Vec<_> = all("anyOf").map(|part| self.at(part, v, path)).collect();
            if tried.iter().all(Result::is_err) {
                let why: Vec<String> = tried.into_iter().filter_map(Result::err).collect();
                return no(&format!("none of ({})", why.join(" | ")));
            }
        }
        if schema.contains_key("oneOf") && all("oneOf").filter(|part| ok(part)).count() != 1 {
            return no("not exactly one");
        }
        if schema.get("not").is_some_and(ok) {
            return no("not this");
        }
        if let Some(condition) = schema.get("if") {
            let branch = if ok(condition) { "then" } else { "else" };
            schema.get(branch).map_or(Ok(()), |branch| self.at(branch, v, path))?;
        }
        match v {
            Value::String(t) => {
                let long =
                    schema.get("maxLength").and_then(Value::as_u64).is_some_and(|n| t.chars().count() as u64 > n);
                if long || text("pattern").is_some_and(|p| !self.like(p, t)) {
                    return no("pattern");
                }
            }
            Value::Number(n) => {
                let bound = |key: &str| schema.get(key).and_then(|b| b.as_number().map(|b| less(n, b)));
                if bound("minimum") == Some(-1) || bound("maximum") == Some(1) {
                    return no("bounds");
                }
            }
            Value::Array(items) => {
                let number = |key: &str| schema.get(key).and_then(Value::as_u64);
                let n = items.len() as u64;
                if number("minItems").is_some_and(|least| n < least) || number("maxItems").is_some_and(|most| n > most)
                {
                    return no("so many items");
                }
                let places: Vec<&Value> = all("prefixItems").collect();
                for (i, item) in items.iter().enumerate() {
                    let of = places.get(i).copied().or(schema.get("items"));
                    of.map_or(Ok(()), |of| self.at(of, item, &format!("{path}/{i}")))?;
                }
            }
            Value::Object(entries) => {
                for key in all("required").filter_map(Value::as_str) {
                    if !entries.contains_key(key) {
                        return no(&format!("no {key}"));
                    }
                }
                if schema.get("minProperties").and_then(Value::as_u64).is_some_and(|n| (entries.len() as u64) < n) {
                    return no("so many keys");
                }
                for (key, value) in entries {
                    let here = format!("{path}/{key}");
                    if let Some(names) = schema.get("propertyNames") {
                        self.at(names, &Value::String(key.clone()), &here)?;
                    }
                    let named = schema.get("properties").and_then(|p| p.get(key));
                    let patterns = schema.get("patternProperties").and_then(Value::as_object).into_iter().flatten();
                    let like = patterns.filter(|(p, _)| self.like(p, key)).map(|(_, of)| of);
                    let found: Vec<&Value> = named.into_iter().chain(like).collect();
                    let other = schema.get("additionalProperties").filter(|_| found.is_empty());
                    for of in found.into_iter().chain(other) {
                        self.at(of, value, &here)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Sees that all keywords are known, and makes the expressions ready.
fn survey(schema: &Value, patterns: &mut BTreeMap<String, Regex>) {
    let Value::Object(entries) = schema else {
        assert!(schema.is_boolean(), "{schema} is no schema");
        return;
    };
    let mut pattern = |p: &str| {
        for beyond in ["(?", "\\p", "\\b", "\\w"] {
            assert!(!p.contains(beyond), "`{beyond}` is not the same to all validators: {p}");
        }
        patterns.insert(p.to_string(), Regex::new(p).unwrap_or_else(|e| panic!("{p}: {e}")));
    };
    for (key, value) in entries {
        match (key.as_str(), value) {
            ("pattern", Value::String(p)) => pattern(p),
            ("patternProperties", Value::Object(all)) => all.keys().for_each(|p| pattern(p)),
            _ => {}
        }
    }
    for (key, value) in entries {
        match (key.as_str(), value) {
            ("allOf" | "anyOf" | "oneOf" | "prefixItems", Value::Array(all)) => {
                all.iter().for_each(|s| survey(s, patterns));
            }
            ("not" | "if" | "then" | "else" | "items" | "propertyNames" | "additionalProperties", one) => {
                survey(one, patterns);
            }
            ("properties" | "patternProperties" | "$defs", Value::Object(all)) => {
                all.values().for_each(|s| survey(s, patterns));
            }
            ("$ref" | "type" | "const" | "enum" | "pattern" | "required", _) => {}
            ("minimum" | "maximum" | "minItems" | "maxItems" | "minProperties" | "maxLength", Value::Number(_)) => {}
            (note, _) => assert!(NOTES.contains(&note), "the keyword `{note}` is unknown here"),
        }
    }
}

fn is(v: &Value, t: &str) -> bool {
    match t {
        "integer" => v.as_number().is_some_and(|n| !n.is_f64() || n.as_f64().is_some_and(|f| f.fract() == 0.0)),
        "number" => v.is_number(),
        "string" => v.is_string(),
        "boolean" => v.is_boolean(),
        "array" => v.is_array(),
        "object" => v.is_object(),
        "null" => v.is_null(),
        _ => panic!("the type `{t}` is unknown"),
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (a.as_number(), b.as_number()) {
        (Some(a), Some(b)) => less(a, b) == 0,
        _ => a == b,
    }
}

/// -1, 0 or 1: less, equal, greater.
fn less(a: &Number, b: &Number) -> i32 {
    let float = |n: &Number| n.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 1e30).map(|f| f as i128);
    let whole = |n: &Number| n.as_u64().map(i128::from).or(n.as_i64().map(i128::from)).or(float(n));
    let order = match (whole(a), whole(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => a.as_f64().partial_cmp(&b.as_f64()).expect("JSON has no NaN"),
    };
    order as i32
}
