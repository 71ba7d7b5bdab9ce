//! `gangplank ping`: asks whether a server can take requests. Health checks of containers run it.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use gangplank_server::local_endpoint;
use reqwest::{Response, Url};

use crate::aws::api_client::{self, ClientOptions};
use crate::aws::call_failure::{Cause, Unreachable, wants_tls};
use crate::aws::settings::Settings;
use crate::http::answers;
use crate::serving::options::{DEFAULT_LISTEN, listen_address};
use crate::terminal::foreign;
use crate::terminal::output::{error, say};

/// The longest time for the whole command.
const PATIENCE: Duration = Duration::from_millis(4_500);
/// The path that is asked for.
const READY: &str = "/readyz";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address of the server, or of its admin listener [default: that of `GANGPLANK_LISTEN`, or port 5000 of this
    /// machine]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The address that the server of this machine listens on
    #[arg(long, env = "GANGPLANK_LISTEN", value_name = "ADDR", value_parser = listen_address, hide = true)]
    listen: Option<SocketAddr>,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let asked = match &args.url {
        Some(url) => Asked::by_url(url)?,
        None => Asked::here(args.listen)?,
    };
    let name = asked.url.clone();
    let Ok(answered) = tokio::time::timeout(PATIENCE, asked.answer()).await else {
        error(format_args!("{name} did not answer within {} s", PATIENCE.as_secs_f32()));
        // The look-up of a name may block a thread for longer than the timeout, and the runtime would wait for the
        // thread.
        std::process::exit(1);
    };
    say(format_args!("{} is ready", answered?));
    Ok(ExitCode::SUCCESS)
}

/// The server that is asked, and how it is recognised.
struct Asked {
    url: Url,
    options: ClientOptions,
    /// Whether the server may speak TLS although no option says so.
    may_speak_tls: bool,
}

impl Asked {
    fn by_url(text: &str) -> Result<Self> {
        let mut url = api_client::address(text)?;
        if url.path() == "/" {
            url.set_path(READY);
        }
        // A health check needs no profile, so none is read.
        let options =
            ClientOptions { ca_bundle: Settings::of_environment().ca_bundle(), ..ClientOptions::default() };
        Ok(Self { url, options, may_speak_tls: false })
    }

    fn here(listen: Option<SocketAddr>) -> Result<Self> {
        let listen = listen.map_or_else(|| DEFAULT_LISTEN.parse().context("the default address"), Ok)?;
        if listen.port() == 0 {
            bail!(
                "GANGPLANK_LISTEN has the port 0, which stands for any; name the server's address with --url"
            );
        }
        let mut url = api_client::address(&local_endpoint("http", listen))?;
        url.set_path(READY);
        Ok(Self {
            url,
            options: ClientOptions { verify: false, ..ClientOptions::default() },
            may_speak_tls: true,
        })
    }

    /// Asks the server. Returns the address that answered.
    async fn answer(mut self) -> Result<Url> {
        let answer = self.get().await?;
        let status = answer.status().as_u16();
        if answer.status().is_success() {
            return Ok(self.url);
        }
        let body = answers::of_error(answer).await;
        if self.url.scheme() == "http" && wants_tls(status, &body) {
            if !self.may_speak_tls {
                bail!("cannot ask {}: what answers there speaks TLS; try https://", self.url);
            }
            self.may_speak_tls = false;
            self.url.set_scheme("https").map_err(|()| anyhow!("{} cannot be asked by TLS", self.url))?;
            return Box::pin(self.answer()).await;
        }
        let words = foreign::words(String::from_utf8_lossy(&body).trim());
        bail!("{} is not ready: it answered {status}, {words}", self.url)
    }

    async fn get(&self) -> Result<Response> {
        let client = api_client::configured(&self.url, &self.options)?.build()?;
        let hint = Some("no server seems to listen there");
        let failed = |cause| Unreachable::new(&self.url, Cause::Request(cause), hint).into();
        client.get(self.url.clone()).send().await.map_err(failed)
    }
}
