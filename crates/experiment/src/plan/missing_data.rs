//! Data sets that runs need and that are not there.

use std::path::Path;

use anyhow::Context;
use polder_data::{DataError, DatasetKind};

use crate::config::DatasetName;
use crate::images::{Images, check_packed};
use crate::plan::reproduce_request::MissingData;
use crate::plan::{Plan, run_dir};

/// Where data sets are looked for, relative to the folder that a command is called from.
pub const DEFAULT_DATA_DIR: &str = "data";

/// The data sets that unfinished runs need and that are not there; `results` holds the runs that have begun, `fetcher` is the
/// command that is told to fetch them.
///
/// # Errors
/// If a data set is there but damaged, or not the official one, or a packed file not the one that a run began with: that is for
/// the user to mend before hours are spent.
pub fn missing_data(
    plan: &Plan,
    results: &Path,
    data_dir: &Path,
    allow_unverified: bool,
    fetcher: &str,
) -> anyhow::Result<Vec<MissingData>> {
    for run in &plan.runs {
        check_packed(&run.config, data_dir, &run_dir(results, &run.id))?;
    }
    let mut missing: Vec<MissingData> = Vec::new();
    let mut checked: Vec<DatasetName> = Vec::new();
    for run in plan.left() {
        let dataset = run.config.data.dataset;
        if checked.contains(&dataset) {
            continue;
        }
        checked.push(dataset);
        let Err(error) = Images::open(&run.config, data_dir, allow_unverified) else {
            continue;
        };
        if !matches!(error.downcast_ref(), Some(DataError::MissingFolder { .. })) {
            return Err(error).with_context(|| format!("{dataset} cannot be used"));
        }
        missing.push(MissingData {
            dataset: dataset.to_string(),
            reason: format!("it is not in the folder `{}`", data_dir.display()),
            remedy: fetch(dataset, data_dir, fetcher),
        });
    }
    Ok(missing)
}

/// The names under which the official data sets that unfinished runs need are fetched, each once.
pub fn needed_data(plan: &Plan) -> Vec<&'static str> {
    let mut names = Vec::new();
    for name in plan.left().filter_map(|run| fetched_as(run.config.data.dataset)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// What the command that fetches it calls a set; `None` if it has no official files.
fn fetched_as(dataset: DatasetName) -> Option<&'static str> {
    Some(match dataset.official()? {
        // Both label sets come with the same files.
        DatasetKind::Cifar100Coarse => DatasetKind::Cifar100.name(),
        kind => kind.name(),
    })
}

/// The command that brings the files of a set, to where they are looked for.
fn fetch(dataset: DatasetName, data_dir: &Path, fetcher: &str) -> String {
    let Some(name) = fetched_as(dataset) else { return "polder data pack DIR OUT".to_owned() };
    let is_here =
        std::env::current_dir().is_ok_and(|here| here.join(data_dir) == here.join(DEFAULT_DATA_DIR));
    if is_here {
        return format!("{fetcher} {name}");
    }
    format!("{fetcher} {name} --data-dir '{}'", data_dir.display())
}
