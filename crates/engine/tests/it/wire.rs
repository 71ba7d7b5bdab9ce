//! The requests on the socket, for any engine.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gangplank_engine::docker::{Choice, Docker, Options};
use gangplank_engine::{Engine as _, EngineError};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

use crate::recorder::Recorder;

/// An engine that answers each request with an empty list and records the request lines.
struct Fake {
    folder: tempfile::TempDir,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&kept)));
            }
        });
        Self { folder, requests }
    }

    async fn engine(&self) -> Docker {
        let mut options = Options::new("me", "127.0.0.1:1", Recorder::new());
        options.choice = Choice::Docker;
        options.host = Some(format!("unix://{}", self.folder.path().join("socket").display()));
        Docker::connect(options).await.expect("options").expect("an engine")
    }
}

async fn answer(stream: UnixStream, requests: Arc<Mutex<Vec<String>>>) {
    let mut stream = BufReader::new(stream);
    let mut first = String::new();
    stream.read_line(&mut first).await.unwrap_or(0);
    let mut line = String::from("x");
    while !line.trim().is_empty() {
        line.clear();
        stream.read_line(&mut line).await.unwrap_or(0);
    }
    requests.lock().unwrap().push(first.clone());
    let body = match first.split_whitespace().nth(1).unwrap_or_default() {
        path if path.starts_with("/containers/json") => "[]",
        "/_ping" => "OK",
        _ => "{}",
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all((head + body).as_bytes()).await;
}

/// An engine with another version than the library refuses a path with a version that it does not support.
#[tokio::test]
async fn requests_name_no_version() {
    let fake = Fake::start();
    let engine = fake.engine().await;
    assert_eq!(engine.nodes(None).await, Ok(Vec::new()));
    engine.host().await.expect("a host");
    let image = gangplank_engine::ImageWanted::Public { reference: "nginx".into(), pinned: None };
    engine.ensure_image(&image).await.expect("an image");
    let requests = fake.requests.lock().unwrap().clone();
    let paths: Vec<_> = requests.iter().filter_map(|line| line.split_whitespace().nth(1)).collect();
    for wanted in [
        "/_ping",
        "/version",
        "/info",
        "/containers/json?all=true&filters=",
        "/images/create?fromImage=nginx:latest",
        "/images/nginx:latest/json",
    ] {
        assert!(paths.iter().any(|path| path.starts_with(wanted)), "{wanted}: {paths:?}");
    }
    assert!(!paths.iter().any(|path| path.starts_with("/v1")), "{paths:?}");
}

/// An engine that accepts requests and never answers counts as out of reach, and does not block its caller for
/// ever.
#[tokio::test(start_paused = true)]
async fn an_engine_that_hangs_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let held = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    let mut options = Options::new("me", "127.0.0.1:1", Recorder::new());
    options.choice = Choice::Podman;
    options.host = Some(format!("unix://{}", path.display()));
    let began = Instant::now();
    let engine = Docker::connect(options).await.expect("options").expect("an engine");
    let said = engine.nodes(None).await;
    assert!(matches!(said, Err(EngineError::Away(_))), "{said:?}");
    assert!(began.elapsed() < Duration::from_secs(20));
    held.abort();
}
