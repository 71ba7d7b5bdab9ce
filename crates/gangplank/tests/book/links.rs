//! Checks the links of all pages: the file and its heading exist. Also checks that every page is in the
//! summary, and at most two clicks from the introduction.

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
    faults.extend(far_from_the_introduction(&book, pages));
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
    // The manual is also read without the rest of the tree.
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

/// Readers who only know docker find every task from the first page.
fn far_from_the_introduction(book: &Path, pages: &[Page]) -> Vec<String> {
    let linked = |file: &PathBuf| {
        let page = pages.iter().find(|page| page.file == *file);
        let parts = page.into_iter().flat_map(|page| &page.parts);
        let links =
            parts.filter_map(|part| if let Kind::Link(link) = &part.kind { Some(link) } else { None });
        let paths = links.filter_map(|link| link.split('#').next());
        let folder = file.parent().unwrap().to_owned();
        paths.filter_map(move |path| folder.join(path).canonicalize().ok()).collect::<Vec<_>>()
    };
    let first = BTreeSet::from([book.join("introduction.md")]);
    let second: BTreeSet<PathBuf> = first.iter().flat_map(linked).chain(first.clone()).collect();
    let third: BTreeSet<PathBuf> = second.iter().flat_map(linked).chain(second.clone()).collect();
    let summary = book.join("SUMMARY.md");
    let of_book = pages.iter().filter(|page| page.file.starts_with(book) && page.file != summary);
    let far = of_book.filter(|page| !third.contains(&page.file));
    far.map(|page| format!("{} is more than two clicks from the introduction", page.name)).collect()
}

/// The anchors that mdBook and GitHub give headings.
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
