//! Lists and records. A description of the columns gives the table, the text and the JSON. A new list only needs a
//! description.

mod cell;
mod table;

use anyhow::Result;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::{Map, Value};

pub(crate) use self::cell::Cell;
use super::{colour, foreign, output};

/// The form of a command's output, `--output`: a table for people, JSON for programs, or one line for each entry.
// The variants have no doc comments: with them clap would lay out the help differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Form {
    Table,
    Json,
    Text,
}

impl Form {
    /// The form that was asked for. By default a table on a terminal, and `elsewhere` for scripts.
    pub(crate) fn chosen(asked: Option<Self>, elsewhere: Self) -> Self {
        use std::io::IsTerminal as _;
        let usual = || if std::io::stdout().is_terminal() { Self::Table } else { elsewhere };
        asked.unwrap_or_else(usual)
    }

    /// Reads the form of an output that is no list, and so has no table.
    pub(crate) fn json_or_text() -> impl TypedValueParser<Value = Self> {
        PossibleValuesParser::new(["json", "text"])
            .map(|form| if form == "json" { Self::Json } else { Self::Text })
    }
}

/// The option for the form of a list. Every command that lists something on the server has it.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct ListForm {
    /// How they are shown [default: table on a terminal, json elsewhere]
    #[arg(long, value_name = "FORM")]
    output: Option<Form>,
}

impl ListForm {
    /// Prints a list in the form that was asked for.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub(crate) fn show<T>(self, listing: &Listing<T>, entries: &[T]) -> Result<()> {
        listing.show(Form::chosen(self.output, Form::Json), entries)
    }
}

/// One column: a member of the JSON, a word in the text, or both.
pub(crate) struct Column<T> {
    /// The title in tables. A column without a title is not in tables.
    title: &'static str,
    /// The name in JSON and text. A column without a name is in neither.
    name: &'static str,
    of: fn(&T) -> Cell,
    /// Whether text has the value without the name.
    bare: bool,
    /// Whether text leaves the column out.
    untold: bool,
}

impl<T> Column<T> {
    /// A column that every form has.
    pub(crate) const fn new(title: &'static str, name: &'static str, of: fn(&T) -> Cell) -> Self {
        Self { title, name, of, bare: false, untold: false }
    }

    /// A column for JSON and text only, because it is too wide for tables or says little.
    pub(crate) const fn not_in_tables(name: &'static str, of: fn(&T) -> Cell) -> Self {
        Self::new("", name, of)
    }

    /// A column for JSON only.
    pub(crate) const fn not_in_text(name: &'static str, of: fn(&T) -> Cell) -> Self {
        Self { title: "", name, of, bare: false, untold: true }
    }

    /// A column for tables only. It replaces columns that only the other forms show in full.
    pub(crate) const fn in_tables(title: &'static str, of: fn(&T) -> Cell) -> Self {
        Self::new(title, "", of)
    }

    /// This column, with its value shown in text without its name.
    pub(crate) const fn bare(mut self) -> Self {
        self.bare = true;
        self
    }
}

/// The description of a list, or of a record.
pub(crate) struct Listing<T: 'static> {
    /// The member of the JSON that holds the entries.
    pub(crate) name: &'static str,
    /// The text in place of an empty table.
    pub(crate) empty: &'static str,
    /// The columns, in order.
    pub(crate) columns: &'static [Column<T>],
    /// The sentence of an entry in the form [`Text`](Form::Text), if names and values would be hard to read.
    pub(crate) sentence: Option<fn(&T) -> String>,
}

impl<T> Listing<T> {
    /// Prints a list as the whole output.
    pub(crate) fn show(&self, form: Form, entries: &[T]) -> Result<()> {
        match form {
            Form::Table => output::text_in_colour(&self.table(entries)),
            Form::Text => output::text(&self.lines(entries)),
            Form::Json => {
                output::print(&Value::Object(Map::from_iter([(self.name.to_owned(), self.json(entries))])))
            }
        }
    }

