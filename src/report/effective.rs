//! Kernel variables as they count: what a host has for itself and under `all`, how the kernel combines the two
//! (include/linux/inetdevice.h), what comes of it, and where each value came from.
//!
//! A value came from the kernel's default, the file, a line that was typed, another variable that carries it along
//! (`ip_forward`), or from `default` when the device was made. Lines are found in a trace of commands
//! ([`TraceMask::RAN`](crate::trace::TraceMask)); what no line explains is told to be unknown.

use super::tables::{Cell, Format, Grid};
use crate::base::time::seconds;
use crate::base::{DevIdx, NodeId, SimTime};
use crate::lang::{Lang, Text};
use crate::node::Host;
use crate::scenario::lint::journal::{Command, Journal};
use crate::scenario::lint::places::Places;
use crate::scenario::model::Kind;
use crate::scenario::play::Play;
use crate::shell::words::fnmatch;
use crate::sysctl::table::{CONF, GLOBAL, NEIGH};
use crate::sysctl::{Combine, Conf, Row, Sysctls};
use crate::text;
use crate::trace::Record;
use std::collections::BTreeMap;

/// Columns for programs.
const COLUMNS: &[&str] = &[
    "variable",
    "dev",
    "effective",
    "rule",
    "decides",
    "own",
    "own_from",
    "own_line",
    "own_at_ns",
    "own_text",
    "all",
    "all_from",
    "all_line",
    "all_at_ns",
    "all_text",
];
/// Characters of a typed line that are shown to people.
const SHOWN: usize = 60;

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Names or patterns of variables, by their last part or whole path; nothing: all that the kernel combines.
    pub names: Vec<String>,
    /// Those that it does not combine, too.
    pub all: bool,
}

/// A name that fits no variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoVariable {
    /// The name.
    pub name: String,
    /// The last parts of all variables.
    pub names: Vec<&'static str>,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    Kernel,
    /// The kind of node.
    Kind,
    /// `sysctl` in the file, with its line.
    File(u32),
    /// Typed: when, the line of the file (none in a lab), and what.
    Typed(SimTime, Option<u32>, String),
    /// Written along with another variable.
    With(String, Box<Origin>),
    /// Copied from `default` when the device was made.
    Default(Box<Origin>),
    Unknown,
}

/// The table, with a line feed at its end.
///
/// # Errors
/// A name that fits no variable.
pub fn effective(
    play: &Play<'_>,
    records: &[Record],
    source: &str,
    host: &Host,
    wanted: &Wanted,
    format: Format,
    lang: Lang,
) -> Result<String, NoVariable> {
    let origins = Origins::new(play, records, source, host);
    let rows = rows(host, wanted)?;
    let mut grid = if format == Format::Human { human(lang) } else { Grid::new(COLUMNS) };
    for (row, dev) in rows {
        let line = origins.line(host, row, dev);
        grid.row(if format == Format::Human { line.human(play, lang) } else { line.cells(play) });
    }
    Ok(grid.print(format))
}

/// An empty table for people.
fn human(lang: Lang) -> Grid {
    let from = text!("head-from");
    let heads = [
        text!("head-variable"),
        text!("head-dev"),
        text!("head-effective"),
        text!("head-rule"),
        text!("head-own"),
        from.clone(),
        Text::plain("all"),
        from,
    ];
    let heads = heads.map(|head| head.say(lang));
    Grid::new(&heads.each_ref().map(String::as_str))
}

