//! `lvsim trace`: every frame as tcpdump prints it, hop by hop, and where packets ended.

use super::exit::Failure;
use super::simulation::{SimArgs, verdict};
use super::ui::Ui;
use super::{input, list, values};
use lvsim::lang::{Join, Text};
use lvsim::report::filter::{Expr, FilterError, TraceFilter};
use lvsim::scenario::Scenario;
use lvsim::text;
use std::net::Ipv4Addr;

/// Print every frame as tcpdump does, hop by hop.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lvsim trace scenarios/arp-problem.yaml arp
  lvsim trace scenarios/dr.yaml --on director:eth0 tcp port 80
  lvsim trace scenarios/tun.yaml --flow 200.168.10.4:32768
  lvsim trace scenarios/nat.yaml drop
  lvsim trace scenarios/nat.yaml --packet 1 --passport

A filter is made of arp, ip, tcp, udp, icmp, ipip, drop, [src|dst] host ADDRESS, [src|dst] net PREFIX and
[src|dst] port PORT, joined by and, or, not and parentheses. Addresses and ports are also looked for inside a tunnel.")]
pub struct Args {
    /// A scenario; `-` is stdin
    #[arg(value_name = "FILE")]
    file: String,
    /// Only frames that this holds for
    #[arg(value_name = "FILTER", trailing_var_arg = false)]
    filter: Vec<String>,
    /// Only what passes this host, or this interface of it
    #[arg(long, value_name = "NODE[:IFACE]", value_parser = values::place)]
    on: Option<(String, Option<String>)>,
    /// Only this packet, from its birth to its end
    #[arg(long, value_name = "ID", value_parser = values::packet)]
    packet: Option<u32>,
    /// Only the packets of this connection, both ways, and errors about them
    #[arg(long, value_name = "SRC:PORT", value_parser = values::end)]
    flow: Option<(Ipv4Addr, u16)>,
    /// Print the packet's headers hop by hop; cells that changed have a `*`
    #[arg(long, requires = "packet", conflicts_with_all = ["filter", "on", "flow"])]
    passport: bool,
    /// How to print the passport
    #[arg(long, value_enum, default_value_t = list::Format::Human, value_name = "FORMAT", requires = "passport")]
    format: list::Format,
    #[command(flatten)]
    sim: SimArgs,
    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
}

impl Args {
    /// Expectations are not judged: the exit code tells whether the run came to its end.
    pub fn execute(self, ui: &mut Ui) -> Result<u8, Failure> {
        ui.quiet = self.quiet;
        let expr = Expr::parse(&self.filter).map_err(|e| unreadable(&self.filter, &e))?;
        let loaded = input::load(&self.file, &self.sim.set, ui)?;
        if let Some((node, _)) = &self.on {
            exists(&loaded.scenario, node)?;
        }
        let mut run = self.sim.simulate(&loaded.scenario, true, ui)?;
        if let Some(id) = self.packet.filter(|_| self.passport) {
            let Some(text) = run.passport(id, self.format.into()) else {
                return Err(Failure::usage(format!("no packet #{id} in this run")));
            };
            ui.out.text(&text)?;
            run.expectations.clear();
            return Ok(verdict(&run, ui));
        }
        let filter = TraceFilter { on: self.on, packet: self.packet, flow: self.flow, expr };
        let lines = run.trace_lines(&filter);
        for line in &lines {
            ui.out.line(line)?;
            if ui.out.closed() {
                break;
            }
        }
        if lines.is_empty() {
            ui.note("no frame passes the filter");
        }
        run.expectations.clear();
        Ok(verdict(&run, ui))
    }
}

/// The filter, and under it the word that cannot be read.
fn unreadable(words: &[String], error: &FilterError) -> Failure {
    let mut spaced = words.join(" ").replace('(', " ( ").replace(')', " ) ");
    spaced = spaced.replace('!', " ! ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let before: usize = tokens.iter().take(error.word).map(|t| t.chars().count() + 1).sum();
    Failure::usage(format!(
        "the filter cannot be read: {}\n  {}\n  {}^",
        error.message,
        tokens.join(" "),
        " ".repeat(before)
    ))
}

/// A node must be in the file. An interface need not be: commands make some (`ip link add`, aliases).
fn exists(scenario: &Scenario, node: &str) -> Result<(), Failure> {
    if scenario.node(node).is_some() {
        return Ok(());
    }
    let names: Vec<&str> = scenario.nodes.iter().map(|n| n.name.as_str()).collect();
    let help = nearest(node, &names);
    Err(Failure::usage(format!("no node `{node}`; {help}")))
}

/// A question after the most similar name, or all of them.
pub fn nearest(word: &str, names: &[&str]) -> Text {
    match close(word, names) {
        Some(name) => text!("did-you-mean", name),
        None if names.len() > 20 => text!("has-others", n = names.len()),
        None => text!("there-are", names = Text::list(names.iter().map(|n| Text::plain(*n)), Join::Comma)),
    }
}

/// The name that is most like a word, if any is.
pub fn close<'n>(word: &str, names: &[&'n str]) -> Option<&'n str> {
    let all = names.iter().map(|n| (strsim::damerau_levenshtein(word, n), *n));
    all.min().filter(|(distance, _)| *distance <= 2).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_word() {
        let words = ["(arp".to_string(), "or".to_string(), "tpc)".to_string()];
        let error = Expr::parse(&words).expect_err("a word that is none");
        let shown = unreadable(&words, &error).message;
        let mut lines = shown.lines().skip(1);
        let (filter, caret) = (lines.next().unwrap_or(""), lines.next().unwrap_or(""));
        assert_eq!(filter.find("tpc"), caret.find('^'));
    }

    #[test]
    fn a_similar_name_is_offered_and_else_all() {
        assert_eq!(nearest("directr", &["client", "director"]).to_string(), "did you mean `director`?");
        assert_eq!(nearest("x", &["client", "director"]).to_string(), "there are client, director");
    }
}
