//! One box of a table: a title, a row of column names, and rows.

use unicode_width::UnicodeWidthChar as _;

use crate::lightsail::failure::Failure;

/// The space that a cell has beyond its text, in columns.
const PADDING: usize = 4;

/// Writes text, with or without colours. With colours every piece ends with the code that resets them, even an empty
/// piece: the AWS CLI's terminal library does the same.
pub(super) struct Style {
    coloured: bool,
    out: String,
}

impl Style {
    pub(super) fn new(coloured: bool) -> Self {
        Self { coloured, out: String::new() }
    }

    pub(super) fn write(&mut self, piece: &str) {
        self.out.push_str(piece);
        if self.coloured {
            self.out.push_str("\u{1b}[0m");
        }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    fn painted(&self, codes: &str, text: &str) -> String {
        if self.coloured { format!("{codes}{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn edge(&self) -> String {
        self.painted("\u{1b}[2m\u{1b}[33m", "|")
    }

    fn cell(&self, text: &str) -> String {
        self.painted("\u{1b}[1m\u{1b}[34m", text)
    }

    fn line(&mut self, depth: usize, line: &str) {
        let edges = self.edge().repeat(depth);
        self.write(&edges);
        self.write(line);
        self.write(&edges);
        self.write("\n");
    }
}

pub(super) struct Section {
    title: String,
    depth: usize,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    columns: Option<usize>,
    widths: Vec<usize>,
}

impl Section {
    pub(super) fn new(title: &str, depth: usize) -> Self {
        let title = title.to_owned();
        Self { title, depth, header: Vec::new(), rows: Vec::new(), columns: None, widths: Vec::new() }
    }

    pub(super) fn header(&mut self, cells: Vec<String>) {
        self.columns.get_or_insert(cells.len());
        self.widen(&cells);
        self.header = cells;
    }

    pub(super) fn row(&mut self, cells: Vec<String>) -> Result<(), Failure> {
        let columns = *self.columns.get_or_insert(cells.len());
        if cells.len() != columns {
            let found = cells.len();
            return Err(Failure::Other(format!(
                "Row should have {columns} elements, instead it has {found}"
            )));
        }
        self.widen(&cells);
        self.rows.push(cells);
        Ok(())
    }

    /// Turns a single row under its column names into one row for each name.
    pub(super) fn turn(&mut self) {
        if self.rows.len() != 1 || self.header.is_empty() {
            return;
        }
        let mut turned = Self::new(&self.title, self.depth);
        for (name, cell) in self.header.drain(..).zip(self.rows.remove(0)) {
            turned.widen(&[name.clone(), cell.clone()]);
            turned.rows.push(vec![name, cell]);
        }
        *self = turned;
    }

    fn widen(&mut self, cells: &[String]) {
        let widths = cells.iter().map(|cell| width(cell));
        if self.widths.is_empty() {
            self.widths = widths.collect();
        } else {
            self.widths.iter_mut().zip(widths).for_each(|(widest, width)| *widest = width.max(*widest));
        }
    }

    /// The width that the whole table needs for this section, including the edges of outer sections.
    pub(super) fn width(&self) -> usize {
        let cells: usize = self.widths.iter().map(|width| width + PADDING).sum();
        (width(&self.title) + 2).max(cells + 2) + 2 * self.depth
    }

    /// The widths of the columns, stretched or shrunk to fill the line.
    fn stretched(&self, line: usize) -> Vec<usize> {
        let natural: Vec<usize> = self.widths.iter().map(|width| width + PADDING).collect();
        let total: usize = natural.iter().sum();
        let mut widths: Vec<usize> = natural.iter().map(|width| share(*width, line, total)).collect();
        let mut sum: usize = widths.iter().sum();
        while sum != line && !widths.is_empty() {
            let order: Vec<usize> =
                if sum > line { (0..widths.len()).collect() } else { (0..widths.len()).rev().collect() };
            for column in order {
                if sum > line {
                    widths[column] = widths[column].saturating_sub(1);
                    sum -= 1;
                } else {
                    widths[column] += 1;
                    sum += 1;
                }
                if sum == line {
                    break;
                }
            }
        }
        widths
    }

    pub(super) fn render(&self, width: usize, style: &mut Style) {
        let line = width - 2 * self.depth;
        if !self.title.is_empty() {
            style.line(self.depth, &centred(&self.title, line, "|"));
            if self.header.is_empty() && self.rows.is_empty() {
                style.line(self.depth, &format!("+{}+", "-".repeat(line.saturating_sub(2))));
            }
        }
        let widths = self.stretched(line);
        if !self.header.is_empty() {
            style.line(self.depth, &rule(&widths));
            let cells = self.header.iter().zip(&widths).enumerate();
            let cells = cells.map(|(index, (cell, width))| centred(cell, *width, left_edge(index)));
            style.line(self.depth, &cells.collect::<String>());
        }
        if self.rows.is_empty() || widths.is_empty() {
            return;
        }
        style.line(self.depth, &rule(&widths));
        for row in &self.rows {
            let cells = row.iter().zip(&widths).enumerate();
            let cells = cells.map(|(index, (cell, width))| left(cell, *width, left_edge(index), style));
            let cells = cells.collect::<String>();
            style.line(self.depth, &cells);
        }
        style.line(self.depth, &rule(&widths));
    }
}

/// A column's part of the line, rounded as in Python: a half goes to the even number.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "widths of lines on a screen"
)]
fn share(width: usize, line: usize, total: usize) -> usize {
    (line as f64 / total as f64 * width as f64).round_ties_even() as usize
}

fn left_edge(column: usize) -> &'static str {
    if column == 0 { "|" } else { "" }
}

