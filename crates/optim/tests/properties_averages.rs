//! Laws of the averages, on random trajectories.

mod common;

use std::num::{NonZeroU64, NonZeroUsize};

use common::assert_close;
use common::strategies::{entries, fixed_cases};
use polder_optim::{AverageConfig, Averages};
use proptest::collection::vec;
use proptest::prelude::*;

fn config() -> impl Strategy<Value = AverageConfig> {
    let start = 0..20_u64;
    let every = (1..5_u64).prop_map(|every| NonZeroU64::new(every).unwrap());
    let length = (1..9_usize).prop_map(|length| NonZeroUsize::new(length).unwrap());
    prop_oneof![
        start.clone().prop_map(|start| AverageConfig::Tail { start }),
        (start.clone(), 0.0..=1.0_f64).prop_map(|(start, decay)| AverageConfig::Ema { start, decay }),
        (start.clone(), 0.0..=1.0_f64)
            .prop_map(|(start, decay)| AverageConfig::CorrectedEma { start, decay }),
        (start.clone(), every.clone()).prop_map(|(start, every)| AverageConfig::Swa { start, every }),
        (start, every, length).prop_map(|(start, every, length)| AverageConfig::Window {
            start,
            every,
            length
        }),
    ]
}

fn named(configs: &[AverageConfig]) -> Averages<Vec<f64>> {
    Averages::new(configs.iter().enumerate().map(|(i, config)| (format!("average-{i}"), *config)).collect())
        .unwrap()
}

/// The average by its definition, from all iterates at once.
fn by_definition(config: AverageConfig, iterates: &[Vec<f64>]) -> Option<Vec<f64>> {
    let tail = |start: u64, every: u64| -> Vec<&Vec<f64>> {
        iterates.iter().skip(start as usize).step_by(every as usize).collect()
    };
    let (chosen, weights): (Vec<&Vec<f64>>, Vec<f64>) = match config {
        AverageConfig::Tail { start } => {
            let chosen = tail(start, 1);
            let weights = vec![1.0; chosen.len()];
            (chosen, weights)
        }
        AverageConfig::Swa { start, every } => {
            let chosen = tail(start, every.get());
            let weights = vec![1.0; chosen.len()];
            (chosen, weights)
        }
        AverageConfig::Window { start, every, length } => {
            let chosen = tail(start, every.get());
            let chosen = chosen[chosen.len().saturating_sub(length.get())..].to_vec();
            let weights = vec![1.0; chosen.len()];
            (chosen, weights)
        }
        AverageConfig::CorrectedEma { start, decay } => {
            let chosen = tail(start, 1);
            let weights = (0..chosen.len()).rev().map(|age| decay.powi(age as i32)).collect();
            (chosen, weights)
        }
        AverageConfig::Ema { start, decay } => {
            let chosen = tail(start, 1);
            let weight = |age: usize| {
                let own = if age + 1 == chosen.len() { 1.0 } else { 1.0 - decay };
                own * decay.powi(age as i32)
            };
            let weights = (0..chosen.len()).rev().map(weight).collect();
            (chosen, weights)
        }
    };
    let total: f64 = weights.iter().sum();
    let mean = |i: usize| chosen.iter().zip(&weights).map(|(x, weight)| weight * x[i]).sum::<f64>() / total;
    (!chosen.is_empty()).then(|| (0..6).map(mean).collect())
}

proptest! {
    #![proptest_config(fixed_cases())]

    #[test]
    fn every_average_is_at_every_step_what_its_definition_says(
        configs in vec(config(), 1..5),
        iterates in vec(entries(), 1..80),
    ) {
        let mut averages = named(&configs);
        for step in 0..iterates.len() {
            averages.update(step as u64, &iterates[step]);
            for (i, &config) in configs.iter().enumerate() {
                let name = format!("average-{i}");
                if let Some(expected) = by_definition(config, &iterates[..=step]) {
                    assert_close(averages.get(&name).unwrap(), &expected, &format!("{config:?}"));
                } else {
                    prop_assert_eq!(averages.get(&name), None);
                }
            }
        }
    }

    #[test]
    fn the_average_of_a_constant_is_that_constant(
        configs in vec(config(), 1..5),
        constant in entries(),
        num_steps in 1..200_u64,
    ) {
        let mut averages = named(&configs);
        for step in 0..num_steps {
            averages.update(step, &constant);
        }
        for (name, average) in averages.iter() {
            prop_assert_eq!(average, &constant, "{}", name);
        }
    }

    #[test]
    fn averages_with_several_starts_do_not_see_each_other(
        iterates in vec(entries(), 20..60),
        starts in vec(0..20_u64, 1..6),
    ) {
        let configs: Vec<AverageConfig> = starts.iter().map(|&start| AverageConfig::Tail { start }).collect();
        let mut together = named(&configs);
        let mut alone: Vec<_> = configs.iter().map(|&config| named(&[config])).collect();
        for (step, iterate) in iterates.iter().enumerate() {
            together.update(step as u64, iterate);
            for average in &mut alone {
                average.update(step as u64, iterate);
            }
        }
        for (i, alone) in alone.iter().enumerate() {
            prop_assert_eq!(together.get(&format!("average-{i}")), alone.get("average-0"));
        }
    }

    #[test]
    fn a_window_longer_than_the_run_is_the_tail_average(iterates in vec(entries(), 1..40), start in 0..10_u64) {
        let (every, length) = (NonZeroU64::MIN, NonZeroUsize::new(40).unwrap());
        let mut averages = named(&[AverageConfig::Tail { start }, AverageConfig::Window { start, every, length }]);
        for (step, iterate) in iterates.iter().enumerate() {
            averages.update(step as u64, iterate);
            prop_assert_eq!(averages.get("average-0"), averages.get("average-1"));
        }
    }
}
