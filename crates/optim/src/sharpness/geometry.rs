//! Distances and angles between points, and norms of groups of weights.

use std::ops::Range;

use super::oracle::same_dim;
use crate::error::OptimError;
use crate::vector::Vector;

/// The Euclidean distance of two points. Holds one vector.
///
/// # Errors
/// [`OptimError::DimensionMismatch`] if the dimensions differ.
pub fn distance<V: Vector>(from: &V, to: &V) -> Result<f64, OptimError> {
    Ok(difference(to, from)?.norm())
}

/// The cosine of the angle between two directions, in [-1, 1]; NaN if one of them is zero.
///
/// # Errors
/// [`OptimError::DimensionMismatch`] if the dimensions differ.
pub fn cosine<V: Vector>(left: &V, right: &V) -> Result<f64, OptimError> {
    same_dim("second direction", right, left)?;
    Ok((left.dot(right) / (left.norm() * right.norm())).clamp(-1.0, 1.0))
}

/// `minuend - subtrahend`.
pub(super) fn difference<V: Vector>(minuend: &V, subtrahend: &V) -> Result<V, OptimError> {
    same_dim("second point", subtrahend, minuend)?;
    let mut difference = minuend.zeros_like();
    difference.copy_from(minuend);
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
    check_groups(groups, parameters.dim())?;
    let mut ones = parameters.zeros_like();
    ones.fill(1.0);
    let mut weights = parameters.zeros_like();
    for group in groups {
        let norm = parameters.norm_range(group.clone());
        weights.axpy_range(norm * norm, &ones, group.clone());
    }
    Ok(weights)
}

/// Gives every group of `direction` the norm that the same group of `parameters` has, so that sections along it compare between
/// networks whose layers differ in scale. A group of zeros stays, as do entries in no group. Holds one vector.
///
/// # Errors
/// [`OptimError::DimensionMismatch`] if the dimensions differ; [`OptimError::InvalidSetting`] if a group ends behind the last parameter
/// or begins behind its end.
///
/// # Source
/// Li et al. (2018), arXiv:1712.09913, section 4, with filters as the groups.
pub fn filter_normalize<V: Vector>(
    direction: &mut V,
    parameters: &V,
    groups: &[Range<usize>],
) -> Result<(), OptimError> {
    same_dim("direction", direction, parameters)?;
    check_groups(groups, parameters.dim())?;
    let mut before = direction.zeros_like();
    before.copy_from(direction);
    for group in groups {
        let (from, to) = (before.norm_range(group.clone()), parameters.norm_range(group.clone()));
        if from > 0.0 {
            direction.axpy_range(to / from - 1.0, &before, group.clone());
        }
    }
    Ok(())
}

fn check_groups(groups: &[Range<usize>], dim: usize) -> Result<(), OptimError> {
    match groups.iter().find(|group| group.start > group.end || group.end > dim) {
        None => Ok(()),
        Some(group) => {
            let found = format!("{}..{} of {dim} parameters", group.start, group.end);
            Err(OptimError::setting("a group of weights", &found, "a range within the parameters"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_and_angles_are_euclids() {
        let (a, b) = (vec![1.0, 2.0], vec![4.0, 6.0]);
        assert_eq!(distance(&a, &b).unwrap(), 5.0);
        assert_eq!(cosine(&vec![2.0, 0.0], &vec![0.0, 3.0]).unwrap(), 0.0);
        assert!((cosine(&a, &vec![-2.0, -4.0]).unwrap() + 1.0).abs() < 1e-15);
        assert!(cosine(&a, &vec![0.0, 0.0]).unwrap().is_nan());
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

    #[test]
    fn filter_normalised_groups_have_the_norms_of_the_parameters() {
        let (parameters, mut direction) = (vec![3.0, 4.0, 1.0, 2.0], vec![0.0, 2.0, 0.0, 7.0]);
        filter_normalize(&mut direction, &parameters, &[0..2, 2..3]).unwrap();
        assert_eq!(direction, [0.0, 5.0, 0.0, 7.0]);
    }
}
