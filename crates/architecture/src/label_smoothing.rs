//! Label smoothing: targets that leave a share of the probability to classes other than the labelled one.
//!
//! Two conventions are in use under one name and differ by a factor K / (K - 1) in the share: 0.1 over the other
//! classes of CIFAR-10 is 0.111 over all of them.

use crate::error::ArchitectureError;

/// How much of the target's probability is spread, and over which of the K classes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum LabelSmoothing {
    /// The labelled class has probability 1.
    #[default]
    None,
    /// Every class has share / K, and the labelled one 1 - share in addition; 0 <= share < 1.
    ///
    /// Szegedy et al. (2015), arXiv:1512.00567, Section 7; PyTorch's `label_smoothing`.
    OverAllClasses(f64),
    /// The labelled class has 1 - share, every other one share / (K - 1); 0 <= share < (K - 1) / K.
    ///
    /// The helper of Nitanda et al.'s code, `smooth_crossentropy`, and of github.com/davda54/sam, which both state the
    /// loss as a Kullback-Leibler divergence: cross entropy minus [`LabelSmoothing::target_entropy`].
    OverOtherClasses(f64),
}

impl LabelSmoothing {
    /// The share spread over all `num_classes` classes that gives these targets, in the range [0, 1).
    ///
    /// # Errors
    /// [`ArchitectureError::LabelSmoothing`] if the labelled class would be no likelier than another, or the share is negative.
    pub fn share_over_all(self, num_classes: usize) -> Result<f64, ArchitectureError> {
        let classes = num_classes as f64;
        let (given, share, limit) = match self {
            Self::None => (0.0, 0.0, 1.0),
            Self::OverAllClasses(share) => (share, share, 1.0),
            // 1 - s and s / (K - 1) are 1 - t + t / K and t / K for t = s K / (K - 1).
            Self::OverOtherClasses(share) => (share, share * classes / (classes - 1.0), 1.0 - 1.0 / classes),
        };
        if (0.0..limit).contains(&given) {
            Ok(share)
        } else {
            Err(ArchitectureError::LabelSmoothing { given, limit, num_classes })
        }
    }

    /// Entropy of a target in nats: what mean cross entropy cannot fall below.
    ///
    /// # Errors
    /// As for [`LabelSmoothing::share_over_all`].
    pub fn target_entropy(self, num_classes: usize) -> Result<f64, ArchitectureError> {
        let other = self.share_over_all(num_classes)? / num_classes as f64;
        let num_others = num_classes.saturating_sub(1) as f64;
        let labelled = 1.0 - other * num_others;
        let spread = if other > 0.0 { -num_others * other * other.ln() } else { 0.0 };
        Ok(spread - labelled * labelled.ln())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_conventions_name_the_same_targets() {
        let all = LabelSmoothing::OverAllClasses(0.1).share_over_all(10).unwrap();
        let others = LabelSmoothing::OverOtherClasses(0.09).share_over_all(10).unwrap();
        assert!((all - 0.1).abs() < 1e-15 && (others - 0.1).abs() < 1e-15, "{all} {others}");
        assert_eq!(LabelSmoothing::default().share_over_all(10).unwrap(), 0.0);
    }

    #[test]
    fn the_entropy_is_that_of_the_targets_written_out() {
        let targets = [vec![0.8], vec![0.2 / 3.0; 3]].concat();
        let expected: f64 = targets.iter().map(|p: &f64| -p * p.ln()).sum();
        let found = LabelSmoothing::OverOtherClasses(0.2).target_entropy(4).unwrap();
        assert!((found - expected).abs() < 1e-15, "{found} {expected}");
        assert_eq!(LabelSmoothing::None.target_entropy(4).unwrap(), 0.0);
    }

    #[test]
    fn a_share_that_hides_the_label_is_refused() {
        for smoothing in [
            LabelSmoothing::OverAllClasses(1.0),
            LabelSmoothing::OverAllClasses(-0.1),
            LabelSmoothing::OverAllClasses(f64::NAN),
            LabelSmoothing::OverOtherClasses(0.9),
        ] {
            assert!(smoothing.share_over_all(10).is_err(), "{smoothing:?}");
        }
    }
}
