//! Finds out from the words of a statement what it does to tables.

use super::tables;

/// The effects of a statement.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Statement<'t> {
    /// The table whose rows it changes or deletes.
    pub(super) changes: Option<&'t str>,
    /// The table that it inserts into.
    pub(super) adds_to: Option<&'t str>,
    /// The tables that it reads.
    pub(super) reads: Vec<&'t str>,
}

impl<'t> Statement<'t> {
    /// Reads the words of a text. A word after `FROM` or `JOIN` that is no table's name is skipped: it belongs
    /// to a subquery.
    pub(super) fn of(text: &'t str) -> Self {
        let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
        let words: Vec<&str> =
            text.split(|character| !is_part(character)).filter(|word| !word.is_empty()).collect();
        let mut statement = Self::default();
        for (at, word) in words.iter().enumerate() {
            let before = at.checked_sub(1).map_or("", |before| words[before]);
            let Some(next) = words.get(at + 1).copied() else { break };
            match *word {
                "INTO" if before == "INSERT" => statement.adds_to = Some(next),
                "UPDATE" if before == "DO" => statement.changes = statement.adds_to,
                "UPDATE" if before != "FOR" => statement.changes = Some(next),
                "FROM" if before == "DELETE" => statement.changes = Some(next),
                "FROM" | "JOIN" if tables::find(next).is_some() => statement.reads.push(next),
                _ => {}
            }
        }
        statement
    }

    /// Whether it only reads.
    pub(super) fn is_read(&self) -> bool {
        self.changes.is_none() && self.adds_to.is_none()
    }
}

/// The table of the outermost `FROM` in a query.
pub(super) fn found(text: &str) -> Option<&str> {
    let mut depth = 0;
    let outer = text.char_indices().filter(|(_, character)| {
        depth += match character {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        depth == 0
    });
    let from = outer.map(|(at, _)| at).find(|at| text[*at..].starts_with("FROM "))?;
    text[from..].split_whitespace().nth(1)
}
