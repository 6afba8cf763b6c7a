"""Equations of a model without offsets that the observations do not hold."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from symbolic.search.candidate import Candidate
from symbolic.search.climb import ScoredLatents, Search
from symbolic.terms.criterion import FLOOR
from symbolic.terms.rebuild import Units
from symbolic.terms.without_offset import without_offset, worth_no_constant


def without_offsets(search: Search, best: ScoredLatents, units: Units) -> ScoredLatents:
    """Return the structures without the offsets that are zero within their error.

    Latents that a constraint bends have no offset of their own.

    Args:
        units: of the features.
    """
    model = search.term.model
    # One latent after another: whether an offset is missed depends on the others that went.
    for k, structure in enumerate(best.structures):
        if model.constraints[k].name not in ("identity", "relu"):
            continue
        bare = without_offset(structure, units, search.features)
        if bare is None:
            continue
        changed = (*best.structures[:k], bare, *best.structures[k + 1 :])
        scored = search.score(changed, best.constants)
        deviance = search.count * np.log((scored.loss + FLOOR) / (best.loss + FLOOR))
        if worth_no_constant(float(deviance), search.count):
            best = scored
    return best


def with_structures(
    search: Search, candidates: Sequence[Candidate], row: int, scored: ScoredLatents
) -> tuple[Candidate, ...]:
    """Return the candidates with other constants and offsets in one of them."""
    model = search.term.model
    physical = model.constant_scale.to_physical(scored.constants).tolist()
    changed = replace(
        candidates[row],
        structures=scored.structures,
        constants=dict(zip(model.decoder.constant_names, physical, strict=True)),
        loss=float(scored.loss),
        criterion=float(scored.criterion),
    )
    return (*candidates[:row], changed, *candidates[row + 1 :])
