//! The cases of a claim: every combination of values of the axes that its terms leave open.

use std::collections::BTreeSet;

use super::{Measurements, Term};
use crate::point::Point;

/// At least one; with a name where there are several.
///
/// Terms meet where the axes that they share have the same value. `along` is an axis that the test itself walks.
pub(super) fn cases(
    terms: &[Term],
    along: Option<&str>,
    measurements: &Measurements,
) -> Vec<(Point, Option<String>)> {
    let mut cases = vec![Point::default()];
    for term in terms {
        let at = Point::of(&term.at);
        let named = term.axes();
        let taken = named.iter().map(String::as_str).chain(along);
        let mut of_term: Vec<Point> = Vec::new();
        for place in measurements.places(&term.cell, &at) {
            let open = place.point.without(taken.clone());
            if !of_term.contains(&open) {
                of_term.push(open);
            }
        }
        let mut joined: Vec<Point> = Vec::new();
        for case in &cases {
            for other in of_term.iter().filter(|other| case.agrees(other)) {
                let both = case.joined(other);
                if !joined.contains(&both) {
                    joined.push(both);
                }
            }
        }
        cases = joined;
    }
    if cases.is_empty() {
        cases.push(Point::default());
    }
    let differs = |key: &str| cases.iter().any(|case| case.get(key) != cases[0].get(key));
    let keys: BTreeSet<String> =
        cases.iter().flat_map(Point::keys).filter(|key| differs(key)).map(str::to_owned).collect();
    let name = |case: &Point| (!keys.is_empty()).then(|| case.only(&keys).to_string());
    cases.iter().map(|case| (case.clone(), name(case))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::measurements::tests::{at, finished};
    use super::*;

    fn term(text: &str) -> Term {
        toml::from_str(&format!("weights = 'iterate'\n{text}")).unwrap()
    }

    fn measurements() -> Measurements {
        let mut measurements = Measurements::default();
        for data in ["cifar10", "cifar100"] {
            let mut add = |cell: &str, more: &str| {
                let point = at(&format!("data.dataset = '{data}'\n{more}"));
                measurements.add(cell, &point, 0, finished(&[]));
            };
            add("SAM", "");
            add("SGD", "schedule.learning_rate = 0.1");
            add("SGD", "schedule.learning_rate = 0.2");
        }
        measurements
    }

    fn names(terms: &[Term], along: Option<&str>) -> Vec<Option<String>> {
        cases(terms, along, &measurements()).into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn terms_meet_where_they_share_an_axis() {
        let (sam, sgd) = (term("cell = 'SAM'"), term("cell = 'SGD'"));
        let both = [sam.clone(), sgd];
        let expected: Vec<Option<String>> =
            ["cifar10, learning rate 0.1", "cifar10, learning rate 0.2", "cifar100, learning rate 0.1"]
                .iter()
                .map(|name| Some((*name).to_owned()))
                .chain([Some("cifar100, learning rate 0.2".to_owned())])
                .collect();
        assert_eq!(names(&both, None), expected);
        let by_data = [Some("cifar10".to_owned()), Some("cifar100".to_owned())];
        assert_eq!(names(&both, Some("schedule.learning_rate")), by_data);
        let best = term("cell = 'SGD'\nbest_over = 'schedule.learning_rate'");
        assert_eq!(names(&[sam, best], None), by_data);
    }

    #[test]
    fn a_term_at_one_value_leaves_nothing_open_and_what_is_not_measured_is_one_case() {
        let fixed =
            ["cifar10", "cifar100"].map(|data| term(&format!("cell = 'SAM'\nat.data.dataset = '{data}'")));
        assert_eq!(names(&fixed, None), [None]);
        assert_eq!(names(&[term("cell = 'none'")], None), [None]);
        assert_eq!(names(&[], None), [None]);
    }
}
