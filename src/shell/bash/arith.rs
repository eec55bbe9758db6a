//! Arithmetic of `$(( ))`, `(( ))`, `let` and subscripts: 64-bit integers that wrap, as in bash's expr.c.

use super::env::Env;

/// How deep an expression may nest, variables that name variables included.
const MAX_DEPTH: u32 = 64;

/// Evaluates an expression whose `$` expansions are done.
///
/// # Errors
/// Bash's text: `1+: syntax error: operand expected (error token is "+")`.
pub(super) fn evaluate(env: &mut Env, text: &str) -> Result<i64, String> {
    nested(env, text, 0)
}

fn nested(env: &mut Env, text: &str, depth: u32) -> Result<i64, String> {
    if depth > MAX_DEPTH {
        return Err(format!(
            "{}: expression recursion level exceeded (error token is \"{}\")",
            text.trim(),
            text.trim()
        ));
    }
    let mut eval = Eval { env, text, at: 0, last: 0, depth, skip: 0 };
    eval.blank();
    if eval.at == text.len() {
        return Ok(0);
    }
    let value = eval.comma()?;
    eval.blank();
    if eval.at < text.len() {
        eval.last = eval.at;
        return Err(eval.error("syntax error in expression"));
    }
    Ok(value)
}

struct Eval<'a> {
    env: &'a mut Env,
    text: &'a str,
    at: usize,
    /// Where the last token began, for errors.
    last: usize,
    depth: u32,
    /// Above 0 in the branch of `&&`, `||`, `?:` that is not taken.
    skip: u32,
}

/// Something that can be assigned to.
#[derive(Clone)]
struct Place {
    name: String,
    index: Option<i64>,
}

type Value = Result<i64, String>;

/// Binary operators by rising strength; longer ones first within a level.
const LEVELS: &[&[&str]] = &[
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];
const ASSIGN: &[&str] = &["<<=", ">>=", "+=", "-=", "*=", "/=", "%=", "&=", "^=", "|=", "="];

