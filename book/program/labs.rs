//! The exercises: each lab of `book/labs/` is broken as it stands, its answer mends it, and a page asks for it.

use crate::fences::Problem;
use crate::run::{End, Ran, Table};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// A submission that changes nothing: `lvsim grade` does not take an empty one.
const NOTHING: &str = ":time\n";

/// Names of the labs, without ending, in order; and what lies beside them and belongs to none.
pub fn find(folder: &Path) -> Result<(Vec<String>, Vec<String>)> {
    if !folder.is_dir() {
        return Ok((Vec::new(), Vec::new()));
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let labs: Vec<String> = names.iter().filter_map(|n| n.strip_suffix(".yaml")).map(String::from).collect();
    let lost = names.iter().filter(|n| n.strip_suffix(".answer.txt").is_some_and(|n| !labs.iter().any(|l| l == n)));
    let lost = lost.cloned().collect();
    Ok((labs, lost))
}

/// What came of a lab.
pub struct Proved {
    pub problems: Vec<Problem>,
    pub times: Vec<(Duration, String)>,
}

/// Marks a lab without and with its answer.
pub fn prove(name: &str, mentioned: bool, table: &Table<'_>) -> Result<Proved> {
    let mut proved = Proved { problems: Vec::new(), times: Vec::new() };
    if !mentioned {
        let text = format!("no page mentions labs/{name}.yaml");
        proved.problems.push(Problem::new(0, text, "write its exercise, or remove the lab and its answer"));
    }
    fs::write(table.path().join("nothing.txt"), NOTHING)?;
    let mut mark = |submission: &str| -> Result<Ran> {
        let command = format!("lvsim grade 'labs/{name}.yaml' '{submission}' --format csv --quiet");
        let ran = table.run(&command).with_context(|| format!("bash cannot be started for `{command}`"))?;
        proved.times.push((ran.took, command));
        Ok(ran)
    };
    let bare = mark("nothing.txt")?;
    let verdict =
        |ran: &Ran| ran.stdout.lines().nth(1).and_then(|l| l.split(',').nth(1)).unwrap_or_default().to_string();
    match (bare.end, verdict(&bare).as_str()) {
        (End::Exit(1), "failed") => {}
        (End::Exit(0), _) => {
            let text = "nothing is to be done: all that it expects holds as it stands";
            proved.problems.push(Problem::new(0, text, "break it, or expect what is broken"));
        }
        (end, _) => proved.problems.push(said("as it stands", end, &bare)),
    }
    let answer = format!("labs/{name}.answer.txt");
    if !table.path().join(&answer).is_file() {
        proved.problems.push(Problem::new(0, "it has no answer", format!("write book/{answer}")));
        return Ok(proved);
    }
    let answered = mark(&answer)?;
    if (answered.end, verdict(&answered).as_str()) != (End::Exit(0), "passed") {
        proved.problems.push(said("with its answer", answered.end, &answered));
    }
    Ok(proved)
}

fn said(when: &str, end: End, ran: &Ran) -> Problem {
    let told: String = ran.stdout.lines().chain(ran.stderr.lines()).map(|l| format!("    {l}\n")).collect();
    Problem::new(0, format!("`lvsim grade` {when}: {end}\n{told}"), "mend the lab, or its answer")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::run::Kitchen;
    use std::collections::BTreeMap;

    /// Labs that a program marks which passes what has `mended` in it.
    fn labs(answers: &[(&str, &str)]) -> (tempfile::TempDir, Kitchen) {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("book/labs");
        fs::create_dir_all(&folder).unwrap();
        for (name, answer) in answers {
            fs::write(folder.join(format!("{name}.yaml")), "").unwrap();
            fs::write(folder.join(format!("{name}.answer.txt")), answer).unwrap();
        }
        let program = root.path().join("lvsim");
        let script = "#!/bin/sh\necho student,verdict\nif grep -q mended \"$3\" || grep -q whole \"$2\"; then echo x,passed\n\
                      else echo x,failed; exit 1; fi\n";
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let kitchen = Kitchen::new(root.path(), &program).unwrap();
        (root, kitchen)
    }

    #[test]
    fn a_lab_is_broken_and_its_answer_mends_it() {
        let (root, kitchen) = labs(&[("good", "mended"), ("bad", "no")]);
        fs::write(root.path().join("book/labs/done.yaml"), "whole").unwrap();
        fs::write(root.path().join("book/labs/gone.answer.txt"), "mended").unwrap();
        let (names, lost) = find(&root.path().join("book/labs")).unwrap();
        assert_eq!((names.join(" "), lost.join(" ")), ("bad done good".into(), "gone.answer.txt".into()));
        let said = |name: &str, mentioned| {
            let table = kitchen.table(&BTreeMap::new()).unwrap();
            let problems = prove(name, mentioned, &table).unwrap().problems;
            problems.iter().map(|p| p.text.lines().next().unwrap_or_default().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(said("good", true), [""; 0]);
        assert_eq!(said("good", false), ["no page mentions labs/good.yaml"]);
        assert_eq!(said("bad", true), ["`lvsim grade` with its answer: it exits with 1"]);
        assert_eq!(
            said("done", true),
            ["nothing is to be done: all that it expects holds as it stands", "it has no answer"]
        );
    }
}
