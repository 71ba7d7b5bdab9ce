//! Whether the web console is served.

/// On or off.
// The values have no words of their own, or clap would lay out the help in another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Console {
    On,
    Off,
}
