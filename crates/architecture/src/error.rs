//! What can be wrong with a description of a network.

use crate::architecture::Architecture;

/// An error of this crate.
#[derive(Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ArchitectureError {
    /// A network's name was not understood.
    #[error(
        "no network is called `{name}`; known are resnet-18, resnet-34, resnet-50, resnet-101, resnet-152, \
         wrn-<depth>-<widening> (depth = 6 n + 4, as in wrn-28-10), the same without BN as wrn-10-1-skipinit, \
         wrn28-10-released, pyramidnet-<depth>-<alpha> (depth = 9 n + 2, as in pyramidnet-272-200) and \
         mlp-<inputs>-<width>x<hidden layers> (as in mlp-784-1000x2)"
    )]
    UnknownName {
        /// The name as given.
        name: String,
    },
    /// A network cannot take images of such a shape.
    #[error("`{architecture}` takes images of {expected}, found {} x {} x {}", .found[0], .found[1], .found[2])]
    Images {
        /// The network.
        architecture: Architecture,
        /// What it takes.
        expected: String,
        /// C, H, W.
        found: [usize; 3],
    },
    /// The share of label smoothing lies outside of its range.
    #[error(
        "label smoothing spreads a share of {given}, expected at least 0 and less than {limit} for {num_classes} classes"
    )]
    LabelSmoothing {
        /// The share as given.
        given: f64,
        /// The share from which the labelled class is no likelier than another.
        limit: f64,
        /// Number of classes.
        num_classes: usize,
    },
}
