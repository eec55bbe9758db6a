//! Servers: answer a request with as many bytes as it asks for, beginning with the node's name; close when the peer does.
//!
//! With `workers`, so many requests are worked on at once and the others wait their turn, in order. A connection counts
//! against the listener's backlog until work on its first request begins, as with a server of that many processes. A client
//! that closes takes its request along. Left out: workers that a held connection keeps busy.

use super::{AppCx, AppOut, Owner, Service};
use crate::base::{NodeId, Rng, SimTime, Span};
use crate::net::sock::{Errno, ListenOpts, ListenerId, SockEvent, SockId, UdpId};
use crate::wire::{Body, Datagram, Proto, Said};
use std::collections::VecDeque;
use std::net::Ipv4Addr;

/// Whom an answer goes to.
#[derive(Clone, Copy, Debug)]
enum Asker {
    Tcp(SockId),
    Udp { from: (Ipv4Addr, u16), to: (Ipv4Addr, u16) },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    Queued,
    Running,
    /// It was answered and its connection closes when the timer fires.
    Closing,
    /// The asker went away; the timer has not fired yet, or its turn has not come.
    Dropped,
}

/// A request.
#[derive(Clone, Copy, Debug)]
struct Job {
    asker: Asker,
    body: Body,
    service: u32,
    state: State,
}

#[derive(Clone, Debug)]
enum Listening {
    Tcp(ListenerId),
    Udp(UdpId),
}

#[derive(Clone, Debug)]
struct Running {
    service: Service,
    on: Listening,
    busy: u32,
    queue: VecDeque<u32>,
}

/// What serves on a host.
#[derive(Clone, Debug, Default)]
pub struct Servers {
    services: Vec<Option<Running>>,
    jobs: Vec<Job>,
    free: Vec<u32>,
}

impl Servers {
    /// Starts a service; returns its place.
    ///
    /// # Errors
    /// EADDRINUSE if something serves there already.
    pub fn start(&mut self, service: Service, cx: &mut AppCx<'_>) -> Result<u32, Errno> {
        let free = self.services.iter().position(Option::is_none);
        let place = free.unwrap_or(self.services.len());
        let user = Owner::Service(place as u32).user();
        let on = match service.proto {
            Proto::Udp => Listening::Udp(cx.udp.bind(None, service.port, user)?),
            _ => {
                let opts = ListenOpts { addr: None, backlog: service.backlog };
                Listening::Tcp(cx.tcp.listen(service.port, opts, user)?)
            }
        };
        if place == self.services.len() {
            self.services.push(None);
        }
        self.services[place] = Some(Running { service, on, busy: 0, queue: VecDeque::new() });
        Ok(place as u32)
    }

    /// Stops what serves a port. Connections that were accepted are served on; what waited for a worker is forgotten.
    /// False if nothing serves there.
    pub fn stop(&mut self, proto: Proto, port: u16, cx: &mut AppCx<'_>) -> bool {
        let serves = |r: &Running| r.service.proto == proto && r.service.port == port;
        let place = self.services.iter().position(|s| s.as_ref().is_some_and(serves));
        let Some(running) = place.and_then(|p| self.services[p].take()) else {
            return false;
        };
        match running.on {
            Listening::Tcp(id) => cx.tcp.unlisten(cx.now, id, cx.tcp_out),
            Listening::Udp(id) => cx.udp.close(id),
        }
        for job in running.queue {
            self.release(job);
        }
        true
    }

