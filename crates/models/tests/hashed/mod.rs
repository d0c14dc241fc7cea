//! Weights and images made of a hash, as in golden/networks.py and golden/models.py: both sides have them without a file.

use polder_models::Network;
use tch::Tensor;

/// Values on [-1, 1).
pub(crate) fn hashed(name: &str, len: usize) -> Vec<f64> {
    let phase: u64 = name.bytes().zip(1..).map(|(byte, i)| i * u64::from(byte)).sum();
    let mask = 0xFFFF_FFFF;
    let value = |j: u64| {
        let mut h = (j * 2_654_435_761 + phase * 40_503) & mask;
        for (shift, factor) in [(15, 2_246_822_519), (13, 3_266_489_917)] {
            h = ((h ^ (h >> shift)) * factor) & mask;
        }
        (h ^ (h >> 16)) as f64 / 2.0_f64.powi(31) - 1.0
    };
    (0..len as u64).map(value).collect()
}

/// N images of shape C, H, W.
pub(crate) fn hashed_images(shape: [i64; 4]) -> Tensor {
    let len = shape.iter().product::<i64>() as usize;
    let pixels: Vec<f32> = hashed("images", len).into_iter().map(|value| value as f32).collect();
    Tensor::from_slice(&pixels).view(shape)
}

/// Overwrites all parameters.
#[allow(dead_code, reason = "who only needs images includes this file too")]
pub(crate) fn hash_weights(network: &Network) {
    for (key, mut parameter) in network.parameters().named().unwrap() {
        let size = parameter.size();
        let scaled = |value: f64| match size.len() {
            0 => 0.5 + 0.3 * value,
            1 if key.ends_with("weight") => 1.0 + 0.2 * value,
            1 => 0.1 * value,
            _ => value * 1.5 / (size[1..].iter().product::<i64>() as f64).sqrt(),
        };
        let values: Vec<f32> =
            hashed(&key, parameter.numel()).into_iter().map(|value| scaled(value) as f32).collect();
        tch::no_grad(|| parameter.copy_(&Tensor::from_slice(&values).view(size.as_slice())));
    }
}
