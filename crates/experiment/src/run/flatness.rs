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
pub struct FlatnessSettings {
    /// So many training images, without augmentation, are the loss that is measured.
    pub images: usize,
    /// So many training images give the running statistics of BN.
    pub bn_images: usize,
    /// Sampling of the trace stops when half the 95 % interval is this share of the mean,
    pub precision: f64,
    /// Stops sampling after this number of samples.
    pub max_samples: u64,
    /// Largest residual of the eigenvalue, as a share of it.
    pub tolerance: f64,
    /// Only at these weights: `iterate`, or names of averages.
    pub weights: Vec<String>,
    /// Loss on lines between weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sections: Option<SectionSettings>,
}

/// Loss on lines between two sets of weights, on images of both splits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SectionSettings {
    /// Where each line begins and ends: `iterate`, or names of averages.
    pub between: Vec<[String; 2]>,
    /// So many images of each split, without augmentation.
    pub images: usize,
    /// So many training images give the running statistics of BN, anew at every place.
    pub bn_images: usize,
    /// Places at equal distances, from half the line's length before its beginning to as far beyond its end; and both ends.
    pub points: usize,
}

/// How flat the loss is at the weights of a run; every number is `None` where it is not finite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlatnessRecord {
    pub settings: FlatnessSettings,
    /// Wall time.
    pub seconds: f64,
    /// By the name of an average, or `iterate`.
    pub by_weights: BTreeMap<String, Flatness>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<Section>,
}

/// The loss on the line between two sets of weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Section {
    pub between: [String; 2],
    /// Euclidean distance of the two.
    pub distance: f64,
    pub train: Vec<SectionPoint>,
    pub test: Vec<SectionPoint>,
}

/// A place on a line, 0 and 1 being its ends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SectionPoint {
    pub at: f64,
    /// Mean cross entropy, in nats; `None` where it is not finite.
    pub loss: Option<f64>,
    /// Fraction of images classified wrongly.
    pub error: f64,
}

/// Curvature of the mean cross entropy at one set of weights. Relative: every weight in units of the norm of its filter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Flatness {
    pub loss: Option<f64>,
    pub trace: Option<f64>,
    pub relative_trace: Option<f64>,
    pub largest_eigenvalue: Option<f64>,
    pub relative_largest_eigenvalue: Option<f64>,
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
        Self {
            images: 500,
            bn_images: 1000,
            precision: 0.1,
            max_samples: 50,
            tolerance: 0.02,
            weights,
            sections: None,
        }
    }
}

impl Default for SectionSettings {
    fn default() -> Self {
        Self { between: Vec::new(), images: 1000, bn_images: 1000, points: 21 }
    }
}

impl FlatnessSettings {
    /// Cut to what shows that it runs.
    #[must_use]
    pub fn at_smoke(&self) -> Self {
        let few = |number: usize| number.min(50);
        Self {
            images: few(self.images),
            bn_images: few(self.bn_images),
            max_samples: self.max_samples.min(2),
            tolerance: self.tolerance.max(0.5),
            precision: self.precision,
            weights: self.weights.clone(),
            sections: self.sections.as_ref().map(|sections| SectionSettings {
                between: sections.between.clone(),
                images: few(sections.images),
                bn_images: few(sections.bn_images),
                points: sections.points.min(5),
            }),
        }
    }

    /// Curvature and sections, each to be measured, and kept, by itself: one that is added later does not cost the other again.
    pub fn parts(&self) -> Vec<Self> {
        let curvature = Self { sections: None, ..self.clone() };
        let sections = self.sections.as_ref().map(|sections| Self {
            weights: Vec::new(),
            sections: Some(sections.clone()),
            ..Self::default()
        });
        (!self.weights.is_empty()).then_some(curvature).into_iter().chain(sections).collect()
    }
}

impl FlatnessRecord {
    /// What was measured of the run in `dir`; `None` if nothing was, or under other settings.
    pub fn read(dir: &Path, settings: &FlatnessSettings) -> anyhow::Result<Option<Self>> {
        Ok(Self::read_all(dir)?.into_iter().find(|record| record.settings == *settings))
    }

    /// The same under all settings; nothing if nothing was measured.
    pub fn read_all(dir: &Path) -> anyhow::Result<Vec<Self>> {
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

    /// Adds it to what was measured under other settings; a file that cannot be read gives way.
    pub fn write(&self, dir: &Path) -> anyhow::Result<()> {
        let mut records = Self::read_all(dir).unwrap_or_else(|error| {
            tracing::warn!("it will be written again: {error:#}");
            Vec::new()
        });
        records.retain(|record| record.settings != self.settings);
        records.push(self.clone());
        replace_file(&dir.join(FLATNESS_FILE), &serde_json::to_vec_pretty(&records)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_a_part_of_their_own_and_leave_curvature_as_it_was() {
        let text = "images = 250\n[sections]\nbetween = [['iterate', 'tail']]";
        let both: FlatnessSettings = toml::from_str(text).unwrap();
        let alone: FlatnessSettings = toml::from_str("images = 250").unwrap();
        let [curvature, sections] = &both.parts()[..] else { panic!("two parts") };
        assert_eq!((curvature, alone.parts()), (&alone, vec![alone.clone()]));
        assert!(sections.weights.is_empty() && sections.sections == both.sections);
        assert!(
            !serde_json::to_string(curvature).unwrap().contains("sections"),
            "as earlier versions wrote it"
        );
        assert!(both.at_smoke().sections.unwrap().images <= 50);
    }

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
            sections: Vec::new(),
        };
        record.write(dir.path()).unwrap();
        assert_eq!(FlatnessRecord::read(dir.path(), &settings).unwrap().as_ref(), Some(&record));
        let other = FlatnessSettings { images: 7, ..settings.clone() };
        assert_eq!(FlatnessRecord::read(dir.path(), &other).unwrap(), None);
        // Another experiment's does not take its place, and the same again does.
        let of_other = FlatnessRecord { settings: other.clone(), seconds: 2.5, ..record.clone() };
        of_other.write(dir.path()).unwrap();
        of_other.write(dir.path()).unwrap();
        assert_eq!(FlatnessRecord::read_all(dir.path()).unwrap(), [record.clone(), of_other.clone()]);
        // As earlier versions wrote it.
        std::fs::write(dir.path().join(FLATNESS_FILE), serde_json::to_vec(&record).unwrap()).unwrap();
        assert_eq!(FlatnessRecord::read(dir.path(), &settings).unwrap(), Some(record));
        std::fs::write(dir.path().join(FLATNESS_FILE), "{").unwrap();
        let error = format!("{:#}", FlatnessRecord::read(dir.path(), &settings).unwrap_err());
        assert!(error.contains("flatness.json") && error.contains("remove it"), "{error}");
        let again = FlatnessRecord { settings: settings.clone(), seconds: 1.0, ..of_other };
        again.write(dir.path()).unwrap();
        assert_eq!(FlatnessRecord::read_all(dir.path()).unwrap(), [again]);
    }
}
