//! Connection synchronisation (ip_vs_sync.c): a master tells a multicast group which connections it has, backups make
//! entries of what they hear.
//!
//! Messages have the kernel's format, version 1, or 0 with `sync_version`. A master's thread sleeps a second at a time; it
//! sends a message that is full 20 ms later, or at once when eight are, and one that is not full when it is two seconds
//! old. Here is what the daemons decide; sockets are the host's. The kernel spreads connections over threads
//! (`sync_ports`) by their place in memory, here by the entry's number.
//!
//! Left out: IPv6, and the optional parameters of a connection (sequence numbers of FTP, persistence engines): nobody here
//! sends them.

use super::conn::{ConnParam, NO_SLOT, flag};
use super::ctl::{CtlCx, CtlError};
use super::dest::{DestId, Method};
use super::state::tcp;
use super::{Ipvs, IpvsAct};
use crate::base::{DevIdx, SimTime, Span, jiffies};
use crate::sysctl::{Global, Sysctls};
use crate::trace::DropReason;
use crate::wire::{Datagram, IpPacket, Proto};
use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Where messages go unless `--mcast-group` and `--mcast-port` say otherwise.
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 81);
const PORT: u16 = 8848;
/// Bytes before the payload: IP and UDP.
const HEADERS: u32 = IpPacket::HEADER + Datagram::HEADER;
/// `IPVS_SYNC_PORTS_MAX`.
const PORTS_MAX: i64 = 64;
/// `IPVS_SYNC_WAKEUP_RATE`: so many full messages wake the thread at once.
const WAKEUP_RATE: u32 = 8;
/// `IPVS_SYNC_SEND_DELAY`: how long the first full message waits for others.
const SEND_DELAY: Span = Span::from_millis(20);
/// `IPVS_SYNC_CHECK_PERIOD`: how long the thread sleeps.
const CHECK_PERIOD: Span = Span::from_secs(1);
/// `IPVS_SYNC_FLUSH_TIME` in jiffies: the age at which a message is sent though it is not full.
const FLUSH_TIME: u64 = 2 * HZ;
const HZ: u64 = jiffies::HZ;
/// What a backup believes of an entry's flags (`IP_VS_CONN_F_BACKUP_MASK`).
const BACKUP_MASK: u32 = flag::FWD_MASK | flag::NOOUTPUT | flag::INACTIVE | flag::TEMPLATE | 0x0e00;
/// Seconds of a template or an unknown protocol where a message tells no timeout.
const UNTOLD_TIMEOUT: u32 = 3 * 60;

/// What a daemon does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Tells.
    Master,
    /// Hears.
    Backup,
}

impl Role {
    /// As ipvsadm calls it.
    pub fn name(self) -> &'static str {
        match self {
            Role::Master => "master",
            Role::Backup => "backup",
        }
    }
}

/// What `ipvsadm --start-daemon` says; 0 and none stand for the kernel's defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaemonSpec {
    /// `--mcast-interface`.
    pub iface: Arc<str>,
    /// `--syncid`: masters and backups with the same number belong together; a backup with 0 hears all.
    pub syncid: u8,
    /// `--sync-maxlen`: bytes of a message at most.
    pub maxlen: u16,
    /// `--mcast-group`.
    pub group: Option<Ipv4Addr>,
    /// `--mcast-port`.
    pub port: u16,
    /// `--mcast-ttl`.
    pub ttl: u8,
}

/// The interface that a daemon is to use, as the host knows it.
#[derive(Clone, Debug)]
pub struct McastIf {
    /// Its index.
    pub dev: DevIdx,
    /// Its MTU.
    pub mtu: u32,
    /// It is up.
    pub up: bool,
    /// UDP ports that other sockets have.
    pub busy: Vec<u16>,
}

