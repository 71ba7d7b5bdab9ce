//! A container engine's API on a socket, as much as exporting an image needs.

use std::path::{Path, PathBuf};

use crate::handler::{self, Reply, Request};

/// Serves one image under one name. Returns the value for `DOCKER_HOST`.
pub(crate) fn start(home: &Path, name: &str, archive: Vec<u8>) -> String {
    let socket: PathBuf = home.join("engine.sock");
    handler::serve_on(&socket, engine(name, archive));
    format!("unix://{}", socket.display())
}

/// Serves it on a port instead. Returns host and port.
pub(crate) fn start_on_a_port(name: &str, archive: Vec<u8>) -> String {
    handler::serve(engine(name, archive))
}

fn engine(name: &str, archive: Vec<u8>) -> impl Fn(&Request) -> Reply + Send + Sync + 'static {
    let (image, export) = (format!("/images/{name}/json"), format!("/images/{name}/get"));
    move |request| match request.path.as_str() {
        "/_ping" => Reply::new(200, "OK").with("Api-Version", "1.41"),
        path if path == image => Reply::new(200, r#"{"Os":"linux","Architecture":"amd64"}"#),
        path if path == export => Reply::new(200, archive.clone()),
        _ => Reply::new(404, r#"{"message":"No such image"}"#),
    }
}
