"""Concurvity: how far curves of other features imitate that of one.

Where the curve f_i(x_i) over the training rows is nearly a sum of curves of the other
features of the same node, the data do not say which feature carries it; the penalty on
roughness does. The measure is the share of its variance that they reach,

    1 - min_g mean (f_i(x_i) - sum_j g_j(x_j))^2 / mean f_i(x_i)^2,   j != i kept

Reference: Buja, Hastie and Tibshirani 1989; Wood 2017, the estimate of the "observed" case.
"""

import torch
from torch import Tensor

from sciren.training.gauss_newton.design import SplineDesign
from sciren.training.history import History

# Share from which a curve is reported, as mgcv's `concurvity` is usually read. The
# squares of the two radiation signals, correlated at -0.991, lie above it.
IMITATED = 0.8
RIDGE = 1e-9  # of the mean diagonal, for directions that no row sees


@torch.no_grad()
def imitated_shares(design: SplineDesign, curves: Tensor, edges: Tensor) -> Tensor:
    """Return the share (d, J) of every kept edge that the other features reach.

    Args:
        design: of the training rows.
        curves: (J, d m) coefficients of J nodes.
        edges: (d, J) bool, kept; others get zero, as do edges without deviation.
    """
    gram, features = design.gram(), design.n_features
    width = design.width // max(features, 1)
    of_feature = torch.arange(features).repeat_interleave(width).to(gram.device)
    shares = torch.zeros(edges.shape, dtype=gram.dtype, device=gram.device)
    for feature, node in edges.nonzero().tolist():
        own = of_feature == feature
        others = edges[of_feature, node] & ~own
        curve = curves[node, own]
        size = curve @ gram[own][:, own] @ curve
        # Alone at its node, or constant: nothing to imitate.
        if not bool(others.any()) or float(size) <= 1e-24:
            continue
        inside, across = gram[others][:, others], gram[others][:, own] @ curve
        ridge = RIDGE * inside.diagonal().mean() * torch.eye(len(inside)).to(inside)
        # Explained variance of the regression of the curve on the others: a' G^-1 a.
        reached = across @ torch.linalg.solve(inside + ridge, across)
        shares[feature, node] = (reached / size).clamp(0, 1)
    return shares


def report(
    history: History, shares: Tensor, edges: Tensor, names: list[list[str]]
) -> None:
    """Put the shares into the history, and a sentence where curves are imitated.

    Args:
        shares, edges: (d, J);  names: (d, J) of the edges.
    """
    alike = []
    for feature, node in edges.nonzero().tolist():
        share, name = float(shares[feature, node]), names[feature][node]
        history.concurvity.append({"edge": name, "imitated": share})
        if share >= IMITATED:
            alike.append(f"{name} ({100 * share:.0f} %)")
    if alike:
        history.say(
            "Features imitate one another: the other features can write the curves of "
            f"{', '.join(alike)} (share of variance). The data leave open which of them "
            "carries the effect; the smoothest choice was taken."
        )
