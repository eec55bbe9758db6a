//! Looks at the finished pages as a browser would that has no network: every link leads to a page that is there, every
//! anchor to an id on it, every id stands once, and nothing is loaded from elsewhere.
//!
//! mdBook writes well-formed tags (attributes in double quotes), so a scanner of tags is enough; text between them, comments and
//! scripts are passed over.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// What a page has of interest.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub ids: Vec<String>,
    /// What it leads to, from `href` of `a`.
    pub links: Vec<String>,
    /// What it loads: pictures, styles, scripts.
    pub loads: Vec<String>,
}

/// Reads the tags of a page. With `main_only`, links and loads are those of the text; the frame around it is mdBook's.
pub fn read(html: &str) -> Page {
    let mut page = Page::default();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let Some(tag) = Tag::read(rest) else {
            rest = &rest[1..];
            continue;
        };
        rest = &rest[tag.length..];
        for (name, value) in &tag.attributes {
            match (tag.name.as_str(), name.as_str()) {
                (_, "id") => page.ids.push(value.clone()),
                ("a" | "area", "href") => page.links.push(value.clone()),
                ("link", "href") | ("image" | "use", "href" | "xlink:href") => page.loads.push(value.clone()),
                (_, "src" | "poster") => page.loads.push(value.clone()),
                _ => {}
            }
        }
        if matches!(tag.name.as_str(), "script" | "style") {
            let end = format!("</{}", tag.name);
            rest = rest.find(&end).map_or("", |at| &rest[at..]);
        }
    }
    page
}

struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
    length: usize,
}

impl Tag {
    /// An opening tag at the begin of `text`.
    fn read(text: &str) -> Option<Tag> {
        let mut rest = text.strip_prefix('<').filter(|r| r.starts_with(|c: char| c.is_ascii_alphabetic()))?;
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/'))?;
        let name = rest[..end].to_ascii_lowercase();
        rest = &rest[end..];
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
            if let Some(after) = rest.strip_prefix('>') {
                return Some(Tag { name, attributes, length: text.len() - after.len() });
            }
            let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/'))?;
            let key = rest[..end].to_ascii_lowercase();
            rest = &rest[end..];
            let mut value = "";
            if let Some(after) = rest.trim_start().strip_prefix('=') {
                let after = after.trim_start();
                let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
                let (start, stop) = match quote {
                    Some(quote) => (1, 1 + after[1..].find(quote)?),
                    None => (0, after.find(|c: char| c.is_whitespace() || c == '>')?),
                };
                value = &after[start..stop];
                rest = &after[stop + usize::from(quote.is_some())..];
            }
            attributes.push((key, unescape(value)));
        }
    }
}

fn unescape(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    text.replace("&#x27;", "'").replace("&amp;", "&")
}

/// What is wrong with a link of a page.
#[derive(Debug, PartialEq, Eq)]
pub struct Dead {
    /// The page, from the book's folder.
    pub page: PathBuf,
    /// As it stands there.
    pub target: String,
    pub text: String,
}

/// All that is wrong with these pages (by path from the book's folder). `exists` tells of other files there.
pub fn check(pages: &BTreeMap<PathBuf, Page>, exists: &dyn Fn(&Path) -> bool) -> Vec<Dead> {
    let ids: BTreeMap<&Path, BTreeSet<&str>> =
        pages.iter().map(|(path, page)| (path.as_path(), page.ids.iter().map(String::as_str).collect())).collect();
    let mut dead = Vec::new();
    for (path, page) in pages {
        let mut tell = |target: &str, text: String| {
            let one = Dead { page: path.clone(), target: target.to_string(), text };
            if !dead.contains(&one) {
                dead.push(one);
            }
        };
        let mut seen = BTreeSet::new();
        for id in &page.ids {
            if !seen.insert(id) {
                tell(id, format!("two things on this page have the id `{id}`"));
            }
        }
        for target in &page.loads {
            if elsewhere(target) {
                tell(target, format!("`{target}` would be loaded from the network"));
            }
        }
        for target in page.links.iter().chain(&page.loads) {
            if scheme(target).is_some() || target.starts_with("//") {
                continue;
            }
            let (file, anchor) = target.split_once('#').map_or((target.as_str(), None), |(f, a)| (f, Some(a)));
            let Some(to) = resolve(path, file.split('?').next().unwrap_or(file)) else {
                tell(target, format!("`{target}` leads out of the book"));
                continue;
            };
            if !ids.contains_key(to.as_path()) && !exists(&to) {
                tell(target, format!("`{target}`: there is no {}", to.display()));
            } else if let (Some(anchor), Some(there)) = (anchor, ids.get(to.as_path()))
                && !anchor.is_empty()
                && !there.contains(anchor)
                && !there.contains(decode(anchor).as_str())
            {
                tell(target, format!("`{target}`: nothing on {} has this id", to.display()));
            }
        }
    }
    dead
}

