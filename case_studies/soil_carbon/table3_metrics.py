"""The figures of Table 3: how well a model predicts, and how well it explains."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from case_studies.soil_carbon.table4_methods import PREDICTED as PARAMETERS
from discovery import functional_importance, relationship_kl
from sciren import ScIReN, Table, feature_importance, r2
from sciren.datasets import SoilCarbonStudy

PARTS = tuple(f"r2_{name}" for name in PARAMETERS)
METRICS = (
    "r2_obs", "r2_latent", "r2_four", "r2_sensitive", "kl", *PARTS,
    "edges", "edges_true", "edges_false",
)  # fmt: skip
FIXED = 17  # parameters in the middle of their priors
KEPT = 0.03  # share of a parameter's deviation that makes an edge count

Array = NDArray[np.float64]


def judge(model: ScIReN, study: SoilCarbonStudy, test: Table) -> dict[str, float]:
    """Return every figure of a model on the test fold.

    r2_obs        carbon, all observations
    r2_latent     all 21 parameters in the unit interval at once, as the published code:
                  the 17 fixed ones have no error but add to the spread
    r2_<name>     of one predicted parameter;  r2_four  their mean
    r2_sensitive  the same on sites whose carbon depends on the parameter
    kl            true importances against estimated ones
    edges         number of edges kept, of them true and false

    Args:
        model: trained; the plain network has only r2_obs.
        study: the sites, which know the truth.
        test: rows of the test fold.
    """
    predicted = model.predict(test)
    observed = test.targets[:, 0].numpy()
    values = dict.fromkeys(METRICS, float("nan"))
    values["r2_obs"] = r2(observed, predicted.targets[:, 0].numpy())
    if model.latent_names != PARAMETERS:
        return values
    unit, truth, felt = site_latents(model, study, test)
    parts = [r2(truth[:, k], unit[:, k]) for k in range(len(PARAMETERS))]
    sensitive = [
        r2(truth[felt[:, k], k], unit[felt[:, k], k]) for k in range(len(PARAMETERS))
    ]
    values |= dict(zip(PARTS, parts, strict=True))
    values |= {
        "r2_latent": _pooled(truth, unit),
        "r2_four": float(np.mean(parts)),
        "r2_sensitive": float(np.mean(sensitive)),
        "kl": relationship_kl(
            study.truth.importance().to_numpy(), importance(model, test)
        ),
    }
    return values | _edges(model, study)


def site_latents(
    model: ScIReN, study: SoilCarbonStudy, test: Table
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Parameters of the test sites: estimated, true (sites, 4), sensitive or not."""
    sites, first = np.unique(
        test.forcings["site"].numpy().astype(int), return_index=True
    )
    physical = model.latents(test.take(torch.from_numpy(first)))
    unit = ((physical - model.low) / (model.high - model.low)).numpy()
    truth = study.truth
    return unit, truth.unit.to_numpy()[sites], truth.sensitive.to_numpy()[sites]


def _pooled(truth: Array, unit: Array) -> float:
    fixed = np.full((len(truth), FIXED), 0.5)
    both = (np.hstack([values, fixed]).ravel() for values in (truth, unit))
    return r2(*both)


def importance(model: ScIReN, test: Table) -> Array:
    """Importance of features for parameters (10, 4), columns add to one.

    Additive splines: deviation of every edge. Others: partial dependence of the raw
    parameters.
    """
    if getattr(model.encoder, "spline_layers", None):
        return feature_importance(model, test).to_numpy()
    return functional_importance(_raw(model), test).to_numpy()


def _raw(model: ScIReN) -> Any:
    @torch.no_grad()
    def latents(x: Array) -> Array:
        model.eval()
        return model.raw_latents(model.scaled(torch.as_tensor(x))).numpy()

    return latents


def _edges(model: ScIReN, study: SoilCarbonStudy) -> dict[str, float]:
    kept = kept_edges(model, study)
    if kept is None:
        return {}
    true = study.truth.edges
    counts = {"edges": kept, "edges_true": kept & true, "edges_false": kept - true}
    return {name: float(len(edges)) for name, edges in counts.items()}


def kept_edges(model: ScIReN, study: SoilCarbonStudy) -> set[tuple[str, str]] | None:
    """Edges of the encoder that count; None where it has no edges."""
    if not getattr(model.encoder, "spline_layers", None):
        return None
    shares = importance(model, study.table())
    return {
        (model.feature_names[i], model.latent_names[j])
        for i, j in zip(*np.nonzero(shares >= KEPT), strict=True)
    }
