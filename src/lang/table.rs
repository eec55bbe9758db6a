//! The tables: read once, when something is said in their language for the first time.
//!
//! A message that is missing is said in English, and one that is missing there by its id; `tests/it/lang.rs` finds both,
//! what nobody uses, and what fills a message in one language and not in another.

use super::{Arg, Join, Lang};
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use std::sync::LazyLock;

type Bundle = FluentBundle<FluentResource>;

macro_rules! tables {
    ($($name:literal),* $(,)?) => {
        /// The files of a language's table: name and text.
        pub fn files(lang: Lang) -> &'static [(&'static str, &'static str)] {
            match lang {
                Lang::En => &[$(($name, include_str!(concat!("en/", $name, ".ftl")))),*],
                Lang::Zh => &[$(($name, include_str!(concat!("zh/", $name, ".ftl")))),*],
            }
        }
    };
}

tables!(
    "words", "drops", "causes", "found", "why", "story", "list", "lints", "study", "cli", "grade", "lab", "sysctls",
    "problems"
);

static EN: LazyLock<Bundle> = LazyLock::new(|| read(Lang::En));
static ZH: LazyLock<Bundle> = LazyLock::new(|| read(Lang::Zh));

fn bundle(lang: Lang) -> &'static Bundle {
    match lang {
        Lang::En => &EN,
        Lang::Zh => &ZH,
    }
}

/// What cannot be read is left out: its messages are missing then, which is told by their ids.
fn read(lang: Lang) -> Bundle {
    let id = lang.code().parse().unwrap_or_default();
    let mut bundle = Bundle::new_concurrent(vec![id]);
    // Fluent would wrap what fills a message into marks of writing direction; both languages run left to right.
    bundle.set_use_isolating(false);
    for (_, text) in files(lang) {
        let resource = match FluentResource::try_new((*text).to_string()) {
            Ok(resource) | Err((resource, _)) => resource,
        };
        bundle.add_resource_overriding(resource);
    }
    bundle
}

/// A message in words.
pub fn say(lang: Lang, id: &str, attr: Option<&str>, args: &[(&'static str, Arg)]) -> String {
    let mut filled = FluentArgs::with_capacity(args.len());
    for (name, arg) in args {
        filled.set(*name, value(lang, arg));
    }
    if let Some(said) = try_say(bundle(lang), id, attr, &filled) {
        return said;
    }
    let english = || try_say(bundle(Lang::En), id, attr, &filled);
    english().unwrap_or_else(|| attr.map_or_else(|| id.to_string(), |attr| format!("{id}.{attr}")))
}

fn try_say(bundle: &Bundle, id: &str, attr: Option<&str>, args: &FluentArgs<'_>) -> Option<String> {
    let message = bundle.get_message(id)?;
    let pattern = match attr {
        None => message.value()?,
        Some(attr) => message.get_attribute(attr)?.value(),
    };
    let mut errors = Vec::new();
    let said = bundle.format_pattern(pattern, Some(args), &mut errors).into_owned();
    debug_assert!(errors.is_empty(), "{id}: {errors:?}");
    Some(said)
}

fn value(lang: Lang, arg: &Arg) -> FluentValue<'static> {
    /// Fluent's numbers are floats: larger ones would lose digits, and have a plural anyway.
    const EXACT: i128 = 1 << 53;
    match arg {
        Arg::Words(words) => FluentValue::from(words.clone()),
        Arg::Number(n) if n.abs() < EXACT => FluentValue::from(i64::try_from(*n).unwrap_or_default()),
        Arg::Number(n) => FluentValue::from(n.to_string()),
        Arg::Text(text) => FluentValue::from(text.say(lang)),
    }
}

/// What stands between the parts of a list.
pub fn between(lang: Lang, join: Join) -> String {
    let id = match join {
        Join::Comma => "join-comma",
        Join::Then => "join-then",
        Join::Semicolon => "join-semicolon",
        Join::CommaAnd => "join-comma-and",
        Join::And => "join-and",
        Join::Or => "join-or",
        Join::Space => "join-space",
        Join::Nothing => return String::new(),
    };
    say(lang, id, None, &[])
}
