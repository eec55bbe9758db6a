//! `sysctl` of procps 4.0.
//!
//! Files are all read before anything is written. Variables that lvsim's table does not have do not exist here: "No such
//! file or directory". Left out, and refused by name: `--system`, `-b`, `--dry-run`.

use super::output::Output;
use super::text::regex::Regex;
use super::words::fnmatch;
use crate::net::Inet;
use crate::sysctl::{Sysctls, WriteError};

const USAGE: &str = "
Usage:
 sysctl [options] [variable[=value] ...]

Options:
  -a, --all            display all variables
  -A                   alias of -a
  -X                   alias of -a
      --deprecated     include deprecated parameters to listing
      --dry-run        Print the key and values but do not write
  -b, --binary         print value without new line
  -e, --ignore         ignore unknown variables errors
  -N, --names          print variable names without values
  -n, --values         print only values of the given variable(s)
  -p, --load[=<file>]  read values from file
  -f                   alias of -p
      --system         read values from all system directories
  -r, --pattern <expression>
                       select setting that match expression
  -q, --quiet          do not echo variable set
  -w, --write          enable writing a value to variable
  -o                   does nothing
  -x                   does nothing
  -d                   alias of -h

 -h, --help     display this help and exit
 -V, --version  output version information and exit

For more details see sysctl(8).
";

#[derive(Default)]
struct Options {
    all: bool,
    load: bool,
    write: bool,
    ignore: bool,
    quiet: bool,
    names: bool,
    values: bool,
    pattern: Option<Regex>,
}

/// One line of a file or one `key=value`.
struct Setting {
    key: String,
    value: String,
    /// A leading `-`: errors do not count.
    lenient: bool,
}

/// Runs `sysctl`; `read_file` gives the text of a file on the host.
pub fn main(
    net: &mut Inet,
    args: &[String],
    out: &mut Output,
    read_file: &mut dyn FnMut(&str) -> Option<String>,
) -> u8 {
    let mut options = Options::default();
    let mut words: Vec<&str> = Vec::new();
    let mut rest = args.iter().map(String::as_str);
    while let Some(arg) = rest.next() {
        if let Some(name) = arg.strip_prefix("--").filter(|n| !n.is_empty()) {
            let (name, value) = name.split_once('=').map_or((name, None), |(n, v)| (n, Some(v)));
            match name {
                "all" => options.all = true,
                "deprecated" => {}
                "ignore" => options.ignore = true,
                "names" => options.names = true,
                "values" => options.values = true,
                "quiet" => options.quiet = true,
                "write" => options.write = true,
                "load" => {
                    options.load = true;
                    words.extend(value);
                }
                "pattern" => {
                    let text = value.or_else(|| rest.next()).unwrap_or_default();
                    options.pattern = Regex::extended(text).ok();
                }
                "help" => {
                    out.out(USAGE);
                    return 0;
                }
                "version" => {
                    out.line("sysctl from procps-ng 4.0.2");
                    return 0;
                }
                "system" | "dry-run" | "binary" => {
                    out.err(&format!("lvsim: sysctl: `{arg}` is not modelled"));
                    return 1;
                }
                _ => return unknown_option(&format!("unrecognized option '{arg}'"), out),
            }
            continue;
        }
        if arg.len() < 2 || !arg.starts_with('-') {
            words.push(arg);
            continue;
        }
        let letters = &arg[1..];
        for (n, letter) in letters.char_indices() {
            let glued = &letters[n + letter.len_utf8()..];
            match letter {
                'a' | 'A' | 'X' => options.all = true,
                'e' => options.ignore = true,
                'N' => options.names = true,
                'n' => options.values = true,
                'q' => options.quiet = true,
                'w' => options.write = true,
                'o' | 'x' => {}
                'p' | 'f' => {
                    // Its file is optional, and glued if it belongs to the option.
                    options.load = true;
                    words.extend(Some(glued).filter(|g| !g.is_empty()));
                    break;
                }
                'r' => {
                    let text = if glued.is_empty() { rest.next().unwrap_or_default() } else { glued };
                    options.pattern = Regex::extended(text).ok();
                    if options.pattern.is_none() {
                        out.err(&format!("sysctl: invalid pattern: `{text}'"));
                        return 1;
                    }
                    break;
                }
                'h' | 'd' => {
                    out.out(USAGE);
                    return 0;
                }
                'V' => {
                    out.line("sysctl from procps-ng 4.0.2");
                    return 0;
                }
                'b' => {
                    out.err("lvsim: sysctl: `-b` is not modelled");
                    return 1;
                }
                other => return unknown_option(&format!("invalid option -- '{other}'"), out),
            }
        }
    }
    let mut run = Run { sysctl: &mut net.sysctl, options, out, failed: false };
    if run.options.all {
        run.list("");
        return 0;
    }
    if run.options.load {
        if words.is_empty() {
            words.push("/etc/sysctl.conf");
        }
        run.load(&words, read_file);
    } else if words.is_empty() {
        run.out.err("sysctl: no variables specified");
        run.out.err("Try `sysctl --help' for more information.");
        return 1;
    } else {
        run.command_line(&words);
    }
    let failed = run.failed;
    net.ignore_dead_links();
    u8::from(failed)
}

