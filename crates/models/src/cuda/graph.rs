//! CUDA graphs as a [`Recorder`]: what a gradient queues is recorded once and then replayed by one launch.

use std::ffi::c_int;

use tch::Device;

use crate::cuda::memory::index;
use crate::cuda::shim::{Graph, Shim, shim};
use crate::error::ModelError;
use crate::recorded_gradient::{Recorder, Recording, Work};

/// Records CUDA graphs that share one pool of memory.
///
/// They can share it because nothing in it outlives a replay: what goes in and what comes out lies elsewhere, so the
/// graphs may be replayed in any order.
///
/// While it lives, this thread queues everything, recorded or not, on a stream of libtorch's pool: the default stream
/// cannot be recorded, and one stream for all needs no waiting between streams.
#[derive(Debug)]
pub(crate) struct CudaRecorder {
    shim: &'static Shim,
    device: c_int,
    pool: [u64; 2],
}

impl CudaRecorder {
    /// Enters a stream of `device`.
    ///
    /// # Errors
    /// [`ModelError::CudaGraphs`] on another device than CUDA; [`ModelError::CudaShim`] without libpolder_cuda.so.
    pub(crate) fn new(device: Device) -> Result<Self, ModelError> {
        let device = index(device).ok_or(ModelError::CudaGraphs)?;
        let shim = shim()?;
        let pool = shim.graph_pool()?;
        shim.enter_stream(device)?;
        Ok(Self { shim, device, pool })
    }
}

impl Recorder for CudaRecorder {
    fn record(&self, work: &mut Work<'_>) -> Result<Box<dyn Recording>, ModelError> {
        let graph = self.shim.graph_begin(self.pool)?;
        let worked = work();
        // The recording must end either way; if the work failed, that is the error to tell.
        let ended = graph.end();
        worked?;
        ended?;
        Ok(Box::new(graph))
    }
}

impl Drop for CudaRecorder {
    fn drop(&mut self) {
        // Nothing is lost if this fails: the stream stays usable.
        let _ = self.shim.leave_stream(self.device);
    }
}

impl Recording for Graph {
    fn replay(&self, _: &mut Work<'_>) -> Result<(), ModelError> {
        Graph::replay(self)
    }
}
