//! Checks that several settings share: each names the setting, the value found and the range expected.

use crate::error::OptimError;

/// Refuses what is not a finite number of at least 0.
#[inline]
pub(crate) fn check_non_negative(setting: &str, value: f64) -> Result<(), OptimError> {
    check(value.is_finite() && value >= 0.0, setting, &value, "a finite number of at least 0")
}

/// Refuses what is not a finite number greater than 0.
pub(crate) fn check_positive(setting: &str, value: f64) -> Result<(), OptimError> {
    check(value.is_finite() && value > 0.0, setting, &value, "a finite number greater than 0")
}

/// Refuses what is no share of a whole.
pub(crate) fn check_share(setting: &str, value: f64) -> Result<(), OptimError> {
    check((0.0..=1.0).contains(&value), setting, &value, "a number in [0, 1]")
}

/// Refuses a count of 0.
pub(crate) fn check_at_least_one(setting: &str, count: u64) -> Result<(), OptimError> {
    check(count > 0, setting, &count, "at least 1")
}

/// Refuses `setting` unless its value `is_valid`.
#[inline]
pub(crate) fn check(
    is_valid: bool,
    setting: &str,
    found: &impl ToString,
    expected: &'static str,
) -> Result<(), OptimError> {
    if is_valid { Ok(()) } else { Err(OptimError::setting(setting, found, expected)) }
}
