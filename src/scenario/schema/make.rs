//! The schema, from the tables of the parser.

use super::convert::{example, plain};
use super::json::{Json, list, map};
use super::{SCHEMA_VERSION, page, sysctls};
use crate::scenario::spec::SCENARIO;
use crate::scenario::spec::table::{Also, Case, Element, Names, Row, Rule, Scalar, Shape, When};
use crate::scenario::spec::value::in_millionths;

/// The whole schema.
pub(super) fn schema() -> Json {
    let mut maker = Maker::default();
    let body = maker.element(&SCENARIO);
    let head = map()
        .with("$schema", "https://json-schema.org/draft/2020-12/schema")
        .with("$id", "urn:lvsim:scenario:1")
        .with("title", "lvsim scenario, version 1")
        .with("schema_version", SCHEMA_VERSION);
    let Json::Map(body) = body else { return head };
    let schema = body.into_iter().fold(head, |schema, (key, value)| schema.with(&key, value));
    schema.with("$defs", Json::Map(maker.defs))
}

/// Makes schemas of shapes; what has a name is put among the definitions, in the order of the first use.
#[derive(Default)]
struct Maker {
    defs: Vec<(String, Json)>,
}

impl Maker {
    /// Refers to a definition, which is made if it is not there.
    fn refer(&mut self, name: &str, make: impl FnOnce(&mut Maker) -> Json) -> Json {
        if !self.defs.iter().any(|(n, _)| n == name) {
            let place = self.defs.len();
            self.defs.push((name.to_string(), Json::Null));
            self.defs[place].1 = make(self);
        }
        map().with("$ref", format!("#/$defs/{name}"))
    }

    fn element(&mut self, element: &'static Element) -> Json {
        // The root has its own.
        let out = if std::ptr::eq(element, &SCENARIO) { map() } else { map().with("title", element.name) };
        let mut out = out.with("description", element.about);
        if let Some(example) = example(element) {
            out = out.with("examples", list([example]));
        }
        if !element.cases.is_empty() {
            let cases = self.cases(element.cases);
            return out.with("type", "object").with("allOf", list([cases]));
        }
        out = out.with("type", "object");
        let required = element.rows().filter(|row| row.need.is_some()).map(|row| row.key);
        let required: Vec<&str> = required.collect();
        if !required.is_empty() {
            out = out.with("required", list(required));
        }
        let mut properties = map();
        for row in element.rows() {
            properties = properties.with(row.key, self.row(row, !element.keeps));
        }
        out = out.with("properties", properties);
        if let Some(begin) = element.free {
            out = out.with("patternProperties", map().with(&format!("^{begin}"), true));
        }
        out = out.with("additionalProperties", false);
        let rules: Vec<Json> = element.rules.iter().map(rule).collect();
        if rules.is_empty() { out } else { out.with("allOf", Json::List(rules)) }
    }

    /// Nested conditions: the first that holds says which element it is.
    fn cases(&mut self, cases: &'static [Case]) -> Json {
        let mut refer = |case: &Case| {
            let element = case.element;
            self.refer(element.name, |maker| maker.element(element))
        };
        let each: Vec<(&When, Json)> = cases.iter().map(|case| (&case.when, refer(case))).collect();
        // Where no condition holds, nothing fits; an editor can offer all of them then.
        let mut out = list_of("anyOf", each.iter().map(|(_, element)| element.clone()).collect());
        for (when, element) in each.into_iter().rev() {
            let condition = match when {
                When::Otherwise => {
                    out = element;
                    continue;
                }
                When::Has([key]) => requires(&[key]),
                When::Has(keys) => list_of("anyOf", keys.iter().map(|key| requires(&[key])).collect()),
                When::Is(key, value) => {
                    requires(&[key]).with("properties", map().with(key, map().with("const", *value)))
                }
            };
            out = map().with("if", condition).with("then", element).with("else", out);
        }
        out
    }

    fn row(&mut self, row: &Row, defaults: bool) -> Json {
        let default = row.default.filter(|_| defaults).map(plain);
        let mut schema = self.shape(&(row.shape)());
        if let Json::Map(entries) = &mut schema {
            for (key, part) in entries.iter_mut() {
                // Editors show what they find first: what the key means, before what its forms mean.
                if let ("anyOf", Json::List(each)) = (key.as_str(), part) {
                    for one in each.iter_mut().filter(|one| matches!(one, Json::Map(e) if e[0].0 == "$ref")) {
                        *one = one.clone().with("description", row.about);
                    }
                }
            }
            if !entries.iter().any(|(key, _)| key == "$ref" || key == "title") {
                entries.insert(0, ("title".into(), row.key.into()));
            }
        }
        schema.with("description", row.about).with_some("default", default)
    }

