//! `flatness.json` of a run: how flat the loss is at its end, for the claims of experiments, by the settings of each.
//!
//! Plain data, from which a report is drawn without a network; `polder sharpness` measures what it holds.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::replace_file::replace_file;

const FLATNESS_FILE: &str = "flatness.json";

/// What is measured of the loss at the ends of the runs of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FlatnessSettings {
    /// So many training images, without augmentation, are the loss that is measured.
    pub(crate) images: usize,
    /// So many training images give the running statistics of BN.
    pub(crate) bn_images: usize,
    /// Sampling of the trace stops when half the 95 % interval is this share of the mean,
    pub(crate) precision: f64,
    /// or after so many samples.
    pub(crate) max_samples: u64,
    /// Largest residual of the eigenvalue, as a share of it.
    pub(crate) tolerance: f64,
    /// Only at these weights: `iterate`, or names of averages.
    pub(crate) weights: Vec<String>,
}

/// How flat the loss is at the weights of a run; every number is `None` where it is not finite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FlatnessRecord {
    pub(crate) settings: FlatnessSettings,
    /// Wall time.
    pub(crate) seconds: f64,
    /// By the name of an average, or `iterate`.
    pub(crate) by_weights: BTreeMap<String, Flatness>,
}

/// Curvature of the mean cross entropy at one set of weights. Relative: every weight in units of the norm of its filter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Flatness {
    pub(crate) loss: Option<f64>,
    pub(crate) trace: Option<f64>,
    pub(crate) relative_trace: Option<f64>,
    pub(crate) largest_eigenvalue: Option<f64>,
    pub(crate) relative_largest_eigenvalue: Option<f64>,
}

/// Earlier versions wrote one record by itself.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(FlatnessRecord),
    More(Vec<FlatnessRecord>),
}

impl Default for FlatnessSettings {
    fn default() -> Self {
        let weights = vec!["iterate".to_owned(), "tail".to_owned()];
        Self { images: 500, bn_images: 1000, precision: 0.1, max_samples: 50, tolerance: 0.02, weights }
    }
}

impl FlatnessSettings {
    /// Cut to what shows that it runs.
    pub(crate) fn at_smoke(&self) -> Self {
        let few = |number: usize| number.min(50);
        Self {
            images: few(self.images),
            bn_images: few(self.bn_images),
            max_samples: self.max_samples.min(2),
            tolerance: self.tolerance.max(0.5),
            ..self.clone()
        }
    }
}

impl FlatnessRecord {
    /// What was measured of the run in `dir`; `None` if nothing was, or under other settings.
    pub(crate) fn read(dir: &Path, settings: &FlatnessSettings) -> anyhow::Result<Option<Self>> {
        Ok(Self::read_all(dir)?.into_iter().find(|record| record.settings == *settings))
    }

    /// The same under all settings; nothing if nothing was measured.
    pub(crate) fn read_all(dir: &Path) -> anyhow::Result<Vec<Self>> {
        let path = dir.join(FLATNESS_FILE);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", path.display())),
        };
        let records: OneOrMore = serde_json::from_slice(&bytes).with_context(|| {
            format!("`{}` is damaged; remove it and repeat `polder reproduce`", path.display())
        })?;
        Ok(match records {
            OneOrMore::One(record) => vec![record],
            OneOrMore::More(records) => records,
        })
    }

    /// Adds it to what was measured under other settings.
    pub(crate) fn write(&self, dir: &Path) -> anyhow::Result<()> {
        let mut records = Self::read_all(dir)?;
        records.retain(|record| record.settings != self.settings);
        records.push(self.clone());
        replace_file(&dir.join(FLATNESS_FILE), &serde_json::to_vec_pretty(&records)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_found_again_under_its_settings_alone_and_a_damaged_one_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let settings = FlatnessSettings::default();
        assert_eq!(FlatnessRecord::read(dir.path(), &settings).unwrap(), None);
        let flat = Flatness { trace: Some(12.5), ..Flatness::default() };
        let record = FlatnessRecord {
            settings: settings.clone(),
            seconds: 1.5,
            by_weights: BTreeMap::from([("iterate".to_owned(), flat)]),
        };
        record.write(dir.path()).unwrap();
        assert_eq!(FlatnessRecord::read(dir.path(), &settings).unwrap().as_ref(), Some(&record));
        let other = FlatnessSettings { images: 7, ..settings.clone() };
        assert_eq!(FlatnessRecord::read(dir.path(), &other).unwrap(), None);
        // Another experiment's does not take its place, and the same again does.
        let of_other = FlatnessRecord { settings: other.clone(), seconds: 2.5, ..record.clone() };
        of_other.write(dir.path()).unwrap();
        of_other.write(dir.path()).unwrap();
        assert_eq!(FlatnessRecord::read_all(dir.path()).unwrap(), [record.clone(), of_other]);
        // As earlier versions wrote it.
        std::fs::write(dir.path().join(FLATNESS_FILE), serde_json::to_vec(&record).unwrap()).unwrap();
        assert_eq!(FlatnessRecord::read(dir.path(), &settings).unwrap(), Some(record));
        std::fs::write(dir.path().join(FLATNESS_FILE), "{").unwrap();
        let error = format!("{:#}", FlatnessRecord::read(dir.path(), &settings).unwrap_err());
        assert!(error.contains("flatness.json") && error.contains("remove it"), "{error}");
    }
}