    /// What serves, in the order of starting.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.services.iter().flatten().map(|r| &r.service)
    }

    /// Requests that are worked on or wait.
    pub fn pending(&self) -> usize {
        self.jobs.iter().filter(|j| matches!(j.state, State::Queued | State::Running)).count()
    }

    /// An event of a TCP socket that belongs to a service or to a piece of its work ([`Owner::Service`], [`Owner::Job`]).
    pub fn tcp_event(
        &mut self,
        node: NodeId,
        owner: Owner,
        sock: SockId,
        what: SockEvent,
        rng: &mut Rng,
        cx: &mut AppCx<'_>,
    ) {
        match what {
            SockEvent::Accepted { .. } => {
                if let Owner::Service(place) = owner
                    && self.service(place).is_some_and(|s| s.workers == u32::MAX)
                {
                    cx.tcp.accept(sock);
                }
            }
            SockEvent::Message { body, .. } => {
                let place = match owner {
                    Owner::Service(place) => place,
                    Owner::Job(job) => self.jobs.get(job as usize).map_or(u32::MAX, |j| j.service),
                    _ => return,
                };
                self.request(node, place, Asker::Tcp(sock), body, rng, cx);
            }
            SockEvent::PeerClosed => {
                self.drop_job(owner, rng, cx);
                cx.tcp.close(cx.now, sock, cx.tcp_out);
            }
            SockEvent::Reset | SockEvent::TimedOut(_) | SockEvent::Closed => self.drop_job(owner, rng, cx),
            SockEvent::Connected | SockEvent::Refused | SockEvent::Unreachable(_) => {}
        }
    }

    /// A datagram for the service at `place`.
    #[expect(clippy::too_many_arguments, reason = "a datagram has two ends")]
    pub fn datagram(
        &mut self,
        node: NodeId,
        place: u32,
        from: (Ipv4Addr, u16),
        to: (Ipv4Addr, u16),
        datagram: &Datagram,
        rng: &mut Rng,
        cx: &mut AppCx<'_>,
    ) {
        let Some(Some(running)) = self.services.get(place as usize) else {
            return;
        };
        if running.queue.len() as u64 > u64::from(running.service.backlog) {
            return;
        }
        self.request(node, place, Asker::Udp { from, to }, datagram.body, rng, cx);
    }

    /// The host calls as [`AppOut::ServerTimer`] asked: a request is done.
    pub fn timer(&mut self, node: NodeId, job: u32, rng: &mut Rng, cx: &mut AppCx<'_>) {
        let Some(&done) = self.jobs.get(job as usize) else {
            return;
        };
        let running = done.state == State::Running;
        self.release(job);
        if let (State::Closing, Asker::Tcp(sock)) = (done.state, done.asker) {
            cx.tcp.close(cx.now, sock, cx.tcp_out);
        }
        if running {
            if let Asker::Tcp(sock) = done.asker {
                cx.tcp.set_user(sock, Owner::Service(done.service).user());
            }
            answer(node, done.asker, done.body, cx);
            self.next(done.service, rng, cx);
        }
    }

    fn service(&self, place: u32) -> Option<&Service> {
        self.services.get(place as usize)?.as_ref().map(|r| &r.service)
    }

    fn request(&mut self, node: NodeId, place: u32, asker: Asker, body: Body, rng: &mut Rng, cx: &mut AppCx<'_>) {
        let Some(Some(running)) = self.services.get_mut(place as usize) else {
            // The service was stopped; its processes still serve whom they had accepted.
            answer(node, asker, body, cx);
            return;
        };
        let unlimited = running.service.workers == u32::MAX;
        if unlimited && running.service.time == super::ServiceDistribution::Constant(Span::ZERO) {
            answer(node, asker, body, cx);
            return;
        }
        let free = running.busy < running.service.workers;
        let job = Job { asker, body, service: place, state: State::Queued };
        let number = self.add_job(job);
        if let Asker::Tcp(sock) = asker {
            cx.tcp.set_user(sock, Owner::Job(number).user());
        }
        if free {
            self.begin(number, rng, cx);
        } else if let Some(Some(running)) = self.services.get_mut(place as usize) {
            running.queue.push_back(number);
        }
    }

    fn add_job(&mut self, job: Job) -> u32 {
        match self.free.pop() {
            Some(number) => {
                self.jobs[number as usize] = job;
                number
            }
            None => {
                self.jobs.push(job);
                (self.jobs.len() - 1) as u32
            }
        }
    }

    /// A text was answered on this connection, which the server closes: not at once, since its process has to get there, and
    /// an acknowledgement from near by is back before. Returns the piece of work and when the host must call.
    pub fn close_later(&mut self, sock: SockId, now: SimTime) -> (u32, SimTime) {
        const CLOSES_AFTER: Span = Span::from_micros(500);
        let job = Job { asker: Asker::Tcp(sock), body: Body::FILLER, service: u32::MAX, state: State::Closing };
        (self.add_job(job), now + CLOSES_AFTER)
    }

    /// Work on a request begins.
    fn begin(&mut self, number: u32, rng: &mut Rng, cx: &mut AppCx<'_>) {
        let job = &mut self.jobs[number as usize];
        let Some(Some(running)) = self.services.get_mut(job.service as usize) else {
            return;
        };
        job.state = State::Running;
        running.busy += 1;
        if let Asker::Tcp(sock) = job.asker {
            cx.tcp.accept(sock);
        }
        let at: SimTime = cx.now + running.service.time.draw(rng);
        cx.out.push(AppOut::ServerTimer { job: number, at });
    }

    /// A worker is free: the next in the queue.
    fn next(&mut self, place: u32, rng: &mut Rng, cx: &mut AppCx<'_>) {
        if let Some(Some(running)) = self.services.get_mut(place as usize) {
            running.busy = running.busy.saturating_sub(1);
        }
        while let Some(Some(running)) = self.services.get_mut(place as usize) {
            if running.busy >= running.service.workers {
                return;
            }
            let Some(number) = running.queue.pop_front() else {
                return;
            };
            if self.jobs[number as usize].state == State::Queued {
                self.begin(number, rng, cx);
            } else {
                self.release(number);
            }
        }
    }

    /// The asker went away: nobody works on its request any longer.
    fn drop_job(&mut self, owner: Owner, rng: &mut Rng, cx: &mut AppCx<'_>) {
        let Owner::Job(number) = owner else { return };
        let Some(job) = self.jobs.get_mut(number as usize) else {
            return;
        };
        let was = std::mem::replace(&mut job.state, State::Dropped);
        let place = job.service;
        match was {
            State::Running => self.next(place, rng, cx),
            State::Queued | State::Dropped | State::Closing => {}
            State::Free => self.jobs[number as usize].state = State::Free,
        }
    }

    fn release(&mut self, number: u32) {
        let job = &mut self.jobs[number as usize];
        if job.state != State::Free {
            job.state = State::Free;
            self.free.push(number);
        }
    }
}

