//! The fuzz targets. Each parses bytes as a stranger's input, and checks the parser's promises on the result. None
//! may panic.
//!
//! The fuzz targets and the test that replays their seeds (`crates/gangplank/tests/it/fuzz_seeds.rs`) share
//! this file.

#![allow(dead_code, clippy::unwrap_used, reason = "each target uses one; a failure here is a finding")]

use gangplank_api::sts::{AssumeRoleWithWebIdentity, Operation, Parameters};
use gangplank_api::{Target, gangplank, lightsail};
use gangplank_core::LogFilter;
use gangplank_core::policy::{
    Action, Effect, Facts, PermissionPolicy, Permissions, Request as Asked, TrustPolicy,
};
use gangplank_oci::{
    Algorithm, ContentRange, DEEPEST, Digest, Hasher, ManifestLimits, ManifestView, RangeOutcome, Reference,
    RepositoryName, Tag, basic_credentials, byte_range, media_type, route as oci_route,
};
use gangplank_sigv4::{Claim, Credentials, Policy, Request, claimed_service, sign};

/// A fuzz target.
pub(crate) type Parser = fn(&[u8]);

/// Every target, by its name.
pub(crate) const ALL: [(&str, Parser); 13] = [
    ("route", route),
    ("ranges", ranges),
    ("basic", basic),
    ("signature", signature),
    ("canonical", canonical),
    ("manifest", manifest),
    ("call", call),
    ("form", form),
    ("upload_state", upload_state),
    ("names", names),
    ("moments", moments),
    ("log_filter", log_filter),
    ("policy", policy),
];

/// The text before the first `separator`, and the text after it.
fn cut(text: &str, separator: char) -> (&str, &str) {
    text.split_once(separator).unwrap_or((text, ""))
}

/// `METHOD path?query`: an accepted repository name is valid again, and leads to no other path.
pub(crate) fn route(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (method, target) = cut(text, ' ');
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    match oci_route(method, path, query) {
        Ok(endpoint) => {
            if let Some(repository) = endpoint.repository() {
                let name = repository.as_str();
                assert!(name.len() <= 255 && !name.contains("..") && !name.contains("//"), "{name}");
                assert!(path.starts_with(&format!("/v2/{name}/")), "{name} of {path}");
                assert_eq!(RepositoryName::parse(name).as_ref(), Ok(repository));
            }
        }
        Err(refusal) => {
            assert!((400..500).contains(&refusal.status), "{}", refusal.status);
            assert!(refusal.body().len() < 8_192, "an answer that grows with the question");
        }
    }
}

/// A size, and a `Range` or `Content-Range`: a range never ends beyond the content.
pub(crate) fn ranges(data: &[u8]) {
    let Some((size, text)) = data.split_first_chunk::<8>() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let size = u64::from_le_bytes(*size);
    if let RangeOutcome::Part { first, last } = byte_range(text, size) {
        assert!(first <= last && last < size, "{first}-{last} of {size}");
    }
    if let Ok(range) = ContentRange::parse(text) {
        assert!(range.first <= range.last && range.len() == range.last - range.first + 1);
        assert_eq!(ContentRange::parse(&range.to_string()), Ok(range));
    }
}

/// A call of STS, and a scope: values are within their limits, and a refusal never repeats the token.
pub(crate) fn form(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for service in
        [claimed_service(Some(data), None), claimed_service(None, Some(&text))].into_iter().flatten()
    {
        assert!((1..=64).contains(&service.len()) && service.is_ascii(), "{service}");
    }
    let Ok(parameters) = Parameters::parse(data) else { return };
    if let Err(refused) = Operation::of(&parameters) {
        assert!(refused.body("r").len() < 4_096, "an answer that grows with the question");
    }
    match AssumeRoleWithWebIdentity::read(&parameters) {
        Ok(asked) => {
            assert!((20..=2_048).contains(&asked.role_arn.chars().count()));
            assert!((2..=64).contains(&asked.role_session_name.len()));
            assert!((4..=20_000).contains(&asked.web_identity_token.expose().chars().count()));
            assert!(asked.duration.is_none_or(|it| (900..=43_200).contains(&it.as_secs())));
        }
        Err(refused) => assert!(refused.body("r").len() < 4_096, "an answer that grows with the question"),
    }
}

/// An `Authorization` header of the registry.
pub(crate) fn basic(data: &[u8]) {
    if let Some((user, password)) = basic_credentials(data) {
        assert!(!user.contains(':'));
        assert!(user.len() + password.len() < data.len());
    }
}

/// A request from lines: method and target, then headers, then the body.
fn request(text: &str) -> (Request<'_>, &str) {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let (method, target) = cut(lines.next().unwrap_or_default(), ' ');
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let headers = lines.map(|line| cut(line, ':')).map(|(name, value)| (name, value.trim().as_bytes()));
    (Request { method, path, query, headers: headers.collect() }, body)
}

