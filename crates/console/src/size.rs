//! A number of bytes in the form for people.

use askama::Template;
use askama::filters::HtmlSafe;

/// A number of bytes. It is shown rounded, and exactly when the pointer is on it.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Template)]
#[template(path = "parts/size.html")]
pub struct Size(pub f64);

// This template has escaped its values already.
impl HtmlSafe for Size {}

impl Size {
    fn rounded(self) -> String {
        let (mut value, mut unit) = (self.0, "B");
        for larger in ["KiB", "MiB", "GiB", "TiB"] {
            if value < 1024.0 {
                break;
            }
            (value, unit) = (value / 1024.0, larger);
        }
        if unit == "B" { format!("{value} B") } else { format!("{value:.1} {unit}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_rounded_and_exact() {
        let shown = |bytes| Size(bytes).to_string();
        assert_eq!(shown(856.0), "<span title=\"856 bytes\">856 B</span>");
        assert_eq!(shown(12_897_000.0), "<span title=\"12897000 bytes\">12.3 MiB</span>");
        assert_eq!(shown(0.0), "<span title=\"0 bytes\">0 B</span>");
    }
}
