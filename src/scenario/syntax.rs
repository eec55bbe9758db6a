//! Syntax errors of YAML in words for people: the traps by name, each with its remedy.

use crate::scenario::limits::MAX_DEPTH;
use serde_yaml::granit_parser::ErrorKind;

/// The code, cause, label and remedy of a syntax error; `rest` is the text from its place on.
pub(crate) fn explain(kind: &ErrorKind, rest: &str) -> (&'static str, String, &'static str, &'static str) {
    use ErrorKind as K;
    let syntax = |title: &str, label, help| ("E003", title.to_string(), label, help);
    match kind {
        K::TabNotAllowed
        | K::TabInBlockIndentation
        | K::TabAtBlockScalarStart
        | K::TabInIndentation
        | K::TabInPlainScalar => (
            "E004",
            "a tab where YAML wants spaces".into(),
            "here",
            "indent with spaces; let the editor turn tabs into spaces",
        ),
        _ if rest.starts_with('\t') => (
            "E004",
            "a tab where YAML wants spaces".into(),
            "here",
            "indent with spaces; let the editor turn tabs into spaces",
        ),
        K::RecursionLimitExceeded => (
            "E009",
            format!("lists and maps are nested more than {MAX_DEPTH} deep"),
            "reading ends here",
            "a scenario needs seven levels; is a bracket missing its end?",
        ),
        K::BomInsideDocument => (
            "E005",
            "a byte-order mark in the middle of the file".into(),
            "here",
            "remove the invisible character U+FEFF",
        ),
        K::UnexpectedEofFlowSequence
        | K::UnexpectedEofFlowMapping
        | K::UnexpectedEofImplicitFlowMapping
        | K::UnclosedFlowCollection { .. } => syntax(
            "a bracket or brace is never closed",
            "opened here, or missing before here",
            "close each `[` with `]` and each `{` with `}`",
        ),
        K::ExpectedFlowMappingSeparator => syntax(
            "a comma or `}` is missing",
            "before this",
            "write `{ key: value, key: value }`; text that holds `,`, `{` or `}` wants quotes",
        ),
        K::ExpectedFlowSequenceSeparator => syntax(
            "a comma or `]` is missing",
            "before this",
            "write `[ one, two ]`; text that holds `,`, `[` or `]` wants quotes",
        ),
        K::MisplacedFlowCollectionEnd | K::MismatchedFlowCollectionEnd { .. } => {
            syntax("this bracket closes nothing", "here", "close each `[` with `]` and each `{` with `}`")
        }
        K::UnclosedQuotedScalar | K::DocumentIndicatorInQuotedScalar | K::InvalidQuotedScalarIndent => syntax(
            "a quote is never closed",
            "it, or one in this text, stays open",
            "close it with the same quote; in single quotes write `''` for one",
        ),
        K::InvalidTrailingSingleQuotedScalar | K::InvalidTrailingDoubleQuotedScalar => {
            syntax("text after a closing quote", "here", "put the whole text into the quotes, or use none")
        }
        K::UnknownQuotedScalarEscape | K::InvalidQuotedScalarHexEscape | K::InvalidUnicodeEscape => syntax(
            "an unknown `\\` escape",
            "here",
            "in double quotes write `\\\\` for a backslash, or use single quotes",
        ),
        K::MappingValueNotAllowed | K::InvalidColonPlacement | K::InvalidMappingValueWhitespace => syntax(
            "a colon that begins no value here",
            "here",
            "text that holds `: ` wants quotes; and keys of one map stand in one column",
        ),
        K::SimpleKeyExpected | K::InvalidSimpleKey | K::ExpectedBlockMappingKey | K::MappingKeyNotAllowed => syntax(
            "a `key: value` is wanted here",
            "no key, or no colon after it",
            "write `key: value`, with a space after the colon, in the column of the other keys",
        ),
        K::ExpectedBlockSequenceEntry
        | K::BlockSequenceEntryNotAllowed
        | K::InvalidBlockEntryWhitespace
        | K::BlockEntryInFlowCollection
        | K::PlainScalarStartsWithDashFlowIndicator => syntax(
            "a dash that begins no list item",
            "here",
            "list items stand in one column below their key; `-` as a value wants quotes: \"-\"",
        ),
        K::InvalidIndentation | K::InvalidBlockScalarIndent | K::InvalidFlowScalarIndent => {
            syntax("this line is indented wrongly", "here", "keys of one map and items of one list stand in one column")
        }
        K::UnexpectedCharacter { .. } | K::MissingAnchorOrAliasName | K::MissingTagUri | K::InvalidTagTerminator => {
            syntax("a value cannot begin with this character", "here", "put the text in quotes")
        }
        K::InvalidBlockScalarHeader | K::ZeroBlockScalarIndent => {
            syntax("text after `|` or `>`", "here", "begin the text on the next line, indented")
        }
        K::CommentNotSeparated | K::CommentInterceptedScalar => syntax(
            "a comment in the wrong place",
            "here",
            "put a space before `#`, and no comment inside a text of several lines",
        ),
        other => ("E003", format!("not YAML: {other}"), "here", "see whether brackets, quotes and indentation fit"),
    }
}
