//! The virtual files of a host: `/proc/sys/net`, `/proc/net`, and what the kernel says of itself.

use super::identity::{RELEASE, VERSION};
use super::vfs::{FileError, Stat};
use crate::base::SimTime;
use crate::node::Host;
use crate::sysctl::WriteError;

const SYS: &str = "/proc/sys/";

/// A file of `/proc/net`: its name and what it shows.
pub struct NetFile {
    /// The name below `/proc/net`.
    pub name: &'static str,
    /// Its text.
    pub text: fn(&Host, SimTime) -> String,
}

/// The files of `/proc/net`, sorted by name.
pub const NET_FILES: &[NetFile] = &[
    NetFile { name: "arp", text: |h, _| crate::net::proc::proc_net_arp(&h.net) },
    NetFile { name: "dev", text: |h, _| crate::net::proc::proc_net_dev(&h.net) },
    NetFile {
        name: "ip_tables_names",
        text: |h, _| h.netfilter.loaded().map(|t| format!("{}\n", t.id.name())).collect(),
    },
    NetFile { name: "ip_vs", text: |h, now| h.ipvs.proc_services(now) },
    NetFile { name: "ip_vs_conn", text: |h, now| h.ipvs.proc_conns(now) },
    NetFile { name: "ip_vs_conn_sync", text: |h, now| h.ipvs.proc_conns_sync(now) },
    NetFile { name: "ip_vs_stats", text: |h, now| h.ipvs.proc_stats(now) },
    NetFile { name: "netstat", text: |h, _| h.proc_net_netstat() },
    NetFile { name: "nf_conntrack", text: |h, now| h.netfilter.conntrack.proc(now) },
    NetFile { name: "route", text: |h, _| crate::net::proc::proc_net_route(&h.net) },
    NetFile { name: "snmp", text: |h, _| h.proc_net_snmp() },
];

type Show = fn(&Host, SimTime) -> String;

/// The other files: a path and what it shows. None of them can be written here.
const OTHER_FILES: &[(&str, Show)] = &[
    // Everything is built in.
    ("/proc/modules", |_, _| String::new()),
    ("/proc/sys/kernel/hostname", |h, _| format!("{}\n", h.name)),
    ("/proc/sys/kernel/osrelease", |_, _| format!("{RELEASE}\n")),
    ("/proc/sys/kernel/ostype", |_, _| "Linux\n".to_string()),
    // What the table of variables cannot know.
    ("/proc/sys/net/netfilter/nf_conntrack_count", |h, now| {
        format!("{}\n", h.netfilter.conntrack.alive_now(now).len())
    }),
    // A simulated processor never has anything to do.
    ("/proc/uptime", |_, now| {
        let hundredths = now.0 / 10_000_000;
        let up = format!("{}.{:02}", hundredths / 100, hundredths % 100);
        format!("{up} {up}\n")
    }),
    ("/proc/version", |_, _| format!("Linux version {RELEASE} (simulated) {VERSION}\n")),
];

fn other_file(path: &str) -> Option<Show> {
    OTHER_FILES.iter().find(|(name, _)| *name == path).map(|(_, text)| *text)
}

/// The text of a virtual file; nothing if the path is not virtual.
pub fn read(host: &Host, now: SimTime, path: &str) -> Option<Result<String, FileError>> {
    if let Some(name) = path.strip_prefix("/proc/net/") {
        let file = NET_FILES.iter().find(|f| f.name == name);
        return Some(file.map(|f| (f.text)(host, now)).ok_or(FileError::NotFound));
    }
    if let Some(text) = other_file(path) {
        return Some(Ok(text(host, now)));
    }
    if !path.starts_with("/proc/") {
        return None;
    }
    Some(match host.net.sysctl.read(path) {
        Some(value) if path.starts_with(SYS) => Ok(value + "\n"),
        _ if is_dir(host, path) => Err(FileError::IsDirectory),
        _ => Err(FileError::NotFound),
    })
}

/// Writes a virtual file; nothing if the path is not virtual.
pub fn write(host: &mut Host, _now: SimTime, path: &str, text: &str) -> Option<Result<(), FileError>> {
    if !path.starts_with("/proc/") {
        return None;
    }
    if !path.starts_with(SYS) {
        return Some(Err(if read(host, SimTime::ZERO, path).is_some_and(|r| r.is_ok()) {
            FileError::Denied
        } else {
            FileError::NotFound
        }));
    }
    if is_dir(host, path) {
        return Some(Err(FileError::IsDirectory));
    }
    if other_file(path).is_some() {
        return Some(Err(FileError::Denied));
    }
    Some(host.net.sysctl_write(path, text).map_err(|e| match e {
        WriteError::NoSuchVariable => FileError::NotFound,
        WriteError::InvalidArgument => FileError::Invalid,
        WriteError::Denied => FileError::Denied,
    }))
}

/// Whether there is such a virtual path; nothing if it is not virtual.
pub fn stat(host: &Host, path: &str) -> Option<Option<Stat>> {
    if path != "/proc" && !path.starts_with("/proc/") {
        return None;
    }
    if is_dir(host, path) {
        return Some(Some(stat_of(true, 0o555)));
    }
    let writable = host.net.sysctl.writable(path) && path.starts_with(SYS);
    let there = read(host, SimTime::ZERO, path).is_some_and(|r| r.is_ok());
    Some(there.then(|| stat_of(false, if writable { 0o644 } else { 0o444 })))
}

/// The names in a virtual directory; nothing if the path is not virtual.
pub fn list(host: &Host, path: &str) -> Option<Result<Vec<String>, FileError>> {
    let path = path.trim_end_matches('/');
    if path != "/proc" && !path.starts_with("/proc/") {
        return None;
    }
    if !is_dir(host, path) {
        return Some(Err(FileError::NotFound));
    }
    let prefix = format!("{path}/");
    let mut names: Vec<String> = every_path(host)
        .iter()
        .filter_map(|p| p.strip_prefix(&prefix))
        .filter_map(|rest| rest.split('/').next())
        .map(str::to_string)
        .collect();
    names.sort_unstable();
    names.dedup();
    Some(Ok(names))
}

fn stat_of(dir: bool, mode: u32) -> Stat {
    Stat { dir, mode, size: 0, modified: SimTime::ZERO }
}

fn is_dir(host: &Host, path: &str) -> bool {
    let prefix = format!("{}/", path.trim_end_matches('/'));
    every_path(host).iter().any(|p| p.starts_with(&prefix))
}

fn every_path(host: &Host) -> Vec<String> {
    let sys = host.net.sysctl.paths().into_iter().map(|p| format!("{SYS}{}", p.replace('.', "/")));
    let other = OTHER_FILES.iter().map(|(path, _)| (*path).to_string());
    sys.chain(other).chain(NET_FILES.iter().map(|f| format!("/proc/net/{}", f.name))).collect()
}
