"""Golden values for polder-optim, all in float64: PyTorch's SGD, clipping, weight averages and learning rate schedules, and references,
written for the purpose, of SAM in its variants and of the gradient penalty.

Run `python golden/optim.py` from the root of the workspace. It needs PyTorch only and rewrites crates/optim/tests/golden/*.json,
which state the PyTorch version that made them. The objective below is defined a second time in crates/optim/tests/common/mod.rs; here
its gradient comes from automatic differentiation, there from a formula.
"""

import itertools
import json
from pathlib import Path

import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, MultiStepLR, SequentialLR
from torch.optim.swa_utils import SWALR, AveragedModel, get_ema_multi_avg_fn

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


# The terms of the loss that form each of two micro-batches, as if every term were an example.
MICRO_BATCHES = [range(0, 2), range(2, 6)]


def terms(w):
    """Term i: q_i w_i^4 / 4 + c_i (w_i - w_{i+1})^2 / 2 + log(1 + exp(l_i w_i)), with w_6 = w_0."""
    neighbor = torch.roll(w, -1)
    return QUARTIC * w**4 / 4 + COUPLING * (w - neighbor) ** 2 / 2 + torch.log1p(torch.exp(LOGISTIC * w))


def loss(w):
    return terms(w).sum()


def micro_loss(w, part):
    """Scaled so that the mean over all terms of all micro-batches is `loss`."""
    return len(START) * terms(w)[list(part)].mean()


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


def plain_step(point, optimizer, clip_norm=None):
    def step():
        optimizer.zero_grad()
        value = loss(point.w)
        value.backward()
        if clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(point.parameters(), clip_norm)
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


def clip_case(clip_norm, config):
    point = Point()
    optimizer = sgd_optimizer(point.parameters(), config)
    recorded = trajectory(plain_step(point, optimizer, clip_norm), point.w.tolist)
    return {**config, "clip_norm": clip_norm, "recorded": recorded}


def ascent_operator(w, eta, ranges):
    """T of adaptive SAM: |w| + eta on the ranges, 1 elsewhere."""
    operator = torch.ones_like(w)
    for start, end in ranges:
        operator[start:end] = w[start:end].abs() + eta
    return operator


def perturbed_gradient(objective, w, rho, ascent, decay):
    """The gradient of `objective` plus `decay / 2 * |w|^2` at SAM's perturbed weights."""

    def penalised(at):
        return objective(at) + decay / 2 * (at**2).sum()

    (gradient,) = torch.autograd.grad(penalised(w), [w])
    with torch.no_grad():
        if ascent["kind"] == "normalized":
            # Foret et al. (2021), Eq. (2) with p = 2.
            perturbation = rho * gradient / (gradient.norm() + 1e-12)
        elif ascent["kind"] == "unnormalized":
            perturbation = rho * gradient
        else:
            # Kwon et al. (2021), Algorithm 1 (p = 2).
            operator = ascent_operator(w, ascent["eta"], ascent["on"]["ranges"])
            perturbation = rho * operator**2 * gradient / ((operator * gradient).norm() + 1e-12)
    perturbed = (w.detach() + perturbation).requires_grad_()
    (gradient,) = torch.autograd.grad(penalised(perturbed), [perturbed])
    return gradient


def sam_case(rho, config, ascent=None, inside=False, micro_batches=1, every=1):
    """SAM over torch.optim.SGD, whose weight decay is that of the iterate unless it is `inside` the objective."""
    ascent = ascent or {"kind": "normalized"}
    point = Point()
    outer = {**config, "weight_decay": 0.0} if inside else config
    decay = config["weight_decay"] if inside else 0.0
    optimizer = sgd_optimizer(point.parameters(), outer, SAM_LEARNING_RATE)
    num_steps = 0

    def step():
        nonlocal num_steps
        value = loss(point.w)
        if num_steps % every != 0:
            (descent,) = torch.autograd.grad(value, [point.w])
        elif micro_batches == 1:
            descent = perturbed_gradient(loss, point.w, rho, ascent, decay)
        else:
            shares = [len(part) / len(START) for part in MICRO_BATCHES]
            descent = sum(
                share * perturbed_gradient(lambda w, part=part: micro_loss(w, part), point.w, rho, ascent, decay)
                for share, part in zip(shares, MICRO_BATCHES)
            )
        point.w.grad = descent
        optimizer.step()
        num_steps += 1
        return value.item()

    settings = {"rho": rho, "ascent": ascent, "inside": inside, "micro_batches": micro_batches, "every": every}
    return {**settings, **config, "recorded": trajectory(step, point.w.tolist)}


def sam_cases():
    adaptive = {"kind": "adaptive", "eta": 0.01, "on": {"ranges": [(0, 6)]}}
    adaptive_on_ranges = {"kind": "adaptive", "eta": 0.0, "on": {"ranges": RANGES}}
    configs = list(base_configs())
    for rho in [0.05, 0.5]:
        yield from (sam_case(rho, config) for config in configs)
    for config in configs:
        yield sam_case(0.2, config, adaptive)
    plain, momentum = configs[1], configs[-1]
    for config in [plain, momentum]:
        yield sam_case(0.2, config, adaptive_on_ranges)
        yield sam_case(0.02, config, {"kind": "unnormalized"})
        yield sam_case(0.05, config, every=3)
        yield sam_case(0.05, config, micro_batches=len(MICRO_BATCHES))
        yield sam_case(0.2, config, adaptive, micro_batches=len(MICRO_BATCHES))
    yield sam_case(0.05, {**plain, "weight_decay": 0.1}, inside=True)
    yield sam_case(0.2, {**plain, "weight_decay": 0.1}, adaptive, inside=True)


