//! Marks as a teacher means them: whose what counts, what a submission cannot change, what stops it.

use super::*;
use crate::report::names::names;

const LAB: &str = include_str!("../../../book/labs/three-to-one.yaml");
const ALICE: &str = include_str!("../../../book/labs/class/alice.yaml");
const BOB: &str = include_str!("../../../book/labs/class/bob.txt");

fn lab(text: &str) -> Scenario {
    scenario::load("lab.yaml", text, &[], &names()).unwrap_or_else(|p| panic!("{p:?}")).scenario
}

fn graded_by(lab_text: &str, work: &Work, events: u64) -> (Graded, u32) {
    let lab = lab(lab_text);
    let paper = Paper::new(&lab, lab_text).expect("a lab with marks");
    let options = Options { seed: None, events, names: names() };
    let graded = grade(&paper, "somebody", "file", work, &options, &mut || true).expect("nobody interrupts");
    let reached = graded.reached(&paper);
    (graded, reached)
}

fn graded(work: &Work) -> (Graded, u32) {
    graded_by(LAB, work, 200_000)
}

fn yaml(text: &str) -> Work {
    Work::Scenario("somebody.yaml".into(), text.into())
}

fn session(text: &str) -> Work {
    Work::Session(text.into())
}

#[test]
fn one_solution_reaches_the_same_in_every_form() {
    assert_eq!(graded(&yaml(ALICE)).1, 5);
    // The same by hand, and what bob forgot.
    let hide = "sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2\n";
    assert_eq!(graded(&session(BOB)).1, 2);
    assert_eq!(graded(&session(&format!("{BOB}[root@rs1 ~]# {hide}[root@rs2 ~]# {hide}"))).1, 5);
    let server = format!("{hide}ip addr add 192.168.1.200/32 dev lo\n");
    let director = "ip addr add 192.168.1.200/32 dev eth0\r\nipvsadm -A -t 192.168.1.200:80 -s wrr\r\n\
                    ipvsadm -a -t 192.168.1.200:80 -r 192.168.1.198 -w 2\r\nipvsadm -a -t 192.168.1.200:80 -r 192.168.1.197\r\n";
    let scripts = [("rs2", server.as_str()), ("rs1", &server), ("director", director)];
    let scripts = scripts.map(|(host, text)| (host.to_string(), text.to_string()));
    let (graded, reached) = graded(&Work::Scripts(scripts.to_vec()));
    assert_eq!((reached, graded.verdict, graded.notes.len()), (5, Verdict::Passed, 0), "{graded:?}");
}

#[test]
fn what_is_judged_by_cannot_be_edited() {
    let edited = format!(
        "{}\nseed: 9\nexpect: [{{ traffic: web, outcomes: {{ refused: 1 }} }}]\n",
        ALICE
            .replace("connections: 9", "connections: 1")
            .replace("-w 2", "-w 1")
            .replace("latency: 100us", "latency: 9ms")
    );
    let (graded, reached) = graded(&yaml(&edited));
    assert_eq!(reached, 4, "the lab's nine connections and its cables: {graded:?}");
    assert_eq!(graded.marks[0].found.to_string(), "ok: 9");
    assert_eq!(
        graded.notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["the lab's counts, not the submission's: the cable of eth0 of rs2, traffic, expect, seed"],
        "and it is told"
    );
}

#[test]
fn hosts_and_keys_that_the_lab_does_not_name_do_not_count() {
    // A static entry on the client would hide what rs1 and rs2 do.
    let cheat = ALICE.replace("arp_ignore: 1", "arp_ignore: 0").replace(
        "address: 192.168.1.101/24 }\n",
        "address: 192.168.1.101/24 }\n    run: arp -s 192.168.1.200 02:00:00:00:00:02\n",
    );
    let open = LAB.replace("grade:\n  hosts: [director, rs1, rs2]\n", "");
    assert_eq!(graded_by(&open, &yaml(&cheat), 200_000).1, 5, "it works where it counts");
    let (closed, reached) = graded(&yaml(&cheat));
    assert_eq!(reached, 2, "{closed:?}");
    assert!(closed.notes[0].to_string().ends_with(": run of client"), "{closed:?}");
    let (typed, _) = graded(&session("ssh client\narp -s 192.168.1.200 02:00:00:00:00:02\nexit\n"));
    assert!(typed.notes.iter().any(|n| n.to_string().contains("do not count: 1")), "{typed:?}");
    // Only sysctls are asked for.
    let narrow = LAB.replace("hosts: [director, rs1, rs2]", "keys: [sysctl]");
    let (graded, reached) = graded_by(&narrow, &yaml(ALICE), 200_000);
    assert_eq!(reached, 0, "{graded:?}");
    assert!(graded.notes[0].to_string().contains("run of director, run of rs1"), "{graded:?}");
    let scripts = Work::Scripts(vec![("rs1".into(), "ip addr\n".into())]);
    for work in [scripts, session("ip addr\n")] {
        let (graded, _) = graded_by(&narrow, &work, 200_000);
        assert!(graded.verdict == Verdict::Invalid && graded.why_not.is_some(), "{graded:?}");
    }
}