/// A time in 2026.
const NOW: i64 = 1_795_000_000;

const POLICY: Policy<'static> =
    Policy { service: "lightsail", now: NOW, max_skew: i64::MAX / 4, serves_region: &|_| true };

/// A request with a claimed signature: without the secret it is never accepted.
pub(crate) fn signature(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (request, _) = request(text);
    match Claim::parse(&request, &POLICY) {
        Ok(claim) => {
            assert!(claim.access_key_id().len() <= 4_096);
            assert!(claim.verify(None, &[0; 32]).is_err());
            assert!(claim.verify(Some(b"a secret that no seed was signed with"), &[0; 32]).is_err());
        }
        Err(refusal) => assert!(refusal.to_string().len() < 2_048, "{refusal}"),
    }
}

/// A request that is signed: a verifier that accepts its form accepts this signature, and no other.
pub(crate) fn canonical(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (mut request, body) = request(text);
    let mut hash = [0; 32];
    hash.copy_from_slice(Digest::sha256(body.as_bytes()).as_bytes());
    let credentials =
        Credentials { access_key_id: "AKIDEXAMPLE", secret_access_key: "a secret", session_token: None };
    let signed = sign(&request, &credentials, "us-east-1", "lightsail", NOW, &hash);
    request.headers.retain(|(name, _)| !signed.iter().any(|(ours, _)| ours.eq_ignore_ascii_case(name)));
    request.headers.extend(signed.iter().map(|(name, value)| (*name, value.as_bytes())));
    if let Ok(claim) = Claim::parse(&request, &POLICY) {
        claim.verify(Some(b"a secret"), &hash).unwrap();
        assert!(claim.verify(Some(b"another secret"), &hash).is_err());
        hash[0] ^= 1;
        assert!(claim.verify(Some(b"a secret"), &hash).is_err(), "of another body");
    }
}

/// A `Content-Type`, a line break, and a manifest: an accepted one is within the limits.
pub(crate) fn manifest(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (content_type, body) = data.split_at(end);
    let content_type = std::str::from_utf8(content_type).ok().filter(|text| !text.is_empty());
    let body = body.get(1..).unwrap_or_default();
    let deep = ManifestLimits { nesting: DEEPEST, ..ManifestLimits::default() };
    let within = ManifestView::parse(body, content_type);
    match ManifestView::parse_within(&deep, body, content_type) {
        Ok(view) => {
            let beside = usize::from(view.subject.is_some());
            assert!(view.blobs.len() + view.children.len() + beside <= 1_000);
            assert!(media_type::is_manifest(&view.media_type));
            assert!(view.blobs.iter().all(|it| Digest::parse(&it.digest.to_string()) == Ok(it.digest)));
            assert!(within.is_err() || within == Ok(view));
        }
        Err(refusal) => {
            assert!(within.is_err());
            assert!(refusal.to_string().len() < 2_048, "{refusal}");
        }
    }
}

/// The number of an operation, and the body of a call to it.
pub(crate) fn call(data: &[u8]) {
    let Some((number, body)) = data.split_first() else { return };
    let number = usize::from(*number) % (lightsail::Operation::ALL.len() + gangplank::Operation::ALL.len());
    let target = match lightsail::Operation::ALL.get(number) {
        Some(operation) => operation.target(),
        None => gangplank::Operation::ALL[number - lightsail::Operation::ALL.len()].target(),
    };
    match Target::parse(target).unwrap() {
        Target::Lightsail(operation) => lightsail_call(operation, body),
        Target::Gangplank(operation) => own_call(operation, body),
    }
}

/// A value that was read, written and read again is equal.
fn input<I>(body: &[u8])
where
    I: gangplank_api::Described
        + serde::de::DeserializeOwned
        + serde::Serialize
        + PartialEq
        + std::fmt::Debug,
{
    match gangplank_api::decode::<I>(body) {
        Ok(input) => assert_eq!(gangplank_api::decode::<I>(&gangplank_api::encode(&input)), Ok(input)),
        Err(refusal) => {
            assert_eq!(refusal.status(), 400);
            assert!(refusal.message.len() < 4_096, "{}", refusal.message);
        }
    }
}

fn lightsail_call(operation: lightsail::Operation, body: &[u8]) {
    use lightsail::Operation as Op;
    match operation {
        Op::CreateContainerService => input::<lightsail::CreateContainerServiceRequest>(body),
        Op::CreateContainerServiceDeployment => {
            input::<lightsail::CreateContainerServiceDeploymentRequest>(body);
        }
        Op::UpdateContainerService => input::<lightsail::UpdateContainerServiceRequest>(body),
        Op::RegisterContainerImage => input::<lightsail::RegisterContainerImageRequest>(body),
        Op::DeleteContainerImage => input::<lightsail::DeleteContainerImageRequest>(body),
        Op::TagResource => input::<lightsail::TagResourceRequest>(body),
        Op::UntagResource => input::<lightsail::UntagResourceRequest>(body),
        Op::GetContainerLog => input::<lightsail::GetContainerLogRequest>(body),
        Op::GetContainerServiceMetricData => input::<lightsail::GetContainerServiceMetricDataRequest>(body),
        _ => input::<lightsail::GetContainerServicesRequest>(body),
    }
}

