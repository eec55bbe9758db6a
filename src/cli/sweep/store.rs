//! The files of a study: runs are appended to one as they end, found again in any order, and written in theirs.
//!
//! A file of runs has the study's head as its first line and a row in each further one. Each row is written at once and
//! whole; of a file that was cut off in a row, the rows before it count.

use crate::cli::exit::Failure;
use crate::cli::out;
use lvsim::study::measures::Measure;
use lvsim::study::sweep::columns::{self, Column, Values};
use lvsim::study::sweep::plan::Study;
use lvsim::study::sweep::summary::Summary;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The longest head and the longest row, in bytes: what is longer is none.
const MAX_HEAD: u64 = 64 << 20;
const MAX_ROW: u64 = 16 << 20;

/// The rows of the whole study, in order.
pub const ROWS: &str = "sweep.jsonl";
/// The same as CSV.
pub const CSV: &str = "sweep.csv";
/// Rows as they come, while the study runs.
pub const PARTIAL: &str = "sweep.jsonl.partial";
/// What the study is.
pub const STUDY: &str = "study.json";
/// What a row is.
pub const SCHEMA: &str = "schema.json";

/// What a line of a file is.
enum Line {
    Whole(String),
    /// The file ends within it.
    Cut(String),
    End,
}

fn next_line(reader: &mut impl BufRead, most: u64) -> io::Result<Line> {
    let mut bytes = Vec::new();
    reader.by_ref().take(most).read_until(b'\n', &mut bytes)?;
    let wrong = |why| io::Error::new(ErrorKind::InvalidData, why);
    let long = bytes.len() as u64 == most && !bytes.ends_with(b"\n");
    if long {
        return Err(wrong("a line is too long"));
    }
    match (String::from_utf8(bytes), bytes_end(reader)?) {
        (Ok(text), _) if text.is_empty() => Ok(Line::End),
        (Ok(text), _) if text.ends_with('\n') => Ok(Line::Whole(text)),
        (Ok(text), _) => Ok(Line::Cut(text)),
        // Cut off in the middle of a letter.
        (Err(_), true) => Ok(Line::Cut(String::new())),
        (Err(_), false) => Err(wrong("it is not UTF-8")),
    }
}

fn bytes_end(reader: &mut impl BufRead) -> io::Result<bool> {
    Ok(reader.fill_buf()?.is_empty())
}

/// Where a row stands.
#[derive(Clone, Copy)]
struct Place {
    file: u32,
    at: u64,
    bytes: u32,
}

/// Rows of a study in one or more files, found by their run.
pub struct Rows<'a> {
    study: &'a Study,
    columns: &'a [Column],
    files: Vec<(PathBuf, File)>,
    places: Vec<Option<Place>>,
}

fn cannot(what: &str, path: &Path, e: &io::Error) -> Failure {
    Failure::usage(format!("cannot {what} `{}`: {e}", path.display()))
}

