"""SymbolicModel: one object that predicts, prints, saves, compiles and lists candidates."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sciren.errors import ConfigError
from symbolic.code import to_code
from symbolic.model.candidate_table import candidate_model, candidates_table
from symbolic.model.record import EquationRecord
from symbolic.model.storage import load, save, settings_of
from symbolic.printing.exporting import export, notebook_latex
from symbolic.search.candidate import Candidate

if TYPE_CHECKING:
    import pandas as pd

    from symbolic.code.bmi import EquationsBmi
    from symbolic.model.torch_module import EquationModule


class SymbolicModel(EquationRecord):
    """Equations in raw units with all that can be done with them.

    It holds no data of its own: the attributes are those of `EquationRecord`, and each
    method hands that record to the room that does the work.
    """

    # -- candidates -----------------------------------------------------------------
    def with_candidates(self, candidates: Sequence[Candidate], selected: int) -> Self:
        """Return the model with its path of candidates, one of which it is."""
        record = replace(self.record, selected=selected)
        return replace(self, candidates=tuple(candidates), record=record)

    def candidate(self, row: int) -> Self:
        """Return a candidate as a model: its equations and constants, not verified.

        Its constants are those of the search; `symbolify` with ``model_selection`` gives
        them with errors.

        Raises:
            ConfigError: there is no such row.
        """
        return candidate_model(self, row)

    @property
    def equations_(self) -> "pd.DataFrame":
        """One row a candidate and latent, see `symbolic.model.candidate_table`."""
        return candidates_table(self)

    # -- text, code, torch ------------------------------------------------------------
    def export(self, kind: str, provenance: Mapping[str, str] | None = None) -> str:
        """Return the equations as text of one kind, see `symbolic.printing.exporting`.

        Args:
            kind: "latex", "document", "markdown", "text", "csv" or "json".
            provenance: label -> text, such as data hash and seed.
        Raises:
            ConfigError: another kind.
        """
        return export(self, kind, provenance)

    def _repr_latex_(self) -> str:
        """Show the equations in a notebook."""
        return notebook_latex(self)

    def to_code(
        self, language: str, provenance: Mapping[str, str] | None = None
    ) -> str:
        """Return source code of all equations, see `symbolic.code.to_code`.

        Args:
            language: "python", "c", "fortran", "julia" or "r".
            provenance: label -> text for the first comment.
        Raises:
            ConfigError: another language.
        """
        return to_code(self, language, provenance)

    def to_bmi(self, rows: int = 1, **settings: Any) -> "EquationsBmi":
        """Return the equations behind the Basic Model Interface, initialized.

        Args:
            rows: points at which they are evaluated.
            settings: time_step (1.0), time_units ("d"), end_time (never).
        Raises:
            ConfigError: bmipy is not installed, or a setting does not exist.
        """
        try:
            from symbolic.code.bmi import EquationsBmi
        except ImportError as error:
            raise ConfigError(
                "the Basic Model Interface needs bmipy; install sciren[interop]"
            ) from error
        component = EquationsBmi(self, rows=rows, **settings)
        component.initialize()
        return component

    def to_torch(self) -> "EquationModule":
        """Return a torch module whose parameters are the printed constants."""
        # the only method that needs torch; a model must load and predict without it
        from symbolic.model.torch_module import EquationModule

        return EquationModule(self)

    # -- files and plain data --------------------------------------------------------------------
    @property
    def settings(self) -> dict[str, Any]:
        """What is known about the fit as plain data, as files hold it; see `record`."""
        return settings_of(self)

    def save(self, path: str | Path) -> Path:
        """Write the model as JSON; the file appears whole or not at all."""
        return save(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a model from JSON without running any code in it.

        Raises:
            FormatError: the file cannot be read.
        """
        return load(path, cls)
