//! Background jobs: `&`, `wait`, `jobs`, `kill`, `disown`.

use super::frame::{Cx, Flow, Frame};
use super::task::Task;
use super::{MAX_JOBS, Machine, Wake};

/// A command in the background.
#[derive(Clone, Debug)]
pub(super) struct Job<P> {
    pub number: u32,
    pub pid: u32,
    pub text: String,
    /// `None` once it has ended, and while it is being stepped.
    pub task: Option<Box<Task<P>>>,
    pub status: Option<u8>,
    /// A signal that it has not seen yet.
    pub signal: Option<u8>,
    /// `jobs` has told that it ended.
    pub told: bool,
}

impl<P> Job<P> {
    pub fn abandon(&mut self) {
        self.task = None;
        self.status = self.status.or(Some(1));
    }
}

/// The signals that `kill` knows by name.
const SIGNALS: &[(&str, u8)] = &[
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ABRT", 6),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("CHLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
];

/// The number of a signal by name or number.
pub(super) fn signal_number(text: &str) -> Option<u8> {
    if let Ok(n) = text.parse::<u8>() {
        return (n < 65).then_some(n);
    }
    let upper = text.to_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    if name == "EXIT" { Some(0) } else { SIGNALS.iter().find(|(n, _)| *n == name).map(|(_, s)| *s) }
}

/// What `jobs` calls an end.
fn ending(status: u8) -> String {
    match status {
        0 => "Done".into(),
        137 => "Killed".into(),
        143 => "Terminated".into(),
        130 => "Interrupt".into(),
        129 => "Hangup".into(),
        n => format!("Exit {n}"),
    }
}

