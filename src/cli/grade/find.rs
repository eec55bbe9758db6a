//! What was handed in, on the disk: files, folders of files, folders of folders, with the students' names.
//!
//! A student writes these names and texts. No link is followed, nothing hidden is read, nothing deeper than one folder below a
//! student's own; sizes and numbers are bounded. What cannot be read is a submission without marks, and the reason is told.

use crate::cli::exit::Failure;
use crate::cli::input;
use lvsim::study::grade::Work;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The largest file of a submission, in bytes.
pub const MAX_BYTES: u64 = 1 << 20;
/// The most submissions.
pub const MAX_SUBMISSIONS: usize = 10_000;
/// The most entries of a student's folder.
pub const MAX_ENTRIES: usize = 200;
/// The longest name, in bytes: the page's file is called so.
const MAX_NAME: usize = 150;

/// A submission that was found.
#[derive(Debug)]
pub struct Found {
    /// Whose it is.
    pub student: String,
    /// The file or folder, as it was found.
    pub from: String,
    /// Its files, or why they cannot be what a student hands in.
    pub files: Result<Files, String>,
    /// What in it was passed over.
    pub notes: Vec<String>,
}

/// The files of a submission.
#[derive(Debug)]
pub enum Files {
    /// A scenario or what was typed.
    One(PathBuf),
    /// Scripts, by host.
    Scripts(Vec<(String, PathBuf)>),
}

impl Files {
    /// Reads them.
    ///
    /// # Errors
    /// A sentence.
    pub fn read(&self) -> Result<Work, String> {
        match self {
            Files::One(path) => Ok(Work::of_text(&name_of(path), &text(path)?)),
            Files::Scripts(all) => {
                let read = all.iter().map(|(host, path)| Ok((host.clone(), text(path)?)));
                Ok(Work::Scripts(read.collect::<Result<_, String>>()?))
            }
        }
    }
}

fn text(path: &Path) -> Result<String, String> {
    let shown = shown(path);
    let size = fs::symlink_metadata(path).map_err(|e| format!("cannot read `{shown}`: {e}"))?.len();
    if size > MAX_BYTES {
        return Err(format!("`{shown}` is larger than {} KiB", MAX_BYTES >> 10));
    }
    input::read(&path.to_string_lossy()).map_err(|failure| failure.message)
}

/// Everything that the paths name, in their order, folders sorted by name. `hosts` are those of the lab.
///
/// # Errors
/// A path that is not there, a folder without submissions, or too many.
pub fn find(paths: &[String], hosts: &[&str], notes: &mut Vec<String>) -> Result<Vec<Found>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        let before = found.len();
        let at = Path::new(path);
        // What the teacher names may be a link; what lies in it may not.
        let meta = fs::metadata(at).map_err(|e| Failure::usage(format!("cannot read `{path}`: {e}")))?;
        if !meta.is_dir() {
            found.push(of_file(at, hosts, meta.is_file()));
            continue;
        }
        let entries = entries(at).map_err(|e| Failure::usage(format!("cannot read `{path}`: {e}")))?;
        if entries.iter().any(|e| is_file(e) && host_of(e, hosts).is_some()) {
            found.push(of_folder(at, hosts));
            continue;
        }
        for entry in entries {
            if is_readme(&entry) {
                notes.push(format!("`{}` is passed over", shown(&entry)));
                continue;
            }
            found.push(match fs::symlink_metadata(&entry) {
                Ok(meta) if meta.is_dir() => of_folder(&entry, hosts),
                Ok(meta) if meta.is_symlink() => unread(&entry, "it is a link, and links are not followed"),
                Ok(meta) => of_file(&entry, hosts, meta.is_file()),
                Err(e) => unread(&entry, format!("it cannot be read: {e}")),
            });
            if found.len() > MAX_SUBMISSIONS {
                return Err(Failure::usage(format!("more than {MAX_SUBMISSIONS} submissions; grade them in parts")));
            }
        }
        if found.len() == before {
            return Err(Failure::usage(format!("no submission in `{path}`")));
        }
    }
    distinct(&mut found, notes);
    Ok(found)
}

fn unread(path: &Path, why: impl Into<String>) -> Found {
    Found { student: student(path), from: shown(path), files: Err(why.into()), notes: Vec::new() }
}

fn of_file(path: &Path, hosts: &[&str], regular: bool) -> Found {
    let files = match (regular, host_of(path, hosts)) {
        (false, _) => Err("it is no file".into()),
        (true, Some(host)) => Ok(Files::Scripts(vec![(host.to_string(), path.to_path_buf())])),
        (true, None) => Ok(Files::One(path.to_path_buf())),
    };
    Found { student: student(path), from: shown(path), files, notes: Vec::new() }
}

