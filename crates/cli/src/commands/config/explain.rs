//! `polder config explain`.

use super::key_name::KeyNameParser;
use crate::stdout;
use polder_experiment::config::explain::{json, list, text};
use polder_experiment::config::keys::Keys;

const EXAMPLES: &str = "\
Examples:
  polder config explain                    all keys, with defaults
  polder config explain optimizer.rho
  polder config explain schedule           a table, and its kinds
  polder config explain averages.tail.start
  polder config explain --json | jq -r '.[].key'";

/// What `polder config explain` understands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ExplainArgs {
    /// A key or a table, for example `optimizer.rho`
    #[arg(value_parser = KeyNameParser, hide_possible_values = true)]
    key: Option<String>,
    /// Prints a JSON list with one object per key, several where the meaning depends on the kind of the table
    #[arg(long)]
    json: bool,
}

/// Prints what there is to say.
pub(super) fn run(args: &ExplainArgs) -> anyhow::Result<()> {
    let keys = Keys::of_a_run();
    let output = match &args.key {
        key if args.json => format!("{:#}\n", json(keys, key.as_deref())?),
        Some(key) => text(keys, key)?,
        None => list(keys),
    };
    stdout::print(&output)
}
