//! `Ascent`: from the ascent gradient to the perturbed weights.

use serde::{Deserialize, Serialize};

use crate::entries::Entries;
use crate::error::OptimError;
use crate::scratch::Scratch;
use crate::settings::check_non_negative;
use crate::vector::Vector;

/// Added to a norm before dividing by it, so that a zero gradient means no ascent.
const NORM_EPSILON: f64 = 1e-12;

/// How far and along what SAM ascends from `w`, given the ascent gradient `g`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Ascent {
    /// `w_hat = w + rho * g / (||g|| + 1e-12)`: to the distance rho, whatever the gradient.
    ///
    /// # Source
    /// Foret et al. (2021), arXiv:2010.01412, Eq. (2).
    #[default]
    Normalized,
    /// `w_hat = w + rho * g`, with rho in units of parameter per gradient.
    ///
    /// # Source
    /// The form that theory prefers: Andriushchenko and Flammarion (2022), arXiv:2206.06232; Behdin and Mazumder (2023),
    /// arXiv:2302.11836.
    Unnormalized,
    /// `w_hat = w + rho * T^2 g / (||T g|| + 1e-12)` with the diagonal `T = |w| + eta` on the chosen entries and 1 elsewhere, so that
    /// the ascent does not depend on how a network's weights are scaled against each other: `||(w_hat - w) / T|| = rho`.
    ///
    /// # Source
    /// Kwon et al. (2021), arXiv:2102.11600, Algorithm 1 (p = 2), and its code for `eta` and for biases, where T is 1. Departs from it
    /// by 1e-12 beside the norm instead of 1e-16.
    Adaptive {
        /// Added to the absolute weights, finite and at least 0; the authors' code has 0.01, and 0 is the paper's definition.
        eta: f64,
        /// The entries where T depends on the weights.
        #[serde(default)]
        on: Entries,
    },
}

impl Ascent {
    pub(super) fn validate(&self) -> Result<(), OptimError> {
        let Self::Adaptive { eta, on } = self else { return Ok(()) };
        check_non_negative("ascent.eta", *eta)?;
        on.validate("ascent.on")
    }

    #[inline]
    pub(super) fn check_dim(&self, dim: usize) -> Result<(), OptimError> {
        match self {
            Self::Normalized | Self::Unnormalized => Ok(()),
            Self::Adaptive { on, .. } => on.check_dim(dim),
        }
    }

    /// Moves `w` to the perturbed weights; what `gradient` holds afterwards is unspecified.
    #[inline]
    pub(super) fn apply<V: Vector>(&self, rho: f64, w: &mut V, gradient: &mut V, scale: &mut Scratch<V>) {
        let length = match self {
            Self::Unnormalized => rho,
            Self::Normalized => rho / (gradient.norm() + NORM_EPSILON),
            Self::Adaptive { eta, on } => {
                let scale = scale.like(w);
                scale.fill(1.0);
                on.for_each_range(w.dim(), |range| scale.abs_range(w, *eta, range));
                gradient.mul(scale);
                let norm = gradient.norm();
                gradient.mul(scale);
                rho / (norm + NORM_EPSILON)
            }
        };
        w.axpy(length, gradient);
    }
}
