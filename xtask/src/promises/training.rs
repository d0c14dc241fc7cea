//! Promises about a training as a whole: equal bytes whatever the workers, and however often it is killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::command;
use crate::file;
use crate::promises::interruption::Interruption;
use crate::promises::manifest::Measured;
use crate::promises::polder::Polder;

const RECORD_FILE: &str = "record.jsonl";

/// A kill follows so many new checkpoints at most, and there are so many in the run for each kill: it is never over too soon.
const CHECKPOINTS_BEFORE_KILL: u64 = 3;
const CHECKPOINTS_PER_KILL: u64 = 5;

/// What a run leaves behind: its record, and its newest checkpoint with weights, momentum, averages and position.
#[derive(Clone, Debug, PartialEq)]
struct Left {
    record: Vec<u8>,
    checkpoint: Vec<u8>,
}

/// Trains one configuration as often as asked, each time into a folder of its own.
#[derive(Debug)]
pub(super) struct Trainer {
    polder: Polder,
    config: PathBuf,
    settings: Vec<String>,
}

impl Trainer {
    /// `settings` are of the form `training.epochs=3` and change the default configuration.
    pub(super) fn new(polder: Polder, settings: &[String]) -> Result<Self> {
        let config = polder.folder.join("config.toml");
        file::write(&config, "seed = 1\n")?;
        Ok(Self { polder, config, settings: settings.to_owned() })
    }

    pub(super) fn equal_with_one_and_two_workers(&self) -> Result<Measured> {
        let one = self.finish("one", self.command("one", 1))?;
        let two = self.finish("two", self.command("two", 2))?;
        Ok(Measured::Equal(one == two))
    }

    /// Kills a training `kills` times with no chance to react, and continues it by the same command each time; in the end its
    /// record and its newest checkpoint are compared with those of a training that was not killed.
    pub(super) fn equal_when_killed(&self, kills: u64) -> Result<Measured> {
        let whole = self.finish("whole", self.command("whole", 1))?;
        let num_steps = steps_in(&whole.record);
        let every = num_steps / (CHECKPOINTS_PER_KILL * kills.max(1));
        ensure!(every > 0, "a training of {num_steps} steps is too short to be killed {kills} times");
        let command = || {
            let mut command = self.command("killed", 1);
            command.arg("--checkpoint-every").arg(format!("{every}steps"));
            command
        };
        let interruption = Interruption {
            command: &command,
            progress: &|| self.newest_step("killed").unwrap_or(0),
            signals: &["KILL"],
            most_advances: CHECKPOINTS_BEFORE_KILL,
            latest: None,
        };
        interruption.repeat(kills)?;
        Ok(Measured::Equal(self.finish("killed", command())? == whole))
    }

    /// Trains to the end and returns what is left.
    /// Trains to the end and returns what is left.
    fn finish(&self, name: &str, mut command: Command) -> Result<Left> {
        command::output(&mut command)?;
        let read =
            |path: PathBuf| fs::read(&path).with_context(|| format!("`{}` cannot be read", path.display()));
        let run = self.run(name)?;
        let (_, checkpoint) = newest_checkpoint(&run).context("the training has left no checkpoint")?;
        Ok(Left { record: read(run.join(RECORD_FILE))?, checkpoint: read(checkpoint)? })
    }

    /// The steps of the newest checkpoint of the run below the folder `name`, if there is one yet.
    fn newest_step(&self, name: &str) -> Option<u64> {
        newest_checkpoint(&self.run(name).ok()?).map(|(step, _)| step)
    }

    fn command(&self, name: &str, workers: usize) -> Command {
        let mut command = Command::new(&self.polder.program);
        command.arg("train").arg(&self.config).arg("--runs").arg(self.polder.folder.join(name));
        command.arg("--data-dir").arg(&self.polder.data_dir).arg("--workers").arg(workers.to_string());
        for setting in &self.settings {
            command.arg("--set").arg(setting);
        }
        command.stdin(Stdio::null());
        command
    }

    /// The one run directory below the folder `name`.
    fn run(&self, name: &str) -> Result<PathBuf> {
        let runs = self.polder.folder.join(name);
        let found = file::entries(&runs)?.into_iter().find(|path| path.join(RECORD_FILE).is_file());
        found.with_context(|| format!("no run in `{}` has a `{RECORD_FILE}`", runs.display()))
    }
}

/// The steps of a run directory's newest checkpoint, by its name, and its path.
fn newest_checkpoint(run: &Path) -> Option<(u64, PathBuf)> {
    let paths = file::entries(run).ok()?;
    paths.into_iter().filter_map(|path| Some((checkpoint_step(&path)?, path))).max()
}

fn checkpoint_step(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    name.strip_prefix("checkpoint-")?.strip_suffix(".safetensors")?.parse().ok()
}

/// The steps of the whole training, by its last complete line that records an epoch.
fn steps_in(record: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(record);
    let complete = text.rfind('\n').map_or("", |end| &text[..end]);
    let lines = complete.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    lines
        .filter(|line| line["record"] == "epoch")
        .filter_map(|line| line["steps"].as_u64())
        .next_back()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Trainer, steps_in};
    use crate::promises::manifest::Measured;
    use crate::promises::polder::Polder;

    /// Trains 40 steps of 10 ms, each with a checkpoint, and continues behind the last one; `extra` goes into the record.
    fn trainer(folder: &Path, extra: &str) -> Trainer {
        let script = format!(
            "run=$4/run; workers=$8; mkdir -p $run; touch $run/record.jsonl\n\
             step=$(ls $run | sed -n 's/checkpoint-0*\\([1-9][0-9]*\\).safetensors/\\1/p' | sort -n | tail -n 1)\n\
             step=${{step:-0}}\n\
             while [ $step -lt 40 ]; do sleep 0.01; step=$((step + 1)); \
             name=$run/checkpoint-$(printf %010d $step); echo $step > $name.partial; mv $name.partial $name.safetensors; \
             done\n\
             echo \"{{\\\"record\\\": \\\"epoch\\\", \\\"steps\\\": $step{extra}}}\" > $run/record.jsonl\n"
        );
        Trainer::new(Polder::of_shell(&script, folder), &[]).unwrap()
    }

    #[test]
    fn equal_trainings_are_found_equal_however_often_they_are_killed() {
        let folder = tempfile::tempdir().unwrap();
        let trainer = trainer(folder.path(), "");
        assert_eq!(trainer.equal_with_one_and_two_workers().unwrap(), Measured::Equal(true));
        assert_eq!(trainer.equal_when_killed(4).unwrap(), Measured::Equal(true));
    }

    #[test]
    fn the_finished_run_of_another_trainer_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            assert_eq!(trainer(folder.path(), "").equal_when_killed(4).unwrap(), Measured::Equal(true));
        }
    }

    #[test]
    fn records_that_depend_on_the_workers_are_found_different() {
        let folder = tempfile::tempdir().unwrap();
        let trainer = trainer(folder.path(), ", \\\"workers\\\": $workers");
        assert_eq!(trainer.equal_with_one_and_two_workers().unwrap(), Measured::Equal(false));
    }

    #[test]
    fn a_training_that_is_too_short_for_its_kills_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = trainer(folder.path(), "").equal_when_killed(20).unwrap_err();
        assert!(error.to_string().contains("too short"), "{error}");
    }

    #[test]
    fn a_line_cut_short_is_not_read() {
        let record = b"{\"record\": \"run\"}\n{\"record\": \"epoch\", \"steps\": 7}\n{\"record\": \"epoch\", \"steps\": 14}";
        assert_eq!(steps_in(record), 7);
    }
}
