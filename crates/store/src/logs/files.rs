//! The files of a log.
//!
//! ```text
//! <service>/<container>/<hour>.<part>    the lines of an hour, counted since 1970, in parts
//! .removed-<service>                     being removed
//! ```

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use gangplank_core::Time;

use super::LogName;

const HOUR: i64 = 60 * 60 * 1_000;

/// One file of a log. Files are in the order of their times. Within a file, late lines are out of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    /// The hour of its lines, counted in hours since 1970.
    pub(super) hour: i64,
    /// The number of the file within the hour, from 0.
    pub(super) number: u32,
}

impl Part {
    fn parse(name: &str) -> Option<Self> {
        let (hour, number) = name.split_once('.')?;
        Some(Self { hour: hour.parse().ok()?, number: number.parse().ok()? })
    }

    pub(super) fn in_folder(self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.{}", self.hour, self.number))
    }

    /// Whether all of its lines are older than `moment`.
    pub(super) fn is_before(self, moment: Time) -> bool {
        (self.hour + 1).saturating_mul(HOUR) <= moment.0
    }
}

/// The hour of a moment, counted since 1970.
pub(super) fn hour_of(moment: Time) -> i64 {
    moment.0.div_euclid(HOUR)
}

/// Whether a name may be used for a folder. Names of containers come from requests, so they may be hostile.
pub(super) fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=255).contains(&name.len()) && name.bytes().all(is_plain)
}

/// The folder of a log; `None` if its name is not allowed.
pub(super) fn folder_of(root: &Path, log: &LogName) -> Option<PathBuf> {
    let is_fit = is_name(&log.service) && is_name(&log.container);
    is_fit.then(|| root.join(&log.service).join(&log.container))
}

/// The files in a log's folder, in order, each with its size in bytes. Empty if there is no folder.
pub(super) fn parts_in(folder: &Path) -> io::Result<Vec<(Part, u64)>> {
    let mut parts = Vec::new();
    for entry in entries(folder)? {
        let Some(part) = entry.file_name().to_str().and_then(Part::parse) else { continue };
        match entry.metadata() {
            Ok(found) => parts.push((part, found.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    parts.sort_unstable();
    Ok(parts)
}

/// The names of the subfolders that can belong to a service or a container.
pub(super) fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    let names = entries(folder)?.into_iter().filter_map(|entry| entry.file_name().into_string().ok());
    Ok(names.filter(|name| is_name(name)).collect())
}

/// The entries of a folder; none if there is no folder.
pub(super) fn entries(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.collect(),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_in_the_order_of_numbers() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["9.0", "10.0", "10.10", "10.9", "x", "10", "1.x", ".hidden"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let parts = parts_in(folder.path()).unwrap();
        let found: Vec<_> = parts.iter().map(|(part, length)| (part.hour, part.number, *length)).collect();
        assert_eq!(found, [(9, 0, 3), (10, 0, 4), (10, 9, 4), (10, 10, 5)]);
        assert!(parts_in(&folder.path().join("none")).unwrap().is_empty());
    }

    #[test]
    fn a_name_leads_nowhere_else() {
        let root = Path::new("/logs");
        let folder = |container: &str| {
            folder_of(root, &LogName { service: "a-1".to_owned(), container: container.to_owned() })
        };
        assert_eq!(folder("app"), Some(root.join("a-1/app")));
        for bad in ["", "..", ".", "a/b", "../x", "A", "a\0", "a.b", &"a".repeat(256)] {
            assert_eq!(folder(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_hour_ends_when_the_next_begins() {
        let part = Part { hour: hour_of(Time(3_600_000 * 5 + 1)), number: 0 };
        assert_eq!(part.hour, 5);
        assert!(!part.is_before(Time(3_600_000 * 6 - 1)));
        assert!(part.is_before(Time(3_600_000 * 6)));
        assert_eq!(hour_of(Time(-1)), -1);
    }
}
