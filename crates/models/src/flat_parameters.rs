//! One flat f32 tensor for all parameters of a network, another for all gradients.
//!
//! An SGD step, an average, a SAM ascent are then a handful of kernels whatever the network, a snapshot is one
//! copy, and [`FlatParameters`] implements [`polder_optim::Vector`]: the code that is proven on a one-dimensional valley
//! is the code that trains the network.

use std::ops::Range;
use std::sync::Arc;

use polder_optim::{OptimError, RandomVector, SgdStep, Vector, VectorBytes};
use tch::{Device, Kind, Tensor};

use crate::builder::{Declaration, Storage};
use crate::descent::descend;
use crate::error::ModelError;

/// Slices begin on multiples of 64 bytes, so that vector loads of every width are aligned.
const ALIGNMENT: i64 = 16;

/// A parameter's place in the arena.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) name: String,
    pub(crate) shape: Vec<i64>,
    pub(crate) storage: Storage,
    pub(crate) offset: i64,
    pub(crate) len: i64,
}

/// The places of all parameters: shadowed weights first, then BN parameters and biases.
#[derive(Debug)]
pub(crate) struct Layout {
    /// In the order of declaration.
    pub(crate) slots: Vec<Slot>,
    /// Length of the flat tensor, padding included.
    pub(crate) len: i64,
    /// Length of its first part, the shadowed weights, padding included.
    pub(crate) shadow_len: i64,
}

impl Layout {
    pub(crate) fn new(declarations: &[Declaration]) -> Self {
        let mut slots: Vec<Slot> = declarations
            .iter()
            .map(|d| Slot {
                name: d.name.clone(),
                shape: d.shape.clone(),
                storage: d.storage,
                offset: 0,
                len: d.shape.iter().product(),
            })
            .collect();
        let mut end = 0;
        let mut place = |slots: &mut [Slot], shadowed: bool| {
            for (slot, _) in slots.iter_mut().zip(declarations).filter(|(_, d)| d.shadowed == shadowed) {
                slot.offset = end;
                end += (slot.len + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
            }
            end
        };
        let shadow_len = place(&mut slots, true);
        let len = place(&mut slots, false);
        Self { slots, len, shadow_len }
    }

    /// Number of parameters, padding excluded.
    pub(crate) fn num_parameters(&self) -> i64 {
        self.slots.iter().map(|slot| slot.len).sum()
    }
}

impl Slot {
    /// The slot of `flat` in the parameter's shape; shares memory.
    pub(crate) fn view(&self, flat: &Tensor) -> Result<Tensor, ModelError> {
        let slice = flat.f_narrow(0, self.offset, self.len)?;
        Ok(match (self.storage, self.shape.as_slice()) {
            (Storage::ChannelsLast, &[o, i, h, w]) => slice.f_view([o, h, w, i])?.f_permute([0, 3, 1, 2])?,
            (_, shape) => slice.f_view(shape)?,
        })
    }
}

/// A vector over all parameters of a network: its weights, a gradient, a velocity or an average.
///
/// Cloning is by [`Vector::zeros_like`] and [`Vector::copy_from`]; [`FlatParameters::share`] gives another handle on the
/// same memory.
#[derive(Debug)]
pub struct FlatParameters {
    flat: Tensor,
    layout: Arc<Layout>,
}

impl FlatParameters {
    pub(crate) fn zeros(layout: &Arc<Layout>, device: Device) -> Result<Self, ModelError> {
        Ok(Self { flat: Tensor::f_zeros([layout.len], (Kind::Float, device))?, layout: Arc::clone(layout) })
    }

    /// The flat f32 tensor, padding included.
    pub fn flat(&self) -> &Tensor {
        &self.flat
    }

    /// The entries of each parameter in the flat tensor, in the order of [`FlatParameters::named`]; what lies between is padding.
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        self.layout.slots.iter().map(|slot| slot.offset as usize..(slot.offset + slot.len) as usize)
    }

    /// Another handle on the same memory.
    #[must_use]
    pub fn share(&self) -> Self {
        Self { flat: self.flat.shallow_clone(), layout: Arc::clone(&self.layout) }
    }

    /// Whether both are handles on the same memory.
    pub fn is_same_memory(&self, other: &Self) -> bool {
        self.flat.data_ptr() == other.flat.data_ptr()
    }

    /// The parameters by name in their shapes; they share this arena's memory.
    ///
    /// # Errors
    /// If libtorch cannot make a view.
    pub fn named(&self) -> Result<Vec<(String, Tensor)>, ModelError> {
        self.layout.slots.iter().map(|slot| Ok((slot.name.clone(), slot.view(&self.flat)?))).collect()
    }

    /// Runs `change` on the flat tensor outside of any autograd graph.
    fn change(&mut self, change: impl FnOnce(&mut Tensor)) {
        tch::no_grad(|| change(&mut self.flat));
    }

    fn read<T>(&self, read: impl FnOnce(&Tensor) -> T) -> T {
        tch::no_grad(|| read(&self.flat))
    }

    /// Gives the entry at each place of the flat tensor the value at that place; the padding between parameters stays 0.
    fn fill_slots(&mut self, values: impl Iterator<Item = f32>) {
        let values: Vec<f32> = values.take(self.layout.len as usize).collect();
        let mut flat = vec![0.0_f32; values.len()];
        for range in self.ranges() {
            flat[range.clone()].copy_from_slice(&values[range]);
        }
        self.change(|to| to.copy_(&Tensor::from_slice(&flat)));
    }
}

