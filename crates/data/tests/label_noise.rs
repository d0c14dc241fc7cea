//! Wrong labels, held-out images and subsets: functions of their seeds.

use std::sync::Arc;

use polder_data::{
    Balance, DataError, Dataset, Generated, GeneratedConfig, ImageShape, LabelNoise, Subset, split_validation,
};
use proptest::prelude::*;

/// `num_images` small images, labels going round the classes.
fn images(num_images: usize, num_classes: usize) -> Arc<Generated> {
    let shape = ImageShape { channels: 1, height: 4, width: 4 };
    let config = GeneratedConfig { num_images, num_classes, shape, ..GeneratedConfig::default() };
    Arc::new(Generated::new(config).unwrap())
}

fn labels(dataset: &impl Dataset) -> Vec<usize> {
    (0..dataset.len()).map(|index| dataset.label(index)).collect()
}

#[test]
fn the_share_of_wrong_labels_is_the_fraction_and_wrong_ones_are_uniform() {
    let clean = images(20_000, 10);
    for fraction in [0.0, 0.2, 0.5, 1.0] {
        let noisy = LabelNoise::new(Arc::clone(&clean), fraction, 1).unwrap();
        let share = noisy.num_wrong() as f64 / 20_000.0;
        // Four standard deviations of a share of 20,000 independent draws.
        let bound = 4.0 * (fraction * (1.0 - fraction) / 20_000.0_f64).sqrt();
        assert!((share - fraction).abs() <= bound, "{fraction}: {share}");
        let mut steps = [0_usize; 10];
        for index in 0..20_000 {
            steps[(noisy.label(index) + 10 - clean.label(index)) % 10] += 1;
        }
        let each = noisy.num_wrong() as f64 / 9.0;
        for count in &steps[1..] {
            assert!((*count as f64 - each).abs() <= 5.0 * each.sqrt(), "{fraction}: {steps:?}");
        }
    }
}

#[test]
fn noise_is_a_function_of_seed_and_index_and_grows_with_the_fraction() {
    let long = images(500, 10);
    let noisy = |dataset, fraction, seed| labels(&LabelNoise::new(dataset, fraction, seed).unwrap());
    let half = noisy(Arc::clone(&long), 0.5, 7);
    assert_eq!(half, noisy(Arc::clone(&long), 0.5, 7));
    assert_ne!(half, noisy(Arc::clone(&long), 0.5, 8));
    assert_eq!(half[..100], noisy(images(100, 10), 0.5, 7));
    let fifth = noisy(Arc::clone(&long), 0.2, 7);
    for (index, label) in fifth.into_iter().enumerate().filter(|(index, label)| long.label(*index) != *label)
    {
        assert_eq!(half[index], label);
    }
}

#[test]
fn pixels_are_left_alone_and_bad_requests_are_refused() {
    let clean = images(20, 2);
    let noisy = LabelNoise::new(Arc::clone(&clean), 1.0, 0).unwrap();
    for index in 0..20 {
        assert_eq!(noisy.pixels(index), clean.pixels(index));
        assert_eq!(
            (noisy.label(index), noisy.clean_label(index)),
            (1 - clean.label(index), clean.label(index))
        );
    }
    for fraction in [-0.1, 1.1, f64::NAN] {
        assert!(matches!(LabelNoise::new(Arc::clone(&clean), fraction, 0), Err(DataError::Config { .. })));
    }
}

proptest! {
    #[test]
    fn a_split_has_every_image_once(
        num_images in 2_usize..300,
        num_classes in 2_usize..12,
        share in 0.0..1.0,
        balanced in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let dataset = images(num_images, num_classes);
        let num_validation = 1 + (share * (num_images - 2) as f64) as usize;
        let balance = if balanced { Balance::Classes } else { Balance::None };
        let (train, validation) = split_validation(Arc::clone(&dataset), num_validation, balance, seed).unwrap();
        prop_assert_eq!(validation.len(), num_validation);
        let mut all = [train.indices(), validation.indices()].concat();
        prop_assert!(train.indices().is_sorted() && validation.indices().is_sorted());
        all.sort_unstable();
        prop_assert_eq!(all, (0..num_images).collect::<Vec<_>>());
        if balanced {
            for class in 0..num_classes {
                let count = |labels: Vec<usize>| labels.into_iter().filter(|&label| label == class).count() as f64;
                let expected = count(labels(&*dataset)) * num_validation as f64 / num_images as f64;
                prop_assert!((count(labels(&validation)) - expected).abs() < 1.0);
            }
        }
        let (again, _) = split_validation(Arc::clone(&dataset), num_validation, balance, seed).unwrap();
        prop_assert_eq!(again.indices(), train.indices());
    }
}

#[test]
fn different_seeds_hold_out_different_images_and_both_parts_need_one() {
    let dataset: Arc<dyn Dataset> = images(200, 10);
    let held_out = |seed| {
        split_validation(Arc::clone(&dataset), 50, Balance::Classes, seed).unwrap().1.indices().to_vec()
    };
    assert_ne!(held_out(0), held_out(1));
    for num_validation in [0, 200, 201] {
        assert!(matches!(
            split_validation(Arc::clone(&dataset), num_validation, Balance::None, 0),
            Err(DataError::Config { .. })
        ));
    }
}

#[test]
fn a_subset_is_its_indices() {
    let dataset = images(30, 10);
    let subset = Subset::new(Arc::clone(&dataset), vec![29, 3, 3]).unwrap();
    assert_eq!((subset.len(), subset.num_classes(), subset.shape()), (3, 10, dataset.shape()));
    assert_eq!((subset.label(0), subset.label(1), subset.pixels(2)), (9, 3, dataset.pixels(3)));
    assert!(matches!(Subset::new(Arc::clone(&dataset), vec![30]), Err(DataError::Config { .. })));
    assert!(matches!(Subset::new(dataset, vec![]), Err(DataError::Config { .. })));
}
