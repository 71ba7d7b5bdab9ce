//! Signed calls to the control API.

use std::time::{SystemTime, UNIX_EPOCH};

use gangplank_sigv4::{Credentials, Request, sign};
use reqwest::blocking::Client;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::Login;
use crate::client::client;

/// The API of a server, called as one access key in one region.
#[derive(Clone, Debug)]
pub struct Api {
    http: Client,
    endpoint: String,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    region: String,
}

/// An answer of the API.
#[derive(Clone, Debug)]
pub struct ApiAnswer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; null if it is no JSON.
    pub body: Value,
}

impl ApiAnswer {
    /// The exception's name. Empty for a success.
    pub fn error(&self) -> &str {
        self.body["__type"].as_str().unwrap_or_default()
    }

    /// The exception's message. Empty for a success.
    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

impl Api {
    /// The API at `endpoint`, in `us-east-1`.
    pub fn new(endpoint: &str, access_key_id: &str, secret_access_key: &str) -> Self {
        Self {
            http: client(),
            endpoint: endpoint.to_owned(),
            access_key_id: access_key_id.to_owned(),
            secret_access_key: secret_access_key.to_owned(),
            session_token: None,
            region: "us-east-1".to_owned(),
        }
    }

    /// This API in another region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        Self { region: region.to_owned(), ..self.clone() }
    }

    /// This API, called with another access key, as `CreateAccessKey` returned it.
    #[must_use]
    pub fn as_key(&self, key: &Value) -> Self {
        let text = |name: &str| key[name].as_str().expect("an access key").to_owned();
        let (access_key_id, secret_access_key) = (text("accessKeyId"), text("secretAccessKey"));
        Self { access_key_id, secret_access_key, session_token: None, ..self.clone() }
    }

    /// This API, called with temporary keys.
    #[must_use]
    pub fn as_session(&self, access_key_id: &str, secret_access_key: &str, session_token: &str) -> Self {
        Self {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: secret_access_key.to_owned(),
            session_token: Some(session_token.to_owned()),
            ..self.clone()
        }
    }

    /// Calls an operation of Lightsail.
    pub fn lightsail(&self, operation: &str, input: &Value) -> ApiAnswer {
        self.call(&format!("Lightsail_20161128.{operation}"), input.to_string().as_bytes(), &[])
    }

    /// Calls an operation of our own.
    pub fn gangplank(&self, operation: &str, input: &Value) -> ApiAnswer {
        self.call(&format!("Gangplank_20261123.{operation}"), input.to_string().as_bytes(), &[])
    }

    /// Calls a target with any body, and with additional headers, which are not signed.
    pub fn call(&self, target: &str, body: &[u8], extra: &[(&str, &str)]) -> ApiAnswer {
        self.try_call(target, body, extra).expect("an answer of the API")
    }

    /// Calls a target as [`call`](Self::call) does, although the server may be gone. `None` if there was no
    /// complete answer.
    pub fn try_call(&self, target: &str, body: &[u8], extra: &[(&str, &str)]) -> Option<ApiAnswer> {
        let mut request = self.http.post(&self.endpoint).body(body.to_vec());
        for (name, value) in self.signed_headers(target, body).iter().map(|(n, v)| (n.as_str(), v.as_str())) {
            request = request.header(name, value);
        }
        for (name, value) in extra {
            request = request.header(*name, *value);
        }
        let answer = request.send().ok()?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = answer.bytes().ok()?;
        Some(ApiAnswer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_default() })
    }

    /// The headers of a signed call to `/` now, including `host`, for tests that send or change them.
    pub fn signed_headers(&self, target: &str, body: &[u8]) -> Vec<(String, String)> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the time").as_secs();
        self.signed_headers_at(target, body, i64::try_from(now).expect("the time"))
    }

    /// The headers that [`signed_headers`](Self::signed_headers) returns, for another time, in seconds since
    /// 1970.
    pub fn signed_headers_at(&self, target: &str, body: &[u8], now: i64) -> Vec<(String, String)> {
        let host = self.endpoint.split("//").nth(1).expect("a host");
        let headers =
            [("host", host), ("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)];
        let request = Request {
            method: "POST",
            path: "/",
            query: None,
            headers: headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect(),
        };
        let credentials = Credentials {
            access_key_id: &self.access_key_id,
            secret_access_key: &self.secret_access_key,
            session_token: self.session_token.as_deref(),
        };
        let hash: [u8; 32] = Sha256::digest(body).into();
        let signed = sign(&request, &credentials, &self.region, "lightsail", now, &hash);
        let given = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        given.chain(signed.into_iter().map(|(name, value)| (name.to_owned(), value))).collect()
    }

    /// Makes a service of this name unless there is one.
    pub fn ensure_service(&self, name: &str) {
        let answer = self.lightsail(
            "CreateContainerService",
            &json!({ "serviceName": name, "power": "nano", "scale": 1 }),
        );
        let there = answer.status == 200 || answer.message().contains("already in use");
        assert!(there, "{answer:?}");
    }

    /// Makes a push login with Lightsail's operation.
    pub fn push_login(&self) -> Login {
        Login::of(&self.lightsail("CreateContainerServiceRegistryLogin", &json!({})))
    }

    /// Makes a login of any scope with our own operation.
    pub fn registry_login(&self, input: &Value) -> Login {
        Login::of(&self.gangplank("CreateRegistryLogin", input))
    }

    /// Registers a pushed manifest. Returns the image's name.
    pub fn register(&self, service: &str, label: &str, digest: &str) -> String {
        let input = json!({ "serviceName": service, "label": label, "digest": digest });
        let answer = self.lightsail("RegisterContainerImage", &input);
        let name = answer.body["containerImage"]["image"].as_str();
        name.unwrap_or_else(|| panic!("not registered: {answer:?}")).to_owned()
    }
}
