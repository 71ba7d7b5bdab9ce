//! S3 servers, one of each kind for all tests, and clients of them.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use gangplank_s3::credentials::{Keys, Source};
use gangplank_s3::{Client, Deadlines, Endpoint, Settings, Style};
use gangplank_testkit::s3::{BUCKET, Program, S3Server};

/// A source that always gives the same key.
pub(crate) struct Fixed(pub(crate) &'static str, pub(crate) &'static str);

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

/// A running server; `None` if its program is missing, after a line that says so.
pub(crate) fn server(program: Program) -> Option<&'static S3Server> {
    static SERVERS: [OnceLock<Option<S3Server>>; 2] = [const { OnceLock::new() }; 2];
    let server = SERVERS[program as usize].get_or_init(|| S3Server::start(program)).as_ref();
    if server.is_none() {
        gangplank_testkit::skip(&format!("{} is not installed", program.name()));
    }
    server
}

/// A client of a server's bucket, at another address if one is given.
pub(crate) fn client(server: &S3Server, endpoint: Option<&str>, style: Style) -> Client {
    impatient(server, endpoint, style, Deadlines::default())
}

/// Such a client with other limits for the server's silence.
pub(crate) fn impatient(
    server: &S3Server,
    endpoint: Option<&str>,
    style: Style,
    deadlines: Deadlines,
) -> Client {
    let endpoint = endpoint.map_or_else(|| server.endpoint(), str::to_owned);
    let (id, secret) = server.keys();
    let settings = Settings {
        bucket: BUCKET.to_owned(),
        endpoint: Some(Endpoint::parse(&endpoint).unwrap()),
        region: "us-east-1".to_owned(),
        style: Some(style),
        ca_file: None,
        credentials: vec![Arc::new(Fixed(id, secret))],
    };
    Client::with_deadlines(settings, deadlines).unwrap()
}

/// A key that no other test has.
pub(crate) fn key(name: &str) -> String {
    format!("{name}/{}", uuid::Uuid::now_v7().simple())
}