/// The variables that are meant, each with its devices.
fn rows(host: &Host, wanted: &Wanted) -> Result<Vec<(&'static Row, Option<DevIdx>)>, NoVariable> {
    let combined = |row: &Row| !matches!(row.combine, Combine::Dev | Combine::Single);
    let all = || CONF.iter().chain(NEIGH).chain(GLOBAL);
    let names: Vec<String> = wanted.names.iter().map(|n| dotted(n.strip_prefix("/proc/sys/").unwrap_or(n))).collect();
    let fits =
        |name: &String, row: &Row| fnmatch(name, leaf(row)) || fnmatch(name, row.path) || of(name, row).is_some();
    if let Some(name) = names.iter().find(|name| !all().any(|row| fits(name, row))) {
        return Err(NoVariable { name: name.clone(), names: all().map(leaf).collect() });
    }
    // Who names one variable wants it, whatever the kernel does with it.
    let named = |row: &Row| {
        let exact = |n: &String| !n.contains(['*', '?', '[']);
        names.iter().any(|n| fits(n, row) && (exact(n) || wanted.all || combined(row)))
    };
    let meant = |row: &&Row| match names.is_empty() {
        true => wanted.all || combined(row),
        false => named(row),
    };
    let mut out = Vec::new();
    for row in all().filter(meant) {
        match row.path.contains('*') {
            false => out.push((row, None)),
            true => {
                let on = |n: &String, dev: &str| {
                    fits(n, row) && of(n, row).is_none_or(|d| ["all", "default", dev].contains(&d))
                };
                let devs = host.net.devices().filter(|d| names.is_empty() || names.iter().any(|n| on(n, &d.name)));
                out.extend(devs.map(|d| (row, Some(d.idx))));
            }
        }
    }
    Ok(out)
}

/// The interface that a whole path of this variable names.
fn of<'n>(name: &'n str, row: &Row) -> Option<&'n str> {
    let (head, tail) = row.path.split_once('*')?;
    name.strip_prefix(head)?.strip_suffix(tail).filter(|dev| !dev.is_empty())
}

fn leaf(row: &Row) -> &'static str {
    row.path.rsplit('.').next().unwrap_or_default()
}

/// One row of the table.
struct Line {
    variable: &'static str,
    dev: Option<String>,
    effective: String,
    rule: &'static str,
    decides: &'static str,
    own: Option<(String, Origin)>,
    all: Option<(String, Origin)>,
}

impl Line {
    fn human(&self, play: &Play<'_>, lang: Lang) -> Vec<Cell> {
        let side = |side: &Option<(String, Origin)>| match side {
            Some((value, origin)) => [number(value), Cell::from(origin.words(play).say(lang))],
            None => [Cell::None, Cell::None],
        };
        let head = [self.variable.into(), self.dev.clone().into(), number(&self.effective), self.rule.into()];
        head.into_iter().chain(side(&self.own)).chain(side(&self.all)).collect()
    }

    fn cells(&self, play: &Play<'_>) -> Vec<Cell> {
        let side = |side: &Option<(String, Origin)>| match side {
            Some((value, origin)) => origin.cells(value, play),
            None => vec![Cell::None; 5],
        };
        let head: [Cell; 5] = [
            self.variable.into(),
            self.dev.clone().into(),
            number(&self.effective),
            self.rule.into(),
            self.decides.into(),
        ];
        head.into_iter().chain(side(&self.own)).chain(side(&self.all)).collect()
    }
}

/// Few variables have two numbers.
fn number(value: &str) -> Cell {
    value.parse().map_or_else(|_| Cell::from(value), Cell::Number)
}

impl Origin {
    /// For people.
    fn words(&self, play: &Play<'_>) -> Text {
        match self {
            Origin::Kernel => text!("origin-kernel"),
            Origin::Kind => text!("origin-kind"),
            Origin::File(line) => text!("origin-file", line),
            Origin::Typed(at, line, text) => {
                let at = seconds(at.since_zero(play.zero));
                let at = at.trim_end_matches('0').trim_end_matches('.');
                let line = line.map_or_else(Text::none, |line| text!("origin-line", line));
                let tame = |c: char| if c.is_control() { ' ' } else { c };
                let mut shown: String = text.chars().take(SHOWN).map(tame).collect();
                if shown.len() < text.len() {
                    shown.push('…');
                }
                text!("origin-typed", at, line, typed = shown)
            }
            Origin::With(path, from) => text!("origin-with", path, from = from.words(play)),
            Origin::Default(from) => text!("origin-default", from = from.words(play)),
            Origin::Unknown => text!("origin-unknown"),
        }
    }

