//! The proof that a request comes from a replica of the same cluster: a signature over all that the request asks
//! for, with a key that only replicas have.
//!
//! It holds for a short time, so a proof that somebody reads on the way is soon of no use. It says nothing about
//! bodies and other headers: the network between replicas has to be private anyway.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gangplank_core::Time;
use hyper::header::{HOST, HeaderName, HeaderValue};
use hyper::{Request, Response};

use crate::sealing::MasterKey;

/// The header with the proof. In an answer it marks a refusal by the replica itself, so that it is not taken
/// for an answer of the service.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-gangplank-relay");

/// How old a proof may be. The times of two replicas may differ by a second or two.
const HOLDS: Duration = Duration::from_secs(15);

/// The kind of request of one replica to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    /// A visitor's request to a service.
    Visit,
    /// A page of a container's log.
    Log,
}

impl Errand {
    fn word(self) -> &'static str {
        match self {
            Self::Visit => "visit",
            Self::Log => "log",
        }
    }

    fn of(word: &str) -> Option<Self> {
        [Self::Visit, Self::Log].into_iter().find(|errand| errand.word() == word)
    }
}

/// Adds the proof to a request that is otherwise complete.
pub(crate) fn add<B>(master: &MasterKey, now: Time, errand: Errand, request: &mut Request<B>) {
    let signature = URL_SAFE_NO_PAD.encode(master.sign(&message(errand, now, request)));
    if let Ok(proof) = HeaderValue::from_str(&format!("{} {} {signature}", errand.word(), now.0)) {
        request.headers_mut().insert(HEADER, proof);
    }
}

/// Removes the proof from a request. Returns what it proves: `None` if it proves nothing.
pub(crate) fn take<B>(master: &MasterKey, now: Time, request: &mut Request<B>) -> Option<Errand> {
    let mut proofs = request.headers().get_all(HEADER).iter();
    let (Some(proof), None) = (proofs.next(), proofs.next()) else { return None };
    let proven = read(master, now, proof, request);
    request.headers_mut().remove(HEADER);
    proven
}

fn read<B>(master: &MasterKey, now: Time, proof: &HeaderValue, request: &Request<B>) -> Option<Errand> {
    let mut words = proof.to_str().ok()?.split(' ');
    let (errand, at, signature) = (words.next()?, words.next()?, words.next()?);
    let (errand, at) = (Errand::of(errand)?, Time(at.parse().ok()?));
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let is_now = (now.minus(HOLDS)..=now.plus(HOLDS)).contains(&at);
    let is_signed = master.has_signed(&message(errand, at, request), &signature);
    (words.next().is_none() && is_now && is_signed).then_some(errand)
}

/// The signed text. No part of it can contain a line feed.
fn message<B>(errand: Errand, at: Time, request: &Request<B>) -> Vec<u8> {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let host = request.headers().get(HOST).map_or(&[][..], HeaderValue::as_bytes);
    let text = format!("{}\n{}\n{}\n{target}\n", errand.word(), at.0, request.method());
    [text.as_bytes(), host].concat()
}

/// Marks an answer as this replica's own.
pub(crate) fn mark<B>(response: &mut Response<B>) {
    response.headers_mut().insert(HEADER, HeaderValue::from_static("refused"));
}

/// Removes the mark of an answer. Returns whether there was a mark, which shows that the replica itself
/// refused.
pub(crate) fn unmark<B>(response: &mut Response<B>) -> bool {
    response.headers_mut().remove(HEADER).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(1_700_000_000_000);

    fn master(byte: &str) -> MasterKey {
        MasterKey::read(byte.repeat(32).as_bytes()).unwrap()
    }

    fn request(method: &str, uri: &str, host: &str) -> Request<()> {
        Request::builder().method(method).uri(uri).header(HOST, host).body(()).unwrap()
    }

    fn proven(method: &str, uri: &str, host: &str) -> Request<()> {
        let mut request = request(method, uri, host);
        add(&master("07"), NOW, Errand::Visit, &mut request);
        request
    }

    fn with(proof: &HeaderValue, mut request: Request<()>) -> Request<()> {
        request.headers_mut().append(HEADER, proof.clone());
        request
    }

    #[test]
    fn a_proof_proves_one_request_for_a_while() {
        let take = |now, request: &Request<()>| {
            let mut request = request.clone();
            let taken = take(&master("07"), now, &mut request);
            assert!(taken.is_none() || !request.headers().contains_key(HEADER));
            taken
        };
        let sent = proven("GET", "http://10.0.0.5:5100/a?b=c", "web");
        let proof = sent.headers()[HEADER].clone();
        let arrived = with(&proof, request("GET", "/a?b=c", "web"));
        assert_eq!(take(NOW, &arrived), Some(Errand::Visit));
        for (apart, holds) in [(15, true), (16, false)] {
            let apart = Duration::from_secs(apart);
            assert_eq!(take(NOW.plus(apart), &arrived).is_some(), holds);
            assert_eq!(take(NOW.minus(apart), &arrived).is_some(), holds);
        }
        for other in [
            request("POST", "/a?b=c", "web"),
            request("GET", "/a?b=d", "web"),
            request("GET", "/a", "web"),
            request("GET", "/a?b=c", "other"),
            request("GET", "/a?b=c", "web:80"),
        ] {
            assert_eq!(take(NOW, &with(&proof, other)), None);
        }
        assert_eq!(super::take(&master("08"), NOW, &mut arrived.clone()), None, "another master key");
        assert_eq!(take(NOW, &with(&proof, arrived.clone())), None, "two proofs");
        assert_eq!(take(NOW, &request("GET", "/a?b=c", "web")), None, "no proof");
    }

    #[test]
    fn no_letter_of_a_proof_can_be_changed() {
        let sent = proven("GET", "/", "web");
        let proof = sent.headers()[HEADER].to_str().unwrap().to_owned();
        for (at, _) in proof.char_indices() {
            let mut changed = proof.clone().into_bytes();
            changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
            let changed = with(&HeaderValue::from_bytes(&changed).unwrap(), request("GET", "/", "web"));
            assert_eq!(take(&master("07"), NOW, &mut changed.clone()), None, "{changed:?}");
        }
        let log = proof.replacen("visit", "log", 1);
        for bad in
            ["", " ", "visit", "visit 1", &log, &format!("{proof} "), &format!("{proof}A"), "visit x y"]
        {
            let changed = with(&HeaderValue::from_str(bad).unwrap(), request("GET", "/", "web"));
            assert_eq!(take(&master("07"), NOW, &mut changed.clone()), None, "{bad:?}");
        }
    }
}
