"""Golden values for polder-optim's sharpness measures, in float64: the eigenvalues of 100 random symmetric matrices by LAPACK.

Run `python golden/sharpness.py` from the root of the workspace. It needs numpy only and rewrites crates/optim/tests/golden/sharpness.json,
which states the numpy version that made it. The matrices are built from integers, without rounding, and a second time in
crates/optim/tests/sharpness/matrix.rs.
"""

import json
from pathlib import Path

import numpy as np

OUT = Path(__file__).resolve().parent.parent / "crates" / "optim" / "tests" / "golden" / "sharpness.json"
NUM_MATRICES = 100
KINDS = ["dense", "rank_deficient", "double", "clustered", "graded"]


class Integers:
    """Knuth's MMIX linear congruential generator; integers in -1000..=1000 from its upper half."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % 2001 - 1000


def dense(integers, n):
    matrix = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            matrix[i, j] = matrix[j, i] = integers.next() / 256
    return matrix


def build(kind, n, seed):
    integers = Integers(seed)
    if kind == "dense":
        return dense(integers, n)
    if kind == "rank_deficient":
        matrix = np.zeros((n, n))
        for k in range(n // 3):
            factor = np.array([integers.next() / 256 for _ in range(n)])
            matrix += (-1) ** k * np.outer(factor, factor)
        return matrix
    if kind == "double":
        return np.kron(dense(integers, n // 2), np.eye(2))
    if kind == "clustered":
        return np.kron(dense(integers, n // 2), np.eye(2)) + dense(integers, n) / 2**20
    grades = np.array([2.0 ** -(i // 2) for i in range(n)])
    return dense(integers, n) * np.outer(grades, grades)


def main():
    cases = []
    for seed in range(NUM_MATRICES):
        kind, n = KINDS[seed % len(KINDS)], 8 + 2 * (seed % 9)
        eigenvalues = np.linalg.eigvalsh(build(kind, n, seed)).tolist()
        cases.append({"kind": kind, "n": n, "seed": seed, "eigenvalues": eigenvalues})
    header = {"made_by": "golden/sharpness.py", "numpy": np.__version__}
    OUT.write_text(json.dumps({**header, "cases": cases}, indent=1) + "\n")


if __name__ == "__main__":
    main()
