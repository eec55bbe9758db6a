//! The pending events, in the total order (time, push number).
//!
//! A radix heap with digits of six bits (Ahuja, Mehlhorn, Orlin, Tarjan, "Faster algorithms for the shortest path
//! problem", 1990; seen from the other side, a hierarchical timing wheel whose hands turn only when something is due).
//! An event lies at the highest digit in which its time differs from `base`, a time no pending event is earlier than.
//! The head is in the lowest used slot of the lowest used level. A slot with few events is searched; a slot with many
//! is spread over the levels below it once, with `base` at its earliest event. So an event moves down at most ten
//! times in its life, two to four times in practice, and nothing is compared on the way in. Each slot keeps push
//! order, therefore events of one instant need no comparison either. Events lie in the slots themselves.
//!
//! # Why this one
//!
//! Nanoseconds of CPU for peek + pop + push, hold model, best of five, 2 vCPUs (`cargo bench --bench queue`).
//! `exp`: exponential increments; `net`: 75 % link delays, 25 % timers of 0.2 to 60 s; `frames`: link delays only,
//! these three with 72-byte events; `timers`: 0.2 s to 900 s, 16-byte events.
//!
//! | mix: queue | 1e2 | 1e3 | 1e4 | 1e5 | 1e6 |
//! |---|---|---|---|---|---|
//! | exp: std heap, inline | 54 | 69 | 108 | 321 | 1161 |
//! | exp: std heap, keys + slab | 45 | 56 | 89 | 197 | 581 |
//! | exp: 4-ary heap, keys + slab | 47 | 73 | 97 | 164 | 351 |
//! | exp: calendar ring, keys + slab | 19 | 19 | 31 | 54 | 143 |
//! | exp: radix heap, inline | 48 | 59 | 72 | 102 | 111 |
//! | exp: radix heap, keys + slab | 41 | 46 | 52 | 81 | 177 |
//! | exp: radix 64-way, lists | 24 | 33 | 43 | 146 | 442 |
//! | exp: this one, keys + slab | 25 | 30 | 30 | 51 | 123 |
//! | exp: **this one** | 24 | 30 | 34 | 55 | 81 |
//! | net: std heap, inline | 43 | 64 | 94 | 182 | 443 |
//! | net: std heap, keys + slab | 37 | 55 | 84 | 132 | 362 |
//! | net: 4-ary heap, keys + slab | 28 | 41 | 56 | 90 | 182 |
//! | net: calendar ring, keys + slab | 15 | 19 | 24 | 51 | 138 |
//! | net: radix heap, inline | 28 | 31 | 36 | 42 | 55 |
//! | net: radix heap, keys + slab | 26 | 28 | 32 | 46 | 74 |
//! | net: radix 64-way, lists | 17 | 21 | 24 | 40 | 74 |
//! | net: this one, keys + slab | 24 | 24 | 26 | 38 | 57 |
//! | net: **this one** | 20 | 21 | 24 | 30 | 34 |
//! | frames: std heap, inline | 48 | 67 | 110 | 274 | 1219 |
//! | frames: std heap, keys + slab | 42 | 60 | 93 | 170 | 708 |
//! | frames: 4-ary heap, keys + slab | 40 | 69 | 89 | 146 | 337 |
//! | frames: calendar ring, keys + slab | 20 | 22 | 26 | 55 | 81 |
//! | frames: radix heap, inline | 40 | 50 | 61 | 91 | 89 |
//! | frames: radix heap, keys + slab | 51 | 60 | 47 | 68 | 93 |
//! | frames: radix 64-way, lists | 29 | 33 | 52 | 102 | 533 |
//! | frames: this one, keys + slab | 30 | 27 | 40 | 63 | 135 |
//! | frames: **this one** | 27 | 26 | 39 | 39 | 49 |
//! | timers: std heap, inline | 42 | 62 | 89 | 204 | 747 |
//! | timers: std heap, keys + slab | 46 | 65 | 94 | 182 | 695 |
//! | timers: 4-ary heap, keys + slab | 41 | 66 | 83 | 118 | 277 |
//! | timers: calendar ring, keys + slab | 27 | 26 | 24 | 45 | 133 |
//! | timers: radix heap, inline | 30 | 38 | 43 | 51 | 54 |
//! | timers: radix heap, keys + slab | 34 | 40 | 46 | 57 | 111 |
//! | timers: radix 64-way, lists | 26 | 27 | 35 | 56 | 135 |
//! | timers: this one, keys + slab | 26 | 32 | 29 | 36 | 69 |
//! | timers: **this one** | 23 | 28 | 26 | 28 | 32 |
//!
//! Time moved by up to 1.5x between runs, ratios by less. A calendar ring is 20 to 40 % faster in `exp` and `frames`
//! with up to ten thousand pending, level with timers of that number, and up to 4x slower beyond; and it stands or
//! falls with a bucket width guessed from the past: a crowd inside one bucket makes a push linear. This one has
//! nothing to tune, a bound on the work for an event whatever the times are, push order by construction, and serves
//! both uses, so frames and timers share it. A slab under 24-byte keys saved a tenth at best (`exp`, 1e4) and costs up
//! to 2.8x at 1e6: one miss more. Lists through one slab, a smaller thing to clone, lose by misses, too. A million
//! 16-byte timers took 44 MB at the most, process included; their entries alone are 32 MB.
//!
//! Left out: cancelling. A timer that is not wanted any more comes out and is recognised as stale by its owner.

