"""Training steps of PyTorch on demand, for `cargo xtask bench models --peers`.

`python peers.py NETWORK MODE`, with a MODE of MODES, makes the network (golden/networks.py) and a minibatch of 128 random
images, warms up, and prints a line of JSON for every line with a number of steps on standard input: the seconds these
steps took, and the peak of the resident memory above what was resident before the network existed. Once before that it
prints such a line for no step; or, if the mode does not work here, a line with the reason.
"""
import contextlib
import json
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "golden"))
from networks import network  # noqa: E402

# Memory format, autocast to bf16, torch.compile.
MODES = {
    "f32": (torch.contiguous_format, False, False),
    "f32, channels-last": (torch.channels_last, False, False),
    "bf16": (torch.contiguous_format, True, False),
    "bf16, channels-last": (torch.channels_last, True, False),
    "bf16, channels-last, compiled": (torch.channels_last, True, True),
}
BATCH_SIZE = 128
# Compiling happens in the first, and again when a guard fails.
WARM_UP = 3


def memory(field):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return 1024 * int(line.split()[1])
    return None


def forget_peak():
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def main(name, mode):
    memory_format, autocast, compiled = MODES[mode]
    before = memory("VmRSS:")
    forget_peak()
    torch.manual_seed(0)
    model, _ = network(name)
    model = model.to(memory_format=memory_format)
    images = torch.randn(BATCH_SIZE, 3, 32, 32).contiguous(memory_format=memory_format)
    labels = torch.randint(10, (BATCH_SIZE,))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, weight_decay=5e-3)
    run = torch.compile(model) if compiled else model

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            loss = torch.nn.functional.cross_entropy(run(images), labels)
        loss.backward()
        optimizer.step()

    def report(steps, seconds):
        peak = memory("VmHWM:")
        used = None if peak is None or before is None else peak - before
        print(json.dumps({"steps": steps, "seconds": seconds, "peak_memory_bytes": used}), flush=True)

    try:
        for _ in range(WARM_UP):
            step()
    except Exception as error:  # whatever the compiler does not find here
        if not compiled:
            raise
        lines = str(error).strip().splitlines() or ["no reason given"]
        print(json.dumps({"missing": f"{type(error).__name__}: {lines[0]}"}), flush=True)
        return
    report(0, 0.0)
    for demand in sys.stdin:
        steps = int(demand)
        begun = time.perf_counter()
        for _ in range(steps):
            step()
        report(steps, time.perf_counter() - begun)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[2] not in MODES:
        sys.exit(f"usage: peers.py NETWORK MODE, with a MODE of: {', '.join(map(repr, MODES))}")
    main(*sys.argv[1:])
