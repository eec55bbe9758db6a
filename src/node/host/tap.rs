//! Packet sockets on a host's devices: what `tcpdump` reads (net/packet/af_packet.c, with a ring of TPACKET_V3).
//!
//! A socket sees received frames before netfilter and sent ones after it, on one device or on all. It only listens: a
//! run is the same with it and without. The ring shows: a packet is handed over when its block is full or its time is
//! over, so that a program which is killed early has not read what its counters count. Left out: fanout, transmission
//! over the ring, time stamps of the hardware, what a dummy device swallows.

use super::Host;
use crate::base::{DevIdx, SimTime, Span, jiffies};
use crate::net::DevKind;
use crate::node::Cx;
use crate::trace::Dir;
use crate::wire::bpf::{Seen, Test};
use crate::wire::capture::{LinkType, PacketType, sll2_header};
use crate::wire::emit::{Sums, summed_frame_bytes, summed_ip_bytes};
use crate::wire::{Frame, IpPacket, L3, Mac};

/// What a program asks of a socket.
#[derive(Clone, Debug)]
pub struct TapRequest {
    /// The device; none: all of them.
    pub dev: Option<DevIdx>,
    /// What packets begin with.
    pub link: LinkType,
    /// Which packets are wanted.
    pub filter: Test,
    /// Bytes that are kept of each.
    pub snaplen: u32,
    /// How long a block may stay open; none: every packet is handed over at once.
    pub timeout: Option<Span>,
}

/// A packet that a socket kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// When it passed.
    pub at: SimTime,
    /// The device.
    pub dev: DevIdx,
    /// Whom it was for.
    pub kind: PacketType,
    /// What was kept of it.
    pub bytes: Vec<u8>,
    /// How long it was.
    pub len: u32,
}

/// What a socket counted (`PACKET_STATISTICS`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TapCounts {
    /// Packets that its filter took.
    pub received: u64,
    /// Those for which the ring had no room.
    pub dropped: u64,
}

/// A host's packet sockets.
#[derive(Clone, Debug, Default)]
pub struct Taps {
    list: Vec<Tap>,
    next: u32,
}

/// One packet socket with its ring.
#[derive(Clone, Debug)]
struct Tap {
    id: u32,
    request: TapRequest,
    /// The block that is being filled, and its bytes.
    open: Vec<Captured>,
    open_bytes: usize,
    /// Blocks that were closed and not read yet.
    closed: Vec<Captured>,
    closed_blocks: usize,
    /// When the block's timer fires next.
    timer: SimTime,
    counts: TapCounts,
}

