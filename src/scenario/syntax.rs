//! Syntax errors of YAML in words for people: the traps by name, each with its remedy.

use crate::lang::Text;
use crate::scenario::limits::MAX_DEPTH;
use crate::text;
use serde_yaml::granit_parser::ErrorKind;

/// The code, cause, label and remedy of a syntax error; `rest` is the text from its place on.
pub(crate) fn explain(kind: &ErrorKind, rest: &str) -> (&'static str, Text, Text, Text) {
    use ErrorKind as K;
    let syntax = |title, label, help| ("E003", title, label, help);
    match kind {
        K::TabNotAllowed
        | K::TabInBlockIndentation
        | K::TabAtBlockScalarStart
        | K::TabInIndentation
        | K::TabInPlainScalar => (
            "E004",
            text!("problem-tab-where-yaml-wants-spaces"),
            text!("problem-here"),
            text!("problem-indent-with-spaces-let-editor"),
        ),
        _ if rest.starts_with('\t') => (
            "E004",
            text!("problem-tab-where-yaml-wants-spaces"),
            text!("problem-here"),
            text!("problem-indent-with-spaces-let-editor"),
        ),
        K::RecursionLimitExceeded => (
            "E009",
            text!("problem-lists-and-maps-nested-more", most = MAX_DEPTH),
            text!("problem-reading-ends-here"),
            text!("problem-scenario-needs-seven-levels-bracket"),
        ),
        K::BomInsideDocument => (
            "E005",
            text!("problem-byte-order-mark-in-middle"),
            text!("problem-here"),
            text!("problem-remove-invisible-character-u-feff"),
        ),
        K::UnexpectedEofFlowSequence
        | K::UnexpectedEofFlowMapping
        | K::UnexpectedEofImplicitFlowMapping
        | K::UnclosedFlowCollection { .. } => syntax(
            text!("problem-bracket-or-brace-never-closed"),
            text!("problem-opened-here-or-missing-before"),
            text!("problem-close-each-with-and-each"),
        ),
        K::ExpectedFlowMappingSeparator => syntax(
            text!("problem-comma-or-brace-missing"),
            text!("problem-before-this"),
            text!("problem-write-key-value-key-value"),
        ),
        K::ExpectedFlowSequenceSeparator => syntax(
            text!("problem-comma-or-bracket-missing"),
            text!("problem-before-this"),
            text!("problem-write-one-two-text-holds"),
        ),
        K::MisplacedFlowCollectionEnd | K::MismatchedFlowCollectionEnd { .. } => syntax(
            text!("problem-bracket-closes-nothing"),
            text!("problem-here"),
            text!("problem-close-each-with-and-each"),
        ),
        K::UnclosedQuotedScalar | K::DocumentIndicatorInQuotedScalar | K::InvalidQuotedScalarIndent => syntax(
            text!("problem-quote-never-closed"),
            text!("problem-stays-open"),
            text!("problem-close-with-same-quote-in"),
        ),
        K::InvalidTrailingSingleQuotedScalar | K::InvalidTrailingDoubleQuotedScalar => syntax(
            text!("problem-text-after-closing-quote"),
            text!("problem-here"),
            text!("problem-put-whole-text-into-quotes"),
        ),
        K::UnknownQuotedScalarEscape | K::InvalidQuotedScalarHexEscape | K::InvalidUnicodeEscape => {
            syntax(text!("problem-unknown-escape"), text!("problem-here"), text!("problem-in-double-quotes-write-for"))
        }
        K::MappingValueNotAllowed | K::InvalidColonPlacement | K::InvalidMappingValueWhitespace => syntax(
            text!("problem-colon-begins-no-value-here"),
            text!("problem-here"),
            text!("problem-text-holds-wants-quotes-and"),
        ),
        K::SimpleKeyExpected | K::InvalidSimpleKey | K::ExpectedBlockMappingKey | K::MappingKeyNotAllowed => syntax(
            text!("problem-key-value-wanted-here"),
            text!("problem-no-key-or-no-colon"),
            text!("problem-write-key-value-with-space"),
        ),
        K::ExpectedBlockSequenceEntry
        | K::BlockSequenceEntryNotAllowed
        | K::InvalidBlockEntryWhitespace
        | K::BlockEntryInFlowCollection
        | K::PlainScalarStartsWithDashFlowIndicator => syntax(
            text!("problem-dash-begins-no-list-item"),
            text!("problem-here"),
            text!("problem-list-items-stand-in-one"),
        ),
        K::InvalidIndentation | K::InvalidBlockScalarIndent | K::InvalidFlowScalarIndent => syntax(
            text!("problem-line-indented-wrongly"),
            text!("problem-here"),
            text!("problem-keys-one-map-and-items"),
        ),
        K::UnexpectedCharacter { .. } | K::MissingAnchorOrAliasName | K::MissingTagUri | K::InvalidTagTerminator => {
            syntax(
                text!("problem-value-cannot-begin-with-character"),
                text!("problem-here"),
                text!("problem-put-text-in-quotes"),
            )
        }
        K::InvalidBlockScalarHeader | K::ZeroBlockScalarIndent => syntax(
            text!("problem-text-after-block-sign"),
            text!("problem-here"),
            text!("problem-begin-text-on-next-line"),
        ),
        K::CommentNotSeparated | K::CommentInterceptedScalar => syntax(
            text!("problem-comment-in-wrong-place"),
            text!("problem-here"),
            text!("problem-put-space-before-and-no"),
        ),
        other => (
            "E003",
            text!("problem-not-yaml", why = other.to_string()),
            text!("problem-here"),
            text!("problem-see-whether-brackets-quotes-and"),
        ),
    }
}
