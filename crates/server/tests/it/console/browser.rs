//! A browser, as far as a server can tell. It keeps the cookie, says where a request comes from, and follows a
//! redirect only when asked to.

use std::cell::RefCell;
use std::path::Path;

use reqwest::blocking::{Client, ClientBuilder, RequestBuilder};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::html;
use crate::world::{KEY, SECRET, World};

/// The account of the root key, in its first region.
pub(crate) const PLACE: &str = "/console/000000000000/us-east-1";

/// A browser.
pub(crate) struct Browser {
    client: Client,
    origin: String,
    cookie: RefCell<Option<String>>,
}

/// An answer to a browser.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) html: String,
}

impl Page {
    /// The target of the redirect.
    #[track_caller]
    pub(crate) fn location(&self) -> &str {
        assert_eq!(self.status, 303, "{}", self.html);
        self.header("location")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The text that people read on the page.
    pub(crate) fn text(&self) -> String {
        let (mut text, mut rest) = (String::new(), self.html.as_str());
        while let Some((before, tag)) = rest.split_once('<') {
            text.push_str(before);
            text.push(' ');
            rest = tag.split_once('>').map(|(_, rest)| rest).unwrap_or_default();
        }
        let text =
            text.replace("&#60;", "<").replace("&#62;", ">").replace("&#34;", "\"").replace("&#39;", "'");
        text.replace("&#38;", "&").split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The target of the link with this text or label.
    #[track_caller]
    pub(crate) fn link(&self, name: &str) -> String {
        let links = self.html.split("<a ").skip(1);
        let found = links.map(|link| link.split("</a>").next().unwrap()).find(|link| {
            link.ends_with(&format!(">{name}")) || link.contains(&format!("aria-label=\"{name}\""))
        });
        let found = found.unwrap_or_else(|| panic!("no link {name} in {}", self.html));
        let target = found.split("href=\"").nth(1).unwrap().split('"').next().unwrap();
        target.replace("&#38;", "&").replace("&amp;", "&")
    }

    /// The target of the last form on the page.
    #[track_caller]
    pub(crate) fn action(&self) -> String {
        let form = self.html.rsplit("<form method=\"post\" action=\"").next().unwrap();
        form.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&")
    }

    #[track_caller]
    pub(crate) fn says(&self, words: &str) -> &Self {
        assert!(self.text().contains(words), "{words:?} is not in {}", self.text());
        self
    }
}

impl Browser {
    /// A browser on this machine.
    pub(crate) fn new(world: &World) -> Self {
        Self::coming_to(format!("http://{}", world.address()), Client::builder())
    }

    /// A browser that uses TLS, and trusts this certificate for `localhost`.
    pub(crate) fn over_tls(world: &World, certificate: &Path) -> Self {
        let pem = std::fs::read(certificate).unwrap();
        let trusted = reqwest::Certificate::from_pem(&pem).unwrap();
        let origin = format!("https://localhost:{}", world.address().port());
        Self::coming_to(origin, Client::builder().tls_certs_only([trusted]))
    }

    fn coming_to(origin: String, client: ClientBuilder) -> Self {
        let client = client.no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { client, origin, cookie: RefCell::default() }
    }

    /// A browser that is signed in with the root key.
    pub(crate) fn signed_in(world: &World) -> Self {
        let browser = Self::new(world);
        browser.sign_in(KEY, SECRET).location();
        browser
    }

    /// A browser that is signed in with a new key.
    pub(crate) fn with_key(world: &World, key: &Value) -> Self {
        let browser = Self::new(world);
        let word = |name: &str| key[name].as_str().unwrap();
        browser.sign_in(word("accessKeyId"), word("secretAccessKey")).location();
        browser
    }

    /// Signs in with an access key.
    pub(crate) fn sign_in(&self, id: &str, secret: &str) -> Page {
        self.post("/console/in", &[("key-id", id), ("secret", secret)])
    }

    pub(crate) fn get(&self, path: &str) -> Page {
        self.send(self.request("GET", path).header("accept", "text/html,application/xhtml+xml"))
    }

    /// Sends a form of a page of the same server.
    pub(crate) fn post(&self, path: &str, form: &[(&str, &str)]) -> Page {
        self.send(filled(self.request("POST", path).header("sec-fetch-site", "same-origin"), form))
    }

    /// Gets the question before an action, and sends its form.
    #[track_caller]
    pub(crate) fn confirm(&self, path: &str) -> Page {
        let question = self.get(path);
        assert_eq!(question.status, 200, "{}", question.html);
        self.post(&question.action(), &[])
    }

    /// A request with the cookie and nothing else.
    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.origin));
        match &*self.cookie.borrow() {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        }
    }

    /// Sends a request, and keeps the cookie that comes back.
    pub(crate) fn send(&self, request: RequestBuilder) -> Page {
        let answer = request.send().unwrap();
        if let Some(cookie) = answer.headers().get("set-cookie") {
            let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
            let is_taken_away = cookie.ends_with('=');
            *self.cookie.borrow_mut() = (!is_taken_away).then(|| cookie.to_owned());
        }
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let is_page = headers.get("content-type").is_some_and(|kind| kind == "text/html; charset=utf-8");
        let html = answer.text().unwrap();
        if is_page && !html.is_empty() {
            html::check(&html);
        }
        Page { status, headers, html }
    }

    /// The cookie, as the browser sends it.
    pub(crate) fn cookie(&self) -> Option<String> {
        self.cookie.borrow().clone()
    }

    /// Replaces the cookie.
    pub(crate) fn take(&self, cookie: &str) {
        *self.cookie.borrow_mut() = Some(cookie.to_owned());
    }

    /// The origin of the server: scheme, host and port.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }
}

/// Adds a form to a request.
pub(crate) fn filled(request: RequestBuilder, form: &[(&str, &str)]) -> RequestBuilder {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    request.header("content-type", "application/x-www-form-urlencoded").body(body)
}

/// Makes an access key from these members of the call. Returns the key with its secret.
#[track_caller]
pub(crate) fn make_key(world: &World, input: &Value) -> Value {
    let answer = world.api().gangplank("CreateAccessKey", input);
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.body["accessKey"].clone()
}

/// Makes a one-time link with the root key. Returns its path.
#[track_caller]
pub(crate) fn make_link(world: &World) -> String {
    let answer = world.api().gangplank("CreateConsoleLink", &json!({}));
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.body["path"].as_str().unwrap().to_owned()
}

/// The secret of a link.
pub(crate) fn secret_of(link: &str) -> &str {
    link.split("t=").nth(1).unwrap()
}

/// The events of this kind, the newest first.
#[track_caller]
pub(crate) fn events(world: &World, kind: &str) -> Vec<Value> {
    let answer = world.api().gangplank("ListAuditEvents", &json!({ "kind": kind }));
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.body["auditEvents"].as_array().unwrap().clone()
}
