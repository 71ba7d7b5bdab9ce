//! Secrets in the logs of CI jobs. GitHub's runners replace a secret by stars from the moment they are told of it
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>).

use std::io::Write as _;

use gangplank_api::Secret;

/// Tells GitHub's runner of a secret, if one runs this job. It goes to standard error, because a program may read
/// standard output.
pub(crate) fn mask(secret: &Secret) {
    if std::env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true") {
        let _ = writeln!(std::io::stderr(), "{}", order(secret));
    }
}

fn order(secret: &Secret) -> String {
    let data = secret.expose().replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    format!("::add-mask::{data}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_stays_in_its_order() {
        assert_eq!(order(&"gpp_x".to_owned().into()), "::add-mask::gpp_x");
        assert_eq!(order(&"a%\n::b".to_owned().into()), "::add-mask::a%25%0A::b");
    }
}
