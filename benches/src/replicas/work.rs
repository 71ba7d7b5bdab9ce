//! The operations that replicas do, each prepared before the time begins.

use anyhow::{Context as _, Result};
use serde_json::json;

use super::fleet::{Account, create_service};
use crate::content::random;
use crate::digest::sha256;
use crate::target::Target;
use crate::work::{IMAGES_PER_SERVICE, put_request};

const BLOB: usize = 4 << 10;

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
pub(super) fn prepare<'a>(accounts: &[&'a Account], kind: Kind, count: usize) -> Result<Vec<Action<'a>>> {
    let each = count.div_ceil(accounts.len());
    let actions = accounts.iter().map(|account| Ok(prepare_for(account, kind, each)?.into_iter()));
    let actions = in_turn(actions.collect::<Result<_>>()?);
    Ok(actions.into_iter().take(count).collect())
}

/// Prepares operations of all kinds in turn, for each account in turn.
pub(super) fn prepare_mixed<'a>(accounts: &[&'a Account], count: usize) -> Result<Vec<Action<'a>>> {
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

/// Prepares operations of a kind. In each account all operations use the same repository.
fn prepare_for(account: &Account, kind: Kind, count: usize) -> Result<Vec<Action<'_>>> {
    let Account { target, repository, parts, image, blob } = account;
    let signed = |operation: &str, input: &str| {
        target.call(operation, input, &hex::encode(random(16)?)).context("no access key")
    };
    match kind {
        Kind::Login => {
            let call = |_| Ok(Action::Ask(signed("CreateContainerServiceRegistryLogin", "{}")?, 200));
            (0..count).map(call).collect()
        }
        Kind::Register => {
            let services = (0..count.div_ceil(IMAGES_PER_SERVICE)).map(|_| create_service(target));
            let services = services.collect::<Result<Vec<_>>>()?;
            let call = |number: usize| {
                let service = &services[number % services.len()];
                let input = json!({ "serviceName": service, "label": "app", "digest": image });
                Ok(Action::Register(signed("RegisterContainerImage", &input.to_string())?))
            };
            (0..count).map(call).collect()
        }
        Kind::Manifest => {
            // The manifest is different each time.
            let run = hex::encode(random(6)?);
            let put = |number| {
                let body = parts.manifest(&format!("{run} {number}"));
                Action::Ask(put_request(target, repository, &format!("{run}-{number}"), &body), 201)
            };
            Ok((0..count).map(put).collect())
        }
        Kind::Blob => {
            let start = format!("/v2/{repository}/blobs/uploads/");
            let start = target.head("POST", &start, "Content-Length: 0\r\n");
            let push = |_| {
                let bytes = random(BLOB)?;
                Ok(Action::Push { account: target, start: start.clone(), digest: sha256(&bytes), bytes })
            };
            (0..count).map(push).collect()
        }
        Kind::Head => {
            let head = target.head("HEAD", &format!("/v2/{repository}/blobs/{blob}"), "");
            Ok((0..count).map(|_| Action::Ask(head.clone(), 200)).collect())
        }
    }
}
