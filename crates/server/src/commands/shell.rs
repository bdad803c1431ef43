//! What a shell wants to know of the command line: completions, and the manual page.

use anyhow::Result;
use clap::Command;
use clap_complete::Shell;
use std::io::stdout;

pub(super) fn completions(mut line: Command, shell: Shell) -> Result<()> {
    clap_complete::generate(shell, &mut line, "postern", &mut stdout().lock());
    Ok(())
}

pub(super) fn manual(line: Command) -> Result<()> {
    Ok(clap_mangen::Man::new(line).render(&mut stdout().lock())?)
}
