//! Lookahead: SGD runs ahead, and after every few steps slow weights follow a part of the way.
//!
//! Zhang et al. (2019), arXiv:1907.08610.

use polder_optim::{Objective, OptimError, Optimizer, Resumable, SavedState, Sgd, SgdConfig, State, Vector};

/// After `every` steps of SGD the slow weights move by `share` of the way to the fast ones, which go on from there.
#[derive(Debug)]
pub struct Lookahead<V> {
    fast: Sgd<V>,
    slow: Option<V>,
    every: u64,
    share: f64,
}

impl<V: Vector> Lookahead<V> {
    /// An optimizer that has not stepped yet.
    ///
    /// # Errors
    /// If SGD refuses the settings.
    pub fn new(config: SgdConfig, every: u64, share: f64) -> Result<Self, OptimError> {
        Ok(Self { fast: Sgd::new(config)?, slow: None, every, share })
    }
}

impl<V: Vector, O: Objective<V>> Optimizer<V, O> for Lookahead<V> {
    fn step(
        &mut self,
        objective: &mut O,
        parameters: &mut V,
        gradient: &mut V,
        learning_rate: f64,
    ) -> Result<O::Loss, OptimError> {
        let slow = self.slow.get_or_insert_with(|| {
            let mut slow = parameters.zeros_like();
            slow.copy_from(parameters);
            slow
        });
        let loss = self.fast.step(objective, parameters, gradient, learning_rate)?;
        if self.fast.num_steps().is_multiple_of(self.every) {
            slow.lerp(parameters, self.share);
            parameters.copy_from(slow);
        }
        Ok(loss)
    }
}

impl<V: Vector> Resumable<V> for Lookahead<V> {
    fn state(&self) -> State<'_, V> {
        let mut state = self.fast.state();
        state.vectors.extend(self.slow.iter().map(|slow| ("slow".to_owned(), slow)));
        state
    }

    fn restore(&mut self, mut state: SavedState<V>) -> Result<(), OptimError> {
        let slow = state.vectors.remove("slow");
        self.fast.restore(state)?;
        self.slow = slow;
        Ok(())
    }
}
