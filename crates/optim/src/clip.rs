//! Clipping of a gradient by its global norm.

use crate::vector::Vector;

/// Added to the norm before dividing by it, as PyTorch does.
const NORM_EPSILON: f64 = 1e-6;

/// Scales `gradient` by `max_norm / (||gradient|| + 1e-6)` if that is below 1, and returns the norm before.
///
/// A gradient that is short enough stays as it is, bit by bit. Agrees with `torch.nn.utils.clip_grad_norm_`, with one difference: a
/// gradient whose norm is not a number is left alone, while an infinite norm turns entries into 0 or not-a-number in both.
///
/// # Source
/// Pascanu et al. (2013), arXiv:1211.5063, Algorithm 1.
///
/// # Example
/// ```
/// let mut gradient = vec![3.0, 4.0];
/// assert_eq!(polder_optim::clip_norm(&mut gradient, 10.0), 5.0);
/// assert_eq!(gradient, [3.0, 4.0]);
/// polder_optim::clip_norm(&mut gradient, 1.0);
/// assert!((gradient[1] - 0.8).abs() < 1e-6);
/// ```
#[inline]
pub fn clip_norm<V: Vector>(gradient: &mut V, max_norm: f64) -> f64 {
    let norm = gradient.norm();
    let factor = max_norm / (norm + NORM_EPSILON);
    if factor < 1.0 {
        gradient.scale(factor);
    }
    norm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divergence_stays_visible_through_clipping() {
        for bad in [f64::NAN, f64::INFINITY] {
            let mut gradient = vec![1.0, bad];
            clip_norm(&mut gradient, 1.0);
            assert!(gradient.iter().any(|entry| !entry.is_finite()), "{gradient:?}");
        }
    }
}
