//! Logits of a checkpoint's network on images made of a hash, as a list in JSON.
//!
//! ```sh
//! cargo run -p polder-models --example logits -- wrn-10-1 10 CHECKPOINT 4 3 32 32
//! ```
//!
//! golden/load_checkpoint.py compares them with what PyTorch makes of the same checkpoint and the same images.

#[path = "../tests/hashed/values.rs"]
mod hashed;

use std::error::Error;
use std::path::Path;

use polder_models::{Architecture, BatchNormMode, Checkpoint, Network, Precision};
use tch::{Device, Kind};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, num_classes, checkpoint, shape @ ..] = arguments.as_slice() else {
        return Err("usage: logits NETWORK CLASSES CHECKPOINT N C H W".into());
    };
    let shape: Vec<i64> = shape.iter().map(|extent| extent.parse()).collect::<Result<_, _>>()?;
    let shape: [i64; 4] = shape.try_into().map_err(|_| "expected the images' shape as N C H W")?;
    let architecture: Architecture = name.parse()?;
    architecture.check_images([1, 2, 3].map(|axis| shape[axis] as usize))?;
    let network = Network::new(architecture, num_classes.parse()?, 0, Precision::F32, Device::Cpu)?;
    Checkpoint::read(Path::new(checkpoint))?.load_network(&network)?;
    let images = hashed::hashed_images(shape);
    let logits = tch::no_grad(|| network.forward(&images, BatchNormMode::Evaluate))?;
    let logits = Vec::<f64>::try_from(logits.to_kind(Kind::Double).view(-1))?;
    println!("{}", serde_json::to_string(&logits)?);
    Ok(())
}
