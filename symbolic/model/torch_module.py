"""Equations as a torch module whose parameters are the printed constants."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
import torch
from torch import Tensor, nn

from sciren.data.conversion import as_frame
from sciren.errors import ColumnError, ExpressionError, closest_names
from symbolic.expression.torch_evaluate import compile_torch
from symbolic.terms.parametric import parametric

if TYPE_CHECKING:
    from symbolic.curves.spline_curve import SplineCurve
    from symbolic.model.record import EquationRecord


class EquationModule(nn.Module):
    """Latents and targets as functions of columns, with trainable constants.

    Parameters are scalars in raw units, called as in the tables of constants: ``a_ta``,
    ``rb_0``, ``q10``; where two latents have a constant of the same name, it is followed
    by the latent (``a_ta_rb``). `constants` returns them by the names of the tables.

    Args:
        model: equations.
        dtype: of the parameters.
    """

    def __init__(
        self, model: "EquationRecord", dtype: torch.dtype = torch.float64
    ) -> None:
        super().__init__()
        # arguments of every compiled latent: features first, then all printed constants
        self.features = tuple(model.used_features())
        self._kinds = dict(model.units.kinds)
        self.forcings = tuple(dict.fromkeys(model.forcing_columns.values()))
        latents = [
            parametric(structure, model.units, model.constraints[structure.name])
            for structure in model.structures
        ]
        listed = [
            (s, constant) for part in latents for s, constant in part.constants.items()
        ]
        counts = [constant.name for _, constant in listed] + list(model.constants)
        # process constants first, so that they keep their plain names
        self._labels: dict[tuple[str, str], str] = {}
        for name, value in model.constants.items():
            self._add("", name, name, value, dtype)
        for _, constant in listed:
            label = constant.name
            if counts.count(constant.name) > 1:
                label = f"{constant.name}_{constant.latent}"
            self._add(constant.latent, constant.name, label, constant.value, dtype)
        inside = [
            self._labels[constant.latent, constant.name] for _, constant in listed
        ]
        symbols = [*map(_symbol, self.features), *(symbol for symbol, _ in listed)]
        tables = {name: _spline(curve) for name, curve in model.functions.items()}
        self._inside = inside
        self._latents = {
            part.name: compile_torch(part.expression, symbols, tables)
            for part in latents
        }
        self._process = _compiled_process(model, list(self._latents), self.forcings)

    def _add(
        self, latent: str, name: str, label: str, value: float, dtype: torch.dtype
    ) -> None:
        label = label.replace(".", "_")
        # a constant may be called as a method of the module is
        while hasattr(self, label):
            label += "_"
        self.register_parameter(label, nn.Parameter(torch.tensor(value, dtype=dtype)))
        self._labels[latent, name] = label

    def constants(self) -> dict[tuple[str, str], Tensor]:
        """Return (latent, constant) -> parameter; those of the process have latent ""."""
        return {key: getattr(self, label) for key, label in self._labels.items()}

    def latents(self, columns: Mapping[str, Any]) -> dict[str, Tensor]:
        """Return every latent from the feature columns alone.

        Raises:
            ColumnError: a column is missing.
        """
        given = [self._feature(columns, name) for name in self.features]
        given += [getattr(self, label) for label in self._inside]
        # a latent without features is one number, for every row
        rows = given[0].shape
        return {
            name: torch.broadcast_to(function(*given), rows)
            for name, function in self._latents.items()
        }

    def _feature(self, columns: Mapping[str, Any], name: str) -> Tensor:
        """One feature as numbers; classes may be given as words."""
        kind = self._kinds.get(name)
        words = name in columns and not isinstance(columns[name], Tensor)
        if kind is not None and words:
            return torch.tensor(kind.encoded(as_frame({name: columns[name]}), name))
        return _column(columns, name)

    def forward(self, columns: Mapping[str, Any]) -> dict[str, Tensor]:
        """Return targets, where the process could be traced, and latents by name.

        Args:
            columns: name -> (n,) feature and forcing columns, arrays or tensors.
        Raises:
            ColumnError: a column is missing.
        """
        latents = self.latents(columns)
        if self._process is None:
            return latents
        names = [label for (latent, _), label in self._labels.items() if not latent]
        given = [*latents.values(), *(getattr(self, name) for name in names)]
        given += [_column(columns, name) for name in self.forcings]
        rows = next(iter(latents.values())).shape
        targets = {
            name: torch.broadcast_to(function(*given), rows)
            for name, function in self._process.items()
        }
        return targets | {n: v for n, v in latents.items() if n not in targets}


def _compiled_process(
    model: "EquationRecord", latents: list[str], forcings: tuple[str, ...]
) -> dict[str, Callable[..., Tensor]] | None:
    if model.process is None:
        return None
    names = [*latents, *model.constants, *forcings]
    symbols = [_symbol(name) for name in names]
    return {
        n: compile_torch(expression, symbols) for n, expression in model.process.items()
    }


def _symbol(name: str) -> sympy.Symbol:
    return sympy.Symbol(name, real=True)


def _column(columns: Mapping[str, Any], name: str) -> Tensor:
    if name not in columns:
        present = [str(column) for column in columns]
        raise ColumnError(
            f"the equations need column {name!r}. {closest_names(name, present)}"
        )
    value = columns[name]
    if not isinstance(value, Tensor):
        value = torch.from_numpy(np.array(value, dtype=float))
    return value


def _spline(curve: "SplineCurve") -> Callable[[Tensor], Tensor]:
    """A refused edge as a function of tensors, with its slope."""
    knots = torch.tensor(curve.x)
    pieces = torch.tensor(curve.coefficients.copy())
    first, last = curve.slopes
    low, high = float(curve.x[0]), float(curve.x[-1])

    def value(x: Tensor) -> Tensor:
        # knots and pieces are doubles; mixing types would lose digits unnoticed
        if x.dtype != torch.float64:
            raise ExpressionError(
                f"a refused edge is evaluated in float64, got {x.dtype}; convert the "
                "columns with .double()"
            )
        # 1. The place in the table, which has no gradient. 2. The cubic piece (Horner). 3. The
        # straight line beyond either end.
        held = x.clamp(low, high)
        at = torch.searchsorted(knots, held.detach().contiguous(), right=True) - 1
        at = at.clamp(0, len(pieces) - 1)
        p, t = pieces[at], held - knots[at]
        inside = ((p[..., 0] * t + p[..., 1]) * t + p[..., 2]) * t + p[..., 3]
        return inside + torch.where(x < low, first, last) * (x - held)

    return value