fn own_call(operation: gangplank::Operation, body: &[u8]) {
    use gangplank::Operation as Op;
    match operation {
        Op::CreateRegistryLogin => input::<gangplank::CreateRegistryLoginRequest>(body),
        Op::CreateImageIndex => input::<gangplank::CreateImageIndexRequest>(body),
        Op::ListAuditEvents => input::<gangplank::ListAuditEventsRequest>(body),
        Op::UpdateAccessKey => input::<gangplank::UpdateAccessKeyRequest>(body),
        _ => input::<gangplank::CreateAccessKeyRequest>(body),
    }
}

/// The saved state of an upload's hash: an accepted one can be resumed and saved again.
pub(crate) fn upload_state(data: &[u8]) {
    let Ok(mut hasher) = Hasher::resume(data) else { return };
    assert_eq!(hasher.state().as_deref(), Some(data));
    let before = hasher.hashed();
    hasher.update(&[0; 300]);
    assert_eq!(hasher.hashed(), before + 300);
    let _ = Hasher::resume(&hasher.state().unwrap()).unwrap().finish();
}

/// A digest, tag, reference or repository: it is written exactly as it was read.
pub(crate) fn names(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(digest) = Digest::parse(text) {
        assert_eq!(digest.to_string(), text);
        assert!(Algorithm::parse(cut(text, ':').0).is_some());
    }
    if let Ok(tag) = Tag::parse(text) {
        assert_eq!(tag.as_str(), text);
        assert!(!text.contains(['/', ':', '@']) && text.len() <= 128);
    }
    if let Ok(reference) = Reference::parse(text) {
        assert_eq!(reference.to_string(), text);
    }
    if let Ok(repository) = RepositoryName::parse(text) {
        assert_eq!(repository.as_str(), text);
        assert!(text.split('/').all(|part| !part.is_empty() && !part.starts_with('.')), "{text}");
    }
    let _ = Target::parse(text);
}

/// A timestamp in a call, and the date of a signature.
pub(crate) fn moments(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(moment) = serde_json::from_str::<gangplank_api::Timestamp>(text) {
        let written = serde_json::to_string(&moment).unwrap();
        assert_eq!(serde_json::from_str::<gangplank_api::Timestamp>(&written).unwrap(), moment, "{written}");
    }
    let day = text.get(..8).unwrap_or_default();
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{day}/us-east-1/lightsail/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature={}",
        "0".repeat(64)
    );
    let headers = vec![
        ("host", &b"localhost"[..]),
        ("x-amz-date", text.as_bytes()),
        ("authorization", authorization.as_bytes()),
    ];
    let request = Request { method: "POST", path: "/", query: None, headers };
    if Claim::parse(&request, &POLICY).is_ok() {
        assert!(text.trim().len() == 16 && text.trim().ends_with('Z'), "{text}");
    }
}

/// A filter pattern, and on the next line a text: a wider pattern matches at least as much.
pub(crate) fn log_filter(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (pattern, line) = cut(text, '\n');
    let Ok(filter) = LogFilter::parse(pattern) else { return };
    let is_meant = filter.matches(line);
    assert_eq!(is_meant, LogFilter::parse(pattern.trim()).unwrap().matches(line));
    if let Ok(narrower) = LogFilter::parse(&format!("-zz {pattern}")) {
        let has_options_only = pattern.trim_start().starts_with('?');
        assert!(has_options_only || is_meant || !narrower.matches(line), "{pattern}");
    }
}

/// A policy: an accepted one is written so that it can be read back, and never fails when it is evaluated.
pub(crate) fn policy(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(trust) = TrustPolicy::parse(text) {
        assert_eq!(TrustPolicy::parse(&trust.to_json()), Ok(trust));
    }
    let Ok(read) = PermissionPolicy::parse(text) else { return };
    assert_eq!(PermissionPolicy::parse(&read.to_json()), Ok(read.clone()));
    let facts =
        Facts::new().with("aws:SourceIp", "192.0.2.1").with_many("gangplank:Repository", ["a/b", "sr"]);
    for action in Action::ALL {
        let request =
            Asked { action: *action, resource: "arn:aws:lightsail:us-east-1:000000000000:*", facts: &facts };
        let explanation =
            Permissions { identity: std::slice::from_ref(&read), session: None }.explain(&request);
        let applies = |effect| explanation.statements.iter().any(|one| one.applies && one.effect == effect);
        assert_eq!(explanation.allowed, applies(Effect::Allow) && !applies(Effect::Deny));
    }
}
