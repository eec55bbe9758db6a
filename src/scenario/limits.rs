//! How much a scenario file may ask for. What goes beyond is told (`E006`, `E008`, `E009`, `E060`), never tried.
//!
//! The numbers leave room for everything that a person would write and keep a hostile file from eating the machine.

/// The largest file, in bytes.
pub const MAX_FILE_BYTES: usize = 16 << 20;
/// The most values (scalars, lists, maps) in a file, those that aliases repeat included.
pub const MAX_VALUES: usize = 2_000_000;
/// The most values that aliases and merges may repeat.
pub const MAX_ALIASED: usize = 200_000;
/// The deepest nesting of lists and maps. A scenario needs seven.
pub const MAX_DEPTH: usize = 48;
/// The most problems told of one file; the rest is counted.
pub const MAX_PROBLEMS: usize = 500;

/// The most nodes, groups unrolled: a connection notes in two bytes which of them answered, if one did.
pub const MAX_NODES: u64 = 65_535;
/// The most interfaces of one node.
pub const MAX_INTERFACES: usize = 1_024;
/// The most things (interfaces, addresses, routes, sysctls, services) of all nodes, groups unrolled.
pub const MAX_THINGS: u64 = 2_000_000;
/// The most bytes of routes, sysctls and labels of all nodes, groups unrolled.
pub const MAX_TEXT: u64 = 64 << 20;
/// The most connections of a file.
pub const MAX_CONNECTIONS: u64 = 10_000_000;
/// The most requests on one connection.
pub const MAX_REQUESTS: u64 = 1_000_000;
/// The most values of a list, rows of a trace, steps of a rate.
pub const MAX_LIST: usize = 1_000_000;
/// The most rates of arrivals that change at random.
pub const MAX_PHASES: usize = 1_000;
/// The most users of a closed workload.
pub const MAX_USERS: u64 = 1_000_000;
/// The most connections that a server accepts at once.
pub const MAX_OPEN: u64 = 10_000_000;
/// The fastest server, in millionths of the usual speed.
pub const MAX_SPEED_PPM: u64 = 1_000_000_000;
/// The largest request or response, in bytes.
pub const MAX_BYTES: u64 = 1 << 30;
/// The most timeline and observe entries, clients and cables of entries, and expectations, groups unrolled.
pub const MAX_STEPS: u64 = 1_000_000;
/// The longest time that may be written: a year of 366 days, in nanoseconds.
pub const MAX_SPAN_NS: u64 = 366 * 86_400 * 1_000_000_000;
/// The fastest cable, in bits per second.
pub const MAX_BANDWIDTH: u64 = 1_000_000_000_000_000;
/// The longest queue of a cable, in packets.
pub const MAX_QUEUE: u64 = 1_000_000;
/// The most marks of an expectation.
pub const MAX_MARKS: u32 = 1_000;
/// The most `--set`s.
pub const MAX_SETS: usize = 1_000;
/// The longest one-line text (a route, a sysctl's value), in bytes.
pub const MAX_LINE: usize = 4_096;
/// The longest name of a node, of traffic or of a scenario, in characters.
pub const MAX_NAME: usize = 63;
