//! Buckets on servers of other projects. All tests of this program share one server of each kind. Each test has
//! its own prefix.

use std::sync::{Arc, OnceLock};

use crate::backends::ScratchBlobs;
use async_trait::async_trait;
use gangplank_s3::credentials::{Keys, Source};
use gangplank_s3::probe::{self, Abilities};
use gangplank_s3::{Client, Endpoint, Location};
use gangplank_store::blobs::BlobStore;
use gangplank_store::blobs::s3::{S3, Settings};
use gangplank_testkit::s3::{BUCKET, Program, S3Server};

/// The least size of a part that S3 allows.
pub(crate) const PART: usize = 5 << 20;

/// A blob store with its own prefix.
pub(crate) struct ScratchBucket {
    pub(crate) store: S3,
    pub(crate) location: Location,
    pub(crate) server: &'static S3Server,
    client: Client,
}

pub(crate) fn versitygw() -> Option<ScratchBucket> {
    server(Program::Versitygw).map(|server| bucket(server, None))
}

pub(crate) fn seaweedfs() -> Option<ScratchBucket> {
    server(Program::SeaweedFs).map(|server| bucket(server, None))
}

/// A running server; `None` if it is not installed, and the test is reported as skipped.
pub(crate) fn server(program: Program) -> Option<&'static S3Server> {
    static SERVERS: [OnceLock<Option<S3Server>>; 2] = [const { OnceLock::new() }; 2];
    let server = SERVERS[program as usize].get_or_init(|| S3Server::start(program)).as_ref();
    if server.is_none() {
        gangplank_testkit::skip(&format!("{} is not installed", program.name()));
    }
    server
}

/// A store on a server, at the address of the server or at another one, such as the address of a proxy.
pub(crate) fn bucket(server: &'static S3Server, endpoint: Option<&str>) -> ScratchBucket {
    bucket_at(server, endpoint, location())
}

/// A prefix that no other test uses.
pub(crate) fn location() -> Location {
    format!("s3://{BUCKET}/{}", uuid::Uuid::now_v7().simple()).parse().unwrap()
}

pub(crate) fn bucket_at(
    server: &'static S3Server,
    endpoint: Option<&str>,
    location: Location,
) -> ScratchBucket {
    let direct = client(server, &server.endpoint());
    let client = endpoint.map_or_else(|| direct.clone(), |endpoint| client(server, endpoint));
    let store = S3::open(Settings {
        client: client.clone(),
        location: location.clone(),
        abilities: abilities(server, &direct),
        scratch: std::env::temp_dir(),
        database: None,
        reserve: 0,
        part: PART as u64,
    });
    ScratchBucket { store: store.unwrap(), location, server, client }
}

/// The abilities of a server, found out once.
fn abilities(server: &S3Server, client: &Client) -> Abilities {
    static FOUND: [OnceLock<Abilities>; 2] = [const { OnceLock::new() }; 2];
    *FOUND[server.program() as usize].get_or_init(|| {
        let client = client.clone();
        let probing = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let location: Location = format!("s3://{BUCKET}/probed").parse().unwrap();
            runtime.block_on(probe::probe(&client, &location))
        });
        let report = probing.join().unwrap();
        assert!(report.is_usable(), "{report:?}");
        report.abilities
    })
}

fn client(server: &S3Server, endpoint: &str) -> Client {
    Client::new(settings(server, endpoint)).unwrap()
}

pub(crate) fn settings(server: &S3Server, endpoint: &str) -> gangplank_s3::Settings {
    let (id, secret) = server.keys();
    gangplank_s3::Settings {
        bucket: BUCKET.to_owned(),
        endpoint: Some(Endpoint::parse(endpoint).unwrap()),
        region: "us-east-1".to_owned(),
        style: None,
        ca_file: None,
        credentials: vec![Arc::new(Fixed(id, secret))],
    }
}

impl ScratchBlobs for ScratchBucket {
    fn blobs(&self) -> &dyn BlobStore {
        &self.store
    }

    fn part(&self) -> usize {
        PART
    }
}

impl ScratchBucket {
    /// This store, opened as by another process.
    pub(crate) fn again(&self) -> ScratchBucket {
        bucket_at(self.server, Some(&self.client.endpoint().url()), self.location.clone())
    }

    /// The names of all objects of the store.
    pub(crate) fn objects(&self) -> Vec<String> {
        let keys = self.server.keys_under(&self.location.key(""));
        keys.iter().filter_map(|key| self.location.name(key)).map(str::to_owned).collect()
    }

    /// The names of all keys with an open upload.
    pub(crate) fn uploads(&self) -> Vec<String> {
        let keys = self.server.open_uploads();
        keys.iter().filter_map(|key| self.location.name(key)).map(str::to_owned).collect()
    }
}

struct Fixed(&'static str, &'static str);

#[async_trait]
impl Source for Fixed {
    fn name(&self) -> &'static str {
        "the test"
    }

    async fn fetch(&self) -> Result<Option<Keys>, String> {
        Ok(Some(Keys {
            access_key_id: self.0.to_owned(),
            secret_access_key: self.1.to_owned(),
            session_token: None,
            expires: None,
        }))
    }
}
