//! JSON as Python's `json` writes it, a line for each thing: a space after colons and commas, lists and maps whose rows
//! stand on lines of their own. Written row by row, so that no list is ever whole in memory.

use serde::Serialize;
use std::io::{self, Write};

/// A value on one line.
pub fn one<T: Serialize + ?Sized>(value: &T) -> String {
    let mut out = Vec::new();
    // Only maps with keys that are no text fail, and there is none.
    let _ = put(&mut out, value);
    String::from_utf8(out).unwrap_or_default()
}

/// The same, added to `out`.
///
/// # Errors
/// If `out` does not take it.
pub fn put<T: Serialize + ?Sized>(out: &mut (impl Write + ?Sized), value: &T) -> io::Result<()> {
    let mut ser = serde_json::Serializer::with_formatter(out, Spaced);
    value.serialize(&mut ser).map_err(io::Error::from)
}

struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_object_key<W: ?Sized + io::Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        w.write_all(if first { b"" } else { b", " })
    }
    fn begin_object_value<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        w.write_all(b": ")
    }
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        w.write_all(if first { b"" } else { b", " })
    }
}

/// A list or a map, a row a line.
pub struct Rows<'w> {
    out: &'w mut dyn Write,
    indent: &'static str,
    close: &'static [u8],
    any: bool,
}

impl<'w> Rows<'w> {
    /// A list that stands behind `indent`.
    ///
    /// # Errors
    /// If `out` does not take it; so do all others.
    pub fn list(out: &'w mut dyn Write, indent: &'static str) -> io::Result<Rows<'w>> {
        out.write_all(b"[")?;
        Ok(Rows { out, indent, close: b"]", any: false })
    }

    /// A map that stands behind `indent`.
    ///
    /// # Errors
    /// See [`Rows::list`].
    pub fn map(out: &'w mut dyn Write, indent: &'static str) -> io::Result<Rows<'w>> {
        out.write_all(b"{")?;
        Ok(Rows { out, indent, close: b"}", any: false })
    }

    /// Begins a row, which is then written to what comes back.
    ///
    /// # Errors
    /// See [`Rows::list`].
    pub fn row(&mut self) -> io::Result<&mut dyn Write> {
        self.out.write_all(if self.any { b",\n" } else { b"\n" })?;
        self.any = true;
        self.out.write_all(self.indent.as_bytes())?;
        self.out.write_all(b" ")?;
        Ok(self.out)
    }

    /// Begins a row of a map.
    ///
    /// # Errors
    /// See [`Rows::list`].
    pub fn key(&mut self, key: &str) -> io::Result<&mut dyn Write> {
        let out = self.row()?;
        put(out, key)?;
        out.write_all(b": ")?;
        Ok(out)
    }

    /// A row of a map with a value on one line.
    ///
    /// # Errors
    /// See [`Rows::list`].
    pub fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> io::Result<()> {
        put(self.key(key)?, value)
    }

    /// A row of a list.
    ///
    /// # Errors
    /// See [`Rows::list`].
    pub fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> io::Result<()> {
        put(self.row()?, value)
    }

    /// Ends it.
    ///
    /// # Errors
    /// See [`Rows::list`].
    pub fn end(self) -> io::Result<()> {
        if self.any {
            self.out.write_all(b"\n")?;
            self.out.write_all(self.indent.as_bytes())?;
        }
        self.out.write_all(self.close)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_on_lines_of_their_own_and_nothing_on_the_same_line() {
        let mut out = Vec::new();
        let mut map = Rows::map(&mut out, "").expect("memory");
        map.field("a", &[1, 2]).expect("memory");
        Rows::list(map.key("none").expect("memory"), " ").and_then(Rows::end).expect("memory");
        let mut list = Rows::list(map.key("some \"q\"").expect("memory"), " ").expect("memory");
        list.item(&serde_json::json!({ "x": 1.5, "y": null })).expect("memory");
        list.item("z").expect("memory");
        list.end().expect("memory");
        map.end().expect("memory");
        let expected =
            "{\n \"a\": [1, 2],\n \"none\": [],\n \"some \\\"q\\\"\": [\n  {\"x\": 1.5, \"y\": null},\n  \"z\"\n ]\n}";
        assert_eq!(String::from_utf8_lossy(&out), expected);
        assert_eq!(one(&("a", 1)), "[\"a\", 1]");
    }
}
