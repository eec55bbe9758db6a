//! Which pending-event set? Candidates behind one trait, in the hold model: look at the head, pop it, push it again
//! later. Every queue must give the same order; the table is nanoseconds of CPU per peek+pop+push, best of five.
//!
//! Run `cargo bench --bench queue`; `-- MIX CANDIDATE SIZE` runs one cell only, as for callgrind.
//! The chosen one is [`lvsim::engine::queue`]; the others live only here.

use lvsim::base::SimTime;
use lvsim::engine::queue::EventQueue;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs;

/// What the candidates have in common.
trait Pending<T> {
    fn new() -> Self;
    fn push(&mut self, at: u64, seq: u64, item: T);
    fn peek(&mut self) -> Option<(u64, u64)>;
    fn pop(&mut self) -> Option<(u64, u64, T)>;
}

/// An event's load: a frame record (port and frame) or a timer record.
trait Load: Copy {
    fn of(n: u64) -> Self;
    fn word(&self) -> u64;
}

type Frame = [u64; 9];
type Timer = [u64; 2];

impl<const N: usize> Load for [u64; N] {
    fn of(n: u64) -> Self {
        [n; N]
    }
    fn word(&self) -> u64 {
        self[N - 1]
    }
}

// ---- where loads live when the queue holds only keys ----

struct Slab<T> {
    items: Vec<T>,
    free: Vec<u32>,
}

impl<T: Copy> Slab<T> {
    fn new() -> Self {
        Slab { items: Vec::new(), free: Vec::new() }
    }
    #[inline]
    fn put(&mut self, item: T) -> u32 {
        match self.free.pop() {
            Some(i) => {
                self.items[i as usize] = item;
                i
            }
            None => {
                self.items.push(item);
                (self.items.len() - 1) as u32
            }
        }
    }
    #[inline]
    fn take(&mut self, i: u32) -> T {
        self.free.push(i);
        self.items[i as usize]
    }
}

/// Any queue of slots, with the loads in a slab beside it.
struct Keyed<Q, T> {
    keys: Q,
    slab: Slab<T>,
}

impl<Q: Pending<u32>, T: Copy> Pending<T> for Keyed<Q, T> {
    fn new() -> Self {
        Keyed { keys: Q::new(), slab: Slab::new() }
    }
    #[inline]
    fn push(&mut self, at: u64, seq: u64, item: T) {
        let slot = self.slab.put(item);
        self.keys.push(at, seq, slot);
    }
    #[inline]
    fn peek(&mut self) -> Option<(u64, u64)> {
        self.keys.peek()
    }
    #[inline]
    fn pop(&mut self) -> Option<(u64, u64, T)> {
        let (at, seq, slot) = self.keys.pop()?;
        Some((at, seq, self.slab.take(slot)))
    }
}

/// An entry, ordered by time, then by number; the load does not count.
#[derive(Clone, Copy)]
struct Entry<T> {
    at: u64,
    seq: u64,
    item: T,
}

