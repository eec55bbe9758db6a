//! Values as few bytes and back, for what is put aside during one run of one program: no format for files, so it may change
//! with any version. Small numbers are short (LEB128, as in DWARF); what is random anyway has its full width.

use std::fmt;
use std::net::Ipv4Addr;

/// The bytes are not what was packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

/// Adds a number, seven bits a byte.
#[inline]
pub fn put_short(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Adds two bytes.
#[inline]
pub fn put_u16(out: &mut Vec<u8>, n: u16) {
    out.extend_from_slice(&n.to_le_bytes());
}

/// Adds four bytes.
#[inline]
pub fn put_u32(out: &mut Vec<u8>, n: u32) {
    out.extend_from_slice(&n.to_le_bytes());
}

/// Adds an address.
#[inline]
pub fn put_addr(out: &mut Vec<u8>, addr: Ipv4Addr) {
    out.extend_from_slice(&addr.octets());
}

/// Takes values from the front of packed bytes, in the order in which they were put there.
#[derive(Clone, Copy, Debug)]
pub struct Unpack<'b>(pub &'b [u8]);

impl Unpack<'_> {
    /// The next bytes.
    ///
    /// # Errors
    /// If there are not so many; so do all others.
    #[inline]
    pub fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(Broken)?;
        self.0 = rest;
        Ok(*head)
    }

    /// A byte.
    ///
    /// # Errors
    /// See [`Unpack::bytes`].
    #[inline]
    pub fn u8(&mut self) -> Result<u8, Broken> {
        let [byte] = self.bytes()?;
        Ok(byte)
    }

    /// What [`put_u16`] put.
    ///
    /// # Errors
    /// See [`Unpack::bytes`].
    #[inline]
    pub fn u16(&mut self) -> Result<u16, Broken> {
        Ok(u16::from_le_bytes(self.bytes()?))
    }

    /// What [`put_u32`] put.
    ///
    /// # Errors
    /// See [`Unpack::bytes`].
    #[inline]
    pub fn u32(&mut self) -> Result<u32, Broken> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    /// What [`put_addr`] put.
    ///
    /// # Errors
    /// See [`Unpack::bytes`].
    #[inline]
    pub fn addr(&mut self) -> Result<Ipv4Addr, Broken> {
        Ok(Ipv4Addr::from(self.bytes::<4>()?))
    }

    /// What [`put_short`] put.
    ///
    /// # Errors
    /// See [`Unpack::bytes`]; also if it has more than 64 bits.
    #[inline]
    pub fn short(&mut self) -> Result<u64, Broken> {
        let mut n = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            n |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(n);
            }
        }
        Err(Broken)
    }

    /// The same, if it fits into the type that is wanted.
    ///
    /// # Errors
    /// See [`Unpack::short`]; also if it does not fit.
    #[inline]
    pub fn small<T: TryFrom<u64>>(&mut self) -> Result<T, Broken> {
        T::try_from(self.short()?).map_err(|_| Broken)
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what was put aside is damaged")
    }
}

impl std::error::Error for Broken {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_width_come_back_and_small_ones_are_short() {
        let all = [0, 1, 127, 128, 300, u64::from(u32::MAX), 1 << 62, u64::MAX];
        let mut out = Vec::new();
        all.iter().for_each(|n| put_short(&mut out, *n));
        put_u16(&mut out, 0x1234);
        put_u32(&mut out, 0xdead_beef);
        put_addr(&mut out, Ipv4Addr::new(10, 0, 0, 1));
        let mut from = Unpack(&out);
        assert_eq!(all.map(|_| from.short()), all.map(Ok));
        assert_eq!(from.u16(), Ok(0x1234));
        assert_eq!(from.u32(), Ok(0xdead_beef));
        assert_eq!(from.addr(), Ok(Ipv4Addr::new(10, 0, 0, 1)));
        assert_eq!(from.u8(), Err(Broken));
        let mut one = Vec::new();
        put_short(&mut one, 127);
        assert_eq!(one.len(), 1);
    }

    #[test]
    fn what_does_not_fit_is_broken_and_no_panic() {
        assert_eq!(Unpack(&[0xff; 11]).short(), Err(Broken));
        assert_eq!(Unpack(&[0x80]).short(), Err(Broken));
        let mut big = Vec::new();
        put_short(&mut big, 70_000);
        assert_eq!(Unpack(&big).small::<u16>(), Err(Broken));
        assert_eq!(Unpack(&big).small::<u32>(), Ok(70_000));
    }
}
