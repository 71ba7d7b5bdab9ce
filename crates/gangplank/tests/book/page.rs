//! A page in parts: its blocks, its preparations, its headings and its links.

use std::ops::Range;
use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A part of a page, and the line where it begins.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// A block of code: the text after the fence, and the content.
    Block { language: String, text: String },
    /// An HTML comment, without its delimiters.
    Comment(String),
    /// A heading's text.
    Heading(String),
    /// The target of a link or a picture.
    Link(String),
    /// Anything else.
    Text,
}

/// A page of the manual, or README.md.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// Its path from the root folder of the repository.
    pub(crate) name: String,
    pub(crate) file: PathBuf,
    pub(crate) parts: Vec<Part>,
}

impl Page {
    /// README.md and every page of the manual.
    pub(crate) fn all(top: &Path) -> Vec<Self> {
        let mut files = vec![top.join("README.md")];
        collect(&top.join("docs/book/src"), &mut files);
        files.sort();
        files.into_iter().map(|file| Self::read(top, file)).collect()
    }

    fn read(top: &Path, file: PathBuf) -> Self {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(top).unwrap().display().to_string();
        Self { name, file, parts: parts(&text) }
    }

    /// Parses a page.
    pub(crate) fn of(text: &str) -> Self {
        Self { name: "a page".to_owned(), file: PathBuf::new(), parts: parts(text) }
    }

    /// Whether the page has anything to run.
    pub(crate) fn runs(&self) -> bool {
        self.shell_blocks().next().is_some()
    }

    /// The blocks that run, with the lines where they begin.
    pub(crate) fn shell_blocks(&self) -> impl Iterator<Item = (usize, &str)> {
        self.parts.iter().filter_map(|part| match &part.kind {
            Kind::Block { language, text } if language == "sh" => Some((part.line, text.as_str())),
            _ => None,
        })
    }

    /// Checks that every block names its language, and says why it does not run.
    pub(crate) fn check_marks(&self) -> Result<(), String> {
        let mut faults = Vec::new();
        if self.name == "README.md" {
            self.check_readme(&mut faults);
        }
        if self.parts.iter().all(|part| matches!(part.kind, Kind::Heading(_) | Kind::Text))
            && self.parts.len() < 4
        {
            faults.push(format!("{}: a page that says nothing yet", self.name));
        }
        let mut before = &Kind::Text;
        for part in &self.parts {
            if let Kind::Block { language, .. } = &part.kind {
                let has_reason =
                    matches!(before, Kind::Comment(text) if text.split_whitespace().count() >= 3);
                let fault = match language.as_str() {
                    "" => "a block without a language",
                    "sh,norun" if !has_reason => "no comment right above says why this block does not run",
                    "bash" | "shell" | "console" | "shell-session" => {
                        "shell blocks are `sh`, or `sh,norun` with a reason"
                    }
                    _ => "",
                };
                if !fault.is_empty() {
                    faults.push(format!("{}:{}: {fault}", self.name, part.line));
                }
            }
            before = &part.kind;
        }
        if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
    }
}

/// The longest README.md, in lines.
const README_LINES: usize = 220;

impl Page {
    /// Checks that README.md is short, and that readers have to fill in nothing.
    fn check_readme(&self, faults: &mut Vec<String>) {
        let lines = std::fs::read_to_string(&self.file).unwrap().lines().count();
        if lines > README_LINES {
            faults.push(format!("README.md has {lines} lines, and may have {README_LINES}"));
        }
        for (line, block) in self.shell_blocks() {
            if block.contains("...") || block.contains("EXAMPLE") || block.contains('<') {
                faults.push(format!("README.md:{line}: a placeholder in a block that runs"));
            }
        }
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
}

fn parts(text: &str) -> Vec<Part> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES;
    let mut parts = Vec::new();
    let mut events = Parser::new_ext(text, options).into_offset_iter().peekable();
    let line = |range: &Range<usize>| text[..range.start].matches('\n').count() + 1;
    while let Some((event, range)) = events.next() {
        let line = line(&range);
        let kind = match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => info.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                let mut text = String::new();
                while let Some((Event::Text(more), _)) =
                    events.next_if(|(event, _)| matches!(event, Event::Text(_)))
                {
                    text.push_str(&more);
                }
                Kind::Block { language, text }
            }
            Event::Html(html) | Event::InlineHtml(html) => Kind::Comment(html.to_string()),
            Event::Start(Tag::Heading { .. }) => {
                let mut text = String::new();
                let mut links = Vec::new();
                for (event, _) in events.by_ref() {
                    match event {
                        Event::End(TagEnd::Heading(_)) => break,
                        Event::Text(more) | Event::Code(more) => text.push_str(&more),
                        Event::Start(Tag::Link { dest_url, .. }) => links.push(dest_url.to_string()),
                        _ => {}
                    }
                }
                parts.extend(links.into_iter().map(|link| Part { line, kind: Kind::Link(link) }));
                Kind::Heading(text)
            }
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                Kind::Link(dest_url.to_string())
            }
            Event::Text(_) => Kind::Text,
            _ => continue,
        };
        // The lines of a longer comment arrive one by one.
        match (&kind, parts.last_mut()) {
            (Kind::Comment(more), Some(Part { kind: Kind::Comment(text), .. })) if is_open(text) => {
                text.push_str(more);
            }
            _ => parts.push(Part { line, kind }),
        }
    }
    parts
}

/// Whether a comment is not closed yet.
fn is_open(comment: &str) -> bool {
    comment.starts_with("<!--") && !comment.contains("-->")
}
