//! `wget` 1.21 over HTTP, against simulated servers: one page for each URL, into a file or to standard output.
//!
//! Only its quiet form is simulated (`-q`), because the other one prints dates, speeds and a bar. Left out, refused by name:
//! everything about sites, sending of data, authentication, proxies.

use super::bash::{Exec, Output, Stdin, Wait};
use super::http::{BadUrl, Event, Fetch, Url, parts};
use super::machine::{HostMachine, Running};
use crate::base::{SimTime, Span};
use crate::node::host::Connecting;
use std::collections::VecDeque;
use std::net::Ipv4Addr;

/// A running `wget`.
#[derive(Clone, Debug)]
pub struct Wget {
    urls: VecDeque<String>,
    /// `-O`; `-` for standard output.
    file: Option<String>,
    written: String,
    /// `--spider`: the page is not kept.
    spider: bool,
    timeout: Span,
    tries: u32,
    tried: u32,
    now: Option<Fetch>,
    /// Between two tries it waits for this.
    pause: Option<SimTime>,
    url: Option<Url>,
    status: u8,
}

/// `wget ARGS`.
pub fn main(_: &mut HostMachine<'_, '_>, args: &[String], _stdin: &mut Stdin<'_>, out: &mut Output) -> Exec<Running> {
    let mut wget = Wget {
        urls: VecDeque::new(),
        file: None,
        written: String::new(),
        spider: false,
        timeout: Span::from_secs(900),
        tries: 20,
        tried: 0,
        now: None,
        pause: None,
        url: None,
        status: 0,
    };
    let mut quiet = false;
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let (name, joined) = match word.strip_prefix("--") {
            Some(long) => long.split_once('=').map_or((long, None), |(n, v)| (n, Some(v.to_string()))),
            None if word.starts_with('-') && word.len() > 1 => {
                let mut letters = word[1..].chars();
                // `-qO-` and its like: letters without a value, then one that takes the rest.
                let mut last = "";
                for letter in letters.by_ref() {
                    last = match letter {
                        'q' => "quiet",
                        'O' => "output-document",
                        'T' => "timeout",
                        't' => "tries",
                        _ => return refuse(out, &format!("lvsim: wget -{letter} is not simulated"), 2),
                    };
                    if last != "quiet" {
                        break;
                    }
                    quiet = true;
                }
                if last == "quiet" {
                    continue;
                }
                let rest = letters.as_str();
                (last, (!rest.is_empty()).then(|| rest.to_string()))
            }
            None => {
                wget.urls.push_back(word.clone());
                continue;
            }
        };
        match name {
            "quiet" => quiet = true,
            "spider" => wget.spider = true,
            "output-document" | "timeout" | "tries" | "connect-timeout" => {
                let Some(value) = joined.or_else(|| words.next().cloned()) else {
                    return refuse(out, &format!("wget: option requires an argument -- '{name}'"), 2);
                };
                let taken = match name {
                    "tries" => value.parse().map(|n: u32| wget.tries = n).is_ok(),
                    "output-document" if value.starts_with('/') || value == "-" => {
                        wget.file = Some(value.clone());
                        true
                    }
                    "output-document" => {
                        return refuse(
                            out,
                            &format!("lvsim: wget -O {value} is not simulated: give the path from / on"),
                            2,
                        );
                    }
                    _ => Span::parse(&format!("{value}s")).map(|s| wget.timeout = s).is_ok(),
                };
                if !taken {
                    return refuse(out, &format!("wget: {name}: Invalid number '{value}'"), 2);
                }
            }
            name => return refuse(out, &format!("lvsim: wget --{name} is not simulated"), 2),
        }
    }
    if wget.urls.is_empty() {
        return refuse(
            out,
            "wget: missing URL\nUsage: wget [OPTION]... [URL]...\n\nTry `wget --help' for more options.",
            1,
        );
    }
    if !quiet {
        return refuse(out, "lvsim: wget is simulated with -q only", 2);
    }
    if wget.file.is_none() && !wget.spider {
        return refuse(out, "lvsim: wget is simulated with -O FILE, -O - or --spider only", 2);
    }
    Exec::Running(Running::Wget(Box::new(wget)))
}

fn refuse(out: &mut Output, text: &str, status: u8) -> Exec<Running> {
    out.err(text);
    Exec::Done(status)
}

