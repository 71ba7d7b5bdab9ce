//! Hand-written pages that list all things of a kind are complete.

use std::path::Path;

use gangplank_core::policy::Preset;
use gangplank_core::{EventKind, Power};

pub(crate) fn check(top: &Path) -> Result<(), String> {
    let kinds = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let powers = Power::ALL.map(Power::as_str).into();
    let presets = Preset::ALL.iter().map(|preset| preset.as_str()).collect();
    let wanted: [(&str, Vec<&str>); 3] =
        [("audit", kinds), ("registered-images", powers), ("roles-and-policies", presets)];
    let mut faults = Vec::new();
    for (page, words) in wanted {
        let text = std::fs::read_to_string(top.join(format!("docs/book/src/concepts/{page}.md"))).unwrap();
        let missing = words.into_iter().filter(|word| !text.contains(&format!("`{word}`")));
        faults.extend(missing.map(|word| format!("concepts/{page}.md says nothing of {word}")));
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}
