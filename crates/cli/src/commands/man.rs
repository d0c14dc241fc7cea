//! `polder man`: manual pages, one per command.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::args::Args;
use crate::exit_code::Outcome;
use crate::stderr::say;
use crate::stdout;
use polder_experiment::replace_file::replace_file;

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

/// Writes all pages, or prints the first.
pub(crate) fn run(args: &ManArgs) -> anyhow::Result<ExitCode> {
    let mut command = Args::command().disable_help_subcommand(true);
    command.build();
    match &args.dir {
        None => stdout::print(&String::from_utf8(page(command)?)?)?,
        Some(dir) => {
            std::fs::create_dir_all(dir)
                .with_context(|| format!("cannot make the folder `{}` for manual pages", dir.display()))?;
            let count = write(command, dir)?;
            say(&format!("{count} pages in {}", dir.display()));
        }
    }
    Ok(Outcome::Done.into())
}

/// Writes the pages of `command` and of all its subcommands; returns how many.
fn write(command: Command, dir: &Path) -> anyhow::Result<usize> {
    let subcommands: Vec<Command> =
        command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()).cloned().collect();
    let name = Man::new(command.clone()).get_filename();
    replace_file(&dir.join(name), &page(command)?)?;
    subcommands.into_iter().try_fold(1, |count, subcommand| Ok(count + write(subcommand, dir)?))
}

/// The page of `command` in the language of troff.
fn page(command: Command) -> anyhow::Result<Vec<u8>> {
    let arguments = command.get_arguments().any(|argument| !argument.is_hide_set());
    let subcommands = command.get_subcommands().any(|command| !command.is_hide_set());
    let after = command.get_after_help().map(ToString::to_string);
    let man = Man::new(command)
        // A page without a date would have the next field in its place.
        .date(" ")
        .source(concat!("Polder ", env!("CARGO_PKG_VERSION")))
        .manual("Polder");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if arguments {
        man.render_options_section(&mut page)?;
    }
    if subcommands {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(after) = after {
        remarks(&after).to_writer(&mut page)?;
    }
    Ok(page)
}

/// What follows the help of a command: paragraphs, each under its own heading if it begins with one, and lines that
/// begin with a space as they are.
fn remarks(text: &str) -> Roff {
    let mut roff = Roff::new();
    for (at, paragraph) in text.split("\n\n").enumerate() {
        let mut lines = paragraph.lines().peekable();
        let heading = lines.next_if(|line| line.ends_with(':') && !line.starts_with(' '));
        match heading {
            Some(heading) => roff.control("SH", [heading.trim_end_matches(':').to_uppercase().as_str()]),
            None if at == 0 => roff.control("SH", ["NOTES"]),
            None => roff.control("PP", []),
        };
        let mut verbatim = false;
        for line in lines {
            if line.starts_with(' ') != verbatim {
                verbatim = !verbatim;
                roff.control(if verbatim { "nf" } else { "fi" }, []);
            }
            roff.text([roman(line)]);
        }
        if verbatim {
            roff.control("fi", []);
        }
    }
    roff
}
