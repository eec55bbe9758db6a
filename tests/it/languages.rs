//! What the program says in Chinese, word for word, and who decides that it does: `--lang`, else the locale, and the locale
//! never for files and programs.

use crate::support::{Sandbox, overwrite, root};
use std::fs;

/// What is said, and the file in `tests/zh` that holds it.
const SAID: &[(&str, &[&str])] = &[
    ("drops.txt", &["list", "drops"]),
    ("causes.txt", &["list", "causes"]),
    ("two-things-dr.cure.txt", &["why", "--cure", "scenarios/broken/two-things-dr.yaml"]),
    ("arp.diff.txt", &["diff", "scenarios/arp-problem.yaml", "scenarios/arp-repaired.yaml"]),
    ("vip-first.order.txt", &["order", "scenarios/notes/note1-vip-first.yaml", "--node", "rs1"]),
    ("broken.test.txt", &["test", "scenarios/dr.yaml", "scenarios/broken/cable-out.yaml"]),
    ("no-gateway.lab.txt", &["lab", "scenarios/broken/no-gateway.yaml", "--script", "tests/zh/lab-commands.txt"]),
    ("class.grade.txt", &["grade", "book/labs/three-to-one.yaml", "book/labs/class"]),
    ("vip-mask.check.txt", &["check", "scenarios/lint/vip-mask.yaml"]),
    ("nat-gateway.check.txt", &["check", "scenarios/lint/nat-gateway.yaml"]),
    ("lints.txt", &["list", "lints"]),
    ("templates.txt", &["new", "--list"]),
    ("nat.break.yaml", &["break", "scenarios/nat.yaml", "--difficulty", "2", "--seed", "7"]),
    ("sysctls.txt", &["list", "sysctls"]),
    ("commands.txt", &["list", "commands"]),
    ("problems.txt", &["list", "problems"]),
    ("exits.md", &["list", "exits", "--format", "markdown"]),
    ("schedulers.md", &["list", "schedulers", "--format", "markdown"]),
    ("effective.txt", &["show", "scenarios/arp-poisoned.yaml", "sysctl", "rs1", "--effective", "arp_ignore"]),
    ("explain.txt", &["check", "--explain", "L004"]),
    ("arp-problem.story.txt", &["run", "--no-output", "scenarios/arp-problem.yaml"]),
    ("arp-problem.why.txt", &["why", "--no-cure", "scenarios/arp-problem.yaml"]),
    ("no-gateway.story.txt", &["run", "--no-output", "scenarios/broken/no-gateway.yaml"]),
    ("no-gateway.why.txt", &["why", "--no-cure", "scenarios/broken/no-gateway.yaml"]),
    ("strict-tunnel.story.txt", &["run", "--no-output", "scenarios/broken/strict-tunnel.yaml"]),
    ("strict-tunnel.why.txt", &["why", "--no-cure", "scenarios/broken/strict-tunnel.yaml"]),
];

#[test]
fn chinese_is_as_in_the_goldens() {
    let sandbox = Sandbox::new();
    for (golden, args) in SAID {
        let args: Vec<&str> = args.iter().copied().chain(["--lang", "zh"]).collect();
        // Files are named from the repository; nothing is written.
        let said = crate::support::finish(sandbox.command(&args).current_dir(root())).out;
        let file = root().join("tests/zh").join(golden);
        if overwrite() {
            fs::write(&file, &said).expect("a golden that can be written");
        }
        let wanted = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        snapbox::assert_data_eq!(said, snapbox::Data::text(wanted).raw());
    }
}

#[test]
fn what_is_wrong_with_a_file_is_as_in_the_golden() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&["check", "tests/zh/wrong.yaml", "--lang", "zh"]);
    let ran = crate::support::finish(command.current_dir(root()));
    assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""));
    let file = root().join("tests/zh/wrong.check.txt");
    if overwrite() {
        fs::write(&file, &ran.err).expect("a golden that can be written");
    }
    let wanted = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    snapbox::assert_data_eq!(ran.err, snapbox::Data::text(wanted).raw());
    let mut command = sandbox.command(&["check", "tests/zh/wrong.yaml", "--format", "json"]);
    let ran = crate::support::finish(command.current_dir(root()).env("LANG", "zh_CN.UTF-8"));
    assert!(ran.out.contains("no interface `eth1` on `rs1`"), "programs read English: {}", ran.out);
}

#[test]
fn the_locale_decides_for_people_and_never_for_programs() {
    let sandbox = Sandbox::new();
    let ran = |vars: &[(&str, &str)], args: &[&str]| {
        crate::support::finish(sandbox.command(args).envs(vars.iter().copied())).out
    };
    let list = ["list", "drops"];
    let (english, chinese) = (ran(&[], &list), ran(&[("LANG", "zh_CN.UTF-8")], &list));
    assert!(english.contains("the interface is down") && chinese.contains("接口没有启用"));
    assert_eq!(ran(&[("LC_ALL", "C"), ("LANG", "zh_CN.UTF-8")], &list), english);
    assert_eq!(ran(&[("LC_ALL", ""), ("LC_MESSAGES", "zh_TW"), ("LANG", "en")], &list), chinese);
    assert_eq!(ran(&[("LANG", "zh_CN.UTF-8")], &["list", "drops", "--lang", "en"]), english);
    for format in ["json", "csv"] {
        let list = ["list", "drops", "--format", format];
        assert_eq!(ran(&[("LANG", "zh_CN.UTF-8")], &list), ran(&[], &list), "{format}");
        let asked = ran(&[], &["--lang", "zh", "list", "drops", "--format", format]);
        assert!(asked.contains("接口没有启用") && asked.contains("dev-down"), "{format}: codes and keys stay");
    }
}