/// What passes: a frame, or a packet without one.
#[derive(Clone, Copy)]
pub(super) enum Passing<'a> {
    Frame(&'a Frame),
    Packet(&'a IpPacket),
}

impl Taps {
    /// Whether anybody listens.
    #[inline]
    pub(super) fn any(&self) -> bool {
        !self.list.is_empty()
    }
}

impl Tap {
    /// Bytes of a block, and how many libpcap's ring of 2 MiB has.
    const BLOCK: usize = 262_144;
    const BLOCKS: usize = 8;
    /// Bytes before a block's first packet (`BLK_PLUS_PRIV`).
    const BLOCK_HEADER: usize = 48;

    /// Closes the block if its timer has fired (`prb_retire_rx_blk_timer_expired`).
    fn advance(&mut self, now: SimTime) {
        let Some(timeout) = self.request.timeout else { return };
        while self.timer <= now {
            if !self.open.is_empty() {
                self.close();
            }
            self.timer = jiffies::fires(self.timer, self.timer + timeout).0;
        }
    }

    fn close(&mut self) {
        self.closed.append(&mut self.open);
        self.closed_blocks += 1;
        self.open_bytes = 0;
    }

    /// Takes a packet (`tpacket_rcv`). True: the reader has something to wait for, or to read.
    fn take(&mut self, packet: Captured, now: SimTime) -> bool {
        self.counts.received += 1;
        let Some(timeout) = self.request.timeout else {
            self.closed.push(packet);
            return true;
        };
        self.advance(now);
        // The slot's header and address, room for a VLAN tag, the packet, aligned.
        let room = (100 + packet.bytes.len()).next_multiple_of(16);
        let mut wakes = self.open.is_empty();
        if self.open_bytes + room > Self::BLOCK - Self::BLOCK_HEADER {
            if self.closed_blocks + 1 >= Self::BLOCKS {
                self.counts.dropped += 1;
                return false;
            }
            self.close();
            self.timer = jiffies::fires(now, now + timeout).0;
            wakes = true;
        }
        self.open_bytes += room;
        self.open.push(packet);
        wakes
    }
}

impl Host {
    /// Opens a packet socket; its number.
    pub fn open_tap(&mut self, request: TapRequest, now: SimTime) -> u32 {
        let id = self.taps.next;
        self.taps.next += 1;
        let timer = request.timeout.map_or(SimTime::NEVER, |t| jiffies::fires(now, now + t).0);
        self.taps.list.push(Tap {
            id,
            request,
            open: Vec::new(),
            open_bytes: 0,
            closed: Vec::new(),
            closed_blocks: 0,
            timer,
            counts: TapCounts::default(),
        });
        id
    }

    /// Closes a packet socket.
    pub fn close_tap(&mut self, id: u32) {
        self.taps.list.retain(|t| t.id != id);
    }

    /// What a socket has counted.
    pub fn tap_counts(&self, id: u32) -> TapCounts {
        self.taps.list.iter().find(|t| t.id == id).map(|t| t.counts).unwrap_or_default()
    }

    /// The packets in closed blocks, and when the open one will be closed if there is something in it.
    pub fn read_tap(&mut self, id: u32, now: SimTime) -> (Vec<Captured>, Option<SimTime>) {
        let Some(tap) = self.taps.list.iter_mut().find(|t| t.id == id) else { return (Vec::new(), None) };
        tap.advance(now);
        tap.closed_blocks = 0;
        let waits = (!tap.open.is_empty()).then_some(tap.timer);
        (std::mem::take(&mut tap.closed), waits)
    }

    /// Something passes a device while somebody listens (`dev_queue_xmit_nit`, `deliver_skb`).
    #[cold]
    pub(super) fn tap(&mut self, dev: DevIdx, dir: Dir, passing: Passing<'_>, cx: &mut Cx<'_>) {
        let d = &self.net.devs[dev.index()];
        let (ethernet, own) = (!matches!(d.kind, DevKind::Ipip { .. }), d.mac);
        let hatype = arphrd(d.kind);
        let (bytes, kind, sender) = match passing {
            Passing::Frame(frame) => {
                let kind = match dir {
                    Dir::Out => PacketType::Outgoing,
                    Dir::In => PacketType::received(frame.dst, own),
                };
                (summed_frame_bytes(frame, cx.texts.words(), Sums::Offloaded), kind, Some(frame.src))
            }
            Passing::Packet(packet) => {
                let kind = if dir == Dir::Out { PacketType::Outgoing } else { PacketType::Host };
                let bytes = summed_ip_bytes(packet, cx.texts.words(), Sums::Offloaded);
                if ethernet {
                    // `lo` has Ethernet headers, with addresses of zeros.
                    let mut framed = vec![0; 12];
                    framed.extend_from_slice(&[8, 0]);
                    framed.extend_from_slice(&bytes);
                    (framed, kind, Some(Mac::ZERO))
                } else {
                    (bytes, kind, None)
                }
            }
        };
        let ifindex = dev.ifindex();
        for tap in &mut self.taps.list {
            if tap.request.dev.is_some_and(|d| d != dev) {
                continue;
            }
            let header = if ethernet { LinkType::En10mb.header() } else { 0 };
            let cooked = (tap.request.link == LinkType::LinuxSll2).then(|| {
                let ethertype =
                    if matches!(passing, Passing::Frame(Frame { l3: L3::Arp(_), .. })) { 0x0806 } else { 0x0800 };
                let mut cooked = sll2_header(ethertype, ifindex, hatype, kind, sender).to_vec();
                cooked.extend_from_slice(&bytes[header..]);
                cooked
            });
            let shown = cooked.as_ref().unwrap_or(&bytes);
            // The kernel's own length does not count the header that libpcap makes.
            let len = if cooked.is_some() { bytes.len() - header } else { bytes.len() };
            if !tap.request.filter.accepts(Seen { bytes: shown, len: len as u32, kind, ifindex }) {
                continue;
            }
            let kept = shown.len().min(tap.request.snaplen as usize);
            let packet = Captured { at: cx.now, dev, kind, bytes: shown[..kept].to_vec(), len: shown.len() as u32 };
            self.wake_programs |= tap.take(packet, cx.now);
        }
    }
}

/// The kind of hardware, as a cooked header and `/sys/class/net/*/type` number it (include/uapi/linux/if_arp.h).
fn arphrd(kind: DevKind) -> u16 {
    match kind {
        DevKind::Ethernet | DevKind::Dummy => 1,
        DevKind::Ipip { .. } => 768,
        DevKind::Loopback => 772,
    }
}
