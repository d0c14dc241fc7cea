//! A vector that is allocated once and holds nothing between steps.

use crate::vector::Vector;

/// Scratch space in the shape of the parameters; no part of any state.
#[derive(Debug)]
pub(crate) struct Scratch<V>(Option<V>);

impl<V> Default for Scratch<V> {
    fn default() -> Self {
        Self(None)
    }
}

impl<V: Vector> Scratch<V> {
    /// A vector of the dimension of `like` with unspecified content.
    #[inline]
    pub(crate) fn like(&mut self, like: &V) -> &mut V {
        if self.0.as_ref().is_some_and(|vector| vector.dim() != like.dim()) {
            self.0 = None;
        }
        self.0.get_or_insert_with(|| like.zeros_like())
    }
}
