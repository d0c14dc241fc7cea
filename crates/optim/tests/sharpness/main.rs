//! The sharpness measures on matrices whose spectrum is known and on quadratics whose rises are.

mod hutchinson;
mod lanczos;
mod matrix;
mod rises;
mod sections;
mod spectral_density;
