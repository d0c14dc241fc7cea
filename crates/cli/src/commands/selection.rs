//! Which experiments, how much of them, and where their results lie.

use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};

use crate::division::Division;
use polder_experiment::experiment::{self, Experiment, Selection};
use polder_experiment::plan::Plan;
use polder_experiment::plan::reproduce_request::{MissingData, ReproduceRequest};
use polder_experiment::scale::ScaleName;

/// Where the repository has its experiments.
const EXPERIMENTS: &str = "experiments";

/// The flags of commands that plan.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SelectionArgs {
    /// Size of the experiments [default without --only: a subset of `desk`, one to two hours on two cores]
    #[arg(long, value_enum)]
    scale: Option<ScaleName>,
    /// Experiments whose id matches one of these patterns, separated by commas; `*` matches anything
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    only: Vec<String>,
    /// Uses seeds 0 to N-1 instead of those of the scale
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: Option<u64>,
    /// Folder for records and report
    #[arg(long, alias = "output", value_name = "DIR", default_value = "results")]
    results: PathBuf,
    /// Folder with the experiment files and the published values
    #[arg(long, value_name = "DIR", default_value = EXPERIMENTS)]
    experiments: PathBuf,
}

impl SelectionArgs {
    pub(crate) fn results(&self) -> &Path {
        &self.results
    }

    pub(crate) fn experiments(&self) -> &Path {
        &self.experiments
    }

    /// Without a scale and without a choice of experiments it is the default selection.
    fn extent(&self) -> Selection {
        Selection {
            scale: self.scale.unwrap_or(ScaleName::Desk),
            num_seeds: self.seeds,
            default_only: self.scale.is_none() && self.only.is_empty(),
        }
    }

    /// The runs of the experiments that are selected, with how far each is.
    ///
    /// # Errors
    /// If an experiment cannot be read, or nothing is selected.
    pub(crate) fn plan(&self) -> anyhow::Result<Plan> {
        let extent = self.extent();
        let experiments: Vec<Experiment> =
            experiment::select(experiment::read_all(&self.experiments)?, &self.only, extent)?;
        let plan = Plan::new(&experiments, extent, &self.results)?;
        if !plan.runs.is_empty() || !plan.theory.is_empty() {
            return Ok(plan);
        }
        let folder = self.experiments.display();
        ensure!(
            !extent.default_only,
            "of the experiments in `{folder}` none has a table `default`, and without --scale and --only those tables are what \
             is computed; `--scale desk` computes all that have that scale"
        );
        bail!("at the scale `{}` the chosen experiments in `{folder}` have nothing to compute", extent.scale)
    }

    /// The command that fetches data: who has the repository's experiments has its tasks.
    pub(crate) fn fetcher(&self) -> &'static str {
        if self.is_own() { "polder data fetch" } else { "cargo xtask data fetch" }
    }

    fn is_own(&self) -> bool {
        self.experiments != Path::new(EXPERIMENTS)
    }

    /// A session that asks for this, on a machine that is so divided.
    pub(crate) fn session(&self, division: Division, missing: &[MissingData]) -> ReproduceRequest {
        ReproduceRequest {
            own_experiments: self.is_own().then(|| self.experiments.display().to_string()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            extent: self.extent(),
            only: self.only.clone(),
            jobs: division.jobs,
            threads: division.threads,
            missing: missing.to_vec(),
            failures: Vec::new(),
            interrupted: false,
        }
    }
}
