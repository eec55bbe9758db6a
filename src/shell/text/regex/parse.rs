//! Reads an expression into a tree and lays the tree out as a program.

use super::{Op, Regex, Set};

const MAX_PROGRAM: usize = 6000;
const MAX_NESTING: u32 = 60;

#[derive(Clone, Debug)]
enum Node {
    Empty,
    Char(char),
    Any,
    Set(usize),
    Assert(Op),
    Group(usize, Box<Node>),
    Cat(Vec<Node>),
    Alt(Vec<Node>),
    Repeat(Box<Node>, u32, Option<u32>),
}

/// How an expression is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Syntax {
    Basic,
    Extended,
}

pub(super) fn compile(text: &str, syntax: Syntax) -> Result<Regex, String> {
    let mut parser = Parser { chars: text.chars().collect(), at: 0, syntax, groups: 0, sets: Vec::new(), depth: 0 };
    let node = parser.alternatives()?;
    if parser.at < parser.chars.len() {
        return Err("Unmatched ) or \\)".into());
    }
    let mut program = vec![Op::Save(0)];
    emit(&node, &mut program)?;
    program.extend([Op::Save(1), Op::Match]);
    Ok(Regex { program, sets: parser.sets, groups: parser.groups, icase: false })
}

fn emit(node: &Node, program: &mut Vec<Op>) -> Result<(), String> {
    if program.len() > MAX_PROGRAM {
        return Err("Regular expression too big".into());
    }
    match node {
        Node::Empty => {}
        Node::Char(c) => program.push(Op::Char(*c)),
        Node::Any => program.push(Op::Any),
        Node::Set(n) => program.push(Op::Set(*n)),
        Node::Assert(op) => program.push(op.clone()),
        Node::Group(n, inner) => {
            program.push(Op::Save(2 * n));
            emit(inner, program)?;
            program.push(Op::Save(2 * n + 1));
        }
        Node::Cat(nodes) => {
            for node in nodes {
                emit(node, program)?;
            }
        }
        Node::Alt(nodes) => {
            let mut ends = Vec::new();
            for (n, node) in nodes.iter().enumerate() {
                if n + 1 == nodes.len() {
                    emit(node, program)?;
                    break;
                }
                let split = program.len();
                program.push(Op::Jump(0));
                emit(node, program)?;
                ends.push(program.len());
                program.push(Op::Jump(0));
                program[split] = Op::Split(split + 1, program.len());
            }
            let after = program.len();
            for end in ends {
                program[end] = Op::Jump(after);
            }
        }
        Node::Repeat(inner, least, most) => {
            for _ in 0..*least {
                emit(inner, program)?;
            }
            match most {
                None => {
                    let split = program.len();
                    program.push(Op::Jump(0));
                    emit(inner, program)?;
                    program.push(Op::Jump(split));
                    program[split] = Op::Split(split + 1, program.len());
                }
                Some(most) => {
                    let mut splits = Vec::new();
                    for _ in *least..*most {
                        splits.push(program.len());
                        program.push(Op::Jump(0));
                        emit(inner, program)?;
                    }
                    let after = program.len();
                    for split in splits {
                        program[split] = Op::Split(split + 1, after);
                    }
                }
            }
        }
    }
    Ok(())
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    syntax: Syntax,
    groups: usize,
    sets: Vec<Set>,
    depth: u32,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    /// Whether the operator `c` stands here: behind a backslash in basic expressions, bare in extended ones.
    fn operator(&self, c: char) -> bool {
        match self.syntax {
            Syntax::Basic => self.peek() == Some('\\') && self.chars.get(self.at + 1) == Some(&c),
            Syntax::Extended => self.peek() == Some(c),
        }
    }

    fn take(&mut self, c: char) -> bool {
        let there = self.operator(c);
        if there {
            self.at += if self.syntax == Syntax::Basic { 2 } else { 1 };
        }
        there
    }

    fn alternatives(&mut self) -> Result<Node, String> {
        let mut all = vec![self.sequence()?];
        while self.take('|') {
            all.push(self.sequence()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Node::Alt(all) })
    }

    fn sequence(&mut self) -> Result<Node, String> {
        let mut all: Vec<Node> = Vec::new();
        loop {
            if self.peek().is_none() || self.operator('|') || (self.operator(')') && self.depth > 0) {
                break;
            }
            let first = all.is_empty();
            let mut node = self.atom(first)?;
            let mut repeats = 0;
            loop {
                let (least, most) = if self.peek() == Some('*')
                    && !(matches!(node, Node::Assert(Op::Begin)) && self.syntax == Syntax::Basic)
                {
                    self.at += 1;
                    (0, None)
                } else if self.take('+') {
                    (1, None)
                } else if self.take('?') {
                    (0, Some(1))
                } else if self.operator('{') && (self.syntax == Syntax::Basic || self.interval()) {
                    self.take('{');
                    self.bounds()?
                } else {
                    break;
                };
                repeats += 1;
                if repeats > 20 {
                    return Err("Regular expression too big".into());
                }
                node = Node::Repeat(Box::new(node), least, most);
            }
            all.push(node);
        }
        Ok(match all.len() {
            0 => Node::Empty,
            1 => all.remove(0),
            _ => Node::Cat(all),
        })
    }

    /// Whether `{` begins an interval: in extended expressions others are plain.
    fn interval(&self) -> bool {
        let rest: String = self.chars[self.at + 1..].iter().take_while(|c| **c != '}').collect();
        let closed = self.chars.get(self.at + 1 + rest.chars().count()) == Some(&'}');
        closed && !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit() || c == ',')
    }

    fn bounds(&mut self) -> Result<(u32, Option<u32>), String> {
        let mut text = String::new();
        while let Some(c) = self.peek().filter(|c| c.is_ascii_digit() || *c == ',') {
            text.push(c);
            self.at += 1;
        }
        if !self.take('}') {
            return Err(if self.peek().is_none() { "Unmatched { or \\{" } else { "Invalid content of \\{\\}" }.into());
        }
        let number = |t: &str| t.parse::<u32>().map_err(|_| "Invalid content of \\{\\}".to_string());
        let (least, most) = match text.split_once(',') {
            None => {
                let n = number(&text)?;
                (n, Some(n))
            }
            Some((a, "")) => (if a.is_empty() { 0 } else { number(a)? }, None),
            Some((a, b)) => (if a.is_empty() { 0 } else { number(a)? }, Some(number(b)?)),
        };
        if least > 1000 || most.is_some_and(|m| m > 1000) {
            return Err("Regular expression too big".into());
        }
        if most.is_some_and(|m| m < least) {
            return Err("Invalid content of \\{\\}".into());
        }
        Ok((least, most))
    }

    fn set_node(&mut self, set: Set) -> Node {
        self.sets.push(set);
        Node::Set(self.sets.len() - 1)
    }

    fn class(&mut self, names: &[&str], extra: &[(char, char)], not: bool) -> Node {
        let classes = names.iter().map(|n| n.to_string()).collect();
        self.set_node(Set { not, ranges: extra.to_vec(), classes })
    }

    fn atom(&mut self, first: bool) -> Result<Node, String> {
        if self.take('(') {
            self.depth += 1;
            if self.depth > MAX_NESTING {
                return Err("Regular expression too big".into());
            }
            self.groups += 1;
            let n = self.groups;
            let inner = self.alternatives()?;
            if !self.take(')') {
                return Err("Unmatched ( or \\(".into());
            }
            self.depth -= 1;
            return Ok(Node::Group(n, Box::new(inner)));
        }
        let Some(c) = self.peek() else { return Ok(Node::Empty) };
        self.at += 1;
        let extended = self.syntax == Syntax::Extended;
        Ok(match c {
            '.' => Node::Any,
            '[' => self.bracket()?,
            '^' if extended || first => Node::Assert(Op::Begin),
            '$' if extended || self.peek().is_none() || self.operator(')') || self.operator('|') => {
                Node::Assert(Op::End)
            }
            '*' if first => Node::Char('*'),
            '+' | '?' if extended && first => Node::Char(c),
            '\\' => {
                let Some(c) = self.peek() else { return Err("Trailing backslash".into()) };
                self.at += 1;
                match c {
                    '<' => Node::Assert(Op::WordBegin),
                    '>' => Node::Assert(Op::WordEnd),
                    'b' => Node::Assert(Op::Boundary),
                    'B' => Node::Assert(Op::NotBoundary),
                    '`' => Node::Assert(Op::Begin),
                    '\'' => Node::Assert(Op::End),
                    'w' => self.class(&["alnum"], &[('_', '_')], false),
                    'W' => self.class(&["alnum"], &[('_', '_')], true),
                    's' => self.class(&["space"], &[], false),
                    'S' => self.class(&["space"], &[], true),
                    '1'..='9' => return Err("lvsim: back-references within an expression are not simulated".into()),
                    'n' => Node::Char('\n'),
                    't' => Node::Char('\t'),
                    c => Node::Char(c),
                }
            }
            c => Node::Char(c),
        })
    }

    fn bracket(&mut self) -> Result<Node, String> {
        let unmatched = || "Unmatched [, [^, [:, [., or [=".to_string();
        let mut set = Set::default();
        if self.peek() == Some('^') {
            set.not = true;
            self.at += 1;
        }
        let first = self.at;
        loop {
            let c = self.peek().ok_or_else(unmatched)?;
            self.at += 1;
            if c == ']' && self.at > first + 1 {
                return Ok(self.set_node(set));
            }
            if c == '[' && self.peek() == Some(':') {
                let rest = &self.chars[self.at + 1..];
                let end = rest.windows(2).position(|w| w == [':', ']']).ok_or_else(unmatched)?;
                let name: String = rest[..end].iter().collect();
                if ![
                    "alpha", "digit", "alnum", "upper", "lower", "space", "blank", "punct", "print", "graph", "cntrl",
                    "xdigit",
                ]
                .contains(&name.as_str())
                {
                    return Err("Invalid character class name".into());
                }
                set.classes.push(name);
                self.at += end + 3;
                continue;
            }
            if self.peek() == Some('-') && self.chars.get(self.at + 1).is_some_and(|c| *c != ']') {
                let to = self.chars[self.at + 1];
                self.at += 2;
                if to < c {
                    return Err("Invalid range end".into());
                }
                set.ranges.push((c, to));
            } else {
                set.ranges.push((c, c));
            }
        }
    }
}
