//! The program's other names, as links in the same folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::files::{home_folders, owner};
use crate::system::{is_writable, name_program};
use crate::{HELPER, PLUGIN};

/// Makes the links. Returns a sentence about each.
pub(super) fn make(dir: Option<PathBuf>) -> Result<Vec<String>> {
    let program =
        std::env::current_exe().and_then(fs::canonicalize).context("cannot find this program's file")?;
    let beside = program.parent().unwrap_or(Path::new("/")).to_owned();
    let dir = match dir {
        Some(dir) => dir,
        // A person who finds the program in PATH has to find its other names there too.
        None if is_searched(&beside) && is_writable(&beside) => beside,
        None => home_folders::home().context("cannot place the links without --bin-dir")?.join(".local/bin"),
    };
    owner::make_folder(&dir, 0o755).with_context(|| format!("cannot make {}", dir.display()))?;
    let mut told: Vec<String> = Vec::new();
    for name in [HELPER, PLUGIN] {
        told.push(link(&program, &dir.join(name))?);
    }
    if !is_searched(&dir) {
        told.push(format!("{} is not in PATH: add it, or the programs are not found.", dir.display()));
    }
    Ok(told)
}

fn link(program: &Path, link: &Path) -> Result<String> {
    if fs::canonicalize(link).is_ok_and(|target| target == program) {
        return Ok(format!("{} is this program.", link.display()));
    }
    // A link whose target is gone may be replaced. Any other file may be somebody's own.
    let leads_nowhere = link.is_symlink() && !link.exists();
    if leads_nowhere {
        fs::remove_file(link).with_context(|| format!("cannot replace {}", link.display()))?;
    } else if link.exists() {
        return Ok(format!("{} is another program, and stays.", link.display()));
    }
    name_program(program, link).with_context(|| format!("cannot make the link {}", link.display()))?;
    Ok(format!("{} is now this program.", link.display()))
}

fn is_searched(dir: &Path) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|searched| searched == dir)
}
