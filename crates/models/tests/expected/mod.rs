//! The files that golden/models.py makes, and the distance from what they hold.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use tch::{Kind, Tensor};

use super::hashed::{hashed, hashed_images};

pub(crate) const LABELS: [i64; 4] = [3, 0, 7, 9];

/// One training pass over four images, and one in evaluation after it.
#[derive(Deserialize)]
pub(crate) struct Golden {
    images: [i64; 3],
    pub(crate) parameters: u64,
    pub(crate) logits: Vec<f64>,
    pub(crate) loss: f64,
    pub(crate) gradients: BTreeMap<String, Digest>,
    pub(crate) running: BTreeMap<String, Digest>,
    pub(crate) evaluated: Vec<f64>,
}

impl Golden {
    pub(crate) fn read(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.json"));
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    pub(crate) fn images(&self) -> Tensor {
        let [c, h, w] = self.images;
        hashed_images([LABELS.len() as i64, c, h, w])
    }

    /// The error of a gradient relative to its norm, or to a thousandth of the whole gradient: some hardly matter, and a
    /// shift that the next BN takes away has none.
    pub(crate) fn gradient_error(&self, name: &str, found: &Tensor) -> f64 {
        let total = self.gradients.values().map(|g| g.norm.powi(2)).sum::<f64>().sqrt();
        self.gradients[name].error(name, found, 1e-3 * total)
    }
}

/// What stands for a tensor: its norm, its product with a hashed probe, its first values.
#[derive(Deserialize)]
pub(crate) struct Digest {
    norm: f64,
    probe: f64,
    first: Vec<f64>,
}

impl Digest {
    /// The largest error of `found` relative to the norm, or to `floor` if that is larger.
    pub(crate) fn error(&self, name: &str, found: &Tensor, floor: f64) -> f64 {
        let found = to_f64(found);
        let norm = found.iter().map(|g| g * g).sum::<f64>().sqrt();
        let probe: f64 =
            found.iter().zip(hashed(&format!("{name}.probe"), found.len())).map(|(g, p)| g * p).sum();
        let first = found.iter().zip(&self.first).map(|(a, b)| (a - b).abs());
        let largest = first.chain([(norm - self.norm).abs(), (probe - self.probe).abs()]).fold(0.0, f64::max);
        largest / self.norm.max(floor)
    }
}

fn to_f64(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(&tensor.to_kind(Kind::Double).contiguous().view(-1)).unwrap()
}

/// The largest difference, as a fraction of the largest expected value.
pub(crate) fn relative(found: &Tensor, expected: &[f64]) -> f64 {
    let found = to_f64(found);
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(1e-12_f64, |max, value| max.max(value.abs()));
    found.iter().zip(expected).map(|(a, b)| (a - b).abs() / largest).fold(0.0, f64::max)
}
