//! `polder config`: what a configuration can say, and what one comes to.

mod explain;
mod key_name;
mod schema;
mod show;

use std::process::ExitCode;

use clap::Subcommand;

use crate::exit_code::Outcome;

pub(crate) use self::show::ConfigSource;

const EXAMPLES: &str = "\
Examples:
  polder config explain                    all keys, with defaults
  polder config explain optimizer.rho      one of them
  polder config show my-run.toml --set training.epochs=3
  polder config schema > run.schema.json

Every subcommand has --help with examples of its own.";

/// What `polder config` understands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Prints the JSON Schema of a configuration: every key with its type, default, range and meaning
    Schema(schema::SchemaArgs),
    /// Explains a key and how to set it; without a key, lists all keys
    Explain(explain::ExplainArgs),
    /// Prints the resolved configuration of a file and settings, and the run id
    Show(show::ShowArgs),
}

/// Carries out a subcommand.
pub(crate) fn run(args: &ConfigArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        ConfigCommand::Schema(args) => schema::run(args)?,
        ConfigCommand::Explain(args) => explain::run(args)?,
        ConfigCommand::Show(args) => show::run(args)?,
    }
    Ok(Outcome::Done.into())
}
