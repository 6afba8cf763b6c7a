"""A process of single rows: each row is a condition and an experiment at time 0."""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np

from discovery.interop.petab_network import Layer
from discovery.interop.petab_tables import (
    Problem,
    long_conditions,
    sbml_document,
    sbml_text,
)
from sciren.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from sciren.data import Table
    from sciren.model import ScIReN


class RowProblem(Problem):
    """The tables of a problem of rows.

    Args:
        model: trained;  table: the rows;  layers: of the encoder.
    Raises:
        ConfigError: the process model has no formula.
    """

    def __init__(
        self, model: "ScIReN", table: "Table", layers: Sequence[Layer]
    ) -> None:
        from symbolic.expression.tracing import trace

        process = trace(model.decoder, {name: name for name in model.decoder.forcings})
        if process is None or model.decoder.name == "identity":
            raise ConfigError(
                f"process model {model.decoder.name!r} cannot be written as a formula, "
                "which PEtab needs"
            )
        super().__init__(model, layers, process)
        # Rows without any target would be conditions that nothing is measured in.
        self.table = table.take(table.observed.any(1))
        self.rows = [f"row{k + 1}" for k in range(len(self.table))]

    def conditions(self) -> "pd.DataFrame":
        """Features and forcings of every row."""
        import pandas as pd

        table = self.table
        columns = dict(zip(self.features, table.features.numpy().T, strict=True))
        for name, own in zip(self.forcings, self.model.decoder.forcings, strict=True):
            columns[name] = table.forcings[own].numpy()
        return long_conditions(pd.DataFrame(columns).assign(conditionId=self.rows))

    def experiments(self) -> "pd.DataFrame":
        """One a row, at time 0."""
        import pandas as pd

        return pd.DataFrame(
            {"experimentId": self.rows, "time": 0, "conditionId": self.rows}
        )

    def noise(self) -> dict[str, float]:
        """Return target -> deviation of the residuals, see `Problem.noise`."""
        predicted = self.model.predict(self.table).targets.detach().numpy()
        # The noise of PEtab is a parameter; it starts at the deviation of the
        # residuals.
        order = [self.table.target_names.index(n) for n in self.model.target_names]
        residuals = self.table.targets.numpy()[:, order] - predicted
        spread = np.nanstd(residuals / self.error_size(predicted), axis=0)
        return dict(zip(self.model.target_names, spread.tolist(), strict=True))

    def measurements(self) -> "pd.DataFrame":
        """What was observed in every row."""
        import pandas as pd

        parts = []
        for name in self.model.target_names:
            values = self.table.targets[:, self.table.target_names.index(name)].numpy()
            frame = pd.DataFrame(
                {
                    "observableId": self.observable(name),
                    "experimentId": self.rows,
                    "time": 0,
                    "measurement": values,
                }
            )
            parts.append(frame[np.isfinite(values)])
        return pd.concat(parts)

    def sbml(self) -> str:
        """Return a model whose parameters are columns and raw latents."""
        root, model = sbml_document()
        listed = ElementTree.SubElement(model, "listOfParameters")
        for name in [*self.features, *self.forcings, *self.raw]:
            ElementTree.SubElement(
                listed, "parameter", id=name, value="0", constant="true"
            )
        return sbml_text(root)
