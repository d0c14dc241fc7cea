#!/usr/bin/env python3
"""Golden values of the curvature of networks: trace and eigenvalues of Hessians by PyTorch's autograd, f64.

    python3 golden/hessian.py        # needs torch, and PyHessian for its own estimates; made with torch 2.11.0

Writes crates/models/tests/golden/hessian.json, which crates/models/src/loss_surface/small_network.rs and
crates/models/tests/hessian.rs read. Weights, images and labels come from an integer hash that the tests repeat.

`small`: two convolutions with BN and a linear layer, 283 weights; the whole Hessian, entry by entry. `wrn_10_1`: the
network of the papers at 8 images of 8 x 8 pixels, 77,850 weights; its largest eigenvalues by a Lanczos process in f64 with
residuals below 1e-6 of the largest. Both in evaluation mode, with running statistics that are the plain mean over
minibatches of four images, of their means and unbiased variances; `minibatch` is `small` in training mode.

`pyhessian`: what PyHessian (https://github.com/amirgholami/PyHessian) makes of the second network: the samples of its
trace estimator and its largest eigenvalue by power iteration.
"""
import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.func import functional_call, grad, jvp, vmap

from networks import hashed, network

OUT = Path(__file__).resolve().parent.parent / "crates/models/tests/golden/hessian.json"
BATCH = 4


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 4, 3, 1, 1, bias=False), nn.BatchNorm2d(4)
        self.conv2, self.bn2 = nn.Conv2d(4, 4, 3, 2, 1, bias=False), nn.BatchNorm2d(4)
        self.linear = nn.Linear(4, 3)

    def forward(self, x):
        x = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return self.linear(x.mean((2, 3)))


def prepare(model, num_images, num_classes):
    """Hashed weights rounded to f32, images and labels, and running statistics refreshed in minibatches of four."""
    model = model.double()
    with torch.no_grad():
        for key, p in model.named_parameters():
            values = torch.from_numpy(hashed(key, p.numel())).view(p.shape)
            if p.dim() >= 2:
                values *= 1.5 / np.prod(p.shape[1:]) ** 0.5
            elif key.endswith("weight"):
                values = 1.0 + 0.2 * values
            else:
                values *= 0.1
            p.copy_(values.float().double())
    images = torch.from_numpy(hashed("images", num_images * 3 * 8 * 8)).view(-1, 3, 8, 8).float().double()
    labels = (2 * torch.arange(num_images) + 1) % num_classes
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # The plain mean over minibatches.
    model.train()
    with torch.no_grad():
        for part in images.split(BATCH):
            model(part)
    return model.eval(), images, labels


def flat_loss(model, images, labels):
    """The loss as a function of one flat vector, at which it is to be differentiated."""
    names, shapes = zip(*[(key, p.shape) for key, p in model.named_parameters()])
    sizes = [int(np.prod(shape)) for shape in shapes]
    buffers = dict(model.named_buffers())

    def loss(flat):
        parts = {key: part.view(shape) for key, shape, part in zip(names, shapes, flat.split(sizes))}
        return F.cross_entropy(functional_call(model, {**parts, **buffers}, (images,)), labels)

    flat = torch.cat([p.detach().flatten() for p in model.parameters()])
    return loss, flat


def products(loss, flat, vectors):
    return vmap(lambda v: jvp(grad(loss), (flat,), (v,))[1])(vectors)


def filter_scales(model):
    """For each weight the norm of its filter (all that leads into one output), or its absolute value in no filter."""
    scales = []
    for p in model.parameters():
        norm = p.detach().flatten(1).norm(dim=1) if p.dim() > 1 else p.detach().abs()
        scales.append(norm.view([-1] + [1] * (p.dim() - 1)).expand_as(p).flatten())
    return torch.cat(scales)