impl Eval<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn blank(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn error(&self, what: &str) -> String {
        let shown = self.text.trim_start();
        format!("{shown}: {what} (error token is \"{}\")", self.text.get(self.last..).unwrap_or(""))
    }

    fn deeper(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(self.error("expression recursion level exceeded")) } else { Ok(()) }
    }

    fn take(&mut self, op: &str) -> bool {
        self.blank();
        let there = self.rest().starts_with(op);
        if there {
            self.last = self.at;
            self.at += op.len();
        }
        there
    }

    fn comma(&mut self) -> Value {
        let mut value = self.assign()?;
        while self.take(",") {
            value = self.assign()?;
        }
        Ok(value)
    }

    fn assign(&mut self) -> Value {
        self.deeper()?;
        self.blank();
        let start = self.at;
        if let Some(place) = self.place()? {
            self.blank();
            let op = ASSIGN.iter().find(|op| self.rest().starts_with(**op)).copied();
            if let Some(op) = op.filter(|op| *op != "=" || !self.rest().starts_with("==")) {
                self.last = self.at;
                self.at += op.len();
                let right = self.assign()?;
                let value = if op == "=" {
                    right
                } else {
                    let left = self.load(&place)?;
                    self.apply(&op[..op.len() - 1], left, right)?
                };
                self.store(&place, value)?;
                self.depth -= 1;
                return Ok(value);
            }
        }
        self.at = start;
        let value = self.ternary()?;
        self.depth -= 1;
        Ok(value)
    }

    fn ternary(&mut self) -> Value {
        let cond = self.binary(0)?;
        if !self.take("?") {
            return Ok(cond);
        }
        self.skip += u32::from(cond == 0);
        let yes = self.assign()?;
        self.skip -= u32::from(cond == 0);
        if !self.take(":") {
            self.last = self.at;
            return Err(self.error("`:' expected for conditional expression"));
        }
        self.skip += u32::from(cond != 0);
        let no = self.assign()?;
        self.skip -= u32::from(cond != 0);
        Ok(if cond != 0 { yes } else { no })
    }

    fn operator(&mut self, level: usize) -> Option<&'static str> {
        self.blank();
        let rest = self.rest();
        let op = LEVELS[level].iter().copied().find(|op| rest.starts_with(*op))?;
        let after = rest.as_bytes().get(op.len()).copied();
        // `a | b` is not the beginning of `a || b` or `a |= b`, `a < b` not that of `a << b`.
        let doubled = matches!(op, "|" | "&" | "<" | ">") && after == op.bytes().next();
        let assigns = after == Some(b'=') && !matches!(op, "==" | "!=" | "<=" | ">=" | "&&" | "||");
        let power = op == "*" && after == Some(b'*');
        (!doubled && !assigns && !power).then_some(op)
    }

    fn binary(&mut self, level: usize) -> Value {
        if level == LEVELS.len() {
            return self.power();
        }
        let mut left = self.binary(level + 1)?;
        while let Some(op) = self.operator(level) {
            self.last = self.at;
            self.at += op.len();
            let dead = (op == "||" && left != 0) || (op == "&&" && left == 0);
            self.skip += u32::from(dead);
            let right = self.binary(level + 1)?;
            self.skip -= u32::from(dead);
            left = self.apply(op, left, right)?;
        }
        Ok(left)
    }

    fn power(&mut self) -> Value {
        let base = self.unary()?;
        if !self.take("**") {
            return Ok(base);
        }
        self.deeper()?;
        let exponent = self.power()?;
        self.depth -= 1;
        if exponent < 0 {
            return Err(self.error("exponent less than 0"));
        }
        Ok(base.wrapping_pow(u32::try_from(exponent).unwrap_or(u32::MAX)))
    }

    fn unary(&mut self) -> Value {
        self.deeper()?;
        self.blank();
        let value = if self.rest().starts_with("++") || self.rest().starts_with("--") {
            let by = if self.rest().starts_with('+') { 1 } else { -1 };
            self.last = self.at;
            self.at += 2;
            self.blank();
            match self.place()? {
                Some(place) => {
                    let value = self.load(&place)?.wrapping_add(by);
                    self.store(&place, value)?;
                    value
                }
                None => self.unary()?,
            }
        } else if self.take("!") {
            i64::from(self.unary()? == 0)
        } else if self.take("~") {
            !self.unary()?
        } else if self.take("-") {
            self.unary()?.wrapping_neg()
        } else if self.take("+") {
            self.unary()?
        } else {
            self.primary()?
        };
        self.depth -= 1;
        Ok(value)
    }

    fn primary(&mut self) -> Value {
        self.blank();
        if self.take("(") {
            let value = self.comma()?;
            if !self.take(")") {
                return Err(self.error("missing `)'"));
            }
            return Ok(value);
        }
        if self.rest().starts_with(|c: char| c.is_ascii_digit()) {
            return self.number();
        }
        if let Some(place) = self.place()? {
            let value = self.load(&place)?;
            self.blank();
            for (op, by) in [("++", 1), ("--", -1)] {
                if self.rest().starts_with(op) {
                    self.at += 2;
                    self.store(&place, value.wrapping_add(by))?;
                }
            }
            return Ok(value);
        }
        // Bash points at the operator whose operand is missing, if the text ends there.
        if !self.rest().trim().is_empty() {
            self.last = self.at;
        }
        Err(self.error("syntax error: operand expected"))
    }

    fn number(&mut self) -> Value {
        self.last = self.at;
        let rest = self.rest();
        let len = rest
            .bytes()
            .position(|c| !(c.is_ascii_alphanumeric() || c == b'#' || c == b'@' || c == b'_'))
            .unwrap_or(rest.len());
        let word = rest[..len].to_string();
        self.at += len;
        let token = |what: &str| {
            format!("{}: {what} (error token is \"{word}\")", if self.depth > 40 { "" } else { self.text.trim() })
        };
        let (base, digits) = if let Some((base, digits)) = word.split_once('#') {
            let base: u32 = base.parse().unwrap_or(0);
            if !(2..=64).contains(&base) {
                return Err(token("invalid arithmetic base"));
            }
            (base, digits)
        } else if let Some(hex) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
            (16, hex)
        } else if word.len() > 1 && word.starts_with('0') {
            (8, &word[1..])
        } else {
            (10, word.as_str())
        };
        let mut value: i64 = 0;
        for c in digits.chars() {
            let digit = match c {
                '0'..='9' => c as u32 - '0' as u32,
                'a'..='z' => c as u32 - 'a' as u32 + 10,
                'A'..='Z' if base <= 36 => c as u32 - 'A' as u32 + 10,
                'A'..='Z' => c as u32 - 'A' as u32 + 36,
                '@' => 62,
                '_' => 63,
                _ => 99,
            };
            if digit >= base {
                return Err(token("value too great for base"));
            }
            value = value.wrapping_mul(i64::from(base)).wrapping_add(i64::from(digit));
        }
        Ok(value)
    }

    fn place(&mut self) -> Result<Option<Place>, String> {
        let rest = self.rest();
        if !rest.bytes().next().is_some_and(super::lex::is_name_start) {
            return Ok(None);
        }
        let len = rest.bytes().position(|c| !super::lex::is_name(c)).unwrap_or(rest.len());
        let name = rest[..len].to_string();
        let mut after = self.at + len;
        let mut index = None;
        if self.text.as_bytes().get(after) == Some(&b'[') {
            let mut depth = 0u32;
            let from = after + 1;
            loop {
                match self.text.as_bytes().get(after) {
                    None => return Err(self.error("bad array subscript")),
                    Some(b'[') => depth += 1,
                    Some(b']') => depth -= 1,
                    Some(_) => {}
                }
                after += 1;
                if depth == 0 {
                    break;
                }
            }
            let inner = self.text.get(from..after - 1).unwrap_or("").to_string();
            index = Some(nested(self.env, &inner, self.depth + 1)?);
        }
        self.last = self.at;
        self.at = after;
        Ok(Some(Place { name, index }))
    }

    fn load(&mut self, place: &Place) -> Value {
        if self.skip > 0 {
            return Ok(0);
        }
        let text = match place.index {
            Some(index) => self.env.element(&place.name, index),
            None => self.env.get(&place.name),
        };
        match text {
            None if self.env.opts.nounset => Err(format!("{}: unbound variable", place.name)),
            None => Ok(0),
            Some(text) => match text.trim().parse::<i64>() {
                Ok(value) if !text.trim().starts_with('0') && !text.contains('+') => Ok(value),
                _ => nested(self.env, &text, self.depth + 1),
            },
        }
    }

    fn store(&mut self, place: &Place, value: i64) -> Result<(), String> {
        if self.skip > 0 {
            return Ok(());
        }
        match place.index {
            Some(index) => self.env.set_element(&place.name, index, value.to_string()),
            None => self.env.set(&place.name, value.to_string()),
        }
    }

    fn apply(&mut self, op: &str, a: i64, b: i64) -> Value {
        Ok(match op {
            "||" => i64::from(a != 0 || b != 0),
            "&&" => i64::from(a != 0 && b != 0),
            "|" => a | b,
            "^" => a ^ b,
            "&" => a & b,
            "==" => i64::from(a == b),
            "!=" => i64::from(a != b),
            "<=" => i64::from(a <= b),
            ">=" => i64::from(a >= b),
            "<" => i64::from(a < b),
            ">" => i64::from(a > b),
            "<<" => a.wrapping_shl(b as u32),
            ">>" => a.wrapping_shr(b as u32),
            "+" => a.wrapping_add(b),
            "-" => a.wrapping_sub(b),
            "*" => a.wrapping_mul(b),
            _ if b == 0 && self.skip > 0 => 0,
            _ if b == 0 => return Err(self.error("division by 0")),
            "/" => a.wrapping_div(b),
            _ => a.wrapping_rem(b),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<i64, String> {
        let mut env = Env::new("bash");
        env.set("x", "5").expect("a small value");
        env.set("y", "x+1").expect("a small value");
        evaluate(&mut env, text)
    }

    #[test]
    fn expressions_have_the_values_that_bash_gives_them() {
        for (text, result) in [
            ("1+2*3", 7),
            ("(1+2)*3", 9),
            ("2**3**2", 512),
            ("-2**2", 4),
            ("7/2", 3),
            ("-7%3", -1),
            ("x", 5),
            ("y*2", 12),
            ("x==5 && y>5", 1),
            ("x>5?1:2", 2),
            ("x++ + x", 11),
            ("x+=3, x<<1", 16),
            ("0x1f + 010 + 2#101", 44),
            ("!x", 0),
            ("~0", -1),
            ("0 && 1/0", 0),
            ("a[2]=4, a[2]+a[0]", 4),
            ("", 0),
            ("1<2", 1),
            ("5&3|8", 9),
        ] {
            assert_eq!(value(text), Ok(result), "{text}");
        }
    }

    #[test]
    fn errors_are_worded_as_bash_words_them() {
        for (text, error) in [
            ("1+", "1+: syntax error: operand expected (error token is \"+\")"),
            ("1/0", "1/0: division by 0 (error token is \"0\")"),
            ("08", "08: value too great for base (error token is \"08\")"),
            ("1 2", "1 2: syntax error in expression (error token is \"2\")"),
            ("1 +* 2", "1 +* 2: syntax error: operand expected (error token is \"* 2\")"),
        ] {
            assert_eq!(value(text), Err(error.to_string()), "{text}");
        }
    }

    #[test]
    fn deep_nesting_and_self_reference_end() {
        assert!(value(&"(".repeat(5000)).is_err());
        assert!(value(&"-".repeat(5001)).is_err());
        let mut env = Env::new("bash");
        env.set("z", "z").expect("a small value");
        assert!(evaluate(&mut env, "z").is_err());
    }
}
