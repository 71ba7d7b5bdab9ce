//! The program's own documentation, made from its description of the commands: notes under `--help`, manual pages,
//! completions for shells, and pages of the manual.

#[cfg(unix)]
pub(crate) mod book;
pub(crate) mod completions;
pub(crate) mod manual_pages;
pub(crate) mod notes;
