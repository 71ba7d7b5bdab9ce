//! The list of repositories, and the manifests of one repository.

use gangplank_api::gangplank::{
    ListManifestsRequest, ListRepositoriesRequest, ManifestSummary, RepositorySummary,
};
use gangplank_console::{
    Command, Copied, ManifestRow, Moment, Place, Repositories, Repository, RepositoryRow, Screen, Size,
    escaped,
};

use super::super::trouble::{not_found, refused};
use super::super::visit::{Visit, shown};
use super::audit;
use crate::http::response::Answer;

/// How many repositories, and how many manifests, are on a page.
const REPOSITORIES: i32 = 200;
const MANIFESTS: i32 = 50;

/// Shows a page of the repositories, by name.
pub(super) async fn list(visit: &Visit<'_>) -> Answer {
    let query = &visit.asked.query;
    let prefix = query.get("prefix");
    let asked = ListRepositoriesRequest {
        prefix: prefix.map(str::to_owned),
        max_results: Some(REPOSITORIES),
        next_token: query.get("after").map(str::to_owned),
    };
    let page = match visit.call(&asked).await {
        Ok(page) => page,
        Err(error) => return refused(visit, error, None),
    };
    let place = visit.place();
    let row = |repository: RepositorySummary| RepositoryRow {
        page: page_of(&place, &repository.repository),
        newest: repository.newest_at.map(|at| Moment(at.0)),
        name: repository.repository,
    };
    let prefix = prefix.unwrap_or_default();
    let next = page.next_token.map(|token| {
        place.path(&format!("repositories?prefix={}&after={}", escaped(prefix), escaped(&token)))
    });
    shown(&Repositories {
        frame: visit.frame("Repositories", Screen::Repositories),
        rows: page.repositories.into_iter().map(row).collect(),
        prefix: prefix.to_owned(),
        next,
        command: Command::new("Lists the same repositories", on_command_line(visit, "list")),
    })
}

/// The path of a repository's page.
pub(super) fn page_of(place: &Place, name: &str) -> String {
    place.path(&format!("repositories/show?name={}", escaped(name)))
}

/// The path of a manifest's page.
pub(super) fn manifest_page(place: &Place, repository: &str, reference: &str) -> String {
    let (repository, reference) = (escaped(repository), escaped(reference));
    place.path(&format!("repositories/manifest?name={repository}&ref={reference}"))
}

/// A command of `gangplank` about repositories, with the address of this server.
pub(super) fn on_command_line(visit: &Visit<'_>, what: &str) -> String {
    let region = visit.place().region;
    format!("gangplank repository {what} --endpoint-url {} --region {region}", visit.endpoint())
}

/// Shows a page of a repository's manifests, the newest first.
pub(super) async fn show(visit: &Visit<'_>) -> Answer {
    let query = &visit.asked.query;
    let Some(name) = query.get("name") else { return not_found(visit) };
    let (prefix, with_parts) = (query.get("prefix"), query.get("parts").is_some());
    let asked = ListManifestsRequest {
        repository: name.to_owned(),
        tag_prefix: prefix.map(str::to_owned),
        with_parts: Some(with_parts),
        max_results: Some(MANIFESTS),
        next_token: query.get("after").map(str::to_owned),
    };
    let page = match visit.call(&asked).await {
        Ok(page) => page,
        Err(error) => return refused(visit, error, Some(visit.place().path("repositories"))),
    };
    let (place, registry) = (visit.place(), visit.registry());
    let prefix = prefix.unwrap_or_default();
    let parts = if with_parts { "&parts=yes" } else { "" };
    let next = page.next_token.map(|token| {
        format!("{}&prefix={}{parts}&after={}", page_of(&place, name), escaped(prefix), escaped(&token))
    });
    shown(&Repository {
        frame: visit.frame(name, Screen::Repositories),
        name: name.to_owned(),
        action: place.path("repositories/show"),
        events: audit::path(&place, "repository", name),
        prefix: prefix.to_owned(),
        with_parts,
        rows: page.manifests.into_iter().map(|manifest| row(&place, name, manifest)).collect(),
        next,
        push: vec![
            Command::new("Log docker in, for twelve hours, to push and nothing else", "gangplank login"),
            Command::new(
                "Push an image",
                format!("docker tag app:latest {registry}/{name}:app\ndocker push {registry}/{name}:app"),
            ),
        ],
        command: Command::new(
            "Lists the same manifests",
            on_command_line(visit, &format!("manifests {name}")),
        ),
    })
}

fn row(place: &Place, repository: &str, manifest: ManifestSummary) -> ManifestRow {
    ManifestRow {
        page: manifest_page(place, repository, &manifest.digest),
        digest: Copied::digest(&manifest.digest, "the manifest"),
        kind: kind(
            manifest.children.and_then(|count| usize::try_from(count).ok()),
            manifest.artifact_type.as_deref(),
            manifest.subject.is_some(),
        ),
        size: manifest.layers_size.map(Size),
        came: Moment(manifest.created_at.0),
        tags: manifest.tags,
    }
}

/// The kind of a manifest, for people.
pub(super) fn kind(children: Option<usize>, artifact_type: Option<&str>, is_about: bool) -> String {
    let image =
        ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];
    let mut words = match (children, artifact_type.filter(|kind| !image.contains(kind))) {
        (Some(1), _) => "index of 1 manifest".to_owned(),
        (Some(count), _) => format!("index of {count} manifests"),
        (None, Some(kind)) => format!("artifact {kind}"),
        (None, None) => "image".to_owned(),
    };
    if is_about {
        words.push_str(", about another manifest");
    }
    words
}
