//! mdBook makes pages of what the commands printed; their links are looked at.

use crate::fences::Problem;
use crate::links;
use crate::warnings::Warnings;
use anyhow::{Context, Result, anyhow};
use mdbook_driver::MDBook;
use mdbook_driver::book::{Book, BookItem};
use mdbook_driver::config::Config;
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A book in one language.
pub struct Edition {
    /// `en`, `zh`.
    pub language: String,
    /// Its folder in `book/`: `src`, `zh`.
    pub source: PathBuf,
    /// Its folder below the first one's: empty, `zh`.
    pub below: PathBuf,
    /// What its commands have in their environment besides.
    pub env: BTreeMap<String, String>,
    book: MDBook,
}

impl Edition {
    /// Reads `book/NAME.toml`, its summary and its pages.
    pub fn load(folder: &Path, name: &str, output: &Path) -> Result<Edition> {
        let mut config = Config::from_disk(folder.join(name).with_extension("toml"))?;
        let language = config.book.language.clone().unwrap_or_else(|| "en".into());
        let below = if name == "book" { PathBuf::new() } else { PathBuf::from(name) };
        let source = config.book.src.clone();
        config.build.build_dir = output.join(&below);
        config.build.create_missing = false;
        let env = config.get("preprocessor.lvsim.env")?.unwrap_or_default();
        let book = MDBook::load_with_config(folder, config)?;
        Ok(Edition { language, source, below, env, book })
    }

    /// Its pages in the order of the summary: path in the edition's folder, text.
    pub fn pages(&self) -> Vec<(PathBuf, String)> {
        let chapters = self.book.book.chapters();
        chapters.filter_map(|c| Some((c.source_path.clone()?, c.content.clone()))).collect()
    }

    /// Markdown in the edition's folder that no line of its summary names, and no page includes.
    pub fn forgotten(&self, folder: &Path) -> Result<Vec<PathBuf>> {
        let pages = self.pages();
        let known = |file: &Path| {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let includes = |text: &str| {
                text.split("{{#include ")
                    .skip(1)
                    .any(|rest| rest.split(['}', ':']).next().is_some_and(|f| f.ends_with(&*name)))
            };
            name == "SUMMARY.md" || pages.iter().any(|(path, text)| path == file || includes(text))
        };
        let mut found = files(&folder.join(&self.source))?;
        found.retain(|f| f.extension().is_some_and(|e| e == "md") && !known(f));
        Ok(found)
    }

    /// Writes the pages; gives what mdBook complains about.
    pub fn build(mut self, pages: BTreeMap<PathBuf, String>) -> Result<Vec<String>> {
        self.book.with_preprocessor(Fences { pages });
        let (built, warnings) = Warnings::of(|| self.book.build());
        built.map_err(|e| anyhow!("mdBook: {e:#}"))?;
        Ok(warnings)
    }
}

/// Gives mdBook the pages with their fences run. `before = ["links"]` in the configuration puts it where it belongs.
struct Fences {
    pages: BTreeMap<PathBuf, String>,
}

impl Preprocessor for Fences {
    fn name(&self) -> &str {
        "lvsim"
    }

    fn run(&self, _: &PreprocessorContext, mut book: Book) -> Result<Book> {
        let mut missing = None;
        book.for_each_mut(|item| {
            if let BookItem::Chapter(chapter) = item
                && let Some(path) = &chapter.source_path
            {
                match self.pages.get(path) {
                    Some(page) => chapter.content = page.clone(),
                    None => missing = Some(path.clone()),
                }
            }
        });
        missing.map_or(Ok(book), |path| Err(anyhow!("no commands were run for {}", path.display())))
    }
}

/// Files of a folder and those below it, in order.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut open) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(folder.join(&at)).with_context(|| folder.join(&at).display().to_string())? {
            let entry = entry?;
            let path = at.join(entry.file_name());
            if entry.file_type()?.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    Ok(found)
}

/// Dead links of everything in the output folder, each with the source of its page and the line there, if it can be found.
pub fn dead_links(output: &Path, sources: &BTreeMap<PathBuf, (PathBuf, String)>) -> Result<Vec<(PathBuf, Problem)>> {
    let mut pages = BTreeMap::new();
    for path in files(output)? {
        // These two have links that only a server resolves, and those of all pages on one.
        let skip = matches!(path.file_name().and_then(|n| n.to_str()), Some("404.html" | "print.html" | "toc.html"));
        if path.extension().is_some_and(|e| e == "html") && !skip {
            pages.insert(path.clone(), links::read(&fs::read_to_string(output.join(&path))?));
        }
    }
    let dead = links::check(&pages, &|path| output.join(path).exists());
    let mut problems = Vec::new();
    for one in dead {
        // index.html is a copy of the first page.
        let Some((source, text)) = sources.get(&one.page) else {
            if one.page.file_name().is_some_and(|n| n != "index.html") {
                problems.push((one.page.clone(), Problem::new(0, one.text, "mend the link")));
            }
            continue;
        };
        let wanted = one.target.replace(".html", ".md");
        let line = text.lines().position(|l| l.contains(&one.target) || l.contains(&wanted)).map_or(0, |n| n + 1);
        problems.push((source.clone(), Problem::new(line, one.text, "mend the link, or what it leads to")));
    }
    Ok(problems)
}
