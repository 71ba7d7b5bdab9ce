//! One manifest.

use gangplank_api::gangplank::{GetManifestRequest, ImageConfiguration, ManifestDetail, ManifestPart};
use gangplank_console::{
    Command, Copied, LayerRow, Manifest, Moment, Note, PartRow, Place, Screen, Size, escaped,
};

use super::super::trouble::{not_found, refused};
use super::super::visit::{Visit, shown};
use super::audit;
use super::repositories::{kind, manifest_page, on_command_line, page_of};
use crate::http::response::Answer;

/// Annotations that are shown as links if they have a URL (image specification, annotations.md).
const LINKS: [&str; 3] = [
    "org.opencontainers.image.source",
    "org.opencontainers.image.url",
    "org.opencontainers.image.documentation",
];

/// Shows a manifest.
pub(super) async fn show(visit: &Visit<'_>) -> Answer {
    let query = &visit.asked.query;
    let (Some(name), Some(reference)) = (query.get("name"), query.get("ref")) else {
        return not_found(visit);
    };
    let asked = GetManifestRequest { repository: name.to_owned(), reference: reference.to_owned() };
    let place = visit.place();
    match visit.call(&asked).await {
        Ok(answer) => shown(&page(visit, &place, name, answer.manifest)),
        Err(error) => refused(visit, error, Some(page_of(&place, name))),
    }
}

fn page(visit: &Visit<'_>, place: &Place, name: &str, manifest: ManifestDetail) -> Manifest {
    let part = |part: &ManifestPart, what: Option<&String>| PartRow {
        what: what.cloned().unwrap_or_else(|| "unknown".to_owned()),
        digest: Copied::digest(&part.digest, "the manifest"),
        page: manifest_page(place, name, &part.digest),
        media_type: part.media_type.clone(),
        size: part.layers_size.map(Size),
    };
    let children = manifest.children.as_deref();
    let title = manifest.tags.first().map_or_else(
        || format!("{name}@{}", manifest.digest.get(..19).unwrap_or_default()),
        |tag| format!("{name}:{tag}"),
    );
    let configuration = manifest.configuration.as_ref();
    Manifest {
        frame: visit.frame(title, Screen::Repositories),
        repository: (name.to_owned(), page_of(place, name)),
        kind: kind(children.map(<[_]>::len), manifest.artifact_type.as_deref(), manifest.subject.is_some()),
        own_size: Size(manifest.size),
        size: manifest.layers_size.map(Size),
        came: Moment(manifest.created_at.0),
        annotations: notes(&manifest),
        platforms: children
            .unwrap_or_default()
            .iter()
            .map(|it| part(it, it.platform.as_ref().or(it.artifact_type.as_ref())))
            .collect(),
        configuration: configuration.map(facts).unwrap_or_default(),
        layers: layers(&manifest),
        subject: manifest
            .subject
            .as_ref()
            .map(|digest| (Copied::digest(digest, "the subject"), manifest_page(place, name, digest))),
        referrers: manifest
            .referrers
            .iter()
            .map(|it| part(it, it.artifact_type.as_ref().or(Some(&it.media_type))))
            .collect(),
        more_referrers: manifest.more_referrers.unwrap_or_default(),
        holders: holders(place, name, &manifest),
        collected: manifest.collected_in_seconds.map(collected),
        commands: commands(visit, name, &manifest),
        events: audit::path(place, "digest", &manifest.digest),
        digest: Copied::whole(manifest.digest.as_str(), "digest of the manifest"),
        media_type: manifest.media_type,
        tags: manifest.tags,
    }
}

fn collected(seconds: f64) -> String {
    if seconds <= 0.0 {
        return "it is collected at the next run, unless something holds it till then".to_owned();
    }
    format!(
        "nothing holds it: it may be collected in {:.1} hours, unless something does till then",
        seconds / 3_600.0
    )
}