use crate::base::SimTime;

/// Bits of time in a digit.
const BITS: u32 = 6;
/// Slots of a level: one for each value of a digit, so that a `u64` says which are used.
const SLOTS: usize = 1 << BITS;
/// Digits of a time.
const LEVELS: usize = u64::BITS.div_ceil(BITS) as usize;
/// A slot with no more events than this is searched where it is instead of being spread.
const SEARCHED: usize = 8;
/// An emptied slot keeps at most so many bytes for its next use, or rare crowds would pin memory in every slot.
const KEPT_BYTES: usize = 8 * 1024;
/// Slots of this length and more grow by an eighth instead of doubling.
const DOUBLED: usize = 1024;
/// So many popped events may lie at the front of a slot before they are cleared away.
const COMPACTED: usize = 1024;

/// Pending events of one kind: pushed at any time not yet past, popped in the order (time, push number).
///
/// The caller numbers the pushes, so that several queues can share one order; the smaller head of
/// [`peek`](Self::peek) is next. Memory is reused: in a steady state nothing is allocated.
#[derive(Clone, Debug)]
pub struct EventQueue<T, N = u64> {
    /// Level by level, digit by digit; each in push order.
    slots: Vec<Vec<Entry<T, N>>>,
    /// Which slots of a level have events, a bit for each.
    used: [u64; LEVELS],
    /// Which levels have events, a bit for each.
    levels: u32,
    /// What the places of events are relative to: no pending event is earlier, nor is what was popped last.
    base: SimTime,
    /// The time of the event popped last.
    now: SimTime,
    /// How many events of the first slot of level 0 are popped already.
    front: usize,
    /// The next event, if it was looked for; else [`UNKNOWN`].
    head: Head,
    len: usize,
    /// No push may have a smaller number.
    next_seq: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry<T, N> {
    at: SimTime,
    seq: N,
    item: T,
}

/// How a queue keeps push numbers.
pub trait Number: Copy {
    /// Keeps this number.
    fn of(seq: u64) -> Self;
    /// The number kept.
    fn get(self) -> u64;
}

impl Number for u64 {
    #[inline(always)]
    fn of(seq: u64) -> u64 {
        seq
    }

