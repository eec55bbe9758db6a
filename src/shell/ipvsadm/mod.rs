//! `ipvsadm` 1.31 with `ipvsadm-save` and `ipvsadm-restore`, as Debian 12 has them.
//!
//! The command line is read as the popt library does ([`popt`]), checked ([`rules`], [`args`]), and handed to IPVS.
//! Exit status: 2 for what ipvsadm refuses itself, 255 for what the kernel or popt refuses, 1 for `-L` of a service that
//! does not exist.
//!
//! Left out, and refused by name with status 2: IPv6, SCTP, GUE and GRE tunnels. Host names other than `localhost` are not looked up. `--nosort` lists services newest first;
//! in the kernel their order depends on a hash of pointers.

pub mod args;
pub mod list;
pub mod popt;
pub mod rules;
pub mod services;
#[cfg(test)]
mod tests;
pub mod words;

use super::Output;
use crate::base::SimTime;
use crate::ipvs::{CtlCx, CtlError, DestSpec, Ipvs, IpvsAct, McastIf, ServiceKey};
use crate::sysctl::Sysctls;
use crate::trace::TraceEvent;
use args::{Refusal, Request};
use list::Format;
use rules::{Command, Opt};

const VERSION: &str = "ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\n";
const USAGE: &str = include_str!("usage.txt");
const TRY_HELP: &str = "Try `ipvsadm -h' or 'ipvsadm --help' for more information.\n";

const OK: u8 = 0;
const FAILED: u8 = 2;
/// -1
const REFUSED: u8 = 255;

/// `ipvsadm`, with its arguments and what it may read. Returns the exit status.
///
/// `iface` finds an interface by its name; what the host is to do afterwards is put into `acts`.
#[allow(clippy::too_many_arguments)]
pub fn main(
    ipvs: &mut Ipvs,
    sysctl: &Sysctls,
    now: SimTime,
    iface: &dyn Fn(&str) -> Option<McastIf>,
    args: &[String],
    stdin: &str,
    out: &mut Output,
    acts: &mut Vec<IpvsAct>,
) -> u8 {
    Session { ipvs, cx: CtlCx { now, sysctl }, iface, out, acts }.run(args, stdin)
}

/// What `ipvsadm -L …` prints, for those who may only look; nothing if `args` ask for something else.
pub fn look(ipvs: &Ipvs, now: SimTime, args: &[String]) -> String {
    let request = args::read(args).ok().filter(|request| matches!(request.command, Command::List));
    request.and_then(|request| listing(ipvs, now, &request)).unwrap_or_default()
}

/// None: there is no such service.
fn listing(ipvs: &Ipvs, now: SimTime, request: &Request) -> Option<String> {
    let opts = request.opts;
    let format = Format::of(opts);
    Some(if opts.has(Opt::Connection) {
        list::connections(ipvs, now, request)
    } else if opts.has(Opt::ServiceAddress) {
        list::one(&ipvs.service(&request.key)?, now, format)
    } else if opts.has(Opt::Timeout) {
        list::timeouts(ipvs)
    } else if opts.has(Opt::Daemon) {
        list::daemons(ipvs)
    } else {
        list::table(ipvs, now, format)
    })
}

/// `ipvsadm-save [-n]`: the table as commands.
#[allow(clippy::too_many_arguments)]
pub fn save_main(
    ipvs: &mut Ipvs,
    sysctl: &Sysctls,
    now: SimTime,
    iface: &dyn Fn(&str) -> Option<McastIf>,
    args: &[String],
    stdin: &str,
    out: &mut Output,
    acts: &mut Vec<IpvsAct>,
) -> u8 {
    if args.iter().any(|arg| arg.starts_with('-') && arg != "-n") {
        out.stderr("ipvsadm-save: Script to save the IPVS table to stdout.\n");
        out.stderr("   With the -n option, prints out the table in numeric format.\n");
        return 1;
    }
    let mut command = vec!["-S".to_string()];
    if args.iter().any(|arg| arg == "-n") {
        command.push("-n".to_string());
    }
    main(ipvs, sysctl, now, iface, &command, stdin, out, acts)
}

/// `ipvsadm-restore`: clears the table, then carries out the lines of standard input but those that begin with `#`.
#[allow(clippy::too_many_arguments)]
pub fn restore_main(
    ipvs: &mut Ipvs,
    sysctl: &Sysctls,
    now: SimTime,
    iface: &dyn Fn(&str) -> Option<McastIf>,
    _args: &[String],
    stdin: &str,
    out: &mut Output,
    acts: &mut Vec<IpvsAct>,
) -> u8 {
    let lines: Vec<&str> = stdin.lines().filter(|line| !line.starts_with('#')).collect();
    main(ipvs, sysctl, now, iface, &["-C".to_string()], "", out, acts);
    main(ipvs, sysctl, now, iface, &["-R".to_string()], &lines.join("\n"), out, acts)
}

/// How a command line ended.
enum End {
    /// With this status; a restore goes on with the next line.
    Status(u8),
    /// With this status, and the whole program with it.
    Exit(u8),
}

