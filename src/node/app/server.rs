//! Servers: answer a request with as many bytes as it asks for, beginning with the node's name; close when the peer does.
//!
//! `fcfs`: so many requests are worked on at once as there are workers, and the others wait their turn, in order. A connection
//! counts against the listener's backlog until work on its first request begins, as with a server of that many processes.
//! `ps`: all requests are worked on at once and share the workers ([`super::share`]), as with threads on that many
//! processors; connections are accepted at once. With `max_connections`, only so many connections are accepted, and the
//! others wait in the listener's queue. A client that closes takes its request along.
//!
//! How much work a request of TCP is, depends on the client's end alone, so that runs with different schedulers meet the same
//! work; that of a datagram is drawn in turn. Left out: workers that a held connection keeps busy.

use super::service::{Discipline, takes};
use super::share::Shared;
use super::{AppCx, AppOut, Owner, Service};
use crate::base::{Draws, NodeId, Rng, SimTime, Span};
use crate::net::sock::{Errno, ListenOpts, ListenerId, SockEvent, SockId, TcpStack, UdpId};
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
    /// A connection that waits to be accepted, with or without its request ([`Body::FILLER`]).
    Waiting,
    Queued,
    Running,
    /// It was answered and its connection closes when the timer fires.
    Closing,
    /// It is over, or its asker went away; a timer has not fired yet, or its turn has not come.
    Over,
}

/// A request.
#[derive(Clone, Copy, Debug)]
struct Job {
    asker: Asker,
    body: Body,
    service: u32,
    /// Work that is left at `from`, in nanoseconds at speed 1.
    work: u64,
    from: SimTime,
    /// Timers of it that have not fired.
    timers: u16,
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
    /// Requests that a worker does (`fcfs`).
    busy: u32,
    queue: VecDeque<u32>,
    /// Requests that share the workers (`ps`).
    shared: Shared,
    /// Connections that were accepted and are not over, if their number has a limit.
    open: u32,
    waiting: VecDeque<u32>,
    /// Until when the busy time was counted.
    counted: SimTime,
}

impl Running {
    fn limited(&self) -> bool {
        self.service.max_connections != Service::UNLIMITED
    }

    fn is_ps(&self) -> bool {
        self.service.discipline == Discipline::Ps
    }

    /// Workers that have something to do.
    fn working(&self) -> u32 {
        if self.is_ps() { self.shared.requests().min(self.service.workers) } else { self.busy }
    }
}

/// What the servers of a host have done since [`Servers::count_from`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// Requests that were answered.
    pub requests: u64,
    /// Bytes of the answers.
    pub bytes: u64,
    /// Nanoseconds of work, of all workers together.
    pub busy_ns: u128,
}

/// A request that came, as [`Servers::keep_work`] keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Worked {
    /// Who asked: the address and the port that the server saw.
    pub asker: (u32, u16),
    /// When it came.
    pub at: SimTime,
    /// How much work it is, in nanoseconds at speed 1.
    pub work: u64,
}

/// What serves on a host.
#[derive(Clone, Debug, Default)]
pub struct Servers {
    services: Vec<Option<Running>>,
    jobs: Vec<Job>,
    free: Vec<u32>,
    draws: Draws,
    count_from: SimTime,
    served: Served,
    worked: Option<Vec<Worked>>,
}

