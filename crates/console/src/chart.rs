//! A line over time, drawn as SVG.

use std::fmt::Write as _;

use askama::Template;
use askama::filters::HtmlSafe;

/// The width and height of the drawing, in its own units.
const SIZE: (f64, f64) = (600.0, 120.0);

/// A line: one value in percent for each part of the time; `None` if it is not known.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The values, in order of time.
    pub values: Vec<Option<f64>>,
}

/// A line over time, with a summary in words for people who do not see it.
#[derive(Clone, Debug, PartialEq, Template)]
#[template(path = "parts/chart.html")]
pub struct Chart {
    /// The title, which names the measured value.
    pub title: String,
    /// The summary, with figures.
    pub summary: String,
    /// The line.
    pub series: Series,
}

impl HtmlSafe for Chart {}

impl Chart {
    /// The greatest value of the axis: 100 percent, or the greatest of the values.
    fn top(&self) -> f64 {
        self.series.values.iter().flatten().copied().fold(100.0, f64::max)
    }

    /// The line as the data of an SVG path. It has gaps where values are not known.
    #[expect(clippy::cast_precision_loss, reason = "a place among a few hundred")]
    fn line(&self) -> String {
        let (width, height) = SIZE;
        let step = width / (self.series.values.len().max(2) - 1) as f64;
        let (mut line, mut is_drawn) = (String::new(), false);
        for (at, value) in self.series.values.iter().enumerate() {
            let Some(value) = value.filter(|value| value.is_finite()) else {
                is_drawn = false;
                continue;
            };
            let (x, y) = (at as f64 * step, height - value.max(0.0) / self.top() * height);
            // A single point is visible too, since lines have round ends.
            let word = if is_drawn { "L" } else { "M" };
            let _ = write!(line, "{word}{x:.1} {y:.1}");
            if !is_drawn {
                let _ = write!(line, "L{x:.1} {y:.1}");
            }
            is_drawn = true;
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(values: &[Option<f64>]) -> Chart {
        Chart {
            title: "Processor".to_owned(),
            summary: "none".to_owned(),
            series: Series { values: values.to_vec() },
        }
    }

    #[test]
    fn a_line_has_gaps_and_stays_within_its_bounds() {
        let line = chart(&[Some(0.0), Some(50.0), None, Some(100.0)]).line();
        assert_eq!(line, "M0.0 120.0L0.0 120.0L200.0 60.0M600.0 0.0L600.0 0.0");
        assert_eq!(chart(&[Some(400.0), Some(200.0)]).line(), "M0.0 0.0L0.0 0.0L600.0 60.0");
        assert_eq!(chart(&[Some(f64::NAN), None]).line(), "");
        assert_eq!(chart(&[]).line(), "");
    }
}
