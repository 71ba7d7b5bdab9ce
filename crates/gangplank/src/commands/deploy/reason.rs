//! Finds out why a deployment failed: the platform writes the reason to the container's log.

/// Lines that the platform writes about every deployment. These lines give no reason.
const USUAL: [&str; 4] =
    ["Creating your deployment", "Started 1 new node", "Canceled", "Reached a steady state"];
/// The beginning of a reason that says little. Another line of the log may explain more.
const TOO_LONG: &str = "Took too long";

/// The lines of the log that are about one deployment.
#[derive(Debug)]
pub(super) struct Reason {
    prefix: String,
    found: Option<String>,
    took_too_long: bool,
}

impl Reason {
    pub(super) fn of(version: i32) -> Self {
        Self { prefix: format!("[deployment:{version}] "), found: None, took_too_long: false }
    }

    /// Reads a line of the log. If several lines explain something, the last one counts.
    pub(super) fn look(&mut self, line: &str) {
        match line.strip_prefix(&self.prefix).map(str::trim) {
            Some(TOO_LONG) => self.took_too_long = true,
            Some(text) if !text.is_empty() && !USUAL.contains(&text) => self.found = Some(text.to_owned()),
            _ => {}
        }
    }

    /// Whether the log said why the deployment failed.
    pub(super) fn is_known(&self) -> bool {
        self.found.is_some()
    }

    /// The reason, as text for a person.
    pub(super) fn words(&self) -> String {
        match &self.found {
            Some(found) => found.clone(),
            None if self.took_too_long => "it took too long".to_owned(),
            None => "its log does not say why".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str]) -> String {
        let mut reason = Reason::of(4);
        for line in lines {
            reason.look(line);
        }
        reason.words()
    }

    #[test]
    fn the_last_line_that_explains_something_counts() {
        let usual = ["[deployment:4] Creating your deployment", "[deployment:4] Started 1 new node"];
        let failed = [
            "[deployment:4] Canceled",
            "[deployment:4] app: exited with 1, 3 times",
            "app says [deployment:4] x",
        ];
        assert_eq!(of(&[&usual[..], &failed].concat()), "app: exited with 1, 3 times");
        assert_eq!(of(&["[deployment:4] Took too long", "[deployment:4] Canceled"]), "it took too long");
        assert_eq!(
            of(&["[deployment:3] app: exited with 1", "[deployment:44] other"]),
            "its log does not say why"
        );
    }
}
