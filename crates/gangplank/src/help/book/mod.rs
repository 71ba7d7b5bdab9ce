//! The reference pages of the manual, made from what the program knows of itself: a page cannot say what the program
//! does not do. `docs/book/src/reference` has them as they are written here, which a test compares.

mod commands;
mod errors;
mod files;
mod limits;
mod markdown;
mod metrics;
mod operations;
mod settings;

use std::collections::BTreeMap;

/// Each page by the name of its file.
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