/// wget's exit statuses.
const PARSE: u8 = 1;
const FILE: u8 = 3;
const NETWORK: u8 = 4;
const SERVER: u8 = 8;

impl Wget {
    /// Goes on as far as it can now.
    pub fn poll(&mut self, m: &mut HostMachine<'_, '_>, out: &mut Output) -> Wait {
        loop {
            if let Some(pause) = self.pause {
                if m.cx.now < pause {
                    return Wait::Until(pause);
                }
                self.pause = None;
            }
            let Some(fetch) = &mut self.now else {
                if !self.begin(m) {
                    return self.finish(m, out);
                }
                continue;
            };
            let event = match fetch.next(m) {
                Ok(event) => event,
                Err(Some(at)) => return Wait::Until(at),
                Err(None) => {
                    let since = fetch.connected.unwrap_or(fetch.started);
                    let deadline = since + self.timeout;
                    if self.timeout == Span::ZERO {
                        return Wait::Event;
                    }
                    if m.cx.now < deadline {
                        return Wait::UntilOrEvent(deadline);
                    }
                    self.again(m);
                    continue;
                }
            };
            match event {
                Event::Connected => {
                    let url = &fetch.url;
                    fetch.ask(
                        m,
                        &format!(
                            "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: Wget/1.21.3\r\nAccept: */*\r\n\
                             Accept-Encoding: identity\r\nConnection: Keep-Alive\r\n\r\n",
                            url.path,
                            url.authority()
                        ),
                    );
                }
                Event::Answer(text) => {
                    let (_, code, body) = parts(&text);
                    if code >= 400 {
                        self.status = self.status.max(SERVER);
                    } else if !self.spider {
                        self.written += body;
                    }
                }
                Event::Over => self.done(m),
                // A refused connection is not tried again; one that broke is.
                Event::Unreachable => {
                    self.status = self.status.max(NETWORK);
                    self.done(m);
                }
                Event::Broken(_) | Event::Empty | Event::NotHttp => self.again(m),
            }
        }
    }

    /// Interrupted or killed.
    pub fn signal(&mut self, m: &mut HostMachine<'_, '_>, signal: u8) -> Option<u8> {
        self.done(m);
        Some(128 + signal)
    }

    /// Begins the next try or the next page; whether there is one.
    fn begin(&mut self, m: &mut HostMachine<'_, '_>) -> bool {
        if self.url.is_none() {
            let Some(text) = self.urls.pop_front() else { return false };
            match Url::parse(&text) {
                Ok(url) => self.url = Some(url),
                Err(bad) => {
                    self.status = self.status.max(if matches!(bad, BadUrl::Host(_)) { NETWORK } else { PARSE });
                    return true;
                }
            }
        }
        let Some(url) = self.url.clone() else { return true };
        self.tried += 1;
        let to = (Ipv4Addr::UNSPECIFIED, 0);
        match Fetch::begin(m, url, &Connecting { tcp: true, to, saddr: None, sport: None, dev: None }) {
            Ok(fetch) => self.now = Some(fetch),
            Err(_) => {
                self.status = self.status.max(NETWORK);
                self.done(m);
            }
        }
        true
    }

    fn done(&mut self, m: &mut HostMachine<'_, '_>) {
        if let Some(fetch) = self.now.take() {
            fetch.close(m);
        }
        self.url = None;
        self.tried = 0;
    }

    /// Tries once more, a second later each time, up to ten.
    fn again(&mut self, m: &mut HostMachine<'_, '_>) {
        if self.tries > 0 && self.tried >= self.tries {
            self.status = self.status.max(NETWORK);
            return self.done(m);
        }
        if let Some(fetch) = self.now.take() {
            fetch.close(m);
        }
        self.pause = Some(m.cx.now + Span::from_secs(u64::from(self.tried.min(10))));
    }

    fn finish(&mut self, m: &mut HostMachine<'_, '_>, out: &mut Output) -> Wait {
        match self.file.as_deref() {
            None | Some("/dev/null") => {}
            Some("-") => out.stdout(&self.written),
            Some(file) => {
                if m.files.write(file, &self.written).is_err() {
                    self.status = FILE;
                }
            }
        }
        Wait::Done(self.status)
    }
}
