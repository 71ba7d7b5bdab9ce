//! Certificates for the domain names of container services.

use crate::macros::structure;
use crate::pattern::DOMAIN;
use crate::{Kind, Range, Shape, Timestamp};

use super::names::NON_EMPTY_STRING;
use super::tags::Tag;
use super::{
    CertificateDomainValidationStatus, CertificateStatus, DnsRecordCreationStateCode, OperationRecord,
    RenewalStatus,
};

const CERTIFICATE_NAME: Shape = Shape::string("CertificateName");
const DOMAIN_NAME: Shape = Shape::string("DomainName");
const DOMAIN_NAMES: Shape = Shape::list(&DOMAIN_NAME);
/// A domain name for a new certificate. The names of an existing certificate may be wildcards.
const NEW_DOMAIN_NAME: Shape = Shape::text("DomainName", Range::ANY, &DOMAIN);
const NEW_DOMAIN_NAMES: Shape = Shape::list(&NEW_DOMAIN_NAME);
const SERIAL_NUMBER: Shape = Shape::string("SerialNumber");
const FAILURE_REASON: Shape = Shape::string("RequestFailureReason");
const USES: Shape = Shape { name: "InUseResourceCount", kind: Kind::Integer(Range::ANY) };
const KEY_ALGORITHM: Shape = Shape::string("KeyAlgorithm");
const ISSUER: Shape = Shape::string("IssuerCA");
const ELIGIBLE: Shape = Shape::string("EligibleToRenew");
const REVOCATION_REASON: Shape = Shape::string("RevocationReason");
const RENEWAL_REASON: Shape = Shape::string("RenewalStatusReason");
const WITH_DETAILS: Shape = Shape { name: "IncludeCertificateDetails", kind: Kind::Boolean };

structure! {
    /// The certificate to make.
    pub struct CreateCertificateRequest: Default {
        /// The name of the certificate, which services refer to.
        "certificateName" certificate_name: String as &CERTIFICATE_NAME,
        /// The domain name that it covers.
        "domainName" domain_name: String as &NEW_DOMAIN_NAME,
        /// More domain names that it covers.
        "subjectAlternativeNames" subject_alternative_names: Option<Vec<String>> as &NEW_DOMAIN_NAMES,
        /// Tags to put on the certificate.
        "tags" tags: Option<Vec<Tag>>,
    }
}

structure! {
    /// The certificate that was made.
    pub struct CreateCertificateResult: Default {
        /// The certificate as it is now.
        "certificate" certificate: Option<CertificateSummary>,
        /// The records of the operation.
        "operations" operations: Option<Vec<OperationRecord>>,
    }
}

structure! {
    /// Filters for the certificates to show.
    pub struct GetCertificatesRequest: Default {
        /// Only certificates with these statuses; all if not given.
        "certificateStatuses" certificate_statuses: Option<Vec<CertificateStatus>>,
        /// Whether to show all members, and not only names.
        "includeCertificateDetails" include_certificate_details: Option<bool> as &WITH_DETAILS,
        /// Only this certificate.
        "certificateName" certificate_name: Option<String> as &CERTIFICATE_NAME,
        /// The nextPageToken of the page before.
        "pageToken" page_token: Option<String>,
    }
}

structure! {
    /// The certificates.
    pub struct GetCertificatesResult: Default {
        /// The certificates.
        "certificates" certificates: Option<Vec<CertificateSummary>>,
        /// The token for the next page, if there is one.
        "nextPageToken" next_page_token: Option<String>,
    }
}

structure! {
    /// Which certificate to delete.
    pub struct DeleteCertificateRequest: Default {
        /// The name of the certificate.
        "certificateName" certificate_name: String as &CERTIFICATE_NAME,
    }
}

structure! {
    /// The result of deleting a certificate.
    pub struct DeleteCertificateResult: Default {
        /// The records of the operation.
        "operations" operations: Option<Vec<OperationRecord>>,
    }
}

structure! {
    /// A summary of a certificate.
    pub struct CertificateSummary: Default {
        /// The Amazon resource name of the certificate.
        "certificateArn" certificate_arn: Option<String> as &NON_EMPTY_STRING,
        /// The name of the certificate.
        "certificateName" certificate_name: Option<String> as &CERTIFICATE_NAME,
        /// The first domain name that it covers.
        "domainName" domain_name: Option<String> as &DOMAIN_NAME,
        /// All members, if that was asked for.
        "certificateDetail" certificate_detail: Option<Certificate>,
        /// The tags on the certificate.
        "tags" tags: Option<Vec<Tag>>,
    }
}