impl<T> Entry<T> {
    #[inline]
    fn key(&self) -> (u64, u64) {
        (self.at, self.seq)
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}
impl<T> Eq for Entry<T> {}
impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

// ---- std BinaryHeap ----

struct Std<T>(BinaryHeap<Reverse<Entry<T>>>);

impl<T: Copy> Pending<T> for Std<T> {
    fn new() -> Self {
        Std(BinaryHeap::new())
    }
    #[inline]
    fn push(&mut self, at: u64, seq: u64, item: T) {
        self.0.push(Reverse(Entry { at, seq, item }));
    }
    #[inline]
    fn peek(&mut self) -> Option<(u64, u64)> {
        self.0.peek().map(|e| e.0.key())
    }
    #[inline]
    fn pop(&mut self) -> Option<(u64, u64, T)> {
        self.0.pop().map(|Reverse(e)| (e.at, e.seq, e.item))
    }
}

// ---- 4-ary heap ----

struct Quad<T>(Vec<Entry<T>>);

impl<T: Copy> Pending<T> for Quad<T> {
    fn new() -> Self {
        Quad(Vec::new())
    }
    #[inline]
    fn push(&mut self, at: u64, seq: u64, item: T) {
        let heap = &mut self.0;
        let entry = Entry { at, seq, item };
        heap.push(entry);
        let mut i = heap.len() - 1;
        while i > 0 {
            let up = (i - 1) / 4;
            if heap[up] <= entry {
                break;
            }
            heap[i] = heap[up];
            i = up;
        }
        heap[i] = entry;
    }
    #[inline]
    fn peek(&mut self) -> Option<(u64, u64)> {
        self.0.first().map(Entry::key)
    }
    #[inline]
    fn pop(&mut self) -> Option<(u64, u64, T)> {
        let heap = &mut self.0;
        let last = heap.pop()?;
        let Some(&top) = heap.first() else {
            return Some((last.at, last.seq, last.item));
        };
        let (mut i, n) = (0, heap.len());
        loop {
            let first = 4 * i + 1;
            if first >= n {
                break;
            }
            let mut least = first;
            for child in first + 1..(first + 4).min(n) {
                if heap[child] < heap[least] {
                    least = child;
                }
            }
            if last <= heap[least] {
                break;
            }
            heap[i] = heap[least];
            i = least;
        }
        heap[i] = last;
        Some((top.at, top.seq, top.item))
    }
}

// ---- radix heap: a bucket for every highest bit that differs from the last popped time ----

struct Radix<T> {
    last: u64,
    used: u128,
    front: usize,
    least: [u64; 65],
    buckets: Vec<Vec<Entry<T>>>,
}

impl<T: Copy> Pending<T> for Radix<T> {
    fn new() -> Self {
        Radix { last: 0, used: 0, front: 0, least: [u64::MAX; 65], buckets: (0..65).map(|_| Vec::new()).collect() }
    }
    #[inline]
    fn push(&mut self, at: u64, seq: u64, item: T) {
        let b = (64 - (at ^ self.last).leading_zeros()) as usize;
        self.buckets[b].push(Entry { at, seq, item });
        self.least[b] = self.least[b].min(at);
        self.used |= 1 << b;
    }
    #[inline]
    fn peek(&mut self) -> Option<(u64, u64)> {
        if self.used == 0 {
            return None;
        }
        let b = self.used.trailing_zeros() as usize;
        if b == 0 {
            return Some(self.buckets[0][self.front].key());
        }
        let least = self.least[b];
        self.buckets[b].iter().find(|e| e.at == least).map(Entry::key)
    }
    #[inline]
    fn pop(&mut self) -> Option<(u64, u64, T)> {
        if self.used == 0 {
            return None;
        }
        let b = self.used.trailing_zeros() as usize;
        if b != 0 {
            self.last = self.least[b];
            self.least[b] = u64::MAX;
            self.used &= !(1 << b);
            let mut bucket = std::mem::take(&mut self.buckets[b]);
            for e in bucket.drain(..) {
                self.push(e.at, e.seq, e.item);
            }
            self.buckets[b] = bucket;
        }
        let e = self.buckets[0][self.front];
        self.front += 1;
        if self.front == self.buckets[0].len() {
            self.buckets[0].clear();
            self.front = 0;
            self.used &= !1;
            self.least[0] = u64::MAX;
        }
        Some((e.at, e.seq, e.item))
    }
}

// ---- the chosen one ----

impl<T: Copy> Pending<T> for EventQueue<T> {
    fn new() -> Self {
        EventQueue::new()
    }
    #[inline]
    fn push(&mut self, at: u64, seq: u64, item: T) {
        self.push(SimTime(at), seq, item);
    }
    #[inline]
    fn peek(&mut self) -> Option<(u64, u64)> {
        self.peek().map(|(at, seq)| (at.0, seq))
    }
    #[inline]
    fn pop(&mut self) -> Option<(u64, u64, T)> {
        self.pop().map(|(at, seq, item)| (at.0, seq, item))
    }
}

// ---- radix heap with digits of BITS bits, lists through one slab ----

#[derive(Clone, Copy)]
struct Node<T> {
    at: u64,
    seq: u64,
    item: T,
    next: u32,
}

const NIL: u32 = u32::MAX;

struct Lists<T, const BITS: u32> {
    last: u64,
    levels: u64,
    head: Option<(u64, u64)>,
    used: [u64; 64],
    /// First and last node of every digit; read only where `used` says so.
    slots: Vec<(u32, u32)>,
    nodes: Vec<Node<T>>,
    free: u32,
}

impl<T: Copy, const BITS: u32> Lists<T, BITS> {
    #[inline]
    fn place(&mut self, n: u32, at: u64) {
        let level = (63 - ((at ^ self.last) | 1).leading_zeros()) / BITS;
        let digit = (at >> (level * BITS)) & ((1 << BITS) - 1);
        let slot = ((level as usize) << BITS) + digit as usize;
        self.levels |= 1 << level;
        let used = &mut self.used[level as usize];
        if *used & (1 << digit) == 0 {
            *used |= 1 << digit;
            self.slots[slot] = (n, n);
        } else {
            let tail = self.slots[slot].1;
            self.nodes[tail as usize].next = n;
            self.slots[slot].1 = n;
        }
    }
    #[inline]
    fn lowest(&self) -> (usize, u32, usize) {
        let level = self.levels.trailing_zeros() as usize;
        let digit = self.used[level].trailing_zeros();
        (level, digit, (level << BITS) + digit as usize)
    }
    #[inline]
    fn unmark(&mut self, level: usize, digit: u32) {
        self.used[level] &= !(1 << digit);
        if self.used[level] == 0 {
            self.levels &= !(1 << level);
        }
    }
}

impl<T: Copy, const BITS: u32> Pending<T> for Lists<T, BITS> {
    fn new() -> Self {
        let slots = (64usize.div_ceil(BITS as usize)) << BITS;
        Lists {
            last: 0,
            levels: 0,
            head: None,
            used: [0; 64],
            slots: vec![(NIL, NIL); slots],
            nodes: Vec::new(),
            free: NIL,
        }
    }
    #[inline]
    fn push(&mut self, at: u64, seq: u64, item: T) {
        if self.head.is_some_and(|(t, _)| at < t) {
            self.head = Some((at, seq));
        }
        let node = Node { at, seq, item, next: NIL };
        let n = self.free;
        let n = if n == NIL {
            self.nodes.push(node);
            (self.nodes.len() - 1) as u32
        } else {
            let old = &mut self.nodes[n as usize];
            self.free = old.next;
            *old = node;
            n
        };
        self.place(n, at);
    }
    #[inline]
    fn peek(&mut self) -> Option<(u64, u64)> {
        if self.head.is_none() && self.levels != 0 {
            let (level, _, slot) = self.lowest();
            let mut n = self.slots[slot].0;
            let node = &self.nodes[n as usize];
            let mut least = (node.at, node.seq);
            if level != 0 {
                n = node.next;
                while n != NIL {
                    let node = &self.nodes[n as usize];
                    least = least.min((node.at, node.seq));
                    n = node.next;
                }
            }
            self.head = Some(least);
        }
        self.head
    }
    #[inline]
    fn pop(&mut self) -> Option<(u64, u64, T)> {
        let (at, _) = self.peek()?;
        self.head = None;
        let (mut level, mut digit, mut slot) = self.lowest();
        self.last = at;
        let (first, tail) = self.slots[slot];
        if level != 0 && first != tail {
            self.unmark(level, digit);
            let mut n = first;
            while n != NIL {
                let node = &mut self.nodes[n as usize];
                let (next, at) = (node.next, node.at);
                node.next = NIL;
                self.place(n, at);
                n = next;
            }
            (level, digit, slot) = self.lowest();
        }
        let (n, tail) = self.slots[slot];
        let node = &mut self.nodes[n as usize];
        let next = node.next;
        node.next = self.free;
        let out = (node.at, node.seq, node.item);
        self.free = n;
        if n == tail {
            self.unmark(level, digit);
        } else {
            self.slots[slot].0 = next;
        }
        Some(out)
    }
}

// ---- calendar: a ring of days, the current day sorted when it is opened ----

struct Calendar<T> {
    /// Sorted backwards: the next one is the last.
    today: Vec<Entry<T>>,
    days: Vec<Vec<Entry<T>>>,
    /// A day is `1 << width` long.
    width: u32,
    /// The number of the current day since time zero.
    day: u64,
    len: usize,
    /// Pops since the width was chosen, and the time of the first of them.
    pops: usize,
    since: u64,
}

impl<T: Copy> Calendar<T> {
    #[inline]
    fn put(&mut self, e: Entry<T>) {
        let day = e.at >> self.width;
        if day <= self.day {
            let i = self.today.partition_point(|o| *o > e);
            self.today.insert(i, e);
        } else {
            let ring = self.days.len() - 1;
            self.days[day as usize & ring].push(e);
        }
    }
    fn resize(&mut self, width: u32, now: u64) {
        let mut all = std::mem::take(&mut self.today);
        for day in &mut self.days {
            all.append(day);
        }
        self.days.resize_with(self.len.next_power_of_two().max(64), Vec::new);
        self.width = width;
        self.day = now >> width;
        (self.pops, self.since) = (0, now);
        for e in all {
            let day = e.at >> width;
            let ring = self.days.len() - 1;
            if day <= self.day { self.today.push(e) } else { self.days[day as usize & ring].push(e) }
        }
        self.today.sort_unstable_by(|a, b| b.cmp(a));
    }
    fn open(&mut self) {
        let ring = self.days.len() - 1;
        for _ in 0..self.days.len() {
            self.day += 1;
            let (day, width, today) = (self.day, self.width, &mut self.today);
            let list = &mut self.days[day as usize & ring];
            if !list.is_empty() {
                list.retain(|e| {
                    let now = e.at >> width == day;
                    if now {
                        today.push(*e);
                    }
                    !now
                });
                if !today.is_empty() {
                    today.sort_unstable_by(|a, b| b.cmp(a));
                    return;
                }
            }
        }
        // A year without an event: go to the earliest one.
        let least = self.days.iter().flatten().map(|e| e.at).min().unwrap_or(0);
        self.day = (least >> self.width) - 1;
        self.open();
    }
}

impl<T: Copy> Pending<T> for Calendar<T> {
    fn new() -> Self {
        Calendar {
            today: Vec::new(),
            days: (0..64).map(|_| Vec::new()).collect(),
            width: 12,
            day: 0,
            len: 0,
            pops: 0,
            since: 0,
        }
    }
    #[inline]
    fn push(&mut self, at: u64, seq: u64, item: T) {
        self.len += 1;
        self.put(Entry { at, seq, item });
        if self.len > 2 * self.days.len() {
            self.resize(self.width, self.day << self.width);
        }
    }
    #[inline]
    fn peek(&mut self) -> Option<(u64, u64)> {
        if self.today.is_empty() && self.len > 0 {
            self.open();
        }
        self.today.last().map(Entry::key)
    }
    #[inline]
    fn pop(&mut self) -> Option<(u64, u64, T)> {
        self.peek()?;
        let e = self.today.pop()?;
        self.len -= 1;
        self.pops += 1;
        if self.pops >= 4096 && self.pops > 2 * self.len {
            let gap = (e.at - self.since) / self.pops as u64;
            let width = (gap * 3).max(2).ilog2();
            (self.pops, self.since) = (0, e.at);
            if width.abs_diff(self.width) > 1 {
                self.resize(width, e.at);
            }
        }
        Some((e.at, e.seq, e.item))
    }
}

// ---- the mixes ----

/// xorshift64*: good enough to shuffle increments.
struct Dice(u64);

impl Dice {
    #[inline]
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32
    }
}

