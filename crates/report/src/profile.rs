//! A profile of the input pipeline in words and as a picture, computed from its record alone.

pub mod picture;
pub mod text;
