//! One table of one node as it is when a run ends: what `lvsim show` prints.
//!
//! A new table is a row of [`TABLES`]. People get what the real tool prints; programs get rows, whose columns are part of
//! the contract of the command line and only ever grow.

use super::RunLog;
use super::snapshot::{ip_lines, ipvsadm_text};
use super::tables::{Cell, Format, Grid};
use super::words::{because, compared};
use crate::ipvs::{Counters, ServiceKey, ServiceView, sched};
use crate::lang::Lang;
use crate::net::Nud;
use crate::node::{Host, Node, Switch};
use crate::scenario::play::Play;
use crate::shell::ip::{scope_name, table_name};
use crate::shell::{Output, arp};
use crate::text;
use crate::trace::{Because, TraceEvent};
use crate::wire::Mac;
use std::net::Ipv4Addr;

/// A table that can be asked for.
#[derive(Debug)]
pub struct TableRow {
    /// Its name.
    pub name: &'static str,
    /// One line.
    pub about: &'static str,
    /// Names of the columns of [`Format::Json`] and [`Format::Csv`].
    pub columns: &'static [&'static str],
    make: Make,
}

#[derive(Debug)]
enum Make {
    /// Of a host: what the real tool prints, and the rows.
    Host(fn(&Play<'_>, &Host) -> String, fn(&At<'_>, &Host, &mut Grid)),
    /// Of a host, from what was recorded of the run.
    Told(fn(&RunLog<'_>, &Host, &mut Grid, Lang)),
    /// Of a switch.
    Switch(fn(&At<'_>, &Switch, &mut Grid)),
}

/// Every table, by name.
pub const TABLES: &[TableRow] = &[
    TableRow {
        name: "addr",
        about: "devices and addresses, as `ip addr` prints them",
        columns: &["dev", "up", "carrier", "mtu", "mac", "address", "prefix", "scope", "label", "secondary"],
        make: Make::Host(|play, host| text(ip_lines(host, play, &["addr"])), addr_rows),
    },
    TableRow {
        name: "arp",
        about: "the neighbour cache, as `arp -n` prints it",
        columns: &["address", "dev", "mac", "is", "state"],
        make: Make::Host(arp_text, arp_rows),
    },
    TableRow {
        name: "conn",
        about: "IPVS connections, as `ipvsadm -Lnc` prints them, and who made each where some came by synchronisation",
        columns: &["protocol", "client", "virtual", "server", "state", "expires_ns", "template", "origin"],
        make: Make::Host(conn_text, conn_rows),
    },
    TableRow {
        name: "ipvs",
        about: "virtual services and real servers, as `ipvsadm -Ln` prints them, and synchronisation daemons",
        columns: &[
            "service",
            "scheduler",
            "persistent_s",
            "server",
            "method",
            "weight",
            "active",
            "inactive",
            "templates",
            "overload",
            "conns",
            "in_packets",
            "out_packets",
            "in_bytes",
            "out_bytes",
        ],
        make: Make::Host(
            |play, host| ipvsadm_text(host, play, &["-Ln"]) + &ipvsadm_text(host, play, &["-L", "--daemon"]),
            ipvs_rows,
        ),
    },
    TableRow {
        name: "mac",
        about: "what a switch has learnt, in the order of learning",
        columns: &["port", "mac", "is", "age_ns"],
        make: Make::Switch(mac_rows),
    },
    TableRow {
        name: "receipts",
        about: "every decision of a scheduler: what it compared, in the order of its list, and what it chose",
        columns: &[
            "at_ns",
            "service",
            "scheduler",
            "client",
            "server",
            "weight",
            "active",
            "inactive",
            "compared",
            "chosen",
            "why",
        ],
        make: Make::Told(receipt_rows),
    },
    TableRow {
        name: "route",
        about: "routes of every table, as `ip route show table all` prints them",
        columns: &["table", "type", "destination", "via", "dev", "source", "scope", "metric", "protocol"],
        make: Make::Host(|play, host| text(ip_lines(host, play, &["route", "show", "table", "all"])), route_rows),
    },
    TableRow {
        name: "sysctl",
        about: "kernel variables, as `sysctl -a` prints them",
        columns: &["path", "value"],
        make: Make::Host(sysctl_text, sysctl_rows),
    },
];

impl TableRow {
    /// Whether it is a table of hosts; else, of switches.
    pub fn is_of_hosts(&self) -> bool {
        !matches!(self.make, Make::Switch(_))
    }

    /// Whether it needs the trace of the run.
    pub fn from_trace(&self) -> bool {
        matches!(self.make, Make::Told(_))
    }
}

/// The table `row` of `node`, with a line feed at its end; none if there is no such node, or it is no host or switch as
/// the table wants it.
pub(super) fn show(
    play: &Play<'_>,
    log: &RunLog<'_>,
    row: &TableRow,
    node: &str,
    format: Format,
    lang: Lang,
) -> Option<String> {
    let found = play.world.nodes.iter().find(|n| &**n.name() == node)?;
    let mut grid = Grid::new(row.columns);
    match (&row.make, found) {
        (Make::Host(text, _), Node::Host(host)) if format == Format::Human => return Some(text(play, host)),
        (Make::Host(_, rows), Node::Host(host)) => rows(&At { play, log }, host, &mut grid),
        (Make::Told(rows), Node::Host(host)) => rows(log, host, &mut grid, lang),
        (Make::Switch(rows), Node::Switch(switch)) => rows(&At { play, log }, switch, &mut grid),
        (Make::Host(..) | Make::Told(_), Node::Switch(_)) | (Make::Switch(_), Node::Host(_)) => return None,
    }
    Some(grid.print(format))
}

/// What a table is made from.
#[derive(Debug)]
struct At<'a> {
    play: &'a Play<'a>,
    log: &'a RunLog<'a>,
}

impl At<'_> {
    /// The interface with this hardware address, as NODE:IFACE.
    fn owner(&self, mac: Mac) -> Cell {
        maybe(self.log.mac_owner(mac))
    }
}

fn text(lines: Vec<String>) -> String {
    lines.iter().map(|l| format!("{l}\n")).collect()
}

fn said(text: impl ToString) -> Cell {
    Cell::Text(text.to_string())
}

fn number(n: impl TryInto<i64>) -> Cell {
    n.try_into().map_or(Cell::None, Cell::Number)
}

fn maybe(text: Option<impl ToString>) -> Cell {
    text.map_or(Cell::None, said)
}

fn addr_rows(_: &At<'_>, host: &Host, grid: &mut Grid) {
    for d in host.net.devices() {
        let device = [said(&d.name), Cell::Flag(d.up), Cell::Flag(d.carrier), number(d.mtu), said(d.mac)];
        if d.addrs.is_empty() {
            grid.row(device.clone());
        }
        for a in &d.addrs {
            let own =
                [said(a.local), number(a.prefix), said(scope_name(a.scope)), said(&a.label), Cell::Flag(a.secondary)];
            grid.row(device.clone().into_iter().chain(own));
        }
    }
}

fn arp_text(play: &Play<'_>, host: &Host) -> String {
    let mut net = host.net.clone();
    let mut out = Output::default();
    arp::main(&mut net, play.world.now, &["-n".to_string()], &mut out);
    out.text()
}

fn arp_rows(at: &At<'_>, host: &Host, grid: &mut Grid) {
    for n in host.net.neigh.sorted().iter().filter(|n| n.state != Nud::None) {
        let known = n.state.valid().then_some(n.mac);
        let dev = &host.net.devs[n.dev.index()].name;
        let is = known.map_or(Cell::None, |mac| at.owner(mac));
        grid.row([said(n.addr), said(dev), maybe(known), is, said(n.state.name())]);
    }
}

fn conn_rows(at: &At<'_>, host: &Host, grid: &mut Grid) {
    for c in host.ipvs.conns(at.play.world.now) {
        let end = |(addr, port): (Ipv4Addr, u16)| said(format!("{addr}:{port}"));
        let template = c.flags & crate::ipvs::conn::flag::TEMPLATE != 0;
        grid.row([
            said(c.proto_name()),
            end(c.client),
            end(c.virt),
            end(c.dest),
            said(c.state),
            number(c.expires_in.0),
            Cell::Flag(template),
            said(c.origin()),
        ]);
    }
}

/// With a column that ipvsadm does not have: it does not tell what came by synchronisation.
fn conn_text(play: &Play<'_>, host: &Host) -> String {
    let text = ipvsadm_text(host, play, &["-Lnc"]);
    let conns = host.ipvs.conns(play.world.now);
    if conns.iter().all(|c| c.origin() == "LOCAL") {
        return text;
    }
    let origins = ["", "origin"].into_iter().chain(conns.iter().map(|c| c.origin()));
    text.lines()
        .zip(origins)
        .map(|(line, origin)| format!("{line:<81} {origin}").trim_end().to_string() + "\n")
        .collect()
}

fn ipvs_rows(at: &At<'_>, host: &Host, grid: &mut Grid) {
    let mut services: Vec<ServiceView<'_>> = host.ipvs.services().collect();
    services.sort_by_key(ServiceView::key);
    for s in services {
        let key = match s.key() {
            ServiceKey::Addr { proto, addr, port } => format!("{proto} {addr}:{port}"),
            ServiceKey::Mark(mark) => format!("FWM {mark}"),
        };
        let service = [said(key), said(s.scheduler()), s.spec().persistent.map_or(Cell::None, number)];
        let mut dests: Vec<_> = s.dests().collect();
        dests.sort_by_key(|d| (d.addr, d.port));
        if dests.is_empty() {
            grid.row(service.clone());
        }
        for d in dests {
            let Counters { conns, in_pkts, out_pkts, in_bytes, out_bytes } = s.dest_counters(d, at.play.world.now);
            let own = [
                said(format!("{}:{}", d.addr, d.port)),
                said(d.method.column()),
                number(d.weight),
                number(d.active),
                number(d.inactive),
                number(d.persist),
                Cell::Flag(d.overload),
                number(conns),
                number(in_pkts),
                number(out_pkts),
                number(in_bytes),
                number(out_bytes),
            ];
            grid.row(service.clone().into_iter().chain(own));
        }
    }
}

fn receipt_rows(log: &RunLog<'_>, host: &Host, grid: &mut Grid, lang: Lang) {
    let end = |(addr, port): (Ipv4Addr, u16)| said(format!("{addr}:{port}"));
    for r in log.records.iter().filter(|r| r.node == host.id) {
        let at = Cell::Number(r.at.since_zero(log.zero));
        match &r.event {
            TraceEvent::Receipt(receipt) => {
                let rule = sched::find(receipt.scheduler).map(|row| row.rule());
                for c in &receipt.candidates {
                    let why = match (&receipt.because, c) {
                        (Some(why), c) if c.chosen => because(why),
                        (_, c) if c.weight == 0 => text!("receipt-quiesced"),
                        (_, c) if c.overload => text!("receipt-full"),
                        (Some(_), _) => rule.clone().unwrap_or_default(),
                        (None, _) => text!("receipt-refused"),
                    };
                    grid.row([
                        at.clone(),
                        said(&receipt.service),
                        said(receipt.scheduler),
                        end(receipt.client),
                        end(c.dest),
                        number(c.weight),
                        number(c.active),
                        number(c.inactive),
                        said(compared(&c.compared).say(lang)),
                        Cell::Flag(c.chosen),
                        said(why.say(lang)),
                    ]);
                }
            }
            TraceEvent::Scheduled { packet, service, scheduler, dest, because: why @ Because::Persistent } => {
                let client = packet.l4.ports().map_or(said(packet.saddr), |(port, _)| end((packet.saddr, port)));
                let none = [Cell::None, Cell::None, Cell::None, Cell::None];
                let head = [at, said(service), said(scheduler), client, end(*dest)];
                grid.row(head.into_iter().chain(none).chain([Cell::Flag(true), said(because(why).say(lang))]));
            }
            _ => {}
        }
    }
}

fn route_rows(_: &At<'_>, host: &Host, grid: &mut Grid) {
    for r in host.net.fib.routes() {
        grid.row([
            said(table_name(r.table)),
            said(r.kind.name()),
            said(r.dst),
            maybe(r.via),
            maybe(r.dev.map(|d| &host.net.devs[d.index()].name)),
            maybe(r.prefsrc),
            said(scope_name(r.scope)),
            number(r.metric),
            number(r.proto),
        ]);
    }
}

fn sysctl_text(_: &Play<'_>, host: &Host) -> String {
    let line = |path: String| host.net.sysctl.read(&path).map(|v| format!("{path} = {v}\n"));
    host.net.sysctl.paths().into_iter().filter_map(line).collect()
}

fn sysctl_rows(_: &At<'_>, host: &Host, grid: &mut Grid) {
    for path in host.net.sysctl.paths() {
        let value = host.net.sysctl.read(&path);
        grid.row([said(path), maybe(value)]);
    }
}

fn mac_rows(at: &At<'_>, switch: &Switch, grid: &mut Grid) {
    for (mac, port, heard) in switch.learnt(at.play.world.now) {
        grid.row([number(port.index()), said(mac), at.owner(mac), number(at.play.world.now.since(heard).0)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_unique() {
        assert!(TABLES.windows(2).all(|w| w[0].name < w[1].name));
    }
}
