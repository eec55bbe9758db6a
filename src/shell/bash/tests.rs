//! The shell on a toy host: files, two virtual ones, and the programs `wait-for`, `beep`, `echo-in`, `unreal`.

use super::*;
use crate::base::Span;
use std::collections::BTreeMap;

/// A host with a clock.
#[derive(Clone)]
pub(super) struct Toy {
    pub now: SimTime,
    fs: Vfs,
    proc: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ToyProc {
    /// Prints a line a second, so many.
    Beep { left: u32, next: SimTime },
    /// Until the clock says so.
    Until(SimTime),
}

const SYSCTL: &str = "/proc/sys/net/ipv4/ip_forward";

impl Toy {
    pub fn new() -> Toy {
        let proc = BTreeMap::from([
            (SYSCTL.to_string(), "0\n".to_string()),
            ("/proc/net/arp".to_string(), "IP address\n".to_string()),
        ]);
        Toy { now: SimTime::ZERO, fs: Vfs::new(), proc }
    }
}

impl Machine for Toy {
    type Proc = ToyProc;

    fn now(&self) -> SimTime {
        self.now
    }

    fn exec(&mut self, argv: &[String], stdin: &mut Stdin<'_>, out: &mut Output) -> Exec<ToyProc> {
        match argv[0].as_str() {
            "beep" => {
                Exec::Running(ToyProc::Beep { left: argv[1].parse().unwrap_or(1), next: self.now + Span::from_secs(1) })
            }
            "wait-for" => Exec::Running(ToyProc::Until(self.now + Span::parse(&argv[1]).unwrap_or(Span::ZERO))),
            "echo-in" => {
                out.stdout(stdin.read());
                Exec::Done(0)
            }
            "mixed" => {
                out.stdout("out\n");
                out.stderr("err\n");
                Exec::Done(3)
            }
            "args" => {
                for arg in &argv[1..] {
                    out.stdout(&format!("<{arg}>"));
                }
                out.stdout("\n");
                Exec::Done(0)
            }
            "unreal" => Exec::NotSimulated { instead: "" },
            _ => Exec::NotFound,
        }
    }

    fn poll(&mut self, proc: &mut ToyProc, out: &mut Output) -> Wait {
        match proc {
            ToyProc::Until(at) if self.now >= *at => Wait::Done(0),
            ToyProc::Until(at) => Wait::Until(*at),
            ToyProc::Beep { left, next } => {
                while self.now >= *next && *left > 0 {
                    out.stdout("beep\n");
                    *left -= 1;
                    *next += Span::from_secs(1);
                }
                if *left == 0 { Wait::Done(0) } else { Wait::UntilOrEvent(*next) }
            }
        }
    }

    fn signal(&mut self, proc: &mut ToyProc, signal: u8, out: &mut Output) -> Option<u8> {
        match proc {
            ToyProc::Beep { .. } => {
                out.stdout("stopped\n");
                Some(0)
            }
            ToyProc::Until(_) => Some(128 + signal),
        }
    }

    fn fs(&mut self) -> &mut Vfs {
        &mut self.fs
    }

    fn proc_read(&mut self, path: &str) -> Option<Result<String, FileError>> {
        path.starts_with("/proc/").then(|| self.proc.get(path).cloned().ok_or(FileError::NotFound))
    }

    fn proc_write(&mut self, path: &str, text: &str) -> Option<Result<(), FileError>> {
        path.starts_with("/proc/").then(|| match text.trim().parse::<i32>() {
            Ok(n) => {
                self.proc.insert(path.to_string(), format!("{n}\n"));
                Ok(())
            }
            Err(_) => Err(FileError::Invalid),
        })
    }

    fn proc_stat(&mut self, path: &str) -> Option<Option<Stat>> {
        let file = |mode| Some(Stat { dir: false, mode, size: 0, modified: SimTime::ZERO });
        let dirs = ["/proc/sys", "/proc/sys/net", "/proc/sys/net/ipv4", "/proc/net"];
        path.starts_with("/proc/").then(|| match path {
            SYSCTL => file(0o644),
            "/proc/net/arp" => file(0o444),
            path if dirs.contains(&path) => Some(Stat { dir: true, mode: 0o555, size: 0, modified: SimTime::ZERO }),
            _ => None,
        })
    }

    fn proc_list(&mut self, path: &str) -> Option<Result<Vec<String>, FileError>> {
        match path {
            "/proc/sys/net/ipv4" => Some(Ok(vec!["ip_forward".into()])),
            path if path.starts_with("/proc/") => Some(Err(FileError::NotFound)),
            _ => None,
        }
    }

