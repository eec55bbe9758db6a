//! `curl` 7.88.1 over HTTP, against simulated servers: one request for each URL, and what comes back.
//!
//! Left out, refused by name: other protocols, sending of data, authentication, cookies, proxies, retries. Names are not
//! looked up but `localhost`. The progress meter is not printed, as on a terminal without `-o`. A simulated server's answer is
//! HTTP/1.0 and its connection ends with it.

use super::bash::{Exec, Output, Stdin, Wait};
use super::http::{BadUrl, Event, Fetch, Url, parts};
use super::machine::{HostMachine, Running};
use crate::base::{SimTime, Span};
use crate::net::sock::Errno;
use crate::node::host::Connecting;
use std::collections::VecDeque;
use std::net::Ipv4Addr;

/// `--connect-timeout` unless it is given.
const CONNECT_TIMEOUT: Span = Span::from_secs(300);

/// What to do with each URL.
#[derive(Clone, Debug)]
struct Options {
    silent: bool,
    show_error: bool,
    fail: bool,
    /// `-i`: the header as well.
    include: bool,
    verbose: bool,
    http10: bool,
    connect_timeout: Option<Span>,
    max_time: Option<Span>,
    local_port: Option<u16>,
    saddr: Option<Ipv4Addr>,
    dev: Option<crate::base::DevIdx>,
    agent: String,
    headers: Vec<String>,
    files: VecDeque<String>,
    write_out: Option<String>,
}

/// A running `curl`.
#[derive(Clone, Debug)]
pub struct Curl {
    options: Options,
    urls: VecDeque<String>,
    /// The present transfer.
    now: Option<Transfer>,
    status: u8,
}

#[derive(Clone, Debug)]
struct Transfer {
    fetch: Fetch,
    received: u32,
    code: u16,
}

/// Why a transfer failed: curl's number and words.
struct Failure(u8, String);

/// `curl ARGS`.
pub fn main(m: &mut HostMachine<'_, '_>, args: &[String], _stdin: &mut Stdin<'_>, out: &mut Output) -> Exec<Running> {
    let mut options = Options {
        silent: false,
        show_error: false,
        fail: false,
        include: false,
        verbose: false,
        http10: false,
        connect_timeout: None,
        max_time: None,
        local_port: None,
        saddr: None,
        dev: None,
        agent: "curl/7.88.1".to_string(),
        headers: Vec::new(),
        files: VecDeque::new(),
        write_out: None,
    };
    let mut urls = VecDeque::new();
    if let Err(Failure(status, text)) = read(m, args, &mut options, &mut urls) {
        out.stderr(&text);
        return Exec::Done(status);
    }
    if urls.is_empty() {
        let text = if args.is_empty() { "" } else { "curl: no URL specified!\n" };
        out.stderr(&format!("{text}curl: try 'curl --help' or 'curl --manual' for more information\n"));
        return Exec::Done(2);
    }
    Exec::Running(Running::Curl(Box::new(Curl { options, urls, now: None, status: 0 })))
}

/// Options with a value, by letter and long name.
const WITH_VALUE: &[(char, &str)] = &[
    ('m', "max-time"),
    ('\u{1}', "connect-timeout"),
    ('\u{2}', "local-port"),
    ('\u{3}', "interface"),
    ('\u{4}', "url"),
    ('A', "user-agent"),
    ('H', "header"),
    ('o', "output"),
    ('w', "write-out"),
];
/// Options without.
const PLAIN: &[(char, &str)] = &[
    ('s', "silent"),
    ('S', "show-error"),
    ('f', "fail"),
    ('i', "include"),
    ('v', "verbose"),
    ('0', "http1.0"),
    ('\u{5}', "http1.1"),
    ('4', "ipv4"),
    ('N', "no-buffer"),
    ('L', "location"),
    ('k', "insecure"),
    ('q', "disable"),
    ('g', "globoff"),
];