impl<'a> Rows<'a> {
    /// None yet.
    pub fn new(study: &'a Study, columns: &'a [Column]) -> Rows<'a> {
        Rows { study, columns, files: Vec::new(), places: vec![None; study.runs() as usize] }
    }

    /// Finds the rows of a file; `head`: its first line is a study's head, which must be this one's. Gives the bytes that count:
    /// without a row that is cut off.
    ///
    /// # Errors
    /// If it cannot be read, is of another study, or has a line that is no row.
    pub fn add(&mut self, path: &Path, head: bool) -> Result<u64, Failure> {
        let file = File::open(path).map_err(|e| cannot("read", path, &e))?;
        self.add_file(path, file, head)
    }

    fn add_file(&mut self, path: &Path, mut file: File, head: bool) -> Result<u64, Failure> {
        file.rewind().map_err(|e| cannot("read", path, &e))?;
        let mut reader = BufReader::with_capacity(1 << 16, &file);
        let mut at = 0;
        if head {
            match next_line(&mut reader, MAX_HEAD).map_err(|e| cannot("read", path, &e))? {
                Line::Whole(line) => {
                    same(self.study, &line, path)?;
                    at = line.len() as u64;
                }
                // Killed in its first moment.
                Line::Cut(line) if self.study.head().starts_with(&line) => return Ok(0),
                Line::End => return Ok(0),
                Line::Cut(_) => return Err(cannot("use", path, &io::Error::other("it has no head of a study"))),
            }
        }
        let number = self.files.len() as u32;
        let mut found = Vec::new();
        for n in 1 + u64::from(head).. {
            match next_line(&mut reader, MAX_ROW).map_err(|e| cannot("read", path, &e))? {
                Line::Whole(line) => {
                    let read = columns::read_line(&line, self.columns, self.study);
                    let (run, _) = read.map_err(|why| {
                        Failure::invalid(format!("`{}`, line {n}: {why}; `--force` starts anew", path.display()))
                    })?;
                    found.push((run, Place { file: number, at, bytes: line.len() as u32 }, line.clone()));
                    at += line.len() as u64;
                }
                Line::Cut(_) | Line::End => break,
            }
            // Compared in small portions, so that no more than those are held.
            if found.len() >= 1_000 {
                self.keep(&mut found, path)?;
            }
        }
        drop(reader);
        self.files.push((path.to_path_buf(), file));
        self.keep(&mut found, path)?;
        Ok(at)
    }

    fn keep(&mut self, found: &mut Vec<(u64, Place, String)>, path: &Path) -> Result<(), Failure> {
        for (run, place, line) in found.drain(..) {
            let known = self.places[run as usize].filter(|p| (p.file as usize) < self.files.len());
            if known.is_some() && self.line(run)?.is_some_and(|known| known != line) {
                return Err(Failure::invalid(format!(
                    "run {run} in `{}` is not what another file has: the runs were not made by the same lvsim",
                    path.display()
                )));
            }
            self.places[run as usize] = Some(place);
        }
        Ok(())
    }

    /// The runs that are not there.
    pub fn missing(&self) -> Vec<u64> {
        (0..self.study.runs()).filter(|&run| self.places[run as usize].is_none()).collect()
    }

    /// The line of a run.
    fn line(&mut self, run: u64) -> Result<Option<String>, Failure> {
        let Some(place) = self.places[run as usize] else { return Ok(None) };
        let (path, file) = &mut self.files[place.file as usize];
        let mut bytes = vec![0; place.bytes as usize];
        let done = file.seek(SeekFrom::Start(place.at)).and_then(|_| file.read_exact(&mut bytes));
        done.map_err(|e| cannot("read", path, &e))?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Every run that is there, in order.
    fn each(&mut self, mut told: impl FnMut(u64, &str) -> io::Result<()>) -> io::Result<()> {
        for run in 0..self.study.runs() {
            if let Some(line) = self.line(run).map_err(|f| io::Error::other(f.message))? {
                told(run, &line)?;
            }
        }
        Ok(())
    }

    /// Writes rows, CSV and schema to a folder, under names that say so if it is not all; gives the summary.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub fn write(
        &mut self,
        folder: &Path,
        measures: Vec<&'static Measure>,
        partial: bool,
    ) -> Result<Summary<'a>, Failure> {
        let name = |name: &str| if partial { out::partial(&folder.join(name)) } else { folder.join(name) };
        let (study, columns) = (self.study, self.columns);
        out::write_with(&name(ROWS), &mut |file| self.each(|_, line| file.write_all(line.as_bytes())))?;
        let mut summary = Summary::new(study, measures);
        out::write_with(&name(CSV), &mut |file| {
            file.write_all(columns::csv_head(columns).as_bytes())?;
            self.each(|run, line| {
                let values: Values = serde_json::from_str(line)?;
                summary.take(run, &values);
                file.write_all(columns::csv_row(&values, columns).as_bytes())
            })
        })?;
        out::write_file(&folder.join(SCHEMA), columns::schema(study, columns).as_bytes())?;
        if !partial {
            // Last: it says that the others are whole.
            out::write_file(&folder.join(STUDY), study.head().as_bytes())?;
        }
        Ok(summary)
    }
}

