//! Packets as hexadecimal numbers and as text: `-x`, `-X`, `-A` (print-ascii.c).

use super::{Printer, rest};
use std::fmt::Write as _;

/// Bytes of a line.
const LINE: usize = 16;

impl Printer<'_> {
    /// After the line: what `-X`, `-x` or `-A` asks for, in this order. Given twice, with the link-layer header.
    pub(super) fn dump(&mut self, bytes: &[u8]) {
        let style = self.style;
        let shown = |times: u8, skip: usize| if times > 1 { bytes } else { rest(bytes, skip) };
        let skip = self.link_header;
        if style.hex_and_ascii > 0 {
            self.hex(shown(style.hex_and_ascii, skip), true);
        } else if style.hex > 0 {
            self.hex(shown(style.hex, skip), false);
        } else if style.ascii > 0 {
            let bytes = shown(style.ascii, skip);
            if !bytes.is_empty() {
                self.ascii(bytes);
            }
        }
    }

    /// What cannot be read is shown, unless the options show it anyway or `-q` asks for silence.
    pub(super) fn default_dump(&mut self, bytes: &[u8]) {
        let style = self.style;
        if style.quiet == 0 && style.hex == 0 && style.hex_and_ascii == 0 {
            self.hex(bytes, true);
        }
    }

    fn hex(&mut self, bytes: &[u8], with_ascii: bool) {
        for (n, line) in bytes.chunks(LINE).enumerate() {
            let mut numbers = String::new();
            for pair in line.chunks(2) {
                numbers.push(' ');
                for b in pair {
                    let _ = write!(numbers, "{b:02x}");
                }
            }
            let at = n * LINE;
            if with_ascii {
                let text: String = line.iter().map(|&b| if b.is_ascii_graphic() { b as char } else { '.' }).collect();
                self.push(format_args!("\n\t0x{at:04x}: {numbers:<40}  {text}"));
            } else {
                self.push(format_args!("\n\t0x{at:04x}: {numbers}"));
            }
        }
    }

    fn ascii(&mut self, bytes: &[u8]) {
        self.text("\n");
        for (n, &b) in bytes.iter().enumerate() {
            let left = bytes.len() - n - 1;
            match b {
                // At the end of a line it would only disturb a terminal.
                b'\r' if left > 1 && bytes[n + 1] != b'\n' => self.text("."),
                b'\r' => {}
                b'\t' | b' ' | b'\n' => self.out.push(b as char),
                graphic if graphic.is_ascii_graphic() => self.out.push(graphic as char),
                _ => self.text("."),
            }
        }
    }
}
