//! Words under construction: splitting by `IFS`, and the same text as a pattern.

use super::pattern;

/// Fields under construction. Each has its text and the same as a pattern, where quoted characters are escaped.
#[derive(Default)]
pub(super) struct Fields {
    pub done: Vec<Field>,
    pub current: Option<Field>,
    /// Results are split.
    pub split: bool,
    pub ifs: String,
}

#[derive(Default)]
pub(super) struct Field {
    pub text: String,
    pub pattern: String,
    pub magic: bool,
}

impl Fields {
    pub fn quoted(&mut self, text: &str) {
        let field = self.current.get_or_insert_with(Field::default);
        field.text.push_str(text);
        pattern::escape(text, &mut field.pattern);
    }

    pub fn plain(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let field = self.current.get_or_insert_with(Field::default);
        field.magic |= text.contains(['*', '?', '[']);
        field.text.push_str(text);
        field.pattern.push_str(text);
    }

    pub fn end(&mut self) {
        self.done.extend(self.current.take());
    }

    /// The result of an unquoted expansion, split by `IFS`: blanks of it in any number, other characters one by one.
    pub fn result(&mut self, text: &str) {
        if !self.split {
            return self.plain(text);
        }
        let ifs = self.ifs.clone();
        let white = |c: char| ifs.contains(c) && c.is_ascii_whitespace();
        let hard = |c: char| ifs.contains(c) && !c.is_ascii_whitespace();
        let mut rest = text.trim_start_matches(white);
        if rest.len() < text.len() {
            self.end();
        }
        while !rest.is_empty() {
            let Some(cut) = rest.find(|c| ifs.contains(c)) else { return self.plain(rest) };
            self.plain(&rest[..cut]);
            rest = rest[cut..].trim_start_matches(white);
            if rest.starts_with(hard) {
                // Between two of these lies an empty field.
                self.current.get_or_insert_with(Field::default);
                rest = rest[rest.chars().next().map_or(0, char::len_utf8)..].trim_start_matches(white);
            }
            self.end();
        }
    }
}
