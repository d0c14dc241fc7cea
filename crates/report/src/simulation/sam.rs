//! What simulations of SAM show.

mod bias_variance;
mod kernel;
mod least_squares;
mod minibatch;
mod students;
