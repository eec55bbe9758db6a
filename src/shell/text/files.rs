//! `rm`, `rmdir`, `mkdir`, `touch`, `chmod`, `cp`, `mv`, `mktemp`.

use super::Io;
use super::options::{Spec, hint, parse};
use crate::shell::vfs::FileError;

/// Tells of missing operands; true if there are too few.
fn missing(io: &mut Io<'_, '_>, name: &str, operands: &[String], needed: usize) -> bool {
    if operands.len() >= needed {
        return false;
    }
    match operands.first() {
        None => io.error(&format!(
            "{name}: missing {}operand\n",
            if matches!(name, "cp" | "mv" | "touch") { "file " } else { "" }
        )),
        Some(first) if matches!(name, "cp" | "mv") => {
            io.error(&format!("{name}: missing destination file operand after '{first}'\n"))
        }
        Some(first) => io.error(&format!("{name}: missing operand after '{first}'\n")),
    }
    hint(io, name);
    true
}

pub(super) fn rm(io: &mut Io<'_, '_>) -> u8 {
    let longs = &[("recursive", 'r'), ("force", 'f'), ("verbose", 'v'), ("dir", 'd')];
    let Some(parsed) = parse(io, &Spec { name: "rm", letters: "rRfvdi", longs, others: "I" }) else { return 1 };
    let force = parsed.has('f');
    if !force && missing(io, "rm", &parsed.operands, 1) {
        return 1;
    }
    let recursive = parsed.has('r') || parsed.has('R');
    let mut status = 0;
    for name in &parsed.operands {
        let path = io.path(name);
        let mut fail = |io: &mut Io<'_, '_>, error: String| {
            io.error(&format!("rm: cannot remove '{name}': {error}\n"));
            status = 1;
        };
        match io.files.stat(&path) {
            None if force => {}
            None => fail(io, FileError::NotFound.to_string()),
            Some(_) if io.files.is_virtual(&path) => fail(io, FileError::NotPermitted.to_string()),
            Some(_) if path == "/" => {
                io.error("rm: it is dangerous to operate recursively on '/'\nrm: use --no-preserve-root to override this failsafe\n");
                status = 1;
            }
            Some(stat) if !stat.dir && name.ends_with('/') => fail(io, FileError::NotDirectory.to_string()),
            Some(stat) if stat.dir && !recursive && !parsed.has('d') => fail(io, FileError::IsDirectory.to_string()),
            Some(stat) => {
                let tree = io.files.tree();
                let done = if stat.dir && recursive { tree.remove_tree(&path) } else { tree.remove(&path) };
                match done {
                    Ok(()) if parsed.has('v') => io.print(&format!("removed '{name}'\n")),
                    Ok(()) => {}
                    Err(error) => fail(io, error.to_string()),
                }
            }
        }
    }
    status
}

pub(super) fn rmdir(io: &mut Io<'_, '_>) -> u8 {
    let Some(parsed) = parse(io, &Spec { name: "rmdir", letters: "v", longs: &[("verbose", 'v')], others: "p" }) else {
        return 1;
    };
    if missing(io, "rmdir", &parsed.operands, 1) {
        return 1;
    }
    let mut status = 0;
    for name in &parsed.operands {
        let path = io.path(name);
        let done = match io.files.stat(&path) {
            Some(stat) if !stat.dir => Err(FileError::NotDirectory),
            Some(_) if io.files.is_virtual(&path) => Err(FileError::NotPermitted),
            _ => io.files.tree().remove(&path),
        };
        if let Err(error) = done {
            io.error(&format!("rmdir: failed to remove '{name}': {error}\n"));
            status = 1;
        }
    }
    status
}

