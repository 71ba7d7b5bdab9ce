//! HTTP as every client here speaks it, to a server of ours or to another: how long an answer may be and may take, which
//! answers are asked for again, and what a failed TLS handshake means.

pub(crate) mod answers;
pub(crate) mod retry;
pub(crate) mod tls_errors;