def minibatch(model, images, labels):
    """Products with the Hessian of the loss in training mode, through the statistics of all images as one minibatch."""
    names, parameters = zip(*model.named_parameters())
    gradient = torch.autograd.grad(F.cross_entropy(model(images), labels), parameters, create_graph=True)

    def product(vector):
        inner = sum((g * v).sum() for g, v in zip(gradient, vector))
        parts = torch.autograd.grad(inner, parameters, retain_graph=True)
        probes = [torch.from_numpy(hashed(key + ".probe", p.numel())).view(p.shape) for key, p in zip(names, parts)]
        norm = sum((p * p).sum() for p in parts).sqrt()
        return {"norm": norm.item(), "probe": sum((p * q).sum() for p, q in zip(parts, probes)).item()}

    direction = [
        torch.from_numpy(hashed(key + ".direction", p.numel())).view(p.shape).float().double()
        for key, p in zip(names, parameters)
    ]
    return {"along_direction": product(direction), "along_gradient": product([g.detach() for g in gradient])}


def small():
    model, images, labels = prepare(Small(), 12, 3)
    loss, flat = flat_loss(model, images, labels)
    hessian = products(loss, flat, torch.eye(flat.numel(), dtype=torch.float64))
    assert (hessian - hessian.T).abs().max() < 1e-12 * hessian.abs().max()
    values = torch.linalg.eigvalsh(hessian)
    scales = filter_scales(model)
    scaled = scales[:, None] * hessian * scales[None, :]
    with torch.no_grad():
        logits = model(images)
        losses = F.cross_entropy(logits, labels, reduction="none")
    return {
        "loss": losses.mean().item(),
        "standard_error": (losses.std() / len(losses) ** 0.5).item(),
        "error": (logits.argmax(1) != labels).double().mean().item(),
        "gradient_norm": grad(loss)(flat).norm().item(),
        "trace": hessian.trace().item(),
        "largest": values.flip(0)[:5].tolist(),
        "smallest": values[:5].tolist(),
        "scaled_trace": scaled.trace().item(),
        "scaled_largest": torch.linalg.eigvalsh(scaled)[-1].item(),
        "minibatch": minibatch(model.train(), images, labels),  # Last: running statistics move.
    }


def lanczos(multiply, size, steps):
    """The largest eigenvalues, with the largest residual of the first three."""
    basis = [torch.from_numpy(hashed("lanczos", size))]
    basis[0] /= basis[0].norm()
    diagonal, beside = [], []
    for _ in range(steps):
        w = multiply(basis[-1])
        diagonal.append((w @ basis[-1]).item())
        for _ in range(2):
            q = torch.stack(basis)
            w = w - q.T @ (q @ w)
        beside.append(w.norm().item())
        basis.append(w / beside[-1])
    values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1))
    residual = max(abs(beside[-1] * vectors[-1, -k]) for k in (1, 2, 3))
    return values[::-1][:3].tolist(), residual


def wrn_10_1():
    model, images, labels = prepare(network("wrn-10-1")[0], 8, 10)
    loss, flat = flat_loss(model, images, labels)
    largest, residual = lanczos(lambda v: products(loss, flat, v[None])[0], flat.numel(), 100)
    assert residual < 1e-6 * largest[0], residual
    golden = {"loss": loss(flat).item(), "largest": largest}
    try:
        from pyhessian import hessian as pyhessian
    except ImportError:
        print("PyHessian is not installed: its estimates are kept as they are", file=sys.stderr)
        golden["pyhessian"] = json.loads(OUT.read_text())["wrn_10_1"]["pyhessian"]
        return golden
    torch.manual_seed(0)
    theirs = pyhessian(model, F.cross_entropy, data=(images, labels), cuda=False)
    samples = [float(x) for x in theirs.trace(maxIter=100, tol=0.0)]
    values, _ = theirs.eigenvalues(maxIter=100, tol=1e-5, top_n=1)
    golden["pyhessian"] = {"trace_samples": samples, "largest": float(values[0])}
    return golden


def main():
    golden = {"made_by": "golden/hessian.py", "torch": torch.__version__.split("+")[0]}
    golden["small"] = small()
    golden["wrn_10_1"] = wrn_10_1()
    OUT.write_text(json.dumps(golden, indent=1) + "\n")
    print(f"small: trace {golden['small']['trace']:.6f}, largest {golden['small']['largest'][0]:.6f}")
    print(f"wrn_10_1: largest {golden['wrn_10_1']['largest'][0]:.6f}")


if __name__ == "__main__":
    main()