pub(super) fn mkdir(io: &mut Io<'_, '_>) -> u8 {
    let Some(parsed) = parse(
        io,
        &Spec {
            name: "mkdir",
            letters: "pvm:",
            longs: &[("parents", 'p'), ("verbose", 'v'), ("mode", 'm')],
            others: "Z",
        },
    ) else {
        return 1;
    };
    if missing(io, "mkdir", &parsed.operands, 1) {
        return 1;
    }
    let mut status = 0;
    for name in &parsed.operands {
        let path = io.path(name);
        let mut done = Ok(());
        if io.files.is_virtual(&path) && io.files.stat(&path).is_none() {
            done = Err(FileError::NotFound);
        } else if parsed.has('p') {
            let mut at = String::new();
            for part in path.split('/').filter(|p| !p.is_empty()) {
                at = format!("{at}/{part}");
                match io.files.stat(&at) {
                    Some(stat) if stat.dir => {}
                    Some(_) => done = Err(if at == path { FileError::Exists } else { FileError::NotDirectory }),
                    None => done = io.files.tree().mkdir(&at),
                }
                if done.is_err() {
                    break;
                }
            }
        } else if io.files.stat(&path).is_some() {
            done = Err(FileError::Exists);
        } else {
            done = io.files.tree().mkdir(&path);
        }
        if done.is_ok()
            && let Some(mode) = parsed.value('m').and_then(|m| u32::from_str_radix(m, 8).ok())
        {
            let _ = io.files.tree().chmod(&path, mode);
        }
        match done {
            Err(error) => {
                io.error(&format!("mkdir: cannot create directory '{name}': {error}\n"));
                status = 1;
            }
            Ok(()) if parsed.has('v') => io.print(&format!("mkdir: created directory '{name}'\n")),
            Ok(()) => {}
        }
    }
    status
}

pub(super) fn touch(io: &mut Io<'_, '_>) -> u8 {
    let Some(parsed) =
        parse(io, &Spec { name: "touch", letters: "acm", longs: &[("no-create", 'c')], others: "dfhrt" })
    else {
        return 1;
    };
    if missing(io, "touch", &parsed.operands, 1) {
        return 1;
    }
    let mut status = 0;
    for name in &parsed.operands {
        let path = io.path(name);
        let stat = io.files.stat(&path);
        let done = match stat {
            Some(stat) if stat.dir => Ok(()),
            None if parsed.has('c') => Ok(()),
            None if io.files.is_virtual(&path) => Err(FileError::NotFound),
            Some(_) if io.files.is_virtual(&path) => Ok(()),
            _ => io.files.write(&path, "", true),
        };
        if let Err(error) = done {
            io.error(&format!("touch: cannot touch '{name}': {error}\n"));
            status = 1;
        }
    }
    status
}

/// A mode after `755`, `+x`, `u=rw,go-w`.
fn new_mode(text: &str, old: u32) -> Option<u32> {
    if !text.is_empty() && text.bytes().all(|c| (b'0'..=b'7').contains(&c)) {
        return u32::from_str_radix(text, 8).ok().filter(|m| *m <= 0o7777);
    }
    let mut mode = old;
    for clause in text.split(',') {
        let at = clause.find(['+', '-', '='])?;
        let (who, rest) = clause.split_at(at);
        let (op, perms) = (rest.as_bytes()[0], &rest[1..]);
        let mut mask = 0;
        for c in if who.is_empty() { "a" } else { who }.chars() {
            mask |= match c {
                'u' => 0o700,
                'g' => 0o070,
                'o' => 0o007,
                'a' => 0o777,
                _ => return None,
            };
        }
        let mut bits = 0;
        for c in perms.chars() {
            bits |= match c {
                'r' => 0o444,
                'w' => 0o222,
                'x' => 0o111,
                'X' if old & 0o111 != 0 => 0o111,
                'X' | 's' | 't' => 0,
                _ => return None,
            };
        }
        // Without a letter before it, the umask (022) holds back write bits.
        if who.is_empty() {
            bits &= !0o022;
        }
        match op {
            b'+' => mode |= bits & mask,
            b'-' => mode &= !(bits & mask),
            _ => mode = (mode & !mask) | (bits & mask),
        }
    }
    Some(mode)
}

