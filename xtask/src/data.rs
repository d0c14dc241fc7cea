//! The data sets, through `polder-data`: the same as `polder data`, before libtorch is there.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use polder_data::{DatasetKind, FetchOptions, FetchReport, Progress, Stage, Verification};

use crate::args::{DataAction, DataSet};
use crate::workspace::Workspace;

impl DataSet {
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
        let there: Vec<_> = self.kinds().iter().copied().filter(|&kind| is_there(kind, dir)).collect();
        if self == Self::All && !there.is_empty() { there } else { self.kinds().to_vec() }
    }
}

/// Fetches or verifies, and prints the state of each file. Verification fails if one is unverified or missing.
pub(crate) fn run(workspace: &Workspace, action: &DataAction) -> Result<ExitCode> {
    let mut all_good = true;
    match action {
        DataAction::Fetch(selection) => {
            let dir = workspace.data_dir(selection.data_dir.as_deref());
            for &kind in selection.set.kinds() {
                println!("{}", fetch(kind, &dir, &FetchOptions::default())?);
            }
        }
        DataAction::Verify(selection) => {
            let dir = workspace.data_dir(selection.data_dir.as_deref());
            for kind in selection.set.to_verify(&dir) {
                match polder_data::verify(kind, &dir) {
                    Ok(report) => {
                        println!("{report}");
                        all_good &= report.state() != Verification::Unverified;
                    }
                    // The other data set may still be worth a look.
                    Err(error) => {
                        eprintln!("error: {:#}", anyhow::Error::new(error));
                        all_good = false;
                    }
                }
            }
        }
    }
    Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether the folder of the data set is there; whether its files are good is for their reader to say.
pub(crate) fn is_there(kind: DatasetKind, dir: &Path) -> bool {
    dir.join(kind.folder()).is_dir()
}

/// Brings a data set into `dir`, telling the progress on standard error.
pub(crate) fn fetch(kind: DatasetKind, dir: &Path, options: &FetchOptions) -> Result<FetchReport> {
    let mut shown = Shown { terminal: std::io::stderr().is_terminal(), stage: None, percent: 0 };
    let report = polder_data::fetch(kind, dir, options, &mut |progress| shown.show(progress));
    shown.finish();
    Ok(report?)
}

/// Progress on standard error: one line that is rewritten on a terminal, a line per tenth elsewhere.
struct Shown {
    terminal: bool,
    stage: Option<Stage>,
    percent: u64,
}

impl Shown {
    fn show(&mut self, progress: Progress) {
        let percent = progress.total.map_or(0, |total| 100 * progress.done / total.max(1));
        let step = if self.terminal { 1 } else { 10 };
        // A data set of several files goes through its stages anew for each.
        let new_stage = self.stage != Some(progress.stage) || percent < self.percent;
        if !new_stage && percent < self.percent + step {
            return;
        }
        if new_stage {
            self.finish();
        }
        (self.stage, self.percent) = (Some(progress.stage), percent);
        if progress.stage == Stage::Wait {
            eprintln!("wait     for another process that fetches the same data set");
            return;
        }
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let total = progress.total.map_or(String::new(), |total| format!(" of {:.1} MB", megabytes(total)));
        let line = format!("{:<8} {percent:>3} %  {:.1}{total}", progress.stage, megabytes(progress.done));
        if self.terminal {
            eprint!("\r{line}");
            // Only the look of the line depends on it.
            let _ = std::io::stderr().flush();
        } else {
            eprintln!("{line}");
        }
    }

    fn finish(&mut self) {
        if self.terminal && self.stage.take().is_some() {
            eprintln!();
        }
    }
}
