//! A host's files: a small tree in memory with paths, texts, modes and times.
//!
//! Files hold text (UTF-8). A file of bytes (what `tcpdump -w` writes) is held as text too, with a private character for
//! each byte above 127 ([`text_of_bytes`]), so that copying and piping lose nothing. There are no links, devices, owners
//! or quotas per user: everything belongs to root, so only the execute bits of a mode are ever asked. `/proc` is not here:
//! whoever runs a shell lays it over this tree ([`Files`]). Sizes are limited, so that a script cannot eat the simulator's
//! memory.

use crate::base::SimTime;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The largest file, in bytes.
pub const MAX_FILE: usize = 1 << 20;
/// All files of a host together, in bytes.
pub const MAX_TOTAL: usize = 8 << 20;
/// Files and directories of a host.
pub const MAX_NODES: usize = 4096;

/// Why a file cannot be had; displayed as `strerror` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileError {
    /// ENOENT.
    NotFound,
    /// EISDIR.
    IsDirectory,
    /// ENOTDIR.
    NotDirectory,
    /// EACCES.
    Denied,
    /// EPERM.
    NotPermitted,
    /// EINVAL: a value that the kernel refuses.
    Invalid,
    /// ERANGE.
    Range,
    /// EEXIST.
    Exists,
    /// ENOTEMPTY.
    NotEmpty,
    /// EFBIG: over [`MAX_FILE`].
    TooLarge,
    /// ENOSPC: over [`MAX_TOTAL`] or [`MAX_NODES`].
    NoSpace,
    /// EROFS.
    ReadOnly,
    /// EBUSY.
    Busy,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FileError::NotFound => "No such file or directory",
            FileError::IsDirectory => "Is a directory",
            FileError::NotDirectory => "Not a directory",
            FileError::Denied => "Permission denied",
            FileError::NotPermitted => "Operation not permitted",
            FileError::Invalid => "Invalid argument",
            FileError::Range => "Numerical result out of range",
            FileError::Exists => "File exists",
            FileError::NotEmpty => "Directory not empty",
            FileError::TooLarge => "File too large",
            FileError::NoSpace => "No space left on device",
            FileError::ReadOnly => "Read-only file system",
            FileError::Busy => "Device or resource busy",
        })
    }
}

/// What `stat` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// A directory, not a file.
    pub dir: bool,
    /// The permission bits, such as `0o644`.
    pub mode: u32,
    /// Length in bytes; 0 for directories and for virtual files.
    pub size: u64,
    /// When it was last written.
    pub modified: SimTime,
}

/// Everything that programs may do with files, on a tree that may have virtual parts. All paths are absolute and
/// normalised ([`resolve`]).
pub trait Files {
    /// The whole text of a file.
    ///
    /// # Errors
    /// As the kernel would.
    fn read(&mut self, path: &str) -> Result<String, FileError>;
    /// Replaces a file's text, or adds to its end; makes the file if there is none.
    ///
    /// # Errors
    /// As the kernel would.
    fn write(&mut self, path: &str, text: &str, append: bool) -> Result<(), FileError>;
    /// Kind, mode and size, if there is such a path.
    fn stat(&mut self, path: &str) -> Option<Stat>;
    /// The names in a directory, sorted.
    ///
    /// # Errors
    /// As the kernel would.
    fn list(&mut self, path: &str) -> Result<Vec<String>, FileError>;
    /// Whether the path belongs to a virtual part, where nothing can be made or removed.
    fn is_virtual(&mut self, path: &str) -> bool;
    /// The tree itself, for making and removing.
    fn tree(&mut self) -> &mut Vfs;
    /// The host's name.
    fn hostname(&self) -> String;
    /// The host's clock: seconds and nanoseconds since 1970.
    fn unix_time(&self) -> (i64, u32);
}

#[derive(Clone, Debug)]
struct Node {
    /// `None` for a directory.
    text: Option<Arc<String>>,
    mode: u32,
    modified: SimTime,
}

/// One host's tree of files. Cloning it is cheap until one of the two is written.
#[derive(Clone, Debug)]
pub struct Vfs {
    nodes: Arc<BTreeMap<String, Node>>,
    total: usize,
    /// The time that a write is stamped with.
    pub now: SimTime,
}

impl Default for Vfs {
    fn default() -> Self {
        Vfs::new()
    }
}

