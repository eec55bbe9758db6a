//! `tcpdump` 4.99.3 with libpcap 1.10.3, as Debian 12 has them (tcpdump.c, pcap-linux.c): packets that pass a device.
//!
//! The options are in `args`, devices in `devices`, filters in `filter`, capture files in `file`; what is printed
//! about a packet is [`crate::wire::tcpdump`]'s. Two delays show: packets come in blocks that the kernel hands over once per
//! second (`-l`: ten times), and standard output, unless it is a terminal, comes in blocks of 4096 bytes (without `-l`
//! and `-U`). So what a program shows depends on when it is ended and how.
//!
//! Left out, refused by name: rotating files, other link types and time stamps than the usual ones, secrets, packet
//! types (`-T`), compiled filters (`-d`), several files at once (`-V`). Names of hosts are not looked up but `localhost`. A
//! device that goes down while it is listened to is waited for in silence.

mod args;
mod devices;
mod file;
mod filter;
mod print;

use self::args::{Args, Direction, MAXIMUM_SNAPLEN, Stop};
use self::file::{BadFile, Header, Saved};
use self::filter::{FilterError, Target};
use self::print::{Blocks, Printer};
use super::bash::{Exec, Machine as _, Output, Overlay, Stdin, Wait};
use super::machine::{HostMachine, Running};
use super::vfs::{FileError, Files as _, bytes_of_text, resolve, text_of_bytes};
use crate::base::{DevIdx, SimTime, Span};
use crate::node::host::{Captured, TapRequest};
use crate::wire::bpf::{Seen, Test};
use crate::wire::capture::{LinkType, PacketType};

/// A running `tcpdump`.
#[derive(Clone, Debug)]
pub struct Tcpdump {
    tap: u32,
    direction: Direction,
    count: Option<u64>,
    captured: u64,
    /// None: nothing is printed (`-w`, `--count`).
    printer: Option<Printer>,
    /// What is printed, until it is written.
    printed: Blocks,
    saved: Option<SaveFile>,
    /// `-U`: every packet is written at once.
    by_packet: bool,
    /// `-w -v`: when `Got N` is due, and the last N.
    report: Option<(SimTime, Option<u64>)>,
}

/// What `-w` writes.
#[derive(Clone, Debug)]
struct SaveFile {
    /// None: standard output.
    path: Option<String>,
    header: Header,
    blocks: Blocks,
}

/// `tcpdump ARGS`.
pub fn main(m: &mut HostMachine<'_, '_>, args: &[String], stdin: &mut Stdin<'_>, out: &mut Output) -> Exec<Running> {
    let started = args::parse(args).and_then(|args| match &args.read {
        _ if args.list => {
            out.stdout(&devices::list(&m.host.net));
            Ok(Exec::Done(0))
        }
        Some(name) => read(m, &args, name, stdin, out).map(Exec::Done),
        None => listen(m, &args, out).map(|running| Exec::Running(Running::Tcpdump(Box::new(running)))),
    });
    started.unwrap_or_else(|stop| {
        Exec::Done(match stop {
            Stop::Error(text) => {
                out.stderr(&format!("tcpdump: {text}\n"));
                1
            }
            Stop::Usage(text) => {
                out.stderr(&format!("tcpdump: {text}\n{}{}", args::VERSION, args::USAGE));
                1
            }
            Stop::Help => {
                out.stdout(&format!("{}{}", args::VERSION, args::USAGE));
                0
            }
            Stop::Version => {
                out.stdout(args::VERSION);
                0
            }
            Stop::NotSimulated(what) => {
                out.stderr(&format!("lvsim: tcpdump {what} is not simulated\n"));
                1
            }
        })
    })
}

