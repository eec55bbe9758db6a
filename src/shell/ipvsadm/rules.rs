//! Which option may, must or must not stand with which command.

use std::fmt;

/// What ipvsadm is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// `-A`
    AddService,
    /// `-E`
    EditService,
    /// `-D`
    DeleteService,
    /// `-C`
    Flush,
    /// `-L`
    List,
    /// `-a`
    AddServer,
    /// `-d`
    DeleteServer,
    /// `-e`
    EditServer,
    /// `--set`
    Set,
    /// `--start-daemon`
    StartDaemon,
    /// `--stop-daemon`
    StopDaemon,
    /// `-R`
    Restore,
    /// `-S`
    Save,
    /// `-Z`
    Zero,
}

/// Options as ipvsadm counts them: `-t`, `-u` and `-f` are one, so are `-g`, `-i` and `-m`. The order is that in which
/// they are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Opt {
    Numeric,
    Connection,
    ServiceAddress,
    Scheduler,
    Persistent,
    Netmask,
    RealServer,
    ForwardingMethod,
    Weight,
    UThreshold,
    LThreshold,
    McastInterface,
    Timeout,
    Daemon,
    Stats,
    Rate,
    Thresholds,
    PersistentConn,
    Nosort,
    Syncid,
    Exact,
    Ops,
    Pe,
    SchedFlags,
    McastGroup,
    McastPort,
    McastTtl,
    SyncMaxlen,
    TunInfo,
    TunType,
    TunPort,
    TunNocsum,
    TunCsum,
    TunRemcsum,
}

use Opt::*;

/// Every option with its name in messages, in the order of checking.
const NAMES: [(Opt, &str); 34] = [
    (Numeric, "numeric"),
    (Connection, "connection"),
    (ServiceAddress, "service-address"),
    (Scheduler, "scheduler"),
    (Persistent, "persistent"),
    (Netmask, "netmask"),
    (RealServer, "real-server"),
    (ForwardingMethod, "forwarding-method"),
    (Weight, "weight"),
    (UThreshold, "u-threshold"),
    (LThreshold, "l-threshold"),
    (McastInterface, "mcast-interface"),
    (Timeout, "timeout"),
    (Daemon, "daemon"),
    (Stats, "stats"),
    (Rate, "rate"),
    (Thresholds, "thresholds"),
    (PersistentConn, "persistent-conn"),
    (Nosort, "nosort"),
    (Syncid, "syncid"),
    (Exact, "exact"),
    (Ops, "ops"),
    (Pe, "pe"),
    (SchedFlags, "sched-flags"),
    (McastGroup, "mcast-group"),
    (McastPort, "mcast-port"),
    (McastTtl, "mcast-ttl"),
    (SyncMaxlen, "sync-maxlen"),
    (TunInfo, "tun-info"),
    (TunType, "tun-type"),
    (TunPort, "tun-port"),
    (TunNocsum, "tun-nocsum"),
    (TunCsum, "tun-csum"),
    (TunRemcsum, "tun-remcsum"),
];

impl fmt::Display for Opt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES[*self as usize].1)
    }
}

/// A set of options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opts(u64);

impl Opts {
    const fn of(list: &[Opt]) -> Opts {
        let mut bits = 0;
        let mut i = 0;
        while i < list.len() {
            bits |= 1 << list[i] as u64;
            i += 1;
        }
        Opts(bits)
    }

    /// Whether it is in the set.
    pub fn has(self, opt: Opt) -> bool {
        self.0 & 1 << opt as u64 != 0
    }

    /// Whether any of them is in the set.
    pub fn any(self, list: &[Opt]) -> bool {
        self.0 & Opts::of(list).0 != 0
    }

    /// Adds an option.
    ///
    /// # Errors
    /// ipvsadm's complaint if it is there already.
    pub fn set(&mut self, opt: Opt) -> Result<(), String> {
        if self.has(opt) {
            return Err(format!("multiple '{opt}' options specified"));
        }
        self.0 |= 1 << opt as u64;
        Ok(())
    }
}

struct Rules {
    name: &'static str,
    must: Opts,
    /// At most one of these.
    one: Opts,
    may: Opts,
}

