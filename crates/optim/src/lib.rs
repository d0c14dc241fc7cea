//! SGD, SAM, averaging and schedules as algebra on any vector space.
//!
//! An optimizer here knows vectors ([`Vector`]) and a function to minimise ([`Objective`]), and neither tensors nor data nor models. The
//! same [`Sgd`] steps an `f64` on a one-dimensional toy, where its convergence is checked against a theorem, and the flat parameter
//! buffer of a network.
//!
//! * **Optimizers**: [`Sgd`] with [`Momentum`], [`WeightDecay`] and clipping; [`Sam`], plain, adaptive and by micro-batches;
//!   [`GradientPenalty`]; [`EulerSteps`]. Each has a configuration that serialises and says what it refuses. All of them, and those of
//!   other crates, are an [`Optimizer`].
//! * **Averages** of one trajectory ([`Average`]), any number at once ([`Averages`]): uniform, exponential, SWA, over a window
//!   ([`AverageConfig`]).
//! * **Learning rates** as a pure function of time: [`Schedule`].
//! * **Flatness** of where they end: [`sharpness`].
//! * **State** as named vectors and counters ([`State`], [`SavedState`]): everything that must be stored to continue bit for bit.
//!
//! All of it agrees with PyTorch in f64 to 1e-12 wherever PyTorch has the same thing, which tests show over 50 steps.
//!
//! # Example
//!
//! Averaged SGD on `f(w) = w0^2 / 2 + 3 w1^2 / 2`, seen through gradients that are off by +1 and -1 in turn: the iterate ends off
//! the minimum, the average on it.
//!
//! ```
//! use polder_optim::{Average, OptimError, Optimizer as _, Point, Sgd, SgdConfig};
//!
//! let mut noise = 1.0;
//! let mut objective = |w: &Vec<f64>, _at: Point, gradient: &mut Vec<f64>| {
//!     noise = -noise;
//!     (gradient[0], gradient[1]) = (w[0] + noise, 3.0 * w[1] + noise);
//!     Ok(0.5 * w[0] * w[0] + 1.5 * w[1] * w[1])
//! };
//!
//! let mut sgd = Sgd::new(SgdConfig::default())?;
//! let mut average = Average::tail(500); // The first 500 of 1000 steps are burn-in.
//! let (mut iterate, mut gradient) = (vec![1.0, 1.0], vec![0.0, 0.0]);
//! for step in 0..1000 {
//!     sgd.step(&mut objective, &mut iterate, &mut gradient, 0.1)?;
//!     average.update(step, &iterate);
//! }
//!
//! let distance = |w: &[f64]| w.iter().map(|x| x * x).sum::<f64>().sqrt();
//! assert!(distance(&iterate) > 0.05);
//! assert!(average.get().is_some_and(|average| distance(average) < 1e-12));
//! # Ok::<(), OptimError>(())
//! ```
//!
//! # How a step goes
//!
//! The caller owns the parameters and one gradient buffer, draws a minibatch, and hands all three to `step`. The optimizer asks the
//! objective for gradients, wherever it wants them, and moves the parameters:
//!
//! ```text
//! minibatch -> Objective ---gradient at a Point---> optimizer ---sgd_step---> parameters ---update---> averages
//!                  ^                                    |
//!                  +------- perturbed weights ----------+
//! ```
//!
//! [`Point`] tells the objective whether it is at the iterate or only visited: running statistics of batch normalization move at the
//! iterate. An objective that can do more says so by more traits and methods: [`Objective::micro_gradient`] for m-sharpness,
//! [`HessianVector`] for the gradient penalty (or [`FiniteDifference`], which makes it of any objective).
//!
//! # Bringing your own vectors
//!
//! [`Vector`] is implemented for `f64`, `Vec<f64>` and `Box<[f64]>`. To train what lies in tensors of another library, wrap *all*
//! parameters of a model into one type and implement [`Vector`] for it; a gradient, a velocity and an average then are values of that
//! type as well. `examples/own_vector.rs` does it for named blocks of f32, with a checkpoint, and is a good thing to copy from. The
//! operations in other libraries' words, for one block `y` and another `x`:
//!
//! | | ndarray | candle | burn |
//! |---|---|---|---|
//! | [`copy_from`](Vector::copy_from) | `y.assign(x)` | `y = x.copy()?`; of a `Var`: `y.set(x)?` | `y = x.clone()` |
//! | [`axpy`](Vector::axpy) | `y.scaled_add(a, x)` | `y = (&y + (x * a)?)?` | `y = y + x.clone().mul_scalar(a)` |
//! | [`axpby`](Vector::axpby), [`lerp`](Vector::lerp), [`mul`](Vector::mul) | `y.zip_mut_with(x, f)` | arithmetic of tensors | arithmetic of tensors |
//! | ranges | `y.slice_mut(s![range])` | `narrow`, `slice_assign` | `slice`, `slice_assign` |
//! | [`dot`](Vector::dot) | `(x * y).sum()` | `(x * y)?.sum_all()?.to_scalar()?` | `(x * y).sum().into_scalar()` |
//!
//! What an implementation must keep, because laws that tests hold us to rest on it:
//!
//! * **A vector owns its numbers.** `zeros_like` gives new memory, and after `copy_from` a change of one does not show in the other.
//!   Copying a handle is right only where tensors never change in place.
//! * **Copies are exact**: `copy_from`, and `to_bytes` followed by `copy_from_bytes`, keep every bit. Restored iterates and continued
//!   runs are bit-equal because of this.
//! * **Entries have one order**, that of the ranges in [`Entries`] and of the bytes. Padding, if there is any, counts and stays zero.
//! * **Scalars are f64**; an entry is rounded once per operation. Sums (`dot`, the norms) over many f32 are best taken in f64.
//! * **Random fills are functions of the key** and the index; [`keyed`] has the values.
//! * **Dimensions fit**: optimizers check them before a step, so an operation may panic if they do not. A device that fails in the
//!   middle of an operation has no other way to say so; an [`Objective`] returns its errors.
//!
//! Everything else is composed of these. [`Vector::sgd_step`] and [`Vector::average_step`] are provided and worth replacing by fused
//! kernels: they are where the time goes. A test that a fused step equals the composed one belongs beside it.
//!
//! An optimizer takes the gradient where the objective writes it, and never assumes that `parameters` are the same object from step to
//! step; scratch space is allocated by `zeros_like` at first use. A library whose tensors are variables of a graph (a `Var`, an
//! autodiff backend) computes in its objective, at the values of the vector it is given, and steps outside of the graph.

