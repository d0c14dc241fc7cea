//! Values made of a hash, as in golden/networks.py and golden/models.py: both sides have them without a file.

// Each of those that include this file uses some of it.
#![allow(dead_code)]

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

/// N images of shape C, H, W in f32.
pub(crate) fn hashed_images(shape: [i64; 4]) -> Tensor {
    in_f32(&hashed("images", shape.iter().product::<i64>() as usize), &shape)
}

/// The values of a parameter in f32.
pub(crate) fn hashed_parameter(name: &str, shape: &[i64]) -> Tensor {
    let scaled = |value: f64| match shape {
        [] => 0.5 + 0.3 * value,
        [_] if name.ends_with("weight") => 1.0 + 0.2 * value,
        [_] => 0.1 * value,
        [_, fan_in @ ..] => value * 1.5 / (fan_in.iter().product::<i64>() as f64).sqrt(),
    };
    let values: Vec<f64> =
        hashed(name, shape.iter().product::<i64>() as usize).into_iter().map(scaled).collect();
    in_f32(&values, shape)
}

fn in_f32(values: &[f64], shape: &[i64]) -> Tensor {
    Tensor::from_slice(&values.iter().map(|value| *value as f32).collect::<Vec<_>>()).view(shape)
}
