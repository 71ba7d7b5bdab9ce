//! Tokens that attackers make, and mistakes; each refused for what it is.

use std::sync::LazyLock;

use super::*;
use crate::config::Issuer;
use gangplank_testkit::identity::Decoy;
use gangplank_testkit::identity::{base64, message, with_mac};

const RS256: &str = r#"{"typ":"JWT","alg":"RS256","kid":"a"}"#;

/// Two issuers with several keys each, and a decoy that nobody may come to.
struct Field {
    fake: FakeIssuer,
    neighbour: FakeIssuer,
    issuers: Issuers,
    decoy: Decoy,
    keys: &'static Keys,
}

struct Keys {
    rsa: TestKey,
    ec: TestKey,
    /// The same id, not the issuer's.
    impostor: TestKey,
    neighbours: TestKey,
    /// In the set, and not for signatures.
    encryption: TestKey,
    /// In the set, and only for RS512.
    pinned: TestKey,
}

/// Made once, since that takes long.
static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys {
    rsa: TestKey::rsa("a"),
    ec: TestKey::p256("ec"),
    impostor: TestKey::rsa("a"),
    neighbours: TestKey::rsa("n"),
    encryption: TestKey::rsa("enc"),
    pinned: TestKey::rsa("pinned"),
});

impl Field {
    async fn new() -> Self {
        let keys = &*KEYS;
        let with = |key: &TestKey, name: &str, value: Value| {
            let mut jwk = key.jwk();
            jwk[name] = value;
            jwk
        };
        let mut small = keys.rsa.jwk();
        (small["kid"], small["n"]) = ("small".into(), base64(&[0xC5; 128]).into());
        let set = [
            keys.rsa.jwk(),
            keys.ec.jwk(),
            with(&keys.encryption, "use", "enc".into()),
            with(&keys.pinned, "alg", "RS512".into()),
            with(&TestKey::p256("ops"), "key_ops", json!(["sign"])),
            small,
            json!({"kty": "oct", "kid": "oct", "k": base64(b"secret")}),
            json!({"kty": "EC", "kid": "p521", "crv": "P-521", "x": "AA", "y": "AA"}),
            json!({"kty": "new", "kid": "new"}),
            json!("no key"),
        ];
        let fake = FakeIssuer::start(jwks(&set)).await;
        let neighbour = FakeIssuer::start(jwks(&[keys.neighbours.jwk()])).await;
        let issuers = Issuers::open(&[configured(&fake), configured(&neighbour)]).unwrap();
        Self { fake, neighbour, issuers, decoy: Decoy::start().await, keys }
    }

    fn claims(&self) -> Value {
        claims(&self.fake.url)
    }

    /// A token that is right but for one claim.
    fn with(&self, name: &str, value: impl Into<Value>) -> String {
        let mut claims = self.claims();
        claims[name] = value.into();
        self.keys.rsa.token("RS256", &claims)
    }

    /// A token that is right but that it lacks a claim.
    fn without(&self, name: &str) -> String {
        let mut claims = self.claims();
        claims.as_object_mut().unwrap().remove(name);
        self.keys.rsa.token("RS256", &claims)
    }

    /// A token whose header is this.
    fn under(&self, header: &Value) -> String {
        self.keys.rsa.signed("RS256", &header.to_string(), &self.claims().to_string())
    }

    /// A token whose claims have this text in front.
    fn beginning(&self, text: &str) -> String {
        let claims = self.claims().to_string();
        self.keys.rsa.signed("RS256", RS256, &format!("{{{text},{}", &claims[1..]))
    }

    async fn check(&self, cases: Vec<(&str, String)>, expected: &str) {
        for (name, token) in cases {
            let refused = match self.issuers.verify(&token, at(0), at(0)).await {
                Ok(verified) => panic!("{name} was accepted: {verified:?}"),
                Err(refused) => refused,
            };
            assert_eq!(kind(&refused), expected, "{name}: {refused}");
            assert!(refused.words().ends_with('.'), "{name}: {refused}");
            let parts = token.trim().split('.').filter(|part| part.len() > 4);
            for part in parts {
                assert!(!refused.words().contains(part), "{name}: the token is told: {refused}");
            }
        }
        // A token as before, so that what was refused was refused for what is wrong with it.
        let good = self.keys.rsa.token("RS256", &self.claims());
        self.issuers.verify(&good, at(0), at(0)).await.unwrap();
        assert_eq!(self.decoy.met().await, 0, "a token led to a connection");
    }
}

