//! An engine for tests that runs nothing. It can be made to fail at every step.
//!
//! A [`Machine`] stands for the machine of an engine. It has the nodes, and knows the behaviour of containers
//! ([`Behaviour`]) and the faults ([`Step`]). A [`Memory`] is one server's connection to it. Dropping it is like
//! ending that server; another one finds the running nodes. Each TCP port of a node is a real listener on loopback
//! with enough HTTP for probes and proxies. All waiting uses Tokio's clock.
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
