//! The client of one bucket: sends calls, repeats them after failures, and reads the answers.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::HeaderMap;
use hyper::body::Incoming;
use hyper::header::DATE;
use tokio::time::Instant;

use crate::connector::{self, Http, Unusable};
use crate::credentials::{Kept, Source};
use crate::deadlines::{Deadlines, Progress};
use crate::endpoint::{Endpoint, Style};
use crate::error::{Error, Refusal, Result};
use crate::pressure::{Outcome, Pressure, Rests, Turn};
use crate::request::Call;
use crate::statistics::Statistics;
use crate::tries::{self, Try};
use crate::{clock, xml};

/// The most bytes of an answer that is read into memory. A page of a listing is smaller.
const LARGEST: usize = 8 << 20;

/// The settings of a client.
#[derive(Clone)]
pub struct Settings {
    /// The bucket's name.
    pub bucket: String,
    /// The server of the bucket. `None` means Amazon's server in the region.
    pub endpoint: Option<Endpoint>,
    /// The region that requests are signed for.
    pub region: String,
    /// How requests name the bucket. If `None`, in the path for an endpoint, and in the host for Amazon.
    pub style: Option<Style>,
    /// A PEM file of certificates to trust, in place of the certificates of the system.
    pub ca_file: Option<PathBuf>,
    /// The sources of access keys. The first that has a key is used.
    pub credentials: Vec<Arc<dyn Source>>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bucket, endpoint, region, style, ca_file, .. } = self;
        f.debug_struct("Settings")
            .field("bucket", bucket)
            .field("endpoint", endpoint)
            .field("region", region)
            .field("style", style)
            .field("ca_file", ca_file)
            .finish_non_exhaustive()
    }
}

/// A client of one bucket. Its clones share connections.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

pub(crate) struct Inner {
    http: Http,
    pub(crate) bucket: String,
    pub(crate) endpoint: Endpoint,
    style: Style,
    pub(crate) region: String,
    pub(crate) credentials: Kept,
    pressure: Pressure,
    deadlines: Deadlines,
    statistics: Arc<Statistics>,
    /// How many seconds the server's clock is ahead of ours. The value is zero until the server has refused a
    /// request for its time.
    pub(crate) ahead: AtomicI64,
}

/// A successful answer, whose body is not read yet.
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Incoming,
}

/// An answer with its whole body.
pub(crate) struct Whole {
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Client {
    /// Makes a client and reads the certificates. It does not connect yet.
    ///
    /// # Errors
    /// If the certificates cannot be used.
    pub fn new(settings: Settings) -> std::result::Result<Self, Unusable> {
        Self::with_deadlines(settings, Deadlines::default())
    }

    /// Makes a client as [`new`](Self::new) does, with other limits for the server's silence.
    ///
    /// # Errors
    /// If the certificates cannot be used.
    pub fn with_deadlines(settings: Settings, deadlines: Deadlines) -> std::result::Result<Self, Unusable> {
        let Settings { bucket, endpoint, region, style, ca_file, credentials } = settings;
        let plain_style = if endpoint.is_some() { Style::Path } else { Style::VirtualHost };
        let endpoint = endpoint.unwrap_or_else(|| Endpoint::of_amazon(&region));
        let style = match style.unwrap_or(plain_style) {
            Style::VirtualHost if !endpoint.takes_bucket(&bucket) => Style::Path,
            style => style,
        };
        Ok(Self(Arc::new(Inner {
            http: connector::connect_with(ca_file.as_deref())?,
            bucket,
            endpoint,
            style,
            region,
            credentials: Kept::new(credentials),
            pressure: Pressure::default(),
            deadlines,
            statistics: Arc::default(),
            ahead: AtomicI64::new(0),
        })))
    }

    /// The address of the server.
    pub fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    /// How requests name the bucket.
    pub fn style(&self) -> Style {
        self.0.style
    }

    /// The figures of the calls of this client and its clones.
    pub fn statistics(&self) -> Arc<Statistics> {
        Arc::clone(&self.0.statistics)
    }

    /// The source of the access key in use, such as `the environment`; `None` before the first request.
    pub fn credentials_from(&self) -> Option<&'static str> {
        self.0.credentials.from()
    }

