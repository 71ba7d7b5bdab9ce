//! The operations of clients. Each can be tried, checked, and tried again.

use gangplank_oci::media_type::OCI_MANIFEST;
use gangplank_testkit::{ApiAnswer, Image, Registry};
use reqwest::blocking::{RequestBuilder, Response};
use reqwest::header::{CONTENT_TYPE, LOCATION, RANGE};
use serde_json::json;

use crate::content::Content;
use crate::world::World;

/// The status of the answer that says whether the operation succeeded. `None` if the connection ended without
/// one.
pub(crate) type Status = Option<u16>;

/// The visible result of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It happened.
    Whole,
    /// The operation had no effect.
    Absent,
    /// The operation had a partial effect, which must never happen.
    Broken(String),
}

/// An operation of a client.
pub(crate) trait Deed {
    /// Runs the operation. A status of 2xx acknowledges it.
    fn act(&mut self, world: &World) -> Status;
    /// Checks its effect.
    fn look(&self, world: &World) -> Seen;
    /// Whether a client may repeat it after it succeeded.
    fn may_be_repeated(&self) -> bool {
        true
    }
}

/// Prepares an operation. Each seed makes a different one.
pub(crate) type Prepare = fn(&World, u64) -> Box<dyn Deed>;

/// Every operation by name.
pub(crate) const OPERATIONS: [(&str, Prepare); 15] = [
    ("push of a blob in one request", |_, seed| {
        Box::new(Push { content: layer(seed), chunks: 0, open: None })
    }),
    ("push of a blob in two requests", |_, seed| {
        Box::new(Push { content: layer(seed), chunks: 1, open: None })
    }),
    ("push of a blob in chunks", |_, seed| Box::new(Push { content: layer(seed), chunks: 3, open: None })),
    ("mount of a blob", |world, seed| {
        let content = layer(seed);
        assert_eq!(world.registry().push_blob("other", &content.blob()), 201);
        Box::new(Mount { content })
    }),
    ("push of a manifest", |world, seed| {
        Box::new(Tagged { image: image(world), before: None, tag: format!("t{seed}") })
    }),
    ("move of a tag", |world, seed| {
        let before = image(world);
        let put = world.registry().put_manifest("sr", &format!("m{seed}"), OCI_MANIFEST, &before.manifest);
        assert_eq!(put.status(), 201);
        Box::new(Tagged { image: image(world), before: Some(before), tag: format!("m{seed}") })
    }),
    ("creation of a login", |_, _| Box::new(LoginMade::default())),
    ("creation of an access key", |_, _| Box::new(KeyMade::default())),
    ("creation of a service", |_, seed| Box::new(ServiceMade { name: format!("s-{seed}") })),
    ("registration of an image", |world, _| {
        Box::new(Registered { image: pushed_image(world), numbers: Vec::new() })
    }),
    ("deletion of a registered image", |world, _| {
        let image = pushed_image(world);
        Box::new(Unregistered { name: world.api().register("web", "app", &image.digest()) })
    }),
    ("deletion of a manifest", |world, _| {
        Box::new(Gone { path: format!("sr/manifests/{}", pushed_image(world).digest()) })
    }),
    ("deletion of a blob", |world, seed| {
        let content = layer(seed);
        assert_eq!(world.registry().push_blob("sr", &content.blob()), 201);
        Box::new(Gone { path: format!("sr/blobs/{}", content.digest()) })
    }),
    ("collection of garbage", |world, seed| {
        let content = layer(seed);
        assert_eq!(world.registry().push_blob("sr", &content.blob()), 201);
        Box::new(GarbageGone { content })
    }),
    ("cancelling of an upload", |world, seed| {
        let registry = world.registry();
        let path = registry.start_upload("sr");
        let patch = registry.request("PATCH", &path).body(layer(seed).bytes()).send().unwrap();
        assert_eq!(patch.status(), 202);
        Box::new(Gone { path })
    }),
];

/// A blob a little longer than two batches of the server.
fn layer(seed: u64) -> Content {
    Content { seed, size: 600_000 }
}

/// An image. Its blobs are pushed, and its manifest is not.
fn image(world: &World) -> Image {
    let image = Image::unique(1);
    for blob in image.blobs() {
        assert_eq!(world.registry().push_blob("sr", blob), 201);
    }
    image
}

fn pushed_image(world: &World) -> Image {
    let image = image(world);
    let put = world.registry().put_manifest("sr", &image.digest(), OCI_MANIFEST, &image.manifest);
    assert_eq!(put.status(), 201);
    image
}

fn send(request: RequestBuilder) -> Option<Response> {
    request.send().ok()
}

fn status(answer: &Response) -> u16 {
    answer.status().as_u16()
}

/// Checks a blob: it has the right bytes, or is missing.
pub(crate) fn look_at_blob(registry: &Registry, repository: &str, content: Content) -> Seen {
    let answer = registry.send("GET", &format!("{repository}/blobs/{}", content.digest()));
    match status(&answer) {
        404 => Seen::Absent,
        200 if answer.bytes().is_ok_and(|bytes| bytes == content.bytes()) => Seen::Whole,
        other => Seen::Broken(format!("GET of the blob: {other}, or other bytes")),
    }
}

