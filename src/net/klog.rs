//! The kernel's log of one host (kernel/printk/printk.c), and how often the network code may write to it
//! (lib/ratelimit.c, net/core/utils.c `net_ratelimit`).
//!
//! A ring of [`MOST`] lines: the oldest give way. Linux counts bytes instead (`log_buf_len`). Left out: other facilities
//! than `kern`, the console, and what a boot says beside the lines of IPVS.

use crate::base::SimTime;
use std::borrow::Cow;
use std::collections::VecDeque;

/// Lines that a host keeps.
pub const MOST: usize = 4096;
/// Nanoseconds of a jiffy.
const JIFFY: u64 = 4_000_000;
const HZ: u64 = 250;

/// How serious a line is (`KERN_ERR` and so on).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(pub u8);

impl Level {
    /// An error.
    pub const ERR: Level = Level(3);
    /// A warning.
    pub const WARNING: Level = Level(4);
    /// For information.
    pub const INFO: Level = Level(6);
}

/// A line.
#[derive(Clone, Debug)]
pub struct Line {
    /// When it was written; hosts are booted at [`SimTime::ZERO`].
    pub at: SimTime,
    /// How serious it is.
    pub level: Level,
    /// What it says.
    pub text: Cow<'static, str>,
}

/// The log.
#[derive(Clone, Debug, Default)]
pub struct KernelLog {
    lines: VecDeque<Line>,
    net: RateLimit,
}

impl KernelLog {
    /// Writes a line.
    pub fn write(&mut self, at: SimTime, level: Level, text: impl Into<Cow<'static, str>>) {
        if self.lines.len() >= MOST {
            self.lines.pop_front();
        }
        self.lines.push_back(Line { at, level, text: text.into() });
    }

    /// Whether the network code may write now; at most `burst` times in `cost` seconds (`net.core.message_burst`,
    /// `message_cost`). What was held back is told with the first line of the next interval.
    pub fn net_ratelimit(&mut self, now: SimTime, cost: i64, burst: i64) -> bool {
        let (may, missed) = self.net.ask(now, cost, burst);
        if missed > 0 {
            self.write(now, Level::WARNING, format!("net_ratelimit: {missed} callbacks suppressed"));
        }
        may
    }

    /// The lines, the oldest first.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter()
    }

    /// Nobody is shown what was written until now (`SYSLOG_ACTION_CLEAR`).
    pub fn clear(&mut self) {
        self.lines.clear();
    }
}

/// `struct ratelimit_state`.
#[derive(Clone, Debug, Default)]
struct RateLimit {
    begin: Option<u64>,
    printed: i64,
    missed: u64,
}

impl RateLimit {
    /// Whether it may be, and how often it might not in the interval that has just ended (`___ratelimit`).
    fn ask(&mut self, now: SimTime, seconds: i64, burst: i64) -> (bool, u64) {
        if seconds <= 0 {
            return (true, 0);
        }
        let jiffies = now.0 / JIFFY;
        let mut told = 0;
        let begin = *self.begin.get_or_insert(jiffies);
        if jiffies > begin.saturating_add(seconds.unsigned_abs().saturating_mul(HZ)) {
            told = std::mem::take(&mut self.missed);
            self.begin = Some(jiffies);
            self.printed = 0;
        }
        let may = burst > self.printed;
        if may {
            self.printed += 1;
        } else {
            self.missed += 1;
        }
        (may, told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Span;

    #[test]
    fn ten_lines_in_five_seconds_and_then_how_many_were_held_back() {
        let mut log = KernelLog::default();
        let mut said = |ms: u64| {
            let now = SimTime::ZERO + Span::from_millis(ms);
            if log.net_ratelimit(now, 5, 10) {
                log.write(now, Level::WARNING, "martian");
            }
            log.lines().last().map(|l| l.text.to_string())
        };
        for n in 0..25 {
            assert_eq!(said(n * 10).as_deref(), Some("martian"));
        }
        said(6000);
        let texts: Vec<&str> = log.lines().map(|l| &*l.text).collect();
        assert_eq!(texts.len(), 12);
        assert_eq!(texts[10], "net_ratelimit: 15 callbacks suppressed");
        assert_eq!(texts[11], "martian");
    }

    #[test]
    fn the_oldest_lines_give_way() {
        let mut log = KernelLog::default();
        (0..MOST + 3).for_each(|n| log.write(SimTime(n as u64), Level::INFO, n.to_string()));
        assert_eq!(log.lines().count(), MOST);
        assert_eq!(log.lines().next().map(|l| l.text.to_string()).as_deref(), Some("3"));
    }
}
