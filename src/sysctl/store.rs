//! The values of one host: read, written and combined as Linux does.

use super::table::{CONF, Combine, Conf, FREE_PAGES, GLOBAL, Global, NEIGH, NEIGH_ALIASES, Neigh, Row};
use crate::base::DevIdx;
use crate::lang::{Arg, Text, ToArg};
use crate::text;
use std::fmt;
use std::sync::Arc;

/// Slot 0 is `all`, slot 1 `default`, then the devices.
const ALL: usize = 0;
const DEFAULT: usize = 1;
/// The variables with the modes 0 to 3 (proc_do_defense_mode).
const DEFENCES: [usize; 3] =
    [Global::VsDropEntry as usize, Global::VsDropPacket as usize, Global::VsSecureTcp as usize];

/// One host's kernel variables.
#[derive(Clone, Debug)]
pub struct Sysctls {
    /// `all`, `default`, then device names, in the order of the devices.
    names: Vec<Arc<str>>,
    conf: Vec<[i64; CONF.len()]>,
    neigh: Vec<[i64; NEIGH.len()]>,
    global: [i64; GLOBAL.len()],
    /// Second number of `net.ipv4.vs.sync_threshold` and of `ip_local_port_range`.
    second: [i64; 2],
    version: u64,
}

/// Why a write was refused, in the words that a shell prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// No such variable: ENOENT.
    NoSuchVariable,
    /// Not a number, or out of range: EINVAL.
    InvalidArgument,
    /// It can only be read: EACCES.
    Denied,
}

/// An effective value and where it came from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Effective {
    /// The variable's last part, such as `arp_ignore`.
    pub name: &'static str,
    /// The interface it was asked for; none for a variable of the whole host.
    pub dev: Option<Arc<str>>,
    /// What counts.
    pub value: i64,
    /// `conf/all`.
    pub all: i64,
    /// `conf/<interface>`.
    pub own: i64,
    /// How the two combine.
    pub combine: Combine,
}

impl Default for Sysctls {
    fn default() -> Self {
        let defaults = |rows: &[Row]| rows.iter().map(|r| r.default).collect::<Vec<i64>>();
        let conf: [i64; CONF.len()] = defaults(CONF).try_into().expect("as long as the table");
        let neigh: [i64; NEIGH.len()] = defaults(NEIGH).try_into().expect("as long as the table");
        let mut default_conf = conf;
        // The kernel's template for new devices differs from `all` in this one (net/ipv4/devinet.c).
        default_conf[Conf::AcceptSourceRoute as usize] = 1;
        Sysctls {
            names: vec!["all".into(), "default".into()],
            conf: vec![conf, default_conf],
            neigh: vec![neigh, neigh],
            global: defaults(GLOBAL).try_into().expect("as long as the table"),
            second: [50, 60999],
            version: 0,
        }
    }
}

impl Sysctls {
    /// A new device copies `default`. Devices must be added in the order of their indexes.
    pub fn add_dev(&mut self, name: Arc<str>) {
        self.names.push(name);
        self.conf.push(self.conf[DEFAULT]);
        self.neigh.push(self.neigh[DEFAULT]);
    }

    /// A device gets another name, or goes away (none): its slot stays.
    pub fn rename_dev(&mut self, dev: DevIdx, name: Option<Arc<str>>) {
        if let Some(slot) = self.names.get_mut(dev.index() + 2) {
            *slot = name.unwrap_or_default();
        }
    }

    /// Changes with every write.
    #[inline]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// `conf/<dev>/<key>` itself, not combined.
    #[inline]
    pub fn own(&self, key: Conf, dev: DevIdx) -> i64 {
        self.conf[dev.index() + 2][key as usize]
    }

    /// `conf/all/<key>`.
    #[inline]
    pub fn all(&self, key: Conf) -> i64 {
        self.conf[ALL][key as usize]
    }

