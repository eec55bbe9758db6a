//! What the parser refuses and no schema can see, with the reason.

/// Why a schema cannot see something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is about the text of the file; a schema sees the values that a YAML reader made of it.
    Text,
    /// It depends on another part of the file.
    Elsewhere,
    /// It compares or counts values.
    Sums,
    /// It depends on something outside the file.
    Outside,
}

impl Why {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Why::Text => "a schema sees values, not the text of the file",
            Why::Elsewhere => "it depends on another part of the file",
            Why::Sums => "a schema does not compare values, and does not count",
            Why::Outside => "it depends on something outside the file",
        }
    }
}

/// Something that the parser refuses and the schema takes.
#[derive(Debug)]
pub struct Beyond {
    /// The code of the problem.
    pub code: &'static str,
    /// A part of the problem's first line; nothing: every problem of this code. Empty: the line does not tell these from others.
    pub title: Option<&'static str>,
    /// What is refused.
    pub what: &'static str,
    /// Why a schema cannot see it.
    pub why: Why,
}

const fn all(code: &'static str, what: &'static str, why: Why) -> Beyond {
    Beyond { code, title: None, what, why }
}

const fn some(code: &'static str, title: &'static str, what: &'static str, why: Why) -> Beyond {
    Beyond { code, title: Some(title), what, why }
}

/// All of it, by code. Codes that are not here, and other problems of codes that are, the schema refuses as the parser does.
pub const BEYOND: &[Beyond] = &[
    all("E002", "a file that is too large", Why::Text),
    all("E003", "what is no YAML", Why::Text),
    all("E004", "tabs", Why::Text),
    all("E005", "byte-order marks", Why::Text),
    all("E006", "control characters", Why::Text),
    all("E007", "keys that stand twice", Why::Text),
    all("E008", "too many values, aliases that repeat too much", Why::Text),
    all("E009", "nesting without end", Why::Text),
    all("E010", "a second document", Why::Text),
    all("E011", "keys that are no words, `<<` of what is no map", Why::Text),
    all("E012", "interfaces that a node does not have", Why::Elsewhere),
    all("E013", "tags", Why::Text),
    some(
        "E015",
        "go on for ever",
        "`users` without an end: no `connections`, no `duration` of the run",
        Why::Elsewhere,
    ),
    some("E016", "one line of text", "a line of more than 4096 bytes, but not of so many letters", Why::Sums),
    some("E017", "the smaller one first", "`uniform` with the larger end first", Why::Sums),
    some("E017", "dwell times", "`mmpp` with more `rates` than `dwell`, or the reverse", Why::Sums),
    some("E017", "so is every dwell time", "`mmpp` whose rates are all 0, or with a `dwell` of 0s", Why::Sums),
    some("E017", "the times of `steps` grow", "`steps` in the wrong order, or all of rate 0", Why::Sums),
    some("E017", "the times of a trace never go back", "a trace in the wrong order", Why::Sums),
    some(
        "E017",
        "",
        "a number that is written otherwise than it is read: `1e3`, `0x10`, `1.0` for 1, seven digits after the point",
        Why::Text,
    ),
    some("E019", "a trace exclude each other", "`users` with a trace that is in a file", Why::Outside),
    some("E019", "`addresses` of", "`addresses` of several clients", Why::Elsewhere),
    some("E020", "not `1.", "`lvsim: 1.0`", Why::Text),
    some("E021", "cannot be a label", "a label that does not begin with its interface's name", Why::Elsewhere),
    some("E021", "", "a character beyond ASCII in a name that is no letter and no digit", Why::Text),
    all("E022", "names that are taken", Why::Elsewhere),
    some("E025", "a UDP", "a request or response of udp with more than 65507 bytes", Why::Elsewhere),
    some(
        "E027",
        "no network of source addresses",
        "`addresses` larger than /8, or with bits beyond the length",
        Why::Sums,
    ),
    all("E031", "cables from a thing to itself", Why::Elsewhere),
    all("E032", "two cables at one interface", Why::Elsewhere),
    some("E033", "has no cable", "`to: rs1:lo`", Why::Elsewhere),
    some(
        "E035",
        "does not take",
        "text that is a number out of a variable's range, or a pair that does not fit",
        Why::Sums,
    ),
    all("E036", "traffic that is not there", Why::Elsewhere),
    all("E038", "an address twice on one interface", Why::Elsewhere),
    all("E039", "cables that are not there", Why::Elsewhere),
    all("E040", "nodes that are not there", Why::Elsewhere),
    all("E041", "a switch where a host is wanted, or the reverse", Why::Elsewhere),
    all("E042", "addresses of a group that run out", Why::Sums),
    all("E043", "ends of a cable that disagree", Why::Elsewhere),
    all("E044", "ports that are served twice", Why::Elsewhere),
    all("E045", "a group where one node is wanted", Why::Elsewhere),
    all("E047", "a port that is not served there", Why::Elsewhere),
    all("E050", "a `--set` that cannot be understood", Why::Outside),
    all("E051", "a `--set` of something that is not there", Why::Outside),
    all("E052", "files that cannot be read", Why::Outside),
    all("E060", "more than lvsim simulates", Why::Sums),
    all("E061", "aliases without an anchor", Why::Text),
];
