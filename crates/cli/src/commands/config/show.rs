//! `polder config show`, and where a configuration comes from for whichever command.

use std::path::PathBuf;

use crate::stderr::say;
use crate::stdout;
use polder_experiment::config::RunConfig;

const EXAMPLES: &str = "\
Examples:
  polder config show                                 the default; `polder config explain` has every key
  polder config show my-run.toml --seed 1
  polder config show my-run.toml --set optimizer.method=sam --set optimizer.rho=0.05 > with-sam.toml

stdout has the configuration, which `polder train` reads again; stderr the id of its run, after which `polder train`
names the run directory.";

/// Where a configuration comes from.
#[derive(Debug, clap::Args)]
pub(crate) struct ConfigSource {
    /// TOML file; missing keys have the values that `polder config show` prints
    config: Option<PathBuf>,
    /// Sets a key, overriding the file; repeatable
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Seed of initial weights, data order and augmentation; same as --set seed=N
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

impl ConfigSource {
    /// The configuration, checked.
    ///
    /// # Errors
    /// If the file cannot be read, or a key or value is none: it is named.
    pub(crate) fn load(&self) -> anyhow::Result<RunConfig> {
        let mut settings = self.settings.clone();
        settings.extend(self.seed.map(|seed| format!("seed={seed}")));
        RunConfig::load(self.config.as_deref(), &settings)
    }
}

/// What `polder config show` understands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    source: ConfigSource,
}

/// Prints the configuration, and the id of its run on stderr.
pub(super) fn run(args: &ShowArgs) -> anyhow::Result<()> {
    let config = args.source.load()?;
    stdout::print(&toml::to_string(&config)?)?;
    say(&format!("run {}", config.id()));
    Ok(())
}