/// Refuses the head of another study.
pub fn same(study: &Study, head: &str, path: &Path) -> Result<(), Failure> {
    let other = Study::from_head(head)
        .map_err(|why| Failure::invalid(format!("`{}` is no file of a study: {why}", path.display())))?;
    match other.study == study.study {
        true => Ok(()),
        false => Err(Failure::usage(format!(
            "`{}` is of another study ({}); `--force` starts anew in its place, `-o DIR` elsewhere",
            path.display(),
            study.difference(&other)
        ))),
    }
}

/// The head of a file; nothing if there is no such file, or none in it.
///
/// # Errors
/// If it cannot be read.
pub fn head(path: &Path) -> Result<Option<String>, Failure> {
    let file = match File::open(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|e| cannot("read", path, &e))?,
    };
    match next_line(&mut BufReader::new(file), MAX_HEAD).map_err(|e| cannot("read", path, &e))? {
        Line::Whole(line) => Ok(Some(line)),
        Line::Cut(_) | Line::End => Ok(None),
    }
}

/// A file to which runs are appended. Nobody else can have it open as one.
pub struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens it, or makes a new one.
    ///
    /// # Errors
    /// If that cannot be, or another process has it.
    pub fn open(path: &Path) -> Result<Journal, Failure> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|e| cannot("write", path, &e))?;
        }
        let file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(path)
            .map_err(|e| cannot("write", path, &e))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::usage(format!(
                    "another lvsim is writing `{}`: wait for it, or share the study with `--shard I/N`",
                    path.display()
                )));
            }
            // A file system without locks: then it is the user's care.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        Ok(Journal { path: path.to_path_buf(), file })
    }

    /// Finds the rows that it has; what counts for nothing behind them is cut off, and an empty file gets its head.
    ///
    /// # Errors
    /// If it is of another study, or cannot be read or written.
    pub fn resume(&mut self, study: &Study, columns: &[Column]) -> Result<Vec<u64>, Failure> {
        let mut rows = Rows::new(study, columns);
        let bytes = rows.add_file(&self.path, self.reader()?, true)?;
        self.file.set_len(bytes).map_err(|e| cannot("write", &self.path, &e))?;
        if bytes == 0 {
            self.append(&study.head())?;
        }
        Ok(rows.missing())
    }

    /// All its rows.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn rows<'a>(&self, study: &'a Study, columns: &'a [Column]) -> Result<Rows<'a>, Failure> {
        let mut rows = Rows::new(study, columns);
        rows.add_file(&self.path, self.reader()?, true)?;
        Ok(rows)
    }

    /// The same open file, and so the same lock.
    fn reader(&self) -> Result<File, Failure> {
        self.file.try_clone().map_err(|e| cannot("read", &self.path, &e))
    }

    /// Appends a line.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn append(&mut self, line: &str) -> Result<(), Failure> {
        self.file.write_all(line.as_bytes()).map_err(|e| cannot("write", &self.path, &e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_cut_off_is_told_from_a_whole_one() {
        let read = |bytes: &[u8]| next_line(&mut BufReader::new(bytes), 10);
        assert!(matches!(read(b"ab\ncd"), Ok(Line::Whole(line)) if line == "ab\n"));
        assert!(matches!(read(b"ab"), Ok(Line::Cut(line)) if line == "ab"));
        assert!(matches!(read(b""), Ok(Line::End)));
        assert!(matches!(read("a\u{e9}".as_bytes().split_last().expect("bytes").1), Ok(Line::Cut(_))));
        assert!(read(b"\xff\xff\nx").is_err());
        assert!(read(b"0123456789abc").is_err(), "longer than allowed");
    }
}
