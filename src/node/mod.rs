//! One box on the wire: a host or a switch.
//!
//! A box is told what happens to it ([`Input`]) and says what it does ([`Effect`]s, in order). It has no clock, no cable and
//! no randomness but what [`Cx`] hands it, so the engine alone decides what happens when.

pub mod app;
mod frames;
pub mod host;
pub mod switch;

pub use frames::{FrameId, Frames};
pub use host::Host;
pub use switch::Switch;

use crate::base::{DevIdx, NodeId, SimTime};
use crate::ipvs::SyncTimer;
use crate::trace::Tracer;
use crate::wire::emit::Words;
use crate::wire::{Frame, PacketId};
use std::sync::Arc;

/// The longest frame, in bytes, that a device with this MTU takes from its cable (`is_skb_forwardable`, net/core/dev.c): a
/// VLAN tag of 4 bytes has room. Left out: a bundle of TCP segments (GSO) passes in the kernel, however long; here each
/// segment is a frame.
#[inline]
pub const fn longest_frame(mtu: u32) -> u32 {
    mtu.saturating_add(Frame::HEADER + 4)
}

/// A box.
#[derive(Clone, Debug)]
pub enum Node {
    /// A Linux host, whatever its role: Linux has none, and the lessons of LVS come from that.
    Host(Box<Host>),
    /// A learning Ethernet switch.
    Switch(Box<Switch>),
}

/// What can happen to a box.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    /// A frame arrived.
    Frame {
        /// By this device.
        dev: DevIdx,
        /// The frame.
        frame: FrameId,
        /// The mark of [`Effect::Send`].
        confirm: bool,
    },
    /// A timer that was armed fired.
    Timer(TimerKey),
    /// The carrier came or went.
    Carrier {
        /// Of this device.
        dev: DevIdx,
        /// Whether it is there now.
        up: bool,
    },
}

/// What a box does.
#[derive(Clone, Copy, Debug)]
pub enum Effect {
    /// Puts a frame on the cable of a device.
    Send {
        /// The device.
        dev: DevIdx,
        /// The frame.
        frame: FrameId,
        /// The sending socket makes progress ([`Host`] confirms the next hop). No bit of the frame says so, but the kernel's
        /// buffer keeps the mark on its way through the virtual cables and switches of one machine.
        confirm: bool,
    },
    /// Takes the carrier from the other end of a device's cable, or gives it back: the device was taken down or up.
    Carrier {
        /// The device.
        dev: DevIdx,
        /// Whether it is up now.
        up: bool,
    },
    /// Wants its tunnels' packets to be taken up when the burst of frames is over that comes by a device now
    /// ([`TimerKey::Cells`]).
    Poll {
        /// The device.
        dev: DevIdx,
    },
    /// Wants to be woken.
    Arm {
        /// By this name.
        key: TimerKey,
        /// At this time.
        at: SimTime,
    },
}

/// Which of a box's timers. Timers are never taken back: the owner compares the generation, or looks at its own deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerKey {
    /// A neighbour entry.
    Neigh {
        /// Its number.
        entry: u32,
        /// Its timer's generation.
        generation: u32,
        /// Its level of the kernel's timer wheel.
        level: u8,
    },
    /// A TCP socket.
    Tcp {
        /// Its slot.
        slot: u32,
        /// Its generation.
        generation: u32,
        /// Its level of the kernel's timer wheel.
        level: u8,
    },
    /// An IPVS connection.
    Ipvs {
        /// Its slot.
        slot: u32,
        /// Its generation.
        generation: u32,
    },
    /// A synchronisation daemon of IPVS.
    IpvsSync(SyncTimer),
    /// A client's connection: give up, next request, close.
    Client {
        /// Its slot.
        slot: u32,
        /// Its generation.
        generation: u8,
    },
    /// A server has finished a piece of work.
    Server {
        /// Which piece.
        job: u32,
    },
    /// Of the requests that share a service's workers one may be done.
    Share {
        /// The service.
        place: u32,
    },
    /// Incomplete fragments.
    Fragments {
        /// Which packet.
        slot: u32,
        /// Its generation.
        generation: u32,
    },
    /// Packets that came out of tunnels.
    Cells {
        /// By this device.
        dev: DevIdx,
    },
    /// The processor has dealt with a frame.
    Backlog,
    /// A proxied ARP answer that was held back.
    ProxyArp {
        /// Which.
        slot: u32,
    },
    /// A shell or program on the host.
    Process {
        /// Which.
        pid: u32,
    },
}

