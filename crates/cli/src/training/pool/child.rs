//! The processes that train, one per slot, and what they say.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, anyhow, bail};

use crate::training::job::{Event, Job};
use polder_experiment::run::run_outcome::RunOutcome;

/// Lines of a process's standard error that a report of its death repeats.
const LAST_WORDS: usize = 5;

/// The standard inputs of the processes that run, by slot.
pub(super) struct Children(Vec<Mutex<Option<ChildStdin>>>);

impl Children {
    pub(super) fn new(slots: usize) -> Self {
        Self((0..slots).map(|_| Mutex::new(None)).collect())
    }

    /// Asks all to write a checkpoint and end: nothing is left to be read.
    pub(super) fn stop(&self) {
        for slot in 0..self.0.len() {
            *self.input(slot) = None;
        }
    }

    /// Writes a line to each.
    pub(super) fn tell(&self, line: &str) {
        for slot in 0..self.0.len() {
            if let Some(input) = &mut *self.input(slot) {
                // One that has ended needs to hear nothing.
                let _ = writeln!(input, "{line}");
            }
        }
    }

    fn input(&self, slot: usize) -> MutexGuard<'_, Option<ChildStdin>> {
        self.0[slot].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts `command`, gives it `job`, and hands on what it says until it has ended.
    pub(super) fn run(
        &self,
        slot: usize,
        mut command: Command,
        job: &Job,
        heard: &(dyn Fn(&Event) + Sync),
    ) -> anyhow::Result<RunOutcome> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{}`", command.get_program().display()))?;
        if let Some(mut input) = child.stdin.take() {
            // A process that is dead already says more by its exit status.
            let _ = writeln!(input, "{}", serde_json::to_string(job)?);
            *self.input(slot) = Some(input);
        }
        let said = listen(&mut child, heard);
        *self.input(slot) = None;
        let status = child.wait().context("cannot wait for the process that trains")?;
        let (last, complaints) = said?;
        match last {
            Some(Event::Ended { end }) => Ok(end),
            Some(Event::Failed { error }) => Err(anyhow!(error)),
            _ => Err(died(status, &complaints)),
        }
    }
}

/// The last event of a process, and the last lines of its standard error.
fn listen(
    child: &mut Child,
    heard: &(dyn Fn(&Event) + Sync),
) -> anyhow::Result<(Option<Event>, Vec<String>)> {
    let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) else {
        bail!("the process that trains has no standard output");
    };
    std::thread::scope(|scope| {
        let complaints = scope.spawn(|| complaints(err, heard));
        let mut last = None;
        for line in BufReader::new(out).lines() {
            let line = line.context("cannot read the output of the worker process")?;
            // Libraries may print as well: that is for people.
            let event = serde_json::from_str(&line).unwrap_or(Event::Line { text: line });
            heard(&event);
            last = Some(event);
        }
        Ok((last, complaints.join().unwrap_or_default()))
    })
}

fn complaints(err: impl Read, heard: &(dyn Fn(&Event) + Sync)) -> Vec<String> {
    let mut lines = Vec::new();
    for line in BufReader::new(err).lines().map_while(Result::ok) {
        heard(&Event::Line { text: line.clone() });
        lines.push(line);
        if lines.len() > LAST_WORDS {
            lines.remove(0);
        }
    }
    lines
}

fn died(status: ExitStatus, complaints: &[String]) -> anyhow::Error {
    let mut text = format!("the worker process ended without a result ({status})");
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;

        if status.signal() == Some(9) {
            text += "; if you did not kill it, the system probably ran out of memory";
        }
    }
    if !complaints.is_empty() {
        text += ": ";
        text += &complaints.join("; ");
    }
    anyhow!(text)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use polder_experiment::config::RunConfig;

    fn shell(script: &str) -> (anyhow::Result<RunOutcome>, Vec<Event>) {
        let heard = Mutex::new(Vec::new());
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let job = Job { config: RunConfig::default(), flatness: Vec::new() };
        let end = Children::new(1).run(0, command, &job, &|event| heard.lock().unwrap().push(event.clone()));
        (end, heard.into_inner().unwrap())
    }

    #[test]
    fn what_a_process_says_is_handed_on_and_its_last_word_counts() {
        let (end, heard) = shell(
            r#"read job; echo 'from a library'; echo '{"event":"doing","what":"x"}'; echo '{"event":"ended","end":"finished"}'"#,
        );
        assert_eq!(end.unwrap(), RunOutcome::Finished);
        assert_eq!(heard[0], Event::Line { text: "from a library".to_owned() });
        assert_eq!(heard[1], Event::Doing { what: "x".to_owned() });
        let (end, _) = shell(r#"read job; echo '{"event":"failed","error":"disk full"}'"#);
        assert_eq!(end.unwrap_err().to_string(), "disk full");
    }

    #[test]
    fn a_process_that_dies_is_reported_with_its_last_words() {
        let (end, _) = shell("read job; echo 'out of paper' >&2; exit 7");
        let error = end.unwrap_err().to_string();
        assert!(error.contains("exit status: 7") && error.contains("out of paper"), "{error}");
        let (end, _) = shell("kill -9 $$");
        let error = end.unwrap_err().to_string();
        assert!(error.contains("memory"), "{error}");
    }

    #[test]
    fn a_process_learns_that_it_shall_stop_by_the_end_of_its_input() {
        let children = Children::new(1);
        let mut command = Command::new("sh");
        command.args([
            "-c",
            r#"read job; echo ready; read more || echo '{"event":"ended","end":"interrupted"}'"#,
        ]);
        let job = Job { config: RunConfig::default(), flatness: Vec::new() };
        let end = children.run(0, command, &job, &|event| {
            if *event == (Event::Line { text: "ready".to_owned() }) {
                children.stop();
            }
        });
        assert_eq!(end.unwrap(), RunOutcome::Interrupted);
    }
}
