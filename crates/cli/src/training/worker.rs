//! `polder worker`: one run in a process of its own, for `polder reproduce`.

use std::io::BufRead as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::exit_code::Outcome;
use crate::interrupt;
use crate::training::job::{CHECKPOINT, Event, Job};
use crate::training::progress::{Audience, Progress};
use crate::training::train::TrainingFlags;
use polder_experiment::run::run_dir::RunDir;
use polder_experiment::run::run_outcome::RunOutcome;
use polder_train::interrupt::caused;
use polder_train::sharpness::{self, Means};
use polder_train::trainer::train;

/// Longest time between two checkpoints of a run.
const CHECKPOINT_EVERY: Duration = Duration::from_mins(1);

/// A worker whose parent was killed writes a last checkpoint; so long its successor waits for that.
const PATIENCE: Duration = Duration::from_mins(1);

/// What `polder worker` understands.
#[derive(Debug, clap::Args)]
pub(crate) struct WorkerArgs {
    /// Folder in which the run directories are
    #[arg(long, value_name = "DIR")]
    runs: PathBuf,
    #[command(flatten)]
    flags: TrainingFlags,
}

/// Does the work that the first line of standard input describes, and says on standard output how it goes.
pub(crate) fn run(args: &WorkerArgs) -> anyhow::Result<ExitCode> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("cannot read standard input")?;
    let job: Job = serde_json::from_str(&line).context(
        "standard input describes no run: `polder worker` is for `polder reproduce`; see `polder train`",
    )?;
    std::thread::spawn(heed_parent);
    match carry_out(&job, args) {
        Ok(end) => Event::Ended { end }.send(),
        Err(error) if caused(&error) => Event::Ended { end: RunOutcome::Interrupted }.send(),
        Err(error) => Event::Failed { error: format!("{error:#}") }.send(),
    }
    Ok(Outcome::Done.into())
}

/// The parent asks for checkpoints by lines, and for the end by closing the input, or by being gone.
fn heed_parent() {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        if line == CHECKPOINT {
            interrupt::request_checkpoint();
        }
    }
    interrupt::request_stop();
}

fn carry_out(job: &Job, args: &WorkerArgs) -> anyhow::Result<RunOutcome> {
    let options = args.flags.options(args.runs.clone(), CHECKPOINT_EVERY)?;
    let dir = args.runs.join(job.config.id());
    let begun = Instant::now();
    while RunDir::is_held(&dir) && begun.elapsed() < PATIENCE && !interrupt::requested() {
        Event::Doing { what: "waiting for the process that holds the run".to_owned() }.send();
        std::thread::sleep(Duration::from_millis(250));
    }
    let (outcome, _) = train(&job.config, &options, &mut Progress::new(Audience::Parent))?;
    if outcome != RunOutcome::Finished {
        return Ok(outcome);
    }
    for settings in &job.flatness {
        Event::Doing { what: "measuring flatness".to_owned() }.send();
        let means = Means {
            data_dir: options.data_dir.clone(),
            allow_unverified: options.allow_unverified,
            device: options.placement.open()?,
        };
        sharpness::flatness(&dir, settings, &means)?.write(&dir)?;
    }
    Ok(RunOutcome::Finished)
}
