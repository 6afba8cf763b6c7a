"""The figures of the tables: how well a model predicts, and how well it explains."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from discovery import functional_importance, relationship_kl
from sciren import ScIReN, Split, Table, r2
from sciren.datasets import RespirationStudy

CHUNK = 1000  # rows at once: what fits into the cache is several times faster
FEW = 48  # rows of the published code's last test batch, 17,568 = 73 * 240 + 48
METRICS = (
    "r2_obs", "r2_clean", "r2_obs_hot", "r2_clean_hot", "r2_latent", "kl", "kl_48",
    "ceiling", "q10",
)  # fmt: skip

Rows = Callable[[NDArray[np.float64]], Any]


def judge(
    model: ScIReN, study: RespirationStudy, split: Split, seed: int
) -> dict[str, float]:
    """Return every figure of a model on the test year.

    r2_obs     against the noisy Reco            r2_clean   against the noise-free one
    *_hot      on rows warmer than all training rows
    r2_latent  base respiration                  ceiling    r2_obs of the truth itself
    kl         importances against the true ones, both by partial dependence of the raw
               latent over the whole test year
    kl_48      the published variant: of the model on 48 rows of the test year only

    Args:
        model: trained; without a process model it has neither latent nor KL.
        study: the record, which knows the truth.
        split: its tables.
        seed: chooses the 48 rows.
    """
    test = split.test
    predicted = model.predict(test)
    noisy, reco = test.targets[:, 0].numpy(), predicted.targets[:, 0].numpy()
    clean = study.frame["reco_clean"].to_numpy()[test.row_ids]
    hot = _temperature(test) > _temperature(split.train).max()
    values = dict.fromkeys(METRICS, float("nan")) | {
        "r2_obs": r2(noisy, reco),
        "r2_clean": r2(clean, reco),
        "r2_obs_hot": r2(noisy[hot], reco[hot]),
        "r2_clean_hot": r2(clean[hot], reco[hot]),
        "ceiling": r2(noisy, clean),
    }
    if not model.plain:
        rb = study.truth.rb[test.row_ids]
        values["r2_latent"] = r2(rb, predicted.latents[:, 0].numpy())
        values["q10"] = model.constants()["q10"]
        values |= _relationships(model, study, test, seed)
    return values


def _temperature(table: Table) -> NDArray[np.float64]:
    return table.forcings["ta"].numpy()


def _relationships(
    model: ScIReN, study: RespirationStudy, test: Table, seed: int
) -> dict[str, float]:
    truth = functional_importance(true_latent(study), test).to_numpy()
    order = np.random.default_rng(seed).permutation(len(test))
    few = test.take(np.sort(order[:FEW]))
    network = raw_latent(model)
    return {
        "kl": _kl(truth, functional_importance(network, test).to_numpy()),
        "kl_48": _kl(truth, functional_importance(network, few).to_numpy()),
    }


def _kl(truth: NDArray[np.float64], estimated: NDArray[np.float64]) -> float:
    """KL, or nan for a model in which no feature has an effect."""
    return relationship_kl(truth, estimated) if estimated.sum() > 0 else float("nan")


def true_latent(study: RespirationStudy) -> Rows:
    """Return the true base respiration as a function of rows (sw_pot, dsw_pot, ta)."""
    return lambda x: study.truth.base_respiration(x[:, 0], x[:, 1])


def raw_latent(model: ScIReN) -> Rows:
    """Return the latent before its constraint as a function of rows in raw units."""

    @torch.no_grad()
    def latent(x: NDArray[np.float64]) -> NDArray[np.float64]:
        model.eval()
        parts = torch.from_numpy(x).split(CHUNK)
        return torch.cat(
            [model.raw_latents(model.scaled(part)) for part in parts]
        ).numpy()

    return latent
