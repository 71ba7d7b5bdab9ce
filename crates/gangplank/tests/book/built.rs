//! mdBook builds the manual without warnings.

use std::path::{Path, PathBuf};
use std::process::Command;

fn mdbook() -> Option<PathBuf> {
    let named = std::env::var_os("GANGPLANK_MDBOOK").map(PathBuf::from);
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found =
        || std::env::split_paths(&folders).map(|folder| folder.join("mdbook")).find(|file| file.is_file());
    named.or_else(found)
}

pub(crate) fn missing() -> Vec<String> {
    if mdbook().is_some() {
        Vec::new()
    } else {
        vec!["mdbook (.ci/run builds it, see GANGPLANK_MDBOOK there)".into()]
    }
}

pub(crate) fn check(top: &Path) -> Result<(), String> {
    let made = tempfile::tempdir().unwrap();
    let mut command = Command::new(mdbook().unwrap());
    command.arg("build").arg("--dest-dir").arg(made.path()).arg(top.join("docs/book")).env_remove("RUST_LOG");
    let done = command.output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    let complains = said.contains("WARN") || said.contains("ERROR");
    let is_there =
        made.path().join("index.html").is_file() && made.path().join("reference/commands.html").is_file();
    if done.status.success() && !complains && is_there { Ok(()) } else { Err(said) }
}