/// A daemon that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Daemon {
    /// Its interface's name.
    pub iface: Arc<str>,
    /// Its interface.
    pub dev: DevIdx,
    /// See [`DaemonSpec::syncid`].
    pub syncid: u8,
    /// Bytes of a message at most.
    pub maxlen: u16,
    /// The group.
    pub group: Ipv4Addr,
    /// The first thread's port; the others follow.
    pub port: u16,
    /// TTL of what a master sends.
    pub ttl: u8,
}

/// A timer of a master's thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncTimer {
    thread: u8,
    what: Wake,
    generation: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wake {
    /// The thread has slept long enough, or was woken.
    Thread,
    /// Full messages have waited long enough (`master_wakeup_work`).
    Work,
}

/// A message in the making (`ip_vs_sync_buff`).
#[derive(Clone, Debug)]
struct Buffer {
    bytes: Vec<u8>,
    room: usize,
    version: u8,
    /// In jiffies.
    first_use: u64,
}

/// A master's thread (`ipvs_master_sync_state`).
#[derive(Clone, Debug, Default)]
struct Thread {
    buffer: Option<Buffer>,
    queue: VecDeque<Arc<[u8]>>,
    delay: u32,
    /// Timers of another generation do nothing.
    sleep: u32,
    work: u32,
}

/// The daemons of a host.
#[derive(Clone, Debug, Default)]
pub(super) struct Sync {
    master: Option<(Daemon, Vec<Thread>)>,
    backup: Option<Daemon>,
    ports: u8,
    /// Changes with every start: timers of a daemon that was stopped do nothing.
    starts: u32,
}

impl Sync {
    /// Whether a backup runs: `backup_only` looks at it.
    #[inline]
    pub fn is_backup(&self) -> bool {
        self.backup.is_some()
    }

    /// Whether a master runs.
    #[inline]
    pub fn is_master(&self) -> bool {
        self.master.is_some()
    }
}

impl Ipvs {
    /// `ipvsadm --start-daemon`; `iface` is the interface of the name that was given, if there is one.
    ///
    /// # Errors
    /// No such interface, the daemon runs already, the interface is down and leads nowhere, or a port is taken.
    pub fn start_daemon(
        &mut self,
        cx: &CtlCx<'_>,
        role: Role,
        spec: &DaemonSpec,
        iface: Option<McastIf>,
        acts: &mut Vec<IpvsAct>,
    ) -> Result<(), CtlError> {
        let found = iface.ok_or(CtlError::NoSuchDevice)?;
        if self.daemon(role).is_some() {
            return Err(CtlError::DaemonRuns);
        }
        if role == Role::Master && !found.up {
            return Err(CtlError::NetUnreachable);
        }
        if !self.sync.is_master() && !self.sync.is_backup() {
            self.sync.ports = cx.sysctl.global(Global::VsSyncPorts).clamp(1, PORTS_MAX) as u8;
        }
        let (mtu, least) = match role {
            Role::Master => (1500, 1),
            Role::Backup => (found.mtu.clamp(1500, 65535), 1024),
        };
        let maxlen = match spec.maxlen {
            0 => mtu - HEADERS,
            given => u32::from(given).clamp(least, 65535 - HEADERS),
        };
        let or = |given: u16, default: u16| if given == 0 { default } else { given };
        let daemon = Daemon {
            iface: spec.iface.clone(),
            dev: found.dev,
            syncid: spec.syncid,
            maxlen: maxlen as u16,
            group: spec.group.unwrap_or(GROUP),
            port: or(spec.port, PORT),
            ttl: spec.ttl.max(1),
        };
        if role == Role::Backup
            && (0..u16::from(self.sync.ports)).any(|n| found.busy.contains(&(daemon.port.wrapping_add(n))))
        {
            return Err(CtlError::AddrInUse);
        }
        match role {
            Role::Master => {
                self.sync.starts = self.sync.starts.wrapping_add(1 << 20);
                let fresh = Thread { sleep: self.sync.starts, work: self.sync.starts, ..Thread::default() };
                self.sync.master = Some((daemon, vec![fresh; usize::from(self.sync.ports)]));
                for thread in 0..self.sync.ports {
                    self.sleep(cx.now, thread, acts);
                }
            }
            Role::Backup => self.sync.backup = Some(daemon),
        }
        acts.push(IpvsAct::SyncOpen { role });
        Ok(())
    }

