//! Packet filters, as libpcap compiles them and the kernel runs them on a tap (net/core/filter.c).
//!
//! A program here is the tree of tests that libpcap's code generator builds, not its instructions. What shows is kept:
//! tests run from left to right, and one that reads behind the end of a packet ends the whole program, which then takes
//! the packet for unwanted, whatever `not` stands before it.

use super::capture::PacketType;

/// What a filter sees of a packet.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Its bytes, link-layer header first.
    pub bytes: &'a [u8],
    /// Its length (`skb->len`).
    pub len: u32,
    /// Whom it is for (`SKF_AD_PKTTYPE`).
    pub kind: PacketType,
    /// The number of the device (`SKF_AD_IFINDEX`).
    pub ifindex: u32,
}

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// Holds for every packet, or for none.
    Always(bool),
    /// Does not hold.
    Not(Box<Test>),
    /// Both hold.
    And(Box<Test>, Box<Test>),
    /// One of both holds.
    Or(Box<Test>, Box<Test>),
    /// Two values compare so.
    Compare(Value, Comparison, Value),
}

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// They have a bit in common (`BPF_JSET`).
    AnyBit,
}

/// A number of 32 bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// This one.
    Number(u32),
    /// The packet's length.
    Length,
    /// The packet's type ([`PacketType`]).
    Kind,
    /// The device's number.
    Device,
    /// So many bytes of the packet (1, 2 or 4) from this place on.
    Load(Box<Value>, u8),
    /// The length of the IPv4 header at this place (`BPF_MSH`).
    HeaderLength(u32),
    /// Two values joined.
    Join(Box<Value>, Operator, Box<Value>),
    /// The two's complement.
    Negative(Box<Value>),
}

/// What joins two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
    /// `&`
    And,
    /// `|`
    Or,
    /// `^`
    Xor,
    /// `<<`
    Left,
    /// `>>`
    Right,
}

/// The program ended: it read behind the packet's end, or divided by zero.
struct Ended;

/// How many steps [`Test::rejects_all`] takes at most; beyond, it believes that some packet passes.
const MOST_STEPS: u32 = 100_000;

/// Comparisons and how they came out, on the path that is followed.
type Facts<'t> = Vec<(&'t Test, bool)>;

/// Asked with what is known so far and the steps taken: whether the rest can be had.
type Then<'a, 't> = &'a mut dyn FnMut(&mut Facts<'t>, &mut u32) -> bool;

impl Test {
    /// Whether the filter takes the packet.
    pub fn accepts(&self, seen: Seen<'_>) -> bool {
        self.holds(seen).unwrap_or(false)
    }

    fn holds(&self, seen: Seen<'_>) -> Result<bool, Ended> {
        Ok(match self {
            Test::Always(holds) => *holds,
            Test::Not(test) => !test.holds(seen)?,
            Test::And(a, b) => a.holds(seen)? && b.holds(seen)?,
            Test::Or(a, b) => a.holds(seen)? || b.holds(seen)?,
            Test::Compare(a, how, b) => how.compare(a.of(seen)?, b.of(seen)?),
        })
    }

    /// Whether no packet can pass, as far as libpcap's optimizer sees: it follows every path and remembers which tests
    /// held, and that a value which equals one number equals no other.
    pub fn rejects_all(&self) -> bool {
        let mut steps = 0;
        !self.can(true, &mut Vec::new(), &mut steps, &mut |_, _| true)
    }

    /// Whether the test can come out as `wanted`, and what follows can be had then.
    fn can<'t>(&'t self, wanted: bool, facts: &mut Facts<'t>, steps: &mut u32, then: Then<'_, 't>) -> bool {
        *steps += 1;
        if *steps > MOST_STEPS {
            return true;
        }
        match self {
            Test::Always(holds) => *holds == wanted && then(facts, steps),
            Test::Not(test) => test.can(!wanted, facts, steps, then),
            Test::And(a, b) if wanted => a.can(true, facts, steps, &mut |f, s| b.can(true, f, s, then)),
            Test::Or(a, b) if !wanted => a.can(false, facts, steps, &mut |f, s| b.can(false, f, s, then)),
            Test::And(a, b) | Test::Or(a, b) => {
                a.can(wanted, facts, steps, then) || a.can(!wanted, facts, steps, &mut |f, s| b.can(wanted, f, s, then))
            }
            Test::Compare(..) => match self.known(facts) {
                Some(holds) => holds == wanted && then(facts, steps),
                None => {
                    facts.push((self, wanted));
                    let possible = then(facts, steps);
                    facts.pop();
                    possible
                }
            },
        }
    }

    /// What is known of a comparison (`fold_edge`).
    fn known(&self, facts: &[(&Test, bool)]) -> Option<bool> {
        let Test::Compare(left, how, right) = self else { return None };
        if let (Value::Number(a), Value::Number(b)) = (left, right) {
            return Some(how.compare(*a, *b));
        }
        for (fact, held) in facts {
            if *fact == self {
                return Some(*held);
            }
            if let Test::Compare(other, Comparison::Equal, Value::Number(n)) = fact
                && *held
                && (other, *how) == (left, Comparison::Equal)
                && matches!(right, Value::Number(m) if m != n)
            {
                return Some(false);
            }
        }
        None
    }
}