pub(super) fn chmod(io: &mut Io<'_, '_>) -> u8 {
    // `-x` is a mode, not an option.
    let own: Vec<String> = io.args.to_vec();
    let is_mode = |a: &str| a.len() > 1 && a.starts_with('-') && a[1..].chars().all(|c| "rwxXst".contains(c));
    let (modes, args): (Vec<String>, Vec<String>) = own.into_iter().partition(|a| is_mode(a));
    let parsed = {
        let mut inner =
            Io { args: &args, stdin: &mut *io.stdin, out: &mut *io.out, files: &mut *io.files, cwd: io.cwd, work: 0 };
        parse(
            &mut inner,
            &Spec { name: "chmod", letters: "Rvfc", longs: &[("recursive", 'R'), ("verbose", 'v')], others: "" },
        )
    };
    let Some(parsed) = parsed else { return 1 };
    let mut operands = modes;
    operands.extend(parsed.operands.iter().cloned());
    if missing(io, "chmod", &operands, 2) {
        return 1;
    }
    let text = operands.remove(0);
    if new_mode(&text, 0o644).is_none() {
        io.error(&format!("chmod: invalid mode: '{text}'\n"));
        hint(io, "chmod");
        return 1;
    }
    let mut status = 0;
    for name in &operands {
        let path = io.path(name);
        if io.files.is_virtual(&path) && io.files.stat(&path).is_some() {
            io.error(&format!("chmod: changing permissions of '{name}': {}\n", FileError::NotPermitted));
            status = 1;
            continue;
        }
        let tree = io.files.tree();
        let mut all = vec![path.clone()];
        if parsed.has('R') {
            all.extend(tree.below(&path));
        }
        for path in all {
            let Some(stat) = tree.stat(&path) else {
                io.error(&format!("chmod: cannot access '{name}': {}\n", FileError::NotFound));
                status = 1;
                break;
            };
            let _ = tree.chmod(&path, new_mode(&text, stat.mode).unwrap_or(stat.mode));
        }
    }
    status
}

/// Where `from` goes if `to` may be a directory.
fn target(io: &mut Io<'_, '_>, from: &str, to: &str) -> String {
    let path = io.path(to);
    if io.files.stat(&path).is_some_and(|s| s.dir) {
        let base = from.trim_end_matches('/').rsplit('/').next().unwrap_or(from);
        return crate::shell::vfs::resolve(&path, base);
    }
    path
}

fn several(io: &mut Io<'_, '_>, name: &str, operands: &[String]) -> bool {
    let Some(last) = operands.last() else { return false };
    let path = io.path(last);
    let stat = io.files.stat(&path);
    if operands.len() > 2 && !stat.is_some_and(|s| s.dir) {
        io.error(&format!(
            "{name}: target '{last}': {}\n",
            if stat.is_some() { FileError::NotDirectory } else { FileError::NotFound }
        ));
        return false;
    }
    true
}

