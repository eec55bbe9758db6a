//! A processor that takes time for each frame (net/core/dev.c: `enqueue_to_backlog`, `process_backlog`).
//!
//! Off unless the scenario says `packet_rate`. Then frames are taken up one after the other, each after its time; those that
//! come meanwhile wait, as many as `net.core.netdev_max_backlog`, and what comes beyond is lost. What the card's filter keeps
//! out takes no time. Left out: several processors, `netdev_budget`, and the time that sending takes.

use super::Host;
use crate::base::{DevIdx, Span};
use crate::node::{Cx, Effect, FrameId, TimerKey, longest_frame};
use crate::sysctl::Global;
use crate::trace::DropReason;
use std::collections::VecDeque;

/// The most frames that wait, whatever the variable says: so many as before a cable.
const MOST: i64 = 1_000_000;

/// What waits for the processor; the first is being dealt with.
#[derive(Clone, Debug)]
pub(super) struct Backlog {
    per_frame: Span,
    /// Frames that were dealt with.
    done: u64,
    frames: VecDeque<(DevIdx, FrameId, bool)>,
}

impl Host {
    /// From now on each frame that the host takes up keeps its processor busy for so long.
    pub fn set_frame_time(&mut self, per_frame: Span) {
        self.backlog = Some(Box::new(Backlog { per_frame, done: 0, frames: VecDeque::new() }));
    }

    /// For how long frames have kept the processor busy; nothing where they take no time.
    pub fn frames_took(&self) -> Option<Span> {
        self.backlog.as_ref().map(|b| b.per_frame * b.done)
    }

    /// A frame arrives where the processor takes time.
    #[inline(never)]
    pub(super) fn enqueue(&mut self, dev: DevIdx, frame: FrameId, confirm: bool, cx: &mut Cx<'_>) {
        let d = &mut self.net.devs[dev.index()];
        let (dst, len) = {
            let frame = cx.frames.get(frame);
            (frame.dst, frame.unpadded_len())
        };
        let wanted = d.up && len <= longest_frame(d.mtu) && (dst == d.mac || dst.is_multicast());
        let Some(backlog) = self.backlog.as_mut().filter(|_| wanted) else {
            return self.device_receive(dev, frame, confirm, cx);
        };
        let limit = self.net.sysctl.global(Global::NetdevMaxBacklog).clamp(0, MOST) as u32;
        // As the kernel compares; the frame that is being dealt with counts.
        if backlog.frames.len() > limit as usize {
            d.stats.rx_dropped += 1;
            let frame = cx.frames.take(frame);
            return self.lose_frame(dev, frame, DropReason::BacklogFull { limit }, cx);
        }
        if backlog.frames.is_empty() {
            cx.out.push(Effect::Arm { key: TimerKey::Backlog, at: cx.now + backlog.per_frame });
        }
        backlog.frames.push_back((dev, frame, confirm));
    }

    /// The time of the first frame is over.
    pub(super) fn backlog_done(&mut self, cx: &mut Cx<'_>) {
        let Some(backlog) = &mut self.backlog else { return };
        let first = backlog.frames.pop_front();
        backlog.done += 1;
        if !backlog.frames.is_empty() {
            cx.out.push(Effect::Arm { key: TimerKey::Backlog, at: cx.now + backlog.per_frame });
        }
        if let Some((dev, frame, confirm)) = first {
            self.device_receive(dev, frame, confirm, cx);
        }
    }
}
