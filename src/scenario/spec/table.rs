//! The tables that the format is made of: each map of a file is an [`Element`] with a [`Row`] for each of its keys.
//!
//! The parser reads by them: a key that has no row cannot be asked for, and a key's value is read by the very [`Form`] whose
//! [`Shape`] the schema and the book are made of ([`schema`](crate::scenario::schema)).

use crate::lang::Text;
use crate::scenario::problem::Problems;
use crate::scenario::tree::Node;

/// Reads a value; what is wrong with it is told.
pub(crate) type Reader<T> = fn(&Node<'_>, &mut Problems) -> Option<T>;

/// How a value is read, beside what may be written.
pub(crate) struct Form<T> {
    pub read: Reader<T>,
    pub shape: fn() -> Shape,
}

/// A key and how its value is read.
pub(crate) struct Field<T: 'static> {
    pub row: Row,
    pub read: Reader<T>,
}

/// A key: what may be its value, and what people are told of it.
#[derive(Debug)]
pub(crate) struct Row {
    pub key: &'static str,
    pub shape: fn() -> Shape,
    /// What it means, in a sentence or two without a point at the end.
    pub about: &'static str,
    /// It must be there; if it is not, this is what to do.
    pub need: Option<fn() -> Text>,
    /// What it is unless it is said, as it would be written.
    pub default: Option<&'static str>,
}

/// A row whose value is read by hand, as maps and lists of maps are.
pub(crate) const fn row(key: &'static str, shape: fn() -> Shape, about: &'static str) -> Row {
    Row { key, shape, about, need: None, default: None }
}

/// A key with the form of its value.
pub(crate) const fn field<T>(key: &'static str, form: Form<T>, about: &'static str) -> Field<T> {
    Field { row: row(key, form.shape, about), read: form.read }
}

impl Row {
    /// The same of a key that must be there.
    pub const fn need(mut self, remedy: fn() -> Text) -> Self {
        self.need = Some(remedy);
        self
    }
}

impl<T> Field<T> {
    /// The same of a key that must be there.
    pub const fn need(mut self, remedy: fn() -> Text) -> Self {
        self.row.need = Some(remedy);
        self
    }

    /// The same of a key that has a value unless it is said.
    pub const fn default(mut self, written: &'static str) -> Self {
        self.row.default = Some(written);
        self
    }
}

/// A map of the file.
#[derive(Debug)]
pub(crate) struct Element {
    /// Its name in the schema and the book.
    pub name: &'static str,
    /// What it describes, as problems say it, such as "a node".
    pub what: fn() -> Text,
    /// The same in a sentence, for people who look at the format.
    pub about: &'static str,
    /// Such a map.
    pub example: &'static str,
    /// Its keys; groups of them belong to several elements.
    pub keys: &'static [&'static [&'static Row]],
    /// What keys have to do with each other.
    pub rules: &'static [Rule],
    /// Cases that have keys of their own; the first whose condition holds is meant.
    pub cases: &'static [Case],
    /// Keys that begin so may be there, too, and are nobody's business.
    pub free: Option<&'static str>,
    /// What is not said stays as it is: the defaults of its keys do not count here.
    pub keeps: bool,
}

/// What most elements leave unsaid.
pub(crate) const PLAIN: Element = Element {
    name: "",
    what: Text::none,
    about: "",
    example: "",
    keys: &[],
    rules: &[],
    cases: &[],
    free: None,
    keeps: false,
};

/// One case of an element.
#[derive(Debug)]
pub(crate) struct Case {
    pub when: When,
    pub element: &'static Element,
}

/// Which case an element is.
#[derive(Debug)]
pub(crate) enum When {
    /// One of these keys is there.
    Has(&'static [&'static str]),
    /// The key has this value.
    Is(&'static str, &'static str),
    /// None of the conditions before holds.
    Otherwise,
}