    /// What counts on this device: `all` and its own, combined by the row's rule.
    #[inline]
    pub fn effective(&self, key: Conf, dev: DevIdx) -> i64 {
        let (all, own) = (self.all(key), self.own(key, dev));
        match CONF[key as usize].combine {
            Combine::Max => all.max(own),
            Combine::Or => i64::from(all != 0 || own != 0),
            Combine::And => i64::from(all != 0 && own != 0),
            Combine::Dev | Combine::Single => own,
            Combine::Redirects => {
                let forwards = self.own(Conf::Forwarding, dev) != 0;
                i64::from(if forwards { all != 0 && own != 0 } else { all != 0 || own != 0 })
            }
        }
    }

    /// Whether the combined value is not 0.
    #[inline]
    pub fn on(&self, key: Conf, dev: DevIdx) -> bool {
        self.effective(key, dev) != 0
    }

    /// The combined value with its origin, for explanations.
    pub fn explain(&self, key: Conf, dev: DevIdx) -> Effective {
        Effective {
            name: key.leaf(),
            dev: Some(self.names[dev.index() + 2].clone()),
            value: self.effective(key, dev),
            all: self.all(key),
            own: self.own(key, dev),
            combine: CONF[key as usize].combine,
        }
    }

    /// A variable of the whole host with its origin.
    pub fn explain_global(&self, key: Global) -> Effective {
        let value = self.global(key);
        Effective { name: key.leaf(), dev: None, value, all: value, own: value, combine: Combine::Single }
    }

    /// A variable of the whole host.
    #[inline]
    pub fn global(&self, key: Global) -> i64 {
        self.global[key as usize]
    }

    /// A neighbour variable of this device.
    #[inline]
    pub fn neigh(&self, key: Neigh, dev: DevIdx) -> i64 {
        self.neigh[dev.index() + 2][key as usize]
    }

    /// Whether one of `drop_entry`, `drop_packet` and `secure_tcp` is at work (update_defense_level in
    /// net/netfilter/ipvs/ip_vs_ctl.c): 1 and 2 ask whether memory is short, 3 does not.
    pub fn defends(&self, key: Global) -> bool {
        match self.global(key) {
            3 => true,
            1 | 2 => self.memory_is_short(),
            _ => false,
        }
    }

    /// Fewer pages are free than `amemthresh` asks for.
    pub fn memory_is_short(&self) -> bool {
        FREE_PAGES < self.global(Global::VsAmemthresh)
    }

    /// The second number of `net.ipv4.vs.sync_threshold`.
    pub fn sync_period(&self) -> i64 {
        self.second[0]
    }

    /// The first and the last port that programs get (`ip_local_port_range`).
    pub fn local_ports(&self) -> (u16, u16) {
        let port = |n: i64| n.clamp(1, 65_535) as u16;
        (port(self.global(Global::IpLocalPortRange)), port(self.second[1]))
    }

    /// Whether this dotted path (or one with slashes, with or without `/proc/sys/`) names a variable of this host.
    pub fn knows(&self, path: &str) -> bool {
        self.find(path).is_some()
    }

    /// The value of a variable as its file shows it, without the newline.
    pub fn read(&self, path: &str) -> Option<String> {
        Some(match self.find(path)? {
            Place::Conf(slot, key) => self.conf[slot][key].to_string(),
            Place::Neigh(slot, key) => self.neigh[slot][key].to_string(),
            Place::Alias(slot, key, scale) => (self.neigh[slot][key] / scale).to_string(),
            Place::Global(key) if key == Global::VsSyncThreshold as usize => {
                format!("{}\t{}", self.global[key], self.second[0])
            }
            Place::Global(key) if key == Global::IpLocalPortRange as usize => {
                format!("{}\t{}", self.global[key], self.second[1])
            }
            // The kernel itself turns 1 into 2 and back, as memory gets short and is there again.
            Place::Global(key) if DEFENCES.contains(&key) && matches!(self.global[key], 1 | 2) => {
                (1 + i64::from(self.memory_is_short())).to_string()
            }
            Place::Global(key) => self.global[key].to_string(),
        })
    }