const MASK: u64 = 8191;

/// The increments of a mix, in nanoseconds.
fn increments(mix: &str) -> Vec<u64> {
    let mut dice = Dice(42);
    // 5 us of cable and switch, and a full or a small segment at 1 Gb/s; 1 ms for the distant ones.
    let link = |r: u64| [5_672, 5_576, 6_320, 17_304, 5_672, 50_672, 5_672, 1_005_672][r as usize & 7];
    let long = |r: u64| {
        let ms = [200, 200, 200, 1_000, 3_000, 5_000, 10_000, 60_000][r as usize & 7];
        ms * 1_000_000
    };
    let timer = |r: u64| {
        let ms = [200, 200, 200, 400, 1_000, 30_000, 60_000, 120_000, 300_000, 900_000][r as usize % 10];
        ms * 1_000_000 + 4_000 * (r >> 8 & 0xff)
    };
    (0..=MASK)
        .map(|i| {
            let r = dice.roll();
            match mix {
                "exp" => (-(1.0 - r as f64 / (1u64 << 32) as f64).ln() * 1e8) as u64,
                "net" if i % 4 == 0 => long(r),
                "net" | "frames" => link(r),
                _ => timer(r),
            }
        })
        .collect()
}

/// CPU nanoseconds of this thread. A moment's sleep makes the kernel bring the figure up to date.
fn cpu() -> u64 {
    std::thread::sleep(std::time::Duration::from_micros(1));
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("a Linux with scheduler statistics");
    text.split(' ').next().and_then(|n| n.parse().ok()).expect("schedstat begins with nanoseconds on the CPU")
}

