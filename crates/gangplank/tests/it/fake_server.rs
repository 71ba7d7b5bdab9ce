//! A server that answers the calls of a push as our server does, except where a test changes the answer.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cli::{Ran, home, run};
use crate::handler::{self, Reply, Request};

/// The environment of a command that calls such a server.
pub(crate) const KEY: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "GPAKEXAMPLEEXAMPLEEX"),
    ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
];

/// Starts the server. `other` answers first. If it returns `None`, the answer is that of our server. Returns host and
/// port.
pub(crate) fn start(other: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static) -> String {
    handler::serve(move |request| other(request).unwrap_or_else(|| usual(request)))
}

/// The operation of a request. Empty for requests to the registry.
pub(crate) fn operation(request: &Request) -> &str {
    request.header("x-amz-target").and_then(|target| target.split('.').nth(1)).unwrap_or_default()
}

/// The answer to a request for a login.
pub(crate) fn login(registry: &str) -> Value {
    let login = json!({ "username": "AWS", "password": "gpl_x", "expiresAt": 4e9, "registry": registry });
    json!({ "registryLogin": login })
}

fn usual(request: &Request) -> Reply {
    let host = request.header("host").unwrap_or_default();
    let answer = match operation(request) {
        "GetContainerServices" => {
            json!({ "containerServices": [{ "containerServiceName": "web", "state": "READY" }] })
        }
        "CreateContainerServiceRegistryLogin" => login(host),
        "RegisterContainerImage" => {
            json!({ "containerImage": { "image": ":web.app.1", "createdAt": 1.5e9 } })
        }
        _ => return registry(request),
    };
    Reply::new(200, answer.to_string())
}

fn registry(request: &Request) -> Reply {
    match request.method.as_str() {
        "HEAD" => Reply::new(404, ""),
        "POST" | "PATCH" => Reply::new(202, "").with("Location", "/v2/sr/blobs/uploads/1"),
        "PUT" => Reply::new(201, ""),
        _ => Reply::new(204, ""),
    }
}

/// Runs a command against a server, in a new home.
pub(crate) fn ask(address: &str, args: &[&str]) -> Ran {
    ask_in(&home(), address, args)
}

/// Runs a command in an existing home.
pub(crate) fn ask_in(home: &TempDir, address: &str, args: &[&str]) -> Ran {
    let endpoint = format!("--endpoint-url=http://{address}");
    run(home.path(), &[args, &[&endpoint]].concat(), &KEY)
}
