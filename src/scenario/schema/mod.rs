//! The format as a JSON Schema (draft 2020-12) and as a page of the book, made of the tables that the parser reads by.
//!
//! An instance is the file as a YAML 1.2 reader gives it, aliases and merges (`<<`) carried out. What the schema takes the
//! parser reads, and the reverse, as far as a schema can see: [`BEYOND`] says what it cannot.

mod beyond;
mod convert;
mod json;
mod make;
mod page;
mod sysctls;

#[cfg(test)]
pub(super) mod tests;

pub use beyond::{BEYOND, Beyond, Why};

/// The version of the schema: it grows when programs that read the schema itself have to change.
pub const SCHEMA_VERSION: u64 = 1;

/// The schema as JSON, the same bytes always, with a newline at its end.
pub fn text() -> String {
    let mut text = make::schema().pretty();
    text.push('\n');
    text
}

/// A table of every key and of every form of value, in Markdown.
pub fn page() -> String {
    page::page()
}

/// Every key: its map, its name, what it takes, what it is unless said (or `needed`), what it means.
pub fn keys() -> Vec<[String; 5]> {
    page::keys()
}
