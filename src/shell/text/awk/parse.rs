//! Reads an awk program into a tree.
//!
//! Not read: `getline`, `|` in `print`, `switch`, `@` of gawk. A program's nesting is limited, so that neither reading nor
//! running it can overflow the stack.

use super::lex::Token;
use super::tree::{Expr, Function, Program, Stmt, When};
use std::rc::Rc;

const MAX_DEPTH: u32 = 60;
const MAX_CHAIN: u32 = 100;

pub(super) const BUILTINS: &[&str] = &[
    "length", "substr", "index", "split", "sub", "gsub", "match", "sprintf", "tolower", "toupper", "int", "sqrt",
    "systime", "strftime",
];

/// Reads a program.
///
/// # Errors
/// What is wrong, and its line.
pub(super) fn read(text: &str) -> Result<Program, String> {
    let chars: Vec<char> = text.chars().collect();
    let mut reader = Reader {
        chars,
        at: 0,
        line: 1,
        token: Token::Newline,
        before: Token::Newline,
        depth: 0,
        no_in: false,
        no_gt: false,
    };
    reader.advance()?;
    let mut program = Program::default();
    loop {
        reader.skip_lines()?;
        if reader.token == Token::End {
            return Ok(program);
        }
        reader.item(&mut program)?;
    }
}

pub(super) struct Reader {
    pub chars: Vec<char>,
    pub at: usize,
    pub line: u32,
    pub token: Token,
    pub before: Token,
    pub depth: u32,
    /// Within `for (`: `in` belongs to the loop.
    pub no_in: bool,
    /// Within `print`: `>` is a redirection.
    pub no_gt: bool,
}

pub(super) type Read<T> = Result<T, String>;

impl Reader {
    pub(super) fn error(&self, what: &str) -> String {
        format!("line {}: {what}", self.line)
    }

    pub(super) fn unexpected(&self) -> String {
        let near = match &self.token {
            Token::End => "end of file".to_string(),
            Token::Newline => "newline".into(),
            Token::Op(op) => (*op).to_string(),
            Token::Name(n) | Token::Func(n) => n.clone(),
            Token::Number(n) => n.to_string(),
            Token::Text(t) => format!("\"{t}\""),
        };
        self.error(&format!("syntax error at or near {near}"))
    }

