//! The promise about a whole reproduction: stopped again and again in any way, it ends in the same results.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::command;
use crate::file;
use crate::promises::interruption::Interruption;
use crate::promises::manifest::Measured;
use crate::promises::polder::Polder;

/// Ctrl-C, a batch system's end, and no chance to react.
const SIGNALS: [&str; 3] = ["INT", "TERM", "KILL"];

/// A reproduction that can be repeated in one folder or another.
#[derive(Debug)]
pub(super) struct Reproduction {
    polder: Polder,
    options: Vec<String>,
    /// The longest delay between new records and the signal.
    latest: Duration,
}

impl Reproduction {
    /// `options` of `polder reproduce`.
    pub(super) fn new(polder: Polder, options: &[String]) -> Self {
        // About as long as an epoch at `smoke` takes.
        Self { polder, options: options.to_owned(), latest: Duration::from_millis(1500) }
    }

    /// Stops the command `interruptions` times, by each signal in turn, and repeats it; in the end its table is compared with that
    /// of one that was not stopped.
    pub(super) fn equal_when_interrupted(&self, interruptions: u64) -> Result<Measured> {
        let whole = self.finish("whole")?;
        let interruption = Interruption {
            command: &|| self.command("stopped"),
            progress: &|| self.recorded("stopped"),
            signals: &SIGNALS,
            most_advances: 1,
            latest: Some(self.latest),
        };
        interruption.repeat(interruptions)?;
        Ok(Measured::Equal(self.finish("stopped")? == whole))
    }

    /// Bytes in the records of all runs.
    fn recorded(&self, name: &str) -> u64 {
        let Ok(runs) = fs::read_dir(self.polder.folder.join(name).join("runs")) else { return 0 };
        runs.flatten()
            .filter_map(|run| fs::metadata(run.path().join("record.jsonl")).ok())
            .map(|file| file.len())
            .sum()
    }

    /// Runs to the end; the table of all results without its last column, the seconds.
    fn finish(&self, name: &str) -> Result<String> {
        command::output(&mut self.command(name))?;
        let path = self.polder.folder.join(name).join("results.csv");
        let table = file::read(&path)?;
        let head = table.lines().next().unwrap_or_default();
        ensure!(head.ends_with(",epoch_seconds"), "`{}` has other columns: {head}", path.display());
        Ok(table.lines().filter_map(|line| Some(line.rsplit_once(',')?.0.to_owned() + "\n")).collect())
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(&self.polder.program);
        command.arg("reproduce").arg("--results").arg(self.polder.folder.join(name));
        command.arg("--data-dir").arg(&self.polder.data_dir).args(&self.options).stdin(Stdio::null());
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records 40 lines of a run, 20 ms each, and continues behind the last one; `extra` goes into the table.
    fn measured(extra: &str, interruptions: u64) -> Measured {
        let scratch = tempfile::tempdir().unwrap();
        let script = format!(
            "run=$3/runs/a; mkdir -p $run; touch $run/record.jsonl; echo x >> $3/starts\n\
             while [ $(wc -l < $run/record.jsonl) -lt 40 ]; do sleep 0.02; echo line >> $run/record.jsonl; done\n\
             printf 'a,epoch_seconds\\n%s,%s\\n' \"1{extra}\" $$ > $3/results.csv\n"
        );
        let polder = Polder::of_shell(&script, scratch.path());
        // Stopped at once, since this one is soon over.
        let reproduction =
            Reproduction { latest: Duration::from_millis(1), ..Reproduction::new(polder, &[]) };
        reproduction.equal_when_interrupted(interruptions).unwrap()
    }

    #[test]
    fn equal_tables_are_found_equal_whatever_the_seconds() {
        assert_eq!(measured("", 4), Measured::Equal(true));
    }

    #[test]
    fn a_table_that_depends_on_the_number_of_starts_is_found_different() {
        assert_eq!(measured("$(wc -l < $3/starts)", 2), Measured::Equal(false));
    }
}
