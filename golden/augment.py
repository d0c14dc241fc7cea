"""Golden values for polder-data's augmentation: torchvision's transforms, and cutout by its definition, under fixed random choices.

Run `python golden/augment.py` from the root of the workspace. It needs PyTorch and torchvision and rewrites
crates/data/tests/golden/augment.json, which states their versions. Image and sampled positions are formulas that
crates/data/tests/golden_augment.rs repeats, so that the file holds neither.
"""

import itertools
import json
from pathlib import Path

import numpy as np
import torch
import torchvision
from torchvision.transforms.v2 import functional as F

OUT = Path(__file__).resolve().parent.parent / "crates" / "data" / "tests" / "golden" / "augment.json"
NUM_SAMPLES = 64
STRIDE = 1021

CIFAR10 = {"shape": [3, 32, 32], "mean": [0.4914, 0.4822, 0.4465], "std": [0.2470, 0.2435, 0.2616]}
FASHION_MNIST = {"shape": [1, 28, 28], "mean": [0.2860], "std": [0.3530]}
PLAIN = {"corner": [0, 0], "translate": [0, 0], "flip": False, "cutout": None}


def image(shape):
    """Byte (c, y, x) is (37 c + 11 y + 7 x + 5 x y + 3 x^2) mod 256: no row, column or channel is like another."""
    c, y, x = torch.meshgrid(*[torch.arange(length) for length in shape], indexing="ij")
    return ((37 * c + 11 * y + 7 * x + 5 * x * y + 3 * x**2) % 256).to(torch.uint8)


def moved(pixels, group, case):
    """The bytes after crop, move and flip."""
    _, height, width = group["shape"]
    if group["border"] is not None:
        mode = "constant" if group["border"] == "zero" else "reflect"
        pixels = F.pad(pixels, [group["padding"]] * 4, fill=0, padding_mode=mode)
        pixels = F.crop(pixels, *case["corner"], height, width)
    down, right = case["translate"]
    if (down, right) != (0, 0):
        pixels = F.affine(pixels, angle=0.0, translate=[right, down], scale=1.0, shear=[0.0, 0.0], fill=0)
    return F.horizontal_flip(pixels) if case["flip"] else pixels


def cut(values, case, fill):
    """Cutout of the papers' code: a square whose corner may lie outside, clipped to the image."""
    if case["cutout"] is None:
        return values
    top, left, size = case["cutout"]
    _, height, width = values.shape
    rows = slice(max(top, 0), min(top + size, height))
    columns = slice(max(left, 0), min(left + size, width))
    values = values.clone()
    values[:, rows, columns] = fill
    return values


def digest(data):
    """FNV-1a, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return f"{value:016x}"


def shortest(values):
    """Decimals that are read back as the same f32."""
    return [float(str(value)) for value in values.numpy().astype(np.float32)]


def evaluated(group, case):
    shape = group["shape"]
    positions = torch.tensor([STRIDE * k % (shape[0] * shape[1] * shape[2]) for k in range(NUM_SAMPLES)])
    pixels = moved(image(shape), group, case)
    normalized = F.normalize(F.to_dtype(pixels, torch.float32, scale=True), group["mean"], group["std"])
    normalized = cut(normalized, case, 0.0)
    # Bytes are not normalised, so cutout writes what the mean is as a byte.
    means = torch.tensor([round(255 * mean) for mean in group["mean"]], dtype=torch.uint8)
    pixels = cut(pixels, case, means.view(-1, 1, 1))
    rounded = normalized.bfloat16().flatten()[positions].view(torch.int16).numpy().view(np.uint16)
    return {
        **case,
        "u8_digest": digest(pixels.flatten().tolist()),
        "f32": shortest(normalized.flatten()[positions]),
        "f32_sum": normalized.double().sum().item(),
        "bf16": rounded.tolist(),
    }


def groups():
    """For each shape and border: every corner of the range and places within, both ways; moves and squares; all of them at once."""
    for data, (border, padding) in itertools.product([CIFAR10, FASHION_MNIST], [("zero", 4), ("reflect", 4), ("reflect", 2)]):
        end = 2 * padding
        corners = [[0, 0], [0, end], [end, 0], [end, end], [padding, padding], [end - 1, 1]]
        cases = [{**PLAIN, "corner": corner, "flip": flip} for corner, flip in itertools.product(corners, [False, True])]
        yield {**data, "border": border, "padding": padding, "max_move": 0, "cases": cases}
    for data in [CIFAR10, FASHION_MNIST]:
        last = data["shape"][1] - 1 - 8
        squares = [(-8, -8), (-8, last), (last, -8), (last, last), (0, 0), (3, 9), (-1, 12)]
        cases = [{**PLAIN, "cutout": [top, left, 16]} for top, left in squares]
        cases += [{**PLAIN, "cutout": [4, 5, 7]}, {**PLAIN, "cutout": [-20, -20, 100]}]
        yield {**data, "border": None, "padding": 0, "max_move": 0, "cases": cases}
        moves = [(0, 0), (4, 4), (-4, -4), (4, -4), (-4, 4), (0, 3), (-2, 0), (1, -3)]
        cases = [{**PLAIN, "translate": list(move), "flip": flip} for move, flip in itertools.product(moves, [False, True])]
        yield {**data, "border": None, "padding": 0, "max_move": 4, "cases": cases}
        for border in ["zero", "reflect"]:
            cases = [
                {"corner": [8, 0], "translate": [-4, 3], "flip": True, "cutout": [-8, 7, 16]},
                {"corner": [0, 8], "translate": [2, -4], "flip": True, "cutout": [last, -3, 16]},
                {"corner": [1, 5], "translate": [4, 4], "flip": False, "cutout": [10, last, 16]},
            ]
            yield {**data, "border": border, "padding": 4, "max_move": 4, "cases": cases}


def main():
    content = {
        "made_by": "golden/augment.py",
        "torch": torch.__version__.split("+")[0],
        "torchvision": torchvision.__version__.split("+")[0],
        "groups": [{**group, "cases": [evaluated(group, case) for case in group["cases"]]} for group in groups()],
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(content, separators=(",", ":")).replace('{"corner"', '\n{"corner"') + "\n")


if __name__ == "__main__":
    main()
