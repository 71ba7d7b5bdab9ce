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

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Quota {
    quota: &'static str,
}

/// The options that set quotas. The series of each exists from the start, so that the first refusal is an
/// increase.
const QUOTAS: [&str; 12] = [
    "max-access-keys",
    "max-account-bytes",
    "max-images-per-service",
    "max-manifests",
    "max-open-uploads",
    "max-registry-logins",
    "max-repositories",
    "max-role-sessions",
    "max-roles",
    "max-services-per-region",
    "max-tags",
    "max-tags-per-resource",
];

/// Counts logins and refusals.
pub(super) struct Access {
    issued: Family<Kind, Counter>,
    used: Family<Kind, Counter>,
    over_quota: Family<Quota, Counter>,
    refused_logins: Family<Reason, Counter>,
    refusals: Family<Why, Counter>,
    /// Rests of logins that took more than their part of the processors.
    pub(super) rests: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

impl Access {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let (issued, refused_logins, refusals) = (Family::default(), Family::default(), Family::default());
        registry.register("logins_issued", "Registry logins that were made", issued.clone());
        let used = Family::default();
        registry.register("logins_used", "Requests with a valid registry login", used.clone());
        let help = "Requests that came with a registry login that is unknown or has ended";
        registry.register("logins_refused", help, refused_logins.clone());
        let help = "Calls and requests that were refused to whoever made them, as in the audit trail";
        registry.register("refusals", help, refusals.clone());
        let over_quota = Family::<Quota, Counter>::default();
        let help = "Calls and requests that were refused because they would exceed a quota, by the option that sets it";
        registry.register("quota_refusals", help, over_quota.clone());
        for quota in QUOTAS {
            drop(over_quota.get_or_create(&Quota { quota }));
        }
        let rests = Counter::default();
        let help =
            "Times that requests of a login waited, because it took more than its part of the processors";
        registry.register("login_rests", help, rests.clone());
        Self { issued, used, over_quota, refused_logins, refusals, rests }
    }

    pub(super) fn issued(&self, scope: Scope) {
        self.issued.get_or_create(&kind(scope)).inc();
    }

    pub(super) fn used(&self, scope: Scope) {
        self.used.get_or_create(&kind(scope)).inc();
    }

    pub(super) fn over_quota(&self, quota: &'static str) {
        self.over_quota.get_or_create(&Quota { quota }).inc();
    }

    pub(super) fn refused(&self, refusal: &Refusal) {
        let Refusal { kind, reason, .. } = *refusal;
        if kind == EventKind::LoginRefused {
            self.refused_logins.get_or_create(&Reason { reason }).inc();
        }
        self.refusals.get_or_create(&Why { kind: kind.as_str(), reason }).inc();
    }
}

fn kind(scope: Scope) -> Kind {
    let kind = match scope {
        Scope::PUSH => "push",
        Scope::PULL => "pull",
        _ => "operator",
    };
    Kind { kind }
}
