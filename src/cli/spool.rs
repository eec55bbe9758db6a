//! Where a trace goes that is too long for memory: a file without a name, which no way out of the program leaves behind.
//!
//! It lies where TMPDIR says; else in /var/tmp, which is meant for what is large (/tmp often is memory); else where the
//! system keeps temporary files.

use lvsim::trace::{Spool, Spooling};
use std::env;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Records that stay in memory: 60 MB.
const KEPT: usize = 250_000;
/// Bytes of a report that stay in memory while it is made.
const REPORT: usize = 32 << 20;
/// Bytes of a trace: some five million connections through a director.
pub const TRACE: u64 = 8 << 30;

/// Puts aside at most so many bytes of the trace.
pub fn spooling(trace_bytes: u64) -> Spooling {
    Spooling { open, kept: KEPT, trace_bytes, report_bytes: REPORT }
}

#[derive(Debug)]
struct Nameless {
    file: File,
    len: u64,
    folder: PathBuf,
}

impl Spool for Nameless {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut file = &self.file;
        let done = file.seek(SeekFrom::Start(self.len)).and_then(|_| file.write_all(bytes));
        self.len += bytes.len() as u64;
        done.map_err(|e| told("a temporary file in", &self.folder, &e))
    }

    fn read(&self, from: u64, into: &mut [u8]) -> io::Result<()> {
        let mut file = &self.file;
        let done = file.seek(SeekFrom::Start(from)).and_then(|_| file.read_exact(into));
        done.map_err(|e| told("a temporary file in", &self.folder, &e))
    }
}

fn open() -> io::Result<Box<dyn Spool>> {
    open_in(&folders(env::var_os("TMPDIR").is_some_and(|named| !named.is_empty())))
}

fn folders(named: bool) -> Vec<PathBuf> {
    let large = cfg!(unix) && !named;
    large.then(|| PathBuf::from("/var/tmp")).into_iter().chain([env::temp_dir()]).collect()
}

/// In the first folder that takes it.
fn open_in(folders: &[PathBuf]) -> io::Result<Box<dyn Spool>> {
    let mut error = io::Error::other("there is no folder for temporary files");
    for folder in folders {
        match tempfile::tempfile_in(folder) {
            Ok(file) => return Ok(Box::new(Nameless { file, len: 0, folder: folder.clone() })),
            Err(e) => error = told("no temporary file in", folder, &e),
        }
    }
    Err(error)
}

fn told(what: &str, folder: &Path, error: &io::Error) -> io::Error {
    let text = format!("{what} `{}`: {error}; name a folder with room by TMPDIR", folder.display());
    io::Error::new(error.kind(), text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_was_added_is_read_and_the_folder_stays_empty() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut spool = open_in(&[folder.path().join("nowhere"), folder.path().into()]).expect("the second folder");
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 0);
        let mut found = [0; 3];
        spool.append(b"one").expect("room");
        spool.read(1, &mut found[..2]).expect("it was added");
        assert_eq!(&found[..2], b"ne");
        spool.append(b"two").expect("room");
        spool.read(2, &mut found).expect("it was added");
        assert_eq!(&found, b"etw");
        let beyond = spool.read(4, &mut found).expect_err("it was never added");
        assert!(beyond.to_string().contains("TMPDIR"), "{beyond}");
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_named_with_a_remedy() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let nowhere = folder.path().join("nowhere");
        let error = open_in(std::slice::from_ref(&nowhere)).expect_err("there is no such folder").to_string();
        assert!(error.contains(&*nowhere.to_string_lossy()) && error.contains("TMPDIR"), "{error}");
    }

    #[test]
    fn a_folder_that_the_user_names_is_the_only_one() {
        assert_eq!(folders(true), [env::temp_dir()]);
        assert_eq!(folders(false).last(), Some(&env::temp_dir()));
    }
}
