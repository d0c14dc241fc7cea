//! Laws of clipping, of several Euler steps, of the gradient penalty and of Hessian-vector products, on random points and settings.

mod common;

use std::num::NonZeroU64;

use common::strategies::{AnyConfig, bits, end_of, entries, fixed_cases, run, sgd_config};
use common::{CoupledQuartic, START, assert_close, objective};
use polder_optim::{
    EulerSteps, EulerStepsConfig, FiniteDifference, GradientPenalty, GradientPenaltyConfig, HessianVector,
    Optimizer, Point, Sgd, SgdConfig, Vector, clip_norm,
};
use proptest::prelude::*;

fn penalty(lambda: f64, base: SgdConfig) -> GradientPenalty<Vec<f64>> {
    GradientPenalty::new(GradientPenaltyConfig { lambda, base }).unwrap()
}

fn euler(n: u64, base: SgdConfig) -> AnyConfig {
    AnyConfig::EulerSteps(EulerStepsConfig { per_minibatch: NonZeroU64::new(n).unwrap(), base })
}

/// `C + lambda / 4 * |grad C|^2`.
fn penalised_loss(w: &[f64], lambda: f64) -> f64 {
    let mut gradient = vec![0.0; 6];
    let loss = objective(&w.to_vec(), Point::Iterate, &mut gradient).unwrap();
    loss + lambda / 4.0 * gradient.dot(&gradient)
}

