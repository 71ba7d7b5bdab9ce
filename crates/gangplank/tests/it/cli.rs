//! Runs the program as a person does: arguments, environment, output, exit status.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::PROGRAM;

/// The result of a command.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The output as JSON. The command must have succeeded.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Expects success, and these words on standard output.
    #[track_caller]
    pub(crate) fn check_ok(&self, words: &str) {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{self:?}");
        assert!(self.stdout.contains(words), "{words} is not in {self:?}");
    }

    /// Expects exit status 1, and exactly one line on standard error with all these words.
    #[track_caller]
    pub(crate) fn check_failed(&self, words: &[&str]) {
        assert_eq!((self.code, self.stdout.as_str()), (Some(1), ""), "{self:?}");
        assert!(self.stderr.starts_with("gangplank: "), "{self:?}");
        assert_eq!(self.stderr.lines().count(), 1, "{self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "{word} is not in {self:?}");
        }
    }

    /// Expects exit status 1, and all these words in the last line. Earlier steps may have printed lines too.
    #[track_caller]
    pub(crate) fn check_failed_last(&self, words: &[&str]) {
        assert_eq!((self.code, self.stdout.as_str()), (Some(1), ""), "{self:?}");
        let last = self.stderr.lines().last().unwrap_or_default();
        assert!(last.starts_with("gangplank: "), "{self:?}");
        for word in words {
            assert!(last.contains(word), "{word} is not in {self:?}");
        }
    }

    /// Expects exit status 2, and a usage hint with all these words.
    #[track_caller]
    pub(crate) fn check_usage(&self, words: &[&str]) {
        assert_eq!((self.code, self.stdout.as_str()), (Some(2), ""), "{self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "{word} is not in {self:?}");
        }
    }
}

/// A directory that is removed with the test.
pub(crate) fn home() -> TempDir {
    tempfile::Builder::new().prefix("gangplank-test-").tempdir().unwrap()
}

/// A command that has neither the caller's environment nor an engine of this machine.
pub(crate) fn command(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(args)
        .env_clear()
        .env("HOME", home)
        .env("TMPDIR", home)
        .env("GANGPLANK_ENGINE", "none")
        .current_dir(home)
        .stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub(crate) fn run(home: &Path, args: &[&str], environment: &[(&str, &str)]) -> Ran {
    let output = command(home, args).envs(environment.iter().copied()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Runs a command that reads standard input.
pub(crate) fn run_with_input(mut command: Command, input: &str) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}
