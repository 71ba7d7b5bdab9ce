//! Names of registered images: `:service.label.number` in the API, `service:label.number` in the registry.

use std::fmt;

/// The name of a registered image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageName {
    /// The container service that it is registered on.
    pub service: String,
    /// The label that it was registered under.
    pub label: String,
    /// Its number. Each service has one counter for all labels, and never uses a number twice.
    pub number: i64,
}

impl ImageName {
    /// Reads `:service.label.number`. `None` for anything else. Names and labels have no dots.
    pub fn parse(text: &str) -> Option<Self> {
        let (service, version) = text.strip_prefix(':')?.split_once('.')?;
        let (label, number) = parse_version(version)?;
        (!service.is_empty()).then(|| Self { service: service.to_owned(), label, number })
    }

    /// The tag in the registry, `label.number`.
    pub fn version(&self) -> String {
        format!("{}.{}", self.label, self.number)
    }
}

/// The image of a container in a deployment, as a user names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageReference {
    /// `:service.label.number`, or `:service.label.latest`.
    Registered {
        /// The service.
        service: String,
        /// The label.
        label: String,
        /// The number. `None` for the highest one of the label.
        number: Option<i64>,
    },
    /// A text that does not begin with a colon: an image of a public registry.
    Public,
}

impl ImageReference {
    /// Reads a reference. `None` if it begins with a colon and is no name of a registered image.
    pub fn parse(text: &str) -> Option<Self> {
        let Some(registered) = text.strip_prefix(':') else { return Some(Self::Public) };
        if let Some(ImageName { service, label, number }) = ImageName::parse(text) {
            return Some(Self::Registered { service, label, number: Some(number) });
        }
        let (service, label) = registered.strip_suffix(".latest")?.split_once('.')?;
        let named = !service.is_empty() && !label.is_empty() && !label.contains('.');
        named.then(|| Self::Registered { service: service.to_owned(), label: label.to_owned(), number: None })
    }
}

/// Reads the tag in the registry, `label.number`.
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

    #[test]
    fn a_reference_names_a_number_or_the_latest_or_a_public_image() {
        let registered = |number| ImageReference::Registered {
            service: "web".to_owned(),
            label: "app".to_owned(),
            number,
        };
        assert_eq!(ImageReference::parse(":web.app.7"), Some(registered(Some(7))));
        assert_eq!(ImageReference::parse(":web.app.latest"), Some(registered(None)));
        assert_eq!(ImageReference::parse("nginx:latest"), Some(ImageReference::Public));
        for bad in [
            ":web.app.LATEST",
            ":web.latest",
            ":.app.latest",
            ":web..latest",
            ":web.a.b.latest",
            ":",
            ":web.app",
        ] {
            assert_eq!(ImageReference::parse(bad), None, "{bad}");
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
