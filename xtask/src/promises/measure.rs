//! One measurement: a command and what is read from it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::command;
use crate::file;
use crate::number;
use crate::promises::manifest::{Measure, Measured};
use crate::promises::polder::Polder;
use crate::promises::reproduction::Reproduction;
use crate::promises::training::Trainer;
use crate::workspace::Workspace;

/// Where measurements are made, and what the commands so far have given.
#[derive(Debug)]
pub(crate) struct Bench<'a> {
    workspace: &'a Workspace,
    polder: Option<PathBuf>,
    data_dir: PathBuf,
    scratch: PathBuf,
    finished: HashMap<Vec<String>, Finished>,
}

#[derive(Clone, Debug)]
struct Finished {
    stdout: String,
    seconds: f64,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(
        workspace: &'a Workspace,
        polder: Option<PathBuf>,
        data_dir: PathBuf,
        scratch: PathBuf,
    ) -> Self {
        Self { workspace, polder, data_dir, scratch, finished: HashMap::new() }
    }

    /// Measures; `None` if the long run that should have been made before is not there.
    pub(crate) fn measure(&mut self, measure: &Measure) -> Result<Option<Measured>> {
        match measure {
            Measure::Output { command, pointer } => {
                let stdout = self.run(command)?.stdout;
                let value: Value = command::last_json(&stdout)?;
                number::at(&value, pointer).map(Measured::Number).map(Some)
            }
            Measure::Seconds { command } => Ok(Some(Measured::Number(self.run(command)?.seconds))),
            Measure::FinishedRun { file, scale, pointer } => {
                let path = self.workspace.root().join(file);
                if !path.is_file() {
                    return Ok(None);
                }
                let value: Value = file::read_json(&path)?;
                if value["scale"] != *scale.as_str() || value["complete"] != true {
                    return Ok(None);
                }
                number::at(&value, pointer).map(Measured::Number).map(Some)
            }
            Measure::Workers { settings } => {
                Trainer::new(self.polder()?, settings)?.equal_with_one_and_two_workers().map(Some)
            }
            Measure::Killed { settings, kills } => {
                Trainer::new(self.polder()?, settings)?.equal_when_killed(*kills).map(Some)
            }
            Measure::Interrupted { options, interruptions } => {
                Reproduction::new(self.polder()?, options).equal_when_interrupted(*interruptions).map(Some)
            }
        }
    }

    fn polder(&self) -> Result<Polder> {
        let program = self.polder.as_ref().context("`polder` was not built")?;
        Polder::new(program, &self.data_dir, &self.scratch)
    }

    /// Runs a command to its end, or gives what it gave before.
    fn run(&mut self, words: &[String]) -> Result<Finished> {
        if let Some(finished) = self.finished.get(words) {
            return Ok(finished.clone());
        }
        let mut command = self.command(words)?;
        let start = Instant::now();
        let stdout = command::output(&mut command)?;
        let seconds = start.elapsed().as_secs_f64();
        let finished = Finished { stdout, seconds };
        self.finished.insert(words.to_owned(), finished.clone());
        Ok(finished)
    }

    fn command(&self, words: &[String]) -> Result<Command> {
        let (program, args) = words.split_first().context("the command has no words")?;
        let mut command = match (program.as_str(), &self.polder) {
            ("{cargo}", _) => self.workspace.cargo(""),
            ("{polder}", Some(polder)) => Command::new(polder),
            (program, _) => Command::new(program),
        };
        command.current_dir(self.workspace.root());
        for arg in args {
            let filled = arg
                .replace("{data}", &self.data_dir.to_string_lossy())
                .replace("{scratch}", &self.scratch.to_string_lossy());
            command.arg(filled);
        }
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    use super::Bench;
    use crate::promises::manifest::{Measure, Measured};
    use crate::workspace::Workspace;

    fn shell(script: &str) -> Vec<String> {
        ["sh", "-c", script].map(str::to_owned).to_vec()
    }

    fn with_bench<T>(test: impl FnOnce(&mut Bench<'_>, &std::path::Path) -> T) -> T {
        let (workspace, scratch) = (Workspace::find().unwrap(), tempfile::tempdir().unwrap());
        let mut bench = Bench::new(&workspace, None, scratch.path().join("data"), scratch.path().to_owned());
        test(&mut bench, scratch.path())
    }

    #[test]
    fn a_number_is_read_from_the_last_line_and_equal_commands_run_once() {
        with_bench(|bench, scratch| {
            let command =
                shell("echo x >> {scratch}/calls; echo compiling; echo '{\"a\": {\"b\": 2.5}, \"c\": 7}'");
            for (pointer, expected) in [("/a/b", 2.5), ("/c", 7.0)] {
                let measure = Measure::Output { command: command.clone(), pointer: pointer.to_owned() };
                assert_eq!(bench.measure(&measure).unwrap(), Some(Measured::Number(expected)));
            }
            assert_eq!(std::fs::read_to_string(scratch.join("calls")).unwrap(), "x\n");
        });
    }

    #[test]
    fn a_command_that_fails_or_says_nothing_is_no_measurement() {
        with_bench(|bench, _| {
            for (script, part) in
                [("exit 4", "failed"), ("echo hello", "no JSON"), ("echo '{}'", "nothing at `/x`")]
            {
                let measure = Measure::Output { command: shell(script), pointer: "/x".to_owned() };
                let error = format!("{:#}", bench.measure(&measure).unwrap_err());
                assert!(error.contains(part), "{error}");
            }
        });
    }

    #[test]
    fn a_run_that_is_incomplete_or_at_another_scale_does_not_count() {
        with_bench(|bench, scratch| {
            let file = scratch.join("results.json");
            let measure = Measure::FinishedRun {
                file: file.clone(),
                scale: "desk".to_owned(),
                pointer: "/numbers/A4.best_accuracy".to_owned(),
            };
            assert_eq!(bench.measure(&measure).unwrap(), None);
            let measured = Some(Measured::Number(0.7));
            for (scale, complete, expected) in
                [("smoke", true, None), ("desk", false, None), ("desk", true, measured)]
            {
                let numbers = serde_json::json!({ "A4.best_accuracy": 0.7 });
                let text = serde_json::json!({ "scale": scale, "complete": complete, "numbers": numbers });
                std::fs::write(&file, text.to_string()).unwrap();
                assert_eq!(bench.measure(&measure).unwrap(), expected);
            }
        });
    }
}
