//! A registry client that shares no code with the program's own.

use std::error::Error as _;
use std::io;

use gangplank_oci::media_type;
use reqwest::Method;
use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::header::{CONTENT_TYPE, LOCATION};

use crate::client::client;
use crate::{ApiAnswer, Blob, Image};

/// A registry login.
#[derive(Clone, Debug)]
pub struct Login {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
    /// The registry in the login.
    pub registry: String,
}

impl Login {
    /// Reads the login in an answer of the API.
    pub fn of(answer: &ApiAnswer) -> Self {
        let member = |name: &str| answer.body["registryLogin"][name].as_str().map(ToOwned::to_owned);
        let member = |name| member(name).unwrap_or_else(|| panic!("no login: {answer:?}"));
        Self { username: member("username"), password: member("password"), registry: member("registry") }
    }
}

/// The registry of a server, with or without a login.
#[derive(Clone, Debug)]
pub struct Registry {
    http: Client,
    endpoint: String,
    login: Option<Login>,
}

impl Registry {
    /// The registry at `endpoint`.
    pub fn new(endpoint: &str, login: Option<Login>) -> Self {
        Self { http: client(), endpoint: endpoint.to_owned(), login }
    }

    /// A request to `/v2/<path>`, or to a `Location` (which starts with a slash).
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let url = if path.starts_with('/') {
            format!("{}{path}", self.endpoint)
        } else {
            format!("{}/v2/{path}", self.endpoint)
        };
        let request = self.http.request(method, url);
        match &self.login {
            Some(login) => request.basic_auth(&login.username, Some(&login.password)),
            None => request,
        }
    }

    /// Sends a request without a body.
    ///
    /// A read is sent again if its connection was reset: the client may have kept it from before a restart.
    pub fn send(&self, method: &str, path: &str) -> Response {
        let send = || self.request(method, path).send();
        match send() {
            Err(error) if matches!(method, "GET" | "HEAD") && is_reset(&error) => send(),
            answer => answer,
        }
        .expect("an answer of the registry")
    }

    /// Sends a request without a body; returns the status.
    pub fn status(&self, method: &str, path: &str) -> u16 {
        self.send(method, path).status().as_u16()
    }

    /// Requests an upload session. Returns the status.
    pub fn start_upload_status(&self, repository: &str) -> u16 {
        self.status("POST", &format!("{repository}/blobs/uploads/"))
    }

    /// Opens an upload session. Returns its location.
    pub fn start_upload(&self, repository: &str) -> String {
        let answer = self.send("POST", &format!("{repository}/blobs/uploads/"));
        assert_eq!(answer.status(), 202, "POST of an upload");
        answer.headers()[LOCATION].to_str().expect("a location").to_owned()
    }

    /// Pushes a blob in two requests. Returns the last status.
    pub fn push_blob(&self, repository: &str, blob: &Blob) -> u16 {
        let location = self.start_upload(repository);
        self.put_blob(&format!("{location}?digest={}", blob.digest), &blob.bytes)
    }

    /// Sends a blob's bytes with a PUT to `path`. Returns the status.
    pub fn put_blob(&self, path: &str, bytes: &[u8]) -> u16 {
        let put = self.request("PUT", path).body(bytes.to_vec());
        put.send().expect("an answer of the registry").status().as_u16()
    }

    /// Puts a manifest.
    pub fn put_manifest(&self, repository: &str, reference: &str, media_type: &str, body: &[u8]) -> Response {
        let put = self.request("PUT", &format!("{repository}/manifests/{reference}"));
        put.header(CONTENT_TYPE, media_type).body(body.to_vec()).send().expect("an answer of the registry")
    }

    /// Pushes a whole image. Returns its digest.
    pub fn push_image(&self, repository: &str, reference: &str, image: &Image) -> String {
        for blob in image.blobs() {
            assert_eq!(self.push_blob(repository, blob), 201, "push of {}", blob.digest);
        }
        let answer = self.put_manifest(repository, reference, media_type::OCI_MANIFEST, &image.manifest);
        assert_eq!(answer.status(), 201, "PUT of the manifest: {:?}", answer.text());
        image.digest()
    }
}

fn is_reset(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(|it| it.kind() == io::ErrorKind::ConnectionReset) {
            return true;
        }
        cause = error.source();
    }
    false
}
