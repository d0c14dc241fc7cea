//! The trace: exact where it must be, an interval that covers, and the same bytes after a stop.

use polder_optim::sharpness::{
    HessianAt, Hutchinson, HutchinsonConfig, ProbeLaw, StoppingRule, asymmetry, hutchinson_trace,
    norm_weights,
};
use polder_optim::{FiniteDifference, Point};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::matrix::{Integers, Matrix};

fn config(law: ProbeLaw, seed: u64, stopping: StoppingRule) -> HutchinsonConfig {
    HutchinsonConfig { law, seed, stopping }
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(4), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn random_signs_are_exact_on_diagonal_matrices(entries in vec(-1e6..1e6_f64, 1..40), seed in any::<u64>()) {
        let (mut hessian, like) = (Matrix::diagonal(&entries), vec![0.0; entries.len()]);
        let config = config(ProbeLaw::Rademacher, seed, StoppingRule::default());
        let trace = hutchinson_trace(&mut hessian, &like, config).unwrap();
        prop_assert_eq!(trace.mean, entries.iter().sum::<f64>());
        prop_assert_eq!((trace.standard_error, trace.half_width(), trace.num_samples), (0.0, 0.0, 16));
    }

    #[test]
    fn symmetric_matrices_are_symmetric_from_both_sides(seed in any::<u64>(), n in 1..30_usize) {
        let mut hessian = Matrix::dense(&mut Integers(seed), n);
        prop_assert!(asymmetry(&mut hessian, &vec![0.0; n], seed).unwrap() < 1e-14 * n as f64);
    }

    #[test]
    fn the_weighted_trace_does_not_see_the_scale_of_a_group(seed in any::<u64>(), scale in 0.1..10.0_f64) {
        // f(c w) as a function of w has the Hessian c^2 H(c w) on the group: a rescaled network of the same function.
        let matrix = Matrix::dense(&mut Integers(seed), 9);
        let factor = |i: usize| if i < 4 { scale } else { 1.0 };
        let scaled = Matrix::from_entries(9, |i, j| matrix.rows[i][j] * factor(i) * factor(j));
        let mut draw = Integers(seed ^ 1);
        let weights: Vec<f64> = (0..9).map(|_| draw.next_entry() + 5.0).collect();
        let shrunk: Vec<f64> = weights.iter().enumerate().map(|(i, w)| w / factor(i)).collect();
        let groups = [0..4, 5..9];
        let measure = |mut hessian: Matrix, parameters: &Vec<f64>| {
            let config = config(ProbeLaw::Rademacher, 7, StoppingRule::exactly(20));
            let weights = norm_weights(parameters, &groups).unwrap();
            let mut trace = Hutchinson::new(parameters, config).unwrap().with_weights(weights).unwrap();
            trace.run(&mut hessian).unwrap();
            trace.state().weighted.estimate(config.stopping.confidence)
        };
        // The block of the first group is compared through the expectation: off-diagonal blocks scale differently.
        let exact: f64 = groups.iter().map(|group| {
            let norm: f64 = group.clone().map(|i| weights[i] * weights[i]).sum();
            norm * group.clone().map(|i| matrix.rows[i][i]).sum::<f64>()
        }).sum();
        for estimate in [measure(matrix.clone(), &weights), measure(scaled, &shrunk)] {
            prop_assert!((estimate.mean - exact).abs() < 6.0 * estimate.standard_error, "{estimate:?} {exact}");
        }
    }
}

#[test]
fn the_interval_covers_as_often_as_it_says() {
    let mut hessian = Matrix::dense(&mut Integers(11), 30);
    let (trace, like) = (hessian.trace(), vec![0.0; 30]);
    let num_repeats = 400;
    for law in [ProbeLaw::Rademacher, ProbeLaw::Normal] {
        let covered = (0..num_repeats)
            .filter(|seed| {
                let estimate =
                    hutchinson_trace(&mut hessian, &like, config(law, *seed, StoppingRule::exactly(20)))
                        .unwrap();
                estimate.lower <= trace && trace <= estimate.upper
            })
            .count();
        // Three standard deviations of the binomial law with 400 repeats at 95 %.
        let deviation = (400.0 * 0.95 * 0.05_f64).sqrt();
        assert!((covered as f64 - 380.0).abs() < 3.0 * deviation, "{law:?}: {covered} of 400");
    }
}

#[test]
fn an_interval_that_stops_the_sampling_loses_little_coverage() {
    // Positive definite, so that the trace is far from 0: 2 % of it take a few hundred probes.
    let dense = Matrix::dense(&mut Integers(5), 30);
    let mut hessian = Matrix::from_entries(30, |i, j| dense.rows[i][j] + if i == j { 12.0 } else { 0.0 });
    let (trace, like) = (hessian.trace(), vec![0.0; 30]);
    let rule = StoppingRule { relative_half_width: 0.04, ..StoppingRule::default() };
    let (mut covered, mut num_probes) = (0, 0);
    for seed in 0..400 {
        let estimate =
            hutchinson_trace(&mut hessian, &like, config(ProbeLaw::Rademacher, seed, rule)).unwrap();
        assert!(estimate.half_width() <= 0.04 * estimate.mean || estimate.num_samples == 1000);
        covered += u32::from(estimate.lower <= trace && trace <= estimate.upper);
        num_probes += estimate.num_samples;
    }
    println!("{covered} of 400 cover, {} probes on average", num_probes / 400);
    assert!(covered >= 360, "{covered} of 400");
}

#[test]
fn a_measurement_that_stops_and_continues_gives_the_same_bytes() {
    let mut hessian = Matrix::dense(&mut Integers(3), 12);
    let parameters: Vec<f64> = (0..12).map(f64::from).collect();
    let config = config(ProbeLaw::Normal, 9, StoppingRule::exactly(30));
    let begin = || {
        let weights = norm_weights(&parameters, &[0..5, 7..9]).unwrap();
        Hutchinson::new(&parameters, config).unwrap().with_weights(weights).unwrap()
    };
    let mut whole = begin();
    whole.run(&mut hessian).unwrap();
    let mut first = begin();
    for _ in 0..13 {
        first.step(&mut hessian).unwrap();
    }
    let stored = serde_json::to_string(&first.state()).unwrap();
    let mut second = begin();
    second.restore(serde_json::from_str(&stored).unwrap()).unwrap();
    second.run(&mut hessian).unwrap();
    assert_eq!(
        serde_json::to_string(&second.state()).unwrap(),
        serde_json::to_string(&whole.state()).unwrap()
    );
}

#[test]
fn gradients_alone_give_the_trace_of_a_quadratic() {
    let mut hessian = Matrix::dense(&mut Integers(8), 6);
    let parameters = vec![0.3; 6];
    let gradients = hessian.clone();
    let objective = |w: &Vec<f64>, at: Point, gradient: &mut Vec<f64>| {
        assert_eq!(at, Point::Perturbed);
        gradient.copy_from_slice(&gradients.times(w));
        Ok(())
    };
    let mut differences = HessianAt::new(FiniteDifference::new(objective, 1e-3).unwrap(), &parameters);
    let config = config(ProbeLaw::Rademacher, 1, StoppingRule::exactly(10));
    let found = hutchinson_trace(&mut differences, &parameters, config).unwrap();
    let expected = hutchinson_trace(&mut hessian, &parameters, config).unwrap();
    // Rounding of gradients of size 10 over a distance of 1e-3.
    assert!((found.mean - expected.mean).abs() < 1e-10 * 12.0, "{found:?} {expected:?}");
}