fn read(
    m: &HostMachine<'_, '_>,
    args: &[String],
    options: &mut Options,
    urls: &mut VecDeque<String>,
) -> Result<(), Failure> {
    let mut words = args.iter();
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--").filter(|l| !l.is_empty()) {
            if let Some(&(letter, _)) = PLAIN.iter().find(|(_, name)| *name == long) {
                set(m, options, urls, letter, "", word)?;
            } else if let Some(&(letter, _)) = WITH_VALUE.iter().find(|(_, name)| *name == long) {
                let value = words.next().ok_or_else(|| wants_value(word))?;
                set(m, options, urls, letter, value, word)?;
            } else {
                return Err(Failure(2, format!("lvsim: curl {word} is not simulated\n")));
            }
            continue;
        }
        let Some(mut cluster) = word.strip_prefix('-').filter(|c| !c.is_empty()) else {
            urls.push_back(word.clone());
            continue;
        };
        while let Some(letter) = cluster.chars().next() {
            cluster = &cluster[letter.len_utf8()..];
            if PLAIN.iter().any(|(l, _)| *l == letter) {
                set(m, options, urls, letter, "", word)?;
            } else if WITH_VALUE.iter().any(|(l, _)| *l == letter) {
                let value = match std::mem::take(&mut cluster) {
                    "" => words.next().ok_or_else(|| wants_value(&format!("-{letter}")))?,
                    rest => rest,
                };
                set(m, options, urls, letter, value, word)?;
            } else {
                return Err(Failure(2, format!("lvsim: curl -{letter} is not simulated\n")));
            }
        }
    }
    Ok(())
}

fn wants_value(word: &str) -> Failure {
    usage(&format!("option {word}: requires parameter"))
}

fn usage(text: &str) -> Failure {
    Failure(2, format!("curl: {text}\ncurl: try 'curl --help' or 'curl --manual' for more information\n"))
}

fn set(
    m: &HostMachine<'_, '_>,
    options: &mut Options,
    urls: &mut VecDeque<String>,
    letter: char,
    value: &str,
    word: &str,
) -> Result<(), Failure> {
    let seconds = || {
        Span::parse(&format!("{value}s"))
            .map_err(|_| usage(&format!("option {word}: expected a proper numerical parameter")))
    };
    match letter {
        's' => options.silent = true,
        'S' => options.show_error = true,
        'f' => options.fail = true,
        'i' => options.include = true,
        'v' => options.verbose = true,
        '0' => options.http10 = true,
        '\u{5}' => options.http10 = false,
        'm' => options.max_time = Some(seconds()?).filter(|s| *s > Span::ZERO),
        '\u{1}' => options.connect_timeout = Some(seconds()?).filter(|s| *s > Span::ZERO),
        '\u{2}' => match value.parse::<u16>() {
            Ok(port) => options.local_port = Some(port).filter(|p| *p > 0),
            Err(_) => return Err(usage(&format!("option {word}: is badly used here"))),
        },
        '\u{3}' => match value.parse::<Ipv4Addr>() {
            Ok(addr) => options.saddr = Some(addr),
            Err(_) => match m.host.net.dev_by_name(value) {
                Some(dev) => options.dev = Some(dev),
                None => return Err(Failure(45, format!("curl: (45) Couldn't bind to '{value}'\n"))),
            },
        },
        '\u{4}' => urls.push_back(value.to_string()),
        'A' => options.agent = value.to_string(),
        'H' => options.headers.push(value.to_string()),
        'o' if value.starts_with('/') || value == "-" => options.files.push_back(value.to_string()),
        'o' => {
            return Err(Failure(2, format!("lvsim: curl -o {value} is not simulated: give the path from / on\n")));
        }
        'w' => options.write_out = Some(value.to_string()),
        _ => {}
    }
    Ok(())
}

/// Reads a URL.
fn parse_url(text: &str) -> Result<Url, Failure> {
    Url::parse(text).map_err(|bad| match bad {
        BadUrl::Malformed => Failure(3, "curl: (3) URL using bad/illegal format or missing URL\n".to_string()),
        BadUrl::Scheme { scheme, known: true } => {
            Failure(2, format!("lvsim: curl does not simulate {scheme}: http only\n"))
        }
        BadUrl::Scheme { scheme, .. } => {
            Failure(1, format!("curl: (1) Protocol \"{scheme}\" not supported or disabled in libcurl\n"))
        }
        BadUrl::Host(host) => Failure(6, format!("curl: (6) Could not resolve host: {host}\n")),
    })
}

impl Curl {
    /// Goes on as far as it can now.
    pub fn poll(&mut self, m: &mut HostMachine<'_, '_>, out: &mut Output) -> Wait {
        loop {
            if self.now.is_none() {
                let Some(text) = self.urls.pop_front() else { return Wait::Done(self.status) };
                match self.begin(m, &text, out) {
                    Ok(transfer) => self.now = Some(transfer),
                    Err(failure) => self.fail(failure, out),
                }
                continue;
            }
            match self.go_on(m, out) {
                Ok(Some(wait)) => return wait,
                Ok(None) => self.end(m),
                Err(failure) => {
                    self.end(m);
                    self.fail(failure, out);
                }
            }
        }
    }

    /// Interrupted: its socket closes.
    pub fn signal(&mut self, m: &mut HostMachine<'_, '_>, signal: u8) -> Option<u8> {
        self.end(m);
        Some(128 + signal)
    }

