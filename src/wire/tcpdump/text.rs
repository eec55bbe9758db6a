//! Application protocols that are lines of text: HTTP, FTP, SMTP, RTSP, whois, and the greeting of SSH (util-print.c
//! `txtproto_print`, print-http.c, print-ssh.c).

use super::{Printer, byte};

/// How a protocol's lines are told from what they carry.
enum Lines {
    /// Every payload begins with a line.
    All,
    /// Only requests with one of these words, and answers with a status of three digits as their second word.
    Begin(&'static [&'static str]),
}

const HTTP: &[&str] = &[
    "GET",
    "PUT",
    "COPY",
    "HEAD",
    "LOCK",
    "MOVE",
    "POLL",
    "POST",
    "BCOPY",
    "BMOVE",
    "MKCOL",
    "TRACE",
    "LABEL",
    "MERGE",
    "DELETE",
    "SEARCH",
    "UNLOCK",
    "REPORT",
    "UPDATE",
    "NOTIFY",
    "BDELETE",
    "CONNECT",
    "OPTIONS",
    "CHECKIN",
    "PROPFIND",
    "CHECKOUT",
    "CCM_POST",
    "SUBSCRIBE",
    "PROPPATCH",
    "BPROPFIND",
    "BPROPPATCH",
    "UNCHECKOUT",
    "MKACTIVITY",
    "MKWORKSPACE",
    "UNSUBSCRIBE",
    "RPC_CONNECT",
    "VERSION-CONTROL",
    "BASELINE-CONTROL",
];

const RTSP: &[&str] = &[
    "OPTIONS",
    "DESCRIBE",
    "ANNOUNCE",
    "SETUP",
    "PLAY",
    "PAUSE",
    "TEARDOWN",
    "GET_PARAMETER",
    "SET_PARAMETER",
    "REDIRECT",
    "RECORD",
];

/// The longest word that is looked at (`MAX_TOKEN`).
const WORD: usize = 128;

impl Printer<'_> {
    /// The payload of a TCP segment, by its ports, in the order in which print-tcp.c asks.
    pub(super) fn tcp_payload(&mut self, sport: u16, dport: u16, data: &[u8], length: usize) -> super::Step {
        let either = |ports: &[u16]| ports.iter().any(|&p| p == sport || p == dport);
        let found = if either(&[25]) {
            ("smtp", Lines::All)
        } else if either(&[43]) {
            ("whois", Lines::All)
        } else if either(&[22]) {
            return self.ssh(data, length);
        } else if either(&[21]) {
            ("ftp", Lines::All)
        } else if either(&[80, 8080]) {
            ("http", Lines::Begin(HTTP))
        } else if either(&[554, 8554]) {
            ("rtsp", Lines::Begin(RTSP))
        } else {
            return Ok(());
        };
        self.protocol = found.0;
        self.text(": ");
        self.lines(data, length, found.1)
    }

    fn lines(&mut self, data: &[u8], length: usize, lines: Lines) -> super::Step {
        let shown = match lines {
            Lines::All => true,
            Lines::Begin(words) => begins(data, length, words),
        };
        let name = self.protocol.to_uppercase();
        self.text(&name);
        if !shown {
            return Ok(());
        }
        if self.style.verbose == 0 {
            return self.line(": ", data, 0, length).map(drop);
        }
        self.push(format_args!(", length: {length}"));
        let mut at = 0;
        while at < length {
            match self.line("\n\t", data, at, length)? {
                Some(next) => at = next,
                None => break,
            }
        }
        Ok(())
    }

    /// Prints the line at `at`; where the next one begins, or nothing if this is no line or has no end.
    fn line(
        &mut self,
        prefix: &str,
        data: &[u8],
        from: usize,
        length: usize,
    ) -> Result<Option<usize>, super::Truncated> {
        let mut at = from;
        let mut next = None;
        while at < length {
            match byte(data, at)? {
                b'\n' => {
                    next = Some(at + 1);
                    break;
                }
                b'\r' if at + 1 >= length || byte(data, at + 1)? != b'\n' => return Ok(None),
                b'\r' => {
                    next = Some(at + 2);
                    break;
                }
                b'\t' | 0x20..=0x7e => at += 1,
                _ => return Ok(None),
            }
        }
        let line = String::from_utf8_lossy(&data[from..at]);
        self.push(format_args!("{prefix}{line}"));
        if next.is_none() {
            self.truncated();
        }
        Ok(next)
    }

    /// Only a greeting (`SSH-2.0-…`) is shown.
    fn ssh(&mut self, data: &[u8], length: usize) -> super::Step {
        self.protocol = "ssh";
        for (at, &wanted) in b"SSH-".iter().enumerate() {
            if at >= length || byte(data, at)? != wanted {
                return Ok(());
            }
        }
        for at in 4..length {
            let ends = match byte(data, at)? {
                b'\n' => true,
                b'\r' => at + 1 < length && byte(data, at + 1)? == b'\n',
                0x20..=0x7e => continue,
                _ => false,
            };
            if ends {
                let line = String::from_utf8_lossy(&data[..at]);
                self.push(format_args!(": SSH: {line}"));
            }
            return Ok(());
        }
        Ok(())
    }
}

/// Whether it looks like a request or an answer.
fn begins(data: &[u8], length: usize, words: &[&str]) -> bool {
    let data = super::first(data, length);
    let Some((word, rest)) = token(data) else { return false };
    if words.iter().any(|w| word.eq_ignore_ascii_case(w.as_bytes())) {
        return true;
    }
    token(rest).is_some_and(|(word, _)| word.len() == 3 && word.iter().all(u8::is_ascii_digit))
}

/// The first word and what follows it in the line (`fetch_token`).
fn token(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = data.iter().position(|b| b.is_ascii_whitespace()).unwrap_or(data.len());
    let word = &data[..end];
    if word.is_empty() || word.len() > WORD - 1 || word.iter().any(|b| !(0x21..=0x7e).contains(b)) {
        return None;
    }
    let blanks = data[end..].iter().take_while(|b| **b == b' ').count();
    Some((word, &data[end + blanks..]))
}
