//! `Averages`: several averages of one trajectory, side by side.

mod average;
mod config;
mod running;
mod window;

pub use average::Average;
pub use config::AverageConfig;

use crate::error::OptimError;
use crate::state::{Resumable, SavedState, State};
use crate::vector::Vector;

/// Named averages over one trajectory.
#[derive(Debug)]
pub struct Averages<V> {
    averages: Vec<(String, Average<V>)>,
}

impl<V: Vector> Averages<V> {
    /// Empty averages, in the given order. Names consist of letters, digits, `-` and `_`, and differ from each other.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`] if a name or an average's settings are refused.
    pub fn new(averages: Vec<(String, AverageConfig)>) -> Result<Self, OptimError> {
        let mut kept: Vec<(String, Average<V>)> = Vec::with_capacity(averages.len());
        for (name, config) in averages {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            let expected = if name.is_empty() || !name.chars().all(is_plain) {
                "letters, digits, - and _, at least one"
            } else if kept.iter().any(|(other, _)| *other == name) {
                "a name that no other average has"
            } else {
                kept.push((name, Average::new(config)?));
                continue;
            };
            return Err(OptimError::setting("an average's name", &format!("{name:?}"), expected));
        }
        Ok(Self { averages: kept })
    }

    /// Takes the iterate after step `step` (counted from 0) into every average that has started. To be called once per step.
    ///
    /// # Panics
    /// May panic if `iterate` has another dimension than the iterates before it.
    #[inline]
    pub fn update(&mut self, step: u64, iterate: &V) {
        for (_, average) in &mut self.averages {
            average.update(step, iterate);
        }
    }

    /// The average of this name; `None` if it has not started or does not exist.
    pub fn get(&self, name: &str) -> Option<&V> {
        self.iter().find(|(other, _)| *other == name).map(|(_, average)| average)
    }

    /// The averages that have started, by name, in the order of construction.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.averages.iter().filter_map(|(name, average)| Some((name.as_str(), average.get()?)))
    }
}

impl<V: Vector> Resumable<V> for Averages<V> {
    /// The state of every average, each entry's name behind `<name of the average>.`.
    fn state(&self) -> State<'_, V> {
        let mut state = State::default();
        for (name, average) in &self.averages {
            let State { vectors, counters } = average.state();
            state
                .counters
                .extend(counters.into_iter().map(|(entry, value)| (format!("{name}.{entry}"), value)));
            state
                .vectors
                .extend(vectors.into_iter().map(|(entry, value)| (format!("{name}.{entry}"), value)));
        }
        state
    }

    fn restore(&mut self, mut state: SavedState<V>) -> Result<(), OptimError> {
        let mut restored = Vec::with_capacity(self.averages.len());
        for (name, average) in &self.averages {
            let mut empty = Average::empty(average.config);
            empty.restore(state.take_part(name)).map_err(|error| error.within(name))?;
            restored.push((name.clone(), empty));
        }
        state.expect_empty()?;
        self.averages = restored;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn averages(configs: &[(&str, AverageConfig)]) -> Result<Averages<f64>, OptimError> {
        Averages::new(configs.iter().map(|(name, config)| ((*name).to_owned(), *config)).collect())
    }

    #[test]
    fn names_and_decays_that_make_no_sense_are_refused() {
        let tail = AverageConfig::Tail { start: 0 };
        assert!(
            averages(&[("tail", tail), ("tail", tail)]).unwrap_err().to_string().contains("no other average")
        );
        assert!(averages(&[("a.b", tail)]).is_err());
        assert!(averages(&[("", tail)]).is_err());
        for decay in [-0.1, 1.1, f64::NAN] {
            assert!(averages(&[("ema", AverageConfig::Ema { start: 0, decay })]).is_err());
        }
    }

    #[test]
    fn averages_begin_at_their_start_step() {
        let mut averages = averages(&[
            ("tail", AverageConfig::Tail { start: 2 }),
            ("ema", AverageConfig::Ema { start: 3, decay: 0.75 }),
        ])
        .unwrap();
        for (step, iterate) in [1.0, 2.0, 4.0, 8.0, 16.0].iter().enumerate() {
            assert_eq!(averages.iter().count(), step.saturating_sub(2));
            averages.update(step as u64, iterate);
        }
        assert!((averages.get("tail").unwrap() - 28.0 / 3.0).abs() < 1e-14);
        assert_eq!(averages.get("ema"), Some(&10.0));
        assert_eq!(averages.get("other"), None);
    }
}
