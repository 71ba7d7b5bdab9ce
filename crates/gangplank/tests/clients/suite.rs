//! The trials, and the clients that are installed for them.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::client::Program;

/// The trials that also run through a load balancer, with `GANGPLANK_TEST_REPLICAS`: one client of each kind.
const OF_REPLICAS: [&str; 10] = [
    "aws_cli_v1::control_flow",
    "aws_cli_v1::job_without_a_key",
    "docker::",
    "podman::",
    "skopeo::",
    "crane::",
    "oras::",
    "regctl::",
    "conformance::",
    "oci_conformance::",
];

/// The trials in that list that have their own bucket.
const OF_ONE_PROCESS: [&str; 1] = ["_over_s3"];

/// A trial with a client.
pub(crate) type Test = fn(&Program);

/// The trials, and the clients that are missing.
#[derive(Default)]
pub(crate) struct Suite {
    trials: Vec<Trial>,
    present: Vec<String>,
    missing: Vec<String>,
}

impl Suite {
    /// Adds the trials of a client. `install` is advice on how to get it.
    pub(crate) fn client(
        &mut self,
        name: &'static str,
        install: &'static str,
        program: Option<Program>,
        tests: &[(&str, Test)],
    ) {
        let required = gangplank_testkit::clients_are_required();
        match &program {
            Some(program) => self.present.push(format!("{name} {}", program.version)),
            None => self.missing.push(format!("{name} ({install})")),
        }
        for (title, test) in tests {
            let (program, test, absent) = (program.clone(), *test, program.is_none());
            let trial = Trial::test(format!("{name}::{title}"), move || match program {
                Some(program) => {
                    test(&program);
                    Ok(())
                }
                None => Err(Failed::from(format!("{name} is not installed: {install}"))),
            });
            self.trials.push(trial.with_ignored_flag(absent && !required));
        }
    }

    /// Adds the trials of a client in Go.
    pub(crate) fn go_client(&mut self, name: &'static str, tests: &[(&str, Test)]) {
        self.client(name, ".ci/run builds it, see GANGPLANK_GO_CLIENTS there", Program::built(name), tests);
    }

    /// Runs the trials. At the end lists the skipped trials.
    pub(crate) fn run(mut self, arguments: &Arguments) -> ExitCode {
        if gangplank_testkit::replicas::asked().is_some() {
            self.trials.retain(|trial| {
                OF_REPLICAS.iter().any(|name| trial.name().starts_with(name))
                    && !OF_ONE_PROCESS.iter().any(|name| trial.name().ends_with(name))
            });
        }
        if arguments.list {
            return libtest_mimic::run(arguments, self.trials).exit_code();
        }
        eprintln!("clients: {}", self.present.join(", "));
        let conclusion = libtest_mimic::run(arguments, self.trials);
        if !self.missing.is_empty() {
            eprintln!("SKIPPED (not installed): {}\n", self.missing.join(", "));
        }
        conclusion.exit_code()
    }
}