pub(super) fn cp(io: &mut Io<'_, '_>) -> u8 {
    let longs = &[("recursive", 'r'), ("force", 'f'), ("archive", 'a'), ("verbose", 'v'), ("no-clobber", 'n')];
    let Some(parsed) = parse(io, &Spec { name: "cp", letters: "rRfapvni", longs, others: "bdHlLPsStTuxZ" }) else {
        return 1;
    };
    if missing(io, "cp", &parsed.operands, 2) || !several(io, "cp", &parsed.operands) {
        return 1;
    }
    let Some((to, froms)) = parsed.operands.split_last() else { return 1 };
    let recursive = parsed.has('r') || parsed.has('R') || parsed.has('a');
    let mut status = 0;
    for from in froms {
        let (source, dest) = (io.path(from), target(io, from, to));
        let Some(stat) = io.files.stat(&source) else {
            io.error(&format!("cp: cannot stat '{from}': {}\n", FileError::NotFound));
            status = 1;
            continue;
        };
        if stat.dir && !recursive {
            io.error(&format!("cp: -r not specified; omitting directory '{from}'\n"));
            status = 1;
            continue;
        }
        if source == dest {
            io.error(&format!("cp: '{from}' and '{to}' are the same file\n"));
            status = 1;
            continue;
        }
        if parsed.has('n') && io.files.stat(&dest).is_some() {
            continue;
        }
        let mut list = vec![source.clone()];
        if stat.dir {
            let mut below = io.files.tree().below(&source);
            below.reverse();
            list.extend(below);
        }
        for path in list {
            let to_path = format!("{dest}{}", &path[source.len().min(path.len())..]);
            let Some(stat) = io.files.stat(&path) else { continue };
            let done = if stat.dir {
                match io.files.tree().mkdir(&to_path) {
                    Err(FileError::Exists) => Ok(()),
                    done => done,
                }
            } else {
                io.files.read(&path).and_then(|text| {
                    let fresh = io.files.stat(&to_path).is_none();
                    io.files.write(&to_path, &text, false)?;
                    if (fresh || parsed.has('p') || parsed.has('a')) && !io.files.is_virtual(&to_path) {
                        let _ = io.files.tree().chmod(&to_path, stat.mode);
                    }
                    Ok(())
                })
            };
            if let Err(error) = done {
                io.error(&format!("cp: cannot create regular file '{to}': {error}\n"));
                status = 1;
                break;
            }
        }
        if parsed.has('v') {
            io.print(&format!("'{from}' -> '{to}'\n"));
        }
    }
    status
}

pub(super) fn mv(io: &mut Io<'_, '_>) -> u8 {
    let longs = &[("force", 'f'), ("verbose", 'v'), ("no-clobber", 'n')];
    let Some(parsed) = parse(io, &Spec { name: "mv", letters: "fvni", longs, others: "bStTuZ" }) else { return 1 };
    if missing(io, "mv", &parsed.operands, 2) || !several(io, "mv", &parsed.operands) {
        return 1;
    }
    let Some((to, froms)) = parsed.operands.split_last() else { return 1 };
    let mut status = 0;
    for from in froms {
        let (source, dest) = (io.path(from), target(io, from, to));
        if parsed.has('n') && io.files.stat(&dest).is_some() {
            continue;
        }
        let error = if io.files.is_virtual(&source) && io.files.stat(&source).is_some() {
            Some(format!("cannot move '{from}' to '{to}': {}", FileError::NotPermitted))
        } else if io.files.stat(&source).is_none() {
            Some(format!("cannot stat '{from}': {}", FileError::NotFound))
        } else if source == dest {
            Some(format!("'{from}' and '{to}' are the same file"))
        } else {
            io.files.tree().rename(&source, &dest).err().map(|e| format!("cannot move '{from}' to '{to}': {e}"))
        };
        match error {
            Some(error) => {
                io.error(&format!("mv: {error}\n"));
                status = 1;
            }
            None if parsed.has('v') => io.print(&format!("renamed '{from}' -> '{to}'\n")),
            None => {}
        }
    }
    status
}

