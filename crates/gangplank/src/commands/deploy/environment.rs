//! The environment of a container. Values are secrets, so no error shows one.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use gangplank_api::Map;

/// Reads the variables of the files, in their order, then those of the options, which win.
///
/// # Errors
/// If a file cannot be read, if a name is no name of a variable, or if a variable without a value is not set in
/// this process either.
pub(super) fn read(given: &[String], files: &[PathBuf]) -> Result<Map<String>> {
    let mut environment = Map::new();
    for file in files {
        add_file(file, &mut environment, &here)?;
    }
    for (place, variable) in given.iter().enumerate() {
        let (name, value) = pair(variable, &here).with_context(|| format!("--env {}", place + 1))?;
        environment.insert(name, value);
    }
    Ok(environment)
}

/// The value of a variable of this process.
fn here(name: &str) -> Result<String> {
    match std::env::var(name) {
        Ok(value) => Ok(value),
        Err(std::env::VarError::NotPresent) => bail!("{name} is not set here, so it has no value to pass on"),
        Err(std::env::VarError::NotUnicode(_)) => bail!("the value of {name} here is no text in UTF-8"),
    }
}

fn add_file(file: &Path, to: &mut Map<String>, here: &dyn Fn(&str) -> Result<String>) -> Result<()> {
    let shown = file.display();
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {shown}"))?;
    let Ok(text) = String::from_utf8(bytes) else { bail!("{shown} is no text in UTF-8") };
    for (number, line) in text.strip_prefix('\u{feff}').unwrap_or(&text).lines().enumerate() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = pair(line, here).with_context(|| format!("{shown}, line {}", number + 1))?;
        to.insert(name, value);
    }
    Ok(())
}

/// Reads `NAME=VALUE`. `NAME` alone takes its value from this process.
fn pair(text: &str, here: &dyn Fn(&str) -> Result<String>) -> Result<(String, String)> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text.trim_end(), None),
    };
    // A line without = may be a value by mistake, so it is not shown.
    let is_name = !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control());
    ensure!(is_name, "a variable is written NAME=VALUE or NAME, without spaces in its name");
    let value = match value {
        Some(value) => value.to_owned(),
        None => here(name)?,
    };
    ensure!(!value.contains('\0'), "the value of {name} has a NUL in it, which no environment takes");
    Ok((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(name: &str) -> Result<String> {
        bail!("{name} is not set here")
    }

    #[test]
    fn files_are_read_as_docker_reads_them() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = "\u{feff}# what it needs\n\nA=1\n  B = two words \nC=\"quoted\"\nD=x=y#z\nE=\r\nHERE\n";
        std::fs::write(file.path(), text).unwrap();
        let mut read = Map::new();
        let here = |name: &str| Ok(format!("{name} of here"));
        // Docker refuses a name with a space too.
        let error = add_file(file.path(), &mut read, &here).unwrap_err();
        assert!(
            format!("{error:#}")
                .ends_with("line 4: a variable is written NAME=VALUE or NAME, without spaces in its name")
        );
        std::fs::write(file.path(), text.replace("  B = two", "  B= two")).unwrap();
        add_file(file.path(), &mut read, &here).unwrap();
        let pairs: Vec<(&str, &str)> =
            read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let expected = [
            ("A", "1"),
            ("B", " two words "),
            ("C", "\"quoted\""),
            ("D", "x=y#z"),
            ("E", ""),
            ("HERE", "HERE of here"),
        ];
        assert_eq!(pairs, expected);
    }

    #[test]
    fn no_error_shows_a_value() {
        for text in ["=s3cret", "pass word=s3cret", "s3cret here", "", "A=s3cret\0", " =s3cret"] {
            let error = format!("{:#}", pair(text, &none).unwrap_err());
            assert!(!error.contains("s3cret"), "{error}");
        }
        assert!(pair("NAME", &none).unwrap_err().to_string().contains("NAME is not set here"));
        assert_eq!(pair("A=", &none).unwrap(), ("A".to_owned(), String::new()));
    }
}
