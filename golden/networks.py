"""Polder's networks in PyTorch, by Polder's names: what models.py, network_sizes.py and load_checkpoint.py compare with.

The keys of `state_dict` are those of the code that Nitanda et al. released (github.com/anitan0925/averaged_sgd) for
its networks: ResNet, WideResNet, PyramidNet. Polder's checkpoints use the same.
"""
import re
from collections import OrderedDict

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def hashed(name, length):
    """Values on [-1, 1) from the position and the bytes of a name: exact in any language with 64-bit integers."""
    mask = np.uint64(0xFFFFFFFF)
    phase = np.uint64(sum((i + 1) * b for i, b in enumerate(name.encode())))
    h = (np.arange(length, dtype=np.uint64) * np.uint64(2654435761) + phase * np.uint64(40503)) & mask
    for shift, factor in ((15, 2246822519), (13, 3266489917)):
        h = ((h ^ (h >> np.uint64(shift))) * np.uint64(factor)) & mask
    h ^= h >> np.uint64(16)
    return h.astype(np.float64) / 2.0**31 - 1.0


def hashed_images(count, shape):
    """Images that a test in Rust makes of the same hash, in f32."""
    return torch.from_numpy(hashed("images", count * int(np.prod(shape)))).view(count, *shape).float()


def conv(cin, cout, kernel, stride=1):
    return nn.Conv2d(cin, cout, kernel, stride, kernel // 2, bias=False)


class ResNetBlock(nn.Module):
    """Basic block (expansion 1) or bottleneck (expansion 4)."""

    def __init__(self, cin, width, stride, expansion):
        super().__init__()
        cout = width * expansion
        shapes = [(cin, width, 3, stride), (width, width, 3, 1)]
        if expansion == 4:
            shapes = [(cin, width, 1, 1), (width, width, 3, stride), (width, cout, 1, 1)]
        self.count = len(shapes)
        for i, shape in enumerate(shapes, 1):
            setattr(self, f"conv{i}", conv(*shape))
            setattr(self, f"bn{i}", nn.BatchNorm2d(shape[1]))
        self.shortcut = nn.Sequential()
        if stride != 1 or cin != cout:
            self.shortcut = nn.Sequential(conv(cin, cout, 1, stride), nn.BatchNorm2d(cout))

    def forward(self, x):
        y = x
        for i in range(1, self.count + 1):
            y = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(y))
            y = F.relu(y) if i < self.count else F.relu(y + self.shortcut(x))
        return y


