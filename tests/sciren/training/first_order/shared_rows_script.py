"""Train a few models alone or as a process of torchrun, and write what came out.

torchrun --nproc-per-node 2 shared_rows_script.py FOLDER
"""

import json
import os
import sys
from pathlib import Path

import torch

from sciren import KANEncoder, ScIReN
from sciren.data.table import Table
from sciren.decoders import Q10Respiration
from sciren.encoders import AdditiveEncoder, LinearEncoder, MLPEncoder
from sciren.training import TrainConfig, fit
from sciren.training.first_order.grouped.steps import GroupSteps

BATCH = 97  # odd: two processes take parts of unlike size
ROWS = 6 * BATCH + 2
SHARED = {
    "engine": "first-order",
    "epochs": 20,
    "batch_size": BATCH,
    "select": False,
    "profiles": False,
    "share_rows": True,
}
CASES = {
    "spline": (lambda: KANEncoder(3, 1), {"l1": 1e-3}),
    "hidden": (lambda: KANEncoder(3, 1, hidden=(2,)), {"entropy": 1e-2}),
    "paper": (
        lambda: KANEncoder(3, 1),
        {"penalty_form": "paper", "grid_updates": 2, "violation_reduction": "sum"},
    ),
    "additive": (lambda: AdditiveEncoder(3, 1), {"l1": 1e-3}),
    "linear": (lambda: LinearEncoder(3, 1), {"entropy": 1e-2}),
    "black box": (lambda: MLPEncoder(3, 1, width=8, depth=2, batch_norm=False), {}),
}


def table(rows, seed, weights):
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    x, ta = normal(rows, 3), 12 + 6 * normal(rows)
    reco = (0.5 + 0.5 * x[:, 0]).clamp_min(0) * 1.8 ** ((ta - 15) / 10)
    reco[::11] = torch.nan
    part = torch.rand(rows, generator=generator, dtype=torch.float64)
    return Table(
        x,
        {"ta": ta},
        reco.unsqueeze(1) + 0.05 * normal(rows, 1),
        ("a", "b", "c"),
        ("reco",),
        weights=part if weights else None,
    )


def trained(case, weights):
    """Train one case; return losses, the first gradients and what was learned."""
    make, settings = CASES[case]
    gradients, alone = [], GroupSteps.gradients

    def watched(run, batch):
        slopes, terms = alone(run, batch)
        whole = torch.cat([slope.reshape(-1) for slope in slopes]).detach()
        if len(gradients) < 8:  # more than an epoch: the last batch has two rows
            shared = run.processes is not None
            gradients.append(run.processes.add(whole.clone()) if shared else whole)
        return slopes, terms

    GroupSteps.gradients = watched
    try:
        torch.manual_seed(0)
        model = ScIReN(make(), "auto", Q10Respiration())
        data = table(ROWS, 0, weights), table(101, 1, weights)
        history = fit(model, *data, TrainConfig(**SHARED, **settings))
    finally:
        GroupSteps.gradients = alone
    return {
        "losses": [[row["total"], row["data"], row["valid"]] for row in history.rows],
        "gradients": [one.tolist() for one in gradients],
        "constants": list(model.constants().values()),
    }


def main(folder):
    results = {case: trained(case, case == "hidden") for case in CASES}
    path = Path(folder, f"{os.environ['RANK']}.json")
    path.write_text(json.dumps(results), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
