//! Relays in front of the servers that replicas share. Each answer arrives late, as over a network.

use std::io;
use std::net::{SocketAddr, TcpListener as Listener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

/// How many pieces of answers can be on their way in a connection.
const ON_THE_WAY: usize = 256;

/// A relay on its own port, and in its own thread. Ends when dropped.
pub(super) struct Relay {
    port: u16,
    /// In milliseconds.
    delay: Arc<AtomicU64>,
    _stop: oneshot::Sender<()>,
}

impl Relay {
    /// A relay in front of a port on 127.0.0.1. Nothing is late yet.
    pub(super) fn before(port: u16) -> Result<Self> {
        let listener = Listener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let here = listener.local_addr()?.port();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let delay = Arc::new(AtomicU64::new(0));
        let late = Arc::clone(&delay);
        let (stop, stopped) = oneshot::channel();
        std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = serve(listener, SocketAddr::from(([127, 0, 0, 1], port)), late) => {}
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { port: here, delay, _stop: stop })
    }

    /// Delays everything that the server sends from now on by that many milliseconds.
    pub(super) fn delay(&self, milliseconds: u64) {
        self.delay.store(milliseconds, Ordering::Relaxed);
    }

    /// The port on 127.0.0.1.
    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

async fn serve(listener: Listener, server: SocketAddr, delay: Arc<AtomicU64>) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (client, _) = listener.accept().await?;
        let delay = Arc::clone(&delay);
        tokio::spawn(async move { drop(carry(client, server, &delay).await) });
    }
}

/// Carries a connection until one side ends it.
async fn carry(client: TcpStream, server: SocketAddr, delay: &AtomicU64) -> io::Result<()> {
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (late, mut due) = mpsc::channel::<(Instant, Vec<u8>)>(ON_THE_WAY);
    let requests = async { tokio::io::copy(&mut from_client, &mut to_server).await.map(drop) };
    let answers = async move {
        loop {
            let mut piece = Vec::with_capacity(16 << 10);
            let is_over = from_server.read_buf(&mut piece).await? == 0;
            let delay = Duration::from_millis(delay.load(Ordering::Relaxed));
            if is_over || late.send((Instant::now() + delay, piece)).await.is_err() {
                return Ok::<_, io::Error>(());
            }
        }
    };
    let deliver = async {
        while let Some((time, piece)) = due.recv().await {
            // A timer takes a millisecond at least.
            if time > Instant::now() {
                sleep_until(time).await;
            }
            to_client.write_all(&piece).await?;
        }
        Ok::<_, io::Error>(())
    };
    let answered = async { tokio::try_join!(answers, deliver).map(drop) };
    tokio::select! {
        ended = requests => ended,
        ended = answered => ended,
    }
}
