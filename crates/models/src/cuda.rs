//! CUDA at run time: the binary links libtorch's CPU libraries only and opens `libtorch_cuda.so` when a GPU is wanted.
//!
//! What tch does not expose comes from a library of our own that is opened after it; without that one CUDA still works,
//! less [`CudaChoices`] other than the defaults, [`DeviceMemory`] and recorded gradients.

mod choices;
mod graph;
mod memory;
mod shim;

use std::error::Error as _;
use std::path::{Path, PathBuf};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
use tch::Device;

use crate::error::ModelError;

pub use self::choices::CudaChoices;
pub(crate) use self::graph::CudaRecorder;
pub use self::memory::DeviceMemory;

const SET_UP: &str = "`cargo xtask setup` on a machine with an NVIDIA driver installs the CUDA libraries; \
                      with a LIBTORCH of your own, use a CUDA build of libtorch 2.11.0";

/// Makes the first CUDA device usable.
///
/// Must come before any other call into libtorch: the hooks of its CUDA part are looked up once and remembered.
///
/// # Errors
/// [`ModelError::Cuda`] with the reason: no driver, no libtorch_cuda.so, a library that it needs, no device.
pub fn cuda() -> Result<Device, ModelError> {
    let fail = |reason: String, remedy| ModelError::Cuda { reason, remedy };
    if !has_nvidia_driver() {
        return Err(fail(
            "this machine has no NVIDIA driver".to_owned(),
            "install one that supports CUDA 13",
        ));
    }
    let cpu_library =
        libtorch_cpu().ok_or_else(|| fail("libtorch_cpu.so is not mapped".to_owned(), SET_UP))?;
    let library = cpu_library.with_file_name("libtorch_cuda.so");
    if !library.exists() {
        let reason = format!("there is no libtorch_cuda.so beside `{}`", cpu_library.display());
        return Err(fail(reason, SET_UP));
    }
    open_forever(&library).map_err(|error| {
        let cause = error.source().map_or(error.to_string(), ToString::to_string);
        fail(format!("`{}` cannot be loaded: {cause}", library.display()), SET_UP)
    })?;
    if !tch::Cuda::is_available() || tch::Cuda::device_count() < 1 {
        let reason = "libtorch finds no CUDA device".to_owned();
        return Err(fail(reason, "`nvidia-smi` should list a GPU and a driver that supports CUDA 13"));
    }
    Ok(Device::Cuda(0))
}

/// CUDA devices that this process may use; to be asked after [`cuda`].
pub fn num_cuda_devices() -> usize {
    usize::try_from(tch::Cuda::device_count()).unwrap_or(0)
}

/// Whether libpolder_cuda.so is there, which offers what tch does not expose; to be asked after [`cuda`].
///
/// # Errors
/// [`ModelError::CudaShim`] with the reason why it cannot be used.
pub fn cuda_extras() -> Result<(), ModelError> {
    shim::shim().map(drop)
}

/// Where the libtorch_cpu.so of this process lies, links resolved.
pub fn libtorch_cpu() -> Option<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let path = maps.lines().filter_map(|line| line.split_once('/')).find_map(|(_, path)| {
        path.ends_with("/libtorch_cpu.so").then(|| PathBuf::from(format!("/{path}")))
    })?;
    path.canonicalize().ok()
}

/// Whether an NVIDIA driver can be met here: on Linux itself, in a container, or under WSL, whose driver is the host's.
fn has_nvidia_driver() -> bool {
    let places = ["/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/dxg"];
    places.iter().any(|place| Path::new(place).exists())
}

/// Loads a library for the life of the process, its symbols visible to the libraries loaded already.
#[expect(unsafe_code, reason = "loading a library runs its initialisers")]
fn open_forever(path: &Path) -> Result<(), libloading::Error> {
    // SAFETY: the initialisers are those of libtorch's own CUDA part, from the folder of the libtorch in use; the
    // library is never closed, so nothing it registers can dangle.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) }?;
    std::mem::forget(library);
    Ok(())
}
