//! Where results go: stdout, which may be closed early, and files, which appear whole or not at all.

use super::exit::Failure;
use lvsim::report::Artifact;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Stdout. Once its reader has gone away the rest is thrown away quietly.
#[derive(Debug)]
pub struct Out {
    stdout: BufWriter<io::Stdout>,
    closed: bool,
}

impl Out {
    /// The process's own.
    pub fn stdout() -> Out {
        Out { stdout: BufWriter::with_capacity(1 << 16, io::stdout()), closed: false }
    }

    /// Whether the reader has gone away, so that there is no point in going on.
    pub fn closed(&self) -> bool {
        self.closed
    }

    /// Writes a text as it is.
    ///
    /// # Errors
    /// If stdout cannot take it for another reason than that its reader has gone away.
    pub fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.bytes(text.as_bytes())
    }

    /// Writes a line.
    ///
    /// # Errors
    /// See [`Out::text`].
    pub fn line(&mut self, line: &str) -> Result<(), Failure> {
        self.bytes(line.as_bytes())?;
        self.bytes(b"\n")
    }

    /// Writes bytes.
    ///
    /// # Errors
    /// See [`Out::text`].
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if self.closed {
            return Ok(());
        }
        let wrote = self.stdout.write_all(bytes);
        self.settle(wrote)
    }

    /// Hands over what is still buffered, at the end or for whoever watches a long work.
    ///
    /// # Errors
    /// See [`Out::text`].
    pub fn finish(&mut self) -> Result<(), Failure> {
        if self.closed {
            return Ok(());
        }
        let flushed = self.stdout.flush();
        self.settle(flushed)
    }

    /// Lets `fill` write to it.
    ///
    /// # Errors
    /// See [`Out::text`]; also if `fill` fails by itself.
    pub fn fill(&mut self, fill: Fill<'_>) -> Result<(), Failure> {
        if self.closed {
            return Ok(());
        }
        let filled = fill(&mut self.stdout);
        self.settle(filled)
    }

    fn settle(&mut self, done: io::Result<()>) -> Result<(), Failure> {
        match done {
            Ok(()) => Ok(()),
            Err(e) if e.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            Err(e) => {
                self.closed = true;
                Err(Failure::usage(format!("cannot write to stdout: {e}")))
            }
        }
    }
}

/// Writes what is to stand in a file.
pub type Fill<'f> = &'f mut dyn FnMut(&mut dyn Write) -> io::Result<()>;

/// Writes a file, creating its folders: first under a temporary name beside it, then renamed, so that nobody ever sees
/// half of it. What is no regular file (`/dev/null`, a pipe) is written as it stands.
///
/// # Errors
/// Says which file and why.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_with(path, &mut |file| file.write_all(bytes))
}

/// Writes files into a folder; of an interrupted run under names that say so.
///
/// # Errors
/// As [`write_file`].
pub fn write_all(folder: &Path, artifacts: &[Artifact], is_partial: bool) -> Result<(), Failure> {
    for artifact in artifacts {
        let path = folder.join(&artifact.name);
        write_file(&if is_partial { partial(&path) } else { path }, &artifact.bytes)?;
    }
    Ok(())
}

/// The same for what is too long to be held: `fill` writes it.
///
/// # Errors
/// See [`write_file`].
pub fn write_with(path: &Path, fill: Fill<'_>) -> Result<(), Failure> {
    write_whole(path, fill).map_err(|e| Failure::usage(format!("cannot write `{}`: {e}", path.display())))
}

fn write_whole(path: &Path, fill: Fill<'_>) -> io::Result<()> {
    let mut buffered = |file: File| {
        let mut file = BufWriter::with_capacity(1 << 16, file);
        fill(&mut file)?;
        file.flush()
    };
    // Through a symbolic link to the file that it means: a rename would replace the link.
    let path = match fs::metadata(path) {
        Ok(there) if !there.is_file() => return buffered(OpenOptions::new().write(true).truncate(true).open(path)?),
        Ok(_) => fs::canonicalize(path)?,
        Err(_) => path.to_path_buf(),
    };
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let (temporary, file) = Temporary::create(&path)?;
    buffered(file)?;
    fs::rename(&temporary.0, &path)
}

/// Names of temporary files that there are.
static TEMPORARY: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Takes temporary files away and lets nobody make another: the program ends now.
pub fn abandon() {
    // Who makes or renames one is done soon, unless it is this thread, in a panic.
    for _ in 0..1000 {
        if let Ok(names) = TEMPORARY.try_lock() {
            for name in names.iter() {
                let _ = fs::remove_file(name);
            }
            std::mem::forget(names);
            return;
        }
        thread::yield_now();
    }
}

/// A file under a temporary name, which is taken away on every way out.
struct Temporary(PathBuf);

impl Temporary {
    fn create(path: &Path) -> io::Result<(Temporary, File)> {
        let name = temporary_name(path);
        let mut names = TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner);
        let file = File::create(&name)?;
        names.push(name.clone());
        Ok((Temporary(name), file))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After a renaming there is none any more.
        let _ = fs::remove_file(&self.0);
        TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner).retain(|name| *name != self.0);
    }
}

fn temporary_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

/// The name that marks a file of an interrupted run: `frames.partial.pcapng`.
pub fn partial(path: &Path) -> PathBuf {
    match path.extension() {
        Some(end) => path.with_extension(format!("partial.{}", end.to_string_lossy())),
        None => path.with_extension("partial"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_and_nothing_else_stays() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a/b.txt");
        write_file(&path, b"one").expect("a folder that is made on the way");
        write_file(&path, b"two").expect("a file that may be replaced");
        assert_eq!(fs::read(&path).ok().as_deref(), Some(&b"two"[..]));
        let names: Vec<_> = fs::read_dir(folder.path().join("a"))
            .expect("the folder")
            .filter_map(|e| e.ok().map(|e| e.file_name()))
            .collect();
        assert_eq!(names, ["b.txt"]);
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing_and_is_told() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("file");
        fs::write(&file, b"").expect("a file");
        let error = write_file(&file.join("below"), b"x").expect_err("a file is no folder");
        assert!(error.message.contains("below"), "{}", error.message);
    }

    #[test]
    fn a_file_that_cannot_be_filled_leaves_the_old_one_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.txt");
        write_file(&path, b"old").expect("a file");
        let full = write_with(&path, &mut |file| file.write_all(b"new").and(Err(io::Error::other("the disk is full"))));
        assert!(full.is_err_and(|e| e.message.contains("a.txt") && e.message.contains("the disk is full")));
        assert_eq!(fs::read(&path).ok().as_deref(), Some(&b"old"[..]));
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_keeps_being_a_link_and_a_device_a_device() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, b"old").expect("a file");
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        write_file(&link, b"new").expect("a link to a file can be written");
        assert_eq!(fs::read(&file).ok().as_deref(), Some(&b"new"[..]));
        assert!(link.is_symlink());
        write_file(Path::new("/dev/null"), b"x").expect("the null device takes everything");
        let null = fs::metadata("/dev/null").expect("the null device");
        assert!(!null.is_file());
    }

    #[test]
    fn a_partial_file_keeps_its_ending() {
        assert_eq!(partial(Path::new("o/frames.pcapng")), Path::new("o/frames.partial.pcapng"));
        assert_eq!(partial(Path::new("record")), Path::new("record.partial"));
    }
}
