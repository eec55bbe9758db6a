//! Which line made a state: the last command that named it, or else what the file declares, or else the node.

use super::journal::Command;
use super::lab::{Lab, Real, Virtual};
use crate::base::NodeId;
use crate::scenario::problem::Place;
use std::net::Ipv4Addr;

impl Lab<'_> {
    /// The key under which the file declares a node.
    fn declared(&self, node: NodeId) -> &str {
        let spec = &self.scenario.nodes[node.index()];
        spec.group.as_deref().unwrap_or(&spec.name)
    }

    /// Where a node is declared, or something of it.
    pub fn at_node(&self, node: NodeId, keys: &[&str]) -> Place {
        let mut all = vec!["nodes", self.declared(node)];
        all.extend(keys);
        self.places.value(&all)
    }

    /// Where a command stands; a word of it, if that stands in its line.
    pub fn at_command(&self, command: &Command, word: &str) -> Place {
        self.at_line(command.line, command.words.first().map_or("", String::as_str), word)
    }

    /// A word in a line of the file; without it the command that begins with `program`, or the line.
    pub fn at_line(&self, number: u32, program: &str, word: &str) -> Place {
        let line = self.places.line(number);
        if !word.is_empty()
            && let Some(from) = line.find(word)
        {
            return self.places.piece(number, from, from + word.len());
        }
        let indent = line.len() - line.trim_start().len();
        let from = if program == ">" || program.is_empty() { None } else { line.find(program) }.unwrap_or(indent);
        let rest = &line[from..];
        let end = rest.find([';', '#']).or_else(|| rest.find(" }")).unwrap_or(rest.len());
        self.places.piece(number, from, from + rest[..end].trim_end().len())
    }

    /// Where a host got an address.
    pub fn at_address(&self, node: NodeId, addr: Ipv4Addr) -> Place {
        let text = addr.to_string();
        let typed = |c: &&Command| {
            let deletes = c.words.iter().any(|w| matches!(w.as_str(), "del" | "delete" | "down" | "flush"));
            (c.is("ip") && c.words.iter().any(|w| "address".starts_with(w.as_str())) || c.is("ifconfig"))
                && c.status == 0
                && !deletes
                && c.names(&text)
        };
        if let Some(command) = self.journal.on(node).rev().find(typed) {
            return self.at_command(command, "");
        }
        let spec = &self.scenario.nodes[node.index()];
        let interface = spec.interfaces.iter().find(|i| i.addresses.iter().any(|a| a.addr == addr));
        match interface {
            Some(i) => {
                let key = if i.addresses.len() == 1 { "address" } else { "addresses" };
                self.at_node(node, &["interfaces", &i.name, key])
            }
            None => self.at_node(node, &[]),
        }
    }

    /// Where a variable got its value; `leaf` is the end of its path.
    pub fn at_sysctl(&self, node: NodeId, leaf: &str) -> Place {
        if let Some(command) = self.journal.on(node).rev().find(|c| sets(c, leaf)) {
            return self.at_command(command, "");
        }
        let spec = &self.scenario.nodes[node.index()];
        match spec.sysctls.iter().rev().find(|(path, _)| path.ends_with(leaf)) {
            Some((path, _)) => self.at_node(node, &["sysctl", path]),
            None => self.at_node(node, &[]),
        }
    }

    /// Where a virtual service was made.
    pub fn at_service(&self, service: &Virtual) -> Place {
        let made = |c: &&Command| c.ipvsadm().is_some_and(|r| r.key == service.key);
        self.at_ipvsadm(service.node, self.journal.on(service.node).find(made))
    }

    /// Where a server was added to it, or changed last.
    pub fn at_real(&self, service: &Virtual, real: &Real) -> Place {
        let made = |c: &&Command| {
            let names = |r: &crate::shell::ipvsadm::args::Request| r.key == service.key && r.server.addr == real.addr;
            c.ipvsadm().is_some_and(|r| names(&r))
        };
        match self.journal.on(service.node).rev().find(made) {
            Some(command) => self.at_command(command, ""),
            None => self.at_service(service),
        }
    }

    /// Without a command that says it, the service came from a file that was restored.
    fn at_ipvsadm(&self, node: NodeId, found: Option<&Command>) -> Place {
        let restored = || self.journal.on(node).rev().find(|c| c.words[0].starts_with("ipvsadm"));
        match found.or_else(restored) {
            Some(command) => self.at_command(command, ""),
            None => self.at_node(node, &[]),
        }
    }

    /// Where a host got its default route, or could have.
    pub fn at_gateway(&self, node: NodeId) -> Place {
        let typed = |c: &&Command| {
            let default = c.words.iter().any(|w| matches!(w.as_str(), "default" | "0.0.0.0" | "0.0.0.0/0"));
            (c.is("ip") || c.is("route")) && default && !c.words.iter().any(|w| w.starts_with("del"))
        };
        match self.journal.on(node).rev().find(typed) {
            Some(command) => self.at_command(command, ""),
            None => self.at_node(node, &["gateway"]),
        }
    }

    /// Where a rule of a filter was typed: the last line of the program that names the chain and ends packets.
    pub fn at_rule(&self, node: NodeId, program: &str, chain: &str) -> Place {
        let names = |c: &&Command| {
            let ends = c.words.iter().any(|w| w == "DROP" || w.starts_with("REJECT"));
            c.words[0].starts_with(program) && c.status == 0 && ends && c.words.iter().any(|w| w == chain)
        };
        let any = |c: &&Command| c.words[0].starts_with(program) && c.status == 0;
        match self.journal.on(node).rev().find(names).or_else(|| self.journal.on(node).rev().find(any)) {
            Some(command) => self.at_command(command, ""),
            None => self.at_node(node, &[]),
        }
    }
}

/// Whether a command writes a variable whose path ends so, successfully.
pub fn sets(command: &Command, leaf: &str) -> bool {
    let ends = |path: &str| path.rsplit(['.', '/']).next() == Some(leaf);
    let path = |w: &String| w.split_once('=').is_some_and(|(path, _)| ends(path.trim()));
    match command.words[0].as_str() {
        ">" => command.status == 0 && command.words.get(1).is_some_and(|p| ends(p)),
        // `sysctl -p` says what it sets.
        "sysctl" => command.words.iter().any(path) || command.out.lines().any(|l| path(&l.to_string())),
        _ => false,
    }
}
