//! The page about files describes the content and modes of a data directory.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use gangplank_testkit::{Image, TestServer};

use crate::PROGRAM;

pub(crate) fn check(top: &Path) -> Result<(), String> {
    let page = std::fs::read_to_string(top.join("docs/book/src/reference/files.md")).unwrap();
    let listed: BTreeMap<&str, &str> = page.lines().filter_map(row).collect();
    let server = TestServer::start(PROGRAM);
    server.registry_as(&server.push_login()).push_image("sr", "v1", &Image::unique(1));
    let mut faults = Vec::new();
    let data_dir = server.data_dir();
    for folder in ["", "blobs"] {
        for entry in std::fs::read_dir(data_dir.join(folder)).unwrap().map(Result::unwrap) {
            let name = Path::new(folder).join(entry.file_name()).display().to_string();
            let mode = format!("{:04o}", entry.metadata().unwrap().permissions().mode() & 0o7777);
            if listed.get(name.as_str()) != Some(&mode.as_str()) {
                faults.push(format!("{name} has mode {mode}; the page says {:?}", listed.get(name.as_str())));
            }
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

/// The path and the mode in a row of the table.
fn row(line: &str) -> Option<(&str, &str)> {
    let mut cells = line.strip_prefix("| `")?.split(" | ");
    Some((cells.next()?.strip_suffix('`')?, cells.next()?))
}
