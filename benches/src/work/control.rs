//! Calls of the control API. Each is signed separately.

use anyhow::{Context as _, Result};
use serde_json::json;

use super::manifests::{Parts, request};
use super::{Scale, repository};
use crate::content::{RandomFile, random};
use crate::digest::sha256;
use crate::http::{Blocking, expect};
use crate::load::{Requests, drive};
use crate::meter::{Meter, Outcome};
use crate::target::Target;

/// The largest number of images on a container service (Lightsail's quota).
pub(crate) const PER_SERVICE: usize = 150;

pub(super) fn create_login(target: &Target, scale: &Scale, _: &RandomFile) -> Result<Option<Outcome>> {
    call(target, scale, scale.calls, "CreateContainerServiceRegistryLogin", "{}")
}

pub(super) fn register(target: &Target, scale: &Scale, _: &RandomFile) -> Result<Option<Outcome>> {
    let pushed = push(target)?;
    let services = (0..(scale.calls / 2).div_ceil(PER_SERVICE)).map(|_| create_service(target));
    let services = services.collect::<Result<Vec<_>>>()?;
    let run = hex::encode(random(6)?);
    let requests = (0..scale.calls / 2).map(|number| {
        let input =
            json!({ "serviceName": services[number % services.len()], "label": "app", "digest": pushed });
        signed(target, "RegisterContainerImage", &input.to_string(), &format!("{run}-{number}"))
    });
    measure(target, scale, requests.collect::<Result<_>>()?)
}

pub(super) fn list(target: &Target, scale: &Scale, _: &RandomFile) -> Result<Option<Outcome>> {
    let (service, pushed) = (create_service(target)?, push(target)?);
    let mut connection = Blocking::open(target)?;
    for number in 0..PER_SERVICE {
        let input = json!({ "serviceName": service, "label": "app", "digest": pushed }).to_string();
        let register = signed(target, "RegisterContainerImage", &input, &format!("{service}-{number}"))?;
        expect(&connection.ask(&register)?, 200, "RegisterContainerImage")?;
    }
    let input = json!({ "serviceName": service }).to_string();
    call(target, scale, scale.calls / 10, "GetContainerImages", &input)
}

/// Pushes an image to register. Returns its digest.
fn push(target: &Target) -> Result<String> {
    let repository = repository("register")?;
    let body = Parts::push(target, &repository)?.manifest("to be registered");
    let answer = Blocking::open(target)?.ask(&request(target, &repository, "latest", &body))?;
    expect(&answer, 201, "PUT of a manifest")?;
    Ok(sha256(body.as_bytes()))
}

fn create_service(target: &Target) -> Result<String> {
    let service = format!("bench-{}", hex::encode(random(6)?));
    let input = json!({ "serviceName": service, "power": "nano", "scale": 1 }).to_string();
    let make = signed(target, "CreateContainerService", &input, &service)?;
    expect(&Blocking::open(target)?.ask(&make)?, 200, "CreateContainerService")?;
    Ok(service)
}

fn signed(target: &Target, operation: &str, input: &str, invocation: &str) -> Result<Vec<u8>> {
    target.call(operation, input, invocation).context("the target has no access key")
}

fn call(
    target: &Target,
    scale: &Scale,
    count: usize,
    operation: &str,
    input: &str,
) -> Result<Option<Outcome>> {
    let run = hex::encode(random(6)?);
    let requests = (0..count).map(|number| signed(target, operation, input, &format!("{run}-{number}")));
    measure(target, scale, requests.collect::<Result<_>>()?)
}

fn measure(target: &Target, scale: &Scale, requests: Vec<Vec<u8>>) -> Result<Option<Outcome>> {
    let count = requests.len();
    let requests = Requests { requests, expected: 200 };
    let (meter, latencies) = drive(target, scale.connections, count, &requests, || Meter::start(target))?;
    Ok(Some(meter.stop(latencies, 0)))
}
