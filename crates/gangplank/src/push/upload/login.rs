//! The login of a push. It is replaced when it ends.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use futures_util::future::BoxFuture;
use gangplank_api::Secret;
use tokio::sync::Mutex;

/// A registry login.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    /// The user name.
    pub(crate) username: String,
    /// The password.
    pub(crate) password: Secret,
    /// The registry to push to: `host[:port][/path]`.
    pub(crate) registry: String,
}

/// Makes a login.
pub(crate) type LoginProvider = Box<dyn Fn() -> BoxFuture<'static, Result<Login>> + Send + Sync>;

/// The current login.
pub(crate) struct Logins {
    provider: LoginProvider,
    current: Mutex<(u64, Login)>,
    /// One more than the number of the last login that the registry accepted.
    taken: AtomicU64,
}

impl Logins {
    pub(crate) fn new(provider: LoginProvider, first: Login) -> Self {
        Self { provider, current: Mutex::new((0, first)), taken: AtomicU64::new(0) }
    }

    /// The current login and its number.
    pub(crate) async fn current(&self) -> (u64, Login) {
        self.current.lock().await.clone()
    }

    /// Records that the registry accepted a login.
    pub(crate) fn note_taken(&self, which: u64) {
        self.taken.fetch_max(which + 1, Ordering::Relaxed);
    }

    /// Whether the registry ever accepted a login. If not, the login did not expire, and another one would be refused
    /// too.
    pub(crate) fn was_taken(&self, which: u64) -> bool {
        self.taken.load(Ordering::Relaxed) > which
    }

    /// Makes a new login, unless another task has already replaced the one with number `ended`.
    pub(crate) async fn renew(&self, ended: u64) -> Result<()> {
        let mut current = self.current.lock().await;
        if current.0 == ended {
            *current = (ended + 1, (self.provider)().await?);
        }
        Ok(())
    }
}
