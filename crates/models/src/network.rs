//! A network: its description, its weights in an arena, and the leaves through which libtorch differentiates it.

use std::collections::BTreeMap;
use std::sync::Arc;

use polder_architecture::Architecture;
use tch::{Device, Kind, Tensor};

use crate::build::build;
use crate::builder::Builder;
use crate::error::ModelError;
use crate::flat_parameters::{FlatParameters, Layout, copy_of};
use crate::forward::{BatchNormMode, Module, Pass};

/// The type in which convolutions and linear layers compute. Weights, gradients and BN statistics are f32 either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// f32 throughout: the reference.
    F32,
    /// bf16 activations and a bf16 shadow of the convolution and linear weights.
    Bf16,
}

/// bf16 copies of the shadowed weights, and the gradients that arrive there.
#[derive(Debug)]
struct Shadow {
    weights: Tensor,
    gradient: Tensor,
}

/// A classifier of N,3,H,W images.
#[derive(Debug)]
pub struct Network {
    name: String,
    module: Box<dyn Module>,
    layout: Arc<Layout>,
    parameters: FlatParameters,
    gradient: FlatParameters,
    shadow: Option<Shadow>,
    /// What the graph starts from, in order of declaration: slices of the arena, or of the shadow.
    leaves: Vec<Tensor>,
    /// All running means and variances in one tensor.
    statistics: Tensor,
    running: Vec<(Tensor, Tensor)>,
    batch_norms: Vec<(String, i64)>,
    precision: Precision,
    device: Device,
}

impl Network {
    /// A network with the initial values of `seed`, on `device`.
    ///
    /// # Errors
    /// If libtorch cannot allocate or arrange its tensors.
    pub fn new(
        architecture: Architecture,
        num_classes: usize,
        seed: u64,
        precision: Precision,
        device: Device,
    ) -> Result<Self, ModelError> {
        let mut builder = Builder::default();
        let module = build(architecture, &mut builder, num_classes as i64);
        Self::of_module(&architecture.to_string(), module, builder, seed, precision, device)
    }

    /// A network called `name` of layers that `describe` declares, with the initial values of `seed`, on `device`.
    ///
    /// # Errors
    /// If libtorch cannot allocate or arrange its tensors.
    ///
    /// # Panics
    /// If two parameters have one name.
    pub fn describe(
        name: &str,
        describe: impl FnOnce(&mut Builder) -> Box<dyn Module>,
        seed: u64,
        precision: Precision,
        device: Device,
    ) -> Result<Self, ModelError> {
        let mut builder = Builder::default();
        let module = describe(&mut builder);
        Self::of_module(name, module, builder, seed, precision, device)
    }

