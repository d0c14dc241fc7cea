//! What `polder sharpness` found, as text, JSON and figures.

pub mod json;
pub mod picture;
pub mod text;
