//! What each data set is published as: archives with their digests, files with their lengths and digests.
//!
//! The authors publish the MD5 of each archive, and widely used loaders carry the MD5s of CIFAR-10's members. For the
//! members of CIFAR-100 and the unpacked files of Fashion-MNIST and MNIST the authors publish nothing. The digests of
//! CIFAR-100 here were taken from files whose training mean and standard deviation agree with the published ones to 15
//! digits; those of Fashion-MNIST and MNIST agree with what independent projects carry. They count as known, not as
//! verified.

use crate::DatasetKind;

/// A data set as it is published.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Distribution {
    /// The data set, as the command line spells it.
    pub(crate) dataset: &'static str,
    /// The folder that holds the unpacked files.
    pub(crate) folder: &'static str,
    /// What to download, in this order.
    pub(crate) archives: &'static [Archive],
    /// The files of records.
    pub(crate) members: &'static [Member],
}

/// One file to download.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Archive {
    /// Its name in the data directory, unique among all data sets.
    pub(crate) file_name: &'static str,
    /// Where its authors publish it.
    pub(crate) address: &'static str,
    /// Published MD5.
    pub(crate) md5: &'static str,
    pub(crate) packing: Packing,
}

/// How an archive holds its files.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Packing {
    /// A `.tar.gz` of one folder with every member of the data set.
    TarGz,
    /// A `.gz` of this member.
    Gzip(Member),
}

/// A file of records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    /// Length in bytes.
    pub(crate) len: u64,
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

impl Distribution {
    /// More bytes than the readme and the label names of any archive have together.
    pub(crate) const MAX_OTHER_BYTES: u64 = 1 << 16;

    pub(crate) fn member(&self, name: &str) -> Option<&'static Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// No archive of the data set is longer than this: what it holds, unpacked.
    pub(crate) fn max_archive_len(&self) -> u64 {
        self.members.iter().map(|member| member.len).sum::<u64>() + Self::MAX_OTHER_BYTES
    }
}

pub(crate) fn distribution(kind: DatasetKind) -> &'static Distribution {
    match kind {
        DatasetKind::Cifar10 => &CIFAR10,
        DatasetKind::Cifar100 | DatasetKind::Cifar100Coarse => &CIFAR100,
        DatasetKind::Mnist => &MNIST,
        DatasetKind::FashionMnist => &FASHION_MNIST,
    }
}

const fn published(name: &'static str, len: u64, md5: &'static str) -> Member {
    Member { name, len, digest: Digest::Published(md5) }
}

const fn ours(name: &'static str, len: u64, md5: &'static str) -> Member {
    Member { name, len, digest: Digest::Ours(md5) }
}

const CIFAR10: Distribution = Distribution {
    dataset: "cifar10",
    folder: "cifar-10-batches-bin",
    archives: &[Archive {
        file_name: "cifar-10-binary.tar.gz",
        address: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        md5: "c32a1d4ab5d03f1284b67883e8d87530",
        packing: Packing::TarGz,
    }],
    members: &[
        published("data_batch_1.bin", 30_730_000, "5dd7e06a14cb22eb9f671a540d1b7c25"),
        published("data_batch_2.bin", 30_730_000, "5ea93a67294ea407fff1d09f752e9692"),
        published("data_batch_3.bin", 30_730_000, "942cd6a4bcdd0dd3c604fbe906cb4421"),
        published("data_batch_4.bin", 30_730_000, "ae636b3ba5c66a11e91e8cb52e771fcb"),
        published("data_batch_5.bin", 30_730_000, "53f37980c15c3d472c316c40844f3f0d"),
        published("test_batch.bin", 30_730_000, "803d5f7f4d78ea53de84dbe85f74fb6d"),
    ],
};

const CIFAR100: Distribution = Distribution {
    dataset: "cifar100",
    folder: "cifar-100-binary",
    archives: &[Archive {
        file_name: "cifar-100-binary.tar.gz",
        address: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
        md5: "03b5dce01913d631647c71ecec9e9cb8",
        packing: Packing::TarGz,
    }],
    members: &[
        ours("train.bin", 153_700_000, "6172c7755cfe09b2fe270c85cebc1b15"),
        ours("test.bin", 30_740_000, "4499cfba6c016c1be1438163640a0898"),
    ],
};

