//! `polder config schema`.

use crate::config::schema::schema;
use crate::stdout;

const EXAMPLES: &str = "\
Examples:
  polder config schema > run.schema.json

An editor with Taplo (in VS Code: Even Better TOML) checks and completes a file whose first line is

  #:schema ./run.schema.json";

/// What `polder config schema` understands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct SchemaArgs {}

/// Prints the schema.
pub(super) fn run(_: &SchemaArgs) -> anyhow::Result<()> {
    stdout::print(&format!("{:#}\n", schema()))
}
