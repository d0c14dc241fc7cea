"""Training steps of PyTorch on demand, for `cargo xtask bench models --peers`.

`python peers.py NETWORK MODE [DEVICE]`, with a MODE of MODES and a DEVICE of cpu (unless given) and cuda, makes the network
(golden/networks.py) and a minibatch of 128 random images, warms up, and prints a line of JSON for every line with a number
of steps on standard input: the seconds these steps took, and the peak of the memory above what was there before the network
existed: resident, or in tensors on the GPU. Once before that it prints such a line for no step; or, if the mode does not
work here, a line with the reason.

On CUDA the clock is read when the GPU has done all steps, cuDNN may try its algorithms, and the optimizer is PyTorch's fused
one. That part has not been run on a GPU yet.
"""
import contextlib
import json
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "golden"))
from networks import network  # noqa: E402

# Memory format, autocast to bf16, torch.compile: None, or its mode.
MODES = {
    "f32": (torch.contiguous_format, False, None),
    "f32, channels-last": (torch.channels_last, False, None),
    "bf16": (torch.contiguous_format, True, None),
    "bf16, channels-last": (torch.channels_last, True, None),
    "bf16, channels-last, compiled": (torch.channels_last, True, "default"),
    "bf16, channels-last, compiled, CUDA graphs": (torch.channels_last, True, "reduce-overhead"),
}
DEVICES = ("cpu", "cuda")
BATCH_SIZE = 128
# Compiling happens in the first, and again when a guard fails; CUDA graphs are recorded in the second.
WARM_UP = 3


class Resident:
    """Memory of this process, as Linux counts it."""

    def __init__(self):
        self.before = self.field("VmRSS:")
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")

    @staticmethod
    def field(name):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(name):
                return 1024 * int(line.split()[1])
        return None

    def peak(self):
        peak = self.field("VmHWM:")
        return None if peak is None or self.before is None else peak - self.before


class OnGpu:
    """Memory in tensors on the GPU, as PyTorch's allocator counts it."""

    def __init__(self):
        torch.cuda.init()
        self.before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()

    def peak(self):
        return torch.cuda.max_memory_allocated() - self.before


def main(name, mode, device="cpu"):
    memory_format, autocast, compiled = MODES[mode]
    on_cuda = device == "cuda"
    if on_cuda and not torch.cuda.is_available():
        sys.exit("PyTorch finds no CUDA device")
    if compiled == "reduce-overhead" and not on_cuda:
        sys.exit(f"`{mode}` needs the device cuda")
    memory = OnGpu() if on_cuda else Resident()
    torch.manual_seed(0)
    if on_cuda:
        torch.backends.cudnn.benchmark = True
    model, _ = network(name)
    model = model.to(device=device, memory_format=memory_format)
    images = torch.randn(BATCH_SIZE, 3, 32, 32).contiguous(memory_format=memory_format).to(device)
    labels = torch.randint(10, (BATCH_SIZE,)).to(device)
    fused = {"fused": True} if on_cuda else {}
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, weight_decay=5e-3, **fused)
    run = model if compiled is None else torch.compile(model, mode=compiled)

    def step():
        optimizer.zero_grad(set_to_none=True)
        if compiled == "reduce-overhead":
            torch.compiler.cudagraph_mark_step_begin()
        with torch.autocast(device, torch.bfloat16, enabled=autocast):
            loss = torch.nn.functional.cross_entropy(run(images), labels)
        loss.backward()
        optimizer.step()

    def steps(count):
        begun = time.perf_counter()
        for _ in range(count):
            step()
        if on_cuda:
            torch.cuda.synchronize()
        return time.perf_counter() - begun

    def report(count, seconds):
        print(json.dumps({"steps": count, "seconds": seconds, "peak_memory_bytes": memory.peak()}), flush=True)

    try:
        steps(WARM_UP)
    except Exception as error:  # whatever the compiler does not find here, or has no room on the GPU
        if compiled is None and not on_cuda:
            raise
        lines = str(error).strip().splitlines() or ["no reason given"]
        print(json.dumps({"missing": f"{type(error).__name__}: {lines[0]}"}), flush=True)
        return
    report(0, 0.0)
    for demand in sys.stdin:
        count = int(demand)
        report(count, steps(count))


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if len(arguments) not in (2, 3) or arguments[1] not in MODES or arguments[2:] not in ([], ["cpu"], ["cuda"]):
        sys.exit(
            f"usage: peers.py NETWORK MODE [DEVICE], with a MODE of: {', '.join(map(repr, MODES))}; a DEVICE of: "
            f"{', '.join(DEVICES)}"
        )
    main(*arguments)