fn scheme(target: &str) -> Option<&str> {
    let (scheme, _) = target.split_once(':')?;
    (!scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')))
        .then_some(scheme)
}

fn elsewhere(target: &str) -> bool {
    target.starts_with("//") || scheme(target).is_some_and(|s| s != "data")
}

/// A link's file from the book's folder; none if it leaves it.
fn resolve(page: &Path, file: &str) -> Option<PathBuf> {
    if file.is_empty() {
        return Some(page.to_path_buf());
    }
    let mut to: Vec<std::ffi::OsString> = Vec::new();
    let base = page.parent().unwrap_or(Path::new(""));
    for part in base.join(decode(file)).components() {
        match part {
            Component::Normal(name) => to.push(name.to_os_string()),
            Component::CurDir => {}
            Component::ParentDir => {
                to.pop()?;
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    if file.ends_with('/') || to.is_empty() {
        to.push("index.html".into());
    }
    Some(to.into_iter().collect())
}

/// `%41` is `A`.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = (first == b'%').then(|| std::str::from_utf8(after.get(..2)?).ok()).flatten();
        match code.and_then(|c| u8::from_str_radix(c, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_as_a_browser_reads_them() {
        let page = read(
            "<h1 id=\"a\"><a class=header href='#a'>A</a></h1> 1 < 2 <!-- <a href=\"x\"> -->\
             <script src=\"s.js\">if (a<b) '<a href=\"y\">'</script><a href=b.html?x&amp;y#c>b</a><img src=\"p.svg\"/>",
        );
        let strings = |v: &[&str]| v.iter().map(|s| s.to_string()).collect::<Vec<_>>();
        assert_eq!(page.ids, strings(&["a"]));
        assert_eq!(page.links, strings(&["#a", "b.html?x&y#c"]));
        assert_eq!(page.loads, strings(&["s.js", "p.svg"]));
    }

    #[test]
    fn dead_links_are_found_and_live_ones_are_not() {
        let html = |body: &str| read(body);
        let pages = BTreeMap::from([
            (
                PathBuf::from("a.html"),
                html("<p id=\"one\"><a href=\"#one\"><a href=\"r/b.html#d%20e\"><a href=\"#two\">"),
            ),
            (
                PathBuf::from("r/b.html"),
                html("<p id=\"d e\"><a href=\"../a.html\"><a href=\"c.html\"><a href=\"../../x\">"),
            ),
            (
                PathBuf::from("c.html"),
                html("<i id=x><i id=x><a href=\"https://x\"><img src=\"https://x/y.png\"><img src=\"p.png\">"),
            ),
        ]);
        let dead = check(&pages, &|path| path == Path::new("p.png"));
        let told: Vec<String> = dead.iter().map(|d| format!("{}: {}", d.page.display(), d.text)).collect();
        assert_eq!(
            told,
            [
                "a.html: `#two`: nothing on a.html has this id",
                "c.html: two things on this page have the id `x`",
                "c.html: `https://x/y.png` would be loaded from the network",
                "r/b.html: `c.html`: there is no r/c.html",
                "r/b.html: `../../x` leads out of the book",
            ]
        );
    }
}
