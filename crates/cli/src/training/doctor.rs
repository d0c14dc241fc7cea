//! `polder doctor`: what the loader saw and what the machine offers.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use polder_data::{DatasetKind, verify};
use polder_models::CudaChoices;

use crate::data_dir::DataDir;
use crate::exit_code::Outcome;
use crate::stderr::say;
use crate::stdout;
use polder_experiment::run::environment::{LIBTORCH_VERSION, gpu};
use polder_train::device::Placement;
use polder_train::environment;

const EXAMPLES: &str = "\
Examples:
  polder doctor
  polder doctor --data-dir /data";

/// What `polder doctor` understands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    data: DataDir,
}

/// Prints a table; fails if libtorch has another version than Polder is built for.
pub(crate) fn run(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    // First of all: CUDA is looked up once, in the first call into libtorch.
    let opened = polder_models::cuda();
    let cuda = match &opened {
        Ok(_) => format!(
            "usable; {} device(s), cuDNN {}",
            tch::Cuda::device_count(),
            if tch::Cuda::cudnn_is_available() { "usable" } else { "not usable" }
        ),
        Err(error) => format!("not usable: {error}"),
    };
    let here = environment::here(None, Placement::Cpu);
    let row = |name: &str, value: &str| stdout::print(&format!("{name:<12} {value}\n"));
    row("polder", env!("CARGO_PKG_VERSION"))?;
    let mut outcome = Outcome::Done;
    match polder_models::libtorch_cpu() {
        Some(path) => {
            let version = libtorch_version(&path);
            row(
                "libtorch",
                &format!("{} at {}", version.as_deref().unwrap_or("of unknown version"), path.display()),
            )?;
            if version.is_some_and(|version| version.split('+').next() != Some(LIBTORCH_VERSION)) {
                say(&format!(
                    "error: Polder is built for libtorch {LIBTORCH_VERSION}; unset LIBTORCH and run `cargo xtask setup`"
                ));
                outcome = Outcome::Failed;
            }
        }
        None => row("libtorch", "not found among the libraries of this process")?,
    }
    row("cuda", &cuda)?;
    if opened.is_ok() {
        let extras = polder_models::cuda_extras();
        row(
            "",
            &extras.map_or_else(|error| error.to_string(), |()| "libpolder_cuda.so is there".to_owned()),
        )?;
        let chosen = environment::here(None, Placement::Cuda(CudaChoices::default())).cuda;
        row("", &chosen.map_or_else(String::new, |chosen| format!("unless asked: {}", chosen.summary())))?;
    }
    row("gpu", &gpu())?;
    row("processor", &here.processor)?;
    row("threads", &format!("{} of {} cores by default", here.threads, here.cores))?;
    row("disk", &free_disk(Path::new(".")))?;
    for kind in DatasetKind::ALL {
        let state = match verify(kind, &args.data.data_dir) {
            Ok(report) => {
                format!("{} in {}", report.state(), args.data.data_dir.join(kind.folder()).display())
            }
            Err(error) => format!("not usable: {error}"),
        };
        row(kind.name(), &state)?;
    }
    Ok(outcome.into())
}

/// Next to the library of a wheel lies version.py; above that of an archive, build-version.
fn libtorch_version(library: &Path) -> Option<String> {
    let root = library.parent()?.parent()?;
    let from_wheel = fs::read_to_string(root.join("version.py")).ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("__version__"))?;
        Some(line.split('\'').nth(1)?.to_owned())
    });
    from_wheel.or_else(|| Some(fs::read_to_string(root.join("build-version")).ok()?.trim().to_owned()))
}

/// What `df` says of the disk that holds `path`.
fn free_disk(path: &Path) -> String {
    let output = Command::new("df").arg("-Pk").arg(path).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let available = text.lines().nth(1).and_then(|line| line.split_whitespace().nth(3)?.parse::<f64>().ok());
    available.map_or("unknown".to_owned(), |kilobytes| format!("{:.1} GB free here", kilobytes / 1e6))
}
