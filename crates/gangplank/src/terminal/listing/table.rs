//! Rows in columns.

use unicode_width::UnicodeWidthStr as _;

/// Lays out rows. `right` has a flag for each right-aligned column. The first row is bold if colours are on. A record
/// has no flags, and its first column is bold.
pub(super) fn laid_out(rows: &[Vec<String>], right: &[bool], coloured: bool) -> String {
    let is_list = !right.is_empty();
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> =
        (0..columns).map(|column| rows.iter().map(|row| row[column].width()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let padding = " ".repeat(widths[column] - cell.width());
            let is_title = if is_list { number == 0 } else { column == 0 };
            let cell = if is_title && coloured { format!("\x1b[1m{cell}\x1b[0m") } else { cell.clone() };
            if column > 0 {
                line.push_str("  ");
            }
            if right.get(column).is_some_and(|right| *right) {
                line.extend([padding.as_str(), &cell]);
            } else {
                line.extend([cell.as_str(), &padding]);
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
