//! `AverageConfig`: which iterates an average takes in, and with which weights.

use std::num::{NonZeroU64, NonZeroUsize};

use serde::{Deserialize, Serialize};

use crate::error::OptimError;
use crate::settings::check_share;

/// Which average of the iterates to keep. Steps are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum AverageConfig {
    /// The uniform mean of all iterates from step `start` on.
    ///
    /// The first iterate is copied; the n+1-st moves the mean by `(w - mean) / (n + 1)`, so the mean of a constant is that constant.
    /// Agrees with `torch.optim.swa_utils.AveragedModel` and its default, equal weights.
    Tail {
        /// The first step that is averaged.
        start: u64,
    },
    /// The exponential moving average `decay * average + (1 - decay) * iterate` that begins with a copy of the first iterate, which so
    /// keeps the weight `decay^n` of everything before it. Agrees with `torch.optim.swa_utils.AveragedModel` under
    /// `get_ema_multi_avg_fn(decay)`.
    Ema {
        /// The first step that is averaged.
        start: u64,
        /// The weight of the past, in [0, 1].
        decay: f64,
    },
    /// The exponential moving average with bias correction: it begins at zero and is divided by `1 - decay^n`, the sum of the weights of
    /// n iterates. What is stored is the corrected average itself, moved by `(1 - decay) / (1 - decay^n)` of the way, so that it can be
    /// read at any time; with `decay = 1` it is the uniform mean.
    ///
    /// # Source
    /// Kingma and Ba (2015), arXiv:1412.6980, Section 3.
    CorrectedEma {
        /// The first step that is averaged.
        start: u64,
        /// The weight of the past, in [0, 1].
        decay: f64,
    },
    /// The uniform mean of the iterates after steps `start`, `start + every`, `start + 2 * every` and so on.
    ///
    /// With `every` the steps of an epoch, or of a cycle of the learning rate, and `start` the last step of the first of them, this is
    /// SWA; with `every` 1 it is the [`Tail`](Self::Tail) average.
    ///
    /// # Source
    /// Izmailov et al. (2018), arXiv:1803.05407, Algorithm 1.
    Swa {
        /// The first step that is averaged.
        start: u64,
        /// The steps from one averaged iterate to the next.
        every: NonZeroU64,
    },
    /// The uniform mean of the last `length` of the iterates that [`Swa`](Self::Swa) would take in; of as many as there are while they
    /// are fewer.
    ///
    /// The mean is that of these iterates and of nothing else: nothing is ever subtracted, so no rounding of iterates that have left the
    /// window stays behind, however long the run. It stores `length + 2` vectors of the dimension of the parameters. An update writes
    /// three of them, and every `length`-th update `length - 1` more; so for the last epochs of a long run let `every` be the steps of an
    /// epoch.
    Window {
        /// The first step that is averaged.
        start: u64,
        /// The steps from one averaged iterate to the next.
        every: NonZeroU64,
        /// The number of iterates in the mean.
        length: NonZeroUsize,
    },
}

impl AverageConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`] if a decay is outside [0, 1] or not a number.
    pub fn validate(&self) -> Result<(), OptimError> {
        match *self {
            Self::Ema { decay, .. } | Self::CorrectedEma { decay, .. } => check_share("decay", decay),
            Self::Tail { .. } | Self::Swa { .. } | Self::Window { .. } => Ok(()),
        }
    }

    /// Whether the iterate after step `step` is one of those averaged.
    #[inline]
    pub(super) fn takes(&self, step: u64) -> bool {
        match *self {
            Self::Tail { start } | Self::Ema { start, .. } | Self::CorrectedEma { start, .. } => {
                step >= start
            }
            Self::Swa { start, every } | Self::Window { start, every, .. } => {
                step >= start && (step - start).is_multiple_of(every.get())
            }
        }
    }

    /// The share of the n-th iterate in the mean of n, for n of at least 2: the first iterate is copied.
    #[inline]
    pub(super) fn share_of_newest(&self, n: u64) -> f64 {
        match *self {
            Self::Ema { decay, .. } => 1.0 - decay,
            // `1 - decay^n` without cancellation: decays are close to 1.
            Self::CorrectedEma { decay, .. } if decay < 1.0 => {
                (1.0 - decay) / -(n as f64 * decay.ln()).exp_m1()
            }
            _ => 1.0 / n as f64,
        }
    }
}
