"""Composition: one object that predicts, prints, saves and verifies what was found."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from symbolic.composition.as_model import model_of, verified
from symbolic.composition.record import CompositionRecord

if TYPE_CHECKING:
    from symbolic.model.symbolic_model import SymbolicModel
    from symbolic.verdict import Verification


class Composition(CompositionRecord):
    """A formula found on data, or an honest refusal; see `CompositionRecord`."""

    @cached_property
    def model(self) -> "SymbolicModel":
        """The equation as a model: it saves, prints, exports and predicts like any other.

        Check `accepted` before you believe it; `verify` attaches the verification.
        """
        return model_of(self)

    def verify(self) -> "Verification":
        """Check the equation against the rows it was found on; `model` keeps the result.

        The checks are those of `symbolic.verify`; "close to network" does not apply.
        """
        verification = verified(self, self.model)
        self.model.attach(verification)
        return verification

    def save(self, path: str | Path) -> Path:
        """Write the model as JSON, which `SymbolicModel.load` reads."""
        return self.model.save(path)

    def latex(self) -> str:
        """The equation as LaTeX."""
        return self.model.export("latex")
