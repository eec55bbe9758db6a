//! What the parser makes of a script: an immutable tree behind `Arc`, so that frames of a stopped shell share it.

use std::sync::{Arc, OnceLock};

/// Commands one after another.
pub type List = Arc<Vec<Arc<AndOr>>>;

/// Pipelines joined by `&&` and `||`, perhaps in the background.
#[derive(Debug)]
pub struct AndOr {
    pub first: Arc<Pipeline>,
    /// `true` for `&&`.
    pub rest: Vec<(bool, Arc<Pipeline>)>,
    pub background: bool,
    /// As it was typed, for `jobs`.
    pub text: String,
}

/// Commands joined by `|`.
#[derive(Debug)]
pub struct Pipeline {
    pub bang: bool,
    pub timed: bool,
    /// The flag: standard error goes into the pipe as well (`|&`).
    pub stages: Vec<(Arc<Command>, bool)>,
}

/// A command with its redirections.
#[derive(Debug)]
pub struct Command {
    pub line: u32,
    pub kind: Kind,
    pub redirs: Vec<Redir>,
}

/// The kinds of commands.
#[derive(Debug)]
pub enum Kind {
    Simple { assigns: Vec<Assign>, words: Vec<Arg> },
    Group(List),
    Subshell(List),
    If { arms: Vec<(List, List)>, otherwise: Option<List> },
    While { until: bool, cond: List, body: List },
    For { var: String, words: Option<Vec<Word>>, body: List },
    ArithFor { init: Word, cond: Word, step: Word, body: List },
    Case { word: Word, arms: Vec<Arm> },
    Arith(Word),
    Cond(Cond),
    Function { name: String, body: Arc<Command> },
}

/// One arm of a `case`.
#[derive(Debug)]
pub struct Arm {
    pub patterns: Vec<Word>,
    pub body: List,
    pub then: ArmEnd,
}

/// How an arm of a `case` ends: `;;`, `;&`, `;;&`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArmEnd {
    Leave,
    Fall,
    TestNext,
}

/// An argument: `local x=1` and its like take assignments.
#[derive(Debug)]
pub enum Arg {
    Word(Word),
    Assign(Assign),
}

/// `name=value`, `name[index]+=value`, `name=(…)`.
#[derive(Debug)]
pub struct Assign {
    pub name: String,
    pub index: Option<Word>,
    pub append: bool,
    pub value: Value,
}

/// The right side of an assignment.
#[derive(Debug)]
pub enum Value {
    Scalar(Word),
    Array(Vec<(Option<Word>, Word)>),
}

/// A redirection.
#[derive(Debug)]
pub struct Redir {
    pub fd: Option<u32>,
    pub kind: RedirKind,
    pub target: Word,
    /// The body of a here-document, read after the line.
    pub here: Arc<OnceLock<Word>>,
}

/// The kinds of redirections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirKind {
    Read,
    Write,
    Append,
    ReadWrite,
    DupIn,
    DupOut,
    Both,
    BothAppend,
    HereString,
    HereDoc,
}

/// A word before expansion.
#[derive(Debug, Default)]
pub struct Word {
    pub parts: Vec<Part>,
    /// As it was typed.
    pub raw: String,
}

/// A piece of a word.
#[derive(Debug)]
pub enum Part {
    /// Unquoted text: braces, tildes and patterns count.
    Text(String),
    /// Text between single quotes or behind a backslash.
    Quoted(String),
    /// Between double quotes.
    Double(Vec<Part>),
    /// `$x`, `${…}`.
    Param(Box<Param>),
    /// `$(…)` or back-ticks; the flag: `$(< file)`.
    Command(List),
    /// `$(( … ))`.
    Arith(Vec<Part>),
    /// `~` or `~name` at the beginning.
    Tilde(String),
    /// `${…}` that makes no sense: an error when it is reached.
    Bad(String),
}

/// A parameter expansion.
#[derive(Debug)]
pub struct Param {
    pub name: String,
    pub index: Option<Index>,
    pub indirect: bool,
    pub op: Op,
    pub raw: String,
}

/// `[…]` behind a name.
#[derive(Debug)]
pub enum Index {
    /// `[@]`.
    All,
    /// `[*]`.
    Joined,
    At(Vec<Part>),
}

/// What is done with the value.
#[derive(Debug)]
pub enum Op {
    Plain,
    /// `${#x}`.
    Length,
    /// `${!x[@]}`.
    Keys,
    /// `${!x*}`.
    Names,
    /// `-`, `=`, `?`, `+`; the flag: empty counts as unset (`:-`).
    Test(u8, bool, Vec<Part>),
    /// `#` or `%`; the flag: the longest.
    Strip(u8, bool, Vec<Part>),
    /// Where (0, `/`, `#`, `%`), pattern, replacement.
    Replace(u8, Vec<Part>, Vec<Part>),
    Substring(Vec<Part>, Option<Vec<Part>>),
    /// `^` or `,`; the flag: every character.
    Case(u8, bool, Vec<Part>),
    /// `@Q`, `@U`, `@u`, `@L`.
    Transform(u8),
}

/// `[[ … ]]`.
#[derive(Debug)]
pub enum Cond {
    Not(Box<Cond>),
    And(Box<Cond>, Box<Cond>),
    Or(Box<Cond>, Box<Cond>),
    Unary(String, Word),
    Binary(Word, String, Word),
    Word(Word),
}
