//! `polder logs`: the records of runs for TensorBoard, and as tables for everything else.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::ValueEnum;

use crate::exit_code::Outcome;
use crate::interrupt;
use crate::stderr::say;
use crate::stdout;
use crate::work_bar::WorkBar;
use polder_experiment::replace_file::replace_file;
use polder_experiment::run::record::{RECORD_FILE, RunRecords};
use polder_report::logs::{RunLog, csv, json_lines, write_event_file};

const EXAMPLES: &str = "\
Examples:
  polder logs runs/0a1b2c3d4e5f > run.csv
  polder logs runs | python3 -c 'import pandas, sys; print(pandas.read_csv(sys.stdin).describe())'
  polder logs runs --format jsonl | jq -c '[.run, .epoch, .[\"test/accuracy/iterate\"]]'
  polder logs runs --format tensorboard --output logs && tensorboard --logdir logs

A row is one epoch of one run. Columns, and entries of a JSON line:
  run, dataset, model, method, seed     the folder of the run, and what it trained
  epoch, steps                          completed so far
  seconds                               of training and evaluation so far, pauses left out
  ended_at                              the end of the epoch, in seconds since 1970-01-01 UTC
  train/loss, train/error               mean over the images of the epoch: cross entropy in nats, fraction of errors
  train/learning_rate                   at the first step of the epoch
  train/ascent_norm                     mean norm of SAM's ascent, as it arrived in the arithmetic of the network
  speed/images_per_second, speed/data_wait_share
  test/loss/NAME, test/accuracy/NAME    of the last iterate (`iterate`), at the end of a run also with BN refreshed
                                        (`iterate-refreshed`), and of every average that has begun

What is not known or not finite is an empty field in CSV and null in JSON. An event file of TensorBoard has
the same curves over steps, with the configuration as text; `polder reproduce` leaves those of its runs in
RESULTS/logs. A TensorBoard that is open follows when the command is repeated.";

/// What `polder logs` understands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct LogsArgs {
    /// Run directories, as `polder train` prints them, or folders that contain them
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// File to write instead of stdout; for `tensorboard`, the folder (default `logs`), with one folder per run in it
    #[arg(long, value_name = "PATH")]
    output: Option<PathBuf>,
}

/// How runs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table with a header
    Csv,
    /// One JSON object per row
    Jsonl,
    /// Event files for `tensorboard --logdir`
    Tensorboard,
}

/// Where event files go if nothing else is said.
const LOGS: &str = "logs";

/// Reads the records and writes them in the format that was asked for.
pub(crate) fn run(args: &LogsArgs) -> anyhow::Result<ExitCode> {
    let dirs = run_dirs(&args.runs)?;
    let (mut runs, mut damaged) = (Vec::new(), Vec::new());
    for dir in &dirs {
        match RunRecords::read(dir) {
            Ok(records) => runs.push((dir, records)),
            Err(error) => damaged.push(error.context(format!("`{}` is left out", dir.display()))),
        }
    }
    if runs.is_empty()
        && let Some(error) = damaged.pop()
    {
        return Err(error);
    }
    let logs: Vec<RunLog<'_>> =
        runs.iter().map(|(dir, records)| RunLog::new(name_of(dir), records)).collect();
    match args.format {
        Format::Csv => write(csv(&logs).as_bytes(), args.output.as_deref())?,
        Format::Jsonl => write(&json_lines(&logs)?, args.output.as_deref())?,
        Format::Tensorboard => {
            let folder = args.output.as_deref().unwrap_or(Path::new(LOGS));
            ensure_different_names(&runs)?;
            let bar = WorkBar::new();
            bar.plan(logs.len() as f64);
            bar.begin("writing event files", logs.len() as f64, None);
            for log in &logs {
                if interrupt::requested() {
                    return Ok(Outcome::Interrupted.into());
                }
                write_event_file(&folder.join(&log.name), log)?;
                bar.advance(1.0);
            }
            stdout::print(&format!("{}\n", folder.display()))?;
        }
    }
    for error in &damaged {
        say(&format!("{error:#}"));
    }
    Ok(if damaged.is_empty() { Outcome::Done } else { Outcome::Incomplete }.into())
}

/// The run directories among `paths`, and those within the others, each once.
fn run_dirs(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut dirs: Vec<PathBuf> = Vec::new();
    for path in paths {
        ensure!(
            path.is_dir(),
            "there is no folder `{}`; `polder train` names the run directory in its last line",
            path.display()
        );
        if path.join(RECORD_FILE).exists() {
            dirs.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path).with_context(|| format!("cannot list `{}`", path.display()))?;
        let mut within: Vec<PathBuf> = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()
            .with_context(|| format!("cannot list `{}`", path.display()))?;
        within.retain(|path| path.join(RECORD_FILE).exists());
        if within.is_empty() {
            bail!(
                "`{}` is neither a run directory nor a folder of some: there is no `{RECORD_FILE}` in it or one level \
                 below; `polder train` names the run directory in its last line",
                path.display()
            );
        }
        within.sort();
        dirs.append(&mut within);
    }
    let mut seen = Vec::new();
    dirs.retain(|dir| {
        let place = dir.canonicalize().unwrap_or_else(|_| dir.clone());
        let is_new = !seen.contains(&place);
        seen.push(place);
        is_new
    });
    Ok(dirs)
}

/// The name of the folder, which is the run's id unless somebody renamed it.
fn name_of(dir: &Path) -> String {
    let place = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    place.file_name().map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Two runs must not be written to one folder.
fn ensure_different_names(runs: &[(&PathBuf, RunRecords)]) -> anyhow::Result<()> {
    let mut by_name: BTreeMap<String, &Path> = BTreeMap::new();
    for (dir, _) in runs {
        if let Some(other) = by_name.insert(name_of(dir), dir) {
            bail!(
                "`{}` and `{}` would share the folder of event files `{}`; give them to two commands with an --output \
                 of their own",
                other.display(),
                dir.display(),
                name_of(dir)
            );
        }
    }
    Ok(())
}

/// To a file, or to stdout, whose reader may have had enough.
fn write(bytes: &[u8], output: Option<&Path>) -> anyhow::Result<()> {
    let Some(path) = output else {
        let mut stdout = io::stdout().lock();
        return match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(error).context("cannot write to stdout")
            }
            _ => Ok(()),
        };
    };
    replace_file(path, bytes)
}
