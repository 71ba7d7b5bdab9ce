//! The messages between a kubelet and its credential providers
//! (<https://kubernetes.io/docs/reference/config-api/kubelet-credentialprovider.v1/>).

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use gangplank_api::Secret;
use serde::{Deserialize, Serialize};

use crate::logins::kept::Made;

const GROUP: &str = "credentialprovider.kubelet.k8s.io/";
const VERSIONS: [&str; 3] = ["v1", "v1beta1", "v1alpha1"];

/// The kubelet's request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request {
    kind: String,
    api_version: String,
    /// The image without tag and digest: `host[:port]/path`.
    image: String,
    /// The token of the pod's service account, if the kubelet was told to send it.
    #[serde(default)]
    pub(super) service_account_token: Option<Secret>,
    /// The annotations of the service account that the kubelet is configured to send.
    #[serde(default)]
    pub(super) service_account_annotations: BTreeMap<String, String>,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Response {
    kind: &'static str,
    api_version: String,
    cache_key_type: &'static str,
    cache_duration: String,
    auth: BTreeMap<String, Auth>,
}

#[derive(Debug, Serialize)]
struct Auth {
    username: String,
    password: String,
}

impl Request {
    /// Reads a request.
    ///
    /// # Errors
    /// If the text is no request of a kubelet. The error does not show the text, which may hold a token.
    pub(super) fn read(text: &str) -> Result<Self> {
        let wanted = "standard input must be a kubelet's CredentialProviderRequest";
        let mut request: Self = serde_json::from_str(text).ok().context(wanted)?;
        ensure!(request.kind == "CredentialProviderRequest", wanted);
        let version = request.api_version.strip_prefix(GROUP).unwrap_or_default();
        if !VERSIONS.contains(&version) {
            bail!(
                "the request is of {}, and this program speaks {GROUP}{}",
                request.api_version,
                VERSIONS.join(", ")
            );
        }
        request.service_account_token =
            request.service_account_token.filter(|token| !token.expose().is_empty());
        Ok(request)
    }

    /// The registry and the container service of the image. A registered image is in the repository that has its
    /// service's name.
    pub(super) fn place(&self) -> Result<(&str, &str)> {
        let (registry, path) = self.image.split_once('/').context("the image names no registry")?;
        // The kubelet cuts off tags and digests. Doing it again here does no harm.
        let service = path.split([':', '@']).next().unwrap_or_default();
        if service.is_empty() || service.contains('/') {
            bail!("{:?} is no image of a container service: those are at {registry}/SERVICE", self.image);
        }
        Ok((registry, service))
    }
}

impl Response {
    /// The answer with a login. The kubelet may cache it only while enough time is left for a pull.
    pub(super) fn of(request: &Request, made: &Made, now: i64) -> Self {
        let seconds = (made.renew_at() - now).max(0) / 1_000;
        let image = request.image.split('@').next().unwrap_or_default();
        let auth = Auth { username: made.login.username.clone(), password: made.login.secret.clone() };
        Self {
            kind: "CredentialProviderResponse",
            api_version: request.api_version.clone(),
            // The login is for the repository of this image, and for no other.
            cache_key_type: "Image",
            cache_duration: format!("{seconds}s"),
            auth: BTreeMap::from([(image.to_owned(), auth)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::api_client::Principal;
    use crate::logins::kept::{Kind, Login};

    /// Requests in the form of `credentialprovider.kubelet.k8s.io/v1`.
    const PLAIN: &str = r#"{"kind":"CredentialProviderRequest","apiVersion":"credentialprovider.kubelet.k8s.io/v1","image":"127.0.0.1:5000/web"}"#;
    const WITH_TOKEN: &str = r#"{"kind":"CredentialProviderRequest","apiVersion":"credentialprovider.kubelet.k8s.io/v1","image":"127.0.0.1:5000/web","serviceAccountToken":"a.b.c","serviceAccountAnnotations":{"gangplank/role-arn":"arn:aws:iam::000000000000:role/pull"}}"#;

    fn made(life: i64) -> Made {
        let (endpoint, region) = ("http://127.0.0.1:5000/".to_owned(), "us-east-1".to_owned());
        Made {
            principal: Principal { endpoint, region, access_key_id: "GPAKX".to_owned() },
            registry: "127.0.0.1:5000".to_owned(),
            kind: Kind::Pull("web".to_owned()),
            login: Login { username: "AWS".to_owned(), secret: "gpl_x".to_owned() },
            issued_at: 0,
            expires_at: life * 1_000,
        }
    }

    #[test]
    fn a_kubelets_requests_are_read() {
        let plain = Request::read(PLAIN).unwrap();
        assert_eq!(plain.place().unwrap(), ("127.0.0.1:5000", "web"));
        assert_eq!(
            (plain.service_account_token.is_none(), plain.service_account_annotations.len()),
            (true, 0)
        );
        let with_token = Request::read(WITH_TOKEN).unwrap();
        assert_eq!(with_token.service_account_token.as_ref().map(Secret::expose), Some("a.b.c"));
        let role = &with_token.service_account_annotations["gangplank/role-arn"];
        assert_eq!(role, "arn:aws:iam::000000000000:role/pull");
        assert!(!format!("{with_token:?}").contains("a.b.c"));
        let empty = PLAIN.replace('}', r#","serviceAccountToken":""}"#);
        assert!(Request::read(&empty).unwrap().service_account_token.is_none());
    }

    #[test]
    fn what_is_no_request_is_refused_and_not_shown() {
        for (from, to) in
            [("CredentialProviderRequest", "gpl_secret"), ("k8s.io/v1", "k8s.io/v9"), ("{", "gpl_secret")]
        {
            let refused = Request::read(&PLAIN.replace(from, to)).unwrap_err().to_string();
            assert!(!refused.contains("gpl_secret"), "{refused}");
        }
        for image in ["web", "127.0.0.1:5000/team/app", "127.0.0.1:5000/"] {
            let request = Request::read(&PLAIN.replace("127.0.0.1:5000/web", image)).unwrap();
            assert!(request.place().is_err(), "{image}");
        }
        let tagged = Request::read(&PLAIN.replace("5000/web", "5000/web:app.1")).unwrap();
        assert_eq!(tagged.place().unwrap().1, "web");
    }

    #[test]
    fn an_answer_is_kept_for_as_long_as_its_login_is_of_use() {
        let request = Request::read(PLAIN).unwrap();
        let answer = |life, now| serde_json::to_value(Response::of(&request, &made(life), now)).unwrap();
        assert_eq!(
            answer(43_200, 0),
            json!({
                "kind": "CredentialProviderResponse",
                "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
                "cacheKeyType": "Image",
                "cacheDuration": "39600s",
                "auth": { "127.0.0.1:5000/web": { "username": "AWS", "password": "gpl_x" } },
            })
        );
        assert_eq!(answer(1_800, 0)["cacheDuration"], "900s");
        assert_eq!(answer(60, 50_000)["cacheDuration"], "0s");
        let older = Request::read(&PLAIN.replace("k8s.io/v1", "k8s.io/v1beta1")).unwrap();
        let answered = serde_json::to_value(Response::of(&older, &made(60), 0)).unwrap();
        assert_eq!(answered["apiVersion"], "credentialprovider.kubelet.k8s.io/v1beta1");
    }
}
