//! Causes in what was typed: what the shell refused, and nobody read.

use super::causes::Found;
use super::lab::Lab;
use crate::lang::Text;
use crate::sysctl::Sysctls;
use crate::text;

/// Lines of output that say that a variable does not exist.
const SAID: [&str; 2] = ["cannot stat /proc/sys/", "/proc/sys/net/ipv4/"];

/// A variable that does not exist was set.
pub fn misspelt_knob(lab: &Lab<'_>) -> Vec<Found> {
    let mut out: Vec<Found> = Vec::new();
    // Where everything came out, what was refused did no harm.
    if !lab.wrong() && !super::find_arp::stray(lab) {
        return out;
    }
    for typed in lab.play.setup.iter().chain(&lab.play.events) {
        for line in typed.out.lines().filter(|l| l.contains("No such file") && SAID.iter().any(|s| l.contains(s))) {
            let Some(path) = line.split("/proc/sys/").nth(1) else { continue };
            let path: String = path.chars().take_while(|c| !c.is_whitespace() && *c != ':').collect();
            let dotted = path.replace('/', ".");
            // A variable of an interface that is not there is spelt right.
            let leaf = dotted.rsplit('.').next().unwrap_or_default();
            let right = Sysctls::default().knows(&format!("net.ipv4.conf.default.{leaf}"));
            if right || out.iter().any(|f| f.node == typed.node) {
                continue;
            }
            out.push(Found {
                code: "misspelt-knob",
                node: typed.node,
                detail: text!("found-misspelt-knob", host = lab.name(typed.node), dotted, line = line.trim()),
                cure: Text::plain(format!("sysctl -w {}=…", similar(&dotted))),
            });
        }
    }
    out
}

/// The variable that was probably meant.
fn similar(dotted: &str) -> String {
    let all = Sysctls::default().paths();
    let generic = dotted.replace(".conf.all.", ".conf.default.");
    let near = all.iter().min_by_key(|p| strsim::damerau_levenshtein(p, &generic));
    let near = near.cloned().unwrap_or_else(|| dotted.to_string());
    if dotted.contains(".conf.all.") { near.replace(".conf.default.", ".conf.all.") } else { near }
}
