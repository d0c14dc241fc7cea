//! `polder export`: weights of a run as a file that PyTorch, and whatever else reads safetensors, can load.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{bail, ensure};
use clap::ValueEnum;

use crate::data_dir::DataDir;
use crate::exit_code::Outcome;
use crate::stderr::say;
use crate::stdout;
use crate::training::device_flags::DeviceChoice;
use crate::work_bar::WorkBar;
use polder_experiment::run::record::{ITERATE, REFRESHED};
use polder_train::export::{Choice, Refresh, export};

const EXAMPLES: &str = "\
Examples:
  polder export runs/0a1b2c3d4e5f                                the last iterate
  polder export runs/0a1b2c3d4e5f --weights tail --output tail.safetensors
  polder export runs/0a1b2c3d4e5f --weights average --step 4692   the only average, at an earlier checkpoint
  polder export runs/0a1b2c3d4e5f/checkpoint-0000004692.safetensors --weights ema --no-bn-refresh

The file holds parameters and BN statistics by PyTorch's names in PyTorch's shapes, f32, contiguous: what
`safetensors.torch.load_file` gives goes into `load_state_dict`. golden/networks.py has the networks. The
header's entry `polder` is a JSON object: run, seed, epoch, steps, weights, bn_statistics, model, num_classes,
dataset, data_verification, config (TOML), trained_by, exported_by, pixel_mean and pixel_std (for pixels in
0..=1), and a checksum.

An average, and `iterate-refreshed`, has BN statistics from a pass over the training images, as `polder
evaluate` computes them: that needs the data set and the time of an evaluation. The last line on stdout is the path of the file.";

/// What `polder export` understands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExportArgs {
    /// A run directory, as `polder train` prints it, or a checkpoint file in one
    run: PathBuf,
    /// `iterate`, `iterate-refreshed`, the name of an average, or `average` for the only one
    #[arg(long, value_name = "NAME", default_value = "iterate")]
    weights: String,
    /// Uses the checkpoint after this number of steps [default: the newest]
    #[arg(long, value_name = "N")]
    step: Option<u64>,
    /// File to write; replaces an existing file [default: RUN-NAME.safetensors in the current folder]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// File format
    #[arg(long, value_enum, default_value_t = Format::Safetensors)]
    format: Format,
    /// Skips the BN refresh of an average; keeps the BN statistics of the iterate, which do not fit it. Needs no images
    #[arg(long)]
    no_bn_refresh: bool,
    #[command(flatten)]
    data: DataDir,
    /// Accepts data files that are not the official ones
    #[arg(long)]
    allow_unverified: bool,
    /// Device of the BN refresh
    #[arg(long, value_enum, default_value_t = DeviceChoice::Cpu)]
    device: DeviceChoice,
}

/// The formats of weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Safetensors,
}

/// Writes the file and prints its path.
pub(crate) fn run(args: &ExportArgs) -> anyhow::Result<ExitCode> {
    if let Some(folder) = args.output.as_deref().and_then(Path::parent) {
        // A refresh may take minutes: what cannot be written is said before.
        ensure!(
            folder.as_os_str().is_empty() || folder.is_dir(),
            "the weights cannot be written: there is no folder `{}`",
            folder.display()
        );
    }
    if let Some(output) = args.output.as_deref().filter(|output| output.is_dir()) {
        bail!("`{}` is a folder; --output names the file to write", output.display());
    }
    ensure!(
        !args.no_bn_refresh || args.weights != REFRESHED,
        "`{REFRESHED}` without a BN refresh is `{ITERATE}`: export that, or leave out --no-bn-refresh"
    );
    let choice = Choice { run: args.run.clone(), weights: args.weights.clone(), step: args.step };
    let refresh = (!args.no_bn_refresh)
        .then(|| Refresh { data_dir: args.data.data_dir.clone(), allow_unverified: args.allow_unverified });
    let exported = export(&choice, refresh.as_ref(), args.device.open()?, &WorkBar::new())?;
    let Format::Safetensors = args.format;
    let default = || PathBuf::from(format!("{}-{}.safetensors", exported.run, exported.weights));
    let output = args.output.clone().unwrap_or_else(default);
    exported.checkpoint.write(&output)?;
    say(&exported.summary);
    stdout::print(&format!("{}\n", output.display()))?;
    Ok(Outcome::Done.into())
}
