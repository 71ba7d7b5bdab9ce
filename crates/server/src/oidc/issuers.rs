//! All configured issuers, and the verification of a token.

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail};
use gangplank_core::Time;
use serde_json::{Map, Value};

use super::claims::{self, Claims};
use super::header::Header;
use super::issuer::Issuer;
use super::issuer_url::IssuerUrl;
use super::refused::Refused;
use super::times::Times;
use super::token::Token;
use crate::config;

/// How many characters of an unknown issuer an error repeats.
const TOLD: usize = 255;

/// The issuers whose tokens are accepted. It holds no thread, timer or client until a token of an issuer
/// arrives.
#[derive(Debug)]
pub struct Issuers(HashMap<String, Issuer>);

/// The content of a verified token. All of it was signed by the issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The URL of the issuer, as it is configured.
    pub issuer: String,
    /// The subject (`sub`) of the token. Never empty.
    pub subject: String,
    /// The audiences (`aud`) of the token that are configured for the issuer. At least one.
    pub audiences: Vec<String>,
    /// All claims but the audience.
    pub claims: Claims,
    /// All claims, as the token has them.
    pub members: Map<String, Value>,
}

impl Issuers {
    /// Checks the configured issuers, and reads the files that they name. Makes no connection.
    ///
    /// # Errors
    /// If an issuer cannot be used, or is listed twice. The text says which issuer, and why.
    pub fn open(configured: &[config::Issuer]) -> Result<Self> {
        let mut issuers = HashMap::new();
        let mut names = HashMap::new();
        for one in configured {
            let issuer = Issuer::open(one).with_context(|| format!("the issuer {:?}", one.url))?;
            // Trust policies name an issuer without its scheme and ignore the case of letters.
            let name = issuer.url.name().to_ascii_lowercase();
            if let Some(other) = names.insert(name, one.url.as_str()) {
                if other == one.url {
                    bail!("the issuer {other:?} is listed twice; name all its audiences in one entry");
                }
                bail!(
                    "the issuers {other:?} and {:?} are listed; trust policies cannot tell them apart, so name the \
                     one that tokens say",
                    one.url
                );
            }
            issuers.insert(one.url.clone(), issuer);
        }
        Ok(Self(issuers))
    }

    /// Whether no issuer is configured. Then no token can open a role.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The audiences that are configured for an issuer; `None` if it is not configured.
    pub fn audiences(&self, issuer: &str) -> Option<&[String]> {
        self.0.get(issuer).map(|issuer| &*issuer.audiences)
    }

    /// The URL and the audiences of each issuer.
    pub fn configured(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(url, issuer)| (url.as_str(), &*issuer.audiences))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &IssuerUrl> {
        self.0.values().map(|issuer| &issuer.url)
    }

    /// Verifies a token. `now` is the wall clock's time, to compare with the token's times. `steady` is steady
    /// time, which measures the age of fetched keys. Fetches the issuer's keys if that is due, which may take
    /// ten seconds.
    ///
    /// # Errors
    /// If the token was not made by a configured issuer for this server, if it has expired, or if the issuer's
    /// keys cannot be fetched.
    pub async fn verify(&self, token: &str, now: Time, steady: Time) -> Result<Verified, Refused> {
        let token = Token::read(token)?;
        let header = Header::read(&token.header)?;
        let issuer = self.issuer_of(&token)?;
        issuer.check_signature(&token, &header, steady).await?;
        Times::read(&token.claims)?.check(now, issuer.max_token_life)?;
        let audiences = audiences_in_common(issuer, &claims::audiences(&token.claims)?)?;
        let subject = claims::subject(&token.claims)?;
        let claims = claims::flat(token.claims.clone())?;
        let issuer = issuer.url.as_str().to_owned();
        Ok(Verified { issuer, subject, audiences, claims, members: token.claims })
    }

    /// The configured issuer that a token names. Nothing proves yet that the issuer made the token.
    fn issuer_of(&self, token: &Token<'_>) -> Result<&Issuer, Refused> {
        let Some(Value::String(named)) = token.claims.get("iss") else {
            return Err(Refused::invalid("The identity token does not say who its issuer is (iss)."));
        };
        self.0.get(named).ok_or_else(|| {
            let told: String = named.chars().take(TOLD).flat_map(char::escape_debug).collect();
            Refused::invalid(format!(
                "No OpenIDConnect provider found in your account for {told}. The operator of this server configures \
                 issuers, letter by letter as tokens name them."
            ))
        })
    }
}

/// The token's audiences that are configured.
fn audiences_in_common(issuer: &Issuer, named: &[&str]) -> Result<Vec<String>, Refused> {
    let common = issuer.audiences.iter().filter(|audience| named.contains(&audience.as_str()));
    let common: Vec<String> = common.cloned().collect();
    if common.is_empty() {
        return Err(Refused::invalid(format!(
            "Incorrect token audience: ask the issuer for a token for {}.",
            issuer.audiences.join(" or ")
        )));
    }
    Ok(common)
}
