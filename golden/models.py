#!/usr/bin/env python3
"""Golden values of crates/models/tests/golden.rs: forward, loss, gradient and BN statistics in PyTorch, f64.

    python3 golden/models.py        # needs torch and numpy; made with torch 2.11.0

Writes crates/models/tests/golden/<network>.json for one or two small members of each family, and label-smoothing.json.
Weights, images and labels come from an integer hash that the test repeats, so no tensor has to be stored: of each
gradient and each running statistic the file holds its norm, its product with a hashed probe, and its first values. It
also prints by how much PyTorch's own f32 gradients differ from these: the yardstick of the test's tolerances.
"""
import copy
import json
from pathlib import Path

import torch
import torch.nn.functional as F

from networks import hashed, hashed_images, network

OUT = Path(__file__).resolve().parent.parent / "crates/models/tests/golden"
LABELS = torch.tensor([3, 0, 7, 9])


def hash_weights(model):
    """Weights from the hash of their names, rounded to f32: the network under test holds f32, both start alike."""
    with torch.no_grad():
        for key, p in model.named_parameters():
            values = torch.from_numpy(hashed(key, p.numel())).view(p.shape)
            if p.dim() >= 2:
                values *= 1.5 / (p.numel() / p.shape[0]) ** 0.5
            elif p.dim() == 0:
                values = 0.5 + 0.3 * values
            elif key.endswith("weight"):
                values = 1.0 + 0.2 * values
            else:
                values *= 0.1
            p.copy_(values.float())


def digest(key, tensor):
    values = tensor.flatten()
    probe = torch.from_numpy(hashed(key + ".probe", values.numel()))
    return {"norm": values.norm().item(), "probe": (values @ probe).item(), "first": values[:4].tolist()}


def f32_deviation(model, images):
    """The largest difference, over parameters, of gradients in f32 from those that the f64 `model` holds.

    Relative to their norm, or to a thousandth of the whole gradient: a shift that the next BN takes away has none.
    """
    single = copy.deepcopy(model).float().to(memory_format=torch.channels_last)
    single.zero_grad()
    F.cross_entropy(single(images.float().to(memory_format=torch.channels_last)), LABELS).backward()
    gradients = [(a.grad, b.grad.double()) for a, b in zip(model.parameters(), single.parameters())]
    floor = 1e-3 * sum(a.norm() ** 2 for a, _ in gradients) ** 0.5
    return max(((b - a).norm() / max(a.norm(), floor)).item() for a, b in gradients)


def write(name, result):
    OUT.mkdir(parents=True, exist_ok=True)
    result = {"torch": torch.__version__.split("+")[0], **result}
    (OUT / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")


def golden(name, shape=None):
    model, images_shape = network(name)
    model = model.double().train()
    hash_weights(model)
    shape = shape or images_shape
    images = hashed_images(len(LABELS), shape).double()
    logits = model(images)
    loss = F.cross_entropy(logits, LABELS)
    loss.backward()
    gradients = {key: digest(key, p.grad) for key, p in model.named_parameters()}
    deviation = f32_deviation(model, images)
    running = {key: digest(key, b) for key, b in model.named_buffers() if "running" in key}
    model.eval()
    with torch.no_grad():
        evaluated = model(images)
    parameters = sum(p.numel() for p in model.parameters())
    write(name, {
        "images": list(shape),
        "parameters": parameters,
        "logits": logits.flatten().tolist(),
        "loss": loss.item(),
        "gradients": gradients,
        "running": running,
        "evaluated": evaluated.flatten().tolist(),
    })
    print(f"{name}: {parameters} parameters, loss {loss.item():.6f}, f32 gradients within {deviation:.1e}")


def smoothed_over_others(logits, labels, share):
    """The Kullback-Leibler divergence from targets 1 - share and share / (K - 1), as Nitanda et al. and davda54/sam."""
    targets = torch.full_like(logits, share / (logits.shape[1] - 1))
    targets[torch.arange(len(labels)), labels] = 1.0 - share
    return F.kl_div(F.log_softmax(logits, 1), targets, reduction="batchmean")


def label_smoothing(share=0.1):
    logits = (3.0 * torch.from_numpy(hashed("logits", 40)).view(4, 10)).float().double()
    cases = {
        "over_all_classes": lambda x: F.cross_entropy(x, LABELS, label_smoothing=share),
        "divergence_over_other_classes": lambda x: smoothed_over_others(x, LABELS, share),
    }
    result = {"share": share}
    for key, loss_of in cases.items():
        x = logits.clone().requires_grad_()
        loss = loss_of(x)
        loss.backward()
        result[key] = {"loss": loss.item(), "gradient": x.grad.flatten().tolist()}
        print(f"label smoothing {key}: {loss.item():.6f}")
    write("label-smoothing", result)


golden("resnet-18")
golden("resnet-50")
golden("wrn-10-1")
golden("wrn-16-2")
golden("wrn-16-2-skipinit")
golden("pyramidnet-20-9")
golden("mlp-48-16x2", shape=(3, 4, 4))
label_smoothing()
