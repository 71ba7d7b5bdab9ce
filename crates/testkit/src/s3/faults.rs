//! A proxy in front of an S3 server. On request it makes the faults that networks and servers make at the worst
//! time.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::ETAG;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep};
use tokio_rustls::TlsAcceptor;

/// The fate of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No fault.
    None,
    /// The request is delayed for this long, and then passes.
    Delay(Duration),
    /// The server never sees the request. The answer is an error with this status and code.
    Refuse(u16, &'static str),
    /// The server never sees the request. The answer is 200, with white space and then an error in its body.
    ErrorIn200(&'static str),
    /// The server never sees the request. The answer is 200 with this text.
    Answer(&'static str),
    /// The server executes the request, and the connection closes in place of the answer.
    SwallowAnswer,
    /// The server gets this many bytes of the body, and then both connections close.
    CutRequest(usize),
    /// Only this many bytes of the answer's body come, and then the connection closes.
    CutAnswer(usize),
    /// This many bytes of the answer's body come. Then nothing comes, and the connection stays open.
    StallAnswer(usize),
    /// The server executes the request; the answer has another entity tag.
    OtherEtag,
    /// The server never sees the request, and there is no answer.
    Freeze,
}

/// A request, as it is seen on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// S3's name of the call.
    pub call: &'static str,
    /// The path.
    pub path: String,
    /// The value of `Range`.
    pub range: Option<String>,
    /// How many calls of this name came before this one.
    pub before: usize,
}

type Decide = dyn Fn(&Seen) -> Fault + Send + Sync;
type Answer = Response<BoxBody<Bytes, io::Error>>;
type Upstream = Client<HttpConnector, Passing>;

/// A proxy on its own port. Ends when dropped.
pub struct FaultProxy {
    address: SocketAddr,
    world: Arc<World>,
    stop: Option<oneshot::Sender<()>>,
}

struct World {
    upstream: String,
    client: Upstream,
    decide: Mutex<Arc<Decide>>,
    seen: Mutex<Vec<Seen>>,
}

impl FaultProxy {
    /// A proxy in front of `host:port`. It makes no faults yet.
    pub fn before(upstream: &str) -> Self {
        Self::listening(upstream, None)
    }

    /// A proxy in front of `host:port` that speaks TLS, with a certificate and its key in PEM.
    pub fn with_tls(upstream: &str, certificate: &str, key: &str) -> Self {
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate");
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config =
            rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.expect("TLS").with_no_client_auth().with_single_cert(vec![certificate], key);
        Self::listening(upstream, Some(TlsAcceptor::from(Arc::new(config.expect("a pair")))))
    }

    fn listening(upstream: &str, tls: Option<TlsAcceptor>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("an address");
        let world = Arc::new(World {
            upstream: upstream.to_owned(),
            client: Client::builder(TokioExecutor::new()).build(HttpConnector::new()),
            decide: Mutex::new(Arc::new(|_: &Seen| Fault::None)),
            seen: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&world);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
            let runtime = runtime.expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("a socket");
                tokio::select! {
                    () = serve(listener, tls, serving) => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        });
        Self { address, world, stop: Some(stop) }
    }

    /// Its URL.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Decides from now on about the fate of each request.
    pub fn decide(&self, decide: impl Fn(&Seen) -> Fault + Send + Sync + 'static) {
        *self.world.decide.lock().expect("the decision") = Arc::new(decide);
        self.world.seen.lock().expect("the requests").clear();
    }

    /// Makes no more faults.
    pub fn mend(&self) {
        self.decide(|_| Fault::None);
    }

    /// The requests since the last decision.
    pub fn seen(&self) -> Vec<Seen> {
        self.world.seen.lock().expect("the requests").clone()
    }

    /// How many of the requests were calls with this name.
    pub fn count(&self, call: &str) -> usize {
        self.seen().iter().filter(|seen| seen.call == call).count()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        drop(self.stop.take());
    }
}

async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, world: Arc<World>) {
    while let Ok((socket, _)) = listener.accept().await {
        let _ = socket.set_nodelay(true);
        let (world, tls) = (Arc::clone(&world), tls.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&world), request));
            // If the service fails, hyper closes the connection. Some faults need that.
            match tls {
                None => drop(http1::Builder::new().serve_connection(TokioIo::new(socket), service).await),
                Some(tls) => {
                    let Ok(socket) = tls.accept(socket).await else { return };
                    drop(http1::Builder::new().serve_connection(TokioIo::new(socket), service).await);
                }
            }
        });
    }
}

