//! What ipvsadm can ask for: services, destinations, timeouts, lists (ip_vs_ctl.c).
//!
//! Errors have the numbers of the kernel and the words of ipvsadm. Lists are in the kernel's order, newest first;
//! ipvsadm sorts them. Simplifications: with `expire_nodest_conn` the sweep after deleting a destination is done at
//! once, not one jiffy later; the subnet broadcast addresses, which the kernel refuses as servers, must be refused by
//! the caller, who knows the interfaces.

use super::Ipvs;
use super::dest::{Dest, DestId, DestSpec, Method};
use super::est::{Counters, Rates, Stats};
use super::sched::{self, DestList, Scheduler};
use super::service::{FTP_PORT, Service, ServiceId, ServiceKey, ServiceSpec};
use crate::base::{SimTime, Span};
use crate::sysctl::{Global, Sysctls};
use std::fmt;

/// When a command is given, and under which variables.
#[derive(Clone, Copy, Debug)]
pub struct CtlCx<'a> {
    /// Now.
    pub now: SimTime,
    /// The host's variables.
    pub sysctl: &'a Sysctls,
}

/// Why a command was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CtlError {
    /// EEXIST for a service.
    ServiceExists,
    /// ESRCH for a command about a service.
    NoSuchService,
    /// ESRCH for a command about a destination.
    ServiceNotDefined,
    /// EEXIST for a destination.
    DestExists,
    /// ENOENT for a destination.
    NoSuchDest,
    /// ENOENT for a service: the scheduler does not exist.
    NoScheduler,
    /// EINVAL.
    Invalid,
    /// ERANGE: a negative weight, or `-y` above `-x`.
    Range,
    /// EEXIST for a synchronisation daemon.
    DaemonRuns,
    /// ESRCH for a synchronisation daemon.
    NoDaemon,
    /// ENODEV: no interface of that name.
    NoSuchDevice,
    /// ENETUNREACH: the interface is down.
    NetUnreachable,
    /// EADDRINUSE: another socket has the port.
    AddrInUse,
}

impl CtlError {
    /// The kernel's error number.
    pub fn errno(self) -> i32 {
        match self {
            CtlError::ServiceExists | CtlError::DestExists | CtlError::DaemonRuns => 17,
            CtlError::NoSuchService | CtlError::ServiceNotDefined | CtlError::NoDaemon => 3,
            CtlError::NoSuchDest | CtlError::NoScheduler => 2,
            CtlError::Invalid => 22,
            CtlError::Range => 34,
            CtlError::NoSuchDevice => 19,
            CtlError::NetUnreachable => 101,
            CtlError::AddrInUse => 98,
        }
    }
}

/// ipvsadm's words.
impl fmt::Display for CtlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CtlError::ServiceExists => "Service already exists",
            CtlError::NoSuchService => "No such service",
            CtlError::ServiceNotDefined => "Service not defined",
            CtlError::DestExists => "Destination already exists",
            CtlError::NoSuchDest => "No such destination",
            CtlError::NoScheduler => "Scheduler or persistence engine not found",
            CtlError::Invalid => "Invalid operation.  Possibly wrong module version, address not unicast, ...",
            CtlError::Range => "Numerical result out of range",
            CtlError::DaemonRuns => "Daemon has already run",
            CtlError::NoDaemon => "No daemon is running",
            CtlError::NoSuchDevice => "No such device",
            CtlError::NetUnreachable => "Network is unreachable",
            CtlError::AddrInUse => "Address already in use",
        })
    }
}

impl std::error::Error for CtlError {}

/// A service in a list.
#[derive(Clone, Copy, Debug)]
pub struct ServiceView<'a> {
    ipvs: &'a Ipvs,
    service: &'a Service,
}

impl<'a> ServiceView<'a> {
    /// What it is called.
    pub fn key(&self) -> ServiceKey {
        self.service.key
    }

    /// What the last command said about it.
    pub fn spec(&self) -> &'a ServiceSpec {
        &self.service.spec
    }

    /// The scheduler's name.
    pub fn scheduler(&self) -> &'static str {
        self.service.scheduler_name
    }

    /// Destinations in the kernel's order, newest first.
    pub fn dests(&self) -> impl Iterator<Item = &'a Dest> + use<'a> {
        let slab = &self.ipvs.dests;
        self.service.dests.iter().map(move |id| &slab[id.index()])
    }

    /// For schedulers with a table: the place among [`ServiceView::dests`] that each slot leads to.
    pub fn slots(&self) -> Option<Vec<u32>> {
        let dests = DestList::new(&self.service.dests, &self.ipvs.dests);
        self.service.scheduler.as_ref()?.slots(dests)
    }

    /// What `--stats` shows for the service.
    pub fn counters(&self, now: SimTime) -> Counters {
        self.service.stats.shown(self.ipvs.est.ticks(now))
    }

    /// What `--rate` shows for the service.
    pub fn rates(&self, now: SimTime) -> Rates {
        self.service.stats.rates(self.ipvs.est.ticks(now))
    }

    /// What `--stats` shows for one of its destinations.
    pub fn dest_counters(&self, dest: &Dest, now: SimTime) -> Counters {
        dest.stats.shown(self.ipvs.est.ticks(now))
    }

    /// What `--rate` shows for one of its destinations.
    pub fn dest_rates(&self, dest: &Dest, now: SimTime) -> Rates {
        dest.stats.rates(self.ipvs.est.ticks(now))
    }
}

