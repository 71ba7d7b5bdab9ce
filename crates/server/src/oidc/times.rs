//! When a token is valid.

use std::time::Duration;

use gangplank_core::Time;
use serde_json::{Map, Value};

use super::refused::Refused;

/// The largest accepted difference between the issuer's clock and ours.
pub(super) const LEEWAY: Duration = Duration::from_mins(1);

/// The times in a token.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Times {
    expires: Time,
    not_before: Option<Time>,
    issued: Time,
}

impl Times {
    pub(super) fn read(claims: &Map<String, Value>) -> Result<Self, Refused> {
        let time = |name: &str| claims.get(name).map(|value| date(name, value)).transpose();
        let required = |name: &str| {
            time(name)?.ok_or_else(|| Refused::invalid(format!("The identity token does not say {name}.")))
        };
        Ok(Self { expires: required("exp")?, not_before: time("nbf")?, issued: required("iat")? })
    }

    /// Checks that the token is valid at `now`, and that its issuer did not make it for too long a life.
    ///
    /// # Errors
    /// If the token has expired, is not valid yet, or lives too long.
    pub(super) fn check(&self, now: Time, max_life: Duration) -> Result<(), Refused> {
        if now >= self.expires.plus(LEEWAY) {
            return Err(Refused::ExpiredToken(
                "The identity token has expired; ask the issuer for a new one.".to_owned(),
            ));
        }
        let begins = [("nbf", self.not_before), ("iat", Some(self.issued))];
        for (name, begin) in begins {
            if begin.is_some_and(|begin| now < begin.minus(LEEWAY)) {
                return Err(Refused::invalid(format!(
                    "The identity token is not valid yet: its {name} is in the future. Compare the clocks of the \
                     issuer and of this server."
                )));
            }
        }
        if self.expires < self.issued {
            return Err(Refused::invalid("The identity token ends before it was issued."));
        }
        if self.expires > self.issued.plus(max_life) {
            return Err(Refused::invalid(format!(
                "The identity token lives longer than {} seconds; ask the issuer for one that ends sooner (in \
                 Kubernetes: a projected service account token).",
                max_life.as_secs()
            )));
        }
        Ok(())
    }
}

/// Reads seconds since 1970, which may have a fraction. The result is in milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float becomes the nearest end of what an integer may be"
)]
fn date(name: &str, value: &Value) -> Result<Time, Refused> {
    let millis = match (value.as_i64(), value.as_f64()) {
        (Some(seconds), _) => seconds.saturating_mul(1_000),
        (None, Some(seconds)) => (seconds * 1_000.0) as i64,
        (None, None) => {
            return Err(Refused::invalid(format!("The identity token's {name} is not a number.")));
        }
    };
    Ok(Time(millis))
}
