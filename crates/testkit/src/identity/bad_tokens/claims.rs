//! Tokens with a valid signature and claims that are not accepted.

use serde_json::{Value, json};

use super::{AUDIENCE, BadToken, BadTokens, Verdict, of};

impl BadTokens {
    /// Tokens of issuers that differ slightly from the configured one.
    pub fn by_issuer(&self) -> Vec<BadToken> {
        let url = self.issuer.as_str();
        let port = self.decoy.port();
        let decoy = self.decoy;
        of(
            Verdict::Invalid,
            vec![
                ("none", self.without("iss")),
                ("a number", self.with("iss", 1)),
                ("a list", self.with("iss", json!([url]))),
                ("empty", self.with("iss", "")),
                ("unknown", self.with("iss", format!("https://localhost:{port}"))),
                ("with a slash", self.with("iss", format!("{url}/"))),
                ("in capitals", self.with("iss", url.replace("localhost", "LOCALHOST"))),
                ("as user name", self.with("iss", format!("{url}@{decoy}"))),
                ("with a user name", self.with("iss", url.replace("localhost", "me@localhost"))),
                ("as the beginning of a host", self.with("iss", format!("{url}.evil.example"))),
                ("with a path", self.with("iss", format!("{url}/../x"))),
                ("with a query", self.with("iss", format!("{url}?x=https://{decoy}"))),
                ("with a fragment", self.with("iss", format!("{url}#"))),
                ("without TLS", self.with("iss", url.replace("https", "http"))),
                ("by address", self.with("iss", url.replace("localhost", "127.0.0.1"))),
                ("with a space", self.with("iss", format!("{url} "))),
                ("with a NUL", self.with("iss", format!("{url}\0"))),
                ("without a scheme", self.with("iss", url.replace("https://", ""))),
                ("a file", self.with("iss", "file:///etc")),
                ("twice", self.beginning(&format!("\"iss\":\"https://{decoy}\""))),
            ],
        )
    }

    /// Tokens that are not valid now.
    pub fn by_time(&self) -> Vec<BadToken> {
        let over = of(
            Verdict::Expired,
            vec![
                ("61 seconds ago", self.with("exp", self.now - 61)),
                ("60 seconds ago", self.with("exp", self.now - 60)),
                ("a year ago", self.with("exp", self.now - 31_536_000)),
                ("1970", self.with("exp", 0)),
                ("before 1970", self.with("exp", -1)),
                ("long before", self.with("exp", i64::MIN)),
            ],
        );
        let wrong = of(
            Verdict::Invalid,
            vec![
                ("no end", self.without("exp")),
                ("an end in words", self.with("exp", (self.now + 300).to_string())),
                ("an end that is null", self.with("exp", Value::Null)),
                ("an end that is true", self.with("exp", true)),
                ("the end of time", self.with("exp", u64::MAX)),
                ("the end of floats", self.with("exp", f64::MAX)),
                ("an end twice", self.beginning(&format!("\"exp\":{}", self.now + 1))),
                ("a life of a day and a second", self.with("exp", self.now + 86_401)),
                ("a life of a year", self.with("exp", self.now + 31_536_000)),
                ("no issue", self.without("iat")),
                ("an issue in words", self.with("iat", self.now.to_string())),
                ("an issue in the future", self.with("iat", self.now + 61 + self.slack)),
                ("issued after its end", {
                    let mut claims = self.claims();
                    (claims["iat"], claims["exp"]) = ((self.now + 50).into(), (self.now - 50).into());
                    self.keys.rsa.token("RS256", &claims)
                }),
                ("a beginning in the future", self.with("nbf", self.now + 61 + self.slack)),
                ("a beginning in words", self.with("nbf", self.now.to_string())),
                ("a beginning that is null", self.with("nbf", Value::Null)),
            ],
        );
        [over, wrong].concat()
    }

    /// Tokens for other audiences, or without a subject.
    pub fn by_audience_and_subject(&self) -> Vec<BadToken> {
        of(
            Verdict::Invalid,
            vec![
                ("no audience", self.without("aud")),
                ("another", self.with("aud", "sts.amazonaws.com")),
                ("an empty one", self.with("aud", "")),
                ("an empty list", self.with("aud", json!([]))),
                ("a list of others", self.with("aud", json!(["a", "b"]))),
                ("a list with a number", self.with("aud", json!([AUDIENCE, 1]))),
                ("a list in a list", self.with("aud", json!([[AUDIENCE]]))),
                ("a number", self.with("aud", 1)),
                ("an object", self.with("aud", json!({AUDIENCE: true}))),
                ("in capitals", self.with("aud", "HTTPS://REGISTRY.EXAMPLE")),
                ("with a slash", self.with("aud", "https://registry.example/")),
                ("the beginning", self.with("aud", "https://registry")),
                ("two in one text", self.with("aud", "https://registry.example a")),
                ("a pattern", self.with("aud", "*")),
                ("twice", self.beginning("\"aud\":\"a\"")),
                ("as azp only", {
                    let mut claims = self.claims();
                    (claims["azp"], claims["aud"]) = (claims["aud"].clone(), "a".into());
                    self.keys.rsa.token("RS256", &claims)
                }),
                ("no subject", self.without("sub")),
                ("an empty subject", self.with("sub", "")),
                ("a subject that is a number", self.with("sub", 7)),
                ("a subject that is a list", self.with("sub", json!(["repo:acme/web"]))),
                ("a subject that is null", self.with("sub", Value::Null)),
                ("a subject twice", self.beginning("\"sub\":\"repo:evil/web\"")),
                ("a subject twice, once in escapes", self.beginning("\"s\\u0075b\":\"repo:evil/web\"")),
                ("a claim twice deep inside", self.beginning("\"a\":[{\"b\":{\"c\":1,\"c\":2}}]")),
                ("a claim by a path and by a name", self.beginning("\"a\":{\"b\":1},\"a/b\":2")),
            ],
        )
    }
}