    /// A word for programs.
    fn word(&self) -> String {
        match self {
            Origin::Kernel => "kernel".into(),
            Origin::Kind => "kind".into(),
            Origin::File(_) => "file".into(),
            Origin::Typed(..) => "typed".into(),
            Origin::With(path, _) => path.clone(),
            Origin::Default(_) => "default".into(),
            Origin::Unknown => "unknown".into(),
        }
    }

    /// What is behind it in the end.
    fn root(&self) -> &Origin {
        match self {
            Origin::With(_, from) | Origin::Default(from) => from.root(),
            other => other,
        }
    }

    fn cells(&self, value: &str, play: &Play<'_>) -> Vec<Cell> {
        let place = |n: Option<u32>| n.map_or(Cell::None, |n| Cell::Number(i64::from(n)));
        let (line, at, text) = match self.root() {
            Origin::File(line) => (place(Some(*line)), Cell::None, Cell::None),
            Origin::Typed(at, line, text) => {
                (place(*line), Cell::Number(at.since_zero(play.zero)), Cell::from(text.as_str()))
            }
            _ => (Cell::None, Cell::None, Cell::None),
        };
        vec![number(value), self.word().into(), line, at, text]
    }
}

/// The last that was written into each variable of a host.
struct Origins {
    written: BTreeMap<String, Origin>,
    /// The host's kernel as it was when nothing had been written.
    fresh: Sysctls,
}

impl Origins {
    fn new(play: &Play<'_>, records: &[Record], source: &str, host: &Host) -> Origins {
        let mut fresh = Sysctls::default();
        for dev in &host.net.devs {
            fresh.add_dev(if dev.gone { "".into() } else { dev.name.clone() });
        }
        let mut origins = Origins { written: BTreeMap::new(), fresh };
        let places = Places::new(source);
        origins.declared(play, &places, host.id);
        let journal = Journal::new(play.scenario, &places, records);
        for command in journal.on(host.id).filter(|c| !c.refused) {
            let line = command.in_file.then_some(command.line);
            let text = match command.is(">") {
                true => format!("> {}", command.words.get(1).map_or("", String::as_str)),
                false => command.words.join(" "),
            };
            for path in written_by(command) {
                origins.set(&path, Origin::Typed(command.at, line, text.clone()));
            }
        }
        origins
    }

    /// What the file declares.
    fn declared(&mut self, play: &Play<'_>, places: &Places<'_>, node: NodeId) {
        let Some(spec) = play.scenario.nodes.get(node.index()) else { return };
        let name = spec.group.as_deref().unwrap_or(&spec.name);
        let line = |keys: &[&str]| places.value(keys).line;
        let map = line(&["nodes", name, "sysctl"]);
        for (i, (path, _)) in spec.sysctls.iter().enumerate() {
            if spec.kind == Kind::Router && i == 0 {
                self.set(path, Origin::Kind);
                continue;
            }
            // With slashes it is another key.
            let found = [path.clone(), path.replace('.', "/")].map(|key| line(&["nodes", name, "sysctl", &key]));
            self.set(path, Origin::File(found.into_iter().find(|l| *l != map).unwrap_or(map)));
        }
    }

    /// Notes a write, and what the kernel writes along with it (inet_forward_change in net/ipv4/devinet.c).
    fn set(&mut self, path: &str, origin: Origin) {
        let path = canonical(path);
        const FORWARDS: [&str; 2] = ["net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding"];
        if FORWARDS.contains(&path.as_str()) {
            let along = || Origin::With(path.clone(), Box::new(origin.clone()));
            let conf = self.fresh.paths();
            let all = conf.iter().filter(|p| p.starts_with("net.ipv4.conf.") && p.ends_with(".forwarding"));
            let more = FORWARDS.iter().map(|p| p.to_string()).chain(["net.ipv4.conf.all.accept_redirects".to_string()]);
            for other in all.cloned().chain(more).filter(|p| *p != path) {
                self.written.insert(other, along());
            }
        }
        self.written.insert(path, origin);
    }