    /// Sends a call, and sends it again after a failure that may pass. `read` gets the answer with its body
    /// unread. If it finds that the answer is not one of S3, the call has failed too.
    pub(crate) async fn head_of<T>(&self, call: &Call, read: impl Fn(Answer) -> Result<T>) -> Result<T> {
        let read = &read;
        self.tried(call, |client, attempt| async move { read(client.0.once(call, attempt).await?) }).await
    }

    /// Sends a call, and sends it again after a failure that may pass. Returns the answer with its whole body.
    pub(crate) async fn whole(&self, call: &Call) -> Result<Whole> {
        self.tried(call, |client, attempt| async move {
            let answer = client.0.once(call, attempt).await?;
            client.0.read_whole(call, answer, attempt).await
        })
        .await
    }

    /// Sends a call whose answer has no body, and sends it again after a failure that may pass. `read` gets the
    /// headers. An answer with a body is refused: it may be the page of a load balancer, which has status 200,
    /// too.
    pub(crate) async fn acknowledged<T>(
        &self,
        call: &Call,
        read: impl Fn(&HeaderMap) -> Result<T>,
    ) -> Result<T> {
        let read = &read;
        self.tried(call, |client, attempt| async move {
            let answer = client.0.once(call, attempt).await?;
            let Whole { headers, text } = client.0.read_whole(call, answer, attempt).await?;
            if !text.trim().is_empty() {
                return Err(Error::NotS3 { call: call.name, why: "it has a text".to_owned() });
            }
            read(&headers)
        })
        .await
    }

    async fn tried<T, F: Future<Output = Result<T>>>(
        &self,
        call: &Call,
        once: impl Fn(Self, Try) -> F,
    ) -> Result<T> {
        let until = Instant::now() + self.0.deadlines.head + call.longer;
        let (mut failed, mut is_mended) = (0, false);
        loop {
            let counted = self.0.statistics.begin(call.name);
            let outcome = once(self.clone(), Try { until, is_first: failed == 0 }).await;
            counted.ends(&outcome);
            let error = match outcome {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            failed += 1;
            // If the server refused the call because of our clock or key, the call took no effect. So it does not
            // count as a try.
            if !is_mended && self.0.mended(&error).await {
                is_mended = true;
                continue;
            }
            let pause = tries::pause(failed);
            if !error.may_pass() || failed >= call.tries || Instant::now() + pause > until {
                return Err(error);
            }
            tracing::debug!(%error, failed, "repeats a call to the S3 server");
            tokio::time::sleep(pause).await;
        }
    }
}

impl Inner {
    async fn once(&self, call: &Call, attempt: Try) -> Result<Answer> {
        let turn = tokio::time::timeout(attempt.patience(), self.turn()).await;
        let turn = turn.unwrap_or_else(|_| Err(Error::Crowded { server: self.endpoint.url() }))?;
        let outcome = self.exchange(call, attempt).await;
        turn.end(match &outcome {
            Err(Error::NoAnswer { .. }) => Outcome::NoAnswer,
            Err(Error::Refused(refusal)) if refusal.is_slow_down() => Outcome::SlowDown,
            _ => Outcome::Answered,
        });
        outcome
    }

    async fn turn(&self) -> Result<Turn<'_>> {
        // While the server is not called, wait once until the end of that pause.
        for is_last in [false, true] {
            match self.pressure.turn().await {
                Ok(turn) => return Ok(turn),
                Err(Rests(until)) if !is_last => tokio::time::sleep_until(until + tries::pause(0)).await,
                Err(Rests(_)) => break,
            }
        }
        Err(Error::Resting { server: self.endpoint.url() })
    }

    async fn exchange(&self, call: &Call, attempt: Try) -> Result<Answer> {
        let keys = tokio::time::timeout(attempt.patience(), self.credentials.get()).await;
        let keys =
            keys.unwrap_or_else(|_| Err("none came in time".to_owned())).map_err(Error::Credentials)?;
        let now = clock::now() + self.ahead.load(Ordering::Relaxed);
        let target = self.endpoint.target(self.style, &self.bucket, &call.key);
        let progress = Arc::new(Progress::begun());
        let request = call
            .signed(&target, &keys, &self.region, now, &progress)
            .map_err(|error| Error::NotS3 { call: call.name, why: error.to_string() })?;
        let no_answer = |why| Error::NoAnswer { call: call.name, server: self.endpoint.url(), why };
        let left = attempt.patience();
        let is_short = attempt.is_first && call.may_be_doubled();
        let patience = if is_short { left.min(self.deadlines.first) } else { left };
        let answer = tokio::select! {
            answer = self.http.request(request) => answer.map_err(|error| no_answer(connector::causes(&error)))?,
            () = progress.stalled(patience) => {
                return Err(no_answer(format!("it was silent for {} s", patience.as_secs())));
            }
        };
        let (head, body) = answer.into_parts();
        if head.status.is_success() {
            return Ok(Answer { headers: head.headers, body });
        }
        // The code is needed soon, so do not wait long for a body that does not come.
        let said = tokio::time::timeout(attempt.patience(), self.text(call, body, attempt)).await;
        let said = said.ok().and_then(Result::ok).unwrap_or_default();
        Err(refused(call, head.status.as_u16(), &head.headers, &said))
    }

