//! The kernel's variables as properties of `sysctl`: the names and ranges of the table of variables.

use super::json::{Json, list, map};
use crate::sysctl::table::{CONF, GLOBAL, NEIGH, NEIGH_ALIASES};
use crate::sysctl::{Global, Row};

/// The form of a value: a number as the kernel reads it, and what follows it (`32768 60999`).
pub(super) fn value() -> Json {
    form().with("description", "As `sysctl -w` takes it: a number, decimal, 0x… or with a 0 before it octal")
}

fn form() -> Json {
    map()
        .with("title", "value of a kernel variable")
        .with("type", list(["integer", "string"]))
        .with("pattern", r"^\s*-?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)(\s[^\r\n]*)?$")
        .with("patternErrorMessage", "a kernel variable takes a number: write 1, not on or yes")
}

/// The map of variables; `value` refers to their form.
pub(super) fn properties(value: &Json) -> Json {
    let of = |row: &Row| {
        let bounded = form().with("minimum", row.min).with("maximum", row.max);
        bounded.with("description", about(row)).with("default", row.default)
    };
    let mut named = map();
    for row in GLOBAL.iter().filter(|row| row.path != Global::CtCount.row().path) {
        named = named.with(row.path, of(row));
    }
    for row in CONF {
        for interface in ["all", "default"] {
            named = named.with(&row.path.replace('*', interface), of(row));
        }
    }
    for row in NEIGH {
        named = named.with(&row.path.replace('*', "default"), of(row));
    }
    // Of any interface, and with slashes as below /proc/sys.
    let leaves = |rows: &[Row]| rows.iter().filter_map(|r| r.path.rsplit('.').next()).collect::<Vec<_>>().join("|");
    let aliases: Vec<&str> = NEIGH_ALIASES.iter().map(|a| a.0).collect();
    let global: Vec<String> =
        GLOBAL.iter().filter(|r| r.path != Global::CtCount.row().path).map(|r| r.path.replace('.', "/")).collect();
    let (conf, neigh) = (leaves(CONF), format!("{}|{}", leaves(NEIGH), aliases.join("|")));
    let mut patterns = map();
    for (dot, slash) in [(r"\.", "[.]"), ("/", "/")] {
        let interface = if dot == "/" { "[^/]+" } else { ".+" };
        patterns = patterns
            .with(&format!("^net{dot}ipv4{dot}conf{dot}{interface}{dot}({conf})$"), value.clone())
            .with(&format!("^net{dot}ipv4{dot}neigh{dot}{interface}{dot}({neigh})$"), value.clone())
            .with(&format!("^net{slash}ipv4{slash}neigh{slash}all{slash}[^./]*$"), false);
    }
    patterns = patterns.with(&format!("^({})$", global.join("|")), value.clone());
    map().with("properties", named).with("patternProperties", patterns).with("additionalProperties", false)
}

fn about(row: &Row) -> String {
    let followed = if row.modelled { "" } else { " (stored, without effect)" };
    let combined = match row.path.contains(".conf.*.") {
        true => format!("; of `all` and the interface's own, {}", row.combine.text()),
        false => String::new(),
    };
    format!("{}{combined}{followed}", row.about())
}
