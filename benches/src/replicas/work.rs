//! The operations that replicas do, each prepared before the time begins.

use anyhow::{Context as _, Result};
use serde_json::json;

use super::fleet::call;
use crate::content::random;
use crate::digest::sha256;
use crate::http::{Blocking, expect};
use crate::target::Target;
use crate::work::{IMAGES_PER_SERVICE, Parts, push_blob, put_request, repository};

const BLOB: usize = 4 << 10;

/// The number of different blobs that are asked for in an account.
const DIFFERENT: usize = 10;

/// A kind of operation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Login,
    Register,
    Manifest,
    Blob,
    Head,
}

impl Kind {
    pub(super) const ALL: [Self; 5] = [Self::Login, Self::Register, Self::Manifest, Self::Blob, Self::Head];

    /// The name in the results.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Login => "CreateContainerServiceRegistryLogin",
            Self::Register => "RegisterContainerImage",
            Self::Manifest => "PUT of a manifest",
            Self::Blob => "push of a 4 KiB blob",
            Self::Head => "HEAD of a blob",
        }
    }
}

/// One operation.
pub(super) enum Action<'a> {
    /// A request, and the status of its answer.
    Ask(Vec<u8>, u16),
    /// The registration of an image. Its answer has the image's name.
    Register(Vec<u8>),
    /// An upload session, and a PUT with all bytes.
    Push { account: &'a Target, start: Vec<u8>, digest: String, bytes: Vec<u8> },
}

/// Prepares operations of a kind, for each account in turn.
pub(super) fn prepare<'a>(accounts: &[&'a Target], kind: Kind, count: usize) -> Result<Vec<Action<'a>>> {
    let each = count.div_ceil(accounts.len());
    let actions = accounts.iter().map(|account| Ok(prepare_for(account, kind, each)?.into_iter()));
    let actions = in_turn(actions.collect::<Result<_>>()?);
    Ok(actions.into_iter().take(count).collect())
}

/// Prepares operations of all kinds in turn, for each account in turn.
pub(super) fn prepare_mixed<'a>(accounts: &[&'a Target], count: usize) -> Result<Vec<Action<'a>>> {
    let each = count.div_ceil(Kind::ALL.len());
    let mut accounts = accounts.to_vec();
    let actions = Kind::ALL.into_iter().map(|kind| {
        // Neighbours belong to different accounts, if there are several.
        let some = accounts.len() / Kind::ALL.len();
        accounts.rotate_left(some);
        Ok(prepare(&accounts, kind, each)?.into_iter())
    });
    Ok(in_turn(actions.collect::<Result<_>>()?))
}

/// Takes one of each, until all are taken.
fn in_turn(mut all: Vec<std::vec::IntoIter<Action<'_>>>) -> Vec<Action<'_>> {
    let mut taken = Vec::new();
    loop {
        let before = taken.len();
        taken.extend(all.iter_mut().filter_map(Iterator::next));
        if taken.len() == before {
            return taken;
        }
    }
}

/// Prepares operations of a kind. In each account they have one repository.
fn prepare_for(account: &Target, kind: Kind, count: usize) -> Result<Vec<Action<'_>>> {
    let repository = repository("replicas")?;
    let signed = |operation: &str, input: &str| {
        account.call(operation, input, &hex::encode(random(16)?)).context("no access key")
    };
    match kind {
        Kind::Login => {
            // An account without a service has no push logins.
            create_service(account)?;
            let call = |_| Ok(Action::Ask(signed("CreateContainerServiceRegistryLogin", "{}")?, 200));
            (0..count).map(call).collect()
        }
        Kind::Register => {
            let digest = push_image(account, &repository)?;
            let services = (0..count.div_ceil(IMAGES_PER_SERVICE)).map(|_| create_service(account));
            let services = services.collect::<Result<Vec<_>>>()?;
            let call = |number: usize| {
                let service = &services[number % services.len()];
                let input = json!({ "serviceName": service, "label": "app", "digest": digest });
                Ok(Action::Register(signed("RegisterContainerImage", &input.to_string())?))
            };
            (0..count).map(call).collect()
        }
        Kind::Manifest => {
            let parts = Parts::push(account, &repository)?;
            let put = |number| {
                let body = parts.manifest(&format!("number {number}"));
                Action::Ask(put_request(account, &repository, &format!("v{number}"), &body), 201)
            };
            Ok((0..count).map(put).collect())
        }
        Kind::Blob => {
            let start = format!("/v2/{repository}/blobs/uploads/");
            let start = account.head("POST", &start, "Content-Length: 0\r\n");
            let push = |_| {
                let bytes = random(BLOB)?;
                Ok(Action::Push { account, start: start.clone(), digest: sha256(&bytes), bytes })
            };
            (0..count).map(push).collect()
        }
        Kind::Head => {
            let blobs = (0..DIFFERENT).map(|_| push_blob(account, &repository, &random(1024)?));
            let blobs = blobs.collect::<Result<Vec<_>>>()?;
            let path = |number: usize| format!("/v2/{repository}/blobs/{}", blobs[number % blobs.len()]);
            Ok((0..count).map(|number| Action::Ask(account.head("HEAD", &path(number), ""), 200)).collect())
        }
    }
}

/// Pushes an image to register. Returns its digest.
fn push_image(account: &Target, repository: &str) -> Result<String> {
    let body = Parts::push(account, repository)?.manifest("to be registered");
    let put = put_request(account, repository, "latest", &body);
    expect(&Blocking::open(account)?.ask(&put)?, 201, "PUT of a manifest")?;
    Ok(sha256(body.as_bytes()))
}

fn create_service(account: &Target) -> Result<String> {
    let service = format!("bench-{}", hex::encode(random(6)?));
    let input = json!({ "serviceName": service, "power": "nano", "scale": 1 }).to_string();
    call(account, "CreateContainerService", &input)?;
    Ok(service)
}
