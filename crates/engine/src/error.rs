//! What can go wrong with an engine, by what the caller does next.

/// An engine did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The engine cannot be reached, or is starting or stopping: what is asked again later may succeed. It says
    /// nothing about what runs.
    #[error("the container engine cannot be reached: {0}")]
    Away(String),
    /// The registry of an image cannot be reached: what is asked again later may succeed.
    #[error("the image cannot be fetched now: {0}")]
    RegistryAway(String),
    /// There is no such image, or it may not be pulled. Asking again does not help.
    #[error("the image cannot be pulled: {0}")]
    NoImage(String),
    /// The engine cannot make or start this, such as a command that the image does not have.
    #[error("{0}")]
    Refused(String),
    /// There is no such node (any more).
    #[error("the node is gone")]
    NoNode,
}
