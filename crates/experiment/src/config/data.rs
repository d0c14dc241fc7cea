//! `[data]`: which images, and what is done to them.

use std::fmt;

use anyhow::ensure;
use polder_data::DatasetKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::{fraction, is_default};

/// Which images, and what is done to them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DataConfig {
    /// The data set.
    pub dataset: DatasetName,
    /// Only the first so many training images; all of them when absent (generated data: 2,000).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1), example = 2000)]
    pub train_images: Option<usize>,
    /// Only the first so many test images; all of them when absent (generated data: 1,000).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1), example = 1000)]
    pub test_images: Option<usize>,
    /// The training images: a file made by `polder data pack`, relative to the data directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-only-with" = {"data.dataset": "packed"}), example = "flowers.polder")]
    pub path: Option<String>,
    /// The test images: such a file as well; without it, `validation_images` of the training images take their place.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-only-with" = {"data.dataset": "packed"}), example = "flowers-test.polder")]
    pub test_path: Option<String>,
    /// So many of the training images, of each class its share, are held out and evaluated instead of the test split;
    /// the same ones for every seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1), example = 5000)]
    pub validation_images: Option<usize>,
    /// This fraction of the training labels is replaced by a wrong one, drawn from the seed.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(!skip_serializing_if, range(min = 0, max = 1), example = 0.2)]
    pub label_noise: f64,
    /// Number of classes of generated data; 10 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-only-with" = {"data.dataset": "generated"}), range(min = 2, max = 256), example = 5)]
    pub num_classes: Option<usize>,
    /// Height and width of generated data, in pixels; 32 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-only-with" = {"data.dataset": "generated"}), range(min = 4), example = 16)]
    pub image_size: Option<usize>,
    /// What is done to a training image, drawn anew in every epoch.
    pub augmentation: AugmentationName,
}

/// The data sets a run can be trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DatasetName {
    /// CIFAR-10: 10 classes, 3 x 32 x 32.
    Cifar10,
    /// CIFAR-100 under its 100 fine labels, 3 x 32 x 32.
    Cifar100,
    /// CIFAR-100 under its 20 coarse labels.
    Cifar100Coarse,
    /// Digits of 1 x 28 x 28, for the perceptrons.
    Mnist,
    /// Clothes of 1 x 28 x 28, for the perceptrons.
    FashionMnist,
    /// A folder of images that `polder data pack` has made a file of: `path`, and `test_path` or `validation_images`.
    #[schemars(extend("x-needs" = ["data.path", "data.test_path"]))]
    Packed,
    /// Made by Polder, the same for every seed; needs no file.
    Generated,
}

/// The augmentations that have a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AugmentationName {
    /// Crop (zero padding 4), flip, cutout (16, p = 0.5): the recipe of Nitanda et al.'s code.
    CropFlipCutout,
    /// Crop (zero padding 4) and flip.
    CropFlip,
    /// Nothing.
    None,
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            dataset: DatasetName::Cifar10,
            train_images: None,
            test_images: None,
            path: None,
            test_path: None,
            validation_images: None,
            label_noise: 0.0,
            num_classes: None,
            image_size: None,
            augmentation: AugmentationName::CropFlipCutout,
        }
    }
}

impl DataConfig {
    /// Keys that need each other are there together, and none is there without effect.
    pub(super) fn validate(&self) -> anyhow::Result<()> {
        for (name, count, otherwise) in [
            ("data.train_images", self.train_images, "for all images"),
            ("data.test_images", self.test_images, "for all images"),
            ("data.validation_images", self.validation_images, "to evaluate the test images"),
        ] {
            ensure!(count != Some(0), "`{name}` is 0; expected at least 1, or leave it out {otherwise}");
        }
        fraction("data.label_noise", self.label_noise)?;
        let packed = self.dataset == DatasetName::Packed;
        let generated = self.dataset == DatasetName::Generated;
        let (held_out, own_test) = (self.validation_images.is_some(), self.test_path.is_some());
        ensure!(packed == self.path.is_some(), "`data.path` and `data.dataset = \"packed\"` need each other");
        ensure!(packed || !own_test, "`data.test_path` belongs to `data.dataset = \"packed\"`; remove it");
        ensure!(
            !packed || held_out || own_test,
            "`data.dataset = \"packed\"` needs images to evaluate: give `data.test_path`, or `data.validation_images` to \
             hold some out"
        );
        ensure!(
            !held_out || (self.test_images.is_none() && !own_test),
            "with `data.validation_images` no test image is looked at; remove `data.test_images` and `data.test_path`"
        );
        ensure!(
            generated || (self.num_classes.is_none() && self.image_size.is_none()),
            "`data.num_classes` and `data.image_size` belong to `data.dataset = \"generated\"`; remove them"
        );
        if let Some(classes) = self.num_classes {
            ensure!((2..=256).contains(&classes), "`data.num_classes` is {classes}; expected 2 to 256");
        }
        if let Some(size) = self.image_size {
            ensure!(size >= 4, "`data.image_size` is {size}; expected at least 4 pixels");
        }
        Ok(())
    }
}

impl DatasetName {
    /// The set with official files that this is, if it is one.
    pub fn official(self) -> Option<DatasetKind> {
        match self {
            Self::Cifar10 => Some(DatasetKind::Cifar10),
            Self::Cifar100 => Some(DatasetKind::Cifar100),
            Self::Cifar100Coarse => Some(DatasetKind::Cifar100Coarse),
            Self::Mnist => Some(DatasetKind::Mnist),
            Self::FashionMnist => Some(DatasetKind::FashionMnist),
            Self::Packed | Self::Generated => None,
        }
    }
}

impl fmt::Display for DatasetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cifar10 => "CIFAR-10",
            Self::Cifar100 => "CIFAR-100",
            Self::Cifar100Coarse => "CIFAR-100 (coarse labels)",
            Self::Mnist => "MNIST",
            Self::FashionMnist => "Fashion-MNIST",
            Self::Packed => "packed images",
            Self::Generated => "generated data",
        })
    }
}
