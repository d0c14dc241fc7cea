//! What no measurement could ever decide: tests that are refused when an experiment is read.

use anyhow::ensure;

use super::{Expect, Measure, Term, Test};
use crate::run::record::{ITERATE, REFRESHED};

impl Test {
    /// Checks what can be checked without the grid.
    ///
    /// # Errors
    /// If the test cannot fail, cannot hold, or asks for what is not measured; says which part and what would do.
    pub fn check(&self) -> anyhow::Result<()> {
        self.terms().iter().try_for_each(Term::check)?;
        match self {
            Self::Contrast { terms, expect, .. } => {
                ensure!(!terms.is_empty(), "it has no terms");
                let counts = |term: &Term| term.measure.is_flatness() || term.optimum_over.is_some();
                ensure!(
                    terms.iter().all(|term| counts(term) == counts(&terms[0])),
                    "its terms are partly fractions (accuracies) and partly doublings (flatness, optima), which have no sum"
                );
                match expect {
                    Expect::Above(bound) => ensure!(bound.is_finite(), "`above = {bound}` is not a number"),
                    Expect::Within(margin) => ensure!(
                        *margin > 0.0 && margin.is_finite(),
                        "`within = {margin}` leaves no room; expected a margin above 0"
                    ),
                }
            }
            Self::Slope { of, along, above, below, .. } => {
                of.check_alone(along)?;
                ensure!(above < below, "no slope lies above {above} and below {below}");
            }
            Self::Ordering { of, along, .. } => of.check_alone(along)?,
            Self::Quantity { above, below, .. } => {
                ensure!(
                    above.is_some() || below.is_some(),
                    "it has neither `above` nor `below`: any value would do"
                );
                let (low, high) = (above.unwrap_or(f64::NEG_INFINITY), below.unwrap_or(f64::INFINITY));
                ensure!(low < high, "no value lies above {low} and below {high}");
            }
            Self::Agreement { .. } => {}
        }
        Ok(())
    }
}

impl Term {
    fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.best_over.is_none() || self.optimum_over.is_none(),
            "a term has both `best_over` and `optimum_over`; expected one of them"
        );
        let is_reduced = self.best_over.is_some() || self.optimum_over.is_some();
        ensure!(
            !is_reduced || !self.measure.is_flatness(),
            "the best place of an axis is that of the highest accuracy; flatness has none"
        );
        ensure!(
            self.coefficient.is_finite() && self.coefficient != 0.0,
            "a term has the coefficient {}; expected a number other than 0",
            self.coefficient
        );
        ensure!(
            self.measure != Measure::TrainAccuracy || self.weights == ITERATE,
            "training accuracy is measured of the iterate alone, not of `{}`",
            self.weights
        );
        if let Some(progress) = self.progress {
            ensure!(
                progress > 0.0 && progress <= 1.0,
                "`progress = {progress}` is no part of a run; expected above 0 and at most 1"
            );
            ensure!(
                self.weights != REFRESHED,
                "`{REFRESHED}` is evaluated at the end of a run; remove `progress`"
            );
            ensure!(
                !self.measure.is_flatness(),
                "flatness is measured at the end of a run; remove `progress`"
            );
        }
        Ok(())
    }

    /// As the only term of a test that walks an axis.
    fn check_alone(&self, along: &str) -> anyhow::Result<()> {
        ensure!(
            self.coefficient.to_bits() == 1.0_f64.to_bits(),
            "a coefficient belongs to the terms of a contrast; remove it"
        );
        ensure!(
            !self.axes().iter().any(|axis| axis == along),
            "its term fixes or searches the axis `{along}`, along which it is to be compared"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), String> {
        toml::from_str::<Test>(text).unwrap().check().map_err(|error| error.to_string())
    }

    fn contrast(terms: &str, expect: &str) -> Result<(), String> {
        check(&format!("kind = 'contrast'\nminimum_seeds = 2\nexpect = {{ {expect} }}\nterms = [{terms}]"))
    }

    #[test]
    fn what_cannot_be_decided_is_refused() {
        let term = |more: &str| format!("{{ cell = 'SGD', weights = 'tail'{more} }}");
        assert_eq!(contrast(&term(""), "above = 0.0"), Ok(()));
        let flat = term(", measure = 'trace'");
        for (terms, expect, part) in [
            (String::new(), "above = 0.0", "no terms"),
            (term(""), "within = 0.0", "no room"),
            (format!("{}, {flat}", term("")), "above = 0.0", "no sum"),
            (term(", best_over = 'a', optimum_over = 'a'"), "above = 0.0", "one of them"),
            (term(", measure = 'trace', best_over = 'a'"), "above = 0.0", "highest accuracy"),
            (term(", measure = 'trace', progress = 0.5"), "above = 0.0", "remove `progress`"),
            (term(", measure = 'train-accuracy'"), "above = 0.0", "of the iterate alone"),
            (term(", progress = 1.5"), "above = 0.0", "no part of a run"),
            (term(", coefficient = 0.0"), "above = 0.0", "other than 0"),
        ] {
            let error = contrast(&terms, expect).unwrap_err();
            assert!(error.contains(part), "{part}: {error}");
        }
        for (text, part) in [
            ("kind = 'quantity'\nof = 'slope'", "any value would do"),
            ("kind = 'quantity'\nof = 'slope'\nabove = 1.0\nbelow = 1.0", "no value lies"),
            (
                "kind = 'slope'\nalong = 'a'\nabove = 1.0\nbelow = 0.5\nminimum_seeds = 2\n\
                 of = { cell = 'SGD', weights = 'tail' }",
                "no slope lies",
            ),
            (
                "kind = 'ordering'\nalong = 'a'\ndirection = 'rising'\nminimum_seeds = 2\n\
                 of = { cell = 'SGD', weights = 'tail', at = { a = 1 } }",
                "fixes or searches",
            ),
        ] {
            let error = check(text).unwrap_err();
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}
