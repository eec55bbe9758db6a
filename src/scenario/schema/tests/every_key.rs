//! Every key of every map, with good values, wrong values, missing and unknown keys: found by walking the tables.

use super::{SCHEMA, agree, instance, structure};
use crate::scenario::spec::SCENARIO;
use crate::scenario::spec::table::{Element, Names, Row, Rule, Shape};
use crate::scenario::spec::value::in_millionths;
use crate::scenario::{Names as Known, load};

/// Where a map stands: the text before and behind it.
#[derive(Clone)]
struct Place {
    element: &'static Element,
    before: String,
    behind: String,
}

type Pairs = Vec<(&'static str, String)>;

impl Place {
    fn file(&self, pairs: &[(&'static str, String)]) -> String {
        let pairs: Vec<String> = pairs.iter().map(|(k, v)| format!("{k}: {v}")).collect();
        format!("{}{{ {} }}{}\n", self.before, pairs.join(", "), self.behind)
    }

    /// The map with this key, and with what must be there.
    fn with(&self, row: &Row, value: &str) -> Pairs {
        let mut pairs = needed(self.element, Some(row.key));
        pairs.retain(|(key, _)| *key != row.key);
        pairs.push((row.key, value.to_string()));
        pairs
    }
}

/// What must be there beside `key`, with good values.
fn needed(element: &'static Element, key: Option<&str>) -> Pairs {
    let mut pairs: Pairs = element.rows().filter(|r| r.need.is_some()).map(|r| (r.key, good(element, r))).collect();
    for rule in element.rules {
        let keys: Vec<&'static str> = match rule {
            Rule::One(keys) | Rule::Some(keys) | Rule::OneUnless(keys, _) => keys.to_vec(),
            Rule::NotEmpty => element.rows().map(|r| r.key).collect(),
            Rule::AtMostOne(_) | Rule::Alone(..) => continue,
        };
        let unless = matches!(rule, Rule::OneUnless(_, other) if key == Some(*other));
        if !unless && !keys.iter().any(|k| Some(*k) == key) {
            let row = element.rows().find(|r| r.key == keys[0]).expect("a rule is of keys that are there");
            pairs.push((row.key, good(element, row)));
        }
    }
    pairs
}

fn good(element: &Element, row: &Row) -> String {
    // The first kind is a switch.
    if (element.name, row.key) == ("host", "kind") { "host".into() } else { sample(&(row.shape)())[0].clone() }
}

/// Good values of a shape.
fn sample(shape: &Shape) -> Vec<String> {
    match shape {
        Shape::Scalar(scalar) if scalar.examples.is_empty() => vec!["text".into()],
        Shape::Scalar(scalar) => scalar.examples.iter().map(|e| e.to_string()).collect(),
        Shape::Whole(low, high) => vec![low.to_string(), high.to_string()],
        Shape::Decimal(low, high) => vec![in_millionths(*high), in_millionths(*low)],
        Shape::Words(words) => words.iter().map(|w| w.to_string()).collect(),
        Shape::Map(element) => vec![map(element)],
        Shape::Named(names, of) => {
            let name = match names {
                Names::Words(words) => words[0],
                Names::Sysctls => return vec!["{ net.ipv4.ip_forward: 1 }".into(), "{}".into()],
                Names::Special(..) => "eth0",
                Names::Form(..) | Names::Any => "n1",
            };
            vec![format!("{{ {name}: {} }}", sample(of)[0]), "{}".into()]
        }
        Shape::List(of, 0, _) => vec![format!("[{}]", sample(of)[0]), "[]".into()],
        Shape::List(of, ..) => vec![format!("[{}]", sample(of)[0])],
        Shape::Tuple(each, _) => {
            vec![format!("[{}]", each.iter().map(|s| sample(s)[0].clone()).collect::<Vec<_>>().join(", "))]
        }
        Shape::Either(each) => each.iter().flat_map(sample).collect(),
        Shape::OrNothing(of) => sample(of).into_iter().chain(["~".to_string()]).collect(),
        Shape::OneOrMore(of, _) => {
            let one = sample(of);
            let list = format!("[{}]", one[0]);
            one.into_iter().chain([list]).collect()
        }
    }
}

fn map(element: &'static Element) -> String {
    let element = element.cases.first().map_or(element, |case| case.element);
    let pairs: Vec<String> = needed(element, None).iter().map(|(k, v)| format!("{k}: {v}")).collect();
    format!("{{ {} }}", pairs.join(", "))
}

/// Every map of the format, at one place of a file.
fn places() -> Vec<Place> {
    let mut found = Vec::new();
    walk(&Place { element: &SCENARIO, before: String::new(), behind: String::new() }, &mut found);
    found
}

fn walk(place: &Place, found: &mut Vec<Place>) {
    if found.iter().any(|p| std::ptr::eq(p.element, place.element)) {
        return;
    }
    found.push(place.clone());
    for case in place.element.cases {
        walk(&Place { element: case.element, ..place.clone() }, found);
    }
    for row in place.element.rows() {
        let others: String =
            place.with(row, "").iter().filter(|(k, _)| *k != row.key).map(|(k, v)| format!("{k}: {v}, ")).collect();
        let before = format!("{}{{ {others}{}: ", place.before, row.key);
        inside(&(row.shape)(), &before, &format!(" }}{}", place.behind), found);
    }
}

fn inside(shape: &Shape, before: &str, behind: &str, found: &mut Vec<Place>) {
    match shape {
        Shape::Map(element) => walk(&Place { element, before: before.into(), behind: behind.into() }, found),
        Shape::Named(names, of) => {
            let name = if matches!(names, Names::Special(..)) { "eth0" } else { "n1" };
            inside(of, &format!("{before}{{ {name}: "), &format!(" }}{behind}"), found);
            if let Names::Special(_, _, special) = names {
                for (name, of) in special {
                    inside(of, &format!("{before}{{ {name}: "), &format!(" }}{behind}"), found);
                }
            }
        }
        Shape::List(of, ..) => inside(of, &format!("{before}["), &format!("]{behind}"), found),
        Shape::Either(each) => each.iter().for_each(|of| inside(of, before, behind, found)),
        Shape::OrNothing(of) | Shape::OneOrMore(of, _) => inside(of, before, behind, found),
        Shape::Tuple(..) | Shape::Scalar(_) | Shape::Whole(..) | Shape::Decimal(..) | Shape::Words(_) => {}
    }
}

/// Maps that have keys of their own.
fn with_keys() -> Vec<Place> {
    places().into_iter().filter(|place| place.element.cases.is_empty()).collect()
}

#[test]
fn the_parser_reads_every_key_of_the_tables() {
    for place in with_keys() {
        for row in place.element.rows() {
            for value in sample(&(row.shape)()) {
                if (place.element.name, row.key, value.as_str()) == ("host", "kind", "switch") {
                    continue;
                }
                let file = place.file(&place.with(row, &value));
                let wrong = structure(&file);
                assert!(wrong.is_empty(), "{}.{}: {file}{wrong:#?}", place.element.name, row.key);
                assert_eq!(SCHEMA.check(&instance(&file, false).expect("YAML")), Ok(()), "{file}");
            }
        }
    }
}

#[test]
fn every_key_says_what_it_means() {
    for place in places() {
        assert!(!place.element.about.is_empty(), "{}", place.element.name);
        for row in place.element.rows() {
            assert!(!row.about.is_empty() && !row.about.ends_with('.'), "{}.{}", place.element.name, row.key);
            assert!(row.need.is_none() || row.default.is_none(), "{}.{}", place.element.name, row.key);
        }
    }
}

#[test]
fn names_of_maps_and_forms_are_unique() {
    let places = places();
    for (i, a) in places.iter().enumerate() {
        assert!(places[i + 1..].iter().all(|b| a.element.name != b.element.name), "{}", a.element.name);
    }
}

#[test]
fn the_examples_of_the_tables_are_good() {
    for place in places() {
        let Place { element, before, behind } = place;
        if element.name == "scenario" {
            continue;
        }
        let file = format!("{before}{}{behind}\n", element.example);
        let wrong = structure(&file);
        // That some traffic needs more than its example shows is no fault of the example.
        assert!(wrong.is_empty(), "{}: {file}{wrong:#?}", element.name);
        assert_eq!(SCHEMA.check(&instance(&file, false).expect("YAML")), Ok(()), "{file}");
    }
}

/// Values that are right somewhere and wrong elsewhere.
const POOL: &[&str] = &[
    "~",
    "\"\"",
    "''",
    "0",
    "1",
    "-1",
    "2",
    "68",
    "67",
    "80",
    "0x",
    "999999",
    "65535",
    "65536",
    "1000000",
    "1000001",
    "10000000",
    "10000001",
    "1073741824",
    "1073741825",
    "18446744073709551615",
    "18446744073709551616",
    "0.5",
    "1.5",
    "0.999999",
    "1000.5",
    "1001",
    "-0.5",
    "1_500",
    "true",
    "false",
    "on",
    "no",
    "True",
    "none",
    "end",
    "web-1",
    "a b",
    "a/b",
    "-a",
    "甲",
    "eth0",
    "eth0:1",
    "switch",
    "host",
    "tcp",
    "udp",
    "tcp/80",
    "tcp/0",
    "tcp",
    "fcfs",
    "ps",
    "link",
    "global",
    "255",
    "256",
    "ok",
    "rs1:eth0",
    "0s",
    "5ms",
    "1.5s",
    "5 s",
    "8784h",
    "8785h",
    "1d",
    "10:20",
    "100/s",
    "0/s",
    "0.5/m",
    "1000000001/s",
    "5/d",
    "1gbit",
    "0mbit",
    "1Gbps",
    "10 mbit/s",
    "10%",
    "101%",
    "0%",
    "100B",
    "1.5kB",
    "0.1KiB",
    "2GB",
    "1xB",
    "10.0.0.1",
    "10.0.0.1/24",
    "10.0.0.0/24",
    "10.0.0.1/33",
    "10.0.0.256",
    "10.0.0.1:80",
    "10.0.0.1:0",
    "52:54:00:12:34:56",
    "01:00:00:00:00:01",
    "00:00:00:00:00:00",
    "2x",
    "\"two\\nlines\"",
    "\"5\"",
    "\"5ms\"",
    "[]",
    "[1]",
    "[a]",
    "[a, b]",
    "[a, b, c]",
    "[~]",
    "[[a, b]]",
    "[5ms]",
    "[5ms, 6ms]",
    "[5ms, 1ms]",
    "[[5ms, 1/s]]",
    "[[5ms, 1kB], [6ms], 7ms]",
    "[[5ms, 0]]",
    "[[5ms, 1/s, 1]]",
    "[tcp/80, { port: 81 }]",
    "[10.0.0.1/24, 10.0.0.2]",
    "{}",
    "{ a: b }",
    "{ hosts: [a], keys: [run] }",
    "{ hosts: ~ }",
    "[run, gateway]",
    "{ a: 1 }",
    "{ ok: 1 }",
    "{ ok: -1 }",
    "{ a: ~ }",
    "{ exponential: 5ms }",
    "{ mean: 5ms }",
    "{ mean: 1kB }",
    "{ up: true }",
    "{ loss: 10% }",
    "{ speed: 2 }",
    "{ poisson: 5/s }",
    "{ list: [1, 2kB] }",
    "{ list: [5ms] }",
    "{ uniform: [1ms, 2ms] }",
    "{ csv: a.csv }",
    "{ csv: [a] }",
    "{ per_byte: 1us }",
    "{ kind: switch }",
    "{ kind: ~ }",
    "{ address: 10.0.0.1/24 }",
    "{ address: 10.0.0.1/24, scope: 253 }",
    "{ address: 10.0.0.1, label: a b }",
    "{ net.ipv4.ip_forward: 1 }",
    "{ net.ipv4.ip_forward: on }",
    "{ net.ipv4.ip_forwrd: 1 }",
    "{ net.ipv4.ip_forward: ~ }",
    "{ net/ipv4/conf/eth0.5/arp_ignore: 1 }",
    "{ net.ipv4.neigh.all.locktime: 1 }",
    "{ net.ipv4.neigh.e.retrans_time: 1 }",
    "{ a: { kind: host } }",
    "{ 'a b': { kind: host } }",
    "{ none: { kind: host } }",
    "{ a: { kind: host, ageing: 1s } }",
    "{ a: { kind: switch, run: ls } }",
    "{ eth0: ~ }",
    "{ eth0: {} }",
    "{ 'eth0:1': {} }",
    "{ all: {} }",
    "{ lo: { to: a } }",
    "{ lo: ~, eth1: { to: a } }",
    "{ averylonginterface: {} }",
    "{ node: a, run: ls }",
    "{ node: a, reason: no-route }",
    "{ node: a, reason: old-age }",
    "{ link: { mtu: 1500 }, server: ~ }",
    "[{ between: [a, b] }]",
    "[{ between: [a] }]",
];

#[test]
fn every_value_under_every_key_has_one_verdict() {
    let mut different = Vec::new();
    let mut pairs = (0, 0);
    for place in with_keys() {
        for row in place.element.rows() {
            for value in POOL {
                let file = place.file(&place.with(row, value));
                match structure(&file).is_empty() {
                    true => pairs.0 += 1,
                    false => pairs.1 += 1,
                }
                if let Err(why) = agree(&file, false) {
                    different.push(why);
                }
            }
        }
    }
    assert!(pairs.0 > 1500 && pairs.1 > 10_000, "few good or few bad ones: {pairs:?}");
    assert!(different.is_empty(), "{} differences:\n{}", different.len(), different.join("\n---\n"));
}

#[test]
fn keys_that_are_missing_unknown_or_too_many_have_one_verdict() {
    let mut different = Vec::new();
    let mut look = |file: String| {
        if let Err(why) = agree(&file, false) {
            different.push(why);
        }
    };
    let all: Vec<(&'static str, String)> =
        with_keys().iter().flat_map(|p| p.element.rows().map(|r| (r.key, good(p.element, r)))).collect();
    for place in with_keys() {
        let base = needed(place.element, None);
        look(place.file(&[]));
        for i in 0..base.len() {
            let mut less = base.clone();
            less.remove(i);
            look(place.file(&less));
        }
        // A key of any map, good there, here; and any two keys of this one.
        for (key, value) in all.iter().chain([&("wrong", "1".to_string()), &("x-wrong", "1".to_string())]) {
            let mut more = base.clone();
            more.retain(|(k, _)| k != key);
            more.push((key, value.clone()));
            look(place.file(&more));
        }
        let rows: Vec<&'static Row> = place.element.rows().collect();
        for (i, a) in rows.iter().enumerate() {
            for b in &rows[i + 1..] {
                let mut both = place.with(a, &good(place.element, a));
                both.retain(|(k, _)| *k != b.key);
                both.push((b.key, good(place.element, b)));
                look(place.file(&both));
            }
        }
    }
    assert!(different.is_empty(), "{} differences:\n{}", different.len(), different.join("\n---\n"));
}

#[test]
fn the_defaults_of_the_tables_are_the_parsers() {
    // A network in which all names mean something, so that files can be resolved.
    const NODES: &str = "lan: { kind: switch }, wan: { kind: switch }, a: { kind: host, interfaces: { eth0: { to: lan } }, serves: [tcp/80] }";
    let mut seen = 0;
    for place in with_keys() {
        for row in place.element.rows().filter(|row| row.default.is_some() && !place.element.keeps) {
            let default = row.default.unwrap_or_default();
            let without: Pairs = place.with(row, default).into_iter().filter(|(k, _)| *k != row.key).collect();
            let sample = "nodes: { n1: { kind: switch } }";
            let elsewhere = place.file(&place.with(row, default)).contains(sample);
            let real = |file: String| {
                let file = if elsewhere { file.replace(sample, &format!("nodes: {{ {NODES} }}")) } else { file };
                let file = file.replace("between: [director, director]", "between: [lan, wan]");
                let file = file.replace("link: [director, director]", "link: [a, lan]");
                let traffic = "traffic: [{ name: director, from: a, to: 10.0.0.1:80 }], expect: [{ traffic: director";
                let file = file.replace("expect: [{ traffic: director", traffic);
                let file = file.replace("from: director", "from: a").replace("node: director", "node: a");
                let file = file.replace("on: director", "on: a").replace("is: director", "is: a");
                let loaded = load("case.yaml", &file, &[], &Known::default());
                let problems = loaded.as_ref().err().map(|p| format!("{p:#?}"));
                let scenario = loaded.map(|l| l.scenario).unwrap_or_else(|_| panic!("{file}: {problems:?}"));
                // How an expectation is written is no part of what it means.
                let texts: Vec<_> = scenario.expect.iter().map(|e| format!("{:?}{:?}", e.what, e.marking)).collect();
                let rest = crate::scenario::Scenario { expect: Vec::new(), ..scenario };
                format!("{rest:?}{texts:?}")
            };
            let said = real(place.file(&place.with(row, default)));
            assert_eq!(said, real(place.file(&without)), "{}.{}: {default}", place.element.name, row.key);
            seen += 1;
        }
    }
    assert!(seen > 25, "only {seen} defaults");
}
