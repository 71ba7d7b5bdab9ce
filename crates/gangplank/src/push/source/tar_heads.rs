//! The headers of a tar archive, one after the other. Names are read up to a limit, because they are kept in memory.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

use tar::{EntryType, Header, PaxExtensions};

const BLOCK: u64 = 512;
/// The longest name or extended header, in bytes.
const LONGEST: u64 = 1024 * 1024;
/// The largest number of members. Real images have far fewer.
const MOST_MEMBERS: usize = 100_000;

/// A member of an archive.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) name: String,
    /// The target, if it is a link.
    pub(crate) link: Option<String>,
    pub(crate) kind: EntryType,
    /// The offset of its first byte.
    pub(crate) start: u64,
    pub(crate) size: u64,
}

/// Fields that earlier headers gave for the next member.
#[derive(Default)]
struct Said {
    name: Option<String>,
    link: Option<String>,
    size: Option<u64>,
}

/// The headers of an archive, read from a stream.
pub(crate) struct Heads<R> {
    reader: R,
    at: u64,
    seen: usize,
}

impl<R: Read + Seek> Heads<R> {
    pub(crate) fn of(reader: R) -> Self {
        Self { reader, at: 0, seen: 0 }
    }

    /// Reads the next member. `None` at the end.
    fn read(&mut self) -> io::Result<Option<Head>> {
        let mut said = Said::default();
        loop {
            let Some(header) = self.header()? else { return Ok(None) };
            self.seen += 1;
            if self.seen > MOST_MEMBERS {
                return Err(too_much(format!("it has more than {MOST_MEMBERS} members")));
            }
            let start = self.at;
            let kind = header.entry_type();
            let size = header.entry_size()?;
            match kind {
                EntryType::GNULongName => said.name = Some(text(&self.small(size)?)),
                EntryType::GNULongLink => said.link = Some(text(&self.small(size)?)),
                EntryType::XHeader => extended(&self.small(size)?, &mut said)?,
                EntryType::XGlobalHeader => {}
                kind => {
                    let size = said.size.unwrap_or(size);
                    let start = if kind.is_gnu_sparse() { self.behind_sparse_maps(&header)? } else { start };
                    self.skip(start, size)?;
                    let name = said.name.unwrap_or_else(|| text(&header.path_bytes()));
                    let link = said.link.or_else(|| header.link_name_bytes().map(|link| text(&link)));
                    return Ok(Some(Head { name, link, kind, start, size }));
                }
            }
            self.skip(start, size)?;
        }
    }

    fn header(&mut self) -> io::Result<Option<Header>> {
        self.reader.seek(SeekFrom::Start(self.at))?;
        let mut block = Vec::new();
        (&mut self.reader).take(BLOCK).read_to_end(&mut block)?;
        if block.is_empty() || block.iter().all(|byte| *byte == 0) && block.len() as u64 == BLOCK {
            return Ok(None);
        }
        if (block.len() as u64) < BLOCK {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.at += BLOCK;
        let header = Header::from_byte_slice(&block).clone();
        // The checksum counts its own eight bytes as spaces.
        let own: u32 = block[148..156].iter().map(|byte| u32::from(*byte)).sum();
        let sum = block.iter().map(|byte| u32::from(*byte)).sum::<u32>() - own + 8 * u32::from(b' ');
        if header.cksum()? != sum {
            return Err(wrong("a head's checksum is wrong".to_owned()));
        }
        Ok(Some(header))
    }

    /// Reads the bytes of a name or an extended header.
    fn small(&mut self, size: u64) -> io::Result<Vec<u8>> {
        if size > LONGEST {
            return Err(too_much(format!(
                "it has a name or an extended header of {size} bytes; at most {LONGEST} are read"
            )));
        }
        let mut bytes = Vec::new();
        (&mut self.reader).take(size).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < size {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(bytes)
    }

    /// The offset of a sparse file's first byte. The maps of its holes are before it.
    fn behind_sparse_maps(&mut self, header: &Header) -> io::Result<u64> {
        let mut goes_on = header.as_gnu().is_some_and(tar::GnuHeader::is_extended);
        while goes_on {
            let mut block = [0; 512];
            self.reader.read_exact(&mut block)?;
            self.at += BLOCK;
            goes_on = block[504] == 1;
        }
        Ok(self.at)
    }

    fn skip(&mut self, start: u64, size: u64) -> io::Result<()> {
        let end = size.checked_next_multiple_of(BLOCK).and_then(|size| start.checked_add(size));
        self.at = end.ok_or_else(|| wrong(format!("a member has {size} bytes")))?;
        Ok(())
    }
}

impl<R: Read + Seek> Iterator for Heads<R> {
    type Item = io::Result<Head>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

fn extended(bytes: &[u8], said: &mut Said) -> io::Result<()> {
    for extension in PaxExtensions::new(bytes) {
        let extension = extension?;
        let value = || text(extension.value_bytes());
        match extension.key_bytes() {
            b"path" => said.name = Some(value()),
            b"linkpath" => said.link = Some(value()),
            b"size" => {
                let size = value()
                    .parse()
                    .map_err(|_| wrong("an extended header's size is no number".to_owned()))?;
                said.size = Some(size);
            }
            _ => {}
        }
    }
    Ok(())
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

fn too_much(why: String) -> io::Error {
    io::Error::new(ErrorKind::FileTooLarge, why)
}

fn wrong(why: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn heads(bytes: Vec<u8>) -> io::Result<Vec<Head>> {
        Heads::of(Cursor::new(bytes)).collect()
    }

    fn member(kind: EntryType, size: u64) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_cksum();
        header
    }

    #[test]
    fn long_names_links_and_sizes_are_read() {
        let long = "d/".repeat(200) + "file";
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = member(EntryType::Regular, 3);
        archive.append_data(&mut header, &long, &b"abc"[..]).unwrap();
        archive.append_pax_extensions([("path", b"other" as &[u8]), ("size", b"4")]).unwrap();
        archive.append(&member(EntryType::Regular, 0), &b"abcd"[..]).unwrap();
        archive.append_link(&mut member(EntryType::Symlink, 0), "link", &long).unwrap();
        let found = heads(archive.into_inner().unwrap()).unwrap();
        let shown: Vec<_> =
            found.iter().map(|head| (head.name.as_str(), head.size, head.link.as_deref())).collect();
        assert_eq!(shown, [(long.as_str(), 3, None), ("other", 4, None), ("link", 0, Some(long.as_str()))]);
    }

    #[test]
    fn a_name_that_is_too_long_is_not_read() {
        for kind in [EntryType::GNULongName, EntryType::GNULongLink, EntryType::XHeader] {
            let header = member(kind, 600 << 20);
            let error = heads(header.as_bytes().to_vec()).unwrap_err();
            assert!(error.to_string().contains("629145600 bytes"), "{error}");
        }
    }

    #[test]
    fn what_is_cut_or_no_archive_is_refused() {
        assert!(heads(Vec::new()).unwrap().is_empty());
        assert!(heads(vec![b'x'; 511]).is_err() && heads(vec![b'x'; 512]).is_err());
        let mut huge = member(EntryType::Regular, u64::MAX);
        huge.set_cksum();
        assert!(heads(huge.as_bytes().to_vec()).is_err());
    }
}
