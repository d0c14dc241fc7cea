//! The state of a Lanczos run: its basis, its tridiagonal matrix and the pairs found before it.

use super::Lanczos;
use crate::error::OptimError;
use crate::sharpness::krylov::Krylov;
use crate::sharpness::oracle::same_dim;
use crate::state::{SavedState, State};
use crate::vector::Vector;

impl<V: Vector> Lanczos<V> {
    /// What must be stored to continue exactly: the vectors `basis.<i>` and `found.<i>`, and as counters the bits of the numbers
    /// `diagonal.<i>`, `beside.<i>` and `value.<i>` beside the counts.
    pub fn state(&self) -> State<'_, V> {
        let mut state = State::default();
        let mut numbers = |name: &str, numbers: &[f64]| {
            for (i, number) in numbers.iter().enumerate() {
                state.counters.insert(format!("{name}.{i}"), number.to_bits());
            }
            state.counters.insert(format!("num.{name}"), numbers.len() as u64);
        };
        numbers("value", &self.values);
        let (diagonal, beside, basis): (&[f64], &[f64], &[V]) = match &self.process {
            Some(process) => (&process.diagonal, &process.beside, &process.basis),
            None => (&[], &[], &[]),
        };
        numbers("diagonal", diagonal);
        numbers("beside", beside);
        for (name, vectors) in [("found", &self.vectors[..]), ("basis", basis)] {
            for (i, vector) in vectors.iter().enumerate() {
                state.vectors.insert(format!("{name}.{i}"), vector);
            }
        }
        state.counters.insert("num.basis".to_owned(), basis.len() as u64);
        state.counters.insert("run_index".to_owned(), self.run_index);
        state.counters.insert("num_products".to_owned(), self.num_products);
        state.counters.insert("is_finished".to_owned(), u64::from(self.is_finished));
        state
    }

    /// Continues where `state` was taken, under the same settings.
    ///
    /// # Errors
    /// [`OptimError::MissingState`], [`OptimError::UnexpectedState`] or [`OptimError::DimensionMismatch`] if `state` is not one of this
    /// measurement; nothing has changed then.
    pub fn restore(&mut self, mut state: SavedState<V>) -> Result<(), OptimError> {
        let values = take_numbers(&mut state, "value")?;
        let (diagonal, beside) = (take_numbers(&mut state, "diagonal")?, take_numbers(&mut state, "beside")?);
        let num_basis = state.take_counter("num.basis")?;
        let vectors = self.take_vectors(&mut state, "found", values.len() as u64)?;
        let basis = self.take_vectors(&mut state, "basis", num_basis)?;
        let (run_index, num_products) =
            (state.take_counter("run_index")?, state.take_counter("num_products")?);
        let is_finished = state.take_counter("is_finished")? != 0;
        state.expect_empty()?;
        if diagonal.len() != beside.len() || (!basis.is_empty() && basis.len() != diagonal.len() + 1) {
            return Err(OptimError::MissingState { name: format!("basis.{}", diagonal.len()) });
        }
        self.process = (!basis.is_empty()).then_some(Krylov { basis, diagonal, beside });
        (self.values, self.vectors) = (values, vectors);
        (self.run_index, self.num_products, self.is_finished) = (run_index, num_products, is_finished);
        Ok(())
    }

    fn take_vectors(&self, state: &mut SavedState<V>, name: &str, num: u64) -> Result<Vec<V>, OptimError> {
        let mut vectors = Vec::new();
        for i in 0..num {
            if let Some(vector) = state.take_vector(&format!("{name}.{i}"), true)? {
                same_dim("stored vector of a Lanczos run", &vector, &self.like)?;
                vectors.push(vector);
            }
        }
        Ok(vectors)
    }
}

fn take_numbers<V>(state: &mut SavedState<V>, name: &str) -> Result<Vec<f64>, OptimError> {
    let num = state.take_counter(&format!("num.{name}"))?;
    (0..num).map(|i| Ok(f64::from_bits(state.take_counter(&format!("{name}.{i}"))?))).collect()
}
