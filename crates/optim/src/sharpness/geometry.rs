//! Distances between points, and norms of groups of weights.

use std::ops::Range;

use crate::error::OptimError;
use crate::settings::check;
use crate::vector::{Vector, same_dim};

/// The Euclidean distance of two points. Holds one vector.
///
/// # Errors
/// [`OptimError::DimensionMismatch`] if the dimensions differ.
pub fn distance<V: Vector>(from: &V, to: &V) -> Result<f64, OptimError> {
    Ok(difference(to, from)?.norm())
}

/// `minuend - subtrahend`.
pub(super) fn difference<V: Vector>(minuend: &V, subtrahend: &V) -> Result<V, OptimError> {
    same_dim("second point", subtrahend, minuend)?;
    let mut difference = minuend.copied();
    difference.axpy(-1.0, subtrahend);
    Ok(difference)
}

/// The diagonal matrix that makes a trace scale-invariant: every entry of a group of weights carries the group's squared norm, all
/// other entries 0.
///
/// Where a layer's output does not depend on the scale of a group (a layer, or one filter of it, before batch normalization), scaling
/// the group by `c` scales its block of the Hessian by `1 / c^2`: the raw trace then tells small weights and not sharp minima. Weighted
/// by [`Hutchinson::with_weights`](super::Hutchinson::with_weights), the trace is `sum over groups r of |w_r|^2 tr(H_r)`, which does
/// not change. Holds two vectors, one of which it returns.
///
/// # Errors
/// [`OptimError::InvalidSetting`] if a group ends behind the last parameter or begins behind its end.
pub fn norm_weights<V: Vector>(parameters: &V, groups: &[Range<usize>]) -> Result<V, OptimError> {
    let dim = parameters.dim();
    for Range { start, end } in groups {
        let found = format!("{start}..{end} of {dim} parameters");
        check(start <= end && *end <= dim, "a group of weights", &found, "a range within the parameters")?;
    }
    let mut ones = parameters.zeros_like();
    ones.fill(1.0);
    let mut weights = parameters.zeros_like();
    for group in groups {
        let norm = parameters.norm_range(group.clone());
        weights.axpy_range(norm * norm, &ones, group.clone());
    }
    Ok(weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_euclids() {
        let (a, b) = (vec![1.0, 2.0], vec![4.0, 6.0]);
        assert_eq!(distance(&a, &b).unwrap(), 5.0);
        assert!(distance(&a, &vec![1.0]).is_err());
    }

    #[test]
    fn groups_carry_their_squared_norms() {
        let parameters = vec![3.0, 4.0, 1.0, 2.0];
        assert_eq!(norm_weights(&parameters, &[0..2, 3..4]).unwrap(), [25.0, 25.0, 0.0, 4.0]);
        let reversed = Range { start: 3, end: 2 };
        for bad in [2..5, reversed] {
            assert!(norm_weights(&parameters, &[bad]).is_err());
        }
    }
}
