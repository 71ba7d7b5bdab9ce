//! The endpoint at which GitHub's runner gives tokens to its job.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::json;

/// The bearer token that a job shows to get an identity token.
const BEARER: &str = "runner-token";

/// A server on loopback that makes a token for the requested audience. Its thread ends with the test process.
#[derive(Debug)]
pub struct TokenEndpoint {
    url: String,
    audiences: Arc<Mutex<Vec<String>>>,
}

impl TokenEndpoint {
    /// Starts an endpoint. `make` makes a token for an audience.
    pub fn start(make: impl Fn(&str) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/token?api-version=2.0", listener.local_addr().expect("an address"));
        let audiences = Arc::<Mutex<Vec<_>>>::default();
        let asked = Arc::clone(&audiences);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that disconnects gets no token.
                let _ = answer(stream, &make, &asked);
            }
        });
        Self { url, audiences }
    }

    /// The environment of a job.
    pub fn environment(&self) -> [(&'static str, String); 3] {
        [
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("ACTIONS_ID_TOKEN_REQUEST_URL", self.url.clone()),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", BEARER.to_owned()),
        ]
    }

    /// The audiences that were requested so far.
    pub fn audiences(&self) -> Vec<String> {
        self.audiences.lock().expect("the audiences").clone()
    }
}

fn answer(
    mut stream: TcpStream,
    make: &impl Fn(&str) -> String,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut is_allowed = false;
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        is_allowed |= line.to_ascii_lowercase() == format!("authorization: bearer {BEARER}");
    }
    let query =
        request.split(' ').nth(1).and_then(|path| path.split_once('?')).map_or("", |(_, query)| query);
    let audience = query.split('&').find_map(|pair| pair.strip_prefix("audience="));
    let (status, body) = match audience {
        Some(audience) if is_allowed => {
            let audience = decoded(audience);
            let token = make(&audience);
            asked.lock().expect("the audiences").push(audience);
            ("200 OK", json!({ "count": 1, "value": token }))
        }
        _ => ("401 Unauthorized", json!({ "message": "no" })),
    };
    let body = body.to_string();
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// Decodes a value of a query.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(code, 16).expect("a byte"));
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8(bytes).expect("text")
}
