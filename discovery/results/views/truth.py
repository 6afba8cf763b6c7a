"""Estimated latents beside their truth, where a simulation knows it, as plain data."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.results.views.plain import brief, spread

if TYPE_CHECKING:
    from discovery.results.result import Discovery
    from sciren.data import Table

ROWS = 1000  # points of a picture: more lie on one another


def truth_views(
    discovery: "Discovery", table: "Table", truth: Mapping[str, np.ndarray]
) -> list[dict[str, Any]]:
    """Return one row a latent whose truth is known: name, unit, true, model -> estimates.

    Args:
        discovery: with its network.
        table: rows that are shown, at most 1,000 of them, evenly.
        truth: latent -> (N,) of all rows of the file; `Table.row_ids` finds a row.
    """
    from discovery.results.scoring import EQUATION, NETWORK, equation_latents

    if not truth:
        return []
    # Rows of the file are drawn with the truth of the same rows, by their numbers.
    model, shown = discovery.network(), table.take(spread(len(table), ROWS))
    units = {p.name: p.unit for p in model.decoder.parameters}
    estimates = {NETWORK: model.latents(shown).numpy()}
    if discovery.equations is not None:
        estimates[EQUATION] = equation_latents(discovery.equations, shown).numpy()
    return [
        {
            "latent": name,
            "unit": units[name],
            "true": brief(values[shown.row_ids]),
            "models": {
                key: brief(latents[:, model.latent_names.index(name)])
                for key, latents in estimates.items()
            },
        }
        for name, values in truth.items()
    ]