/// The filter: out of a file (`-F`), else of the words of the command line.
fn filter_of(m: &mut HostMachine<'_, '_>, args: &Args, link: LinkType, savefile: bool) -> Result<Test, Stop> {
    let text = match &args.filter_file {
        None => args.words.join(" "),
        Some(name) => {
            let path = resolve(&m.cwd, name);
            let text = Overlay(&mut *m).read(&path);
            let text = text.map_err(|error| Stop::Error(format!("can't open {name}: {error}")))?;
            let uncommented = |line: &str| line.split('#').next().unwrap_or("").to_string();
            text.lines().map(uncommented).collect::<Vec<_>>().join("\n")
        }
    };
    let target = Target { link, savefile, optimize: !args.unoptimized };
    filter::compile(&text, target).map_err(|error| match error {
        FilterError::Pcap(text) => Stop::Error(text),
        FilterError::NotSimulated(what) => Stop::NotSimulated(format!("with {what}")),
    })
}

/// Opens what `-w` writes.
fn save_file(m: &mut HostMachine<'_, '_>, args: &Args, header: Header) -> Result<Option<SaveFile>, Stop> {
    let Some(name) = &args.write else { return Ok(None) };
    let path = (name != "-").then(|| resolve(&m.cwd, name));
    if let Some(path) = &path {
        let emptied = Overlay(&mut *m).write(path, "", false);
        emptied.map_err(|error| Stop::Error(format!("{name}: {error}")))?;
    }
    let mut file = SaveFile { path, header, blocks: Blocks::default() };
    // The header waits for the first block to be full, too, unless -U is given.
    file.blocks.add(&text_of_bytes(&header.bytes()));
    Ok(Some(file))
}

/// Captures from a device.
fn listen(m: &mut HostMachine<'_, '_>, args: &Args, out: &mut Output) -> Result<Tcpdump, Stop> {
    let source = devices::find(&m.host.net, args.device.as_deref())?;
    if source.link == LinkType::LinuxSll2 {
        out.stderr(&format!("tcpdump: data link type {}\n", source.link.name()));
    }
    let snaplen = if args.snaplen == 0 { MAXIMUM_SNAPLEN } else { args.snaplen };
    let filter = filter_of(m, args, source.link, false)?;
    let saved = save_file(m, args, Header { link: source.link, snaplen, nano: args.nano })?;
    let prints = saved.is_none() || args.print;
    let head = match (args.style.verbose, &args.write) {
        (0, None) => "verbose output suppressed, use -v[v]... for full protocol decode\n",
        _ => "",
    };
    out.stderr(&format!(
        "tcpdump: {head}listening on {}, link-type {} ({}), snapshot length {snaplen} bytes\n",
        source.name,
        source.link.name(),
        source.link.description()
    ));
    let timeout = if prints && args.by_line { Span::from_millis(100) } else { Span::from_secs(1) };
    let now = m.cx.now;
    let request = TapRequest {
        dev: source.dev,
        link: source.link,
        filter,
        snaplen,
        timeout: (!args.immediate).then_some(timeout),
    };
    let reports = args.style.verbose > 0 && saved.is_some() && !args.print;
    let at_once = m.terminal || args.by_line || (args.by_packet && saved.is_none());
    let mut running = Tcpdump {
        tap: m.host.open_tap(request, now),
        direction: args.direction,
        count: args.count,
        captured: 0,
        printer: (prints && !args.count_only || args.print).then(|| Printer::new(args, source.link)),
        printed: if at_once { Blocks::none() } else { Blocks::default() },
        saved,
        by_packet: args.by_packet,
        report: reports.then_some((now + Span::from_secs(1), None)),
    };
    if args.by_packet
        && let Err(error) = running.save(m, true, out)
    {
        m.host.close_tap(running.tap);
        return Err(Stop::Error(error.to_string()));
    }
    Ok(running)
}

