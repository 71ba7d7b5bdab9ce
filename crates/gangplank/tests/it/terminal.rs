//! A terminal for a command, from util-linux's `script`.

use std::path::Path;
use std::process::{Command, Output};

use crate::PROGRAM;

/// The output on the terminal. `None` if `script` is missing, which is reported.
pub(crate) fn on_a_terminal(
    directory: &Path,
    arguments: &str,
    environment: &[(&str, &str)],
) -> Option<(Option<i32>, String)> {
    let script = |line: &str| -> std::io::Result<Output> {
        let mut command = Command::new("script");
        command.args(["-qec", line, "/dev/null"]).current_dir(directory).env("HOME", directory);
        command.env("TERM", "xterm").env_remove("NO_COLOR").envs(environment.iter().copied()).output()
    };
    let text = |output: &Output| {
        let [shown, said] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
        format!("{shown}{said}").replace("\r\n", "\n")
    };
    let Ok(probe) = script("true") else {
        gangplank_testkit::skip("there is no script (util-linux)");
        return None;
    };
    if !probe.status.success() {
        gangplank_testkit::skip(&format!("there is no pseudo-terminal: {}", text(&probe).trim()));
        return None;
    }
    let shown = script(&format!("{PROGRAM} {arguments}")).unwrap();
    Some((shown.status.code(), text(&shown)))
}
