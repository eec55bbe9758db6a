//! What stands around a page: mdBook writes it in English, and knows one language at a time.

use crate::render::files;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// A link in the menu bar of each page to the same page in each other language, to its first page where it has none such.
pub fn link_languages(output: &Path, editions: &[(String, PathBuf)]) -> Result<()> {
    for (language, below) in editions {
        for page in pages_of(&output.join(below), editions, below)? {
            let at = output.join(below).join(&page);
            let html = fs::read_to_string(&at)?;
            let up: PathBuf = below.components().chain(page.components()).skip(1).map(|_| "..").collect();
            let mut links = String::new();
            for (other, there) in editions.iter().filter(|(other, _)| other != language) {
                let same = output.join(there).join(&page).exists();
                let target = up.join(there).join(if same { page.as_path() } else { Path::new("index.html") });
                let target: Vec<_> = target.iter().map(|p| p.to_string_lossy()).collect();
                let name = name(other);
                links.push_str(&format!(
                    "<a class=\"language\" href=\"{}\" hreflang=\"{other}\" lang=\"{other}\">{name}</a>",
                    target.join("/")
                ));
            }
            let place = "<div class=\"right-buttons\">";
            let (before, after) =
                html.split_once(place).context("mdBook's pages have no place for the languages now")?;
            fs::write(&at, format!("{before}{place}{links}{after}"))?;
        }
    }
    Ok(())
}

/// A language in its own words.
fn name(language: &str) -> &str {
    match language {
        "en" => "English",
        "zh" => "中文",
        other => other,
    }
}

/// The HTML pages of an edition, without those of the editions in folders below, and without those that have no menu.
fn pages_of(folder: &Path, editions: &[(String, PathBuf)], below: &Path) -> Result<Vec<PathBuf>> {
    let others: Vec<PathBuf> = editions
        .iter()
        .filter_map(|(_, b)| Some(b.strip_prefix(below).ok()?.to_path_buf()))
        .filter(|b| b != Path::new(""))
        .collect();
    let mut pages = files(folder)?;
    pages.retain(|p| {
        p.extension().is_some_and(|e| e == "html")
            && !others.iter().any(|o| p.starts_with(o))
            && !matches!(p.to_str(), Some("404.html" | "toc.html"))
    });
    Ok(pages)
}

/// mdBook's own words, in Chinese.
const CHINESE: &[(&str, &str)] = &[
    (">Keyboard shortcuts<", ">键盘快捷键<"),
    (">Press <kbd>←</kbd> or <kbd>→</kbd> to navigate between chapters<", ">按 <kbd>←</kbd> 或 <kbd>→</kbd> 翻页<"),
    (">Press <kbd>S</kbd> or <kbd>/</kbd> to search in the book<", ">按 <kbd>S</kbd> 或 <kbd>/</kbd> 搜索本书<"),
    (">Press <kbd>?</kbd> to show this help<", ">按 <kbd>?</kbd> 显示本帮助<"),
    (">Press <kbd>Esc</kbd> to hide this help<", ">按 <kbd>Esc</kbd> 关闭本帮助<"),
    ("\"Toggle Table of Contents\"", "\"显示或隐藏目录\""),
    ("\"Table of contents\"", "\"目录\""),
    ("\"Change theme\"", "\"更换主题\""),
    ("\"Themes\"", "\"主题\""),
    (">Auto<", ">自动<"),
    (">Light<", ">浅色<"),
    ("\"Search (`/`)\"", "\"搜索（`/`）\""),
    ("\"Toggle Searchbar\"", "\"显示或隐藏搜索栏\""),
    ("\"Search this book ...\"", "\"搜索本书……\""),
    ("\"Print this book\"", "\"打印本书\""),
    ("\"Page navigation\"", "\"翻页\""),
];

/// The same, on pages that have a neighbour.
const CHINESE_NEIGHBOURS: &[(&str, &str)] =
    &[("\"Previous chapter\"", "\"上一章\""), ("\"Next chapter\"", "\"下一章\"")];

/// Puts mdBook's words into the language of each edition.
pub fn translate(output: &Path, editions: &[(String, PathBuf)]) -> Result<()> {
    for (language, below) in editions.iter().filter(|(language, _)| language == "zh") {
        for page in pages_of(&output.join(below), editions, below)? {
            let at = output.join(below).join(&page);
            let mut html = fs::read_to_string(&at)?;
            for (english, own) in CHINESE {
                if !html.contains(english) {
                    bail!("mdBook no longer says {english} on {}: change the words for {language}", page.display());
                }
                html = html.replace(english, own);
            }
            for (english, own) in CHINESE_NEIGHBOURS {
                html = html.replace(english, own);
            }
            fs::write(&at, html)?;
        }
    }
    Ok(())
}