    fn line(&self, host: &Host, row: &'static Row, dev: Option<DevIdx>) -> Line {
        let sysctl = &host.net.sysctl;
        let variable = leaf(row);
        let Some(dev) = dev else {
            let value = sysctl.read(row.path).unwrap_or_default();
            let own = Some((value.clone(), self.of(sysctl, row.path)));
            let (effective, rule, decides) = (value, rule(row.combine), "own");
            return Line { variable, dev: None, effective, rule, decides, own, all: None };
        };
        let name = host.net.devs[dev.index()].name.to_string();
        let (path, default) = (row.path.replace('*', &name), row.path.replace('*', "default"));
        let value = sysctl.read(&path).unwrap_or_default();
        let mut origin = self.of(sysctl, &path);
        // Nobody wrote it: the device was made when `default` was another than the kernel's.
        if let (Origin::Unknown, Some(from)) = (&origin, self.written.get(&default)) {
            origin = Origin::Default(Box::new(from.clone()));
        }
        let own = Some((value.clone(), origin));
        let key = Conf::ALL.iter().find(|k| k.row().path == row.path);
        let (all, effective, decides) = match key {
            Some(&key) if row.combine != Combine::Dev => {
                let all = row.path.replace('*', "all");
                let shown = sysctl.read(&all).unwrap_or_default();
                let effective = sysctl.effective(key, dev);
                let decides = decides(sysctl.own(key, dev), sysctl.all(key), effective);
                (Some((shown, self.of(sysctl, &all))), effective.to_string(), decides)
            }
            _ => (None, value, "own"),
        };
        Line { variable, dev: Some(name), effective, rule: rule(row.combine), decides, own, all }
    }

    fn of(&self, sysctl: &Sysctls, path: &str) -> Origin {
        match self.written.get(path) {
            Some(origin) => origin.clone(),
            None if sysctl.read(path) == self.fresh.read(path) => Origin::Kernel,
            None => Origin::Unknown,
        }
    }
}

/// Which side the effective value is that of; for rules of yes and no, which side made it so.
fn decides(own: i64, all: i64, effective: i64) -> &'static str {
    let same = |value: i64| value == effective || (effective <= 1 && (value != 0) == (effective != 0));
    match (same(own), same(all)) {
        (true, false) => "own",
        (false, true) => "all",
        _ => "both",
    }
}

/// The rule in a word.
fn rule(combine: Combine) -> &'static str {
    match combine {
        Combine::Max => "max",
        Combine::Or => "or",
        Combine::And => "and",
        Combine::Dev => "own",
        Combine::Redirects => "redirects",
        Combine::Single => "one",
    }
}

/// As `sysctl -a` writes it; of names for one value, that which it has in the table.
fn canonical(path: &str) -> String {
    let path = path.strip_prefix("/proc/sys/").unwrap_or(path).replace('/', ".");
    let other = [("base_reachable_time", "_ms"), ("retrans_time", "_ms"), ("unres_qlen", "_bytes")];
    match other.iter().find(|(leaf, _)| path.starts_with("net.ipv4.neigh.") && path.rsplit('.').next() == Some(leaf)) {
        Some((_, end)) => path + end,
        None => path,
    }
}

