//! Lightsail's API and registry at Amazon, imitated as far as a push needs them: two hosts, and a registry that
//! answers 403 to every HEAD and GET and requires a login for every request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use gangplank_oci::Digest;
use serde_json::{Value, json};

use crate::handler::{self, Reply, Request};

/// The stored content, and the requests in order.
#[derive(Default)]
struct State {
    calls: Vec<String>,
    opened: usize,
    uploads: HashMap<String, Vec<u8>>,
    content: HashMap<String, Vec<u8>>,
    tag: Option<String>,
    /// The number of logins so far. Only the newest one is accepted.
    logins: usize,
    /// The current login ends after this number of further requests.
    ends_after: Option<usize>,
}

impl State {
    fn password(&self) -> String {
        format!("a very long token {}", self.logins)
    }
}

/// The two hosts.
pub(crate) struct FakeAmazon {
    /// The API's URL.
    pub(crate) endpoint: String,
    /// The API's answer about the plugin's version.
    pub(crate) version: Arc<Mutex<Value>>,
    state: Arc<Mutex<State>>,
}

impl FakeAmazon {
    pub(crate) fn start() -> Self {
        let state = Arc::<Mutex<State>>::default();
        let noted = Arc::clone(&state);
        let registry = handler::serve(move |request| registry(request, &mut noted.lock().unwrap()));
        // Another name for this machine, so that the registry is not at the API's address.
        let registry = registry.replace("127.0.0.1", "localhost");
        let version = Arc::new(Mutex::new(json!({ "metadata": [] })));
        let (noted, told) = (Arc::clone(&state), Arc::clone(&version));
        let endpoint = handler::serve(move |request| {
            api(request, &registry, &told.lock().unwrap(), &mut noted.lock().unwrap())
        });
        Self { endpoint: format!("http://{endpoint}"), version, state }
    }

    /// Ends the first login after this many requests to the registry.
    pub(crate) fn end_login_after(&self, requests: usize) {
        self.state.lock().unwrap().ends_after = Some(requests);
    }

    /// Operations with their input and whether they were signed, and changes of the registry, in order.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.state.lock().unwrap().calls.clone()
    }

    /// The tag of the last manifest, and the manifest.
    pub(crate) fn manifest(&self) -> (String, Vec<u8>) {
        let state = self.state.lock().unwrap();
        let tag = state.tag.clone().unwrap();
        let manifest = state.content[&tag].clone();
        (tag, manifest)
    }

    /// Whether a blob is stored under its digest.
    pub(crate) fn has(&self, digest: &str) -> bool {
        self.state.lock().unwrap().content.contains_key(digest)
    }
}

fn api(request: &Request, registry: &str, version: &Value, state: &mut State) -> Reply {
    let operation =
        request.header("x-amz-target").unwrap_or_default().trim_start_matches("Lightsail_20161128.");
    let signed = if request.header("authorization").is_some() { "" } else { " unsigned" };
    let body = String::from_utf8_lossy(&request.body);
    state.calls.push(format!("{operation}{signed} {body}"));
    let answer = match operation {
        "GetContainerAPIMetadata" => version.clone(),
        "CreateContainerServiceRegistryLogin" => {
            state.logins += 1;
            json!({ "registryLogin": {
                "username": "AWS", "password": state.password(), "expiresAt": 4e9, "registry": registry,
            } })
        }
        _ => {
            let input: Value = serde_json::from_str(&body).unwrap();
            let name = |member: &str| input[member].as_str().unwrap().to_owned();
            if name("serviceName") == "none" {
                let body = r#"{"__type":"NotFoundException","message":"no such service"}"#;
                return Reply::new(400, body).with("x-amzn-RequestId", "id-7");
            }
            json!({ "containerImage": {
                "image": format!(":{}.{}.73", name("serviceName"), name("label")),
                "digest": name("digest"), "createdAt": 1.5e9,
            } })
        }
    };
    Reply::new(200, answer.to_string())
}

fn registry(request: &Request, state: &mut State) -> Reply {
    let login = base64::engine::general_purpose::STANDARD.encode(format!("AWS:{}", state.password()));
    if request.header("authorization") != Some(&format!("Basic {login}")) {
        return Reply::new(401, "Not Authorized").with("www-authenticate", "Basic realm=\"https://ecr/\"");
    }
    match &mut state.ends_after {
        Some(0) => {
            let body = r#"{"errors":[{"code":"DENIED","message":"Your authorization token has expired. Reauthenticate and try again."}]}"#;
            if state.logins == 1 {
                return Reply::new(403, body);
            }
        }
        Some(left) => *left -= 1,
        None => {}
    }
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let last = path.rsplit('/').next().unwrap().to_owned();
    match request.method.as_str() {
        "POST" => {
            state.opened += 1;
            let id = format!("session-{}", state.opened);
            state.uploads.insert(id.clone(), Vec::new());
            Reply::new(202, "").with("location", format!("/v2/sr/blobs/uploads/{id}"))
        }
        "PATCH" => {
            state.uploads.get_mut(&last).unwrap().extend(&request.body);
            // Amazon's answer has a `Range` header. A client must also work without it.
            Reply::new(202, "").with("location", path)
        }
        "PUT" if path.starts_with("/v2/sr/blobs/uploads/") => {
            let mut bytes = state.uploads.remove(&last).unwrap();
            bytes.extend(&request.body);
            let digest = query.strip_prefix("digest=").unwrap().replace("%3A", ":");
            if Digest::sha256(&bytes).to_string() != digest {
                return Reply::new(400, r#"{"errors":[{"code":"DIGEST_INVALID","message":"no"}]}"#);
            }
            state.content.insert(digest.clone(), bytes);
            Reply::new(201, "").with("location", format!("/v2/sr/blobs/{digest}"))
        }
        "PUT" if path.starts_with("/v2/sr/manifests/") => {
            state.calls.push(format!("PUT {path}"));
            state.content.insert(last.clone(), request.body.clone());
            state.tag = Some(last);
            let digest = Digest::sha256(&request.body).to_string();
            Reply::new(201, "").with("docker-content-digest", digest)
        }
        _ => {
            let body =
                r#"{"errors":[{"code":"DENIED","message":"not authorized to perform: ecr:BatchGetImage"}]}"#;
            Reply::new(403, body)
        }
    }
}
