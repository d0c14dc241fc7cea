#!/usr/bin/env python3
"""Golden values of crates/models/tests/golden.rs: forward, loss, gradient and BN statistics in PyTorch, f64.

    python3 golden/models.py        # needs torch; made with torch 2.11.0

Writes crates/models/tests/golden/<network>.json. Weights, images and labels come from an integer hash that the
test repeats, so no tensor has to be stored: of each gradient the file holds its norm, its product with a hashed
probe, and its first values. It also prints by how much PyTorch's own f32 gradients differ from these: the yardstick
of the test's tolerances.
"""
import copy
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

OUT = Path(__file__).resolve().parent.parent / "crates/models/tests/golden"


def hashed(name, length):
    """Values on [-1, 1) from the position and the bytes of a name: exact in any language with 64-bit integers."""
    mask = np.uint64(0xFFFFFFFF)
    phase = np.uint64(sum((i + 1) * b for i, b in enumerate(name.encode())))
    h = (np.arange(length, dtype=np.uint64) * np.uint64(2654435761) + phase * np.uint64(40503)) & mask
    for shift, factor in ((15, 2246822519), (13, 3266489917)):
        h = ((h ^ (h >> np.uint64(shift))) * np.uint64(factor)) & mask
    h ^= h >> np.uint64(16)
    return h.astype(np.float64) / 2.0**31 - 1.0


class Block(nn.Module):
    """ResNet: basic block (expansion 1) or bottleneck (expansion 4)."""

    def __init__(self, cin, width, stride, expansion):
        super().__init__()
        cout = width * expansion
        shapes = [(cin, width, 3, stride), (width, width, 3, 1)]
        if expansion == 4:
            shapes = [(cin, width, 1, 1), (width, width, 3, stride), (width, cout, 1, 1)]
        self.count = len(shapes)
        for i, (a, b, k, s) in enumerate(shapes, 1):
            setattr(self, f"conv{i}", nn.Conv2d(a, b, k, s, k // 2, bias=False))
            setattr(self, f"bn{i}", nn.BatchNorm2d(b))
        self.shortcut = nn.Sequential()
        if stride != 1 or cin != cout:
            self.shortcut = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x):
        y = x
        for i in range(1, self.count + 1):
            y = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(y))
            y = F.relu(y) if i < self.count else F.relu(y + self.shortcut(x))
        return y


class ResNet(nn.Module):
    def __init__(self, blocks, expansion):
        super().__init__()
        self.conv1, self.bn1, c = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), 64
        for g, (n, width) in enumerate(zip(blocks, (64, 128, 256, 512))):
            layers = []
            for b in range(n):
                layers.append(Block(c, width, 2 if g and b == 0 else 1, expansion))
                c = width * expansion
            setattr(self, f"layer{g + 1}", nn.Sequential(*layers))
        self.linear = nn.Linear(c, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.linear(F.avg_pool2d(x, 4).flatten(1))


class Unit(nn.Module):
    """WideResNet: pre-activation unit whose first BN and ReLU feed both branches where the shortcut is a projection."""

    def __init__(self, cin, cout, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(cin), nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn2, self.conv2 = nn.BatchNorm2d(cout), nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.shortcut = nn.Conv2d(cin, cout, 1, stride, bias=False) if cin != cout or stride != 1 else None

    def forward(self, x):
        a = F.relu(self.bn1(x))
        y = self.conv2(F.relu(self.bn2(self.conv1(a))))
        return y + (x if self.shortcut is None else self.shortcut(a))


class WideResNet(nn.Module):
    def __init__(self, units, widening):
        super().__init__()
        self.conv1, c = nn.Conv2d(3, 16, 3, 1, 1, bias=False), 16
        for g, width in enumerate((16, 32, 64)):
            layers = []
            for u in range(units):
                layers.append(Unit(c, width * widening, 2 if g and u == 0 else 1))
                c = width * widening
            setattr(self, f"group{g + 1}", nn.Sequential(*layers))
        self.bn, self.linear = nn.BatchNorm2d(c), nn.Linear(c, 10)

    def forward(self, x):
        x = F.relu(self.bn(self.group3(self.group2(self.group1(self.conv1(x))))))
        return self.linear(F.avg_pool2d(x, 8).flatten(1))


def f32_deviation(model, images, labels):
    """The largest relative difference, over parameters, of gradients in f32 from those that the f64 `model` holds."""
    single = copy.deepcopy(model).float().to(memory_format=torch.channels_last)
    single.zero_grad()
    F.cross_entropy(single(images.float().to(memory_format=torch.channels_last)), labels).backward()
    pairs = zip(model.parameters(), single.parameters())
    return max(((b.grad.double() - a.grad).norm() / a.grad.norm()).item() for a, b in pairs)


def golden(name, model):
    model = model.double().train()
    with torch.no_grad():
        for key, p in model.named_parameters():
            values = torch.from_numpy(hashed(key, p.numel())).view(p.shape)
            if p.dim() == 4:
                values *= 1.5 / (p.shape[1] * p.shape[2] * p.shape[3]) ** 0.5
            elif p.dim() == 2:
                values *= 1.5 / p.shape[1] ** 0.5
            elif key.endswith("weight"):
                values = 1.0 + 0.2 * values
            else:
                values *= 0.1
            # The network under test holds f32 weights: round here, so that both start from the same numbers.
            p.copy_(values.float().double())
    images = torch.from_numpy(hashed("images", 4 * 3 * 32 * 32)).view(4, 3, 32, 32).float().double()
    labels = torch.tensor([3, 0, 7, 9])
    logits = model(images)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    gradients = {}
    for key, p in model.named_parameters():
        g = p.grad.flatten()
        probe = torch.from_numpy(hashed(key + ".probe", g.numel()))
        gradients[key] = {"norm": g.norm().item(), "probe": (g @ probe).item(), "first": g[:4].tolist()}
    deviation = f32_deviation(model, images, labels)
    buffers = {k: v.flatten()[:4].tolist() for k, v in model.named_buffers() if "running" in k}
    model.eval()
    with torch.no_grad():
        evaluated = model(images)
    result = {
        "torch": torch.__version__.split("+")[0],
        "parameters": sum(p.numel() for p in model.parameters()),
        "logits": logits.flatten().tolist(),
        "loss": loss.item(),
        "gradients": gradients,
        "running": buffers,
        "evaluated": evaluated.flatten().tolist(),
    }
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    print(f"{name}: {result['parameters']} parameters, loss {result['loss']:.6f}, f32 gradients within {deviation:.1e}")


golden("resnet-18", ResNet((2, 2, 2, 2), 1))
golden("resnet-50", ResNet((3, 4, 6, 3), 4))
golden("wrn-10-1", WideResNet(1, 1))
golden("wrn-16-2", WideResNet(2, 2))
