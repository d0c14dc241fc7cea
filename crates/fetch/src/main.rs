//! Fetches and verifies the data sets without libtorch: `cargo xtask data` builds this program on demand.
//!
//! It is a package of its own so that xtask, which everybody builds first, compiles no TLS library.

mod progress;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use polder_data::{DatasetKind, FetchOptions, Verification};

use crate::progress::ProgressLine;

/// The data sets that `all` stands for. Both label sets of CIFAR-100 are in the same files.
const ALL: [DatasetKind; 4] =
    [DatasetKind::Cifar10, DatasetKind::Cifar100, DatasetKind::Mnist, DatasetKind::FashionMnist];

/// Fetch or verify the data sets
#[derive(Debug, Parser)]
#[command(name = "cargo xtask data", bin_name = "cargo xtask data")]
struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Download, check and unpack what is not there yet
    #[command(
        after_help = "Examples:\n  cargo xtask data fetch cifar10\n  cargo xtask data fetch all --data-dir ~/datasets"
    )]
    Fetch {
        #[command(flatten)]
        selection: Selection,
        /// Address of the archive (for the MNISTs: of the folder of their files) to use instead of the authors' own;
        /// may be repeated
        #[arg(long = "mirror", value_name = "URL")]
        mirrors: Vec<String>,
    },
    /// Compare every file with its published or known digest
    #[command(
        after_help = "Examples:\n  cargo xtask data verify\n  cargo xtask data verify cifar100 --data-dir ~/datasets"
    )]
    Verify {
        #[command(flatten)]
        selection: Selection,
    },
}

#[derive(Debug, clap::Args)]
struct Selection {
    /// Data set
    #[arg(value_parser = ["cifar10", "cifar100", "mnist", "fashion-mnist", "all"], default_value = "all")]
    set: String,
    /// Folder that holds, or will hold, the data sets' own folders
    #[arg(long, env = "POLDER_DATA", value_name = "DIR", default_value = "data")]
    data_dir: PathBuf,
}

impl Selection {
    fn kinds(&self) -> Result<Vec<DatasetKind>> {
        if self.set == "all" { Ok(ALL.to_vec()) } else { Ok(vec![self.set.parse()?]) }
    }

    /// A data set that is named is verified in any case; of `all`, those whose folder exists.
    fn kinds_to_verify(&self) -> Result<Vec<DatasetKind>> {
        let mut kinds = self.kinds()?;
        let is_there = |kind: &DatasetKind| self.data_dir.join(kind.folder()).is_dir();
        if kinds.iter().any(is_there) && self.set == "all" {
            kinds.retain(is_there);
        }
        Ok(kinds)
    }
}

fn main() -> ExitCode {
    let done = match Args::parse().action {
        Action::Fetch { selection, mirrors } => fetch(&selection, &mirrors).map(|()| true),
        Action::Verify { selection } => verify(&selection),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn fetch(selection: &Selection, mirrors: &[String]) -> Result<()> {
    for kind in selection.kinds()? {
        println!("{}", fetch_one(kind, &selection.data_dir, mirrors)?);
    }
    Ok(())
}

fn fetch_one(kind: DatasetKind, dir: &Path, mirrors: &[String]) -> Result<polder_data::FetchReport> {
    let options = FetchOptions { mirrors: mirrors.to_vec(), ..FetchOptions::default() };
    let mut line = ProgressLine::new();
    let report = polder_data::fetch(kind, dir, &options, &mut |progress| line.show(progress));
    line.finish();
    Ok(report?)
}

/// Prints the state of each file; `false` if one is unverified or missing.
fn verify(selection: &Selection) -> Result<bool> {
    let mut all_good = true;
    for kind in selection.kinds_to_verify()? {
        match polder_data::verify(kind, &selection.data_dir) {
            Ok(report) => {
                println!("{report}");
                all_good &= report.state() != Verification::Unverified;
            }
            // The next data set is still worth verifying.
            Err(error) => {
                eprintln!("error: {:#}", anyhow::Error::new(error));
                all_good = false;
            }
        }
    }
    Ok(all_good)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use clap::{CommandFactory as _, Parser as _};

    use super::Args;

    #[test]
    fn every_command_for_data_that_the_documents_name_can_be_typed() {
        Args::command().debug_assert();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let chapters = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
        let pages = chapters.chain(["README.md", "CONTRIBUTING.md"].map(|name| root.join(name)));
        for page in pages.filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
            let text = fs::read_to_string(page).unwrap();
            for line in text.lines().filter(|line| line.starts_with("cargo xtask data ")) {
                let typed = line.split('#').next().unwrap_or_default();
                if let Err(error) = Args::try_parse_from(typed.split_whitespace().skip(2)) {
                    panic!("`{line}`: {error}");
                }
            }
        }
    }
}
