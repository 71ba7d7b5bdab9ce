//! Values in files: `file://path` and `fileb://path`.

use std::path::PathBuf;

use crate::files::home_folders;

/// The content of the file that a value names. `None` if it names none.
pub(crate) fn load(value: &str) -> Option<Result<String, String>> {
    let path = value.strip_prefix("file://").or_else(|| value.strip_prefix("fileb://"))?;
    Some(
        expand(path)
            .map_err(|error| format!("Unable to load paramfile {value}: {error}"))
            .and_then(|path| read(value, &path)),
    )
}

fn read(value: &str, path: &str) -> Result<String, String> {
    let bytes = std::fs::read(PathBuf::from(path)).map_err(|error| {
        let number = error.raw_os_error().unwrap_or_default();
        let shown = super::python_repr::quoted(path);
        format!("Unable to load paramfile {value}: [Errno {number}] {}: {shown}", reason(&error))
    })?;
    String::from_utf8(bytes).map_err(|_| {
        format!(
            "Unable to load paramfile ({path}), text contents could not be decoded.  If this is a binary \
             file, please use the fileb:// prefix instead of the file:// prefix."
        )
    })
}

/// The system's message, without the number that Rust appends.
fn reason(error: &std::io::Error) -> String {
    let words = error.to_string();
    words.split(" (os error").next().unwrap_or_default().to_owned()
}

/// A path with `~`, `$NAME` and `${NAME}` expanded. Unknown variables stay as they are.
fn expand(path: &str) -> anyhow::Result<String> {
    let path = match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            format!("{}{rest}", home_folders::home()?.display())
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