    /// Writes a variable as `echo VALUE > FILE` does: the first number of the text counts.
    ///
    /// # Errors
    /// [`WriteError`], as the kernel refuses.
    pub fn write(&mut self, path: &str, text: &str) -> Result<(), WriteError> {
        let place = self.find(path).ok_or(WriteError::NoSuchVariable)?;
        if matches!(place, Place::Global(key) if key == Global::CtCount as usize) {
            return Err(WriteError::Denied);
        }
        self.version += 1;
        let mut words = text.split_ascii_whitespace();
        let value = parse_number(words.next().ok_or(WriteError::InvalidArgument)?)?;
        let row = match place {
            Place::Conf(_, key) => &CONF[key],
            Place::Neigh(_, key) | Place::Alias(_, key, _) => &NEIGH[key],
            Place::Global(key) => &GLOBAL[key],
        };
        if !(row.min..=row.max).contains(&value) {
            return Err(WriteError::InvalidArgument);
        }
        match place {
            Place::Conf(slot, key) => self.write_conf(slot, key, value),
            Place::Neigh(slot, key) => self.neigh[slot][key] = value,
            Place::Alias(slot, key, scale) => self.neigh[slot][key] = value.saturating_mul(scale),
            Place::Global(key) if key == Global::VsSyncThreshold as usize => {
                let period = words.next().map_or(Ok(self.second[0]), parse_number)?;
                if period < 0 || (value >= period && period > 0) {
                    return Err(WriteError::InvalidArgument);
                }
                (self.global[key], self.second[0]) = (value, period);
            }
            Place::Global(key) if key == Global::VsSyncPorts as usize && value & (value - 1) != 0 => {
                return Err(WriteError::InvalidArgument);
            }
            Place::Global(key) if key == Global::IpLocalPortRange as usize => {
                // Both at once, the first no larger than the second (ipv4_local_port_range in sysctl_net_ipv4.c).
                let last = words.next().map_or(Ok(self.second[1]), parse_number)?;
                if !(value..=row.max).contains(&last) {
                    return Err(WriteError::InvalidArgument);
                }
                (self.global[key], self.second[1]) = (value, last);
            }
            Place::Global(key) => {
                self.global[key] = value;
                if key == Global::IpForward as usize {
                    self.set_forwarding(value);
                }
            }
        }
        Ok(())
    }

    /// Notes how many connections are tracked, which only the host knows (`nf_conntrack_count`).
    pub fn note_tracked(&mut self, count: usize) {
        self.global[Global::CtCount as usize] = count as i64;
    }

    /// Whether a variable can be written.
    pub fn writable(&self, path: &str) -> bool {
        self.find(path).is_some_and(|p| !matches!(p, Place::Global(key) if key == Global::CtCount as usize))
    }

    /// Every path of this host, sorted as `sysctl -a` prints them.
    pub fn paths(&self) -> Vec<String> {
        let mut out: Vec<String> = GLOBAL.iter().map(|r| r.path.to_string()).collect();
        for name in self.names.iter().filter(|n| !n.is_empty()) {
            out.extend(CONF.iter().chain(NEIGH).map(|r| r.path.replace('*', name)));
        }
        out.sort_unstable();
        out
    }

    fn write_conf(&mut self, slot: usize, key: usize, value: i64) {
        self.conf[slot][key] = value;
        if key == Conf::Forwarding as usize && slot == ALL {
            self.set_forwarding(value);
        } else if slot == DEFAULT {
            // Devices that never had a value of their own follow `default` only when they are made: nothing to do.
        }
    }

    /// `ip_forward` and `conf/all/forwarding` are one: every device follows, and redirects are believed by hosts only
    /// (inet_forward_change in net/ipv4/devinet.c).
    fn set_forwarding(&mut self, value: i64) {
        self.global[Global::IpForward as usize] = value;
        for conf in &mut self.conf {
            conf[Conf::Forwarding as usize] = value;
        }
        self.conf[ALL][Conf::AcceptRedirects as usize] = i64::from(value == 0);
    }

