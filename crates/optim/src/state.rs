//! The state of optimizers and averages as plain data: named vectors and named counters.

use std::collections::BTreeMap;

use crate::error::OptimError;
use crate::vector::Vector;

/// What can be stored and continued bit for bit.
pub trait Resumable<V: Vector> {
    /// What must be stored to continue exactly.
    fn state(&self) -> State<'_, V>;

    /// Continues where `state` was taken; from there on every number is bit-equal to those of the stored owner.
    ///
    /// # Errors
    /// [`OptimError::MissingState`] or [`OptimError::UnexpectedState`] if `state` comes from other settings; nothing has changed then.
    fn restore(&mut self, state: SavedState<V>) -> Result<(), OptimError>;
}

impl<V: Vector, T: Resumable<V> + ?Sized> Resumable<V> for Box<T> {
    fn state(&self) -> State<'_, V> {
        (**self).state()
    }

    fn restore(&mut self, state: SavedState<V>) -> Result<(), OptimError> {
        (**self).restore(state)
    }
}

/// An optimizer around another one, its field `base`, with no state of its own.
macro_rules! resume_by_base {
    ($optimizer:ident) => {
        impl<V: Vector> $crate::Resumable<V> for $optimizer<V> {
            fn state(&self) -> $crate::State<'_, V> {
                self.base.state()
            }

            fn restore(&mut self, state: $crate::SavedState<V>) -> Result<(), OptimError> {
                self.base.restore(state)
            }
        }
    };
}
pub(crate) use resume_by_base;

/// What must be stored to continue bit for bit, borrowed from its owner.
#[derive(Debug)]
pub struct State<'a, V> {
    /// Vectors by name.
    pub vectors: BTreeMap<String, &'a V>,
    /// Counters by name.
    pub counters: BTreeMap<String, u64>,
}

/// A stored state on its way back into an optimizer or into averages, which take its vectors over.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedState<V> {
    /// Vectors by name.
    pub vectors: BTreeMap<String, V>,
    /// Counters by name.
    pub counters: BTreeMap<String, u64>,
}

impl<V> Default for State<'_, V> {
    fn default() -> Self {
        Self { vectors: BTreeMap::new(), counters: BTreeMap::new() }
    }
}

impl<V> Default for SavedState<V> {
    fn default() -> Self {
        Self { vectors: BTreeMap::new(), counters: BTreeMap::new() }
    }
}

impl<'a, V: Vector> State<'a, V> {
    /// Adds a counter.
    pub(crate) fn counter(mut self, name: &str, value: u64) -> Self {
        self.counters.insert(name.to_owned(), value);
        self
    }

    /// Adds a vector, if there is one.
    pub(crate) fn vector(mut self, name: &str, vector: Option<&'a V>) -> Self {
        self.vectors.extend(vector.map(|vector| (name.to_owned(), vector)));
        self
    }

    /// Copies all vectors.
    pub fn save(&self) -> SavedState<V> {
        SavedState {
            vectors: self.vectors.iter().map(|(name, vector)| (name.clone(), vector.copied())).collect(),
            counters: self.counters.clone(),
        }
    }
}

impl<V> SavedState<V> {
    /// Takes the counter `name`.
    ///
    /// # Errors
    /// [`OptimError::MissingState`] if it is not there.
    pub fn take_counter(&mut self, name: &str) -> Result<u64, OptimError> {
        self.counters.remove(name).ok_or_else(|| OptimError::MissingState { name: name.to_owned() })
    }

    /// Takes the vector `name`.
    pub(crate) fn expect_vector(&mut self, name: &str) -> Result<V, OptimError> {
        self.vectors.remove(name).ok_or_else(|| OptimError::MissingState { name: name.to_owned() })
    }

    /// Takes the vector `name`, which must be there exactly if `wanted`.
    ///
    /// # Errors
    /// [`OptimError::MissingState`] or [`OptimError::UnexpectedState`].
    pub fn take_vector(&mut self, name: &str, wanted: bool) -> Result<Option<V>, OptimError> {
        match wanted {
            true => self.expect_vector(name).map(Some),
            false if self.vectors.contains_key(name) => {
                Err(OptimError::UnexpectedState { name: name.to_owned() })
            }
            false => Ok(None),
        }
    }

    /// Takes all entries called `<part>.<entry>`, under the names `<entry>`.
    #[must_use]
    pub fn take_part(&mut self, part: &str) -> Self {
        fn take<T>(map: &mut BTreeMap<String, T>, part: &str) -> BTreeMap<String, T> {
            let entry_of = |name: &str| {
                name.strip_prefix(part).and_then(|rest| rest.strip_prefix('.')).map(str::to_owned)
            };
            let (own, others): (Vec<_>, Vec<_>) =
                std::mem::take(map).into_iter().partition(|(name, _)| entry_of(name).is_some());
            *map = others.into_iter().collect();
            own.into_iter().filter_map(|(name, value)| Some((entry_of(&name)?, value))).collect()
        }
        Self { vectors: take(&mut self.vectors, part), counters: take(&mut self.counters, part) }
    }

    /// Refuses entries that nobody has taken.
    ///
    /// # Errors
    /// [`OptimError::UnexpectedState`], naming the first entry that is left.
    pub fn expect_empty(&self) -> Result<(), OptimError> {
        match self.vectors.keys().chain(self.counters.keys()).next() {
            Some(name) => Err(OptimError::UnexpectedState { name: name.clone() }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_over_is_refused_by_name() {
        let state = SavedState::<f64> {
            vectors: BTreeMap::new(),
            counters: BTreeMap::from([("epochs".to_owned(), 3)]),
        };
        let error = state.expect_empty().unwrap_err();
        assert!(error.to_string().contains("epochs"), "{error}");
    }
}
