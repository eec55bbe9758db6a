//! `lvsim grade` as a teacher and a build server meet it: the class of the book, files, exit codes, hostile names.

use crate::support::{Sandbox, files, text};
use roxmltree::Document;
use serde_json::Value;

const LAB: &str = "book/labs/three-to-one.yaml";

/// A sandbox with the lab and the class of the book.
fn class() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("lab.yaml", &text(LAB));
    for file in files("book/labs/class", &[".yaml", ".txt", ".sh"]) {
        sandbox.write(file.strip_prefix("book/labs/").expect("a file of the folder"), &text(&file));
    }
    sandbox
}

#[test]
fn a_class_is_marked_and_everybody_gets_a_page() {
    let sandbox = class();
    let ran = sandbox.run(&["grade", "lab.yaml", "class", "-o", "marks"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""), "{}", ran.out);
    let bob = String::from_utf8(sandbox.read("marks/bob.md")).expect("text");
    assert!(bob.contains("2 of 5 marks") && bob.contains("vip-not-hidden"), "{bob}");
    let written: Vec<String> = sandbox.names().into_iter().filter(|n| n.starts_with("marks/")).collect();
    let pages = ["alice.md", "bob.md", "carol.md", "dave.md", "grades.csv", "grades.json", "grades.xml"];
    assert_eq!(written, pages.map(|p| format!("marks/{p}")));
    let passed = sandbox.run(&["grade", "lab.yaml", "class/alice.yaml"]);
    assert_eq!(passed.code, Some(0), "{passed:?}");
}

#[test]
fn the_same_bytes_for_any_number_of_threads_and_the_same_in_a_file() {
    let sandbox = class();
    let run = |threads: &str, format: &str| {
        sandbox.run(&["grade", "lab.yaml", "class", "--threads", threads, "--format", format, "-o", "marks"]).out
    };
    for (format, file) in [("csv", "grades.csv"), ("json", "grades.json"), ("junit", "grades.xml")] {
        let one = run("1", format);
        assert_eq!(one, run("3", format));
        assert_eq!(one.as_bytes(), sandbox.read(&format!("marks/{file}")));
    }
}

#[test]
fn programs_read_the_sheet() {
    let sandbox = class();
    let json = sandbox.run(&["grade", "lab.yaml", "class", "--format", "json"]).out;
    let sheet: Value = serde_json::from_str(&json).expect("JSON");
    let marks: Vec<_> = sheet["submissions"].as_array().expect("a list").iter().map(|s| &s["marks"]).collect();
    assert_eq!((marks, &sheet["of"]), (vec![&5.into(), &2.into(), &4.into(), &Value::from(0)], &5.into()));
    let bob = &sheet["submissions"][1];
    assert_eq!((&bob["causes"][0]["code"], &bob["causes"][0]["host"]), (&"vip-not-hidden".into(), &"rs2".into()));
    assert!(bob["causes"][0]["cure"].as_str().is_some_and(|c| c.contains("arp_ignore=1")), "{bob}");
    let bare = sandbox.run(&["grade", "lab.yaml", "class", "--format", "json", "--no-hints"]).out;
    assert!(bare.contains("vip-not-hidden") && !bare.contains("arp_ignore=1"), "{bare}");

    let xml = sandbox.run(&["grade", "lab.yaml", "class", "--format", "junit"]).out;
    let document = Document::parse(&xml).expect("XML");
    let suites: Vec<_> = document.descendants().filter(|n| n.has_tag_name("testsuite")).collect();
    let counts: Vec<_> =
        suites.iter().map(|s| ["name", "tests", "failures", "errors"].map(|a| s.attribute(a).unwrap_or("?"))).collect();
    let expected =
        [["alice", "3", "0", "0"], ["bob", "3", "2", "0"], ["carol", "3", "1", "0"], ["dave", "3", "0", "3"]];
    assert_eq!(counts, expected);
    for (suite, [_, tests, failures, errors]) in suites.iter().zip(expected) {
        let of = |tag: &str| suite.descendants().filter(|n| n.has_tag_name(tag)).count().to_string();
        assert_eq!([of("testcase"), of("failure"), of("error")], [tests, failures, errors].map(String::from));
    }
}

