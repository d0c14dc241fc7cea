#!/usr/bin/env python3
"""Golden values of crates/models/tests/network_sizes.rs: parameters, multiply-accumulates and names of all networks.

    python3 golden/network_sizes.py     # needs torch and numpy; made with torch 2.11.0

Writes crates/models/tests/golden/network-sizes.json. Multiply-accumulates are half of what PyTorch's own FlopCounterMode
counts in a forward pass of one image, on the meta device: nothing is computed. The names and shapes of `state_dict`
(`num_batches_tracked` apart, which PyTorch does not need) are held as their number and a 64-bit FNV-1a hash.
"""
import json
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from networks import RESNETS, network

OUT = Path(__file__).resolve().parent.parent / "crates/models/tests/golden/network-sizes.json"
WITH_100_CLASSES = ["resnet-18", "resnet-50", "wrn-28-10", "wrn28-10-released", "pyramidnet-272-200"]
WITH_10_CLASSES = [
    *RESNETS,
    "wrn-10-1",
    "wrn-16-4",
    "wrn-16-8",
    "wrn-28-2",
    "wrn-28-10",
    "wrn28-10-released",
    "wrn-10-1-skipinit",
    "wrn-16-4-skipinit",
    "wrn-40-10-skipinit",
    "pyramidnet-20-9",
    "pyramidnet-272-200",
    "mlp-784-1000x2",
]


def fnv1a(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def size(name, classes):
    with torch.device("meta"):
        model, shape = network(name, classes)
        model.eval()
        counter = FlopCounterMode(display=False)
        with counter, torch.no_grad():
            model(torch.empty(1, *shape))
    tensors = {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    lines = [f"{key} {list(tensors[key].shape)}" for key in sorted(tensors)]
    return {
        "name": name,
        "classes": classes,
        "images": shape,
        "parameters": sum(p.numel() for p in model.parameters()),
        "macs": counter.get_total_flops() // 2,
        "tensors": len(lines),
        "hash": fnv1a("\n".join(lines)),
    }


sizes = [size(name, 10) for name in WITH_10_CLASSES] + [size(name, 100) for name in WITH_100_CLASSES]
OUT.write_text("[\n" + ",\n".join(json.dumps(entry) for entry in sizes) + "\n]\n")
for entry in sizes:
    print(f"{entry['name']} {entry['classes']}: {entry['parameters']:,} parameters, {entry['macs']:,} MACs")