struct Push {
    content: Content,
    /// The number of chunks. Zero for a single request.
    chunks: usize,
    /// The session of an earlier attempt, and the number of bytes sent to it.
    open: Option<(String, usize)>,
}

impl Push {
    /// Opens a session, or finds the offset of an earlier attempt's session.
    fn resume(&mut self, registry: &Registry) -> Result<usize, Status> {
        if let Some((location, sent)) = &self.open {
            let stands = send(registry.request("GET", location)).ok_or(None)?;
            if status(&stands) == 204 {
                let range = stands.headers()[RANGE].to_str().unwrap();
                let last: usize = range.strip_prefix("0-").unwrap().parse().unwrap();
                assert!(last < (*sent).max(1), "{range} were acknowledged, {sent} bytes were sent");
                return Ok(if last == 0 { 0 } else { last + 1 });
            }
            assert_eq!(status(&stands), 404, "the session of an earlier try");
        }
        let post = send(registry.request("POST", "sr/blobs/uploads/")).ok_or(None)?;
        if status(&post) != 202 {
            return Err(Some(status(&post)));
        }
        self.open = Some((post.headers()[LOCATION].to_str().unwrap().to_owned(), 0));
        Ok(0)
    }
}

impl Deed for Push {
    fn act(&mut self, world: &World) -> Status {
        let (registry, digest, bytes) = (world.registry(), self.content.digest(), self.content.bytes());
        if self.chunks == 0 {
            let post = registry.request("POST", &format!("sr/blobs/uploads/?digest={digest}"));
            return send(post.body(bytes)).as_ref().map(status);
        }
        let mut from = match self.resume(&registry) {
            Ok(from) => from,
            Err(refused) => return refused,
        };
        let (location, sent) = self.open.as_mut().unwrap();
        for chunk in 1..self.chunks {
            let to = bytes.len() * chunk / self.chunks;
            if from < to {
                *sent = (*sent).max(to);
                let patch = registry.request("PATCH", location).body(bytes[from..to].to_vec());
                match send(patch).as_ref().map(status) {
                    Some(202) => from = to,
                    refused => return refused,
                }
            }
        }
        *sent = bytes.len();
        let put = registry.request("PUT", &format!("{location}?digest={digest}"));
        send(put.body(bytes[from..].to_vec())).as_ref().map(status)
    }

    fn look(&self, world: &World) -> Seen {
        look_at_blob(&world.registry(), "sr", self.content)
    }
}

struct Mount {
    content: Content,
}

impl Deed for Mount {
    fn act(&mut self, world: &World) -> Status {
        let digest = self.content.digest();
        let path = format!("sr/blobs/uploads/?mount={digest}&from=other");
        send(world.registry().request("POST", &path)).as_ref().map(status)
    }

    fn look(&self, world: &World) -> Seen {
        look_at_blob(&world.registry(), "sr", self.content)
    }
}

struct Tagged {
    image: Image,
    /// The image that the tag named before.
    before: Option<Image>,
    tag: String,
}

impl Deed for Tagged {
    fn act(&mut self, world: &World) -> Status {
        let put = world.registry().request("PUT", &format!("sr/manifests/{}", self.tag));
        let put = put.header(CONTENT_TYPE, OCI_MANIFEST).body(self.image.manifest.clone());
        send(put).as_ref().map(status)
    }

    fn look(&self, world: &World) -> Seen {
        let registry = world.registry();
        let get = |reference: &str| {
            let answer = registry.send("GET", &format!("sr/manifests/{reference}"));
            (status(&answer), answer.bytes().unwrap())
        };
        let (by_tag, by_digest) = (get(&self.tag), get(&self.image.digest()));
        let before = match &self.before {
            Some(before) => by_tag.0 == 200 && by_tag.1 == before.manifest,
            None => by_tag.0 == 404,
        };
        if by_tag.0 == 200 && by_tag.1 == self.image.manifest && by_digest == by_tag {
            Seen::Whole
        } else if before && by_digest.0 == 404 {
            Seen::Absent
        } else {
            Seen::Broken(format!("by tag {}, by digest {}", by_tag.0, by_digest.0))
        }
    }
}

/// The answer of an operation of the API, if there is one.
fn call(world: &World, target: &str, input: &serde_json::Value) -> Option<ApiAnswer> {
    world.api().try_call(target, input.to_string().as_bytes(), &[])
}

#[derive(Default)]
struct LoginMade {
    password: Option<String>,
}

impl Deed for LoginMade {
    fn act(&mut self, world: &World) -> Status {
        let answer = call(world, "Lightsail_20161128.CreateContainerServiceRegistryLogin", &json!({}))?;
        if let Some(password) = answer.body["registryLogin"]["password"].as_str() {
            self.password = Some(password.to_owned());
        }
        Some(answer.status)
    }

