"""MemorySettings: how a process model with a state runs from step to step."""

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from sciren.errors import DecoderError
from sciren.states import Balance

Time = Literal["step", "ode"]
Method = Literal["linear", "rk4", "implicit"]
Solver = Literal["auto", "linear", "rk4", "implicit"]
Error = Literal["equal", "proportional", "proportional+floor"]


@dataclass(frozen=True)
class MemorySettings:
    """Keywords of `process_model` that only a model with ``state=`` has.

    Args:
        time: whether the function gives the new states or their derivatives.
        solver: of derivatives: "linear" (exact, for derivatives that are linear in the
            states), "rk4" (fourth order, in as many substeps as the accuracy asks for),
            "implicit" (the same order, for rates that differ by orders of magnitude),
            "auto" ("linear" where symbols show that the system is, else "rk4").
        warmup: first rows of every group that run, but are compared with nothing.
        error: how errors of targets grow with them: "equal", "proportional", or
            "proportional+floor" with a floor that is learned; None: as the settings of
            the training say.
        balance: conservation law of its stores, which free runs are checked by.
    """

    time: Time = "step"
    solver: Solver = "auto"
    warmup: int = 0
    error: Error | None = None
    balance: Balance | None = None

    @classmethod
    def names(cls) -> list[str]:
        """Return the keywords."""
        return [field.name for field in fields(cls)]

    def set_by_user(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults."""
        usual = MemorySettings()
        values = {name: getattr(self, name) for name in self.names()}
        return {n: value for n, value in values.items() if value != getattr(usual, n)}

    def check(self, name: str) -> None:
        """Refuse words and numbers that do not exist, for a model of this name.

        Raises:
            DecoderError: with the choices.
        """
        for word, value, choices in (
            ("time", self.time, get_args(Time)),
            ("solver", self.solver, get_args(Solver)),
            ("error", self.error, (None, *get_args(Error))),
        ):
            if value not in choices:
                raise DecoderError(
                    f"process model {name!r} has {word}={value!r}; use one of "
                    f"{', '.join(map(repr, choices))}"
                )
        if self.time == "step" and self.solver != "auto":
            raise DecoderError(
                f"process model {name!r} has solver={self.solver!r}, but "
                "time='step': its function gives new states, which nothing has to solve; "
                "leave out solver=, or return derivatives and declare time='ode'"
            )
        if not isinstance(self.warmup, int) or self.warmup < 0:
            raise DecoderError(
                f"process model {name!r} has warmup={self.warmup!r}; give the number "
                "of first rows of every group that are not compared, such as 365"
            )
