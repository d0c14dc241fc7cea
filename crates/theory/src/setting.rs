//! Checks of settings. An error names the setting, the value that was found and those that are expected.

use crate::error::TheoryError;

/// Checks what `expected` says.
pub(crate) fn check(
    holds: bool,
    setting: &'static str,
    found: &impl ToString,
    expected: &'static str,
) -> Result<(), TheoryError> {
    if holds { Ok(()) } else { Err(TheoryError::setting(setting, found, expected)) }
}

/// Checks that all are finite and greater than 0.
pub(crate) fn positive(settings: impl IntoIterator<Item = (&'static str, f64)>) -> Result<(), TheoryError> {
    settings.into_iter().try_for_each(|(setting, found)| {
        let holds = found.is_finite() && found > 0.0;
        check(holds, setting, &found, "a finite number greater than 0")
    })
}

/// Checks that a number is finite and not negative.
pub(crate) fn not_negative(setting: &'static str, found: f64) -> Result<(), TheoryError> {
    check(found.is_finite() && found >= 0.0, setting, &found, "a finite number of at least 0")
}

/// Checks that a number is finite.
pub(crate) fn finite(setting: &'static str, found: f64) -> Result<(), TheoryError> {
    check(found.is_finite(), setting, &found, "a finite number")
}

/// Checks that all are at least 1.
pub(crate) fn at_least_1(settings: impl IntoIterator<Item = (&'static str, u64)>) -> Result<(), TheoryError> {
    settings.into_iter().try_for_each(|(setting, found)| check(found >= 1, setting, &found, "at least 1"))
}

/// Checks that all are at least 2.
pub(crate) fn at_least_2(settings: impl IntoIterator<Item = (&'static str, u64)>) -> Result<(), TheoryError> {
    settings.into_iter().try_for_each(|(setting, found)| check(found >= 2, setting, &found, "at least 2"))
}
