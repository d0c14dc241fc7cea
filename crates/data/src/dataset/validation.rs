//! Training images held out to choose by.

use crate::random::{self, Purpose};
use crate::{DataError, Dataset, Subset};

/// Which images [`split_validation`] holds out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// Any, all sets of them equally likely.
    None,
    /// Of each class its share, to the nearest whole image; within a class any.
    Classes,
}

/// Parts `dataset` into training and validation images, `num_validation` of the latter; every image is in one of them.
///
/// `D` is cheap to clone: an [`Arc`](std::sync::Arc) of a data set. Which images are held out is a function of (seed, N, labels, balance). Both parts keep the order of `dataset`.
///
/// # Errors
/// [`DataError::Config`] unless both parts get at least one image.
pub fn split_validation<D: Dataset + Clone>(
    dataset: D,
    num_validation: usize,
    balance: Balance,
    seed: u64,
) -> Result<(Subset<D>, Subset<D>), DataError> {
    let num_images = dataset.len();
    if num_validation == 0 || num_validation >= num_images {
        return Err(DataError::Config {
            field: "number of validation images",
            found: num_validation.to_string(),
            expected: format!("1 to {} (one image must be left to train on)", num_images.saturating_sub(1)),
        });
    }
    // One shuffle for both: the first of it are held out, or of each class the first.
    let mut order: Vec<usize> = (0..num_images).collect();
    let mut rng = random::keyed(seed, Purpose::Validation, 0);
    for last in (1..num_images).rev() {
        order.swap(last, random::uniform(&mut rng, last as u32 + 1) as usize);
    }
    let mut quota = match balance {
        Balance::None => vec![num_validation],
        Balance::Classes => class_quota(&dataset, num_validation),
    };
    let mut held_out = vec![false; num_images];
    for index in order {
        let group = match balance {
            Balance::None => 0,
            Balance::Classes => dataset.label(index),
        };
        if quota[group] > 0 {
            quota[group] -= 1;
            held_out[index] = true;
        }
    }
    let (validation, training) = (0..num_images).partition(|&index| held_out[index]);
    Ok((Subset::new(dataset.clone(), training)?, Subset::new(dataset, validation)?))
}

/// The number of images to hold out of each class: `num_validation` times its share, rounded down, and one more for
/// the largest remainders until the sum is right.
fn class_quota(dataset: &impl Dataset, num_validation: usize) -> Vec<usize> {
    let num_images = dataset.len() as u128;
    let mut counts = vec![0_u128; dataset.num_classes()];
    for index in 0..dataset.len() {
        counts[dataset.label(index)] += 1;
    }
    let shares: Vec<u128> = counts.iter().map(|count| count * num_validation as u128).collect();
    let mut quota: Vec<usize> = shares.iter().map(|share| (share / num_images) as usize).collect();
    let mut by_remainder: Vec<usize> = (0..counts.len()).collect();
    by_remainder.sort_by_key(|&class| std::cmp::Reverse(shares[class] % num_images));
    let missing = num_validation - quota.iter().sum::<usize>();
    for class in by_remainder.into_iter().take(missing) {
        quota[class] += 1;
    }
    quota
}
