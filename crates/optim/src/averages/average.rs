//! `Average`: one average of a trajectory.

use super::config::AverageConfig;
use super::running::RunningMean;
use super::window::WindowMean;
use crate::error::OptimError;
use crate::state::{Resumable, SavedState, State};
use crate::vector::Vector;

/// An average of the iterates of one trajectory; [`AverageConfig`] says which. The average of a constant is that constant.
#[derive(Debug)]
pub struct Average<V> {
    pub(super) config: AverageConfig,
    mean: Mean<V>,
}

#[derive(Debug)]
enum Mean<V> {
    Running(RunningMean<V>),
    Window(WindowMean<V>),
}

impl<V: Vector> Average<V> {
    /// An empty average.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`] if [`AverageConfig::validate`] refuses the settings.
    pub fn new(config: AverageConfig) -> Result<Self, OptimError> {
        config.validate()?;
        Ok(Self::empty(config))
    }

    /// An empty uniform average of all iterates from step `start` on, counted from 0.
    pub fn tail(start: u64) -> Self {
        Self::empty(AverageConfig::Tail { start })
    }

    pub(super) fn empty(config: AverageConfig) -> Self {
        let mean = match config {
            AverageConfig::Window { length, .. } => Mean::Window(WindowMean::new(length)),
            _ => Mean::Running(RunningMean::default()),
        };
        Self { config, mean }
    }

    /// Takes in the iterate after step `step`, if it is one of those averaged. To be called once per step.
    #[inline]
    pub fn update(&mut self, step: u64, iterate: &V) {
        if !self.config.takes(step) {
            return;
        }
        match &mut self.mean {
            Mean::Running(mean) => mean.update(iterate, |n| self.config.share_of_newest(n)),
            Mean::Window(mean) => mean.update(iterate),
        }
    }

    /// The average; `None` before the start.
    #[inline]
    pub fn get(&self) -> Option<&V> {
        match &self.mean {
            Mean::Running(mean) => mean.average.as_ref(),
            Mean::Window(mean) => mean.average.as_ref(),
        }
    }
}

impl<V: Vector> Resumable<V> for Average<V> {
    /// The counter `num_averaged` and, once started, the vector `average`. Of a window the counter `num_seen` and, once started, the
    /// vectors `average`, `block_mean` and `slot_0`, `slot_1`, ..., as many as iterates have come, at most its length.
    fn state(&self) -> State<'_, V> {
        match &self.mean {
            Mean::Running(mean) => mean.state(),
            Mean::Window(mean) => mean.state(),
        }
    }

    fn restore(&mut self, state: SavedState<V>) -> Result<(), OptimError> {
        match &mut self.mean {
            Mean::Running(mean) => mean.restore(state),
            Mean::Window(mean) => mean.restore(state),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corrected_average_weighs_iterates_by_powers_of_the_decay_alone() {
        let (iterates, decay) = ([3.0, -1.0, 0.5, 8.0_f64], 0.9_f64);
        let mut ema = Average::new(AverageConfig::CorrectedEma { start: 0, decay }).unwrap();
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
        let corrected = |decay| Average::new(AverageConfig::CorrectedEma { start: 0, decay }).unwrap();
        let (mut last, mut mean) = (corrected(0.0), corrected(1.0));
        for (step, iterate) in [4.0, 2.0, 9.0].iter().enumerate() {
            last.update(step as u64, iterate);
            mean.update(step as u64, iterate);
        }
        assert_eq!((last.get(), mean.get()), (Some(&9.0), Some(&5.0)));
    }
}