/// Nanoseconds for an operation, and a digest of the order.
fn hold<Q: Pending<T>, T: Load>(steps: &[u64], n: usize) -> (f64, u64) {
    let mut dice = Dice(7);
    let mut q = Q::new();
    let longest = *steps.iter().max().expect("a mix has increments") + 1;
    let mut seq = 0;
    // The stationary state: what is pending at a random moment is biased by length, and partly over.
    while (seq as usize) < n {
        let step = steps[(dice.roll() & MASK) as usize];
        if (u128::from(dice.roll()) * u128::from(longest)) >> 32 <= u128::from(step) {
            q.push(((u128::from(step) * u128::from(dice.roll())) >> 32) as u64, seq, T::of(seq));
            seq += 1;
        }
    }
    let mut digest = 0u64;
    let mut turn = |q: &mut Q, ops: usize| {
        for _ in 0..ops {
            let head = q.peek();
            let (at, s, item) = q.pop().expect("the hold model never empties");
            debug_assert_eq!(head, Some((at, s)));
            digest = (digest.rotate_left(5) ^ at ^ s ^ item.word() ^ head.map_or(0, |h| h.1))
                .wrapping_mul(0x9e37_79b9_7f4a_7c15);
            q.push(at + steps[(dice.roll() & MASK) as usize], seq, T::of(seq));
            seq += 1;
        }
    };
    turn(&mut q, n.max(20_000));
    let ops = if n > 10_000 { 300_000 } else { 500_000 };
    let best = (0..5).map(|_| {
        let before = cpu();
        turn(&mut q, ops);
        cpu() - before
    });
    let best = best.min().expect("five passes") as f64 / ops as f64;
    (best, digest)
}

