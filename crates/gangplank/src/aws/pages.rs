//! Lists that come in pages: no server decides how long a command goes on asking for them.

use anyhow::{Result, ensure};

/// Pages may be empty where little fits; so many after each other are not, of the most that there can be.
const MOST_EMPTY: usize = 1_000;

/// More than any list of ours has.
const MOST_ENTRIES: usize = 10_000_000;

/// The pages of one list.
#[derive(Default)]
pub(crate) struct Pages {
    empty: usize,
    entries: usize,
}

impl Pages {
    /// Counts a page with so many entries.
    ///
    /// # Errors
    /// If a server that means well has no such pages.
    pub(crate) fn count(&mut self, entries: usize) -> Result<()> {
        self.empty = if entries == 0 { self.empty + 1 } else { 0 };
        self.entries = self.entries.saturating_add(entries);
        ensure!(
            self.empty <= MOST_EMPTY,
            "the server gave {MOST_EMPTY} pages without an entry and still no last one"
        );
        ensure!(self.entries <= MOST_ENTRIES, "the server's list has more than {MOST_ENTRIES} entries");
        Ok(())
    }
}