/// The variables that a command wrote.
fn written_by(command: &Command) -> Vec<String> {
    if command.is(">") {
        return command.words.get(1).filter(|_| command.status == 0).into_iter().cloned().collect();
    }
    if !command.is("sysctl") {
        return Vec::new();
    }
    let short = |w: &String, letters: &[char]| w.starts_with('-') && !w.starts_with("--") && w.contains(letters);
    let args = &command.words[1..];
    let loads = args.iter().any(|w| short(w, &['p', 'f']) || w.starts_with("--load"));
    let quiet = args.iter().any(|w| short(w, &['q']) || w == "--quiet");
    let key = |text: &str| text.split_once('=').map(|(key, _)| dotted(key.trim().trim_start_matches('-')));
    let typed: Vec<String> = args.iter().filter(|w| !w.starts_with('-')).filter_map(|w| key(w)).collect();
    let printed = command.out.lines().filter(|l| !l.starts_with("sysctl:")).filter_map(key);
    match (loads, quiet) {
        (true, _) => printed.collect(),
        // What was refused is not printed; a pattern stands for what is.
        (false, false) => printed.filter(|p| typed.iter().any(|t| t == p || fnmatch(t, p))).collect(),
        // Complaints name what was refused, as a path of the file or of the variable.
        (false, true) => {
            let complained =
                |p: &String| command.out.contains(p.as_str()) || command.out.contains(&p.replace('.', "/"));
            typed.into_iter().filter(|p| !complained(p)).collect()
        }
    }
}

/// With slashes the separators are slashes.
fn dotted(key: &str) -> String {
    match key.find(['/', '.']) {
        Some(i) if key.as_bytes()[i] == b'/' => key.replace('/', "."),
        _ => key.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::NodeId;

    fn command(line: &str, status: u8, out: &str) -> Command {
        let words = line.split(' ').map(str::to_string).collect();
        let (node, at, out) = (NodeId(0), SimTime::ZERO, out.to_string());
        Command { node, at, words, status, out, line: 1, in_file: true, refused: false }
    }

    #[test]
    fn what_a_command_wrote_is_read_from_what_it_printed() {
        for (line, status, out, written) in [
            ("> /proc/sys/net/ipv4/ip_forward", 0, "", &["/proc/sys/net/ipv4/ip_forward"][..]),
            ("> /proc/sys/net/ipv4/ip_forword", 1, "", &[]),
            ("sysctl -w a.b=1", 0, "a.b = 1\n", &["a.b"]),
            ("sysctl a.b", 0, "a.b = 1\n", &[]),
            ("sysctl -w a/b=1 c.d=x", 1, "a.b = 1\nsysctl: setting key \"c.d\": Invalid argument\n", &["a.b"]),
            ("sysctl -q a.b=1 c.d=1", 1, "sysctl: cannot stat /proc/sys/c/d: No such file or directory\n", &["a.b"]),
            ("sysctl -p", 0, "a.b = 1\nc.d = 2\n", &["a.b", "c.d"]),
            ("sysctl -w a.*.b=1", 0, "a.x.b = 1\na.y.b = 1\n", &["a.x.b", "a.y.b"]),
            ("sysctl -a", 0, "a.b = 1\n", &[]),
            ("ip addr", 0, "a = b\n", &[]),
        ] {
            assert_eq!(written_by(&command(line, status, out)), written, "{line}");
        }
    }

    #[test]
    fn it_is_told_which_side_decides() {
        // max 2 of 2 and 1; or of 0 and 1; and of 1 and 0; either of 1 and 1.
        let told = [decides(2, 1, 2), decides(0, 1, 1), decides(1, 0, 0), decides(1, 1, 1), decides(0, 3, 3)];
        assert_eq!(told, ["own", "all", "all", "both", "all"]);
    }

    #[test]
    fn names_for_one_value_are_one() {
        assert_eq!(canonical("/proc/sys/net/ipv4/neigh/eth0/retrans_time"), "net.ipv4.neigh.eth0.retrans_time_ms");
        assert_eq!(canonical("net.ipv4.conf.all.arp_ignore"), "net.ipv4.conf.all.arp_ignore");
    }
}