#[test]
fn the_labs_faults_stay_and_what_is_typed_later_is_added() {
    let lab =
        LAB.replace("\nexpect:", "\ntimeline:\n  - { at: 1500ms, node: rs1, run: ip link set eth0 down }\n\nexpect:");
    let (graded, _) = graded_by(&lab, &yaml(ALICE), 200_000);
    assert_ne!(graded.marks[0].found.to_string(), "ok: 9", "the cable goes whatever a submission says");
    let healed = format!("{ALICE}\ntimeline:\n  - {{ at: 1510ms, node: rs1, run: ip link set eth0 up }}\n");
    let (graded, _) = graded_by(&lab, &yaml(&healed), 200_000);
    assert_eq!(graded.marks[0].found.to_string(), "ok: 9", "{graded:?}");
    assert!(graded.notes[0].to_string().contains("leaves away"), "{graded:?}");
}

#[test]
fn nodes_have_to_be_the_labs() {
    for (from, to, why) in [
        ("  rs2:", "  rs3:", "rs2 of the lab is missing"),
        ("  rs2:", "  rs3: { kind: host }\n\n  rs2:", "the lab has no `rs3`"),
        ("kind: director", "kind: router", "`director` is a director in the lab"),
        ("eth0: { to: lan, address: 192.168.1.199/24, latency: 200us }", "eth9: { to: lan }", "has the interface eth0"),
    ] {
        let (graded, reached) = graded(&yaml(&ALICE.replace(from, to).replace("hosts: [director, rs1, rs2]", "")));
        assert_eq!((graded.verdict, reached), (Verdict::Invalid, 0), "{to}");
        assert!(graded.why_not.as_ref().is_some_and(|w| w.to_string().contains(why)), "{to}: {:?}", graded.why_not);
    }
}

#[test]
fn nothing_that_somebody_types_stops_the_marking() {
    let lines = |n: usize| "ip addr\n".repeat(n);
    for (typed, events, why) in [
        ("while :; do :; done\n".to_string(), 200_000, "endless loop"),
        ("while :; do sleep 1; done\n".into(), 2_000, "events"),
        (":run 100h\n".into(), 200_000, "more than a day"),
        (":run 20m\n:back\n".repeat(500), 2_000, "events"),
        (lines(script::MAX_LINES + 1), 200_000, "10000 lines"),
        ("# nothing\n".into(), 200_000, "nothing is typed"),
    ] {
        let (graded, reached) = graded_by(LAB, &session(&typed), events);
        assert_eq!(reached, 0);
        let told = graded.why_not.unwrap_or_default();
        assert!(told.to_string().contains(why), "{}: {told}", typed.lines().next().unwrap_or_default());
    }
    // A line that does not end is ended, and what comes after it counts.
    let (late, reached) = graded(&session(&format!("[root@rs1 ~]# tcpdump -n\n[root@rs1 ~]# sleep 2h\n{BOB}")));
    assert!(reached == 0 && late.notes.iter().any(|n| n.to_string().contains("Ctrl-C")), "{late:?}");
    let endless = ALICE.replace("run: ip addr add", "run: while true; do x=1; done; ip addr add");
    assert_eq!(graded(&yaml(&endless)).0.verdict, Verdict::Stopped);
}

#[test]
fn what_was_taken_back_was_never_typed() {
    let typed = format!("[root@rs1 ~]# sysctl -w net.ipv4.conf.all.arg_ignore=1\n[root@rs1 ~]# :back\n{BOB}");
    let (undone, _) = graded(&session(&typed));
    assert!(undone.reasons.iter().all(|r| r.code != "misspelt-knob"), "{undone:?}");
    let (graded, _) = graded(&session(&typed.replace("[root@rs1 ~]# :back\n", "")));
    assert!(graded.reasons.iter().any(|r| r.code == "misspelt-knob"), "{graded:?}");
}

#[test]
fn an_entry_of_a_group_has_its_marks_once() {
    let text = LAB.replace("client:\n    kind: client\n", "client:\n    kind: client\n    count: 3\n");
    let lab = lab(&text);
    let paper = Paper::new(&lab, &text).expect("a lab with marks");
    assert_eq!((paper.items.len(), paper.total(), lab.expect.len()), (3, 5, 5));
    let (graded, reached) = graded_by(
        &text,
        &yaml(
            &ALICE
                .replace("run: ip addr add", "run: true; ip addr add")
                .replace("kind: client\n", "kind: client\n    count: 3\n")
                .replace("arp_ignore: 1", "arp_ignore: 0"),
        ),
        200_000,
    );
    assert_eq!(reached, 2, "{graded:?}");
    assert!(
        graded.marks[1].found.to_string().starts_with("who client-1 takes for 192.168.1.200: rs1; who client-2"),
        "{graded:?}"
    );
}

#[test]
fn a_lab_without_marks_is_told() {
    for text in [
        LAB.split("\nexpect:").next().unwrap_or_default().to_string(),
        LAB.replace("marks: 2", "marks: 0").replace("title: rs1", "marks: 0\n    title: rs1"),
    ] {
        let lab = lab(&text);
        assert!(Paper::new(&lab, &text).is_err_and(|why| why.to_string().contains("nothing that has marks")));
    }
}

#[test]
fn a_text_that_is_no_scenario_was_typed() {
    assert_eq!(Work::of_text("a.txt", "lvsim: 1\nnodes: {}\n").word(), "scenario");
    assert_eq!(Work::of_text("a.yaml", "ip addr\n").word(), "scenario", "its name says so");
    assert_eq!(Work::of_text("a", "ip addr\necho nodes:\n").word(), "session");
}
