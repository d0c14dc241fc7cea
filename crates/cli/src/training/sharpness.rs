//! `polder sharpness`: how flat the loss is around the weights of a run.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::ValueEnum;

use crate::data_dir::DataDir;
use crate::exit_code::Outcome;
use crate::stderr::say;
use crate::stdout;
use crate::training::device_flags::DeviceChoice;
use crate::work_bar::WorkBar;
use polder_experiment::replace_file::replace_file;
use polder_experiment::sharpness::measurement_spec::{Coordinates, SplitName, Subset};
use polder_experiment::sharpness::plan::{MeasureName, Settings};
use polder_report::sharpness::{json, picture, text};
use polder_train::progress::{Silent, WorkProgress};
use polder_train::sharpness::{ExecutionContext, WeightSelection, measure};

const EXAMPLES: &str = "\
Examples:
  polder sharpness runs/0a1b2c3d4e5f                           trace, eigenvalues, rises, lines
  polder sharpness runs/0a1b2c3d4e5f --images 5000 --split test --png flatness.png
  polder sharpness runs/0a1b2c3d4e5f --measures trace --precision 0.01 --max-samples 5000
  polder sharpness runs/0a1b2c3d4e5f --measures density --density-probes 10 --density-nodes 80
  polder sharpness runs/0a1b2c3d4e5f --measures rises,m-sharpness --rho 0.01,0.03,0.1,0.3
  polder sharpness runs/SGD --with runs/SAM --weights iterate,tail,SAM/iterate --measures line,plane
  polder sharpness runs/0a1b2c3d4e5f --all-checkpoints --measures trace,eigenvalues --json

What is measured: mean cross entropy over --images images without augmentation, batch normalization in evaluation mode after a
refresh over --bn-images training images, no weight decay. Intervals are at 95 %: over random probes for traces and rises, over
images for losses; an eigenvalue lies within the residual given. Scale-invariant: every weight in units of the norm of its filter.
Finished parts are kept in RUN/sharpness: Ctrl-C loses little, the same command continues, another one computes only what is new.";

/// What `polder sharpness` understands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct SharpnessArgs {
    /// A run directory, as `polder train` prints it
    run: PathBuf,
    /// Adds the newest weights of another run as FOLDER/NAME; repeatable
    #[arg(long, value_name = "RUN")]
    with: Vec<PathBuf>,
    /// Weights to measure: `iterate`, names of averages [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    weights: Vec<String>,
    /// Measures every checkpoint of the run, not only the newest
    #[arg(long)]
    all_checkpoints: bool,
    /// What is measured
    #[arg(
        long,
        value_name = "NAMES",
        value_enum,
        value_delimiter = ',',
        default_value = "trace,eigenvalues,rises,m-sharpness,line"
    )]
    measures: Vec<MeasureName>,
    /// Units of the weights
    #[arg(
        long,
        value_name = "NAMES",
        value_enum,
        value_delimiter = ',',
        default_value = "raw,scale-invariant"
    )]
    coordinates: Vec<CoordinatesName>,
    /// The split whose loss is measured
    #[arg(long, value_enum, default_value_t = SplitName::Train)]
    split: SplitName,
    /// Number of images; the cost is proportional to it
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = at_least::<1>)]
    images: usize,
    /// Number of training images for the BN refresh
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = at_least::<2>)]
    bn_images: usize,
    /// Images per pass; more need more memory
    #[arg(long, value_name = "N", default_value_t = 250, value_parser = at_least::<2>)]
    batch_size: usize,
    /// Seed of the random probes and directions
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Stops sampling when half the width of the 95 % interval is this fraction of the mean
    #[arg(long, value_name = "SHARE", default_value_t = 0.05, value_parser = positive)]
    precision: f64,
    /// Stops sampling after this number of samples
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = at_least::<2>)]
    max_samples: usize,
    /// Number of largest eigenvalues
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = at_least::<1>)]
    top: usize,
    /// Largest residual of an eigenvalue, as a fraction of the largest eigenvalue
    #[arg(long, value_name = "SHARE", default_value_t = 1e-2, value_parser = positive)]
    tolerance: f64,
    /// Most Hessian-vector products for the eigenvalues; each stores a vector as large as the network
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = at_least::<3>)]
    max_basis: usize,
    /// Random vectors for the spectral density
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = at_least::<1>)]
    density_probes: usize,
    /// Hessian-vector products per random vector
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = at_least::<1>)]
    density_nodes: usize,
    /// Radii of worst-case and average-case sharpness, in units of the weights
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "0.05", value_parser = positive)]
    rho: Vec<f64>,
    /// Radii of scale-invariant sharpness, in units of the filter norms
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "0.5", value_parser = positive)]
    relative_rho: Vec<f64>,
    /// Ascent steps of worst-case sharpness
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = at_least::<1>)]
    ascent_steps: usize,
    /// Images per micro-batch (the m of m-sharpness)
    #[arg(short, long, value_name = "M", default_value_t = 50, value_parser = at_least::<1>)]
    micro_batch: usize,
    /// Measures the loss on the line between two weights; repeatable [default: neighbours]
    #[arg(long, value_name = "A,B", value_delimiter = ',', num_args = 1)]
    line: Vec<String>,
    /// Points per line; a line extends beyond its ends by half its length
    #[arg(long, value_name = "N", default_value_t = 41, value_parser = at_least::<2>)]
    line_points: usize,
    /// Measures the loss on the plane through three weights; repeatable [default: the first three]
    #[arg(long, value_name = "A,B,C", value_delimiter = ',', num_args = 1)]
    plane: Vec<String>,
    /// Points per side of a plane
    #[arg(long, value_name = "N", default_value_t = 21, value_parser = at_least::<2>)]
    plane_points: usize,
    #[command(flatten)]
    data: DataDir,
    /// Accepts data files that are not the official ones
    #[arg(long)]
    allow_unverified: bool,
    /// Device of the network
    #[arg(long, value_enum, default_value_t = DeviceChoice::Cpu)]
    device: DeviceChoice,
    /// Prints all settings and results as one JSON object
    #[arg(long)]
    json: bool,
    /// Draws the figures as SVG, light or dark as their reader's system is
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Draws the figures as PNG
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
    /// Hides the progress display
    #[arg(long)]
    quiet: bool,
}