    /// `ipvsadm --stop-daemon`. What a master has not sent yet is lost.
    ///
    /// # Errors
    /// It does not run.
    pub fn stop_daemon(&mut self, role: Role, acts: &mut Vec<IpvsAct>) -> Result<(), CtlError> {
        let gone = match role {
            Role::Master => self.sync.master.take().map(|(daemon, _)| daemon),
            Role::Backup => self.sync.backup.take(),
        };
        let daemon = gone.ok_or(CtlError::NoDaemon)?;
        acts.push(IpvsAct::SyncClose { role, dev: daemon.dev, group: daemon.group });
        Ok(())
    }

    /// The daemon of this role, if it runs.
    pub fn daemon(&self, role: Role) -> Option<&Daemon> {
        match role {
            Role::Master => self.sync.master.as_ref().map(|(daemon, _)| daemon),
            Role::Backup => self.sync.backup.as_ref(),
        }
    }

    /// Threads of each daemon: one socket for each.
    pub fn sync_ports(&self) -> u8 {
        self.sync.ports
    }

    /// A timer of a master's thread fired.
    pub fn sync_timer(&mut self, timer: SyncTimer, now: SimTime, acts: &mut Vec<IpvsAct>) {
        let Some((_, threads)) = &mut self.sync.master else { return };
        let Some(thread) = threads.get_mut(usize::from(timer.thread)) else { return };
        match timer.what {
            Wake::Thread if timer.generation == thread.sleep => self.run_thread(timer.thread, now, acts),
            Wake::Work if timer.generation == thread.work => {
                thread.work = thread.work.wrapping_add(1);
                if !thread.queue.is_empty() && thread.delay < WAKEUP_RATE {
                    thread.delay = WAKEUP_RATE;
                    self.run_thread(timer.thread, now, acts);
                }
            }
            _ => {}
        }
    }

    /// One round of `sync_thread_master`: full messages, then one that is old enough, then sleep.
    fn run_thread(&mut self, number: u8, now: SimTime, acts: &mut Vec<IpvsAct>) {
        let Some((_, threads)) = &mut self.sync.master else { return };
        let thread = &mut threads[usize::from(number)];
        let mut send = |bytes: Arc<[u8]>| acts.push(IpvsAct::SyncSend { thread: number, bytes });
        while let Some(bytes) = thread.queue.pop_front() {
            send(bytes);
        }
        thread.delay = 0;
        if let Some(buffer) = thread.buffer.take_if(|b| jiffies::of(now) - b.first_use >= FLUSH_TIME) {
            send(buffer.bytes.into());
        }
        self.sleep(now, number, acts);
    }

    fn sleep(&mut self, now: SimTime, number: u8, acts: &mut Vec<IpvsAct>) {
        let Some((_, threads)) = &mut self.sync.master else { return };
        let thread = &mut threads[usize::from(number)];
        thread.sleep = thread.sleep.wrapping_add(1);
        let timer = SyncTimer { thread: number, what: Wake::Thread, generation: thread.sleep };
        acts.push(IpvsAct::SyncArm { timer, at: jiffies::fires(now, now + CHECK_PERIOD).0 });
    }

    /// ip_vs_sync_conn: tells of an entry, and of the template that controls it, if it is time to.
    pub(super) fn sync_conn(&mut self, now: SimTime, slot: u32, pkts: u32, sysctl: &Sysctls, acts: &mut Vec<IpvsAct>) {
        let version = u8::from(sysctl.global(Global::VsSyncVersion) != 0);
        let (mut slot, mut pkts) = (slot, pkts);
        loop {
            let lasts = !self.conns.get(slot).is(flag::ONE_PACKET);
            if lasts && self.sync_needed(now, slot, pkts, sysctl) {
                self.tell(now, slot, version, sysctl, acts);
            } else if version == 0 {
                return;
            }
            slot = self.conns.get(slot).control;
            if slot == NO_SLOT {
                return;
            }
            let control = self.conns.get_mut(slot);
            control.in_pkts = control.in_pkts.wrapping_add(1);
            pkts = control.in_pkts;
        }
    }

