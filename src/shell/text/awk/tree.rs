//! An awk program as a tree.

use crate::shell::text::regex::Regex;
use std::rc::Rc;

/// An expression.
#[derive(Clone, Debug)]
pub(super) enum Expr {
    Number(f64),
    Text(Rc<str>),
    /// `/x/` by itself: `$0 ~ /x/`.
    Regex(Rc<Regex>),
    Var(Rc<str>),
    Index(Rc<str>, Vec<Expr>),
    Field(Box<Expr>),
    Assign(Box<Expr>, Option<char>, Box<Expr>),
    /// Place, by, before the value is taken.
    Step(Box<Expr>, f64, bool),
    Not(Box<Expr>),
    Minus(Box<Expr>),
    Plus(Box<Expr>),
    Binary(char, Box<Expr>, Box<Expr>),
    Compare(&'static str, Box<Expr>, Box<Expr>),
    Match(bool, Box<Expr>, Box<Expr>),
    Concat(Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Cond(Box<Expr>, Box<Expr>, Box<Expr>),
    In(Vec<Expr>, Rc<str>),
    Call(Rc<str>, Vec<Expr>),
}

/// A statement.
#[derive(Clone, Debug)]
pub(super) enum Stmt {
    Expr(Expr),
    Print(Vec<Expr>, Option<(bool, Expr)>),
    Printf(Vec<Expr>, Option<(bool, Expr)>),
    If(Expr, Box<Stmt>, Option<Box<Stmt>>),
    While(Expr, Box<Stmt>),
    Do(Box<Stmt>, Expr),
    For(Option<Box<Stmt>>, Option<Expr>, Option<Box<Stmt>>, Box<Stmt>),
    Each(Rc<str>, Rc<str>, Box<Stmt>),
    Block(Vec<Stmt>),
    Break,
    Continue,
    Next,
    Exit(Option<Expr>),
    Return(Option<Expr>),
    Delete(Rc<str>, Option<Vec<Expr>>),
}

/// When an action runs.
#[derive(Clone, Debug)]
pub(super) enum When {
    Begin,
    End,
    Always,
    If(Expr),
    Range(Expr, Expr),
}

/// `function name(args) { … }`.
#[derive(Clone, Debug)]
pub(super) struct Function {
    pub name: Rc<str>,
    pub args: Vec<Rc<str>>,
    pub body: Rc<Stmt>,
}

/// A program.
#[derive(Debug, Default)]
pub(super) struct Program {
    /// `None`: print the record.
    pub rules: Vec<(When, Option<Rc<Stmt>>)>,
    pub functions: Vec<Function>,
}
