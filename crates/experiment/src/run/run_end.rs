//! How the computation of a run ended.

use serde::{Deserialize, Serialize};

/// How training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunEnd {
    Finished,
    Diverged,
    /// The user wants to stop; the run can be continued.
    Interrupted,
}
