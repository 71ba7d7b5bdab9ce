//! The page about metrics, made from the output of `/metrics`.

use std::collections::BTreeSet;

use super::markdown::{Page, code, prose};

const HEAD: &str = "
`--admin-listen` names an address that answers three paths, to everybody who can reach it: keep it internal.

| path | answer |
|---|---|
| `/healthz` | 200 while the process works |
| `/readyz` | 200 while the server serves requests; otherwise 503 with the reason, such as a database that cannot be written |
| `/metrics` | the metrics below, in the text format of Prometheus |

The main listener answers `/healthz` and `/readyz` too, without the reason; `gangplank ping` asks for the second.

Counters count from the start of the server. [Metrics and alerts](../operate/metrics-and-alerts.md) says which of them to watch.
";

pub(super) fn page() -> Page {
    let mut page = Page::new("Metrics");
    page.text(HEAD);
    let text = gangplank_server::each_metric();
    let mut rows: Vec<Row> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("# "), rows.last_mut()) {
            (Some(said), last) => said_of_metric(said, last).into_iter().for_each(|row| rows.push(row)),
            (None, Some(row)) => row.labels.extend(labels(line)),
            (None, None) => {}
        }
    }
    let rows: Vec<_> = rows.into_iter().map(Row::cells).collect();
    page.table(["metric", "type", "labels", "meaning"], &rows);
    page
}

struct Row {
    name: String,
    kind: String,
    labels: BTreeSet<String>,
    meaning: String,
}

/// Reads a line of the description. Returns a new metric, or adds to the last one.
fn said_of_metric(said: &str, last: Option<&mut Row>) -> Option<Row> {
    let mut words = said.splitn(3, ' ');
    let (word, name, text) = (words.next()?, words.next()?, words.next()?);
    match (word, last) {
        ("HELP", _) => {
            let meaning = prose(text.trim_end_matches('.'));
            return Some(Row {
                name: name.to_owned(),
                kind: String::new(),
                labels: BTreeSet::new(),
                meaning,
            });
        }
        ("TYPE", Some(row)) => text.clone_into(&mut row.kind),
        _ => {}
    }
    None
}

/// The names of a sample's labels, without `le`, which histograms have.
fn labels(sample: &str) -> impl Iterator<Item = String> {
    let inside =
        sample.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map_or("", |(inside, _)| inside);
    let names = inside.split(',').filter_map(|label| label.split_once('=')).map(|(name, _)| name);
    names.filter(|name| *name != "le").map(str::to_owned)
}

impl Row {
    fn cells(self) -> [String; 4] {
        // A sample has the name of its metric with this suffix.
        let end = match self.kind.as_str() {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        let labels: Vec<String> = self.labels.iter().map(|name| code(name)).collect();
        [code(&format!("{}{end}", self.name)), self.kind, labels.join(", "), self.meaning]
    }
}
