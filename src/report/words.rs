//! Sentences for typed facts: why a scheduler chose, what a host did about a who-has.

use crate::lang::Text;
use crate::text;
use crate::trace::{ArpAnswer, Because, Compared};
use std::net::Ipv4Addr;

/// Why a scheduler chose what it chose: `next in turn (2 of 3)`.
pub fn because(why: &Because) -> Text {
    match why {
        Because::NextInTurn { place, of } => text!("because-next-in-turn", place = place + 1, of),
        Because::WeightedTurn { weight, mark } => text!("because-weighted-turn", weight, mark),
        Because::Least { measure, value, weight } => text!("because-least", measure, value, weight),
        Because::HashSlot { slot, size } => text!("because-hash-slot", slot, size),
        Because::Persistent => text!("because-persistent"),
        Because::HighestWeight { weight } => text!("because-highest-weight", weight),
        Because::Drawn => text!("because-drawn"),
    }
}

/// What a scheduler compared of one server: `(active*256+inactive)/weight = 512/3`.
pub fn compared(what: &Compared) -> Text {
    match *what {
        Compared::Turn(1) => text!("compared-next"),
        Compared::Turn(n) => text!("compared-turn", n),
        Compared::Mark { weight, mark } => text!("compared-mark", weight, mark),
        Compared::Ratio { measure, value, weight: Some(weight) } => {
            text!("compared-ratio-weight", measure, value, weight)
        }
        Compared::Ratio { measure, value, weight: None } => text!("compared-ratio", measure, value),
        Compared::Slot { slot, size, here: true } => text!("compared-slot-here", slot, size),
        Compared::Slot { slot, size, here: false } => text!("compared-slot-elsewhere", slot, size),
        Compared::Bound => text!("compared-bound"),
        Compared::Weight { weight, active: None } => text!("compared-weight", weight),
        Compared::Weight { weight, active: Some(active) } => text!("compared-weight-active", weight, active),
        Compared::Drawn { of, weight, load } => {
            text!("compared-drawn", weight, of, load)
        }
    }
}

/// What a host did about a who-has for `asked`, as a verb and its reason: `kept silent: arp_ignore=1 on eth0 (…)`.
pub fn arp_answer(answer: &ArpAnswer, asked: Ipv4Addr) -> Text {
    match answer {
        ArpAnswer::Answered { owner, knob } => text!("arp-answered", asked, owner, knob),
        ArpAnswer::Proxied { knob } => text!("arp-proxied", knob),
        ArpAnswer::TooManyHeld { limit } => {
            text!("arp-too-many-held", limit)
        }
        ArpAnswer::NotMine => text!("arp-not-mine"),
        ArpAnswer::Ignored { owner, knob } => text!("arp-ignored", owner, knob),
        ArpAnswer::Filtered { knob } => text!("arp-filtered-knob", knob),
        ArpAnswer::AskerIsMe { sip } => text!("arp-asker-is-me", sip),
        ArpAnswer::ReversePath { knob } => text!("arp-reverse-path", knob),
        ArpAnswer::Arptables { chain } => text!("arp-arptables", chain),
        ArpAnswer::NotAQuestion => text!("arp-not-a-question"),
    }
}

/// `1 packet`, `2 packets`.
pub fn count(n: u64, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::knob;

    #[test]
    fn silence_names_the_device_the_knob_and_where_its_value_comes_from() {
        let answer = ArpAnswer::Ignored { owner: "lo".into(), knob: knob("arp_ignore", 1) };
        let said = arp_answer(&answer, Ipv4Addr::new(10, 0, 0, 100)).to_string();
        assert!(said.starts_with("kept silent: has it on lo, but arp_ignore=1 on eth0 (all=1, eth0=0"), "{said}");
    }

    #[test]
    fn turns_are_counted_from_one() {
        assert_eq!(because(&Because::NextInTurn { place: 0, of: 3 }).to_string(), "next in turn (1 of 3)");
        assert_eq!(count(1, "frame", "frames"), "1 frame");
    }
}
