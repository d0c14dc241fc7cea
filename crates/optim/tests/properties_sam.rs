//! Laws of SAM in its variants, on random points and settings.

mod common;

use polder_optim::Optimizer as _;
use std::num::{NonZeroU64, NonZeroUsize};

use common::strategies::{AnyConfig, bits, end_of, entries, fixed_cases, sam_config, sgd_config};
use common::{CoupledQuartic, assert_close, objective};
use polder_optim::{Ascent, Entries, Objective, OptimError, Point, Sam, SamConfig, SgdConfig};
use proptest::prelude::*;

/// Records where it is asked for gradients.
#[derive(Default)]
struct Recording {
    inner: CoupledQuartic,
    visited: Vec<(Point, Vec<f64>)>,
}

impl Objective<Vec<f64>> for Recording {
    type Loss = f64;

    fn gradient(&mut self, w: &Vec<f64>, at: Point, gradient: &mut Vec<f64>) -> Result<f64, OptimError> {
        self.visited.push((at, w.clone()));
        self.inner.gradient(w, at, gradient)
    }

    fn micro_gradient(
        &mut self,
        part: usize,
        of: usize,
        w: &Vec<f64>,
        at: Point,
        gradient: &mut Vec<f64>,
    ) -> Result<f64, OptimError> {
        self.visited.push((at, w.clone()));
        self.inner.micro_gradient(part, of, w, at, gradient)
    }

    fn micro_share(&self, part: usize, of: usize) -> f64 {
        self.inner.micro_share(part, of)
    }
}

/// Every micro-batch is the whole minibatch, so all of them agree.
struct Repeated;

impl Objective<Vec<f64>> for Repeated {
    type Loss = f64;

    fn gradient(&mut self, w: &Vec<f64>, at: Point, gradient: &mut Vec<f64>) -> Result<f64, OptimError> {
        objective(w, at, gradient)
    }

