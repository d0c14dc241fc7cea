// What tch does not expose of libtorch's CUDA part, behind a C interface: libpolder_cuda.so.
//
// `cargo xtask setup` compiles this file; crates/models/src/cuda/shim.rs opens the library and is its only caller.
// Every function but `polder_cuda_version`, `polder_cuda_last_error` and `polder_cuda_graph_free` returns 0, or 1 after
// an error whose text `polder_cuda_last_error` then gives: no exception leaves this file. Whoever changes a signature
// changes the version here and in shim.rs.

#include <ATen/Context.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>

#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>

namespace {

thread_local std::string last_error;

template <typename Action>
int guarded(Action&& action) noexcept {
  try {
    action();
    return 0;
  } catch (const c10::Error& error) {
    last_error = error.what_without_backtrace();
  } catch (const std::exception& error) {
    last_error = error.what();
  } catch (...) {
    last_error = "an exception of unknown type";
  }
  return 1;
}

c10::DeviceIndex index_of(int device) {
  return static_cast<c10::DeviceIndex>(device);
}

at::cuda::CUDAGraph* graph_of(void* graph) {
  return static_cast<at::cuda::CUDAGraph*>(graph);
}

} // namespace

extern "C" {

int polder_cuda_version() {
  return 1;
}

// Of the last function that failed in this thread; valid until the next one fails.
const char* polder_cuda_last_error() {
  return last_error.c_str();
}

// Whether products of f32 in cuDNN and cuBLAS may be computed in TF32.
int polder_cuda_set_tf32(int on) {
  return guarded([&] {
    at::globalContext().setAllowTF32CuDNN(on != 0);
    at::globalContext().setAllowTF32CuBLAS(on != 0);
  });
}

// Deterministic algorithms only; an operation that has none then fails. To be called before the first product: cuBLAS
// is deterministic only with a workspace of its own, which it looks up in the environment.
int polder_cuda_set_deterministic(int on) {
  return guarded([&] {
    if (on != 0) {
      // Not over a value of the user's own.
      setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);
    }
    at::globalContext().setDeterministicCuDNN(on != 0);
    at::globalContext().setDeterministicAlgorithms(on != 0, /*warn_only=*/false);
    // Everything that is allocated here is written before it is read.
    at::globalContext().setDeterministicFillUninitializedMemory(false);
  });
}

// Bytes in tensors now and at most since the last reset, and bytes taken from the driver now and at most.
int polder_cuda_memory(int device, std::int64_t figures[4]) {
  return guarded([&] {
    at::globalContext().lazyInitDevice(c10::DeviceType::CUDA);
    const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(index_of(device));
    constexpr auto all = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    figures[0] = stats.allocated_bytes[all].current;
    figures[1] = stats.allocated_bytes[all].peak;
    figures[2] = stats.reserved_bytes[all].current;
    figures[3] = stats.reserved_bytes[all].peak;
  });
}

int polder_cuda_reset_peak_memory(int device) {
  return guarded([&] {
    at::globalContext().lazyInitDevice(c10::DeviceType::CUDA);
    c10::cuda::CUDACachingAllocator::resetPeakStats(index_of(device));
  });
}

// Makes a stream of libtorch's pool the current one of this thread, after all that was queued before: the default
// stream cannot be captured.
int polder_cuda_enter_stream(int device) {
  return guarded([&] {
    c10::cuda::device_synchronize();
    c10::cuda::setCurrentCUDAStream(
        c10::cuda::getStreamFromPool(/*isHighPriority=*/false, index_of(device)));
  });
}

// Back to the default stream, after all that was queued before.
int polder_cuda_leave_stream(int device) {
  return guarded([&] {
    c10::cuda::device_synchronize();
    c10::cuda::setCurrentCUDAStream(c10::cuda::getDefaultCUDAStream(index_of(device)));
  });
}

// A pool of memory that graphs can share.
int polder_cuda_graph_pool(std::uint64_t pool[2]) {
  return guarded([&] {
    const auto handle = at::cuda::graph_pool_handle();
    pool[0] = handle.first;
    pool[1] = handle.second;
  });
}

// Begins to record what is queued on the current stream, which is not done until the graph is replayed.
int polder_cuda_graph_begin(const std::uint64_t pool[2], void** graph) {
  return guarded([&] {
    c10::cuda::device_synchronize();
    // The pool of graphs cannot use what the allocator keeps for others.
    c10::cuda::CUDACachingAllocator::emptyCache();
    auto begun = std::make_unique<at::cuda::CUDAGraph>();
    begun->capture_begin({pool[0], pool[1]});
    *graph = begun.release();
  });
}

int polder_cuda_graph_end(void* graph) {
  return guarded([&] { graph_of(graph)->capture_end(); });
}

int polder_cuda_graph_replay(void* graph) {
  return guarded([&] { graph_of(graph)->replay(); });
}

// Waits for the device, which may still be replaying it.
void polder_cuda_graph_free(void* graph) {
  guarded([&] {
    const std::unique_ptr<at::cuda::CUDAGraph> owned(graph_of(graph));
    c10::cuda::device_synchronize();
  });
}

} // extern "C"
