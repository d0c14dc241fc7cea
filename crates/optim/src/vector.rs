//! `Vector`: the algebra an optimizer needs, and nothing else.

mod scalar;
mod slice;

use std::ops::Range;

use crate::error::OptimError;
use crate::sgd_step::SgdStep;

/// A point of a real vector space of finite dimension P, with its standard basis.
///
/// Implemented here for `f64` (P = 1), `Vec<f64>` and `Box<[f64]>`; a tensor library implements it for its own storage. Scalars are
/// `f64` whatever the storage; an implementation rounds once per stored entry.
///
/// Seven operations are required. The provided ones are composed of them; a backend may replace those that cost time by kernels of its
/// own that compute the same numbers up to rounding.
///
/// # Panics
/// Operations on two vectors of different dimensions, or on a range outside `0..dim()`, may panic: optimizers check both beforehand.
pub trait Vector: Sized {
    /// The number of entries, P.
    fn dim(&self) -> usize;

    /// A new vector of the same dimension and kind, all zero.
    #[must_use]
    fn zeros_like(&self) -> Self;

    /// Sets `self` to `x`, bit by bit.
    fn copy_from(&mut self, x: &Self);

    /// A new vector with the same entries, bit by bit.
    #[must_use]
    fn copied(&self) -> Self {
        let mut copy = self.zeros_like();
        copy.copy_from(self);
        copy
    }

    /// `self[range] = a * x[range] + b * self[range]`; the other entries stay as they are.
    fn axpby_range(&mut self, a: f64, x: &Self, b: f64, range: Range<usize>);

    /// Entry by entry, `self *= x`.
    fn mul(&mut self, x: &Self);

    /// `self[range] = |x[range]| + shift`, entry by entry; the other entries stay as they are.
    fn abs_range(&mut self, x: &Self, shift: f64, range: Range<usize>);

    /// The inner product of the entries in `range`.
    fn dot_range(&self, x: &Self, range: Range<usize>) -> f64;

    /// Sets every entry to `value`.
    fn fill(&mut self, value: f64) {
        let zero = self.zeros_like();
        self.abs_range(&zero, value, 0..self.dim());
    }

    /// `self = a * self`.
    fn scale(&mut self, a: f64) {
        let zero = self.zeros_like();
        self.axpby(0.0, &zero, a);
    }

    /// `self += a * x`.
    fn axpy(&mut self, a: f64, x: &Self) {
        self.axpby(a, x, 1.0);
    }

    /// `self = a * x + b * self`.
    fn axpby(&mut self, a: f64, x: &Self, b: f64) {
        self.axpby_range(a, x, b, 0..self.dim());
    }

    /// `self[range] += a * x[range]`; the other entries stay as they are.
    fn axpy_range(&mut self, a: f64, x: &Self, range: Range<usize>) {
        self.axpby_range(a, x, 1.0, range);
    }

    /// Moves `self` by the share `t` of the way to `x`.
    fn lerp(&mut self, x: &Self, t: f64) {
        self.axpby(t, x, 1.0 - t);
    }

    /// The inner product of `self` and `x`.
    fn dot(&self, x: &Self) -> f64 {
        self.dot_range(x, 0..self.dim())
    }

    /// The Euclidean norm.
    fn norm(&self) -> f64 {
        self.dot(self).sqrt()
    }

    /// The Euclidean norm of the entries in `range`.
    fn norm_range(&self, range: Range<usize>) -> f64 {
        self.dot_range(self, range).sqrt()
    }

    /// One descent step at `self` along `gradient`, with weight decay and momentum as [`Sgd`](crate::Sgd) describes.
    ///
    /// `velocity` is given exactly if the momentum coefficient is not 0. On [`SgdStep::first`] its content is ignored and overwritten.
    /// `gradient` serves as scratch space: its content afterwards is unspecified.
    #[inline]
    fn sgd_step(&mut self, gradient: &mut Self, velocity: Option<&mut Self>, step: &SgdStep<'_>) {
        step.apply_unfused(self, gradient, velocity);
    }

    /// Moves an average, `self`, towards `iterate` by the share `weight`.
    #[inline]
    fn average_step(&mut self, iterate: &Self, weight: f64) {
        self.lerp(iterate, weight);
    }
}

/// Refuses a vector that does not have the dimension of the parameters.
#[inline]
pub(crate) fn same_dim<V: Vector>(what: &'static str, vector: &V, like: &V) -> Result<(), OptimError> {
    let (found, expected) = (vector.dim(), like.dim());
    if found == expected { Ok(()) } else { Err(OptimError::DimensionMismatch { what, expected, found }) }
}

/// A vector that can be filled with random entries: what measures of flatness need.
pub trait RandomVector: Vector {
    /// Fills with standard normal values; entry i is a function of `key` and i only. See [`normals`](crate::keyed::normals).
    fn fill_normal(&mut self, key: u64);

    /// Fills with random signs, +1 or -1; entry i is a function of `key` and i only. See [`signs`](crate::keyed::signs).
    fn fill_rademacher(&mut self, key: u64);
}

/// A vector that can be stored: what checkpoints need.
pub trait VectorBytes: Vector {
    /// All entries as little-endian bytes, in the storage's own precision.
    fn to_bytes(&self) -> Vec<u8>;

    /// The inverse of [`to_bytes`](Self::to_bytes), exact to the bit.
    ///
    /// # Errors
    /// [`OptimError::ByteLength`] if the number of bytes does not fit; `self` is then unchanged.
    fn copy_from_bytes(&mut self, bytes: &[u8]) -> Result<(), OptimError>;
}
