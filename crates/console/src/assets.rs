//! The files that pages load: a style sheet, a script and an icon. Their path has a hash of their content, so a file
//! never changes under its path.

/// A file that pages load.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Its name.
    pub name: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// Its bytes.
    pub bytes: &'static [u8],
}

const ALL: [Asset; 3] = [
    Asset {
        name: "app.css",
        media_type: "text/css; charset=utf-8",
        bytes: include_bytes!("../assets/app.css"),
    },
    Asset {
        name: "app.js",
        media_type: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../assets/app.js"),
    },
    Asset { name: "icon.svg", media_type: "image/svg+xml", bytes: include_bytes!("../assets/icon.svg") },
];

/// The folder of these files.
pub const FOLDER: &str = "/console/a/";

const HEX: [u8; 16] = hex(hash());

/// A hash of the content of all files, which is part of their paths.
pub const VERSION: &str = match std::str::from_utf8(&HEX) {
    Ok(version) => version,
    Err(_) => panic!("hexadecimal digits are text"),
};

/// Finds the file of a path below [`FOLDER`].
pub fn find(path: &str) -> Option<&'static Asset> {
    let (version, name) = path.split_once('/')?;
    ALL.iter().find(|asset| version == VERSION && asset.name == name)
}

/// FNV-1a over all bytes. It only has to differ from build to build.
const fn hash() -> u64 {
    let (mut hash, mut asset) = (0xcbf2_9ce4_8422_2325_u64, 0);
    while asset < ALL.len() {
        let (bytes, mut at) = (ALL[asset].bytes, 0);
        while at < bytes.len() {
            hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
            at += 1;
        }
        asset += 1;
    }
    hash
}

const fn hex(value: u64) -> [u8; 16] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let (mut digits, mut at) = ([0; 16], 0);
    while at < digits.len() {
        digits[at] = DIGITS[(value >> (60 - 4 * at) & 15) as usize];
        at += 1;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assets_are_found_under_the_name_of_what_they_hold_and_stay_small() {
        assert!(VERSION.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let length = |name: &str| find(&format!("{VERSION}/{name}")).unwrap().bytes.len();
        assert!(length("app.css") <= 12 << 10, "{}", length("app.css"));
        assert!(length("app.js") <= 6 << 10, "{}", length("app.js"));
        assert!(length("icon.svg") <= 4 << 10);
        for other in ["app.css", "0000000000000000/app.css", &format!("{VERSION}/other.css"), ""] {
            assert!(find(other).is_none(), "{other}");
        }
    }
}
