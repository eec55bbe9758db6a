//! Filter expressions of libpcap 1.10 (pcap-filter(7), grammar.y, gencode.c): text becomes a [`Test`].
//!
//! [`lex`] cuts it into tokens, [`parse`] follows the grammar and has [`generate`] build the tests in the order in which libpcap
//! builds them, so that the first mistake is the one that libpcap tells. Left out, refused by name: VLANs, MPLS, PPPoE, Geneve,
//! AppleTalk, DECnet, ISO, ATM, SS7, 802.11, LLC, `protochain`; names of networks; what is typed in IPv6 never matches.

mod generate;
mod lex;
mod parse;
#[cfg(test)]
mod tests;

use crate::wire::bpf::Test;
use crate::wire::capture::LinkType;

/// Why a filter cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterError {
    /// What libpcap says about it.
    Pcap(String),
    /// What lvsim does not simulate.
    NotSimulated(String),
}

impl FilterError {
    fn syntax() -> FilterError {
        FilterError::Pcap("can't parse filter expression: syntax error".into())
    }
}

/// Says what libpcap says.
fn pcap<T>(text: impl Into<String>) -> Result<T, FilterError> {
    Err(FilterError::Pcap(text.into()))
}

/// Tokens of a filter, and parentheses within parentheses.
const MOST: (usize, usize) = (2000, 100);

/// What a filter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// What packets begin with.
    pub link: LinkType,
    /// They come out of a file: which way they went is not known.
    pub savefile: bool,
    /// Whether libpcap's optimizer runs, which notices that nothing can pass.
    pub optimize: bool,
}

/// The filter that an expression means.
///
/// # Errors
/// What libpcap says about the first mistake, or what lvsim does not know.
pub fn compile(text: &str, target: Target) -> Result<Test, FilterError> {
    let tokens = lex::tokens(text);
    if tokens.is_empty() {
        return Ok(Test::Always(true));
    }
    if tokens.len() > MOST.0 {
        return Err(FilterError::NotSimulated(format!("a filter of more than {} words", MOST.0)));
    }
    let test = parse::parse(&tokens, generate::Generator { link: target.link, savefile: target.savefile })?;
    if target.optimize && test.rejects_all() {
        return pcap("expression rejects all packets");
    }
    Ok(test)
}
