//! Fast augmentation against obvious code, and the laws of its random choices.

use std::collections::BTreeMap;

use polder_data::{
    Augmentation, Augmenter, Choices, Crop, Cutout, Flip, ImageShape, Normalization, Order, Region,
    epoch_order,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// The augmented image, every pixel by itself.
fn naive(augmentation: &Augmentation, choices: &Choices, shape: ImageShape, pixels: &[u8]) -> Vec<f32> {
    let ImageShape { channels, height, width } = shape;
    let padding = augmentation.crop.map_or(0, |crop| crop.padding) as i64;
    let mut output = Vec::new();
    for channel in 0..channels {
        for row in 0..height {
            for column in 0..width {
                let from = if choices.flip { width - 1 - column } else { column };
                let y = (row + choices.corner.0) as i64 - padding;
                let x = (from + choices.corner.1) as i64 - padding;
                let inside = (0..height as i64).contains(&y) && (0..width as i64).contains(&x);
                let byte =
                    if inside { pixels[(channel * height + y as usize) * width + x as usize] } else { 0 };
                let cut = choices
                    .cutout
                    .as_ref()
                    .is_some_and(|region| region.rows.contains(&row) && region.columns.contains(&column));
                output.push(if cut { 0.0 } else { augmentation.normalization.normalize(channel, byte) });
            }
        }
    }
    output
}

fn any_shape() -> impl Strategy<Value = ImageShape> {
    (1_usize..=3, 1_usize..=34, prop_oneof![Just(32_usize), 1_usize..=40])
        .prop_map(|(channels, height, width)| ImageShape { channels, height, width })
}

fn any_augmentation() -> impl Strategy<Value = Augmentation> {
    let crop = proptest::option::of((0_usize..=5).prop_map(|padding| Crop { padding }));
    let flip = proptest::option::of((0.0..=1.0).prop_map(|probability| Flip { probability }));
    let cutout = proptest::option::of(
        (1_usize..=40, 0.0..=1.0).prop_map(|(size, probability)| Cutout { size, probability }),
    );
    (crop, flip, cutout).prop_map(|(crop, flip, cutout)| Augmentation {
        crop,
        flip,
        cutout,
        normalization: Normalization::CIFAR10,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fast_augmentation_equals_obvious_code_bit_for_bit(
        (shape, pixels) in any_shape().prop_flat_map(|shape| {
            (Just(shape), vec(any::<u8>(), shape.num_values()))
        }),
        augmentation in any_augmentation(),
        seed: u64,
        epoch: u64,
        indices in vec(0_usize..1_000_000, 1..4),
    ) {
        let padding = augmentation.crop.map_or(0, |crop| crop.padding);
        prop_assume!(padding <= shape.height.min(shape.width));
        let mut augmenter = Augmenter::new(augmentation, shape, seed, epoch).unwrap();
        let mut output = vec![f32::NAN; shape.num_values()];
        for index in indices {
            let choices = augmenter.choices(index);
            augmenter.write(index, &pixels, &mut output).unwrap();
            prop_assert_eq!(&output, &naive(&augmentation, &choices, shape, &pixels));
        }
    }

    #[test]
    fn choices_depend_on_seed_epoch_and_sample_and_on_nothing_before(
        seed: u64, epoch: u64, index in 0_usize..1_000_000, before in vec(0_usize..1_000_000, 0..4),
    ) {
        let papers = Augmentation::papers(Normalization::CIFAR10);
        let mut fresh = Augmenter::new(papers, ImageShape::CIFAR, seed, epoch).unwrap();
        let mut used = Augmenter::new(papers, ImageShape::CIFAR, seed, epoch).unwrap();
        for other in before {
            used.choices(other);
        }
        let choices = fresh.choices(index);
        prop_assert_eq!(&used.choices(index), &choices);
        let without_cutout = Augmentation { cutout: None, ..papers };
        let mut without = Augmenter::new(without_cutout, ImageShape::CIFAR, seed, epoch).unwrap();
        prop_assert_eq!(without.choices(index), Choices { cutout: None, ..choices });
    }

    #[test]
    fn an_order_is_a_permutation(seed: u64, epoch: u64, num_images in 0_usize..500) {
        let mut order = epoch_order(Order::Shuffled, seed, epoch, num_images);
        order.sort_unstable();
        prop_assert_eq!(order, (0..num_images).collect::<Vec<_>>());
    }
}

#[test]
fn choices_of_the_papers_are_uniform_over_their_ranges() {
    const SAMPLES: usize = 40_000;
    let papers = Augmentation::papers(Normalization::CIFAR10);
    let mut augmenter = Augmenter::new(papers, ImageShape::CIFAR, 1, 2).unwrap();
    let (mut corners, mut flips) = (BTreeMap::<_, u32>::new(), 0);
    let mut regions = [BTreeMap::<_, u32>::new(), BTreeMap::new()];
    for index in 0..SAMPLES {
        let Choices { corner, flip, cutout } = augmenter.choices(index);
        *corners.entry(corner).or_default() += 1;
        flips += u32::from(flip);
        if let Some(Region { rows, columns }) = cutout {
            *regions[0].entry((rows.start, rows.end)).or_default() += 1;
            *regions[1].entry((columns.start, columns.end)).or_default() += 1;
        }
    }
    // Every bound is five standard deviations of the binomial count.
    assert_eq!(corners.len(), 81);
    assert!(corners.iter().all(|(_, &count)| count.abs_diff(494) < 111), "{corners:?}");
    assert!(flips.abs_diff(20_000) < 500, "{flips}");
    for regions in regions {
        // Corners -8..=23 of a side of 16, clipped to 0..32: all 32 are different.
        let mut expected: Vec<_> =
            (-8_i32..=23).map(|corner| (corner.max(0) as usize, (corner + 16).min(32) as usize)).collect();
        expected.sort_unstable();
        assert_eq!(regions.keys().copied().collect::<Vec<_>>(), expected);
        assert!(regions.values().all(|&count| count.abs_diff(625) < 124), "{regions:?}");
        assert!(regions.values().sum::<u32>().abs_diff(20_000) < 500);
    }
}

#[test]
fn cutout_writes_the_channel_mean_into_the_image() {
    let normalization = Normalization::CIFAR100;
    let always = Augmentation {
        cutout: Some(Cutout { size: 16, probability: 1.0 }),
        ..Augmentation::none(normalization)
    };
    let mut augmenter = Augmenter::new(always, ImageShape::CIFAR, 0, 0).unwrap();
    let Region { rows, columns } = augmenter.choices(9).cutout.unwrap();
    let mut output = vec![f32::NAN; 3072];
    augmenter.write(9, &[255; 3072], &mut output).unwrap();
    for channel in 0..3 {
        let value = output[channel * 1024 + rows.start * 32 + columns.start];
        assert_eq!(value, 0.0);
        assert_eq!(
            normalization.denormalize(channel, value),
            (normalization.mean[channel] * 255.0).round() as u8
        );
    }
    assert_eq!(output.iter().filter(|&&value| value == 0.0).count(), 3 * rows.len() * columns.len());
}

#[test]
fn a_padded_pixel_is_black_before_normalisation() {
    let crop =
        Augmentation { crop: Some(Crop { padding: 32 }), ..Augmentation::none(Normalization::CIFAR10) };
    let mut augmenter = Augmenter::new(crop, ImageShape::CIFAR, 0, 0).unwrap();
    let index = (0..100_000).find(|&index| augmenter.choices(index).corner == (0, 0)).unwrap();
    let mut output = vec![f32::NAN; 3072];
    augmenter.write(index, &[255; 3072], &mut output).unwrap();
    assert!(output[..1024].iter().all(|&value| value == Normalization::CIFAR10.normalize(0, 0)));
}