    #[inline(always)]
    fn get(self) -> u64 {
        self
    }
}

/// A push number in six bytes, which do for 2^48 pushes (years): with an item of ten bytes an event takes 24 and not 32.
/// It is for queues of millions: taking it apart and together costs a few instructions.
#[derive(Clone, Copy, Debug)]
#[repr(C, packed(2))]
pub struct Short {
    low: u32,
    high: u16,
}

impl Number for Short {
    #[inline(always)]
    fn of(seq: u64) -> Short {
        Short { low: seq as u32, high: (seq >> 32) as u16 }
    }

    #[inline(always)]
    fn get(self) -> u64 {
        u64::from(self.high) << 32 | u64::from(self.low)
    }
}

/// The key of the next event, and where it is in its slot.
#[derive(Clone, Copy, Debug)]
struct Head {
    at: SimTime,
    seq: u64,
    index: usize,
}

/// Nobody has looked for the next event.
const UNKNOWN: Head = Head { at: SimTime::NEVER, seq: u64::MAX, index: usize::MAX };

impl<T: Copy, N: Number> Default for EventQueue<T, N> {
    fn default() -> Self {
        EventQueue {
            slots: (0..LEVELS * SLOTS).map(|_| Vec::new()).collect(),
            used: [0; LEVELS],
            levels: 0,
            base: SimTime::ZERO,
            now: SimTime::ZERO,
            front: 0,
            head: UNKNOWN,
            len: 0,
            next_seq: 0,
        }
    }
}

impl<T: Copy> EventQueue<T> {
    /// An empty queue at time zero.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<T: Copy, N: Number> EventQueue<T, N> {
    /// How many events are pending.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is pending.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds an event. `seq` must be larger than in any push before; `at` must not be before the event popped last.
    ///
    /// Both are checked in debug builds only. In release builds an event of the past is not moved to the present: it
    /// keeps its time and is popped next, so time goes backwards, and such a push costs as much as building the
    /// queue anew. A `seq` out of order leaves events of one instant in the order of their pushes.
    #[inline(always)]
    pub fn push(&mut self, at: SimTime, seq: u64, item: T) {
        debug_assert!(at >= self.now, "event {seq} is pushed at {at:?}, but it is {:?} already", self.now);
        debug_assert!(seq >= self.next_seq, "event number {seq} is used already");
        if at < self.now {
            self.rewind(at);
        }
        self.next_seq = seq.wrapping_add(1);
        self.len += 1;
        let index = self.place(Entry { at, seq: N::of(seq), item });
        if at < self.head.at && self.head.index != usize::MAX {
            self.head = Head { at, seq, index };
        }
    }

    /// Time and number of the next event.
    #[inline(always)]
    pub fn peek(&mut self) -> Option<(SimTime, u64)> {
        if self.levels == 0 {
            return None;
        }
        if self.head.index == usize::MAX {
            self.head = self.search();
        }
        Some((self.head.at, self.head.seq))
    }

    /// Takes the next event out.
    #[inline]
    pub fn pop(&mut self) -> Option<(SimTime, u64, T)> {
        if self.levels == 0 {
            return None;
        }
        let head = if self.head.index == usize::MAX { self.look() } else { self.head };
        self.head = UNKNOWN;
        self.len -= 1;
        self.now = head.at;
        let (mut level, mut slot) = self.lowest();
        if level > 0 {
            let list = &mut self.slots[slot];
            if list.len() <= SEARCHED {
                // The others close up; a swap is cheap beside what it takes to carry an event out by two ways.
                for i in head.index + 1..list.len() {
                    list.swap(i - 1, i);
                }
                let entry = list.pop()?;
                if list.is_empty() {
                    self.unmark(level, slot);
                    self.base = head.at;
                }
                return Some((entry.at, entry.seq.get(), entry.item));
            }
            self.spread(level, slot, head.at);
            (level, slot) = self.lowest();
        }
        // A slot of level 0 is one instant, and after spreading the head is the first of its slot.
        let Entry { at, seq, item } = self.slots[slot][self.front];
        self.front += 1;
        if self.front == self.slots[slot].len() {
            self.front = 0;
            self.unmark(level, slot);
            let list = std::mem::take(&mut self.slots[slot]);
            self.put_back(slot, list);
        } else if self.front >= COMPACTED && self.front >= self.slots[slot].len() / 2 {
            // An instant that keeps bringing forth events for itself must not keep the popped ones.
            self.slots[slot].drain(..self.front);
            self.front = 0;
        }
        Some((at, seq.get(), item))
    }

