//! Gives results back in plan order when several threads finish them in any order.

use std::collections::VecDeque;

/// A window over the steps from `next` on; as long as the plans in flight are bounded, so is the window.
#[derive(Debug)]
pub(crate) struct ReorderWindow<T> {
    next: u64,
    waiting: VecDeque<Option<T>>,
}

impl<T> ReorderWindow<T> {
    /// A window that starts at step `next` and has room for `capacity` steps.
    pub(crate) fn new(next: u64, capacity: usize) -> Self {
        ReorderWindow { next, waiting: VecDeque::with_capacity(capacity) }
    }

    /// The step that comes next.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Results that are kept.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.iter().flatten().count()
    }

    /// Keeps the result of a step that has not been given back yet.
    pub(crate) fn insert(&mut self, step: u64, result: T) {
        let position = (step - self.next) as usize;
        while self.waiting.len() <= position {
            self.waiting.push_back(None);
        }
        self.waiting[position] = Some(result);
    }

    /// The result of the next step, if it is there.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let result = self.waiting.front_mut()?.take()?;
        self.waiting.pop_front();
        self.next += 1;
        Some(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_back_in_step_order() {
        let mut window = ReorderWindow::new(5, 3);
        window.insert(7, 'c');
        assert_eq!(window.pop(), None);
        window.insert(5, 'a');
        assert_eq!((window.pop(), window.pop(), window.next()), (Some('a'), None, 6));
        window.insert(6, 'b');
        assert_eq!(
            (window.pop(), window.pop(), window.pop(), window.next()),
            (Some('b'), Some('c'), None, 8)
        );
    }
}