#[cfg(unix)]
#[test]
fn names_and_texts_of_students_stay_what_they_are() {
    let sandbox = class();
    let name = "class/=\"<b>&']]>\u{1}\n汉.txt";
    sandbox.write(name, "echo '</failure><x>'; false\n# ```\n");
    let ran = sandbox.run(&["grade", "lab.yaml", "class", "-o", "marks", "--format", "junit"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let document = Document::parse(&ran.out).expect("XML, whatever they are called");
    let named = document.descendants().any(|n| n.attribute("name") == Some("=__b_&']]___汉"));
    assert!(named, "{}", ran.out);
    let csv = String::from_utf8(sandbox.read("marks/grades.csv")).expect("text");
    assert!(csv.contains("\n'=__b_&']]___汉,failed,0,5,"), "no spreadsheet takes it for a formula: {csv}");
    assert_eq!(csv.lines().count(), 6, "a row is a line: {csv}");
    let page = sandbox.read("marks/=__b_&']]___汉.md");
    assert!(String::from_utf8_lossy(&page).contains("- `director said: </failure><x>`\n"), "{ran:?}");
}

#[test]
fn what_one_hands_in_stops_nobody_else() {
    let sandbox = class();
    sandbox.write("class/erin.txt", "while :; do :; done\n");
    sandbox.write("class/frank.yaml", "lvsim: 1\nnodes: {}\n");
    let deep = format!("echo {}{}\n", "$(".repeat(3_000), ")".repeat(3_000));
    sandbox.write("class/gina.txt", &deep);
    std::fs::write(sandbox.path().join("class/hugo.yaml"), b"\xff\xfe\x00").expect("a file");
    let ran = sandbox.run(&["grade", "lab.yaml", "class", "--threads", "2", "--quiet"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for line in [
        "alice        5   5  passed ",
        "erin         0   5  stopped  line 1: stopped after",
        "frank        0   5  invalid  its nodes are not the lab's: lan, client, director, rs1, rs2 of the lab",
        "gina         0   5  failed ",
        "hugo         0   5  invalid  cannot read `class/hugo.yaml`",
        "\n8 submissions: 1 passed, 3 failed, 3 invalid, 1 stopped; 11 of 40 marks (28 %)\n",
    ] {
        assert!(ran.out.contains(line), "{line}: {}", ran.out);
    }
    let few = sandbox.run(&["grade", "lab.yaml", "class/alice.yaml", "--max-events", "100"]);
    assert!(few.code == Some(1) && few.out.contains("limit of events") && few.out.contains("--max-events"), "{few:?}");
}

#[test]
fn a_lab_that_cannot_mark_is_3_and_nothing_to_mark_is_2() {
    let sandbox = class();
    let lab = text(LAB);
    sandbox.write("bad.yaml", &lab.replace("kind: director", "kind: directr"));
    sandbox.write("mute.yaml", lab.split("\nexpect:").next().expect("a lab"));
    std::fs::create_dir_all(sandbox.path().join("empty")).expect("a folder");
    for (args, code, why) in [
        (["bad.yaml", "class"], 3, "directr"),
        (["mute.yaml", "class"], 3, "marks: 2"),
        (["nowhere.yaml", "class"], 3, "nowhere.yaml"),
        (["lab.yaml", "nowhere"], 2, "nowhere"),
        (["lab.yaml", "empty"], 2, "no submission"),
    ] {
        let ran = sandbox.run(&[&["grade"][..], &args].concat());
        assert_eq!((ran.code, ran.out.as_str()), (Some(code), ""), "{args:?}: {ran:?}");
        assert!(ran.err.contains(why), "{args:?}: {ran:?}");
    }
    let run = sandbox.run(&["run", "lab.yaml", "--no-output"]);
    assert_eq!(run.code, Some(1), "marks and words change no run: {run:?}");
}