    /// Copies of all pending events in the order in which they will be popped.
    pub fn iter_pending(&self) -> impl Iterator<Item = (SimTime, u64, T)> + use<T, N> {
        let mut all: Vec<_> = self.entries().map(|e| (e.at, e.seq.get(), e.item)).collect();
        all.sort_by_key(|(at, seq, _)| (*at, *seq));
        all.into_iter()
    }

    /// Forgets everything: the queue is as new, at time zero, but keeps its memory.
    pub fn clear(&mut self) {
        for slot in &mut self.slots {
            slot.clear();
        }
        *self = EventQueue { slots: std::mem::take(&mut self.slots), ..Self::default() };
    }

    /// [`Self::search`] where it is rare.
    #[cold]
    fn look(&self) -> Head {
        self.search()
    }

    /// The earliest event of the lowest slot; of several, the one pushed first.
    #[inline(always)]
    fn search(&self) -> Head {
        let (level, slot) = self.lowest();
        let list = &self.slots[slot];
        let mut index = self.front;
        if level > 0 {
            let mut least = list[0].at;
            for (i, entry) in list.iter().enumerate().skip(1) {
                if entry.at < least {
                    (least, index) = (entry.at, i);
                }
            }
        }
        Head { at: list[index].at, seq: list[index].seq.get(), index }
    }

    /// The level and the number of the slot with the next event. Something must be pending.
    #[inline(always)]
    fn lowest(&self) -> (usize, usize) {
        let level = self.levels.trailing_zeros() as usize;
        (level, level * SLOTS + self.used[level].trailing_zeros() as usize)
    }

    /// Puts an event into its slot; returns its index there.
    #[inline(always)]
    fn place(&mut self, entry: Entry<T, N>) -> usize {
        let differs = (entry.at.0 ^ self.base.0) | 1;
        let level = differs.ilog2() / BITS;
        let digit = (entry.at.0 >> (level * BITS)) as usize % SLOTS;
        let level = level as usize;
        self.levels |= 1 << level;
        self.used[level] |= 1 << digit;
        let list = &mut self.slots[level * SLOTS + digit];
        let index = list.len();
        if index == list.capacity() {
            grow(list, entry);
        } else {
            list.push(entry);
        }
        index
    }

    #[inline]
    fn unmark(&mut self, level: usize, slot: usize) {
        self.used[level] &= !(1 << (slot % SLOTS));
        if self.used[level] == 0 {
            self.levels &= !(1 << level);
        }
    }

    /// Moves the lowest slot's events to the levels below, which are empty, from `base` on. They stay in push order.
    #[cold]
    fn spread(&mut self, level: usize, slot: usize, base: SimTime) {
        self.base = base;
        self.unmark(level, slot);
        let mut list = std::mem::take(&mut self.slots[slot]);
        for entry in list.drain(..) {
            self.place(entry);
        }
        self.put_back(slot, list);
    }

    /// Leaves a slot empty, with its memory unless that is much.
    #[inline]
    fn put_back(&mut self, slot: usize, mut list: Vec<Entry<T, N>>) {
        if list.capacity() * size_of::<Entry<T, N>>() <= KEPT_BYTES {
            list.clear();
            self.slots[slot] = list;
        }
    }

    /// All pending events; those of one instant in push order.
    fn entries(&self) -> impl Iterator<Item = &Entry<T, N>> {
        let front = if self.front > 0 { self.lowest().1 } else { 0 };
        let popped = move |slot| if slot == front { self.front } else { 0 };
        self.slots.iter().enumerate().flat_map(move |(slot, list)| &list[popped(slot)..])
    }

