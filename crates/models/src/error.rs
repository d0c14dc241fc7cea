//! What can go wrong in a network: unknown names, shapes that do not fit, libtorch's own failures, damaged files.

use std::path::PathBuf;

use polder_architecture::ArchitectureError;
use tch::TchError;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A name that no network has, images that it does not take, or targets that do not fit.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
    /// The images of a minibatch do not have the shape that their number promises.
    #[error(
        "a minibatch of shape {shape:?} needs {expected} pixels and one label per image, found {pixels} and {labels}"
    )]
    Minibatch {
        /// N, C, H, W.
        shape: [usize; 4],
        /// N C H W.
        expected: usize,
        /// Values found.
        pixels: usize,
        /// Labels found.
        labels: usize,
    },
    /// A subset of images has none, or not one label for each, or is to be seen none at a time.
    #[error(
        "a loss needs at least one image, a label for each and minibatches of at least one, found {images} images, \
         {labels} labels and minibatches of {batch_size}"
    )]
    Subset {
        /// Images given or asked for.
        images: usize,
        /// Labels that there are.
        labels: usize,
        /// Images in a minibatch.
        batch_size: usize,
    },
    /// An objective was asked for a gradient at weights that are not its network's.
    #[error("the gradient was asked at a vector that is not the network's own parameter arena")]
    ForeignVector,
    /// A checkpoint lacks a tensor, or holds it in another shape or type.
    #[error("the checkpoint's tensor `{name}` is {found}, expected {expected}")]
    CheckpointTensor {
        /// Name of the tensor.
        name: String,
        /// What the file holds under this name.
        found: String,
        /// What the network needs.
        expected: String,
    },
    /// A checkpoint is not a safetensors file, or is cut short.
    #[error("`{path}` is cut short, or no checkpoint at all")]
    CheckpointFormat {
        /// The file.
        path: PathBuf,
        /// What the parser met.
        source: safetensors::SafeTensorError,
    },
    /// A checkpoint does not hold what was written.
    #[error("`{path}` is damaged: its checksum is {stored}, that of its content {computed}")]
    CheckpointChecksum {
        /// The file.
        path: PathBuf,
        /// The checksum in the file, or that there is none.
        stored: String,
        /// The checksum of what the file holds.
        computed: String,
    },
    /// A file could not be read or written.
    #[error("cannot {act} `{path}`")]
    Io {
        /// What was being done: read, write, rename.
        act: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A CUDA device was asked for and cannot be had.
    #[error("CUDA was asked for and cannot be used: {reason}; use --device cpu, or mend it ({remedy})")]
    Cuda {
        /// What failed.
        reason: String,
        /// What the user can do.
        remedy: &'static str,
    },
    /// The library with what tch does not expose of CUDA cannot be had.
    #[error(
        "libpolder_cuda.so cannot be used ({reason}); `cargo xtask setup`, on a machine with an NVIDIA driver and a C++ \
         compiler, builds it"
    )]
    CudaShim {
        /// What failed.
        reason: String,
    },
    /// That library reports a failure.
    #[error("CUDA failed as {doing}: {message}")]
    CudaCall {
        /// What was being done.
        doing: &'static str,
        /// What libtorch says.
        message: String,
    },
    /// CUDA graphs were asked for on another device.
    #[error(
        "CUDA graphs record what a CUDA device does, and this network is on another device; use --device cuda"
    )]
    CudaGraphs,
    /// libtorch refused an operation.
    #[error("libtorch failed")]
    Libtorch(#[from] TchError),
}

impl From<ModelError> for polder_optim::OptimError {
    fn from(error: ModelError) -> Self {
        Self::objective(error)
    }
}