    fn hostname(&self) -> &str {
        "toy"
    }
}

/// Runs a shell to its end and that of its jobs, moving the clock.
pub(super) fn finish(shell: &mut Shell<ToyProc>, toy: &mut Toy) -> (String, u8) {
    for _ in 0..10_000 {
        let wake = match shell.resume(toy) {
            ShellState::Finished { status } => match shell.background() {
                None => return (text(shell), status),
                Some(wake) => wake,
            },
            ShellState::Waiting { until, on_event } => Wake { until, on_event },
        };
        let Some(at) = wake.until else { panic!("nothing would ever wake it") };
        assert!(at > toy.now, "it asked to be woken in the past");
        toy.now = at;
    }
    panic!("the script does not end")
}

fn text(shell: &mut Shell<ToyProc>) -> String {
    shell.take_output().into_iter().map(|(_, t)| t).collect()
}

/// Runs a script; what it printed, and its status.
pub(super) fn run(script: &str) -> (String, u8) {
    finish(&mut Shell::new(script, "bash"), &mut Toy::new())
}

fn prints(script: &str, out: &str) {
    let (text, _) = run(script);
    assert_eq!(text, out, "{script}");
}

#[test]
fn sleep_hands_back_to_the_clock_and_goes_on() {
    let mut toy = Toy::new();
    let mut shell = Shell::new("echo a; sleep 1.5; echo b; for i in 1 2; do sleep 1; echo $i; done", "bash");
    let at = |ms| ShellState::Waiting { until: Some(SimTime(Span::from_millis(ms).0)), on_event: false };
    assert_eq!(shell.resume(&mut toy), at(1500));
    assert_eq!(text(&mut shell), "a\n");
    assert_eq!(shell.resume(&mut toy), at(1500), "too early does no harm");
    toy.now = SimTime(Span::from_millis(1500).0);
    assert_eq!(shell.resume(&mut toy), at(2500));
    assert_eq!(text(&mut shell), "b\n");
    let mut copy = (shell.clone(), toy.clone());
    assert_eq!(finish(&mut shell, &mut toy), ("1\n2\n".into(), 0));
    assert_eq!(finish(&mut copy.0, &mut copy.1), ("1\n2\n".into(), 0), "a clone goes on by itself");
}

#[test]
fn programs_stop_anywhere_in_pipes_substitutions_conditions_and_functions() {
    prints("x=$(beep 2; echo end); echo \"[$x]\"", "[beep\nbeep\nend]\n");
    prints("beep 2 | wc -l", "2\n");
    prints(
        "if wait-for 1s; then echo yes; fi; while wait-for 1s && [ $SECONDS -lt 4 ]; do echo $SECONDS; done",
        "yes\n2\n3\n",
    );
    prints("f() { local n=$1; wait-for 1s; echo $n $(wait-for 2s; echo $SECONDS); }; f a; f b", "a 3\nb 6\n");
    prints("case $(wait-for 1s; echo x) in x) echo hit $(wait-for 1s; echo $SECONDS);; esac", "hit 2\n");
    prints("for i in $(beep 1) two; do echo $i; done; echo $((1 + $(beep 1 | wc -l)))", "beep\ntwo\n2\n");
    prints("[[ $(beep 1) == beep ]] && echo same; cat <<E\n$(beep 1)\nE", "same\nbeep\n");
}

#[test]
fn an_expansion_that_waits_assigns_only_once() {
    prints("i=1; echo $((i++)) $(wait-for 1s; echo x) $((i++)) $(echo y); echo $i", "1 x 2 y\n3\n");
    prints("echo ${z:=$(wait-for 1s; echo set)} $z", "set set\n");
}

#[test]
fn background_jobs_run_beside_the_script() {
    prints("beep 2 & sleep 1.5; echo now; wait; echo all", "beep\nnow\nbeep\nall\n");
    prints("beep 100 > /tmp/out & sleep 2.5; kill $!; wait $!; echo $?; cat /tmp/out", "0\nbeep\nbeep\nstopped\n");
    prints("wait-for 100s & kill %1; wait $!; echo $?", "143\n");
    prints(
        "(while :; do sleep 1; echo tick; done) & sleep 2.5; kill $!; wait $!; echo $? $SECONDS",
        "tick\ntick\n143 2\n",
    );
    prints(
        "sleep 9 & jobs; kill -9 $!; wait $! 2>/dev/null; echo $?",
        "[1]+  Running                 sleep 9 &\n137\n",
    );
    let mut toy = Toy::new();
    let mut shell = Shell::new("beep 3 & echo started", "bash");
    assert_eq!(shell.resume(&mut toy), ShellState::Finished { status: 0 });
    assert!(shell.background().is_some(), "the job outlives its script");
    assert_eq!(finish(&mut shell, &mut toy).0, "started\nbeep\nbeep\nbeep\n");
}

#[test]
fn timeout_ends_what_takes_too_long() {
    prints("timeout 2.5 beep 10; echo $? $SECONDS", "beep\nbeep\nstopped\n124 2\n");
    prints("timeout 9 beep 1; echo $?", "beep\n0\n");
}

#[test]
fn errors_are_bashs_own() {
    prints("nope", "bash: line 1: nope: command not found\n");
    prints("\n\nnope; echo $?", "bash: line 3: nope: command not found\n127\n");
    prints(
        "./nope; echo $?; /tmp; echo $?",
        "bash: line 1: ./nope: No such file or directory\n127\nbash: line 1: /tmp: Is a directory\n126\n",
    );
    prints("echo 'echo hi' > x.sh; ./x.sh; echo $?", "bash: line 1: ./x.sh: Permission denied\n126\n");
    prints(
        "echo 1 > /nope/a; echo $?; cat < /nope; echo $?",
        "bash: line 1: /nope/a: No such file or directory\n1\nbash: line 1: /nope: No such file or directory\n1\n",
    );
    prints(
        "echo 1 > /proc/sys/net/ipv4/arg_ignore; echo $?",
        "bash: line 1: /proc/sys/net/ipv4/arg_ignore: No such file or directory\n1\n",
    );
    prints(
        "echo one > /proc/sys/net/ipv4/ip_forward; echo $?",
        "bash: line 1: echo: write error: Invalid argument\n1\n",
    );
    prints("echo 1 > /proc/net/arp", "bash: line 1: /proc/net/arp: Permission denied\n");
    prints("f() {\nnope\n}\nf", "environment: line 2: nope: command not found\n");
    prints("cd /nope; echo $?", "bash: line 1: cd: /nope: No such file or directory\n1\n");
    prints(
        "[ 1 -eq a ]; echo $?; [ 1 2 ]; [ a",
        "bash: line 1: [: a: integer expression expected\n2\nbash: line 1: [: 1: unary operator expected\nbash: line 1: [: missing `]'\n",
    );
    prints(
        "echo $((1/0)); echo same line\necho next",
        "bash: line 1: 1/0: division by 0 (error token is \"0\")\nnext\n",
    );
    prints("readonly r=1; r=2; echo no\necho next", "bash: line 1: r: readonly variable\nnext\n");
    prints(
        "local x; return 3; echo $?; break",
        "bash: line 1: local: can only be used in a function\nbash: line 1: return: can only `return' from a function or sourced script\n1\nbash: line 1: break: only meaningful in a `for', `while', or `until' loop\n",
    );
    prints("x='a b'; echo > $x", "bash: line 1: $x: ambiguous redirect\n");
    prints(
        "kill 99999; kill %3; wait 4444; echo $?",
        "bash: line 1: kill: (99999) - No such process\nbash: line 1: kill: %3: no such job\nbash: line 1: wait: pid 4444 is not a child of this shell\n127\n",
    );
}

#[test]
fn a_program_that_is_not_simulated_never_succeeds() {
    let (mut toy, mut shell) = (Toy::new(), Shell::new("\nunreal x; echo $?", "bash"));
    assert_eq!(finish(&mut shell, &mut toy).0, "lvsim: unreal is not simulated\n127\n");
    assert_eq!(shell.not_simulated(), [(2, "unreal".to_string())]);
}

#[test]
fn syntax_errors_come_after_the_lines_before_them_ran() {
    for (script, out) in [
        (
            "echo a\necho b )\necho c",
            "a\nbash: -c: line 2: syntax error near unexpected token `)'\nbash: -c: line 2: `echo b )'\n",
        ),
        ("echo a; fi", "bash: -c: line 1: syntax error near unexpected token `fi'\nbash: -c: line 1: `echo a; fi'\n"),
        (
            "echo a\nfor x in 1 2\necho $x\ndone",
            "a\nbash: -c: line 3: syntax error near unexpected token `echo'\nbash: -c: line 3: `echo $x'\n",
        ),
        (
            "if true; then fi",
            "bash: -c: line 1: syntax error near unexpected token `fi'\nbash: -c: line 1: `if true; then fi'\n",
        ),
        ("foo (bar)", "bash: -c: line 1: syntax error near unexpected token `bar'\nbash: -c: line 1: `foo (bar)'\n"),
        ("echo a >", "bash: -c: line 1: syntax error near unexpected token `newline'\nbash: -c: line 1: `echo a >'\n"),
        ("echo \"abc\ndef", "bash: -c: line 1: unexpected EOF while looking for matching `\"'\n"),
        (
            "echo a\nif true; then\necho b",
            "a\nbash: -c: line 4: syntax error: unexpected end of file\nlvsim: the `if` of line 2 has no `fi`\n",
        ),
        (
            "while true; do\n if true; then\n echo\n",
            "bash: -c: line 4: syntax error: unexpected end of file\nlvsim: the `if` of line 2 has no `fi`\n",
        ),
        ("cat <(echo)", "bash: -c: line 1: lvsim: process substitution, <(…) and >(…), is not simulated\n"),
        ("coproc cat", "bash: -c: line 1: lvsim: `coproc` is not simulated\n"),
    ] {
        assert_eq!(run(script), (out.to_string(), 2), "{script}");
    }
}

#[test]
fn no_script_hangs_or_overflows() {
    for (script, words) in [
        ("while :; do :; done", "an endless loop?"),
        ("for ((;;)); do echo -n; done", "an endless loop?"),
        ("f() { f; }; f", "maximum function nesting level exceeded"),
        ("f() { g; }; g() { (f); }; f", "shells within shells"),
        ("x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done", "variables hold more than"),
        (
            "while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done",
            "stopped after printing more",
        ),
        (
            "x=$(while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done)",
            "in a pipe or a command substitution",
        ),
        ("eval 'e() { eval e; }'; e", "maximum function nesting level exceeded"),
        ("echo '. ./x' > x; . ./x", "nested too deeply"),
        ("x='$x'; y='eval \"$y\"'; eval \"$y\"", "nested too deeply"),
        ("echo {1..100}{1..100}{1..100}", "brace expansion makes more than"),
        ("a[99999999999]=1; a=($(seq 1 30000))", "more than 20000 words"),
        ("f() { f & }; f; while :; do :; done", "an endless loop?"),
    ] {
        let (out, status) = run(script);
        assert!(out.contains(words), "{script}: {out}");
        assert_ne!(status, 0, "{script}");
    }
    for deep in [
        "(".repeat(5000),
        "$(".repeat(5000),
        "{ ".repeat(5000),
        "if ".repeat(5000),
        "\"${x:-".repeat(5000),
        "`".repeat(5001),
        "echo $((".repeat(5000),
        "[[ ( ".repeat(5000),
        "f() ".repeat(5000),
        "a[".repeat(5000),
        "! ".repeat(5000),
    ] {
        let (_, status) = run(&deep);
        assert_ne!(status, 0);
    }
}

#[test]
fn an_interactive_shell_keeps_what_lines_left() {
    let (mut toy, mut shell) = (Toy::new(), Shell::<ToyProc>::interactive("bash"));
    let mut line = |text: &str| {
        shell.feed(text);
        finish(&mut shell, &mut toy)
    };
    assert_eq!(line("x=5; f() { echo f$1; }; cd /tmp"), (String::new(), 0));
    assert_eq!(line("f $x; pwd"), ("f5\n/tmp\n".into(), 0));
    assert_eq!(line("nope"), ("bash: nope: command not found\n".into(), 127));
    assert_eq!(
        line("echo $?; if"),
        ("bash: syntax error: unexpected end of file\nlvsim: the `if` of line 1 has no `fi`\n".into(), 2)
    );
    assert_eq!(line("set -u; echo $undefined; echo same line"), ("bash: undefined: unbound variable\n".into(), 1));
    assert_eq!(line("echo still $x"), ("still 5\n".into(), 0));
    assert_eq!(line("exit 3"), (String::new(), 3));
    assert!(shell.has_exited());
}

#[test]
fn standard_input_is_read_by_those_who_read_it() {
    prints("printf '1\\n2\\n3\\n' | while read x; do mixed 2>/dev/null; echo $x; done", "out\n1\nout\n2\nout\n3\n");
    prints("printf '1\\n2\\n3\\n' | while read x; do echo-in; echo $x; done", "2\n3\n1\n");
    prints("read a b <<< 'x y z'; echo $a-$b", "x-y z\n");
    prints("printf 'a b\\n' > f; { read x; read y; echo \"$x|$y\"; } < f", "a b|\n");
}

#[test]
fn both_streams_keep_their_order() {
    let (mut toy, mut shell) = (
        Toy::new(),
        Shell::new("mixed; echo $?; mixed >&2; mixed 2>&1 >/dev/null | cat; mixed &> /tmp/f; cat /tmp/f", "bash"),
    );
    finish(&mut shell, &mut toy);
    let (mut toy2, mut again) = (
        toy,
        Shell::new("mixed; echo $?; mixed >&2; mixed 2>&1 >/dev/null | cat; mixed &> /tmp/f; cat /tmp/f", "bash"),
    );
    again.resume(&mut toy2);
    let chunks = again.take_output();
    assert_eq!(chunks[0], (Stream::Stdout, "out\n".to_string()));
    assert_eq!(chunks[1], (Stream::Stderr, "err\n".to_string()));
    assert_eq!(chunks[2], (Stream::Stdout, "3\n".to_string()));
    assert_eq!(chunks[3], (Stream::Stderr, "out\nerr\n".to_string()));
    assert_eq!(chunks[4], (Stream::Stdout, "err\nout\nerr\n".to_string()));
}
