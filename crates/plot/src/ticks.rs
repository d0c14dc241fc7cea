//! Where the lines of an axis stand, and what is written there.

use std::ops::Range;

use crate::{Axis, AxisScale};

/// A place in the coordinates of the axis, and its label.
pub(crate) type Tick = (f64, String);

/// The ticks of `axis` over `range`, which is in its own coordinates: decimal logarithms on a logarithmic axis.
pub(crate) fn ticks(axis: &Axis, range: &Range<f64>) -> Vec<Tick> {
    if !axis.names.is_empty() {
        return axis.names.iter().enumerate().map(|(at, name)| (at as f64, name.clone())).collect();
    }
    let span = range.end - range.start;
    match axis.scale {
        AxisScale::Linear => round(range, round_step(span / 5.0)),
        AxisScale::Whole => round(range, round_step(span / 6.0).max(1.0)),
        AxisScale::Log => logarithmic(range),
    }
}

/// The multiples of `step` in a range.
fn round(range: &Range<f64>, step: f64) -> Vec<Tick> {
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    let (first, last) = ((range.start / step).ceil() as i64, (range.end / step + 1e-9).floor() as i64);
    (first..=last).map(|index| index as f64 * step).map(|value| (value, number(value, decimals))).collect()
}

/// Ticks between two decimal logarithms, labelled with the values themselves.
fn logarithmic(range: &Range<f64>) -> Vec<Tick> {
    let decades = range.end - range.start;
    let factors: &[f64] = match decades {
        ..1.3 => &[1.0, 2.0, 5.0],
        ..2.6 => &[1.0, 3.0],
        _ => &[1.0],
    };
    let every = (decades / 5.0).ceil().max(1.0) as i32;
    let ticks: Vec<Tick> = (range.start.floor() as i32..=range.end.ceil() as i32)
        .filter(|power| factors.len() > 1 || power.rem_euclid(every) == 0)
        .flat_map(|power| {
            factors.iter().map(move |factor| (factor.log10() + f64::from(power), *factor, power))
        })
        .filter(|(at, ..)| range.contains(at))
        .map(|(at, factor, power)| (at, power_label(factor, power)))
        .collect();
    if ticks.len() >= 2 {
        return ticks;
    }
    // Much less than a decade: round numbers, which are then almost evenly spaced.
    let values = 10_f64.powf(range.start)..10_f64.powf(range.end);
    let ticks = round(&values, round_step((values.end - values.start) / 5.0)).into_iter();
    ticks.filter(|(value, _)| *value > 0.0).map(|(value, label)| (value.log10(), label)).collect()
}

/// `factor * 10^power` as one would write it.
fn power_label(factor: f64, power: i32) -> String {
    if (-3..=4).contains(&power) {
        return number(factor * 10_f64.powi(power), usize::try_from(-power).unwrap_or(0));
    }
    let raised: String = power
        .to_string()
        .chars()
        .map(|c| c.to_digit(10).map_or('⁻', |digit| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(digit as usize).unwrap_or(c)))
        .collect();
    if factor == 1.0 { format!("10{raised}") } else { format!("{factor}·10{raised}") }
}

/// The smallest of 1, 2, 5 times a power of ten that is at least `rough`.
fn round_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(power)
}

/// A number with a true minus sign and no negative zero.
fn number(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(zero) if zero.chars().all(|c| c == '0' || c == '.') => zero.to_owned(),
        Some(positive) => format!("\u{2212}{positive}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis, low: f64, high: f64) -> Vec<String> {
        ticks(axis, &(low..high)).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round_numbers_inside_the_range() {
        let linear = Axis::linear("");
        assert_eq!(labels(&linear, 0.0, 1.0), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(&linear, -3.1, 12.3), ["0", "5", "10"]);
        assert_eq!(labels(&linear, -0.021, 0.02), ["\u{2212}0.02", "\u{2212}0.01", "0.00", "0.01", "0.02"]);
    }

    #[test]
    fn counts_are_labelled_at_whole_numbers() {
        let whole = Axis::whole("");
        assert_eq!(labels(&whole, 0.0, 2.04), ["0", "1", "2"]);
        assert_eq!(labels(&whole, 0.0, 5.1), ["0", "1", "2", "3", "4", "5"]);
        assert_eq!(labels(&whole, 0.0, 306.0), ["0", "100", "200", "300"]);
    }

    #[test]
    fn logarithmic_axes_are_labelled_with_values() {
        let log = Axis::log("");
        assert_eq!(labels(&log, -2.1, -0.9), ["0.01", "0.02", "0.05", "0.1"]);
        assert_eq!(labels(&log, -0.1, 2.1), ["1", "3", "10", "30", "100"]);
        assert_eq!(labels(&log, -6.1, 0.1), ["10⁻⁶", "10⁻⁴", "0.01", "1"]);
        assert_eq!(labels(&log, -0.65, -0.35), ["0.25", "0.30", "0.35", "0.40"]);
    }
}
