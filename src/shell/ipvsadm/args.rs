//! The command line of ipvsadm 1.31: what is asked for, or why it is refused before the kernel hears of it.

use super::popt::{OptionRow, Popt, Takes};
use super::rules::{Command, Opt, Opts};
use super::words::{self, BadEndpoint};
use crate::ipvs::{DaemonSpec, DestSpec, Method, Role, ServiceKey, ServiceSpec};
use crate::wire::Proto;
use std::net::Ipv4Addr;

/// Persistence in seconds that a bare `-p` stands for.
pub const DEFAULT_PERSISTENCE: u32 = 360;
const MAX_TIMEOUT: i64 = 31 * 86_400;
/// What ipvsadm takes for `--mcast-interface`.
const DEFAULT_INTERFACE: &str = "eth0";

/// What a command line asks for.
#[derive(Clone, Debug)]
pub struct Request {
    /// What to do.
    pub command: Command,
    /// The options that were given.
    pub opts: Opts,
    /// The virtual service, if one was named.
    pub key: ServiceKey,
    /// What is said about the service.
    pub service: ServiceSpec,
    /// The server.
    pub server: DestSpec,
    /// `--set`: seconds of ESTABLISHED, FIN_WAIT and UDP.
    pub timeouts: [u32; 3],
    /// `--start-daemon` and `--stop-daemon`: which.
    pub role: Role,
    /// What is said about the daemon.
    pub daemon: DaemonSpec,
}

/// Why a command line is not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// ipvsadm says why and ends (2).
    Fail(String),
    /// "Try `ipvsadm -h'": no command where one must be (255).
    TryHelp,
    /// The option parser's error (255); a restore goes on after it.
    Option(String),
    /// `-h`.
    Usage,
    /// `-v`.
    Version,
    /// A real ipvsadm would do it, lvsim does not.
    NotSimulated(&'static str),
}

fn fail<T>(text: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Fail(text.into()))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Means {
    Command(Command),
    Help,
    Version,
    Service(Proto),
    Sctp,
    Mark,
    Server,
    Forward(Method),
    Ipv6,
    Sort,
    Other(Opt),
}

const fn row(long: &'static str, short: Option<char>, takes: Takes, means: Means) -> OptionRow<Means> {
    OptionRow { long, short, takes, means }
}

