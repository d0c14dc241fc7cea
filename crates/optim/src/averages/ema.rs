//! Exponential moving average of the iterates from a start step on.

use super::running::Running;
use crate::error::OptimError;
use crate::state::{SavedState, State};
use crate::vector::Vector;

/// Whose weight the first iterates have in an exponential moving average.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beginning {
    /// The first iterate stands for all before it.
    Copied,
    /// Nothing stands for those before it.
    Corrected,
}

/// The exponential moving average `decay * average + (1 - decay) * iterate` of all iterates from step `start` on.
///
/// Two laws of its beginning:
///
/// * [`Ema::new`]: the first iterate is copied and keeps the weight `decay^n` of everything before it. Agrees with
///   `torch.optim.swa_utils.AveragedModel` under `get_ema_multi_avg_fn(decay)`.
/// * [`Ema::bias_corrected`]: the average begins at zero and is divided by `1 - decay^n`, the sum of the weights that n iterates have got
///   (Kingma and Ba (2015), arXiv:1412.6980, Section 3). What is stored is the corrected average itself, moved by
///   `(1 - decay) / (1 - decay^n)` of the way, so that it can be read at any time; with `decay = 1` it is the uniform mean.
///
/// Either way the average of a constant is that constant.
#[derive(Debug)]
pub struct Ema<V> {
    start: u64,
    decay: f64,
    beginning: Beginning,
    running: Running<V>,
}

impl<V: Vector> Ema<V> {
    /// An empty average that begins at step `start`, counted from 0, by copying; `decay` in [0, 1].
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`] if `decay` is outside [0, 1] or not a number.
    pub fn new(start: u64, decay: f64) -> Result<Self, OptimError> {
        Self::beginning(start, decay, Beginning::Copied)
    }

    /// An empty average that begins at step `start`, counted from 0, with bias correction; `decay` in [0, 1].
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`] if `decay` is outside [0, 1] or not a number.
    pub fn bias_corrected(start: u64, decay: f64) -> Result<Self, OptimError> {
        Self::beginning(start, decay, Beginning::Corrected)
    }

    fn beginning(start: u64, decay: f64, beginning: Beginning) -> Result<Self, OptimError> {
        if !(0.0..=1.0).contains(&decay) {
            return Err(OptimError::setting("decay", &decay, "a number in [0, 1]"));
        }
        Ok(Self { start, decay, beginning, running: Running::default() })
    }

    /// Takes in the iterate after step `step`, unless that is before the start. To be called once per step.
    #[inline]
    pub fn update(&mut self, step: u64, iterate: &V) {
        if step < self.start {
            return;
        }
        let weight = match self.beginning {
            Beginning::Copied => 1.0 - self.decay,
            Beginning::Corrected => self.corrected_weight(self.running.num_averaged() + 1),
        };
        self.running.update(iterate, weight);
    }

    /// The share of the n-th iterate in the corrected average of n.
    fn corrected_weight(&self, n: u64) -> f64 {
        if self.decay == 1.0 {
            1.0 / n as f64
        } else {
            // `1 - decay^n` without cancellation: decays are close to 1.
            (1.0 - self.decay) / -(n as f64 * self.decay.ln()).exp_m1()
        }
    }

    /// The average; `None` before the start.
    #[inline]
    pub fn get(&self) -> Option<&V> {
        self.running.get()
    }

    /// The number of iterates in the average.
    pub fn num_averaged(&self) -> u64 {
        self.running.num_averaged()
    }

    /// What must be stored to continue exactly: the counter `num_averaged` and, once started, the vector `average`.
    pub fn state(&self) -> State<'_, V> {
        self.running.state()
    }

    /// Continues where `state` was taken.
    ///
    /// # Errors
    /// [`OptimError::MissingState`] or [`OptimError::UnexpectedState`] if `state` is of another kind; nothing has changed then.
    pub fn restore(&mut self, state: SavedState<V>) -> Result<(), OptimError> {
        self.running.restore(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corrected_average_weighs_iterates_by_powers_of_the_decay_alone() {
        let (iterates, decay) = ([3.0, -1.0, 0.5, 8.0_f64], 0.9_f64);
        let mut ema = Ema::bias_corrected(0, decay).unwrap();
        for (step, iterate) in iterates.iter().enumerate() {
            ema.update(step as u64, iterate);
            let weights: Vec<f64> = (0..=step).map(|i| decay.powi((step - i) as i32)).collect();
            let sum: f64 = weights.iter().zip(iterates).map(|(weight, iterate)| weight * iterate).sum();
            let expected = sum / weights.iter().sum::<f64>();
            assert!((ema.get().unwrap() - expected).abs() < 1e-14);
        }
    }

    #[test]
    fn the_ends_of_the_decay_are_the_last_iterate_and_the_mean() {
        let (mut last, mut mean) =
            (Ema::bias_corrected(0, 0.0).unwrap(), Ema::bias_corrected(0, 1.0).unwrap());
        for (step, iterate) in [4.0, 2.0, 9.0].iter().enumerate() {
            last.update(step as u64, iterate);
            mean.update(step as u64, iterate);
        }
        assert_eq!((last.get(), mean.get()), (Some(&9.0), Some(&5.0)));
    }
}
