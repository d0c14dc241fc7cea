//! Effects and their intervals in words.

use polder_experiment::claim::{Finding, Interval, Unit};

/// ` (cifar10)` for a claim that is tested in several cases.
pub(super) fn case_text(finding: &Finding) -> String {
    finding.case.as_ref().map_or_else(String::new, |case| format!(" ({case})"))
}

/// An effect and its interval as the page prints them: accuracies in percentage points, doublings as factors.
pub(super) fn effect_text(finding: &Finding) -> (String, String) {
    let none = || "\u{2013}".to_owned();
    let Some(effect) = finding.effect else { return (none(), none()) };
    let Some(interval) = &finding.interval else {
        let effect = match finding.unit {
            Unit::Points => format!("{} points", signed(100.0 * effect, 2)),
            Unit::Doublings => format!("factor {:.3}", effect.exp2()),
            Unit::StandardErrors => format!("{effect:.2} standard errors"),
            Unit::Plain if effect == 0.0 => "0".to_owned(),
            Unit::Plain if (1e-3..1e5).contains(&effect.abs()) => format!("{effect:.4}"),
            Unit::Plain => format!("{effect:.1e}"),
        };
        return (effect.replace('-', "\u{2212}"), none());
    };
    match finding.unit {
        Unit::Points => {
            let [low, high] = [interval.low, interval.high].map(|end| signed(100.0 * end, 2));
            (format!("{} points", signed(100.0 * effect, 2)), format!("{low} to {high}"))
        }
        Unit::Doublings => {
            let [effect, low, high] = [effect, interval.low, interval.high].map(|end| factor(end.exp2()));
            (format!("factor {effect}"), format!("{low} to {high}"))
        }
        Unit::StandardErrors | Unit::Plain => {
            let [effect, low, high] =
                [effect, interval.low, interval.high].map(|end| unsigned(end, decimals(interval)));
            (effect, format!("{low} to {high}"))
        }
    }
}

/// A factor with three digits that count, also where a few seeds leave its interval wide.
pub(super) fn factor(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        value if value >= 1e4 => format!("{value:.0e}"),
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 0.01 => format!("{value:.3}"),
        value => format!("{value:.1e}"),
    }
}

/// As many as show two digits of half the interval; at least three for what hangs on no digit.
fn decimals(interval: &Interval) -> usize {
    let half_width = 0.5 * (interval.high - interval.low);
    if half_width > 0.0 { (1.0 - half_width.log10().floor()).clamp(0.0, 9.0) as usize } else { 3 }
}

/// A number with a true minus where it needs one.
fn unsigned(value: f64, decimals: usize) -> String {
    format!("{value:.decimals$}").replace('-', "\u{2212}")
}

/// A number with its sign, and a true minus.
fn signed(value: f64, decimals: usize) -> String {
    format!("{value:+.decimals$}").replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use polder_experiment::claim::Verdict;

    fn printed(effect: f64, interval: Option<[f64; 2]>, unit: Unit) -> (String, String) {
        effect_text(&Finding {
            verdict: Verdict::Inconclusive,
            effect: Some(effect),
            interval: interval.map(|[low, high]| Interval { estimate: effect, low, high }),
            n: 2,
            method: String::new(),
            reason: String::new(),
            unit,
            case: None,
        })
    }

    #[test]
    fn an_effect_without_an_interval_is_short_and_nought_is_nought() {
        let alone = |effect, unit| printed(effect, None, unit);
        let none = || "\u{2013}".to_owned();
        assert_eq!(alone(0.0, Unit::Plain), ("0".to_owned(), none()));
        assert_eq!(alone(-2e-9, Unit::Plain), ("\u{2212}2.0e\u{2212}9".to_owned(), none()));
        assert_eq!(alone(0.25, Unit::Plain), ("0.2500".to_owned(), none()));
        assert_eq!(alone(2.375, Unit::StandardErrors), ("2.38 standard errors".to_owned(), none()));
        assert_eq!(alone(-0.005, Unit::Points), ("\u{2212}0.50 points".to_owned(), none()));
    }

    #[test]
    fn an_effect_and_its_interval_have_as_many_digits_as_the_interval_leaves_certain() {
        let both = |effect, interval, unit| {
            let (effect, interval) = printed(effect, Some(interval), unit);
            format!("{effect}; {interval}")
        };
        assert_eq!(both(0.0, [-0.02, 0.02], Unit::Plain), "0.000; \u{2212}0.020 to 0.020");
        assert_eq!(both(0.01, [0.004, 0.016], Unit::Points), "+1.00 points; +0.40 to +1.60");
        assert_eq!(both(1.0, [-1.0, 16.0], Unit::Doublings), "factor 2.000; 0.500 to 7e4");
    }
}
