//! The page of the metrics, made from what `/metrics` answers.

use super::markdown::{Page, code, prose};

const HEAD: &str = "
`--admin-listen` names an address that answers three paths, for whoever can reach it: keep it to yourself.

| path | answer |
|---|---|
| `/healthz` | 200 while the process works |
| `/readyz` | 200 while requests are served; 503 with the reason otherwise, such as a database that cannot be written |
| `/metrics` | the metrics below, in the text format of Prometheus |

The main listener answers `/healthz` and `/readyz` too, without the reason; `gangplank ping` asks for the second.

Counters count from the start of the server. [Metrics and alerts](../operate/metrics-and-alerts.md) says which to watch.
";

pub(super) fn page() -> Page {
    let mut page = Page::new("Metrics");
    page.text(HEAD);
    let text = gangplank_server::uncounted_metrics();
    let mut rows: Vec<[String; 4]> = Vec::new();
    for line in text.lines() {
        let mut words = line.splitn(4, ' ');
        let (Some("#"), Some(word), Some(name), said) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            continue;
        };
        let said = said.unwrap_or_default();
        match (word, rows.last_mut()) {
            ("HELP", _) => {
                rows.push([name.to_owned(), String::new(), String::new(), prose(said.trim_end_matches('.'))]);
            }
            ("TYPE", Some(row)) => said.clone_into(&mut row[1]),
            ("UNIT", Some(row)) => said.clone_into(&mut row[2]),
            _ => {}
        }
    }
    for row in &mut rows {
        // Samples are called so.
        let end = match row[1].as_str() {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        row[0] = code(&format!("{}{end}", row[0]));
    }
    page.table(["metric", "type", "unit", "meaning"], &rows);
    page
}
