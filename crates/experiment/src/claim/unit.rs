//! What effects are counted in, and how they are printed.

use serde::Serialize;

use super::Term;

/// What an effect is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Fractions, printed as percentage points.
    Points,
    /// Doublings, printed as factors.
    Doublings,
    StandardErrors,
    Plain,
}

impl Unit {
    /// That of a sum of terms.
    pub(super) fn of(terms: &[Term]) -> Self {
        let doubles = |term: &Term| term.measure.is_flatness() || term.optimum_over.is_some();
        if terms.iter().any(doubles) { Self::Doublings } else { Self::Points }
    }

    /// A bound in words.
    pub(super) fn text(self, bound: f64) -> String {
        match self {
            Self::Points if bound == 0.01 => "1 point".to_owned(),
            Self::Points => format!("{} points", trimmed(100.0 * bound)),
            Self::Doublings => format!("a factor of {}", trimmed(bound.exp2())),
            Self::StandardErrors | Self::Plain => trimmed(bound),
        }
    }

    /// Equivalence up to a margin, in words.
    pub(super) fn margin(self, margin: f64) -> String {
        match self {
            Self::Points => format!("within ±{}", self.text(margin)),
            Self::Doublings => format!("within {}", self.text(margin)),
            Self::StandardErrors | Self::Plain => format!("within ±{}", trimmed(margin)),
        }
    }
}

/// Without needless digits.
fn trimmed(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_read_well() {
        assert_eq!(
            [0.0, 0.01, 0.125, -0.005].map(|bound| Unit::Points.text(bound)),
            ["0 points", "1 point", "12.5 points", "\u{2212}0.5 points"]
        );
        assert_eq!(Unit::Doublings.text(0.0), "a factor of 1");
        assert_eq!(Unit::Doublings.margin(1.0), "within a factor of 2");
        assert_eq!(Unit::Points.margin(0.02), "within ±2 points");
    }
}
