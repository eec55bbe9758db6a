//! The command line of tcpdump (getopt_long's rules: options may be joined, stand anywhere, and be cut short).

use crate::wire::tcpdump::Style;

/// Bytes kept of a packet, at most (`MAXIMUM_SNAPLEN`).
pub(super) const MAXIMUM_SNAPLEN: u32 = 262_144;

/// Which way packets go (`-Q`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Direction {
    #[default]
    Both,
    In,
    Out,
}

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Args {
    pub device: Option<String>,
    pub count: Option<u64>,
    pub style: Style,
    /// `-n`: numbers only.
    pub numeric: bool,
    /// How many `-t`.
    pub stamps: u8,
    pub nano: bool,
    /// `-#`
    pub number: bool,
    /// `-l`
    pub by_line: bool,
    /// `-U`
    pub by_packet: bool,
    pub immediate: bool,
    pub direction: Direction,
    /// 0: not said.
    pub snaplen: u32,
    pub write: Option<String>,
    pub read: Option<String>,
    /// `-F`
    pub filter_file: Option<String>,
    /// `--print`: although written to a file.
    pub print: bool,
    /// `--count`
    pub count_only: bool,
    /// `-O`
    pub unoptimized: bool,
    /// `-D`
    pub list: bool,
    /// The filter.
    pub words: Vec<String>,
}

/// Why nothing is captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// A message of tcpdump's.
    Error(String),
    /// One of getopt's, and the usage after it.
    Usage(String),
    /// `-h`
    Help,
    /// `--version`
    Version,
    /// What lvsim does not simulate.
    NotSimulated(String),
}

/// Letters with a value.
const WITH_VALUE: &str = "BCEFGijmMQrsTVwWyzZc";
/// Letters without.
const ALONE: &str = "aAbdDefhHIJKlLnNOpqStuUvxXY#";

/// Long options: the letter that they stand for, or none if they have no letter.
const LONG: &[(&str, Option<char>, bool)] = &[
    ("buffer-size", Some('B'), true),
    ("list-interfaces", Some('D'), false),
    ("help", Some('h'), false),
    ("interface", Some('i'), true),
    ("monitor-mode", Some('I'), false),
    ("time-stamp-type", Some('j'), true),
    ("list-time-stamp-types", Some('J'), false),
    ("micro", None, false),
    ("nano", None, false),
    ("time-stamp-precision", None, true),
    ("dont-verify-checksums", Some('K'), false),
    ("list-data-link-types", Some('L'), false),
    ("no-optimize", Some('O'), false),
    ("no-promiscuous-mode", Some('p'), false),
    ("direction", Some('Q'), true),
    ("snapshot-length", Some('s'), true),
    ("absolute-tcp-sequence-numbers", Some('S'), false),
    ("packet-buffered", Some('U'), false),
    ("linktype", Some('y'), true),
    ("immediate-mode", None, false),
    ("relinquish-privileges", Some('Z'), true),
    ("count", None, false),
    ("fp-type", None, false),
    ("number", Some('#'), false),
    ("print", None, false),
    ("version", None, false),
];

/// Reads a command line.
pub(super) fn parse(words: &[String]) -> Result<Args, Stop> {
    let mut args = Args::default();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if word == "--" {
            args.words.extend(rest.cloned());
            break;
        } else if let Some(long) = word.strip_prefix("--") {
            let (name, letter, value) = long_option(long, &mut rest)?;
            match letter {
                Some(letter) => args.letter(letter, value)?,
                None => args.long(name, value)?,
            }
        } else if word.len() > 1 && word.starts_with('-') {
            for (at, letter) in word[1..].char_indices() {
                if ALONE.contains(letter) {
                    args.letter(letter, "")?;
                } else if WITH_VALUE.contains(letter) {
                    let joined = &word[1 + at + letter.len_utf8()..];
                    let value = if joined.is_empty() { rest.next().map(String::as_str) } else { Some(joined) };
                    let missing = || Stop::Usage(format!("option requires an argument -- '{letter}'"));
                    args.letter(letter, value.ok_or_else(missing)?)?;
                    break;
                } else {
                    return Err(Stop::Usage(format!("invalid option -- '{letter}'")));
                }
            }
        } else {
            args.words.push(word.clone());
        }
    }
    if args.stamps > 5 {
        return Err(Stop::Error("only -t, -tt, -ttt, -tttt and -ttttt are supported".into()));
    }
    Ok(args)
}