type Run = fn(&[u64], usize) -> (f64, u64);

fn candidates<T: Load>() -> Vec<(&'static str, Run)> {
    vec![
        ("std heap, inline", hold::<Std<T>, T>),
        ("std heap, keys + slab", hold::<Keyed<Std<u32>, T>, T>),
        ("4-ary heap, keys + slab", hold::<Keyed<Quad<u32>, T>, T>),
        ("calendar ring, keys + slab", hold::<Keyed<Calendar<u32>, T>, T>),
        ("radix heap, inline", hold::<Radix<T>, T>),
        ("radix heap, keys + slab", hold::<Keyed<Radix<u32>, T>, T>),
        ("radix 64-way, lists", hold::<Lists<T, 6>, T>),
        ("EventQueue, keys + slab", hold::<Keyed<EventQueue<u32>, T>, T>),
        ("EventQueue (inline)", hold::<EventQueue<T>, T>),
    ]
}

fn main() {
    let mut words = std::env::args().skip(1).filter(|a| !a.starts_with("--"));
    let (mix_is, name_is, size_is) = (words.next(), words.next(), words.next());
    let wanted = |want: &Option<String>, have: &str| want.as_deref().is_none_or(|w| w == have || w == "all");
    let sizes = [100, 1_000, 10_000, 100_000, 1_000_000];
    for mix in ["exp", "net", "frames", "timers"].into_iter().filter(|m| wanted(&mix_is, m)) {
        let rows = if mix == "timers" { candidates::<Timer>() } else { candidates::<Frame>() };
        let steps = increments(mix);
        println!("\n{mix:<28}{:>9}{:>9}{:>9}{:>9}{:>9}", "1e2", "1e3", "1e4", "1e5", "1e6");
        let mut order = [None; 5];
        for (name, run) in rows.into_iter().filter(|r| wanted(&name_is, r.0)) {
            print!("{name:<28}");
            for (i, &n) in sizes.iter().enumerate().filter(|(_, n)| wanted(&size_is, &n.to_string())) {
                let (ns, digest) = run(&steps, n);
                print!("{ns:>9.1}");
                assert_eq!(*order[i].get_or_insert(digest), digest, "{name} gives another order at {n}");
            }
            println!();
        }
    }
}
