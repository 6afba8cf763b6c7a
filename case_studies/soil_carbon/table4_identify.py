"""Which parameters measured carbon determines: posterior against prior deviations."""

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from sciren import ScIReN, Table

PRIOR_SD = 12**-0.5  # of a uniform on the unit interval


def identification(model: ScIReN, table: Table) -> pd.DataFrame:
    """Compare what the data say about each latent with what the prior says.

    In the neighbourhood of the trained model, Gaussian, on the unit interval:

        posterior precision = prior precision + J' J / residual variance

    for one profile alone (four unknowns from its layers), and for a shift that all
    profiles share (with a sandwich over the blocks, whose layers err together).

    Args:
        model: trained, with latents between two bounds.
        table: rows with forcing site; blocks are what is held out together.
    Returns:
        One row a latent: sensitivity (rms of d ln soc / d u), deaf_percent (layers below
        0.01), at_bound_percent (layers whose latent is at a bound), profile_sd and
        shared_sd (posterior over prior deviation; 1 means that nothing is learned),
        worst_correlation and with (in the posterior of the shared shift).
    """
    jacobian, residual, logs, bound = _slopes(model, table)
    sites = table.forcings["site"].long()
    variance = float((residual**2).mean())
    single = _single(jacobian, sites, variance)
    shared = _shared(jacobian, residual, table.blocks, variance)
    scale = torch.diag(shared).sqrt()
    correlation = (shared / scale[:, None] / scale[None, :]).fill_diagonal_(0.0)
    worst = correlation.abs().argmax(1)
    names = list(model.latent_names)
    return pd.DataFrame(
        {
            "latent": names,
            "sensitivity": (logs**2).mean(0).sqrt().numpy(),
            "deaf_percent": 100 * (logs.abs() < 0.01).double().mean(0).numpy(),
            "at_bound_percent": 100 * bound.double().mean(0).numpy(),
            "profile_sd": single.numpy(),
            "shared_sd": (scale / PRIOR_SD).numpy(),
            "worst_correlation": correlation[range(len(names)), worst].numpy(),
            "with": [names[k] for k in worst.tolist()],
        }
    )


def _slopes(model: ScIReN, table: Table) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Slopes of the residuals by unit latents (n, L), residuals (n,), slopes of ln soc
    (n, L), and which latents are at a bound (n, L)."""
    span = model.high - model.low
    unit = ((model.latents(table) - model.low) / span).requires_grad_()
    constants = model.constant_scale.to_physical(model.constant_raw.detach())
    soc = model.decoder.evaluate(model.low + span * unit, constants, table.forcings)
    (slope,) = torch.autograd.grad(soc.sum(), unit)
    scale = model.residual_scale
    assert scale is not None
    value = soc.detach().requires_grad_()
    compared = scale.transform(value)
    (stretch,) = torch.autograd.grad(compared.sum(), value)
    residual = (compared - scale.transform(table.targets))[:, 0].detach()
    bound = (unit.detach() < 1e-6) | (unit.detach() > 1 - 1e-6)
    return slope * stretch, residual, slope / soc.detach(), bound


def _single(jacobian: Tensor, sites: Tensor, variance: float) -> Tensor:
    """Median over the profiles of posterior over prior deviation (L,)."""
    size = jacobian.shape[1]
    products = jacobian.unsqueeze(2) * jacobian.unsqueeze(1)
    _, place = torch.unique(sites, return_inverse=True)
    summed = jacobian.new_zeros(int(place.max()) + 1, size, size)
    summed.index_add_(0, place, products / variance)
    prior = torch.eye(size, dtype=jacobian.dtype) / PRIOR_SD**2
    inverse = torch.linalg.inv(summed + prior)
    return inverse.diagonal(dim1=1, dim2=2).sqrt().median(0).values / PRIOR_SD


def _shared(
    jacobian: Tensor, residual: Tensor, blocks: Tensor, variance: float
) -> Tensor:
    """Posterior covariance (L, L) of a shift of all profiles, robust to blocks."""
    size = jacobian.shape[1]
    bread = jacobian.T @ jacobian
    scores = jacobian.new_zeros(int(blocks.max()) + 1, size)
    scores.index_add_(0, blocks, jacobian * residual.unsqueeze(1))
    meat = scores.T @ scores
    # as many independent layers as give the spread of the block sums
    inflate = float(
        torch.trace(torch.linalg.lstsq(bread, meat, driver="gelsd").solution)
    ) / (size * variance)
    prior = torch.eye(size, dtype=jacobian.dtype) / PRIOR_SD**2
    return torch.linalg.inv(bread / (variance * max(inflate, 1.0)) + prior)


def agreement(latents: list[pd.DataFrame], spans: dict[str, float]) -> pd.DataFrame:
    """Compare the latents of the splits' models site by site.

    Args:
        latents: one table a split: site and the latents, physical values.
        spans: latent -> width of its prior.
    Returns:
        One row a latent: between_splits (mean over the sites of the deviation over the
        splits, in widths of the prior) and between_sites (deviation over the sites of
        the mean over the splits).
    """
    rows = []
    for name, span in spans.items():
        stacked = (
            np.stack([latent.sort_values("site")[name] for latent in latents]) / span
        )
        alone = len(stacked) < 2
        spread = float("nan") if alone else float(stacked.std(0, ddof=1).mean())
        rows.append(
            {
                "latent": name,
                "between_splits": spread,
                "between_sites": float(stacked.mean(0).std(ddof=1)),
            }
        )
    return pd.DataFrame(rows)
