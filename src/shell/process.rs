//! Shells on hosts as the world sees them: started by a driver, woken by time and by what happens on their host.

use super::bash::{Shell, ShellState, Stream};
use super::machine::{HostMachine, Running};
use super::vfs::Vfs;
use crate::base::{NodeId, SimTime};
use crate::node::{Cx, Host};
use std::collections::BTreeMap;

/// The name of the shell that types.
pub(super) const SHELL: &str = "/usr/bin/bash";

/// A shell on a host.
#[derive(Clone, Debug)]
pub struct Process {
    /// Where.
    pub node: NodeId,
    /// The shell.
    pub shell: Shell<Running>,
    /// It waits for something to happen on its host.
    on_event: bool,
    /// It waits for a time.
    timed: bool,
    /// The world was asked to wake it at this time.
    armed: SimTime,
    /// Its script has ended, with this status.
    pub ended: Option<u8>,
}

/// Every shell of the world, and each host's files.
#[derive(Clone, Debug, Default)]
pub struct Processes {
    list: Vec<Process>,
    files: BTreeMap<NodeId, Vfs>,
    news: bool,
    events_wanted: u32,
}

/// When a shell wants to be resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume {
    /// At this time at the latest.
    pub at: Option<SimTime>,
}

impl Process {
    /// Whether what runs in the foreground waits for something to happen on its host, and for no time.
    pub fn waits_for_events_only(&self) -> bool {
        self.ended.is_none() && self.on_event && !self.timed
    }
}

impl Processes {
    /// Whether no other shell than this one is still at work, in the foreground or behind it.
    pub fn nobody_but(&self, pid: u32) -> bool {
        let works = |p: &Process| p.ended.is_none() || p.shell.background().is_some();
        !self.list.iter().enumerate().any(|(n, p)| n as u32 != pid && works(p) && (p.timed || p.ended.is_none()))
    }

    /// Puts a shell on a host; [`Processes::resume`] starts it. Returns its number.
    pub fn add(&mut self, node: NodeId, script: &str, seed: u64) -> u32 {
        let pid = self.list.len() as u32;
        let shell = Shell::new(script, SHELL).seed(seed).pid(1000 + pid);
        self.list.push(Process { node, shell, on_event: false, timed: false, armed: SimTime::ZERO, ended: None });
        pid
    }

    /// Puts a shell at a prompt on a host: it does what [`Processes::feed`] gives it. Returns its number.
    pub fn add_interactive(&mut self, node: NodeId, seed: u64) -> u32 {
        let pid = self.list.len() as u32;
        let shell = Shell::interactive("-bash").seed(seed).pid(1000 + pid);
        self.list.push(Process { node, shell, on_event: false, timed: false, armed: SimTime::ZERO, ended: Some(0) });
        pid
    }

    /// More text for a shell at a prompt; [`Processes::resume`] starts it.
    pub fn feed(&mut self, pid: u32, text: &str) {
        if let Some(process) = self.list.get_mut(pid as usize) {
            process.shell.feed(text);
            process.ended = None;
        }
    }

    /// Ctrl-C: what a shell at a prompt runs in the foreground ends.
    pub fn interrupt(&mut self, pid: u32, host: &mut Host, cx: &mut Cx<'_>) {
        let Some(process) = self.list.get_mut(pid as usize) else { return };
        let files = self.files.entry(process.node).or_default();
        let mut machine = HostMachine { host, cx, files, cwd: String::new(), terminal: false };
        process.shell.interrupt(&mut machine);
    }

    /// The numbers of all shells on a host.
    pub fn on(&self, node: NodeId) -> impl Iterator<Item = u32> + '_ {
        self.list.iter().enumerate().filter(move |(_, p)| p.node == node).map(|(pid, _)| pid as u32)
    }

    /// Names below a folder of a host, for completion; folders end in `/`.
    pub fn names_in(&self, node: NodeId, folder: &str) -> Vec<String> {
        let Some(files) = self.files.get(&node) else { return Vec::new() };
        let below = format!("{}/", folder.trim_end_matches('/'));
        let mut names: Vec<String> = files
            .below(folder)
            .iter()
            .filter_map(|path| path.strip_prefix(&below))
            .map(|rest| match rest.split_once('/') {
                Some((dir, _)) => format!("{dir}/"),
                None => rest.to_string(),
            })
            .collect();
        names.dedup();
        names
    }

    /// The text of a host's file, if there is one.
    pub fn file(&self, node: NodeId, path: &str) -> Option<&str> {
        self.files.get(&node)?.read(path).ok()
    }

    /// The texts of every file that was written on a host, by path.
    pub fn texts(&self, node: NodeId) -> Vec<String> {
        let Some(files) = self.files.get(&node) else { return Vec::new() };
        files.below("/").iter().filter_map(|path| files.read(path).ok()).map(str::to_string).collect()
    }

    /// A shell.
    pub fn get(&self, pid: u32) -> Option<&Process> {
        self.list.get(pid as usize)
    }

    /// The names of programs that were asked for and are not simulated.
    pub fn not_simulated(&self) -> impl Iterator<Item = &str> {
        self.list.iter().flat_map(|p| p.shell.not_simulated()).map(|(_, name)| name.as_str())
    }

    /// Whether anything is still being typed, or runs in the background.
    pub fn busy(&self) -> bool {
        self.list.iter().any(|p| p.ended.is_none() || p.shell.background().is_some())
    }

    /// What a shell printed so far, both streams together; it is handed over once.
    pub fn take_output(&mut self, pid: u32) -> Vec<(Stream, String)> {
        self.list.get_mut(pid as usize).map(|p| p.shell.take_output()).unwrap_or_default()
    }

    /// Whether a shell has ended since this was asked last.
    pub fn ended(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }

    /// The shells on a host that wait for something to happen there.
    pub fn waiting_on(&self, node: NodeId) -> Vec<u32> {
        if self.events_wanted == 0 {
            return Vec::new();
        }
        let waits = |p: &Process| p.node == node && p.on_event;
        (0..self.list.len()).filter(|&i| waits(&self.list[i])).map(|i| i as u32).collect()
    }

    /// Lets a shell go on as far as it can now.
    pub fn resume(&mut self, pid: u32, host: &mut Host, cx: &mut Cx<'_>) -> Resume {
        let Some(process) = self.list.get_mut(pid as usize) else { return Resume { at: None } };
        let files = self.files.entry(process.node).or_default();
        if std::mem::take(&mut process.on_event) {
            self.events_wanted -= 1;
        }
        let now = cx.now;
        let mut machine = HostMachine { host, cx, files, cwd: String::new(), terminal: false };
        let state = process.shell.resume(&mut machine);
        let wake = match state {
            ShellState::Waiting { until, on_event } => Some((until, on_event)),
            ShellState::Finished { status } => {
                if process.ended.is_none() {
                    process.ended = Some(status);
                    self.news = true;
                }
                process.shell.background().map(|w| (w.until, w.on_event))
            }
        };
        process.timed = wake.is_some_and(|(until, _)| until.is_some());
        let Some((until, on_event)) = wake else { return Resume { at: None } };
        if on_event {
            process.on_event = true;
            self.events_wanted += 1;
        }
        // Who was woken early by an event is still going to be woken: another call for the same moment would be one more each
        // time.
        let at = until.filter(|&until| process.armed <= now || process.armed > until);
        process.armed = at.unwrap_or(process.armed);
        Resume { at }
    }
}
