//! Sentences for typed facts: why a scheduler chose, what a host did about a who-has.

use crate::trace::{ArpAnswer, Because, Compared};
use std::net::Ipv4Addr;

/// Why a scheduler chose what it chose: `next in turn (2 of 3)`.
pub fn because(why: &Because) -> String {
    match why {
        Because::NextInTurn { place, of } => format!("next in turn ({} of {of})", place + 1),
        Because::WeightedTurn { weight, mark } => format!("its turn: weight {weight} reaches the mark {mark}"),
        Because::Least { measure, value, weight } => format!("least {measure}: {value} at weight {weight}"),
        Because::HashSlot { slot, size } => format!("slot {slot} of {size} in the hash table"),
        Because::Persistent => "a persistence template binds the client".into(),
        Because::HighestWeight { weight } => format!("the highest weight, {weight}"),
        Because::Drawn => "drawn".into(),
    }
}

/// What a scheduler compared of one server: `(active*256+inactive)/weight = 512/3`.
pub fn compared(what: &Compared) -> String {
    match *what {
        Compared::Turn(1) => "next in turn".into(),
        Compared::Turn(n) => format!("turn {n}"),
        Compared::Mark { weight, mark } => format!("weight {weight}, mark {mark}"),
        Compared::Ratio { measure, value, weight: Some(weight) } => format!("({measure})/weight = {value}/{weight}"),
        Compared::Ratio { measure, value, weight: None } => format!("{measure} = {value}"),
        Compared::Slot { slot, size, here: true } => format!("slot {slot} of {size} leads here"),
        Compared::Slot { slot, size, here: false } => format!("slot {slot} of {size} leads elsewhere"),
        Compared::Bound => "bound to the address, not overloaded".into(),
        Compared::Weight { weight, active: None } => format!("weight {weight}"),
        Compared::Weight { weight, active: Some(active) } => format!("weight {weight}, active {active}"),
        Compared::Drawn { of, weight, load } => {
            format!("drawn with weight {weight} of {of}, load/weight = {load}/{weight}")
        }
    }
}

/// What a host did about a who-has for `asked`, as a verb and its reason: `kept silent: arp_ignore=1 on eth0 (…)`.
pub fn arp_answer(answer: &ArpAnswer, asked: Ipv4Addr) -> String {
    match answer {
        ArpAnswer::Answered { owner, knob } => format!("answered: {asked} is on {owner}; {knob}"),
        ArpAnswer::Proxied { knob } => format!("answered in its place: {knob}"),
        ArpAnswer::TooManyHeld { limit } => {
            format!("kept silent: more than {limit} answers in others' place wait already (proxy_qlen)")
        }
        ArpAnswer::NotMine => "does not have it".into(),
        ArpAnswer::Ignored { owner, knob } => format!("kept silent: has it on {owner}, but {knob}"),
        ArpAnswer::Filtered { knob } => format!("kept silent: would reach the asker by another device; {knob}"),
        ArpAnswer::AskerIsMe { sip } => format!("kept silent: the asker's address {sip} is its own"),
        ArpAnswer::ReversePath { knob } => format!("kept silent: the asker's address fails the reverse path; {knob}"),
        ArpAnswer::Arptables { chain } => format!("kept silent: arptables {chain} dropped the question"),
        ArpAnswer::NotAQuestion => "nothing to answer".into(),
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
        let said = arp_answer(&answer, Ipv4Addr::new(10, 0, 0, 100));
        assert!(said.starts_with("kept silent: has it on lo, but arp_ignore=1 on eth0 (all=1, eth0=0"), "{said}");
    }

    #[test]
    fn turns_are_counted_from_one() {
        assert_eq!(because(&Because::NextInTurn { place: 0, of: 3 }), "next in turn (1 of 3)");
        assert_eq!(count(1, "frame", "frames"), "1 frame");
    }
}