/// A student's folder: one scenario, or scripts of hosts, or one text that was typed.
fn of_folder(folder: &Path, hosts: &[&str]) -> Found {
    let mut notes = Vec::new();
    let all = match entries(folder) {
        Ok(all) => all,
        Err(e) => return unread(folder, format!("it cannot be read: {e}")),
    };
    if all.len() > MAX_ENTRIES {
        return unread(folder, format!("it holds more than {MAX_ENTRIES} files"));
    }
    let (mut scripts, mut scenarios, mut typed) = (Vec::new(), Vec::new(), Vec::new());
    for path in all {
        let name = name_of(&path);
        let end = name.rsplit_once('.').map_or("", |(_, end)| end);
        match (host_of(&path, hosts), end) {
            _ if !is_file(&path) => notes.push(format!("`{name}` is no file of its own and is not read")),
            (Some(host), _) => scripts.push((host.to_string(), path)),
            (None, "yaml" | "yml") => scenarios.push(path),
            (None, "txt" | "sh") if !is_readme(&path) => typed.push(path),
            _ => notes.push(format!("`{name}` is passed over")),
        }
    }
    let names = |paths: &[PathBuf]| paths.iter().map(|p| name_of(p)).collect::<Vec<_>>().join(", ");
    let files = match (scenarios.as_slice(), scripts.len(), typed.as_slice()) {
        ([one], 0, []) | ([], 0, [one]) => Ok(Files::One(one.clone())),
        ([], 1.., []) => Ok(Files::Scripts(scripts)),
        ([], 0, []) => {
            Err("it holds no scenario (.yaml), no script of a host (such as director.sh) and no session (.txt)".into())
        }
        ([], 1.., other) => {
            Err(format!("{} is called after no host of the lab, which has {}", names(other), hosts.join(", ")))
        }
        (scenarios, n, typed) => {
            let scripts = scripts.into_iter().map(|(_, path)| path).take(n);
            let all: Vec<PathBuf> = scenarios.iter().chain(typed).cloned().chain(scripts).collect();
            Err(format!("it holds several submissions ({}); keep one", names(&all)))
        }
    };
    Found { student: student(folder), from: shown(folder), files, notes }
}

/// What lies in a folder, sorted, without what is hidden.
fn entries(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut all: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    all.retain(|p| !name_of(p).starts_with('.'));
    all.sort();
    Ok(all)
}

fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|m| m.is_file())
}

fn is_readme(path: &Path) -> bool {
    name_of(path).to_lowercase().starts_with("readme")
}

/// `rs1.sh`: the host, if the lab has it.
fn host_of<'h>(path: &Path, hosts: &[&'h str]) -> Option<&'h str> {
    let name = name_of(path);
    let stem = name.strip_suffix(".sh")?;
    hosts.iter().copied().find(|h| *h == stem)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// The student's name: that of the folder, or of the file without its ending; fit to be a file's name anywhere.
fn student(path: &Path) -> String {
    let absolute = || fs::canonicalize(path).ok().map(|p| name_of(&p));
    let name = Some(name_of(path)).filter(|n| !n.is_empty()).or_else(absolute).unwrap_or_default();
    let stem = match path.is_dir() {
        true => name.as_str(),
        false => name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem),
    };
    tame(stem)
}

fn tame(name: &str) -> String {
    let bad = |c: char| c.is_control() || "/\\:*?\"<>|".contains(c) || c == char::REPLACEMENT_CHARACTER;
    let mut out: String = name.trim().chars().map(|c| if bad(c) { '_' } else { c }).collect();
    while out.len() > MAX_NAME {
        out.pop();
    }
    let out = out.trim_end_matches(['.', ' ']);
    if out.trim_start_matches('.').is_empty() { "nameless".into() } else { out.to_string() }
}

