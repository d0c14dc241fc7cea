//! The data sets: `polder-fetch`, built on demand, fetches and verifies them before libtorch is there.
//!
//! xtask itself knows nothing of a data set but where CIFAR-10 lies, so that it builds without polder-data and its TLS library.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::args::DataArgs;
use crate::command;
use crate::workspace::Workspace;

/// The folder of CIFAR-10 in the data folder, as its archive names it.
const CIFAR10: &str = "cifar-10-batches-bin";

/// Runs `polder-fetch` in the folder in which the command was typed, with `data` in the workspace as its data folder unless
/// another is named.
pub(crate) fn run(workspace: &Workspace, args: &DataArgs) -> Result<ExitCode> {
    let mut fetch = Command::new(workspace.build_program("polder-fetch")?);
    fetch.current_dir(workspace.started_in()).arg(&args.action).args(&args.rest);
    if std::env::var_os("POLDER_DATA").is_none_or(|folder| folder.is_empty()) {
        fetch.env("POLDER_DATA", workspace.data_dir(None));
    }
    Ok(command::exit_code(command::status(&mut fetch)?))
}

/// Whether the folder of CIFAR-10 is there; whether its files are good is for their reader to say.
pub(crate) fn has_cifar10(data_dir: &Path) -> bool {
    data_dir.join(CIFAR10).is_dir()
}
