//! The points of a study: each is checked before anything runs, and read again when it is run.

use crate::cli::exit::{self, Failure};
use crate::cli::simulation::interrupted;
use crate::cli::ui::{Ui, count};
use crate::cli::{input, pool};
use lvsim::scenario::{Loaded, Problem, Scenario, problem};
use lvsim::study::sample::Failure as NoResult;
use lvsim::study::sweep::columns;
use lvsim::study::sweep::plan::Study;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// A scenario's text and what it needs beside it.
pub struct Source {
    file: String,
    text: String,
    /// Files that it names, as far as they were read.
    beside: Mutex<BTreeMap<String, String>>,
}

impl Source {
    /// Reads the scenario's text, nothing else yet.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(file: &str) -> Result<Source, Failure> {
        Ok(Source { text: input::read(file)?, file: file.to_string(), beside: Mutex::default() })
    }

    /// The scenario with these arguments of `--set`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(&self, sets: &[String]) -> Result<Loaded, Vec<Problem>> {
        input::resolve(&self.file, &self.text, sets, &|name, text| {
            let mut beside = self.beside.lock().unwrap_or_else(PoisonError::into_inner);
            beside.entry(name.to_string()).or_insert_with(|| text.to_string());
        })
    }

    fn tell(&self, problems: &[Problem], ui: &Ui) {
        ui.print_err(&problem::render_in(
            problems,
            input::shown(&self.file),
            &self.text,
            ui.color_err,
            ui.langs.people,
        ));
    }

    fn invalid(&self, problems: &[Problem], ui: &Ui) -> Failure {
        self.tell(problems, ui);
        let n = count(problems.len(), "problem");
        Failure::invalid(format!("`{}` has {n}; nothing has been run", input::shown(&self.file)))
    }

    /// Checks every value of every axis, then every point; gives the first point's scenario.
    ///
    /// # Errors
    /// If one is not valid; all that is wrong has been told by then.
    pub fn check(&self, study: &Study, threads: Option<u16>, ui: &Ui) -> Result<Scenario, Failure> {
        let mut problems: Vec<Problem> = Vec::new();
        let mut add = |more: Vec<Problem>| {
            for problem in more {
                if !problems.contains(&problem) && problems.len() < 100 {
                    problems.push(problem);
                }
            }
        };
        let first = self.load(&study.arguments(0)).map_err(&mut add).ok();
        for (n, axis) in study.sets.iter().enumerate() {
            for place in 1..axis.values.len() {
                let mut sets = study.arguments(0);
                sets[n] = axis.set(place);
                if interrupted() {
                    return Err(stopped());
                }
                if let Err(more) = self.load(&sets) {
                    add(more);
                }
            }
        }
        let Some(first) = first.filter(|_| problems.is_empty()) else { return Err(self.invalid(&problems, ui)) };
        if !first.warnings.is_empty() {
            self.tell(&first.warnings, ui);
        }
        // Values that are good one by one may not go together.
        if study.sets.iter().filter(|axis| axis.varies()).count() > 1 {
            let schedulers = study.schedulers.len().max(1) as u64;
            let points: Vec<u64> = (0..study.points()).step_by(schedulers as usize).collect();
            let checked = pool::all("points checked", &points, threads, ui, |&point, go_on| match go_on() {
                false => Err(NoResult::Interrupted),
                true => Ok(self.load(&study.arguments(point)).err().map(|problems| (point, problems))),
            });
            if checked.results.len() < points.len() {
                return Err(stopped());
            }
            let mut bad: Vec<_> = checked.results.into_iter().flatten().collect();
            bad.sort_by_key(|(point, _)| *point);
            if let Some((point, problems)) = bad.first() {
                ui.error(&format!(
                    "{} of {} points are not valid; the first is {}",
                    bad.len(),
                    points.len(),
                    study.point_name(*point)
                ));
                return Err(self.invalid(problems, ui));
            }
        }
        Ok(first.scenario)
    }

    /// Signs a study of it ([`Study::sign`]); every point has been read by then.
    pub fn sign(&self, study: &mut Study) {
        let names: Vec<String> = columns::columns(study).into_iter().map(|c| c.name).collect();
        let beside = self.beside.lock().unwrap_or_else(PoisonError::into_inner);
        study.sign(&self.text, &beside, &names);
    }
}

fn stopped() -> Failure {
    Failure { code: exit::INTERRUPTED, message: "interrupted; nothing has been run".into() }
}

/// The scenarios of the points that are being run: runs of one point follow one another.
#[derive(Default)]
pub struct Recent(Mutex<VecDeque<(u64, Arc<Scenario>)>>);

impl Recent {
    /// How many are kept: as many as a machine may have processors, about.
    const KEPT: usize = 16;

    /// The scenario of a point, which `load` reads unless it is known.
    ///
    /// # Errors
    /// If it is not valid.
    pub fn get(
        &self,
        point: u64,
        load: impl FnOnce() -> Result<Loaded, Vec<Problem>>,
    ) -> Result<Arc<Scenario>, Vec<Problem>> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = lock().iter().find(|(p, _)| *p == point) {
            return Ok(known.clone());
        }
        let scenario = Arc::new(load()?.scenario);
        let mut recent = lock();
        recent.push_back((point, scenario.clone()));
        while recent.len() > Self::KEPT {
            recent.pop_front();
        }
        Ok(scenario)
    }
}
