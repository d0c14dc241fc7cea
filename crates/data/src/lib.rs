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
mod builder;
mod chacha;
mod cifar;
mod class_names;
mod dataset;
mod element;
mod epoch;
mod error;
mod generated;
mod idx;
mod kind;
mod label_noise;
mod layout;
mod loader;
mod mapped;
mod minibatch;
mod normalize;
mod packed;
#[cfg(doctest)]
mod pages;
mod pipeline;
mod pool;
mod random;
mod record_map;
mod reorder;
mod runtime;
mod sampler;
mod simd;
mod statistics;
mod subset;
mod validation;
mod worker;

#[cfg(feature = "download")]
mod archive;
// Addresses and archives serve downloads alone.
#[cfg(feature = "verify")]
#[cfg_attr(not(feature = "download"), allow(dead_code))]
mod checksums;
#[cfg(feature = "download")]
mod download;
// The parsers as functions of bytes, for the crate's own tests and `cargo fuzz`. Not part of the package.
#[cfg(all(feature = "download", any(test, fuzzing)))]
#[doc(hidden)]
#[path = "../fuzz/harness.rs"]
pub mod fuzzing;
#[cfg(feature = "image")]
mod pack;
#[cfg(feature = "verify")]
mod verify;

pub use augment::{
    Augment, AugmentParams, AugmentRng, Augmentation, Augmenter, Border, Crop, Cutout, Flip, Region, Sample,
    Translate,
};
pub use builder::LoaderBuilder;
pub use class_names::class_names;
pub use dataset::{Dataset, ImageShape, Split};
#[cfg(feature = "download")]
pub use download::{FetchOptions, FetchReport, Outcome, Progress, Stage, fetch};
pub use element::Element;
pub use epoch::Epoch;
pub use error::DataError;
pub use generated::{Generated, GeneratedConfig};
pub use half::bf16;
pub use idx::open_idx;
pub use kind::{DatasetKind, open};
pub use label_noise::LabelNoise;
pub use layout::Layout;
pub use loader::Loader;
pub use mapped::MappedDataset;
pub use minibatch::{BatchBuffer, Minibatch};
pub use normalize::Normalization;
#[cfg(feature = "image")]
pub use pack::{PackOptions, PackReport, pack};
pub use packed::{PackedDataset, PackedHeader, open_packed};
pub use sampler::{Order, epoch_order};
pub use statistics::{LoaderStage, StageStatistics, Statistics};
pub use subset::{FirstN, Subset};
pub use validation::{Balance, split_validation};
#[cfg(feature = "verify")]
pub use verify::{FileReport, Verification, VerificationReport, verify};
