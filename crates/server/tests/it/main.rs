//! Services that run on an engine in memory, which can be told to fail at every step.

mod faults;
mod rollouts;
mod updates;
mod world;