/// Two of one name get their folder's before it, or a number behind it. Large and small letters are no difference, as on many disks.
fn distinct(found: &mut [Found], notes: &mut Vec<String>) {
    let lower: Vec<String> = found.iter().map(|f| f.student.to_lowercase()).collect();
    let twice = |name: &String| lower.iter().filter(|l| *l == name).count() > 1;
    let doubled: Vec<bool> = lower.iter().map(twice).collect();
    let mut taken: BTreeSet<String> =
        lower.iter().zip(&doubled).filter(|(_, d)| !**d).map(|(l, _)| l.clone()).collect();
    for (f, _) in found.iter_mut().zip(&doubled).filter(|(_, d)| **d) {
        let folder = Path::new(&f.from).parent().map(name_of).filter(|n| !n.is_empty());
        let base = folder.map_or_else(|| f.student.clone(), |n| tame(&format!("{n}-{}", f.student)));
        let numbered = std::iter::once(base.clone()).chain((2..).map(|n| format!("{base}-{n}")));
        let name = numbered.into_iter().find(|n| !taken.contains(&n.to_lowercase())).unwrap_or(base);
        taken.insert(name.to_lowercase());
        notes.push(format!("several submissions are called {}: `{}` is {name} here", f.student, f.from));
        f.student = name;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        folder
    }

    fn found(at: &Path, names: &[&str]) -> (Vec<Found>, Vec<String>) {
        let paths: Vec<String> = names.iter().map(|n| at.join(n).to_string_lossy().into_owned()).collect();
        let mut notes = Vec::new();
        let found = find(&paths, &["director", "rs1"], &mut notes).expect("submissions");
        (found, notes)
    }

    #[test]
    fn a_class_holds_files_and_folders_and_hidden_things_are_passed_over() {
        let class = folder(&[
            ("alice.yaml", "lvsim: 1"),
            ("bob/director.sh", "ip addr"),
            ("bob/rs1.sh", "ip addr"),
            ("bob/notes.pdf", ""),
            ("carol/my.txt", "ip addr"),
            ("dave/rs1.sh", ""),
            ("dave/rs9.sh", ""),
            ("erin/a.yaml", ""),
            ("erin/b.yaml", ""),
            ("frank/x.pdf", ""),
            (".git/config", ""),
            ("README.md", ""),
        ]);
        let (found, notes) = found(class.path(), &[""]);
        let told: Vec<(&str, String)> = found
            .iter()
            .map(|f| {
                let files = match &f.files {
                    Ok(Files::One(path)) => name_of(path),
                    Ok(Files::Scripts(all)) => all.iter().map(|s| s.0.clone()).collect::<Vec<_>>().join("+"),
                    Err(why) => why.chars().take(30).collect(),
                };
                (f.student.as_str(), files)
            })
            .collect();
        let expected = [
            ("alice", "alice.yaml"),
            ("bob", "director+rs1"),
            ("carol", "my.txt"),
            ("dave", "rs9.sh is called after no host"),
            ("erin", "it holds several submissions ("),
            ("frank", "it holds no scenario (.yaml), "),
        ];
        assert_eq!(told, expected.map(|(a, b)| (a, b.to_string())));
        assert_eq!((notes.len(), found[1].notes.len()), (1, 1));
    }

    #[test]
    fn names_are_told_apart_and_fit_for_files() {
        let class = folder(&[("a/lab.yaml", ""), ("b/lab.yaml", ""), ("b/LAB.txt", ""), ("c.d.yaml", "")]);
        let (found, notes) = found(class.path(), &["a/lab.yaml", "b/lab.yaml", "b/LAB.txt", "c.d.yaml"]);
        let names: Vec<&str> = found.iter().map(|f| f.student.as_str()).collect();
        assert_eq!(names, ["a-lab", "b-lab", "b-LAB-2", "c.d"]);
        assert_eq!(notes.len(), 3);
        assert_eq!([tame("a/b\n*"), tame(".."), tame("汉字"), tame("x. ")], ["a_b__", "nameless", "汉字", "x"]);
        assert!(tame(&"长".repeat(200)).len() <= MAX_NAME);
    }

    #[cfg(unix)]
    #[test]
    fn no_link_is_followed() {
        let class = folder(&[("secret.yaml", ""), ("class/bob/rs1.sh", "")]);
        let secret = class.path().join("secret.yaml");
        std::os::unix::fs::symlink(&secret, class.path().join("class/eve.yaml")).expect("a link");
        std::os::unix::fs::symlink(&secret, class.path().join("class/bob/lab.yaml")).expect("a link");
        let (found, _) = found(class.path(), &["class"]);
        assert!(found[1].files.as_ref().is_err_and(|why| why.contains("links are not followed")), "{found:?}");
        assert!(matches!(&found[0].files, Ok(Files::Scripts(s)) if s.len() == 1), "{found:?}");
        assert_eq!(found[0].notes.len(), 1);
    }

    #[test]
    fn what_is_too_large_is_not_read() {
        let class = folder(&[("alice.txt", ""), ("bob.txt", "ip addr\n")]);
        let file = fs::File::create(class.path().join("alice.txt")).expect("a file");
        file.set_len(MAX_BYTES + 1).expect("a large file");
        let (found, _) = found(class.path(), &[""]);
        let read = |f: &Found| f.files.as_ref().expect("files").read();
        assert!(read(&found[0]).is_err_and(|why| why.contains("larger than 1024 KiB")));
        assert_eq!(read(&found[1]), Ok(Work::Session("ip addr\n".into())));
    }
}