    /// ip_vs_sync_conn_needed.
    fn sync_needed(&mut self, now: SimTime, slot: u32, pkts: u32, sysctl: &Sysctls) -> bool {
        let c = self.conns.get(slot);
        let (told, template) = (self.conns.told(slot), c.is(flag::TEMPLATE));
        let (threshold, period) = (sysctl.global(Global::VsSyncThreshold), sysctl.sync_period());
        let (now, timeout) = (jiffies::of(now) as i64, i64::from(c.timeout) * HZ as i64);
        let (end, tries) = ((now + timeout) & !3, told.end & 3);
        let mut retry = 0;
        let mut at_once = false;
        if !template {
            if sysctl.global(Global::VsSyncPersistMode) != 0 && c.control != NO_SLOT {
                return false;
            }
            if c.proto == Proto::Tcp as u8 {
                match c.state {
                    tcp::ESTABLISHED => {}
                    tcp::FIN_WAIT | tcp::CLOSE | tcp::CLOSE_WAIT | tcp::TIME_WAIT => at_once = c.state != told.state,
                    _ => return false,
                }
            }
        }
        if !at_once {
            let refresh = sysctl.global(Global::VsSyncRefreshPeriod) * HZ as i64;
            let moved = (end - told.end).abs();
            if refresh > 0 && moved < refresh.min((timeout / 2).max(10 * HZ as i64)) {
                if tries >= sysctl.global(Global::VsSyncRetries) || now < told.end - timeout + refresh / 8 {
                    return false;
                }
                retry = tries + 1;
            }
            let pkts = i64::from(pkts);
            let turn = match period {
                0 => refresh != 0 || pkts == threshold,
                _ => template || pkts % period == threshold,
            };
            if !turn {
                return false;
            }
        }
        let state = c.state;
        let told = self.conns.told_mut(slot);
        (told.state, told.end) = (state, end | retry);
        true
    }

    /// Puts an entry into the message in the making, and that in the queue if it has no room.
    fn tell(&mut self, now: SimTime, slot: u32, version: u8, sysctl: &Sysctls, acts: &mut Vec<IpvsAct>) {
        let record = match version {
            0 => self.record_v0(slot),
            _ => self.record(slot),
        };
        let Some((daemon, threads)) = &mut self.sync.master else { return };
        let number = slot as usize % threads.len();
        let thread = &mut threads[number];
        let full = |b: &mut Buffer| b.bytes.len() + record.len() > b.room || b.version != version;
        if let Some(buffer) = thread.buffer.take_if(full) {
            thread.enqueue(now, number as u8, buffer, sysctl, acts);
        }
        let buffer = thread.buffer.get_or_insert_with(|| {
            let bytes = header(version, daemon.syncid);
            let room = (bytes.len() + record.len()).max(usize::from(daemon.maxlen));
            Buffer { bytes, room, version, first_use: jiffies::of(now) }
        });
        buffer.add(&record);
    }

    /// `ip_vs_sync_v4`.
    fn record(&self, slot: u32) -> Vec<u8> {
        let c = self.conns.get(slot);
        let mut out = vec![0, c.proto];
        out.extend_from_slice(&(RECORD as u16).to_be_bytes());
        out.extend_from_slice(&(c.flags & !flag::HASHED).to_be_bytes());
        for short in [u16::from(c.state), c.cport, c.vport, c.dport] {
            out.extend_from_slice(&short.to_be_bytes());
        }
        for long in [self.conns.told(slot).mark, c.timeout, c.caddr, c.vaddr, c.daddr] {
            out.extend_from_slice(&long.to_be_bytes());
        }
        out
    }

