#!/usr/bin/env python3
"""Steps of SGD per second on experiment A1's valley in numpy: one thread, the paths of a step size side by side.

`cargo xtask bench theory --peers` finds or makes an environment with numpy and runs this. By hand:

    python3 peers.py --rounds 5

One line of JSON on standard output: the median over the rounds. The work is that of the example `simulation_speed`:
antithetic pairs under uniform noise, the slope with its hyperbolic tangent, the tail average, and the squares of the
iterate and of the alternative iterate. How many pairs are side by side is numpy's to choose: a first round tries
several numbers, and the fastest is measured. Nothing is allocated in a step, and the generator is numpy's fastest.
"""

import argparse
import json
import os
import statistics
import time

# Before numpy is imported.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import numpy as np

STEP_SIZES = (0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
NOISE_RADIUS = 2.0
START = 0.5
TANH_1 = np.tanh(1.0)
PAIRS = (512, 1024, 2048, 4096, 8192, 16384)
# Steps of all paths together at one step size, one in fifty of them before anything is measured.
STEPS = 2_000_000
# Numbers of noise that are drawn at once: they stay in the cache.
DRAWN = 1 << 14


class Paths:
    """Antithetic pairs at one step size: row 0 sees the noise, row 1 the same with the opposite sign."""

    def __init__(self, step_size, pairs, draws):
        self.step_size, self.draws = step_size, draws
        shape = (2, pairs)
        self.w = np.full(shape, START)
        self.move, self.scratch = np.empty(shape), np.empty(shape)
        self.average, self.square_w, self.square_v = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self.noise = np.empty((max(1, DRAWN // pairs), pairs))
        self.drawn = len(self.noise)

    def slope(self):
        """`step_size * slope` into `move`."""
        move = self.move
        np.subtract(self.w, 1.0, out=move)
        np.tanh(move, out=move)
        move += TANH_1
        move *= 4.0
        move += self.w
        move *= self.step_size

    def descend(self):
        self.w -= self.move
        if self.drawn == len(self.noise):
            self.draws.random(out=self.noise)
            self.noise -= 0.5
            self.noise *= 2 * NOISE_RADIUS * self.step_size
            self.drawn = 0
        noise = self.noise[self.drawn]
        self.drawn += 1
        self.w[0] -= noise
        self.w[1] += noise

    def measure(self, number):
        """The squares before the step `number` and on its way, then the step, then the average."""
        scratch = self.scratch
        np.multiply(self.w, self.w, out=scratch)
        self.square_w += scratch
        self.slope()
        np.subtract(self.w, self.move, out=scratch)
        scratch *= scratch
        self.square_v += scratch
        self.descend()
        np.subtract(self.w, self.average, out=scratch)
        scratch *= 1.0 / (number + 1)
        self.average += scratch


def run(pairs, draws):
    """Steps per second over all step sizes."""
    steps = STEPS // (2 * pairs)
    burn_in = steps // 50
    start = time.perf_counter()
    for step_size in STEP_SIZES:
        paths = Paths(step_size, pairs, draws)
        for _ in range(burn_in):
            paths.slope()
            paths.descend()
        for number in range(steps - burn_in):
            paths.measure(number)
        if not (np.isfinite(paths.square_w).all() and np.isfinite(paths.average).all()):
            raise RuntimeError(f"a path diverged at step size {step_size}")
    return 2 * pairs * steps * len(STEP_SIZES) / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count [default: %(default)s]")
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error("--rounds is at least 1")
    draws = np.random.Generator(np.random.SFC64(0))
    pairs = max(PAIRS, key=lambda pairs: run(pairs, draws))
    rates = [run(pairs, draws) for _ in range(args.rounds)]
    line = {
        "name": f"numpy {np.__version__}, one thread",
        "steps_per_second": statistics.median(rates),
        "pairs": pairs,
        "rounds": args.rounds,
    }
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
