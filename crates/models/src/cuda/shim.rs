//! `libpolder_cuda.so`: what tch does not expose of libtorch's CUDA part, opened at run time.
//!
//! Its source is `crates/models/cuda/polder_cuda.cpp`, and `cargo xtask setup` compiles it where there is an NVIDIA
//! driver. Nothing of it has run on a GPU yet: it compiles and links against the headers and libraries of the wheels.

#![expect(unsafe_code, reason = "the boundary to a library with a C interface")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::PathBuf;
use std::ptr::NonNull;
use std::sync::OnceLock;

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use crate::cuda::libtorch_cpu;
use crate::error::ModelError;

const NAME: &str = "libpolder_cuda.so";

/// Of the interface below; `polder_cuda_version` must return it.
const VERSION: c_int = 1;

/// The functions of the library.
#[derive(Debug)]
pub(crate) struct Shim {
    last_error: unsafe extern "C" fn() -> *const c_char,
    set_tf32: unsafe extern "C" fn(c_int) -> c_int,
    set_deterministic: unsafe extern "C" fn(c_int) -> c_int,
    memory: unsafe extern "C" fn(c_int, *mut i64) -> c_int,
    reset_peak_memory: unsafe extern "C" fn(c_int) -> c_int,
    enter_stream: unsafe extern "C" fn(c_int) -> c_int,
    leave_stream: unsafe extern "C" fn(c_int) -> c_int,
    graph_pool: unsafe extern "C" fn(*mut u64) -> c_int,
    graph_begin: unsafe extern "C" fn(*const u64, *mut *mut c_void) -> c_int,
    graph_end: unsafe extern "C" fn(*mut c_void) -> c_int,
    graph_replay: unsafe extern "C" fn(*mut c_void) -> c_int,
    graph_free: unsafe extern "C" fn(*mut c_void),
}

/// The library, opened at the first call, which must come after [`cuda`](crate::cuda::cuda).
///
/// # Errors
/// [`ModelError::CudaShim`] with the reason, the same at every call.
pub(crate) fn shim() -> Result<&'static Shim, ModelError> {
    static SHIM: OnceLock<Result<Shim, String>> = OnceLock::new();
    let shim = SHIM.get_or_init(|| Shim::open(&places()));
    shim.as_ref().map_err(|reason| ModelError::CudaShim { reason: reason.clone() })
}

/// By name, which is where the program's rpath and `LD_LIBRARY_PATH` lead; then beside libtorch and the program.
fn places() -> Vec<PathBuf> {
    let beside = [libtorch_cpu(), std::env::current_exe().ok()];
    let beside = beside.into_iter().flatten().map(|file| file.with_file_name(NAME));
    std::iter::once(PathBuf::from(NAME)).chain(beside).collect()
}

impl Shim {
    /// The first of `places` that can be opened.
    fn open(places: &[PathBuf]) -> Result<Self, String> {
        let mut reasons = Vec::new();
        for place in places {
            // SAFETY: the initialisers are those of our own library and of the libraries of libtorch that it names, which
            // are loaded already.
            match unsafe { Library::open(Some(place), RTLD_NOW | RTLD_LOCAL) } {
                Ok(library) => return Self::of(library).map_err(|why| format!("{}: {why}", place.display())),
                Err(error) => {
                    reasons.push(std::error::Error::source(&error).unwrap_or(&error).to_string());
                }
            }
        }
        // Where it is nowhere, all reasons but the first say so again.
        let telling = reasons.iter().find(|reason| !reason.contains("No such file")).or(reasons.first());
        Err(telling.cloned().unwrap_or_else(|| "it was looked for nowhere".to_owned()))
    }

    fn of(library: Library) -> Result<Self, String> {
        /// The function of this name.
        fn function<T: Copy>(library: &Library, name: &CStr) -> Result<T, String> {
            // SAFETY: every field below has the type that polder_cuda.cpp gives the function of its name, and the version,
            // which is compared before the first call, changes with these types.
            let symbol = unsafe { library.get::<T>(name.to_bytes_with_nul()) };
            symbol.map(|symbol| *symbol).map_err(|_| format!("it has no function {}", name.to_string_lossy()))
        }
        let version: unsafe extern "C" fn() -> c_int = function(&library, c"polder_cuda_version")?;
        // SAFETY: a function without arguments that returns a constant.
        let version = unsafe { version() };
        if version != VERSION {
            return Err(format!("its version is {version}, expected {VERSION}"));
        }
        let shim = Self {
            last_error: function(&library, c"polder_cuda_last_error")?,
            set_tf32: function(&library, c"polder_cuda_set_tf32")?,
            set_deterministic: function(&library, c"polder_cuda_set_deterministic")?,
            memory: function(&library, c"polder_cuda_memory")?,
            reset_peak_memory: function(&library, c"polder_cuda_reset_peak_memory")?,
            enter_stream: function(&library, c"polder_cuda_enter_stream")?,
            leave_stream: function(&library, c"polder_cuda_leave_stream")?,
            graph_pool: function(&library, c"polder_cuda_graph_pool")?,
            graph_begin: function(&library, c"polder_cuda_graph_begin")?,
            graph_end: function(&library, c"polder_cuda_graph_end")?,
            graph_replay: function(&library, c"polder_cuda_graph_replay")?,
            graph_free: function(&library, c"polder_cuda_graph_free")?,
        };
        // Never closed: the functions are kept.
        std::mem::forget(library);
        Ok(shim)
    }

