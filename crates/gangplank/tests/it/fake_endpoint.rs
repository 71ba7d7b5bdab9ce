//! An endpoint on a loopback port that gives one answer to every request, and notes the requests.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde::Deserialize;

/// What the endpoint answers.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Response {
    /// The HTTP status.
    pub(crate) status: u16,
    /// Headers beside the length.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: String,
}

/// What the endpoint has seen of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) target: Option<String>,
    /// The access key and the scope without its date: `AKID/us-west-2/lightsail/aws4_request`.
    pub(crate) scope: Option<String>,
    pub(crate) invocation: Option<String>,
    pub(crate) body: String,
}

/// The endpoint. Its thread ends with the test process; the port is its own.
pub(crate) struct FakeEndpoint {
    /// Host and port.
    pub(crate) address: String,
    answer: Arc<Mutex<Option<Response>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl FakeEndpoint {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let endpoint = Self { address, answer: Arc::default(), seen: Arc::default() };
        let (answer, seen) = (Arc::clone(&endpoint.answer), Arc::clone(&endpoint.seen));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that goes away in the middle is that client's affair.
                let _ = serve(stream, &answer, &seen);
            }
        });
        endpoint
    }

    /// Sets the answer; without one, it is a fault of the server.
    pub(crate) fn answer_with(&self, response: Option<Response>) {
        *self.answer.lock().unwrap() = response;
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(
    stream: TcpStream,
    answer: &Mutex<Option<Response>>,
    seen: &Mutex<Vec<Seen>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut request = Seen { path: line.split(' ').nth(1).unwrap_or_default().to_owned(), ..Seen::default() };
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap_or_default(),
            "x-amz-target" => request.target = Some(value.to_owned()),
            "amz-sdk-invocation-id" => request.invocation = Some(value.to_owned()),
            "authorization" => request.scope = scope(value),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    request.body = String::from_utf8_lossy(&body).into_owned();
    seen.lock().unwrap().push(request);
    let fault =
        || Response { status: 500, headers: Vec::new(), body: r#"{"__type":"ServiceException"}"#.to_owned() };
    let response = answer.lock().unwrap().clone().unwrap_or_else(fault);
    let mut head = format!("HTTP/1.1 {} Recorded\r\nConnection: close\r\n", response.status);
    for (name, value) in &response.headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    let length = response.body.len();
    let mut stream = stream;
    stream.write_all(format!("{head}Content-Length: {length}\r\n\r\n{}", response.body).as_bytes())
}

fn scope(authorization: &str) -> Option<String> {
    let credential = authorization.split_once("Credential=")?.1.split(',').next()?;
    let (key, scope) = credential.split_once('/')?;
    let (_, rest) = scope.split_once('/')?;
    Some(format!("{key}/{rest}"))
}