    fn look(&self, world: &World) -> Seen {
        let Some(password) = &self.password else { return Seen::Absent };
        let login = gangplank_testkit::Login { password: password.clone(), ..world.operator.clone() };
        match world.server.registry_as(&login).status("GET", "") {
            200 => Seen::Whole,
            other => Seen::Broken(format!("the login is answered {other}")),
        }
    }
}

#[derive(Default)]
struct KeyMade {
    key: Option<serde_json::Value>,
}

impl Deed for KeyMade {
    fn act(&mut self, world: &World) -> Status {
        let answer = call(world, "Gangplank_20261123.CreateAccessKey", &json!({}))?;
        if answer.status == 200 {
            self.key = Some(answer.body["accessKey"].clone());
        }
        Some(answer.status)
    }

    fn look(&self, world: &World) -> Seen {
        let Some(key) = &self.key else { return Seen::Absent };
        match world.api().as_key(key).lightsail("GetContainerServices", &json!({})).status {
            200 => Seen::Whole,
            other => Seen::Broken(format!("the key is answered {other}")),
        }
    }
}

struct ServiceMade {
    name: String,
}

impl Deed for ServiceMade {
    fn act(&mut self, world: &World) -> Status {
        let input = json!({ "serviceName": self.name, "power": "nano", "scale": 1 });
        call(world, "Lightsail_20161128.CreateContainerService", &input).map(|answer| answer.status)
    }

    fn look(&self, world: &World) -> Seen {
        let answer = world.api().lightsail("GetContainerServices", &json!({ "serviceName": self.name }));
        match (answer.status, answer.error()) {
            (200, _) => Seen::Whole,
            (400, "NotFoundException") => Seen::Absent,
            _ => Seen::Broken(format!("{answer:?}")),
        }
    }

    fn may_be_repeated(&self) -> bool {
        false
    }
}

struct Registered {
    image: Image,
    numbers: Vec<u64>,
}

impl Deed for Registered {
    fn act(&mut self, world: &World) -> Status {
        let input = json!({ "serviceName": "web", "label": "app", "digest": self.image.digest() });
        let answer = call(world, "Lightsail_20161128.RegisterContainerImage", &input)?;
        if let Some(name) = answer.body["containerImage"]["image"].as_str() {
            let number = name.rsplit('.').next().unwrap().parse().unwrap();
            assert!(
                self.numbers.iter().all(|earlier| *earlier < number),
                "{number} after {:?}",
                self.numbers
            );
            self.numbers.push(number);
        }
        Some(answer.status)
    }

    fn look(&self, world: &World) -> Seen {
        let listed = registered(world);
        let missing = self.numbers.iter().find(|number| !listed.contains(&format!(":web.app.{number}")));
        match missing {
            Some(number) => Seen::Broken(format!("{number} was acknowledged and is not listed")),
            None if self.numbers.is_empty() => Seen::Absent,
            None => Seen::Whole,
        }
    }
}

struct Unregistered {
    name: String,
}

impl Deed for Unregistered {
    fn act(&mut self, world: &World) -> Status {
        let input = json!({ "serviceName": "web", "image": self.name });
        call(world, "Lightsail_20161128.DeleteContainerImage", &input).map(|answer| answer.status)
    }

    fn look(&self, world: &World) -> Seen {
        if registered(world).contains(&self.name) { Seen::Absent } else { Seen::Whole }
    }

    fn may_be_repeated(&self) -> bool {
        false
    }
}

/// The names of the registered images.
fn registered(world: &World) -> Vec<String> {
    let answer = world.api().lightsail("GetContainerImages", &json!({ "serviceName": "web" }));
    assert_eq!(answer.status, 200, "{answer:?}");
    let images = answer.body["containerImages"].as_array().unwrap();
    images.iter().map(|image| image["image"].as_str().unwrap().to_owned()).collect()
}

/// A blob that nothing references, without a grace period.
struct GarbageGone {
    content: Content,
}

impl Deed for GarbageGone {
    fn act(&mut self, world: &World) -> Status {
        let input = json!({ "graceSeconds": 0 });
        call(world, "Gangplank_20261123.CollectGarbage", &input).map(|answer| answer.status)
    }

    fn look(&self, world: &World) -> Seen {
        match look_at_blob(&world.registry(), "sr", self.content) {
            Seen::Absent => Seen::Whole,
            Seen::Whole => Seen::Absent,
            broken @ Seen::Broken(_) => broken,
        }
    }
}

/// A thing that is deleted from the registry.
struct Gone {
    path: String,
}

impl Deed for Gone {
    fn act(&mut self, world: &World) -> Status {
        send(world.registry().request("DELETE", &self.path)).as_ref().map(status)
    }

    fn look(&self, world: &World) -> Seen {
        match world.registry().status("GET", &self.path) {
            404 => Seen::Whole,
            200 | 204 => Seen::Absent,
            other => Seen::Broken(format!("GET: {other}")),
        }
    }

    fn may_be_repeated(&self) -> bool {
        false
    }
}
