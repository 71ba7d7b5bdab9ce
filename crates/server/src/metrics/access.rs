//! Metrics of logins that were made and of callers that were refused.

use gangplank_core::{EventKind, Scope};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::refusals::Refusal;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Why {
    kind: &'static str,
    reason: &'static str,
}

/// Counts issued logins and refusals.
pub(super) struct Access {
    issued: Family<Kind, Counter>,
    refused_logins: Family<Reason, Counter>,
    refusals: Family<Why, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

impl Access {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let (issued, refused_logins, refusals) = (Family::default(), Family::default(), Family::default());
        registry.register("logins_issued", "Registry logins that were made", issued.clone());
        let help = "Requests that came with a registry login that is unknown or has ended";
        registry.register("logins_refused", help, refused_logins.clone());
        let help = "Calls and requests that were refused to whoever made them, as in the audit trail";
        registry.register("refusals", help, refusals.clone());
        Self { issued, refused_logins, refusals }
    }

    pub(super) fn issued(&self, scope: Scope) {
        let kind = match scope {
            Scope::PUSH => "push",
            Scope::PULL => "pull",
            _ => "operator",
        };
        self.issued.get_or_create(&Kind { kind }).inc();
    }

    pub(super) fn refused(&self, refusal: &Refusal) {
        let Refusal { kind, reason, .. } = *refusal;
        if kind == EventKind::LoginRefused {
            self.refused_logins.get_or_create(&Reason { reason }).inc();
        }
        self.refusals.get_or_create(&Why { kind: kind.as_str(), reason }).inc();
    }
}
