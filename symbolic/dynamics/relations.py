"""Relations behind the latents of a recurrence, as the equations that print and store."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from symbolic.dynamics.latex import (
    DeviationLaw,
    aligned,
    deviation_latex,
    process_latex,
)
from symbolic.dynamics.recurrence import Recurrence
from symbolic.model.symbolic_model import SymbolicModel
from symbolic.terms.rebuild import Units

if TYPE_CHECKING:
    from collections.abc import Collection


def with_process(
    relations: SymbolicModel,
    law: Recurrence,
    targets: Mapping[str, str],
    deviations: Mapping[str, DeviationLaw] | None = None,
) -> SymbolicModel:
    """Return relations that print a recurrence as their process.

    Args:
        relations: latent -> formula of static features.
        law: the recurrence.
        targets: target -> column.
        deviations: latent -> how groups deviate from its relation.
    """
    return _printing(relations, law, targets, relations.equations, deviations or {})


def no_relations(
    law: Recurrence,
    targets: Mapping[str, str] | None = None,
    constants: Mapping[str, float] | None = None,
) -> SymbolicModel:
    """Return equations of no latent, which print the recurrence alone.

    Args:
        law: the recurrence.
        targets: target -> column;  constants: value of those that all groups share.
    """
    import pandas as pd

    from sciren.edge_columns import EDGE_COLUMNS

    # a model of no latent is still one that prints, stores and writes code
    none = np.zeros(0)
    empty = SymbolicModel(
        equations={}, unconstrained={}, process=None, process_latex=None,
        constants=dict(constants or {}), errors={}, functions={}, structures=(),
        units=Units((), none, none, none, none),
        edges=pd.DataFrame(columns=list(EDGE_COLUMNS)), table=pd.DataFrame(),
        forcing_columns={}, target_columns={}, unit_of={}, constraints={},
    )  # fmt: skip
    # what is no shared constant differs from group to group and gets the index i
    of_groups = [name for name in law.parameters if name not in empty.constants]
    return _printing(empty, law, targets or {}, of_groups, {})


def _printing(
    relations: SymbolicModel,
    law: Recurrence,
    targets: Mapping[str, str],
    of_groups: "Collection[str]",
    deviations: Mapping[str, DeviationLaw],
) -> SymbolicModel:
    lines = process_latex(law, of_groups, relations.constants)
    lines += deviation_latex(deviations)
    return replace(
        relations,
        process=None,
        process_latex=aligned(lines),
        forcing_columns=dict(law.forcings),
        target_columns={name: targets.get(name, name) for name in law.targets},
    )
