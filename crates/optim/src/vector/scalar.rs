//! `f64` as a vector of dimension one: the space in which optimizers are checked against theorems.

use std::ops::Range;

use super::{RandomVector, Vector, VectorBytes};
use crate::error::OptimError;
use crate::keyed;

/// Whether `range` is the only entry; otherwise it is empty.
#[inline]
fn holds_entry(range: Range<usize>) -> bool {
    assert!(range.end <= 1, "a range outside a vector of dimension 1");
    !range.is_empty()
}

impl Vector for f64 {
    #[inline]
    fn dim(&self) -> usize {
        1
    }

    #[inline]
    fn zeros_like(&self) -> Self {
        0.0
    }

    #[inline]
    fn copy_from(&mut self, x: &Self) {
        *self = *x;
    }

    #[inline]
    fn fill(&mut self, value: f64) {
        *self = value;
    }

    #[inline]
    fn scale(&mut self, a: f64) {
        *self *= a;
    }

    #[inline]
    fn axpy(&mut self, a: f64, x: &Self) {
        *self += a * *x;
    }

    #[inline]
    fn axpby(&mut self, a: f64, x: &Self, b: f64) {
        *self = a * *x + b * *self;
    }

    #[inline]
    fn axpy_range(&mut self, a: f64, x: &Self, range: Range<usize>) {
        if holds_entry(range) {
            self.axpy(a, x);
        }
    }

    #[inline]
    fn mul(&mut self, x: &Self) {
        *self *= *x;
    }

    #[inline]
    fn abs_range(&mut self, x: &Self, shift: f64, range: Range<usize>) {
        if holds_entry(range) {
            *self = x.abs() + shift;
        }
    }

    #[inline]
    fn lerp(&mut self, x: &Self, t: f64) {
        *self += t * (*x - *self);
    }

    #[inline]
    fn dot(&self, x: &Self) -> f64 {
        *self * *x
    }

    #[inline]
    fn axpby_range(&mut self, a: f64, x: &Self, b: f64, range: Range<usize>) {
        if holds_entry(range) {
            self.axpby(a, x, b);
        }
    }

    #[inline]
    fn dot_range(&self, x: &Self, range: Range<usize>) -> f64 {
        if holds_entry(range) { self.dot(x) } else { 0.0 }
    }

    #[inline]
    fn norm(&self) -> f64 {
        self.abs()
    }

    #[inline]
    fn norm_range(&self, range: Range<usize>) -> f64 {
        if holds_entry(range) { self.abs() } else { 0.0 }
    }
}

impl RandomVector for f64 {
    fn fill_normal(&mut self, key: u64) {
        keyed::normals(key).take(1).for_each(|value| *self = value);
    }

    fn fill_rademacher(&mut self, key: u64) {
        keyed::signs(key).take(1).for_each(|value| *self = value);
    }
}

impl VectorBytes for f64 {
    fn to_bytes(&self) -> Vec<u8> {
        self.to_le_bytes().to_vec()
    }

    fn copy_from_bytes(&mut self, bytes: &[u8]) -> Result<(), OptimError> {
        let found = bytes.len();
        let bytes = bytes.try_into().map_err(|_| OptimError::ByteLength { expected: 8, found })?;
        *self = f64::from_le_bytes(bytes);
        Ok(())
    }
}