    /// Reads the body of an answer. An error in the body is an error, although the status is 200.
    async fn read_whole(&self, call: &Call, answer: Answer, attempt: Try) -> Result<Whole> {
        let Answer { headers, body } = answer;
        let text = self.text(call, body, attempt).await?;
        match xml::error(&text) {
            Some(_) => Err(refused(call, 200, &headers, &text)),
            None => Ok(Whole { headers, text }),
        }
    }

    async fn text(&self, call: &Call, mut body: Incoming, attempt: Try) -> Result<String> {
        let mut read = BytesMut::new();
        // A server that joins parts may send white space for minutes.
        let limit = |limit: Duration| if call.tries > 1 { limit.min(attempt.patience()) } else { limit };
        while let Some(piece) = self.piece(call.name, &mut body, limit(self.deadlines.piece)).await? {
            if read.len() + piece.len() > LARGEST {
                return Err(Error::NotS3 {
                    call: call.name,
                    why: format!("it has more than {LARGEST} bytes"),
                });
            }
            read.extend_from_slice(&piece);
        }
        String::from_utf8(read.into())
            .map_err(|error| Error::NotS3 { call: call.name, why: error.to_string() })
    }

    /// Reads the next bytes of a body. Fails if none come within `limit`.
    async fn piece(&self, call: &'static str, body: &mut Incoming, limit: Duration) -> Result<Option<Bytes>> {
        let no_answer = |why| Error::NoAnswer { call, server: self.endpoint.url(), why };
        loop {
            let frame = tokio::time::timeout(limit, body.frame()).await;
            let silent = |_| no_answer(format!("its answer stood still for {} s", limit.as_secs()));
            match frame.map_err(silent)? {
                None => return Ok(None),
                Some(Err(error)) => return Err(no_answer(format!("its answer broke off: {error}"))),
                // Skip trailers: no call uses them.
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }

    /// Whether the cause of a refusal has been removed: our clock was wrong, or our credentials had expired.
    async fn mended(&self, error: &Error) -> bool {
        const STALE: [&str; 4] =
            ["ExpiredToken", "ExpiredTokenException", "InvalidToken", "InvalidAccessKeyId"];
        let Some(refusal) = error.refusal() else { return false };
        if refusal.code == "RequestTimeTooSkewed"
            && let Some(date) = refusal.date
        {
            let ahead = date - clock::now();
            let before = self.ahead.swap(ahead, Ordering::Relaxed);
            tracing::warn!(
                seconds = ahead,
                "the clock of the S3 server differs from this machine's; requests follow it"
            );
            return (ahead - before).abs() > 1;
        }
        STALE.contains(&refusal.code.as_str()) && self.credentials.renewed().await
    }
}

impl Client {
    pub(crate) fn deadlines(&self) -> Deadlines {
        self.0.deadlines
    }

    /// Reads the next bytes of a body. Fails if the server sends none within `limit`.
    pub(crate) async fn next_piece(
        &self,
        call: &'static str,
        body: &mut Incoming,
        limit: Duration,
    ) -> Result<Option<Bytes>> {
        self.0.piece(call, body, limit).await
    }
}

fn refused(call: &Call, status: u16, headers: &HeaderMap, said: &str) -> Error {
    let (code, message, mut region) = xml::error(said).unwrap_or_default();
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    region = region.or_else(|| header("x-amz-bucket-region").map(crate::error::plain));
    let is_elsewhere = matches!(status, 301 | 307) || code == "AuthorizationHeaderMalformed";
    Error::Refused(Box::new(Refusal {
        call: call.name,
        status,
        code,
        message,
        date: header(DATE.as_str()).and_then(clock::of_date_header),
        region: region.filter(|_| is_elsewhere),
    }))
}