async fn answer(world: Arc<World>, request: Request<Incoming>) -> Result<Answer, io::Error> {
    let fault = {
        let mut all = world.seen.lock().expect("the requests");
        let call = call_of(&request);
        let before = all.iter().filter(|seen| seen.call == call).count();
        let range = request.headers().get("range").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let seen = Seen { call, path: request.uri().path().to_owned(), range, before };
        all.push(seen.clone());
        let decide = Arc::clone(&world.decide.lock().expect("the decision"));
        decide(&seen)
    };
    match fault {
        Fault::None => forward(&world, request, usize::MAX).await,
        Fault::Delay(time) => {
            tokio::time::sleep(time).await;
            forward(&world, request, usize::MAX).await
        }
        Fault::Refuse(status, code) => {
            // The request is read to its end. Otherwise its sender would see a reset in place of the answer.
            let _ = request.into_body().collect().await;
            Ok(said(status, &error(code)))
        }
        Fault::ErrorIn200(code) => {
            let _ = request.into_body().collect().await;
            Ok(said(200, &format!("   \n  {}", error(code))))
        }
        Fault::Answer(text) => {
            let _ = request.into_body().collect().await;
            Ok(said(200, text))
        }
        Fault::SwallowAnswer => {
            let answer = forward(&world, request, usize::MAX).await?;
            let _ = answer.into_body().collect().await;
            Err(closed())
        }
        Fault::CutRequest(bytes) => forward(&world, request, bytes).await,
        Fault::CutAnswer(bytes) => Ok(cut(forward(&world, request, usize::MAX).await?, bytes, End::Closes)),
        Fault::StallAnswer(bytes) => Ok(cut(forward(&world, request, usize::MAX).await?, bytes, End::Stalls)),
        Fault::OtherEtag => {
            let mut answer = forward(&world, request, usize::MAX).await?;
            if answer.headers().contains_key(ETAG) {
                answer
                    .headers_mut()
                    .insert(ETAG, "\"00000000000000000000000000000000\"".parse().expect("a tag"));
            }
            Ok(answer)
        }
        Fault::Freeze => std::future::pending().await,
    }
}

/// S3's name of a request.
fn call_of(request: &Request<Incoming>) -> &'static str {
    let query = request.uri().query().unwrap_or_default();
    let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    match request.method().as_str() {
        "PUT" if has("partNumber") => "UploadPart",
        "PUT" => "PutObject",
        "POST" if has("uploads") => "CreateMultipartUpload",
        "POST" if has("uploadId") => "CompleteMultipartUpload",
        "POST" if has("delete") => "DeleteObjects",
        "DELETE" if has("uploadId") => "AbortMultipartUpload",
        "DELETE" => "DeleteObject",
        "HEAD" => "HeadObject",
        "GET" if has("list-type") => "ListObjectsV2",
        "GET" if has("uploads") => "ListMultipartUploads",
        "GET" if has("uploadId") => "ListParts",
        "GET" => "GetObject",
        _ => "other",
    }
}

async fn forward(world: &World, request: Request<Incoming>, bytes: usize) -> Result<Answer, io::Error> {
    let (mut head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = format!("http://{}{path}", world.upstream).parse().map_err(io::Error::other)?;
    let body = Passing::new(body.map_err(io::Error::other).boxed(), bytes, End::Closes);
    // The host stays as it was signed.
    let answer = world.client.request(Request::from_parts(head, body)).await.map_err(io::Error::other)?;
    Ok(answer.map(|body| body.map_err(io::Error::other).boxed()))
}

fn cut(answer: Answer, bytes: usize, end: End) -> Answer {
    answer.map(|body| Passing::new(body, bytes, end).boxed())
}

fn said(status: u16, text: &str) -> Answer {
    let body = Full::new(Bytes::from(text.to_owned())).map_err(|never: Infallible| match never {});
    Response::builder().status(status).body(body.boxed()).expect("an answer")
}

fn error(code: &str) -> String {
    format!("<Error><Code>{code}</Code><Message>made by a test</Message></Error>")
}

fn closed() -> io::Error {
    io::Error::other("closed by a test")
}

/// The time between the last bytes and the closing of a connection.
const ON_ITS_WAY: Duration = Duration::from_millis(20);

#[derive(Clone, Copy)]
enum End {
    Closes,
    Stalls,
}

/// A body that may be cut off or stalled.
struct Passing {
    body: BoxBody<Bytes, io::Error>,
    left: usize,
    end: End,
    /// Waits until the earlier bytes are on their way.
    sent: Pin<Box<Sleep>>,
}

impl Passing {
    fn new(body: BoxBody<Bytes, io::Error>, left: usize, end: End) -> Self {
        Self { body, left, end, sent: Box::pin(tokio::time::sleep(ON_ITS_WAY)) }
    }
}

impl Body for Passing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left == 0 {
            return match self.end {
                End::Closes => {
                    std::task::ready!(self.sent.as_mut().poll(context));
                    Poll::Ready(Some(Err(closed())))
                }
                End::Stalls => Poll::Pending,
            };
        }
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(context));
        Poll::Ready(match frame {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(mut bytes) => {
                    bytes.truncate(self.left);
                    self.left -= bytes.len();
                    if self.left == 0 {
                        self.sent.as_mut().reset(Instant::now() + ON_ITS_WAY);
                    }
                    Some(Ok(Frame::data(bytes)))
                }
                Err(frame) => Some(Ok(frame)),
            },
            other => other,
        })
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}
