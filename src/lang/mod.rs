//! Texts for people, as data: which message it is and what fills it. The reader's language makes words of it, late.
//!
//! The messages stand in one table per language, `en/*.ftl` and `zh/*.ftl`, in the syntax of Project Fluent. A text is made
//! with [`text!`](crate::text), or by [`Text::row`] for a row of one of lvsim's tables (a cause, a drop reason, a lint), and
//! said by [`Text::say`]. `Display` says it in English. There is no current language: whoever says a text names it.
//!
//! What is not a text: codes, keys of JSON, names of files and columns, and all that simulated programs print.

mod arg;
mod table;

pub use arg::{Arg, ToArg};
pub use table::files;

use std::borrow::Cow;
use std::fmt;

/// A language that lvsim speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Chinese, as written in China.
    Zh,
}

impl Lang {
    /// Every language.
    pub const ALL: [Lang; 2] = [Lang::En, Lang::Zh];

    /// The code: `en`.
    pub fn code(self) -> &'static str {
        match self {
            Lang::En => "en",
            Lang::Zh => "zh",
        }
    }

    /// The language of a locale, `zh_CN.UTF-8`; English for everything that lvsim does not speak.
    pub fn of_locale(locale: &str) -> Lang {
        match locale.split(['_', '-', '.', '@']).next() {
            Some(word) if word.eq_ignore_ascii_case("zh") => Lang::Zh,
            _ => Lang::En,
        }
    }
}

/// What stands between the parts of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Join {
    /// `a, b`.
    Comma,
    /// `a, b`: of parts that are sentences, not names.
    Then,
    /// `a; b`.
    Semicolon,
    /// `a, and b`: of longer parts.
    CommaAnd,
    /// `a and b`.
    And,
    /// `a or b`.
    Or,
    /// A space where the language has spaces between words.
    Space,
    /// Nothing.
    Nothing,
}

/// A text: not yet words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Text {
    /// The same in every language: a name, a command, what somebody else wrote.
    Plain(String),
    /// A message of the tables.
    Message {
        /// Its id.
        id: Cow<'static, str>,
        /// Its attribute, or none for its value.
        attr: Option<&'static str>,
        /// What fills it, by name.
        args: Vec<(&'static str, Arg)>,
    },
    /// Several, one after the other.
    List(Vec<Text>, Join),
}

impl Text {
    /// Words that are the same in every language.
    pub fn plain(words: impl Into<String>) -> Text {
        Text::Plain(words.into())
    }

    /// A message; [`text!`](crate::text) is the shorter way.
    pub const fn message(id: &'static str, args: Vec<(&'static str, Arg)>) -> Text {
        Text::Message { id: Cow::Borrowed(id), attr: None, args }
    }

    /// The message of a row of a table: `cause-vip-mask`, or an attribute of it.
    pub fn row(family: &str, code: &str, attr: Option<&'static str>) -> Text {
        Text::row_with(family, code, attr, Vec::new())
    }

    /// The same, filled with [`args!`](crate::args).
    pub fn row_with(family: &str, code: &str, attr: Option<&'static str>, args: Vec<(&'static str, Arg)>) -> Text {
        Text::Message { id: Cow::Owned(format!("{family}-{}", code.to_lowercase())), attr, args }
    }

    /// Several, one after the other.
    pub fn list(parts: impl IntoIterator<Item = Text>, join: Join) -> Text {
        Text::List(parts.into_iter().collect(), join)
    }

    /// No words.
    pub fn none() -> Text {
        Text::Plain(String::new())
    }

    /// Whether it is this message.
    pub fn is(&self, message: &str) -> bool {
        matches!(self, Text::Message { id, .. } if id == message)
    }

    /// Whether it has no words in any language.
    pub fn is_none(&self) -> bool {
        match self {
            Text::Plain(words) => words.is_empty(),
            Text::Message { .. } => false,
            Text::List(parts, _) => parts.iter().all(Text::is_none),
        }
    }

    /// The words.
    pub fn say(&self, lang: Lang) -> String {
        match self {
            Text::Plain(words) => words.clone(),
            Text::Message { id, attr, args } => table::say(lang, id, *attr, args),
            Text::List(parts, join) => {
                let between = table::between(lang, *join);
                parts.iter().map(|p| p.say(lang)).collect::<Vec<_>>().join(&between)
            }
        }
    }
}

impl Default for Text {
    fn default() -> Text {
        Text::none()
    }
}

/// In English.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.say(Lang::En))
    }
}

/// A [`Text`]: its id, then what fills it, each with its name; a variable of that name may stand alone.
///
/// ```
/// use lvsim::lang::Lang;
/// use lvsim::text;
///
/// let (n, name) = (2u64, "web");
/// let told = text!("story-traffic", name, connections = text!("n-connections", n));
/// assert_eq!(told.say(Lang::En), "web: 2 connections");
/// ```
#[macro_export]
macro_rules! text {
    ($id:literal $(, $name:ident $(= $value:expr)?)* $(,)?) => {
        $crate::lang::Text::message($id, $crate::args!($($name $(= $value)?),*))
    };
}

/// What fills a message: names, each with its value; a variable of that name may stand alone.
#[macro_export]
macro_rules! args {
    (@arg $name:ident = $value:expr) => { $crate::lang::ToArg::to_arg(&$value) };
    (@arg $name:ident) => { $crate::lang::ToArg::to_arg(&$name) };
    ($($name:ident $(= $value:expr)?),* $(,)?) => {
        vec![$((stringify!($name), $crate::args!(@arg $name $(= $value)?))),*]
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_name_their_language_first() {
        for (locale, lang) in [("zh_CN.UTF-8", Lang::Zh), ("zh", Lang::Zh), ("zh-TW", Lang::Zh), ("ZH@x", Lang::Zh)] {
            assert_eq!(Lang::of_locale(locale), lang, "{locale}");
        }
        for locale in ["C", "", "en_GB.UTF-8", "zhx", "de"] {
            assert_eq!(Lang::of_locale(locale), Lang::En, "{locale}");
        }
    }

    #[test]
    fn a_text_within_a_text_is_said_in_the_same_language() {
        let n = 2u64;
        let told = text!("story-traffic", name = "web", connections = text!("n-connections", n));
        assert_eq!(told.to_string(), "web: 2 connections");
        assert_eq!(told.say(Lang::Zh), "web：2 个连接");
    }

    #[test]
    fn english_has_a_singular() {
        assert_eq!(text!("n-connections", n = 1u64).to_string(), "1 connection");
        assert_eq!(text!("n-connections", n = 0u64).to_string(), "0 connections");
        assert_eq!(text!("n-connections", n = u64::MAX).to_string(), "18446744073709551615 connections");
    }

    #[test]
    fn lists_are_joined_as_the_language_does() {
        let list = Text::list(["a", "b"].map(Text::plain), Join::Comma);
        assert_eq!((list.say(Lang::En).as_str(), list.say(Lang::Zh).as_str()), ("a, b", "a、b"));
        assert!(Text::list([], Join::And).is_none());
    }

    #[test]
    fn what_fills_a_message_is_taken_as_it_is() {
        let name = "{ $n } \u{5149}\n";
        assert_eq!(text!("story-traffic", name, connections = "").to_string(), "{ $n } \u{5149}\n: ");
    }
}