pub(super) fn mktemp(io: &mut Io<'_, '_>) -> u8 {
    let Some(parsed) = parse(
        io,
        &Spec {
            name: "mktemp",
            letters: "dqutp:",
            longs: &[("directory", 'd'), ("quiet", 'q'), ("tmpdir", 'p')],
            others: "",
        },
    ) else {
        return 1;
    };
    let template = parsed.operands.first().cloned().unwrap_or_else(|| "/tmp/tmp.XXXXXXXXXX".into());
    let xs = template.len() - template.trim_end_matches('X').len();
    if xs < 3 {
        io.error(&format!("mktemp: too few X's in template '{template}'\n"));
        return 1;
    }
    // The first free name: the same run makes the same names.
    let head = &template[..template.len() - xs];
    let dir = parsed.value('p').unwrap_or("");
    for n in 0..100_000u32 {
        let name = format!("{head}{n:0xs$}");
        let name = if dir.is_empty() || name.starts_with('/') { name } else { format!("{dir}/{name}") };
        let path = io.path(&name);
        if io.files.stat(&path).is_some() {
            continue;
        }
        let done = if parsed.has('d') { io.files.tree().mkdir(&path) } else { io.files.write(&path, "", false) };
        match done {
            Ok(()) => {
                let _ = io.files.tree().chmod(&path, if parsed.has('d') { 0o700 } else { 0o600 });
                io.print(&format!("{name}\n"));
                return 0;
            }
            Err(error) => {
                io.error(&format!("mktemp: failed to create file via template '{template}': {error}\n"));
                return 1;
            }
        }
    }
    io.error(&format!("mktemp: failed to create file via template '{template}': File exists\n"));
    1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::text::testing::{Plain, run, run_on};
    use crate::shell::vfs::Vfs;

    #[test]
    fn modes_are_read_as_numbers_and_as_letters() {
        for (text, old, new) in [
            ("755", 0o644, Some(0o755)),
            ("+x", 0o644, Some(0o755)),
            ("u+x", 0o644, Some(0o744)),
            ("go-r", 0o644, Some(0o600)),
            ("a=r", 0o777, Some(0o444)),
            ("x", 0, None),
            ("999", 0, None),
        ] {
            assert_eq!(new_mode(text, old), new, "{text}");
        }
    }

    #[test]
    fn files_are_made_copied_moved_and_removed() {
        let mut host = Plain(Vfs::new());
        assert_eq!(run_on(&mut host, "touch", &["a"], "").1, 0);
        assert_eq!(run_on(&mut host, "chmod", &["+x", "a"], "").1, 0);
        assert_eq!(host.0.stat("/root/a").map(|s| s.mode), Some(0o755));
        assert_eq!(run_on(&mut host, "mkdir", &["-p", "d/e"], "").1, 0);
        assert_eq!(run_on(&mut host, "cp", &["a", "d"], "").1, 0);
        assert_eq!(run_on(&mut host, "mv", &["a", "d/b"], "").1, 0);
        assert_eq!(host.0.list("/root/d"), Ok(vec!["a".into(), "b".into(), "e".into()]));
        assert_eq!(run_on(&mut host, "cp", &["-r", "d", "f"], "").1, 0);
        assert_eq!(host.0.list("/root/f"), Ok(vec!["a".into(), "b".into(), "e".into()]));
        assert_eq!(run_on(&mut host, "rm", &["d"], "").0, "rm: cannot remove 'd': Is a directory\n");
        assert_eq!(run_on(&mut host, "rm", &["-rf", "d", "nope"], "").1, 0);
        assert_eq!(host.0.stat("/root/d"), None);
    }

    #[test]
    fn mistakes_are_told_in_the_programs_words() {
        assert_eq!(run("rm", &["nope"], ""), ("rm: cannot remove 'nope': No such file or directory\n".into(), 1));
        assert_eq!(run("mkdir", &["/tmp"], ""), ("mkdir: cannot create directory '/tmp': File exists\n".into(), 1));
        assert_eq!(
            run("cp", &["a"], ""),
            ("cp: missing destination file operand after 'a'\nTry 'cp --help' for more information.\n".into(), 1)
        );
        assert_eq!(
            run("touch", &["/nope/a"], ""),
            ("touch: cannot touch '/nope/a': No such file or directory\n".into(), 1)
        );
    }

    #[test]
    fn mktemp_never_gives_a_name_twice() {
        let mut host = Plain(Vfs::new());
        let first = run_on(&mut host, "mktemp", &[], "").0;
        assert_ne!(first, run_on(&mut host, "mktemp", &[], "").0);
        assert!(host.0.stat(first.trim()).is_some());
    }
}
