//! HTTP: turns a connection into checked requests, and answers into bytes.

pub(crate) mod admin;
pub(crate) mod body;
pub(crate) mod client;
pub(crate) mod client_network;
pub(crate) mod connection;
pub(crate) mod connections;
mod course;
pub(crate) mod dispatch;
mod framing;
mod health;
pub(crate) mod hygiene;
pub(crate) mod large_answers;
mod lingering;
pub(crate) mod listener;
pub(crate) mod own_thread;
mod patience;
pub(crate) mod record;
pub(crate) mod recorded;
pub(crate) mod request_id;
pub(crate) mod response;
pub(crate) mod silent_peers;
pub(crate) mod small_body;
mod socket;
pub(crate) mod tls;
pub(crate) mod turns;
pub(crate) mod unverified;
pub(crate) mod waiting;
