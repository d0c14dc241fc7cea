//! Random draws that are a function of what they are for: the experiment, its part, its replicate.

use polder_random::{Stream, label};

/// What a sequence of draws is for. Different values give independent sequences.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Purpose {
    /// The seed of the experiment.
    pub(crate) seed: u64,
    /// The experiment.
    pub(crate) experiment: &'static str,
    /// The part of the experiment: its design, its noise, its minibatches.
    pub(crate) part: u64,
    /// The replicate.
    pub(crate) replicate: u64,
}

/// Draws of one purpose, in order.
pub(crate) type Draws = Stream;

impl From<Purpose> for [u64; 4] {
    fn from(purpose: Purpose) -> Self {
        let Purpose { seed, experiment, part, replicate } = purpose;
        [seed, label(experiment), part, replicate]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PURPOSE: Purpose = Purpose { seed: 1, experiment: "D1", part: 2, replicate: 3 };

    #[test]
    fn every_field_of_the_purpose_changes_the_draws() {
        let first = |purpose| Draws::new(purpose).word();
        let others = [
            Purpose { seed: 9, ..PURPOSE },
            Purpose { experiment: "D2", ..PURPOSE },
            Purpose { part: 9, ..PURPOSE },
            Purpose { replicate: 9, ..PURPOSE },
        ];
        assert_eq!(first(PURPOSE), first(PURPOSE));
        assert!(others.iter().all(|other| first(PURPOSE) != first(*other)));
    }
}
