//! Engines that run containers. [`Engine`] is the interface. Code above this crate does not know Docker's terms.
//!
//! A *node* is one network namespace with the containers of a deployment in it, which reach each other on
//! `localhost`. The engine only caches the wanted state, so its state is never relied on. Nodes are found by their
//! labels, never by a stored name or id.

#[cfg(feature = "docker")]
pub mod docker;
mod engine;
mod error;
mod image;
pub mod memory;
mod node;
mod output;
mod seam;

pub use engine::{Engine, Host, Usage};
pub use error::EngineError;
pub use image::{Archives, Credentials, ImageWanted, PresentImage};
pub use node::{
    ContainerSeen, ContainerSpec, ContainerState, NodeHandle, NodeName, NodeSeen, NodeSpec, Protocol,
};
pub use output::{KeptLine, Line, Output, Pipe};

/// The result of everything that is asked of an engine.
pub type Result<T, E = EngineError> = std::result::Result<T, E>;