impl Ipvs {
    /// Services, newest first.
    pub fn services(&self) -> impl Iterator<Item = ServiceView<'_>> {
        self.order.iter().map(|&id| ServiceView { ipvs: self, service: self.svc(id) })
    }

    /// One service.
    pub fn service(&self, key: &ServiceKey) -> Option<ServiceView<'_>> {
        self.lookup.get(&key.packed()).map(|&id| ServiceView { ipvs: self, service: self.svc(id) })
    }

    /// Follows a change of `run_estimation`; call it after every write to a variable.
    pub fn sysctl_changed(&mut self, now: SimTime, sysctl: &Sysctls) {
        self.est.set_run(now, sysctl.global(Global::VsRunEstimation) != 0);
    }

    /// `ipvsadm -A`.
    ///
    /// # Errors
    /// The service exists, or the scheduler does not.
    pub fn add_service(&mut self, cx: &CtlCx<'_>, key: ServiceKey, spec: ServiceSpec) -> Result<(), CtlError> {
        if self.lookup.contains(&key.packed()) {
            return Err(CtlError::ServiceExists);
        }
        if key == ServiceKey::Mark(0) {
            return Err(CtlError::Invalid);
        }
        let (scheduler_name, mut scheduler) = make_scheduler(&spec.scheduler)?;
        if let Some(s) = &mut scheduler {
            s.init(DestList::new(&[], &[]), cx.now);
        }
        let service = Service {
            key,
            spec,
            scheduler,
            scheduler_name,
            dests: Vec::new(),
            stats: Stats::new(self.est.ticks(cx.now)),
            birth: self.new_birth(),
            name: key.to_string().into(),
        };
        let place = match self.services.iter().position(Option::is_none) {
            Some(free) => free,
            None => {
                self.services.push(None);
                self.services.len() - 1
            }
        };
        self.services[place] = Some(service);
        let id = ServiceId(place as u32);
        self.order.insert(0, id);
        self.lookup.insert(key.packed(), id);
        self.count_special(key, 1);
        Ok(())
    }

    /// `ipvsadm -E`. The same scheduler keeps its state; another one begins with the present list.
    ///
    /// # Errors
    /// No such service or scheduler.
    pub fn edit_service(&mut self, cx: &CtlCx<'_>, key: ServiceKey, spec: ServiceSpec) -> Result<(), CtlError> {
        let id = self.id(&key).ok_or(CtlError::NoSuchService)?;
        let (name, new) = make_scheduler(&spec.scheduler)?;
        let svc = slot(&mut self.services, id);
        svc.spec = spec;
        if name != svc.scheduler_name {
            svc.scheduler_name = name;
            svc.scheduler = new;
            if let Some(s) = &mut svc.scheduler {
                s.init(DestList::new(&svc.dests, &self.dests), cx.now);
            }
        }
        Ok(())
    }

    /// `ipvsadm -D`. Destinations go to the trash; connections stay.
    ///
    /// # Errors
    /// No such service.
    pub fn del_service(&mut self, cx: &CtlCx<'_>, key: ServiceKey) -> Result<(), CtlError> {
        let id = self.id(&key).ok_or(CtlError::NoSuchService)?;
        self.unlink_service(cx, id);
        self.sweep_nodest(cx);
        Ok(())
    }

    /// `ipvsadm -C`.
    pub fn flush(&mut self, cx: &CtlCx<'_>) {
        for id in std::mem::take(&mut self.order) {
            self.unlink_service(cx, id);
        }
        self.sweep_nodest(cx);
    }

    /// `ipvsadm -Z`, of one service or of all with the namespace's total.
    ///
    /// # Errors
    /// No such service.
    pub fn zero(&mut self, cx: &CtlCx<'_>, key: Option<ServiceKey>) -> Result<(), CtlError> {
        let tick = self.est.ticks(cx.now);
        let ids = match key {
            Some(key) => vec![self.id(&key).ok_or(CtlError::NoSuchService)?],
            None => {
                self.total.zero(tick);
                self.order.clone()
            }
        };
        for id in ids {
            let svc = slot(&mut self.services, id);
            svc.stats.zero(tick);
            for dest in &svc.dests {
                self.dests[dest.index()].stats.zero(tick);
            }
        }
        Ok(())
    }

    /// `ipvsadm --set`: seconds of ESTABLISHED, FIN_WAIT and UDP; 0 keeps. Running timers stay as they are.
    ///
    /// # Errors
    /// A number that the kernel cannot count in jiffies.
    pub fn set_timeouts(&mut self, tcp: u32, tcp_fin: u32, udp: u32) -> Result<(), CtlError> {
        const MAX: u32 = i32::MAX as u32 / 250;
        if tcp > MAX || tcp_fin > MAX || udp > MAX {
            return Err(CtlError::Invalid);
        }
        self.timeouts.set(tcp, tcp_fin, udp);
        Ok(())
    }

    /// `ipvsadm -a`. A destination of the same name that is still in the trash comes back with its connections.
    ///
    /// # Errors
    /// No such service, the destination exists, a weight or threshold is out of range, the address is no unicast.
    pub fn add_dest(&mut self, cx: &CtlCx<'_>, key: ServiceKey, spec: DestSpec) -> Result<(), CtlError> {
        let id = self.id(&key).ok_or(CtlError::ServiceNotDefined)?;
        check_range(&spec)?;
        if self.dest_place(id, &spec).is_some() {
            return Err(CtlError::DestExists);
        }
        let octets = spec.addr.octets();
        if spec.addr.is_multicast() || spec.addr.is_broadcast() || octets[0] == 0 {
            return Err(CtlError::Invalid);
        }
        let tick = self.est.ticks(cx.now);
        let birth = self.svc(id).birth;
        let dest_id = match self.revive(cx.now, &key, &spec) {
            Some(found) => {
                let d = &mut self.dests[found.index()];
                d.stats.restart(tick);
                if d.service_birth != birth {
                    d.stats.zero(tick);
                }
                found
            }
            None => self.new_dest(key, &spec, tick),
        };
        let d = &mut self.dests[dest_id.index()];
        d.update(&spec);
        d.available = true;
        d.service = id;
        d.service_birth = birth;
        let svc = slot(&mut self.services, id);
        svc.dests.insert(0, dest_id);
        if let Some(s) = &mut svc.scheduler {
            s.added(DestList::new(&svc.dests, &self.dests));
        }
        Ok(())
    }

    /// `ipvsadm -e`: every value is replaced by the command's.
    ///
    /// # Errors
    /// No such service or destination, a weight or threshold is out of range.
    pub fn edit_dest(&mut self, _: &CtlCx<'_>, key: ServiceKey, spec: DestSpec) -> Result<(), CtlError> {
        let id = self.id(&key).ok_or(CtlError::ServiceNotDefined)?;
        check_range(&spec)?;
        let place = self.dest_place(id, &spec).ok_or(CtlError::NoSuchDest)?;
        let svc = slot(&mut self.services, id);
        self.dests[svc.dests[place].index()].update(&spec);
        if let Some(s) = &mut svc.scheduler {
            s.edited(DestList::new(&svc.dests, &self.dests));
        }
        Ok(())
    }

    /// `ipvsadm -d`. Only address and port of `spec` count.
    ///
    /// # Errors
    /// No such service or destination.
    pub fn del_dest(&mut self, cx: &CtlCx<'_>, key: ServiceKey, spec: DestSpec) -> Result<(), CtlError> {
        let id = self.id(&key).ok_or(CtlError::ServiceNotDefined)?;
        let place = self.dest_place(id, &spec).ok_or(CtlError::NoSuchDest)?;
        let svc = slot(&mut self.services, id);
        let dest = svc.dests.remove(place);
        if let Some(s) = &mut svc.scheduler {
            s.removed(DestList::new(&svc.dests, &self.dests), place);
        }
        self.discard(cx.now, dest);
        self.sweep_nodest(cx);
        Ok(())
    }

    fn id(&self, key: &ServiceKey) -> Option<ServiceId> {
        self.lookup.get(&key.packed()).copied()
    }

    fn new_birth(&mut self) -> u32 {
        self.births += 1;
        self.births
    }

    fn count_special(&mut self, key: ServiceKey, by: i32) {
        let ServiceKey::Addr { port, .. } = key else {
            return;
        };
        match port {
            FTP_PORT => self.ftp_services = self.ftp_services.saturating_add_signed(by),
            0 => self.null_services = self.null_services.saturating_add_signed(by),
            _ => {}
        }
    }

    fn dest_place(&self, id: ServiceId, spec: &DestSpec) -> Option<usize> {
        self.svc(id).dests.iter().position(|d| {
            let d = &self.dests[d.index()];
            d.addr == spec.addr && d.port == spec.port
        })
    }

    fn unlink_service(&mut self, cx: &CtlCx<'_>, id: ServiceId) {
        let svc = self.services[id.index()].take().expect("asked for by its key");
        self.order.retain(|&o| o != id);
        self.lookup.remove(&svc.key.packed());
        self.count_special(svc.key, -1);
        for dest in svc.dests {
            self.discard(cx.now, dest);
        }
    }

    fn new_dest(&mut self, key: ServiceKey, spec: &DestSpec, tick: u64) -> DestId {
        let birth = self.new_birth();
        let dest = Dest {
            addr: spec.addr,
            port: spec.port,
            method: Method::Nat,
            available: false,
            overload: false,
            weight: 0,
            last_weight: 0,
            active: 0,
            inactive: 0,
            persist: 0,
            u_threshold: 0,
            l_threshold: 0,
            birth,
            service: ServiceId(0),
            service_birth: 0,
            key,
            stats: Stats::new(tick),
            idle_since: SimTime::ZERO,
        };
        match self.free_dests.pop() {
            Some(free) => {
                self.dests[free.index()] = dest;
                free
            }
            None => {
                self.dests.push(dest);
                DestId(self.dests.len() as u32 - 1)
            }
        }
    }

    /// __ip_vs_del_dest: waits in the trash, with its counters.
    fn discard(&mut self, now: SimTime, id: DestId) {
        self.scan_trash(now);
        if self.trash.is_empty() {
            self.trash_scan = now + TRASH_SCAN;
        }
        let tick = self.est.ticks(now);
        let d = &mut self.dests[id.index()];
        d.stats.stop(tick);
        d.available = false;
        d.idle_since = now;
        self.trash.push(id);
    }

    /// ip_vs_trash_get_dest.
    fn revive(&mut self, now: SimTime, key: &ServiceKey, spec: &DestSpec) -> Option<DestId> {
        self.scan_trash(now);
        let dests = &self.dests;
        let place = self.trash.iter().position(|id| {
            let d = &dests[id.index()];
            d.addr == spec.addr && d.port == spec.port && d.key == *key
        })?;
        Some(self.trash.remove(place))
    }

    /// Does what the trash's timer has done by now (ip_vs_dest_trash_expire): it scans every 60 s from when the trash
    /// got its first; an unreferenced destination is freed 120 s after the scan that first saw it idle.
    fn scan_trash(&mut self, now: SimTime) {
        let first = self.trash_scan;
        if self.trash.is_empty() || now < first {
            return;
        }
        let scan = |n: u64| first + TRASH_SCAN * n;
        let last = scan(now.since(first).0 / TRASH_SCAN.0);
        let (dests, free) = (&self.dests, &mut self.free_dests);
        self.trash.retain(|&id| {
            let d = &dests[id.index()];
            let seen_idle = scan(d.idle_since.since(first).0.div_ceil(TRASH_SCAN.0));
            let keep = d.references() > 0 || last < seen_idle + TRASH_PERIOD;
            if !keep {
                free.push(id);
            }
            keep
        });
    }

    /// With `expire_nodest_conn` every connection whose destination is gone ends, with a template that is then
    /// without connections (ip_vs_expire_nodest_conn_flush).
    fn sweep_nodest(&mut self, cx: &CtlCx<'_>) {
        if cx.sysctl.global(Global::VsExpireNodestConn) == 0 {
            return;
        }
        for slot in 0..self.conns.capacity() {
            let c = self.conns.get(slot);
            let gone =
                c.is(super::conn::flag::HASHED) && c.n_control == 0 && self.dest(c.dest).is_some_and(|d| !d.available);
            if gone {
                self.kill(slot, cx.now);
            }
        }
    }

    #[inline]
    pub(super) fn dest(&self, id: DestId) -> Option<&Dest> {
        self.dests.get(id.index())
    }
}

const TRASH_PERIOD: Span = Span::from_secs(120);
const TRASH_SCAN: Span = Span::from_secs(60);

#[inline]
pub(super) fn slot(services: &mut [Option<Service>], id: ServiceId) -> &mut Service {
    services[id.index()].as_mut().expect("a service in the list has its place in the slab")
}

type Made = (&'static str, Option<Box<dyn Scheduler>>);

fn make_scheduler(name: &str) -> Result<Made, CtlError> {
    if name == "none" {
        return Ok(("none", None));
    }
    let row = sched::find(name).ok_or(CtlError::NoScheduler)?;
    Ok((row.name, Some((row.make)())))
}

fn check_range(spec: &DestSpec) -> Result<(), CtlError> {
    if spec.weight < 0 || spec.l_threshold > spec.u_threshold {
        return Err(CtlError::Range);
    }
    Ok(())
}
