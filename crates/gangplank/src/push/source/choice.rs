//! Chooses one of several images in a file. If several fit, all are listed in an error, and none is chosen silently.

use std::collections::HashMap;
use std::fmt::Write as _;

use anyhow::{Result, bail};
use gangplank_oci::Digest;

use super::platform::Platform;

/// The longest list in an error.
const MOST_SHOWN: usize = 100;
/// The shortest text that can be the beginning of a digest, in hexadecimal digits.
const SHORTEST_ID: usize = 7;

/// An image in a file.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    /// Its names. Empty if it has none.
    pub(crate) names: Vec<String>,
    /// Its digest. Two offers with the same digest are one image.
    pub(crate) id: Digest,
    pub(crate) platform: Option<Platform>,
    /// Whether it belongs to another image, such as a signature or an attestation.
    pub(crate) is_attached: bool,
}

/// The image that was asked for, and its syntax on the command line.
pub(crate) struct Wanted<'w> {
    pub(crate) name: Option<&'w str>,
    pub(crate) platform: Option<&'w Platform>,
    /// The text before the name, such as `oci:DIR`. Empty if no name can follow.
    pub(crate) written: &'w str,
}

/// Chooses an offer. Returns the number of the offer, and a remark about it.
pub(crate) fn choose(offers: &[Offer], wanted: &Wanted<'_>) -> Result<(usize, Option<String>)> {
    let mut left = merged(offers);
    if left.is_empty() {
        bail!("it holds no image");
    }
    let all = left.clone();
    let mut note = None;
    if let Some(name) = wanted.name {
        left = named(left, name);
        if left.is_empty() {
            bail!("no image is named {name:?}; there is {}", list(&all));
        }
    } else if left.len() > 1 {
        let own: Vec<_> = left.iter().filter(|(_, offer)| !offer.is_attached).cloned().collect();
        if !own.is_empty() {
            left = own;
        }
    }
    if let (Some(platform), true) = (wanted.platform, left.len() > 1) {
        let fits = fitting(&left, platform, |(_, offer)| offer.platform.as_ref());
        if !fits.is_empty() {
            left = fits;
        }
    }
    if wanted.name.is_none() && left.len() > 1 {
        let tagged: Vec<_> = left.iter().filter(|(_, offer)| !offer.names.is_empty()).cloned().collect();
        if let [(_, offer)] = tagged.as_slice() {
            note = Some(format!(
                "Of {} images in it, {:?} alone has a name; that is what is pushed.",
                left.len(),
                offer.names[0]
            ));
            left = tagged;
        }
    }
    if let [(number, _)] = left.as_slice() {
        return Ok((*number, note));
    }
    let what = wanted.name.map_or_else(|| "are in it".to_owned(), |name| format!("are named {name:?}"));
    let advice = match wanted.written {
        "" => "name one by its tag, or save it alone".to_owned(),
        written => {
            let (number, offer) = &left[0];
            // A name that several images have cannot choose one.
            let others = left.iter().any(|(other, each)| {
                other != number && each.names.iter().any(|name| offer.names.contains(name))
            });
            let name = offer.names.first().filter(|_| !others && wanted.name.is_none());
            format!("name one, such as {written}:{}", name.cloned().unwrap_or_else(|| offer.id.to_string()))
        }
    };
    bail!("{} images {what}: {}; {advice}", left.len(), list(&left));
}

/// The offers for a platform: those with exactly this platform, else all that it can run.
pub(crate) fn fitting<T: Clone>(
    all: &[T],
    wanted: &Platform,
    platform: impl Fn(&T) -> Option<&Platform>,
) -> Vec<T> {
    let fits: Vec<T> =
        all.iter().filter(|each| platform(each).is_some_and(|there| wanted.takes(there))).cloned().collect();
    let exact: Vec<T> = fits.iter().filter(|each| platform(each) == Some(wanted)).cloned().collect();
    if exact.is_empty() { fits } else { exact }
}

/// Each image once, with all its names.
fn merged(offers: &[Offer]) -> Vec<(usize, Offer)> {
    let mut places: HashMap<Digest, usize> = HashMap::new();
    let mut merged: Vec<(usize, Offer)> = Vec::new();
    for (number, offer) in offers.iter().enumerate() {
        if let Some(place) = places.get(&offer.id) {
            let known = &mut merged[*place].1;
            known.names.extend(offer.names.iter().cloned());
            known.is_attached &= offer.is_attached;
            if known.platform.is_none() {
                known.platform.clone_from(&offer.platform);
            }
        } else {
            places.insert(offer.id, merged.len());
            merged.push((number, offer.clone()));
        }
    }
    for (_, offer) in &mut merged {
        let mut seen = std::collections::HashSet::new();
        offer.names.retain(|name| seen.insert(name.clone()));
    }
    merged
}

