//! Reading scenarios: files, folders and stdin, and telling everything that is wrong with them.

use super::exit::Failure;
use super::ui::Ui;
use lvsim::report::names::names;
use lvsim::scenario::files::ReadFile;
use lvsim::scenario::{self, Names, Problem, Scenario, problem};
use lvsim::text;
use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// The largest text that is read at all; the scenario room has its own, smaller bound and says so with a place.
const MAX_READ: u64 = 64 << 20;

/// A scenario that can be simulated.
pub struct Loaded {
    pub scenario: Scenario,
    /// What it is called in messages.
    pub file: String,
    /// What was read.
    pub text: String,
}

/// Reads a file, or stdin for `-`.
///
/// # Errors
/// If it cannot be read or is no UTF-8.
pub fn read(file: &str) -> Result<String, Failure> {
    let cannot = |why: String| Failure::invalid(format!("cannot read `{file}`: {why}"));
    let mut bytes = Vec::new();
    let done = if file == "-" {
        std::io::stdin().lock().take(MAX_READ + 1).read_to_end(&mut bytes)
    } else if Path::new(file).is_dir() {
        return Err(cannot("it is a folder; `lvsim test` takes folders".into()));
    } else {
        fs::File::open(file).and_then(|f| f.take(MAX_READ + 1).read_to_end(&mut bytes))
    };
    done.map_err(|e| cannot(e.to_string()))?;
    if bytes.len() as u64 > MAX_READ {
        return Err(cannot(format!("it is larger than {} MiB", MAX_READ >> 20)));
    }
    String::from_utf8(bytes).map_err(|e| {
        let before = &e.as_bytes()[..e.utf8_error().valid_up_to()];
        let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
        cannot(format!("line {line} is not UTF-8; save it as UTF-8"))
    })
}

/// Resolves a text that was read from `file`, and tells nothing; `heard` gets every file that it names, with its text.
///
/// # Errors
/// Everything that is wrong with it.
pub fn resolve(
    file: &str,
    text: &str,
    sets: &[String],
    heard: &dyn Fn(&str, &str),
) -> Result<scenario::Loaded, Vec<Problem>> {
    let beside = |name: &str| read_beside(file, name).inspect(|text| heard(name, text));
    let names = Names { read_file: Some(ReadFile(&beside)), ..names() };
    scenario::load(shown(file), text, sets, &names)
}

/// What a scenario is called in messages.
pub fn shown(file: &str) -> &str {
    if file == "-" { "stdin" } else { file }
}

/// Reads and resolves a scenario, and tells its problems on stderr.
///
/// # Errors
/// If it cannot be read or is not valid; the problems have been told by then.
pub fn load(file: &str, sets: &[String], ui: &Ui) -> Result<Loaded, Failure> {
    let text = read(file)?;
    let shown = shown(file);
    match resolve(file, &text, sets, &|_, _| ()) {
        Ok(loaded) => {
            if !loaded.warnings.is_empty() {
                ui.print_err(&problem::render_in(&loaded.warnings, shown, &text, ui.color_err, ui.langs.people));
            }
            Ok(Loaded { scenario: loaded.scenario, file: shown.to_string(), text })
        }
        Err(problems) => {
            ui.print_err(&problem::render_in(&problems, shown, &text, ui.color_err, ui.langs.people));
            let what = text!("n-problems", n = problems.len());
            Err(Failure::invalid(ui.say(&text!("file-has", file = shown, what))))
        }
    }
}

/// Reads a file that a scenario names: one in the scenario's folder or below, nothing else of the machine.
pub fn read_beside(scenario: &str, name: &str) -> Result<String, String> {
    if scenario == "-" {
        return Err("a scenario from stdin has no folder".into());
    }
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if !Path::new(name).components().all(plain) {
        return Err("it is not below the scenario's folder".into());
    }
    let path = Path::new(scenario).parent().unwrap_or(Path::new("")).join(name);
    let path = path.to_string_lossy();
    // That it cannot be read is told already, with the name that the scenario has.
    let known = format!("cannot read `{path}`: ");
    read(&path).map_err(|failure| failure.message.strip_prefix(&known).unwrap_or(&failure.message).to_string())
}

/// Refuses `-` twice: stdin can be read once.
///
/// # Errors
/// If it stands there twice.
pub fn stdin_once(files: &[String]) -> Result<(), Failure> {
    match files.iter().filter(|f| *f == "-").count() {
        0 | 1 => Ok(()),
        _ => Err(Failure::usage("`-` stands twice; stdin can be read once")),
    }
}

/// Every scenario that the paths name: files as they stand, folders searched for `.yaml` and `.yml`, sorted by name.
/// Hidden entries and links to folders are passed over.
///
/// # Errors
/// If a path cannot be read, or a folder holds none.
pub fn find(paths: &[String]) -> Result<Vec<String>, Failure> {
    stdin_once(paths)?;
    let mut files = Vec::new();
    for path in paths {
        if !Path::new(path).is_dir() {
            files.push(path.clone());
            continue;
        }
        let before = files.len();
        search(Path::new(path), &mut files).map_err(|e| Failure::invalid(format!("cannot read `{path}`: {e}")))?;
        if files.len() == before {
            return Err(Failure::usage(format!("no scenario (.yaml, .yml) in `{path}`")));
        }
    }
    Ok(files)
}

fn search(folder: &Path, files: &mut Vec<String>) -> std::io::Result<()> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            if !path.is_symlink() {
                search(&path, files)?;
            }
        } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            files.push(path.to_string_lossy().replace('\\', "/"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_searched_in_order_and_hidden_things_passed_over() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path();
        for (dir, name) in [("b", "z.yaml"), ("b", "a.yml"), (".git", "x.yaml"), ("", "c.yaml"), ("", "notes.md")] {
            fs::create_dir_all(root.join(dir)).expect("a folder");
            fs::write(root.join(dir).join(name), "").expect("a file");
        }
        let root = root.to_string_lossy().to_string();
        let found = find(std::slice::from_ref(&root)).expect("a folder with scenarios");
        let found: Vec<&str> = found.iter().filter_map(|f| f.strip_prefix(&root)).collect();
        assert_eq!(found, ["/b/a.yml", "/b/z.yaml", "/c.yaml"]);
    }

    #[test]
    fn a_scenario_reads_only_what_lies_beside_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let scenario = folder.path().join("a.yaml").to_string_lossy().to_string();
        fs::write(folder.path().join("times.csv"), "20ms\n").expect("a file");
        assert_eq!(read_beside(&scenario, "times.csv").as_deref(), Ok("20ms\n"));
        for name in ["../a.csv", "/etc/hostname", "none.csv"] {
            assert!(read_beside(&scenario, name).is_err(), "{name}");
        }
        assert!(read_beside("-", "times.csv").is_err());
    }

    #[test]
    fn a_folder_without_scenarios_is_bad_usage() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let error = find(&[folder.path().to_string_lossy().to_string()]).expect_err("nothing there");
        assert_eq!(error.code, super::super::exit::USAGE);
    }
}
