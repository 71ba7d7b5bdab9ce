//! The rules for repeating a call, and the pauses between attempts: the "standard" mode of the AWS SDKs
//! (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>).

use std::time::Duration;

use serde_json::Value;

/// How often a call is tried, the first time included.
pub(crate) const ATTEMPTS: u32 = 3;

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(20);

/// Errors after which a repetition may help, whatever their status.
const PASSING: &[&str] = &[
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestTimeout",
    "RequestTimeoutException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
];

/// Whether a repetition of the call may get another answer.
pub(crate) fn is_worthwhile(status: u16, body: &[u8]) -> bool {
    match status {
        500 | 502 | 503 | 504 => true,
        ..300 => false,
        _ => {
            let body: Value = serde_json::from_slice(body).unwrap_or_default();
            let code = body.get("__type").and_then(Value::as_str).unwrap_or_default();
            PASSING.contains(&code.rsplit('#').next().unwrap_or_default())
        }
    }
}

/// The pause after an attempt: a random part of a time that doubles with each attempt. So clients that were
/// refused at the same time come back at different times.
pub(crate) fn pause(attempt: u32) -> Duration {
    let mut random = [0; 4];
    // If there are no random numbers, use the whole pause.
    let part = getrandom::fill(&mut random).map_or(u32::MAX, |()| u32::from_le_bytes(random));
    let whole = Duration::from_secs(1 << (attempt - 1).min(5));
    whole.mul_f64(f64::from(part) / f64::from(u32::MAX)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_that_pass_are_asked_about_again() {
        assert!(is_worthwhile(500, b""));
        assert!(is_worthwhile(400, br#"{"__type":"x#ThrottlingException"}"#));
        assert!(!is_worthwhile(400, br#"{"__type":"NotFoundException"}"#));
        assert!(!is_worthwhile(501, b"{}"));
        assert!(!is_worthwhile(200, b"{}"));
        assert!((1..50).all(|attempt| pause(attempt) <= LONGEST));
    }
}