/// Reads a capture file (`-r`).
fn read(
    m: &mut HostMachine<'_, '_>,
    args: &Args,
    name: &str,
    stdin: &mut Stdin<'_>,
    out: &mut Output,
) -> Result<u8, Stop> {
    let bytes = if name == "-" {
        bytes_of_text(stdin.read())
    } else {
        let path = resolve(&m.cwd, name);
        let text = Overlay(&mut *m).read(&path);
        bytes_of_text(&text.map_err(|error| match error {
            FileError::IsDirectory => Stop::Error(format!("error reading dump file: {error}")),
            _ => Stop::Error(format!("{name}: {error}")),
        })?)
    };
    let header = Header::read(&bytes).map_err(|error| match error {
        BadFile::Pcap(text) => Stop::Error(text),
        BadFile::NotSimulated(what) => Stop::NotSimulated(format!("-r {what}")),
    })?;
    out.stderr(&format!(
        "reading from file {name}, link-type {} ({}), snapshot length {}\n",
        header.link.name(),
        header.link.description(),
        header.snaplen
    ));
    if header.link == LinkType::LinuxSll2 {
        out.stderr("Warning: interface names might be incorrect\n");
    }
    let filter = filter_of(m, args, header.link, true)?;
    let mut saved = save_file(m, args, Header { nano: args.nano, ..header })?;
    let prints = args.print || saved.is_none() && !args.count_only;
    let mut printer = prints.then(|| Printer::new(args, header.link));
    let mut captured = 0u64;
    let mut at = header.bytes().len();
    let status = loop {
        if args.count == Some(captured) {
            break 0;
        }
        let packet = match file::next_packet(header, &bytes, &mut at) {
            Ok(Some(packet)) => packet,
            Ok(None) => break 0,
            Err(error) => {
                out.stderr(&format!("tcpdump: pcap_loop: {error}\n"));
                break 1;
            }
        };
        // Which way it went is not in the file, and a filter that asks is refused before.
        let seen = Seen { bytes: &packet.bytes, len: packet.len, kind: PacketType::Host, ifindex: 0 };
        if !filter.accepts(seen) {
            continue;
        }
        captured += 1;
        if let Some(file) = &mut saved {
            file.blocks.add(&text_of_bytes(&file.header.packet(&packet)));
        }
        if let Some(printer) = &mut printer {
            out.stdout(&printer.line(&packet, captured, &m.host.net));
        }
    };
    if let Some(file) = &mut saved {
        let rest = file.blocks.rest();
        write(m, file.path.as_deref(), &rest, out).map_err(|error| Stop::Error(error.to_string()))?;
    }
    if args.count_only {
        out.stdout(&format!("{}\n", packets(captured)));
    }
    Ok(status)
}

/// Adds to a file, or to standard output.
fn write(m: &mut HostMachine<'_, '_>, path: Option<&str>, text: &str, out: &mut Output) -> Result<(), FileError> {
    match path {
        Some(_) if text.is_empty() => Ok(()),
        Some(path) => Overlay(&mut *m).write(path, text, true),
        None => {
            out.stdout(text);
            Ok(())
        }
    }
}

/// `1 packet`, `2 packets`.
fn packets(n: u64) -> String {
    format!("{n} packet{}", if n == 1 { "" } else { "s" })
}

impl Tcpdump {
    /// Reads the blocks that are closed, and waits for the next one.
    pub fn poll(&mut self, m: &mut HostMachine<'_, '_>, out: &mut Output) -> Wait {
        let (status, closes) = self.take(m, out);
        if let Some(status) = status {
            return Wait::Done(status);
        }
        let report = self.report(m.cx.now, out);
        match closes.into_iter().chain(report).min() {
            Some(at) => Wait::UntilOrEvent(at),
            None => Wait::Event,
        }
    }

    /// A signal: those that people send end it with its statistics.
    pub fn signal(&mut self, m: &mut HostMachine<'_, '_>, signal: u8, out: &mut Output) -> Option<u8> {
        const HUP: u8 = 1;
        const INT: u8 = 2;
        const USR1: u8 = 10;
        const USR2: u8 = 12;
        const PIPE: u8 = 13;
        const TERM: u8 = 15;
        // What was handed over before has been read before.
        if let (Some(status), _) = self.take(m, out) {
            return Some(status);
        }
        match signal {
            HUP | INT | PIPE | TERM => Some(self.finish(m, true, out)),
            USR1 => {
                let counts = self.counts(m);
                out.stderr(&format!("tcpdump: {}\n", counts.join(", ")));
                None
            }
            USR2 => match self.save(m, true, out) {
                Ok(()) => None,
                Err(error) => Some(self.give_up(m, error, out)),
            },
            other => {
                m.host.close_tap(self.tap);
                Some(128 + other)
            }
        }
    }

