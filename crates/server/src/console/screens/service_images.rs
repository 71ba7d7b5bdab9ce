//! The registered images of a service, and deleting one.

use gangplank_api::gangplank::{GetImageOriginRequest, ImageOrigin};
use gangplank_api::lightsail::{
    ContainerImage, ContainerServiceDeployment, ContainerServiceDeploymentState, DeleteContainerImageRequest,
    GetContainerImagesRequest,
};
use gangplank_console::{Confirm, Copied, ImageRow, Moment, Screen, escaped};

use super::super::answers::see_other;
use super::super::notices::Done;
use super::super::trouble::{not_found, refused};
use super::super::visit::{Visit, shown};
use crate::http::response::Answer;

/// The images of a service, the newest first, or the reason why they cannot be shown.
pub(super) async fn rows(
    visit: &Visit<'_>,
    service: &str,
    deployments: &[ContainerServiceDeployment],
) -> (Vec<ImageRow>, Option<String>) {
    let asked = GetContainerImagesRequest { service_name: service.to_owned() };
    let mut images = match visit.call(&asked).await {
        Ok(answer) => answer.container_images.unwrap_or_default(),
        Err(error) => return (Vec::new(), Some(error.message)),
    };
    images.sort_by_key(|image| std::cmp::Reverse(image.created_at));
    let (mut rows, mut may_ask) = (Vec::with_capacity(images.len()), true);
    for image in &images {
        let mut by = None;
        if may_ask {
            // A caller that may list images may lack the permission to see who registered them.
            let name = image.image.clone().unwrap_or_default();
            match visit.call(&GetImageOriginRequest { image: name.clone() }).await {
                Ok(origin) => by = registrar(&origin.registrations, &name),
                Err(_) => may_ask = false,
            }
        }
        rows.push(row(visit, service, image, by, is_in_use(image, &images, service, deployments)));
    }
    let none = "No image is registered on this service yet. These commands push and register the first one.";
    (rows, images.is_empty().then(|| none.to_owned()))
}

/// The part of an image's name behind the name of the service: `app.7` of `:web.app.7`.
pub(super) fn label_and_number<'a>(image: &'a str, service: &str) -> Option<&'a str> {
    image.strip_prefix(':')?.strip_prefix(service)?.strip_prefix('.')
}

fn row(
    visit: &Visit<'_>,
    service: &str,
    image: &ContainerImage,
    by: Option<String>,
    in_use: bool,
) -> ImageRow {
    let name = image.image.clone().unwrap_or_default();
    let page = format!("services/{}/delete-image?image={}", escaped(service), escaped(&name));
    ImageRow {
        digest: Copied::digest(image.digest.as_deref().unwrap_or_default(), &name),
        registered: image.created_at.map(|at| Moment(at.0)),
        by,
        in_use,
        delete: visit.place().path(&page),
        name: Copied::whole(name, "name of the image"),
    }
}

/// A text that says who registered an image.
fn registrar(registrations: &[ImageOrigin], image: &str) -> Option<String> {
    let of = |origin: &&ImageOrigin| origin.image.as_deref() == Some(image);
    let origin = registrations.iter().find(of).or_else(|| registrations.first())?;
    let repository = origin.claims.as_ref().and_then(|claims| claims.get("repository"));
    Some(match (&origin.role_name, &origin.access_key_id) {
        (Some(role), _) => match repository {
            Some(repository) => format!("role {role}, {repository}"),
            None => format!("role {role}"),
        },
        (None, Some(key)) => match origin.description.as_deref() {
            Some(description) if !description.is_empty() => format!("{key} ({description})"),
            _ => key.clone(),
        },
        (None, None) => origin.principal.clone(),
    })
}