    /// `ip_vs_sync_conn_v0`.
    fn record_v0(&self, slot: u32) -> Vec<u8> {
        let c = self.conns.get(slot);
        let mut out = vec![0, c.proto];
        for short in [c.cport, c.vport, c.dport] {
            out.extend_from_slice(&short.to_be_bytes());
        }
        for long in [c.caddr, c.vaddr, c.daddr] {
            out.extend_from_slice(&long.to_be_bytes());
        }
        out.extend_from_slice(&((c.flags & !flag::HASHED) as u16).to_be_bytes());
        out.extend_from_slice(&u16::from(c.state).to_be_bytes());
        out
    }

    /// ip_vs_process_message: what a backup heard.
    ///
    /// # Errors
    /// It is for others, or cannot be read from some place on; what came before that place counts.
    pub fn sync_receive(
        &mut self,
        now: SimTime,
        message: &[u8],
        sysctl: &Sysctls,
        acts: &mut Vec<IpvsAct>,
    ) -> Result<(), DropReason> {
        let bad = |said: &'static str| Err(DropReason::IpvsSyncMalformed { said });
        let Some(daemon) = &self.sync.backup else { return bad("no backup daemon") };
        // What does not fit into the daemon's buffer is cut off.
        let message = &message[..message.len().min(usize::from(daemon.maxlen))];
        let [first, syncid, size @ ..] = message else { return bad("message header too short") };
        let (Some(size), wanted) = (be16(size, 0), daemon.syncid) else { return bad("message header too short") };
        if usize::from(size) != message.len() {
            return bad("bogus message size");
        }
        if wanted != 0 && wanted != *syncid {
            return Err(DropReason::IpvsSyncId { said: *syncid, wanted });
        }
        if *first == 0 && message.get(5) == Some(&1) && be16(message, 6) == Some(0) {
            let mut rest = &message[HEADER..];
            for _ in 0..message[4] {
                if rest.len() < RECORD {
                    return bad("too small");
                }
                let ver_size = be16(rest, 2).unwrap_or_default();
                let size = usize::from(ver_size & 0x0fff);
                if size > rest.len() {
                    return bad("msg > buffer");
                }
                if ver_size >> 12 != 0 {
                    return bad("unknown version");
                }
                if size < RECORD || rest[0] > 1 {
                    return bad("error in decoding");
                }
                if rest[0] == 0 {
                    self.hear(now, &Heard::read(rest), sysctl, acts);
                }
                rest = rest.get(size.next_multiple_of(4)..).unwrap_or_default();
            }
            return Ok(());
        }
        let mut rest = &message[HEADER_V0..];
        for _ in 0..*first {
            let Some((record, more)) = rest.split_at_checked(RECORD_V0) else { return bad("bogus conn") };
            self.hear(now, &Heard::read_v0(record), sysctl, acts);
            rest = more;
        }
        Ok(())
    }

    /// ip_vs_proc_conn: makes an entry, or brings one up to date.
    fn hear(&mut self, now: SimTime, heard: &Heard, sysctl: &Sysctls, acts: &mut Vec<IpvsAct>) {
        let Heard { param: p, daddr, dport, flags, state, mark, timeout } = *heard;
        let template = flags & flag::TEMPLATE != 0;
        let states = match p.proto {
            6 => tcp::STATES,
            17 => 1,
            _ => 0,
        };
        if !template && state >= states {
            return;
        }
        let mut known = if template { self.conns.find_template(&p) } else { self.conns.find_in(&p) };
        if let Some(slot) = known.filter(|_| !template) {
            let c = self.conns.get(slot);
            if (c.daddr, c.dport) != (daddr, dport) {
                if flags & flag::INACTIVE != 0 {
                    // The end of a connection that another has replaced already.
                    return;
                }
                self.set_expires(slot, now, acts);
                known = None;
            }
        }
        let slot = match known {
            Some(slot) => {
                self.follow_activity(slot, flags);
                if self.dest(self.conns.get(slot).dest).is_none() {
                    self.try_bind_dest(slot);
                }
                slot
            }
            None => self.new_synced(heard, sysctl),
        };
        self.conns.told_mut(slot).state = state;
        let untold = match p.proto {
            6 if !template => self.timeouts.tcp(state),
            17 if !template => self.timeouts.udp(),
            _ => UNTOLD_TIMEOUT,
        };
        let c = self.conns.get_mut(slot);
        c.in_pkts = sysctl.global(Global::VsSyncThreshold) as u32;
        c.state = state;
        c.timeout = if timeout == 0 { untold } else { timeout };
        if known.is_none() {
            self.conns.told_mut(slot).mark = mark;
        }
        self.put(now, slot, acts);
    }

