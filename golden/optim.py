"""Golden values for polder-optim: PyTorch's SGD, weight averages and learning rate schedules, and a SAM reference, all in float64.

Run `python golden/optim.py` from the root of the workspace. It needs PyTorch only and rewrites crates/optim/tests/golden/*.json,
which state the PyTorch version that made them. The objective below is defined a second time in crates/optim/tests/common/mod.rs; here
its gradient comes from automatic differentiation, there from a formula.
"""

import itertools
import json
from pathlib import Path

import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, MultiStepLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

OUT = Path(__file__).resolve().parent.parent / "crates" / "optim" / "tests" / "golden"
NUM_STEPS = 50
RECORDED = {1, 2, 3, 5, 10, 20, 30, 40, 50}
LEARNING_RATE = 0.05
# With larger steps SAM, whose ascent has a fixed length, bounces around the minimum and amplifies rounding without bound: an error of
# 1e-13 at the start grew 1e10-fold in 50 steps at 0.05. At 0.02 it shrinks.
SAM_LEARNING_RATE = 0.02

START = [1.5, -1.0, 0.5, -0.25, 2.0, -1.75]
QUARTIC = torch.tensor([0.5, 0.25, 1.0, 0.75, 0.125, 0.375], dtype=torch.float64)
COUPLING = torch.tensor([1.0, 0.5, 2.0, 0.25, 1.5, 0.75], dtype=torch.float64)
LOGISTIC = torch.tensor([1.0, -2.0, 0.5, 3.0, -1.5, 2.5], dtype=torch.float64)
# Ranges of parameters that have weight decay where a case says "on ranges".
RANGES = [(0, 2), (3, 5)]


def loss(w):
    """sum_i q_i w_i^4 / 4 + c_i (w_i - w_{i+1})^2 / 2 + log(1 + exp(l_i w_i)), with w_6 = w_0."""
    neighbor = torch.roll(w, -1)
    return (QUARTIC * w**4 / 4 + COUPLING * (w - neighbor) ** 2 / 2 + torch.log1p(torch.exp(LOGISTIC * w))).sum()


class Point(torch.nn.Module):
    """One parameter vector, as a module, because AveragedModel wants one."""

    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.tensor(START, dtype=torch.float64))


def base_configs():
    """Every combination of momentum, dampening, Nesterov and weight decay that torch.optim.SGD accepts."""
    for momentum, dampening, nesterov, decay in itertools.product([0.0, 0.9], [0.0, 0.3], [False, True], [0.0, 0.01]):
        if not nesterov or (momentum > 0 and dampening == 0):
            yield {"momentum": momentum, "dampening": dampening, "nesterov": nesterov, "weight_decay": decay}


def sgd_optimizer(parameters, config, learning_rate=LEARNING_RATE):
    return torch.optim.SGD(parameters, lr=learning_rate, foreach=False, **config)


def trajectory(step, iterate):
    """Calls `step` NUM_STEPS times; the loss before, and the iterate after, each recorded step."""
    recorded = []
    for index in range(1, NUM_STEPS + 1):
        value = step()
        if index in RECORDED:
            recorded.append({"step": index, "loss": value, "iterate": iterate()})
    return recorded


def plain_step(point, optimizer):
    def step():
        optimizer.zero_grad()
        value = loss(point.w)
        value.backward()
        optimizer.step()
        return value.item()

    return step


def sgd_case(config):
    point = Point()
    optimizer = sgd_optimizer(point.parameters(), config)
    return {**config, "recorded": trajectory(plain_step(point, optimizer), point.w.tolist)}


