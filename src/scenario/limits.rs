//! How much a scenario file may ask for. What goes beyond is told (`E006`, `E008`, `E009`, `E060`), never tried.
//!
//! The numbers leave room for everything that a person would write and keep a hostile file from eating the machine.

use crate::lang::Text;

/// A limit of the format.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Its name in tables.
    pub name: &'static str,
    /// The most that is taken.
    pub value: u64,
    /// What it is counted in.
    pub unit: Unit,
}

/// What a limit is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Number,
    /// Bytes.
    Bytes,
    /// Nanoseconds.
    Time,
    /// Bits in a second.
    Bandwidth,
    /// Millionths of one.
    Millionths,
}

impl Limit {
    /// What it limits.
    pub fn about(&self) -> Text {
        Text::row("limit", self.name, None)
    }

    /// Its value as one would write it.
    pub fn written(&self) -> String {
        let n = self.value;
        match self.unit {
            Unit::Number => n.to_string(),
            Unit::Bytes if n.is_multiple_of(1 << 30) => format!("{} GiB", n >> 30),
            Unit::Bytes if n.is_multiple_of(1 << 20) => format!("{} MiB", n >> 20),
            Unit::Bytes => format!("{n} bytes"),
            Unit::Time => format!("{} days", n / 86_400_000_000_000),
            Unit::Bandwidth => format!("{}tbit", n / 1_000_000_000_000),
            Unit::Millionths => format!("{}x", n / 1_000_000),
        }
    }
}

macro_rules! limits {
    ($($constant:ident: $kind:ty = $value:expr, $name:literal, $unit:ident;)*) => {
        $(#[doc = concat!("The limit `", $name, "`.")] pub const $constant: $kind = $value;)*
        /// Every limit.
        pub const LIMITS: &[Limit] =
            &[$(Limit { name: $name, value: $constant as u64, unit: Unit::$unit },)*];
    };
}

limits! {
    MAX_FILE_BYTES: usize = 16 << 20, "file", Bytes;
    MAX_VALUES: usize = 2_000_000, "values", Number;
    MAX_ALIASED: usize = 200_000, "aliased", Number;
    MAX_DEPTH: usize = 48, "depth", Number;
    MAX_PROBLEMS: usize = 500, "problems", Number;
    MAX_NODES: u64 = 65_535, "nodes", Number;
    MAX_INTERFACES: usize = 1_024, "interfaces", Number;
    MAX_THINGS: u64 = 2_000_000, "things", Number;
    MAX_TEXT: u64 = 64 << 20, "text", Bytes;
    MAX_CONNECTIONS: u64 = 10_000_000, "connections", Number;
    MAX_REQUESTS: u64 = 1_000_000, "requests", Number;
    MAX_LIST: usize = 1_000_000, "list", Number;
    MAX_PHASES: usize = 1_000, "phases", Number;
    MAX_USERS: u64 = 1_000_000, "users", Number;
    MAX_OPEN: u64 = 10_000_000, "open", Number;
    MAX_SPEED_PPM: u64 = 1_000_000_000, "speed", Millionths;
    MAX_BYTES: u64 = 1 << 30, "bytes", Bytes;
    MAX_STEPS: u64 = 1_000_000, "steps", Number;
    MAX_SPAN_NS: u64 = 366 * 86_400 * 1_000_000_000, "span", Time;
    MAX_BANDWIDTH: u64 = 1_000_000_000_000_000, "bandwidth", Bandwidth;
    MAX_QUEUE: u64 = 1_000_000, "queue", Number;
    MAX_MARKS: u32 = 1_000, "marks", Number;
    MAX_SETS: usize = 1_000, "sets", Number;
    MAX_LINE: usize = 4_096, "line", Bytes;
    MAX_NAME: usize = 63, "name", Number;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn limits_are_written_without_losing_anything() {
        let written = |name: &str| LIMITS.iter().find(|l| l.name == name).map(Limit::written).unwrap_or_default();
        assert_eq!([written("file"), written("line"), written("text")], ["16 MiB", "4096 bytes", "64 MiB"]);
        assert_eq!([written("span"), written("bandwidth"), written("speed")], ["366 days", "1000tbit", "1000x"]);
        assert_eq!([written("bytes"), written("nodes")], ["1 GiB", "65535"]);
        assert_eq!(LIMITS.iter().map(|l| l.name).collect::<BTreeSet<_>>().len(), LIMITS.len());
    }
}
