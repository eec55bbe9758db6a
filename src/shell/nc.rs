//! `nc` of OpenBSD and `telnet` of the inetutils: a connection by hand, its input from a pipe or a here-document.
//!
//! Nobody sits at the keyboard: the whole input is there at once, and ends. `nc` then still listens until the peer has closed
//! (`-N` and `-q` close sooner); `telnet` leaves once its input is sent. Left out, refused by name: UDP servers, proxies, UNIX
//! sockets, names of ports in messages without `-n` (they are shown by number).

use super::bash::{Exec, Output, Stdin, Wait};
use super::machine::{HostMachine, Running};
use super::ping::{Options, Word};
use super::words::address;
use crate::base::{SimTime, Span};
use crate::node::host::{Connecting, News};
use std::collections::VecDeque;
use std::net::Ipv4Addr;

/// Ports that one `nc -z` may try.
const MOST_PORTS: usize = 65_536;

/// Which of the two programs it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Nc,
    Telnet,
}

/// A running `nc` or `telnet`.
#[derive(Clone, Debug)]
pub struct Netcat {
    who: Who,
    addr: Ipv4Addr,
    ports: VecDeque<u16>,
    how: Connecting,
    input: String,
    verbose: bool,
    /// `-z`: only whether somebody answers.
    scan: bool,
    /// `-N`: closes its side when the input ends.
    shutdown: bool,
    /// `-w`.
    patience: Option<Span>,
    /// `-q`: how long it stays after the input has ended.
    linger: Option<Span>,
    listener: Option<u32>,
    socket: Option<u32>,
    connected: bool,
    deadline: Option<SimTime>,
    status: u8,
}

/// `nc ARGS`.
pub fn nc_main(m: &mut HostMachine<'_, '_>, args: &[String], stdin: &mut Stdin<'_>, out: &mut Output) -> Exec<Running> {
    let mut nc = Netcat::new(Who::Nc);
    let (mut listen, mut own_port, mut plain) = (false, None, Vec::new());
    let mut words = Options::new(args);
    while let Some(word) = words.next("wpqsiIOPTVXxM") {
        let (letter, value) = match word {
            Word::Plain(word) => {
                plain.push(word);
                continue;
            }
            Word::Missing(letter) => {
                out.err(&format!("nc: option requires an argument -- '{letter}'"));
                return Exec::Done(1);
            }
            Word::Option(letter, value) => (letter, value),
        };
        let seconds = || Span::parse(&format!("{value}s")).ok();
        match letter {
            'z' => nc.scan = true,
            'v' => nc.verbose = true,
            'n' | '4' => {}
            'N' => nc.shutdown = true,
            'l' => listen = true,
            'u' => nc.how.tcp = false,
            'w' => match seconds() {
                Some(span) => nc.patience = Some(span),
                None => return refuse(out, &format!("nc: timeout invalid: {value}")),
            },
            'q' => match seconds() {
                Some(span) => nc.linger = Some(span),
                None => return refuse(out, &format!("nc: quit timeout invalid: {value}")),
            },
            'p' => match value.parse::<u16>() {
                Ok(port) => own_port = Some(port),
                Err(_) => return refuse(out, &format!("nc: port number invalid: {value}")),
            },
            's' => match value.parse::<Ipv4Addr>() {
                Ok(addr) => nc.how.saddr = Some(addr),
                Err(_) => return refuse(out, &format!("nc: {value}: Name or service not known")),
            },
            letter => return refuse(out, &format!("lvsim: nc -{letter} is not simulated")),
        }
    }
    if listen {
        if !nc.how.tcp {
            return refuse(out, "lvsim: nc -l -u is not simulated");
        }
        let port = own_port.or_else(|| plain.last().and_then(|p| p.parse().ok()));
        let addr = (plain.len() > 1 || own_port.is_some()).then(|| plain.first().and_then(|a| address(a))).flatten();
        let Some(port) = port else { return refuse(out, "nc: no port given: nc -l [-p] PORT") };
        match m.host.call_listen(addr, port) {
            Ok(number) => nc.listener = Some(number),
            Err(errno) => return refuse(out, &format!("nc: {}", errno.text())),
        }
        if nc.verbose {
            out.err(&format!("Listening on {} {port}", addr.unwrap_or(Ipv4Addr::UNSPECIFIED)));
        }
    } else {
        let [host, ports @ ..] = plain.as_slice() else {
            return refuse(out, "usage: nc [-hlNnuvz] [-p port] [-q seconds] [-s address] [-w seconds] [host] port");
        };
        let Some(addr) = address(host) else {
            return refuse(out, &format!("nc: getaddrinfo for host \"{host}\": Name or service not known"));
        };
        nc.addr = addr;
        nc.how.sport = own_port;
        for word in ports {
            let (first, last) = word.split_once('-').unwrap_or((word, word));
            match (first.parse::<u16>(), last.parse::<u16>()) {
                (Ok(first), Ok(last)) if first > 0 && first <= last => nc.ports.extend(first..=last),
                _ => return refuse(out, &format!("nc: port number invalid: {word}")),
            }
        }
        if nc.ports.is_empty() {
            return refuse(out, "nc: missing port number");
        }
        nc.ports.truncate(MOST_PORTS);
    }
    if !nc.scan {
        nc.input = stdin.read().to_string();
    }
    nc.status = u8::from(nc.listener.is_none());
    Exec::Running(Running::Netcat(Box::new(nc)))
}