#[tokio::test]
async fn by_their_length_and_shape() {
    let field = Field::new().await;
    let good = field.keys.rsa.token("RS256", &field.claims());
    let parts: Vec<&str> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else { unreachable!() };
    let long = "a".repeat(20_001);
    let sized = [("empty", String::new()), ("three bytes", "a.b".to_owned()), ("20,001 bytes", long)];
    field.check(sized.to_vec(), "validation").await;
    let of = |header: &str, claims: &str| field.keys.rsa.signed("RS256", header, claims);
    let cases = vec![
        ("20,000 bytes", "a".repeat(20_000)),
        ("one part", "abcd".to_owned()),
        ("two parts", format!("{header}.{payload}")),
        ("four parts", format!("{good}.{signature}")),
        ("five parts", format!("{header}....{signature}")),
        ("no header", format!(".{payload}.{signature}")),
        ("no claims", format!("{header}..{signature}")),
        ("no signature", format!("{header}.{payload}.")),
        ("padding", format!("{header}.{payload}.{signature}==")),
        ("standard base64", format!("{header}.{payload}.+/{}", &signature[2..])),
        ("a space within", format!("{header}. {payload}.{signature}")),
        ("a space before", format!(" {good}")),
        ("an end of line within", format!("{header}.{payload}\n.{signature}")),
        ("a header that is no JSON", of("alg=RS256", &field.claims().to_string())),
        ("a header that is a list", of("[]", &field.claims().to_string())),
        ("claims that are no JSON", of(RS256, "sub=x")),
        ("claims that are a list", of(RS256, &json!([field.claims()]).to_string())),
        ("claims with more behind", of(RS256, &format!("{} {{}}", field.claims()))),
        ("claims that are no UTF-8", format!("{header}.{}.{signature}", base64(b"{\"a\":\"\xff\"}"))),
        ("a token in a token", of(RS256, &format!("\"{good}\""))),
        ("endless nesting", of(RS256, &format!("{{\"a\":{}", "[".repeat(10_000)))),
        ("deep nesting", field.beginning(&format!("\"a\":{}{}", "[".repeat(100), "]".repeat(100)))),
    ];
    field.check(cases, "invalid").await;
}

#[tokio::test]
async fn by_their_algorithm() {
    let field = Field::new().await;
    let claims = field.claims().to_string();
    let public = field.keys.rsa.public_bytes();
    let unsigned = |header: &str| format!("{}.", message(header, &claims));
    let signed = field.keys.rsa.token("RS256", &field.claims());
    let signature = signed.rsplit('.').next().unwrap();
    let header = |algorithm: &str, id: &str| json!({"alg": algorithm, "kid": id}).to_string();
    let mac = |secret: &[u8], id: &str| with_mac(secret, &header("HS256", id), &claims);
    let under = |algorithm: Value| field.under(&json!({"alg": algorithm, "kid": "a"}));
    let cases = vec![
        ("none", unsigned(&header("none", "a"))),
        ("None", unsigned(&header("None", "a"))),
        ("none, signed", field.keys.rsa.signed("RS256", &header("none", "a"), &claims)),
        ("HS256 with the public key", mac(&public, "a")),
        ("HS256 with the set", mac(jwks(&[field.keys.rsa.jwk()]).as_bytes(), "a")),
        ("HS256 with a secret in the set", mac(b"secret", "oct")),
        ("HS256 with nothing", mac(b"", "a")),
        ("rs256", under(json!("rs256"))),
        ("ES512", under(json!("ES512"))),
        ("RSA-OAEP", under(json!("RSA-OAEP"))),
        ("no algorithm", field.under(&json!({"kid": "a"}))),
        ("a number", under(json!(256))),
        ("a list", under(json!(["RS256"]))),
        ("ES256 of an RSA key", under(json!("ES256"))),
        ("EdDSA of an RSA key", under(json!("EdDSA"))),
        ("RS256 of a P-256 key", field.keys.ec.signed("ES256", &header("RS256", "ec"), &claims)),
        ("ES384 of a P-256 key", field.keys.ec.signed("ES256", &header("ES384", "ec"), &claims)),
        ("RS512 said, RS256 done", under(json!("RS512"))),
        ("PS256 said, RS256 done", under(json!("PS256"))),
        ("RS256 of a key for RS512", field.keys.pinned.token("RS256", &field.claims())),
        ("the header changed after signing", {
            format!("{}.{signature}", message(&header("PS256", "a"), &claims))
        }),
    ];
    field.check(cases, "invalid").await;
    let pinned = field.keys.pinned.token("RS512", &field.claims());
    field.issuers.verify(&pinned, at(0), at(0)).await.unwrap();
}

