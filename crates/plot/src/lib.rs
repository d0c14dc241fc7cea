//! Figures as data, and one drawer for all of them.
//!
//! A [`Figure`] says what is shown: panels with two axes, and series of points in a few shapes. [`svg`] draws it for a page or
//! as a file, `png` makes pixels of a file (feature `png`, on by default), and [`csv`] lists the numbers that are drawn.

mod contour;
pub mod csv;
mod extent;
mod figure;
mod ink;
#[cfg(feature = "png")]
pub mod png;
pub mod svg;
mod ticks;

pub use contour::contour;
pub use figure::{Axis, AxisScale, Figure, Numbers, Panel, Series, Shape, Weight};
pub use ink::Ink;
