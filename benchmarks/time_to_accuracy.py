"""CPU seconds until the latent is known: both engines, and pykan's own training.

    python -m benchmarks.time_to_accuracy --r2 0.999 --limit 120

The respiration study with a linear base respiration, one layer, the latent's R2 on the
test year. Ours: whole trainings from tables to a finished model. pykan: L-BFGS on its own
model in front of the same process with its own regularisation, on all rows, looked at
after every step until the R2 is reached or the limit is over.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from benchmarks.report import Line, markdown
from sciren import KANEncoder, Q10Respiration, ScIReN, TrainConfig, fit
from sciren.data.splits import Split
from sciren.datasets import make_respiration
from sciren.pykan import contained

FIRST_ORDER = {  # epochs and rate by which every seed was found to arrive
    "engine": "first-order", "epochs": 5, "learning_rate": 0.1, "select": False,
    "precision": "float32",
}  # fmt: skip
SETTINGS: dict[str, dict[str, Any]] = {
    "Gauss-Newton": {"engine": "gauss-newton"},
    "first-order": FIRST_ORDER,
    "first-order, compiled": FIRST_ORDER | {"compile": True},
}
SPARSITY = 1e-3  # pykan's lamb


def r2(found: Tensor, truth: Tensor) -> float:
    """Return the share of the variance that is explained."""
    rest = (found - truth).square().sum() / (truth - truth.mean()).square().sum()
    return 1 - float(rest)


def ours(settings: dict[str, Any], data: Split, truth: Tensor) -> tuple[float, float]:
    """Return CPU seconds of a whole training, and the latent's R2."""
    model = ScIReN(KANEncoder(3, 1), "auto", Q10Respiration())
    config = TrainConfig.model_validate({"profiles": False} | settings)
    start = time.process_time()
    fit(model, data.train, data.valid, config)
    used = time.process_time() - start
    return used, r2(model.latents(data.test)[:, 0], truth)


def pykan(
    data: Split, truth: Tensor, wanted: float, limit: float
) -> tuple[float, float]:
    """Return CPU seconds until the R2 is reached, or at the limit, and the R2 then."""
    from kan import KAN
    from kan.LBFGS import LBFGS

    shift, spread = data.train.features.mean(0), data.train.features.std(0)
    x, test = (
        ((part.features - shift) / spread).float() for part in (data.train, data.test)
    )
    target, warm = data.train.targets[:, 0].float(), data.train.forcings["ta"].float()
    scale = target.std()
    model = KAN([3, 1], grid=10, seed=0, auto_save=False)
    log_q10 = torch.tensor(1.5).log().requires_grad_()
    free = [p for p in model.parameters() if p.requires_grad] + [log_q10]
    optimiser = LBFGS(free, lr=1, history_size=10, line_search_fn="strong_wolfe")

    def latent(rows: Tensor) -> Tensor:
        return target.mean() + scale * model(rows)[:, 0]

    def objective() -> Tensor:
        optimiser.zero_grad()
        reco = latent(x).clamp_min(0) * torch.exp(log_q10 * (warm - 15) / 10)
        loss = ((reco - target) / scale).square().mean()
        penalty = model.reg("edge_forward_spline_n", 1.0, 2.0, 0.0, 0.0)
        loss = loss + SPARSITY * penalty
        loss.backward()
        return loss

    start, used, found = time.process_time(), 0.0, -float("inf")
    model(x)
    model.update_grid(x)
    while used < limit and found < wanted:
        optimiser.step(objective)
        used = time.process_time() - start
        with torch.no_grad():
            found = r2(latent(test).double(), truth)
    return used, found


def lines(wanted: float = 0.999, limit: float = 120.0) -> list[Line]:
    """Return a line for every way to train."""
    torch.set_num_threads(1)
    study = make_respiration("linear", seed=0)
    data = study.tables()
    truth = torch.as_tensor(study.truth.rb[data.test.row_ids], dtype=torch.float64)

    def line(name: str, work: Callable[[], tuple[float, float]]) -> Line:
        used, found = work()
        verdict = "reached" if found >= wanted else "not reached"
        return Line(
            f"latent R2 >= {wanted:g}, linear study, {name}",
            f"{used:.2f} CPU s",
            f"R2 {found:.5f}",
            verdict=verdict,
        )

    found = [
        line(name, lambda chosen=chosen: ours(chosen, data, truth))
        for name, chosen in SETTINGS.items()
    ]
    with contained(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        found.append(line("pykan", lambda: pykan(data, truth, wanted, limit)))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--r2", type=float, default=0.999)
    parser.add_argument("--limit", type=float, default=120.0, help="CPU s for pykan")
    chosen = parser.parse_args(arguments)
    print(markdown(lines(chosen.r2, chosen.limit)))


if __name__ == "__main__":
    main()
