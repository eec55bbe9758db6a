//! The grammar of compound commands: `if`, `while`, `for`, `case`, functions.

use super::ast::{Arm, ArmEnd, Kind, List};
use super::lex::{Ctx, is_meta};
use super::parse::{Parser, Read};
use std::sync::Arc;

impl Parser {
    pub(super) fn begin(&mut self, word: &'static str) {
        self.open.push((word, self.line));
        self.pos += word.len();
    }

    pub(super) fn if_clause(&mut self) -> Read<Kind> {
        self.begin("if");
        let mut arms = Vec::new();
        let mut otherwise = None;
        loop {
            let cond = self.compound_list(false)?;
            self.expect("then")?;
            arms.push((cond, self.compound_list(false)?));
            if self.take("elif") {
                continue;
            }
            if self.take("else") {
                otherwise = Some(self.compound_list(false)?);
            }
            self.expect("fi")?;
            return Ok(Kind::If { arms, otherwise });
        }
    }

    pub(super) fn do_group(&mut self) -> Read<List> {
        self.skip_newlines()?;
        self.expect("do")?;
        let body = self.compound_list(false)?;
        self.expect("done")?;
        Ok(body)
    }

    pub(super) fn for_clause(&mut self) -> Read<Kind> {
        self.begin("for");
        self.skip_blank();
        if self.rest().starts_with("((") {
            self.pos += 2;
            let init = self.word(Ctx::ArithFor)?;
            let semi = |p: &mut Parser| {
                // Not the operator: `;;` is two of them here.
                let there = p.peek() == Some(b';');
                p.pos += usize::from(there);
                if there { Ok(()) } else { Err(p.unexpected()) }
            };
            semi(self)?;
            let cond = self.word(Ctx::ArithFor)?;
            semi(self)?;
            let step = self.word(Ctx::ArithFor)?;
            if !self.rest().starts_with("))") {
                return Err(self.unexpected());
            }
            self.pos += 2;
            self.operator(";");
            self.skip_newlines()?;
            if self.at("{") {
                self.pos += 1;
                let body = self.compound_list(false)?;
                self.expect("}")?;
                return Ok(Kind::ArithFor { init, cond, step, body });
            }
            return Ok(Kind::ArithFor { init, cond, step, body: self.do_group()? });
        }
        if self.peek().is_none_or(is_meta) {
            return Err(self.unexpected());
        }
        let var = self.raw_word().to_string();
        self.pos += var.len();
        self.skip_newlines()?;
        let mut words = None;
        if self.take("in") {
            let mut list = Vec::new();
            loop {
                self.skip_blank();
                if self.peek().is_none_or(is_meta) {
                    break;
                }
                list.push(self.word(Ctx::Word)?);
            }
            words = Some(list);
            if !self.operator(";") && self.peek() != Some(b'\n') {
                return Err(self.unexpected());
            }
        } else {
            self.operator(";");
        }
        Ok(Kind::For { var, words, body: self.do_group()? })
    }

    pub(super) fn case_clause(&mut self) -> Read<Kind> {
        self.begin("case");
        self.skip_blank();
        if self.peek().is_none_or(is_meta) {
            return Err(self.unexpected());
        }
        let word = self.word(Ctx::Word)?;
        self.skip_newlines()?;
        self.expect("in")?;
        let mut arms = Vec::new();
        loop {
            self.skip_newlines()?;
            if self.take("esac") {
                return Ok(Kind::Case { word, arms });
            }
            self.operator("(");
            let mut patterns = Vec::new();
            loop {
                self.skip_blank();
                if self.peek().is_none_or(is_meta) {
                    return Err(self.unexpected());
                }
                patterns.push(self.word(Ctx::Word)?);
                if self.operator(")") {
                    break;
                }
                if !self.operator("|") {
                    return Err(self.unexpected());
                }
            }
            let body = self.compound_list(true)?;
            let mut then = ArmEnd::Leave;
            if self.operator(";;&") {
                then = ArmEnd::TestNext;
            } else if self.operator(";&") {
                then = ArmEnd::Fall;
            } else if !self.operator(";;") && !self.at("esac") {
                return Err(self.unexpected());
            }
            arms.push(Arm { patterns, body, then });
        }
    }

    pub(super) fn function(&mut self, name: String) -> Read<Kind> {
        self.skip_newlines()?;
        let start = self.raw_word();
        if !(self.rest().starts_with('(') || matches!(start, "{" | "if" | "while" | "until" | "for" | "case" | "[[")) {
            return Err(self.unexpected());
        }
        let body = Arc::new(self.command()?);
        Ok(Kind::Function { name, body })
    }
}
