//! `netstat -s` (net-tools 2.10, statistics.c): the kernel's counters in sentences.
//!
//! `-t`, `-u`, `-w` choose the groups that the program knows (`-w`: Ip and Icmp); those that it does not know, IcmpMsg,
//! UdpLite, IpExt and MPTcpExt, are printed in any case. A line is indented like the one before it, so the types of ICMP
//! messages stand as deep as the histogram that they follow. Left out, refused by name: `-6`.

use super::output::Output;
use crate::node::Host;
use crate::trace::Mib;
use crate::trace::snmp::{Row, Says, Section, TABLE, icmp_types};

/// Which groups are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    raw: bool,
    tcp: bool,
    udp: bool,
}

impl Groups {
    /// Reads `-s`, `-st`, `--statistics --udp` and the like. `None` if statistics are not asked for, or something else too.
    pub fn wanted(args: &[String]) -> Option<Groups> {
        let (mut groups, mut chosen, mut statistics) = (Groups::default(), false, false);
        let mut letter = |c: char| {
            match c {
                's' => statistics = true,
                't' => groups.tcp = true,
                'u' => groups.udp = true,
                'w' => groups.raw = true,
                // Groups without counters of their own.
                'S' | 'U' => {}
                'n' | 'a' | 'l' | 'e' | 'v' | 'W' | '4' => return true,
                _ => return false,
            }
            chosen |= c != 's';
            true
        };
        for arg in args {
            let known = match arg.as_str() {
                "--statistics" => letter('s'),
                "--tcp" => letter('t'),
                "--udp" => letter('u'),
                "--raw" => letter('w'),
                "--numeric" => letter('n'),
                "--all" => letter('a'),
                "--inet" => letter('4'),
                a if a.len() > 1 && a.starts_with('-') && !a.starts_with("--") => a[1..].chars().all(&mut letter),
                _ => false,
            };
            if !known {
                return None;
            }
        }
        let all = Groups { raw: true, tcp: true, udp: true };
        statistics.then_some(if chosen { groups } else { all })
    }

    /// Prints them.
    pub fn print(self, host: &Host, out: &mut Output) {
        let mut printer = Printer { after: After::Sentence, out, number: &|mib| host.number(mib) };
        printer.known(Section::Ip, self.raw);
        printer.known(Section::Icmp, self.raw);
        printer.icmp_types();
        printer.known(Section::Tcp, self.tcp);
        printer.known(Section::Udp, self.udp);
        printer.out.line("UdpLite:");
        printer.known(Section::TcpExt, self.tcp);
        printer.out.line("IpExt:");
        printer.rows(Section::IpExt);
        printer.out.line("MPTcpExt:");
    }
}

/// The kind of the last line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Sentence,
    Received,
    Sent,
}

struct Printer<'a> {
    after: After,
    out: &'a mut Output,
    number: &'a dyn Fn(Mib) -> i64,
}

impl Printer<'_> {
    /// A group that the program knows.
    fn known(&mut self, section: Section, shown: bool) {
        self.after = After::Sentence;
        if shown {
            self.out.line(&format!("{}:", section.name()));
            self.rows(section);
        }
    }

    fn rows(&mut self, section: Section) {
        TABLE.iter().filter(|r| r.section == section).for_each(|row| self.row(row));
    }

    fn row(&mut self, row: &Row) {
        let n = (self.number)(row.mib);
        match row.says {
            Says::Nothing => {}
            Says::Name => self.named(row.name(), n),
            Says::Always(sentence) => self.sentence(sentence, n),
            Says::NonZero(sentence) if n > 0 => self.sentence(sentence, n),
            Says::NonZero(_) => self.after = After::Sentence,
            Says::In(_, sentence) => self.histogram(After::Received, "ICMP input histogram:", sentence, n),
            Says::Out(_, sentence) => self.histogram(After::Sent, "ICMP output histogram:", sentence, n),
        }
    }

    fn sentence(&mut self, sentence: &str, n: i64) {
        self.out.line(&format!("    {}", sentence.replace("{}", &n.to_string())));
        self.after = After::Sentence;
    }

    fn histogram(&mut self, kind: After, title: &str, sentence: &str, n: i64) {
        if self.after != kind {
            self.out.line(&format!("{}{title}", self.indent()));
        }
        self.after = kind;
        if n > 0 {
            self.out.line(&format!("{}{}", self.indent(), sentence.replace("{}", &n.to_string())));
        }
    }

    /// What the program has no sentence for.
    fn named(&mut self, name: &str, n: i64) {
        if n != 0 {
            self.out.line(&format!("{}{name}: {n}", self.indent()));
        }
    }

    fn indent(&self) -> &'static str {
        if self.after == After::Sentence { "    " } else { "        " }
    }

    /// Messages by type; the kernel shows the group only if there were any.
    fn icmp_types(&mut self) {
        let types = icmp_types(self.number);
        if !types.is_empty() {
            self.out.line("IcmpMsg:");
        }
        types.iter().for_each(|(name, n)| self.named(name, *n));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(line: &str) -> Option<Groups> {
        Groups::wanted(&line.split_whitespace().map(str::to_string).collect::<Vec<_>>())
    }

    fn printed(line: &str, number: &dyn Fn(Mib) -> i64) -> String {
        let groups = wanted(line).expect("statistics");
        let mut out = Output::new();
        let mut printer = Printer { after: After::Sentence, out: &mut out, number };
        printer.known(Section::Ip, groups.raw);
        printer.known(Section::Icmp, groups.raw);
        printer.icmp_types();
        out.text()
    }

    #[test]
    fn without_a_letter_all_groups_are_printed() {
        let all = Groups { raw: true, tcp: true, udp: true };
        assert_eq!(wanted("-s"), Some(all));
        assert_eq!(wanted("--statistics -n"), Some(all));
        assert_eq!(wanted("-st"), Some(Groups { tcp: true, ..Groups::default() }));
        assert_eq!(wanted("-s -w -u"), Some(Groups { tcp: false, ..all }));
        assert_eq!(wanted("-nat"), None);
        assert_eq!(wanted("-s -r"), None);
        assert_eq!(wanted("-s6"), None);
    }

    #[test]
    fn what_is_always_printed_is_printed_with_zeros_and_the_rest_is_not() {
        let text = printed("-s", &|_| 0);
        let wanted = "\
Ip:
    0 total packets received
    0 forwarded
    0 incoming packets discarded
    0 incoming packets delivered
    0 requests sent out
Icmp:
    0 ICMP messages received
    0 input ICMP message failed
    ICMP input histogram:
    0 ICMP messages sent
    0 ICMP messages failed
    ICMP output histogram:
";
        assert_eq!(text, wanted);
    }

    #[test]
    fn a_name_without_a_sentence_is_indented_like_the_line_before() {
        let some = |mib| match mib {
            Mib::IpForwarding => 2,
            Mib::IcmpInEchos | Mib::IcmpInMsgs => 3,
            Mib::IcmpOutRateLimitHost => 5,
            _ => 0,
        };
        let text = printed("-s", &some);
        assert!(text.starts_with("Ip:\n    Forwarding: 2\n    0 total"), "{text}");
        assert!(
            text.contains("\n    ICMP input histogram:\n        echo requests: 3\n    0 ICMP messages sent\n"),
            "{text}"
        );
        assert!(text.contains("failed\n    OutRateLimitHost: 5\n    ICMP output histogram:\n"), "{text}");
        assert!(text.ends_with("\nIcmpMsg:\n        InType8: 3\n"), "{text}");
    }
}