    /// A network of layers that `builder` has seen declared.
    fn of_module(
        name: &str,
        module: Box<dyn Module>,
        builder: Builder,
        seed: u64,
        precision: Precision,
        device: Device,
    ) -> Result<Self, ModelError> {
        let layout = Arc::new(Layout::new(&builder.parameters));
        let (parameters, gradient) =
            (FlatParameters::zeros(&layout, device)?, FlatParameters::zeros(&layout, device)?);
        for (declaration, slot) in builder.parameters.iter().zip(&layout.slots) {
            let values = declaration.init.draw(seed, &declaration.name, slot.len as usize);
            let values = Tensor::from_slice(&values).f_view(declaration.shape.as_slice())?;
            tch::no_grad(|| slot.view(parameters.flat())?.f_copy_(&values).map_err(ModelError::from))?;
        }
        let shadow = match precision {
            Precision::F32 => None,
            Precision::Bf16 => {
                let zeros = || Tensor::f_zeros([layout.shadow_len], (Kind::BFloat16, device));
                Some(Shadow { weights: zeros()?, gradient: zeros()? })
            }
        };
        let leaves = leaves(&layout, &builder, &parameters, &gradient, shadow.as_ref())?;
        let num_channels: i64 = builder.batch_norms.iter().map(|(_, channels)| channels).sum();
        let statistics = Tensor::f_zeros([2 * num_channels], (Kind::Float, device))?;
        let running = running_statistics(&statistics, &builder.batch_norms)?;
        let network = Self {
            name: name.to_owned(),
            module,
            layout,
            parameters,
            gradient,
            shadow,
            leaves,
            statistics,
            running,
            batch_norms: builder.batch_norms,
            precision,
            device,
        };
        network.reset_running_statistics()?;
        Ok(network)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it computes.
    pub fn device(&self) -> Device {
        self.device
    }

    /// The type it computes in.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Number of trainable parameters.
    pub fn num_parameters(&self) -> u64 {
        self.layout.num_parameters() as u64
    }

    /// A handle on the weights: changing it changes the network.
    pub fn parameters(&self) -> FlatParameters {
        self.parameters.share()
    }

    /// A handle on the gradient that [`Network::backward`] fills.
    pub fn gradient(&self) -> FlatParameters {
        self.gradient.share()
    }

    /// Logits N,K in f32 for images N,3,H,W, at the weights as they are now.
    ///
    /// # Errors
    /// If libtorch refuses an operation: shapes that do not fit, memory that is not there.
    pub fn forward(&self, images: &Tensor, mode: BatchNormMode) -> Result<Tensor, ModelError> {
        if let Some(shadow) = &self.shadow {
            let weights = self.parameters.flat().f_narrow(0, 0, self.layout.shadow_len)?;
            tch::no_grad(|| shadow.weights.shallow_clone().f_copy_(&weights))?;
        }
        let pass = Pass::new(&self.leaves, &self.running, mode);
        self.module.forward(&pass, &self.input(images)?)
    }

    /// Overwrites the gradient arena with the gradient of `loss`, a scalar that depends on this network's weights.
    ///
    /// # Errors
    /// If libtorch cannot differentiate it.
    pub fn backward(&self, loss: &Tensor) -> Result<(), ModelError> {
        let mut flat = self.gradient.flat().shallow_clone();
        tch::no_grad(|| flat.f_zero_().map(drop))?;
        if let Some(shadow) = &self.shadow {
            tch::no_grad(|| shadow.gradient.shallow_clone().f_zero_().map(drop))?;
        }
        loss.f_backward()?;
        if let Some(shadow) = &self.shadow {
            tch::no_grad(|| flat.f_narrow(0, 0, self.layout.shadow_len)?.f_copy_(&shadow.gradient))?;
        }
        Ok(())
    }

    /// The weights as the arithmetic sees them: rounded where they have a shadow.
    ///
    /// # Errors
    /// If libtorch cannot allocate the copy.
    pub fn effective_weights(&self) -> Result<Tensor, ModelError> {
        let weights = copy_of(self.parameters.flat())?;
        if self.shadow.is_some() {
            let mut shadowed = weights.f_narrow(0, 0, self.layout.shadow_len)?;
            tch::no_grad(|| shadowed.f_copy_(&shadowed.f_to_kind(Kind::BFloat16)?))?;
        }
        Ok(weights)
    }

    /// Running means and variances of all BN layers in one flat f32 tensor; changing it changes the network.
    pub fn running_statistics(&self) -> Tensor {
        self.statistics.shallow_clone()
    }

    /// Running means 0, running variances 1.
    ///
    /// # Errors
    /// If libtorch refuses the writes.
    pub fn reset_running_statistics(&self) -> Result<(), ModelError> {
        tch::no_grad(|| {
            for (mean, var) in &self.running {
                let _ = mean.shallow_clone().f_fill_(0.0)?;
                let _ = var.shallow_clone().f_fill_(1.0)?;
            }
            Ok(())
        })
    }

    /// Parameters and BN statistics by the names that PyTorch gives them; they share the network's memory.
    ///
    /// # Errors
    /// If libtorch cannot make a view.
    pub fn named_tensors(&self) -> Result<BTreeMap<String, Tensor>, ModelError> {
        let statistics = self.batch_norms.iter().zip(&self.running).flat_map(|((name, _), (mean, var))| {
            [
                (format!("{name}.running_mean"), mean.shallow_clone()),
                (format!("{name}.running_var"), var.shallow_clone()),
            ]
        });
        Ok(self.parameters.named()?.into_iter().chain(statistics).collect())
    }

    /// All memory that a gradient reads or writes beside its images: weights, gradient, running statistics, shadow. It
    /// never moves.
    pub(crate) fn memory(&self) -> Vec<Tensor> {
        let own = [self.parameters.flat(), self.gradient.flat(), &self.statistics];
        let shadow = self.shadow.iter().flat_map(|shadow| [&shadow.weights, &shadow.gradient]);
        own.into_iter().chain(shadow).map(Tensor::shallow_clone).collect()
    }

    /// What the graph starts from, in order of declaration.
    pub(crate) fn leaves(&self) -> &[Tensor] {
        &self.leaves
    }

    /// The parameters' slices of a flat tensor, in order of declaration; they share its memory.
    pub(crate) fn slices(&self, flat: &Tensor) -> Result<Vec<Tensor>, ModelError> {
        self.layout.slots.iter().map(|slot| slot.view(flat)).collect()
    }

    /// Overwrites a flat tensor with one part for each parameter, in order of declaration; one that is not defined is 0.
    pub(crate) fn gather(&self, parts: &[Tensor], flat: &Tensor) -> Result<(), ModelError> {
        tch::no_grad(|| {
            let _ = flat.shallow_clone().f_zero_()?;
            for (slot, part) in self.layout.slots.iter().zip(parts).filter(|(_, part)| part.defined()) {
                slot.view(flat)?.f_copy_(part)?;
            }
            Ok(())
        })
    }

    /// A pass at other weights and statistics than the network's own, which stay as they are, in the type of the leaves.
    pub(crate) fn forward_with(
        &self,
        leaves: &[Tensor],
        running: &[(Tensor, Tensor)],
        images: &Tensor,
        mode: BatchNormMode,
    ) -> Result<Tensor, ModelError> {
        self.module.forward(&Pass::new(leaves, running, mode), images)
    }

    /// Running statistics for [`Network::forward_with`] with memory of their own, all 0.
    pub(crate) fn new_statistics(&self, kind: Kind) -> Result<Vec<(Tensor, Tensor)>, ModelError> {
        running_statistics(&Tensor::f_zeros(self.statistics.size(), (kind, self.device))?, &self.batch_norms)
    }

    /// Whether every leaf still reads its slice of the weights and writes its gradient to its slice of the gradient.
    pub fn leaves_alias_arena(&self) -> bool {
        let (weights, gradient) = match &self.shadow {
            Some(shadow) => (&shadow.weights, &shadow.gradient),
            None => (self.parameters.flat(), self.gradient.flat()),
        };
        let address = |tensor: &Tensor| tensor.data_ptr() as usize;
        self.layout.slots.iter().zip(&self.leaves).all(|(slot, leaf)| {
            let shadowed = slot.offset < self.layout.shadow_len;
            let (weights, gradient) =
                if shadowed { (weights, gradient) } else { (self.parameters.flat(), self.gradient.flat()) };
            let bytes = slot.offset as usize * weights.kind().elt_size_in_bytes();
            address(leaf) == address(weights) + bytes && address(&leaf.grad()) == address(gradient) + bytes
        })
    }

    /// Images on the device, in the type of the arithmetic, in the order that the network reads; images that are so already are
    /// taken as they are.
    fn input(&self, images: &Tensor) -> Result<Tensor, ModelError> {
        let (n, c, h, w) = images.size4()?;
        let kind = match self.precision {
            Precision::F32 => Kind::Float,
            Precision::Bf16 => Kind::BFloat16,
        };
        let reads_channels_last = self.module.reads_channels_last();
        let strides = if reads_channels_last { [h * w * c, 1, w * c, c] } else { [c * h * w, h * w, w, 1] };
        if images.kind() == kind && images.device() == self.device && images.stride() == strides {
            return Ok(images.shallow_clone());
        }
        // One kernel converts and transposes.
        let options = (kind, self.device);
        let mut input = if reads_channels_last {
            Tensor::f_empty([n, h, w, c], options)?.f_permute([0, 3, 1, 2])?
        } else {
            Tensor::f_empty([n, c, h, w], options)?
        };
        input.f_copy_(images)?;
        Ok(input)
    }
}

/// A leaf per parameter whose gradient accumulates in its slice of the flat gradient.
///
/// libtorch makes a leaf's gradient in the first backward pass and then adds to it in place, so one pass over a
/// zero loss defines all of them, after which each is pointed at its slice.
fn leaves(
    layout: &Layout,
    builder: &Builder,
    parameters: &FlatParameters,
    gradient: &FlatParameters,
    shadow: Option<&Shadow>,
) -> Result<Vec<Tensor>, ModelError> {
    let mut leaves = Vec::with_capacity(layout.slots.len());
    let mut gradients = Vec::with_capacity(layout.slots.len());
    for (slot, declaration) in layout.slots.iter().zip(&builder.parameters) {
        let (from, to) = match shadow {
            Some(shadow) if declaration.shadowed => (&shadow.weights, &shadow.gradient),
            _ => (parameters.flat(), gradient.flat()),
        };
        leaves.push(slot.view(from)?.f_detach()?.f_set_requires_grad(true)?);
        gradients.push(slot.view(to)?);
    }
    for (leaf, gradient) in leaves.iter().zip(&gradients) {
        leaf.f_sum(Kind::Float)?.f_mul_scalar(0.0)?.f_backward()?;
        leaf.f_grad()?.f_set_data(gradient)?;
    }
    Ok(leaves)
}

/// The slices of `statistics` that belong to each BN layer: mean, then variance.
fn running_statistics(
    statistics: &Tensor,
    batch_norms: &[(String, i64)],
) -> Result<Vec<(Tensor, Tensor)>, ModelError> {
    let mut offset = 0;
    let mut slice = |channels: i64| {
        let slice = statistics.f_narrow(0, offset, channels)?;
        offset += channels;
        Ok::<_, ModelError>(slice)
    };
    batch_norms.iter().map(|&(_, channels)| Ok((slice(channels)?, slice(channels)?))).collect()
}
