"""Cost and memory of training against rows, features, latents and members.

    python -m benchmarks.training_scaling --rows 10000,100000,1000000 --features 10

Every case runs in a process of its own with one thread, so that its peak memory is its
own. Times are CPU seconds of `fit_ensemble` without profiles; the data are a sum of
curves of the first three features, seen through an exponential process with one constant.
"""

import argparse
import itertools
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
VALID_SHARE = 10  # one validation row for so many training rows
COLUMNS = ("engine", "rows", "features", "latents", "members")


@dataclass(frozen=True)
class Case:
    """What is trained."""

    engine: str
    rows: int
    features: int
    latents: int
    members: int


@dataclass(frozen=True)
class Cost:
    """What it took.

    Attributes:
        seconds: CPU seconds of the training.
        gib: peak memory of the whole process, GiB.
        r2: least R2 of a latent on the validation rows, over latents and members.
    """

    seconds: float
    gib: float
    r2: float


def tables(case: Case, seed: int) -> Any:
    """Return training and validation table, and the true latents of the latter."""
    import torch

    from sciren import Table

    generator = torch.Generator().manual_seed(seed)
    found = []
    for count in (case.rows, max(200, case.rows // VALID_SHARE)):
        x = torch.rand(count, case.features, generator=generator, dtype=torch.float64)
        t = torch.randn(count, generator=generator, dtype=torch.float64)
        latents = torch.stack(
            [2 + torch.sin(3 * x[:, 0] + k) + x[:, 1] ** 2 - x[:, 2] / (k + 1)
             for k in range(case.latents)], 1
        )  # fmt: skip
        noise = torch.randn(latents.shape, generator=generator, dtype=torch.float64)
        targets = latents * torch.exp(0.3 * t).unsqueeze(1) * (1 + 0.1 * noise)
        names = tuple(f"x{k}" for k in range(case.features))
        outputs = tuple(f"y{k}" for k in range(case.latents))
        found.append((Table(x, {"t": t}, targets, names, outputs), latents))
    (train, _), (valid, truth) = found
    return train, valid, truth


def process(latents: int) -> Any:
    """Return y_k = a_k exp(rate t)."""
    from sciren import Parameter, process_model
    from sciren import functions as fn

    names = [f"a{k}" for k in range(latents)]
    constants = [Parameter("rate", low=-2, high=2, start=0.1, kind="constant")]

    @process_model(
        [*(Parameter(name, low=0.0) for name in names), *constants],
        ["t"],
        [f"y{k}" for k in range(latents)],
    )
    def growth(p: Any, f: Any) -> Any:
        grown = fn.exp(p.rate * f.t)
        return {f"y{k}": getattr(p, name) * grown for k, name in enumerate(names)}

    return growth


def run(case: Case) -> Cost:
    """Train a case in this process."""
    import torch

    from sciren import KANEncoder, ScIReN, TrainConfig, fit_ensemble

    torch.set_num_threads(1)
    train, valid, truth = tables(case, 0)
    decoder = process(case.latents)
    models = [
        ScIReN(KANEncoder(case.features, case.latents, seed=seed), "auto", decoder)
        for seed in range(case.members)
    ]
    fixed = {"engine": case.engine, "profiles": False, "selection": "one-by-one"}
    configs = [
        TrainConfig.model_validate(fixed | {"seed": seed})
        for seed in range(case.members)
    ]
    start = time.process_time()
    fit_ensemble(models, train, valid, configs)
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    spread = (truth - truth.mean(0)).pow(2).sum(0)
    worst = [
        float((1 - (model.latents(valid) - truth).pow(2).sum(0) / spread).min())
        for model in models
    ]
    return Cost(seconds, peak, min(worst))


def run_alone(case: Case) -> Cost:
    """Train a case in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.training_scaling", "--one"]
    done = subprocess.run(
        [*command, json.dumps(asdict(case))],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | ONE_THREAD,
    )
    return Cost(**json.loads(done.stdout))


def table(found: Sequence[tuple[Case, Cost]]) -> str:
    """Return the costs as a Markdown table."""
    head = [*COLUMNS, "CPU s", "CPU us a row and member", "peak GiB", "worst R2"]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for case, cost in found:
        each = 1e6 * cost.seconds / (case.rows * case.members)
        values = [*(str(getattr(case, name)) for name in COLUMNS)]
        values += [f"{cost.seconds:.2f}", f"{each:.1f}", f"{cost.gib:.2f}"]
        lines.append("| " + " | ".join([*values, f"{cost.r2:.4f}"]) + " |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    options = _parser().parse_args(arguments)
    if options.one:
        sys.stdout.write(json.dumps(asdict(run(Case(**json.loads(options.one))))))
        return 0
    found = []
    for values in itertools.product(
        options.engine, options.rows, options.features, options.latents, options.members
    ):
        case = Case(*values)
        found.append((case, run_alone(case)))
        sys.stderr.write(f"{case}: {found[-1][1]}\n")
    sys.stdout.write(table(found) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.training_scaling",
        description="CPU seconds and peak memory of training, every combination of:",
    )
    parser.add_argument("--rows", type=_numbers, default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--features", type=_numbers, default=[10])
    parser.add_argument("--latents", type=_numbers, default=[1])
    parser.add_argument("--members", type=_numbers, default=[1])
    parser.add_argument(
        "--engine",
        type=lambda text: text.split(","),
        default=["gauss-newton"],
        help="gauss-newton, first-order, or both with a comma",
    )
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser


def _numbers(text: str) -> list[int]:
    """Return 1, 10 for "1,10"."""
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or min(found) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not like 10 or 10,100")
    return found


if __name__ == "__main__":
    sys.exit(main())
