//! A place of a grid: a value of each of its axes.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{bail, ensure};

/// The values of the axes at one place of a grid, by key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Point(BTreeMap<String, toml::Value>);

impl Point {
    /// From nested tables, `{ data.dataset = "cifar10" }` say.
    pub fn of(table: &toml::Table) -> Self {
        Self(flat(table).into_iter().collect())
    }

    /// Without values.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn set(&mut self, key: &str, value: toml::Value) {
        self.0.insert(key.to_owned(), value);
    }

    pub fn get(&self, key: &str) -> Option<&toml::Value> {
        self.0.get(key)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &toml::Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether no key has one value here and another there.
    pub fn agrees(&self, other: &Self) -> bool {
        self.0.iter().all(|(key, value)| other.0.get(key).is_none_or(|other| other == value))
    }

    /// Without some keys.
    #[must_use]
    pub fn without<'a>(&self, keys: impl IntoIterator<Item = &'a str>) -> Self {
        let mut rest = self.clone();
        for key in keys {
            rest.0.remove(key);
        }
        rest
    }

    /// With the values of another point for keys that this one lacks.
    #[must_use]
    pub fn joined(&self, other: &Self) -> Self {
        let mut joined = other.clone();
        joined.0.extend(self.0.iter().map(|(key, value)| (key.clone(), value.clone())));
        joined
    }

    #[must_use]
    pub fn only(&self, keys: &BTreeSet<String>) -> Self {
        let kept = self.0.iter().filter(|(key, _)| keys.contains(*key));
        Self(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    /// `name, learning rate 0.1`; the name alone at a point without values.
    pub fn after(&self, name: &str) -> String {
        if self.0.is_empty() { name.to_owned() } else { format!("{name}, {self}") }
    }

    /// The value of an axis as a number.
    pub fn number(&self, key: &str) -> Option<f64> {
        match self.0.get(key)? {
            toml::Value::Float(value) => Some(*value),
            toml::Value::Integer(value) => Some(*value as f64),
            _ => None,
        }
    }
}

impl fmt::Display for Point {
    /// Names of data sets and networks speak for themselves; other values have their key before them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            match value {
                toml::Value::String(text) => f.write_str(text)?,
                value => write!(f, "{} {value}", axis_name(key))?,
            }
        }
        Ok(())
    }
}

/// The last part of a key in words: `learning rate` for `schedule.learning_rate`.
pub fn axis_name(key: &str) -> String {
    key.rsplit('.').next().unwrap_or(key).replace('_', " ")
}

/// Checks that one of `points` has all values of `at`.
///
/// # Errors
/// Names the first key whose value no point has, with the values that exist; or says that they exist, but not together.
pub fn check_place<'a>(at: &Point, points: impl Iterator<Item = &'a Point>) -> anyhow::Result<()> {
    let points: Vec<&Point> = points.collect();
    if points.iter().any(|point| point.agrees(at)) {
        return Ok(());
    }
    for (key, value) in &at.0 {
        let mut known: Vec<&Point> = Vec::new();
        for point in points.iter().filter(|point| point.get(key).is_some()) {
            if known.iter().all(|other| other.get(key) != point.get(key)) {
                known.push(point);
            }
        }
        known.sort_by(|left, right| {
            left.number(key).partial_cmp(&right.number(key)).unwrap_or(Ordering::Equal)
        });
        let values: Vec<String> =
            known.iter().filter_map(|point| point.get(key)).map(toml::Value::to_string).collect();
        ensure!(
            known.iter().any(|point| point.get(key) == Some(value)),
            "`at` gives `{key}` the value {value}; there are {}",
            values.join(", ")
        );
    }
    bail!("no grid point has all values of `at`: {at}")
}

/// The leaves of nested tables with their dotted keys.
pub fn flat(table: &toml::Table) -> Vec<(String, toml::Value)> {
    let mut leaves = Vec::new();
    for (key, value) in table {
        match value {
            toml::Value::Table(inner) => {
                leaves.extend(flat(inner).into_iter().map(|(rest, value)| (format!("{key}.{rest}"), value)));
            }
            value => leaves.push((key.clone(), value.clone())),
        }
    }
    leaves
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_agree_unless_a_key_differs() {
        let point = |text: &str| Point::of(&text.parse().unwrap());
        let here = point("data.dataset = 'cifar10'\nseed = 1");
        assert!(here.agrees(&point("seed = 1\nx = 2")) && !here.agrees(&point("seed = 2")));
        assert_eq!(here.without(["seed"]).to_string(), "cifar10");
        assert_eq!(point("a.b_c = 0.5").joined(&here).to_string(), "b c 0.5, cifar10, seed 1");
    }

    #[test]
    fn a_place_is_named_by_values_that_exist_and_meet() {
        let point = |text: &str| Point::of(&text.parse().unwrap());
        let points = ["a = 2.0\nb = 'x'", "a = 10.0\nb = 'x'", "a = 2.0\nb = 'y'"].map(point);
        let check = |at: &str| check_place(&point(at), points.iter()).map_err(|error| error.to_string());
        for at in ["", "a = 10.0", "b = 'y'", "a = 2.0\nb = 'y'"] {
            assert_eq!(check(at), Ok(()), "{at}");
        }
        for (at, expected) in [
            ("a = 3.0", "`at` gives `a` the value 3.0; there are 2.0, 10.0"),
            ("a = 2", "`at` gives `a` the value 2; there are 2.0, 10.0"),
            ("a = 2.0\nb = 'z'", "`at` gives `b` the value \"z\"; there are \"x\", \"y\""),
            ("a = 10.0\nb = 'y'", "no grid point has all values of `at`: a 10.0, y"),
        ] {
            assert_eq!(check(at), Err(expected.to_owned()));
        }
    }
}
