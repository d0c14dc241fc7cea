//! `polder completions`: scripts that let a shell complete commands, flags and keys.

use std::process::ExitCode;

use clap::Command;
use clap_complete::Shell;

use crate::exit_code::Outcome;
use crate::stdout;

const EXAMPLES: &str = "\
Examples:
  polder completions bash > ~/.local/share/bash-completion/completions/polder
  polder completions zsh > ~/.zfunc/_polder            with `fpath+=~/.zfunc` before `compinit` in .zshrc
  polder completions fish > ~/.config/fish/completions/polder.fish
  polder completions elvish >> ~/.config/elvish/rc.elv
  polder completions powershell >> $PROFILE
  source <(polder completions bash)                    in this shell alone";

/// What `polder completions` understands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// The shell that the script is for
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script for `command`, the whole program.
pub(crate) fn run(args: &CompletionsArgs, mut command: Command) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    let name = command.get_name().to_owned();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    stdout::print(&String::from_utf8(script)?)?;
    Ok(Outcome::Done.into())
}
