//! Networks on libtorch whose parameters live in one flat tensor.
//!
//! [`Architecture`] names a network, [`Network`] is one with weights; [`input::minibatch`] brings a loader's buffers
//! to its device; [`MinibatchObjective`] makes both an objective for the optimizers of `polder-optim`, which step
//! the network's [`FlatParameters`]. [`SwappedWeights`] evaluates averaged weights after a BN refresh, [`Checkpoint`] stores
//! everything, and [`cuda()`] makes a GPU usable, where [`input::Normalizer`] takes bytes, [`CudaChoices`] says how it
//! computes and [`RecordedGradients`] replays what it did.
//!
//! ```
//! use polder_models::{Architecture, MinibatchObjective, Network, Precision, input, input::ChannelOrder};
//! use polder_optim::{Entries, Optimizer as _, Sgd, SgdConfig, WeightDecay};
//! use tch::Device;
//!
//! let architecture: Architecture = "wrn-10-1".parse()?;
//! let network = Network::new(architecture, 10, 0, Precision::F32, Device::Cpu)?;
//! assert_eq!(network.num_parameters(), 77_850);
//!
//! let (mut weights, mut gradient) = (network.parameters(), network.gradient());
//! let decay = WeightDecay { coefficient: 5e-3, on: Entries::All };
//! let mut sgd = Sgd::new(SgdConfig { weight_decay: decay, ..SgdConfig::default() })?;
//! let (images, labels) = input::minibatch(&[0.5; 2 * 3 * 32 * 32], [2, 3, 32, 32], ChannelOrder::First, &[3, 7], Device::Cpu)?;
//! let mut objective = MinibatchObjective::new(&network, images, labels);
//! let first = sgd.step(&mut objective, &mut weights, &mut gradient, 0.1)?.mean_loss.double_value(&[]);
//! let second = sgd.step(&mut objective, &mut weights, &mut gradient, 0.1)?.mean_loss.double_value(&[]);
//! assert!(second < first);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod allocator;
mod bn_refresh;
mod build;
mod builder;
mod checkpoint;
mod cuda;
mod descent;
mod error;
mod filter_scales;
mod flat_parameters;
mod forward;
#[cfg(test)]
mod golden;
mod hessian_vector;
mod init;
pub mod input;
pub mod layers;
mod loss_surface;
mod network;
mod objective;
mod recorded_gradient;

pub use allocator::keep_freed_memory;
pub use bn_refresh::SwappedWeights;
pub use build::tensor_shapes;
pub use builder::{Builder, ParameterId, Storage};
pub use checkpoint::{Checkpoint, CheckpointSeries, DamagedCheckpoint, FoundCheckpoint, SavedTensor};
pub use cuda::{CudaChoices, DeviceMemory, cuda, cuda_extras, libtorch_cpu, num_cuda_devices};
pub use error::ModelError;
pub use filter_scales::filter_scales;
pub use flat_parameters::FlatParameters;
pub use forward::{BatchNormMode, Module, Pass};
pub use init::Init;
pub use loss_surface::{Arithmetic, LossSurface, MeanLoss};
pub use network::{Network, Precision};
pub use objective::{MinibatchLoss, MinibatchObjective};
pub use polder_architecture::{Architecture, LabelSmoothing};
pub use recorded_gradient::RecordedGradients;
