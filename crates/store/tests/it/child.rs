//! Runs a test of this binary again, in a process of its own that may be killed or sent elsewhere.

use std::path::Path;
use std::process::{Command, Stdio};

/// Set in the child: what the test is to work on.
const SUBJECT: &str = "GANGPLANK_TEST_SUBJECT";

/// A process that runs the ignored test `name` on `subject`, with its output piped.
pub(crate) fn command(name: &str, subject: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(SUBJECT, subject)
        .stdout(Stdio::piped());
    command
}

/// What this process is to work on, if it is such a child.
pub(crate) fn subject() -> Option<std::path::PathBuf> {
    std::env::var_os(SUBJECT).map(Into::into)
}
