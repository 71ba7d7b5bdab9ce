//! The paths of pages. Each has the account and the region, so that a browser tab never acts in the account or
//! region of another tab.

use std::fmt::{self, Write as _};

/// An account and a region, as in paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
}

impl Place {
    /// The path of a page in this account and region, such as `logins/7/revoke`.
    pub fn path(&self, page: &str) -> String {
        format!("{self}/{page}")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/console/{}/{}", self.account, self.region)
    }
}

/// A text, escaped as one segment of a path or one value in a query.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(byte.into());
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_one_segment() {
        assert_eq!(escaped("team/app?x#\"<é"), "team%2Fapp%3Fx%23%22%3C%C3%A9");
        let place = Place { account: "000000000000".to_owned(), region: "us-east-1".to_owned() };
        assert_eq!(place.path("logins"), "/console/000000000000/us-east-1/logins");
    }
}