const DIRS: &[&str] = &[
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/etc/default",
    "/etc/keepalived",
    "/etc/network",
    "/etc/rc.d",
    "/etc/rc.d/init.d",
    "/etc/sysconfig",
    "/etc/sysctl.d",
    "/home",
    "/lib",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/lock",
    "/var/lock/subsys",
    "/var/log",
    "/var/run",
    "/var/spool",
    "/var/tmp",
    "/var/www",
    "/var/www/html",
];

impl Vfs {
    /// The tree of a fresh machine: the usual directories, an empty `/etc/sysctl.conf`. There is no
    /// `/etc/rc.d/init.d/functions`, as on any system that is not Red Hat's.
    pub fn new() -> Vfs {
        let mut nodes = BTreeMap::new();
        for dir in DIRS {
            let mode = if dir.ends_with("tmp") { 0o1777 } else { 0o755 };
            nodes.insert((*dir).to_string(), Node { text: None, mode, modified: SimTime::ZERO });
        }
        let empty = Node { text: Some(Arc::new(String::new())), mode: 0o644, modified: SimTime::ZERO };
        nodes.insert("/etc/sysctl.conf".into(), empty);
        Vfs { nodes: Arc::new(nodes), total: 0, now: SimTime::ZERO }
    }

    /// Kind, mode and size of `path`.
    pub fn stat(&self, path: &str) -> Option<Stat> {
        let node = self.nodes.get(path)?;
        let size = node.text.as_ref().map_or(0, |t| byte_len(t) as u64);
        Some(Stat { dir: node.text.is_none(), mode: node.mode, size, modified: node.modified })
    }

    /// The text of a file.
    ///
    /// # Errors
    /// It is not there, a directory, or below something that is no directory.
    pub fn read(&self, path: &str) -> Result<&str, FileError> {
        match self.nodes.get(path) {
            Some(node) => node.text.as_ref().map(|t| t.as_str()).ok_or(FileError::IsDirectory),
            None => Err(self.missing(path)),
        }
    }

    /// Replaces a file's text; makes the file, with mode 644, if there is none.
    ///
    /// # Errors
    /// Its directory is not there, it is a directory, or a limit is reached.
    pub fn write(&mut self, path: &str, text: &str) -> Result<(), FileError> {
        self.put(path, text, false)
    }

    /// Adds text to the end of a file; makes the file if there is none.
    ///
    /// # Errors
    /// As [`Vfs::write`].
    pub fn append(&mut self, path: &str, text: &str) -> Result<(), FileError> {
        self.put(path, text, true)
    }

    fn put(&mut self, path: &str, text: &str, append: bool) -> Result<(), FileError> {
        let now = self.now;
        let old = match self.nodes.get(path) {
            None => {
                self.room_for(path)?;
                0
            }
            Some(node) => node.text.as_ref().ok_or(FileError::IsDirectory)?.len(),
        };
        let new = text.len() + if append { old } else { 0 };
        if new > MAX_FILE {
            return Err(FileError::TooLarge);
        }
        if self.total - old + new > MAX_TOTAL {
            return Err(FileError::NoSpace);
        }
        self.total = self.total - old + new;
        let node = Arc::make_mut(&mut self.nodes).entry(path.to_string());
        let node = node.or_insert_with(|| Node { text: Some(Arc::default()), mode: 0o644, modified: now });
        node.modified = now;
        let held = node.text.get_or_insert_with(Arc::default);
        if append {
            Arc::make_mut(held).push_str(text);
        } else {
            *held = Arc::new(text.to_string());
        }
        Ok(())
    }