/// The offers with a name: as written, as engines complete it, or as an id.
fn named(all: Vec<(usize, Offer)>, name: &str) -> Vec<(usize, Offer)> {
    let those = |is_it: &dyn Fn(&Offer) -> bool| -> Vec<(usize, Offer)> {
        all.iter().filter(|(_, offer)| is_it(offer)).cloned().collect()
    };
    let exact = those(&|offer| offer.names.iter().any(|known| known == name));
    if !exact.is_empty() {
        return exact;
    }
    let wanted = full(name);
    let completed = those(&|offer| offer.names.iter().any(|known| full(known) == wanted));
    if !completed.is_empty() {
        return completed;
    }
    those(&|offer| is_id(&offer.id, name))
}

/// Whether a name is a digest, or the beginning of one.
pub(crate) fn is_id(digest: &Digest, name: &str) -> bool {
    let hex = name.trim_start_matches('@');
    let hex = hex.strip_prefix(&format!("{}:", digest.algorithm())).unwrap_or(hex);
    hex.len() >= SHORTEST_ID && digest.hex().starts_with(hex)
}

/// The name as engines complete it.
fn full(name: &str) -> String {
    let name = ["docker.io/library/", "docker.io/", "localhost/"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name);
    let last = name.rsplit('/').next().unwrap_or_default();
    if last.contains([':', '@']) { name.to_owned() } else { format!("{name}:latest") }
}

/// The list for an error: names, digest and platform of each.
fn list(offers: &[(usize, Offer)]) -> String {
    let mut shown = String::new();
    for (place, (_, offer)) in offers.iter().take(MOST_SHOWN).enumerate() {
        shown.push_str(if place == 0 { "" } else { ", " });
        if !offer.names.is_empty() {
            let _ = write!(shown, "{} ", offer.names.join(" or "));
        }
        let _ = match &offer.platform {
            Some(platform) if platform.is_known() => write!(shown, "({}, {platform})", offer.id),
            _ => write!(shown, "({})", offer.id),
        };
    }
    if offers.len() > MOST_SHOWN {
        let _ = write!(shown, " and {} more", offers.len() - MOST_SHOWN);
    }
    crate::terminal::foreign::words(&shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(id: &str, names: &[&str], platform: &str) -> Offer {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Offer {
            names,
            id: Digest::sha256(id.as_bytes()),
            platform: platform.parse().ok(),
            is_attached: false,
        }
    }

    fn chosen(offers: &[Offer], name: Option<&str>, platform: Option<&str>) -> Result<usize, String> {
        let platform: Option<Platform> = platform.map(|platform| platform.parse().unwrap());
        let wanted = Wanted { name, platform: platform.as_ref(), written: "oci:dir" };
        choose(offers, &wanted).map(|(number, _)| number).map_err(|error| error.to_string())
    }

    #[test]
    fn images_are_counted_and_not_their_names() {
        let twice = [offer("a", &["app:1"], ""), offer("a", &["app:latest"], "")];
        assert_eq!(chosen(&twice, None, None), Ok(0));
        assert_eq!(chosen(&twice, Some("docker.io/library/app"), None), Ok(0));
        let two = [offer("a", &["app:1"], ""), offer("b", &["app:2"], "")];
        assert_eq!(chosen(&two, Some("app:2"), None), Ok(1));
        let error = chosen(&two, None, None).unwrap_err();
        assert!(error.contains("app:1 (sha256:") && error.contains("such as oci:dir:app:1"), "{error}");
        assert!(chosen(&two, Some("app"), None).unwrap_err().contains("no image is named \"app\""));
        assert_eq!(chosen(&two, Some(&two[1].id.to_string()), None), Ok(1));
        assert_eq!(chosen(&two, Some(&two[1].id.hex()[..12]), None), Ok(1));
    }

    #[test]
    fn of_several_that_fit_none_is_taken() {
        let same = [offer("a", &["app:1"], "linux/amd64"), offer("b", &["app:1"], "linux/arm64")];
        let error = chosen(&same, Some("app:1"), None).unwrap_err();
        assert!(error.contains("2 images are named \"app:1\"") && error.contains("linux/arm64"), "{error}");
        assert!(error.contains("such as oci:dir:sha256:"), "{error}");
        assert_eq!(chosen(&same, Some("app:1"), Some("linux/arm64")), Ok(1));
        let arms = [
            offer("a", &[], "linux/arm/v6"),
            offer("b", &[], "linux/arm/v7"),
            offer("c", &[], "linux/s390x"),
        ];
        assert!(chosen(&arms, None, Some("linux/arm")).unwrap_err().starts_with("2 images"));
        assert_eq!(chosen(&arms, None, Some("linux/arm/v7")), Ok(1));
    }

    #[test]
    fn what_is_about_an_image_is_not_meant_unless_named() {
        let signature = Offer { is_attached: true, ..offer("s", &["sha256-x.sig"], "") };
        let both = [offer("a", &[], ""), signature];
        assert_eq!(chosen(&both, None, None), Ok(0));
        assert_eq!(chosen(&both, Some("sha256-x.sig"), None), Ok(1));
        let one_named = [offer("a", &[], ""), offer("b", &["v1"], "")];
        assert_eq!(chosen(&one_named, None, None), Ok(1));
    }
}
