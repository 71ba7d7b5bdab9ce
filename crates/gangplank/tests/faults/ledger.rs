//! The answers that clients got, to be compared with the server's state after a fault.

use std::collections::{BTreeMap, BTreeSet};

use gangplank_testkit::{Image, Login, TestServer};
use reqwest::header::RANGE;
use serde_json::json;

use crate::content::Content;
use crate::operations::{Seen, look_at_blob};

/// The answers that clients got.
#[derive(Default)]
pub(crate) struct Ledger {
    /// Blobs that were answered 201.
    pub(crate) blobs: Vec<Content>,
    /// Blobs without an answer. They must be complete or missing.
    pub(crate) asked: Vec<Content>,
    /// Blobs whose deletion was acknowledged.
    pub(crate) deleted: Vec<Content>,
    /// Manifests that were answered 201.
    pub(crate) manifests: Vec<Image>,
    /// For each tag the digests that it may have: the last acknowledged one, and those requested since.
    pub(crate) tags: BTreeMap<String, Vec<String>>,
    /// Moves of tags without an answer: the tag and the digest.
    pub(crate) moves: Vec<(String, String)>,
    /// Logins that were made.
    pub(crate) logins: Vec<Login>,
    /// Images that were registered.
    pub(crate) registered: Vec<String>,
    /// Open uploads.
    pub(crate) sessions: Vec<Session>,
}

/// An open upload.
pub(crate) struct Session {
    pub(crate) location: String,
    pub(crate) content: Content,
    /// The number of acknowledged bytes.
    pub(crate) acknowledged: usize,
    /// The number of sent bytes.
    pub(crate) sent: usize,
}

impl Ledger {
    /// Adds the answers of another client.
    pub(crate) fn merge(&mut self, other: Self) {
        self.blobs.extend(other.blobs);
        self.asked.extend(other.asked);
        self.deleted.extend(other.deleted);
        self.manifests.extend(other.manifests);
        self.moves.extend(other.moves);
        self.logins.extend(other.logins);
        self.registered.extend(other.registered);
        self.sessions.extend(other.sessions);
        for (tag, digests) in other.tags {
            self.tags.entry(tag).or_default().extend(digests);
        }
    }

    /// The number of promises.
    pub(crate) fn len(&self) -> usize {
        let content = self.blobs.len() + self.deleted.len() + self.manifests.len() + self.tags.len();
        content + self.logins.len() + self.registered.len() + self.sessions.len()
    }

    /// Compares it with a server. `power_lost` says that upload sessions may have lost bytes.
    ///
    /// # Panics
    /// If a promise was broken.
    pub(crate) fn check(&mut self, server: &TestServer, operator: &Login, power_lost: bool) {
        let registry = server.registry_as(operator);
        for blob in &self.blobs {
            assert_eq!(look_at_blob(&registry, "sr", *blob), Seen::Whole, "{blob:?} was acknowledged");
        }
        for blob in std::mem::take(&mut self.asked) {
            let seen = look_at_blob(&registry, "sr", blob);
            assert!(matches!(seen, Seen::Whole | Seen::Absent), "{blob:?}: {seen:?}");
        }
        for blob in &self.deleted {
            assert_eq!(look_at_blob(&registry, "sr", *blob), Seen::Absent, "{blob:?} was deleted");
        }
        for image in &self.manifests {
            let answer = registry.send("GET", &format!("sr/manifests/{}", image.digest()));
            assert_eq!(answer.status(), 200, "manifest {}", image.digest());
            assert_eq!(answer.bytes().unwrap(), image.manifest);
        }
        for (tag, digests) in &self.tags {
            let answer = registry.send("HEAD", &format!("sr/manifests/{tag}"));
            assert_eq!(answer.status(), 200, "tag {tag} names nothing");
            let named = answer.headers()["docker-content-digest"].to_str().unwrap();
            let asked = self.moves.iter().any(|(moved, digest)| moved == tag && digest == named);
            assert!(
                asked || digests.iter().any(|digest| digest == named),
                "tag {tag} names {named} of {digests:?}"
            );
        }
        for login in &self.logins {
            assert_eq!(server.registry_as(login).status("GET", ""), 200, "a login was acknowledged");
        }
        self.check_registered(server);
        for session in std::mem::take(&mut self.sessions) {
            self.resume(server, operator, &session, power_lost);
        }
    }

    fn check_registered(&self, server: &TestServer) {
        let answer = server.api().lightsail("GetContainerImages", &json!({ "serviceName": "web" }));
        let images = answer.body["containerImages"].as_array().unwrap_or_else(|| panic!("{answer:?}"));
        let listed: BTreeSet<&str> = images.iter().map(|image| image["image"].as_str().unwrap()).collect();
        let unique: BTreeSet<&str> = self.registered.iter().map(String::as_str).collect();
        assert_eq!(unique.len(), self.registered.len(), "a number was given twice");
        let lost: Vec<_> = unique.difference(&listed).collect();
        assert!(lost.is_empty(), "registered and not listed: {lost:?}");
    }

    /// Continues an upload at the offset that the server reports. Once this is acknowledged, the server has
    /// promised to keep this blob, too.
    fn resume(&mut self, server: &TestServer, operator: &Login, session: &Session, power_lost: bool) {
        let registry = server.registry_as(operator);
        let stands = registry.send("GET", &session.location);
        if power_lost && stands.status() == 404 {
            return;
        }
        assert_eq!(stands.status(), 204, "an upload session was acknowledged");
        let range = stands.headers()[RANGE].to_str().unwrap();
        let last: usize = range.strip_prefix("0-").unwrap().parse().unwrap();
        let from = if last == 0 { 0 } else { last + 1 };
        assert!(from <= session.sent, "{range} is more than the {} bytes that were sent", session.sent);
        assert!(power_lost || from >= session.acknowledged, "{range} is less than was acknowledged");
        let put = format!("{}?digest={}", session.location, session.content.digest());
        assert_eq!(registry.put_blob(&put, &session.content.bytes()[from..]), 201, "the rest of an upload");
        assert_eq!(look_at_blob(&registry, "sr", session.content), Seen::Whole, "a resumed upload");
        self.blobs.push(session.content);
    }
}
