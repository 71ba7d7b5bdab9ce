//! HTTP for every client of this program: limits for answers, the rules for repeating a call, and explanations of TLS
//! errors.

pub(crate) mod answers;
pub(crate) mod retry;
pub(crate) mod tls_errors;
