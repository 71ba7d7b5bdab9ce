//! What runs containers. [`Engine`] is the seam: nothing above this crate knows Docker's words.
//!
//! A *node* is one network namespace with the containers of a deployment in it: they reach each other on
//! `localhost`. The engine is a cache of what is wanted, so nothing in it is relied on: nodes are found by what they
//! are labelled with, never by a name or an id that was kept.

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
pub use output::{KeptLine, Line, Output};

/// The result of everything that is asked of an engine.
pub type Result<T, E = EngineError> = std::result::Result<T, E>;
