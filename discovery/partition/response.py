"""Equations of one part of the day, refitted to other rows and run on all of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from discovery.results.result import Discovery
    from sciren.data import Table
    from sciren.model import ScIReN

Array = np.ndarray


@dataclass(frozen=True)
class Fitted:
    """Constants of the equations: structures of the latents, and raw process constants."""

    structures: tuple[Any, ...]
    constants: "Tensor"


class Response:
    """The equations that a run has found, as something that can be fitted again.

    Args:
        discovery: of the run, with its network.
        forcings: process model's name -> column of the tower's table.
        target: process model's name of the flux.
    """

    def __init__(
        self, discovery: "Discovery", forcings: Mapping[str, str], target: str
    ) -> None:
        from symbolic.search.observations import raw_process_constants

        equations = discovery.equations
        assert equations is not None  # a run of a kan always has equations
        self.model: ScIReN = discovery.network()
        self.forcings, self.target = dict(forcings), target
        # Start of every refit: families and features stay as the run found them.
        start = raw_process_constants(self.model, equations.constants)
        self.found = Fitted(equations.structures, start)

    def table(self, frame: "pd.DataFrame", flux: Array) -> "Table":
        """Return rows of the tower with a measured flux as a table."""
        from sciren.data import Table

        rows = frame.assign(flux=flux)
        return Table.from_frame(
            rows, list(self.model.feature_names), self.forcings, {self.target: "flux"}
        )

    def refit(self, table: "Table") -> Fitted:
        """Fit the constants of the same equations to other rows."""
        from symbolic.search.observations import observed_by
        from symbolic.search.refit import refit

        data = observed_by(self.found.structures, self.model, table)
        again = refit(
            data.term, data.scaled, self.found.structures, self.found.constants,
            # Resamples lie near the start; their spread is the error, so no covariance
            # is needed.
            iterations=20, tolerance=1e-6, with_covariance=False,
        )  # fmt: skip
        return Fitted(again.structures, again.constants)

    def flux(self, frame: "pd.DataFrame", fitted: Fitted) -> Array:
        """Return the flux (n,) of the equations at all rows of the tower."""
        import torch

        model = self.model
        with torch.no_grad():
            features = frame[list(model.feature_names)].to_numpy(dtype=float)
            scaled = model.scaled(torch.from_numpy(features.copy())).numpy()
            raw = np.stack(
                [structure.value(scaled) for structure in fitted.structures], axis=1
            )
            # raw (n, L) of the closed forms on scaled features, then bounds, then the
            # process.
            latents = model.constrain(torch.from_numpy(raw))
            constants = model.constant_scale.to_physical(fitted.constants)
            given = {
                name: torch.from_numpy(frame[column].to_numpy(dtype=float).copy())
                for name, column in self.forcings.items()
            }
            return model.decoder.evaluate(latents, constants, given)[:, 0].numpy()

    def constants(self, fitted: Fitted) -> dict[str, float]:
        """Return the process constants in physical units."""
        values = self.model.constant_scale.to_physical(fitted.constants).tolist()
        return dict(zip(self.model.decoder.constant_names, values, strict=True))
