//! Figures as data: panels with two axes, and series of points in a few shapes.

mod figure;

pub use figure::{Axis, AxisScale, Figure, Ink, Panel, Series, Shape};
