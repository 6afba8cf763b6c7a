"""Decoder: a process model that declares its parameters, forcings and targets."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

from sciren.errors import DecoderError, closest_names
from sciren.parameters import Forcing, Parameter, ParameterTable

if TYPE_CHECKING:  # a list of process models is shown without torch
    from torch import Tensor


class Decoder(ABC):
    """Process model ``(p, f) -> targets``.

    Args:
        name: short name for messages and files.
        parameters: hidden parameters, latents and constants, and fixed numbers.
        forcings: observed columns that the model needs, in physical units.
        targets: names of its outputs.
        target_units: target -> unit, for labels.
        rowwise: whether each output row depends on its own row only; the
            Gauss-Newton engine needs that.
    Raises:
        DecoderError: no target, no parameter, or a name used twice.
    """

    def __init__(
        self,
        name: str,
        parameters: Sequence[Parameter],
        forcings: Sequence[str | Forcing] = (),
        targets: Sequence[str] = ("y",),
        target_units: Mapping[str, str] | None = None,
        rowwise: bool = True,
    ) -> None:
        self.name = name
        self.parameters = ParameterTable(parameters)
        self.forcing_table = tuple(
            Forcing(given) if isinstance(given, str) else given for given in forcings
        )
        self.forcings = tuple(forcing.name for forcing in self.forcing_table)
        self.targets = tuple(targets)
        self.target_units = dict(target_units or {})
        self.rowwise = rowwise
        # Last, because subclasses check what they have set before.
        self._check()

    needs_latent: ClassVar[bool] = True
    expensive: bool = False
    """Whether a row costs hundreds of times a plain formula, as where a system of equations
    is solved for it: what takes hundreds of evaluations of all rows is then left out."""

    def _check(self) -> None:
        if not self.targets:
            raise DecoderError(f"decoder {self.name!r} declares no targets; name one")
        if self.needs_latent and not self.parameters.latents:
            raise DecoderError(
                f"decoder {self.name!r} declares no latent parameter, so there is "
                "nothing for the encoder to predict; add Parameter(..., kind='latent')"
            )
        for part in (self.forcings, self.targets):
            if len(set(part)) != len(part):
                raise DecoderError(f"decoder {self.name!r} names {part} with a repeat")

    @abstractmethod
    def __call__(self, p: Any, f: Any) -> Any:
        """Return the targets: one array, or a mapping target -> array.

        Args:
            p: namespace of parameters, each (n,), physical units.
            f: namespace of forcings, each (n, ...), physical units.
        """

    def slopes(self, p: Any, f: Any) -> tuple[Any, Mapping[str, Any]] | None:
        """Return the target and its derivatives; None leaves them to torch.autograd.

        A row-wise model of one target that knows them saves most of a solver's step.

        Args:
            p, f: as of a call.
        Returns:
            The target (n,), and latent or constant -> derivative by it (n,).
        """
        return None

    @property
    def latent_names(self) -> tuple[str, ...]:
        """Names of the latents in order of declaration."""
        return tuple(parameter.name for parameter in self.parameters.latents)

    @property
    def constant_names(self) -> tuple[str, ...]:
        """Names of the constants in order of declaration."""
        return tuple(parameter.name for parameter in self.parameters.constants)

    def with_fixed(self, p: Any) -> SimpleNamespace:
        """Return p with the fixed parameters that it lacks."""
        return SimpleNamespace(**{**self.parameters.fixed, **vars(p)})

    def evaluate(
        self, latents: "Tensor", constants: "Tensor", forcings: Mapping[str, "Tensor"]
    ) -> "Tensor":
        """Run the model on tensors.

        Args:
            latents: (n, L) physical values.
            constants: (K,) shared or (n, K) row by row, physical values.
            forcings: name -> (n, ...).
        Returns:
            (n, t) targets in the declared order.
        Raises:
            DecoderError: a forcing is missing or the result has the wrong shape.
        """
        return self._stack(self(*self._given(latents, constants, forcings)), latents)

    def evaluate_slopes(
        self, latents: "Tensor", constants: "Tensor", forcings: Mapping[str, "Tensor"]
    ) -> "tuple[Tensor, Tensor] | None":
        """Return the target (n, 1) and its slopes (n, L + K); None where `slopes` is.

        Args:
            latents, constants, forcings: as of `evaluate`.
        """
        import torch

        known = self.slopes(*self._given(latents, constants, forcings))
        if known is None:
            return None
        target, by_name = known
        names = (*self.latent_names, *self.constant_names)
        columns = [self._column(by_name[name], latents) for name in names]
        return self._column(target, latents).unsqueeze(1), torch.stack(columns, dim=1)

    def _given(
        self, latents: "Tensor", constants: "Tensor", forcings: Mapping[str, "Tensor"]
    ) -> tuple[SimpleNamespace, SimpleNamespace]:
        """Return p and f of a call."""
        missing = [name for name in self.forcings if name not in forcings]
        if missing:
            raise DecoderError(
                f"decoder {self.name!r} needs forcing {missing[0]!r}, which is not "
                f"mapped to a column. {closest_names(missing[0], forcings)} "
                "Map it with forcings={decoder's name: column}"
            )
        # Every parameter reaches the model as a column: a formula needs no case for
        # constants.
        rows = constants.expand(len(latents), -1) if constants.dim() == 1 else constants
        p = dict(zip(self.latent_names, latents.unbind(1), strict=True))
        p |= dict(zip(self.constant_names, rows.unbind(1), strict=True))
        f = {name: forcings[name] for name in self.forcings}
        return SimpleNamespace(**p), SimpleNamespace(**f)

    def _stack(self, result: Any, latents: "Tensor") -> "Tensor":
        import torch

        if isinstance(result, Mapping):
            missing = [name for name in self.targets if name not in result]
            if missing:
                raise DecoderError(
                    f"decoder {self.name!r} did not return target {missing[0]!r}; "
                    f"it returned {sorted(map(str, result))}"
                )
            columns = [result[name] for name in self.targets]
        else:
            columns = self._columns(result, len(latents))
        if len(columns) != len(self.targets):
            raise DecoderError(
                f"decoder {self.name!r} returned {len(columns)} arrays for the targets "
                f"{', '.join(self.targets)}; return a mapping target -> array"
            )
        if len(columns) == 1:  # solvers ask a thousand times: no copy for one target
            return self._column(columns[0], latents).unsqueeze(1)
        return torch.stack([self._column(c, latents) for c in columns], dim=1)

    def _columns(self, result: Any, rows: int) -> list[Any]:
        """Split what is no mapping: one array a target, or one array (n, t)."""
        from torch import Tensor

        count = len(self.targets)
        # One tensor (n, t); a list of t arrays is none and passes as it is.
        if isinstance(result, Tensor) and result.shape == (rows, count):
            return list(result.unbind(1))
        return [result] if count == 1 else list(result)

    def _column(self, value: Any, latents: "Tensor") -> "Tensor":
        from torch import Tensor

        if not isinstance(value, Tensor):
            value = latents.new_tensor(value)
        # A target that no row moves is one number for all of them.
        if value.dim() == 0:
            value = value.expand(len(latents))
        if value.shape != (len(latents),):
            raise DecoderError(
                f"decoder {self.name!r} returned shape {tuple(value.shape)} for "
                f"{len(latents)} rows; return one value a row and target"
            )
        return value

    def settings(self) -> dict[str, Any]:
        """Arguments that rebuild a built-in decoder as it is."""
        return {}

    def equation_latex(self) -> str | None:
        """LaTeX of the model's equation where symbols cannot be traced through it."""
        return None