    /// The names in a directory, sorted.
    ///
    /// # Errors
    /// It is not there, or a file.
    pub fn list(&self, path: &str) -> Result<Vec<String>, FileError> {
        match self.nodes.get(path) {
            None => return Err(self.missing(path)),
            Some(node) if node.text.is_some() => return Err(FileError::NotDirectory),
            Some(_) => {}
        }
        let prefix = if path == "/" { "/".to_string() } else { format!("{path}/") };
        let below = self.nodes.range(prefix.clone()..).take_while(|(p, _)| p.starts_with(&prefix));
        let names = below.map(|(p, _)| &p[prefix.len()..]).filter(|n| !n.is_empty() && !n.contains('/'));
        Ok(names.map(str::to_string).collect())
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// It is there already, or its parent is not.
    pub fn mkdir(&mut self, path: &str) -> Result<(), FileError> {
        if self.nodes.contains_key(path) {
            return Err(FileError::Exists);
        }
        self.room_for(path)?;
        let node = Node { text: None, mode: 0o755, modified: self.now };
        Arc::make_mut(&mut self.nodes).insert(path.to_string(), node);
        Ok(())
    }

    /// Removes a file, or a directory that is empty.
    ///
    /// # Errors
    /// It is not there, not empty, or `/`.
    pub fn remove(&mut self, path: &str) -> Result<(), FileError> {
        let Some(stat) = self.stat(path) else { return Err(self.missing(path)) };
        if path == "/" {
            return Err(FileError::Busy);
        }
        if stat.dir && !self.list(path)?.is_empty() {
            return Err(FileError::NotEmpty);
        }
        let removed = Arc::make_mut(&mut self.nodes).remove(path);
        self.total -= removed.and_then(|node| node.text).map_or(0, |text| text.len());
        Ok(())
    }

    /// Removes a path and all below it.
    ///
    /// # Errors
    /// It is not there, or `/`.
    pub fn remove_tree(&mut self, path: &str) -> Result<(), FileError> {
        for name in self.below(path) {
            self.remove(&name)?;
        }
        self.remove(path)
    }

    /// Everything below `path`, deepest first.
    pub fn below(&self, path: &str) -> Vec<String> {
        let prefix = if path == "/" { "/".to_string() } else { format!("{path}/") };
        let below = self.nodes.range(prefix.clone()..).map(|(p, _)| p).take_while(|p| p.starts_with(&prefix));
        let mut all: Vec<String> = below.filter(|p| p.as_str() != "/").cloned().collect();
        all.reverse();
        all
    }

    /// Gives a file or a tree another name; a file of that name is replaced.
    ///
    /// # Errors
    /// As the kernel's `rename`.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<(), FileError> {
        let Some(what) = self.stat(from) else { return Err(self.missing(from)) };
        if from == to {
            return Ok(());
        }
        if from == "/" || to.starts_with(&format!("{from}/")) {
            return Err(FileError::Invalid);
        }
        match self.stat(to) {
            Some(there) if there.dir && !what.dir => return Err(FileError::IsDirectory),
            Some(there) if !there.dir && what.dir => return Err(FileError::NotDirectory),
            Some(_) => self.remove(to)?,
            None => self.room_for(to)?,
        }
        let nodes = Arc::make_mut(&mut self.nodes);
        let prefix = format!("{from}/");
        let mut moved: Vec<String> =
            nodes.range(prefix.clone()..).map(|(p, _)| p.clone()).take_while(|p| p.starts_with(&prefix)).collect();
        moved.push(from.to_string());
        for old in moved {
            if let Some(node) = nodes.remove(&old) {
                nodes.insert(format!("{to}{}", &old[from.len()..]), node);
            }
        }
        Ok(())
    }

    /// Sets the permission bits.
    ///
    /// # Errors
    /// It is not there.
    pub fn chmod(&mut self, path: &str, mode: u32) -> Result<(), FileError> {
        if !self.nodes.contains_key(path) {
            return Err(self.missing(path));
        }
        if let Some(node) = Arc::make_mut(&mut self.nodes).get_mut(path) {
            node.mode = mode & 0o7777;
        }
        Ok(())
    }

    /// Why `path` cannot be reached: something on the way is missing, or is a file.
    fn missing(&self, path: &str) -> FileError {
        let mut at = path;
        while let Some(cut) = at.rfind('/') {
            at = if cut == 0 { "/" } else { &at[..cut] };
            match self.nodes.get(at) {
                Some(node) if node.text.is_some() => return FileError::NotDirectory,
                Some(_) => return FileError::NotFound,
                None => {}
            }
        }
        FileError::NotFound
    }

    fn room_for(&self, path: &str) -> Result<(), FileError> {
        if self.nodes.len() >= MAX_NODES || path.len() > 4096 {
            return Err(FileError::NoSpace);
        }
        let parent = path.rfind('/').map_or("/", |cut| if cut == 0 { "/" } else { &path[..cut] });
        match self.nodes.get(parent) {
            Some(node) if node.text.is_none() => Ok(()),
            Some(_) => Err(FileError::NotDirectory),
            None => Err(self.missing(path)),
        }
    }
}

/// What stands for byte 0x80 of a file of bytes; those above follow (among Unicode's private characters).
const BYTE_80: u32 = 0xef80;

