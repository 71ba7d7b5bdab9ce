//! What a statement does to which tables, as far as its words say.

use super::tables;

/// What a statement does.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Statement<'t> {
    /// The table whose rows it changes or removes.
    pub(super) changes: Option<&'t str>,
    /// The table that it adds rows to.
    pub(super) adds_to: Option<&'t str>,
    /// Tables that it looks at.
    pub(super) reads: Vec<&'t str>,
}

impl<'t> Statement<'t> {
    /// Reads the words of a text. What stands after `FROM` or `JOIN` and is no table is a query or a name for one.
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

/// The table whose rows a query finds, outside of the queries within it.
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
