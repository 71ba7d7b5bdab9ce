//! Whether the web console is served.

/// On or off.
// The variants have no doc comments: with them clap would lay out the help differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Console {
    On,
    Off,
}