#[rustfmt::skip]
const TABLE: &[OptionRow<Means>] = {
    use Means::{Command as Cmd, Forward, Help, Ipv6, Mark, Other, Sctp, Server, Service, Sort, Version};
    use Takes::{Argument, MaybeArgument, Nothing};
    &[
        row("add-service", Some('A'), Nothing, Cmd(Command::AddService)),
        row("edit-service", Some('E'), Nothing, Cmd(Command::EditService)),
        row("delete-service", Some('D'), Nothing, Cmd(Command::DeleteService)),
        row("clear", Some('C'), Nothing, Cmd(Command::Flush)),
        row("list", Some('L'), Nothing, Cmd(Command::List)),
        row("list", Some('l'), Nothing, Cmd(Command::List)),
        row("zero", Some('Z'), Nothing, Cmd(Command::Zero)),
        row("add-server", Some('a'), Nothing, Cmd(Command::AddServer)),
        row("edit-server", Some('e'), Nothing, Cmd(Command::EditServer)),
        row("delete-server", Some('d'), Nothing, Cmd(Command::DeleteServer)),
        row("set", None, Nothing, Cmd(Command::Set)),
        row("help", Some('h'), Nothing, Help),
        row("version", Some('v'), Nothing, Version),
        row("restore", Some('R'), Nothing, Cmd(Command::Restore)),
        row("save", Some('S'), Nothing, Cmd(Command::Save)),
        row("start-daemon", None, Argument, Cmd(Command::StartDaemon)),
        row("stop-daemon", None, Argument, Cmd(Command::StopDaemon)),
        row("tcp-service", Some('t'), Argument, Service(Proto::Tcp)),
        row("udp-service", Some('u'), Argument, Service(Proto::Udp)),
        row("sctp-service", None, Argument, Sctp),
        row("fwmark-service", Some('f'), Argument, Mark),
        row("scheduler", Some('s'), Argument, Other(Opt::Scheduler)),
        row("persistent", Some('p'), MaybeArgument, Other(Opt::Persistent)),
        row("netmask", Some('M'), Argument, Other(Opt::Netmask)),
        row("real-server", Some('r'), Argument, Server),
        row("masquerading", Some('m'), Nothing, Forward(Method::Nat)),
        row("ipip", Some('i'), Nothing, Forward(Method::Tun)),
        row("gatewaying", Some('g'), Nothing, Forward(Method::Dr)),
        row("weight", Some('w'), Argument, Other(Opt::Weight)),
        row("u-threshold", Some('x'), Argument, Other(Opt::UThreshold)),
        row("l-threshold", Some('y'), Argument, Other(Opt::LThreshold)),
        row("numeric", Some('n'), Nothing, Other(Opt::Numeric)),
        row("connection", Some('c'), Nothing, Other(Opt::Connection)),
        row("mcast-interface", None, Argument, Other(Opt::McastInterface)),
        row("syncid", None, Argument, Other(Opt::Syncid)),
        row("timeout", None, Nothing, Other(Opt::Timeout)),
        row("daemon", None, Nothing, Other(Opt::Daemon)),
        row("stats", None, Nothing, Other(Opt::Stats)),
        row("rate", None, Nothing, Other(Opt::Rate)),
        row("thresholds", None, Nothing, Other(Opt::Thresholds)),
        row("persistent-conn", None, Nothing, Other(Opt::PersistentConn)),
        row("nosort", None, Nothing, Other(Opt::Nosort)),
        row("sort", None, Nothing, Sort),
        row("exact", Some('X'), Nothing, Other(Opt::Exact)),
        row("ipv6", Some('6'), Nothing, Ipv6),
        row("ops", Some('o'), Nothing, Other(Opt::Ops)),
        row("pe", None, Argument, Other(Opt::Pe)),
        row("sched-flags", Some('b'), Argument, Other(Opt::SchedFlags)),
        row("mcast-group", None, Argument, Other(Opt::McastGroup)),
        row("mcast-port", None, Argument, Other(Opt::McastPort)),
        row("mcast-ttl", None, Argument, Other(Opt::McastTtl)),
        row("sync-maxlen", None, Argument, Other(Opt::SyncMaxlen)),
        row("tun-info", None, Nothing, Other(Opt::TunInfo)),
        row("tun-type", None, Argument, Other(Opt::TunType)),
        row("tun-port", None, Argument, Other(Opt::TunPort)),
        row("tun-nocsum", None, Nothing, Other(Opt::TunNocsum)),
        row("tun-csum", None, Nothing, Other(Opt::TunCsum)),
        row("tun-remcsum", None, Nothing, Other(Opt::TunRemcsum)),
    ]
};

/// What was read so far.
struct Reader {
    opts: Opts,
    proto: Option<Proto>,
    addr: Ipv4Addr,
    port: u16,
    mark: Option<u32>,
    service: ServiceSpec,
    server: DestSpec,
    role: Role,
    daemon: DaemonSpec,
    tun_type: &'static str,
    engine: String,
}

/// Reads a command line (without the program's name).
///
/// # Errors
/// See [`Refusal`].
pub fn read(args: &[String]) -> Result<Request, Refusal> {
    let mut popt = Popt::new(TABLE, args);
    let (command, role) = first(&mut popt)?;
    let mut reader = Reader::new(role);
    while let Some(next) = popt.option() {
        match next {
            Ok((Means::Command(_) | Means::Help | Means::Version, _)) => {
                return fail(format!("invalid option `{}'", popt.last_word()));
            }
            Ok((means, argument)) => reader.option(means, argument)?,
            Err(e) => return Err(Refusal::Option(format!("{}: {e}", popt.last_word()))),
        }
    }
    let mut words = popt.words();
    let mut timeouts = [0; 3];
    if command == Command::Set {
        let [tcp, fin, udp, rest @ ..] = words else {
            return fail("--set option requires 3 timeout values");
        };
        timeouts = [timeout(tcp, 0)?, timeout(fin, 0)?, timeout(udp, 0)?];
        words = rest;
    }
    if let Some(word) = words.first() {
        return fail(format!("unexpected argument {word}"));
    }
    command.check(reader.opts).map_err(Refusal::Fail)?;
    reader.finish(command, timeouts)
}

/// The command comes first; with it the daemon that it is about, if it is about one.
fn first(popt: &mut Popt<'_, Means>) -> Result<(Command, Role), Refusal> {
    match popt.option() {
        Some(Ok((Means::Command(command), state))) => match (command, state) {
            (_, None | Some("master")) => Ok((command, Role::Master)),
            (_, Some("backup")) => Ok((command, Role::Backup)),
            (Command::StartDaemon, _) => fail("illegal start-daemon parameter specified"),
            _ => fail("illegal start_daemon specified"),
        },
        Some(Ok((Means::Help, _))) => Err(Refusal::Usage),
        Some(Ok((Means::Version, _))) => Err(Refusal::Version),
        _ => Err(Refusal::TryHelp),
    }
}

