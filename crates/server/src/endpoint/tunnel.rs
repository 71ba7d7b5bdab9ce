//! A connection that a node has taken over, for WebSocket or another protocol.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

/// How long one end may continue after the other has closed its sending half.
const HALF_OPEN: Duration = Duration::from_mins(1);

/// The protocol that follows HTTP on a connection. Most connections have none.
#[derive(Clone, Default)]
pub(crate) struct Tunnel(Arc<Shared>);

#[derive(Default)]
struct Shared {
    is_open: AtomicBool,
    then: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
}

impl Tunnel {
    /// Whether a node has taken the connection over, or is about to.
    pub(crate) fn is_open(&self) -> bool {
        self.0.is_open.load(Ordering::Acquire)
    }

    /// Connects a client and a node once HTTP has ended between them. `held` is dropped when the connection
    /// ends.
    pub(super) fn open(&self, client: OnUpgrade, node: OnUpgrade, held: impl Send + 'static) {
        self.0.is_open.store(true, Ordering::Release);
        let then = async move {
            let _held = held;
            // An error concerns only the two ends.
            if let Ok((client, node)) = tokio::try_join!(client, node) {
                let _ = join(TokioIo::new(client), TokioIo::new(node)).await;
            }
        };
        *self.0.then.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::pin(then));
    }

    /// Copies bytes in both directions until the connection ends. This runs in the task of the connection, so
    /// it ends with that task.
    pub(crate) async fn run(self) {
        let then = self.0.then.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(then) = then {
            then.await;
        }
    }
}

async fn join<C, N>(client: C, node: N) -> io::Result<()>
where
    C: AsyncRead + AsyncWrite,
    N: AsyncRead + AsyncWrite,
{
    let (from_client, to_client) = tokio::io::split(client);
    let (from_node, to_node) = tokio::io::split(node);
    let mut up = std::pin::pin!(carry(from_client, to_node));
    let mut down = std::pin::pin!(carry(from_node, to_client));
    tokio::select! {
        done = &mut up => {
            done?;
            tokio::time::timeout(HALF_OPEN, down).await?
        }
        done = &mut down => {
            done?;
            tokio::time::timeout(HALF_OPEN, up).await?
        }
    }
}

async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) -> io::Result<()> {
    tokio::io::copy(&mut from, &mut to).await?;
    to.shutdown().await
}
