//! How the work on a run ended.

use serde::{Deserialize, Serialize};

/// How training ended, with all that is measured after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunOutcome {
    Finished,
    /// The loss is no longer finite, which is the result of the run.
    Diverged,
    /// The user stopped it; the same command continues.
    Interrupted,
}
