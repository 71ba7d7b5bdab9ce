//! Sizes as people write them: `10GiB`, `10 GB`, `512m`, or a number of bytes.

use std::str::FromStr;

use serde::Deserialize;

/// A size in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub(crate) struct ByteSize(pub(crate) u64);

impl ByteSize {
    /// The size as a `usize`, for lengths in memory.
    pub(crate) fn in_memory(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// The units in lower case. `KiB` and `k` are 1024 bytes, `kB` is 1000.
const UNITS: [(&str, u64); 22] = [
    ("", 1),
    ("b", 1),
    ("byte", 1),
    ("bytes", 1),
    ("k", 1 << 10),
    ("ki", 1 << 10),
    ("kib", 1 << 10),
    ("kb", 1_000),
    ("m", 1 << 20),
    ("mi", 1 << 20),
    ("mib", 1 << 20),
    ("mb", 1_000_000),
    ("g", 1 << 30),
    ("gi", 1 << 30),
    ("gib", 1 << 30),
    ("gb", 1_000_000_000),
    ("t", 1 << 40),
    ("ti", 1 << 40),
    ("tib", 1 << 40),
    ("tb", 1_000_000_000_000),
    ("pib", 1 << 50),
    ("pb", 1_000_000_000_000_000),
];

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no size; write 10GiB, 512MiB, 10 GB or a number of bytes");
        let text = text.trim();
        if text.strip_prefix('-').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit())) {
            return Err(
                "a size cannot be negative; write 10GiB, 512MiB, 10 GB or a number of bytes".to_owned()
            );
        }
        let is_number = |letter: &char| letter.is_ascii_digit() || *letter == '.';
        let (number, unit) = text.split_at(text.chars().take_while(is_number).count());
        let unit = unit.trim_start().to_ascii_lowercase();
        let (_, bytes) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) || part.len() > 9 {
            return Err(wrong());
        }
        let too_large = || format!("{text} is larger than anything that can be stored");
        let whole =
            whole.parse::<u64>().ok().and_then(|whole| whole.checked_mul(*bytes)).ok_or_else(too_large)?;
        let tenths = 10_u128.pow(u32::try_from(part.len()).unwrap_or_default());
        let part = part.parse::<u128>().map_err(|_| wrong())? * u128::from(*bytes) / tenths;
        let size = u64::try_from(part).ok().and_then(|part| whole.checked_add(part));
        // SQLite's integers and file offsets are signed.
        size.filter(|size| i64::try_from(*size).is_ok()).map(Self).ok_or_else(too_large)
    }
}

/// The forms that TOML allows.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a size is written \"10GiB\", \"512MiB\" or \"10 GB\", or is a number of bytes"
)]
enum Written {
    Bytes(i64),
    Text(String),
}

impl TryFrom<Written> for ByteSize {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Bytes(bytes) => bytes.to_string().parse(),
            Written::Text(text) => text.parse(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_written() {
        let bytes = |text: &str| text.parse::<ByteSize>().map(|size| size.0);
        for (text, expected) in [
            ("0", 0),
            ("1048576", 1 << 20),
            ("10GiB", 10 << 30),
            ("10 GiB", 10 << 30),
            ("10gib", 10 << 30),
            ("10 GB", 10_000_000_000),
            ("512m", 512 << 20),
            ("512M", 512 << 20),
            ("4Ki", 4096),
            ("1.5 KiB", 1536),
            ("286.1 MiB", 299_997_593),
            ("7 bytes", 7),
            ("1T", 1 << 40),
        ] {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for wrong in
            ["", "GiB", "10 XB", "1..5k", "1.k", ".5k", "1,5k", "ten", "0x10", "1 2", "99999999999 TiB"]
        {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
        assert!(
            bytes("-1").unwrap_err().contains("negative") && bytes("-1GiB").unwrap_err().contains("negative")
        );
    }
}
