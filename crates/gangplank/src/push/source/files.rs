//! The files of an image: in a directory, or in a tar archive that is not unpacked.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{self, BufReader, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};

use super::content::Content;
use super::tar_heads::{Head, Heads};
use crate::system::open_at_once;

/// The place of an image's files.
pub(crate) enum Files {
    /// The files are in this directory.
    Directory(PathBuf),
    /// The files are in an archive.
    Archive(Index),
}

/// The files of an archive, by name.
pub(crate) struct Index {
    file: Arc<File>,
    members: HashMap<String, Member>,
}

enum Member {
    File { start: u64, size: u64 },
    Link(String),
}

impl Files {
    /// Reads the headers of an archive. Blocks.
    pub(crate) fn of_archive(mut file: File) -> Result<Self> {
        // This process may have written the file, so go back to its beginning.
        file.rewind()?;
        let length = file.metadata()?.len();
        let mut members = HashMap::new();
        for (number, head) in Heads::of(BufReader::new(file.try_clone()?)).enumerate() {
            let Head { name, link, kind, start, size } = match head {
                Ok(head) => head,
                Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                    return Err(error).context("is no archive of an image");
                }
                Err(_) if number == 0 => bail!("is no tar archive, nor one compressed with gzip"),
                Err(error) => return Err(error).context("is a damaged or truncated archive"),
            };
            let name = clean(&name);
            let member = if kind.is_file() {
                ensure!(
                    start.checked_add(size).is_some_and(|end| end <= length),
                    "is truncated: {name:?} should have {size} bytes, and the archive ends before"
                );
                Member::File { start, size }
            } else if let (true, Some(link)) = (kind.is_symlink(), &link) {
                let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
                Member::Link(clean(&format!("{folder}/{link}")))
            } else if let (true, Some(link)) = (kind.is_hard_link(), &link) {
                Member::Link(clean(link))
            } else {
                continue;
            };
            members.insert(name, member);
        }
        ensure!(!members.is_empty(), "is an empty archive");
        Ok(Self::Archive(Index { file: Arc::new(file), members }))
    }

    /// Finds a file. `None` if there is none. Blocks.
    pub(crate) fn find(&self, name: &str) -> Result<Option<Content>> {
        match self {
            Self::Directory(folder) => match open_regular(&folder.join(name)) {
                Ok(file) => Ok(Some(Content::of(file)?)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error).with_context(|| format!("{name:?} cannot be read")),
            },
            Self::Archive(index) => {
                let mut name = clean(name);
                // Links may follow each other a few times. A longer chain counts as a cycle.
                for _ in 0..8 {
                    match index.members.get(&name) {
                        None => return Ok(None),
                        Some(Member::Link(target)) => name.clone_from(target),
                        Some(Member::File { start, size }) => {
                            let file = Arc::clone(&index.file);
                            return Ok(Some(Content::File { file, start: *start, size: *size }));
                        }
                    }
                }
                bail!("{name:?} is a link that leads nowhere")
            }
        }
    }

    /// Finds a file that has to exist.
    pub(crate) fn get(&self, name: &str) -> Result<Content> {
        self.find(name)?.with_context(|| format!("{name:?} is missing"))
    }
}

/// A path without `.`, `..` and empty parts.
fn clean(name: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Opens a file. The error is the reason, without the name.
pub(crate) fn open(path: &Path) -> Result<File> {
    ensure!(!path.is_dir(), "is a directory");
    open_regular(path).context("cannot be opened")
}

/// Opens a file that can be read to its end. Refuses devices, and pipes, because a read of a pipe may block for ever.
fn open_regular(path: &Path) -> io::Result<File> {
    let refuse_others = |metadata: Metadata| {
        let why = "it is no regular file; what comes out of a pipe is read by `gangplank push -`";
        if metadata.is_file() { Ok(()) } else { Err(io::Error::other(why)) }
    };
    // Opening a pipe may block, and opening a device may have an effect.
    refuse_others(std::fs::metadata(path)?)?;
    let file = open_at_once(path)?;
    refuse_others(file.metadata()?)?;
    Ok(file)
}
