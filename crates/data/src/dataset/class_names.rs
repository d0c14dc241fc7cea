//! What the classes of the official data sets are called.

use std::fs;
use std::path::Path;

use crate::DatasetKind;

const FASHION: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];

/// The name of each class of `kind`, K of them, for people to read.
///
/// CIFAR's come from the text file beside its records; where that is missing or does not have K lines, the classes are
/// called by their numbers. Fashion-MNIST's are those of its readme (Xiao et al. (2017), arXiv:1708.07747, Table 2).
pub fn class_names(kind: DatasetKind, dir: &Path) -> Vec<String> {
    let numbers = || (0..kind.num_classes()).map(|class| class.to_string()).collect();
    let file_name = match kind {
        DatasetKind::Cifar10 => "batches.meta.txt",
        DatasetKind::Cifar100 => "fine_label_names.txt",
        DatasetKind::Cifar100Coarse => "coarse_label_names.txt",
        DatasetKind::FashionMnist => return FASHION.map(str::to_owned).into(),
        DatasetKind::Mnist => return numbers(),
    };
    let text = fs::read_to_string(dir.join(kind.folder()).join(file_name)).unwrap_or_default();
    let names: Vec<String> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if names.len() == kind.num_classes() { names } else { numbers() }
}
