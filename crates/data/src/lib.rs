//! Labelled images from files to minibatches, at the speed of memory.
//!
//! A [`Dataset`] is indexed 8-bit images: files mapped by [`open`], or [`Generated`] ones. A [`Loader`] visits it in an
//! order that is a function of (seed, epoch), crops, moves, flips, normalises and cuts out ([`Augmentation`]) in worker
//! threads, as a function of (seed, epoch, sample index), and gives [`Minibatch`]es of `u8`, `f32` or [`bf16`] back in
//! order, one [`Epoch`] at a time. [`fetch`] and [`verify`] bring the official files and check them.
//!
//! ```text
//!   files             epoch plan               worker threads                   consumer
//! +---------+      +--------------+  steps   +-------------------+ finished  +------------+
//! | mapped  |      | order from   | -------> | user's steps      | --------> | reorder    |
//! | records |      | (seed,epoch) |          | crop, move, flip  |           | window     |
//! +----+----+      +--------------+          | normalise, cutout |           +-----+------+
//!      |                                     +---------+---------+                 | Minibatch,
//!      |            bytes, never copied                | writes                    v in plan order
//!      +---------------------------------------------->|                     your training step
//!                                            +---------+---------+                 |
//!                                            | buffer pool       | <---------------+ dropped:
//!                                            +-------------------+   memory is used again
//! ```
//!
//! One worker or sixteen, from the start or from the middle of an epoch: the same bytes. The crate knows no tensor
//! library; a minibatch is an `ndarray` view of a buffer that is used again, and nothing is allocated between one
//! minibatch and the next.
//!
//! # Example
//! ```
//! use polder_data::{Augmentation, Generated, GeneratedConfig, Loader, Normalization};
//!
//! let images = Generated::new(GeneratedConfig::default())?;
//! let loader = Loader::builder(images)
//!     .seed(1)
//!     .augmentation(Augmentation::crop_flip_cutout(Normalization::GENERATED))
//!     .workers(2)
//!     .build::<f32>()?;
//! let all: Vec<_> = loader.epoch(3)?.collect::<Result<_, _>>()?;
//! let tail: Vec<_> = loader.epoch_from(3, 5)?.collect::<Result<_, _>>()?;
//! assert_eq!(all[5].images(), tail[0].images());
//! # Ok::<(), polder_data::DataError>(())
//! ```
//!
//! With files, the data set is `polder_data::open(DatasetKind::Cifar10, Split::Train, "data".as_ref())?`. An image set
//! of one's own implements [`Dataset`]; an augmentation of one's own implements [`Augment`].
//!
//! # Features
//! `verify` (default): [`verify`](fn@verify). `download` (default, brings `verify`): [`fetch`]. `image` (default): folders of
//! images.

#![deny(missing_docs)]
// Without a feature, links to what it adds lead nowhere.
#![cfg_attr(not(all(feature = "download", feature = "image")), allow(rustdoc::broken_intra_doc_links))]

mod augment;
mod chacha;
mod dataset;
mod error;
mod loader;
#[cfg(doctest)]
mod pages;
mod random;
mod simd;

// The parsers as functions of bytes, for the crate's own tests and `cargo fuzz`. Not part of the package.
#[cfg(all(feature = "download", any(test, fuzzing)))]
#[doc(hidden)]
#[path = "../fuzz/harness.rs"]
pub mod fuzzing;
#[cfg(feature = "verify")]
mod official;
#[cfg(feature = "image")]
mod pack;

pub use augment::element::Element;
pub use augment::layout::Layout;
pub use augment::{
    Augment, AugmentParams, AugmentRng, Augmentation, Augmenter, Border, Crop, Cutout, Flip, Region, Sample,
    Translate,
};
pub use dataset::class_names::class_names;
pub use dataset::generated::{Generated, GeneratedConfig};
pub use dataset::idx::open_idx;
pub use dataset::kind::{DatasetKind, open};
pub use dataset::label_noise::LabelNoise;
pub use dataset::mapped::MappedDataset;
pub use dataset::normalize::Normalization;
pub use dataset::packed::{PackedDataset, PackedHeader, open_packed};
pub use dataset::subset::{FirstN, Subset};
pub use dataset::validation::{Balance, split_validation};
pub use dataset::{Dataset, ImageShape, Split};
pub use error::DataError;
pub use half::bf16;
pub use loader::Loader;
pub use loader::builder::LoaderBuilder;
pub use loader::epoch::Epoch;
pub use loader::minibatch::{BatchBuffer, Minibatch};
pub use loader::sampler::{Order, epoch_order};
pub use loader::statistics::{LoaderStage, StageStatistics, Statistics};
#[cfg(feature = "download")]
pub use official::download::{FetchOptions, FetchReport, Outcome, Progress, Stage, fetch};
#[cfg(feature = "verify")]
pub use official::verify::{FileReport, Verification, VerificationReport, verify};
#[cfg(feature = "image")]
pub use pack::{PackOptions, PackReport, pack};
