//! Runs in processes of their own: what goes wrong in one, from an error to a lack of memory, is that one's alone.

mod child;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;

use crate::interrupt;
use crate::training::execute::Compute;
use crate::training::job::{CHECKPOINT, Job};
use crate::training::live_table::LiveTable;
use polder_experiment::plan::PlannedRun;
use polder_experiment::run::run_outcome::RunOutcome;
use polder_experiment::run::theory_record::{Simulation, TheoryRecord};

use self::child::Children;

/// How soon a signal reaches the children.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// As many processes at most, each for one run at a time.
pub(crate) struct Pool<'a> {
    program: PathBuf,
    /// Of `polder worker`.
    arguments: Vec<OsString>,
    /// Whether each process sees one GPU alone.
    on_gpus: bool,
    children: Children,
    table: &'a LiveTable,
}

impl<'a> Pool<'a> {
    /// `jobs` slots for processes of this program, begun with `arguments`.
    pub(crate) fn new(
        jobs: usize,
        arguments: Vec<OsString>,
        on_gpus: bool,
        table: &'a LiveTable,
    ) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        Ok(Self { program, arguments, on_gpus, children: Children::new(jobs), table })
    }

    /// Does `work`; meanwhile what signals ask for is passed on to the children.
    pub(crate) fn heeding_signals<T>(&self, work: impl FnOnce() -> T) -> T {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    if interrupt::requested() {
                        self.children.stop();
                    } else if interrupt::take_checkpoint_request() {
                        self.children.tell(CHECKPOINT);
                    }
                    std::thread::sleep(LOOK_EVERY);
                }
            });
            let _done = SetWhenDropped(&done);
            work()
        })
    }
}

impl Compute for Pool<'_> {
    fn run(&self, slot: usize, run: &PlannedRun) -> anyhow::Result<RunOutcome> {
        if interrupt::requested() {
            return Ok(RunOutcome::Interrupted);
        }
        let mut command = std::process::Command::new(&self.program);
        command.args(&self.arguments);
        if self.on_gpus {
            command.env("CUDA_VISIBLE_DEVICES", visible_device(slot));
        }
        let job = Job { config: run.config.clone(), flatness: run.flatness.clone() };
        self.children.run(slot, command, &job, &|event| self.table.event(slot, event))
    }

    fn is_interrupted(&self) -> bool {
        interrupt::requested()
    }

    fn simulate(&self, simulation: &Simulation) -> anyhow::Result<TheoryRecord> {
        simulation.run()
    }
}

/// Work that ends by a panic ends the watch over it too: a thread that waited for it would hang.
struct SetWhenDropped<'a>(&'a AtomicBool);

impl Drop for SetWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The GPU of a slot among those that this process may use.
fn visible_device(slot: usize) -> String {
    let visible = std::env::var("CUDA_VISIBLE_DEVICES").unwrap_or_default();
    visible
        .split(',')
        .filter(|device| !device.is_empty())
        .nth(slot)
        .map_or_else(|| slot.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_at_work_is_no_hang() {
        let table = LiveTable::hidden(1);
        let pool = Pool::new(1, Vec::new(), false, &table).unwrap();
        let work = std::panic::AssertUnwindSafe(|| pool.heeding_signals(|| panic!("at work")));
        assert!(std::panic::catch_unwind(work).is_err());
    }
}
