//! `ls`: one name a line, as into a pipe (nothing here is a terminal); `-l`, `-a`, `-A`, `-d`, `-R`, `-t`, `-r`, `-S`, `-F`, `-p`, `-h`.
//! Everything belongs to root; times are the host's clock when a file was last written.

use super::options::{Spec, parse};
use super::{Io, date};
use crate::shell::vfs::Stat;

pub(super) fn ls(io: &mut Io<'_, '_>) -> u8 {
    let longs = &[
        ("all", 'a'),
        ("almost-all", 'A'),
        ("directory", 'd'),
        ("recursive", 'R'),
        ("reverse", 'r'),
        ("human-readable", 'h'),
        ("classify", 'F'),
        ("color", '2'),
    ];
    let Some(parsed) =
        parse(io, &Spec { name: "ls", letters: "laAd1RtrShFpC2x", longs, others: "bBcDfgGiIkLmnNoqQsTuUvwXZ" })
    else {
        return 2;
    };
    let mut operands = parsed.operands.clone();
    if operands.is_empty() {
        operands.push(".".into());
    }
    let mut status = 0;
    let (mut files, mut dirs) = (Vec::new(), Vec::new());
    for operand in &operands {
        let path = io.path(operand);
        match io.files.stat(&path) {
            None => {
                let error = io
                    .files
                    .read(&path)
                    .err()
                    .map_or_else(|| "No such file or directory".to_string(), |e| e.to_string());
                io.error(&format!("ls: cannot access '{operand}': {error}\n"));
                status = 2;
            }
            Some(stat) if stat.dir && !parsed.has('d') => dirs.push(operand.clone()),
            Some(stat) => files.push((operand.clone(), stat)),
        }
    }
    order(&mut files, &parsed);
    let text = rows(io, &files, &parsed);
    io.print(&text);
    dirs.sort();
    if parsed.has('r') {
        dirs.reverse();
    }
    let headers = operands.len() > 1 || parsed.has('R');
    let mut first = files.is_empty();
    let mut left: Vec<String> = dirs.into_iter().rev().collect();
    while let Some(dir) = left.pop() {
        let path = io.path(&dir);
        let names = match io.files.list(&path) {
            Ok(names) => names,
            Err(error) => {
                io.error(&format!("ls: cannot open directory '{dir}': {error}\n"));
                status = 2;
                continue;
            }
        };
        io.work += names.len() as u64 * 20;
        if headers {
            io.print(&format!("{}{dir}:\n", if first { "" } else { "\n" }));
        }
        first = false;
        let mut entries: Vec<(String, Stat)> = Vec::new();
        let own = Stat { dir: true, mode: 0o755, size: 0, modified: crate::base::SimTime::ZERO };
        if parsed.has('a') {
            entries.push((".".into(), own));
            entries.push(("..".into(), own));
        }
        for name in names {
            if name.starts_with('.') && !parsed.has('a') && !parsed.has('A') {
                continue;
            }
            let whole = crate::shell::vfs::resolve(&path, &name);
            if let Some(stat) = io.files.stat(&whole) {
                entries.push((name, stat));
            }
        }
        order(&mut entries, &parsed);
        if parsed.has('l') {
            io.print("total 0\n");
        }
        let text = rows(io, &entries, &parsed);
        io.print(&text);
        if parsed.has('R') {
            left.extend(
                entries
                    .iter()
                    .rev()
                    .filter(|(n, s)| s.dir && n != "." && n != "..")
                    .map(|(n, _)| format!("{}/{n}", dir.trim_end_matches('/'))),
            );
        }
    }
    status
}

fn order(entries: &mut [(String, Stat)], parsed: &super::options::Parsed) {
    entries.sort_by(|a, b| {
        let by = if parsed.has('t') {
            b.1.modified.cmp(&a.1.modified)
        } else if parsed.has('S') {
            b.1.size.cmp(&a.1.size)
        } else {
            std::cmp::Ordering::Equal
        };
        by.then_with(|| a.0.cmp(&b.0))
    });
    if parsed.has('r') {
        entries.reverse();
    }
}

fn rows(io: &mut Io<'_, '_>, entries: &[(String, Stat)], parsed: &super::options::Parsed) -> String {
    let (now, _) = io.files.unix_time();
    let sim_now = io.files.tree().now;
    let width = entries.iter().map(|(_, s)| s.size.to_string().len()).max().unwrap_or(1);
    let mut out = String::new();
    for (name, stat) in entries {
        if parsed.has('l') {
            let age = sim_now.since(stat.modified).as_secs() as i64;
            let time = date::format("%b %e %H:%M", now - age, 0);
            let size = if parsed.has('h') { human(stat.size) } else { format!("{:width$}", stat.size) };
            out += &format!("{} {} root root {size} {time} ", mode(*stat), if stat.dir { 2 } else { 1 });
        }
        out += name;
        if (parsed.has('F') || parsed.has('p')) && stat.dir {
            out.push('/');
        } else if parsed.has('F') && stat.mode & 0o111 != 0 {
            out.push('*');
        }
        out.push('\n');
    }
    out
}

fn human(size: u64) -> String {
    if size < 1024 { size.to_string() } else { format!("{}.{}K", size / 1024, size % 1024 * 10 / 1024) }
}

/// `-rwxr-xr-x`.
fn mode(stat: Stat) -> String {
    let mut out = String::from(if stat.dir { "d" } else { "-" });
    for shift in [6, 3, 0] {
        let bits = stat.mode >> shift;
        out.push(if bits & 4 != 0 { 'r' } else { '-' });
        out.push(if bits & 2 != 0 { 'w' } else { '-' });
        let sticky = shift == 0 && stat.mode & 0o1000 != 0;
        out.push(match (bits & 1 != 0, sticky) {
            (true, false) => 'x',
            (false, false) => '-',
            (true, true) => 't',
            (false, true) => 'T',
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::shell::text::testing::{Plain, run, run_on};
    use crate::shell::vfs::Vfs;

    #[test]
    fn ls_lists_names_and_modes() {
        let mut host = Plain(Vfs::new());
        host.0.write("/root/b.sh", "x").expect("room");
        host.0.chmod("/root/b.sh", 0o755).expect("it is there");
        host.0.write("/root/.a", "").expect("room");
        assert_eq!(run_on(&mut host, "ls", &[], "").0, "b.sh\n");
        assert_eq!(run_on(&mut host, "ls", &["-A"], "").0, ".a\nb.sh\n");
        assert_eq!(run_on(&mut host, "ls", &["-l", "b.sh"], "").0, "-rwxr-xr-x 1 root root 1 Jan  1 23:59 b.sh\n");
        assert_eq!(run_on(&mut host, "ls", &["-d", "/tmp"], "").0, "/tmp\n");
    }

    #[test]
    fn ls_tells_what_is_not_there() {
        assert_eq!(run("ls", &["/nope"], ""), ("ls: cannot access '/nope': No such file or directory\n".into(), 2));
    }
}
