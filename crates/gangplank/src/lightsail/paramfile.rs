//! Values in files: `file://path` and `fileb://path`.

use std::path::PathBuf;

use crate::files::home_folders;

/// The content of the file that a value names. `None` if it names none.
pub(crate) fn load(value: &str) -> Option<Result<String, String>> {
    let path = value.strip_prefix("file://").or_else(|| value.strip_prefix("fileb://"))?;
    Some(
        home_folders::expanded(path)
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
