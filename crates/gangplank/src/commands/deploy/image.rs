//! Finds out which image is meant: one that the engine can pull, or one that has to be pushed first.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::push::source::Source;

/// The longest label.
const LONGEST: usize = 53;

/// The image that `--image` names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A registered image, or one in a registry that the name begins with. The server takes the name as it is.
    AsItIs(String),
    /// An image to push and to register under this label.
    Push(Source, String),
}

impl Wanted {
    /// Reads the name of an image. `label` is the value of `--label`. An archive on standard input has no name, so
    /// its label is the container's name.
    ///
    /// # Errors
    /// If no label can be made from the image's name.
    pub(super) fn of(text: &str, label: Option<&str>, container: &str) -> Result<Self> {
        let source = Source::parse(text);
        let is_named = matches!(&source, Source::Engine(name) if name == text);
        if is_named && (text.starts_with(':') || names_registry(text)) {
            return Ok(Self::AsItIs(text.to_owned()));
        }
        if let Some(label) = label {
            return Ok(Self::Push(source, label.to_owned()));
        }
        let made = label_of(&name_of(&source, container));
        let made =
            made.with_context(|| format!("no label can be made of {text:?}: give one with --label"))?;
        Ok(Self::Push(source, made))
    }

    /// The name that a deployment would have. The number of an image that is not pushed yet is made up.
    pub(super) fn stand_in(&self, service: &str) -> String {
        match self {
            Self::AsItIs(image) => image.clone(),
            Self::Push(_, label) => format!(":{service}.{label}.1"),
        }
    }
}

/// Whether a name begins with a registry's host, by docker's rule.
fn names_registry(name: &str) -> bool {
    let host = name.split_once('/').map(|(host, _)| host);
    host.is_some_and(|host| host.contains(['.', ':']) || host == "localhost")
}

/// The name of an image, without the parts that say where it comes from.
fn name_of(source: &Source, container: &str) -> String {
    let of_path = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match source {
        Source::Engine(name) | Source::DockerArchive(_, Some(name)) | Source::StandardInput(Some(name)) => {
            let last = name.rsplit('/').next().unwrap_or_default();
            last.split(['@', ':']).next().unwrap_or_default().to_owned()
        }
        Source::Layout(path, _) => {
            // A path such as `.` does not contain the folder's name.
            path.canonicalize().map_or_else(|_| of_path(path), |path| of_path(&path))
        }
        Source::LayoutArchive(path, _) | Source::DockerArchive(path, None) => {
            let name = of_path(path);
            let ends = [".tar.gz", ".tgz", ".tar.zst", ".tar"];
            ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name).to_owned()
        }
        Source::StandardInput(None) => container.to_owned(),
    }
}

/// Makes a label from a name. Letters that no label may have become hyphens.
fn label_of(name: &str) -> Option<String> {
    let known = |letter: char| {
        let letter = letter.to_ascii_lowercase();
        if letter.is_ascii_lowercase() || letter.is_ascii_digit() { letter } else { '-' }
    };
    let label: String = name.chars().map(known).take(LONGEST).collect();
    let label = label.trim_matches('-');
    (!label.is_empty()).then(|| label.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Wanted {
        Wanted::of(text, None, "app").unwrap()
    }

    fn label(text: &str) -> String {
        match of(text) {
            Wanted::Push(_, label) => label,
            Wanted::AsItIs(image) => panic!("{image} is not pushed"),
        }
    }

    #[test]
    fn what_is_registered_or_in_a_registry_is_not_pushed() {
        for text in [
            ":web.app.3",
            ":web.app.latest",
            "docker.io/library/nginx:1.27",
            "localhost/app",
            "127.0.0.1:5000/web:app.1",
            "registry:5000/app@sha256:0000",
        ] {
            assert_eq!(of(text), Wanted::AsItIs(text.to_owned()));
        }
    }

    #[test]
    fn the_label_is_the_last_part_of_the_name() {
        for (text, expected) in [
            ("app", "app"),
            ("team/My_App:v1.2", "my-app"),
            ("app@sha256:0000", "app"),
            ("docker-daemon:docker.io/team/shop:v1", "shop"),
            ("docker-archive:none/web.tar.gz", "web"),
            ("docker-archive:web.tar:team/shop:v1", "shop"),
            ("oci-archive:dist/site.tar:v1", "site"),
            ("oci:build/layout:v1", "layout"),
            ("-", "app"),
            ("docker-archive:-:shop:v1", "shop"),
        ] {
            assert_eq!(label(text), expected, "{text}");
        }
        assert_eq!(label(&"a".repeat(80)).len(), LONGEST);
        assert!(Wanted::of("___", None, "app").unwrap_err().to_string().contains("--label"));
        assert_eq!(Wanted::of("___", Some("x"), "app").unwrap().stand_in("web"), ":web.x.1");
    }
}
