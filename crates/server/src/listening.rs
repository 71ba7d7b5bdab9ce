//! The addresses that a server listens on.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::config::Config;
use crate::http::admin;
use crate::http::listener::{self, Audience, Gate};
use crate::http::silent_peers::ask_for_silent_peers;
use crate::http::waiting::{self, Visitors};

/// The addresses that a server listens on.
pub(crate) struct Listening {
    main: TcpListener,
    services: Option<TcpListener>,
    http: Option<TcpListener>,
    replicas: Option<TcpListener>,
    admin: Option<TcpListener>,
}

/// The addresses that the system assigned to the listeners.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    /// The address of the API, the registry and services.
    pub(crate) main: SocketAddr,
    /// The address that only services answer on.
    pub(crate) services: Option<SocketAddr>,
    /// The address that sends visitors on to `https://`.
    pub(crate) http: Option<SocketAddr>,
    /// The address that other replicas relay requests to.
    pub(crate) replicas: Option<SocketAddr>,
    /// The address of the admin listener.
    pub(crate) admin: Option<SocketAddr>,
}

/// The tasks that serve the listeners.
pub(crate) struct Serving {
    /// The listeners for requests. Each task returns whether all requests finished in time.
    pub(crate) requests: Vec<JoinHandle<bool>>,
    /// The admin listener.
    pub(crate) admin: Option<JoinHandle<()>>,
}

impl Listening {
    /// Binds the configured addresses.
    ///
    /// # Errors
    /// If one of the addresses cannot be used. The error gives advice.
    pub(crate) async fn bind(config: &Config) -> Result<Self> {
        Ok(Self {
            main: bind(config.listen, "--listen").await?,
            services: bind_if_given(config.deployments.endpoint_listen, "--endpoint-listen").await?,
            http: bind_if_given(config.deployments.http_listen, "--http-listen").await?,
            replicas: bind_if_given(config.deployments.replica_listen, "--replica-listen").await?,
            admin: bind_if_given(config.admin_listen, "--admin-listen").await?,
        })
    }

    /// The addresses, with the ports that the system chose.
    ///
    /// # Errors
    /// If the system does not return an address.
    pub(crate) fn addresses(&self) -> Result<Addresses> {
        let of = |listener: &Option<TcpListener>| listener.as_ref().map(TcpListener::local_addr).transpose();
        Ok(Addresses {
            main: self.main.local_addr()?,
            services: of(&self.services)?,
            http: of(&self.http)?,
            replicas: of(&self.replicas)?,
            admin: of(&self.admin)?,
        })
    }

    /// Refuses all requests while the store is out of reach at the start. Stops when the future is dropped.
    pub(crate) async fn refuse(&self, tls: Option<&TlsAcceptor>) {
        tokio::join!(
            refuse_on(Some(&self.main), tls, Visitors::Anybody),
            refuse_on(self.services.as_ref(), tls, Visitors::Anybody),
            refuse_on(self.http.as_ref(), None, Visitors::Anybody),
            refuse_on(self.replicas.as_ref(), None, Visitors::Anybody),
            refuse_on(self.admin.as_ref(), None, Visitors::Operators),
        );
    }

    /// Serves all listeners until `stop`, and the one for other replicas until `replicas_stop`.
    ///
    /// # Errors
    /// If the system does not return an address.
    pub(crate) fn serve(
        self,
        tls: Option<&TlsAcceptor>,
        app: &Arc<App>,
        stop: &CancellationToken,
        replicas_stop: &CancellationToken,
    ) -> Result<Serving> {
        let admin = self.admin.map(|bound| tokio::spawn(admin::serve(bound, Arc::clone(app), stop.clone())));
        let mut requests = Vec::new();
        let listeners = [
            (Some(self.main), Audience::All, tls, stop),
            (self.services, Audience::Visitors, tls, stop),
            (self.http, Audience::PlainHttp, None, stop),
            (self.replicas, Audience::Replicas, None, replicas_stop),
        ];
        for (bound, audience, tls, stop) in listeners {
            let Some(bound) = bound else { continue };
            let gate = Gate { port: bound.local_addr()?.port(), is_tls: tls.is_some(), audience };
            let serve = listener::serve(bound, gate, tls.cloned(), Arc::clone(app), stop.clone());
            requests.push(tokio::spawn(serve));
        }
        Ok(Serving { requests, admin })
    }
}

async fn refuse_on(listener: Option<&TcpListener>, tls: Option<&TlsAcceptor>, visitors: Visitors) {
    match listener {
        Some(listener) => waiting::refuse(listener, tls, visitors).await,
        None => std::future::pending().await,
    }
}

async fn bind_if_given(address: Option<SocketAddr>, option: &str) -> Result<Option<TcpListener>> {
    match address {
        Some(address) => bind(address, option).await.map(Some),
        None => Ok(None),
    }
}

/// Listens on an address. `option` names the option with that address, for messages.
async fn bind(address: SocketAddr, option: &str) -> Result<TcpListener> {
    let bound = TcpListener::bind(address).await.and_then(|bound| {
        ask_for_silent_peers(&bound)?;
        Ok(bound)
    });
    bound.map_err(|error| {
        let advice = match error.kind() {
            ErrorKind::AddrInUse => {
                format!("; stop what listens there, or give {option} another port (port 0 takes a free one)")
            }
            ErrorKind::AddrNotAvailable => {
                format!("; give {option} an address of this machine, or 0.0.0.0 or [::] for all of them")
            }
            ErrorKind::PermissionDenied => format!(
                "; ports below 1024 are kept for root: give {option} a higher port, or the program the right with \
                 `setcap cap_net_bind_service=+ep`"
            ),
            _ => String::new(),
        };
        anyhow!("cannot listen on {address}: {error}{advice}")
    })
}
