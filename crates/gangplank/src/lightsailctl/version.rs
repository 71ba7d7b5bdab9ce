//! The plugin's version: the version of Amazon's plugin that this one is equal to.

use gangplank_api::lightsail::LIGHTSAILCTL_VERSION;

/// The text for `--version`, with the program's own version at the end.
pub(super) fn shown() -> String {
    format!("v{LIGHTSAILCTL_VERSION}+gangplank.{}", env!("CARGO_PKG_VERSION"))
}

/// A warning, if the server knows a newer version. `None` if that version is not newer, or cannot be parsed.
pub(super) fn warning(available: &str) -> Option<String> {
    let newer = parse(available)? > parse(LIGHTSAILCTL_VERSION)?;
    let available = available.trim_start_matches('v');
    newer.then(|| {
        format!(
            "WARNING: This lightsailctl does what version {LIGHTSAILCTL_VERSION} does, but {available} is available; \
             see whether there is a newer gangplank."
        )
    })
}

/// Numbers that compare as versions do. A release comes after its release candidates.
fn parse(version: &str) -> Option<([u64; 3], bool)> {
    let version = version.strip_prefix('v').unwrap_or(version);
    let version = version.split_once('+').map_or(version, |(version, _)| version);
    let (numbers, released) = match version.split_once('-') {
        Some((numbers, _)) => (numbers, false),
        None => (version, true),
    };
    let mut parsed = [0; 3];
    let parts: Vec<&str> = numbers.split('.').collect();
    if parts.len() > parsed.len() {
        return None;
    }
    for (place, part) in parsed.iter_mut().zip(&parts) {
        *place = part.parse().ok()?;
    }
    Some((parsed, released))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_newer_version_is_spoken_of() {
        for newer in ["1.0.9", "v1.1.0", "2.0.0-rc.1", "2", "1.0.10"] {
            assert!(warning(newer).is_some_and(|text| text.starts_with("WARNING")), "{newer}");
        }
        for other in [LIGHTSAILCTL_VERSION, "1.0.7", "v0.9", "1.0.8-rc1", "1.0.8+build", "", "new", "1.0.9.9"]
        {
            assert!(warning(other).is_none(), "{other}");
        }
    }
}
