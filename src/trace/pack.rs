//! Records as few bytes and back: what stories, captures and records are made of ([`fits`]). Of texts, reasons and
//! verdicts, which repeat, only a number is packed; they themselves are kept once ([`Words`]).

use super::{ArpAnswer, Because, Dir, DropReason, Record, TraceEvent};
use crate::base::pack::{Broken, Unpack, put_addr, put_short, put_u16};
use crate::base::{DevIdx, NodeId, SimTime, Table};
use crate::wire::pack::{arp, frame, packet, put_arp, put_frame, put_packet};
use crate::wire::{Frame, Mac};
use std::hash::Hash;
use std::sync::Arc;

/// The most different texts, reasons or verdicts of a trace: some tens of MB.
const MOST: usize = 1 << 18;

/// What repeats.
#[derive(Debug, Default)]
pub struct Words {
    names: Pool<&'static str>,
    texts: Pool<Arc<str>>,
    reasons: Pool<DropReason>,
    answers: Pool<ArpAnswer>,
}

/// Values by number.
#[derive(Debug)]
struct Pool<T> {
    numbers: Table<T, u32>,
    all: Vec<T>,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Pool { numbers: Table::default(), all: Vec::new() }
    }
}

impl<T: Clone + Eq + Hash> Pool<T> {
    fn put(&mut self, out: &mut Vec<u8>, value: &T) -> Option<()> {
        let number = match self.numbers.get(value) {
            Some(number) => *number,
            None if self.all.len() >= MOST => return None,
            None => {
                let number = self.all.len() as u32;
                self.numbers.insert(value.clone(), number);
                self.all.push(value.clone());
                number
            }
        };
        put_short(out, u64::from(number));
        Some(())
    }

    fn get(&self, from: &mut Unpack<'_>) -> Result<T, Broken> {
        self.all.get(from.small::<usize>()?).cloned().ok_or(Broken)
    }
}

// The lower bits of a record's first byte say which event it is, the upper ones what the event says by yes and no.
const FRAME: u8 = 0;
const DROPPED: u8 = 1;
const VERDICT: u8 = 2;
const NEIGH: u8 = 3;
const SCHEDULED: u8 = 4;
const KIND: u8 = 0x0f;
const FIRST: u8 = 0x10;
const SECOND: u8 = 0x20;

/// Whether an event can be packed. The others are read by nobody who reads a trace that was put aside: what schedulers
/// compared, states of connections, commands, decisions.
pub fn fits(event: &TraceEvent) -> bool {
    use TraceEvent::{ArpVerdict, Dropped, Frame, Neigh, Scheduled};
    matches!(event, Frame { .. } | Dropped { .. } | ArpVerdict { .. } | Neigh { .. } | Scheduled { .. })
}

/// Adds a record that [`fits`], `before` being the time of the one before it. None: there are too many different texts
/// or reasons, and what was added is of no use.
pub fn put(out: &mut Vec<u8>, words: &mut Words, before: SimTime, record: &Record) -> Option<()> {
    let head = |out: &mut Vec<u8>, kind: u8, first: bool, second: bool| {
        out.push(kind | if first { FIRST } else { 0 } | if second { SECOND } else { 0 });
        put_short(out, record.at.0.wrapping_sub(before.0));
        put_short(out, u64::from(record.node.0));
    };
    match &record.event {
        TraceEvent::Frame { dev, dir, frame, ethernet } => {
            head(out, FRAME, *dir == Dir::Out, *ethernet);
            put_short(out, u64::from(dev.0));
            put_frame(out, frame);
        }
        TraceEvent::Dropped { dev, frame, reason } => {
            head(out, DROPPED, dev.is_some(), false);
            if let Some(dev) = dev {
                put_short(out, u64::from(dev.0));
            }
            words.reasons.put(out, reason)?;
            put_frame(out, frame);
        }
        TraceEvent::ArpVerdict { dev, request, answer } => {
            head(out, VERDICT, false, false);
            put_short(out, u64::from(dev.0));
            words.answers.put(out, answer)?;
            put_arp(out, request);
        }
        TraceEvent::Neigh { dev, addr, from, to, mac, was } => {
            head(out, NEIGH, mac.is_some(), was.is_some());
            put_short(out, u64::from(dev.0));
            put_addr(out, *addr);
            words.names.put(out, from)?;
            words.names.put(out, to)?;
            for mac in [mac, was].into_iter().flatten() {
                out.extend_from_slice(&mac.0);
            }
        }
        TraceEvent::Scheduled { packet, service, scheduler, dest, because } => {
            head(out, SCHEDULED, false, false);
            words.texts.put(out, service)?;
            words.names.put(out, scheduler)?;
            put_addr(out, dest.0);
            put_u16(out, dest.1);
            put_because(out, words, because)?;
            put_packet(out, packet);
        }
        _ => return None,
    }
    Some(())
}

