//! What simulations of SAM show.

mod bias_variance;
pub(super) mod kernel;
pub(super) mod least_squares;
pub(super) mod minibatch;
pub(super) mod students;