impl Servers {
    /// Nothing serves. `draws`: the work of requests, the same on all hosts.
    pub fn new(draws: Draws) -> Servers {
        Servers { draws, ..Servers::default() }
    }

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
        self.services[place] = Some(Running {
            service,
            on,
            busy: 0,
            queue: VecDeque::new(),
            shared: Shared::default(),
            open: 0,
            waiting: VecDeque::new(),
            counted: cx.now,
        });
        Ok(place as u32)
    }

    /// Stops what serves a port. Connections that were accepted are served on; what waited for a worker is forgotten.
    /// False if nothing serves there.
    pub fn stop(&mut self, proto: Proto, port: u16, cx: &mut AppCx<'_>) -> bool {
        let Some(place) = self.find(proto, port) else { return false };
        self.count(place, cx.now);
        let Some(mut running) = self.services[place as usize].take() else { return false };
        match running.on {
            Listening::Tcp(id) => cx.tcp.unlisten(cx.now, id, cx.tcp_out),
            Listening::Udp(id) => cx.udp.close(id),
        }
        for job in running.queue.drain(..).chain(running.waiting.drain(..)) {
            self.release(job);
        }
        // Those that shared the workers go on as they were, as if nobody came or went any more.
        let Service { workers, speed_ppm, .. } = running.service;
        running.shared.advance(cx.now, workers, speed_ppm);
        for (number, left) in running.shared.drain(workers) {
            let job = &mut self.jobs[number as usize];
            match takes(left, speed_ppm) {
                Some(time) if job.state == State::Running => {
                    (job.work, job.from) = (time.0, cx.now);
                    self.await_end(number, Service::USUAL_SPEED, cx);
                }
                _ => self.release(number),
            }
        }
        true
    }

    /// From now on a service works at this speed. False if nothing serves there.
    pub fn set_speed(&mut self, proto: Proto, port: u16, speed_ppm: u64, cx: &mut AppCx<'_>) -> bool {
        let Some(place) = self.find(proto, port) else { return false };
        let Some(Some(running)) = self.services.get_mut(place as usize) else { return false };
        let service = &mut running.service;
        running.shared.advance(cx.now, service.workers, service.speed_ppm);
        let before = std::mem::replace(&mut service.speed_ppm, speed_ppm);
        if running.is_ps() {
            self.share(place, cx);
            return true;
        }
        for number in 0..self.jobs.len() {
            let job = &mut self.jobs[number];
            if job.service == place && job.state == State::Running {
                let done = u128::from(cx.now.since(job.from).0) * u128::from(before) / 1_000_000;
                job.work -= u64::try_from(done).unwrap_or(u64::MAX).min(job.work);
                job.from = cx.now;
                self.await_end(number as u32, speed_ppm, cx);
            }
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

    /// What is served before `from` does not count.
    pub fn count_from(&mut self, from: SimTime) {
        self.count_from = from;
        self.served = Served::default();
    }

    /// From now on every request is kept with its work, for a study. Nobody simulated sees it.
    pub fn keep_work(&mut self) {
        self.worked = Some(Vec::new());
    }

    /// The requests that were kept, in the order in which they came.
    pub fn worked(&self) -> &[Worked] {
        self.worked.as_deref().unwrap_or_default()
    }

    /// What was served until now.
    pub fn served(&self, now: SimTime) -> Served {
        let mut served = self.served;
        for running in self.services.iter().flatten() {
            let since = now.since(running.counted.max(self.count_from));
            served.busy_ns += u128::from(since.0) * u128::from(running.working());
        }
        served
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
                if let Owner::Service(place) = owner {
                    self.connection(place, sock, cx);
                }
            }
            SockEvent::Message { body, .. } => {
                let place = match owner {
                    Owner::Service(place) => place,
                    Owner::Job(number) => match self.jobs.get_mut(number as usize) {
                        Some(job) if job.state == State::Waiting => {
                            job.body = body;
                            return;
                        }
                        job => job.map_or(u32::MAX, |j| j.service),
                    },
                    _ => return,
                };
                self.request(node, place, Asker::Tcp(sock), body, rng, cx);
            }
            SockEvent::PeerClosed => {
                self.connection_ends(node, owner, rng, cx);
                cx.tcp.close(cx.now, sock, cx.tcp_out);
            }
            SockEvent::Reset | SockEvent::TimedOut(_) | SockEvent::Closed => {
                self.connection_ends(node, owner, rng, cx);
            }
            SockEvent::Connected | SockEvent::Refused | SockEvent::Unreachable(_) | SockEvent::Begins => {}
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
        let waits =
            running.queue.len() as u64 + u64::from(running.shared.requests().saturating_sub(running.service.workers));
        if waits > u64::from(running.service.backlog) {
            return;
        }
        self.request(node, place, Asker::Udp { from, to }, datagram.body, rng, cx);
    }

    /// The host calls as [`AppOut::ServerTimer`] asked: a request is done, unless it was slowed down.
    pub fn timer(&mut self, node: NodeId, number: u32, rng: &mut Rng, cx: &mut AppCx<'_>) {
        let Some(job) = self.jobs.get_mut(number as usize) else {
            return;
        };
        job.timers = job.timers.saturating_sub(1);
        let done = *job;
        match done.state {
            State::Running => {
                let speed = self.service(done.service).map_or(Service::USUAL_SPEED, |s| s.speed_ppm);
                if takes(done.work, speed).is_some_and(|time| cx.now >= done.from + time) {
                    self.over(number);
                    self.done(node, done, cx);
                    self.leave_worker(done.service, cx.now);
                    self.next(done.service, cx);
                }
            }
            State::Closing => {
                self.over(number);
                if let Asker::Tcp(sock) = done.asker {
                    cx.tcp.close(cx.now, sock, cx.tcp_out);
                }
                self.accept_next(node, done.service, rng, cx);
            }
            _ => self.over(number),
        }
    }

    /// The host calls as [`AppOut::ShareTimer`] asked: of the requests that share workers some may be done.
    pub fn share_timer(&mut self, node: NodeId, place: u32, cx: &mut AppCx<'_>) {
        let Some(Some(running)) = self.services.get_mut(place as usize) else {
            return;
        };
        running.shared.called(cx.now);
        self.count(place, cx.now);
        if let Some(Some(running)) = self.services.get_mut(place as usize) {
            running.shared.advance(cx.now, running.service.workers, running.service.speed_ppm);
        }
        while let Some(number) = self.pop_shared(place) {
            let job = self.jobs[number as usize];
            self.release(number);
            if job.state == State::Running {
                self.done(node, job, cx);
            }
        }
        self.share(place, cx);
    }

    fn pop_shared(&mut self, place: u32) -> Option<u32> {
        let jobs = &self.jobs;
        let running = self.services.get_mut(place as usize)?.as_mut()?;
        running.shared.pop(|job| jobs[job as usize].state != State::Running)
    }

    /// Asks the host to call when the next of those that share workers is done.
    fn share(&mut self, place: u32, cx: &mut AppCx<'_>) {
        let gone: Vec<u32> = {
            let jobs = &self.jobs;
            let Some(Some(running)) = self.services.get_mut(place as usize) else { return };
            // Only requests that went away are taken out here: one that is done is answered when its timer fires.
            std::iter::from_fn(|| running.shared.pop_gone(|job| jobs[job as usize].state != State::Running)).collect()
        };
        for number in gone {
            self.release(number);
        }
        let Some(Some(running)) = self.services.get_mut(place as usize) else { return };
        if let Some(at) = running.shared.arm(running.service.workers, running.service.speed_ppm) {
            cx.out.push(AppOut::ShareTimer { place, at });
        }
    }

    fn find(&self, proto: Proto, port: u16) -> Option<u32> {
        let serves = |r: &Running| r.service.proto == proto && r.service.port == port;
        self.services.iter().position(|s| s.as_ref().is_some_and(serves)).map(|place| place as u32)
    }

    fn service(&self, place: u32) -> Option<&Service> {
        self.services.get(place as usize)?.as_ref().map(|r| &r.service)
    }

    /// The busy time until now is counted; what works may change then.
    fn count(&mut self, place: u32, now: SimTime) {
        if let Some(Some(running)) = self.services.get_mut(place as usize) {
            let since = now.since(running.counted.max(self.count_from));
            self.served.busy_ns += u128::from(since.0) * u128::from(running.working());
            running.counted = now;
        }
    }

    /// A connection stands in the listener's queue.
    fn connection(&mut self, place: u32, sock: SockId, cx: &mut AppCx<'_>) {
        let Some(Some(running)) = self.services.get_mut(place as usize) else { return };
        if running.open >= running.service.max_connections {
            let job = Job {
                asker: Asker::Tcp(sock),
                body: Body::FILLER,
                service: place,
                work: 0,
                from: cx.now,
                timers: 0,
                state: State::Waiting,
            };
            let number = self.add_job(job);
            cx.tcp.set_user(sock, Owner::Job(number).user());
            if let Some(Some(running)) = self.services.get_mut(place as usize) {
                running.waiting.push_back(number);
            }
            return;
        }
        if running.limited() {
            running.open += 1;
        }
        if running.limited() || running.is_ps() || running.service.workers == Service::UNLIMITED {
            cx.tcp.accept(sock);
        }
    }

    /// A connection is over: the next one may be accepted.
    fn connection_ends(&mut self, node: NodeId, owner: Owner, rng: &mut Rng, cx: &mut AppCx<'_>) {
        let place = match owner {
            Owner::Service(place) => place,
            Owner::Job(number) => {
                let Some(&job) = self.jobs.get(number as usize) else { return };
                self.drop_job(number, cx);
                if job.state == State::Waiting {
                    return;
                }
                job.service
            }
            _ => return,
        };
        self.accept_next(node, place, rng, cx);
    }

    fn accept_next(&mut self, node: NodeId, place: u32, rng: &mut Rng, cx: &mut AppCx<'_>) {
        match self.services.get_mut(place as usize) {
            Some(Some(running)) if running.limited() => running.open = running.open.saturating_sub(1),
            _ => return,
        }
        while let Some(Some(running)) = self.services.get_mut(place as usize) {
            if running.open >= running.service.max_connections {
                return;
            }
            let Some(number) = running.waiting.pop_front() else { return };
            let job = self.jobs[number as usize];
            running.open += u32::from(job.state == State::Waiting);
            self.release(number);
            if let (State::Waiting, Asker::Tcp(sock)) = (job.state, job.asker) {
                cx.tcp.accept(sock);
                cx.tcp.set_user(sock, Owner::Service(place).user());
                if job.body != Body::FILLER {
                    self.request(node, place, job.asker, job.body, rng, cx);
                }
            }
        }
    }

    fn request(&mut self, node: NodeId, place: u32, asker: Asker, body: Body, rng: &mut Rng, cx: &mut AppCx<'_>) {
        let Some(Some(running)) = self.services.get(place as usize) else {
            // The service was stopped; its processes still serve whom they had accepted.
            self.answer(node, place, asker, body, cx);
            return;
        };
        let service = &running.service;
        let unlimited = service.workers == Service::UNLIMITED;
        if unlimited && service.work.is_none() {
            self.answer(node, place, asker, body, cx);
            return;
        }
        let bytes = if let Said::Ask(len) = body.said() { len } else { 0 };
        let work = match asker {
            Asker::Tcp(sock) if service.work.time.constant().is_none() => {
                service.work.of(bytes, &mut self.draws.at(cx.tcp.message_key(sock)))
            }
            _ => service.work.of(bytes, rng),
        };
        if let Some(kept) = &mut self.worked {
            let asker = match asker {
                Asker::Tcp(sock) => cx.tcp.peer(sock),
                Asker::Udp { from: (addr, port), .. } => Some((addr.to_bits(), port)),
            };
            kept.extend(asker.map(|asker| Worked { asker, at: cx.now, work }));
        }
        let ps = running.is_ps();
        let free = running.busy < service.workers;
        let job = Job { asker, body, service: place, work, from: cx.now, timers: 0, state: State::Queued };
        let number = self.add_job(job);
        if let Asker::Tcp(sock) = asker {
            cx.tcp.set_user(sock, Owner::Job(number).user());
        }
        if ps {
            self.jobs[number as usize].state = State::Running;
            self.count(place, cx.now);
            if let Some(Some(running)) = self.services.get_mut(place as usize) {
                running.shared.advance(cx.now, running.service.workers, running.service.speed_ppm);
                running.shared.add(number, work);
            }
            self.share(place, cx);
        } else if free {
            self.begin(number, cx);
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
    pub fn close_later(&mut self, place: u32, sock: SockId, now: SimTime, tcp: &mut TcpStack) -> (u32, SimTime) {
        const CLOSES_AFTER: Span = Span::from_micros(500);
        let asker = Asker::Tcp(sock);
        let state = State::Closing;
        let job = Job { asker, body: Body::FILLER, service: place, work: 0, from: now, timers: 1, state };
        let number = self.add_job(job);
        tcp.set_user(sock, Owner::Job(number).user());
        (number, now + CLOSES_AFTER)
    }

    /// A worker begins with a request.
    fn begin(&mut self, number: u32, cx: &mut AppCx<'_>) {
        let place = self.jobs[number as usize].service;
        self.count(place, cx.now);
        let Some(Some(running)) = self.services.get_mut(place as usize) else {
            return;
        };
        running.busy += 1;
        let speed = running.service.speed_ppm;
        let job = &mut self.jobs[number as usize];
        job.state = State::Running;
        job.from = cx.now;
        if let Asker::Tcp(sock) = job.asker {
            cx.tcp.accept(sock);
        }
        self.await_end(number, speed, cx);
    }

    /// Asks the host to call when a worker is done with a request.
    fn await_end(&mut self, number: u32, speed_ppm: u64, cx: &mut AppCx<'_>) {
        let job = &mut self.jobs[number as usize];
        if let Some(time) = takes(job.work, speed_ppm) {
            job.timers = job.timers.saturating_add(1);
            cx.out.push(AppOut::ServerTimer { job: number, at: cx.now + time });
        }
    }

    fn leave_worker(&mut self, place: u32, now: SimTime) {
        self.count(place, now);
        if let Some(Some(running)) = self.services.get_mut(place as usize) {
            running.busy = running.busy.saturating_sub(1);
        }
    }

    /// A worker is free: the next in the queue.
    fn next(&mut self, place: u32, cx: &mut AppCx<'_>) {
        while let Some(Some(running)) = self.services.get_mut(place as usize) {
            if running.busy >= running.service.workers {
                return;
            }
            let Some(number) = running.queue.pop_front() else {
                return;
            };
            if self.jobs[number as usize].state == State::Queued {
                self.begin(number, cx);
            } else {
                self.release(number);
            }
        }
    }

    /// The asker went away: nobody works on its request any longer.
    fn drop_job(&mut self, number: u32, cx: &mut AppCx<'_>) {
        let job = &mut self.jobs[number as usize];
        let (was, place) = (job.state, job.service);
        match was {
            State::Running => {
                let ps = matches!(self.services.get(place as usize), Some(Some(r)) if r.is_ps());
                self.count(place, cx.now);
                if ps {
                    if let Some(Some(running)) = self.services.get_mut(place as usize) {
                        running.shared.advance(cx.now, running.service.workers, running.service.speed_ppm);
                        running.shared.leave();
                    }
                    self.jobs[number as usize].state = State::Over;
                    self.share(place, cx);
                } else {
                    self.over(number);
                    self.leave_worker(place, cx.now);
                    self.next(place, cx);
                }
            }
            State::Queued | State::Waiting | State::Closing => job.state = State::Over,
            State::Free | State::Over => {}
        }
    }

    /// A request is over; its place is free when no timer of it is left.
    fn over(&mut self, number: u32) {
        let job = &mut self.jobs[number as usize];
        if job.timers == 0 {
            self.release(number);
        } else if job.state != State::Free {
            job.state = State::Over;
        }
    }

    fn release(&mut self, number: u32) {
        let job = &mut self.jobs[number as usize];
        if job.state != State::Free {
            job.state = State::Free;
            self.free.push(number);
        }
    }

    /// Work on a request is done.
    fn done(&mut self, node: NodeId, job: Job, cx: &mut AppCx<'_>) {
        if let Asker::Tcp(sock) = job.asker {
            cx.tcp.set_user(sock, Owner::Service(job.service).user());
        }
        self.answer(node, job.service, job.asker, job.body, cx);
    }

    /// Answers a request: so many bytes as it asks for, beginning with the node's name.
    fn answer(&mut self, node: NodeId, place: u32, asker: Asker, body: Body, cx: &mut AppCx<'_>) {
        let name = Body::answer(node);
        if cx.now >= self.count_from {
            self.served.requests += 1;
            if let Said::Ask(len) = body.said() {
                self.served.bytes += u64::from(len.max(1));
            }
        }
        match (asker, body.said()) {
            (Asker::Tcp(sock), Said::Ask(len)) => {
                // A response has at least its first byte: without one the client would wait for ever.
                // A connection that is gone needs no answer.
                let _gone = cx.tcp.send(cx.now, sock, len.max(1), name, cx.tcp_out);
            }
            (Asker::Tcp(sock), Said::Text(text)) => cx.out.push(AppOut::AnswerText { service: place, sock, text }),
            (Asker::Udp { from, to }, Said::Ask(len)) => {
                let len = len.min(65_507) as u16;
                cx.out.push(AppOut::Datagram { from: to, to: from, len, body: name });
            }
            _ => {}
        }
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
