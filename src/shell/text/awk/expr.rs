//! The grammar of awk's expressions, by rising strength.

use super::lex::Token;
use super::parse::{Read, Reader};
use super::tree::Expr;

impl Reader {
    pub(super) fn expr(&mut self) -> Read<Expr> {
        self.deeper()?;
        let left = self.ternary(None)?;
        let expr = self.assignment(left)?;
        self.depth -= 1;
        Ok(expr)
    }

    /// What follows an expression of which the first operand was read already.
    pub(super) fn rest_of(&mut self, first: Expr) -> Read<Expr> {
        let left = self.ternary(Some(first))?;
        self.assignment(left)
    }

    pub(super) fn assignment(&mut self, left: Expr) -> Read<Expr> {
        let op = match self.token {
            Token::Op("=") => None,
            Token::Op(op @ ("+=" | "-=" | "*=" | "/=" | "%=" | "^=")) => op.chars().next(),
            _ => return Ok(left),
        };
        if !matches!(left, Expr::Var(_) | Expr::Index(..) | Expr::Field(_)) {
            return Err(self.unexpected());
        }
        self.advance()?;
        self.newlines()?;
        let right = self.expr()?;
        Ok(Expr::Assign(Box::new(left), op, Box::new(right)))
    }

    pub(super) fn ternary(&mut self, first: Option<Expr>) -> Read<Expr> {
        let cond = self.or(first)?;
        if !self.take("?")? {
            return Ok(cond);
        }
        self.newlines()?;
        let yes = self.expr()?;
        self.newlines()?;
        self.expect(":")?;
        self.newlines()?;
        let no = self.expr()?;
        Ok(Expr::Cond(Box::new(cond), Box::new(yes), Box::new(no)))
    }

    pub(super) fn or(&mut self, first: Option<Expr>) -> Read<Expr> {
        let mut left = self.and(first)?;
        let mut links = 0;
        while self.take("||")? {
            self.link(&mut links)?;
            self.newlines()?;
            left = Expr::Or(Box::new(left), Box::new(self.and(None)?));
        }
        Ok(left)
    }

    pub(super) fn and(&mut self, first: Option<Expr>) -> Read<Expr> {
        let mut left = self.membership(first)?;
        let mut links = 0;
        while self.take("&&")? {
            self.link(&mut links)?;
            self.newlines()?;
            left = Expr::And(Box::new(left), Box::new(self.membership(None)?));
        }
        Ok(left)
    }

    pub(super) fn membership(&mut self, first: Option<Expr>) -> Read<Expr> {
        let mut left = self.matching(first)?;
        let mut links = 0;
        while !self.no_in && self.word("in") {
            self.link(&mut links)?;
            self.advance()?;
            left = Expr::In(vec![left], self.name()?);
        }
        Ok(left)
    }

    pub(super) fn matching(&mut self, first: Option<Expr>) -> Read<Expr> {
        let mut left = self.comparison(first)?;
        let mut links = 0;
        while self.is("~") || self.is("!~") {
            self.link(&mut links)?;
            let not = self.is("!~");
            self.advance()?;
            left = Expr::Match(not, Box::new(left), Box::new(self.comparison(None)?));
        }
        Ok(left)
    }

    pub(super) fn comparison(&mut self, first: Option<Expr>) -> Read<Expr> {
        let left = match first {
            Some(first) => self.concat_with(Some(first))?,
            None => self.concat()?,
        };
        let op = match self.token {
            Token::Op(op @ ("<" | "<=" | "==" | "!=" | ">=")) => op,
            Token::Op(">") if !self.no_gt => ">",
            _ => return Ok(left),
        };
        self.advance()?;
        let right = self.concat()?;
        Ok(Expr::Compare(op, Box::new(left), Box::new(right)))
    }

    pub(super) fn concat(&mut self) -> Read<Expr> {
        self.concat_with(None)
    }

    pub(super) fn concat_with(&mut self, first: Option<Expr>) -> Read<Expr> {
        let mut left = self.sum(first)?;
        let mut links = 0;
        loop {
            self.link(&mut links)?;
            let begins = match &self.token {
                Token::Number(_) | Token::Text(_) | Token::Func(_) => true,
                Token::Name(n) => n != "in",
                Token::Op(op) => matches!(*op, "$" | "!" | "(" | "-" | "+" | "++" | "--"),
                _ => false,
            };
            if !begins || self.word("in") {
                return Ok(left);
            }
            left = Expr::Concat(Box::new(left), Box::new(self.sum(None)?));
        }
    }

