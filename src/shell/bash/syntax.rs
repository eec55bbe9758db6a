//! Syntax errors in bash's words, with a hint of ours where bash only says that the file has ended.

/// What is wrong with a script's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// This token may not stand here.
    Unexpected(String),
    /// The script ends within a construct.
    EndOfFile,
    /// The script ends within quotes or parentheses.
    Unmatched(char),
    /// An operand of `[[`.
    Conditional(String),
    /// Bash could, we do not.
    Refused(String),
}

/// A syntax error with its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub line: u32,
    pub what: What,
    /// The text of the line that bash repeats.
    pub text: String,
    /// The constructs that are open, outermost first: how each begins, and its line.
    pub open: Vec<(&'static str, u32)>,
}

impl SyntaxError {
    /// The lines on standard error, each behind `prefix` (which ends before `line N`).
    pub fn messages(&self, prefix: &str) -> String {
        let n = self.line;
        match &self.what {
            What::Unexpected(token) => {
                let text = &self.text;
                format!("{prefix}line {n}: syntax error near unexpected token `{token}'\n{prefix}line {n}: `{text}'\n")
            }
            What::EndOfFile => {
                let mut all = format!("{prefix}line {n}: syntax error: unexpected end of file\n");
                if let Some((begin, line)) = self.open.last() {
                    all += &format!("lvsim: the `{begin}` of line {line} has no `{}`\n", closer(begin));
                }
                all
            }
            What::Unmatched(c) => {
                let mut all = format!("{prefix}line {n}: unexpected EOF while looking for matching `{c}'\n");
                if let Some((begin, line)) = self.open.last() {
                    all += &format!("lvsim: within the `{begin}` of line {line}\n");
                }
                all
            }
            What::Conditional(text) => format!("{prefix}line {n}: {text}\n"),
            What::Refused(text) => format!("{prefix}line {n}: lvsim: {text}\n"),
        }
    }
}

fn closer(begin: &str) -> &'static str {
    match begin {
        "if" | "then" | "else" | "elif" => "fi",
        "case" => "esac",
        "{" => "}",
        "(" => ")",
        "[[" => "]]",
        _ => "done",
    }
}
