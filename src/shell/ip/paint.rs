//! `ip -c`: the colours of iproute2's lib/color.c on a dark background.

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    /// It is not.
    Plain,
    /// It is.
    Colours,
}

/// What a text is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ink {
    /// The name of an interface.
    Name,
    /// A hardware address.
    Mac,
    /// An IPv4 address.
    Inet,
    /// A state: UP and DOWN have colours, others none.
    State,
}

impl Paint {
    /// The text in its colour.
    pub fn on(self, ink: Ink, text: &str) -> String {
        let colour = match ink {
            _ if self == Paint::Plain => return text.to_string(),
            Ink::Name => 36,
            Ink::Mac => 33,
            Ink::Inet => 35,
            Ink::State => match text.trim_end() {
                "UP" => 32,
                "DOWN" => 31,
                _ => return text.to_string(),
            },
        };
        format!("\x1b[{colour}m{text}\x1b[0m")
    }
}