fn unknown_option(why: &str, out: &mut Output) -> u8 {
    out.err(&format!("sysctl: {why}"));
    out.out(USAGE);
    1
}

struct Run<'a> {
    sysctl: &'a mut Sysctls,
    options: Options,
    out: &'a mut Output,
    failed: bool,
}

impl Run<'_> {
    fn command_line(&mut self, words: &[&str]) {
        for word in words {
            if self.options.write || word.contains('=') {
                match setting(word) {
                    Some(s) => self.apply(&s),
                    None => {
                        self.out.err("sysctl: command line(0): invalid syntax, continuing...");
                        self.failed = true;
                    }
                }
            } else {
                self.read(word);
            }
        }
    }

    fn load(&mut self, files: &[&str], read_file: &mut dyn FnMut(&str) -> Option<String>) {
        let mut settings = Vec::new();
        for file in files {
            let Some(text) = read_file(file) else {
                self.out.err(&format!("sysctl: cannot open \"{file}\": No such file or directory"));
                self.failed = true;
                continue;
            };
            for (n, line) in text.lines().enumerate() {
                let line = line.trim();
                if line.is_empty() || line.starts_with(['#', ';']) {
                    continue;
                }
                match setting(line) {
                    Some(s) => settings.push(s),
                    None => self.out.err(&format!("sysctl: {file}({}): invalid syntax, continuing...", n + 1)),
                }
            }
        }
        for s in &settings {
            self.apply(s);
        }
    }

    fn apply(&mut self, s: &Setting) {
        if !s.key.contains(['*', '?', '[']) {
            return self.write(&s.key, s);
        }
        for path in self.sysctl.paths() {
            if fnmatch(&s.key, &path) {
                self.write(&path, s);
            }
        }
    }

    fn write(&mut self, key: &str, s: &Setting) {
        if self.options.pattern.as_ref().is_some_and(|p| !p.is_match(key)) {
            return;
        }
        match self.sysctl.write(key, &s.value) {
            Ok(()) if self.options.quiet => {}
            Ok(()) => self.print(key, &s.value),
            Err(WriteError::NoSuchVariable) => {
                if !self.options.ignore {
                    self.no_such(key);
                    self.failed |= !s.lenient;
                }
            }
            Err(WriteError::Denied) => {
                self.out.err(&format!("sysctl: permission denied on key \"{key}\""));
                self.failed |= !s.lenient;
            }
            Err(e) => {
                self.out.err(&format!("sysctl: setting key \"{key}\": {e}"));
                self.failed |= !s.lenient;
            }
        }
    }

    fn read(&mut self, word: &str) {
        let key = dotted(word);
        if let Some(value) = self.sysctl.read(&key) {
            return self.print(&key, &value);
        }
        // A directory stands for all that is in it.
        let inside = format!("{}.", key.trim_end_matches('.'));
        if self.sysctl.paths().iter().any(|p| p.starts_with(&inside)) {
            return self.list(&inside);
        }
        if !self.options.ignore {
            self.no_such(&key);
            self.failed = true;
        }
    }

    fn list(&mut self, start: &str) {
        for path in self.sysctl.paths() {
            let meant = path.starts_with(start) && self.options.pattern.as_ref().is_none_or(|p| p.is_match(&path));
            if let Some(value) = self.sysctl.read(&path).filter(|_| meant) {
                self.print(&path, &value);
            }
        }
    }

    fn print(&mut self, key: &str, value: &str) {
        let line = match (self.options.names, self.options.values) {
            (true, _) => key.to_string(),
            (_, true) => value.to_string(),
            _ => format!("{key} = {value}"),
        };
        self.out.line(&line);
    }

    fn no_such(&mut self, key: &str) {
        self.out.err(&format!("sysctl: cannot stat /proc/sys/{}: No such file or directory", key.replace('.', "/")));
    }
}

