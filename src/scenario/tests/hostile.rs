//! Hostile files: told within bounds of time and memory, never a panic.

use super::*;
use proptest::prelude::*;

fn code_of(text: &str) -> &'static str {
    load_text(text).err().and_then(|problems| problems.first().map(|p| p.code)).unwrap_or("fine")
}

#[test]
fn nesting_without_end_is_told() {
    for open in ["[", "{a: ", "- ", "? ", "a:\n"] {
        let code = code_of(&format!("lvsim: 1\nnodes: {}", open.repeat(100_000)));
        assert!(matches!(code, "E009" | "E003"), "{open}: {code}");
    }
    let indented: String = (0..500).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
    assert_eq!(code_of(&indented), "E009");
}

#[test]
fn an_alias_bomb_is_told() {
    let mut text = String::from("lvsim: 1\nx-0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for i in 1..10 {
        let aliases = vec![format!("*a{}", i - 1); 9].join(", ");
        text.push_str(&format!("x-{i}: &a{i} [{aliases}]\n"));
    }
    assert_eq!(code_of(&text), "E008");
    let mut text = String::from("lvsim: 1\nx-0: &m0 { a: 1 }\n");
    for i in 1..30 {
        text.push_str(&format!("x-{i}: &m{i} {{ k{i}: *m{}, <<: *m{} }}\n", i - 1, i - 1));
    }
    assert!(matches!(code_of(&text), "E008" | "E009"));
}

#[test]
fn a_file_that_is_too_large_is_told() {
    assert_eq!(code_of(&"#".repeat(limits::MAX_FILE_BYTES + 1)), "E002");
    assert_eq!(code_of(&format!("lvsim: 1\nx-a: [{}]\n", "a,".repeat(limits::MAX_VALUES))), "E008");
}

#[test]
fn groups_that_fill_the_memory_are_told() {
    let addresses: Vec<String> = (0..200).map(|i| format!("10.0.{i}.1/24")).collect();
    let group = format!(
        "  g: {{ kind: host, count: 60000, interfaces: {{ eth0: {{ addresses: [{}] }} }} }}\n",
        addresses.join(", ")
    );
    assert_eq!(code_of(&format!("{NETWORK}{group}")), "E060");
    let route = format!("  g: {{ kind: host, count: 60000, routes: [ \"{}\" ] }}\n", "r".repeat(4_000));
    assert_eq!(code_of(&format!("{NETWORK}{route}")), "E060");
    let clients = format!(
        "  g: {{ kind: host, count: 60000 }}\ntraffic: [{{ to: 10.0.0.1:80, from: [{}] }}]\n",
        vec!["g"; 100].join(", ")
    );
    assert_eq!(code_of(&format!("{NETWORK}{clients}")), "E060");
    let steps = vec!["{ at: 1s, node: g, run: ls }"; 100].join(", ");
    assert_eq!(code_of(&format!("{NETWORK}  g: {{ kind: host, count: 60000 }}\ntimeline: [{steps}]\n")), "E060");
}

#[test]
fn a_large_honest_file_is_read() {
    let mut text = String::from(NETWORK);
    for i in 0..20_000 {
        text.push_str(&format!(
            "  h{i}: {{ kind: host, interfaces: {{ eth0: {{ to: lan, address: 10.1.{}.{}/16 }} }} }}\n",
            i / 250,
            i % 250
        ));
    }
    assert_eq!(good(&text).nodes.len(), 20_006);
}

#[test]
fn of_many_problems_the_first_are_told_and_the_rest_is_counted() {
    let text = format!("{NETWORK}traffic:\n{}", "  - { from: nobody, to: nowhere, evry: 1 }\n".repeat(100_000));
    let problems = load_text(&text).err().unwrap_or_default();
    assert_eq!(problems.len(), limits::MAX_PROBLEMS);
    assert!(problems.last().and_then(|p| p.help.as_ref()).is_some_and(|h| h.to_string().contains("more problems")));
    // The same in one endless line.
    let line = format!("{NETWORK}traffic: [{}]\n", "{ from: nobody, to: nowhere, evry: 1 },".repeat(100_000));
    let problems = load_text(&line).err().unwrap_or_default();
    assert_eq!(problems.len(), limits::MAX_PROBLEMS);
    assert!(render(&problems, "x.yaml", &line, true).len() < 1 << 20);
}

/// Pieces that make trouble more often than random bytes do.
const PIECES: [&str; 40] = [
    ":",
    ": ",
    "-",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "&a ",
    "*a",
    "<<: ",
    "|",
    ">",
    "'",
    "\"",
    "#",
    "!",
    "%",
    "@",
    "\t",
    "\n",
    "\r\n",
    "\u{feff}",
    "\0",
    "甲",
    "🙂",
    "0",
    "-1",
    "99999999999999999999",
    "1e9",
    "~",
    "null",
    "on",
    "65536",
    "1:30",
    "---\n",
    "...\n",
    "? ",
    "rs-4",
];

/// A good file with some pieces put in or taken out.
fn spoil(text: &str, edits: &[(usize, usize, usize)]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for &(at, cut, piece) in edits {
        let at = at % (chars.len() + 1);
        let end = (at + cut).min(chars.len());
        chars.splice(at..end, PIECES[piece % PIECES.len()].chars());
    }
    chars.into_iter().collect()
}

fn whole_example() -> String {
    format!(
        "{NETWORK}  r1: &r {{ kind: router, interfaces: {{ eth0: {{ to: 'r2:eth0', loss: 1% }} }}, run: \"ls\" }}\n  \
         r2: {{ kind: router, interfaces: {{ eth0: {{}} }}, sysctl: {{ net.ipv4.ip_forward: 1 }}, serves: [tcp/80] }}\n\
         traffic: [{{ name: web, from: rs, to: 10.0.0.1:80, arrivals: {{ poisson: 5/s }}, request: 1kB }}]\n\
         timeline: [{{ at: 1s, link: [rs, lan], set: {{ up: false }} }}]\nobserve: [{{ at: end, node: r1, run: ls }}]\n\
         expect: [{{ traffic: web, sequence: [rs1, \"-\"] }}, {{ dropped: {{ node: r1, reason: no-route }} }}]\n"
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_spoilt_file_panics(edits in prop::collection::vec((any::<usize>(), 0usize..6, any::<usize>()), 1..8)) {
        let text = spoil(&whole_example(), &edits);
        // Pieces such as `1e9` are seen by who reads the text alone.
        prop_assert_eq!(schema::tests::agree(&text, true), Ok(()));
        if let Err(problems) = load_text(&text) {
            prop_assert!(!problems.is_empty(), "an error without a problem: {text}");
            for p in &problems {
                prop_assert!(text.get(p.place.start..p.place.end).is_some(), "{p:?} cuts a character");
            }
            prop_assert!(!render(&problems, "x.yaml", &text, false).is_empty());
        }
    }

    #[test]
    fn no_override_panics(path in "[a-z.\"'\\[\\]0-9=]{0,20}", value in "\\PC{0,20}", known in 0usize..6) {
        let known = ["", "nodes.rs1.", "traffic[0].", "traffic.web.", "seed=", "expect[0]"][known];
        let text = whole_example();
        let set = format!("{known}{path}={value}");
        if let Err(problems) = load("x.yaml", &text, &[set], &names()) {
            prop_assert!(!problems.is_empty());
            prop_assert!(!render(&problems, "x.yaml", &text, true).is_empty());
        }
    }

    #[test]
    fn no_garbage_panics(text in "\\PC{0,200}") {
        let _ = load_text(&text);
        let _ = load_text(&format!("lvsim: 1\nnodes: {text}"));
    }
}
