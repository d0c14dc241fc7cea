//! `polder data`: the data sets' files.

mod pack;
mod sheet;
mod show;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use polder_data::{DatasetKind, FetchOptions, Stage, Verification, fetch, verify};

use crate::data_dir::DataDir;
use crate::exit_code::Outcome;
use crate::stderr::say;
use crate::stdout;

const EXAMPLES: &str = "\
Examples:
  polder data fetch cifar10
  polder data fetch cifar10 --mirror https://example.org/cifar-10-binary.tar.gz
  polder data verify --data-dir /data
  polder data pack flowers/ flowers.packed --size 32x32
  polder data show cifar10 --output sheet.png
  polder data show --packed flowers.packed";

/// What `polder data` understands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DataArgs {
    #[command(subcommand)]
    command: DataCommand,
}

#[derive(Debug, Subcommand)]
enum DataCommand {
    /// Downloads, checks and unpacks; continues a download that was cut off
    Fetch {
        /// Which data set
        #[arg(value_enum, default_value_t = Selection::All)]
        dataset: Selection,
        #[command(flatten)]
        data: DataDir,
        /// Address of the archive (for the MNISTs: of the folder of their files), tried in the order given instead of
        /// the authors' own; may be repeated
        #[arg(long = "mirror", value_name = "URL")]
        mirrors: Vec<String>,
        /// Transfers tried per address
        #[arg(long, hide = true, value_name = "N", default_value_t = FetchOptions::default().attempts)]
        attempts: u32,
        /// Skips a data set whose folder exists, without checking its files; `cargo xtask reproduce` uses this
        #[arg(long, hide = true)]
        if_absent: bool,
    },
    /// Compares every file with its published checksum, or with our own table where none is published
    Verify {
        /// Which data set
        #[arg(value_enum, default_value_t = Selection::All)]
        dataset: Selection,
        #[command(flatten)]
        data: DataDir,
    },
    /// Makes one file of a folder of images, one class per subfolder, to train on or to show
    Pack(pack::PackArgs),
    /// Writes a PNG sheet: originals above, augmented below
    Show(show::ShowArgs),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Selection {
    Cifar10,
    Cifar100,
    Mnist,
    FashionMnist,
    All,
}

impl Selection {
    fn kinds(self) -> &'static [DatasetKind] {
        match self {
            Self::Cifar10 => &[DatasetKind::Cifar10],
            Self::Cifar100 => &[DatasetKind::Cifar100],
            Self::Mnist => &[DatasetKind::Mnist],
            Self::FashionMnist => &[DatasetKind::FashionMnist],
            // Both label sets of CIFAR-100 are in the same files.
            Self::All => {
                &[DatasetKind::Cifar10, DatasetKind::Cifar100, DatasetKind::Mnist, DatasetKind::FashionMnist]
            }
        }
    }

    /// The data sets to verify: of all, those that are there; those that are asked for by name, in any case.
    fn to_verify(self, dir: &Path) -> Vec<DatasetKind> {
        let is_there = |kind: &DatasetKind| dir.join(kind.folder()).is_dir();
        let there: Vec<_> = self.kinds().iter().copied().filter(is_there).collect();
        if self == Self::All && !there.is_empty() { there } else { self.kinds().to_vec() }
    }
}

/// Carries out a subcommand.
pub(crate) fn run(args: &DataArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        DataCommand::Fetch { dataset, data, mirrors, attempts, if_absent } => {
            for &kind in dataset.kinds() {
                if *if_absent && data.data_dir.join(kind.folder()).is_dir() {
                    continue;
                }
                let options =
                    FetchOptions { mirrors: mirrors.clone(), attempts: *attempts, ..FetchOptions::default() };
                let bar = ProgressBar::no_length();
                let style =
                    ProgressStyle::with_template("{msg} {wide_bar} {bytes} of {total_bytes}  {eta} left");
                bar.set_style(style.context("the progress bar")?);
                let report = fetch(kind, &data.data_dir, &options, &mut |progress| {
                    bar.set_message(match progress.stage {
                        Stage::Wait => format!("waiting for another process that fetches {}", kind.name()),
                        Stage::Download => format!("downloading {}", kind.name()),
                        stage => format!("{stage:?} {}", kind.name()).to_lowercase(),
                    });
                    bar.set_length(progress.total.unwrap_or(progress.done));
                    bar.set_position(progress.done);
                });
                bar.finish_and_clear();
                stdout::print(&format!("{}\n", report?))?;
            }
            Ok(Outcome::Done.into())
        }
        DataCommand::Verify { dataset, data } => {
            let mut outcome = Outcome::Done;
            for kind in dataset.to_verify(&data.data_dir) {
                let report = verify(kind, &data.data_dir)?;
                stdout::print(&format!("{report}\n"))?;
                if report.state() == Verification::Unverified {
                    say(&format!(
                        "`polder data fetch {}` replaces the files that are not the official ones",
                        kind.name()
                    ));
                    outcome = Outcome::Failed;
                }
            }
            Ok(outcome.into())
        }
        DataCommand::Pack(args) => pack::run(args).map(|()| Outcome::Done.into()),
        DataCommand::Show(args) => show::run(args).map(|()| Outcome::Done.into()),
    }
}