/// The registrations, deployments, indexes and subject that hold a manifest, with their pages.
fn holders(place: &Place, name: &str, manifest: &ManifestDetail) -> Vec<(String, Option<String>)> {
    let service = |name: &str| place.path(&format!("services/{}", escaped(name)));
    let images = manifest.held_by_images.iter().map(|image| {
        let of = gangplank_api::image_name(image).map(|(of, ..)| service(of));
        (format!("registered as {image}"), of)
    });
    let services = manifest.held_by_services.iter();
    let services = services.map(|it| (format!("a deployment of {it}"), Some(service(it))));
    let short = |digest: &str| digest.get(..19).unwrap_or(digest).to_owned();
    let to = |digest: &str| Some(manifest_page(place, name, digest));
    let indexes = manifest.held_by_indexes.iter();
    let indexes = indexes.map(|it| (format!("the index {}", short(it)), to(it)));
    let subject = manifest.subject.iter().filter(|_| manifest.collected_in_seconds.is_none());
    let subject = subject.map(|it| (format!("its subject {}", short(it)), to(it)));
    images.chain(services).chain(indexes).chain(subject).collect()
}

fn notes(manifest: &ManifestDetail) -> Vec<Note> {
    let labels = manifest.configuration.as_ref().and_then(|it| it.labels.as_ref());
    let all = manifest.annotations.iter().chain(labels).flatten();
    all.map(|(name, value)| Note {
        is_link: LINKS.contains(&name.as_str()) && value.starts_with("https://"),
        name: name.clone(),
        value: value.clone(),
    })
    .collect()
}

/// The facts of an image configuration, the most interesting first.
fn facts(configuration: &ImageConfiguration) -> Vec<(&'static str, Vec<String>)> {
    let one = |value: &Option<String>| value.clone().map(|value| vec![value]);
    [
        ("Platform", one(&configuration.platform)),
        ("Entrypoint", configuration.entrypoint.clone()),
        ("Command", configuration.command.clone()),
        ("Ports", configuration.exposed_ports.clone()),
        ("Environment", configuration.environment.clone()),
        ("Runs as", one(&configuration.user)),
        ("Works in", one(&configuration.working_directory)),
        ("Volumes", configuration.volumes.clone()),
        ("Stopped by", one(&configuration.stop_signal)),
        ("Built", one(&configuration.created)),
        ("Author", one(&configuration.author)),
    ]
    .into_iter()
    .filter_map(|(name, values)| Some((name, values.filter(|values| !values.is_empty())?)))
    .collect()
}

/// The steps of the build, with the layers that they made. If the number of these steps is not the number of layers,
/// returns only the layers.
fn layers(manifest: &ManifestDetail) -> Vec<LayerRow> {
    let layers = manifest.layers.as_deref().unwrap_or_default();
    let row = |layer: &ManifestPart, step: Option<String>| LayerRow {
        step,
        layer: Some((Copied::digest(&layer.digest, "the layer"), Size(layer.size))),
        media_type: layer.media_type.clone(),
    };
    let history = manifest.configuration.as_ref().and_then(|it| it.history.as_deref()).unwrap_or_default();
    if history.iter().filter(|step| !step.is_empty).count() != layers.len() {
        return layers.iter().map(|layer| row(layer, None)).collect();
    }
    let mut layers = layers.iter();
    let steps = history.iter().map(|step| {
        let words = step.created_by.clone().or_else(|| step.comment.clone());
        match if step.is_empty { None } else { layers.next() } {
            Some(layer) => row(layer, words),
            None => LayerRow { step: words, layer: None, media_type: String::new() },
        }
    });
    steps.collect()
}

fn commands(visit: &Visit<'_>, name: &str, manifest: &ManifestDetail) -> Vec<Command> {
    let (registry, region, digest) = (visit.registry(), visit.place().region, &manifest.digest);
    let login = format!(
        "gangplank registry-login create --scope pull --repository {name} --password-only \\\n  --endpoint-url {} \
         --region {region} |\n  docker login --username AWS --password-stdin {registry}",
        visit.endpoint()
    );
    let show = on_command_line(visit, &format!("show {name} {digest}"));
    vec![
        Command::new("Log in to pull from this repository, for twelve hours", login),
        Command::new(
            "Pull it, and nothing else that its tags may move to",
            format!("docker pull {registry}/{name}@{digest}"),
        ),
        Command::new(
            "Push it from where it was pulled to, with a tag",
            format!(
                "docker tag {registry}/{name}@{digest} {registry}/{name}:app\ndocker push {registry}/{name}:app"
            ),
        ),
        Command::new("Shows the same on the command line", show),
    ]
}
