#!/usr/bin/env python3
"""Loads the network of a Polder checkpoint, or of an exported file, into PyTorch and compares the logits of both.

    python3 golden/load_checkpoint.py CHECKPOINT NETWORK [--classes K]      # needs torch, numpy and safetensors
    python3 golden/load_checkpoint.py runs/<run>/checkpoint.safetensors wrn-28-10
    python3 golden/load_checkpoint.py tail.safetensors --run runs/<run> --data-dir data

NETWORK is the run's `model.name`; a file from `polder export` names it itself. The images are made of a hash, so both
sides have them without a file; Polder's logits come from the example `logits` of the crate polder-models. With --run,
PyTorch also evaluates exported weights of its newest checkpoint on the test images of CIFAR-10, beside `polder evaluate`.

Ends with 1 if the largest difference of logits exceeds 1e-4 of the largest logit, which is some hundred times f32's
rounding through the deepest of the networks; if the numbers of wrong images differ; or if the losses differ by more than
1e-4 of their size. A run in bf16 rounds where PyTorch in f32 does not: export one in f32 to compare.
"""
import argparse
import json
import subprocess
import tomllib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file

from networks import hashed_images, network

ROOT = Path(__file__).resolve().parent.parent
IMAGES = 4
TOLERANCE = 1e-4
TEST_IMAGES = 10_000
BATCH = 500


def text(path):
    """What the file says of itself."""
    with safe_open(path, "pt") as file:
        return json.loads(file.metadata()["polder"])


def load(path, name, classes):
    """The network of a checkpoint in evaluation mode, and the shape of its images."""
    model, shape = network(name, classes)
    # The state of optimizer and averages lies beside the network under names of its own. Strict, yet PyTorch itself
    # supplies BN's `num_batches_tracked`, which Polder does not keep.
    weights = {key: value for key, value in load_file(path).items() if not key.startswith("polder.")}
    assert all(value.is_contiguous() for value in weights.values())
    model.load_state_dict(weights, strict=True)
    return model.eval(), shape


def cargo(*arguments):
    command = ["cargo", "run", "--quiet", *arguments]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def polder_logits(path, name, classes, shape):
    path, shape = str(Path(path).resolve()), map(str, shape)
    example = ["--package", "polder-models", "--example", "logits", "--"]
    logits = cargo(*example, name, str(classes), path, str(IMAGES), *shape)
    return torch.tensor(logits).view(IMAGES, classes)


def cifar10_test(data_dir, about):
    """The test images of the run, normalised as in it, and their labels."""
    data = tomllib.loads(about["config"])["data"]
    if data["dataset"] != "cifar10" or "validation_images" in data:
        raise SystemExit("--run is for runs that are evaluated on the test images of CIFAR-10")
    records = np.fromfile(Path(data_dir) / "cifar-10-batches-bin" / "test_batch.bin", np.uint8)
    records = torch.from_numpy(records.reshape(TEST_IMAGES, -1)[: data.get("test_images")])
    mean, std = (torch.tensor(json.loads(about[key])).view(1, 3, 1, 1) for key in ("pixel_mean", "pixel_std"))
    return (records[:, 1:].reshape(-1, 3, 32, 32) / 255.0 - mean) / std, records[:, 0].long()


@torch.no_grad()
def evaluate(model, images, labels):
    """Mean loss, and how many images are classified wrongly."""
    loss, wrong = 0.0, 0
    for x, y in zip(images.split(BATCH), labels.split(BATCH)):
        logits = model(x)
        loss += F.cross_entropy(logits, y, reduction="sum").item()
        wrong += (logits.argmax(1) != y).sum().item()
    return loss / len(labels), wrong


def evaluations_agree(model, about, run, data_dir):
    images, labels = cifar10_test(data_dir, about)
    loss, wrong = evaluate(model, images, labels)
    run, data_dir = str(Path(run).resolve()), str(Path(data_dir).resolve())
    polder = cargo("--package", "polder", "--", "evaluate", run, "--json", "--data-dir", data_dir)[about["weights"]]
    polder_wrong = round(polder["error"] * len(labels))
    print(f"{about['weights']}: PyTorch {wrong} of {len(labels)} wrong, loss {loss:.6f}; "
          f"Polder {polder_wrong} wrong, loss {polder['loss']:.6f}")
    return wrong == polder_wrong and abs(loss - polder["loss"]) <= TOLERANCE * loss


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint")
    parser.add_argument("network", nargs="?")
    parser.add_argument("--classes", type=int)
    parser.add_argument("--run")
    parser.add_argument("--data-dir", default="data")
    arguments = parser.parse_args()
    about = text(arguments.checkpoint)
    name = arguments.network or about["model"]
    classes = arguments.classes or int(about.get("num_classes", 10))
    model, shape = load(arguments.checkpoint, name, classes)
    with torch.no_grad():
        expected = model(hashed_images(IMAGES, shape))
    found = polder_logits(arguments.checkpoint, name, classes, shape)
    difference = ((found - expected).abs().max() / expected.abs().max()).item()
    print(f"{name}: {len(model.state_dict())} tensors loaded, logits within {difference:.1e} of PyTorch's")
    agree = arguments.run is None or evaluations_agree(model, about, arguments.run, arguments.data_dir)
    raise SystemExit(difference > TOLERANCE or not agree)


main()
