//! The work that is measured. Each file has one kind of work. The names are those in the results.

mod control;
mod images;
mod large;
mod manifests;
mod mixed;
mod pulls;
mod reads;
mod slow;
mod small;

use anyhow::Result;
pub(crate) use control::PER_SERVICE as IMAGES_PER_SERVICE;
pub(crate) use manifests::{MEDIA_TYPE, Parts, put as put_manifest, request as put_request};
pub(crate) use small::blobs as small_blobs;

use crate::content::RandomFile;
use crate::http::{Blocking, expect, path_of, with_digest};
use crate::meter::Outcome;
use crate::servers::is_installed;
use crate::target::Target;

/// The amount of work.
pub(crate) struct Scale {
    /// Bytes of the large blob, and of the image of twelve layers.
    pub(crate) large: u64,
    /// Bytes that slow senders send in sum.
    pub(crate) slow: usize,
    /// The number of small blobs to push.
    pub(crate) blobs: usize,
    /// The number of manifests to put.
    pub(crate) manifests: usize,
    /// The number of requests that only read.
    pub(crate) reads: usize,
    /// The number of signed calls.
    pub(crate) calls: usize,
    /// The number of pushes, pulls and logins in mixed work.
    pub(crate) mixed: usize,
    /// The number of connections, for work that uses many.
    pub(crate) connections: usize,
}

impl Scale {
    pub(crate) const FULL: Self = Self {
        large: 1 << 30,
        slow: 160 << 20,
        blobs: 2_000,
        manifests: 1_000,
        reads: 10_000,
        calls: 10_000,
        mixed: 2_000,
        connections: 16,
    };
    pub(crate) const QUICK: Self = Self {
        large: 32 << 20,
        slow: 5 << 20,
        blobs: 100,
        manifests: 50,
        reads: 500,
        calls: 100,
        mixed: 80,
        connections: 16,
    };
}

/// Does the work once. `None` if it is not possible here.
type Run = fn(&Target, &Scale, &RandomFile) -> Result<Option<Outcome>>;

/// A kind of work.
pub(crate) struct Work {
    pub(crate) name: &'static str,
    pub(crate) run: Run,
    /// Whether the server needs the control API.
    needs_api: bool,
    /// Programs that must be installed.
    clients: &'static [&'static str],
}

impl Work {
    pub(crate) fn suits(&self, target: &Target) -> bool {
        !self.needs_api || target.access_key.is_some()
    }

    /// A required program that is not installed.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        self.clients.iter().copied().find(|client| !is_installed(client))
    }
}

/// The work for registries whose content is in a folder, in the order of the measurement.
pub(crate) fn in_folder() -> Vec<Work> {
    let registry = |name, run| Work { name, run, needs_api: false, clients: &[] };
    let api = |name, run| Work { name, run, needs_api: true, clients: &[] };
    let client = |name, run, clients| Work { name, run, needs_api: false, clients };
    vec![
        registry("push: one PUT", large::one_put as Run),
        registry("push: one PATCH", large::one_patch),
        registry("push: 16 MiB chunks", large::chunks),
        registry("push: slow senders, 5 layers at once", slow::push),
        registry("push: 4 KiB blobs", small::push),
        registry("put: manifests, one by one", manifests::one_by_one),
        registry("put: manifests", manifests::side_by_side),
        registry("pull", pulls::pull),
        registry("read: GET /v2/", reads::version),
        registry("read: HEAD blob", reads::head_blob),
        registry("read: HEAD manifest by tag", reads::head_manifest_by_tag),
        registry("read: HEAD manifest by digest", reads::head_manifest_by_digest),
        registry("read: GET manifest by tag", reads::get_manifest_by_tag),
        registry("read: GET manifest by digest", reads::get_manifest_by_digest),
        registry("mixed: pushes, pulls, logins", mixed::all),
        api("api: CreateContainerServiceRegistryLogin", control::create_login),
        api("api: RegisterContainerImage", control::register),
        api("api: GetContainerImages", control::list),
        client("image: docker push", images::docker, &["docker", "dockerd"]),
        client("image: skopeo copy", images::skopeo, &["skopeo"]),
        api("image: gangplank push", images::gangplank),
    ]
}

/// The work for registries whose content is in a bucket.
pub(crate) fn in_bucket() -> Vec<Work> {
    let registry = |name, run| Work { name, run, needs_api: false, clients: &[] };
    vec![
        registry("bucket: one PUT", large::one_put as Run),
        registry("bucket: one PATCH", large::one_patch),
        registry("bucket: 4 MiB blobs, one by one", small::medium),
        registry("bucket: 4 KiB blobs", small::push),
        registry("bucket: manifests", manifests::few),
        registry("bucket: pull", pulls::pull),
    ]
}

/// A repository name that was not used before.
pub(crate) fn repository(kind: &str) -> Result<String> {
    Ok(format!("bench/{kind}-{}", hex::encode(crate::content::random(6)?)))
}

/// Pushes one small blob that some work needs first.
pub(crate) fn push_blob(target: &Target, repository: &str, bytes: &[u8]) -> Result<String> {
    let digest = crate::digest::sha256(bytes);
    let mut connection = Blocking::open(target)?;
    let location = open_session(target, &mut connection, repository)?;
    let length = format!("Content-Length: {}\r\n", bytes.len());
    let mut request = target.head("PUT", &with_digest(&location, &digest), &length);
    request.extend_from_slice(bytes);
    expect(&connection.ask(&request)?, 201, "PUT of a blob")?;
    Ok(digest)
}

/// Opens an upload session. Returns its location.
pub(crate) fn open_session(target: &Target, connection: &mut Blocking, repository: &str) -> Result<String> {
    let path = format!("/v2/{repository}/blobs/uploads/");
    let answer = connection.ask(&target.head("POST", &path, "Content-Length: 0\r\n"))?;
    expect(&answer, 202, "POST of an upload")?;
    Ok(path_of(answer.location.as_deref().unwrap_or_default()).to_owned())
}