/// A long option by its name or the beginning of it, with its value.
fn long_option<'a>(
    word: &'a str,
    rest: &mut std::slice::Iter<'a, String>,
) -> Result<(&'static str, Option<char>, &'a str), Stop> {
    let (typed, joined) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
    let begins: Vec<_> = LONG.iter().filter(|(name, ..)| name.starts_with(typed)).collect();
    let found = match begins.as_slice() {
        [one] => one,
        [] => return Err(Stop::Usage(format!("unrecognized option '--{typed}'"))),
        many => match many.iter().find(|(name, ..)| *name == typed) {
            Some(exact) => exact,
            None => {
                let names: String = many.iter().map(|(name, ..)| format!(" '--{name}'")).collect();
                return Err(Stop::Usage(format!("option '--{typed}' is ambiguous; possibilities:{names}")));
            }
        },
    };
    let (name, letter, valued) = **found;
    let value = match (valued, joined) {
        (false, None) => "",
        (false, Some(_)) => return Err(Stop::Usage(format!("option '--{name}' doesn't allow an argument"))),
        (true, Some(value)) => value,
        (true, None) => match rest.next() {
            Some(value) => value,
            None => return Err(Stop::Usage(format!("option '--{name}' requires an argument"))),
        },
    };
    Ok((name, letter, value))
}

impl Args {
    fn letter(&mut self, letter: char, value: &str) -> Result<(), Stop> {
        let error = |text: String| Err(Stop::Error(text));
        match letter {
            // What has no effect here: promiscuous mode (a cable of lvsim brings every frame anyway), the compatibility
            // of `-a`, the domain that `-N` cuts off.
            'a' | 'N' | 'p' => {}
            'A' => self.style.ascii = self.style.ascii.saturating_add(1),
            'c' => {
                let n = atoi(value);
                if n <= 0 {
                    return error(format!("invalid packet count {value}"));
                }
                self.count = Some(n as u64);
            }
            'D' => self.list = true,
            'e' => self.style.link = true,
            'F' => self.filter_file = Some(value.into()),
            'h' => return Err(Stop::Help),
            'i' => self.device = Some(value.into()),
            'l' => self.by_line = true,
            'K' => self.style.unchecked = true,
            'n' => self.numeric = true,
            'O' => self.unoptimized = true,
            'q' => self.style.quiet = self.style.quiet.saturating_add(1),
            'Q' => {
                self.direction = match value.to_ascii_lowercase().as_str() {
                    "in" => Direction::In,
                    "out" => Direction::Out,
                    "inout" => Direction::Both,
                    _ => return error(format!("unknown capture direction '{value}'")),
                }
            }
            'r' => self.read = Some(value.into()),
            's' => match strtol(value) {
                Some(n) if (0..=i64::from(MAXIMUM_SNAPLEN)).contains(&n) => self.snaplen = n as u32,
                _ => {
                    return error(format!("invalid snaplen {value} (must be >= 0 and <= {MAXIMUM_SNAPLEN})"));
                }
            },
            'S' => self.style.absolute = true,
            't' => self.stamps = self.stamps.saturating_add(1),
            'U' => self.by_packet = true,
            'v' => self.style.verbose = self.style.verbose.saturating_add(1),
            'w' => self.write = Some(value.into()),
            'x' => self.style.hex = self.style.hex.saturating_add(1),
            'X' => self.style.hex_and_ascii = self.style.hex_and_ascii.saturating_add(1),
            // To keep its privileges is what tcpdump does here anyway.
            'Z' if value == "root" => {}
            '#' => self.number = true,
            other => return Err(Stop::NotSimulated(format!("-{other}"))),
        }
        Ok(())
    }

    fn long(&mut self, name: &str, value: &str) -> Result<(), Stop> {
        match (name, value) {
            ("micro", _) | ("time-stamp-precision", "micro") => self.nano = false,
            ("nano", _) | ("time-stamp-precision", "nano") => self.nano = true,
            ("time-stamp-precision", _) => return Err(Stop::Error("unsupported time stamp precision".into())),
            ("immediate-mode", _) => self.immediate = true,
            ("count", _) => self.count_only = true,
            ("print", _) => self.print = true,
            ("version", _) => return Err(Stop::Version),
            _ => return Err(Stop::NotSimulated(format!("--{name}"))),
        }
        Ok(())
    }
}

