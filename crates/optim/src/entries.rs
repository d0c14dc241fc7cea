//! `Entries`: the entries of a vector that a setting applies to.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::error::OptimError;

/// Which entries of the parameters a setting touches: weights but not biases, say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entries {
    /// All of them.
    #[default]
    All,
    /// Those in these index ranges, which are ascending and do not overlap.
    Ranges(Vec<Range<usize>>),
}

impl Entries {
    /// Calls `apply` with every range of indices, of a vector of dimension `dim`, that belongs to the entries.
    #[inline]
    pub fn for_each_range(&self, dim: usize, mut apply: impl FnMut(Range<usize>)) {
        match self {
            Self::All => apply(0..dim),
            Self::Ranges(ranges) => ranges.iter().cloned().for_each(apply),
        }
    }

    pub(crate) fn validate(&self, setting: &str) -> Result<(), OptimError> {
        let Self::Ranges(ranges) = self else { return Ok(()) };
        let mut behind = 0;
        for range in ranges {
            if range.start < behind || range.end < range.start {
                let expected = "ranges that are ascending and do not overlap";
                return Err(OptimError::setting(setting, &format!("{ranges:?}"), expected));
            }
            behind = range.end;
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn check_dim(&self, dim: usize) -> Result<(), OptimError> {
        match self {
            Self::All => Ok(()),
            Self::Ranges(ranges) => match ranges.last() {
                Some(range) if range.end > dim => {
                    Err(OptimError::RangeOutOfBounds { start: range.start, end: range.end, dim })
                }
                _ => Ok(()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_overlap_or_run_backwards_are_refused() {
        #[expect(clippy::reversed_empty_ranges, reason = "what is to be refused")]
        let cases = [vec![0..3, 2..4], vec![4..6, 0..1], vec![0..0, 3..1]];
        for ranges in cases {
            let error = Entries::Ranges(ranges).validate("entries").unwrap_err().to_string();
            assert!(error.starts_with("entries is"), "{error}");
        }
        assert!(Entries::Ranges(vec![0..2, 2..4, 9..9]).validate("entries").is_ok());
    }

    #[test]
    fn all_entries_are_one_range() {
        let mut ranges = Vec::new();
        Entries::All.for_each_range(7, |range| ranges.push(range));
        Entries::Ranges(vec![1..2, 4..5]).for_each_range(7, |range| ranges.push(range));
        assert_eq!(ranges, [0..7, 1..2, 4..5]);
    }
}