/// Bytes as a file's text holds them.
pub fn text_of_bytes(bytes: &[u8]) -> String {
    let held = |&b: &u8| match b {
        0..=0x7f => char::from(b),
        // All of them are characters, so the other branch is never taken.
        _ => char::from_u32(BYTE_80 + u32::from(b - 0x80)).unwrap_or(char::REPLACEMENT_CHARACTER),
    };
    bytes.iter().map(held).collect()
}

/// The byte that a character stands for, if it is one of [`text_of_bytes`]' private ones.
fn held_byte(c: char) -> Option<u8> {
    u32::from(c).checked_sub(BYTE_80).filter(|n| *n < 0x80).map(|n| 0x80 + n as u8)
}

/// The bytes of a file by its text.
pub fn bytes_of_text(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for c in text.chars() {
        match held_byte(c) {
            Some(byte) => out.push(byte),
            None => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out
}

/// How many bytes a file has by its text.
pub fn byte_len(text: &str) -> usize {
    // Each private character has three bytes.
    text.len() - 2 * text.chars().filter(|c| held_byte(*c).is_some()).count()
}

/// The absolute form of `path` seen from `cwd`, without `.`, `..` and doubled slashes.
pub fn resolve(cwd: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let from = if path.starts_with('/') { "" } else { cwd };
    for part in from.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_resolve_as_cd_would() {
        for (cwd, path, whole) in [
            ("/root", "x.sh", "/root/x.sh"),
            ("/root", "../etc/./a", "/etc/a"),
            ("/", "..", "/"),
            ("/root", "/tmp//b/", "/tmp/b"),
            ("/root", "", "/root"),
        ] {
            assert_eq!(resolve(cwd, path), whole);
        }
    }

    #[test]
    fn files_are_written_read_listed_and_removed() {
        let mut fs = Vfs::new();
        assert_eq!(fs.write("/nope/a", "x"), Err(FileError::NotFound));
        assert_eq!(fs.write("/tmp", "x"), Err(FileError::IsDirectory));
        assert_eq!(fs.write("/tmp/a", "x"), Ok(()));
        assert_eq!(fs.append("/tmp/a", "y"), Ok(()));
        assert_eq!(fs.read("/tmp/a"), Ok("xy"));
        assert_eq!(fs.write("/tmp/a/b", "x"), Err(FileError::NotDirectory));
        assert_eq!(fs.list("/tmp"), Ok(vec!["a".to_string()]));
        assert_eq!(fs.remove("/var"), Err(FileError::NotEmpty));
        assert_eq!(fs.rename("/tmp", "/var/x"), Ok(()));
        assert_eq!(fs.read("/var/x/a"), Ok("xy"));
        assert_eq!(fs.remove_tree("/var/x"), Ok(()));
        assert_eq!(fs.read("/var/x/a"), Err(FileError::NotFound));
    }

    #[test]
    fn a_file_of_bytes_is_copied_without_loss_and_has_its_own_size() {
        let bytes: Vec<u8> = (0..=255).collect();
        let text = text_of_bytes(&bytes);
        assert_eq!(bytes_of_text(&text), bytes);
        let mut vfs = Vfs::new();
        vfs.write("/tmp/x", &text).expect("room");
        assert_eq!(vfs.stat("/tmp/x").map(|s| s.size), Some(256));
        vfs.remove("/tmp/x").expect("it is there");
        assert_eq!(vfs.total, 0);
        assert_eq!(byte_len("é"), 2);
        assert_eq!(bytes_of_text("é"), "é".as_bytes());
    }

    #[test]
    fn a_file_and_all_files_have_a_largest_size() {
        let mut fs = Vfs::new();
        let big = "x".repeat(MAX_FILE);
        for n in 0..MAX_TOTAL / MAX_FILE {
            assert_eq!(fs.write(&format!("/tmp/{n}"), &big), Ok(()));
        }
        assert_eq!(fs.append("/tmp/0", "y"), Err(FileError::TooLarge));
        assert_eq!(fs.write("/tmp/one-more", "y"), Err(FileError::NoSpace));
        assert_eq!(fs.remove("/tmp/0"), Ok(()));
        assert_eq!(fs.write("/tmp/one-more", "y"), Ok(()));
    }

    #[test]
    fn a_clone_does_not_see_later_writes() {
        let mut fs = Vfs::new();
        let before = fs.clone();
        assert_eq!(fs.write("/tmp/a", "x"), Ok(()));
        assert_eq!(before.read("/tmp/a"), Err(FileError::NotFound));
    }
}