impl Command {
    fn rules(self) -> Rules {
        const NONE: Opts = Opts::of(&[]);
        const SERVICE: Opts = Opts::of(&[ServiceAddress]);
        const SERVER: Opts = Opts::of(&[ServiceAddress, RealServer]);
        const OF_SERVICE: Opts = Opts::of(&[Scheduler, Persistent, Netmask, Ops, Pe, SchedFlags]);
        const OF_SERVER: Opts = Opts::of(&[
            ForwardingMethod,
            Weight,
            UThreshold,
            LThreshold,
            TunType,
            TunPort,
            TunNocsum,
            TunCsum,
            TunRemcsum,
        ]);
        const OF_LIST: Opts =
            Opts::of(&[Numeric, Stats, Rate, Thresholds, PersistentConn, Nosort, Syncid, Exact, TunInfo]);
        const ONE_LIST: Opts = Opts::of(&[Connection, ServiceAddress, Timeout, Daemon]);
        const OF_DAEMON: Opts = Opts::of(&[McastInterface, Syncid, McastGroup, McastPort, McastTtl, SyncMaxlen]);
        let (name, must, one, may) = match self {
            Command::AddService => ("add-service", SERVICE, NONE, OF_SERVICE),
            Command::EditService => ("edit-service", SERVICE, NONE, OF_SERVICE),
            Command::DeleteService => ("delete-service", SERVICE, NONE, NONE),
            Command::Flush => ("flush", NONE, NONE, NONE),
            Command::List => ("list", NONE, ONE_LIST, OF_LIST),
            Command::AddServer => ("add-server", SERVER, NONE, OF_SERVER),
            Command::DeleteServer => ("delete-server", SERVER, NONE, NONE),
            Command::EditServer => ("edit-server", SERVER, NONE, OF_SERVER),
            Command::Set => ("set", NONE, NONE, NONE),
            Command::StartDaemon => ("start-daemon", NONE, NONE, OF_DAEMON),
            Command::StopDaemon => ("stop-daemon", NONE, NONE, Opts::of(&[Syncid])),
            Command::Restore => ("restore", NONE, NONE, NONE),
            Command::Save => ("save", NONE, NONE, Opts::of(&[Numeric])),
            Command::Zero => ("zero", NONE, NONE, SERVICE),
        };
        Rules { name, must, one, may }
    }

    /// Looks at the options in their order.
    ///
    /// # Errors
    /// ipvsadm's complaint about the first that is missing, not allowed, or in conflict with another.
    pub fn check(self, given: Opts) -> Result<(), String> {
        let rules = self.rules();
        let name = rules.name;
        let mut first = None;
        for (opt, _) in NAMES {
            if !given.has(opt) {
                if rules.must.has(opt) {
                    return Err(format!("You need to supply the '{opt}' option for the '{name}' command"));
                }
            } else if rules.one.has(opt) {
                match first {
                    Some(other) => {
                        return Err(format!(
                            "The option '{opt}' conflicts with the '{other}' option in the '{name}' command"
                        ));
                    }
                    None => first = Some(opt),
                }
            } else if !rules.must.has(opt) && !rules.may.has(opt) {
                return Err(format!("Illegal '{opt}' option with the '{name}' command"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_stand_in_the_order_of_the_options() {
        assert!(NAMES.iter().enumerate().all(|(i, (opt, _))| *opt as usize == i));
    }

    #[test]
    fn the_first_wrong_option_is_named() {
        for (command, opts, expected) in [
            (
                Command::AddService,
                &[][..],
                "You need to supply the 'service-address' option for the 'add-service' command",
            ),
            (
                Command::AddServer,
                &[ServiceAddress],
                "You need to supply the 'real-server' option for the 'add-server' command",
            ),
            (
                Command::AddService,
                &[ServiceAddress, RealServer, Weight],
                "Illegal 'real-server' option with the 'add-service' command",
            ),
            (
                Command::List,
                &[Connection, ServiceAddress],
                "The option 'service-address' conflicts with the 'connection' option in the 'list' command",
            ),
            (Command::Save, &[Numeric, Exact], "Illegal 'exact' option with the 'save' command"),
            (Command::List, &[Numeric, Connection, Stats, Exact], ""),
        ] {
            let said = command.check(Opts::of(opts)).err().unwrap_or_default();
            assert_eq!(said, expected);
        }
    }
}
