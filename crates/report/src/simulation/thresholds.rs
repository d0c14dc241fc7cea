//! What simulations of thresholds show.

pub(super) mod circle;
mod escape;
pub(super) mod quadratic;
pub(super) mod styblinski_tang;
