//! Pushes, pulls and logins at the same time. The latencies are those of pulls, which should be fast while others push.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::manifests::{MEDIA_TYPE, Parts, request};
use super::{Scale, push_blob, repository};
use crate::content::{RandomFile, random};
use crate::digest::sha256;
use crate::http::{Blocking, expect, with_digest};
use crate::load::{Connection, Operation, drive};
use crate::meter::{Meter, Outcome};
use crate::target::Target;

/// The bytes of a layer.
const LAYER: usize = 64 << 10;

/// Different images that are pulled.
const IMAGES: usize = 20;

pub(super) fn all(target: &Target, scale: &Scale, _: &RandomFile) -> Result<Option<Outcome>> {
    let repository = repository("mixed")?;
    let parts = Parts::push(target, &repository)?;
    let mut connection = Blocking::open(target)?;
    let mut pulls = Vec::new();
    for number in 0..IMAGES {
        let layer = push_blob(target, &repository, &random(LAYER)?)?;
        let (tag, body) = (format!("v{number}"), parts.manifest(&format!("image {number}")));
        expect(&connection.ask(&request(target, &repository, &tag, &body))?, 201, "PUT of a manifest")?;
        let accept = format!("Accept: {MEDIA_TYPE}\r\n");
        pulls.push([
            target.head("GET", &format!("/v2/{repository}/manifests/{tag}"), &accept),
            target.head("GET", &format!("/v2/{repository}/blobs/{layer}"), ""),
        ]);
    }
    let mut steps = Vec::new();
    for number in 0..scale.mixed {
        steps.push(match number % 8 {
            0 | 4 => push(target, &parts, &repository, number)?,
            3 => login(target, number),
            _ => Step::Read(pulls[number % IMAGES].to_vec()),
        });
    }
    let begin = target.head("POST", &format!("/v2/{repository}/blobs/uploads/"), "Content-Length: 0\r\n");
    let mixed = Mixed { target, begin, steps, reads: RefCell::default() };
    let count = mixed.steps.len();
    let (meter, latencies) = drive(target, scale.connections, count, &mixed, || Meter::start(target))?;
    Ok(Some(meter.stop(latencies, 0).with_latencies(mixed.reads.take())))
}

/// What a client does before it begins with the next thing.
enum Step {
    /// Pushes an image of one new layer.
    Push { layer: Vec<u8>, digest: String, manifest: Vec<u8> },
    /// Sends requests that change nothing.
    Read(Vec<Vec<u8>>),
    /// Makes a registry login, and uses a login.
    Login(Vec<Vec<u8>>),
}

fn push(target: &Target, parts: &Parts, repository: &str, number: usize) -> Result<Step> {
    let layer = random(LAYER)?;
    let body = parts.manifest(&format!("push {number}"));
    let manifest = request(target, repository, &format!("push-{number}"), &body);
    Ok(Step::Push { digest: sha256(&layer), layer, manifest })
}

/// What `docker login` sends. Before it, the API is asked for a new login, if the target has one.
fn login(target: &Target, number: usize) -> Step {
    let invocation = format!("{}-{number}", target.name);
    let made = target.call("CreateContainerServiceRegistryLogin", "{}", &invocation);
    Step::Login(made.into_iter().chain([target.head("GET", "/v2/", "")]).collect())
}

struct Mixed<'a> {
    target: &'a Target,
    /// The request that begins an upload.
    begin: Vec<u8>,
    steps: Vec<Step>,
    /// The times of reads.
    reads: RefCell<Vec<Duration>>,
}

impl Operation for Mixed<'_> {
    async fn run(&self, connection: &mut Connection, number: usize) -> Result<()> {
        match &self.steps[number] {
            Step::Push { layer, digest, manifest } => {
                let answer = connection.ask(&self.begin, 202).await?;
                let location = answer.location.as_deref().context("an upload without a location")?;
                let headers =
                    format!("Content-Type: application/octet-stream\r\nContent-Length: {LAYER}\r\n");
                let mut put = self.target.head("PUT", &with_digest(location, digest), &headers);
                put.extend_from_slice(layer);
                connection.ask(&put, 201).await?;
                connection.ask(manifest, 201).await?;
            }
            Step::Read(requests) => {
                for request in requests {
                    let start = Instant::now();
                    connection.ask(request, 200).await?;
                    self.reads.borrow_mut().push(start.elapsed());
                }
            }
            Step::Login(requests) => {
                for request in requests {
                    connection.ask(request, 200).await?;
                }
            }
        }
        Ok(())
    }
}
