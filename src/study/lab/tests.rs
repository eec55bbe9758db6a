//! Sessions: what time does while somebody types, and that going back is exact.

use super::commands::{Reply, run as command};
use super::{Advance, Session, What};
use crate::base::{Seed, Span};
use crate::scenario::{Names, Scenario, load};
use proptest::prelude::*;

const LAB: &str = include_str!("../../../scenarios/dr.yaml");

fn scenario(text: &str) -> Scenario {
    load("dr.yaml", text, &[], &Names::default()).expect("a good scenario").scenario
}

fn open<'s>(scenario: &'s Scenario, text: &'s str) -> Session<'s> {
    Session::open(scenario, text, None, &mut |_, _| true).expect("set-up")
}

/// Types a line and lets it come to its end; what it printed.
fn typed(session: &mut Session<'_>, text: &str) -> String {
    session.type_text(text);
    finish(session)
}

fn finish(session: &mut Session<'_>) -> String {
    let mut out = String::new();
    loop {
        let advance = session.advance(1_000);
        out.extend(session.output().into_iter().map(|s| s.text));
        match advance {
            Advance::Done => return out,
            Advance::Busy => {}
            Advance::Idle => session.interrupt(),
            Advance::Limit(what) => panic!("limit: {what}"),
        }
    }
}

fn said(session: &mut Session<'_>, name: &str, rest: &str) -> String {
    match command(session, name, rest) {
        Ok(Reply::Text(text)) => text,
        Ok(Reply::Started) => {
            finish(session);
            super::commands::told(session)
        }
        other => panic!("{other:?}"),
    }
}

/// What a state is known by.
fn print(session: &Session<'_>) -> (u64, u64, u64, u64, String, usize) {
    let world = &session.play().world;
    (
        world.fingerprint(),
        world.now.0,
        world.events,
        world.ledger.sent,
        session.prompt(),
        session.tracer().records().len(),
    )
}

#[test]
fn time_stands_still_until_a_command_needs_it() {
    let scenario = scenario(LAB);
    let mut lab = open(&scenario, LAB);
    assert_eq!(lab.prompt(), "[root@director ~]# ");
    let zero = lab.play().zero;
    assert_eq!(lab.now(), zero);
    assert!(typed(&mut lab, "ipvsadm -Ln").contains("TCP"));
    assert!(lab.now().since(zero) < Span::from_millis(20), "{:?}", lab.now());
    typed(&mut lab, "sleep 2");
    assert!(lab.now().since(zero) > Span::from_secs(2) && lab.now().since(zero) < Span::from_millis(2_050));
}

#[test]
fn shells_remember_folders_and_variables_and_exit_leaves() {
    let scenario = scenario(LAB);
    let mut lab = open(&scenario, LAB);
    typed(&mut lab, "A=7; cd /etc");
    assert_eq!(lab.prompt(), "[root@director etc]# ");
    assert_eq!(typed(&mut lab, "echo $A $PWD"), "7 /etc\n");
    let client = lab.host_named("client").expect("a host");
    lab.go(client);
    assert_eq!(lab.prompt(), "[root@client ~]# ");
    assert_eq!(typed(&mut lab, "echo $A."), ".\n");
    typed(&mut lab, "exit");
    assert_eq!(lab.prompt(), "[root@director etc]# ");
    typed(&mut lab, "exit");
    assert!(lab.over());
}

#[test]
fn a_capture_prints_while_time_passes_and_ends_when_nothing_is_left() {
    let scenario = scenario(LAB);
    let mut lab = open(&scenario, LAB);
    let out = typed(&mut lab, "tcpdump -n -i eth0 tcp port 80");
    assert!(out.contains("Flags [S]") && out.contains("packets captured"), "{out}");
    assert!(lab.acts()[0].interrupted);
    // A capture behind the prompt prints when time passes.
    let mut lab = open(&scenario, LAB);
    typed(&mut lab, "tcpdump -l -n -i eth0 arp &");
    lab.pass_until(lab.now() + Span::from_secs(2));
    assert!(finish(&mut lab).contains("who-has"));
}

#[test]
fn a_step_is_one_frame() {
    let scenario = scenario(LAB);
    let mut lab = open(&scenario, LAB);
    let before = print(&lab);
    let first = said(&mut lab, "step", "");
    assert!(first.lines().count() == 1 && first.contains("client:eth0 Out") && first.contains("who-has"), "{first}");
    // The question arrives at three hosts in one instant, one step each; the first of them answers at once.
    let second = said(&mut lab, "step", "");
    assert!(second.contains("In ") && second.contains("who-has"), "{second}");
    lab.back();
    lab.back();
    assert_eq!(print(&lab), before);
}

