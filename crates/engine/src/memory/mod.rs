//! An engine that runs nothing, for tests: it can be told to fail at every step.
//!
//! A [`Machine`] stands for what an engine runs on: it has the nodes, and is told how containers behave
//! ([`Behaviour`]) and what fails ([`Step`]). A [`Memory`] is one server's way to it; dropping it is what the end of
//! that server is to the machine, and another one finds what runs. Each TCP port of a node is a real listener on
//! loopback that speaks enough HTTP for probes and proxies. What the machine waits for, it waits for by Tokio's
//! clock.
//!
//! ```
//! # use std::{collections::BTreeMap, sync::Arc, time::Duration};
//! # use gangplank_engine::memory::{Behaviour, Machine, Step};
//! # use gangplank_engine::{Engine, EngineError, KeptLine, Line, NodeName, Output};
//! # struct Nobody;
//! # impl Output for Nobody {
//! #     fn line(&self, _: &NodeName, _: &str, _: Line) {}
//! #     fn kept(&self, _: &NodeName, _: &str, _: usize) -> Vec<KeptLine> { Vec::new() }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let machine = Machine::new(|node, _container, _spec| match node.version {
//!     1 => Behaviour::serves(200),
//!     _ => Behaviour::ends(3, Duration::from_millis(50)).printing(["no database"]),
//! });
//! let engine = machine.engine("owner", Arc::new(Nobody));
//! machine.fail(Step::Nodes, EngineError::Away("it restarts".into()));
//! assert!(engine.nodes(None).await.is_err());
//! assert!(engine.nodes(None).await.unwrap().is_empty());
//! # }
//! ```

mod behaviour;
mod engine;
mod faults;
mod machine;
mod node;
mod serving;
mod tampering;

pub use behaviour::{Answers, Behaviour, End};
pub use engine::Memory;
pub use faults::Step;
pub use machine::Machine;