/// Answers a request: so many bytes as it asks for, beginning with the node's name.
fn answer(node: NodeId, asker: Asker, body: Body, cx: &mut AppCx<'_>) {
    let name = Body::answer(node);
    match (asker, body.said()) {
        (Asker::Tcp(sock), Said::Ask(len)) => {
            // A response has at least its first byte: without one the client would wait for ever.
            // A connection that is gone needs no answer.
            let _gone = cx.tcp.send(cx.now, sock, len.max(1), name, cx.tcp_out);
        }
        (Asker::Tcp(sock), Said::Text(text)) => cx.out.push(AppOut::AnswerText { sock, text }),
        (Asker::Udp { from, to }, Said::Ask(len)) => {
            let len = len.min(65_507) as u16;
            cx.out.push(AppOut::Datagram { from: to, to: from, len, body: name });
        }
        _ => {}
    }
}

/// The HTTP response to a request that begins with `GET `: the server's name. None for anything else.
pub fn http_answer(request: &str, name: &str) -> Option<String> {
    request.starts_with("GET ").then(|| {
        let len = name.len() + 1;
        format!("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len}\r\n\r\n{name}\n")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_http_answer_is_the_name_with_a_header() {
        let said = http_answer("GET / HTTP/1.0\r\n\r\n", "rs1").expect("an answer");
        assert_eq!(said.len(), 68);
        assert!(said.ends_with("\r\n\r\nrs1\n"));
        assert_eq!(http_answer("hello", "rs1"), None);
    }
}
