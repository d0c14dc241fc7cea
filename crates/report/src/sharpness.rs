//! What `polder sharpness` found, as text, JSON and figures.

mod contour;
pub mod json;
pub mod picture;
pub mod text;