impl Comparison {
    fn compare(self, a: u32, b: u32) -> bool {
        match self {
            Comparison::Equal => a == b,
            Comparison::Greater => a > b,
            Comparison::GreaterOrEqual => a >= b,
            Comparison::AnyBit => a & b != 0,
        }
    }
}

impl Value {
    fn of(&self, seen: Seen<'_>) -> Result<u32, Ended> {
        Ok(match self {
            Value::Number(n) => *n,
            Value::Length => seen.len,
            Value::Kind => seen.kind as u32,
            Value::Device => seen.ifindex,
            Value::Load(at, size) => load(seen.bytes, at.of(seen)?, *size)?,
            Value::HeaderLength(at) => (load(seen.bytes, *at, 1)? & 15) * 4,
            Value::Join(a, how, b) => how.join(a.of(seen)?, b.of(seen)?).ok_or(Ended)?,
            Value::Negative(a) => a.of(seen)?.wrapping_neg(),
        })
    }
}

impl Operator {
    fn join(self, a: u32, b: u32) -> Option<u32> {
        Some(match self {
            Operator::Add => a.wrapping_add(b),
            Operator::Subtract => a.wrapping_sub(b),
            Operator::Multiply => a.wrapping_mul(b),
            Operator::Divide => a.checked_div(b)?,
            Operator::Remainder => a.checked_rem(b)?,
            Operator::And => a & b,
            Operator::Or => a | b,
            Operator::Xor => a ^ b,
            Operator::Left => a.wrapping_shl(b),
            Operator::Right => a.wrapping_shr(b),
        })
    }
}

fn load(bytes: &[u8], at: u32, size: u8) -> Result<u32, Ended> {
    let from = at as usize;
    let some = bytes.get(from..from + usize::from(size)).ok_or(Ended)?;
    Ok(some.iter().fold(0, |n, &b| n << 8 | u32::from(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(bytes: &[u8]) -> Seen<'_> {
        Seen { bytes, len: bytes.len() as u32, kind: PacketType::Host, ifindex: 3 }
    }

    fn at(n: u32, is: u32) -> Test {
        Test::Compare(Value::Load(Box::new(Value::Number(n)), 1), Comparison::Equal, Value::Number(is))
    }

    fn not(test: Test) -> Test {
        Test::Not(Box::new(test))
    }

    fn and(a: Test, b: Test) -> Test {
        Test::And(Box::new(a), Box::new(b))
    }

    fn or(a: Test, b: Test) -> Test {
        Test::Or(Box::new(a), Box::new(b))
    }

    #[test]
    fn reading_behind_the_end_refuses_the_packet_whatever_stands_before() {
        let packet = [7u8, 8];
        assert!(at(0, 7).accepts(seen(&packet)));
        assert!(not(at(0, 9)).accepts(seen(&packet)));
        assert!(!at(2, 0).accepts(seen(&packet)));
        assert!(!not(at(2, 0)).accepts(seen(&packet)));
        // What was decided before is not read.
        assert!(or(at(1, 8), at(2, 0)).accepts(seen(&packet)));
        let divided = Value::Join(Box::new(Value::Number(1)), Operator::Divide, Box::new(Value::Number(0)));
        assert!(!Test::Compare(divided, Comparison::Equal, Value::Number(0)).accepts(seen(&packet)));
    }

    #[test]
    fn a_filter_that_contradicts_itself_rejects_all() {
        assert!(and(at(0, 1), at(0, 2)).rejects_all());
        assert!(and(at(0, 1), not(at(0, 1))).rejects_all());
        assert!(and(or(at(0, 1), at(0, 2)), at(0, 3)).rejects_all());
        assert!(Test::Always(false).rejects_all());
        assert!(!and(at(0, 1), at(1, 2)).rejects_all());
        assert!(!or(at(0, 1), Test::Always(false)).rejects_all());
        assert!(!and(not(at(0, 1)), not(at(0, 2))).rejects_all());
    }

    #[test]
    fn a_search_that_would_take_too_long_lets_the_filter_be() {
        let mut test = at(0, 0);
        for n in 1..60 {
            test = and(or(at(n, 1), at(n, 2)), test);
        }
        let hard = and(test, and(at(99, 1), at(99, 2)));
        assert!(!hard.rejects_all());
    }
}
