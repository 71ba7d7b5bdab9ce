//! Tables: a box for the answer. A value with members of its own gets a box inside.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;

use serde_json::{Map, Value};

use super::table_section::{Section, Style};
use crate::lightsail::failure::Failure;
use crate::lightsail::python_repr;

/// The width of a table if no terminal gives one, in columns.
const DEFAULT_WIDTH: usize = 80;

/// Writes a value as a table. Empty if the value has no content.
pub(crate) fn render(title: &str, value: &Value, coloured: bool) -> Result<String, Failure> {
    let mut table = Table::default();
    if !table.add(Some(title), value, 0)? {
        return Ok(String::new());
    }
    let mut width = table.width();
    if width > allowed_width() {
        // A section with one row is shown with one line for each column.
        table.sections.iter_mut().for_each(Section::turn);
        width = table.width();
    }
    let mut style = Style::new(coloured);
    style.write(&format!("{}\n", "-".repeat(width)));
    table.sections.iter().for_each(|section| section.render(width, &mut style));
    Ok(style.finish())
}

fn allowed_width() -> usize {
    let stdout = std::io::stdout();
    if !stdout.is_terminal() {
        return DEFAULT_WIDTH;
    }
    crate::system::terminal_width().unwrap_or(DEFAULT_WIDTH)
}

#[derive(Default)]
struct Table {
    sections: Vec<Section>,
}

impl Table {
    fn width(&self) -> usize {
        self.sections.iter().map(Section::width).max().unwrap_or_default()
    }

    fn begin(&mut self, title: &str, depth: usize) {
        self.sections.push(Section::new(title, depth));
    }

    fn row(&mut self, cells: Vec<String>) -> Result<(), Failure> {
        match self.sections.last_mut() {
            Some(section) => section.row(cells),
            None => Ok(()),
        }
    }

    fn header(&mut self, keys: &BTreeSet<&str>) {
        if let Some(section) = self.sections.last_mut() {
            section.header(keys.iter().map(|key| (*key).to_owned()).collect());
        }
    }

    /// Adds a value under a title. Returns whether it had any content.
    fn add(&mut self, title: Option<&str>, value: &Value, depth: usize) -> Result<bool, Failure> {
        if is_nothing(value) {
            return Ok(false);
        }
        if let Some(title) = title {
            self.begin(title, depth);
        }
        match value {
            Value::Array(values) if values[0].is_object() => self.list(title, values, depth)?,
            Value::Array(values) => {
                for value in values {
                    match value {
                        Value::Array(cells) if cells.iter().all(is_scalar) => {
                            self.row(cells.iter().map(python_repr::text).collect())?;
                        }
                        Value::Array(_) | Value::Object(_) => {
                            self.add(None, value, 0)?;
                        }
                        scalar => self.row(vec![python_repr::text(scalar)])?,
                    }
                }
            }
            Value::Object(members) => self.structure(members, depth)?,
            _ => {}
        }
        Ok(true)
    }

    fn structure(&mut self, members: &Map<String, Value>, depth: usize) -> Result<(), Failure> {
        let (scalars, others) = keys([members].into_iter());
        let mut cells: Vec<String> = scalars.iter().map(|key| python_repr::text(&members[*key])).collect();
        match scalars.first() {
            Some(only) if scalars.len() == 1 => {
                cells.insert(0, (*only).to_owned());
                self.row(cells)?;
            }
            Some(_) => {
                self.header(&scalars);
                self.row(cells)?;
            }
            None => {}
        }
        for key in others {
            self.add(Some(key), &members[key], depth + 1)?;
        }
        Ok(())
    }

    fn list(&mut self, title: Option<&str>, values: &[Value], depth: usize) -> Result<(), Failure> {
        let (scalars, others) = keys(values.iter().filter_map(Value::as_object));
        self.header(&scalars);
        for (index, element) in values.iter().enumerate() {
            if index > 0 && !others.is_empty() {
                self.begin(title.unwrap_or_default(), depth);
                self.header(&scalars);
            }
            let cell = |key: &&str| element.get(*key).map(python_repr::text).unwrap_or_default();
            self.row(scalars.iter().map(cell).collect())?;
            for key in &others {
                if let Some(value) = element.get(*key) {
                    self.add(Some(key), value, depth + 1)?;
                }
            }
        }
        Ok(())
    }
}

/// The keys of all the structures: first those with single values, second those with lists or objects. A key
/// can be in both.
fn keys<'a>(all: impl Iterator<Item = &'a Map<String, Value>>) -> (BTreeSet<&'a str>, BTreeSet<&'a str>) {
    let (mut scalars, mut others) = (BTreeSet::new(), BTreeSet::new());
    for (key, value) in all.flatten() {
        if is_scalar(value) {
            scalars.insert(key.as_str())
        } else {
            others.insert(key.as_str())
        };
    }
    (scalars, others)
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}

/// Whether a value is false in Python.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}