fn rule(widths: &[usize]) -> String {
    let dashes = |(index, width): (usize, &usize)| match index {
        0 => format!("+{}+", "-".repeat(width.saturating_sub(2))),
        _ => format!("{}+", "-".repeat(width.saturating_sub(1))),
    };
    widths.iter().enumerate().map(dashes).collect()
}

fn centred(text: &str, line: usize, edge: &str) -> String {
    let before = (line / 2).saturating_sub(width(text) / 2 + 1);
    let after = line.saturating_sub(1 + edge.len() + before + width(text));
    format!("{edge}{}{text}{}|", " ".repeat(before), " ".repeat(after))
}

fn left(text: &str, line: usize, edge: &str, style: &Style) -> String {
    let padding = if line > width(text) + 2 + edge.len() { 2 } else { 0 };
    let after = line.saturating_sub(edge.len() + padding + width(text) + 1);
    format!("{edge}{}{}{}|", " ".repeat(padding), style.cell(text), " ".repeat(after))
}

/// The width of a text in columns. Letters that are wide or may be wide take two.
fn width(text: &str) -> usize {
    text.chars().map(|letter| if letter.width_cjk() == Some(2) || may_be_wide(letter) { 2 } else { 1 }).sum()
}

/// Whether a letter below U+0600 has the `East_Asian_Width` "ambiguous". The library counts some of them as narrow.
#[rustfmt::skip]
fn may_be_wide(letter: char) -> bool {
    matches!(letter, '\u{a1}' | '\u{a4}' | '\u{a7}'..='\u{a8}' | '\u{aa}' | '\u{ad}'..='\u{ae}'
        | '\u{b0}'..='\u{b4}' | '\u{b6}'..='\u{ba}' | '\u{bc}'..='\u{bf}' | '\u{c6}' | '\u{d0}'
        | '\u{d7}'..='\u{d8}' | '\u{de}'..='\u{e1}' | '\u{e6}' | '\u{e8}'..='\u{ea}' | '\u{ec}'..='\u{ed}'
        | '\u{f0}' | '\u{f2}'..='\u{f3}' | '\u{f7}'..='\u{fa}' | '\u{fc}' | '\u{fe}'
        | '\u{101}' | '\u{111}' | '\u{113}' | '\u{11b}' | '\u{126}'..='\u{127}'
        | '\u{12b}' | '\u{131}'..='\u{133}' | '\u{138}' | '\u{13f}'..='\u{142}' | '\u{144}'
        | '\u{148}'..='\u{14b}' | '\u{14d}' | '\u{152}'..='\u{153}' | '\u{166}'..='\u{167}' | '\u{16b}'
        | '\u{1ce}' | '\u{1d0}' | '\u{1d2}' | '\u{1d4}' | '\u{1d6}'
        | '\u{1d8}' | '\u{1da}' | '\u{1dc}' | '\u{251}' | '\u{261}'
        | '\u{2c4}' | '\u{2c7}' | '\u{2c9}'..='\u{2cb}' | '\u{2cd}' | '\u{2d0}'
        | '\u{2d8}'..='\u{2db}' | '\u{2dd}' | '\u{2df}' | '\u{300}'..='\u{36f}' | '\u{391}'..='\u{3a1}'
        | '\u{3a3}'..='\u{3a9}' | '\u{3b1}'..='\u{3c1}' | '\u{3c3}'..='\u{3c9}' | '\u{401}' | '\u{410}'..='\u{44f}'
        | '\u{451}')
}