/// `telnet HOST [PORT]`.
pub fn telnet_main(
    _: &mut HostMachine<'_, '_>,
    args: &[String],
    stdin: &mut Stdin<'_>,
    out: &mut Output,
) -> Exec<Running> {
    let mut telnet = Netcat::new(Who::Telnet);
    let (host, port) = match args {
        [host] if !host.starts_with('-') => (host, "23"),
        [host, port] if !host.starts_with('-') => (host, port.as_str()),
        [option, ..] if option.starts_with('-') => {
            return refuse(out, &format!("lvsim: telnet {option} is not simulated"));
        }
        _ => return refuse(out, "lvsim: telnet without a host is not simulated: nobody is at the keyboard"),
    };
    let Ok(port) = port.parse::<u16>() else {
        return refuse(out, &format!("telnet: bad port {port}"));
    };
    let Some(addr) = address(host) else {
        return refuse(out, &format!("telnet: could not resolve {host}/{port}: Name or service not known"));
    };
    telnet.addr = addr;
    telnet.ports.push_back(port);
    telnet.input = stdin.read().to_string();
    telnet.status = 1;
    out.line(&format!("Trying {addr}..."));
    Exec::Running(Running::Netcat(Box::new(telnet)))
}

fn refuse(out: &mut Output, text: &str) -> Exec<Running> {
    out.err(text);
    Exec::Done(1)
}

impl Netcat {
    fn new(who: Who) -> Netcat {
        Netcat {
            who,
            addr: Ipv4Addr::LOCALHOST,
            ports: VecDeque::new(),
            how: Connecting { tcp: true, to: (Ipv4Addr::LOCALHOST, 0), saddr: None, sport: None, dev: None },
            input: String::new(),
            verbose: false,
            scan: false,
            shutdown: false,
            patience: None,
            linger: None,
            listener: None,
            socket: None,
            connected: false,
            deadline: None,
            status: 0,
        }
    }

