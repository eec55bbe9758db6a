//! `lvsim sweep --merge`: the runs of many files in one, as if one process had made them all.

use super::store::{self, PARTIAL, Rows};
use super::{Args, shard_of};
use crate::cli::exit;
use crate::cli::exit::Failure;
use crate::cli::ui::Ui;
use lvsim::study::sweep::columns;
use lvsim::study::sweep::plan::{Study, ranges};
use std::fs;
use std::path::{Path, PathBuf};

pub fn execute(args: Args, ui: &mut Ui) -> Result<u8, Failure> {
    let mut files = Vec::new();
    for file in &args.files {
        let path = Path::new(file);
        if path.is_dir() { shards_in(path, args.partial, &mut files)? } else { files.push(path.to_path_buf()) }
    }
    let study = study_of(&files)?;
    let columns = columns::columns(&study);
    let mut rows = Rows::new(&study, &columns);
    for file in &files {
        rows.add(file, true)?;
    }
    let missing = rows.missing();
    if !missing.is_empty() {
        let said = lack(&study, &missing, &files);
        if !args.partial {
            let message = format!("{said}; `--partial` goes on without them");
            return Err(Failure { code: exit::FAILED, message });
        }
        ui.warning(&said);
    }
    // What was in one folder stays there.
    let folder = match (&args.output, args.files.as_slice()) {
        (None, [only]) if Path::new(only).is_dir() => PathBuf::from(only),
        _ => args.folder(&study.name),
    };
    let known = folder.join(store::STUDY);
    if let Some(head) = store::head(&known)? {
        store::same(&study, &head, &known)?;
    }
    let summary = rows.write(&folder, args.measure.clone(), !missing.is_empty())?;
    args.tell(summary, &folder, ui)
}

/// The files of shards in a folder; those that are not done as well, if that is wanted.
fn shards_in(folder: &Path, partial: bool, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let cannot = |e: std::io::Error| Failure::usage(format!("cannot read `{}`: {e}", folder.display()));
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let unfinished = name.ends_with(".jsonl.partial") && (name.starts_with("shard-") || name == PARTIAL);
        if shard_count(&path).is_some() || (partial && unfinished) {
            found.push(path);
        }
    }
    if found.is_empty() {
        return Err(Failure::usage(format!(
            "no shard (shard-I-of-N.jsonl) in `{}`; `lvsim sweep FILE --shard I/N` makes them",
            folder.display()
        )));
    }
    found.sort();
    files.append(&mut found);
    Ok(())
}

/// N of `shard-I-of-N.jsonl`.
fn shard_count(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    let (i, n) = name.strip_prefix("shard-")?.strip_suffix(".jsonl")?.split_once("-of-")?;
    i.parse::<u64>().ok()?;
    n.parse().ok()
}

/// The study of the first file that has a head.
fn study_of(files: &[PathBuf]) -> Result<Study, Failure> {
    for path in files {
        if !path.exists() {
            return Err(Failure::usage(format!("no file `{}`", path.display())));
        }
        if let Some(head) = store::head(path)? {
            return Study::from_head(&head)
                .map_err(|why| Failure::invalid(format!("`{}` is no file of a study: {why}", path.display())));
        }
    }
    Err(Failure::invalid("no run in any of these files"))
}

/// What is missing, in words: shards if it is theirs, else runs.
fn lack(study: &Study, missing: &[u64], files: &[PathBuf]) -> String {
    let runs = format!("{} of {} runs are missing", missing.len(), study.runs());
    let mut counts: Vec<u64> = files.iter().filter_map(|f| shard_count(f)).collect();
    counts.dedup();
    match counts.as_slice() {
        [n] => {
            let mut shards: Vec<u64> = missing.iter().map(|&run| shard_of(run, *n)).collect();
            shards.sort_unstable();
            shards.dedup();
            let word = if shards.len() == 1 { "shard" } else { "shards" };
            format!("{runs}, of {word} {} of {n}", ranges(&shards))
        }
        _ => format!("{runs}: {}", ranges(missing)),
    }
}
