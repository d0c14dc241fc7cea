//! The flag that several commands have: where the data sets are.

use std::path::PathBuf;

use polder_experiment::plan::missing_data::DEFAULT_DATA_DIR;

/// Where the data sets are.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DataDir {
    /// Folder that holds the data sets' own folders: cifar-10-batches-bin/, cifar-100-binary/, mnist/, fashion-mnist/
    #[arg(long, value_name = "DIR", env = "POLDER_DATA", default_value = DEFAULT_DATA_DIR)]
    pub(crate) data_dir: PathBuf,
}
