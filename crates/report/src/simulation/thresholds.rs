//! What simulations of thresholds show.

mod circle;
mod escape;
mod quadratic;
mod styblinski_tang;
