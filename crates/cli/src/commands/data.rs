//! `polder data`: the data sets' files.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use polder_data::{
    Augmentation, DatasetKind, FetchOptions, Split, Stage, Verification, class_names, fetch, open, verify,
    write_sheet,
};

use crate::args::DataDir;
use crate::exit_code::Outcome;

const EXAMPLES: &str = "\
Examples:
  polder data fetch cifar10
  polder data fetch cifar10 --mirror https://example.org/cifar-10-binary.tar.gz
  polder data verify --data-dir /data
  polder data show cifar10 --output sheet.png";

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
    },
    /// Compares every file with its published checksum, or with our own table where none is published
    Verify {
        /// Which data set
        #[arg(value_enum, default_value_t = Selection::All)]
        dataset: Selection,
        #[command(flatten)]
        data: DataDir,
    },
    /// Writes a PNG sheet: originals above, augmented below
    Show {
        /// Which data set
        #[arg(value_enum, default_value_t = Selection::Cifar10)]
        dataset: Selection,
        #[command(flatten)]
        data: DataDir,
        /// The PNG file
        #[arg(long, value_name = "FILE", default_value = "samples.png")]
        output: PathBuf,
        /// How many images
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=200))]
        images: u16,
        /// Seed of the augmentation
        #[arg(long, value_name = "N", default_value_t = 0)]
        seed: u64,
    },
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
        DataCommand::Fetch { dataset, data, mirrors } => {
            for &kind in dataset.kinds() {
                let options = FetchOptions { mirrors: mirrors.clone(), ..FetchOptions::default() };
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
                println!("{}", report?);
            }
            Ok(Outcome::Done.into())
        }
        DataCommand::Verify { dataset, data } => {
            let mut outcome = Outcome::Done;
            for kind in dataset.to_verify(&data.data_dir) {
                let report = verify(kind, &data.data_dir)?;
                println!("{report}");
                if report.state() == Verification::Unverified {
                    eprintln!(
                        "`polder data fetch {}` replaces the files that are not the official ones",
                        kind.name()
                    );
                    outcome = Outcome::Failed;
                }
            }
            Ok(outcome.into())
        }
        DataCommand::Show { dataset, data, output, images, seed } => {
            for &kind in dataset.kinds() {
                let split = open(kind, Split::Train, &data.data_dir)?;
                let indices: Vec<usize> = (0..usize::from(*images)).collect();
                let augmentation = Augmentation::papers(kind.normalization());
                let names = class_names(kind, &data.data_dir);
                write_sheet(output, &split, &names, &indices, augmentation, *seed, 0)?;
                println!("{}", output.display());
            }
            Ok(Outcome::Done.into())
        }
    }
}