    /// Variables that were given another value and that nothing here follows ([`Row::modelled`]), with that value.
    pub fn changed_without_effect(&self) -> Vec<(String, String)> {
        let mut fresh = Sysctls::default();
        for name in &self.names[DEFAULT + 1..] {
            fresh.add_dev(name.clone());
        }
        let silent = |path: &String| match self.find(path) {
            Some(Place::Conf(_, key)) => !CONF[key].modelled,
            Some(Place::Neigh(_, key) | Place::Alias(_, key, _)) => !NEIGH[key].modelled,
            Some(Place::Global(key)) => !GLOBAL[key].modelled,
            None => false,
        };
        let changed = |path: String| {
            let value = self.read(&path)?;
            (fresh.read(&path) != Some(value.clone())).then_some((path, value))
        };
        self.paths().into_iter().filter(silent).filter_map(changed).collect()
    }

    fn slot(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| !n.is_empty() && **n == *name)
    }

    fn find(&self, path: &str) -> Option<Place> {
        let path = path.strip_prefix("/proc/sys/").unwrap_or(path).replace('/', ".");
        if let Some(rest) = path.strip_prefix("net.ipv4.conf.") {
            let (name, leaf) = rest.rsplit_once('.')?;
            let slot = self.slot(name)?;
            return Some(Place::Conf(slot, Conf::ALL.iter().position(|k| k.leaf() == leaf)?));
        }
        if let Some(rest) = path.strip_prefix("net.ipv4.neigh.") {
            let (name, leaf) = rest.rsplit_once('.')?;
            let slot = self.slot(name).filter(|&s| s != ALL)?;
            let position = |leaf: &str| Neigh::ALL.iter().position(|k| k.leaf() == leaf);
            if let Some(&(_, key, scale)) = NEIGH_ALIASES.iter().find(|alias| alias.0 == leaf) {
                return Some(Place::Alias(slot, key as usize, scale));
            }
            return Some(Place::Neigh(slot, position(leaf)?));
        }
        Some(Place::Global(GLOBAL.iter().position(|r| r.path == path)?))
    }
}

enum Place {
    Conf(usize, usize),
    Neigh(usize, usize),
    /// The same value in another unit.
    Alias(usize, usize, i64),
    Global(usize),
}

/// Decimal, hexadecimal or octal as the kernel's parser reads it.
fn parse_number(word: &str) -> Result<i64, WriteError> {
    let (sign, digits) = word.strip_prefix('-').map_or((1, word), |d| (-1, d));
    let parsed = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => i64::from_str_radix(&digits[2..], 16),
        [b'0', _, ..] => i64::from_str_radix(digits, 8),
        _ => digits.parse(),
    };
    if digits.starts_with(['+', '-']) {
        return Err(WriteError::InvalidArgument);
    }
    parsed.map(|n| sign * n).map_err(|_| WriteError::InvalidArgument)
}

impl Effective {
    /// `arp_ignore=1 on eth0 (all=1, eth0=0: the larger counts)`.
    pub fn text(&self) -> Text {
        let Effective { name, value, all, own, .. } = self;
        match &self.dev {
            Some(dev) => text!("effective-on", name, value, dev, all, own, rule = self.combine.text()),
            None => Text::plain(format!("{name}={value}")),
        }
    }
}

/// In English.
impl fmt::Display for Effective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}

