//! Errors of engines, by what the caller does next.

/// The reason for which an engine failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The engine cannot be reached, or is starting or stopping. A later attempt may succeed. Nothing is known about
    /// its containers.
    #[error("the container engine cannot be reached: {0}")]
    Away(String),
    /// The registry of an image cannot be reached. A later attempt may succeed.
    #[error("the image cannot be fetched now: {0}")]
    RegistryAway(String),
    /// The image does not exist, or may not be pulled. Another attempt does not help.
    #[error("the image cannot be pulled: {0}")]
    NoImage(String),
    /// The engine cannot make or start it, for example because the image does not have the command.
    #[error("{0}")]
    Refused(String),
    /// The node does not exist, or no longer exists.
    #[error("the node is gone")]
    NoNode,
}
