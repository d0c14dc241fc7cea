//! The outcomes of a command and their numbers.

use std::process::ExitCode;

/// What a command came to, as the shell sees it.
///
/// Wrong usage of the command line is reported by the argument parser, with 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// 0: done.
    Done,
    /// 1: an error; the message says what to do.
    Failed,
    /// 3: done, but part of what was asked for is missing (a data set, a run that failed twice).
    Incomplete,
    /// 4: training diverged: recorded as the result of the run.
    Diverged,
    /// 130: stopped by a signal after writing a checkpoint; the same command continues.
    Interrupted,
}

impl Outcome {
    /// The list for `--help`.
    pub(crate) const HELP: &'static str = "Exit codes: 0 success; 1 error; 2 wrong usage; 3 partial result (a data set or run is missing); \
         4 training diverged (recorded as its result); 130 interrupted (run the command again to resume).";
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Done => 0,
            Outcome::Failed => 1,
            Outcome::Incomplete => 3,
            Outcome::Diverged => 4,
            Outcome::Interrupted => 130,
        })
    }
}