    /// The outcome of a call that returned `code`.
    fn outcome(&self, doing: &'static str, code: c_int) -> Result<(), ModelError> {
        if code == 0 {
            return Ok(());
        }
        // SAFETY: a string of the library's that ends with a zero and stays until the next failure in this thread.
        let message = unsafe { CStr::from_ptr((self.last_error)()) };
        Err(ModelError::CudaCall { doing, message: message.to_string_lossy().into_owned() })
    }

    pub(crate) fn set_tf32(&self, on: bool) -> Result<(), ModelError> {
        // SAFETY: takes a number.
        self.outcome("TF32 was chosen", unsafe { (self.set_tf32)(on.into()) })
    }

    pub(crate) fn set_deterministic(&self, on: bool) -> Result<(), ModelError> {
        // SAFETY: takes a number.
        self.outcome("deterministic algorithms were chosen", unsafe { (self.set_deterministic)(on.into()) })
    }

    /// Bytes in tensors, their peak, bytes reserved, their peak.
    pub(crate) fn memory(&self, device: c_int) -> Result<[i64; 4], ModelError> {
        let mut figures = [0; 4];
        // SAFETY: writes four numbers, for which there is room.
        let code = unsafe { (self.memory)(device, figures.as_mut_ptr()) };
        self.outcome("its memory was asked for", code).map(|()| figures)
    }

    pub(crate) fn reset_peak_memory(&self, device: c_int) -> Result<(), ModelError> {
        // SAFETY: takes a number.
        self.outcome("its peak memory was reset", unsafe { (self.reset_peak_memory)(device) })
    }

    /// Makes a stream that can be recorded the current one of this thread.
    pub(crate) fn enter_stream(&self, device: c_int) -> Result<(), ModelError> {
        // SAFETY: takes a number.
        self.outcome("a stream was taken", unsafe { (self.enter_stream)(device) })
    }

    pub(crate) fn leave_stream(&self, device: c_int) -> Result<(), ModelError> {
        // SAFETY: takes a number.
        self.outcome("a stream was left", unsafe { (self.leave_stream)(device) })
    }

    /// The handle of a pool of memory for graphs.
    pub(crate) fn graph_pool(&self) -> Result<[u64; 2], ModelError> {
        let mut pool = [0; 2];
        // SAFETY: writes two numbers, for which there is room.
        let code = unsafe { (self.graph_pool)(pool.as_mut_ptr()) };
        self.outcome("memory for graphs was asked for", code).map(|()| pool)
    }

    /// Begins to record the current stream.
    pub(crate) fn graph_begin(&'static self, pool: [u64; 2]) -> Result<Graph, ModelError> {
        let mut graph = std::ptr::null_mut();
        // SAFETY: reads two numbers and writes a pointer, for which there is room.
        let code = unsafe { (self.graph_begin)(pool.as_ptr(), &raw mut graph) };
        self.outcome("a graph was begun", code)?;
        let graph = NonNull::new(graph).ok_or(ModelError::CudaCall {
            doing: "a graph was begun",
            message: "there is none".to_owned(),
        })?;
        Ok(Graph { shim: self, graph })
    }
}

/// A CUDA graph: being recorded until [`Graph::end`], to be replayed after it.
#[derive(Debug)]
pub(crate) struct Graph {
    shim: &'static Shim,
    graph: NonNull<c_void>,
}

impl Graph {
    /// Ends the recording.
    pub(crate) fn end(&self) -> Result<(), ModelError> {
        // SAFETY: the graph was made by `graph_begin` and is freed in `drop` alone.
        self.shim.outcome("a graph was ended", unsafe { (self.shim.graph_end)(self.graph.as_ptr()) })
    }

    /// Queues all that was recorded.
    pub(crate) fn replay(&self) -> Result<(), ModelError> {
        // SAFETY: as above.
        self.shim.outcome("a graph was replayed", unsafe { (self.shim.graph_replay)(self.graph.as_ptr()) })
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        // SAFETY: as above, and this is the end of it.
        unsafe { (self.shim.graph_free)(self.graph.as_ptr()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_is_nowhere_is_told_by_its_name() {
        let places =
            [PathBuf::from("libpolder_cuda_that_is_not_there.so"), PathBuf::from("/nonexistent/x.so")];
        let reason = Shim::open(&places).unwrap_err();
        assert!(reason.contains("libpolder_cuda_that_is_not_there.so"), "{reason}");
    }

    #[test]
    fn another_library_is_refused_by_the_function_that_it_lacks() {
        let own = libtorch_cpu().unwrap();
        let reason = Shim::open(std::slice::from_ref(&own)).unwrap_err();
        assert!(reason.contains("polder_cuda_version") && reason.contains("libtorch_cpu.so"), "{reason}");
    }
}
