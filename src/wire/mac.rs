//! Ethernet hardware addresses.

use crate::words_are_display;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// A 48-bit hardware address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mac(pub [u8; 6]);

/// As one word: a look-up for every frame.
impl Hash for Mac {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f] = self.0;
        state.write_u64(u64::from_be_bytes([0, 0, a, b, c, d, e, f]));
    }
}

impl Mac {
    /// `ff:ff:ff:ff:ff:ff`.
    pub const BROADCAST: Mac = Mac([0xff; 6]);
    /// `00:00:00:00:00:00`: what a request carries as target, and what devices without Ethernet have.
    pub const ZERO: Mac = Mac([0; 6]);

    /// Whether the group bit is set (broadcast is).
    #[inline]
    pub fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

words_are_display!(Mac);

impl FromStr for Mac {
    type Err = String;

    /// Reads six hexadecimal pairs joined by colons, as the tools print them.
    fn from_str(text: &str) -> Result<Mac, String> {
        let mut bytes = [0u8; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let part = parts.next().filter(|p| (1..=2).contains(&p.len()));
            *byte = part.and_then(|p| u8::from_str_radix(p, 16).ok()).ok_or_else(|| bad(text))?;
        }
        if parts.next().is_some() { Err(bad(text)) } else { Ok(Mac(bytes)) }
    }
}

fn bad(text: &str) -> String {
    format!("`{text}` is no hardware address; write six pairs such as 02:00:00:00:00:01")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mac_reads_back_what_it_prints() {
        let mac: Mac = "02:00:00:00:0a:ff".parse().expect("six pairs");
        assert_eq!(mac.to_string(), "02:00:00:00:0a:ff");
        assert!("02:00:00:00:0a".parse::<Mac>().is_err());
        assert!("02:00:00:00:0a:ff:00".parse::<Mac>().is_err());
        assert!("02:00:00:00:0a:fg".parse::<Mac>().is_err());
    }
}