/// A 0-d tensor beside `other`: as an operand it broadcasts without changing the type of the result.
fn scalar(value: f64, other: &Tensor) -> Tensor {
    Tensor::full([0_i64; 0], value, (Kind::Double, other.device()))
}

/// Sums in f64, so that the rounding of a reduction over millions of parameters does not show.
fn sum(tensor: &Tensor) -> f64 {
    tensor.sum(Kind::Double).double_value(&[])
}

impl Vector for FlatParameters {
    fn dim(&self) -> usize {
        self.layout.len as usize
    }

    fn zeros_like(&self) -> Self {
        Self { flat: self.read(Tensor::zeros_like), layout: Arc::clone(&self.layout) }
    }

    fn copy_from(&mut self, x: &Self) {
        self.change(|flat| flat.copy_(&x.flat));
    }

    fn fill(&mut self, value: f64) {
        self.fill_slots(std::iter::repeat(value as f32));
    }

    fn scale(&mut self, a: f64) {
        self.change(|flat| drop(flat.g_mul_scalar_(a)));
    }

    fn axpy(&mut self, a: f64, x: &Self) {
        self.change(|flat| drop(flat.addcmul_(&x.flat, &scalar(a, &x.flat))));
    }

    fn axpby(&mut self, a: f64, x: &Self, b: f64) {
        self.change(|flat| drop(flat.g_mul_scalar_(b).addcmul_(&x.flat, &scalar(a, &x.flat))));
    }

    fn axpy_range(&mut self, a: f64, x: &Self, range: Range<usize>) {
        let (start, len) = (range.start as i64, range.len() as i64);
        self.change(|flat| {
            drop(flat.narrow(0, start, len).addcmul_(&x.flat.narrow(0, start, len), &scalar(a, &x.flat)));
        });
    }

    fn mul(&mut self, x: &Self) {
        self.change(|flat| drop(flat.g_mul_(&x.flat)));
    }

    fn abs_range(&mut self, x: &Self, shift: f64, range: Range<usize>) {
        let (start, len) = (range.start as i64, range.len() as i64);
        self.change(|flat| {
            let shifted = x.flat.narrow(0, start, len).abs().g_add_scalar(shift);
            flat.narrow(0, start, len).copy_(&shifted);
        });
    }

    fn sgd_step(&mut self, gradient: &mut Self, mut velocity: Option<&mut Self>, step: &SgdStep<'_>) {
        let flat_velocity = velocity.as_deref_mut().map(|velocity| &mut velocity.flat);
        if !descend(&mut self.flat, &gradient.flat, flat_velocity, step) {
            step.apply_unfused(self, gradient, velocity);
        }
    }

    fn axpby_range(&mut self, a: f64, x: &Self, b: f64, range: Range<usize>) {
        let (start, len) = (range.start as i64, range.len() as i64);
        self.change(|flat| {
            let mut part = flat.narrow(0, start, len);
            drop(part.g_mul_scalar_(b).addcmul_(&x.flat.narrow(0, start, len), &scalar(a, &x.flat)));
        });
    }

    fn dot_range(&self, x: &Self, range: Range<usize>) -> f64 {
        let (start, len) = (range.start as i64, range.len() as i64);
        self.read(|flat| sum(&(flat.narrow(0, start, len) * &x.flat.narrow(0, start, len))))
    }

    fn lerp(&mut self, x: &Self, t: f64) {
        self.change(|flat| drop(flat.lerp_(&x.flat, t)));
    }

    fn dot(&self, x: &Self) -> f64 {
        self.read(|flat| sum(&(flat * &x.flat)))
    }

    fn norm_range(&self, range: Range<usize>) -> f64 {
        self.read(|flat| norm(&flat.narrow(0, range.start as i64, range.len() as i64)))
    }
}

impl RandomVector for FlatParameters {
    fn fill_normal(&mut self, key: u64) {
        self.fill_slots(polder_random::normals(key).map(|value| value as f32));
    }

    fn fill_rademacher(&mut self, key: u64) {
        self.fill_slots(polder_random::signs(key).map(|value| value as f32));
    }
}

impl VectorBytes for FlatParameters {
    fn to_bytes(&self) -> Vec<u8> {
        bytes_of(&self.flat)
    }

    fn copy_from_bytes(&mut self, bytes: &[u8]) -> Result<(), OptimError> {
        let expected = 4 * self.dim();
        if bytes.len() != expected {
            return Err(OptimError::ByteLength { found: bytes.len(), expected });
        }
        let loaded =
            Tensor::f_from_data_size(bytes, &[self.layout.len], Kind::Float).map_err(ModelError::from)?;
        self.change(|flat| flat.copy_(&loaded));
        Ok(())
    }
}

/// The Euclidean norm of a tensor, accumulated in f64.
pub(crate) fn norm(tensor: &Tensor) -> f64 {
    tensor.norm_scalaropt_dtype(2.0, Kind::Double).double_value(&[])
}

/// A copy with memory of its own, laid out like the original.
pub(crate) fn copy_of(tensor: &Tensor) -> Result<Tensor, ModelError> {
    let mut copy = tensor.f_detach()?.f_zeros_like()?;
    copy.f_copy_(&tensor.detach())?;
    Ok(copy)
}

/// The values of a tensor, row-major and little-endian.
pub(crate) fn bytes_of(tensor: &Tensor) -> Vec<u8> {
    let tensor = tensor.detach().to_device(Device::Cpu).contiguous();
    let mut bytes = vec![0; tensor.numel() * tensor.kind().elt_size_in_bytes()];
    let numel = tensor.numel();
    tensor.copy_data_u8(&mut bytes, numel);
    bytes
}
