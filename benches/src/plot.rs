//! Plots: bars for rates, each work with its own scale, and lines for growth.

use std::fmt::Write as _;

use crate::growth::Line;
use crate::report::Row;

const WIDTH: f64 = 900.0;
const LABELS: f64 = 330.0;
const LINE: f64 = 18.0;
const COLOURS: [&str; 6] = ["#1b6ca8", "#d98324", "#5a8f4e", "#8e5a9b", "#a33b3b", "#666666"];

/// An SVG with all rows. Rows of one work are grouped.
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
    svg(y + 10.0, &body)
}

const PANEL: (f64, f64) = (300.0, 170.0);

/// An SVG of small plots of rates. The axis of growth is logarithmic; rates begin at zero.
pub(crate) fn lines(lines: &[Line]) -> String {
    let mut body = String::new();
    for (index, line) in lines.iter().enumerate() {
        let (column, row) = (index % 3, index / 3);
        let (left, top) = (PANEL.0 * f64_of(column), PANEL.1 * f64_of(row));
        panel(&mut body, line, left + 10.0, top + 30.0);
    }
    let height = PANEL.1 * f64_of(lines.len().div_ceil(3));
    svg(height, &body)
}

fn panel(body: &mut String, line: &Line, left: f64, top: f64) {
    let (width, height) = (PANEL.0 - 30.0, PANEL.1 - 65.0);
    text(body, left, top - 10.0, line.name);
    let most = line.points.iter().map(|(_, row)| row.outcome.rate()).fold(1e-9, f64::max);
    let exponents = line.points.iter().map(|(at, _)| f64_of(*at).log10());
    let (low, high) = exponents.fold((f64::MAX, f64::MIN), |(low, high), at| (low.min(at), high.max(at)));
    let mut path = String::new();
    for (at, row) in &line.points {
        let x = left + (f64_of(*at).log10() - low) / (high - low).max(1e-9) * (width - 40.0) + 10.0;
        let y = top + height * (1.0 - row.outcome.rate() / most * 0.85);
        let _ = write!(path, "{x:.1},{y:.1} ");
        let _ = write!(body, r#"<circle cx="{x:.1}" cy="{y:.1}" r="3" fill="{}"/>"#, COLOURS[0]);
        text(body, x - 8.0, y - 6.0, &row.shown_rate());
        text(body, x - 8.0, top + height + 14.0, &at.to_string());
    }
    let _ = write!(body, r#"<polyline points="{path}" fill="none" stroke="{}"/>"#, COLOURS[0]);
    let bottom = top + height;
    let _ = write!(
        body,
        r##"<path d="M{left:.1},{top:.1} V{bottom:.1} H{:.1}" fill="none" stroke="#888888"/>"##,
        left + width
    );
}

#[expect(clippy::cast_precision_loss, reason = "pixels")]
fn f64_of(number: usize) -> f64 {
    number as f64
}

fn svg(height: f64, body: &str) -> String {
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="#ffffff"/>{body}</svg>"##
    )
}

fn text(body: &mut String, x: f64, y: f64, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _ = write!(body, r#"<text x="{x:.1}" y="{y:.1}">{text}</text>"#);
}
