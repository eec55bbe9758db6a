//! The tables of `netstat` that are about routes and devices: `-r`, `-i` (net-tools 2.10). Sockets and counters are elsewhere.

use super::output::Output;
use super::{ifconfig, route};
use crate::net::Inet;
use crate::node::Host;

/// `netstat ARGS`: tables here, sockets from the host's stacks.
pub fn main(host: &mut Host, args: &[String], out: &mut Output) -> u8 {
    if let Some(status) = tables(&host.net, args, out) {
        return status;
    }
    out.err("lvsim: netstat is simulated with -r and -i; sockets are not listed yet");
    1
}

/// `netstat -r`, `-rn`, `-nr`, `-i`, `-ia`, `-rne` and the like. `None` if the options ask for something else.
pub fn tables(net: &Inet, args: &[String], out: &mut Output) -> Option<u8> {
    let mut letters = String::new();
    for arg in args {
        match arg.as_str() {
            "--route" => letters.push('r'),
            "--interfaces" => letters.push('i'),
            "--numeric" => letters.push('n'),
            "--all" => letters.push('a'),
            "--extend" => letters.push('e'),
            a if a.starts_with('-') && !a.starts_with("--") => letters.push_str(&a[1..]),
            _ => return None,
        }
    }
    if !letters.chars().all(|c| "rinaeveW4".contains(c)) {
        return None;
    }
    match (letters.contains('r'), letters.contains('i')) {
        (true, false) => {
            let form = match letters.matches('e').count() {
                0 => 2,
                1 => 1,
                _ => 3,
            };
            route::show(net, letters.contains('n'), form, out);
            Some(0)
        }
        (false, true) => {
            out.line("Kernel Interface table");
            if letters.contains('e') {
                ifconfig::print_all(net, letters.contains('a'), false, out);
            } else {
                ifconfig::print_table(net, letters.contains('a'), out);
            }
            Some(0)
        }
        _ => None,
    }
}