proptest! {
    #![proptest_config(fixed_cases())]

    #[test]
    fn clipping_leaves_small_gradients_bit_equal_and_shortens_others(gradient in entries(), max_norm in 0.01..10.0_f64) {
        let mut clipped = gradient.clone();
        let norm = clip_norm(&mut clipped, max_norm);
        prop_assert_eq!(norm, gradient.norm());
        if norm + 1e-6 <= max_norm {
            prop_assert_eq!(bits(&clipped), bits(&gradient));
        } else {
            prop_assert!(clipped.norm() <= max_norm && clipped.norm() > max_norm * (1.0 - 1e-3));
            prop_assert!((clipped.dot(&gradient) - clipped.norm() * norm).abs() < 1e-9);
        }
    }

    #[test]
    fn a_run_whose_gradients_are_small_does_not_see_clipping(config in sgd_config(), start in entries()) {
        let without = SgdConfig { clip_norm: None, ..config };
        let with = SgdConfig { clip_norm: Some(1e6), ..without.clone() };
        let (without, with) = (AnyConfig::Sgd(without), AnyConfig::Sgd(with));
        prop_assert_eq!(bits(&end_of(&without, &start, 10)), bits(&end_of(&with, &start, 10)));
    }

    #[test]
    fn one_euler_step_per_minibatch_is_bit_equal_to_sgd(base in sgd_config(), start in entries()) {
        let sgd = end_of(&AnyConfig::Sgd(base.clone()), &start, 20);
        prop_assert_eq!(bits(&end_of(&euler(1, base), &start, 20)), bits(&sgd));
    }

    #[test]
    fn euler_steps_on_one_minibatch_are_sgd_steps_on_it(base in sgd_config(), start in entries(), n in 1..6_u64) {
        let AnyConfig::EulerSteps(config) = euler(n, base.clone()) else { unreachable!() };
        let mut euler = EulerSteps::new(config).unwrap();
        let mut sgd = Sgd::new(base).unwrap();
        let (mut with, mut by_hand) = (start.clone(), start);
        for minibatch in 0..5 {
            let shift = f64::from(minibatch);
            let mut noisy = |w: &Vec<f64>, at: Point, gradient: &mut Vec<f64>| {
                let loss = objective(w, at, gradient)?;
                gradient[0] += shift;
                Ok(loss)
            };
            euler.step(&mut noisy, &mut with, &mut vec![0.0; 6], 0.01).unwrap();
            for _ in 0..n {
                sgd.step(&mut noisy, &mut by_hand, &mut vec![0.0; 6], 0.01).unwrap();
            }
        }
        prop_assert_eq!(bits(&with), bits(&by_hand));
        prop_assert_eq!((euler.num_steps(), euler.base().num_steps()), (5, 5 * n));
    }

    #[test]
    fn a_penalty_of_zero_is_bit_equal_to_the_base(base in sgd_config(), start in entries()) {
        let mut penalised = start.clone();
        run(&mut penalty(0.0, base.clone()), &mut penalised, 20);
        prop_assert_eq!(bits(&penalised), bits(&end_of(&AnyConfig::Sgd(base), &start, 20)));
    }

    /// The factor in front of `H g` is half of lambda, as the derivative of the loss with a quarter of it in front of `|g|^2` says.
    #[test]
    fn a_penalised_step_descends_along_the_gradient_of_the_penalised_loss(lambda in 0.0..0.5_f64, start in entries()) {
        let mut iterate = start.clone();
        let learning_rate = 1e-3;
        let mut optimizer = penalty(lambda, SgdConfig::default());
        optimizer
            .step(&mut CoupledQuartic::default(), &mut iterate, &mut vec![0.0; 6], learning_rate)
            .unwrap();
        for i in 0..6 {
            let (mut ahead, mut behind) = (start.clone(), start.clone());
            ahead[i] += 1e-5;
            behind[i] -= 1e-5;
            let slope = (penalised_loss(&ahead, lambda) - penalised_loss(&behind, lambda)) / 2e-5;
            let found = (start[i] - iterate[i]) / learning_rate;
            // Differences of a loss of up to 1e3 over 2e-5, with an error of the method of 1e-10 times its third derivative.
            prop_assert!((found - slope).abs() < 1e-4 * (1.0 + slope.abs()), "found {}, expected {}", found, slope);
        }
    }

    #[test]
    fn differences_of_gradients_agree_with_the_exact_product(w in entries(), (u, v) in (entries(), entries())) {
        let mut exact = vec![0.0; 6];
        CoupledQuartic::default().hessian_vector_product(&w, &v, &mut exact).unwrap();
        let mut differences = FiniteDifference::new(objective, 1e-5).unwrap();
        let (mut product, mut other) = (vec![0.0; 6], vec![0.0; 6]);
        differences.hessian_vector_product(&w, &v, &mut product).unwrap();
        for (found, expected) in product.iter().zip(&exact) {
            prop_assert!((found - expected).abs() < 1e-7 * (1.0 + expected.abs()), "{} {}", found, expected);
        }
        differences.hessian_vector_product(&w, &u, &mut other).unwrap();
        prop_assert!((u.dot(&product) - v.dot(&other)).abs() < 1e-6);
    }

    #[test]
    fn a_penalty_by_differences_follows_the_exact_one(lambda in 0.0..0.1_f64, start in entries()) {
        let mut differences = FiniteDifference::new(objective, 1e-5).unwrap();
        let mut optimizer = penalty(lambda, SgdConfig::default());
        let (mut found, mut exact) = (start.clone(), start);
        for _ in 0..10 {
            optimizer.step(&mut differences, &mut found, &mut vec![0.0; 6], 0.01).unwrap();
        }
        run(&mut penalty(lambda, SgdConfig::default()), &mut exact, 10);
        for (found, exact) in found.iter().zip(&exact) {
            prop_assert!((found - exact).abs() < 1e-7, "{} {}", found, exact);
        }
    }
}

#[test]
fn a_vector_of_zeros_has_a_product_of_zeros() {
    let mut product = vec![f64::NAN; 6];
    let mut differences = FiniteDifference::new(objective, 1e-5).unwrap();
    differences.hessian_vector_product(&START.to_vec(), &vec![0.0; 6], &mut product).unwrap();
    assert_close(&product, &[0.0; 6], "product");
    assert!(FiniteDifference::<_, Vec<f64>>::new(objective, 0.0).is_err());
}
