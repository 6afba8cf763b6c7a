"""Constants of relations refitted through the simulation, their forms kept."""

from typing import TYPE_CHECKING

import numpy as np

from discovery.dynamics.problems import SeriesProblems
from symbolic.options import SymbolicOptions, options_of

if TYPE_CHECKING:
    from sciren.model import ScIReN
    from symbolic.model.symbolic_model import SymbolicModel

CURVATURE = "curvature, through the simulation"  # how such intervals were found
REFITS = 3
"""Linearisations at the equations; on simulated catchments one is usual, two the most
(`python -m benchmarks.dynamics catchments`)."""

SAME = 0.01
"""Of a deviance: what moving a constant by a tenth of its error from the minimum costs, which
is where the check of stationarity begins to fail."""


def refitted(
    relations: "SymbolicModel",
    inner: "ScIReN",
    problems: SeriesProblems,
    options: SymbolicOptions,
    seed: int,
) -> "SymbolicModel":
    """Refit the constants until a step through the simulation moves none of them.

    What is returned has the lowest deviance of free runs among all that was passed.

    Args:
        relations: closed forms that were fitted where the network is.
        inner: the network, seen from the second level.
        problems: series and their noise.
        options: of the equations;  seed: of everything random.
    """
    import copy

    from sciren.dynamics.groups.mode_fit import deviance_about
    from symbolic import symbolify, verify

    # A copy, because edges are cut in it.
    inner = copy.deepcopy(inner)
    _only_edges_of(relations, inner)
    problem, best, lowest = problems.problem("train"), relations, np.inf
    for number in range(REFITS):
        numbers = problems.of_relations(relations)
        # A step that was right for the rows may be too long for the simulation.
        deviance = deviance_about(problem, numbers["train"])
        if not deviance < lowest + SAME:
            return best
        best, lowest = relations, deviance
        # Linearised at the equations: the minimum of these rows is that of the
        # simulation once the constants stay where they are.
        tables = problems.tables(numbers)
        held_out = tables.get("valid"), tables.get("test")
        checks = verify(relations, inner, tables["train"], *held_out)
        still = next(check for check in checks.checks if check.name == "stationary")
        if still.passed or number == REFITS - 1:
            break
        # Families are pinned: only constants move, no search again.
        again = options_of(options, {"pins": options.pins | _families(relations)})
        relations = symbolify(inner, tables["train"], again, seed=seed)
    return best


def _only_edges_of(relations: "SymbolicModel", inner: "ScIReN") -> None:
    """Cut the edges of an additive encoder that the equations do without."""
    layers = getattr(inner.encoder, "spline_layers", [])
    # With hidden nodes an edge is no pair of feature and latent, so all stay.
    if len(layers) != 1:
        return
    used = {
        (str(row["source"]), str(row["latent"]))
        for row in relations.edges.to_dict("records")
        if row["status"] != "dropped"
    }
    for i, feature in enumerate(inner.feature_names):
        for k, latent in enumerate(inner.latent_names):
            if (feature, latent) not in used:
                layers[0].mask[i, k] = 0.0


def _families(relations: "SymbolicModel") -> dict[str, str]:
    """Return edge -> family of a fitted model, to keep its forms in a refit."""
    return {
        f"{row['source']} -> {row['latent']}": str(row["family"])
        for row in relations.edges.to_dict("records")
        if row["status"] == "closed"
    }