    /// Reads what the kernel has handed over. The status if that was enough, and when it hands over more.
    fn take(&mut self, m: &mut HostMachine<'_, '_>, out: &mut Output) -> (Option<u8>, Option<SimTime>) {
        let (list, closes) = m.host.read_tap(self.tap, m.cx.now);
        for packet in list {
            if !self.wanted(&packet) {
                continue;
            }
            self.captured += 1;
            self.one(m, &packet);
            if let Err(error) = self.save(m, self.by_packet, out) {
                return (Some(self.give_up(m, error, out)), None);
            }
            out.stdout(&self.printed.full());
            if self.count == Some(self.captured) {
                return (Some(self.finish(m, false, out)), None);
            }
        }
        (None, closes)
    }

    /// Whether libpcap keeps it (`linux_check_direction`): a packet that leaves through `lo` comes back through it.
    fn wanted(&self, packet: &Captured) -> bool {
        let leaves = packet.kind == PacketType::Outgoing;
        match self.direction {
            _ if leaves && packet.dev == DevIdx::LO => false,
            Direction::Both => true,
            Direction::In => !leaves,
            Direction::Out => leaves,
        }
    }

    /// Prints and saves a packet, as far as asked.
    fn one(&mut self, m: &mut HostMachine<'_, '_>, packet: &Captured) {
        let (secs, nanos) = m.unix_time();
        // The host's clock runs evenly: what it showed then.
        let ago = i128::from(m.cx.now.since(packet.at).0);
        let then = i128::from(secs) * 1_000_000_000 + i128::from(nanos) - ago;
        let time = (then.div_euclid(1_000_000_000) as i64, then.rem_euclid(1_000_000_000) as u32);
        let packet = Saved { time, len: packet.len, bytes: packet.bytes.clone() };
        if let Some(file) = &mut self.saved {
            file.blocks.add(&text_of_bytes(&file.header.packet(&packet)));
        }
        if let Some(printer) = &mut self.printer {
            let line = printer.line(&packet, self.captured, &m.host.net);
            self.printed.add(&line);
        }
    }

    /// Writes full blocks of the capture file, or all there is.
    fn save(&mut self, m: &mut HostMachine<'_, '_>, all: bool, out: &mut Output) -> Result<(), FileError> {
        let Some(file) = &mut self.saved else { return Ok(()) };
        let text = if all { file.blocks.rest() } else { file.blocks.full() };
        write(m, file.path.as_deref(), &text, out)
    }

    /// `Got N`, once per second while a capture is written (`verbose_stats_dump`). When it is due next.
    fn report(&mut self, now: SimTime, out: &mut Output) -> Option<SimTime> {
        let (due, last) = self.report.as_mut()?;
        while *due <= now {
            *due += Span::from_secs(1);
            if *last != Some(self.captured) {
                *last = Some(self.captured);
                out.stderr(&format!("Got {}\r", self.captured));
            }
        }
        Some(*due)
    }

    /// The three counts of the end.
    fn counts(&self, m: &HostMachine<'_, '_>) -> [String; 3] {
        let kernel = m.host.tap_counts(self.tap);
        [
            format!("{} captured", packets(self.captured)),
            format!("{} received by filter", packets(kernel.received)),
            format!("{} dropped by kernel", packets(kernel.dropped)),
        ]
    }

    fn finish(&mut self, m: &mut HostMachine<'_, '_>, interrupted: bool, out: &mut Output) -> u8 {
        if self.saved.is_none() && interrupted {
            // In case a line was not finished.
            self.printed.add("\n");
        }
        out.stdout(&self.printed.rest());
        let counts = self.counts(m);
        out.stderr(&(counts.join("\n") + "\n"));
        m.host.close_tap(self.tap);
        match self.save(m, true, out) {
            Ok(()) => 0,
            Err(error) => self.give_up(m, error, out),
        }
    }

    /// A file of a simulated host has a largest size.
    fn give_up(&mut self, m: &mut HostMachine<'_, '_>, error: FileError, out: &mut Output) -> u8 {
        m.host.close_tap(self.tap);
        out.stderr(&format!("tcpdump: {error}\n"));
        1
    }
}