fn timeout(text: &str, min: i64) -> Result<u32, Refusal> {
    match words::number(text, min, MAX_TIMEOUT) {
        Some(n) => Ok(n as u32),
        None => fail(format!("invalid timeout value `{text}' specified")),
    }
}

fn in_range(text: &str, min: i64, max: i64, what: &str) -> Result<u32, Refusal> {
    match words::number(text, min, max) {
        Some(n) => Ok(n as u32),
        None => fail(format!("illegal {what} specified")),
    }
}

impl Reader {
    fn new(role: Role) -> Reader {
        let server = DestSpec {
            addr: Ipv4Addr::UNSPECIFIED,
            port: 0,
            method: Method::Dr,
            weight: 1,
            u_threshold: 0,
            l_threshold: 0,
        };
        Reader {
            opts: Opts::default(),
            proto: None,
            addr: Ipv4Addr::UNSPECIFIED,
            port: 0,
            mark: None,
            service: ServiceSpec { scheduler: "".into(), ..ServiceSpec::default() },
            server,
            role,
            daemon: DaemonSpec { iface: DEFAULT_INTERFACE.into(), syncid: 0, maxlen: 0, group: None, port: 0, ttl: 0 },
            tun_type: "ipip",
            engine: String::new(),
        }
    }

    fn option(&mut self, means: Means, argument: Option<&str>) -> Result<(), Refusal> {
        let text = argument.unwrap_or_default();
        match means {
            Means::Service(proto) => {
                self.given(Opt::ServiceAddress)?;
                self.proto = Some(proto);
                let (addr, port) = endpoint(text, self.proto, "virtual server")?;
                self.addr = addr;
                self.port = port.unwrap_or(self.port);
            }
            Means::Sctp => return Err(Refusal::NotSimulated("SCTP services are not simulated")),
            Means::Mark => {
                self.given(Opt::ServiceAddress)?;
                // Also for a mark: names of the servers' ports are looked up for TCP.
                self.proto = Some(Proto::Tcp);
                match words::number(text, 1, i64::from(u32::MAX)) {
                    Some(mark) => self.mark = Some(mark as u32),
                    None => return fail(format!("invalid fwmark value `{text}' specified")),
                }
            }
            Means::Server => {
                self.given(Opt::RealServer)?;
                let (addr, port) = endpoint(text, self.proto, "real server")?;
                self.server.addr = addr;
                // The service's port as far as it has been named.
                self.server.port = port.unwrap_or(self.port);
            }
            Means::Forward(method) => {
                self.given(Opt::ForwardingMethod)?;
                self.server.method = method;
            }
            Means::Ipv6 if self.mark.is_some() => return Err(Refusal::NotSimulated("IPv6 is not simulated")),
            Means::Ipv6 => return fail("-6 used before -f\n"),
            Means::Other(opt) => {
                self.given(opt)?;
                self.value(opt, argument)?;
            }
            Means::Sort | Means::Command(_) | Means::Help | Means::Version => {}
        }
        Ok(())
    }

    fn given(&mut self, opt: Opt) -> Result<(), Refusal> {
        self.opts.set(opt).map_err(Refusal::Fail)
    }

    fn value(&mut self, opt: Opt, argument: Option<&str>) -> Result<(), Refusal> {
        const INT_MAX: i64 = i32::MAX as i64;
        let text = argument.unwrap_or_default();
        match opt {
            Opt::Scheduler => self.service.scheduler = text.into(),
            Opt::Persistent => {
                let seconds = argument.map_or(Ok(DEFAULT_PERSISTENCE), |text| timeout(text, 1))?;
                self.service.persistent = Some(seconds);
            }
            Opt::Netmask => match crate::shell::words::address(text) {
                Some(mask) => self.service.netmask = mask,
                None => return fail("illegal virtual server persistent mask specified"),
            },
            Opt::Weight => self.server.weight = in_range(text, 0, INT_MAX, "weight")? as i32,
            Opt::UThreshold => self.server.u_threshold = in_range(text, 0, INT_MAX, "u_threshold")?,
            Opt::LThreshold => self.server.l_threshold = in_range(text, 0, INT_MAX, "l_threshold")?,
            Opt::Ops => self.service.ops = true,
            Opt::Pe => self.engine = text.to_string(),
            Opt::SchedFlags => {
                self.service.flags = words::sched_flags(text, scheduler(&self.service)).map_err(Refusal::Fail)?;
            }
            Opt::McastInterface if !text.is_empty() => self.daemon.iface = text.into(),
            Opt::Syncid => self.daemon.syncid = in_range(text, 0, 255, "syncid")? as u8,
            Opt::McastGroup => match crate::shell::words::inet_aton(text).filter(|group| group.is_multicast()) {
                Some(group) => self.daemon.group = Some(group),
                None if text.contains(':') => return Err(Refusal::NotSimulated("IPv6 is not simulated")),
                None => return fail(format!("invalid IPv4 mcast-group `{text}'")),
            },
            Opt::McastPort => self.daemon.port = in_range(text, 1, 65535, "mcast-port")? as u16,
            Opt::McastTtl => self.daemon.ttl = in_range(text, 1, 255, "mcast-ttl")? as u8,
            Opt::SyncMaxlen => self.daemon.maxlen = in_range(text, 1, 65535 - 20 - 8, "sync-maxlen")? as u16,
            Opt::TunType => match ["ipip", "gue", "gre"].into_iter().find(|name| *name == text) {
                Some(name) => self.tun_type = name,
                None => return fail("illegal tunnel type specified"),
            },
            Opt::TunPort => drop(in_range(text, 1, 65535, "tunnel port")?),
            _ => {}
        }
        Ok(())
    }

