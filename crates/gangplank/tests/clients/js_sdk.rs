//! The AWS SDK for JavaScript, by the program beside this file, with the packages in the folder of `GANGPLANK_JS`.

use std::path::{Path, PathBuf};

use crate::bench::Bench;
use crate::client::Program;
use crate::suite::Suite;

/// Adds the SDK's trials.
pub(crate) fn add(suite: &mut Suite) {
    let node = folder().and_then(|_| node());
    suite.client("js_sdk", ".ci/run fetches it, see GANGPLANK_JS there", node, &[("sts_and_others", story)]);
}

/// The node in that folder, else the first on the path.
pub(crate) fn node() -> Option<Program> {
    let fetched = folder().and_then(|folder| Program::at(&folder.join("venv/bin/node")));
    fetched.or_else(|| Program::find("node"))
}

fn folder() -> Option<PathBuf> {
    std::env::var_os("GANGPLANK_JS").map(PathBuf::from).filter(|folder| folder.join("node_modules").is_dir())
}

fn story(node: &Program) {
    let bench = Bench::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/js_sdk.mjs").display().to_string();
    let folder = folder().expect("the SDK").display().to_string();
    bench.call_with_keys(node, [script.as_str(), folder.as_str()]).run().ok();
}
