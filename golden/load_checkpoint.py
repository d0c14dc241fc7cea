#!/usr/bin/env python3
"""Loads the network of a Polder checkpoint into PyTorch and compares the logits of both.

    python3 golden/load_checkpoint.py CHECKPOINT NETWORK [--classes K]      # needs torch, numpy and safetensors
    python3 golden/load_checkpoint.py runs/<run>/checkpoint.safetensors wrn-28-10

NETWORK is the run's `model.name`. The images are made of a hash, so both sides have them without a file; Polder's logits
come from the example `logits` of the crate polder-models. Ends with 1 if the largest difference exceeds 1e-4 of the
largest logit, which is some hundred times f32's rounding through the deepest of the networks.
"""
import argparse
import json
import subprocess
from pathlib import Path

import torch
from safetensors.torch import load_file

from networks import hashed_images, network

ROOT = Path(__file__).resolve().parent.parent
IMAGES = 4
TOLERANCE = 1e-4


def load(path, name, classes):
    """The network of a checkpoint in evaluation mode, and the shape of its images."""
    model, shape = network(name, classes)
    # The state of optimizer and averages lies beside the network under names of its own. Strict, yet PyTorch itself
    # supplies BN's `num_batches_tracked`, which Polder does not keep.
    weights = {key: value for key, value in load_file(path).items() if not key.startswith("polder.")}
    model.load_state_dict(weights, strict=True)
    return model.eval(), shape


def polder_logits(path, name, classes, shape):
    command = ["cargo", "run", "--quiet", "--package", "polder-models", "--example", "logits", "--"]
    command += [name, str(classes), str(Path(path).resolve()), str(IMAGES), *map(str, shape)]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return torch.tensor(json.loads(output)).view(IMAGES, classes)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint")
    parser.add_argument("network")
    parser.add_argument("--classes", type=int, default=10)
    arguments = parser.parse_args()
    model, shape = load(arguments.checkpoint, arguments.network, arguments.classes)
    with torch.no_grad():
        expected = model(hashed_images(IMAGES, shape))
    found = polder_logits(arguments.checkpoint, arguments.network, arguments.classes, shape)
    difference = ((found - expected).abs().max() / expected.abs().max()).item()
    print(f"{arguments.network}: {len(model.state_dict())} tensors loaded, logits within {difference:.1e} of PyTorch's")
    raise SystemExit(difference > TOLERANCE)


main()
