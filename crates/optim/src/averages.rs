//! `Averages`: several averages of one trajectory, side by side.

mod ema;
mod tail;

use serde::{Deserialize, Serialize};

pub use ema::Ema;
pub use tail::TailAverage;

use crate::error::OptimError;
use crate::state::{SavedState, State};
use crate::vector::Vector;

/// Which average of the iterates to keep.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum AverageConfig {
    /// The uniform mean; see [`TailAverage`].
    Tail {
        /// The first step that is averaged, counted from 0.
        start: u64,
    },
    /// The exponential moving average; see [`Ema`].
    Ema {
        /// The first step that is averaged, counted from 0.
        start: u64,
        /// The weight of the past, in [0, 1].
        decay: f64,
    },
}

impl AverageConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`] if a decay is outside [0, 1] or not a number.
    pub fn validate(&self) -> Result<(), OptimError> {
        match *self {
            Self::Ema { decay, .. } if !(0.0..=1.0).contains(&decay) => {
                Err(OptimError::setting("decay", &decay, "a number in [0, 1]"))
            }
            Self::Ema { .. } | Self::Tail { .. } => Ok(()),
        }
    }
}

#[derive(Debug)]
enum Average<V> {
    Tail(TailAverage<V>),
    Ema(Ema<V>),
}

impl<V: Vector> Average<V> {
    fn parts(&self) -> (&u64, Option<&V>) {
        match self {
            Self::Tail(tail) => (&tail.num_averaged, tail.average.as_ref()),
            Self::Ema(ema) => (&ema.num_averaged, ema.average.as_ref()),
        }
    }

    fn parts_mut(&mut self) -> (&mut u64, &mut Option<V>) {
        match self {
            Self::Tail(tail) => (&mut tail.num_averaged, &mut tail.average),
            Self::Ema(ema) => (&mut ema.num_averaged, &mut ema.average),
        }
    }
}

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
            config.validate()?;
            let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if name.is_empty() || !name.chars().all(is_plain) {
                let expected = "letters, digits, - and _, at least one";
                return Err(OptimError::setting("an average's name", &format!("{name:?}"), expected));
            }
            if kept.iter().any(|(other, _)| *other == name) {
                let expected = "a name that no other average has";
                return Err(OptimError::setting("an average's name", &format!("{name:?}"), expected));
            }
            let average = match config {
                AverageConfig::Tail { start } => Average::Tail(TailAverage::new(start)),
                AverageConfig::Ema { start, decay } => Average::Ema(Ema::new(start, decay)),
            };
            kept.push((name, average));
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
            match average {
                Average::Tail(tail) => tail.update(step, iterate),
                Average::Ema(ema) => ema.update(step, iterate),
            }
        }
    }

    /// The average of this name; `None` if it has not started or does not exist.
    pub fn get(&self, name: &str) -> Option<&V> {
        self.iter().find(|(other, _)| *other == name).map(|(_, average)| average)
    }

    /// The number of iterates in the average of this name; `None` if it does not exist.
    pub fn num_averaged(&self, name: &str) -> Option<u64> {
        self.averages.iter().find(|(other, _)| other == name).map(|(_, average)| *average.parts().0)
    }

    /// The averages that have started, by name, in the order of construction.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.averages.iter().filter_map(|(name, average)| Some((name.as_str(), average.parts().1?)))
    }

    /// What must be stored to continue exactly: per average the counter `<name>.num_averaged` and, once started, the vector
    /// `<name>.average`.
    pub fn state(&self) -> State<'_, V> {
        let mut state = State::default();
        for (name, average) in &self.averages {
            let (num_averaged, average) = average.parts();
            state.counters.insert(format!("{name}.num_averaged"), *num_averaged);
            if let Some(average) = average {
                state.vectors.insert(format!("{name}.average"), average);
            }
        }
        state
    }

    /// Continues where `state` was taken.
    ///
    /// # Errors
    /// [`OptimError::MissingState`] or [`OptimError::UnexpectedState`] if `state` holds other averages; nothing has changed then.
    pub fn restore(&mut self, mut state: SavedState<V>) -> Result<(), OptimError> {
        let mut restored = Vec::with_capacity(self.averages.len());
        for (name, _) in &self.averages {
            let num_averaged = state.take_counter(&format!("{name}.num_averaged"))?;
            let average = state.take_vector(&format!("{name}.average"), num_averaged > 0)?;
            restored.push((num_averaged, average));
        }
        state.expect_empty()?;
        for ((_, average), (num_averaged, vector)) in self.averages.iter_mut().zip(restored) {
            let (kept_count, kept_vector) = average.parts_mut();
            (*kept_count, *kept_vector) = (num_averaged, vector);
        }
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
        assert_eq!((averages.num_averaged("tail"), averages.num_averaged("ema")), (Some(3), Some(2)));
        assert_eq!((averages.get("other"), averages.num_averaged("other")), (None, None));
    }
}