impl TimerKey {
    /// The level of the kernel's timer wheel on which it waits, if it is one of those timers.
    #[inline]
    pub fn wheel_level(self) -> Option<u8> {
        match self {
            TimerKey::Tcp { level, .. } | TimerKey::Neigh { level, .. } => Some(level),
            _ => None,
        }
    }
}

/// What a box may touch besides itself.
#[derive(Debug)]
pub struct Cx<'a> {
    /// Now.
    pub now: SimTime,
    /// Which box it is.
    pub node: NodeId,
    /// Frames between boxes.
    pub frames: &'a mut Frames,
    /// What it does goes here, in order.
    pub out: &'a mut Vec<Effect>,
    /// Who listens.
    pub tracer: &'a mut Tracer,
    /// The next packet's story.
    pub ids: &'a mut PacketIds,
    /// Texts that packets say.
    pub texts: &'a mut Texts,
}

/// Gives every packet that is born a story of its own.
#[derive(Clone, Debug, Default)]
pub struct PacketIds(u32);

impl PacketIds {
    /// The next story.
    #[inline]
    pub fn draw(&mut self) -> PacketId {
        self.0 = self.0.wrapping_add(1);
        PacketId(self.0)
    }
}

/// What packets can say: the world's table of texts ([`crate::wire::Body::text`]), each once, of messages that are no text
/// ([`crate::wire::Body::bytes`]), and the boxes' names.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    texts: Vec<Arc<str>>,
    bytes: Vec<Arc<[u8]>>,
    nodes: Vec<Arc<str>>,
}

impl Texts {
    /// No texts yet, and these boxes.
    pub fn new(nodes: Vec<Arc<str>>) -> Texts {
        Texts { texts: Vec::new(), bytes: Vec::new(), nodes }
    }

    /// The number of a text, new or known.
    pub fn number(&mut self, text: &str) -> u32 {
        match self.texts.iter().position(|t| **t == *text) {
            Some(n) => n as u32,
            None => {
                self.texts.push(text.into());
                (self.texts.len() - 1) as u32
            }
        }
    }

    /// The number of a message that is no text. It is new: no two are alike.
    pub fn number_bytes(&mut self, bytes: Arc<[u8]>) -> u32 {
        self.bytes.push(bytes);
        (self.bytes.len() - 1) as u32
    }

    /// Every message that is no text, by number.
    pub fn all_bytes(&self) -> &[Arc<[u8]>] {
        &self.bytes
    }

    /// Every text, by number.
    pub fn all(&self) -> &[Arc<str>] {
        &self.texts
    }

    /// What payloads are spelt with.
    pub fn words(&self) -> Words<'_> {
        Words { nodes: &self.nodes, texts: &self.texts, bytes: &self.bytes }
    }
}

impl Node {
    /// Lets something happen to the box.
    #[inline]
    pub fn handle(&mut self, input: Input, cx: &mut Cx<'_>) {
        match self {
            Node::Host(host) => host.handle(input, cx),
            Node::Switch(switch) => switch.handle(input, cx),
        }
    }

    /// The host, if it is one.
    pub fn host(&self) -> Option<&Host> {
        match self {
            Node::Host(h) => Some(h),
            Node::Switch(_) => None,
        }
    }

    /// The host, to change it.
    pub fn host_mut(&mut self) -> Option<&mut Host> {
        match self {
            Node::Host(h) => Some(h),
            Node::Switch(_) => None,
        }
    }

    /// The box's name.
    pub fn name(&self) -> &Arc<str> {
        match self {
            Node::Host(h) => &h.name,
            Node::Switch(s) => &s.name,
        }
    }
}
