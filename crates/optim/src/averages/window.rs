//! The exact mean of the last k iterates.

use std::num::NonZeroUsize;

use crate::error::OptimError;
use crate::state::{SavedState, State};
use crate::vector::Vector;

/// The uniform mean of the last k iterates, or of as many as there are.
///
/// Time is cut into blocks of k iterates, which fill k slots in turn. When a block is full its slots are overwritten, from the last to
/// the first, by suffix means: slot j then holds the mean of the iterates j to k - 1. After i iterates of the next block have come, the
/// window is the suffix that begins at slot i, plus those i, whose running mean is kept.
#[derive(Debug)]
pub(super) struct WindowMean<V> {
    length: usize,
    num_seen: u64,
    slots: Vec<V>,
    block_mean: Option<V>,
    pub(super) average: Option<V>,
}

fn copy_into<V: Vector>(slot: &mut Option<V>, x: &V) {
    slot.get_or_insert_with(|| x.zeros_like()).copy_from(x);
}

fn slot_name(index: usize) -> String {
    format!("slot_{index}")
}

impl<V: Vector> WindowMean<V> {
    /// An empty window of `length` iterates.
    pub(super) fn new(length: NonZeroUsize) -> Self {
        Self { length: length.get(), num_seen: 0, slots: Vec::new(), block_mean: None, average: None }
    }

    pub(super) fn update(&mut self, iterate: &V) {
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

    pub(super) fn state(&self) -> State<'_, V> {
        let state = State::default()
            .counter("num_seen", self.num_seen)
            .vector("average", self.average.as_ref())
            .vector("block_mean", self.block_mean.as_ref());
        let slots = self.slots.iter().enumerate();
        slots.fold(state, |state, (index, slot)| state.vector(&slot_name(index), Some(slot)))
    }

    pub(super) fn restore(&mut self, mut state: SavedState<V>) -> Result<(), OptimError> {
        let num_seen = state.take_counter("num_seen")?;
        let num_slots = num_seen.min(self.length as u64) as usize;
        let slots = (0..num_slots).map(|index| state.expect_vector(&slot_name(index)));
        let slots = slots.collect::<Result<Vec<V>, _>>()?;
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
    use std::num::{NonZeroU64, NonZeroUsize};

    use crate::{Average, AverageConfig, OptimError, Resumable as _};

    fn window(start: u64, every: u64, length: usize) -> Average<f64> {
        let (every, length) = (NonZeroU64::new(every).unwrap(), NonZeroUsize::new(length).unwrap());
        Average::new(AverageConfig::Window { start, every, length }).unwrap()
    }

    #[test]
    fn nothing_of_what_has_left_the_window_stays_behind() {
        let mut window = window(0, 1, 3);
        for (step, iterate) in [1e300, -1e300, 1e17, 1.0, 2.0, 6.0].iter().enumerate() {
            window.update(step as u64, iterate);
        }
        assert_eq!(window.get(), Some(&3.0));
    }

    #[test]
    fn a_window_of_one_is_the_iterate() {
        let mut window = window(1, 2, 1);
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
        let mut three = window(0, 1, 3);
        for step in 0..5 {
            three.update(step, &1.0);
        }
        let restore = |length| window(0, 1, length).restore(three.state().save());
        assert!(matches!(restore(2), Err(OptimError::UnexpectedState { .. })));
        assert!(matches!(restore(4), Err(OptimError::MissingState { .. })));
        assert!(restore(3).is_ok());
    }
}
