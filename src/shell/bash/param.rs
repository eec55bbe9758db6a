//! Parameter expansion: `${x:-…}`, `${x#…}`, `${x/a/b}`, `${x:1:2}` and their like; names for patterns.

use super::ast::{Index, Op, Param, Part};
use super::env::is_identifier;
use super::expand::{Expanded, Expander, Halt, Val};
use super::fields::Fields;
use super::pattern::Pattern;
use super::{MAX_VALUE, MAX_WORDS, escape};
use crate::shell::vfs::resolve;

impl Expander<'_> {
    pub(super) fn param(&mut self, param: &Param, quoted: bool, out: &mut Fields) -> Expanded<()> {
        let (mut name, mut index) = (param.name.clone(), param.index.as_ref());
        match &param.op {
            Op::Keys => {
                let keys = self.env.array(&name).unwrap_or_default().into_keys().map(|k| k.to_string()).collect();
                return self.put_value(Val::Many(keys, matches!(index, Some(Index::Joined))), quoted, out);
            }
            Op::Names => {
                let names = self.env.vars.keys().filter(|k| k.starts_with(&name)).cloned().collect();
                return self.put_value(Val::Many(names, false), quoted, out);
            }
            _ => {}
        }
        let indirect;
        if param.indirect {
            let Val::One(target) = self.lookup(&name, index)? else {
                return Err(Halt::Line(format!("{name}: invalid indirect expansion")));
            };
            if let Some((base, inner)) =
                target.split_once('[').filter(|(base, t)| is_identifier(base) && t.ends_with(']'))
            {
                let inner = inner.trim_end_matches(']');
                indirect = match inner {
                    "@" => Index::All,
                    "*" => Index::Joined,
                    text => Index::At(vec![Part::Text(text.to_string())]),
                };
                name = base.to_string();
                index = Some(&indirect);
            } else if is_identifier(&target)
                || target.bytes().all(|c| c.is_ascii_digit()) && !target.is_empty()
                || matches!(target.as_str(), "@" | "*" | "#" | "?")
            {
                name = target;
                index = None;
            } else {
                return Err(Halt::Line(format!("{target}: invalid variable name")));
            }
        }
        let value = self.lookup(&name, index)?;
        let shown = match index {
            Some(Index::At(_)) => param
                .raw
                .trim_start_matches("${")
                .split(']')
                .next()
                .map_or(name.clone(), |s| format!("{}]", s.trim_start_matches(['#', '!']))),
            _ => name.clone(),
        };
        if let Op::Test(op, colon, word) = &param.op {
            return self.test(*op, *colon, word, value, (&name, index, &shown), quoted, out);
        }
        if matches!(value, Val::Unset) && self.env.opts.nounset {
            return Err(Halt::Exit(format!("{shown}: unbound variable")));
        }
        let value = match &param.op {
            Op::Length => Val::One(match &value {
                Val::Unset => "0".to_string(),
                Val::One(text) => text.chars().count().to_string(),
                Val::Many(items, _) => items.len().to_string(),
            }),
            Op::Substring(from, len) => {
                self.substring(value, from, len.as_deref(), name == "@" || name == "*", &shown)?
            }
            Op::Strip(end, longest, parts) => {
                let pattern = Pattern::new(&self.pattern(parts)?);
                self.each(value, &pattern, |text| {
                    let chars: Vec<char> = text.chars().collect();
                    let cut =
                        if *end == b'#' { pattern.prefix(&chars, *longest) } else { pattern.suffix(&chars, *longest) };
                    let n = cut.unwrap_or(0);
                    Ok(if *end == b'#' {
                        chars[n..].iter().collect()
                    } else {
                        chars[..chars.len() - n].iter().collect()
                    })
                })?
            }
            Op::Replace(place, parts, with) => {
                let text = self.pattern(parts)?;
                let pattern = Pattern::new(&text);
                let with = self.text(with)?;
                let empty = text.is_empty();
                self.each(value, &pattern, |text| {
                    if empty { Ok(text.to_string()) } else { replace(text, &pattern, &with, *place) }
                })?
            }
            Op::Case(op, all, parts) => {
                let text = if parts.is_empty() { "?".to_string() } else { self.pattern(parts)? };
                let pattern = Pattern::new(&text);
                self.each(value, &pattern, |text| {
                    let change = |(n, c): (usize, char)| {
                        if (n > 0 && !*all) || !pattern.matches(c.encode_utf8(&mut [0; 4])) {
                            c.to_string()
                        } else if *op == b'^' {
                            c.to_uppercase().collect()
                        } else {
                            c.to_lowercase().collect()
                        }
                    };
                    Ok(text.chars().enumerate().map(change).collect())
                })?
            }
            Op::Transform(op) => {
                let pattern = Pattern::new("?");
                self.each(value, &pattern, |text| {
                    Ok(match op {
                        b'Q' => escape::single_quote(text),
                        b'U' => text.to_uppercase(),
                        b'L' => text.to_lowercase(),
                        _ => {
                            let mut chars = text.chars();
                            chars.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default()
                                + chars.as_str()
                        }
                    })
                })?
            }
            _ => value,
        };
        self.put_value(value, quoted, out)
    }

    pub(super) fn each(
        &mut self,
        value: Val,
        pattern: &Pattern,
        f: impl Fn(&str) -> Result<String, String>,
    ) -> Expanded<Val> {
        let mut one = |text: &str| {
            self.work += pattern.cost(text.len());
            f(text).map_err(Halt::Line)
        };
        Ok(match value {
            Val::Unset => Val::Unset,
            Val::One(text) => Val::One(one(&text)?),
            Val::Many(items, joined) => {
                Val::Many(items.iter().map(|t| one(t)).collect::<Expanded<Vec<String>>>()?, joined)
            }
        })
    }

    #[expect(clippy::too_many_arguments, reason = "the pieces of one ${…} expression")]
    pub(super) fn test(
        &mut self,
        op: u8,
        colon: bool,
        word: &[Part],
        value: Val,
        at: (&str, Option<&Index>, &str),
        quoted: bool,
        out: &mut Fields,
    ) -> Expanded<()> {
        let there = match &value {
            Val::Unset => false,
            Val::One(text) => !(colon && text.is_empty()),
            Val::Many(items, _) => !(items.is_empty() || (colon && items.iter().all(String::is_empty))),
        };
        let (name, index, shown) = at;
        match op {
            b'+' if there => self.in_place(word, quoted, out),
            b'+' => Ok(()),
            _ if there => self.put_value(value, quoted, out),
            b'-' => self.in_place(word, quoted, out),
            b'=' => {
                let text = self.text(word)?;
                let set = match index {
                    Some(Index::At(parts)) => {
                        let index = self.number(parts)?;
                        self.env.set_element(name, index, text.clone())
                    }
                    _ if is_identifier(name) => self.env.set(name, text.clone()),
                    _ => Err(format!("${name}: cannot assign in this way")),
                };
                set.map_err(Halt::Line)?;
                self.put(&text, quoted, out)
            }
            _ => {
                let text = self.text(word)?;
                let text = if text.is_empty() {
                    if colon { "parameter null or not set".to_string() } else { "parameter not set".to_string() }
                } else {
                    text
                };
                Err(Halt::Exit(format!("{shown}: {text}")))
            }
        }
    }

    pub(super) fn substring(
        &mut self,
        value: Val,
        from: &[Part],
        len: Option<&[Part]>,
        args: bool,
        shown: &str,
    ) -> Expanded<Val> {
        let start = self.number(from)?;
        let len = len.map(|l| self.number(l)).transpose()?;
        let span = |total: i64| {
            let start = if start < 0 { total.saturating_add(start) } else { start };
            if start < 0 || start > total {
                return Some((0, 0));
            }
            let end = match len {
                None => total,
                Some(l) if l < 0 => total.saturating_add(l),
                Some(l) => start.saturating_add(l).min(total),
            };
            (end >= start).then_some((start as usize, end as usize))
        };
        let bad = || Halt::Line(format!("{shown}: substring expression < 0"));
        Ok(match value {
            Val::Unset => Val::Unset,
            Val::One(text) => {
                let chars: Vec<char> = text.chars().collect();
                let (a, b) = span(chars.len() as i64).ok_or_else(bad)?;
                Val::One(chars[a..b].iter().collect())
            }
            Val::Many(mut items, joined) => {
                if args {
                    items.insert(0, self.env.name.to_string());
                }
                let (a, b) = span(items.len() as i64).ok_or_else(bad)?;
                Val::Many(items[a..b].to_vec(), joined)
            }
        })
    }

    /// The names that match a pattern, sorted.
    pub(super) fn glob(&mut self, text: &str) -> Vec<String> {
        let mut found: Vec<String> = vec![if text.starts_with('/') { "/".into() } else { String::new() }];
        let parts: Vec<&str> = text.split('/').filter(|p| !p.is_empty()).collect();
        for (n, part) in parts.iter().enumerate() {
            let last = n + 1 == parts.len();
            let mut next = Vec::new();
            if !part.contains(['*', '?', '[']) {
                let plain = part.replace('\\', "");
                for base in &found {
                    let path = join(base, &plain);
                    if self.files.stat(&resolve(&self.env.cwd, &path)).is_some() {
                        next.push(path);
                    }
                }
            } else {
                let pattern = Pattern::new(part);
                for base in &found {
                    let dir = resolve(&self.env.cwd, base);
                    let names = self.files.list(&dir).unwrap_or_default();
                    self.work += names.len() as u64 * 20;
                    for name in names {
                        let hidden = name.starts_with('.') && !part.starts_with('.');
                        if hidden || !pattern.matches(&name) {
                            continue;
                        }
                        let path = join(base, &name);
                        if last || self.files.stat(&resolve(&self.env.cwd, &path)).is_some_and(|s| s.dir) {
                            next.push(path);
                        }
                    }
                }
            }
            found = next;
            if found.len() > MAX_WORDS {
                break;
            }
        }
        if text.ends_with('/') {
            found.retain(|f| self.files.stat(&resolve(&self.env.cwd, f)).is_some_and(|s| s.dir));
            found.iter_mut().for_each(|f| f.push('/'));
        }
        found.sort();
        found
    }
}

