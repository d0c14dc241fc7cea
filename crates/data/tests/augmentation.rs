//! Fast augmentation against obvious code, and the laws of its random choices.

use std::collections::BTreeMap;

use polder_data::{
    AugmentParams, Augmentation, Augmenter, Border, Crop, Cutout, Element, Flip, ImageShape, Layout,
    Normalization, Order, Region, Translate, bf16, epoch_order,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// What an output pixel shows.
#[derive(Clone, Copy)]
enum Shown {
    Byte(u8),
    Mean,
}

/// The augmented image in NCHW order, every pixel by itself.
fn naive(
    augmentation: &Augmentation,
    choices: &AugmentParams,
    shape: ImageShape,
    pixels: &[u8],
) -> Vec<Shown> {
    let ImageShape { channels, height, width } = shape;
    let crop = augmentation.crop.unwrap_or(Crop { padding: 0, border: Border::Zero });
    let (height, width) = (height as i64, width as i64);
    let inside = |y: i64, x: i64| (0..height).contains(&y) && (0..width).contains(&x);
    let reflected = |position: i64, length: i64| {
        if position < 0 {
            -position
        } else if position >= length {
            2 * (length - 1) - position
        } else {
            position
        }
    };
    let mut output = Vec::new();
    for channel in 0..channels as i64 {
        let original = |y: i64, x: i64| pixels[((channel * height + y) * width + x) as usize];
        let padded = |y: i64, x: i64| match crop.border {
            Border::Zero => {
                if inside(y, x) {
                    original(y, x)
                } else {
                    0
                }
            }
            Border::Reflect => original(reflected(y, height), reflected(x, width)),
        };
        let cropped = |row: i64, column: i64| {
            let padding = crop.padding as i64;
            padded(row + choices.corner.0 as i64 - padding, column + choices.corner.1 as i64 - padding)
        };
        let translated = |row: i64, column: i64| {
            let (y, x) = (row - choices.translate.0 as i64, column - choices.translate.1 as i64);
            if inside(y, x) { cropped(y, x) } else { 0 }
        };
        for row in 0..height {
            for column in 0..width {
                let byte = translated(row, if choices.flip { width - 1 - column } else { column });
                let cut = choices.cutout.as_ref().is_some_and(|region| {
                    region.rows.contains(&(row as usize)) && region.columns.contains(&(column as usize))
                });
                output.push(if cut { Shown::Mean } else { Shown::Byte(byte) });
            }
        }
    }
    output
}

/// The same values with the channels of a pixel side by side.
fn channels_last<T: Copy>(shape: ImageShape, planar: &[T]) -> Vec<T> {
    let plane = shape.height * shape.width;
    (0..plane)
        .flat_map(|pixel| (0..shape.channels).map(move |channel| planar[channel * plane + pixel]))
        .collect()
}

fn any_shape() -> impl Strategy<Value = ImageShape> {
    (1_usize..=3, 1_usize..=34, prop_oneof![Just(32_usize), 1_usize..=40])
        .prop_map(|(channels, height, width)| ImageShape { channels, height, width })
}

fn any_augmentation() -> impl Strategy<Value = Augmentation> {
    let border = prop_oneof![Just(Border::Zero), Just(Border::Reflect)];
    let crop =
        proptest::option::of((0_usize..=5, border).prop_map(|(padding, border)| Crop { padding, border }));
    let translate = proptest::option::of((0_usize..=5).prop_map(|max| Translate { max }));
    let flip = proptest::option::of(prop_oneof![
        (0.0..=1.0).prop_map(|probability| Flip::Random { probability }),
        Just(Flip::Alternating),
    ]);
    let cutout = proptest::option::of(
        (1_usize..=40, 0.0..=1.0).prop_map(|(size, probability)| Cutout { size, probability }),
    );
    (crop, translate, flip, cutout).prop_map(|(crop, translate, flip, cutout)| Augmentation {
        crop,
        translate,
        flip,
        cutout,
        normalization: Normalization::CIFAR10,
    })
}

/// Asserts that the augmenter writes, in both layouts, what `expected` makes of the obvious image.
fn check<T: Element>(
    augmenter: &mut Augmenter,
    channels_last_augmenter: &mut Augmenter,
    shape: ImageShape,
    index: usize,
    pixels: &[u8],
    shown: &[Shown],
    expected: impl Fn(usize, Shown) -> T,
) -> Result<(), TestCaseError> {
    let plane = shape.height * shape.width;
    let expected: Vec<T> =
        shown.iter().enumerate().map(|(position, &shown)| expected(position / plane, shown)).collect();
    let mut output = vec![T::default(); shape.num_values()];
    augmenter.write(index, 0, pixels, &mut output).unwrap();
    prop_assert_eq!(&output, &expected);
    channels_last_augmenter.write(index, 0, pixels, &mut output).unwrap();
    prop_assert_eq!(output, channels_last(shape, &expected));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

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
        let shorter = shape.height.min(shape.width);
        prop_assume!(augmentation.crop.is_none_or(|crop| crop.padding < shorter));
        prop_assume!(augmentation.translate.is_none_or(|translate| translate.max <= shorter));
        let normalization = augmentation.normalization;
        let mut nchw = Augmenter::new(augmentation, shape, seed, epoch).unwrap();
        let mut nhwc = nchw.clone().with_layout(Layout::Nhwc);
        for index in indices {
            let shown = naive(&augmentation, &nchw.choices(index), shape, &pixels);
            let normalized = |channel, shown| match shown {
                Shown::Byte(byte) => normalization.normalize(channel, byte),
                Shown::Mean => 0.0,
            };
            check::<f32>(&mut nchw, &mut nhwc, shape, index, &pixels, &shown, normalized)?;
            check::<bf16>(&mut nchw, &mut nhwc, shape, index, &pixels, &shown, |channel, shown| {
                bf16::from_f32(normalized(channel, shown))
            })?;
            check::<u8>(&mut nchw, &mut nhwc, shape, index, &pixels, &shown, |channel, shown| match shown {
                Shown::Byte(byte) => byte,
                Shown::Mean => (normalization.mean[channel] * 255.0).round() as u8,
            })?;
        }
    }

    #[test]
    fn choices_depend_on_seed_epoch_and_sample_and_on_nothing_before(
        seed: u64, epoch: u64, index in 0_usize..1_000_000, before in vec(0_usize..1_000_000, 0..4),
    ) {
        let papers = Augmentation::crop_flip_cutout(Normalization::CIFAR10);
        let fresh = Augmenter::new(papers, ImageShape::CIFAR, seed, epoch).unwrap();
        let used = Augmenter::new(papers, ImageShape::CIFAR, seed, epoch).unwrap();
        for other in before {
            used.choices(other);
        }
        let choices = fresh.choices(index);
        prop_assert_eq!(&used.choices(index), &choices);
        let without_cutout = Augmentation { cutout: None, ..papers };
        let without = Augmenter::new(without_cutout, ImageShape::CIFAR, seed, epoch).unwrap();
        prop_assert_eq!(without.choices(index), AugmentParams { cutout: None, ..choices });
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
    let papers = Augmentation::crop_flip_cutout(Normalization::CIFAR10);
    let augmenter = Augmenter::new(papers, ImageShape::CIFAR, 1, 2).unwrap();
    let (mut corners, mut flips) = (BTreeMap::<_, u32>::new(), 0);
    let mut regions = [BTreeMap::<_, u32>::new(), BTreeMap::new()];
    for index in 0..SAMPLES {
        let AugmentParams { corner, flip, cutout, .. } = augmenter.choices(index);
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
    augmenter.write(9, 0, &[255; 3072], &mut output).unwrap();
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
    let crop = Augmentation {
        crop: Some(Crop { padding: 32, border: Border::Zero }),
        ..Augmentation::none(Normalization::CIFAR10)
    };
    let mut augmenter = Augmenter::new(crop, ImageShape::CIFAR, 0, 0).unwrap();
    let index = (0..100_000).find(|&index| augmenter.choices(index).corner == (0, 0)).unwrap();
    let mut output = vec![f32::NAN; 3072];
    augmenter.write(index, 0, &[255; 3072], &mut output).unwrap();
    assert!(output[..1024].iter().all(|&value| value == Normalization::CIFAR10.normalize(0, 0)));
}

#[test]
fn alternating_flips_show_every_image_both_ways_in_two_epochs() {
    let airbench = Augmentation::airbench(Normalization::CIFAR10);
    let flips = |epoch| -> Vec<bool> {
        let augmenter = Augmenter::new(airbench, ImageShape::CIFAR, 3, epoch).unwrap();
        (0..4000).map(|index| augmenter.choices(index).flip).collect()
    };
    let even = flips(0);
    let odd: Vec<bool> = even.iter().map(|flip| !flip).collect();
    assert!(flips(1) == odd && flips(2) == even && flips(7) == odd);
    // 2000 expected with standard deviation 32.
    let mirrored = even.iter().filter(|&&flip| flip).count();
    assert!(mirrored.abs_diff(2000) < 160, "{mirrored}");
}

#[test]
fn moves_reach_both_ends_of_their_range() {
    let moving =
        Augmentation { translate: Some(Translate { max: 2 }), ..Augmentation::none(Normalization::UNIT) };
    let augmenter = Augmenter::new(moving, ImageShape::CIFAR, 0, 0).unwrap();
    let mut counts = BTreeMap::<_, u32>::new();
    for index in 0..10_000 {
        *counts.entry(augmenter.choices(index).translate).or_default() += 1;
    }
    assert_eq!(counts.keys().next(), Some(&(-2, -2)));
    assert_eq!(counts.keys().next_back(), Some(&(2, 2)));
    // 400 expected with standard deviation 20.
    assert!(counts.len() == 25 && counts.values().all(|&count| count.abs_diff(400) < 100), "{counts:?}");
}

#[test]
fn choices_outside_the_augmentation_are_refused() {
    let mut augmenter =
        Augmenter::new(Augmentation::crop_flip_cutout(Normalization::UNIT), ImageShape::CIFAR, 0, 0).unwrap();
    let (pixels, mut output) = (vec![0; 3072], vec![0_u8; 3072]);
    for choices in [
        AugmentParams { corner: (9, 0), ..AugmentParams::default() },
        AugmentParams { translate: (0, -1), ..AugmentParams::default() },
        AugmentParams { cutout: Some(Region { rows: 0..33, columns: 0..1 }), ..AugmentParams::default() },
    ] {
        let error = augmenter.write_chosen(&choices, &pixels, &mut output).unwrap_err().to_string();
        assert!(error.starts_with("choices is"), "{error}");
    }
    let error =
        augmenter.write_chosen(&AugmentParams::default(), &pixels[1..], &mut output).unwrap_err().to_string();
    assert!(error.contains("3071 pixel bytes"), "{error}");
}
