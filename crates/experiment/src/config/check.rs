//! What several parts of a configuration are checked for.

use anyhow::ensure;

pub(super) fn fraction(name: &str, value: f64) -> anyhow::Result<()> {
    ensure!((0.0..=1.0).contains(&value), "`{name}` is {value}; expected a fraction between 0 and 1");
    Ok(())
}

pub(super) fn positive(name: &str, value: f64) -> anyhow::Result<()> {
    ensure!(value > 0.0 && value.is_finite(), "`{name}` is {value}; expected a positive number");
    Ok(())
}

/// Whether a key is left out, so that what was written before the key existed keeps its id.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Likewise for a number whose default is 1.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
pub(super) fn is_one(value: &u64) -> bool {
    *value == 1
}

/// The default of such a number.
pub(super) fn one() -> u64 {
    1
}
