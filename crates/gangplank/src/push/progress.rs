//! Shows the progress of a push: a bar for each blob on a terminal, elsewhere a line for each blob. Both are on
//! standard error, so that standard output has only the result.

use std::fmt::Display;
use std::io::{IsTerminal as _, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gangplank_oci::Digest;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::terminal::{foreign, output};

/// The template of a running step. `{bar}` is empty for a step of unknown length.
const BAR: &str = "{prefix:<14} {bar:20} {done:>10} of {all:<10} {bytes_per_sec:>12} {eta:>4} {msg}";
const SPINNER: &str = "{prefix:<14} {spinner} {done} {msg}";

/// The progress of a push.
#[derive(Debug)]
pub(crate) struct Progress {
    sent: AtomicU64,
    shown: Shown,
}

#[derive(Debug)]
enum Shown {
    Nothing,
    Lines,
    Bars(MultiProgress),
}

impl Progress {
    /// Progress on standard error.
    pub(crate) fn shown() -> Arc<Self> {
        let terminal = std::io::stderr().is_terminal();
        Self::new(if terminal { Shown::Bars(MultiProgress::new()) } else { Shown::Lines })
    }

    /// Progress that is not shown.
    pub(crate) fn silent() -> Arc<Self> {
        Self::new(Shown::Nothing)
    }

    fn new(shown: Shown) -> Arc<Self> {
        Arc::new(Self { sent: AtomicU64::new(0), shown })
    }

    /// The bytes of blobs that were sent. Bytes that were sent twice count twice.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Prints a message that stays.
    pub(crate) fn say(&self, text: impl Display) {
        match &self.shown {
            Shown::Nothing => {}
            Shown::Bars(bars) => drop(bars.println(foreign::message(&text.to_string()))),
            Shown::Lines => output::complain(text),
        }
    }

    /// Begins a step of `length` bytes. `None` for an unknown number.
    pub(super) fn begin(
        self: &Arc<Self>,
        name: impl Display,
        doing: &'static str,
        size: Option<u64>,
    ) -> Step {
        let bar = match &self.shown {
            Shown::Bars(bars) => {
                let template = if size.is_some() { BAR } else { SPINNER };
                let style =
                    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
                bars.add(ProgressBar::no_length().with_style(output::sized(style).progress_chars("=> ")))
            }
            Shown::Lines | Shown::Nothing => ProgressBar::hidden(),
        };
        if let Some(size) = size {
            bar.set_length(size);
        }
        bar.set_prefix(foreign::words(&name.to_string()));
        bar.set_message(doing);
        Step { progress: Arc::clone(self), bar, doing }
    }

    /// Begins the step of a blob.
    pub(super) fn begin_blob(self: &Arc<Self>, digest: &Digest, size: u64) -> Step {
        self.begin(short(digest), "pushing", Some(size))
    }
}

/// A step that takes a while. If it is dropped without [`end`](Self::end), its bar disappears.
pub(crate) struct Step {
    progress: Arc<Progress>,
    bar: ProgressBar,
    doing: &'static str,
}

impl Step {
    /// Adds bytes to the progress.
    pub(super) fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    /// Sets the progress to these bytes of a blob, which begin at an offset.
    pub(super) fn sending(&self, offset: u64, bytes: u64) {
        self.progress.sent.fetch_add(bytes, Ordering::Relaxed);
        self.bar.set_position(offset + bytes);
    }

    /// Waits, and shows the reason: in the bar, or in its own line.
    pub(super) async fn pause(&self, why: &str, pause: Duration) {
        if !pause.is_zero() {
            self.tell(why, pause);
            tokio::time::sleep(pause).await;
            self.bar.set_message(self.doing);
        }
    }

    fn tell(&self, why: &str, pause: Duration) {
        let seconds = pause.as_secs_f64().ceil();
        let text = foreign::words(&format!("{why}, again in {seconds} s"));
        self.bar.set_message(text.clone());
        if let Shown::Lines = self.progress.shown {
            self.progress.say(format_args!("{}: {text}", self.bar.prefix()));
        }
    }

    /// Wraps a reader, whose bytes then count as progress.
    pub(super) fn watch<R: Read>(&self, reader: R) -> impl Read {
        self.bar.wrap_read(reader)
    }

    /// Ends the step. The result stays on the screen.
    pub(super) fn end(&self, result: &str) {
        let (name, size) = (self.bar.prefix(), output::size(self.bar.length().unwrap_or(0)));
        self.bar.finish_and_clear();
        self.progress.say(format_args!("{name}: {result}, {size}"));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The beginning of a digest, long enough to recognise it.
fn short(digest: &Digest) -> String {
    digest.hex().chars().take(12).collect()
}