    fn end(&mut self, m: &mut HostMachine<'_, '_>) {
        if let Some(transfer) = self.now.take() {
            transfer.fetch.close(m);
        }
    }

    fn fail(&mut self, Failure(status, text): Failure, out: &mut Output) {
        self.status = status;
        if !self.options.silent || self.options.show_error || !text.starts_with("curl: (") {
            out.stderr(&text);
        }
        if let Some(form) = &self.options.write_out {
            out.stdout(&write_out(form, None));
        }
    }

    fn begin(&mut self, m: &mut HostMachine<'_, '_>, text: &str, out: &mut Output) -> Result<Transfer, Failure> {
        let url = parse_url(text)?;
        let (saddr, sport, dev) = (self.options.saddr, self.options.local_port, self.options.dev);
        let how = Connecting { tcp: true, to: (url.addr, url.port), saddr, sport, dev };
        if self.options.verbose {
            out.stderr(&format!("*   Trying {}:{}...\n", url.addr, url.port));
        }
        match Fetch::begin(m, url.clone(), &how) {
            Ok(fetch) => Ok(Transfer { fetch, received: 0, code: 0 }),
            Err(Errno::AddrInUse) if sport.is_some() => {
                Err(Failure(45, "curl: (45) bind failed with errno 98: Address already in use\n".into()))
            }
            Err(_) => Err(not_connected(&url, Span::ZERO)),
        }
    }

