//! Links of all pages: the file is there, and the heading in it; every page is in the summary.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::page::{Kind, Page};

pub(crate) fn check(top: &Path, pages: &[Page]) -> Result<(), String> {
    let mut faults = Vec::new();
    let book = top.join("docs/book/src");
    let anchors: BTreeMap<&PathBuf, BTreeSet<String>> =
        pages.iter().map(|page| (&page.file, anchors(page))).collect();
    for page in pages {
        for part in &page.parts {
            let Kind::Link(link) = &part.kind else { continue };
            if let Some(fault) = fault(link, page, &book, &anchors) {
                faults.push(format!("{}:{}: {link}: {fault}", page.name, part.line));
            }
        }
    }
    faults.extend(outside_the_summary(&book, pages));
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

fn fault(
    link: &str,
    page: &Page,
    book: &Path,
    anchors: &BTreeMap<&PathBuf, BTreeSet<String>>,
) -> Option<&'static str> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let file = if path.is_empty() { page.file.clone() } else { page.file.parent().unwrap().join(path) };
    let Ok(file) = file.canonicalize() else { return Some("there is no such file") };
    // The manual is read on its own.
    if page.file.starts_with(book) && !file.starts_with(book) {
        return Some("it leads out of the manual");
    }
    let known = anchors.get(&file);
    anchor.and_then(|anchor| match known {
        Some(known) if known.contains(anchor) => None,
        _ => Some("there is no such heading"),
    })
}

fn outside_the_summary(book: &Path, pages: &[Page]) -> Vec<String> {
    let summary = pages.iter().find(|page| page.file == book.join("SUMMARY.md")).expect("a summary");
    let listed: BTreeSet<PathBuf> = summary
        .parts
        .iter()
        .filter_map(|part| if let Kind::Link(link) = &part.kind { Some(book.join(link)) } else { None })
        .collect();
    let of_book = pages.iter().filter(|page| page.file.starts_with(book) && page.file != summary.file);
    let outside = of_book.filter(|page| !listed.contains(&page.file));
    outside.map(|page| format!("{} is not in the summary", page.name)).collect()
}

/// The names that mdBook and GitHub give headings.
fn anchors(page: &Page) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for part in &page.parts {
        let Kind::Heading(text) = &part.kind else { continue };
        let plain = anchor(text);
        let numbered = (1..).map(|number| format!("{plain}-{number}"));
        let free = std::iter::once(plain.clone()).chain(numbered).find(|name| !anchors.contains(name));
        anchors.extend(free);
    }
    anchors
}

fn anchor(text: &str) -> String {
    let lower = text.trim().to_lowercase();
    let kept = lower.chars().filter(|each| each.is_alphanumeric() || matches!(each, '-' | '_' | ' '));
    kept.map(|each| if each == ' ' { '-' } else { each }).collect()
}
