//! One run of the bench: its time, its memory, its fingerprint.

use super::super::exit::{self, Failure};
use super::name;
use clap::ValueEnum;
use lvsim::base::{Seed, SimTime};
use lvsim::engine::world::{Limits, World};
use lvsim::scenario::play::{Ending, Play};
use lvsim::scenario::{self, Names};
use lvsim::study::bench::Cell;
use lvsim::trace::{TraceMask, Tracer};
use serde_json::{Value, json};
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

/// Who listens while the workload runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Tracing {
    /// Nobody
    Off,
    /// What happens is counted, and nothing kept
    Counters,
    /// Every frame and every verdict is kept
    Full,
}

/// Records that are kept at most: 4 GB.
const MOST: usize = 16_000_000;

impl Tracing {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Tracing::Off => "off",
            Tracing::Counters => "counters",
            Tracing::Full => "full",
        }
    }

    fn tracer(self) -> Tracer {
        match self {
            Tracing::Off => Tracer::off(),
            Tracing::Counters => Tracer::new(TraceMask::ALL, 0),
            Tracing::Full => Tracer::new(TraceMask::ALL, MOST),
        }
    }
}

/// Measures in this process.
///
/// # Errors
/// If not everybody was served.
pub fn here(cell: Cell, tracing: Tracing) -> Result<Value, Failure> {
    let wrong = |what: String| Failure { code: exit::INTERNAL, message: format!("{}: {what}", name(cell)) };
    let loaded = scenario::load("bench.yaml", &cell.text(), &[], &Names::default());
    let scenario = loaded.map_err(|p| wrong(format!("the scenario is wrong: {p:?}")))?.scenario;
    let (seed, mut tracer) = (Seed(scenario.seed), tracing.tracer());
    let mut go_on = |_: &World, _: Option<SimTime>| true;
    let limits = Limits { events: u64::MAX, pending: usize::MAX, ..Limits::default() };
    let set_up = Play::set_up(&scenario, seed, limits, None, &mut tracer, &mut go_on);
    let mut play = set_up.map_err(|early| wrong(format!("set-up ended with {:?}", early.1)))?;
    let (frames, events, resident) = (play.world.ledger.sent, play.world.events, memory("VmRSS:"));
    let clock = Clock::start();
    let ending = play.run(seed, &mut tracer, &mut go_on);
    let (cpu, wall) = clock.stop();
    if ending != Ending::Complete {
        return Err(wrong(format!("the run ended with {ending:?}")));
    }
    cell.judge(&play.world).map_err(wrong)?;
    let (frames, events) = (play.world.ledger.sent - frames, play.world.events - events);
    let n = cell.connections;
    let spent = cpu.unwrap_or(wall).max(1e-9);
    let grown = memory("VmRSS:").zip(resident).map(|(after, before)| after.saturating_sub(before) / n);
    Ok(json!({
        "schema_version": 1,
        "workload": cell.workload.row().name,
        "protocol": if cell.udp { "udp" } else { "tcp" },
        "connections": n,
        "trace": tracing.word(),
        "records": tracer.records().len() as u64 + tracer.lost(),
        "frames": frames,
        "events": events,
        "cpu_s": cpu,
        "wall_s": wall,
        "events_per_s": events as f64 / spent,
        "frames_per_s": frames as f64 / spent,
        "connections_per_s": n as f64 / spent,
        "ns_per_frame": spent * 1e9 / frames.max(1) as f64,
        "peak_rss_bytes": memory("VmHWM:"),
        "bytes_per_connection": grown,
        "fingerprint": format!("{:016x}", play.world.fingerprint()),
    }))
}

/// Measures in a process of its own.
///
/// # Errors
/// If it cannot be started, or fails.
pub fn apart(cell: Cell, tracing: Tracing) -> Result<Value, Failure> {
    let out = again(&[], cell, tracing)?;
    serde_json::from_slice(&out.stdout)
        .map_err(|e| Failure { code: exit::INTERNAL, message: format!("{}: not a line of JSON: {e}", name(cell)) })
}

/// Starts this program again for one cell, perhaps under another program.
///
/// # Errors
/// If it cannot be started, or fails.
pub fn again(under: &[&str], cell: Cell, tracing: Tracing) -> Result<Output, Failure> {
    let failed = |what: String| Failure { code: exit::INTERNAL, message: format!("{}: {what}", name(cell)) };
    let me = env::current_exe().map_err(|e| failed(format!("this program cannot be found: {e}")))?;
    let mut command = match under.split_first() {
        Some((program, first)) => {
            let mut command = Command::new(program);
            command.args(first).arg(me);
            command
        }
        None => Command::new(me),
    };
    command.args(["bench", "--here", cell.workload.row().name, "--protocol", if cell.udp { "udp" } else { "tcp" }]);
    command.args(["-n", &cell.connections.to_string(), "--trace", tracing.word()]);
    let out = command.output().map_err(|e| failed(format!("cannot start {:?}: {e}", command.get_program())))?;
    match out.status.success() {
        true => Ok(out),
        false => Err(failed(String::from_utf8_lossy(&out.stderr).trim().to_string())),
    }
}

/// CPU time of this process, where the system tells it, and time on the wall.
struct Clock {
    cpu: Option<Duration>,
    wall: Instant,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "a bench is about this machine's time")]
    fn start() -> Clock {
        Clock { cpu: cpu(), wall: Instant::now() }
    }

    /// Seconds of CPU, seconds on the wall.
    fn stop(&self) -> (Option<f64>, f64) {
        let wall = self.wall.elapsed();
        let spent = cpu().zip(self.cpu).map(|(after, before)| after.saturating_sub(before));
        (spent.map(|s| s.as_secs_f64()), wall.as_secs_f64())
    }
}

/// What this process has used, which has one thread. A moment's sleep makes the kernel bring the figure up to date.
fn cpu() -> Option<Duration> {
    thread::sleep(Duration::from_micros(1));
    let text = fs::read_to_string("/proc/self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// A line of this process's status, in bytes; none where the system does not tell.
fn memory(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}