fn join(base: &str, name: &str) -> String {
    if base.is_empty() || base.ends_with('/') { format!("{base}{name}") } else { format!("{base}/{name}") }
}

fn replace(text: &str, pattern: &Pattern, with: &str, place: u8) -> Result<String, String> {
    let chars: Vec<char> = text.chars().collect();
    match place {
        b'#' => Ok(match pattern.prefix(&chars, true) {
            Some(n) => with.chars().chain(chars[n..].iter().copied()).collect(),
            None => text.to_string(),
        }),
        b'%' => Ok(match pattern.suffix(&chars, true) {
            Some(n) => chars[..chars.len() - n].iter().copied().chain(with.chars()).collect(),
            None => text.to_string(),
        }),
        _ => {
            if pattern.has_star() && chars.len() > 8192 {
                return Err("lvsim: `*` in ${x/…} of a value longer than 8 KiB".into());
            }
            let mut out = String::new();
            let mut at = 0;
            while at < chars.len() {
                match pattern.prefix(&chars[at..], true) {
                    Some(n) if n > 0 => {
                        out += with;
                        at += n;
                        if place != b'/' {
                            break;
                        }
                        if out.len() > MAX_VALUE {
                            return Err(format!("lvsim: a value longer than {} KiB", MAX_VALUE >> 10));
                        }
                    }
                    _ => {
                        out.push(chars[at]);
                        at += 1;
                    }
                }
            }
            out.extend(&chars[at..]);
            Ok(out)
        }
    }
}
