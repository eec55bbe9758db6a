//! `date` of the host's simulated clock. The time zone is UTC. Not modelled: setting the clock, `-r`, `-f`; of `-d` only
//! `@SECONDS` and `now`.

use super::Io;
use super::options::{Spec, hint, parse};

const DAYS: &[&str] = &["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: &[&str] = &[
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A moment in UTC, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
    /// 0 is Sunday.
    pub weekday: i64,
    /// From 1.
    pub yearday: i64,
}

/// The Gregorian calendar from days since 1970 (Howard Hinnant's algorithm).
pub(super) fn civil(unix: i64) -> Civil {
    let (days, rest) = (unix.div_euclid(86_400), unix.rem_euclid(86_400));
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    let leap = i64::from(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let yearday = before[(month - 1) as usize] + day + if month > 2 { leap } else { 0 };
    Civil {
        year,
        month,
        day,
        hour: rest / 3600,
        minute: rest / 60 % 60,
        second: rest % 60,
        weekday: (days + 4).rem_euclid(7),
        yearday,
    }
}

/// `strftime` in the C locale.
pub(in crate::shell) fn format(text: &str, unix: i64, nanos: u32) -> String {
    let t = civil(unix);
    let (day, month) = (DAYS[t.weekday as usize], MONTHS[(t.month - 1) as usize]);
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut conv = chars.next();
        let mut pad = None;
        while let Some(flag @ ('-' | '_' | '0' | '^' | '#' | ':')) = conv {
            pad = Some(flag);
            conv = chars.next();
        }
        let mut width = String::new();
        while let Some(c) = conv.filter(char::is_ascii_digit) {
            width.push(c);
            conv = chars.next();
        }
        let number = |value: i64, width: usize, fill: char| match (pad, fill) {
            (Some('-'), _) => value.to_string(),
            (Some('_'), _) => format!("{value:width$}"),
            (Some('0'), _) | (None, '0') => format!("{value:0width$}"),
            _ => format!("{value:width$}"),
        };
        let two = |value: i64| number(value, 2, '0');
        let hour12 = if t.hour % 12 == 0 { 12 } else { t.hour % 12 };
        let one = match conv {
            Some('Y') => number(t.year, 4, '0'),
            Some('C') => two(t.year / 100),
            Some('y') => two(t.year % 100),
            Some('m') => two(t.month),
            Some('d') => two(t.day),
            Some('e') => number(t.day, 2, ' '),
            Some('H') => two(t.hour),
            Some('k') => number(t.hour, 2, ' '),
            Some('I') => two(hour12),
            Some('l') => number(hour12, 2, ' '),
            Some('M') => two(t.minute),
            Some('S') => two(t.second),
            Some('N') => format!("{nanos:09}").chars().take(width.parse().unwrap_or(9).clamp(1, 9)).collect(),
            Some('s') => unix.to_string(),
            Some('j') => number(t.yearday, 3, '0'),
            Some('a') => day[..3].into(),
            Some('A') => day.into(),
            Some('b' | 'h') => month[..3].into(),
            Some('B') => month.into(),
            Some('u') => (if t.weekday == 0 { 7 } else { t.weekday }).to_string(),
            Some('w') => t.weekday.to_string(),
            Some('U') => two((t.yearday + 6 - t.weekday) / 7),
            Some('W') => two((t.yearday + 6 - (t.weekday + 6) % 7) / 7),
            Some('p') => if t.hour < 12 { "AM" } else { "PM" }.into(),
            Some('P') => if t.hour < 12 { "am" } else { "pm" }.into(),
            Some('F') => format!("{:04}-{:02}-{:02}", t.year, t.month, t.day),
            Some('T' | 'X') => format!("{:02}:{:02}:{:02}", t.hour, t.minute, t.second),
            Some('R') => format!("{:02}:{:02}", t.hour, t.minute),
            Some('r') => {
                format!("{:02}:{:02}:{:02} {}", hour12, t.minute, t.second, if t.hour < 12 { "AM" } else { "PM" })
            }
            Some('D' | 'x') => format!("{:02}/{:02}/{:02}", t.month, t.day, t.year % 100),
            Some('c') => format!(
                "{} {} {:2} {:02}:{:02}:{:02} {}",
                &day[..3],
                &month[..3],
                t.day,
                t.hour,
                t.minute,
                t.second,
                t.year
            ),
            Some('Z') => "UTC".into(),
            Some('z') => if pad == Some(':') { "+00:00" } else { "+0000" }.into(),
            Some('n') => "\n".into(),
            Some('t') => "\t".into(),
            Some('%') => "%".into(),
            Some(other) => format!("%{other}"),
            None => "%".into(),
        };
        out += &if pad == Some('^') { one.to_uppercase() } else { one };
    }
    out
}

