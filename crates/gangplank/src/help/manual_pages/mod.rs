//! Manual pages of the commands: clap's descriptions, with the examples, files, variables and exit statuses of
//! `notes`. The pages of `gangplank lightsail` are made from its operations.

mod sections;

use std::collections::BTreeMap;

use anyhow::Result;
use clap::Command;
use clap_mangen::Man;

use self::sections::Section;

/// Adds the page of a command and those of its subcommands. `parent` is the name of the command above it.
pub(crate) fn collect(
    command: &Command,
    parent: Option<&str>,
    pages: &mut BTreeMap<String, String>,
) -> Result<()> {
    let name = page_name(command);
    pages.insert(name.clone(), page(command, parent)?);
    command
        .get_subcommands()
        .filter(|each| !each.is_hide_set())
        .try_for_each(|each| collect(each, Some(&name), pages))
}

fn page_name(command: &Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}

fn page(command: &Command, parent: Option<&str>) -> Result<String> {
    // One line, because all options in brackets would fill the page.
    let usage = command.clone().render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage).to_owned();
    let source = concat!("gangplank ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone().override_usage(usage)).source(source);
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    if command.get_arguments().any(|option| !option.is_hide_set()) {
        man.render_options_section(&mut text)?;
    }
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    let mut text = String::from_utf8(text)?;
    for section in sections::of(command, parent) {
        text.push_str(&section.roff());
    }
    Ok(text)
}

impl Section {
    fn roff(&self) -> String {
        let mut text = format!(".SH \"{}\"\n", self.heading);
        for (term, words) in &self.entries {
            let (term, words) = (escaped(term), escaped(words));
            let part = if self.is_code {
                format!(".PP\n{term}\n.PP\n.RS 4\n.nf\n{words}\n.fi\n.RE\n")
            } else if words.is_empty() {
                format!(".PP\n{term}\n")
            } else {
                format!(".TP\n{term}\n{words}\n")
            };
            text.push_str(&part);
        }
        text
    }
}

/// Escapes text, so that `man` takes nothing in it for a command.
pub(crate) fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    let lines = text
        .lines()
        .map(|line| if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line.to_owned() });
    lines.collect::<Vec<_>>().join("\n")
}
