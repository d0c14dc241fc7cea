//! Laws of vectors: their operations, their bytes, their random fills and their fused step, on random entries.

mod common;

use polder_optim::Optimizer as _;
use polder_optim::RandomVector as _;
use polder_optim::VectorBytes as _;
use std::ops::Range;

use common::assert_close;
use common::strategies::{bits, entries, fixed_cases, momentum, sgd_config};
use polder_optim::{
    Entries, Momentum, OptimError, Point, Sam, SamConfig, SgdConfig, SgdStep, Vector, WeightDecay,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// A slice with the provided methods of [`Vector`] only: each step in single operations.
#[derive(Clone, Debug)]
struct Composed(Vec<f64>);

impl Vector for Composed {
    fn dim(&self) -> usize {
        self.0.dim()
    }
    fn zeros_like(&self) -> Self {
        Self(self.0.zeros_like())
    }
    fn copy_from(&mut self, x: &Self) {
        self.0.copy_from(&x.0);
    }
    fn axpby_range(&mut self, a: f64, x: &Self, b: f64, range: Range<usize>) {
        self.0.axpby_range(a, &x.0, b, range);
    }
    fn mul(&mut self, x: &Self) {
        self.0.mul(&x.0);
    }
    fn abs_range(&mut self, x: &Self, shift: f64, range: Range<usize>) {
        self.0.abs_range(&x.0, shift, range);
    }
    fn dot_range(&self, x: &Self, range: Range<usize>) -> f64 {
        self.0.dot_range(&x.0, range)
    }
}

proptest! {
    #![proptest_config(fixed_cases())]

    #[test]
    fn vector_operations_are_what_their_formulas_say((x, y) in (entries(), entries()), a in -2.0..2.0_f64, b in -2.0..2.0_f64) {
        let check = |apply: &dyn Fn(&mut Vec<f64>), formula: &dyn Fn(usize) -> f64| {
            let mut found = y.clone();
            apply(&mut found);
            assert_close(&found, &(0..6).map(formula).collect::<Vec<_>>(), "operation");
        };
        check(&|v| v.fill(a), &|_| a);
        check(&|v| v.scale(a), &|i| a * y[i]);
        check(&|v| v.axpy(a, &x), &|i| y[i] + a * x[i]);
        check(&|v| v.axpby(a, &x, b), &|i| a * x[i] + b * y[i]);
        check(&|v| v.axpy_range(a, &x, 2..4), &|i| if (2..4).contains(&i) { y[i] + a * x[i] } else { y[i] });
        check(&|v| v.abs_range(&x, a, 1..5), &|i| if (1..5).contains(&i) { x[i].abs() + a } else { y[i] });
        check(&|v| v.mul(&x), &|i| x[i] * y[i]);
        check(&|v| v.lerp(&x, a), &|i| (1.0 - a) * y[i] + a * x[i]);
        check(&|v| *v = v.zeros_like(), &|_| 0.0);
        assert_close(&[x.dot(&y)], &[(0..6).map(|i| x[i] * y[i]).sum()], "dot");
        assert_close(&[x.norm(), x.norm_range(0..6), x.norm_range(3..3)], &[x.dot(&x).sqrt(), x.dot(&x).sqrt(), 0.0], "norm");
    }

    #[test]
    fn a_step_is_the_obvious_formula(
        config in sgd_config(),
        first in any::<bool>(),
        (w, g, v) in (entries(), entries(), entries()),
        learning_rate in 0.0..1.0_f64,
    ) {
        let (mut parameters, mut gradient, mut velocity) = (w.clone(), g.clone(), v.clone());
        let mu = config.momentum.coefficient();
        let step = SgdStep { learning_rate, momentum: config.momentum, weight_decay: &config.weight_decay, first };
        parameters.sgd_step(&mut gradient, (mu > 0.0).then_some(&mut velocity), &step);
        for i in 0..6 {
            let decayed = match &config.weight_decay.on {
                Entries::All => true,
                Entries::Ranges(ranges) => ranges.iter().any(|range| range.contains(&i)),
            };
            let g = g[i] + if decayed { config.weight_decay.coefficient * w[i] } else { 0.0 };
            let v = if first { g } else { mu * v[i] + (1.0 - config.momentum.dampening()) * g };
            let update = match config.momentum {
                Momentum::None => g,
                Momentum::HeavyBall { .. } if mu == 0.0 => g,
                Momentum::HeavyBall { .. } => v,
                Momentum::Nesterov { .. } => g + mu * v,
            };
            assert_close(&[parameters[i]], &[w[i] - learning_rate * update], "parameters");
            if mu > 0.0 {
                assert_close(&[velocity[i]], &[v], "velocity");
            }
        }
    }

    #[test]
    fn the_fused_step_of_a_slice_is_bit_equal_to_the_composed_one(
        config in sgd_config(),
        first in any::<bool>(),
        (w, g, v) in (entries(), entries(), entries()),
        learning_rate in 0.0..1.0_f64,
    ) {
        let uses_velocity = config.momentum.coefficient() > 0.0;
        let step = SgdStep { learning_rate, momentum: config.momentum, weight_decay: &config.weight_decay, first };
        let (mut fused, mut fused_velocity) = (w.clone(), v.clone());
        fused.sgd_step(&mut g.clone(), uses_velocity.then_some(&mut fused_velocity), &step);
        let (mut composed, mut velocity) = (Composed(w), Composed(v));
        composed.sgd_step(&mut Composed(g), uses_velocity.then_some(&mut velocity), &step);
        prop_assert_eq!(bits(&fused), bits(&composed.0));
        prop_assert_eq!(bits(&fused_velocity), bits(&velocity.0));
    }

    #[test]
    fn a_scalar_and_a_slice_of_one_step_alike(momentum in momentum(), coefficient in 0.0..0.1_f64, start in -2.0..2.0_f64) {
        let weight_decay = WeightDecay { coefficient, on: Entries::All };
        let config = SgdConfig { momentum, weight_decay, clip_norm: None };
        let mut on_scalar = |w: &f64, _: Point, g: &mut f64| {
            *g = w.tanh() + 0.1;
            Ok(())
        };
        #[expect(clippy::borrowed_box, reason = "the box is the vector")]
        let mut on_slice = |w: &Box<[f64]>, _: Point, g: &mut Box<[f64]>| {
            g[0] = w[0].tanh() + 0.1;
            Ok(())
        };
        let sam = |rho| SamConfig::new(rho, config.clone());
        let (mut scalar, mut slice) = (start, vec![start].into_boxed_slice());
        let (mut scalar_sam, mut slice_sam) = (Sam::new(sam(0.1)).unwrap(), Sam::new(sam(0.1)).unwrap());
        for _ in 0..10 {
            scalar_sam.step(&mut on_scalar, &mut scalar, &mut 0.0, 0.1).unwrap();
            slice_sam.step(&mut on_slice, &mut slice, &mut vec![0.0].into(), 0.1).unwrap();
        }
        assert_close(&slice, &[scalar], "iterate");
    }

    #[test]
    fn bytes_restore_every_vector_bit_by_bit(values in vec(any::<f64>(), 0..20)) {
        let mut copy = vec![0.0; values.len()];
        copy.copy_from_bytes(&values.to_bytes()).unwrap();
        prop_assert_eq!(bits(&copy), bits(&values));
        let error = copy.copy_from_bytes(&[0; 3]).unwrap_err();
        let named = matches!(error, OptimError::ByteLength { found: 3, .. });
        prop_assert!(named);
        prop_assert_eq!(bits(&copy), bits(&values));
    }

    #[test]
    fn random_fills_depend_on_key_and_index_only(key in any::<u64>()) {
        let (mut short, mut long, mut scalar) = (vec![0.0; 5], vec![0.0; 90], 0.0_f64);
        for fill in [|v: &mut Vec<f64>, key| v.fill_normal(key), |v: &mut Vec<f64>, key| v.fill_rademacher(key)] {
            fill(&mut short, key);
            fill(&mut long, key);
            prop_assert_eq!(&short[..], &long[..5]);
        }
        scalar.fill_rademacher(key);
        prop_assert_eq!(scalar, long[0]);
    }
}
