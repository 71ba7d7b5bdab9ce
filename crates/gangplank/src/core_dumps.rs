//! The image of a crashed process holds every secret that it held, and nearly every command holds an access key.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

use crate::output;

/// Lets no crash of this process be written down, and no other process of the same user look into it. A limit alone
/// would not do: where the kernel hands core dumps to a program, it pays no attention to the limit.
pub(crate) fn forbid() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let forbidden =
        setrlimit(Resource::Core, none).and_then(|()| set_dumpable_behavior(DumpableBehavior::NotDumpable));
    if let Err(error) = forbidden {
        output::warn(format_args!("cannot forbid core dumps, which would hold secrets: {error}"));
    }
}
