//! `GetCallerIdentity`: says whose key signed the call.

use super::{Operation, response};
use crate::xml;

/// The result of `GetCallerIdentity`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerIdentity {
    /// Its ARN.
    pub arn: String,
    /// Its name within its account.
    pub user_id: String,
    /// The 12 digits of its account.
    pub account: String,
}

impl CallerIdentity {
    /// The body.
    pub fn body(&self, request_id: &str) -> Vec<u8> {
        let mut result = String::new();
        for (name, text) in [("Arn", &self.arn), ("UserId", &self.user_id), ("Account", &self.account)] {
            xml::push(&mut result, name, text);
        }
        response(Operation::GetCallerIdentity.name(), &result, request_id)
    }
}