    /// When the transfer is given up.
    fn deadline(&self, fetch: &Fetch) -> Option<SimTime> {
        let whole = self.options.max_time.map(|s| fetch.started + s);
        let connect =
            fetch.connected.is_none().then(|| fetch.started + self.options.connect_timeout.unwrap_or(CONNECT_TIMEOUT));
        match (whole, connect) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// The present transfer. `Ok(None)`: it is done.
    fn go_on(&mut self, m: &mut HostMachine<'_, '_>, out: &mut Output) -> Result<Option<Wait>, Failure> {
        let Some(mut t) = self.now.take() else { return Ok(None) };
        let result = self.step(&mut t, m, out);
        self.now = Some(t);
        result
    }

    fn step(
        &mut self,
        t: &mut Transfer,
        m: &mut HostMachine<'_, '_>,
        out: &mut Output,
    ) -> Result<Option<Wait>, Failure> {
        loop {
            let took = m.cx.now.since(t.fetch.started);
            let event = match t.fetch.next(m) {
                Ok(event) => event,
                Err(Some(at)) => return Ok(Some(Wait::Until(at))),
                Err(None) => {
                    let Some(deadline) = self.deadline(&t.fetch) else { return Ok(Some(Wait::Event)) };
                    if m.cx.now < deadline {
                        return Ok(Some(Wait::UntilOrEvent(deadline)));
                    }
                    return Err(timed_out(t, took));
                }
            };
            let url = &t.fetch.url;
            match event {
                Event::Connected => {
                    let request = self.request(url);
                    if self.options.verbose {
                        let (host, addr, port) = (&url.host, url.addr, url.port);
                        out.stderr(&format!("* Connected to {host} ({addr}) port {port} (#0)\n"));
                        out.stderr(&marked('>', &request));
                    }
                    t.fetch.ask(m, &request);
                }
                Event::Answer(text) => self.answer(t, &text, m, out)?,
                Event::NotHttp => return Err(Failure(1, "curl: (1) Received HTTP/0.9 when not allowed\n".into())),
                Event::Empty => return Err(Failure(52, "curl: (52) Empty reply from server\n".into())),
                Event::Unreachable => return Err(not_connected(url, took)),
                Event::Broken(errno) => {
                    return Err(Failure(56, format!("curl: (56) Recv failure: {}\n", errno.text())));
                }
                Event::Over => {
                    self.done(t, out);
                    return Ok(None);
                }
            }
        }
    }

    fn request(&self, url: &Url) -> String {
        let named =
            |name: &str| self.options.headers.iter().find(|h| h.to_ascii_lowercase().starts_with(&format!("{name}:")));
        let mut text = format!("GET {} HTTP/1.{}\r\n", url.path, if self.options.http10 { 0 } else { 1 });
        let standard =
            [("Host", url.authority()), ("User-Agent", self.options.agent.clone()), ("Accept", "*/*".to_string())];
        for (name, value) in standard {
            if named(&name.to_ascii_lowercase()).is_none() {
                text += &format!("{name}: {value}\r\n");
            }
        }
        for header in &self.options.headers {
            // `Name:` without a value takes the header away.
            if !header.ends_with(':') {
                text += &format!("{header}\r\n");
            }
        }
        text + "\r\n"
    }

    /// An HTTP answer was read.
    fn answer(
        &mut self,
        t: &mut Transfer,
        text: &str,
        m: &mut HostMachine<'_, '_>,
        out: &mut Output,
    ) -> Result<(), Failure> {
        let (header, code, body) = parts(text);
        t.code = code;
        t.received = body.len() as u32;
        if self.options.verbose {
            out.stderr(&marked('<', &format!("{header}\r\n\r\n")));
        }
        if self.options.fail && t.code >= 400 {
            return Err(Failure(22, format!("curl: (22) The requested URL returned error: {}\n", t.code)));
        }
        let shown = if self.options.include { text } else { body };
        match self.options.files.pop_front() {
            None => out.stdout(shown),
            Some(file) if file == "-" => out.stdout(shown),
            Some(file) if file == "/dev/null" => {}
            Some(file) => {
                if m.files.write(&file, shown).is_err() {
                    return Err(Failure(23, "curl: (23) Failure writing output to destination\n".into()));
                }
            }
        }
        Ok(())
    }

    fn done(&mut self, t: &Transfer, out: &mut Output) {
        if self.options.verbose {
            out.stderr("* Closing connection 0\n");
        }
        if let Some(form) = &self.options.write_out {
            out.stdout(&write_out(form, Some(t)));
        }
    }
}

fn not_connected(url: &Url, took: Span) -> Failure {
    let (host, port, ms) = (&url.host, url.port, took.as_millis());
    Failure(7, format!("curl: (7) Failed to connect to {host} port {port} after {ms} ms: Couldn't connect to server\n"))
}

fn timed_out(t: &Transfer, took: Span) -> Failure {
    let ms = took.as_millis();
    let text = if t.fetch.connected.is_none() {
        let (host, port) = (&t.fetch.url.host, t.fetch.url.port);
        format!("Failed to connect to {host} port {port} after {ms} ms: Timeout was reached")
    } else {
        format!("Operation timed out after {ms} milliseconds with {} bytes received", t.received)
    };
    Failure(28, format!("curl: (28) {text}\n"))
}

/// Lines of a header as `-v` shows them.
fn marked(mark: char, text: &str) -> String {
    text.trim_end_matches("\r\n").split("\r\n").chain([""]).map(|line| format!("{mark} {line}\n")).collect()
}

/// `-w`: variables in `%{…}`, `\n` and its like. A variable that is not known is left out, as curl does.
fn write_out(form: &str, t: Option<&Transfer>) -> String {
    let seconds = |at: Option<SimTime>| {
        let us = t.zip(at).map_or(0, |(t, at)| at.since(t.fetch.started).0 / 1000);
        format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
    };
    let mut text = String::new();
    let mut rest = form;
    while let Some(c) = rest.chars().next() {
        if let Some((name, after)) = rest.strip_prefix("%{").and_then(|r| r.split_once('}')) {
            rest = after;
            text += &match name {
                "http_code" | "response_code" => format!("{:03}", t.map_or(0, |t| t.code)),
                "size_download" => t.map_or(0, |t| t.received).to_string(),
                "time_connect" => seconds(t.and_then(|t| t.fetch.connected)),
                "time_starttransfer" => seconds(t.and_then(|t| t.fetch.answered)),
                "time_total" => seconds(t.and_then(|t| t.fetch.answered)),
                "remote_ip" => t.map_or_else(String::new, |t| t.fetch.url.addr.to_string()),
                "remote_port" => t.map_or(0, |t| t.fetch.url.port).to_string(),
                _ => String::new(),
            };
            continue;
        }
        let (shown, len) = match rest.get(..2) {
            Some("\\n") => ('\n', 2),
            Some("\\t") => ('\t', 2),
            Some("\\r") => ('\r', 2),
            Some("%%") => ('%', 2),
            _ => (c, c.len_utf8()),
        };
        text.push(shown);
        rest = &rest[len..];
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_cannot_be_asked_fails_with_curls_number() {
        for (text, status) in [
            ("http://web.example", 6),
            ("http://10.0.0.1:x/", 3),
            ("http://", 3),
            ("gopherx://a", 1),
            ("https://10.0.0.1", 2),
        ] {
            assert_eq!(parse_url(text).err().map(|Failure(n, _)| n), Some(status), "{text}");
        }
    }

    #[test]
    fn written_out_variables_are_filled_in() {
        assert_eq!(write_out("%{http_code} %%\\n%{nonsense}", None), "000 %\n");
        assert_eq!(write_out("code=%{http_code", None), "code=%{http_code");
    }
}