const MNIST: Distribution = Distribution {
    dataset: "mnist",
    folder: "mnist",
    archives: &[
        Archive {
            file_name: "mnist-train-images-idx3-ubyte.gz",
            address: "https://ossci-datasets.s3.amazonaws.com/mnist/train-images-idx3-ubyte.gz",
            md5: "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            packing: Packing::Gzip(MNIST_FILES[0]),
        },
        Archive {
            file_name: "mnist-train-labels-idx1-ubyte.gz",
            address: "https://ossci-datasets.s3.amazonaws.com/mnist/train-labels-idx1-ubyte.gz",
            md5: "d53e105ee54ea40749a09fcbcd1e9432",
            packing: Packing::Gzip(MNIST_FILES[1]),
        },
        Archive {
            file_name: "mnist-t10k-images-idx3-ubyte.gz",
            address: "https://ossci-datasets.s3.amazonaws.com/mnist/t10k-images-idx3-ubyte.gz",
            md5: "9fb629c4189551a2d022fa330f9573f3",
            packing: Packing::Gzip(MNIST_FILES[2]),
        },
        Archive {
            file_name: "mnist-t10k-labels-idx1-ubyte.gz",
            address: "https://ossci-datasets.s3.amazonaws.com/mnist/t10k-labels-idx1-ubyte.gz",
            md5: "ec29112dd5afa0611ce80d1b7f02629c",
            packing: Packing::Gzip(MNIST_FILES[3]),
        },
    ],
    members: &MNIST_FILES,
};

const MNIST_FILES: [Member; 4] = [
    ours("train-images-idx3-ubyte", 47_040_016, "6bbc9ace898e44ae57da46a324031adb"),
    ours("train-labels-idx1-ubyte", 60_008, "a25bea736e30d166cdddb491f175f624"),
    ours("t10k-images-idx3-ubyte", 7_840_016, "2646ac647ad5339dbf082846283269ea"),
    ours("t10k-labels-idx1-ubyte", 10_008, "27ae3e4e09519cfbb04c329615203637"),
];

const FASHION_MNIST: Distribution = Distribution {
    dataset: "fashion-mnist",
    folder: "fashion-mnist",
    archives: &[
        Archive {
            file_name: "fashion-mnist-train-images-idx3-ubyte.gz",
            address: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-images-idx3-ubyte.gz",
            md5: "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            packing: Packing::Gzip(FASHION_MNIST_FILES[0]),
        },
        Archive {
            file_name: "fashion-mnist-train-labels-idx1-ubyte.gz",
            address: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-labels-idx1-ubyte.gz",
            md5: "25c81989df183df01b3e8a0aad5dffbe",
            packing: Packing::Gzip(FASHION_MNIST_FILES[1]),
        },
        Archive {
            file_name: "fashion-mnist-t10k-images-idx3-ubyte.gz",
            address: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-images-idx3-ubyte.gz",
            md5: "bef4ecab320f06d8554ea6380940ec79",
            packing: Packing::Gzip(FASHION_MNIST_FILES[2]),
        },
        Archive {
            file_name: "fashion-mnist-t10k-labels-idx1-ubyte.gz",
            address: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-labels-idx1-ubyte.gz",
            md5: "bb300cfdad3c16e7a12a480ee83cd310",
            packing: Packing::Gzip(FASHION_MNIST_FILES[3]),
        },
    ],
    members: &FASHION_MNIST_FILES,
};

const FASHION_MNIST_FILES: [Member; 4] = [
    ours("train-images-idx3-ubyte", 47_040_016, "f4a8712d7a061bf5bd6d2ca38dc4d50a"),
    ours("train-labels-idx1-ubyte", 60_008, "9018921c3c673c538a1fc5bad174d6f9"),
    ours("t10k-images-idx3-ubyte", 7_840_016, "8181f5470baa50b63fa0f6fddb340f0a"),
    ours("t10k-labels-idx1-ubyte", 10_008, "15d484375f8d13e6eb1aabb0c3f46965"),
];
