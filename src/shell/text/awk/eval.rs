//! Expressions of awk.

use super::parse::BUILTINS;
use super::tree::Expr;
use super::value::Value;
use super::{Awk, MAX_DEPTH, Run, Stop};

impl Awk<'_, '_, '_, '_> {
    pub(super) fn eval(&mut self, expr: &Expr) -> Run<Value> {
        self.step()?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Stop::Fail("lvsim: calls nested too deeply".into()));
        }
        let value = self.eval_inner(expr);
        self.depth -= 1;
        value
    }

    pub(super) fn eval_inner(&mut self, expr: &Expr) -> Run<Value> {
        let truth = |b: bool| Value::Number(f64::from(u8::from(b)));
        Ok(match expr {
            Expr::Number(n) => Value::Number(*n),
            Expr::Text(text) => Value::Text(text.clone()),
            Expr::Regex(regex) => {
                let record = self.record.clone();
                truth(self.matches(regex, &record))
            }
            Expr::Var(name) => self.get_var(name),
            Expr::Index(array, keys) => {
                let key = self.key(keys)?;
                let name = self.array_name(array);
                if let Some(value) = self.arrays.get(&name).and_then(|a| a.get(&key)) {
                    return Ok(value.clone());
                }
                // Looking at an element makes it.
                self.put(&name, key, Value::Unset)?;
                Value::Unset
            }
            Expr::Field(of) => {
                let n = self.eval(of)?.number();
                self.get_field(n)?
            }
            Expr::Assign(place, op, right) => {
                let mut value = self.eval(right)?;
                if let Some(op) = op {
                    let old = self.eval(place)?.number();
                    value = Value::Number(arithmetic(*op, old, value.number())?);
                }
                self.store(place, value.clone())?;
                value
            }
            Expr::Step(place, by, before) => {
                let old = self.eval(place)?.number();
                let new = old + by;
                self.store(place, Value::Number(new))?;
                Value::Number(if *before { new } else { old })
            }
            Expr::Not(inner) => truth(!self.eval(inner)?.truth()),
            Expr::Minus(inner) => Value::Number(-self.eval(inner)?.number()),
            Expr::Plus(inner) => Value::Number(self.eval(inner)?.number()),
            Expr::Binary(op, a, b) => {
                let (a, b) = (self.eval(a)?.number(), self.eval(b)?.number());
                Value::Number(arithmetic(*op, a, b)?)
            }
            Expr::Compare(op, a, b) => {
                let (a, b) = (self.eval(a)?, self.eval(b)?);
                let order = if a.is_numeric() && b.is_numeric() {
                    a.number().partial_cmp(&b.number())
                } else {
                    let format = self.var_text("CONVFMT");
                    Some(a.show(&format).cmp(&b.show(&format)))
                };
                truth(order.is_some_and(|o| match *op {
                    "<" => o.is_lt(),
                    "<=" => o.is_le(),
                    "==" => o.is_eq(),
                    "!=" => o.is_ne(),
                    ">" => o.is_gt(),
                    _ => o.is_ge(),
                }))
            }
            Expr::Match(not, text, regex) => {
                let text = self.eval_text(text)?;
                let regex = self.regex_of(regex)?;
                truth(self.matches(&regex, &text) != *not)
            }
            Expr::Concat(a, b) => {
                let (a, b) = (self.eval_text(a)?, self.eval_text(b)?);
                let text = format!("{a}{b}");
                self.bounded(&text)?;
                Value::text(&text)
            }
            Expr::And(a, b) => truth(self.eval(a)?.truth() && self.eval(b)?.truth()),
            Expr::Or(a, b) => truth(self.eval(a)?.truth() || self.eval(b)?.truth()),
            Expr::Cond(cond, yes, no) => {
                if self.eval(cond)?.truth() {
                    self.eval(yes)?
                } else {
                    self.eval(no)?
                }
            }
            Expr::In(keys, array) => {
                let key = self.key(keys)?;
                let name = self.array_name(array);
                truth(self.arrays.get(&name).is_some_and(|a| a.contains_key(&key)))
            }
            Expr::Call(name, args) => {
                if BUILTINS.contains(&name.as_ref()) {
                    self.builtin(name, args)?
                } else {
                    self.call(name, args)?
                }
            }
        })
    }
}

fn arithmetic(op: char, a: f64, b: f64) -> Run<f64> {
    Ok(match op {
        '+' => a + b,
        '-' => a - b,
        '*' => a * b,
        '/' | '%' if b == 0.0 => {
            return Err(Stop::Fail(if op == '/' {
                "division by zero".into()
            } else {
                "division by zero in %".to_string()
            }));
        }
        '/' => a / b,
        '%' => a % b,
        _ => power(a, b)?,
    })
}

/// Whole exponents by repeated multiplication: exact steps, the same on every machine.
fn power(base: f64, exponent: f64) -> Run<f64> {
    if exponent != exponent.trunc() || exponent.abs() > 4096.0 {
        return Err(Stop::Fail("lvsim: powers that are not whole are not simulated".into()));
    }
    let mut value = 1.0;
    for _ in 0..exponent.abs() as u32 {
        value *= base;
    }
    Ok(if exponent < 0.0 { 1.0 / value } else { value })
}