    /// The checks that need the whole line.
    fn finish(mut self, command: Command, timeouts: [u32; 3]) -> Result<Request, Refusal> {
        let key = match (self.mark, self.proto) {
            (Some(mark), _) => ServiceKey::Mark(mark),
            (None, proto) => ServiceKey::Addr { proto: proto.unwrap_or(Proto::Tcp), addr: self.addr, port: self.port },
        };
        match command {
            Command::AddService | Command::EditService => self.check_service()?,
            Command::AddServer | Command::EditServer => self.check_server()?,
            Command::List => {
                let alone = [Opt::Connection, Opt::Timeout, Opt::Daemon];
                let columns = [Opt::Stats, Opt::Rate, Opt::Thresholds];
                if self.opts.any(&alone) && self.opts.any(&columns)
                    || self.opts.any(&alone[1..]) && self.opts.has(Opt::PersistentConn)
                {
                    return fail("options conflicts in the list command");
                }
            }
            _ => {}
        }
        Ok(Request {
            command,
            opts: self.opts,
            key,
            service: self.service,
            server: self.server,
            timeouts,
            role: self.role,
            daemon: self.daemon,
        })
    }

    fn check_service(&mut self) -> Result<(), Refusal> {
        if self.mark.is_none() && self.port == 0 && self.service.persistent.is_none() {
            return fail("Zero port specified for non-persistent service");
        }
        if self.service.ops && self.mark.is_none() && self.proto != Some(Proto::Udp) {
            return fail("One-Packet Scheduling is only for UDP virtual services");
        }
        self.service.by_call_id = self.engine == "sip";
        self.service.scheduler = match self.engine.as_str() {
            "" | "sip" => scheduler(&self.service).into(),
            // The kernel has no other engine and no such scheduler, and says the same about both.
            _ => "no such engine".into(),
        };
        Ok(())
    }

    fn check_server(&mut self) -> Result<(), Refusal> {
        let tunnel = self.server.method == Method::Tun;
        if self.mark.is_none() && self.server.method != Method::Nat {
            self.server.port = self.port;
        }
        let encapsulation = [Opt::TunType, Opt::TunPort, Opt::TunNocsum, Opt::TunCsum];
        if !tunnel && self.opts.any(&encapsulation) {
            return fail("Tunnel options conflict with forward method");
        }
        if tunnel && self.tun_type != "ipip" {
            return Err(Refusal::NotSimulated("tunnels other than ipip are not simulated"));
        }
        let strange = [Opt::TunPort, Opt::TunNocsum, Opt::TunCsum, Opt::TunRemcsum];
        match strange.into_iter().find(|opt| self.opts.has(*opt)) {
            Some(opt) if tunnel => fail(format!("Illegal '{opt}' option with the 'ipip' tunnel type")),
            _ => Ok(()),
        }
    }
}

/// The scheduler named so far; wlc if none.
fn scheduler(service: &ServiceSpec) -> &str {
    if service.scheduler.is_empty() { "wlc" } else { &service.scheduler }
}

fn endpoint(text: &str, proto: Option<Proto>, what: &str) -> Result<(Ipv4Addr, Option<u16>), Refusal> {
    words::endpoint(text, proto).map_err(|bad| match bad {
        BadEndpoint::Illegal => Refusal::Fail(format!("illegal {what} address[:port] specified")),
        BadEndpoint::Ipv6 => Refusal::NotSimulated("IPv6 is not simulated"),
    })
}
