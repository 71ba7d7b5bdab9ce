//! Tests the manual and README.md as their readers use them: every shell block runs, links are valid, and generated
//! pages are up to date. CONTRIBUTING.md explains the marks of blocks.
//!
//! If the program for a trial is not installed, the trial is skipped, and the output names it. With
//! `GANGPLANK_REQUIRE_CLIENTS=1`, as in CI, the trial fails.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure here is a failed test")]

mod built;
mod clients;
mod commands;
mod data_directory;
mod generated;
mod links;
mod page;
mod questions;
mod room;
mod runner;
mod script;
mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use gangplank_testkit::clients_are_required;
use libtest_mimic::{Arguments, Failed, Trial};

use crate::page::Page;

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_gangplank");

/// The root folder of the repository.
fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The trials, and the programs that are missing.
#[derive(Default)]
struct Suite {
    trials: Vec<Trial>,
    /// Missing programs, each with the trials that need it.
    skipped: BTreeMap<String, Vec<String>>,
}

impl Suite {
    fn add(
        &mut self,
        name: String,
        missing: Vec<String>,
        run: impl FnOnce() -> Result<(), Failed> + Send + 'static,
    ) {
        let absent = !missing.is_empty();
        let missing = missing.join(", ");
        if absent {
            self.skipped.entry(missing.clone()).or_default().push(name.clone());
        }
        let trial =
            Trial::test(
                name,
                move || {
                    if absent { Err(format!("not here: {missing}").into()) } else { run() }
                },
            );
        self.trials.push(trial.with_ignored_flag(absent && !clients_are_required()));
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut suite = Suite::default();
    let pages = Page::all(&top());
    for page in &pages {
        let page = page.clone();
        suite.add(format!("marks::{}", page.name), Vec::new(), move || {
            page.check_marks().map_err(Failed::from)
        });
    }
    for page in pages.iter().filter(|page| page.runs()) {
        let page = page.clone();
        suite.add(format!("runs::{}", page.name), room::missing_for(&page), move || {
            room::run(&page).map_err(Failed::from)
        });
    }
    suite.add("commands".into(), Vec::new(), || commands::check().map_err(Failed::from));
    suite.add("marks".into(), Vec::new(), || runner::check_marks().map_err(Failed::from));
    suite.add("runner".into(), runner::missing(), || runner::check().map_err(Failed::from));
    suite.add("questions::are_tested".into(), Vec::new(), || {
        questions::check_all_are_tested().map_err(Failed::from)
    });
    suite.add("questions::of_one_server".into(), questions::missing(), || {
        questions::one_server::check().map_err(Failed::from)
    });
    suite.add("questions::of_replicas".into(), questions::of_replicas::missing(), || {
        questions::of_replicas::check().map_err(Failed::from)
    });
    suite.add("links".into(), Vec::new(), move || links::check(&top(), &pages).map_err(Failed::from));
    suite.add("generated".into(), Vec::new(), || generated::check(&top()).map_err(Failed::from));
    suite.add("files".into(), Vec::new(), || data_directory::check(&top()).map_err(Failed::from));
    suite.add("words".into(), Vec::new(), || words::check(&top()).map_err(Failed::from));
    suite.add("mdbook".into(), built::missing(), || built::check(&top()).map_err(Failed::from));
    let conclusion = libtest_mimic::run(&arguments, suite.trials);
    if !arguments.list {
        for (missing, names) in suite.skipped {
            eprintln!("SKIPPED for want of {missing}: {}", names.join(", "));
        }
    }
    conclusion.exit_code()
}