impl ToArg for Effective {
    fn to_arg(&self) -> Arg {
        self.text().to_arg()
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WriteError::NoSuchVariable => "No such file or directory",
            WriteError::InvalidArgument => "Invalid argument",
            WriteError::Denied => "Permission denied",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> Sysctls {
        let mut s = Sysctls::default();
        s.add_dev("lo".into());
        s.add_dev("eth0".into());
        s
    }

    #[test]
    fn values_combine_by_the_rule_of_their_row() {
        let eth0 = DevIdx(1);
        let mut s = host();
        s.write("net.ipv4.conf.all.arp_ignore", "3").unwrap();
        s.write("net.ipv4.conf.eth0.arp_ignore", "1").unwrap();
        assert_eq!(s.effective(Conf::ArpIgnore, eth0), 3);
        assert_eq!(
            s.explain(Conf::ArpIgnore, eth0).to_string(),
            "arp_ignore=3 on eth0 (all=3, eth0=1: the larger counts)"
        );
        s.write("/proc/sys/net/ipv4/conf/lo/arp_filter", "1").unwrap();
        assert_eq!(s.effective(Conf::ArpFilter, eth0), 0);
        s.write("net/ipv4/conf/all/arp_filter", "1").unwrap();
        assert_eq!(s.effective(Conf::ArpFilter, eth0), 1);
    }

    #[test]
    fn ip_forward_reaches_every_device_and_turns_redirects_off() {
        let mut s = host();
        s.write("net.ipv4.ip_forward", "1").unwrap();
        assert!(s.on(Conf::Forwarding, DevIdx(1)));
        assert_eq!(s.read("net.ipv4.conf.all.forwarding").as_deref(), Some("1"));
        assert_eq!(s.read("net.ipv4.conf.all.accept_redirects").as_deref(), Some("0"));
        assert!(!s.on(Conf::AcceptRedirects, DevIdx(1)));
    }

    #[test]
    fn what_nothing_follows_is_told() {
        let mut s = host();
        s.write("net.ipv4.conf.eth0.arp_ignore", "1").unwrap();
        assert!(s.changed_without_effect().is_empty());
        s.write("net.ipv4.conf.eth0.tag", "7").unwrap();
        assert_eq!(s.changed_without_effect(), [("net.ipv4.conf.eth0.tag".to_string(), "7".to_string())]);
    }

    #[test]
    fn the_defences_follow_the_memory_that_amemthresh_asks_for() {
        let mut s = host();
        let at = |s: &Sysctls| {
            (s.read("net.ipv4.vs.drop_packet").expect("a variable"), s.defends(crate::sysctl::Global::VsDropPacket))
        };
        assert_eq!(s.write("net.ipv4.vs.drop_packet", "2"), Ok(()));
        assert_eq!(at(&s), ("1".into(), false));
        assert_eq!(s.write("net.ipv4.vs.amemthresh", "1000000"), Ok(()));
        assert_eq!(at(&s), ("2".into(), true));
        assert_eq!(s.write("net.ipv4.vs.drop_packet", "3"), Ok(()));
        assert_eq!(at(&s), ("3".into(), true));
        assert_eq!(s.write("net.ipv4.vs.drop_packet", "4"), Err(WriteError::InvalidArgument));
    }

    #[test]
    fn the_variables_of_synchronisation_refuse_what_the_kernel_refuses() {
        let mut s = host();
        for (name, value, taken) in [
            ("sync_threshold", "3", true),
            ("sync_threshold", "5 20", true),
            ("sync_threshold", "20", false),
            ("sync_threshold", "7 7", false),
            ("sync_threshold", "7 0", true),
            ("sync_threshold", "-1 5", false),
            ("sync_ports", "4", true),
            ("sync_ports", "3", false),
            ("sync_ports", "0", false),
            ("sync_version", "2", false),
            ("sync_retries", "4", false),
        ] {
            let written = s.write(&format!("net.ipv4.vs.{name}"), value);
            assert_eq!(written.is_ok(), taken, "{name} {value}");
        }
        assert_eq!(s.read("net.ipv4.vs.sync_threshold").as_deref(), Some("7\t0"));
    }

    #[test]
    fn strange_numbers_are_taken_and_words_are_not() {
        let mut s = host();
        assert_eq!(s.write("net.ipv4.conf.all.arp_ignore", "99"), Ok(()));
        assert_eq!(s.write("net.ipv4.conf.all.arp_announce", "-1"), Ok(()));
        assert_eq!(s.write("net.ipv4.conf.all.arp_ignore", "1 2"), Ok(()));
        assert_eq!(s.write("net.ipv4.ip_forward", "yes"), Err(WriteError::InvalidArgument));
        assert_eq!(s.write("net.ipv4.conf.all.arg_ignore", "1"), Err(WriteError::NoSuchVariable));
        assert_eq!(s.write("net.ipv4.conf.eth7.arp_ignore", "1"), Err(WriteError::NoSuchVariable));
    }
}