def penalty_case(strength, config):
    """Smith et al. (2021): the loss plus a quarter of the strength times its squared gradient, by double backpropagation."""
    point = Point()
    optimizer = sgd_optimizer(point.parameters(), config, SAM_LEARNING_RATE)

    def step():
        optimizer.zero_grad()
        value = loss(point.w)
        (gradient,) = torch.autograd.grad(value, [point.w], create_graph=True)
        (value + strength / 4 * (gradient**2).sum()).backward()
        optimizer.step()
        return value.item()

    return {"lambda": strength, **config, "recorded": trajectory(step, point.w.tolist)}


def averages_case(start, decay, every, length):
    """The averages of one trajectory from step `start` (counted from 0) on.

    Uniform, exponential and SWA by AveragedModel, the last updated at every `every`-th step; the exponential average with bias
    correction and the mean over the window of `length` iterates, one of every `every`, by their definitions.
    """
    point = Point()
    optimizer = sgd_optimizer(point.parameters(), {"momentum": 0.9})
    uniform, swa = AveragedModel(point), AveragedModel(point)
    ema = AveragedModel(point, multi_avg_fn=get_ema_multi_avg_fn(decay))
    step = plain_step(point, optimizer)
    iterates, recorded = [], []
    for index in range(NUM_STEPS):
        step()
        if index < start:
            continue
        iterates.append(point.w.detach().clone())
        uniform.update_parameters(point)
        ema.update_parameters(point)
        if (index - start) % every == 0:
            swa.update_parameters(point)
        if index + 1 in RECORDED:
            averages = {name: model.module.w.tolist() for name, model in [("uniform", uniform), ("ema", ema), ("swa", swa)]}
            weights = decay ** torch.arange(len(iterates) - 1, -1, -1, dtype=torch.float64)
            averages["corrected_ema"] = (weights @ torch.stack(iterates) / weights.sum()).tolist()
            averages["window"] = torch.stack(iterates[::every][-length:]).mean(0).tolist()
            recorded.append({"step": index + 1, "averages": averages})
    settings = {"start": start, "decay": decay, "every": every, "length": length}
    return {**settings, "momentum": 0.9, "recorded": recorded}


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
    warm_up = [
        {"factor": factor, "duration": duration, "milestones": [30, 60], "decay": 0.2, "values": schedule_values(
            lambda optimizer, f=factor, d=duration: SequentialLR(optimizer, [
                LinearLR(optimizer, start_factor=f, total_iters=d),
                MultiStepLR(optimizer, milestones=[30, 60], gamma=0.2),
            ], milestones=[d]), 100)}
        for factor, duration in [(0.1, 5), (1 / 3, 17), (0.01, 1)]
    ]
    warm_up_cosine = [
        {"factor": factor, "duration": duration, "period": 40, "values": schedule_values(
            lambda optimizer, f=factor, d=duration: SequentialLR(optimizer, [
                LinearLR(optimizer, start_factor=f, total_iters=d), CosineAnnealingLR(optimizer, T_max=40),
            ], milestones=[d]), duration + 41)}
        for factor, duration in [(0.2, 10)]
    ]
    swa = [
        {"period": 50, "start": start, "duration": duration, "learning_rate": rate,
         "values": swa_values(start, duration, rate, 80)}
        for start, duration, rate in [(30, 10, 0.05), (0, 4, 0.02), (40, 1, 0.2), (10, 30, 0.0)]
    ]
    return {"learning_rate": 0.1, "multi_step": multi_step, "cosine": cosine, "warm_up": warm_up,
            "warm_up_cosine": warm_up_cosine, "swa": swa}


def swa_values(start, duration, rate, length):
    """A cosine of period 50 stepped up to time `start`, SWALR from then on."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    before = CosineAnnealingLR(optimizer, T_max=50)
    swa = SWALR(optimizer, swa_lr=rate, anneal_epochs=duration, anneal_strategy="linear")
    values = []
    for time in range(length):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if time < start:
            before.step()
        else:
            swa.step()
    return values


def write(name, content):
    OUT.mkdir(parents=True, exist_ok=True)
    header = {"made_by": "golden/optim.py", "torch": torch.__version__.split("+")[0]}
    (OUT / name).write_text(json.dumps({**header, **content}, indent=1) + "\n")


def main():
    with_decay = {"momentum": 0.9, "dampening": 0.0, "nesterov": True, "weight_decay": 0.1}
    sgd = [sgd_case(config) for config in base_configs()] + [ranges_case(with_decay)]
    sgd += [clip_case(clip_norm, config) for clip_norm in [0.5, 5.0] for config in base_configs()]
    penalty = [penalty_case(strength, config) for strength in [0.01, 0.1] for config in base_configs()]
    write("sgd.json", {"learning_rate": LEARNING_RATE, "cases": sgd})
    write("sam.json", {"learning_rate": SAM_LEARNING_RATE, "cases": list(sam_cases())})
    write("penalty.json", {"learning_rate": SAM_LEARNING_RATE, "cases": penalty})
    averages = [averages_case(0, 0.9, 1, 8), averages_case(9, 0.99, 3, 5)]
    write("averages.json", {"learning_rate": LEARNING_RATE, "cases": averages})
    write("schedules.json", schedules())


if __name__ == "__main__":
    main()
