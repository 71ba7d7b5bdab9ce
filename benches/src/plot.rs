//! A plot of rates: bars, each work with a scale of its own.

use std::fmt::Write as _;

use crate::report::Row;

const WIDTH: f64 = 900.0;
const LABELS: f64 = 330.0;
const LINE: f64 = 18.0;
const COLOURS: [&str; 6] = ["#1b6ca8", "#d98324", "#5a8f4e", "#8e5a9b", "#a33b3b", "#666666"];

/// An SVG of all rows, those of one work together.
pub(crate) fn bars(rows: &[Row]) -> String {
    let mut targets: Vec<&str> = rows.iter().map(|row| row.target.as_str()).collect();
    targets.sort_unstable();
    targets.dedup();
    let mut body = String::new();
    let (mut y, mut last) = (10.0, "");
    for row in rows {
        if row.work != last {
            y += LINE / 2.0;
            last = &row.work;
            text(&mut body, 10.0, y + 12.0, &row.work);
        }
        let most = rows.iter().filter(|other| other.work == row.work).map(|other| other.outcome.rate());
        let length = row.outcome.rate() / most.fold(1e-9, f64::max) * (WIDTH - LABELS - 190.0);
        let colour =
            COLOURS[targets.iter().position(|name| *name == row.target).unwrap_or(0) % COLOURS.len()];
        let _ =
            write!(body, r#"<rect x="{LABELS}" y="{y}" width="{length:.1}" height="14" fill="{colour}"/>"#);
        let label = format!("{} {}", row.target, row.shown_rate());
        text(&mut body, LABELS + length + 6.0, y + 12.0, &label);
        y += LINE;
    }
    let height = y + 10.0;
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#ffffff"/>{body}</svg>"##
    )
}

fn text(body: &mut String, x: f64, y: f64, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _ = write!(body, r#"<text x="{x:.1}" y="{y:.1}">{text}</text>"#);
}