    pub(super) fn sum(&mut self, first: Option<Expr>) -> Read<Expr> {
        let mut left = self.product(first)?;
        let mut links = 0;
        while self.is("+") || self.is("-") {
            self.link(&mut links)?;
            let op = if self.is("+") { '+' } else { '-' };
            self.advance()?;
            left = Expr::Binary(op, Box::new(left), Box::new(self.product(None)?));
        }
        Ok(left)
    }

    pub(super) fn product(&mut self, first: Option<Expr>) -> Read<Expr> {
        let mut left = match first {
            Some(first) => first,
            None => self.unary()?,
        };
        let mut links = 0;
        loop {
            self.link(&mut links)?;
            let op = match self.token {
                Token::Op("*") => '*',
                Token::Op("/") => '/',
                Token::Op("%") => '%',
                _ => return Ok(left),
            };
            self.advance()?;
            left = Expr::Binary(op, Box::new(left), Box::new(self.unary()?));
        }
    }

    pub(super) fn unary(&mut self) -> Read<Expr> {
        self.deeper()?;
        let expr = if self.take("!")? {
            Expr::Not(Box::new(self.unary()?))
        } else if self.take("-")? {
            Expr::Minus(Box::new(self.unary()?))
        } else if self.take("+")? {
            Expr::Plus(Box::new(self.unary()?))
        } else {
            self.power()?
        };
        self.depth -= 1;
        Ok(expr)
    }

    pub(super) fn power(&mut self) -> Read<Expr> {
        let base = self.postfix()?;
        if !self.take("^")? {
            return Ok(base);
        }
        Ok(Expr::Binary('^', Box::new(base), Box::new(self.unary()?)))
    }

    pub(super) fn postfix(&mut self) -> Read<Expr> {
        for (op, by) in [("++", 1.0), ("--", -1.0)] {
            if self.take(op)? {
                let place = self.primary()?;
                if !matches!(place, Expr::Var(_) | Expr::Index(..) | Expr::Field(_)) {
                    return Err(self.unexpected());
                }
                return Ok(Expr::Step(Box::new(place), by, true));
            }
        }
        let place = self.primary()?;
        if matches!(place, Expr::Var(_) | Expr::Index(..) | Expr::Field(_)) {
            for (op, by) in [("++", 1.0), ("--", -1.0)] {
                if self.take(op)? {
                    return Ok(Expr::Step(Box::new(place), by, false));
                }
            }
        }
        Ok(place)
    }

    pub(super) fn primary(&mut self) -> Read<Expr> {
        match self.token.clone() {
            Token::Number(n) => {
                self.advance()?;
                Ok(Expr::Number(n))
            }
            Token::Text(t) => {
                self.advance()?;
                Ok(Expr::Text(t.as_str().into()))
            }
            Token::Op("/" | "/=") => Ok(Expr::Regex(self.regex()?)),
            Token::Op("$") => {
                self.advance()?;
                self.deeper()?;
                let of = if self.take("-")? {
                    Expr::Minus(Box::new(self.primary()?))
                } else if self.is("++") || self.is("--") {
                    self.postfix()?
                } else {
                    self.primary()?
                };
                self.depth -= 1;
                Ok(Expr::Field(Box::new(of)))
            }
            Token::Op("(") => {
                self.deeper()?;
                let inner = match self.grouped()? {
                    Err(one) => one,
                    Ok(_) => return Err(self.unexpected()),
                };
                self.depth -= 1;
                // A group is no place to assign to: `(x)++` does not exist.
                Ok(match inner {
                    place @ (Expr::Var(_) | Expr::Index(..)) => {
                        Expr::Cond(Box::new(Expr::Number(1.0)), Box::new(place), Box::new(Expr::Number(0.0)))
                    }
                    other => other,
                })
            }
            Token::Func(name) => {
                self.advance()?;
                self.advance()?;
                let args = self.list(")")?;
                Ok(Expr::Call(name.as_str().into(), args))
            }
            Token::Name(name) if name == "length" => {
                self.advance()?;
                Ok(Expr::Call("length".into(), Vec::new()))
            }
            Token::Name(name) => {
                self.advance()?;
                if self.take("[")? {
                    let keys = self.list("]")?;
                    return Ok(Expr::Index(name.as_str().into(), keys));
                }
                Ok(Expr::Var(name.as_str().into()))
            }
            _ => Err(self.unexpected()),
        }
    }
}