/// The number that a text begins with (`atoi`); too large ones are the largest.
pub(super) fn atoi(text: &str) -> i32 {
    let text = text.trim_start();
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let n = digits
        .bytes()
        .take_while(u8::is_ascii_digit)
        .fold(0i64, |n, b| n.saturating_mul(10).saturating_add(i64::from(b - b'0')));
    let n = n.min(i64::from(i32::MAX)) as i32;
    if negative { -n } else { n }
}

/// A whole number in C's notation: decimal, octal after `0`, hexadecimal after `0x` (`strtol` with base 0).
fn strtol(text: &str) -> Option<i64> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let n = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => i64::from_str_radix(hex, 16).ok()?,
        None if digits.len() > 1 && digits.starts_with('0') => i64::from_str_radix(&digits[1..], 8).ok()?,
        None if digits.starts_with('+') => return None,
        None => digits.parse().ok()?,
    };
    Some(if negative { -n } else { n })
}

/// `--version`, as Debian 12 has it.
pub(super) const VERSION: &str =
    "tcpdump version 4.99.3\nlibpcap version 1.10.3 (with TPACKET_V3)\nOpenSSL 3.0.15 3 Sep 2024\n";

/// What follows the version when an option was wrong.
pub(super) const USAGE: &str = "\
Usage: tcpdump [-AbdDefhHIJKlLnNOpqStuUvxX#] [ -B size ] [ -c count ] [--count]
\t\t[ -C file_size ] [ -E algo:secret ] [ -F file ] [ -G seconds ]
\t\t[ -i interface ] [ --immediate-mode ] [ -j tstamptype ]
\t\t[ -M secret ] [ --number ] [ --print ] [ -Q in|out|inout ]
\t\t[ -r file ] [ -s snaplen ] [ -T type ] [ --version ]
\t\t[ -V file ] [ -w file ] [ -W filecount ] [ -y datalinktype ]
\t\t[ --time-stamp-precision precision ] [ --micro ] [ --nano ]
\t\t[ -z postrotate-command ] [ -Z user ] [ expression ]
";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Args, Stop> {
        parse(&line.split(' ').map(str::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn options_may_be_joined_cut_short_and_stand_behind_the_filter() {
        let args = read("-nnvei eth0 -c3 tcp port 80 -tttt --snap 96 --direction=IN").expect("a command line");
        assert_eq!(args.device.as_deref(), Some("eth0"));
        assert_eq!((args.count, args.stamps, args.snaplen, args.direction), (Some(3), 4, 96, Direction::In));
        assert!(args.numeric && args.style.link && args.style.verbose == 1);
        assert_eq!(args.words, ["tcp", "port", "80"]);
        assert_eq!(read("-- -n").expect("a command line").words, ["-n"]);
    }

    #[test]
    fn a_wrong_command_line_is_told_as_tcpdump_tells_it() {
        let error = |text: &str| Stop::Error(text.into());
        let usage = |text: &str| Stop::Usage(text.into());
        for (line, stop) in [
            ("-c 0", error("invalid packet count 0")),
            ("-c x", error("invalid packet count x")),
            ("-s -1", error("invalid snaplen -1 (must be >= 0 and <= 262144)")),
            ("-s 96b", error("invalid snaplen 96b (must be >= 0 and <= 262144)")),
            ("-Q up", error("unknown capture direction 'up'")),
            ("-tttttt", error("only -t, -tt, -ttt, -tttt and -ttttt are supported")),
            ("-k", usage("invalid option -- 'k'")),
            ("-n -i", usage("option requires an argument -- 'i'")),
            ("--colour", usage("unrecognized option '--colour'")),
            ("--no", usage("option '--no' is ambiguous; possibilities: '--no-optimize' '--no-promiscuous-mode'")),
            ("--count=1", usage("option '--count' doesn't allow an argument")),
            ("--interface", usage("option '--interface' requires an argument")),
            ("-C 1", Stop::NotSimulated("-C".into())),
            ("-Z nobody", Stop::NotSimulated("-Z".into())),
            ("--fp-type", Stop::NotSimulated("--fp-type".into())),
        ] {
            assert_eq!(read(line).expect_err(line), stop, "{line}");
        }
    }
}
