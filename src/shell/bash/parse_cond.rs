//! The grammar of `[[ … ]]`.

use super::ast::Cond;
use super::lex::{Ctx, is_meta};
use super::parse::{Parser, Read};
use super::syntax::What;

impl Parser {
    pub(super) fn cond_newlines(&mut self) -> Read<()> {
        self.skip_newlines()
    }

    pub(super) fn cond_or(&mut self) -> Read<Cond> {
        let mut left = self.cond_and()?;
        let from = self.depth;
        loop {
            // Each operand makes the tree one deeper.
            self.deeper()?;
            self.cond_newlines()?;
            if !self.operator("||") {
                self.depth = from;
                return Ok(left);
            }
            left = Cond::Or(Box::new(left), Box::new(self.cond_and()?));
        }
    }

    pub(super) fn cond_and(&mut self) -> Read<Cond> {
        let mut left = self.cond_term()?;
        let from = self.depth;
        loop {
            // Each operand makes the tree one deeper.
            self.deeper()?;
            self.cond_newlines()?;
            if !self.operator("&&") {
                self.depth = from;
                return Ok(left);
            }
            left = Cond::And(Box::new(left), Box::new(self.cond_term()?));
        }
    }

    pub(super) fn cond_term(&mut self) -> Read<Cond> {
        self.deeper()?;
        self.cond_newlines()?;
        let term = if self.take("!") {
            Cond::Not(Box::new(self.cond_term()?))
        } else if self.operator("(") {
            let inner = self.cond_or()?;
            self.cond_newlines()?;
            if !self.operator(")") {
                return Err(self.unexpected());
            }
            inner
        } else {
            self.cond_test()?
        };
        self.depth -= 1;
        Ok(term)
    }

    pub(super) fn cond_test(&mut self) -> Read<Cond> {
        if self.peek().is_none_or(is_meta) || self.at("]]") {
            return Err(self.unexpected());
        }
        let left = self.word(Ctx::Word)?;
        self.skip_blank();
        let unary = left.raw.len() == 2 && left.raw.starts_with('-') && super::cond::is_unary(&left.raw);
        if unary && !self.at("]]") && !self.peek().is_none_or(is_meta) {
            return Ok(Cond::Unary(left.raw, self.word(Ctx::Word)?));
        }
        let op = match self.operator_here() {
            Some(op @ ("<" | ">")) => op.to_string(),
            Some(_) => return Ok(Cond::Word(left)),
            None => self.raw_word().to_string(),
        };
        if op == "]]" || op.is_empty() {
            return Ok(Cond::Word(left));
        }
        if !matches!(op.as_str(), "<" | ">" | "==" | "=" | "!=" | "=~") && !super::cond::is_binary(&op) {
            return Err(self
                .error(What::Conditional(format!("syntax error in conditional expression: unexpected token `{op}'"))));
        }
        self.pos += op.len();
        self.skip_blank();
        if self.at("]]") {
            return Err(self.error(What::Conditional("unexpected argument `]]' to conditional binary operator".into())));
        }
        if op != "=~" && self.peek().is_none_or(is_meta) {
            return Err(self.unexpected());
        }
        let right = self.word(if op == "=~" { Ctx::Regex } else { Ctx::Word })?;
        Ok(Cond::Binary(left, op, right))
    }
}