    /// An entry that is known changes between active and inactive as the message says, and its server's numbers with it.
    fn follow_activity(&mut self, slot: u32, flags: u32) {
        let c = self.conns.get_mut(slot);
        let (was, is) = (c.is(flag::INACTIVE), flags & flag::INACTIVE != 0);
        c.flags = c.flags & !flag::INACTIVE | flags & flag::INACTIVE;
        let dest = c.dest;
        if was == is || flags & flag::TEMPLATE != 0 {
            return;
        }
        if let Some(d) = self.dests.get_mut(dest.index()) {
            if is {
                d.active -= 1;
                d.inactive += 1;
            } else {
                d.active += 1;
                d.inactive -= 1;
            }
        }
    }

    fn new_synced(&mut self, heard: &Heard, sysctl: &Sysctls) -> u32 {
        let Heard { param: p, daddr, dport, mark, .. } = *heard;
        let mut flags = heard.flags;
        let dest = self.find_dest(&p, daddr, dport, mark, flags);
        if let Some(dest) = dest {
            flags = self.bind_synced(flags, dest);
        }
        if sysctl.global(Global::VsConntrack) != 0 {
            flags |= flag::NFCT;
        }
        self.conns.insert(&p, daddr, dport, flags, dest.unwrap_or(DestId::NONE))
    }

    /// ip_vs_try_bind_dest: the server may have been added since the entry was made.
    fn try_bind_dest(&mut self, slot: u32) {
        let c = self.conns.get(slot);
        let p = ConnParam { proto: c.proto, caddr: c.caddr, cport: c.cport, vaddr: c.vaddr, vport: c.vport };
        let (daddr, dport, flags) = (c.daddr, c.dport, c.flags);
        if let Some(dest) = self.find_dest(&p, daddr, dport, self.conns.told(slot).mark, flags) {
            let flags = self.bind_synced(flags, dest);
            let c = self.conns.get_mut(slot);
            (c.flags, c.dest) = (flags, dest);
        }
    }

    /// ip_vs_bind_dest for a synchronised entry: it takes the server's method and keeps its own activity.
    fn bind_synced(&mut self, mut flags: u32, dest: DestId) -> u32 {
        let d = &mut self.dests[dest.index()];
        let template = flags & flag::TEMPLATE != 0;
        flags = flags & !(flag::FWD_MASK | flag::NOOUTPUT) | d.method as u32;
        if d.method != Method::Nat {
            flags |= flag::NOOUTPUT;
        }
        if template {
            flags |= flag::INACTIVE;
        }
        d.bind(template, flags & flag::INACTIVE != 0);
        flags
    }

    /// ip_vs_find_dest: this host's own server of that name, if a service here has one.
    fn find_dest(&self, p: &ConnParam, daddr: u32, dport: u16, mark: u32, flags: u32) -> Option<DestId> {
        let service = self.svc(self.find_service(mark, p.proto, p.vaddr, p.vport)?);
        let marked = mark != 0 && flags & flag::FWD_MASK != Method::Nat as u32;
        let ports = if marked { [0, dport] } else { [dport, 0] };
        ports.into_iter().find_map(|port| {
            let is = |d: &&DestId| {
                let d = &self.dests[d.index()];
                d.addr.to_bits() == daddr && d.port == port
            };
            service.dests.iter().find(is).copied()
        })
    }
}

