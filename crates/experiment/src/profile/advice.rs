//! What to try next, given a verdict, and whether trying it helped: functions of measurements alone.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::measurement::Spread;
use super::setting::{Format, Setting};
use super::verdict::{Bound, Verdict, times};

/// Gains below this are not worth a changed setting.
const LEAST_GAIN: f64 = 0.02;

/// A consumer that waits less than this has nothing to gain from its loader.
const LEAST_WAIT: f64 = 0.01;

/// A change of one setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// So many threads instead.
    Workers(usize),
    /// So many minibatches that each worker may finish ahead instead.
    Queue(usize),
    /// This format instead: only in records of earlier versions.
    Format(Format),
}

/// An advice that was followed, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    pub change: Change,
    /// The setting before the change.
    pub before: Setting,
    /// The setting with it.
    pub after: Setting,
    /// Images per second of loader and consumer together, before and after, measured in turns.
    pub together_before: Spread,
    pub together_after: Spread,
    /// The quotient of the two, round by round.
    pub gain: Spread,
    /// The gain is larger than the noise. If not, the advice is withdrawn.
    pub helps: bool,
}

impl Change {
    /// The advice that follows from `verdict` on `setting` on a machine of so many `cores`, leaving out what was
    /// `tried`. `None`: there is nothing to gain, or nothing left to try.
    pub fn advised(setting: &Setting, verdict: &Verdict, cores: usize, tried: &[Change]) -> Option<Self> {
        let more_workers = (setting.workers < cores)
            .then(|| Self::Workers((2 * setting.workers).min(cores)))
            .filter(|_| setting.workers > 0);
        let fewer_workers = (setting.workers > 1).then_some(Self::Workers(setting.workers / 2));
        let more_ahead = Some(Self::Queue(2 * setting.queue));
        let candidates = match verdict.bound {
            // Working ahead evens out a loader that is fast enough on average, and no other.
            Bound::Input if verdict.consumer_over_loader <= 1.0 + verdict.noise => [more_workers, more_ahead],
            Bound::Input => [more_workers, None],
            Bound::Balanced if verdict.waited >= LEAST_WAIT => [more_ahead, more_workers],
            // A core without a worker is one more for the model.
            Bound::Compute if verdict.shares() => [fewer_workers, None],
            Bound::Balanced | Bound::Compute => [None; 2],
        };
        candidates.into_iter().flatten().find(|change| !tried.contains(change))
    }

    /// `setting` with this change.
    pub fn applied(self, setting: Setting) -> Setting {
        match self {
            Self::Workers(workers) => Setting { workers, ..setting },
            Self::Queue(queue) => Setting { queue, ..setting },
            Self::Format(format) => Setting { format, ..setting },
        }
    }
}

impl Trial {
    /// What came of `change`, from pairs of images per second of both together before and after it.
    pub fn of(change: Change, before: Setting, pairs: &[(f64, f64)]) -> Self {
        let gain = Spread::of(pairs.iter().map(|(before, after)| after / before));
        Self {
            change,
            before,
            after: change.applied(before),
            together_before: Spread::of(pairs.iter().map(|pair| pair.0)),
            together_after: Spread::of(pairs.iter().map(|pair| pair.1)),
            gain,
            helps: gain.median > 1.0 + LEAST_GAIN.max(gain.uncertainty),
        }
    }
}

impl fmt::Display for Trial {
    /// `2 workers instead of 1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.change {
            Change::Workers(workers) => {
                let plural = if workers == 1 { "" } else { "s" };
                write!(f, "{workers} worker{plural} instead of {}", self.before.workers)
            }
            Change::Queue(queue) => write!(f, "prefetch {queue} instead of {}", self.before.queue),
            Change::Format(format) => write!(f, "{format} instead of {}", self.before.format),
        }
    }
}

impl Trial {
    /// The measured effect in a sentence.
    pub fn effect(&self) -> String {
        let Spread { median, low, high, .. } = self.gain;
        let measured = format!("{} (rounds {} to {})", times(median), times(low), times(high));
        if self.helps {
            format!("{measured}: helps")
        } else {
            format!("{measured}: does not help here, advice withdrawn")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::measurement::Round;
    use super::*;

    const SETTING: Setting = Setting { batch_size: 128, workers: 1, queue: 2, format: Format::F32 };

    fn verdict(loader: f64, consumer: f64, together: f64, waited: f64) -> Verdict {
        Verdict::of(&[Round { loader, consumer, together, waited, copied: 0.0 }; 5], "the model")
    }

    fn all(setting: Setting, verdict: &Verdict, cores: usize) -> Vec<Change> {
        let mut tried = Vec::new();
        while let Some(change) = Change::advised(&setting, verdict, cores, &tried) {
            tried.push(change);
        }
        tried
    }

    #[test]
    fn a_slow_loader_gets_workers_up_to_the_cores() {
        let slow = verdict(1000.0, 5000.0, 1000.0, 0.8);
        assert_eq!(all(SETTING, &slow, 8), [Change::Workers(2)]);
        let three = Setting { workers: 3, ..SETTING };
        assert_eq!(Change::advised(&three, &slow, 4, &[]), Some(Change::Workers(4)));
        let full = Setting { workers: 8, ..SETTING };
        assert_eq!(all(full, &slow, 8), []);
    }

    #[test]
    fn a_longer_queue_is_advised_only_to_a_loader_that_is_fast_enough_on_average() {
        let late = verdict(1200.0, 1000.0, 800.0, 0.2);
        assert!(all(SETTING, &late, 2).contains(&Change::Queue(4)));
        let equal = verdict(1000.0, 1000.0, 970.0, 0.03);
        assert_eq!(all(SETTING, &equal, 1), [Change::Queue(4)]);
    }

    #[test]
    fn nothing_is_advised_where_nothing_is_to_gain() {
        assert_eq!(all(SETTING, &verdict(9000.0, 1000.0, 1000.0, 0.0), 8), []);
        assert_eq!(all(SETTING, &verdict(1000.0, 1000.0, 1000.0, 0.001), 8), []);
    }

    #[test]
    fn a_model_that_loses_cores_to_the_loader_gets_some_back() {
        let shared = verdict(9000.0, 1000.0, 700.0, 0.0);
        let four = Setting { workers: 4, ..SETTING };
        assert_eq!(all(four, &shared, 4), [Change::Workers(2)]);
    }

    #[test]
    fn advice_that_does_not_help_when_measured_is_withdrawn() {
        let helps = |pairs: &[(f64, f64)]| Trial::of(Change::Workers(2), SETTING, pairs);
        let good = helps(&[(100.0, 190.0), (101.0, 195.0), (99.0, 185.0)]);
        assert!(good.helps && good.effect().starts_with("1.90x"), "{}", good.effect());
        assert_eq!((good.after.workers, good.to_string().as_str()), (2, "2 workers instead of 1"));
        let none = helps(&[(100.0, 101.0), (100.0, 99.0), (100.0, 101.0)]);
        assert!(!none.helps && none.effect().contains("withdrawn"), "{}", none.effect());
        // 10 % in the median, but the rounds do not agree on the sign.
        assert!(
            !helps(&[(100.0, 140.0), (100.0, 80.0), (100.0, 110.0), (100.0, 70.0), (100.0, 150.0)]).helps
        );
    }
}
