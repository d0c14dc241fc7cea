//! A state that is stored as bytes and restored continues bit by bit, for every optimizer and every average.

mod common;

use polder_optim::VectorBytes as _;
use std::collections::BTreeMap;
use std::num::{NonZeroU64, NonZeroUsize};

use common::START;
use common::strategies::{any_config, bits, entries, fixed_cases, run};
use polder_optim::{AverageConfig, Averages, Resumable as _, SavedState, State};
use proptest::collection::vec;
use proptest::prelude::*;

/// What a checkpoint does: vectors to bytes, and from bytes into new vectors.
fn through_bytes(state: &State<'_, Vec<f64>>) -> SavedState<Vec<f64>> {
    let reread = |vector: &Vec<f64>| {
        let mut reread = vec![f64::NAN; 6];
        reread.copy_from_bytes(&vector.to_bytes()).unwrap();
        reread
    };
    let vectors: BTreeMap<_, _> =
        state.vectors.iter().map(|(name, vector)| (name.clone(), reread(vector))).collect();
    SavedState { vectors, counters: state.counters.clone() }
}

fn all_averages(start: u64) -> Averages<Vec<f64>> {
    let every = NonZeroU64::new(2).unwrap();
    let length = NonZeroUsize::new(3).unwrap();
    let configs = [
        ("tail", AverageConfig::Tail { start }),
        ("later", AverageConfig::Tail { start: 2 * start }),
        ("ema", AverageConfig::Ema { start, decay: 0.9 }),
        ("corrected", AverageConfig::CorrectedEma { start, decay: 0.9 }),
        ("swa", AverageConfig::Swa { start, every }),
        ("window", AverageConfig::Window { start, every: NonZeroU64::MIN, length }),
        ("sparse-window", AverageConfig::Window { start, every, length }),
    ];
    Averages::new(configs.map(|(name, config)| (name.to_owned(), config)).to_vec()).unwrap()
}

proptest! {
    #![proptest_config(fixed_cases())]

    #[test]
    fn a_restored_optimizer_continues_bit_by_bit(config in any_config(), before in 0..10_usize, after in 1..10_usize) {
        let (mut optimizer, mut whole) = (config.build(), START.to_vec());
        run(&mut optimizer, &mut whole, before + after);

        let (mut stored, mut parts) = (config.build(), START.to_vec());
        run(&mut stored, &mut parts, before);
        let mut continued = config.build();
        continued.restore(through_bytes(&stored.state())).unwrap();
        run(&mut continued, &mut parts, after);
        prop_assert_eq!(bits(&whole), bits(&parts));
        prop_assert_eq!(continued.state().save(), optimizer.state().save());
    }

    #[test]
    fn restored_averages_continue_bit_by_bit(iterates in vec(entries(), 1..40), cut in 0.0..1.0_f64, start in 0..20_u64) {
        let cut = (cut * iterates.len() as f64) as usize;
        let (mut whole, mut stored, mut continued) = (all_averages(start), all_averages(start), all_averages(start));
        for (step, iterate) in iterates.iter().enumerate() {
            whole.update(step as u64, iterate);
            if step < cut {
                stored.update(step as u64, iterate);
            }
        }
        continued.restore(through_bytes(&stored.state())).unwrap();
        for (step, iterate) in iterates.iter().enumerate().skip(cut) {
            continued.update(step as u64, iterate);
        }
        prop_assert_eq!(whole.state().save(), continued.state().save());
    }
}

#[test]
fn averages_that_refuse_a_state_stay_as_they_were() {
    let (mut averages, mut other) = (all_averages(0), all_averages(0));
    for step in 0..4 {
        averages.update(step, &START.to_vec());
        other.update(step, &vec![0.0; 6]);
    }
    let before = averages.state().save();
    let mut incomplete = other.state().save();
    incomplete.vectors.remove("window.slot_1");
    let error = averages.restore(incomplete).unwrap_err().to_string();
    assert!(error.contains("\"window.slot_1\""), "{error}");
    let mut too_much = other.state().save();
    too_much.counters.insert("other.num_averaged".to_owned(), 3);
    assert!(averages.restore(too_much).is_err());
    assert_eq!(averages.state().save(), before);
}
