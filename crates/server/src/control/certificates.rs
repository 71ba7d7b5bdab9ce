//! Certificates. The configuration file names them. Calls show them, but cannot change them.

use gangplank_api::lightsail::{
    Certificate, CertificateStatus, CertificateSummary, CreateCertificateRequest, CreateCertificateResult,
    DeleteCertificateRequest, DeleteCertificateResult, GetCertificatesRequest, GetCertificatesResult,
};
use gangplank_api::{ApiError, Timestamp};
use gangplank_core::{Tenant, Time};

use super::{Context, Result, page};
use crate::certificates::facts::Facts;

/// The advice of every refusal: where certificates come from.
const FROM_FILES: &str = "this server takes certificates from files that its configuration file names in sections \
                          [certificates.NAME] with cert = and key =; whoever runs it adds or removes one there and \
                          starts it anew";

pub(super) async fn create(
    _: &Context<'_>,
    input: CreateCertificateRequest,
) -> Result<CreateCertificateResult> {
    let name = input.certificate_name;
    Err(ApiError::invalid_input(format!("The certificate {name:?} cannot be created: {FROM_FILES}.")).into())
}

pub(super) async fn delete(
    _: &Context<'_>,
    input: DeleteCertificateRequest,
) -> Result<DeleteCertificateResult> {
    let name = input.certificate_name;
    Err(ApiError::invalid_input(format!("The certificate {name:?} cannot be deleted: {FROM_FILES}.")).into())
}

pub(super) async fn list(
    context: &Context<'_>,
    input: GetCertificatesRequest,
) -> Result<GetCertificatesResult> {
    if input.page_token.is_some_and(|token| !token.is_empty()) {
        return Err(page::unknown("pageToken"));
    }
    let (now, with_details) = (context.app.clock.now(), input.include_certificate_details == Some(true));
    let mut found: Vec<_> = context.app.certificates.named().collect();
    if let Some(wanted) = &input.certificate_name {
        found.retain(|(name, _)| name == wanted);
        if found.is_empty() {
            return Err(ApiError::not_found(format!("There is no certificate named {wanted:?}.")).into());
        }
    }
    if let Some(statuses) = input.certificate_statuses.filter(|statuses| !statuses.is_empty()) {
        found.retain(|(_, facts)| statuses.contains(&status(facts, now)));
    }
    let certificates = found.into_iter().map(|(name, facts)| {
        let detail = detail(context.tenant, name, &facts, now);
        CertificateSummary {
            certificate_arn: detail.arn.clone(),
            certificate_name: detail.name.clone(),
            domain_name: detail.domain_name.clone(),
            certificate_detail: with_details.then_some(detail),
            tags: None,
        }
    });
    Ok(GetCertificatesResult { certificates: Some(certificates.collect()), next_page_token: None })
}

fn status(facts: &Facts, now: Time) -> CertificateStatus {
    if now > facts.not_after { CertificateStatus::Expired } else { CertificateStatus::Issued }
}

fn detail(tenant: &Tenant, name: &str, facts: &Facts, now: Time) -> Certificate {
    let Tenant { account, region } = tenant;
    let moment = |time: Time| Some(Timestamp::from_seconds(time.seconds()));
    Certificate {
        arn: Some(format!("arn:aws:lightsail:{region}:{account}:Certificate/{name}")),
        name: Some(name.to_owned()),
        domain_name: facts.domains.first().cloned(),
        status: Some(status(facts, now)),
        serial_number: Some(facts.serial.clone()),
        subject_alternative_names: Some(facts.domains.clone()),
        key_algorithm: facts.key.clone(),
        created_at: moment(facts.not_before),
        issued_at: moment(facts.not_before),
        issuer_ca: Some(facts.issuer.clone()),
        not_before: moment(facts.not_before),
        not_after: moment(facts.not_after),
        eligible_to_renew: Some("INELIGIBLE".to_owned()),
        ..Certificate::default()
    }
}
