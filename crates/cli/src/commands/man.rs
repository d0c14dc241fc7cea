//! `polder man`: manual pages, one per command.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Command;
use clap_mangen::Man;

use crate::exit_code::Outcome;
use crate::stdout;

const EXAMPLES: &str = "\
Examples:
  polder man | man -l -                           the main page, here and now
  polder man ~/.local/share/man/man1                  all pages, where `man polder-train` finds them";

/// What `polder man` understands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ManArgs {
    /// Folder for the pages, made if need be; without it, the main page is printed
    dir: Option<PathBuf>,
}

/// Writes the pages of all commands of the program `command`, or prints the first.
pub(crate) fn run(args: &ManArgs, command: Command) -> anyhow::Result<ExitCode> {
    let Some(dir) = &args.dir else {
        let mut page = Vec::new();
        Man::new(command.disable_help_subcommand(true)).render(&mut page)?;
        stdout::print(&String::from_utf8(page)?)?;
        return Ok(Outcome::Done.into());
    };
    std::fs::create_dir_all(dir)
        .and_then(|()| clap_mangen::generate_to(command, dir))
        .with_context(|| format!("cannot write manual pages into `{}`", dir.display()))?;
    Ok(Outcome::Done.into())
}
