//! The health of a node, from the answers to its health checks.

use gangplank_core::deployment::HealthCheck;

/// The health of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The node has not been healthy yet.
    Unproven,
    /// The node answers its health checks.
    Healthy,
    /// The node was healthy once, and fails its health checks now.
    Unhealthy,
    /// The node has failed twice as many checks in a row as the number after which it counts as unhealthy. It
    /// will not recover by itself.
    Lost,
}

/// Counts the answers of one node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Health {
    healthy_threshold: u32,
    unhealthy_threshold: u32,
    good: u32,
    bad: u32,
    verdict: Verdict,
}

impl Health {
    /// The health of a node without an answer yet.
    pub(super) fn unproven(check: &HealthCheck) -> Self {
        let HealthCheck { healthy_threshold, unhealthy_threshold, .. } = *check;
        Self { healthy_threshold, unhealthy_threshold, good: 0, bad: 0, verdict: Verdict::Unproven }
    }

    /// The health of a node that served before this server started.
    pub(super) fn trusted(check: &HealthCheck) -> Self {
        Self { verdict: Verdict::Healthy, ..Self::unproven(check) }
    }

    /// Counts an answer. Returns the verdict after it.
    pub(super) fn note(&mut self, is_good: bool) -> Verdict {
        (self.good, self.bad) =
            if is_good { (self.good.saturating_add(1), 0) } else { (0, self.bad.saturating_add(1)) };
        if self.good >= self.healthy_threshold {
            self.verdict = Verdict::Healthy;
        } else if self.verdict != Verdict::Unproven && self.bad >= self.unhealthy_threshold {
            let is_lost = self.bad >= self.unhealthy_threshold.saturating_mul(2);
            self.verdict = if is_lost { Verdict::Lost } else { Verdict::Unhealthy };
        }
        self.verdict
    }

    /// The present verdict.
    pub(super) fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Whether the node never gave a good answer.
    pub(super) fn is_silent(&self) -> bool {
        self.verdict == Verdict::Unproven && self.good == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(mut health: Health, answers: &str) -> Verdict {
        for answer in answers.chars() {
            health.note(answer == '+');
        }
        health.verdict()
    }

    #[test]
    fn thresholds_count_answers_in_a_row() {
        let check = HealthCheck { healthy_threshold: 2, unhealthy_threshold: 3, ..HealthCheck::default() };
        let new = Health::unproven(&check);
        for (answers, verdict) in [
            ("", Verdict::Unproven),
            ("+", Verdict::Unproven),
            ("+-+-", Verdict::Unproven),
            ("---------", Verdict::Unproven),
            ("-++", Verdict::Healthy),
            ("++--", Verdict::Healthy),
            ("++--+--", Verdict::Healthy),
            ("++---", Verdict::Unhealthy),
            ("++---+", Verdict::Unhealthy),
            ("++---++", Verdict::Healthy),
            ("++------", Verdict::Lost),
            ("++------++", Verdict::Healthy),
        ] {
            assert_eq!(after(new, answers), verdict, "{answers}");
        }
        assert_eq!(after(Health::trusted(&check), ""), Verdict::Healthy);
        assert_eq!(after(Health::trusted(&check), "---"), Verdict::Unhealthy);
    }
}