    /// Turns time back, for what must not happen.
    #[cold]
    fn rewind(&mut self, to: SimTime) {
        let all: Vec<_> = self.entries().copied().collect();
        let (len, next_seq) = (self.len, self.next_seq);
        self.clear();
        (self.base, self.now, self.len, self.next_seq) = (to, to, len, next_seq);
        for entry in all {
            self.place(entry);
        }
    }
}

/// A long slot grows by an eighth: where millions of timers are pending, doubled slots would hold room for millions more.
#[cold]
fn grow<T, N>(list: &mut Vec<Entry<T, N>>, entry: Entry<T, N>) {
    if list.len() >= DOUBLED {
        list.reserve_exact(list.len() / 8);
    }
    list.push(entry);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn drain<T: Copy>(q: &mut EventQueue<T>) -> Vec<(u64, u64, T)> {
        std::iter::from_fn(|| q.pop()).map(|(at, seq, item)| (at.0, seq, item)).collect()
    }

    #[test]
    fn events_of_one_instant_come_out_in_push_order() {
        let mut q = EventQueue::new();
        for seq in 0..10_000 {
            q.push(SimTime(1_000_000 + seq % 3), seq, seq);
        }
        let order = drain(&mut q);
        assert_eq!(order.len(), 10_000);
        assert!(order.is_sorted_by_key(|e| (e.0, e.1)));
        assert!(order.iter().all(|e| e.1 == e.2));
    }

    #[test]
    fn what_is_pushed_for_now_comes_after_what_was_due_now_already() {
        let mut q = EventQueue::new();
        for seq in 0..3 {
            q.push(SimTime(70), seq, 'a');
        }
        assert_eq!(q.pop(), Some((SimTime(70), 0, 'a')));
        q.push(SimTime(70), 3, 'b');
        q.push(SimTime(71), 4, 'c');
        assert_eq!(q.iter_pending().map(|e| e.1).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(drain(&mut q), [(70, 1, 'a'), (70, 2, 'a'), (70, 3, 'b'), (71, 4, 'c')]);
    }

    #[test]
    fn looking_at_the_head_does_not_keep_an_earlier_event_out() {
        let mut q = EventQueue::new();
        q.push(SimTime(1 << 40), 0, ());
        assert_eq!(q.peek(), Some((SimTime(1 << 40), 0)));
        q.push(SimTime(5), 1, ());
        assert_eq!(q.peek(), Some((SimTime(5), 1)));
        assert_eq!(drain(&mut q), [(5, 1, ()), (1 << 40, 0, ())]);
        assert_eq!((q.peek(), q.pop()), (None, None));
    }

    #[test]
    fn the_end_of_time_is_a_time() {
        let mut q = EventQueue::new();
        q.push(SimTime::NEVER, 0, 0);
        q.push(SimTime(u64::MAX - 1), 1, 1);
        q.push(SimTime::ZERO, 2, 2);
        assert_eq!(drain(&mut q), [(0, 2, 2), (u64::MAX - 1, 1, 1), (u64::MAX, 0, 0)]);
    }

    #[test]
    fn a_cleared_queue_is_as_new() {
        let mut q = EventQueue::new();
        (0..100).for_each(|seq| q.push(SimTime(1_000 * (seq / 9)), seq, seq));
        (0..5).for_each(|_| assert!(q.pop().is_some()));
        q.clear();
        assert_eq!((q.len(), q.peek(), q.iter_pending().count()), (0, None, 0));
        q.push(SimTime(3), 0, 7);
        assert_eq!(drain(&mut q), [(3, 0, 7)]);
    }

    #[test]
    fn a_crowd_leaves_no_memory_behind() {
        let mut q = EventQueue::new();
        for seq in 0..50_000 {
            q.push(SimTime(900_000_000_000 + seq * 7_919 % 50_000), seq, [seq; 2]);
        }
        assert_eq!(drain(&mut q).len(), 50_000);
        let kept: usize = q.slots.iter().map(|slot| slot.capacity() * size_of::<Entry<[u64; 2], u64>>()).sum();
        assert!(kept <= 3 * SLOTS * KEPT_BYTES, "{kept} bytes");
        assert!(q.slots.iter().all(|slot| slot.capacity() * size_of::<Entry<[u64; 2], u64>>() <= KEPT_BYTES));
    }

    #[test]
    fn a_queue_turned_back_keeps_everything_in_order() {
        let mut q = EventQueue::new();
        (0..200).for_each(|seq| q.push(SimTime(100 + seq / 7 * 50), seq, seq));
        let mut expected: Vec<_> = (0..200).map(|seq| (100 + seq / 7 * 50, seq, seq)).collect();
        assert_eq!((0..3).filter_map(|_| q.pop()).count(), 3);
        q.rewind(SimTime(7));
        q.push(SimTime(7), 200, 200);
        expected.splice(0..3, [(7, 200, 200)]);
        assert_eq!(q.len(), expected.len());
        assert_eq!(drain(&mut q), expected);
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "already")]
    fn an_event_of_the_past_is_a_bug_of_the_caller() {
        let mut q = EventQueue::new();
        q.push(SimTime(10), 0, ());
        q.pop();
        q.push(SimTime(9), 1, ());
    }

    #[derive(Clone, Debug)]
    enum Step {
        Push(u64),
        Pop,
        Peek,
    }

    /// Delays of every size, often the same ones.
    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            1 => Just(Step::Push(0)),
            2 => (0u64..4).prop_map(|n| Step::Push(n * 5_000)),
            2 => (0u32..50, 0u64..8).prop_map(|(shift, n)| Step::Push(n << shift)),
            1 => (0u64..100).prop_map(Step::Push),
            3 => Just(Step::Pop),
            1 => Just(Step::Peek),
        ]
    }

    /// Runs the steps on a queue and on an ordered map; `now` is the time popped last, `seq` the next number.
    fn agree(
        q: &mut EventQueue<u64>,
        model: &mut BTreeMap<(u64, u64), u64>,
        now: &mut u64,
        seq: &mut u64,
        steps: &[Step],
    ) {
        for step in steps {
            match step {
                Step::Push(delay) => {
                    q.push(SimTime(*now + delay), *seq, *seq * 3);
                    model.insert((*now + delay, *seq), *seq * 3);
                    *seq += 1;
                }
                Step::Peek => {
                    assert_eq!(q.peek(), model.keys().next().map(|&(at, n)| (SimTime(at), n)));
                }
                Step::Pop => {
                    let popped = q.pop().map(|(at, n, item)| ((at.0, n), item));
                    *now = popped.map_or(*now, |e| e.0.0);
                    assert_eq!(popped, model.pop_first());
                }
            }
            assert_eq!((q.len(), q.is_empty()), (model.len(), model.is_empty()));
        }
        let pending: Vec<_> = q.iter_pending().map(|(at, n, item)| ((at.0, n), item)).collect();
        assert_eq!(pending, model.iter().map(|(&k, &v)| (k, v)).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn any_pushes_and_pops_agree_with_an_ordered_map(
            before in proptest::collection::vec(step(), 0..400),
            after in proptest::collection::vec(step(), 0..400),
        ) {
            let (mut q, mut model, mut now, mut seq) = (EventQueue::new(), BTreeMap::new(), 0, 0);
            agree(&mut q, &mut model, &mut now, &mut seq, &before);
            let (mut q2, mut model2, mut now2, mut seq2) = (q.clone(), model.clone(), now, seq);
            agree(&mut q, &mut model, &mut now, &mut seq, &after);
            // The copy is not disturbed by what the first one did meanwhile, and goes the same way.
            agree(&mut q2, &mut model2, &mut now2, &mut seq2, &after);
            prop_assert_eq!((now, seq), (now2, seq2));
            let order = drain(&mut q);
            prop_assert_eq!(&order, &drain(&mut q2));
            prop_assert_eq!(order.len(), model.len());
        }
    }
}
