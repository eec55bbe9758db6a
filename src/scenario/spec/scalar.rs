//! The forms of single values: how each is read, and what it looks like, from one table of units and limits.

use crate::base::Span;
use crate::base::size;
use crate::base::time::UNITS;
use crate::scenario::limits::{MAX_BANDWIDTH, MAX_BYTES, MAX_LINE, MAX_NAME, MAX_SPAN_NS, MAX_SPEED_PPM};
use crate::scenario::model::{At, Mac, Protocol};
use crate::scenario::spec::pattern::{decimals, whole as numbers};
use crate::scenario::spec::serves::{PROTOCOLS, port_of};
use crate::scenario::spec::table::{Also, Form, Scalar, Shape, TEXT_ONLY};
use crate::scenario::spec::value::{BANDWIDTH_UNITS, RATE_UNITS, Script};
use crate::scenario::spec::{address, value};
use crate::text;
use std::net::Ipv4Addr;

/// A form and what it looks like, side by side.
macro_rules! forms {
    ($($(#[$doc:meta])* $name:ident: $out:ty = $read:expr, { $($field:ident: $value:expr),* $(,)? };)*) => {
        $(
            $(#[$doc])*
            pub(crate) const $name: Form<$out> = {
                static SCALAR: Scalar = Scalar { $($field: $value,)* ..TEXT_ONLY };
                Form { read: $read, shape: || Shape::Scalar(&SCALAR) }
            };
        )*
    };
}

/// Some words of a table, and what each means.
macro_rules! words {
    ($what:expr, $words:expr) => {
        $crate::scenario::spec::table::Form {
            read: |node, p| $crate::scenario::spec::value::choice(node, $what, $words, p),
            shape: || $crate::scenario::spec::table::Shape::Words($words.iter().map(|w| w.0).collect()),
        }
    };
}
pub(crate) use words;

/// A name of something.
macro_rules! named {
    ($of:expr) => {
        $crate::scenario::spec::table::Form {
            read: |node, p| $crate::scenario::spec::value::name(node, $of, p),
            shape: || $crate::scenario::spec::table::Shape::Scalar(&$crate::scenario::spec::scalar::NAME),
        }
    };
}
pub(crate) use named;

/// A whole number between two, both included.
pub(crate) const fn whole<const LOW: u64, const HIGH: u64>() -> Form<u64> {
    Form { read: |node, p| value::whole(node, LOW..=HIGH, p), shape: || Shape::Whole(LOW, HIGH) }
}

/// A decimal number between two, in millionths.
pub(crate) const fn decimal<const LOW: u64, const HIGH: u64>() -> Form<u64> {
    Form { read: |node, p| value::millionths(node, LOW..=HIGH, p), shape: || Shape::Decimal(LOW, HIGH) }
}

/// A moment of the run.
pub(crate) const WHEN: Form<At> =
    Form { read: value::when, shape: || Shape::Either(vec![Shape::Words(vec!["end"]), (DURATION.shape)()]) };

/// A rate, or the mean time between two.
pub(crate) const RATE_OR_GAP: Form<Span> =
    Form { read: value::rate_or_gap, shape: || Shape::Either(vec![(RATE.shape)(), (DURATION.shape)()]) };

/// A rate, or none.
pub(crate) const RATE_OR_NONE: Form<Option<Span>> = Form {
    read: value::rate_or_none,
    shape: || {
        static NONE: Scalar = Scalar {
            name: "no-rate",
            title: "0",
            about: "Nothing comes: `0`",
            examples: &["0"],
            also: Also::Whole(0, 0),
            pattern: Some(|| "^0(/s)?$".into()),
            ..TEXT_ONLY
        };
        Shape::Either(vec![(RATE.shape)(), Shape::Scalar(&NONE)])
    },
};

/// A name of a node, of traffic, of the scenario.
pub(crate) static NAME: Scalar = Scalar {
    name: "name",
    title: "name",
    about: "Letters, digits, `-` and `_`; begins with a letter or a digit",
    examples: &["web-1"],
    also: Also::Names,
    // What is no letter beyond ASCII the parser tells.
    pattern: Some(|| format!(r"^[^\x00-/:-@\[-`{{-\x7f][^\x00-,./:-@\[-^`{{-\x7f]{{0,{}}}$", MAX_NAME - 1)),
    ..TEXT_ONLY
};

/// A name of an interface, as the key of a map: see `check_iface_name`.
pub(crate) static INTERFACE_NAME: Scalar = Scalar {
    name: "interface-name",
    title: "name of an interface",
    about: "1 to 15 visible ASCII characters without `/` and `:`",
    examples: &["eth0"],
    pattern: Some(|| "^[!-.0-9;-~]{1,15}$".into()),
    ..TEXT_ONLY
};

/// What an interface cannot be called.
pub(crate) const NO_INTERFACE: &[&str] = &[".", "..", "all", "default"];

forms! {
    /// Any text.
    TEXT: String = value::text, {
        name: "text",
        title: "text",
        about: "Any text; quotes where YAML would see something else in it",
        also: Also::Anything,
    };
    /// A text, with blanks around it taken off.
    WORD: String = |node, p| value::text(node, p).map(|t| t.trim().to_string()), {
        name: "word",
        title: "name in this file",
        about: "The name of a node or of traffic in this file",
        examples: &["director"],
        also: Also::Anything,
    };
    /// A text of one line.
    LINE: String = value::line, {
        name: "line",
        title: "one line of text",
        about: "One line of text",
        also: Also::Anything,
        pattern: Some(|| r"^\s*\S([^\r\n]*\S)?\s*$".into()),
        longest: Some(MAX_LINE),
    };
    /// What is typed at a shell.
    SCRIPT: Script = value::script, {
        name: "commands",
        title: "command lines",
        about: "Command lines as they are typed on the host, in one bash; `run: |` begins several",
        examples: &["ipvsadm -Ln"],
        also: Also::Anything,
    };
    /// `true` or `false`.
    BOOLEAN: bool = value::boolean, {
        name: "boolean",
        title: "true or false",
        about: "`true` or `false`; `on` and `yes` are words in YAML 1.2",
        examples: &["true", "false"],
        also: Also::Boolean,
        pattern: Some(|| "^(true|True|TRUE|false|False|FALSE)$".into()),
    };
    /// A length of time.
    DURATION: Span = value::duration, {
        name: "duration",
        title: "duration",
        about: "A length of time with its unit: ns, us, ms, s, m, h; at most 366 days",
        examples: &["250us", "1.5s", "2m"],
        also: Also::Whole(0, 0),
        pattern: Some(|| {
            let most = u128::from(MAX_SPAN_NS) * 1_000_000_000;
            let number = |scale| decimals(0, most / u128::from(scale), 9, 1);
            format!("^(0|{})$", units(UNITS, number, r"\s*", false))
        }),
    };
    /// A rate such as `100/s`, as the time between two.
    RATE: Span = value::rate, {
        name: "rate",
        title: "rate",
        about: "How many in which time: a number above 0, `/` and ms, s, m or h; at most one per nanosecond",
        examples: &["100/s", "5/ms", "30/m"],
        pattern: Some(|| {
            let number = |unit| {
                let millionths = u128::from(unit) * 1_000_000;
                decimals(millionths / (u128::from(MAX_SPAN_NS) + 1) + 1, millionths, 6, 1)
            };
            format!("^({})$", units(RATE_UNITS, number, r"\s*/\s*", false))
        }),
    };
    /// Bits per second.
    BANDWIDTH: u64 = value::bandwidth, {
        name: "bandwidth",
        title: "bandwidth",
        about: "Bits per second with a unit: bit, kbit, mbit, gbit, tbit; at most 1000 tbit",
        examples: &["1gbit", "100mbit", "56kbit"],
        pattern: Some(|| {
            let number = |scale| with_unit(1, MAX_BANDWIDTH, scale);
            format!("^({})\\s*(/s)?$", units(BANDWIDTH_UNITS, number, r"\s*", true))
        }),
    };
    /// The part of packets that are lost, in millionths.
    LOSS: u32 = value::loss, {
        name: "loss",
        title: "percentage",
        about: "The part of frames that are lost: 0% to 100%, at most four digits after the point; or 0",
        examples: &["10%", "0.5%", "0"],
        also: Also::Whole(0, 0),
        pattern: Some(|| format!(r"^(0|{}\s*%)$", decimals(0, 1_000_000, 4, 1))),
    };
    /// A number of bytes.
    BYTES: u64 = value::bytes, {
        name: "bytes",
        title: "number of bytes",
        about: "Bytes, with or without a unit: B, kB (1000), MB, GB, KiB (1024), MiB, GiB; at most 1 GiB",
        examples: &["100B", "1kB", "64KiB", "1472"],
        also: Also::Whole(0, MAX_BYTES),
        pattern: Some(|| format!("^({})$", units(size::UNITS, |scale| with_unit(0, MAX_BYTES, scale), r"\s*", true))),
    };
    /// How fast something is, of the usual speed, in millionths.
    SPEED: u64 = |node, p| value::speed(node, MAX_SPEED_PPM, p), {
        name: "speed",
        title: "speed",
        about: "A part or a multiple of the usual speed, such as 0.5 or `2x`; at most 1000",
        examples: &["0.5", "2x"],
        also: Also::Decimal(0, MAX_SPEED_PPM),
        pattern: Some(|| format!(r"^{}\s*x?$", decimals(0, u128::from(MAX_SPEED_PPM), 6, 1))),
    };
    /// An IPv4 address.
    ADDRESS: Ipv4Addr = address::address, {
        name: "address",
        title: "IPv4 address",
        about: "An IPv4 address",
        examples: &["192.168.1.1"],
        pattern: Some(|| format!("^{}$", ip())),
    };
    /// An address with its prefix length.
    CIDR: (Ipv4Addr, u8) = address::cidr, {
        name: "address-with-length",
        title: "address/length",
        about: "An IPv4 address with the length of its prefix, or a netmask; without one it is 32, as for `ip addr add`",
        examples: &["192.168.1.101/24", "10.0.0.1/255.255.255.0"],
        pattern: Some(|| format!("^{}(/(0*({})|{}))?$", ip(), numbers(0, 32), masks())),
    };
    /// A network of source addresses.
    NETWORK: (Ipv4Addr, u8) = address::network, {
        name: "network",
        title: "network",
        about: "A network with the length of its prefix, 8 or more, and no bits beyond it",
        examples: &["10.2.0.0/16"],
        pattern: Some(|| format!("^{}(/(0*({})|{}))?$", ip(), numbers(8, 32), masks())),
    };
    /// `ADDRESS:PORT`.
    ENDPOINT: (Ipv4Addr, u16) = address::endpoint, {
        name: "endpoint",
        title: "address:port",
        about: "An IPv4 address and a port",
        examples: &["192.168.1.200:80"],
        pattern: Some(|| format!("^{}:{}$", ip(), port())),
    };
    /// A hardware address that an interface can have.
    MAC: Mac = address::mac, {
        name: "mac",
        title: "MAC address",
        about: "Six bytes in hexadecimal; the first is even, and not all are 0",
        examples: &["52:54:00:12:34:56"],
        pattern: Some(|| "^[0-9a-fA-F]?[02468aceACE]([:-][0-9a-fA-F]{1,2}){5}$".into()),
        not: Some("^00?([:-]00?){5}$"),
    };
    /// `tcp/80`.
    PORT: (Protocol, u16) = |node, p| port_of(node, text!("problem-write-for-example", example = "tcp/80"), p), {
        name: "port",
        title: "protocol/port",
        about: "A protocol, `/` and a port",
        examples: &["tcp/80", "udp/53"],
        pattern: Some(|| {
            let protocols: Vec<&str> = PROTOCOLS.iter().map(|w| w.0).collect();
            format!("^({})/{}$", protocols.join("|"), port())
        }),
    };
}

/// Numbers with a unit behind each; units that are the same have one number.
fn units(units: &[(&str, u64)], number: impl Fn(u64) -> String, between: &str, any_case: bool) -> String {
    let mut parts = Vec::new();
    for same in units.chunk_by(|a, b| a.1 == b.1) {
        let names: Vec<String> =
            same.iter().map(|u| if any_case { either_case(u.0) } else { u.0.to_string() }).collect();
        let empty = names.iter().all(String::is_empty);
        let (number, names) = (number(same[0].1), names.join("|"));
        parts.push(if empty { number } else { format!("{number}{between}({names})") });
    }
    parts.join("|")
}

fn either_case(word: &str) -> String {
    word.chars().map(|c| format!("[{}{}]", c.to_ascii_uppercase(), c.to_ascii_lowercase())).collect()
}

/// Numbers whose product with `scale` is whole, and from `low` to `high`: see `value::with_unit`.
fn with_unit(low: u64, high: u64, scale: u64) -> String {
    const MILLION: u128 = 1_000_000;
    let scale = u128::from(scale);
    let (mut a, mut b) = (MILLION, scale);
    while b > 0 {
        (a, b) = (b, a % b);
    }
    let step = MILLION / a;
    decimals((u128::from(low) * MILLION).div_ceil(scale), u128::from(high) * MILLION / scale, 6, step)
}

/// An IPv4 address, its numbers without leading zeros.
fn ip() -> String {
    let byte = numbers(0, 255);
    format!(r"({byte})(\.({byte})){{3}}")
}

/// A port, leading zeros allowed.
fn port() -> String {
    format!("0*({})", numbers(1, 65_535))
}

/// The netmasks.
fn masks() -> String {
    let bits: Vec<String> = (0..8).map(|n| (0xffu8.checked_shl(8 - n).unwrap_or(0)).to_string()).collect();
    let part = format!("({})", bits.join("|"));
    let places = (0..4).map(|n| format!("{}{part}{}", r"255\.".repeat(n), r"\.0".repeat(3 - n)));
    format!("({}|{})", places.collect::<Vec<_>>().join("|"), [r"255"; 4].join(r"\."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex_lite::Regex;

    /// Whether the form's own reader takes a text, and whether its expression does.
    #[track_caller]
    fn both<T>(form: &Form<T>, text: &str) -> bool {
        use crate::scenario::tree::{Kind, Mark, Node, Style};
        let node = Node { at: Mark::default(), kind: Kind::Scalar(text.into(), Style::Quoted) };
        let mut p = crate::scenario::problem::Problems::new(&[text]);
        let read = (form.read)(&node, &mut p).is_some();
        let Shape::Scalar(scalar) = (form.shape)() else { panic!("no scalar") };
        let like = |pattern: &str| Regex::new(pattern).expect("an expression").is_match(text);
        let pattern = scalar.pattern.map(|p| p()).expect("it has an expression");
        let seen = like(&pattern) && !scalar.not.is_some_and(like);
        assert_eq!(read, seen, "{}: {text:?} {pattern}", scalar.name);
        read
    }

    fn takes<T>(form: &Form<T>, good: &[&str], bad: &[&str]) {
        good.iter().for_each(|text| assert!(both(form, text), "{text}"));
        bad.iter().for_each(|text| assert!(!both(form, text), "{text}"));
    }

    #[test]
    fn what_is_read_is_what_it_looks_like() {
        takes(
            &DURATION,
            &["0", "0s", "1.5s", "250us", "250µs", "2min", "2 m", "8784h", "527040m", "31622400s", "1.s", "00.5ms"],
            &["", "5", "00", "1.0000000001s", ".5s", "8784.1h", "8785h", "1d", "-1s", "1:30", "31622400.000000001s"],
        );
        takes(
            &RATE,
            &["100/s", "0.5/s", "5 / ms", "30/min", "1000000000/s", "0.000001/s", "0.000114/h", "0.000002/m", "1/sec"],
            &["5", "0/s", "1000000001/s", "100/", "/s", "1/d", "0.000113/h", "0.000001/m", "1e3/s", "1.0000001/s"],
        );
        takes(
            &BANDWIDTH,
            &["1gbit", "1.5Mbit", "0.000001mbit", "1000tbit", "100 kbit/s", "1GBIT", "1bit", "1.000bit", "1kbit /s"],
            &["1Gbps", "0mbit", "0.5bit", "1001tbit", "1000.000001tbit", "1gbit/m", "5", "0.0001kbit", ""],
        );
        takes(&LOSS, &["0", "0%", "10%", "0.5 %", "100%", "100.0000%"], &["101%", "0.1", "100.0001%", "1.00000%", "%"]);
        takes(
            &BYTES,
            &[
                "0",
                "1472",
                "1472.0",
                "1.5kB",
                "64KiB",
                "0.5KiB",
                "0.015625KiB",
                "1GiB",
                "1024mib",
                "1073741824",
                "1 GB",
            ],
            &["1.5", "1.5B", "1.0005kB", "0.1KiB", "2GB", "1073741825", "1.000001GiB", "1xB", "", "-1", "1e3"],
        );
        takes(&ADDRESS, &["0.0.0.0", "255.255.255.255"], &["10.0.0.01", "256.0.0.1", "10.0.0", "10.0.0.1/24", "::1"]);
        let good = ["10.0.0.1", "10.0.0.1/24", "10.0.0.1/024", "10.0.0.1/0", "10.0.0.1/255.255.254.0"];
        let masks = ["1.1.1.1/0.0.0.0", "1.1.1.1/255.255.255.255", "1.1.1.1/128.0.0.0", "1.1.1.1/255.255.255.254"];
        let bad =
            ["10.0.0.1/33", "10.0.0.1/", "10.0.0.1/255.0.255.0", "10.0.0/8", "10.0.0.1/24/8", "1.1.1.1/0.0.0.255"];
        takes(&CIDR, &[&good[..], &masks[..]].concat(), &bad);
        takes(&ENDPOINT, &["10.0.0.1:80", "10.0.0.1:0080"], &["10.0.0.1", "10.0.0.1:0", "10.0.0.1:65536", "rs1:80"]);
        takes(
            &MAC,
            &["52:54:00:12:34:56", "2-0-0-0-0-1", "0e:0:0:0:0:0"],
            &["01:00:00:00:00:01", "52:54", "00:00:00:00:00:00", "0:0:0:0:0:0", "52:54:00:12:34:56:78", "g2:0:0:0:0:1"],
        );
        takes(&PORT, &["tcp/80", "udp/053"], &["80", "tcp", "tcp/", "tcp/0", "tcp/65536", "icmp/1", "tcp/80/1"]);
        takes(&BOOLEAN, &["true", "False"], &["on", "yes", "1", "tRue"]);
        takes(&LINE, &["a", " a b ", "ls\n"], &["", " ", "a\nb", "\r"]);
        takes(&SPEED, &["0", "0.5", "2x", "1000", "1.5 x"], &["fast", "1001", "-1", "0.1234567", ""]);
        takes(
            &named!(text!("problem-what-scenario")),
            &["a", "web-1", "0_", "甲-1", &"x".repeat(63)],
            &["", "-a", "a b", "a/b", "a:b", "_a"],
        );
        assert!(!both(&named!(text!("problem-what-scenario")), &"x".repeat(64)));
    }
}
