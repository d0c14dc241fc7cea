//! SAM, adaptive SAM, m-sharpness and the gradient penalty against references in PyTorch and f64: 50 steps from golden/optim.py, within
//! 1e-12.

mod common;

use std::num::{NonZeroU64, NonZeroUsize};

use common::{Golden, SgdCase, golden};
use polder_optim::{Ascent, AscentDecay, GradientPenalty, GradientPenaltyConfig, Sam, SamConfig};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct SamCase {
    rho: f64,
    ascent: GoldenAscent,
    inside: bool,
    micro_batches: NonZeroUsize,
    every: NonZeroU64,
    #[serde(flatten)]
    base: SgdCase,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum GoldenAscent {
    Normalized,
    Unnormalized,
    Adaptive { eta: f64, on: GoldenRanges },
}

#[derive(Debug, Deserialize)]
struct GoldenRanges {
    ranges: Vec<(usize, usize)>,
}

impl SamCase {
    fn config(&self) -> SamConfig {
        let ascent = match &self.ascent {
            GoldenAscent::Normalized => Ascent::Normalized,
            GoldenAscent::Unnormalized => Ascent::Unnormalized,
            GoldenAscent::Adaptive { eta, on } => {
                let ranges = on.ranges.iter().map(|&(start, end)| start..end).collect();
                Ascent::Adaptive { eta: *eta, on: polder_optim::Entries::Ranges(ranges) }
            }
        };
        let weight_decay = if self.inside { AscentDecay::Inside } else { AscentDecay::Outside };
        let (num_micro_batches, every) = (self.micro_batches, self.every);
        SamConfig { rho: self.rho, ascent, weight_decay, num_micro_batches, every, base: self.base.config() }
    }
}

#[test]
fn sam_in_all_its_variants_agrees_with_the_reference() {
    let Golden { learning_rate, cases }: Golden<SamCase> = golden(include_str!("golden/sam.json"));
    // Plain SAM at two radii and adaptive SAM over ten base optimizers; five variants over two; two with decay inside.
    assert_eq!(cases.len(), 42);
    for case in &cases {
        let config = case.config();
        let name = format!("{config:?}");
        case.base.check(Sam::new(config).unwrap(), learning_rate, &name);
    }
}

#[derive(Debug, Deserialize)]
struct PenaltyCase {
    lambda: f64,
    #[serde(flatten)]
    base: SgdCase,
}

#[test]
fn the_gradient_penalty_agrees_with_double_backpropagation_of_its_loss() {
    let Golden { learning_rate, cases }: Golden<PenaltyCase> = golden(include_str!("golden/penalty.json"));
    assert_eq!(cases.len(), 20);
    for case in &cases {
        let config = GradientPenaltyConfig { lambda: case.lambda, base: case.base.config() };
        let name = format!("lambda {}", case.lambda);
        case.base.check(GradientPenalty::new(config).unwrap(), learning_rate, &name);
    }
}
