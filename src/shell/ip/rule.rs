//! `ip rule` (iproute2's ip/iprule.c).
//!
//! Left out, and refused by name: `goto`, `suppress_*`, ports, users, realms, NAT.

use super::paint::Ink;
use super::{Done, Ip, Stop, Words, json, table_name};
use crate::net::NetError;
use crate::net::fib::{Rule, RuleAction};
use crate::shell::words::{abbreviates, number};

/// What was typed. `None` means that nothing was said.
#[derive(Default)]
struct Typed {
    pref: Option<u32>,
    not: bool,
    from: Option<ipnet::Ipv4Net>,
    to: Option<ipnet::Ipv4Net>,
    iif: Option<String>,
    oif: Option<String>,
    fwmark: Option<(u32, u32)>,
    tos: u8,
    action: Option<RuleAction>,
}

impl Ip<'_> {
    pub(super) fn rule(&mut self, mut words: Words) -> Done {
        self.no_inet6()?;
        let Some(word) = words.next() else {
            return self.rule_show(words);
        };
        let is = |full| abbreviates(word, full);
        if is("list") || is("lst") || is("show") {
            self.rule_show(words)
        } else if is("add") {
            self.rule_add(words)
        } else if is("delete") {
            self.rule_delete(words)
        } else if is("flush") {
            while self.net.fib.del_rule(|r| r.pref != 0).is_ok() {}
            Ok(())
        } else if is("save") || is("restore") || is("help") {
            Err(self.not_modelled(&format!("rule {word}")))
        } else {
            Err(self.unknown(word, "rule"))
        }
    }

    fn rule_show(&mut self, words: Words) -> Done {
        let wanted = self.rule_typed(words)?;
        if self.json {
            let rules: Vec<Rule> = self.net.fib.rules().iter().filter(|r| wanted.fits(r)).cloned().collect();
            self.answer(rules, |ip, j, r| json::rule(j, ip.net, &r, ip.details));
            return Ok(());
        }
        let lines: Vec<String> =
            self.net.fib.rules().iter().filter(|r| wanted.fits(r)).map(|r| self.rule_line(r)).collect();
        for line in lines {
            self.out.line(&line);
        }
        Ok(())
    }

    fn rule_line(&self, r: &Rule) -> String {
        let mut text = format!("{}:\t", r.pref);
        if r.not {
            text.push_str("not ");
        }
        let net = |n: ipnet::Ipv4Net| {
            let addr = self.paint.on(Ink::Inet, &n.addr().to_string());
            if n.prefix_len() == 32 { addr } else { format!("{addr}/{}", n.prefix_len()) }
        };
        text.push_str(&match r.from {
            Some(from) => format!("from {}", net(from)),
            None => "from all".to_string(),
        });
        if let Some(to) = r.to {
            text.push_str(&format!(" to {}", net(to)));
        }
        if r.tos != 0 {
            text.push_str(&format!(" tos {:#04x}", r.tos));
        }
        if let Some((mark, mask)) = r.fwmark {
            text.push_str(&format!(" fwmark {mark:#x}"));
            if mask != u32::MAX {
                text.push_str(&format!("/{mask:#x}"));
            }
        }
        for (word, name) in [("iif", &r.iif), ("oif", &r.oif)] {
            if let Some(name) = name {
                text.push_str(&format!(" {word} {}", self.paint.on(Ink::Name, name)));
                if self.net.dev_by_name(name).is_none() {
                    text.push_str(" [detached]");
                }
            }
        }
        text.push_str(&match r.action {
            RuleAction::Table(table) => format!(" lookup {}", table_name(table)),
            RuleAction::Blackhole => " blackhole".to_string(),
            RuleAction::Unreachable => " unreachable".to_string(),
            RuleAction::Prohibit => " prohibit".to_string(),
        });
        if self.details {
            text.push_str(&format!(" proto {} ", protocol(r)));
        }
        text
    }

    fn rule_typed(&mut self, mut words: Words) -> Result<Typed, Stop> {
        let mut t = Typed::default();
        while let Some(word) = words.next() {
            match word {
                "not" => t.not = true,
                "from" => t.from = self.rule_net(&mut words)?,
                "to" => t.to = self.rule_net(&mut words)?,
                "preference" | "pref" | "order" | "priority" | "prio" => {
                    let text = self.need(&mut words)?;
                    t.pref = Some(number(text).ok_or_else(|| self.wrong(text, "preference value is invalid\n"))?);
                }
                "tos" | "dsfield" => {
                    let text = self.need(&mut words)?;
                    let tos = u8::from_str_radix(text.trim_start_matches("0x"), 16);
                    t.tos = tos.map_err(|_| self.wrong(text, "TOS value is invalid\n"))?;
                }
                "fwmark" => {
                    let text = self.need(&mut words)?;
                    let (mark, mask) = match text.split_once('/') {
                        Some((mark, mask)) => (number(mark), number(mask)),
                        None => (number(text), Some(u32::MAX)),
                    };
                    let (Some(mark), Some(mask)) = (mark, mask) else {
                        return Err(self.wrong(text, "fwmark value is invalid\n"));
                    };
                    t.fwmark = Some((mark, mask));
                }
                "table" | "lookup" => {
                    let text = self.need(&mut words)?;
                    t.action = Some(RuleAction::Table(self.table_of(text)?));
                }
                "dev" | "iif" => t.iif = Some(self.need(&mut words)?.to_string()),
                "oif" => t.oif = Some(self.need(&mut words)?.to_string()),
                "blackhole" => t.action = Some(RuleAction::Blackhole),
                "unreachable" => t.action = Some(RuleAction::Unreachable),
                "prohibit" => t.action = Some(RuleAction::Prohibit),
                _ => return Err(self.not_modelled(&format!("rule … {word}"))),
            }
        }
        Ok(t)
    }

    fn rule_net(&mut self, words: &mut Words) -> Result<Option<ipnet::Ipv4Net>, Stop> {
        let net = self.need_prefix(words)?.trunc();
        Ok(Some(net).filter(|n| n.prefix_len() > 0))
    }

    fn rule_add(&mut self, words: Words) -> Done {
        let t = self.rule_typed(words)?;
        let pref = t.pref.unwrap_or_else(|| self.net.fib.default_rule_pref());
        let mut rule = Rule::new(pref, t.action.unwrap_or(RuleAction::Table(254)));
        rule.not = t.not;
        rule.from = t.from;
        rule.to = t.to;
        rule.iif = t.iif.map(Into::into);
        rule.oif = t.oif.map(Into::into);
        rule.fwmark = t.fwmark;
        rule.tos = t.tos;
        let done = self.net.rule_add(rule);
        self.kernel(done)
    }

    fn rule_delete(&mut self, words: Words) -> Done {
        if words.peek().is_none() {
            self.out.err("\"ip rule del\" requires arguments.");
            return Err(Stop(1));
        }
        let t = self.rule_typed(words)?;
        let done = self.net.fib.del_rule(|r| t.fits(r));
        self.kernel(done.map_err(NetError::from))
    }
}

/// Who made a rule, as `-d` tells: `ip rule add` of 6.1 says nothing about itself.
pub(super) fn protocol(r: &Rule) -> &'static str {
    if r.by_kernel { "kernel" } else { "unspec" }
}

impl Typed {
    /// Whether a rule has all that was said.
    fn fits(&self, r: &Rule) -> bool {
        self.pref.is_none_or(|p| p == r.pref)
            && (!self.not || r.not)
            && (self.from.is_none() || self.from == r.from)
            && (self.to.is_none() || self.to == r.to)
            && (self.iif.is_none() || self.iif.as_deref() == r.iif.as_deref())
            && (self.oif.is_none() || self.oif.as_deref() == r.oif.as_deref())
            && (self.fwmark.is_none() || self.fwmark == r.fwmark)
            && (self.tos == 0 || self.tos == r.tos)
            && self.action.is_none_or(|a| a == r.action)
    }
}