def ranges_case(config):
    """Weight decay on RANGES only, by one parameter group per entry of the vector."""
    entries = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in START]
    decayed = {index for start, end in RANGES for index in range(start, end)}
    groups = [
        {"params": [entry], "weight_decay": config["weight_decay"] if index in decayed else 0.0}
        for index, entry in enumerate(entries)
    ]
    optimizer = sgd_optimizer(groups, config)

    def step():
        optimizer.zero_grad()
        value = loss(torch.stack(entries))
        value.backward()
        optimizer.step()
        return value.item()

    return {**config, "ranges": RANGES, "recorded": trajectory(step, lambda: [entry.item() for entry in entries])}


def sam_case(rho, config):
    """Foret et al. (2021), Eq. (2) with p = 2: the ascent from the bare gradient, weight decay in the base step only."""
    point = Point()
    optimizer = sgd_optimizer(point.parameters(), config, SAM_LEARNING_RATE)

    def step():
        value = loss(point.w)
        (ascent,) = torch.autograd.grad(value, [point.w])
        with torch.no_grad():
            iterate = point.w.clone()
            point.w.add_(rho * ascent / (ascent.norm() + 1e-12))
        (descent,) = torch.autograd.grad(loss(point.w), [point.w])
        with torch.no_grad():
            point.w.copy_(iterate)
        point.w.grad = descent
        optimizer.step()
        return value.item()

    return {"rho": rho, **config, "recorded": trajectory(step, point.w.tolist)}


def averages_case(start, decay):
    """The uniform and the exponential average of one trajectory from step `start` (counted from 0) on."""
    point = Point()
    optimizer = sgd_optimizer(point.parameters(), {"momentum": 0.9})
    uniform = AveragedModel(point)
    ema = AveragedModel(point, multi_avg_fn=get_ema_multi_avg_fn(decay))
    step = plain_step(point, optimizer)
    recorded = []
    for index in range(NUM_STEPS):
        step()
        if index >= start:
            uniform.update_parameters(point)
            ema.update_parameters(point)
            if index + 1 in RECORDED:
                averages = {"uniform": uniform.module.w.tolist(), "ema": ema.module.w.tolist()}
                recorded.append({"step": index + 1, **averages})
    return {"start": start, "decay": decay, "momentum": 0.9, "recorded": recorded}


def schedule_values(make, length):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = make(optimizer)
    values = []
    for _ in range(length):
        values.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return values


def schedules():
    multi_step = [
        {"milestones": milestones, "factor": factor, "values": schedule_values(
            lambda optimizer, m=milestones, f=factor: MultiStepLR(optimizer, milestones=m, gamma=f), 100)}
        for milestones, factor in [([60, 80, 90], 0.2), ([20, 40, 60], 0.6), ([], 0.1)]
    ]
    cosine = [
        {"floor": floor, "period": period, "values": schedule_values(
            lambda optimizer, p=period, f=floor: CosineAnnealingLR(optimizer, T_max=p, eta_min=f), period + 1)}
        for floor, period in [(0.0, 100), (0.001, 30), (0.02, 7)]
    ]
    return {"learning_rate": 0.1, "multi_step": multi_step, "cosine": cosine}


def write(name, content):
    OUT.mkdir(parents=True, exist_ok=True)
    header = {"made_by": "golden/optim.py", "torch": torch.__version__.split("+")[0]}
    (OUT / name).write_text(json.dumps({**header, **content}, indent=1) + "\n")


def main():
    with_decay = {"momentum": 0.9, "dampening": 0.0, "nesterov": True, "weight_decay": 0.1}
    sgd = [sgd_case(config) for config in base_configs()] + [ranges_case(with_decay)]
    sam = [sam_case(rho, config) for rho in [0.05, 0.5] for config in base_configs()]
    write("sgd.json", {"learning_rate": LEARNING_RATE, "cases": sgd})
    write("sam.json", {"learning_rate": SAM_LEARNING_RATE, "cases": sam})
    write("averages.json", {"learning_rate": LEARNING_RATE, "cases": [averages_case(0, 0.9), averages_case(9, 0.99)]})
    write("schedules.json", schedules())


if __name__ == "__main__":
    main()