/// Whether a deployment that is active or on its way uses an image. A deployment names an image by its full
/// name, or by a label. A label means the newest image of that label when the deployment was made.
fn is_in_use(
    image: &ContainerImage,
    all: &[ContainerImage],
    service: &str,
    deployments: &[ContainerServiceDeployment],
) -> bool {
    let Some(name) = image.image.as_deref() else { return false };
    let label =
        label_and_number(name, service).and_then(|rest| rest.rsplit_once('.')).map(|(label, _)| label);
    let latest = label.map(|label| format!(":{service}.{label}.latest"));
    let is_newest_at = |deployment: &ContainerServiceDeployment| {
        let same = |other: &&ContainerImage| {
            let other = other.image.as_deref().and_then(|other| label_and_number(other, service));
            other.and_then(|rest| rest.rsplit_once('.')).map(|(label, _)| label) == label
        };
        let before = all.iter().filter(same).filter(|other| other.created_at <= deployment.created_at);
        before.max_by_key(|other| other.created_at).is_some_and(|newest| newest.image == image.image)
    };
    let counts = |deployment: &&ContainerServiceDeployment| {
        use ContainerServiceDeploymentState::{Activating, Active};
        matches!(deployment.state, Some(Activating | Active))
    };
    deployments.iter().filter(counts).any(|deployment| {
        let mut images = deployment.containers.iter().flatten().filter_map(|(_, it)| it.image.as_deref());
        images.any(|used| used == name || latest.as_deref() == Some(used) && is_newest_at(deployment))
    })
}

/// Shows the question before an image is deleted.
pub(super) fn ask(visit: &Visit<'_>, service: &str) -> Answer {
    let Some(image) = visit.asked.query.get("image") else { return not_found(visit) };
    let page = format!("services/{}/delete-image?image={}", escaped(service), escaped(image));
    shown(&Confirm {
        frame: visit.frame(format!("Delete the image {image}?"), Screen::Services),
        consequence: "Machines that pull can pull it no more, and its content is removed after some time unless another \
                      image has it. It cannot be undone, and its number is not given out again."
            .to_owned(),
        facts: Vec::new(),
        action: visit.place().path(&page),
        button: format!("Delete {image}"),
        back: visit.place().path(&format!("services/{}", escaped(service))),
    })
}

/// Deletes an image.
pub(super) async fn delete(visit: &Visit<'_>, service: &str) -> Answer {
    let Some(image) = visit.asked.query.get("image") else { return not_found(visit) };
    let page = visit.place().path(&format!("services/{}", escaped(service)));
    let asked = DeleteContainerImageRequest { service_name: service.to_owned(), image: image.to_owned() };
    match visit.call(&asked).await {
        Ok(_) => see_other(&format!("{page}?{}", Done::ImageDeleted.query())),
        Err(error) => refused(visit, error, Some(page)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use gangplank_api::Timestamp;
    use gangplank_api::lightsail::Container;

    use super::*;

    fn image(name: &str, at: i64) -> ContainerImage {
        ContainerImage { image: Some(name.to_owned()), digest: None, created_at: Some(Timestamp(at)) }
    }

    fn deployment(
        image: &str,
        at: i64,
        state: ContainerServiceDeploymentState,
    ) -> ContainerServiceDeployment {
        let container = Container { image: Some(image.to_owned()), ..Container::default() };
        ContainerServiceDeployment {
            state: Some(state),
            created_at: Some(Timestamp(at)),
            containers: Some(BTreeMap::from([("app".to_owned(), container)]).into_iter().collect()),
            ..ContainerServiceDeployment::default()
        }
    }

    #[test]
    fn an_image_is_in_use_by_its_name_or_as_the_newest_of_its_label() {
        use ContainerServiceDeploymentState::{Active, Inactive};
        let all = [image(":web.app.1", 10), image(":web.app.2", 20), image(":web.x.app.3", 15)];
        let used = |deployment: ContainerServiceDeployment| -> Vec<bool> {
            all.iter().map(|image| is_in_use(image, &all, "web", std::slice::from_ref(&deployment))).collect()
        };
        assert_eq!(used(deployment(":web.app.1", 30, Active)), [true, false, false]);
        assert_eq!(used(deployment(":web.app.latest", 30, Active)), [false, true, false]);
        assert_eq!(used(deployment(":web.app.latest", 15, Active)), [true, false, false]);
        assert_eq!(used(deployment(":web.app.1", 30, Inactive)), [false, false, false]);
        assert_eq!(used(deployment("nginx:latest", 30, Active)), [false, false, false]);
    }
}