pub(super) fn date(io: &mut Io<'_, '_>) -> u8 {
    let longs =
        &[("utc", 'u'), ("universal", 'u'), ("date", 'd'), ("rfc-email", 'R'), ("iso-8601", 'I'), ("rfc-3339", '3')];
    // `-I` has its value joined to it, or none.
    let (iso, args): (Vec<String>, Vec<String>) = io.args.iter().cloned().partition(|a| a.starts_with("-I"));
    let parsed = {
        let mut inner =
            Io { args: &args, stdin: &mut *io.stdin, out: &mut *io.out, files: &mut *io.files, cwd: io.cwd, work: 0 };
        parse(&mut inner, &Spec { name: "date", letters: "ud:RI3:", longs, others: "frs" })
    };
    let Some(parsed) = parsed else { return 1 };
    let (mut seconds, mut nanos) = io.files.unix_time();
    if let Some(text) = parsed.value('d') {
        match text.strip_prefix('@').and_then(|t| t.parse::<i64>().ok()) {
            Some(at) if at.unsigned_abs() < 1 << 40 => (seconds, nanos) = (at, 0),
            _ if text == "now" || text.is_empty() => {}
            _ => {
                io.error(&format!("date: lvsim: -d understands @SECONDS and now, not '{text}'\n"));
                return 1;
            }
        }
    }
    let style = match parsed.operands.first() {
        Some(format) if format.starts_with('+') => format[1..].to_string(),
        Some(other) => {
            io.error(&format!("date: lvsim: setting the clock ('{other}') is not simulated\n"));
            return 1;
        }
        None if parsed.has('R') => "%a, %d %b %Y %H:%M:%S %z".into(),
        None if parsed.value('3').is_some() => "%F %T%:z".into(),
        None => match iso.last().map(|i| i[2..].to_string()).or(parsed.value('I').map(str::to_string)).as_deref() {
            Some("" | "date") => "%F".into(),
            Some("s" | "seconds") => "%FT%T%:z".into(),
            Some("m" | "minutes") => "%FT%R%:z".into(),
            Some("ns") => "%FT%T,%N%:z".into(),
            Some(_) => {
                hint(io, "date");
                return 1;
            }
            None => "%a %b %e %H:%M:%S %Z %Y".into(),
        },
    };
    if parsed.operands.len() > 1 {
        io.error(&format!("date: extra operand '{}'\n", parsed.operands[1]));
        hint(io, "date");
        return 1;
    }
    io.print(&format!("{}\n", format(&style, seconds, nanos)));
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::text::testing::run;

    #[test]
    fn days_are_counted_right_across_leap_years() {
        for (unix, text) in [
            (0, "1970-01-01 Thursday 001"),
            (951_782_400, "2000-02-29 Tuesday 060"),
            (1_704_067_200, "2024-01-01 Monday 001"),
            (1_735_603_200, "2024-12-31 Tuesday 366"),
            (-86_400, "1969-12-31 Wednesday 365"),
        ] {
            assert_eq!(format("%F %A %j", unix, 0), text);
        }
    }

    #[test]
    fn date_prints_the_hosts_clock_in_any_format() {
        assert_eq!(run("date", &["+%F %H:%M:%S"], "").0, "2024-01-01 23:59:59\n");
        assert_eq!(run("date", &[], "").0, "Mon Jan  1 23:59:59 UTC 2024\n");
        assert_eq!(run("date", &["+%s.%N"], "").0, "1704153599.005000000\n");
        assert_eq!(run("date", &["-d", "@0", "+%T"], "").0, "00:00:00\n");
        assert_eq!(run("date", &["+%s%3N"], "").0, "1704153599005\n");
    }
}
