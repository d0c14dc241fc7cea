//! Networks whose weights are made of a hash, and the images.

// Each of the tests uses some of it.
#![allow(dead_code, unused_imports)]

mod values;

use polder_models::Network;

pub(crate) use values::{hashed, hashed_images, hashed_parameter};

/// Overwrites all parameters.
pub(crate) fn hash_weights(network: &Network) {
    for (name, mut parameter) in network.parameters().named().unwrap() {
        tch::no_grad(|| parameter.copy_(&hashed_parameter(&name, &parameter.size())));
    }
}
