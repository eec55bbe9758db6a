//! The names that a scenario may use: sysctls and drop reasons, from the tables that the simulator itself uses.

use crate::lang::Text;
use crate::scenario::Names;
use crate::sysctl::table::{CONF, GLOBAL, NEIGH};
use crate::sysctl::{Row, Sysctls};
use crate::text;
use crate::trace::drop::CODES;
use std::sync::LazyLock;

/// For [`crate::scenario::load`].
pub fn names() -> Names<'static> {
    static PATHS: LazyLock<Vec<String>> = LazyLock::new(paths);
    static SYSCTLS: LazyLock<Vec<&str>> = LazyLock::new(|| PATHS.iter().map(String::as_str).collect());
    Names {
        sysctls: &SYSCTLS,
        known_sysctl: |path| Sysctls::default().writable(&of_any_interface(path)),
        sysctl_value: takes,
        reasons: CODES,
        read_file: None,
    }
}

/// Every path, with `all` or `default` for the interface.
fn paths() -> Vec<String> {
    CONF.iter()
        .map(|row| row.path.replace('*', "all"))
        .chain(NEIGH.iter().map(|row| row.path.replace('*', "default")))
        .chain(GLOBAL.iter().map(|row| row.path.to_string()))
        .filter(|path| Sysctls::default().writable(path))
        .collect()
}

/// The same variable of `default`, which every host has: whether an interface exists is another question.
fn of_any_interface(path: &str) -> String {
    for prefix in ["net.ipv4.conf.", "net.ipv4.neigh."] {
        if let Some((interface, leaf)) = path.strip_prefix(prefix).and_then(|rest| rest.rsplit_once('.'))
            && !interface.is_empty()
            && (interface != "all" || prefix == "net.ipv4.conf.")
        {
            return format!("{prefix}default.{leaf}");
        }
    }
    path.to_string()
}

/// Whether the kernel would take the value; if not, what it wants.
fn takes(path: &str, value: &str) -> Result<(), Text> {
    let path = of_any_interface(path);
    Sysctls::default().write(&path, value).map_err(|_| wanted(row(&path)))
}

fn row(path: &str) -> Option<&'static Row> {
    let rows = CONF.iter().chain(NEIGH).chain(GLOBAL);
    rows.into_iter().find(|row| row.path.replace('*', "default") == path)
}

fn wanted(row: Option<&Row>) -> Text {
    match row {
        Some(row) if (row.min, row.max) != (i64::from(i32::MIN), i64::from(i32::MAX)) => {
            text!("problem-wants-from-to", low = row.min, high = row.max)
        }
        _ => text!("problem-want-whole-number"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_is_offered_is_known_and_takes_its_default() {
        let names = names();
        for path in names.sysctls {
            assert!((names.known_sysctl)(path), "{path}");
            let default = Sysctls::default().read(path).unwrap_or_default();
            assert_eq!((names.sysctl_value)(path, &default), Ok(()), "{path}");
        }
    }

    #[test]
    fn a_variable_is_known_of_any_interface_but_not_under_any_name() {
        let known = names().known_sysctl;
        assert!(known("net.ipv4.conf.eth0.arp_ignore"));
        assert!(known("net.ipv4.conf.eth0.100.arp_ignore"));
        assert!(known("net.ipv4.neigh.eth0.locktime"));
        assert!(!known("net.ipv4.neigh.all.locktime"));
        assert!(!known("net.ipv4.conf.eth0.arg_ignore"));
        assert!(!known("net.ipv4.conf..arp_ignore"));
        assert!(!known("net.ipv4.ip_forwards"));
    }

    #[test]
    fn what_the_kernel_refuses_is_refused_with_what_it_wants() {
        let takes = names().sysctl_value;
        assert_eq!(takes("net.ipv4.conf.all.arp_ignore", "99"), Ok(()));
        let refused = takes("net.ipv4.conf.eth0.arp_ignore", "yes");
        assert_eq!(refused, Err(text!("problem-want-whole-number")));
    }
}