    /// Goes on as far as it can now.
    pub fn poll(&mut self, m: &mut HostMachine<'_, '_>, out: &mut Output) -> Wait {
        loop {
            let Some(socket) = self.socket.or(self.listener) else {
                let Some(port) = self.ports.pop_front() else { return self.end(m) };
                self.how.to = (self.addr, port);
                match m.host.call_connect(&self.how, m.cx) {
                    Ok(number) => {
                        self.socket = Some(number);
                        self.connected = false;
                        self.deadline = self.patience.map(|p| m.cx.now + p);
                        if !self.how.tcp {
                            self.established(m, out);
                        }
                    }
                    Err(errno) => self.failed(errno.text(), out),
                }
                continue;
            };
            let Some((_, news)) = m.host.call_news(socket) else {
                let Some(deadline) = self.deadline else { return Wait::Event };
                if m.cx.now < deadline {
                    return Wait::UntilOrEvent(deadline);
                }
                self.give_up(m, out);
                continue;
            };
            match news {
                News::Accepted(number) => {
                    self.socket = Some(number);
                    if let Some(listener) = self.listener.take() {
                        m.host.call_close(listener, m.cx);
                    }
                    self.established(m, out);
                }
                News::Connected => self.established(m, out),
                News::Text(text) => out.out(&text),
                News::Bytes(n) => out.err(&format!("lvsim: {n} bytes that are no text")),
                News::PeerClosed => {
                    if self.who == Who::Telnet {
                        out.line("Connection closed by foreign host.");
                    }
                    self.next(m);
                }
                News::Error(errno) if self.connected => {
                    self.status = 1;
                    out.err(&format!("{}: read: {}", self.name(), errno.text()));
                    self.next(m);
                }
                News::Error(errno) => {
                    self.failed(errno.text(), out);
                    self.next(m);
                }
            }
        }
    }

    /// Interrupted or killed.
    pub fn signal(&mut self, m: &mut HostMachine<'_, '_>, signal: u8) -> Option<u8> {
        self.ports.clear();
        self.end(m);
        Some(128 + signal)
    }

    fn name(&self) -> &'static str {
        match self.who {
            Who::Nc => "nc",
            Who::Telnet => "telnet",
        }
    }

    fn end(&mut self, m: &mut HostMachine<'_, '_>) -> Wait {
        for number in [self.socket.take(), self.listener.take()].into_iter().flatten() {
            m.host.call_close(number, m.cx);
        }
        Wait::Done(self.status)
    }

    /// This connection is done: the next port.
    fn next(&mut self, m: &mut HostMachine<'_, '_>) {
        if let Some(number) = self.socket.take() {
            m.host.call_close(number, m.cx);
        }
        self.deadline = None;
    }

    fn established(&mut self, m: &mut HostMachine<'_, '_>, out: &mut Output) {
        self.connected = true;
        self.status = 0;
        self.deadline = self.patience.map(|p| m.cx.now + p);
        let proto = if self.how.tcp { "tcp" } else { "udp" };
        match self.who {
            Who::Telnet => out.out(&format!("Connected to {}.\nEscape character is '^]'.\n", self.addr)),
            Who::Nc if self.verbose && self.how.to.1 > 0 => {
                out.err(&format!("Connection to {} {} port [{proto}/*] succeeded!", self.addr, self.how.to.1));
            }
            Who::Nc => {}
        }
        if self.scan {
            return self.next(m);
        }
        let Some(number) = self.socket else { return };
        if !self.input.is_empty() {
            // A connection that broke at this instant tells so by its own news.
            let _gone = m.host.call_send(number, &self.input, m.cx);
        }
        if self.shutdown {
            m.host.call_shutdown(number, m.cx);
        }
        // telnet sees the end of its input at once; what the peer answers within a moment is still shown.
        let stays = if self.who == Who::Telnet { Some(Span::from_secs(1)) } else { self.linger };
        if let Some(stays) = stays {
            let leave = m.cx.now + stays;
            self.deadline = Some(self.deadline.map_or(leave, |d| d.min(leave)));
        }
    }

    fn failed(&mut self, why: &str, out: &mut Output) {
        let proto = if self.how.tcp { "tcp" } else { "udp" };
        let (addr, port) = self.how.to;
        match self.who {
            Who::Telnet => out.err(&format!("telnet: Unable to connect to remote host: {why}")),
            Who::Nc if self.verbose => out.err(&format!("nc: connect to {addr} port {port} ({proto}) failed: {why}")),
            Who::Nc => {}
        }
    }

    /// Nothing came for as long as it waits.
    fn give_up(&mut self, m: &mut HostMachine<'_, '_>, out: &mut Output) {
        if !self.connected {
            if self.verbose {
                let (addr, port) = self.how.to;
                out.err(&format!("nc: connect to {addr} port {port} (tcp) timed out: Operation now in progress"));
            }
        } else if self.who == Who::Telnet {
            out.line("Connection closed.");
        }
        self.next(m);
    }
}
