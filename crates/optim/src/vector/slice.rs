//! `Vec<f64>` and `Box<[f64]>` as vectors: plain loops that the compiler vectorises where order does not matter.

use std::ops::Range;

use super::{RandomVector, Vector, VectorBytes};
use crate::entries::Entries;
use crate::error::OptimError;
use crate::keyed;
use crate::momentum::Momentum;
use crate::sgd_step::SgdStep;

const ENTRY_BYTES: usize = size_of::<f64>();

/// Calls `update(entry of y, entry of x)` for every index.
#[inline]
fn zip_apply(y: &mut [f64], x: &[f64], mut update: impl FnMut(&mut f64, f64)) {
    assert_eq!(y.len(), x.len(), "vectors of different dimensions");
    for (y, &x) in y.iter_mut().zip(x) {
        update(y, x);
    }
}

#[inline]
fn dot(x: &[f64], y: &[f64]) -> f64 {
    assert_eq!(x.len(), y.len(), "vectors of different dimensions");
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

/// The step of [`Vector::sgd_step`] in one pass over the entries: the same operations on each, in the same order.
#[inline]
fn sgd_step(w: &mut [f64], gradient: &mut [f64], velocity: Option<&mut [f64]>, step: &SgdStep<'_>) {
    assert_eq!(w.len(), gradient.len(), "vectors of different dimensions");
    let decay = match &step.weight_decay.on {
        Entries::All => step.weight_decay.coefficient,
        Entries::Ranges(ranges) => {
            for range in ranges {
                zip_apply(&mut gradient[range.clone()], &w[range.clone()], |g, w| {
                    *g += step.weight_decay.coefficient * w;
                });
            }
            0.0
        }
    };
    // Without decay nothing is added, not even 0 times an infinite weight.
    let decayed = |g: f64, w: f64| if decay == 0.0 { g } else { g + decay * w };
    let rate = -step.learning_rate;
    let Some(velocity) = velocity else {
        zip_apply(w, gradient, |w, g| *w += rate * decayed(g, *w));
        return;
    };
    assert_eq!(w.len(), velocity.len(), "vectors of different dimensions");
    let (past, new) = (step.momentum.coefficient(), 1.0 - step.momentum.dampening());
    let is_nesterov = matches!(step.momentum, Momentum::Nesterov { .. });
    for ((w, &mut g), v) in w.iter_mut().zip(gradient).zip(velocity) {
        let g = decayed(g, *w);
        *v = if step.first { g } else { new * g + past * *v };
        *w += rate * if is_nesterov { g + past * *v } else { *v };
    }
}

fn to_bytes(x: &[f64]) -> Vec<u8> {
    x.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn copy_from_bytes(y: &mut [f64], bytes: &[u8]) -> Result<(), OptimError> {
    let expected = y.len() * ENTRY_BYTES;
    if bytes.len() != expected {
        return Err(OptimError::ByteLength { expected, found: bytes.len() });
    }
    for (value, bytes) in y.iter_mut().zip(bytes.as_chunks::<ENTRY_BYTES>().0) {
        *value = f64::from_le_bytes(*bytes);
    }
    Ok(())
}

macro_rules! impl_vector_for_owned_slice {
    ($type:ty) => {
        impl Vector for $type {
            #[inline]
            fn dim(&self) -> usize {
                self.len()
            }

            fn zeros_like(&self) -> Self {
                vec![0.0; self.len()].into()
            }

            #[inline]
            fn copy_from(&mut self, x: &Self) {
                self.copy_from_slice(x);
            }

            #[inline]
            fn fill(&mut self, value: f64) {
                self[..].fill(value);
            }

            #[inline]
            fn scale(&mut self, a: f64) {
                for y in self.iter_mut() {
                    *y *= a;
                }
            }

            #[inline]
            fn axpy(&mut self, a: f64, x: &Self) {
                zip_apply(self, x, |y, x| *y += a * x);
            }

            #[inline]
            fn axpy_range(&mut self, a: f64, x: &Self, range: Range<usize>) {
                zip_apply(&mut self[range.clone()], &x[range], |y, x| *y += a * x);
            }

            #[inline]
            fn mul(&mut self, x: &Self) {
                zip_apply(self, x, |y, x| *y *= x);
            }

            #[inline]
            fn abs_range(&mut self, x: &Self, shift: f64, range: Range<usize>) {
                zip_apply(&mut self[range.clone()], &x[range], |y, x| *y = x.abs() + shift);
            }

            #[inline]
            fn lerp(&mut self, x: &Self, t: f64) {
                zip_apply(self, x, |y, x| *y += t * (x - *y));
            }

            #[inline]
            fn dot(&self, x: &Self) -> f64 {
                dot(self, x)
            }

            #[inline]
            fn axpby_range(&mut self, a: f64, x: &Self, b: f64, range: Range<usize>) {
                zip_apply(&mut self[range.clone()], &x[range], |y, x| *y = a * x + b * *y);
            }

            #[inline]
            fn dot_range(&self, x: &Self, range: Range<usize>) -> f64 {
                dot(&self[range.clone()], &x[range])
            }

            #[inline]
            fn sgd_step(&mut self, gradient: &mut Self, velocity: Option<&mut Self>, step: &SgdStep<'_>) {
                sgd_step(self, gradient, velocity.map(|velocity| &mut velocity[..]), step);
            }
        }

        impl RandomVector for $type {
            fn fill_normal(&mut self, key: u64) {
                self.iter_mut().zip(keyed::normals(key)).for_each(|(y, value)| *y = value);
            }

            fn fill_rademacher(&mut self, key: u64) {
                self.iter_mut().zip(keyed::signs(key)).for_each(|(y, value)| *y = value);
            }
        }

        impl VectorBytes for $type {
            fn to_bytes(&self) -> Vec<u8> {
                to_bytes(self)
            }

            fn copy_from_bytes(&mut self, bytes: &[u8]) -> Result<(), OptimError> {
                copy_from_bytes(self, bytes)
            }
        }
    };
}

impl_vector_for_owned_slice!(Vec<f64>);
impl_vector_for_owned_slice!(Box<[f64]>);
