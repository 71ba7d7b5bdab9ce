//! The user's own folders. An empty `HOME` counts as unset. A variable of the XDG Base Directory Specification counts
//! only if it is an absolute path, as the specification demands. No folder is ever looked for in the current
//! directory.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

/// The home folder.
///
/// # Errors
/// If `HOME` is unset or empty.
pub(crate) fn home() -> Result<PathBuf> {
    own().home()
}

/// The folder for configuration: `$XDG_CONFIG_HOME`, else `~/.config`.
///
/// # Errors
/// If neither variable names a folder.
pub(crate) fn config() -> Result<PathBuf> {
    own().xdg("XDG_CONFIG_HOME", ".config")
}

/// The folder for state that outlives the program: `$XDG_STATE_HOME`, else `~/.local/state`.
///
/// # Errors
/// If neither variable names a folder.
pub(crate) fn state() -> Result<PathBuf> {
    own().xdg("XDG_STATE_HOME", ".local/state")
}

/// The folder for sockets and other files of a user's session: `$XDG_RUNTIME_DIR`. It has no default.
pub(crate) fn runtime() -> Option<PathBuf> {
    own().absolute("XDG_RUNTIME_DIR")
}

/// The folder of Docker's configuration, by Docker's own rule: `$DOCKER_CONFIG`, also if it is relative, else
/// `~/.docker`.
///
/// # Errors
/// If neither variable names a folder.
pub(crate) fn docker_config() -> Result<PathBuf> {
    own().docker_config()
}

/// A path with `~`, `$NAME` and `${NAME}` expanded, as the AWS CLI does. Unknown variables stay as they are.
///
/// # Errors
/// If it begins with `~`, and `HOME` is unset or empty.
pub(crate) fn expanded(path: &str) -> Result<String> {
    let path = match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            format!("{}{rest}", home()?.display())
        }
        _ => path.to_owned(),
    };
    let mut expanded = String::new();
    let mut rest = path.as_str();
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let (name, next) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, next)) => (name, next),
            None => {
                after.split_at(after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len()))
            }
        };
        match std::env::var(name) {
            Ok(value) if !name.is_empty() => expanded.push_str(&value),
            _ => expanded.push_str(&rest[before.len()..rest.len() - next.len()]),
        }
        rest = next;
    }
    Ok(expanded + rest)
}

fn own() -> Environment<impl Fn(&str) -> Option<OsString>> {
    Environment(|name: &str| std::env::var_os(name))
}

/// The variables of an environment, by name.
struct Environment<F>(F);

impl<F: Fn(&str) -> Option<OsString>> Environment<F> {
    fn home(&self) -> Result<PathBuf> {
        self.filled("HOME").context("HOME is not set")
    }

    fn xdg(&self, name: &str, below_home: &str) -> Result<PathBuf> {
        match self.absolute(name) {
            Some(folder) => Ok(folder),
            None => Ok(self.home()?.join(below_home)),
        }
    }

    fn docker_config(&self) -> Result<PathBuf> {
        match self.filled("DOCKER_CONFIG") {
            Some(folder) => Ok(folder),
            None => Ok(self.home()?.join(".docker")),
        }
    }

    fn filled(&self, name: &str) -> Option<PathBuf> {
        self.0(name).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    fn absolute(&self, name: &str) -> Option<PathBuf> {
        self.filled(name).filter(|folder| folder.is_absolute())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn environment<'a>(
        variables: &'a [(&str, &str)],
    ) -> Environment<impl Fn(&str) -> Option<OsString> + use<'a>> {
        Environment(|name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn an_absolute_variable_wins_over_home_and_any_other_does_not_count() {
        for (value, expected) in [
            ("/state", "/state"),
            ("state", "/home/me/.local/state"),
            ("./state", "/home/me/.local/state"),
            ("", "/home/me/.local/state"),
        ] {
            let variables = [("HOME", "/home/me"), ("XDG_STATE_HOME", value)];
            let folder = environment(&variables).xdg("XDG_STATE_HOME", ".local/state").unwrap();
            assert_eq!(folder, Path::new(expected), "{value:?}");
        }
        assert_eq!(environment(&[("XDG_RUNTIME_DIR", "run")]).absolute("XDG_RUNTIME_DIR"), None);
    }

    #[test]
    fn without_a_home_the_error_names_it() {
        for variables in [&[][..], &[("HOME", "")], &[("HOME", ""), ("XDG_STATE_HOME", "state")]] {
            let environment = environment(variables);
            for found in
                [environment.home(), environment.xdg("XDG_STATE_HOME", "x"), environment.docker_config()]
            {
                assert!(found.unwrap_err().to_string().starts_with("HOME is not set"), "{variables:?}");
            }
        }
        let state = environment(&[("XDG_STATE_HOME", "/state")]).xdg("XDG_STATE_HOME", "x");
        assert_eq!(state.unwrap(), Path::new("/state"));
    }

    #[test]
    fn docker_takes_a_relative_folder() {
        let variables = [("DOCKER_CONFIG", "docker"), ("HOME", "/home/me")];
        assert_eq!(environment(&variables).docker_config().unwrap(), Path::new("docker"));
        assert_eq!(environment(&variables[1..]).docker_config().unwrap(), Path::new("/home/me/.docker"));
    }
}
