//! Generated images: the same everywhere, learnable, not trivial.

use polder_data::{DataError, Dataset, Generated, GeneratedConfig, ImageShape, Normalization, Split};

fn generate(config: GeneratedConfig) -> Generated {
    Generated::new(config).unwrap()
}

#[test]
fn images_are_a_function_of_the_configuration() {
    let config = GeneratedConfig { num_images: 50, ..GeneratedConfig::default() };
    let (once, twice) = (generate(config), generate(config));
    let test = generate(GeneratedConfig { split: Split::Test, ..config });
    let other = generate(GeneratedConfig { seed: 1, ..config });
    let longer = generate(GeneratedConfig { num_images: 60, ..config });
    for index in 0..50 {
        assert_eq!(once.pixels(index), twice.pixels(index));
        assert_eq!(once.pixels(index), longer.pixels(index));
        assert_ne!(once.pixels(index), test.pixels(index));
        assert_ne!(once.pixels(index), other.pixels(index));
        assert_eq!(once.label(index), index % 10);
    }
}

/// Fraction of test images whose nearest class mean of the training images, in squared distance, is their class.
fn nearest_mean_accuracy(config: GeneratedConfig) -> f64 {
    let train = generate(GeneratedConfig { split: Split::Train, ..config });
    let test = generate(GeneratedConfig { split: Split::Test, ..config });
    let mut means = vec![vec![0.0_f64; train.shape().num_values()]; train.num_classes()];
    for index in 0..train.len() {
        let share = train.num_classes() as f64 / train.len() as f64;
        for (mean, &pixel) in means[train.label(index)].iter_mut().zip(train.pixels(index)) {
            *mean += share * f64::from(pixel);
        }
    }
    let correct = (0..test.len()).filter(|&index| {
        let distance = |mean: &Vec<f64>| -> f64 {
            mean.iter().zip(test.pixels(index)).map(|(mean, &pixel)| (mean - f64::from(pixel)).powi(2)).sum()
        };
        let nearest = (0..means.len()).min_by(|&a, &b| distance(&means[a]).total_cmp(&distance(&means[b])));
        nearest == Some(test.label(index))
    });
    correct.count() as f64 / test.len() as f64
}

#[test]
fn classes_can_be_told_apart_but_not_by_their_means_alone() {
    let accuracy = nearest_mean_accuracy(GeneratedConfig::default());
    assert!((0.5..0.97).contains(&accuracy), "{accuracy}");
}

#[test]
fn the_default_normalization_fits_the_default_images() {
    let images = generate(GeneratedConfig::default());
    for channel in 0..3 {
        let values: Vec<f64> = (0..images.len())
            .flat_map(|index| images.pixels(index)[channel * 1024..][..1024].to_vec())
            .map(|byte| f64::from(Normalization::GENERATED.normalize(channel, byte)))
            .collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let std =
            (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt();
        assert!(mean.abs() < 0.3 && (0.7..1.4).contains(&std), "channel {channel}: mean {mean}, std {std}");
    }
}

#[test]
fn small_gray_images_can_be_made_too() {
    let shape = ImageShape { channels: 1, height: 8, width: 6 };
    let images = generate(GeneratedConfig { num_classes: 2, shape, ..GeneratedConfig::default() });
    assert_eq!((images.pixels(999).len(), images.num_classes(), images.label(999)), (48, 2, 1));
}

#[test]
fn configurations_out_of_range_are_refused() {
    let default = GeneratedConfig::default();
    let cases = [
        GeneratedConfig { num_images: 0, ..default },
        GeneratedConfig { num_classes: 1, ..default },
        GeneratedConfig { shape: ImageShape { channels: 4, height: 8, width: 8 }, ..default },
    ];
    for config in cases {
        assert!(matches!(Generated::new(config), Err(DataError::Config { .. })), "{config:?}");
    }
}