    fn shape(&mut self, shape: &Shape) -> Json {
        match shape {
            Shape::Scalar(scalar) => self.refer(scalar.name, |_| form(scalar)),
            Shape::Whole(low, high) => titled(shape, also(Also::Whole(*low, *high))).with("pattern", {
                let numbers = crate::scenario::spec::pattern::whole(*low, *high);
                format!("^0*({numbers})$")
            }),
            Shape::Decimal(low, high) => titled(shape, also(Also::Decimal(*low, *high))).with("pattern", {
                let numbers = crate::scenario::spec::pattern::decimals((*low).into(), (*high).into(), 6, 1);
                format!("^{numbers}$")
            }),
            Shape::Words(words) => map().with("enum", list(words.iter().copied())),
            Shape::Map(element) => self.refer(element.name, |maker| maker.element(element)),
            Shape::Named(names, of) => self.named(names, of),
            Shape::List(of, least, most) => self.list(of, *least, *most),
            Shape::Tuple(places, least) => {
                let first = self.shape(&places[0]);
                let all: Vec<Json> = places.iter().map(|place| self.shape(place)).collect();
                let array = map().with("type", "array");
                let array = match all.iter().all(|place| *place == first) {
                    true => array.with("items", first),
                    false => array.with("prefixItems", Json::List(all)),
                };
                array.with("minItems", *least as u64).with("maxItems", places.len() as u64)
            }
            Shape::Either(shapes) => {
                let each = shapes.iter().map(|shape| self.shape(shape)).collect();
                list_of("anyOf", each)
            }
            Shape::OrNothing(of) => self.or(of, map().with("type", "null")),
            Shape::OneOrMore(of, some) => {
                let array = self.list(of, usize::from(*some), usize::MAX);
                self.or(of, array)
            }
        }
    }

    /// The shape, or another schema.
    fn or(&mut self, shape: &Shape, other: Json) -> Json {
        let mut each = match self.shape(shape) {
            Json::Map(mut entries) if matches!(entries.as_slice(), [(key, Json::List(_))] if key == "anyOf") => {
                match entries.pop() {
                    Some((_, Json::List(each))) => each,
                    _ => Vec::new(),
                }
            }
            one => vec![one],
        };
        each.push(other);
        list_of("anyOf", each)
    }

    fn list(&mut self, of: &Shape, least: usize, most: usize) -> Json {
        let items = self.shape(of);
        let array = map().with("type", "array").with("items", items);
        let array = if least > 0 { array.with("minItems", least as u64) } else { array };
        if most < usize::MAX { array.with("maxItems", most as u64) } else { array }
    }

    fn named(&mut self, names: &Names, of: &Shape) -> Json {
        let object = map().with("type", "object");
        let reserved = |scalar: &'static Scalar, words: &[&'static str], maker: &mut Maker| {
            let name = maker.refer(scalar.name, |_| form(scalar));
            name.with("not", map().with("enum", list(words.iter().copied())))
        };
        match names {
            Names::Any => object.with("additionalProperties", self.shape(of)),
            Names::Words(words) => {
                let of = self.shape(of);
                let properties = words.iter().fold(map(), |all, word| all.with(word, of.clone()));
                object.with("properties", properties).with("additionalProperties", false)
            }
            Names::Form(scalar, none) => {
                let names = reserved(scalar, none, self);
                object.with("propertyNames", names).with("additionalProperties", self.shape(of))
            }
            Names::Special(scalar, none, special) => {
                let names = reserved(scalar, none, self);
                let properties = special.iter().fold(map(), |all, (name, shape)| all.with(name, self.shape(shape)));
                let object = object.with("propertyNames", names).with("properties", properties);
                object.with("additionalProperties", self.shape(of))
            }
            Names::Sysctls => self.refer("sysctl", |maker| {
                let value = maker.refer("sysctl-value", |_| sysctls::value());
                let Json::Map(parts) = sysctls::properties(&value) else { return value };
                let described =
                    map().with("description", "Kernel variables, with dots or with slashes").with("type", "object");
                parts.into_iter().fold(described, |all, (key, part)| all.with(&key, part))
            }),
        }
    }
}

