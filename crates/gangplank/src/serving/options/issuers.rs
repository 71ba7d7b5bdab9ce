//! The issuers of identity tokens. Only the file can name them, as `[[issuer]]`.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use gangplank_server::config::{Issuer, IssuerKeys};
use serde::Deserialize;

use super::ServeOptions;
use crate::values::duration::{self, LengthOfTime};

/// The part of the sample file about issuers.
pub(super) const SAMPLE: &str = r#"
# An issuer of identity tokens that roles may trust: the OIDC issuer of a CI or a cluster. Add one table for each. The
# URL is the value of "iss" in its tokens, letter by letter; audiences has the accepted values of "aud". Name your own
# address there, and ask the CI for tokens with it.
#[[issuer]]
#url = "https://token.actions.githubusercontent.com"
#audiences = ["https://registry.example.com"]
# The issuer's keys, if the server cannot reach it (kubectl get --raw /openid/v1/jwks); or the authority of its certificate:
#jwks-file = "/etc/gangplank/issuer.jwks.json"
#ca-file = "/etc/gangplank/issuer-ca.pem"
# The longest life of its tokens.
#max-token-life = "24h"
"#;

/// The keys of an issuer in the file.
pub(super) const KEYS: [&str; 5] = ["url", "audiences", "jwks-file", "ca-file", "max-token-life"];

/// The longest life of a token that can be configured, in seconds: a year, because some clusters make such tokens.
const LONGEST_LIFE: u64 = 366 * 86_400;

/// An issuer as written in the file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Written {
    url: String,
    audiences: Vec<String>,
    jwks_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    max_token_life: Option<LengthOfTime>,
}

impl ServeOptions {
    /// Makes the part of the configuration that is about issuers. The server checks it, because only it knows the
    /// rules for URLs and audiences.
    pub(super) fn issuers(&self) -> Result<Vec<Issuer>> {
        self.issuer.iter().flatten().map(Written::issuer).collect()
    }
}

impl Written {
    fn issuer(&self) -> Result<Issuer> {
        let mut issuer = Issuer::new(self.url.clone(), self.audiences.clone());
        if let Some(file) = &self.jwks_file {
            issuer.keys = IssuerKeys::File(file.clone());
        }
        issuer.ca_file.clone_from(&self.ca_file);
        if let Some(LengthOfTime(life)) = self.max_token_life {
            ensure!(
                (60..=LONGEST_LIFE).contains(&life.as_secs()),
                "max-token-life of the issuer {:?} is from 60s to {}",
                self.url,
                duration::shown(LONGEST_LIFE)
            );
            issuer.max_token_life = life;
        }
        Ok(issuer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Issuer>> {
        let options: ServeOptions = toml::from_str(text)?;
        options.issuers()
    }

    #[test]
    fn issuers_reach_the_server_as_they_are_written() {
        let told = read(
            "listen = '127.0.0.1:0'\n\
             [[issuer]]\nurl = 'https://ci.example/'\naudiences = ['a', 'b']\n\
             [[issuer]]\nurl = 'https://cluster.example'\naudiences = ['c']\njwks-file = 'k8s.json'\n\
             ca-file = 'ca.pem'\nmax-token-life = '2h'\n",
        )
        .unwrap();
        let mut cluster = Issuer::new("https://cluster.example", ["c"]);
        cluster.keys = IssuerKeys::File("k8s.json".into());
        cluster.ca_file = Some("ca.pem".into());
        cluster.max_token_life = std::time::Duration::from_hours(2);
        assert_eq!(told, [Issuer::new("https://ci.example/", ["a", "b"]), cluster]);
        assert_eq!(read("").unwrap(), []);
    }

    #[test]
    fn lives_that_no_token_has_are_refused() {
        for life in ["1s", "20000d"] {
            let text = format!("[[issuer]]\nurl = 'https://x'\naudiences = ['a']\nmax-token-life = '{life}'");
            let refused = read(&text).unwrap_err().to_string();
            assert!(refused.contains("https://x") && refused.contains("from 60s"), "{refused}");
        }
    }
}
