//! The reference pages of the manual, made from the program's own descriptions, so that a page cannot contradict the
//! program. A test compares the files in `docs/book/src/reference` with them.

mod commands;
mod errors;
mod files;
mod limits;
mod markdown;
mod metrics;
mod operations;
mod settings;

use std::collections::BTreeMap;

/// All pages, by the name of the file.
pub(crate) fn pages() -> BTreeMap<String, String> {
    let pages = [
        ("commands", commands::page()),
        ("errors", errors::page()),
        ("files", files::page()),
        ("limits", limits::page()),
        ("metrics", metrics::page()),
        ("operations", operations::page()),
        ("settings", settings::page()),
    ];
    pages.into_iter().map(|(name, page)| (format!("{name}.md"), page.whole())).collect()
}