struct Session<'a> {
    ipvs: &'a mut Ipvs,
    cx: CtlCx<'a>,
    iface: &'a dyn Fn(&str) -> Option<McastIf>,
    out: &'a mut Output,
    acts: &'a mut Vec<IpvsAct>,
}

impl Session<'_> {
    fn run(&mut self, args: &[String], stdin: &str) -> u8 {
        if args.is_empty() {
            let text = list::table(self.ipvs, self.cx.now, Format::of(rules::Opts::default()));
            self.out.stdout(&text);
            return OK;
        }
        match self.line(args, Some(stdin)) {
            End::Status(status) | End::Exit(status) => status,
        }
    }

    /// One command line; without `stdin` it is itself a line of a restore.
    fn line(&mut self, args: &[String], stdin: Option<&str>) -> End {
        let request = match args::read(args) {
            Ok(request) => request,
            Err(refusal) => return self.refuse(refusal),
        };
        match request.command {
            Command::List => self.list(&request),
            Command::Save => {
                let format = Format::rules(request.opts.has(Opt::Numeric));
                let text = list::table(self.ipvs, self.cx.now, format);
                self.out.stdout(&text);
                End::Status(OK)
            }
            Command::Restore => match stdin {
                Some(text) => self.restore(text),
                None => self.refuse(Refusal::TryHelp),
            },
            _ => match self.change(request) {
                Ok(()) => End::Status(OK),
                Err(e) => {
                    self.out.stderr(&format!("{e}\n"));
                    End::Status(REFUSED)
                }
            },
        }
    }

    fn refuse(&mut self, refusal: Refusal) -> End {
        match refusal {
            Refusal::Fail(text) => {
                self.out.stderr(&format!("{text}\n"));
                End::Exit(FAILED)
            }
            Refusal::NotSimulated(what) => {
                self.out.stderr(&format!("lvsim: ipvsadm: {what}\n"));
                End::Exit(FAILED)
            }
            Refusal::TryHelp => {
                self.out.stderr(TRY_HELP);
                End::Exit(REFUSED)
            }
            Refusal::Option(text) => {
                self.out.stderr(&format!("{text}\n"));
                End::Status(REFUSED)
            }
            Refusal::Usage => {
                self.out.stdout(VERSION);
                self.out.stdout(USAGE);
                End::Exit(OK)
            }
            Refusal::Version => {
                self.out.stdout(VERSION);
                End::Exit(OK)
            }
        }
    }

    fn list(&mut self, request: &Request) -> End {
        match listing(self.ipvs, self.cx.now, request) {
            Some(text) => {
                self.out.stdout(&text);
                End::Status(OK)
            }
            None => {
                self.out.stderr("No such service\n");
                End::Exit(1)
            }
        }
    }

    fn change(&mut self, request: Request) -> Result<(), CtlError> {
        let Request { key, service, server, timeouts: [tcp, fin, udp], role, daemon, .. } = request;
        let (ipvs, cx) = (&mut *self.ipvs, &self.cx);
        match request.command {
            Command::AddService => ipvs.add_service(cx, key, service),
            Command::EditService => ipvs.edit_service(cx, key, service),
            Command::DeleteService => ipvs.del_service(cx, key),
            Command::AddServer => {
                ipvs.add_dest(cx, key, server)?;
                self.tell(key, server, Some((server.method.column(), server.weight)));
                Ok(())
            }
            Command::EditServer => {
                ipvs.edit_dest(cx, key, server)?;
                self.tell(key, server, Some((server.method.column(), server.weight)));
                Ok(())
            }
            Command::DeleteServer => {
                ipvs.del_dest(cx, key, server)?;
                self.tell(key, server, None);
                Ok(())
            }
            Command::Zero => ipvs.zero(cx, request.opts.has(Opt::ServiceAddress).then_some(key)),
            Command::Set => ipvs.set_timeouts(tcp, fin, udp),
            Command::StartDaemon => {
                let iface = (self.iface)(&daemon.iface);
                ipvs.start_daemon(cx, role, &daemon, iface, self.acts)
            }
            Command::StopDaemon => ipvs.stop_daemon(role, self.acts),
            _ => {
                ipvs.flush(cx);
                Ok(())
            }
        }
    }

    /// For the trace: what became of a server.
    fn tell(&mut self, key: ServiceKey, server: DestSpec, to: Option<(&'static str, i32)>) {
        let (service, dest) = (key.to_string().into(), (server.addr, server.port));
        self.acts.push(IpvsAct::Event(TraceEvent::ServerSet { service, dest, to }));
    }

    /// Lines until one ends the program; the status is that of the last one.
    fn restore(&mut self, text: &str) -> End {
        let mut status = OK;
        for line in text.lines() {
            let args: Vec<String> = line.split_ascii_whitespace().map(str::to_string).collect();
            if args.is_empty() {
                continue;
            }
            match self.line(&args, None) {
                End::Status(s) => status = s,
                exit @ End::Exit(_) => return exit,
            }
        }
        End::Status(status)
    }
}
