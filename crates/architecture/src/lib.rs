//! What is known of a network without building it: its name, whether it has batch normalisation, its sizes, and the targets of its
//! loss.
//!
//! [`Architecture`] parses from a name. Building the network is the business of `polder-models`.
//!
//! ```
//! use polder_architecture::Architecture;
//!
//! let resnet: Architecture = "resnet-50".parse()?;
//! assert!(resnet.has_bn());
//! assert_eq!(resnet.num_parameters(10), 23_520_842);
//! assert_eq!(resnet.macs(10, [3, 32, 32])? / 1_000_000, 1_297);
//! # Ok::<(), polder_architecture::ArchitectureError>(())
//! ```

mod architecture;
mod error;
mod label_smoothing;
mod pyramid_net;
mod resnet;
mod sizes;
mod wide_resnet;

pub use architecture::Architecture;
pub use error::ArchitectureError;
pub use label_smoothing::LabelSmoothing;
pub use pyramid_net::pyramid_net_widths;
pub use resnet::ResNetDepth;
pub use wide_resnet::UnitShape;