structure! {
    /// A certificate, with all members.
    pub struct Certificate: Default {
        /// The Amazon resource name of the certificate.
        "arn" arn: Option<String> as &NON_EMPTY_STRING,
        /// The name of the certificate.
        "name" name: Option<String> as &CERTIFICATE_NAME,
        /// The first domain name that it covers.
        "domainName" domain_name: Option<String> as &DOMAIN_NAME,
        /// Whether it can be used.
        "status" status: Option<CertificateStatus>,
        /// The number that its issuer gave it.
        "serialNumber" serial_number: Option<String> as &SERIAL_NUMBER,
        /// All domain names that it covers.
        "subjectAlternativeNames" subject_alternative_names: Option<Vec<String>> as &DOMAIN_NAMES,
        /// The DNS records that prove to its issuer who owns the domains.
        "domainValidationRecords" domain_validation_records: Option<Vec<DomainValidationRecord>>,
        /// Why it was not issued.
        "requestFailureReason" request_failure_reason: Option<String> as &FAILURE_REASON,
        /// How many resources use it.
        "inUseResourceCount" in_use_resource_count: Option<i32> as &USES,
        /// The kind of its key.
        "keyAlgorithm" key_algorithm: Option<String> as &KEY_ALGORITHM,
        /// When it was asked for.
        "createdAt" created_at: Option<Timestamp>,
        /// When it was issued.
        "issuedAt" issued_at: Option<Timestamp>,
        /// Who issued it.
        "issuerCA" issuer_ca: Option<String> as &ISSUER,
        /// The moment from which it is valid.
        "notBefore" not_before: Option<Timestamp>,
        /// The moment until which it is valid.
        "notAfter" not_after: Option<Timestamp>,
        /// Whether it can be renewed.
        "eligibleToRenew" eligible_to_renew: Option<String> as &ELIGIBLE,
        /// The progress of its renewal.
        "renewalSummary" renewal_summary: Option<RenewalSummary>,
        /// When it was revoked.
        "revokedAt" revoked_at: Option<Timestamp>,
        /// Why it was revoked.
        "revocationReason" revocation_reason: Option<String> as &REVOCATION_REASON,
        /// The tags on the certificate.
        "tags" tags: Option<Vec<Tag>>,
        /// A code for Amazon's support.
        "supportCode" support_code: Option<String>,
    }
}

structure! {
    /// The DNS record that proves to the issuer of a certificate who owns a domain.
    pub struct DomainValidationRecord: Default {
        /// The domain name.
        "domainName" domain_name: Option<String> as &DOMAIN_NAME,
        /// The record.
        "resourceRecord" resource_record: Option<ResourceRecord>,
        /// Whether it was added to the DNS.
        "dnsRecordCreationState" dns_record_creation_state: Option<DnsRecordCreationState>,
        /// Whether the issuer has seen it.
        "validationStatus" validation_status: Option<CertificateDomainValidationStatus>,
    }
}

structure! {
    /// A record in the DNS.
    pub struct ResourceRecord: Default {
        /// Its name.
        "name" name: Option<String>,
        /// Its type.
        "type" kind: Option<String>,
        /// Its value.
        "value" value: Option<String>,
    }
}

structure! {
    /// Whether a record was added to the DNS.
    pub struct DnsRecordCreationState: Default {
        /// The progress of adding the record.
        "code" code: Option<DnsRecordCreationStateCode>,
        /// The reason for which it failed.
        "message" message: Option<String>,
    }
}

structure! {
    /// The progress of a certificate's renewal.
    pub struct RenewalSummary: Default {
        /// The DNS records that prove to the issuer who owns the domains.
        "domainValidationRecords" domain_validation_records: Option<Vec<DomainValidationRecord>>,
        /// The progress of the renewal.
        "renewalStatus" renewal_status: Option<RenewalStatus>,
        /// The reason for which it failed.
        "renewalStatusReason" renewal_status_reason: Option<String> as &RENEWAL_REASON,
        /// When the progress last changed.
        "updatedAt" updated_at: Option<Timestamp>,
    }
}
