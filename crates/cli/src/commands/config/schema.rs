//! `polder config schema`.

use polder_experiment::config::schema::schema;
use polder_experiment::experiment;

use crate::stdout;

const EXAMPLES: &str = "\
Examples:
  polder config schema > run.schema.json
  polder config schema --experiment > experiment.schema.json

An editor with Taplo (in VS Code: Even Better TOML) checks and completes a file whose first line is

  #:schema ./run.schema.json";

/// What `polder config schema` understands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct SchemaArgs {
    /// Prints the schema of experiment files (grid, scales, claims) instead
    #[arg(long)]
    experiment: bool,
}

/// Prints the schema.
pub(super) fn run(args: &SchemaArgs) -> anyhow::Result<()> {
    let schema = if args.experiment { experiment::schema::schema()? } else { schema() };
    stdout::print(&format!("{schema:#}\n"))
}