/// The units of weights by the names of the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum CoordinatesName {
    Raw,
    ScaleInvariant,
}

/// Measures what is not known yet, prints tables, draws figures.
pub(crate) fn run(args: &SharpnessArgs) -> anyhow::Result<ExitCode> {
    for path in [&args.svg, &args.png].into_iter().flatten() {
        // A picture that cannot be written must not cost minutes.
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        if let Some(parent) = parent.filter(|parent| !parent.is_dir()) {
            bail!("`{}` cannot be written: there is no folder `{}`", path.display(), parent.display());
        }
    }
    let shown = (!args.quiet).then(WorkBar::new);
    let progress: &dyn WorkProgress = shown.as_ref().map_or(&Silent, |bar| bar);
    let report = measure(&args.choice()?, &args.settings(), &args.means()?, progress)?;
    drop(shown);
    if args.svg.is_some() || args.png.is_some() {
        let figures = picture::figures(&report);
        ensure!(
            !figures.is_empty(),
            "there is nothing to draw: none of these measures has a figure, or none is finished"
        );
        let picture = polder_plot::svg::file(&figures);
        let write = |path: &Path, bytes: &[u8]| {
            replace_file(path, bytes)
                .with_context(|| format!("cannot write the picture `{}`", path.display()))
        };
        args.svg.iter().try_for_each(|path| write(path, picture.as_bytes()))?;
        args.png.iter().try_for_each(|path| write(path, &polder_plot::png::png(&picture)?))?;
    }
    if args.json {
        stdout::print(&format!("{}\n", json::json(&report)))?;
    } else {
        stdout::print(&text::text(&report))?;
    }
    if report.is_complete {
        return Ok(Outcome::Done.into());
    }
    say("stopped; finished measurements are kept; run the same command again to resume");
    Ok(Outcome::Interrupted.into())
}

impl SharpnessArgs {
    fn choice(&self) -> anyhow::Result<WeightSelection> {
        Ok(WeightSelection {
            run: self.run.clone(),
            with: self.with.clone(),
            weights: self.weights.clone(),
            lines: groups(&self.line, 2, "--line takes two names, A,B")?,
            planes: groups(&self.plane, 3, "--plane takes three names, A,B,C")?,
            all_checkpoints: self.all_checkpoints,
        })
    }

    fn settings(&self) -> Settings {
        let coordinates = self.coordinates.iter().map(|name| match name {
            CoordinatesName::Raw => Coordinates::Raw,
            CoordinatesName::ScaleInvariant => Coordinates::ScaleInvariant,
        });
        Settings {
            subset: Subset {
                split: self.split,
                images: self.images,
                refresh_images: self.bn_images,
                batch_size: self.batch_size,
            },
            measures: self.measures.clone(),
            coordinates: coordinates.collect(),
            seed: self.seed,
            precision: self.precision,
            max_samples: self.max_samples as u64,
            num_eigenvalues: self.top,
            tolerance: self.tolerance,
            max_basis: self.max_basis,
            density_probes: self.density_probes as u64,
            density_nodes: self.density_nodes,
            rho: self.rho.clone(),
            relative_rho: self.relative_rho.clone(),
            ascent_steps: self.ascent_steps as u64,
            micro_batch: self.micro_batch,
            line_points: self.line_points,
            plane_points: self.plane_points,
        }
    }

    fn means(&self) -> anyhow::Result<ExecutionContext> {
        Ok(ExecutionContext {
            data_dir: self.data.data_dir.clone(),
            allow_unverified: self.allow_unverified,
            device: self.device.open()?,
        })
    }
}

/// Names as they were typed, `size` at a time.
fn groups(names: &[String], size: usize, expected: &str) -> anyhow::Result<Vec<Vec<String>>> {
    ensure!(names.len().is_multiple_of(size), "{expected}; found {}", names.join(","));
    Ok(names.chunks(size).map(<[String]>::to_vec).collect())
}

fn at_least<const LEAST: usize>(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number >= LEAST => Ok(number),
        _ => Err(format!("expected a whole number of at least {LEAST}")),
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err("expected a number above 0".to_owned()),
    }
}