#[tokio::test]
async fn by_their_key() {
    let field = Field::new().await;
    let claims = field.claims();
    let good = field.keys.rsa.token("RS256", &claims);
    let (body, signature) = good.rsplit_once('.').unwrap();
    let mut flipped = good.clone().into_bytes();
    let middle = good.len() - 40;
    flipped[middle] = if flipped[middle] == b'A' { b'B' } else { b'A' };
    let impostor = &field.keys.impostor;
    let there = format!("https://{}/jwks", field.decoy.address);
    let with = |name: &str, value: Value| {
        let mut header = json!({"alg": "RS256", "kid": "a"});
        header[name] = value;
        impostor.signed("RS256", &header.to_string(), &claims.to_string())
    };
    let named = |id: Value| field.under(&json!({"alg": "RS256", "kid": id}));
    let changed = message(RS256, &claims.to_string().replace("acme", "evil"));
    let ec = |signature: &[u8]| {
        let header = r#"{"alg":"ES256","kid":"ec"}"#;
        format!("{}.{}", message(header, &claims.to_string()), base64(signature))
    };
    let cases = vec![
        ("another key of this id", impostor.token("RS256", &claims)),
        ("another issuer's key", field.keys.neighbours.token("RS256", &claims)),
        ("another issuer's token", field.keys.rsa.token("RS256", &super::claims(&field.neighbour.url))),
        ("an unknown id", named(json!("b"))),
        ("an empty id", named(json!(""))),
        ("an id in another case", named(json!("A"))),
        ("an id that is a number", named(json!(1))),
        ("an id that is null", named(Value::Null)),
        ("no id, where there are several keys", field.under(&json!({"alg": "RS256"}))),
        ("a key for encryption", field.keys.encryption.token("RS256", &claims)),
        ("a key not for verifying", named(json!("ops"))),
        ("a key that is too small", named(json!("small"))),
        ("a key of an unsupported curve", named(json!("p521"))),
        ("a key of an unknown kind", named(json!("new"))),
        ("its own key in jwk", with("jwk", impostor.jwk())),
        ("its own keys in jku", with("jku", there.clone().into())),
        ("its own certificate in x5u", with("x5u", there.clone().into())),
        ("its own certificate in x5c", with("x5c", json!(["MIIB"]))),
        ("a path as key id", named(json!("../../dev/null"))),
        ("an address as key id", named(there.into())),
        ("a flipped bit", String::from_utf8(flipped).unwrap()),
        ("a shortened signature", good[..good.len() - 4].to_owned()),
        ("a lengthened signature", format!("{good}AAAA")),
        ("claims changed after signing", format!("{changed}.{signature}")),
        ("the signature of another token", {
            let other = field.with("sub", "x");
            format!("{body}.{}", other.rsplit('.').next().unwrap())
        }),
        ("an ECDSA signature of zeros", ec(&[0; 64])),
        ("an empty ECDSA signature in DER", ec(&[0x30, 6, 2, 1, 0, 2, 1, 0])),
    ];
    field.check(cases, "invalid").await;
}