/// A scalar.
fn form(scalar: &Scalar) -> Json {
    let examples: Vec<Json> = scalar.examples.iter().map(|e| plain(e)).collect();
    let base = map().with("title", scalar.title).with("description", scalar.about);
    let base = if examples.is_empty() { base } else { base.with("examples", Json::List(examples)) };
    let (base, text) = match scalar.also {
        // One number that needs no unit: told apart, so that of any other number it is said what is wanted.
        Also::Whole(0, 0) => (base, map().with("type", "string").with("errorMessage", advice(scalar))),
        also_this => {
            let Json::Map(types) = also(also_this) else { return base };
            (map(), types.into_iter().fold(base, |all, (key, value)| all.with(&key, value)))
        }
    };
    let text = text.with_some("maxLength", scalar.longest.map(|n| n as u64));
    let text = text.with_some("not", scalar.not.map(|pattern| map().with("pattern", pattern)));
    let text = match scalar.pattern {
        Some(pattern) => text.with("pattern", pattern()).with("patternErrorMessage", advice(scalar)),
        None => text,
    };
    match scalar.also {
        Also::Whole(0, 0) => base.with("anyOf", list([text, map().with("const", 0u64)])),
        _ => text,
    }
}

fn advice(scalar: &Scalar) -> String {
    match scalar.examples.first() {
        Some(example) => format!("no {}: write for example {example}", scalar.title),
        None => format!("no {}", scalar.title),
    }
}

/// With the shape in words.
fn titled(shape: &Shape, schema: Json) -> Json {
    let Json::Map(entries) = schema else { return schema };
    entries.into_iter().fold(map().with("title", page::words(shape)), |all, (key, value)| all.with(&key, value))
}

/// Text, and what YAML may take for something else. Bounds are for numbers only, a pattern for text only.
fn also(also: Also) -> Json {
    let text = |others: &[&str]| map().with("type", list(std::iter::once("string").chain(others.iter().copied())));
    match also {
        Also::Nothing => map().with("type", "string"),
        Also::Whole(low, high) => text(&["integer"]).with("minimum", low).with("maximum", high),
        Also::Decimal(low, high) => {
            text(&["number"]).with("minimum", plain(&in_millionths(low))).with("maximum", plain(&in_millionths(high)))
        }
        Also::Boolean => text(&["boolean"]),
        Also::Anything => text(&["number", "boolean"]),
        Also::Names => text(&["integer", "boolean"]).with("minimum", 0u64),
    }
}

fn requires(keys: &[&str]) -> Json {
    map().with("required", list(keys.iter().copied()))
}

fn list_of(key: &str, each: Vec<Json>) -> Json {
    map().with(key, Json::List(each))
}

fn rule(rule: &Rule) -> Json {
    let each = |keys: &[&str]| -> Vec<Json> { keys.iter().map(|key| requires(&[key])).collect() };
    let no_pair = |pairs: Vec<Json>| map().with("not", list_of("anyOf", pairs));
    let pairs = |keys: &[&str]| {
        let later = |i: usize| keys[i + 1..].iter().map(move |other| requires(&[keys[i], other]));
        no_pair((0..keys.len()).flat_map(later).collect())
    };
    let told = |schema: Json, words: String| schema.with("errorMessage", words);
    match rule {
        Rule::One(keys) => told(list_of("oneOf", each(keys)), format!("exactly one of {}", keys.join(", "))),
        Rule::AtMostOne(keys) => told(pairs(keys), format!("at most one of {}", keys.join(", "))),
        Rule::Some(keys) => told(list_of("anyOf", each(keys)), format!("{} is missing", keys.join(" or "))),
        Rule::OneUnless(keys, other) => {
            let some: Vec<&str> = keys.iter().chain(std::iter::once(other)).copied().collect();
            let both = list([pairs(keys), list_of("anyOf", each(&some))]);
            told(map().with("allOf", both), format!("exactly one of {}, or {other} alone", keys.join(", ")))
        }
        Rule::Alone(key, others) => told(
            no_pair(others.iter().map(|other| requires(&[key, other])).collect()),
            format!("{key} leaves no room for {}", others.join(", ")),
        ),
        Rule::NotEmpty => map().with("minProperties", 1u64),
    }
}