#[test]
fn reports_are_on_the_run_as_far_as_it_got() {
    let scenario = scenario(LAB);
    let mut lab = open(&scenario, LAB);
    let passed = said(&mut lab, "run", "2s");
    assert!(passed.contains("connections ok"), "{passed}");
    assert!(said(&mut lab, "show", "conn").contains("IPVS connection entries"));
    assert!(said(&mut lab, "ladder", "web:0").contains("client"));
    assert!(said(&mut lab, "frames", "arp").contains("who-has"));
    assert!(!said(&mut lab, "why", "web:0").is_empty());
    typed(&mut lab, "ipvsadm -C");
    let diff = said(&mut lab, "diff", "");
    assert!(diff.contains("ipvsadm"), "{diff}");
    assert!(command(&mut lab, "nonsense", "").is_err_and(|e| e.to_string().contains(":back")));
    assert!(said(&mut lab, "judge", "").contains('✓'));
}

#[test]
fn a_difference_is_that_of_the_command_and_not_of_the_time_since() {
    let scenario = scenario(LAB);
    let mut lab = open(&scenario, LAB);
    said(&mut lab, "run", "100ms");
    assert_eq!(command(&mut lab, "diff", "").expect_err("nothing was typed").to_string(), "nothing was typed yet");
    typed(&mut lab, "ipvsadm -C");
    said(&mut lab, "run", "2s");
    let client = lab.host_named("client").expect("a host");
    lab.go(client);
    let before = print(&lab);
    let diff = said(&mut lab, "diff", "");
    assert!(diff.contains("types ipvsadm -C") && diff.contains("ok by rs2  ->  refused"), "{diff}");
    assert_eq!(print(&lab), before);
    // Found again from far back it is the same.
    lab.forget_keyframes();
    assert_eq!(said(&mut lab, "diff", ""), diff);
}

#[test]
fn what_only_looks_differs_in_nothing() {
    let scenario = scenario(LAB);
    let mut lab = open(&scenario, LAB);
    typed(&mut lab, "ipvsadm -Ln");
    let nothing = "Nothing differs with `ipvsadm -Ln` so far: no frame, no connection, no table.\n";
    assert_eq!(said(&mut lab, "diff", ""), nothing);
    said(&mut lab, "run", "2s");
    assert_eq!(said(&mut lab, "diff", ""), nothing);
    typed(&mut lab, "ping -c 1 192.168.1.198");
    let diff = said(&mut lab, "diff", "");
    assert!(diff.contains("+ 2.0") && diff.contains("ICMP"), "{diff}");
}

#[test]
fn going_back_to_a_moment_undoes_what_came_after() {
    let scenario = scenario(LAB);
    let mut lab = open(&scenario, LAB);
    typed(&mut lab, "sleep 1");
    typed(&mut lab, "ipvsadm -C");
    typed(&mut lab, "sleep 1");
    let said = said(&mut lab, "at", "1100ms");
    assert!(said.contains("sleep 1") && said.contains("t = 1.1 s"), "{said}");
    assert!(!typed(&mut lab, "ipvsadm -Ln").contains("-> 192"), "the table was cleared before");
    assert_eq!(lab.acts().iter().filter(|a| matches!(a.what, What::Type { .. })).count(), 3);
}

#[test]
fn a_saved_session_replays() {
    let scenario = scenario(LAB);
    let mut lab = open(&scenario, LAB);
    said(&mut lab, "run", "700ms");
    typed(&mut lab, "ipvsadm -E -t 192.168.1.200:80 -s sh");
    typed(&mut lab, "cd /etc");
    typed(&mut lab, "echo 'a: b' > f");
    let Ok(Reply::Save { text, note, .. }) = command(&mut lab, "save", "mine.yaml") else { panic!("not saved") };
    assert!(note.contains("2 lines"), "{note}");
    let again = load("mine.yaml", &text, &[], &Names::default()).expect("a good scenario").scenario;
    let run = crate::report::run::simulate(&again, &crate::report::run::RunOptions::default(), &mut |_| true);
    let story = run.show(
        crate::report::show::TABLES.iter().find(|t| t.name == "ipvs").expect("a table"),
        "director",
        crate::report::tables::Format::Human,
        crate::lang::Lang::En,
    );
    assert!(story.is_some_and(|s| s.contains(":80 sh")));
}

#[test]
fn words_are_completed_from_what_is_there() {
    let scenario = scenario(LAB);
    let lab = open(&scenario, LAB);
    let complete = |line: &str| super::complete::complete(&lab, line, line.len()).1;
    assert_eq!(complete("ipvsad"), ["ipvsadm", "ipvsadm-restore", "ipvsadm-save"]);
    assert_eq!(complete("ssh dir"), ["director"]);
    assert!(complete(":st").contains(&":step".to_string()));
    assert!(complete("sysctl net.ipv4.conf.eth0.arp_i").contains(&"net.ipv4.conf.eth0.arp_ignore".to_string()));
    assert!(complete("cat /proc/sys/net/ipv4/conf/").contains(&"/proc/sys/net/ipv4/conf/all/".to_string()));
    assert!(complete("ping 192.168.1.").len() > 2);
    assert!(complete("ipvsadm --add-s").contains(&"--add-service".to_string()));
}