impl<P: Clone + std::fmt::Debug> Task<P> {
    /// Starts a job; the foreground's `$!` becomes its number.
    pub(super) fn spawn<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, text: String, mut task: Box<Task<P>>) {
        if cx.sh.jobs.iter().filter(|j| j.status.is_none()).count() >= MAX_JOBS {
            self.complain(cx, "fork: retry: Resource temporarily unavailable");
            self.env.status = 254;
            return;
        }
        // Jobs that ended and were told of make room.
        cx.sh.jobs.retain(|j| j.status.is_none() || !j.told);
        if cx.sh.jobs.len() >= 4 * MAX_JOBS {
            cx.sh.jobs.retain(|j| j.status.is_none());
        }
        let number = cx.sh.jobs.iter().filter(|j| j.status.is_none()).map(|j| j.number).max().unwrap_or(0) + 1;
        let pid = cx.sh.next_pid;
        cx.sh.next_pid = pid.wrapping_add(1).max(2);
        task.env.last_job = self.env.last_job;
        if self.env.interactive {
            self.write_text(cx, 2, &format!("[{number}] {pid}\n"));
        }
        cx.sh.jobs.push(Job { number, pid, text, task: Some(task), status: None, signal: None, told: false });
        cx.sh.fresh = true;
        self.env.last_job = Some(pid);
        self.env.status = 0;
    }

    /// Ends this task by a signal: its program first, then the rest.
    pub(super) fn kill<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, signal: u8) {
        if matches!(signal, 0 | 17 | 18 | 19 | 20) {
            return;
        }
        let name = SIGNALS.iter().find(|(_, n)| *n == signal).map_or("", |(name, _)| *name);
        if signal != 9
            && let Some(text) = self.env.traps.get(name).cloned()
        {
            if !text.is_empty() {
                self.push_eval(&text);
            }
            return;
        }
        let mut ended = Some(128 + signal);
        let mut scratch = super::Output::new();
        let alone =
            !self.frames.iter().any(|f| matches!(f, Frame::Body { .. } | Frame::Call { .. } | Frame::Source { .. }));
        if let Some(Frame::Program { proc, .. }) = self.frames.last_mut() {
            let end = cx.m.signal(proc, signal, &mut scratch);
            if alone {
                ended = end;
            }
            self.flush(cx, &mut scratch, "");
        }
        if let Some(status) = ended {
            self.abandon();
            self.env.status = status;
        }
    }

    /// The job that `%1`, `%%`, `%name` or a process number means.
    fn job<M: Machine<Proc = P>>(&self, cx: &Cx<'_, M>, text: &str) -> Option<usize> {
        let live = || cx.sh.jobs.iter().enumerate().filter(|(_, j)| !j.told);
        match text.strip_prefix('%') {
            None => {
                let pid: u32 = text.parse().ok()?;
                cx.sh.jobs.iter().position(|j| j.pid == pid)
            }
            Some("" | "%" | "+") => live().next_back().map(|(n, _)| n),
            Some("-") => live().nth_back(1).map(|(n, _)| n),
            Some(rest) => match rest.parse::<u32>() {
                Ok(number) => live().rfind(|(_, j)| j.number == number).map(|(n, _)| n),
                Err(_) => live().find(|(_, j)| j.text.starts_with(rest)).map(|(n, _)| n),
            },
        }
    }

    pub(super) fn builtin_wait<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, args: &[String]) {
        let mut pids = Vec::new();
        if args.first().is_some_and(|a| a.starts_with('-')) {
            self.complain(cx, &format!("wait: lvsim: the option {} is not simulated", args[0]));
            self.env.status = 2;
            return;
        }
        for arg in args {
            match self.job(cx, arg) {
                Some(n) => pids.push(cx.sh.jobs[n].pid),
                None if arg.starts_with('%') => {
                    self.complain(cx, &format!("wait: {arg}: no such job"));
                    self.env.status = 127;
                }
                None if arg.parse::<u32>().is_ok() => {
                    self.complain(cx, &format!("wait: pid {arg} is not a child of this shell"));
                    self.env.status = 127;
                }
                None => {
                    self.complain(cx, &format!("wait: `{arg}': not a pid or valid job spec"));
                    self.env.status = 1;
                }
            }
        }
        if args.is_empty() {
            self.env.status = 0;
            pids = cx.sh.jobs.iter().filter(|j| j.status.is_none()).map(|j| j.pid).collect();
            // A job does not wait for itself.
            pids.retain(|pid| cx.sh.jobs.iter().any(|j| j.pid == *pid && j.task.is_some()));
        }
        if !pids.is_empty() {
            self.frames.push(Frame::Wait { pids, all: args.is_empty() });
        }
    }

    /// Looks whether the jobs that `wait` waits for have ended.
    pub(super) fn step_wait<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, pids: Vec<u32>, all: bool) -> Flow {
        let mut last = 0;
        for pid in &pids {
            match cx.sh.jobs.iter_mut().find(|j| j.pid == *pid) {
                Some(job) => match job.status {
                    Some(status) => {
                        job.told = true;
                        last = status;
                    }
                    None => {
                        self.frames.push(Frame::Wait { pids, all });
                        return Flow::Wait(Wake::default());
                    }
                },
                None => last = 127,
            }
        }
        for pid in &pids {
            if let Some(job) = cx.sh.jobs.iter().find(|j| j.pid == *pid)
                && let Some(status) = job.status.filter(|s| matches!(s, 137 | 129))
            {
                // Bash tells of a job that a signal ended, except by TERM, INT and PIPE.
                let text = format!("{} {:<22} {}", pid, ending(status), job.text);
                self.complain(cx, &text);
            }
        }
        self.env.status = if all { 0 } else { last };
        Flow::Go
    }

    pub(super) fn builtin_jobs<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, args: &[String]) -> u8 {
        let (mut long, mut only) = (false, false);
        for arg in args {
            match arg.as_str() {
                "-l" => long = true,
                "-p" => only = true,
                "-r" => {}
                other if other.starts_with('-') => {
                    self.complain(cx, &format!("jobs: {other}: invalid option"));
                    self.write_text(cx, 2, "jobs: usage: jobs [-lnprs] [jobspec ...] or jobs -x command [args]\n");
                    return 2;
                }
                _ => {}
            }
        }
        let shown: Vec<usize> = (0..cx.sh.jobs.len()).filter(|n| !cx.sh.jobs[*n].told).collect();
        let mut text = String::new();
        for (place, n) in shown.iter().enumerate() {
            let job = &mut cx.sh.jobs[*n];
            let mark = match shown.len() - place {
                1 => '+',
                2 => '-',
                _ => ' ',
            };
            let state = job.status.map_or("Running".to_string(), ending);
            job.told = job.status.is_some();
            let amp = if job.status.is_none() { " &" } else { "" };
            if only {
                text += &format!("{}\n", job.pid);
            } else if long {
                text += &format!("[{}]{mark} {} {state:<23} {}{amp}\n", job.number, job.pid, job.text);
            } else {
                text += &format!("[{}]{mark}  {state:<23} {}{amp}\n", job.number, job.text);
            }
        }
        self.say(cx, "jobs", &text)
    }

    /// `None`: some target is no job of this shell, so the program `kill` must see to it.
    pub(super) fn builtin_kill<M: Machine<Proc = P>>(&mut self, cx: &mut Cx<'_, M>, args: &[String]) -> u8 {
        let mut signal = 15;
        let mut rest = args;
        match args.first().map(String::as_str) {
            None => {
                self.write_text(
                    cx,
                    2,
                    "kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]\n",
                );
                return 2;
            }
            Some("-l" | "-L") => {
                let text: String = SIGNALS.iter().map(|(name, n)| format!("{n:2}) SIG{name}\n")).collect();
                return self.say(cx, "kill", &text);
            }
            Some("--") => rest = &args[1..],
            Some(first) if first.len() > 1 && first.starts_with('-') => {
                let by_option = matches!(first, "-s" | "-n");
                let name = if by_option { args.get(1).cloned().unwrap_or_default() } else { first[1..].to_string() };
                rest = args.get(1 + usize::from(by_option)..).unwrap_or(&[]);
                match signal_number(&name) {
                    Some(n) => signal = n,
                    None => {
                        self.complain(cx, &format!("kill: {name}: invalid signal specification"));
                        return 1;
                    }
                }
            }
            Some(_) => {}
        }
        let mut status = 0;
        for arg in rest {
            match self.job(cx, arg) {
                Some(n) if cx.sh.jobs[n].status.is_none() => {
                    if signal != 0 {
                        cx.sh.jobs[n].signal = Some(signal);
                        cx.sh.fresh = true;
                    }
                }
                None if arg.starts_with('%') => {
                    self.complain(cx, &format!("kill: {arg}: no such job"));
                    status = 1;
                }
                None if arg.parse::<i64>().is_err() => {
                    self.complain(cx, &format!("kill: {arg}: arguments must be process or job IDs"));
                    status = 1;
                }
                found => {
                    // Not a job of this shell: perhaps a daemon of the machine.
                    let argv: Vec<String> = ["kill".to_string(), format!("-{signal}"), arg.clone()].to_vec();
                    let mut scratch = super::Output::new();
                    let end = if found.is_none() {
                        cx.m.exec(&argv, &mut super::Stdin::new(""), &mut scratch)
                    } else {
                        super::Exec::NotFound
                    };
                    if matches!(end, super::Exec::Done(0)) {
                        continue;
                    }
                    self.complain(cx, &format!("kill: ({arg}) - No such process"));
                    status = 1;
                }
            }
        }
        status
    }
}