    fn micro_gradient(
        &mut self,
        _part: usize,
        _of: usize,
        w: &Vec<f64>,
        at: Point,
        gradient: &mut Vec<f64>,
    ) -> Result<f64, OptimError> {
        objective(w, at, gradient)
    }
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

proptest! {
    #![proptest_config(fixed_cases())]

    #[test]
    fn sam_with_radius_zero_is_bit_equal_to_its_base(config in sam_config(), start in entries()) {
        let base = end_of(&AnyConfig::Sgd(config.base.clone()), &start, 20);
        let sam = end_of(&AnyConfig::Sam(SamConfig { rho: 0.0, ..config }), &start, 20);
        prop_assert_eq!(bits(&base), bits(&sam));
    }

    #[test]
    fn the_iterate_is_restored_bit_by_bit_after_every_ascent(config in sam_config(), start in entries()) {
        let mut sam = Sam::new(config.clone()).unwrap();
        let (mut recording, mut iterate) = (Recording::default(), start.clone());
        sam.step(&mut recording, &mut iterate, &mut vec![0.0; 6], 0.0).unwrap();
        prop_assert_eq!(bits(&iterate), bits(&start));
        prop_assert_eq!(recording.visited.len(), 2 * config.num_micro_batches.get());
        for pair in recording.visited.chunks(2) {
            prop_assert_eq!(&pair[0], &(Point::Iterate, start.clone()));
            prop_assert_eq!(pair[1].0, Point::Perturbed);
        }
    }

    #[test]
    fn the_ascent_goes_to_the_radius_in_its_own_norm(config in sam_config(), start in entries()) {
        let config = SamConfig { num_micro_batches: NonZeroUsize::MIN, ..config };
        let mut sam = Sam::new(config.clone()).unwrap();
        let mut recording = Recording::default();
        sam.step(&mut recording, &mut start.clone(), &mut vec![0.0; 6], 0.0).unwrap();
        let perturbed = &recording.visited[1].1;
        let norm = distance(perturbed, &start);
        match &config.ascent {
            Ascent::Normalized => prop_assert!((norm - config.rho).abs() < 1e-9, "norm {}", norm),
            Ascent::Unnormalized => {}
            Ascent::Adaptive { eta, on } => {
                let mut operator = [1.0; 6];
                on.for_each_range(6, |range| range.for_each(|i| operator[i] = start[i].abs() + eta));
                let scaled: Vec<f64> = (0..6).map(|i| (perturbed[i] - start[i]) / operator[i]).collect();
                let norm = distance(&scaled, &[0.0; 6]);
                prop_assert!((norm - config.rho).abs() < 1e-9, "norm {}", norm);
            }
        }
    }

    #[test]
    fn m_sharpness_over_equal_micro_batches_is_sam(config in sam_config(), start in entries(), of in 1..5_usize) {
        let end = |of: usize| {
            let num_micro_batches = NonZeroUsize::new(of).unwrap();
            let mut sam = Sam::new(SamConfig { num_micro_batches, ..config.clone() }).unwrap();
            let mut iterate = start.clone();
            for _ in 0..10 {
                let loss = sam.step(&mut Repeated, &mut iterate, &mut vec![0.0; 6], 0.01).unwrap();
                assert!(loss.is_finite());
            }
            iterate
        };
        assert_close(&end(of), &end(1), "m-sharpness");
        let whole = end_of(
            &AnyConfig::Sam(SamConfig { num_micro_batches: NonZeroUsize::MIN, ..config.clone() }), &start, 10,
        );
        prop_assert_eq!(bits(&end(1)), bits(&whole));
    }

    #[test]
    fn m_sharpness_returns_the_loss_of_the_whole_minibatch(config in sam_config(), start in entries()) {
        let num_micro_batches = NonZeroUsize::new(2).unwrap();
        let mut sam = Sam::new(SamConfig { num_micro_batches, ..config }).unwrap();
        let mut gradient = vec![0.0; 6];
        let whole = objective(&start, Point::Iterate, &mut gradient).unwrap();
        let found = sam.step(&mut CoupledQuartic::default(), &mut start.clone(), &mut gradient, 0.01).unwrap();
        assert_close(&[found], &[whole], "loss");
    }

    #[test]
    fn sam_ascends_at_every_kth_step_only(every in 1..6_u64, base in sgd_config(), start in entries()) {
        let config = SamConfig { every: NonZeroU64::new(every).unwrap(), ..SamConfig::new(0.05, base) };
        let mut sam = Sam::new(config).unwrap();
        let (mut recording, mut iterate) = (Recording::default(), start);
        for step in 0..20 {
            recording.visited.clear();
            sam.step(&mut recording, &mut iterate, &mut vec![0.0; 6], 0.01).unwrap();
            let ascends = step % every == 0;
            prop_assert_eq!(recording.visited.len(), if ascends { 2 } else { 1 });
        }
    }
}

#[test]
fn an_objective_without_parts_is_refused_and_nothing_moves() {
    let config = SamConfig {
        num_micro_batches: NonZeroUsize::new(2).unwrap(),
        ..SamConfig::new(0.1, SgdConfig::default())
    };
    let (mut sam, mut iterate) = (Sam::new(config).unwrap(), vec![1.0; 6]);
    let error = sam.step(&mut objective, &mut iterate, &mut vec![0.0; 6], 0.1).unwrap_err();
    assert!(matches!(error, OptimError::NoMicroBatches { of: 2 }), "{error}");
    assert_eq!((iterate, sam.base().num_steps()), (vec![1.0; 6], 0));
}

#[test]
fn an_ascent_beyond_the_last_parameter_is_refused() {
    let ascent = Ascent::Adaptive { eta: 0.0, on: Entries::Ranges(vec![0..2, 3..7]) };
    let mut sam = Sam::new(SamConfig { ascent, ..SamConfig::new(0.1, SgdConfig::default()) }).unwrap();
    let error = sam.step(&mut objective, &mut vec![1.0; 6], &mut vec![0.0; 6], 0.1).unwrap_err();
    assert!(matches!(error, OptimError::RangeOutOfBounds { start: 3, end: 7, dim: 6 }), "{error}");
}