#[tokio::test]
async fn by_their_header() {
    let field = Field::new().await;
    let with = |name: &str, value: Value| {
        let mut header = json!({"alg": "RS256", "kid": "a", "typ": "JWT"});
        header[name] = value;
        field.under(&header)
    };
    let raw = |header: &str| field.keys.rsa.signed("RS256", header, &field.claims().to_string());
    let cases = vec![
        ("a demand", with("crit", json!(["exp"]))),
        ("an empty demand", with("crit", json!([]))),
        ("an unencoded payload", with("crit", json!(["b64"]))),
        ("an access token", with("typ", json!("at+jwt"))),
        ("a type that is null", with("typ", Value::Null)),
        ("a type that is a list", with("typ", json!(["JWT"]))),
        ("two algorithms", raw(r#"{"alg":"RS256","alg":"RS256","kid":"a"}"#)),
        ("two ids", raw(r#"{"alg":"RS256","kid":"a","kid":"b"}"#)),
        ("two members deep inside", raw(r#"{"alg":"RS256","kid":"a","x":[{"y":1,"y":1}]}"#)),
    ];
    field.check(cases, "invalid").await;
}

#[tokio::test]
async fn by_their_issuer() {
    let field = Field::new().await;
    let url = &field.fake.url;
    let port = field.decoy.address.port();
    let decoy = field.decoy.address;
    let cases = vec![
        ("none", field.without("iss")),
        ("a number", field.with("iss", 1)),
        ("a list", field.with("iss", json!([url]))),
        ("empty", field.with("iss", "")),
        ("unknown", field.with("iss", format!("https://localhost:{port}"))),
        ("with a slash", field.with("iss", format!("{url}/"))),
        ("in capitals", field.with("iss", url.replace("localhost", "LOCALHOST"))),
        ("as user name", field.with("iss", format!("{url}@{decoy}"))),
        ("with a user name", field.with("iss", url.replace("localhost", "me@localhost"))),
        ("as the beginning of a host", field.with("iss", format!("{url}.evil.example"))),
        ("with a path", field.with("iss", format!("{url}/../x"))),
        ("with a query", field.with("iss", format!("{url}?x=https://{decoy}"))),
        ("with a fragment", field.with("iss", format!("{url}#"))),
        ("without TLS", field.with("iss", url.replace("https", "http"))),
        ("by address", field.with("iss", url.replace("localhost", "127.0.0.1"))),
        ("with a space", field.with("iss", format!("{url} "))),
        ("with a NUL", field.with("iss", format!("{url}\0"))),
        ("without a scheme", field.with("iss", url.replace("https://", ""))),
        ("a file", field.with("iss", "file:///etc")),
        ("twice", field.beginning(&format!("\"iss\":\"https://{decoy}\""))),
    ];
    field.check(cases, "invalid").await;
    assert_eq!(field.neighbour.connections(), 0, "a token of one issuer had another asked");
}

#[tokio::test]
async fn by_their_time() {
    let field = Field::new().await;
    let cases = vec![
        ("61 seconds ago", field.with("exp", NOW - 61)),
        ("60 seconds ago", field.with("exp", NOW - 60)),
        ("a year ago", field.with("exp", NOW - 31_536_000)),
        ("1970", field.with("exp", 0)),
        ("before 1970", field.with("exp", -1)),
        ("long before", field.with("exp", i64::MIN)),
    ];
    field.check(cases, "expired").await;
    let cases = vec![
        ("no end", field.without("exp")),
        ("an end in words", field.with("exp", (NOW + 300).to_string())),
        ("an end that is null", field.with("exp", Value::Null)),
        ("an end that is true", field.with("exp", true)),
        ("the end of time", field.with("exp", u64::MAX)),
        ("the end of floats", field.with("exp", f64::MAX)),
        ("an end twice", field.beginning(&format!("\"exp\":{}", NOW + 1))),
        ("a life of a day and a second", field.with("exp", NOW + 86_401)),
        ("a life of a year", field.with("exp", NOW + 31_536_000)),
        ("no issue", field.without("iat")),
        ("an issue in words", field.with("iat", NOW.to_string())),
        ("an issue in the future", field.with("iat", NOW + 61)),
        ("issued after its end", {
            let mut claims = field.claims();
            (claims["iat"], claims["exp"]) = ((NOW + 50).into(), (NOW - 50).into());
            field.keys.rsa.token("RS256", &claims)
        }),
        ("a beginning in the future", field.with("nbf", NOW + 61)),
        ("a beginning in words", field.with("nbf", NOW.to_string())),
        ("a beginning that is null", field.with("nbf", Value::Null)),
    ];
    field.check(cases, "invalid").await;
}

#[tokio::test]
async fn by_their_audience_and_subject() {
    let field = Field::new().await;
    let cases = vec![
        ("no audience", field.without("aud")),
        ("another", field.with("aud", "sts.amazonaws.com")),
        ("an empty one", field.with("aud", "")),
        ("an empty list", field.with("aud", json!([]))),
        ("a list of others", field.with("aud", json!(["a", "b"]))),
        ("a list with a number", field.with("aud", json!(["https://registry.example", 1]))),
        ("a list in a list", field.with("aud", json!([["https://registry.example"]]))),
        ("a number", field.with("aud", 1)),
        ("an object", field.with("aud", json!({"https://registry.example": true}))),
        ("in capitals", field.with("aud", "HTTPS://REGISTRY.EXAMPLE")),
        ("with a slash", field.with("aud", "https://registry.example/")),
        ("the beginning", field.with("aud", "https://registry")),
        ("two in one text", field.with("aud", "https://registry.example a")),
        ("a pattern", field.with("aud", "*")),
        ("twice", field.beginning("\"aud\":\"a\"")),
        ("as azp only", {
            let mut claims = field.claims();
            (claims["azp"], claims["aud"]) = (claims["aud"].clone(), "a".into());
            field.keys.rsa.token("RS256", &claims)
        }),
        ("no subject", field.without("sub")),
        ("an empty subject", field.with("sub", "")),
        ("a subject that is a number", field.with("sub", 7)),
        ("a subject that is a list", field.with("sub", json!(["repo:acme/web"]))),
        ("a subject that is null", field.with("sub", Value::Null)),
        ("a subject twice", field.beginning("\"sub\":\"repo:evil/web\"")),
        ("a subject twice, once in escapes", field.beginning("\"s\\u0075b\":\"repo:evil/web\"")),
        ("a claim twice deep inside", field.beginning("\"a\":[{\"b\":{\"c\":1,\"c\":2}}]")),
        ("a claim by a path and by a name", field.beginning("\"a\":{\"b\":1},\"a/b\":2")),
    ];
    field.check(cases, "invalid").await;
}

#[tokio::test]
async fn in_the_order_of_the_checks() {
    let field = Field::new().await;
    let all_wrong = |key: &TestKey, changes: &[(&str, Value)]| {
        let mut claims = field.claims();
        for (name, value) in changes {
            claims[*name] = value.clone();
        }
        key.token("RS256", &claims)
    };
    let (past, other) = (json!(NOW - 1_000), json!("other"));
    let expired = vec![
        ("before the audience", all_wrong(&field.keys.rsa, &[("exp", past.clone()), ("aud", other.clone())])),
        ("before the subject", all_wrong(&field.keys.rsa, &[("exp", past.clone()), ("sub", json!(1))])),
    ];
    field.check(expired, "expired").await;
    let invalid = vec![
        ("the signature before", all_wrong(&field.keys.impostor, &[("exp", past.clone())])),
        ("the issuer before", all_wrong(&field.keys.rsa, &[("exp", past), ("iss", other)])),
    ];
    field.check(invalid, "invalid").await;
}

#[tokio::test]
async fn without_asking_an_issuer_that_could_not_have_made_them() {
    let field = Field::new().await;
    let claims = field.claims().to_string();
    for token in [
        field.with("iss", "https://other.example"),
        format!("{}.", message(r#"{"alg":"none"}"#, &claims)),
        with_mac(b"", r#"{"alg":"HS256"}"#, &claims),
        field.under(&json!({"alg": "RS256", "crit": ["x"]})),
        field.beginning("\"sub\":\"x\""),
    ] {
        let refused = field.issuers.verify(&token, at(0), at(0)).await.unwrap_err();
        assert_eq!(kind(&refused), "invalid");
    }
    assert_eq!((field.fake.connections(), field.neighbour.connections()), (0, 0));
}

#[tokio::test]
async fn with_words_that_people_search_for() {
    let field = Field::new().await;
    let said =
        async |token: String| field.issuers.verify(&token, at(0), at(0)).await.unwrap_err().to_string();
    let unknown = said(field.with("iss", "https://other.example\n<b>")).await;
    assert!(
        unknown
            .starts_with("No OpenIDConnect provider found in your account for https://other.example\\n<b>."),
        "{unknown}"
    );
    assert!(said(field.with("iss", "x".repeat(10_000))).await.len() < 500);
    assert!(said(field.with("aud", "x")).await.starts_with("Incorrect token audience"));
}

#[tokio::test]
async fn of_an_issuer_with_a_shorter_life() {
    let key = TestKey::rsa("a");
    let fake = FakeIssuer::start(jwks(&[key.jwk()])).await;
    let max_token_life = std::time::Duration::from_mins(4);
    let issuers = Issuers::open(&[Issuer { max_token_life, ..configured(&fake) }]).unwrap();
    let token = key.token("RS256", &claims(&fake.url));
    let refused = issuers.verify(&token, at(0), at(0)).await.unwrap_err();
    assert!(refused.words().contains("longer than 240 seconds"), "{refused}");
}
