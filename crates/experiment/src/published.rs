//! `experiments/published.toml`: values from the literature, each with its source.

use std::path::Path;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use crate::point::Point;

/// All values of the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    #[serde(default)]
    pub values: Vec<PublishedValue>,
}

/// One published number and what it belongs to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedValue {
    /// As published; accuracies and errors in percent.
    pub value: f64,
    /// The published plus-minus, in the same unit.
    pub spread: Option<f64>,
    pub quantity: Quantity,
    pub method: String,
    pub model: String,
    pub data: String,
    /// Epochs and augmentation.
    pub training: String,
    pub source: String,
    /// The measured cell it is shown beside.
    pub beside: Option<Beside>,
}

/// What a published number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    TestError,
    TestAccuracy,
    /// Of the Hessian.
    LargestEigenvalue,
}

impl Quantity {
    pub fn is_accuracy(self) -> bool {
        matches!(self, Self::TestError | Self::TestAccuracy)
    }
}

/// A cell of an experiment and the weights whose accuracy is compared.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beside {
    pub experiment: String,
    pub cell: String,
    pub weights: String,
    /// Values of the axes that it belongs to; any when absent.
    #[serde(default)]
    pub at: toml::Table,
}

impl Published {
    /// Reads the file; a missing file is one without values.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", path.display())),
        };
        let published: Self =
            toml::from_str(&text).with_context(|| format!("`{}` is not usable", path.display()))?;
        for value in &published.values {
            ensure!(
                !value.quantity.is_accuracy() || (0.0..=100.0).contains(&value.value),
                "`{}`: {} ({}) has the value {}; expected percent",
                path.display(),
                value.method,
                value.source,
                value.value
            );
            ensure!(!value.source.trim().is_empty(), "`{}`: {} has no source", path.display(), value.method);
        }
        Ok(published)
    }

    /// The values of such a quantity to show beside a place of a grid.
    pub fn beside(
        &self,
        is_wanted: impl Fn(Quantity) -> bool,
        experiment: &str,
        cell: &str,
        point: &Point,
        weights: &str,
    ) -> Vec<&PublishedValue> {
        let fits = |beside: &Beside| {
            beside.experiment == experiment
                && beside.cell == cell
                && beside.weights == weights
                && Point::of(&beside.at).agrees(point)
        };
        let is_wanted = |value: &&PublishedValue| is_wanted(value.quantity);
        self.values.iter().filter(is_wanted).filter(|value| value.beside.as_ref().is_some_and(fits)).collect()
    }
}

impl PublishedValue {
    /// The value as it is compared: an error as the accuracy in percent.
    pub fn compared(&self) -> f64 {
        match self.quantity {
            Quantity::TestError => 100.0 - self.value,
            Quantity::TestAccuracy | Quantity::LargestEigenvalue => self.value,
        }
    }

    /// The value as published: `2.70 ± 0.10 % error`.
    pub fn as_published(&self) -> String {
        let spread = self.spread.map(|spread| format!(" ± {spread}")).unwrap_or_default();
        let quantity = match self.quantity {
            Quantity::TestError => "% error",
            Quantity::TestAccuracy => "% accuracy",
            Quantity::LargestEigenvalue => "largest eigenvalue",
        };
        format!("{}{spread} {quantity}", self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_is_usable_and_every_value_has_a_source() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments/published.toml");
        let published = Published::read(&path).unwrap();
        assert!(published.values.len() > 40);
        let on = |data: &str| Point::of(&format!("data.dataset = '{data}'").parse().unwrap());
        let beside =
            |data, cell, weights| published.beside(Quantity::is_accuracy, "A4", cell, &on(data), weights);
        for (data, accuracy) in [("cifar10", 97.7), ("cifar100", 85.1)] {
            let [sam] = beside(data, "small steps, SAM", "iterate")[..] else { panic!("one value") };
            assert!((sam.compared() - accuracy).abs() < 1e-9, "{}", sam.as_published());
        }
        assert!(beside("cifar10", "large steps, SGD", "tail").is_empty());
        let is_eigenvalue = |quantity| quantity == Quantity::LargestEigenvalue;
        let [sam] = published.beside(is_eigenvalue, "A6", "small steps, SAM", &on("cifar10"), "iterate")[..]
        else {
            panic!("one value")
        };
        assert_eq!(sam.as_published(), "1 largest eigenvalue");
    }

    #[test]
    fn a_fraction_and_a_missing_source_are_refused_and_a_missing_file_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("published.toml");
        assert!(Published::read(&path).unwrap().values.is_empty());
        let value = |value: &str, source: &str| {
            format!(
                "[[values]]\nvalue = {value}\nquantity = \"test-error\"\nmethod = \"SAM\"\nmodel = \"m\"\n\
                 data = \"d\"\ntraining = \"t\"\nsource = \"{source}\"\n"
            )
        };
        for (text, part) in [(value("-2.7", "s"), "expected percent"), (value("2.7", " "), "has no source")] {
            std::fs::write(&path, text).unwrap();
            let error = format!("{:#}", Published::read(&path).unwrap_err());
            assert!(error.contains(part), "{error}");
        }
    }
}
