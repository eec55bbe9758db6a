//! Every host's tables at the end of a run, as the real tools print them.

use super::markdown::TextBlock;
use super::record::{DeviceRow, HostSnapshot, NeighbourRow};
use crate::net::Nud;
use crate::node::Host;
use crate::scenario::play::Play;
use crate::shell::{Output, ip, ipvsadm};

/// What the record keeps of each host.
pub fn hosts<'a>(play: &'a Play<'_>) -> impl Iterator<Item = HostSnapshot> + 'a {
    play.world.nodes.iter().filter_map(|n| n.host()).map(|h| snapshot(h, play))
}

fn snapshot(host: &Host, play: &Play<'_>) -> HostSnapshot {
    let net = &host.net;
    HostSnapshot {
        name: host.name.to_string(),
        neighbours: net
            .neigh
            .sorted()
            .iter()
            .filter(|n| n.state != Nud::None)
            .map(|n| NeighbourRow {
                dev: net.devs[n.dev.index()].name.to_string(),
                addr: n.addr,
                mac: n.state.valid().then_some(n.mac),
                state: n.state.name(),
            })
            .collect(),
        addresses: net
            .devices()
            .map(|d| DeviceRow {
                dev: d.name.to_string(),
                up: d.up,
                carrier: d.carrier,
                mtu: d.mtu,
                inet: d.addrs.iter().map(ip::addr::inet_line).collect(),
            })
            .collect(),
        routes: ip_lines(host, play, &["route", "show", "table", "all"]),
        ipvsadm_ln: Some(ipvsadm_text(host, play, &["-Ln"])),
        ipvsadm_stats: Some(ipvsadm_text(host, play, &["-Ln", "--stats"])),
        ipvs_connections: host.ipvs.conns(play.world.now),
    }
}

/// The tables that a report shows: neighbours of every host, the virtual server's of those that have one.
pub fn text_tables(play: &Play<'_>) -> Vec<TextBlock> {
    let mut out = Vec::new();
    for host in play.world.nodes.iter().filter_map(|n| n.host()) {
        let mut push = |command: &str, text: String| {
            if !text.trim().is_empty() {
                out.push(TextBlock { title: format!("{}: {command}", host.name), text });
            }
        };
        if host.ipvs.active() || !host.ipvs.conns(play.world.now).is_empty() {
            push("ipvsadm -Ln", ipvsadm_text(host, play, &["-Ln"]));
            push("ipvsadm -Ln --stats", ipvsadm_text(host, play, &["-Ln", "--stats"]));
        }
        push("ip neigh", ip_lines(host, play, &["neigh"]).join("\n"));
    }
    out
}

/// What `ip …` prints on a host, a line each. Asked of a copy: looking changes nothing.
pub fn ip_lines(host: &Host, play: &Play<'_>, args: &[&str]) -> Vec<String> {
    let mut net = host.net.clone();
    let args: Vec<String> = args.iter().map(|a| a.to_string()).collect();
    let mut out = Output::default();
    ip::main(&mut net, play.world.now, &args, &mut out);
    out.text()
        .lines()
        .filter(|l| !l.contains("proto kernel metric 256 pref") && !l.starts_with("fe80"))
        .map(|l| l.trim_end().to_string())
        .collect()
}

/// What `ipvsadm -L…` prints on a host.
pub fn ipvsadm_text(host: &Host, play: &Play<'_>, args: &[&str]) -> String {
    let args: Vec<String> = args.iter().map(|a| a.to_string()).collect();
    ipvsadm::look(&host.ipvs, play.world.now, &args)
}
