//! `Lanes`: several paths of SGD side by side, as one vector to the optimizer.

use std::ops::Range;

use polder_optim::Vector;

/// The iterates of `N` paths that do not know of each other.
///
/// Every operation that a step or an average uses acts on each lane by itself and rounds as on a single `f64`, so that a path has the
/// same bits alone and in company. The length is known to the compiler, which puts the lanes into the processor's vectors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Lanes<const N: usize>(pub(crate) [f64; N]);

impl<const N: usize> Lanes<N> {
    #[inline]
    pub(crate) fn from_fn(mut value: impl FnMut(usize) -> f64) -> Self {
        let mut lanes = [0.0; N];
        for (lane, slot) in lanes.iter_mut().enumerate() {
            *slot = value(lane);
        }
        Self(lanes)
    }

    /// Calls `update(lane of self, lane of x)` for every lane.
    #[inline]
    fn update(&mut self, x: &Self, update: impl Fn(f64, f64) -> f64) {
        *self = Self::from_fn(|lane| update(self.0[lane], x.0[lane]));
    }
}

impl<const N: usize> Vector for Lanes<N> {
    #[inline]
    fn dim(&self) -> usize {
        N
    }

    #[inline]
    fn zeros_like(&self) -> Self {
        Self([0.0; N])
    }

    #[inline]
    fn copy_from(&mut self, x: &Self) {
        *self = *x;
    }

    #[inline]
    fn axpy(&mut self, a: f64, x: &Self) {
        self.update(x, |y, x| y + a * x);
    }

    #[inline]
    fn axpby(&mut self, a: f64, x: &Self, b: f64) {
        self.update(x, |y, x| a * x + b * y);
    }

    fn axpby_range(&mut self, a: f64, x: &Self, b: f64, range: Range<usize>) {
        for lane in range {
            self.0[lane] = a * x.0[lane] + b * self.0[lane];
        }
    }

    #[inline]
    fn mul(&mut self, x: &Self) {
        self.update(x, |y, x| y * x);
    }

    fn abs_range(&mut self, x: &Self, shift: f64, range: Range<usize>) {
        for lane in range {
            self.0[lane] = x.0[lane].abs() + shift;
        }
    }

    #[inline]
    fn lerp(&mut self, x: &Self, t: f64) {
        self.update(x, |y, x| y + t * (x - y));
    }

    fn dot_range(&self, x: &Self, range: Range<usize>) -> f64 {
        self.0[range.clone()].iter().zip(&x.0[range]).map(|(y, x)| y * x).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same operation on lanes and on another vector.
    type Both<V> = (fn(&mut Lanes<3>, &Lanes<3>), fn(&mut V, &V));

    fn lanes() -> (Lanes<3>, Lanes<3>) {
        (Lanes([0.1, -2.3, 4.5e10]), Lanes([0.7, 1.0 / 3.0, -1e-3]))
    }

    #[test]
    fn every_lane_is_stepped_and_averaged_as_a_number_is() {
        let (y, x) = lanes();
        let operations: [Both<f64>; 5] = [
            (|y, x| y.axpy(-0.3, x), |y, x| y.axpy(-0.3, x)),
            (|y, x| y.axpby(0.7, x, 0.9), |y, x| y.axpby(0.7, x, 0.9)),
            (|y, x| y.lerp(x, 0.1), |y, x| y.lerp(x, 0.1)),
            (|y, x| y.mul(x), |y, x| y.mul(x)),
            (|y, _| y.scale(1.7), |y, _| y.scale(1.7)),
        ];
        for (of_lanes, of_numbers) in operations {
            let mut together = y;
            of_lanes(&mut together, &x);
            for lane in 0..3 {
                let mut alone = y.0[lane];
                of_numbers(&mut alone, &x.0[lane]);
                assert_eq!(together.0[lane].to_bits(), alone.to_bits());
            }
        }
    }

    #[test]
    fn the_rest_is_that_of_a_slice() {
        let (y, x) = lanes();
        let (slice_y, slice_x) = (y.0.to_vec(), x.0.to_vec());
        assert_eq!((y.dot(&x), y.norm_range(1..3)), (slice_y.dot(&slice_x), slice_y.norm_range(1..3)));
        let operations: [Both<Vec<f64>>; 2] = [
            (|y, x| y.axpy_range(2.0, x, 1..2), |y, x| y.axpy_range(2.0, x, 1..2)),
            (|y, x| y.abs_range(x, 0.5, 0..2), |y, x| y.abs_range(x, 0.5, 0..2)),
        ];
        for (of_lanes, of_slices) in operations {
            let (mut lanes, mut slice) = (y, slice_y.clone());
            of_lanes(&mut lanes, &x);
            of_slices(&mut slice, &slice_x);
            assert_eq!(lanes.0[..], slice[..]);
        }
    }
}
