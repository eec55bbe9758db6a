//! What fills a message: words, numbers, other texts.

use super::Text;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// What fills a place of a message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arg {
    /// The same in every language.
    Words(String),
    /// A whole number, which a message may choose a plural by.
    Number(i128),
    /// Said in the language of the message that it fills.
    Text(Box<Text>),
}

/// What can fill a message. What has words of its own gives a text, not its `Display`.
pub trait ToArg {
    /// As it fills a message.
    fn to_arg(&self) -> Arg;
}

/// `ToArg` for types whose `Display` is the same in every language.
#[macro_export]
macro_rules! words_are_display {
    ($($type:ty),* $(,)?) => {
        $(impl $crate::lang::ToArg for $type {
            fn to_arg(&self) -> $crate::lang::Arg {
                $crate::lang::Arg::Words(self.to_string())
            }
        })*
    };
}

words_are_display!(str, String, char, bool, f64, Ipv4Addr, IpAddr, fmt::Arguments<'_>);

macro_rules! numbers {
    ($($type:ty),*) => {
        $(impl ToArg for $type {
            fn to_arg(&self) -> Arg {
                Arg::Number(i128::try_from(*self).unwrap_or(i128::MAX))
            }
        })*
    };
}

numbers!(u8, u16, u32, u64, usize, i32, i64);

impl ToArg for Text {
    fn to_arg(&self) -> Arg {
        Arg::Text(Box::new(self.clone()))
    }
}

impl ToArg for Arg {
    fn to_arg(&self) -> Arg {
        self.clone()
    }
}

impl<T: ToArg + ?Sized> ToArg for &T {
    fn to_arg(&self) -> Arg {
        (**self).to_arg()
    }
}

impl<T: ToArg + ?Sized> ToArg for Box<T> {
    fn to_arg(&self) -> Arg {
        (**self).to_arg()
    }
}

impl<T: ToArg + ?Sized> ToArg for Arc<T> {
    fn to_arg(&self) -> Arg {
        (**self).to_arg()
    }
}
