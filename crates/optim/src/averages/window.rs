//! The exact mean of the last k iterates.

use std::num::{NonZeroU64, NonZeroUsize};

use crate::error::OptimError;
use crate::state::{SavedState, State};
use crate::vector::Vector;

/// The uniform mean of the last k of the iterates after steps `start`, `start + every`, `start + 2 * every` and so on; of as many as
/// there are while they are fewer.
///
/// The mean is that of its k iterates and of nothing else: nothing is ever subtracted, so no rounding of iterates that have left the
/// window stays behind, however long the run.
///
/// # What it stores
/// k + 2 vectors of the dimension of the parameters: the window, a partial mean and the mean. An update writes three of them (one copy,
/// two moves towards another vector), and every k-th update k - 1 more; so for the last k *epochs* of a long run let `every` be the steps
/// of an epoch.
///
/// # How it works
/// Time is cut into blocks of k iterates, which fill k slots in turn. When a block is full its slots are overwritten, from the last to
/// the first, by suffix means: slot j then holds the mean of the iterates j to k - 1. After i iterates of the next block have come, the
/// window is the suffix that begins at slot i, plus those i, whose running mean is kept.
#[derive(Debug)]
pub struct WindowAverage<V> {
    start: u64,
    every: NonZeroU64,
    length: usize,
    num_seen: u64,
    slots: Vec<V>,
    block_mean: Option<V>,
    average: Option<V>,
}

fn copy_into<V: Vector>(slot: &mut Option<V>, x: &V) {
    slot.get_or_insert_with(|| x.zeros_like()).copy_from(x);
}

fn slot_name(index: usize) -> String {
    format!("slot_{index}")
}

impl<V: Vector> WindowAverage<V> {
    /// An empty window of `length` iterates that begins at step `start`, counted from 0, and then takes in one iterate of `every`.
    pub fn new(start: u64, every: NonZeroU64, length: NonZeroUsize) -> Self {
        let (slots, block_mean, average) = (Vec::new(), None, None);
        Self { start, every, length: length.get(), num_seen: 0, slots, block_mean, average }
    }

    /// Takes in the iterate after step `step`, if it is one of those averaged. To be called once per step.
    pub fn update(&mut self, step: u64, iterate: &V) {
        if step < self.start || !(step - self.start).is_multiple_of(self.every.get()) {
            return;
        }
        let filled = (self.num_seen % self.length as u64) as usize;
        if filled == 0 && self.num_seen > 0 {
            self.turn_block_into_suffix_means();
        }
        if self.slots.len() == filled {
            self.slots.push(iterate.zeros_like());
        }
        self.slots[filled].copy_from(iterate);

        match &mut self.block_mean {
            Some(mean) if filled > 0 => mean.average_step(iterate, 1.0 / (filled + 1) as f64),
            mean => copy_into(mean, iterate),
        }
        let block_mean = self.block_mean.as_ref().unwrap_or(iterate);
        copy_into(&mut self.average, block_mean);
        let in_block = filled + 1;
        if self.num_seen >= self.length as u64
            && in_block < self.length
            && let Some(average) = &mut self.average
        {
            let share_of_past = (self.length - in_block) as f64 / self.length as f64;
            average.average_step(&self.slots[in_block], share_of_past);
        }
        self.num_seen += 1;
    }

    fn turn_block_into_suffix_means(&mut self) {
        for index in (1..self.length).rev() {
            let (earlier, later) = self.slots.split_at_mut(index);
            let num_later = (self.length - index) as f64;
            earlier[index - 1].average_step(&later[0], num_later / (num_later + 1.0));
        }
    }

    /// The mean of the window; `None` before the start.
    #[inline]
    pub fn get(&self) -> Option<&V> {
        self.average.as_ref()
    }

    /// The number of iterates in the mean, at most the window's length.
    pub fn num_averaged(&self) -> u64 {
        self.num_seen.min(self.length as u64)
    }

    /// What must be stored to continue exactly: the counter `num_seen` and, once started, the vectors `average`, `block_mean` and
    /// `slot_0`, `slot_1`, ..., as many as iterates have come, at most k.
    pub fn state(&self) -> State<'_, V> {
        let mut state = State::default();
        state.counters.insert("num_seen".to_owned(), self.num_seen);
        for (index, slot) in self.slots.iter().enumerate() {
            state.vectors.insert(slot_name(index), slot);
        }
        for (name, vector) in [("average", &self.average), ("block_mean", &self.block_mean)] {
            if let Some(vector) = vector {
                state.vectors.insert(name.to_owned(), vector);
            }
        }
        state
    }

    /// Continues where `state` was taken.
    ///
    /// # Errors
    /// [`OptimError::MissingState`] or [`OptimError::UnexpectedState`] if `state` is of another kind or of another length; nothing has
    /// changed then.
    pub fn restore(&mut self, mut state: SavedState<V>) -> Result<(), OptimError> {
        let num_seen = state.take_counter("num_seen")?;
        let num_slots = num_seen.min(self.length as u64) as usize;
        let take_slot = |index| {
            let name = slot_name(index);
            state.vectors.remove(&name).ok_or(OptimError::MissingState { name })
        };
        let slots = (0..num_slots).map(take_slot).collect::<Result<Vec<V>, _>>()?;
        let average = state.take_vector("average", num_seen > 0)?;
        let block_mean = state.take_vector("block_mean", num_seen > 0)?;
        state.expect_empty()?;
        (self.num_seen, self.slots) = (num_seen, slots);
        (self.average, self.block_mean) = (average, block_mean);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_what_has_left_the_window_stays_behind() {
        let mut window = WindowAverage::new(0, NonZeroU64::MIN, NonZeroUsize::new(3).unwrap());
        for (step, iterate) in [1e300, -1e300, 1e17, 1.0, 2.0, 6.0].iter().enumerate() {
            window.update(step as u64, iterate);
        }
        assert_eq!(window.get(), Some(&3.0));
    }

    #[test]
    fn a_window_of_one_is_the_iterate() {
        let mut window = WindowAverage::new(1, NonZeroU64::new(2).unwrap(), NonZeroUsize::MIN);
        let found: Vec<Option<f64>> = (0..5_u32)
            .map(|step| {
                window.update(u64::from(step), &f64::from(step));
                window.get().copied()
            })
            .collect();
        assert_eq!(found, [None, Some(1.0), Some(1.0), Some(3.0), Some(3.0)]);
    }

    #[test]
    fn a_state_of_another_length_is_refused() {
        let window = |length| WindowAverage::new(0, NonZeroU64::MIN, NonZeroUsize::new(length).unwrap());
        let mut three = window(3);
        for step in 0..5 {
            three.update(step, &1.0);
        }
        assert!(matches!(window(2).restore(three.state().save()), Err(OptimError::UnexpectedState { .. })));
        assert!(matches!(window(4).restore(three.state().save()), Err(OptimError::MissingState { .. })));
        assert!(window(3).restore(three.state().save()).is_ok());
    }
}
