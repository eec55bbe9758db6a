//! `-m ipvs`: what is typed, what `-L` shows, what `-S` writes (libxtables, extensions/libxt_ipvs.c).

use super::extend::{Extension, Loaded, opt};
use super::{Fail, words};
use crate::net::netfilter::ipvs::{Asked, IpvsMatch};
use std::fmt::Write;

/// The match.
pub const IPVS: Extension = Extension {
    name: "ipvs",
    options: &[
        opt("ipvs", 0),
        opt("vproto", 1),
        opt("vaddr", 1),
        opt("vport", 1),
        opt("vdir", 1),
        opt("vmethod", 1),
        opt("vportctl", 1),
    ],
};

/// Names of forwarding methods and IPVS's numbers for them.
const METHODS: [(&str, u8); 3] = [("GATE", 3), ("IPIP", 2), ("MASQ", 0)];

/// Reads what was said.
pub fn read(said: &Loaded) -> Result<IpvsMatch, Fail> {
    let bad = |option: &str, text: &str| Fail::Param(format!("ipvs: Bad value for \"--{option}\" option: \"{text}\""));
    let port = |option: &str| -> Result<Asked<u16>, Fail> {
        let Some((text, invert)) = said.one(option) else { return Ok(None) };
        let port = words::port(text, 6)
            .map_err(|_| Fail::Param(format!("Port \"{text}\" does not resolve to anything.\n")))?;
        Ok(Some((port, invert)))
    };
    let proto = match said.one("vproto") {
        Some((text, invert)) => Some((words::protocol(text)?, invert)),
        None => None,
    };
    let addr = match said.one("vaddr") {
        Some((text, invert)) => Some((words::network(text)?, invert)),
        None => None,
    };
    let reply = match said.one("vdir") {
        Some((text, _)) if text.eq_ignore_ascii_case("ORIGINAL") => Some(false),
        Some((text, _)) if text.eq_ignore_ascii_case("REPLY") => Some(true),
        Some((text, _)) => return Err(bad("vdir", text)),
        None => None,
    };
    let method = match said.one("vmethod") {
        Some((text, invert)) => match METHODS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
            Some((_, number)) => Some((*number, invert)),
            None => return Err(bad("vmethod", text)),
        },
        None => None,
    };
    let property = said.one("ipvs").map(|(_, invert)| ((), invert));
    let m = IpvsMatch { property, proto, addr, port: port("vport")?, reply, method, portctl: port("vportctl")? };
    match property {
        None if m.only_property() => Err(Fail::Param("IPVS: At least one option is required".to_string())),
        Some(((), true)) if !m.only_property() => {
            Err(Fail::Param("! --ipvs cannot be together with other options".to_string()))
        }
        _ => Ok(m),
    }
}

/// What both `-L` and `-S` say of it; for `-S`, dashes come before each name.
pub fn text(out: &mut String, m: &IpvsMatch, dashes: &str, numeric: bool) {
    let mut word = |invert: bool, name: &str, value: String| {
        let _ = write!(out, "{} {dashes}{name}{value}", if invert { " !" } else { "" });
    };
    if m.only_property() {
        word(m.property.is_some_and(|((), invert)| invert), "ipvs", String::new());
    }
    if let Some((proto, invert)) = m.proto {
        word(invert, "vproto", format!(" {proto}"));
    }
    if let Some(((addr, mask), invert)) = m.addr {
        let text = match addr.is_unspecified() {
            true if !numeric => "anywhere".to_string(),
            true => format!("{addr}{}", if u32::from(mask) == u32::MAX { "" } else { "/0" }),
            false => words::network_text(addr, mask, numeric),
        };
        word(invert, "vaddr", format!(" {text}"));
    }
    if let Some((port, invert)) = m.port {
        word(invert, "vport", format!(" {port}"));
    }
    if let Some(reply) = m.reply {
        word(false, "vdir", if reply { " REPLY" } else { " ORIGINAL" }.to_string());
    }
    if let Some((number, invert)) = m.method {
        let name = METHODS.iter().find(|(_, n)| *n == number).map_or("UNKNOWN", |(name, _)| *name);
        word(invert, "vmethod", format!(" {name}"));
    }
    if let Some((port, invert)) = m.portctl {
        word(invert, "vportctl", format!(" {port}"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::run;
    use crate::net::netfilter::Netfilter;
    use crate::shell::output::Output;

    fn typed(nf: &mut Netfilter, line: &str) -> String {
        let words: Vec<String> = line.split_whitespace().map(str::to_string).collect();
        let mut out = Output::new();
        run(nf, &words, &mut out);
        out.text()
    }

    #[test]
    fn it_is_saved_as_it_could_be_typed_and_shown_without_dashes() {
        for (rule, saved) in [
            ("--vaddr 10.0.0.100/32 --vport 80", "--vaddr 10.0.0.100 --vport 80"),
            ("--ipvs", "--ipvs"),
            ("! --ipvs", "! --ipvs"),
            ("--ipvs --vproto tcp", "--vproto 6"),
            ("! --vaddr 10.0.0.0/24 --vdir reply", "! --vaddr 10.0.0.0/24 --vdir REPLY"),
            ("! --vmethod masq --vportctl ftp", "! --vmethod MASQ --vportctl 21"),
        ] {
            let mut nf = Netfilter::default();
            let answer = typed(&mut nf, &format!("-t nat -A POSTROUTING -m ipvs {rule} -j SNAT --to-source 10.0.0.1"));
            assert_eq!(answer, "", "{rule}");
            let want = format!("-A POSTROUTING -m ipvs {saved} -j SNAT --to-source 10.0.0.1\n");
            assert_eq!(typed(&mut nf, "-t nat -S POSTROUTING 1"), want);
            let shown = typed(&mut nf, "-t nat -nL POSTROUTING");
            let want = format!(" {} to:10.0.0.1", saved.replace("--", ""));
            assert!(shown.contains(&want), "{shown}");
        }
    }

    #[test]
    fn mistakes_are_told_in_the_programs_words() {
        for (rule, text) in [
            ("", "IPVS: At least one option is required"),
            ("! --ipvs --vport 80", "! --ipvs cannot be together with other options"),
            ("--vdir foo", "ipvs: Bad value for \"--vdir\" option: \"foo\""),
            ("--vmethod foo", "ipvs: Bad value for \"--vmethod\" option: \"foo\""),
            ("--vport foo", "Port \"foo\" does not resolve to anything.\n"),
            ("--vproto foo", "unknown protocol \"foo\" specified"),
            ("--vport 80 --vport 81", "ipvs: option \"--vport\" can only be used once.\n"),
            ("! --vdir REPLY", "ipvs: option \"--vdir\" cannot be inverted.\n"),
        ] {
            let answer = typed(&mut Netfilter::default(), &format!("-A INPUT -m ipvs {rule}"));
            assert!(answer.starts_with(&format!("iptables v1.8.9 (legacy): {text}\n")), "{rule}: {answer}");
        }
    }
}
