//! What `curl` and `wget` share: addresses of pages, and one question with its answer over a connection of its own.

use super::machine::HostMachine;
use super::words::address;
use crate::base::{SimTime, Span};
use crate::net::sock::Errno;
use crate::node::host::{Connecting, News};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// How long a program still runs once it has its answer: a process is not gone in no time, and a server near by that closes
/// after its answer is heard first.
const LINGER: Span = Span::from_millis(1);

/// A URL of the form `[http://]HOST[:PORT][/PATH]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    /// The host as it was written.
    pub host: String,
    pub addr: Ipv4Addr,
    pub port: u16,
    /// With its `/`, and with the query.
    pub path: String,
}

/// Why a URL cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BadUrl {
    /// It has no sense.
    Malformed,
    /// Another protocol; whether a real program would know it.
    Scheme { scheme: String, known: bool },
    /// No such host.
    Host(String),
}

impl Url {
    /// Reads a URL.
    pub fn parse(text: &str) -> Result<Url, BadUrl> {
        let rest = match text.split_once("://") {
            None => text,
            Some(("http", rest)) => rest,
            Some((scheme, _)) => {
                let known = matches!(scheme, "https" | "ftp" | "ftps" | "file" | "telnet" | "tftp" | "ldap");
                return Err(BadUrl::Scheme { scheme: scheme.to_string(), known });
            }
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let path = path.split('#').next().unwrap_or("");
        let path = if path.starts_with('/') { path.to_string() } else { format!("/{path}") };
        let (host, port) = match authority.split_once(':') {
            None | Some((_, "")) => (authority.trim_end_matches(':'), 80),
            Some((host, port)) => (host, port.parse::<u16>().map_err(|_| BadUrl::Malformed)?),
        };
        if host.is_empty() || host.contains(char::is_whitespace) {
            return Err(BadUrl::Malformed);
        }
        let addr = address(host).ok_or_else(|| BadUrl::Host(host.to_string()))?;
        Ok(Url { host: host.to_string(), addr, port, path })
    }

    /// As it stands in the `Host:` header.
    pub fn authority(&self) -> String {
        if self.port == 80 { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }
}

/// A question that is on its way.
#[derive(Clone, Debug)]
pub(super) struct Fetch {
    pub url: Url,
    pub started: SimTime,
    pub connected: Option<SimTime>,
    /// When the answer came.
    pub answered: Option<SimTime>,
    socket: u32,
}

/// What happens to a question.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// The connection stands: ask.
    Connected,
    /// The whole answer.
    Answer(Arc<str>),
    /// The server answered with something that is no text.
    NotHttp,
    /// The server closed without an answer.
    Empty,
    /// The connection was never made.
    Unreachable,
    /// The connection broke.
    Broken(Errno),
    /// The answer was read and the program may go.
    Over,
}

impl Fetch {
    /// # Errors
    /// What `bind` and `connect` say at once.
    pub fn begin(m: &mut HostMachine<'_, '_>, url: Url, how: &Connecting) -> Result<Fetch, Errno> {
        let how = Connecting { tcp: true, to: (url.addr, url.port), ..*how };
        let socket = m.host.call_connect(&how, m.cx)?;
        Ok(Fetch { url, started: m.cx.now, connected: None, answered: None, socket })
    }

    /// The next event; or none so far, and when there is one at the latest.
    pub fn next(&mut self, m: &mut HostMachine<'_, '_>) -> Result<Event, Option<SimTime>> {
        if let Some(answered) = self.answered {
            let over = answered + LINGER;
            return if m.cx.now < over { Err(Some(over)) } else { Ok(Event::Over) };
        }
        let Some((_, news)) = m.host.call_news(self.socket) else { return Err(None) };
        Ok(match news {
            News::Connected => {
                self.connected = Some(m.cx.now);
                Event::Connected
            }
            News::Text(text) => {
                self.answered = Some(m.cx.now);
                Event::Answer(text)
            }
            News::Bytes(_) | News::Accepted(_) => Event::NotHttp,
            News::PeerClosed => Event::Empty,
            News::Error(_) if self.connected.is_none() => Event::Unreachable,
            News::Error(errno) => Event::Broken(errno),
        })
    }

    /// Sends the question.
    pub fn ask(&self, m: &mut HostMachine<'_, '_>, request: &str) {
        // A connection that broke at this instant tells so by its own news.
        let _gone = m.host.call_send(self.socket, request, m.cx);
    }

    /// Closes the connection.
    pub fn close(&self, m: &mut HostMachine<'_, '_>) {
        m.host.call_close(self.socket, m.cx);
    }
}

/// The parts of an answer: its first lines, its status, its body.
pub(super) fn parts(answer: &str) -> (&str, u16, &str) {
    let (header, body) = answer.split_once("\r\n\r\n").unwrap_or(("", answer));
    let code = header.split(' ').nth(1).and_then(|c| c.parse().ok()).unwrap_or(0);
    (header, code, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_with_and_without_scheme_port_and_path() {
        for (text, addr, port, path) in [
            ("http://10.0.0.1", [10, 0, 0, 1], 80, "/"),
            ("10.0.0.1:8080", [10, 0, 0, 1], 8080, "/"),
            ("http://localhost/a/b?c#d", [127, 0, 0, 1], 80, "/a/b?c"),
            ("http://10.0.0.1?x", [10, 0, 0, 1], 80, "/?x"),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!((url.addr, url.port, url.path.as_str()), (Ipv4Addr::from(addr), port, path), "{text}");
        }
    }

    #[test]
    fn a_url_that_cannot_be_asked_says_why() {
        for text in ["http://10.0.0.1:x/", "http://", "a b"] {
            assert_eq!(Url::parse(text), Err(BadUrl::Malformed), "{text}");
        }
        assert_eq!(Url::parse("http://web.example"), Err(BadUrl::Host("web.example".into())));
        let other = |scheme: &str, known| Err(BadUrl::Scheme { scheme: scheme.into(), known });
        assert_eq!(Url::parse("https://10.0.0.1"), other("https", true));
        assert_eq!(Url::parse("gopherx://10.0.0.1"), other("gopherx", false));
    }

    #[test]
    fn an_answer_has_a_header_a_status_and_a_body() {
        assert_eq!(parts("HTTP/1.0 404 Not Found\r\n\r\nno\n"), ("HTTP/1.0 404 Not Found", 404, "no\n"));
        assert_eq!(parts("garbage"), ("", 0, "garbage"));
    }
}
