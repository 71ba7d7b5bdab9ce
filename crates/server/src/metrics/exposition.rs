//! The two formats of `/metrics`: `OpenMetrics` if the client asks for it, else the older text format of
//! Prometheus.

use std::collections::HashMap;
use std::fmt::Write as _;

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exposition {
    /// `OpenMetrics` 1.0.
    OpenMetrics,
    /// The text format 0.0.4.
    Text,
}

impl Exposition {
    /// The format that an `Accept` header asks for.
    pub(crate) fn accepted(accept: Option<&str>) -> Self {
        let asked = accept.is_some_and(|accept| accept.contains("application/openmetrics-text"));
        if asked { Self::OpenMetrics } else { Self::Text }
    }

    /// The value of `Content-Type`.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// Converts `OpenMetrics` to this format.
    pub(super) fn of(self, text: String) -> String {
        match self {
            Self::OpenMetrics => text,
            Self::Text => older(&text),
        }
    }
}

/// Converts to the text format. There, counters and infos are declared under the full names of their samples,
/// and an info is a gauge. There are no units and no end mark.
fn older(text: &str) -> String {
    let declared = |line: &str| {
        let (name, kind) = line.strip_prefix("# TYPE ")?.split_once(' ')?;
        let name = name.to_owned();
        match kind {
            "counter" => Some((name, "_total")),
            "info" => Some((name, "_info")),
            _ => None,
        }
    };
    let ends: HashMap<String, &str> = text.lines().filter_map(declared).collect();
    let mut older = String::with_capacity(text.len());
    for line in text.lines() {
        let declaration = ["# HELP ", "# TYPE "].iter().find_map(|it| Some((*it, line.strip_prefix(it)?)));
        // Writing into a string does not fail.
        let _ = match declaration.and_then(|(kind, rest)| Some((kind, rest.split_once(' ')?))) {
            Some((kind, (name, rest))) if ends.contains_key(name) => {
                let rest = if rest == "info" { "gauge" } else { rest };
                writeln!(older, "{kind}{name}{} {rest}", ends[name])
            }
            None if line.starts_with("# UNIT ") || line == "# EOF" => Ok(()),
            _ => writeln!(older, "{line}"),
        };
    }
    older
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_form_names_counters_as_their_samples() {
        let text = "# HELP a_bytes Much.\n# TYPE a_bytes counter\n# UNIT a_bytes bytes\na_bytes_total 1\n\
                    # HELP b Now.\n# TYPE b gauge\nb 2\n# HELP c It.\n# TYPE c info\nc_info{d=\"e\"} 1\n# EOF\n";
        let expected = "# HELP a_bytes_total Much.\n# TYPE a_bytes_total counter\na_bytes_total 1\n\
                        # HELP b Now.\n# TYPE b gauge\nb 2\n# HELP c_info It.\n# TYPE c_info gauge\nc_info{d=\"e\"} 1\n";
        assert_eq!(Exposition::Text.of(text.to_owned()), expected);
        assert_eq!(Exposition::OpenMetrics.of(text.to_owned()), text);
    }

    #[test]
    fn who_asks_for_openmetrics_gets_it() {
        let prometheus =
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
        assert_eq!(Exposition::accepted(Some(prometheus)), Exposition::OpenMetrics);
        for other in [None, Some("*/*"), Some("text/plain")] {
            assert_eq!(Exposition::accepted(other), Exposition::Text);
        }
    }
}
