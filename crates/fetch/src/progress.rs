//! Progress on standard error: one line that is rewritten on a terminal, a line per tenth elsewhere.

use std::io::{IsTerminal, Write};

use polder_data::{Progress, Stage};

pub(crate) struct ProgressLine {
    terminal: bool,
    stage: Option<Stage>,
    percent: u64,
}

impl ProgressLine {
    pub(crate) fn new() -> Self {
        Self { terminal: std::io::stderr().is_terminal(), stage: None, percent: 0 }
    }

    pub(crate) fn show(&mut self, progress: Progress) {
        let percent = progress.total.map_or(0, |total| 100 * progress.done / total.max(1));
        let step = if self.terminal { 1 } else { 10 };
        // A data set of several files goes through its stages again for each.
        let new_stage = self.stage != Some(progress.stage) || percent < self.percent;
        if !new_stage && percent < self.percent + step {
            return;
        }
        if new_stage {
            self.finish();
        }
        (self.stage, self.percent) = (Some(progress.stage), percent);
        if progress.stage == Stage::Wait {
            eprintln!("wait     for another process that fetches the same data set");
            return;
        }
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let total = progress.total.map_or(String::new(), |total| format!(" of {:.1} MB", megabytes(total)));
        let line = format!("{:<8} {percent:>3} %  {:.1}{total}", progress.stage, megabytes(progress.done));
        if self.terminal {
            eprint!("\r{line}");
            // Only the look of the line depends on it.
            let _ = std::io::stderr().flush();
        } else {
            eprintln!("{line}");
        }
    }

    pub(crate) fn finish(&mut self) {
        if self.terminal && self.stage.take().is_some() {
            eprintln!();
        }
    }
}
