//! Tokens without a valid signature.

use serde_json::{Value, json};

use super::{BadToken, BadTokens, RS256, Verdict, of};
use crate::identity::{base64, jwks, message, with_mac};

impl BadTokens {
    /// Tokens that are too short, too long, or no tokens at all.
    pub fn by_length_and_shape(&self) -> Vec<BadToken> {
        let good = self.keys.rsa.token("RS256", &self.claims());
        let parts: Vec<&str> = good.split('.').collect();
        let [header, payload, signature] = parts[..] else { unreachable!() };
        let long = "a".repeat(20_001);
        let sized = [("empty", String::new()), ("three bytes", "a.b".to_owned()), ("20,001 bytes", long)];
        let signed = |header: &str, claims: &str| self.keys.rsa.signed("RS256", header, claims);
        let sized = of(Verdict::Validation, sized.to_vec());
        let shaped = of(
            Verdict::Invalid,
            vec![
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
                ("a header that is no JSON", signed("alg=RS256", &self.claims().to_string())),
                ("a header that is a list", signed("[]", &self.claims().to_string())),
                ("claims that are no JSON", signed(RS256, "sub=x")),
                ("claims that are a list", signed(RS256, &json!([self.claims()]).to_string())),
                ("claims with more behind", signed(RS256, &format!("{} {{}}", self.claims()))),
                ("claims that are no UTF-8", format!("{header}.{}.{signature}", base64(b"{\"a\":\"\xff\"}"))),
                ("a token in a token", signed(RS256, &format!("\"{good}\""))),
                ("endless nesting", signed(RS256, &format!("{{\"a\":{}", "[".repeat(10_000)))),
                ("deep nesting", self.beginning(&format!("\"a\":{}{}", "[".repeat(100), "]".repeat(100)))),
            ],
        );
        [sized, shaped].concat()
    }

    /// Tokens signed with an algorithm that the key is not for, or not signed.
    pub fn by_algorithm(&self) -> Vec<BadToken> {
        let claims = self.claims().to_string();
        let public = self.keys.rsa.public_bytes();
        let unsigned = |header: &str| format!("{}.", message(header, &claims));
        let signed = self.keys.rsa.token("RS256", &self.claims());
        let signature = signed.rsplit('.').next().unwrap();
        let header = |algorithm: &str, id: &str| json!({"alg": algorithm, "kid": id}).to_string();
        let mac = |secret: &[u8], id: &str| with_mac(secret, &header("HS256", id), &claims);
        let under = |algorithm: Value| self.under(&json!({"alg": algorithm, "kid": "a"}));
        of(
            Verdict::Invalid,
            vec![
                ("none", unsigned(&header("none", "a"))),
                ("None", unsigned(&header("None", "a"))),
                ("none, signed", self.keys.rsa.signed("RS256", &header("none", "a"), &claims)),
                ("HS256 with the public key", mac(&public, "a")),
                ("HS256 with the set", mac(jwks(&[self.keys.rsa.jwk()]).as_bytes(), "a")),
                ("HS256 with a secret in the set", mac(b"secret", "oct")),
                ("HS256 with nothing", mac(b"", "a")),
                ("rs256", under(json!("rs256"))),
                ("ES512", under(json!("ES512"))),
                ("RSA-OAEP", under(json!("RSA-OAEP"))),
                ("no algorithm", self.under(&json!({"kid": "a"}))),
                ("a number", under(json!(256))),
                ("a list", under(json!(["RS256"]))),
                ("ES256 of an RSA key", under(json!("ES256"))),
                ("EdDSA of an RSA key", under(json!("EdDSA"))),
                ("RS256 of a P-256 key", self.keys.ec.signed("ES256", &header("RS256", "ec"), &claims)),
                ("ES384 of a P-256 key", self.keys.ec.signed("ES256", &header("ES384", "ec"), &claims)),
                ("RS512 said, RS256 done", under(json!("RS512"))),
                ("PS256 said, RS256 done", under(json!("PS256"))),
                ("RS256 of a key for RS512", self.keys.pinned.token("RS256", &self.claims())),
                ("the header changed after signing", {
                    format!("{}.{signature}", message(&header("PS256", "a"), &claims))
                }),
            ],
        )
    }

    /// Tokens signed by another key, or changed afterwards.
    pub fn by_key(&self) -> Vec<BadToken> {
        let claims = self.claims();
        let good = self.keys.rsa.token("RS256", &claims);
        let (body, signature) = good.rsplit_once('.').unwrap();
        let mut flipped = good.clone().into_bytes();
        let middle = good.len() - 40;
        flipped[middle] = if flipped[middle] == b'A' { b'B' } else { b'A' };
        let impostor = &self.keys.impostor;
        let there = format!("https://{}/jwks", self.decoy);
        let with = |name: &str, value: Value| {
            let mut header = json!({"alg": "RS256", "kid": "a"});
            header[name] = value;
            impostor.signed("RS256", &header.to_string(), &claims.to_string())
        };
        let named = |id: Value| self.under(&json!({"alg": "RS256", "kid": id}));
        let changed = message(RS256, &claims.to_string().replace("acme", "evil"));
        let ec = |signature: &[u8]| {
            let header = r#"{"alg":"ES256","kid":"ec"}"#;
            format!("{}.{}", message(header, &claims.to_string()), base64(signature))
        };
        of(
            Verdict::Invalid,
            vec![
                ("another key of this id", impostor.token("RS256", &claims)),
                ("another issuer's key", self.keys.neighbours.token("RS256", &claims)),
                ("another issuer's token", self.keys.rsa.token("RS256", &self.claims_of(&self.neighbour))),
                ("an unknown id", named(json!("b"))),
                ("an empty id", named(json!(""))),
                ("an id in another case", named(json!("A"))),
                ("an id that is a number", named(json!(1))),
                ("an id that is null", named(Value::Null)),
                ("no id, where there are several keys", self.under(&json!({"alg": "RS256"}))),
                ("a key for encryption", self.keys.encryption.token("RS256", &claims)),
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
                    let other = self.with("sub", "x");
                    format!("{body}.{}", other.rsplit('.').next().unwrap())
                }),
                ("an ECDSA signature of zeros", ec(&[0; 64])),
                ("an empty ECDSA signature in DER", ec(&[0x30, 6, 2, 1, 0, 2, 1, 0])),
            ],
        )
    }

    /// Tokens whose header demands an unsupported feature, or has a member twice.
    pub fn by_header(&self) -> Vec<BadToken> {
        let with = |name: &str, value: Value| {
            let mut header = json!({"alg": "RS256", "kid": "a", "typ": "JWT"});
            header[name] = value;
            self.under(&header)
        };
        let raw = |header: &str| self.keys.rsa.signed("RS256", header, &self.claims().to_string());
        of(
            Verdict::Invalid,
            vec![
                ("a demand", with("crit", json!(["exp"]))),
                ("an empty demand", with("crit", json!([]))),
                ("an unencoded payload", with("crit", json!(["b64"]))),
                ("an access token", with("typ", json!("at+jwt"))),
                ("a type that is null", with("typ", Value::Null)),
                ("a type that is a list", with("typ", json!(["JWT"]))),
                ("two algorithms", raw(r#"{"alg":"RS256","alg":"RS256","kid":"a"}"#)),
                ("two ids", raw(r#"{"alg":"RS256","kid":"a","kid":"b"}"#)),
                ("two members deep inside", raw(r#"{"alg":"RS256","kid":"a","x":[{"y":1,"y":1}]}"#)),
            ],
        )
    }
}
