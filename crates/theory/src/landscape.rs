//! One-dimensional functions to descend on.

mod asymmetric_valley;
mod kinked_valley;
mod two_basins;

pub use asymmetric_valley::AsymmetricValley;
pub use kinked_valley::KinkedValley;
pub use two_basins::TwoBasins;

/// A function of one variable with a slope at every point.
pub trait Landscape: Sync {
    /// `f(w)`.
    fn value(&self, w: f64) -> f64;

    /// `f'(w)`.
    fn slope(&self, w: f64) -> f64;
}

/// A landscape that falls up to its minimiser and rises behind it.
pub trait Valley: Landscape {
    /// The only point where the slope is 0.
    fn minimizer(&self) -> f64;
}
