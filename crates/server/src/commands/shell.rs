//! What a shell wants to know of the command line: completions, and the manual page.

use anyhow::Result;
use clap::Command;
use clap_complete::Shell;
use std::io::{Write, stdout};

pub(super) fn completions(mut line: Command, shell: Shell) -> Result<()> {
    clap_complete::generate(shell, &mut line, "postern", &mut stdout().lock());
    Ok(())
}

/// One page for all: verbs have no pages of their own, so each has its section here.
pub(super) fn manual(mut line: Command) -> Result<()> {
    line.build();
    let mut out = stdout().lock();
    let page = clap_mangen::Man::new(line.clone());
    page.render_title(&mut out)?;
    page.render_name_section(&mut out)?;
    page.render_synopsis_section(&mut out)?;
    page.render_description_section(&mut out)?;
    page.render_options_section(&mut out)?;
    for verb in line.get_subcommands() {
        describe(verb, &mut out)?;
    }
    page.render_version_section(&mut out)?;
    Ok(())
}

/// A verb, or those that it is the first word of.
fn describe(verb: &Command, out: &mut impl Write) -> Result<()> {
    let mut within = verb.get_subcommands().filter(|verb| verb.get_name() != "help").peekable();
    if within.peek().is_some() {
        return within.try_for_each(|verb| describe(verb, out));
    }
    if verb.get_name() == "help" {
        return Ok(());
    }
    let words = verb.get_bin_name().unwrap_or(verb.get_name()).to_uppercase();
    writeln!(out, ".SH \"{words}\"")?;
    let page = clap_mangen::Man::new(verb.clone());
    // Sections within a section.
    let mut sections = Vec::new();
    page.render_synopsis_section(&mut sections)?;
    page.render_description_section(&mut sections)?;
    page.render_options_section(&mut sections)?;
    let sections = String::from_utf8(sections)?;
    let inner: Vec<&str> =
        sections.lines().filter(|line| !line.starts_with(".ie") && !line.starts_with(".el")).collect();
    writeln!(out, "{}", inner.join("\n").replace(".SH ", ".SS "))?;
    Ok(())
}