/// What [`put`] added. The frame that `into` held before is used again.
///
/// # Errors
/// If the bytes are something else.
pub fn get(from: &mut Unpack<'_>, words: &Words, before: SimTime, into: &mut Option<Record>) -> Result<(), Broken> {
    let head = from.u8()?;
    let (first, second) = (head & FIRST != 0, head & SECOND != 0);
    let at = SimTime(before.0.wrapping_add(from.short()?));
    let node = NodeId(from.small()?);
    let event = match head & KIND {
        FRAME => {
            let dev = DevIdx(from.small()?);
            let dir = if first { Dir::Out } else { Dir::In };
            let frame = boxed(frame(from)?, into.take());
            TraceEvent::Frame { dev, dir, frame, ethernet: second }
        }
        DROPPED => {
            let dev = if first { Some(DevIdx(from.small()?)) } else { None };
            let reason = words.reasons.get(from)?;
            TraceEvent::Dropped { dev, reason, frame: boxed(frame(from)?, into.take()) }
        }
        VERDICT => {
            let dev = DevIdx(from.small()?);
            let answer = words.answers.get(from)?;
            TraceEvent::ArpVerdict { dev, request: Box::new(arp(from)?), answer }
        }
        NEIGH => TraceEvent::Neigh {
            dev: DevIdx(from.small()?),
            addr: from.addr()?,
            from: words.names.get(from)?,
            to: words.names.get(from)?,
            mac: if first { Some(Mac(from.bytes()?)) } else { None },
            was: if second { Some(Mac(from.bytes()?)) } else { None },
        },
        SCHEDULED => TraceEvent::Scheduled {
            service: words.texts.get(from)?,
            scheduler: words.names.get(from)?,
            dest: (from.addr()?, from.u16()?),
            because: because(from, words)?,
            packet: Box::new(packet(from)?),
        },
        _ => return Err(Broken),
    };
    *into = Some(Record { at, node, event });
    Ok(())
}

fn boxed(frame: Frame, old: Option<Record>) -> Box<Frame> {
    match old.map(|record| record.event) {
        Some(TraceEvent::Frame { frame: mut room, .. } | TraceEvent::Dropped { frame: mut room, .. }) => {
            *room = frame;
            room
        }
        _ => Box::new(frame),
    }
}

fn put_because(out: &mut Vec<u8>, words: &mut Words, why: &Because) -> Option<()> {
    let mut numbers = |kind: u8, numbers: &[u64]| {
        out.push(kind);
        numbers.iter().for_each(|n| put_short(out, *n));
    };
    match *why {
        Because::NextInTurn { place, of } => numbers(0, &[place.into(), of.into()]),
        Because::WeightedTurn { weight, mark } => numbers(1, &[weight.into(), mark.into()]),
        Because::Least { measure, value, weight } => {
            numbers(2, &[value, weight.into()]);
            words.names.put(out, &measure)?;
        }
        Because::HashSlot { slot, size } => numbers(3, &[slot.into(), size.into()]),
        Because::Persistent => numbers(4, &[]),
        Because::HighestWeight { weight } => numbers(5, &[weight.into()]),
        Because::Drawn => numbers(6, &[]),
    }
    Some(())
}

fn because(from: &mut Unpack<'_>, words: &Words) -> Result<Because, Broken> {
    Ok(match from.u8()? {
        0 => Because::NextInTurn { place: from.small()?, of: from.small()? },
        1 => Because::WeightedTurn { weight: from.small()?, mark: from.small()? },
        2 => Because::Least { value: from.short()?, weight: from.small()?, measure: words.names.get(from)? },
        3 => Because::HashSlot { slot: from.small()?, size: from.small()? },
        4 => Because::Persistent,
        5 => Because::HighestWeight { weight: from.small()? },
        6 => Because::Drawn,
        _ => return Err(Broken),
    })
}
