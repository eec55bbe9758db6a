//! Frames on their way between boxes: each lies still, and its number is handed on.
//!
//! A frame is written once where a host sends it and read once where a host takes it up; the queue of pending events, the
//! effects and every switch between move twelve bytes instead of eighty-eight. Places are used again at once, the last one
//! first, so that a quiet network's frames stay in the nearest cache.

use crate::wire::Frame;

/// The place of a frame in [`Frames`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameId(u32);

/// The frames that are on their way.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    places: Vec<Option<Frame>>,
    free: Vec<u32>,
}

impl Frames {
    /// Lays a frame down.
    #[inline]
    pub fn put(&mut self, frame: Frame) -> FrameId {
        match self.free.pop() {
            Some(place) => {
                self.places[place as usize] = Some(frame);
                FrameId(place)
            }
            None => self.put_new(frame),
        }
    }

    #[cold]
    fn put_new(&mut self, frame: Frame) -> FrameId {
        self.places.push(Some(frame));
        FrameId((self.places.len() - 1) as u32)
    }

    /// A frame, to look at.
    ///
    /// # Panics
    /// If it was taken already: a frame has one owner at a time, who holds its number.
    #[inline]
    pub fn get(&self, id: FrameId) -> &Frame {
        self.places[id.0 as usize].as_ref().expect("a number is given up with its frame")
    }

    /// Takes a frame up; its number means nothing any more.
    ///
    /// # Panics
    /// If it was taken already.
    #[inline]
    pub fn take(&mut self, id: FrameId) -> Frame {
        self.free.push(id.0);
        self.places[id.0 as usize].take().expect("a number is given up with its frame")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{IpPacket, L3, Mac};

    fn frame(last: u8) -> Frame {
        Frame { l3: L3::Ip(IpPacket::NOTHING), dst: Mac([0, 0, 0, 0, 0, last]), src: Mac::ZERO }
    }

    #[test]
    fn a_place_is_used_again_and_a_frame_stays_what_it_is() {
        let mut frames = Frames::default();
        let (a, b) = (frames.put(frame(1)), frames.put(frame(2)));
        assert_eq!(frames.take(a), frame(1));
        let c = frames.put(frame(3));
        assert_eq!((c, frames.get(b), frames.get(c)), (a, &frame(2), &frame(3)));
        assert_eq!(size_of::<Option<Frame>>(), size_of::<Frame>());
    }
}