mod averages;
mod clip;
mod entries;
mod error;
mod euler_steps;
mod gradient_penalty;
mod hessian_vector;
mod momentum;
mod objective;
mod optimizer;
mod sam;
mod schedule;
mod scratch;
mod settings;
mod sgd;
mod sgd_step;
pub mod sharpness;
mod state;
mod vector;
mod weight_decay;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

/// Random sequences that are functions of a key, for [`RandomVector::fill_normal`] and [`RandomVector::fill_rademacher`].
pub mod keyed {
    pub use polder_random::{normals, signs};
}

pub use averages::{Average, AverageConfig, Averages};
pub use clip::clip_norm;
pub use entries::Entries;
pub use error::OptimError;
pub use euler_steps::{EulerSteps, EulerStepsConfig};
pub use gradient_penalty::{GradientPenalty, GradientPenaltyConfig};
pub use hessian_vector::{FiniteDifference, HessianVector};
pub use momentum::Momentum;
pub use objective::{Objective, Point};
pub use optimizer::Optimizer;
pub use sam::{Ascent, AscentDecay, Sam, SamConfig};
pub use schedule::Schedule;
pub use sgd::{Sgd, SgdConfig};
pub use sgd_step::SgdStep;
pub use state::{Resumable, SavedState, State};
pub use vector::{RandomVector, Vector, VectorBytes};
pub use weight_decay::WeightDecay;