/// What a student may do.
#[derive(Clone, Debug)]
enum Move {
    Type(&'static str),
    Run(u64),
    Step,
    Go(&'static str),
    Cut(&'static str, u64),
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        prop::sample::select(vec![
            "ipvsadm -C",
            "ipvsadm -Ln",
            "ping -c 2 192.168.1.200",
            "curl -s http://192.168.1.200/",
            "sysctl -w net.ipv4.conf.all.arp_ignore=1",
            "ip link set eth0 down",
            "ip link set eth0 up",
            "arp -n",
            "X=1; cd /tmp; echo $RANDOM > f",
            "tcpdump -n -c 3 -i eth0 &",
            "sleep 0.3",
            "exit",
        ])
        .prop_map(Move::Type),
        (1u64..900).prop_map(Move::Run),
        Just(Move::Step),
        prop::sample::select(vec!["client", "rs1", "director"]).prop_map(Move::Go),
        (prop::sample::select(vec!["ping 192.168.1.200", "tcpdump -n", "sleep 5"]), 1u64..400)
            .prop_map(|(text, events)| Move::Cut(text, events)),
    ]
}

fn make(lab: &mut Session<'_>, m: &Move) {
    match m {
        Move::Type(text) => {
            typed(lab, text);
        }
        Move::Run(ms) => {
            lab.pass_until(lab.now() + Span::from_millis(*ms));
            finish(lab);
        }
        Move::Step => {
            lab.step();
            finish(lab);
        }
        Move::Go(name) => {
            let node = lab.host_named(name).expect("a host");
            lab.go(node);
        }
        Move::Cut(text, events) => {
            lab.type_text(text);
            lab.advance(*events);
            lab.interrupt();
            lab.output();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn going_back_restores_every_state_exactly(all in prop::collection::vec(moves(), 1..14), seed in 0u64..1000) {
        let scenario = scenario(LAB);
        let mut lab = open(&scenario, LAB);
        let mut prints = vec![print(&lab)];
        for m in &all {
            if lab.over() {
                break;
            }
            let before = lab.acts().len();
            make(&mut lab, m);
            if lab.acts().len() > before {
                prints.push(print(&lab));
            }
        }
        // Without most of the keyframes it has to be found again.
        if seed % 2 == 0 {
            lab.forget_keyframes();
        }
        let mut rng = Seed(seed).stream("back");
        while let Some(now) = prints.pop() {
            prop_assert_eq!(print(&lab), now);
            if lab.acts().is_empty() {
                break;
            }
            // Sometimes something else is done, and taken back.
            if rng.below(3) == 0 && !lab.over() {
                let acts = lab.acts().len();
                make(&mut lab, &Move::Run(50));
                while lab.acts().len() > acts {
                    lab.back();
                }
            }
            lab.back();
        }
    }
}

#[test]
fn what_is_typed_for_another_host_happens_there_and_replays() {
    use super::elsewhere::{scp, ssh};
    let scenario = scenario(LAB);
    let mut session = open(&scenario, LAB);
    typed(&mut session, "printf 'echo it is '\"'\"'$1'\"'\"' here\\n' > say.sh; chmod +x say.sh");
    scp(&mut session, &["say.sh".into()], "rs1", "").expect("a host and a file");
    assert_eq!(finish(&mut session), "");
    ssh(&mut session, "rs1", "cat say.sh; ./say.sh; hostname").expect("a host");
    assert_eq!(finish(&mut session), "echo it is '$1' here\nit is $1 here\nrs1\n");
    assert_ne!(session.scenario().node_name(session.here()), "rs1", "nobody went there");
    assert!(scp(&mut session, &["none".into()], "rs1", "").is_err_and(|e| e.to_string().contains("none")));
    assert!(scp(&mut session, &["say.sh".into()], "rs1", "/none/").is_err_and(|e| e.to_string().contains("/none/")));
    assert!(ssh(&mut session, "rs7", "ls").is_err_and(|e| e.to_string().contains("Could not resolve")));
    let Ok(Reply::Save { text, .. }) = command(&mut session, "save", "mine.yaml") else { panic!("saved") };
    assert!(text.contains("node: rs1") && text.contains("chmod 755 '/root/say.sh'"), "{text}");
    let before = print(&session);
    session.back().expect("something to undo");
    session.back().expect("something to undo");
    ssh(&mut session, "rs1", "ls").expect("a host");
    assert!(finish(&mut session).is_empty(), "the copy is undone");
    assert_ne!(before, print(&session));
}

#[test]
fn a_line_that_printed_too_much_silences_itself_and_not_the_next() {
    let scenario = scenario(LAB);
    let mut lab = open(&scenario, LAB);
    let flood = "x=$(seq 20000); while :; do echo \"$x\"; done";
    let out = typed(&mut lab, flood);
    assert!(out.len() > 3 << 20 && out.contains("stopped after printing more than 4 MiB"), "{} bytes", out.len());
    assert_eq!(typed(&mut lab, "echo on"), "on\n");
    assert!(typed(&mut lab, flood).len() > 3 << 20);
}
