//! Runs a test of this binary in a child process, which may be killed.

use std::path::Path;
use std::process::{Command, Stdio};

/// Set in the child process: the file or folder that the test works on.
const SUBJECT: &str = "GANGPLANK_TEST_SUBJECT";

/// A process that runs the ignored test `name` on `subject`. Its output is piped.
pub(crate) fn command(name: &str, subject: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(SUBJECT, subject)
        .stdout(Stdio::piped());
    command
}

/// The file or folder to work on; `None` if this process is no child.
pub(crate) fn subject() -> Option<std::path::PathBuf> {
    std::env::var_os(SUBJECT).map(Into::into)
}