impl Thread {
    /// sb_queue_tail.
    fn enqueue(&mut self, now: SimTime, number: u8, buffer: Buffer, sysctl: &Sysctls, acts: &mut Vec<IpvsAct>) {
        let limit = sysctl.global(Global::VsSyncQlenMax);
        if self.queue.len() as i64 >= limit {
            acts.push(IpvsAct::SyncOverflow { thread: number, bytes: buffer.bytes.into(), limit: limit as u32 });
            return;
        }
        if self.queue.is_empty() {
            let timer = SyncTimer { thread: number, what: Wake::Work, generation: self.work };
            acts.push(IpvsAct::SyncArm { timer, at: jiffies::fires(now, now + SEND_DELAY).0 });
        }
        self.queue.push_back(buffer.bytes.into());
        self.delay += 1;
        if self.delay == WAKEUP_RATE {
            // The thread runs after the packet that is being handled.
            let timer = SyncTimer { thread: number, what: Wake::Thread, generation: self.sleep };
            acts.push(IpvsAct::SyncArm { timer, at: now });
        }
    }
}

/// Bytes of a message's header and of a connection, in version 1 and 0.
const HEADER: usize = 8;
const RECORD: usize = 36;
const HEADER_V0: usize = 4;
const RECORD_V0: usize = 24;

/// `ip_vs_sync_mesg` without connections.
fn header(version: u8, syncid: u8) -> Vec<u8> {
    match version {
        0 => vec![0, syncid, 0, HEADER_V0 as u8],
        _ => vec![0, syncid, 0, HEADER as u8, 0, 1, 0, 0],
    }
}

impl Buffer {
    fn add(&mut self, record: &[u8]) {
        self.bytes.extend_from_slice(record);
        let size = self.bytes.len() as u16;
        self.bytes[2..4].copy_from_slice(&size.to_be_bytes());
        let count = if self.version == 0 { 0 } else { 4 };
        // The kernel's counter has eight bits, and a message may be longer than that.
        self.bytes[count] = self.bytes[count].wrapping_add(1);
    }
}

/// A connection of a message.
#[derive(Clone, Copy, Debug)]
struct Heard {
    param: ConnParam,
    daddr: u32,
    dport: u16,
    flags: u32,
    state: u8,
    mark: u32,
    /// Seconds; 0 if the message does not tell.
    timeout: u32,
}

impl Heard {
    /// At least [`RECORD`] bytes.
    fn read(bytes: &[u8]) -> Heard {
        let (short, long) = (|at| be16(bytes, at).unwrap_or_default(), |at| be32(bytes, at));
        Heard {
            param: ConnParam { proto: bytes[1], caddr: long(24), cport: short(10), vaddr: long(28), vport: short(12) },
            daddr: long(32),
            dport: short(14),
            flags: long(4) & BACKUP_MASK | flag::SYNC,
            state: u8::try_from(short(8)).unwrap_or(u8::MAX),
            mark: long(16),
            timeout: long(20).min(i32::MAX as u32),
        }
    }

    /// At least [`RECORD_V0`] bytes.
    fn read_v0(bytes: &[u8]) -> Heard {
        let (short, long) = (|at| be16(bytes, at).unwrap_or_default(), |at| be32(bytes, at));
        Heard {
            param: ConnParam { proto: bytes[1], caddr: long(8), cport: short(2), vaddr: long(12), vport: short(4) },
            daddr: long(16),
            dport: short(6),
            flags: u32::from(short(20)) & BACKUP_MASK | flag::SYNC,
            state: u8::try_from(short(22)).unwrap_or(u8::MAX),
            mark: 0,
            timeout: 0,
        }
    }
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from(be16(bytes, at).unwrap_or_default()) << 16 | u32::from(be16(bytes, at + 2).unwrap_or_default())
}