/// What keys of one map have to do with each other.
#[derive(Debug)]
pub(crate) enum Rule {
    /// Exactly one of them.
    One(&'static [&'static str]),
    /// One of them, or none.
    AtMostOne(&'static [&'static str]),
    /// One of them, or several.
    Some(&'static [&'static str]),
    /// Exactly one of them; none, too, if the last key is there.
    OneUnless(&'static [&'static str], &'static str),
    /// The first leaves no room for the others.
    Alone(&'static str, &'static [&'static str]),
    /// There must be a key.
    NotEmpty,
}

impl Element {
    /// The rows of its own keys.
    pub fn rows(&self) -> impl Iterator<Item = &'static Row> {
        self.keys.iter().flat_map(|group| group.iter().copied())
    }

    /// Whether it has this key, in one of its cases at least.
    pub fn has(&self, key: &str) -> bool {
        self.rows().any(|row| row.key == key) || self.cases.iter().any(|case| case.element.has(key))
    }

    /// The keys that this element has and the other has not.
    pub fn beyond(&'static self, other: &'static Element) -> impl Iterator<Item = &'static str> {
        self.rows().map(|row| row.key).filter(|key| !other.has(key))
    }
}

/// What may be written for a value.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// A scalar with a form of its own.
    Scalar(&'static Scalar),
    /// A whole number between two, both included.
    Whole(u64, u64),
    /// A decimal number between two, in millionths.
    Decimal(u64, u64),
    /// One of these words.
    Words(Vec<&'static str>),
    /// A map.
    Map(&'static Element),
    /// A map whose keys are names, with a value for each.
    Named(Names, Box<Shape>),
    /// A list of so many.
    List(Box<Shape>, usize, usize),
    /// A list with a form for each place; the number says how many must be there.
    Tuple(Vec<Shape>, usize),
    /// One of these.
    Either(Vec<Shape>),
    /// It may be left empty.
    OrNothing(Box<Shape>),
    /// A value alone, or a list of them; `true`: at least one.
    OneOrMore(Box<Shape>, bool),
}

/// The names that are keys of a map.
#[derive(Clone, Debug)]
pub(crate) enum Names {
    /// Of this form, but none of these words.
    Form(&'static Scalar, &'static [&'static str]),
    /// These words only.
    Words(Vec<&'static str>),
    /// Any.
    Any,
    /// Some are of their own, with shapes of their own; the others are of the form.
    Special(&'static Scalar, &'static [&'static str], Vec<(&'static str, Shape)>),
    /// Those of the kernel's variables.
    Sysctls,
}

impl Shape {
    /// A list of maps, or nothing.
    pub fn items(element: &'static Element) -> Shape {
        Shape::OrNothing(Box::new(Shape::List(Box::new(Shape::Map(element)), 0, usize::MAX)))
    }

    /// A map, or nothing.
    pub fn map_or_nothing(element: &'static Element) -> Shape {
        Shape::OrNothing(Box::new(Shape::Map(element)))
    }
}

/// A scalar with a form of its own.
#[derive(Debug)]
pub(crate) struct Scalar {
    /// Its name in the schema.
    pub name: &'static str,
    /// Its name for people, such as "duration".
    pub title: &'static str,
    /// What it means and how it is written.
    pub about: &'static str,
    /// Some of them, as they are written.
    pub examples: &'static [&'static str],
    /// What YAML may take it for, besides text.
    pub also: Also,
    /// What text looks like; nothing: any text.
    pub pattern: Option<fn() -> String>,
    /// What text must not look like.
    pub not: Option<&'static str>,
    /// The most letters.
    pub longest: Option<usize>,
}

/// What a plain scalar is to YAML where text is wanted: `5` is a number, `true` is no word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Also {
    /// Text only.
    Nothing,
    /// A whole number between two.
    Whole(u64, u64),
    /// A number between two, in millionths.
    Decimal(u64, u64),
    /// True and false.
    Boolean,
    /// Numbers, true and false: everything that is one value.
    Anything,
    /// Whole numbers from 0, true and false.
    Names,
}

/// What most scalars leave unsaid.
pub(crate) const TEXT_ONLY: Scalar = Scalar {
    name: "",
    title: "",
    about: "",
    examples: &[],
    also: Also::Nothing,
    pattern: None,
    not: None,
    longest: None,
};