    /// Prints one entry as the whole output.
    pub(crate) fn show_one(&self, form: Form, entry: &T) -> Result<()> {
        match form {
            Form::Table => {
                let shown = self.columns.iter().filter(|column| !column.title.is_empty());
                let rows = shown.map(|column| vec![column.title.to_owned(), (column.of)(entry).shown()]);
                output::text_in_colour(&table::laid_out(&rows.collect::<Vec<_>>(), &[], colour::on_output()))
            }
            Form::Text => output::text(&self.line(entry)),
            Form::Json => output::print(&self.object(entry)),
        }
    }

    /// The entries as JSON.
    pub(crate) fn json(&self, entries: &[T]) -> Value {
        entries.iter().map(|entry| self.object(entry)).collect()
    }

    /// The entries as text, a line each.
    pub(crate) fn lines(&self, entries: &[T]) -> String {
        entries.iter().map(|entry| self.line(entry)).collect()
    }

    /// An entry as a line of text.
    pub(crate) fn line(&self, entry: &T) -> String {
        if let Some(sentence) = self.sentence {
            // Text from outside cannot end the line.
            return foreign::words(&sentence(entry)) + "\n";
        }
        let named = self.columns.iter().filter(|column| !column.name.is_empty() && !column.untold);
        let words = named.filter_map(|column| {
            let value = (column.of)(entry).word()?;
            Some(if column.bare { value } else { format!("{}={value}", column.name) })
        });
        format!("{}\n", words.collect::<Vec<_>>().join(" "))
    }

    /// The entries as a table. Columns without any value are left out.
    pub(crate) fn table(&self, entries: &[T]) -> String {
        if entries.is_empty() {
            return format!("{}\n", self.empty);
        }
        let mut columns = Vec::new();
        for column in self.columns.iter().filter(|column| !column.title.is_empty()) {
            let cells: Vec<Cell> = entries.iter().map(column.of).collect();
            if !cells.iter().all(Cell::is_nothing) {
                columns.push((column.title, cells));
            }
        }
        let titles = columns.iter().map(|(title, _)| (*title).to_owned()).collect();
        let mut rows: Vec<Vec<String>> = vec![titles];
        for number in 0..entries.len() {
            rows.push(columns.iter().map(|(_, cells)| cells[number].shown()).collect());
        }
        let right: Vec<bool> = columns.iter().map(|(_, cells)| cells.iter().any(Cell::is_number)).collect();
        table::laid_out(&rows, &right, colour::on_output())
    }

    /// An entry as a JSON object.
    pub(crate) fn object(&self, entry: &T) -> Value {
        let named = self.columns.iter().filter(|column| !column.name.is_empty());
        let members = named.filter_map(|column| Some((column.name.to_owned(), (column.of)(entry).json()?)));
        Value::Object(members.collect())
    }
}

#[cfg(test)]
mod tests {
    use gangplank_api::Timestamp;
    use serde_json::json;

    use super::*;

    struct Entry(&'static str, Option<u64>);

    const LISTING: Listing<Entry> = Listing {
        name: "entries",
        empty: "There are no entries.",
        columns: &[
            Column::new("NAME", "name", |entry: &Entry| Cell::words(entry.0)).bare(),
            Column::new("SIZE", "size", |entry| entry.1.map_or(Cell::Nothing, Cell::Size)),
            Column::new("GONE", "gone", |_| Cell::Nothing),
            Column::not_in_tables("at", |_| Cell::Time(Timestamp(1_603_432_203_000))),
            Column::in_tables("SHORT", |entry| Cell::words(&entry.0[..1])),
        ],
        sentence: None,
    };

    #[test]
    fn one_description_makes_every_form() {
        let entries = [Entry("a b", Some(300_000_000)), Entry("c\u{1b}", None)];
        assert_eq!(
            LISTING.table(&entries),
            "NAME        SIZE  SHORT\na b    286.1 MiB  a\nc\\x1b          -  c\n"
        );
        assert_eq!(
            LISTING.lines(&entries),
            "\"a b\" size=300000000 at=2020-10-23T05:50:03+00:00\n\"c\\x1b\" at=2020-10-23T05:50:03+00:00\n"
        );
        let json = LISTING.json(&entries);
        assert_eq!(json[0], json!({ "name": "a b", "size": 300_000_000, "at": "2020-10-23T05:50:03+00:00" }));
        assert_eq!(LISTING.table(&[]), "There are no entries.\n");
        assert_eq!((LISTING.lines(&[]), LISTING.json(&[])), (String::new(), json!([])));
    }
}