    pub(super) fn deeper(&mut self) -> Read<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(self.error("lvsim: nested too deeply")) } else { Ok(()) }
    }

    /// Counts the operands of a chain such as `1+1+1`: each makes the tree one deeper.
    pub(super) fn link(&self, length: &mut u32) -> Read<()> {
        *length += 1;
        if *length > MAX_CHAIN {
            Err(self.error(&format!("lvsim: more than {MAX_CHAIN} operands in a row")))
        } else {
            Ok(())
        }
    }

    pub(super) fn advance(&mut self) -> Read<()> {
        let next = self.lex()?;
        self.before = std::mem::replace(&mut self.token, next);
        Ok(())
    }

    pub(super) fn is(&self, op: &'static str) -> bool {
        self.token == Token::Op(op)
    }

    pub(super) fn take(&mut self, op: &'static str) -> Read<bool> {
        let there = self.is(op);
        if there {
            self.advance()?;
        }
        Ok(there)
    }

    pub(super) fn expect(&mut self, op: &'static str) -> Read<()> {
        if self.take(op)? { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(super) fn word(&self, name: &str) -> bool {
        matches!(&self.token, Token::Name(n) | Token::Func(n) if n == name)
    }

    pub(super) fn skip_lines(&mut self) -> Read<()> {
        while self.token == Token::Newline || self.is(";") {
            self.advance()?;
        }
        Ok(())
    }

    pub(super) fn newlines(&mut self) -> Read<()> {
        while self.token == Token::Newline {
            self.advance()?;
        }
        Ok(())
    }

    pub(super) fn name(&mut self) -> Read<Rc<str>> {
        let name: Rc<str> = match &self.token {
            Token::Name(n) | Token::Func(n) => n.as_str().into(),
            _ => return Err(self.unexpected()),
        };
        self.advance()?;
        Ok(name)
    }

    pub(super) fn item(&mut self, program: &mut Program) -> Read<()> {
        if self.word("function") || self.word("func") {
            self.advance()?;
            let name = self.name()?;
            self.expect("(")?;
            let mut args = Vec::new();
            while !self.is(")") {
                args.push(self.name()?);
                if !self.take(",")? {
                    break;
                }
                self.newlines()?;
            }
            self.expect(")")?;
            self.newlines()?;
            let body = Rc::new(self.block()?);
            program.functions.push(Function { name, args, body });
            return Ok(());
        }
        let when = if self.word("BEGIN") {
            self.advance()?;
            When::Begin
        } else if self.word("END") {
            self.advance()?;
            When::End
        } else if self.is("{") {
            When::Always
        } else {
            let first = self.expr()?;
            if self.take(",")? {
                self.newlines()?;
                When::Range(first, self.expr()?)
            } else {
                When::If(first)
            }
        };
        if matches!(when, When::Begin | When::End) {
            self.newlines()?;
        }
        let action = if self.is("{") { Some(Rc::new(self.block()?)) } else { None };
        if action.is_none() && matches!(when, When::Begin | When::End) {
            return Err(self.unexpected());
        }
        program.rules.push((when, action));
        Ok(())
    }

    pub(super) fn block(&mut self) -> Read<Stmt> {
        self.deeper()?;
        self.expect("{")?;
        let mut all = Vec::new();
        loop {
            self.skip_lines()?;
            if self.take("}")? {
                self.depth -= 1;
                return Ok(Stmt::Block(all));
            }
            if self.token == Token::End {
                return Err(self.unexpected());
            }
            all.push(self.statement()?);
        }
    }

    /// A statement, or nothing behind a bare `;`.
    pub(super) fn body(&mut self) -> Read<Box<Stmt>> {
        self.newlines()?;
        if self.take(";")? {
            return Ok(Box::new(Stmt::Block(Vec::new())));
        }
        Ok(Box::new(self.statement()?))
    }

    pub(super) fn ending(&mut self) -> Read<()> {
        match self.token {
            Token::Newline | Token::Op(";") => self.advance(),
            Token::Op("}") | Token::End => Ok(()),
            _ => Err(self.unexpected()),
        }
    }

    pub(super) fn statement(&mut self) -> Read<Stmt> {
        self.deeper()?;
        let stmt = self.statement_inner()?;
        self.depth -= 1;
        Ok(stmt)
    }

    pub(super) fn statement_inner(&mut self) -> Read<Stmt> {
        if self.is("{") {
            return self.block();
        }
        let word = match &self.token {
            Token::Name(n) | Token::Func(n) => n.clone(),
            _ => String::new(),
        };
        match word.as_str() {
            "if" => {
                self.advance()?;
                self.expect("(")?;
                let cond = self.expr()?;
                self.expect(")")?;
                let yes = self.body()?;
                // `else` may stand behind newlines and a semicolon; what is no `else` is left as it was.
                let saved = (self.at, self.line, self.token.clone());
                self.skip_lines()?;
                if self.word("else") {
                    self.advance()?;
                    return Ok(Stmt::If(cond, yes, Some(self.body()?)));
                }
                (self.at, self.line, self.token) = saved;
                Ok(Stmt::If(cond, yes, None))
            }
            "while" => {
                self.advance()?;
                self.expect("(")?;
                let cond = self.expr()?;
                self.expect(")")?;
                Ok(Stmt::While(cond, self.body()?))
            }
            "do" => {
                self.advance()?;
                let body = self.body()?;
                self.skip_lines()?;
                if !self.word("while") {
                    return Err(self.unexpected());
                }
                self.advance()?;
                self.expect("(")?;
                let cond = self.expr()?;
                self.expect(")")?;
                self.ending()?;
                Ok(Stmt::Do(body, cond))
            }
            "for" => self.for_loop(),
            _ => {
                let stmt = self.simple()?;
                self.ending()?;
                Ok(stmt)
            }
        }
    }

    pub(super) fn for_loop(&mut self) -> Read<Stmt> {
        self.advance()?;
        self.expect("(")?;
        let init = if self.is(";") {
            None
        } else {
            self.no_in = true;
            let first = self.simple();
            self.no_in = false;
            Some(first?)
        };
        if self.word("in") {
            let Some(Stmt::Expr(Expr::Var(var))) = init else { return Err(self.unexpected()) };
            self.advance()?;
            let array = self.name()?;
            self.expect(")")?;
            return Ok(Stmt::Each(var, array, self.body()?));
        }
        self.expect(";")?;
        self.newlines()?;
        let cond = if self.is(";") { None } else { Some(self.expr()?) };
        self.expect(";")?;
        self.newlines()?;
        let step = if self.is(")") { None } else { Some(Box::new(self.simple()?)) };
        self.expect(")")?;
        Ok(Stmt::For(init.map(Box::new), cond, step, self.body()?))
    }

    pub(super) fn ends_here(&self) -> bool {
        matches!(self.token, Token::Newline | Token::End | Token::Op(";" | "}" | ")"))
    }

    pub(super) fn simple(&mut self) -> Read<Stmt> {
        let word = match &self.token {
            Token::Name(n) | Token::Func(n) => n.clone(),
            _ => String::new(),
        };
        match word.as_str() {
            "print" | "printf" => {
                self.advance()?;
                let outer = std::mem::replace(&mut self.no_gt, true);
                let mut args = Vec::new();
                // `print (a, b) > "x"`: the parentheses hold the list.
                if self.is("(") {
                    self.no_gt = false;
                    let first = self.grouped()?;
                    self.no_gt = true;
                    match first {
                        Ok(list) => args = list,
                        Err(group) => {
                            args.push(self.rest_of(group)?);
                            while self.take(",")? {
                                self.newlines()?;
                                args.push(self.expr()?);
                            }
                        }
                    }
                } else if !self.ends_here() && !self.is(">") && !self.is(">>") {
                    args.push(self.expr()?);
                    while self.take(",")? {
                        self.newlines()?;
                        args.push(self.expr()?);
                    }
                }
                self.no_gt = outer;
                let mut to = None;
                if self.is("|") {
                    return Err(self.error("lvsim: print into a command is not simulated"));
                }
                if self.is(">") || self.is(">>") {
                    let append = self.is(">>");
                    self.advance()?;
                    to = Some((append, self.concat_of_primaries()?));
                }
                if word == "printf" && args.is_empty() {
                    return Err(self.unexpected());
                }
                Ok(if word == "print" { Stmt::Print(args, to) } else { Stmt::Printf(args, to) })
            }
            "break" | "continue" | "next" => {
                self.advance()?;
                Ok(match word.as_str() {
                    "break" => Stmt::Break,
                    "continue" => Stmt::Continue,
                    _ => Stmt::Next,
                })
            }
            "exit" | "return" => {
                self.advance()?;
                let value = if self.ends_here() { None } else { Some(self.expr()?) };
                Ok(if word == "exit" { Stmt::Exit(value) } else { Stmt::Return(value) })
            }
            "delete" => {
                self.advance()?;
                let name = self.name()?;
                if !self.take("[")? {
                    return Ok(Stmt::Delete(name, None));
                }
                let keys = self.list("]")?;
                Ok(Stmt::Delete(name, Some(keys)))
            }
            _ => Ok(Stmt::Expr(self.expr()?)),
        }
    }

    pub(super) fn concat_of_primaries(&mut self) -> Read<Expr> {
        let outer = std::mem::replace(&mut self.no_gt, true);
        let value = self.concat();
        self.no_gt = outer;
        value
    }

    /// A parenthesis: a list of several for `print` or `in`, or one expression.
    pub(super) fn grouped(&mut self) -> Read<Result<Vec<Expr>, Expr>> {
        self.expect("(")?;
        let outer = (std::mem::replace(&mut self.no_in, false), std::mem::replace(&mut self.no_gt, false));
        let mut list = vec![self.expr()?];
        while self.take(",")? {
            self.newlines()?;
            list.push(self.expr()?);
        }
        self.expect(")")?;
        (self.no_in, self.no_gt) = outer;
        if list.len() > 1 {
            if self.word("in") {
                self.advance()?;
                let name = self.name()?;
                return Ok(Err(Expr::In(list, name)));
            }
            return Ok(Ok(list));
        }
        Ok(list.pop().map_or(Ok(Vec::new()), Err))
    }

    pub(super) fn list(&mut self, end: &'static str) -> Read<Vec<Expr>> {
        let outer = (std::mem::replace(&mut self.no_in, false), std::mem::replace(&mut self.no_gt, false));
        let mut list = Vec::new();
        self.newlines()?;
        while !self.is(end) {
            list.push(self.expr()?);
            self.newlines()?;
            if !self.take(",")? {
                break;
            }
            self.newlines()?;
        }
        self.expect(end)?;
        (self.no_in, self.no_gt) = outer;
        Ok(list)
    }
}
