//! A host as its shell sees it: programs, files, `/proc`.

use super::bash::{Exec, Machine, Output, Ran, Stdin, Wait};
use super::vfs::{FileError, Stat, Vfs};
use super::{COMMANDS, NOT_SIMULATED, proc};
use crate::base::SimTime;
use crate::node::{Cx, Host};
use crate::trace::{TraceEvent, TraceMask};

/// A host with somebody at its keyboard.
#[derive(Debug)]
pub struct HostMachine<'a, 'b> {
    /// The host.
    pub host: &'a mut Host,
    /// What it may touch.
    pub cx: &'a mut Cx<'b>,
    /// Its files.
    pub files: &'a mut Vfs,
    /// Where the program that is being started stands.
    pub cwd: String,
    /// Its standard output is a terminal: what it prints is seen line by line.
    pub terminal: bool,
}

/// A program that needs simulated time.
#[derive(Clone, Debug)]
pub enum Running {
    /// `ping`.
    Ping(super::ping::Ping),
    /// `arping`.
    Arping(super::arping::Arping),
    /// `curl`.
    Curl(Box<super::curl::Curl>),
    /// `nc`, `telnet`.
    Netcat(Box<super::nc::Netcat>),
    /// `tcpdump`.
    Tcpdump(Box<super::tcpdump::Tcpdump>),
    /// `tracepath`.
    Tracepath(Box<super::tracepath::Tracepath>),
    /// `traceroute`.
    Traceroute(Box<super::traceroute::Traceroute>),
    /// `wget`.
    Wget(Box<super::wget::Wget>),
}

impl Machine for HostMachine<'_, '_> {
    type Proc = Running;

    fn now(&self) -> SimTime {
        self.cx.now
    }

    fn enter(&mut self, cwd: &str, terminal: bool) {
        self.cwd.clear();
        self.cwd.push_str(cwd);
        self.terminal = terminal;
    }

    fn exec(&mut self, argv: &[String], stdin: &mut Stdin<'_>, out: &mut Output) -> Exec<Running> {
        let name = argv.first().map_or("", String::as_str);
        let Some(row) = COMMANDS.iter().find(|row| row.name == name) else {
            let absent = NOT_SIMULATED.iter().find(|(absent, _)| *absent == name);
            return absent.map_or(Exec::NotFound, |&(_, instead)| Exec::NotSimulated { instead });
        };
        let exec = (row.main)(self, &argv[1..], stdin, out);
        self.host.ipvs.sysctl_changed(self.cx.now, &self.host.net.sysctl);
        // What the command has set in motion happens before the next one is typed.
        self.host.announce(self.cx);
        self.host.settle(self.cx);
        exec
    }

    fn ran(&mut self, ran: &Ran<'_>) {
        let (now, node) = (self.cx.now, self.cx.node);
        self.cx.tracer.emit(TraceMask::RAN, now, node, || TraceEvent::Ran {
            line: ran.line,
            script: ran.source != super::process::SHELL,
            words: ran.words.to_vec(),
            status: ran.status,
            out: ran.out.text(),
        });
    }

    fn poll(&mut self, proc: &mut Running, out: &mut Output) -> Wait {
        let wait = match proc {
            Running::Ping(p) => p.poll(self, out),
            Running::Arping(p) => p.poll(self, out),
            Running::Curl(p) => p.poll(self, out),
            Running::Netcat(p) => p.poll(self, out),
            Running::Tcpdump(p) => p.poll(self, out),
            Running::Tracepath(p) => p.poll(self, out),
            Running::Traceroute(p) => p.poll(self, out),
            Running::Wget(p) => p.poll(self, out),
        };
        self.host.settle(self.cx);
        wait
    }

    fn signal(&mut self, proc: &mut Running, signal: u8, out: &mut Output) -> Option<u8> {
        match proc {
            Running::Ping(p) => p.signal(self, signal, out),
            Running::Arping(_) => Some(128 + signal),
            Running::Curl(p) => p.signal(self, signal),
            Running::Netcat(p) => p.signal(self, signal),
            Running::Tcpdump(p) => p.signal(self, signal, out),
            Running::Tracepath(p) => p.signal(self, signal),
            Running::Traceroute(p) => p.signal(self, signal),
            Running::Wget(p) => p.signal(self, signal),
        }
    }

    fn fs(&mut self) -> &mut Vfs {
        self.files
    }

    fn proc_read(&mut self, path: &str) -> Option<Result<String, FileError>> {
        proc::read(self.host, self.cx.now, path)
    }

    fn proc_write(&mut self, path: &str, text: &str) -> Option<Result<(), FileError>> {
        let result = proc::write(self.host, self.cx.now, path, text);
        let (now, node) = (self.cx.now, self.cx.node);
        self.cx.tracer.emit(TraceMask::RAN, now, node, || TraceEvent::Wrote {
            path: path.to_string(),
            taken: matches!(result, Some(Ok(()))),
        });
        self.host.ipvs.sysctl_changed(self.cx.now, &self.host.net.sysctl);
        self.host.announce(self.cx);
        self.host.settle(self.cx);
        result
    }

    fn proc_stat(&mut self, path: &str) -> Option<Option<Stat>> {
        proc::stat(self.host, path)
    }

    fn proc_list(&mut self, path: &str) -> Option<Result<Vec<String>, FileError>> {
        proc::list(self.host, path)
    }

    fn hostname(&self) -> &str {
        &self.host.name
    }

    fn which(&self, name: &str) -> Option<String> {
        let row = COMMANDS.iter().find(|row| row.name == name)?;
        Some(format!("{}/{name}", row.dir))
    }
}
