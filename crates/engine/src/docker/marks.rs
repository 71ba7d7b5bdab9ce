//! Marks images that this server brought. Such an image has a second name, which no registry can give. The name
//! shows the owner and the origin. So the server finds its images after a restart, and never removes an image
//! that somebody else pulled.

use std::collections::{HashMap, HashSet};

use super::client::Client;
use super::pause_image;
use super::raw;
use super::references::Reference;
use super::shown::{self, ListedImage};
use crate::{EngineError, Result};

/// A host that cannot exist, so no registry has names under it.
const HOST: &str = "gangplank.invalid";

/// The mark of an image: its owner, its origin (registry and repository) and its digest.
pub(super) fn of(owner: &str, repository: &str, digest: &str) -> String {
    let hash = digest.rsplit(':').next().unwrap_or(digest);
    format!("{}:{hash}", repository_of(owner, repository))
}

fn repository_of(owner: &str, repository: &str) -> String {
    let plain = |one: char| if one.is_ascii_alphanumeric() || "._/".contains(one) { one } else { '-' };
    let path: String = format!("{owner}/{repository}").to_ascii_lowercase().chars().map(plain).collect();
    // Each part of a name begins and ends with a letter or digit.
    let parts =
        path.split('/').map(|part| part.trim_matches(['-', '.', '_'])).filter(|part| !part.is_empty());
    format!("{HOST}/{}", parts.collect::<Vec<_>>().join("/"))
}

/// Refuses references to marks and to the pause image, which no tenant may use.
pub(super) fn check_is_not_ours(reference: &Reference) -> Result<()> {
    let pause = Reference::read(pause_image::NAME)?;
    if reference.registry == HOST || pause.is_of_repository(&reference.name) {
        return Err(EngineError::NoImage(format!("{} is the server's own", reference.name)));
    }
    Ok(())
}

/// Removes the images with an owner's mark, except those that a container uses or that are in `keep`.
pub(super) async fn remove_except(client: &Client, owner: &str, keep: &[String]) -> Result<()> {
    let containers = shown::list(client, None).await?;
    let used: HashSet<String> = containers.into_iter().map(|container| container.image).collect();
    let images = shown::images(client).await?;
    let keep: HashSet<&str> = keep.iter().map(String::as_str).collect();
    for image in images {
        let is_kept = image.names().any(|name| keep.contains(name)) || keep.contains(image.id.as_str());
        if is_kept || used.contains(&image.id) {
            continue;
        }
        for name in ours(owner, &image) {
            match raw::delete(client, format!("/images/{name}")).await {
                Ok(()) => {}
                // The image was removed together with an earlier name, or a container uses it by now.
                Err(trouble) if trouble.is(404) || trouble.is(409) => {}
                Err(trouble) => return Err(trouble.into()),
            }
        }
    }
    Ok(())
}

/// The names of an image that this server brought: the marks, and the names of the marked repositories.
fn ours(owner: &str, image: &ListedImage) -> Vec<String> {
    let own = format!("{HOST}/{owner}/");
    let marks: HashMap<&str, &str> = image
        .names()
        .filter(|tag| tag.starts_with(&own))
        .filter_map(|tag| Some((tag.rsplit_once(':')?.0, tag)))
        .collect();
    let from_marked = |name: &&str| {
        Reference::read(name).is_ok_and(|reference| {
            let from = format!("{}/{}", reference.registry, reference.repository);
            marks.contains_key(repository_of(owner, &from).as_str())
        })
    };
    let mut found: Vec<String> = image.names().filter(from_marked).map(str::to_owned).collect();
    found.extend(marks.values().map(|mark| (*mark).to_owned()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_names_owner_origin_and_digest() {
        assert_eq!(
            of("me", "127.0.0.1:5000/web", "sha256:abc"),
            "gangplank.invalid/me/127.0.0.1-5000/web:abc"
        );
        assert_eq!(
            of("me", "docker.io/library/nginx", "sha256:a"),
            "gangplank.invalid/me/docker.io/library/nginx:a"
        );
    }

    #[test]
    fn names_of_a_marked_image_are_ours_and_others_are_not() {
        let image = ListedImage {
            repo_tags: Some(vec![
                "nginx:1.27".into(),
                "mine:1".into(),
                "gangplank.invalid/me/docker.io/library/nginx:ab".into(),
                "gangplank.invalid/you/docker.io/library/nginx:ab".into(),
            ]),
            repo_digests: Some(vec!["nginx@sha256:ab".into()]),
            ..ListedImage::default()
        };
        assert_eq!(
            ours("me", &image),
            ["nginx:1.27", "nginx@sha256:ab", "gangplank.invalid/me/docker.io/library/nginx:ab"]
        );
        assert!(ours("them", &image).is_empty());
    }

    #[test]
    fn what_is_ours_cannot_be_named() {
        for own in
            ["gangplank/pause", "gangplank/pause:1", "docker.io/gangplank/pause:2", "gangplank.invalid/a:1"]
        {
            assert!(check_is_not_ours(&Reference::read(own).unwrap()).is_err(), "{own}");
        }
        assert!(check_is_not_ours(&Reference::read("gangplank/other").unwrap()).is_ok());
    }
}
