//! Promises about a training as a whole: equal records whatever the workers, and whatever interrupts it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::command::shown;
use crate::promises::manifest::Measured;

const RECORD_FILE: &str = "record.jsonl";

/// Trains one configuration as often as asked, each time into a folder of its own.
#[derive(Debug)]
pub(crate) struct Trainer {
    polder: PathBuf,
    data_dir: PathBuf,
    scratch: PathBuf,
    config: PathBuf,
    settings: Vec<String>,
}

impl Trainer {
    /// `settings` are of the form `training.epochs=3` and change the default configuration.
    pub(crate) fn new(
        polder: PathBuf,
        data_dir: &Path,
        scratch: PathBuf,
        settings: &[String],
    ) -> Result<Self> {
        fs::create_dir_all(&scratch).with_context(|| format!("`{}` cannot be made", scratch.display()))?;
        let config = scratch.join("config.toml");
        fs::write(&config, "seed = 1\n")
            .with_context(|| format!("`{}` cannot be written", config.display()))?;
        Ok(Self { polder, data_dir: data_dir.to_owned(), scratch, config, settings: settings.to_owned() })
    }

    pub(crate) fn equal_with_one_and_two_workers(&self) -> Result<Measured> {
        let one = self.train("one", 1)?;
        let two = self.train("two", 2)?;
        Ok(Measured::Equal(one == two))
    }

    /// Kills a training with no chance to react, half an epoch behind the end of its first epoch, and continues it.
    pub(crate) fn equal_when_killed(&self) -> Result<Measured> {
        let start = Instant::now();
        let whole = self.train("whole", 1)?;
        let epochs = epochs_in(&whole);
        ensure!(epochs >= 3, "a training of {epochs} epochs is too short to be killed in the middle of one");
        let half_an_epoch = start.elapsed() / (2 * epochs as u32);

        let mut command = self.command("killed", 1);
        eprintln!("$ {}   (to be killed)", shown(&command));
        let child = command.stdout(Stdio::null()).spawn().context("`polder` cannot be started")?;
        self.kill_in_second_epoch(child, half_an_epoch)?;
        let before = fs::read(self.record("killed")?)?;
        ensure!(epochs_in(&before) < epochs, "the training had finished before it was killed");
        let continued = self.train("killed", 1)?;
        Ok(Measured::Equal(continued == whole))
    }

    fn kill_in_second_epoch(&self, mut child: Child, half_an_epoch: Duration) -> Result<()> {
        let deadline = Instant::now() + Duration::from_mins(10);
        let in_second_epoch = || {
            self.record("killed").and_then(|path| Ok(fs::read(path)?)).is_ok_and(|text| epochs_in(&text) >= 1)
        };
        while !in_second_epoch() {
            if let Some(status) = child.try_wait()? {
                bail!("the training ended by itself before its second epoch ({status})");
            }
            if Instant::now() > deadline {
                child.kill()?;
                child.wait()?;
                bail!("the training recorded no epoch within ten minutes");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(half_an_epoch);
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Trains to the end and returns the bytes of the record.
    fn train(&self, name: &str, workers: usize) -> Result<Vec<u8>> {
        let mut command = self.command(name, workers);
        eprintln!("$ {}", shown(&command));
        let output = command.stderr(Stdio::inherit()).output().context("`polder` cannot be started")?;
        ensure!(output.status.success(), "`{}` failed ({})", shown(&command), output.status);
        let record = self.record(name)?;
        fs::read(&record).with_context(|| format!("`{}` cannot be read", record.display()))
    }

    fn command(&self, name: &str, workers: usize) -> Command {
        let mut command = Command::new(&self.polder);
        command.arg("train").arg(&self.config).arg("--runs").arg(self.scratch.join(name));
        command.arg("--data-dir").arg(&self.data_dir).arg("--workers").arg(workers.to_string());
        for setting in &self.settings {
            command.arg("--set").arg(setting);
        }
        command.stdin(Stdio::null());
        command
    }

    /// The record of the one run below the folder `name`.
    fn record(&self, name: &str) -> Result<PathBuf> {
        let runs = self.scratch.join(name);
        let found = fs::read_dir(&runs)
            .with_context(|| format!("`{}` cannot be read", runs.display()))?
            .flatten()
            .map(|entry| entry.path().join(RECORD_FILE))
            .find(|path| path.is_file());
        found.with_context(|| format!("no run in `{}` has a `{RECORD_FILE}`", runs.display()))
    }
}

/// Complete lines that record an epoch.
fn epochs_in(record: &[u8]) -> usize {
    let text = String::from_utf8_lossy(record);
    let complete = text.rfind('\n').map_or("", |end| &text[..end]);
    complete
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|line| line["record"] == "epoch")
        .count()
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::{Trainer, epochs_in};
    use crate::promises::manifest::Measured;

    /// Trains four epochs of 50 ms and continues behind the last one recorded; `$extra` goes into the last line.
    fn trainer(folder: &Path, extra: &str) -> Trainer {
        let polder = folder.join("polder");
        let script = format!(
            "#!/bin/sh\nrun=$4/run; workers=$8; mkdir -p $run; touch $run/record.jsonl\n\
             epoch=$(wc -l < $run/record.jsonl)\n\
             while [ $epoch -lt 4 ]; do sleep 0.05; epoch=$((epoch + 1)); \
             echo \"{{\\\"record\\\": \\\"epoch\\\", \\\"epoch\\\": $epoch{extra}}}\" >> $run/record.jsonl; done\n"
        );
        fs::write(&polder, script).unwrap();
        fs::set_permissions(&polder, fs::Permissions::from_mode(0o755)).unwrap();
        Trainer::new(polder, &folder.join("data"), folder.join("scratch"), &[]).unwrap()
    }

    #[test]
    fn equal_records_are_found_equal() {
        let folder = tempfile::tempdir().unwrap();
        let trainer = trainer(folder.path(), "");
        assert_eq!(trainer.equal_with_one_and_two_workers().unwrap(), Measured::Equal(true));
        assert_eq!(trainer.equal_when_killed().unwrap(), Measured::Equal(true));
    }

    #[test]
    fn records_that_depend_on_the_workers_are_found_different() {
        let folder = tempfile::tempdir().unwrap();
        let trainer = trainer(folder.path(), ", \\\"workers\\\": $workers");
        assert_eq!(trainer.equal_with_one_and_two_workers().unwrap(), Measured::Equal(false));
    }

    #[test]
    fn a_line_cut_short_is_no_epoch() {
        assert_eq!(epochs_in(b"{\"record\": \"run\"}\n{\"record\": \"epoch\"}\n{\"record\": \"epoch\"}"), 1);
    }
}
