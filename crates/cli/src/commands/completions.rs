//! `polder completions`: scripts that let a shell complete commands, flags and keys.

use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Args;
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

/// Prints the script.
pub(crate) fn run(args: &CompletionsArgs) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    let mut command = Args::command();
    let name = command.get_name().to_owned();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    stdout::print(&String::from_utf8(script)?)?;
    Ok(Outcome::Done.into())
}
