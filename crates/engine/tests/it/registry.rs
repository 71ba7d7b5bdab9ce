//! A registry for tests: it answers with an image, or with an error.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// Answers by path: status, media type, body.
type Answers = HashMap<String, (u16, String, Vec<u8>)>;

/// The login that it accepts. Encoded, it has both characters in which the two base64 alphabets differ.
pub(crate) const LOGIN: (&str, &str) = ("AWS", "~~~???>>>~~~???");

/// A registry on loopback.
pub(crate) struct Registry {
    pub(crate) address: String,
    answers: Arc<Mutex<Answers>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Registry {
    /// A registry that requires a login.
    pub(crate) fn start() -> Self {
        Self::start_as(false)
    }

    /// A registry that is open to all.
    pub(crate) fn start_open() -> Self {
        Self::start_as(true)
    }

    fn start_as(is_open: bool) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
        let address = listener.local_addr().expect("its address").to_string();
        let registry = Self { address, answers: Arc::default(), requests: Arc::default() };
        let (answers, requests) = (Arc::clone(&registry.answers), Arc::clone(&registry.requests));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answers, requests) = (Arc::clone(&answers), Arc::clone(&requests));
                std::thread::spawn(move || serve(stream, is_open, &answers, &requests));
            }
        });
        registry
    }

    /// Sets the answer for a path.
    pub(crate) fn answer(&self, path: &str, status: u16, media_type: &str, body: impl Into<Vec<u8>>) {
        let answer = (status, media_type.to_owned(), body.into());
        self.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    /// Puts an image into a repository. Returns its digest.
    pub(crate) fn put(&self, repository: &str) -> String {
        let layer = crate::actor::tar(&[("file", 0o644, repository.as_bytes())]);
        let processor = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
        let config = json!({
            "architecture": processor,
            "os": "linux",
            "config": { "Cmd": ["/file"] },
            "rootfs": { "type": "layers", "diff_ids": [digest(&layer)] },
        })
        .to_string();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": digest(config.as_bytes()),
                "size": config.len(),
            },
            "layers": [{
                "mediaType": "application/vnd.oci.image.layer.v1.tar",
                "digest": digest(&layer),
                "size": layer.len(),
            }],
        })
        .to_string();
        let name = digest(manifest.as_bytes());
        let blob = |digest: &str| format!("/v2/{repository}/blobs/{digest}");
        self.answer(&blob(&digest(config.as_bytes())), 200, "application/octet-stream", config);
        self.answer(&blob(&digest(&layer)), 200, "application/octet-stream", layer);
        for reference in [name.as_str(), "latest"] {
            let path = format!("/v2/{repository}/manifests/{reference}");
            self.answer(&path, 200, "application/vnd.oci.image.manifest.v1+json", manifest.as_bytes());
        }
        name
    }

    /// The number of requests that began with this text.
    pub(crate) fn asked(&self, begin: &str) -> usize {
        self.requests.lock().unwrap().iter().filter(|line| line.starts_with(begin)).count()
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

fn serve(stream: TcpStream, is_open: bool, answers: &Mutex<Answers>, requests: &Mutex<Vec<String>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if stream.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        requests.lock().unwrap().push(first.trim().to_owned());
        let mut login = String::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if line.trim().is_empty() {
                break;
            }
            match line.split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("authorization") => {
                    value.trim().trim_start_matches("Basic ").clone_into(&mut login);
                }
                _ => {}
            }
        }
        let mut words = first.split_whitespace();
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let told = answers.lock().unwrap().get(path).cloned();
        let is_known = is_open || login == STANDARD.encode(format!("{}:{}", LOGIN.0, LOGIN.1));
        let (status, media_type, body) = if !is_known {
            refusal(401, "UNAUTHORIZED", "the registry login is unknown or was revoked")
        } else if path == "/v2/" {
            (200, "application/json".to_owned(), b"{}".to_vec())
        } else {
            told.unwrap_or_else(|| refusal(404, "MANIFEST_UNKNOWN", "manifest unknown"))
        };
        let head = format!(
            "HTTP/1.1 {status} Told\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\
             Docker-Distribution-Api-Version: registry/2.0\r\nWww-Authenticate: Basic realm=\"trial\"\r\n\
             Docker-Content-Digest: {}\r\n\r\n",
            body.len(),
            digest(&body)
        );
        let is_sent = stream.get_mut().write_all(head.as_bytes()).is_ok()
            && (method == "HEAD" || stream.get_mut().write_all(&body).is_ok());
        if !is_sent {
            return;
        }
    }
}

/// A refusal in the form of a registry.
pub(crate) fn refusal(status: u16, code: &str, message: &str) -> (u16, String, Vec<u8>) {
    let body = json!({ "errors": [{ "code": code, "message": message }] });
    (status, "application/json".to_owned(), body.to_string().into_bytes())
}
