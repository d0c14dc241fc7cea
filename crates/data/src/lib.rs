//! Labelled images from files to minibatches, at the speed of memory.
//!
//! A [`Dataset`] is indexed 8-bit images: CIFAR files mapped by [`open`], or [`Generated`] ones. A [`Loader`] visits
//! it in an order that is a function of (seed, epoch), crops, flips, normalises and cuts out ([`Augmentation`]) in
//! worker threads, as a function of (seed, epoch, sample index), and gives [`Minibatch`]es back in order, one
//! [`Epoch`] at a time. [`fetch`] and [`verify`] bring the official files and check them.
//!
//! One worker or sixteen, from the start or from the middle of an epoch: the same bytes. The crate knows no tensor
//! library; a minibatch is an `ndarray` view of a buffer that is used again.
//!
//! # Example
//! ```
//! use std::sync::Arc;
//! use polder_data::{Augmentation, Generated, GeneratedConfig, Loader, LoaderConfig, Normalization, Order};
//!
//! let images = Arc::new(Generated::new(GeneratedConfig::default())?);
//! let loader = Loader::new(images, LoaderConfig {
//!     batch_size: 128,
//!     seed: 1,
//!     order: Order::Shuffled,
//!     augmentation: Augmentation::papers(Normalization::GENERATED),
//!     drop_last: false,
//!     workers: 2,
//!     queue: 2,
//! })?;
//! let all: Vec<_> = loader.epoch(3)?.collect::<Result<_, _>>()?;
//! let tail: Vec<_> = loader.epoch_from(3, 5)?.collect::<Result<_, _>>()?;
//! assert_eq!(all[5].images(), tail[0].images());
//! # Ok::<(), polder_data::DataError>(())
//! ```

mod augment;
mod cifar;
mod dataset;
mod error;
mod generated;
mod idx;
mod kind;
mod loader;
mod mapped;
mod minibatch;
mod normalize;
mod random;
mod record_map;
mod reorder;
mod sampler;
mod subset;
mod worker;

#[cfg(feature = "download")]
mod archive;
#[cfg(feature = "download")]
mod checksums;
#[cfg(feature = "download")]
mod download;
#[cfg(feature = "image")]
mod sheet;
#[cfg(feature = "download")]
mod verify;

pub use augment::{Augmentation, Augmenter, Choices, Crop, Cutout, Flip, Region};
pub use dataset::{Dataset, ImageShape, Split};
#[cfg(feature = "download")]
pub use download::{FetchOptions, FetchReport, Outcome, Progress, Stage, fetch};
pub use error::DataError;
pub use generated::{Generated, GeneratedConfig};
pub use idx::open_idx;
pub use kind::{DatasetKind, open};
pub use loader::{Epoch, Loader, LoaderConfig};
pub use mapped::MappedDataset;
pub use minibatch::Minibatch;
pub use normalize::Normalization;
pub use sampler::{Order, epoch_order};
#[cfg(feature = "image")]
pub use sheet::write_sheet;
pub use subset::FirstN;
#[cfg(feature = "download")]
pub use verify::{FileReport, Verification, VerificationReport, verify};
