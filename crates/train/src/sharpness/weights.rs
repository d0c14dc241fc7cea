//! Weights that questions are about.

use polder_experiment::sharpness::measurement_spec::hexadecimal;
use polder_models::FlatParameters;
use polder_optim::VectorBytes as _;
use sha2::{Digest as _, Sha256};

/// Weights with their digest, by which answers about them are found again wherever they came from.
#[derive(Debug)]
pub(super) struct Weights {
    /// `iterate`, or the name of an average; of another run with its name before a slash.
    pub name: String,
    pub vector: FlatParameters,
    /// Of the bytes of the vector.
    pub digest: String,
}

impl Weights {
    pub(super) fn new(name: String, vector: FlatParameters) -> Self {
        let digest = hexadecimal(&Sha256::digest(vector.to_bytes())[..16]);
        Self { name, vector, digest }
    }
}
