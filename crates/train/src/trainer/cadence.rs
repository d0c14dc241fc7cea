//! When a checkpoint is due within an epoch.

use std::num::{NonZeroU64, NonZeroUsize};
use std::str::FromStr;
use std::time::Duration;

/// The longest stretch between two checkpoints within an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointEvery {
    /// Wall time; 0 after every step.
    Time(Duration),
    /// Steps, counted from the beginning of the run.
    Steps(NonZeroU64),
}

/// How many checkpoints stay; `None` for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep(pub Option<NonZeroUsize>);

impl Keep {
    /// The newest, and one to fall back to.
    pub const DEFAULT: Self = Self(NonZeroUsize::new(2));
}

impl CheckpointEvery {
    /// Whether one is due after `steps_done` steps of the run, so long after the last.
    pub fn is_due(self, since_last: Duration, steps_done: u64) -> bool {
        match self {
            Self::Time(longest) => since_last >= longest,
            Self::Steps(steps) => steps_done.is_multiple_of(steps.get()),
        }
    }
}

impl From<Duration> for CheckpointEvery {
    fn from(longest: Duration) -> Self {
        Self::Time(longest)
    }
}

impl FromStr for CheckpointEvery {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || {
            Err("expected a time up to a day such as `60s`, `10min` or `2h` (seconds without a unit), or steps such as \
                 `500steps`"
                .to_owned())
        };
        let text = text.trim();
        let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
        let (number, unit) = (&text[..end], text[end..].trim());
        let seconds_per_unit = match unit {
            "" | "s" | "sec" | "seconds" => 1.0,
            "m" | "min" | "minutes" => 60.0,
            "h" | "hours" => 3600.0,
            "step" | "steps" => {
                return number.parse().map(Self::Steps).or_else(|_| expected());
            }
            _ => return expected(),
        };
        match number.parse::<f64>() {
            // A day is as good as never, and far from what a duration can hold.
            Ok(number) if (0.0..=86_400.0).contains(&(number * seconds_per_unit)) => {
                Ok(Self::Time(Duration::from_secs_f64(number * seconds_per_unit)))
            }
            _ => expected(),
        }
    }
}

impl FromStr for Keep {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "all" => Ok(Self(None)),
            number => number
                .parse()
                .map(|number| Self(Some(number)))
                .map_err(|_| "expected a number of at least 1, or `all`".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_steps_are_told_apart_by_their_unit() {
        let seconds = |seconds| Ok(CheckpointEvery::Time(Duration::from_secs(seconds)));
        for (text, expected) in [
            ("60s", seconds(60)),
            ("60", seconds(60)),
            ("0", seconds(0)),
            ("1.5 min", seconds(90)),
            ("2h", seconds(7200)),
            ("500steps", Ok(CheckpointEvery::Steps(NonZeroU64::new(500).unwrap()))),
            ("1 step", Ok(CheckpointEvery::Steps(NonZeroU64::MIN))),
        ] {
            assert_eq!(text.parse::<CheckpointEvery>(), expected, "{text}");
        }
        for text in ["", "s", "-1s", "0steps", "1.5steps", "5 furlongs", "25h", "1e9"] {
            assert!(text.parse::<CheckpointEvery>().unwrap_err().contains("500steps"), "{text}");
        }
    }

    #[test]
    fn steps_are_due_at_their_multiples_and_time_when_it_has_passed() {
        let every: CheckpointEvery = "3steps".parse().unwrap();
        let due: Vec<u64> = (1..10).filter(|step| every.is_due(Duration::MAX, *step)).collect();
        assert_eq!(due, [3, 6, 9]);
        let minute = CheckpointEvery::from(Duration::from_mins(1));
        assert!(minute.is_due(Duration::from_mins(1), 1) && !minute.is_due(Duration::from_secs(59), 1));
    }

    #[test]
    fn at_least_one_checkpoint_is_kept() {
        assert_eq!("all".parse(), Ok(Keep(None)));
        assert_eq!("3".parse(), Ok(Keep(NonZeroUsize::new(3))));
        assert!("0".parse::<Keep>().is_err());
    }
}
