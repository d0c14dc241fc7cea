//! Measured numbers: reading, medians, and how tables show them.

use anyhow::{Context, Result};
use serde_json::Value;

/// The number at a JSON pointer.
pub(crate) fn at(value: &Value, pointer: &str) -> Result<f64> {
    let found =
        value.pointer(pointer).with_context(|| format!("there is nothing at `{pointer}` in {value}"))?;
    found.as_f64().with_context(|| format!("`{pointer}` is no number but {found}"))
}

/// The middle of the values; the upper one of an even number. Not a number if there is none.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The median over rounds of the ratio within a round: a busy machine slows both programs of a round alike.
pub(crate) fn median_ratio(above: &[f64], below: &[f64]) -> f64 {
    median(above.iter().zip(below).map(|(above, below)| above / below))
}

/// Four significant digits, thousands parted.
pub(crate) fn short(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && size < 1e-3 {
        return format!("{value:.1e}");
    }
    if size < 1e4 {
        let decimals = (3 - size.max(1.0).log10().floor() as i32).max(0) as usize;
        let text = format!("{value:.decimals$}");
        return if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        };
    }
    let digits = format!("{size:.0}");
    let mut parted = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            parted.push(',');
        }
        parted.push(digit);
    }
    format!("{}{parted}", if value < 0.0 { "-" } else { "" })
}

/// A whole number as [`short`] shows it: a rate, a count.
pub(crate) fn whole(value: f64) -> String {
    short(value.round())
}

#[cfg(test)]
mod tests {
    use super::{median, short};

    #[test]
    fn numbers_are_short_and_readable() {
        for (value, shown) in [
            (0.5, "0.5"),
            (0.497_31, "0.497"),
            (1234.4, "1234"),
            (512_345.6, "512,346"),
            (1e-9, "1.0e-9"),
            (300.0, "300"),
            (3.25, "3.25"),
            (0.0, "0"),
        ] {
            assert_eq!(short(value), shown);
        }
    }

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert!(median(std::iter::empty()).is_nan());
    }
}
