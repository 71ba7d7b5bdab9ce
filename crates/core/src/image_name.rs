//! The names of registered images: `:service.label.number` in the API, `service:label.number` in
//! the registry.

use std::fmt;

/// A registered image's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageName {
    /// The container service it is registered on.
    pub service: String,
    /// The label it was registered under.
    pub label: String,
    /// Its number: one counter per service, shared by all labels, never reused.
    pub number: i64,
}

impl ImageName {
    /// Reads `:service.label.number`; `None` for anything else. Names and labels hold no dots.
    pub fn parse(text: &str) -> Option<Self> {
        let (service, version) = text.strip_prefix(':')?.split_once('.')?;
        let (label, number) = parse_version(version)?;
        (!service.is_empty()).then(|| Self { service: service.to_owned(), label, number })
    }

    /// The registry's half, the tag `label.number`.
    pub fn version(&self) -> String {
        format!("{}.{}", self.label, self.number)
    }
}

/// Reads the registry's half, the tag `label.number`.
pub fn parse_version(tag: &str) -> Option<(String, i64)> {
    let (label, number) = tag.split_once('.')?;
    let canonical = !number.starts_with('0') && number.bytes().all(|byte| byte.is_ascii_digit());
    let number = number.parse().ok().filter(|_| canonical)?;
    (!label.is_empty()).then(|| (label.to_owned(), number))
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ":{}.{}", self.service, self.version())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_canonical_form_is_a_name() {
        for bad in [
            "",
            "web.app.1",
            ":web.app",
            ":web.app.01",
            ":web.app.0",
            ":web.app.-1",
            ":web.app.+1",
            ":web.app.latest",
            ":.app.1",
            ":web..1",
            ":web.app.1.2",
            ":web.app.99999999999999999999",
        ] {
            assert_eq!(ImageName::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_name_reads_back(service in "[a-z0-9-]{1,63}", label in "[a-z0-9-]{1,53}", number in 1..i64::MAX) {
            let name = ImageName { service, label, number };
            prop_assert_eq!(ImageName::parse(&name.to_string()), Some(name));
        }
    }
}