class ResNet(nn.Module):
    def __init__(self, blocks, expansion, classes):
        super().__init__()
        self.conv1, self.bn1, c = conv(3, 64, 3), nn.BatchNorm2d(64), 64
        for g, (n, width) in enumerate(zip(blocks, (64, 128, 256, 512))):
            layers = []
            for b in range(n):
                layers.append(ResNetBlock(c, width, 2 if g and b == 0 else 1, expansion))
                c = width * expansion
            setattr(self, f"layer{g + 1}", nn.Sequential(*layers))
        self.linear = nn.Linear(c, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.linear(F.adaptive_avg_pool2d(x, 1).flatten(1))


def named(**layers):
    """A sequence whose layers are called by their position and kind: `_0_normalization` is `0_normalization`."""
    return nn.Sequential(OrderedDict((name.removeprefix("_"), layer) for name, layer in layers.items()))


class WideUnit(nn.Module):
    """Pre-activation unit whose first BN and ReLU feed both branches where the shortcut is a projection."""

    def __init__(self, cin, cout, stride):
        super().__init__()
        self.projects = cin != cout or stride != 1
        bn, relu = nn.BatchNorm2d, nn.ReLU
        if self.projects:
            self.norm_act = named(_0_normalization=bn(cin), _1_activation=relu())
            self.block = named(
                _0_convolution=conv(cin, cout, 3, stride),
                _1_normalization=bn(cout),
                _2_activation=relu(),
                _4_convolution=conv(cout, cout, 3),
            )
            self.downsample = conv(cin, cout, 1, stride)
        else:
            self.block = named(
                _0_normalization=bn(cin),
                _1_activation=relu(),
                _2_convolution=conv(cin, cout, 3),
                _3_normalization=bn(cout),
                _4_activation=relu(),
                _6_convolution=conv(cout, cout, 3),
            )

    def forward(self, x):
        if not self.projects:
            return x + self.block(x)
        x = self.norm_act(x)
        return self.block(x) + self.downsample(x)


class WideGroup(nn.Module):
    def __init__(self, units):
        super().__init__()
        self.block = nn.Sequential(*units)

    def forward(self, x):
        return self.block(x)


def wide_groups(unit, units_per_group, widening):
    """The units of the three groups; the first of a group widens, and strides in the second and third."""
    channels, groups = 16, []
    for group, width in enumerate((16 * widening, 32 * widening, 64 * widening)):
        units = []
        for index in range(units_per_group):
            units.append(unit(channels, width, 2 if group and index == 0 else 1))
            channels = width
        groups.append(units)
    return groups, channels


class WideResNet(nn.Module):
    def __init__(self, units_per_group, widening, classes):
        super().__init__()
        groups, channels = wide_groups(WideUnit, units_per_group, widening)
        self.f = named(
            _0_convolution=conv(3, 16, 3),
            _1_block=WideGroup(groups[0]),
            _2_block=WideGroup(groups[1]),
            _3_block=WideGroup(groups[2]),
            _4_normalization=nn.BatchNorm2d(channels),
            _5_activation=nn.ReLU(),
            _6_pooling=nn.AdaptiveAvgPool2d(1),
            _7_flattening=nn.Flatten(),
            _8_classification=nn.Linear(channels, classes),
        )

    def forward(self, x):
        return self.f(x)


class SkipInitUnit(nn.Module):
    """Without BN; the residual branch is scaled by a number that training starts at 0."""

    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1, self.conv2 = conv(cin, cout, 3, stride), conv(cout, cout, 3)
        self.skipinit_gain = nn.Parameter(torch.zeros(()))
        self.shortcut = conv(cin, cout, 1, stride) if cin != cout or stride != 1 else None

    def forward(self, x):
        a = F.relu(x)
        y = self.skipinit_gain * self.conv2(F.relu(self.conv1(a)))
        return y + (x if self.shortcut is None else self.shortcut(a))


class SkipInitWideResNet(nn.Module):
    def __init__(self, units_per_group, widening, classes):
        super().__init__()
        self.conv1 = conv(3, 16, 3)
        groups, channels = wide_groups(SkipInitUnit, units_per_group, widening)
        for index, units in enumerate(groups, 1):
            setattr(self, f"group{index}", nn.Sequential(*units))
        self.linear = nn.Linear(channels, classes)

    def forward(self, x):
        x = F.relu(self.group3(self.group2(self.group1(self.conv1(x)))))
        return self.linear(F.adaptive_avg_pool2d(x, 1).flatten(1))


class PyramidBlock(nn.Module):
    """BN, 1x1, BN, ReLU, 3x3, BN, ReLU, 1x1, BN; the shortcut is a 2x2 mean and zeros for the channels it lacks."""

    def __init__(self, cin, width, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(cin), conv(cin, width, 1)
        self.bn2, self.conv2 = nn.BatchNorm2d(width), conv(width, width, 3, stride)
        self.bn3, self.conv3 = nn.BatchNorm2d(width), conv(width, 4 * width, 1)
        self.bn4, self.stride = nn.BatchNorm2d(4 * width), stride

    def forward(self, x):
        y = self.conv1(self.bn1(x))
        y = self.conv2(F.relu(self.bn2(y)))
        y = self.bn4(self.conv3(F.relu(self.bn3(y))))
        shortcut = x if self.stride == 1 else F.avg_pool2d(x, 2, 2, ceil_mode=True)
        zeros = shortcut.new_zeros(y.shape[0], y.shape[1] - shortcut.shape[1], *y.shape[2:])
        return y + torch.cat((shortcut, zeros), 1)


class PyramidNet(nn.Module):
    def __init__(self, blocks_per_stage, alpha, classes):
        super().__init__()
        self.conv1, self.bn1 = conv(3, 16, 3), nn.BatchNorm2d(16)
        width, channels = 16, 16
        for stage in range(3):
            blocks = []
            for index in range(blocks_per_stage):
                width += alpha / (3 * blocks_per_stage)
                blocks.append(PyramidBlock(channels, round(width), 2 if stage and index == 0 else 1))
                channels = 4 * round(width)
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.bn_final, self.fc = nn.BatchNorm2d(channels), nn.Linear(channels, classes)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(self.bn1(self.conv1(x)))))
        return self.fc(F.adaptive_avg_pool2d(F.relu(self.bn_final(x)), 1).flatten(1))


class Mlp(nn.Module):
    def __init__(self, inputs, width, hidden_layers, classes):
        super().__init__()
        extents = [inputs] + [width] * hidden_layers + [classes]
        self.count = len(extents) - 1
        for i, (a, b) in enumerate(zip(extents, extents[1:]), 1):
            setattr(self, f"fc{i}", nn.Linear(a, b))

    def forward(self, x):
        x = x.flatten(1)
        for i in range(1, self.count):
            x = F.relu(getattr(self, f"fc{i}")(x))
        return getattr(self, f"fc{self.count}")(x)


RESNETS = {
    "resnet-18": ((2, 2, 2, 2), 1),
    "resnet-34": ((3, 4, 6, 3), 1),
    "resnet-50": ((3, 4, 6, 3), 4),
    "resnet-101": ((3, 4, 23, 3), 4),
    "resnet-152": ((3, 8, 36, 3), 4),
}


def network(name, classes=10):
    """The network that Polder calls `name`, with PyTorch's initial values, and the shape C, H, W of its images."""
    images = (3, 32, 32)
    if name in RESNETS:
        return ResNet(*RESNETS[name], classes), images
    if name == "wrn28-10-released":
        return WideResNet(5, 10, classes), images
    if match := re.fullmatch(r"wrn-(\d+)-(\d+)(-skipinit)?", name):
        kind = SkipInitWideResNet if match[3] else WideResNet
        return kind((int(match[1]) - 4) // 6, int(match[2]), classes), images
    if match := re.fullmatch(r"pyramidnet-(\d+)-(\d+)", name):
        return PyramidNet((int(match[1]) - 2) // 9, int(match[2]), classes), images
    if match := re.fullmatch(r"mlp-(\d+)-(\d+)x(\d+)", name):
        inputs = int(match[1])
        shape = {784: (1, 28, 28)}.get(inputs, (3, 32, 32) if inputs == 3072 else (1, 1, inputs))
        return Mlp(inputs, int(match[2]), int(match[3]), classes), shape
    raise SystemExit(f"no network is called `{name}`")
