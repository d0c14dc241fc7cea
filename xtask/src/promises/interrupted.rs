//! The promise about a whole reproduction: stopped again and again in any way, it ends in the same results.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::command::{self, shown};
use crate::promises::draws::Draws;
use crate::promises::manifest::Measured;

/// Ctrl-C, a batch system's end, and no chance to react.
const SIGNALS: [&str; 3] = ["INT", "TERM", "KILL"];

/// About as long as an epoch at `smoke` takes, in milliseconds.
const LATER_MS: u64 = 1500;

/// Longest wait for the runs to get on.
const PATIENCE: Duration = Duration::from_mins(10);

/// A reproduction that can be repeated in one folder or another.
#[derive(Debug)]
pub(crate) struct Reproduction {
    polder: PathBuf,
    data_dir: PathBuf,
    scratch: PathBuf,
    options: Vec<String>,
    /// So long after its runs have got on, at most, a command is stopped: in milliseconds.
    later_ms: u64,
}

impl Reproduction {
    /// `options` of `polder reproduce`; its results go into a new folder below `scratch`.
    pub(crate) fn new(polder: PathBuf, data_dir: &Path, scratch: &Path, options: &[String]) -> Result<Self> {
        let own = tempfile::Builder::new().prefix("reproduction-").tempdir_in(scratch);
        let scratch = own.with_context(|| format!("`{}` cannot be written to", scratch.display()))?.keep();
        Ok(Self {
            polder,
            data_dir: data_dir.to_owned(),
            scratch,
            options: options.to_owned(),
            later_ms: LATER_MS,
        })
    }

    /// Stops the command `interruptions` times at moments drawn from a fixed seed, by each signal in turn, and repeats it; in
    /// the end its table is compared with that of one that was not stopped.
    pub(crate) fn equal_when_interrupted(&self, interruptions: u64) -> Result<Measured> {
        ensure!(interruptions > 0, "a command that is to be stopped 0 times shows nothing");
        let whole = self.finish("whole")?;
        let mut draws = Draws::new(1);
        eprintln!("$ {}   (to be stopped, {interruptions} times in all)", shown(&self.command("stopped")));
        for turn in 0..interruptions {
            let signal = SIGNALS[(turn % SIGNALS.len() as u64) as usize];
            self.interrupt(signal, draws.below(self.later_ms))?;
        }
        Ok(Measured::Equal(self.finish("stopped")? == whole))
    }

    /// Starts the command and stops it `later_ms` after a run has recorded something new.
    fn interrupt(&self, signal: &str, later_ms: u64) -> Result<()> {
        let quiet = || Stdio::null();
        let mut child = self
            .command("stopped")
            .stdout(quiet())
            .stderr(quiet())
            .spawn()
            .context("`polder` cannot be started")?;
        let (before, begun) = (self.recorded(), Instant::now());
        while self.recorded() == before {
            self.expect_running(&mut child)?;
            if begun.elapsed() > PATIENCE {
                child.kill()?;
                bail!("nothing was recorded within {} minutes", PATIENCE.as_secs() / 60);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(later_ms));
        self.expect_running(&mut child)?;
        let sent = Command::new("kill").arg(format!("-{signal}")).arg(child.id().to_string()).status()?;
        ensure!(sent.success(), "the signal {signal} could not be sent");
        let status = child.wait()?;
        eprintln!("stopped by SIG{signal} with {} bytes recorded ({status})", self.recorded());
        Ok(())
    }

    fn expect_running(&self, child: &mut Child) -> Result<()> {
        match child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!(
                "`{}` ended by itself before it was stopped ({status}): it is too short",
                shown(&self.command("stopped"))
            ),
        }
    }

    /// Bytes in the records of all runs.
    fn recorded(&self) -> u64 {
        let Ok(runs) = fs::read_dir(self.scratch.join("stopped").join("runs")) else { return 0 };
        runs.flatten()
            .filter_map(|run| fs::metadata(run.path().join("record.jsonl")).ok())
            .map(|file| file.len())
            .sum()
    }

    /// Runs to the end; the table of all results without its last column, the seconds.
    fn finish(&self, name: &str) -> Result<String> {
        command::output(&mut self.command(name))?;
        let path = self.scratch.join(name).join("results.csv");
        let table =
            fs::read_to_string(&path).with_context(|| format!("`{}` cannot be read", path.display()))?;
        let head = table.lines().next().unwrap_or_default();
        ensure!(head.ends_with(",epoch_seconds"), "`{}` has other columns: {head}", path.display());
        Ok(table.lines().filter_map(|line| Some(line.rsplit_once(',')?.0.to_owned() + "\n")).collect())
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(&self.polder);
        command.arg("reproduce").arg("--results").arg(self.scratch.join(name));
        command.arg("--data-dir").arg(&self.data_dir).args(&self.options).stdin(Stdio::null());
        command
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Records 40 lines of a run, 20 ms each, and continues behind the last one; `extra` goes into the table.
    fn reproduction(folder: &Path, extra: &str) -> Reproduction {
        let polder = folder.join("polder");
        let script = format!(
            "#!/bin/sh\nrun=$3/runs/a; mkdir -p $run; touch $run/record.jsonl; echo x >> $3/starts\n\
             while [ $(wc -l < $run/record.jsonl) -lt 40 ]; do sleep 0.02; echo line >> $run/record.jsonl; done\n\
             printf 'a,epoch_seconds\\n%s,%s\\n' \"1{extra}\" $$ > $3/results.csv\n"
        );
        fs::write(&polder, script).unwrap();
        fs::set_permissions(&polder, fs::Permissions::from_mode(0o755)).unwrap();
        // Stopped at once, since this one is soon over.
        Reproduction { later_ms: 1, ..Reproduction::new(polder, &folder.join("data"), folder, &[]).unwrap() }
    }

    fn measured(extra: &str, interruptions: u64) -> Result<Measured> {
        let folder = tempfile::tempdir().unwrap();
        reproduction(folder.path(), extra).equal_when_interrupted(interruptions)
    }

    #[test]
    fn equal_tables_are_found_equal_whatever_the_seconds() {
        assert_eq!(measured("", 4).unwrap(), Measured::Equal(true));
    }

    #[test]
    fn a_table_that_depends_on_the_number_of_starts_is_found_different() {
        assert_eq!(measured("$(wc -l < $3/starts)", 2).unwrap(), Measured::Equal(false));
    }

    #[test]
    fn a_command_that_ends_too_soon_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let reproduction = reproduction(folder.path(), "");
        reproduction.finish("stopped").unwrap();
        let error = reproduction.interrupt("INT", 0).unwrap_err().to_string();
        assert!(error.contains("too short"), "{error}");
    }
}