/// With slashes the separators are slashes, and points belong to names.
fn dotted(key: &str) -> String {
    let key = key.strip_prefix("/proc/sys/").unwrap_or(key);
    match key.find(['/', '.']) {
        Some(i) if key.as_bytes()[i] == b'/' => key.replace('/', "."),
        _ => key.to_string(),
    }
}

fn setting(text: &str) -> Option<Setting> {
    let (key, value) = text.split_once('=')?;
    let key = key.trim();
    let (key, lenient) = key.strip_prefix('-').map_or((key, false), |k| (k, true));
    Some(Setting { key: dotted(key), value: value.trim().to_string(), lenient })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Seed;
    use crate::wire::Mac;

    fn host() -> Inet {
        let mut net = Inet::new(Seed(1).stream("neigh"));
        net.add_ethernet("eth0".into(), Mac([2, 0, 0, 0, 0, 1]), 1500);
        net
    }

    fn run(net: &mut Inet, line: &str, file: Option<&str>) -> (u8, String) {
        let args: Vec<String> = line.split_whitespace().map(str::to_string).collect();
        let mut out = Output::default();
        let rc = main(net, &args, &mut out, &mut |_| file.map(str::to_string));
        (rc, out.text())
    }

    #[test]
    fn values_are_read_and_written() {
        let mut net = host();
        for (line, rc, text) in [
            ("net.ipv4.ip_forward", 0, "net.ipv4.ip_forward = 0\n"),
            ("-n net.ipv4.ip_forward", 0, "0\n"),
            ("-w net.ipv4.ip_forward=1", 0, "net.ipv4.ip_forward = 1\n"),
            ("net/ipv4/conf/eth0/arp_ignore", 0, "net.ipv4.conf.eth0.arp_ignore = 0\n"),
            (
                "-w net.ipv4.conf.all.arg_ignore=1",
                1,
                "sysctl: cannot stat /proc/sys/net/ipv4/conf/all/arg_ignore: No such file or directory\n",
            ),
            ("-w net.ipv4.ip_forward=yes", 1, "sysctl: setting key \"net.ipv4.ip_forward\": Invalid argument\n"),
            ("-w net.ipv4.ip_forward", 1, "sysctl: command line(0): invalid syntax, continuing...\n"),
            ("-q -w net.ipv4.conf.all.arp_announce=2", 0, ""),
            ("-e -w net.ipv4.conf.eth9.rp_filter=1", 0, ""),
        ] {
            assert_eq!(run(&mut net, line, None), (rc, text.into()), "{line}");
        }
        let (_, all) = run(&mut net, "-a -r conf.*.arp_(ignore|announce)", None);
        assert_eq!(all.lines().count(), 10);
    }

    #[test]
    fn a_file_is_read_as_a_whole_before_it_counts() {
        let mut net = host();
        let file = "# comment\n; another\nnet.ipv4.conf.lo.arp_ignore = 1\n\nnet.ipv4.conf.no.such = 1\nnonsense\n";
        assert_eq!(
            run(&mut net, "-p", Some(file)),
            (
                1,
                "sysctl: /etc/sysctl.conf(6): invalid syntax, continuing...\n\
                 net.ipv4.conf.lo.arp_ignore = 1\n\
                 sysctl: cannot stat /proc/sys/net/ipv4/conf/no/such: No such file or directory\n"
                    .into()
            )
        );
        assert_eq!(
            run(&mut net, "-p /etc/nothing.conf", None),
            (1, "sysctl: cannot open \"/etc/nothing.conf\": No such file or directory\n".into())
        );
    }
}
