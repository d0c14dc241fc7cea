//! Digests of the official archives and of their members.
//!
//! The authors publish the MD5 of each archive, and widely used loaders carry the MD5s of CIFAR-10's members. For the
//! members of CIFAR-100 nothing is published; their digests here were taken from files whose training mean and
//! standard deviation agree with the published ones to 15 digits, and count as known, not as verified.

use crate::{DataError, DatasetKind};

/// An official archive and what it holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Archive {
    /// The data set, as the command line spells it.
    pub(crate) dataset: &'static str,
    /// Name of the archive file.
    pub(crate) file_name: &'static str,
    /// Where its authors publish it.
    pub(crate) address: &'static str,
    /// Published MD5 of the archive.
    pub(crate) md5: &'static str,
    /// The folder that every member lies in.
    pub(crate) folder: &'static str,
    /// The members that hold records.
    pub(crate) members: &'static [Member],
}

/// A file of records within an archive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) digest: Digest,
}

/// An MD5, hexadecimal, and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Digest {
    /// Published outside of this project.
    Published(&'static str),
    /// From our own table.
    Ours(&'static str),
}

impl Digest {
    pub(crate) fn md5(self) -> &'static str {
        match self {
            Digest::Published(md5) | Digest::Ours(md5) => md5,
        }
    }
}

/// The archive of `kind`.
///
/// # Errors
/// [`DataError::Config`] for the data sets that are published as single files.
pub(crate) fn archive(kind: DatasetKind) -> Result<&'static Archive, DataError> {
    match kind {
        DatasetKind::Cifar10 => Ok(&CIFAR10),
        DatasetKind::Cifar100 | DatasetKind::Cifar100Coarse => Ok(&CIFAR100),
        DatasetKind::Mnist | DatasetKind::FashionMnist => Err(DataError::Config {
            field: "data set",
            found: kind.name().to_owned(),
            expected: "one that is published as an archive".to_owned(),
        }),
    }
}

const fn published(name: &'static str, md5: &'static str) -> Member {
    Member { name, digest: Digest::Published(md5) }
}

const fn ours(name: &'static str, md5: &'static str) -> Member {
    Member { name, digest: Digest::Ours(md5) }
}

const CIFAR10: Archive = Archive {
    dataset: "cifar10",
    file_name: "cifar-10-binary.tar.gz",
    address: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    md5: "c32a1d4ab5d03f1284b67883e8d87530",
    folder: "cifar-10-batches-bin",
    members: &[
        published("data_batch_1.bin", "5dd7e06a14cb22eb9f671a540d1b7c25"),
        published("data_batch_2.bin", "5ea93a67294ea407fff1d09f752e9692"),
        published("data_batch_3.bin", "942cd6a4bcdd0dd3c604fbe906cb4421"),
        published("data_batch_4.bin", "ae636b3ba5c66a11e91e8cb52e771fcb"),
        published("data_batch_5.bin", "53f37980c15c3d472c316c40844f3f0d"),
        published("test_batch.bin", "803d5f7f4d78ea53de84dbe85f74fb6d"),
    ],
};

const CIFAR100: Archive = Archive {
    dataset: "cifar100",
    file_name: "cifar-100-binary.tar.gz",
    address: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
    md5: "03b5dce01913d631647c71ecec9e9cb8",
    folder: "cifar-100-binary",
    members: &[
        ours("train.bin", "6172c7755cfe09b2fe270c85cebc1b15"),
        ours("test.bin", "4499cfba6c016c1be1438163640a0898"),
    ],
};
