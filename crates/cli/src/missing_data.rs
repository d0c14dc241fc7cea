//! Data sets that runs need and that are not there.

use std::path::Path;

use anyhow::Context;
use polder_data::{DataError, DatasetKind};

use crate::config::DatasetName;
use crate::images::Images;
use crate::plan::Plan;
use crate::session::{MissingData, Session};
use crate::stderr::say;

/// The data sets that unfinished runs need and that are not there.
///
/// # Errors
/// If a data set is there but damaged, or not the official one: that is for the user to mend before hours are spent.
pub(crate) fn missing_data(
    plan: &Plan,
    data_dir: &Path,
    allow_unverified: bool,
) -> anyhow::Result<Vec<MissingData>> {
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
            remedy: fetch(dataset),
        });
    }
    Ok(missing)
}

/// The command that brings the files of a set.
fn fetch(dataset: DatasetName) -> String {
    let set = match dataset.official() {
        // Both label sets come with the same files.
        Some(DatasetKind::Cifar100Coarse) => DatasetKind::Cifar100,
        Some(kind) => kind,
        None => return "polder data pack DIR OUT".to_owned(),
    };
    format!("cargo xtask data fetch {}", set.name())
}

/// One line on stderr for each set that is missing, with the command that adds it.
pub(crate) fn say_missing(session: &Session) {
    for missing in &session.missing {
        say(&format!(
            "{} is missing: {}. `{}` adds it, or name its folder with --data-dir; then repeat `{}`.",
            missing.dataset,
            missing.reason,
            missing.remedy,
            session.command()
        ));
    }
}
