//! Tables as data, and how numbers are written in them.

use std::fmt::Display;

use polder_stats::Estimate;

/// Rows of text under heads; every row has as many cells as there are heads.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// A few words, with what intervals are.
    pub title: String,
    /// The heads.
    pub heads: Vec<String>,
    /// The cells, row by row.
    pub rows: Vec<Vec<String>>,
}

/// A table with one row for each of `rows`, to which columns are added from left to right.
pub(super) struct Columns<'a, R> {
    rows: &'a [R],
    table: Table,
}

impl<R> Columns<'_, R> {
    /// A column of words, or of numbers as they are.
    pub(super) fn text<T: Display>(mut self, head: impl Into<String>, value: impl Fn(&R) -> T) -> Self {
        self.table.heads.push(head.into());
        for (cells, row) in self.table.rows.iter_mut().zip(self.rows) {
            cells.push(value(row).to_string());
        }
        self
    }

    /// A column of numbers with `digits` significant digits.
    pub(super) fn number(self, head: impl Into<String>, digits: usize, value: impl Fn(&R) -> f64) -> Self {
        self.text(head, |row| number_text(value(row), digits))
    }

    /// A column of estimates with half the widths of their intervals.
    pub(super) fn estimate(self, head: impl Into<String>, value: impl Fn(&R) -> Estimate) -> Self {
        self.text(head, |row| estimate_text(&value(row)))
    }

    /// The table with these columns.
    pub(super) fn table(self) -> Table {
        self.table
    }
}

impl Table {
    /// A table of `rows`, without columns yet.
    pub(super) fn of<R>(title: impl Into<String>, rows: &[R]) -> Columns<'_, R> {
        let table = Self { title: title.into(), heads: Vec::new(), rows: vec![Vec::new(); rows.len()] };
        Columns { rows, table }
    }

    /// An empty table.
    pub fn new(title: impl Into<String>, heads: &[&str]) -> Self {
        let heads = heads.iter().map(|&head| head.to_owned()).collect();
        Self { title: title.into(), heads, rows: Vec::new() }
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If it does not have as many cells as the table has heads.
    pub fn push(&mut self, row: Vec<String>) {
        assert_eq!(row.len(), self.heads.len(), "a row of another width: {row:?}");
        self.rows.push(row);
    }
}

/// A number with `digits` significant digits, in scientific notation where it would be long otherwise.
pub(super) fn number_text(value: f64, digits: usize) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() {
        return if value.is_nan() {
            "–"
        } else if value > 0.0 {
            "∞"
        } else {
            "−∞"
        }
        .to_owned();
    }
    let digits = digits.max(1);
    // Rounding may reach the next power of ten, so the exponent is that of the rounded number.
    let rounded = format!("{:.*e}", digits - 1, value);
    let exponent: i32 = rounded.split_once('e').map_or(0, |(_, exponent)| exponent.parse().unwrap_or(0));
    let text = if (-4..6).contains(&exponent) {
        let decimals = usize::try_from(digits as i32 - 1 - exponent).unwrap_or(0);
        format!("{value:.decimals$}")
    } else {
        rounded
    };
    text.replace('-', "−")
}

/// An estimate and half the width of its interval, with two digits of the latter.
pub(super) fn estimate_text(estimate: &Estimate) -> String {
    let half_width = 0.5 * (estimate.upper - estimate.lower);
    if !(half_width.is_finite() && half_width > 0.0) {
        return number_text(estimate.value, 5);
    }
    let last = half_width.log10().floor() as i32 - 1;
    let size = if estimate.value == 0.0 { last } else { estimate.value.abs().log10().floor() as i32 };
    if size >= 6 || last < -9 {
        return format!("{} ± {}", number_text(estimate.value, 4), number_text(half_width, 2));
    }
    let decimals = usize::try_from(-last).unwrap_or(0);
    format!("{:.decimals$} ± {half_width:.decimals$}", estimate.value).replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_significant_digits() {
        for (value, digits, text) in [
            (0.0, 3, "0"),
            (0.058_318, 4, "0.05832"),
            (-12.5, 3, "−12.5"),
            (9.996, 3, "10.0"),
            (6.7e-16, 2, "6.7e−16"),
            (1_234_567.0, 3, "1.23e6"),
            (f64::INFINITY, 3, "∞"),
            (f64::NAN, 3, "–"),
        ] {
            assert_eq!(number_text(value, digits), text);
        }
    }

    #[test]
    fn an_estimate_is_rounded_to_two_digits_of_its_interval() {
        let estimate = |value, half_width: f64| Estimate {
            value,
            standard_error: half_width / 2.0,
            lower: value - half_width,
            upper: value + half_width,
        };
        assert_eq!(estimate_text(&estimate(0.484_12, 0.000_841)), "0.48412 ± 0.00084");
        assert_eq!(estimate_text(&estimate(-3.2, 0.15)), "−3.20 ± 0.15");
        assert_eq!(estimate_text(&estimate(1520.0, 25.0)), "1520 ± 25");
        assert_eq!(estimate_text(&estimate(1.5, 0.0)), "1.5000");
    }
}
