//! `Builder`: collects what a network needs while its layers are described.

use crate::init::Init;

/// Which parameter of the network, in order of declaration.
#[derive(Clone, Copy, Debug)]
pub struct ParameterId(pub(crate) usize);

/// Collects what a network needs while its layers are described.
#[derive(Debug, Default)]
pub struct Builder {
    pub(crate) parameters: Vec<Declaration>,
    /// Name and number of channels of every BN layer.
    pub(crate) batch_norms: Vec<(String, i64)>,
}

impl Builder {
    /// Declares a parameter. Its name has to be its own; its values are drawn by name from the seed of the network.
    ///
    /// `low_precision` says whether it takes part in the arithmetic in bf16 where the network computes in bf16, as weights of
    /// convolutions and linear layers do.
    ///
    /// # Panics
    /// If there is a parameter of this name.
    pub fn parameter(
        &mut self,
        name: String,
        shape: Vec<i64>,
        storage: Storage,
        init: Init,
        low_precision: bool,
    ) -> ParameterId {
        assert!(self.parameters.iter().all(|other| other.name != name), "two parameters are called `{name}`");
        self.parameters.push(Declaration { name, shape, storage, init, shadowed: low_precision });
        ParameterId(self.parameters.len() - 1)
    }
}

/// How a parameter's values lie in its slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Row-major in the order of its shape.
    Plain,
    /// A convolution's O,I,H,W stored as O,H,W,I.
    ChannelsLast,
}

/// A parameter before it has a place.
#[derive(Clone, Debug)]
pub(crate) struct Declaration {
    pub(crate) name: String,
    pub(crate) shape: Vec<i64>,
    pub(crate) storage: Storage,
    pub(crate) init: Init,
    /// Convolution and linear weights have a shadow in the type of the arithmetic; the rest is always f32.
    pub(crate) shadowed: bool,
}
