"""What an estimator has found: equations, verdict, figures, files."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sklearn.utils.validation import check_is_fitted

from discovery.regressor.plots import Plots
from sciren.errors import ConfigError
from symbolic.options import SymbolicOptions, options_of

if TYPE_CHECKING:
    import pandas as pd

    from discovery.results.result import Discovery
    from discovery.runs.training import Training
    from discovery.verdict.record import Verdict
    from sciren.data import Table
    from sciren.decoders import Decoder
    from sciren.model import ScIReN


class Results(Plots):
    """Results that are made when they are asked for, and kept."""

    model_: "ScIReN"
    _train: "Table"
    _valid: "Table"
    _seed: int
    _training: "Training"
    _discovery: "Discovery | None"

    def _options(self) -> SymbolicOptions:
        names = SymbolicOptions.model_fields
        return options_of(None, {name: getattr(self, name) for name in names})

    @property
    def verdict_(self) -> "Verdict":
        """What the equations are worth: headline, three answers, reasons."""
        return self.discovery_.verdict

    @property
    def discovery_(self) -> "Discovery":
        """Equations, verification and intervals of the trained model."""
        check_is_fitted(self)
        # Equations cost more than the fit and are found when they are first asked for.
        if self._discovery is None:
            from discovery.results.stages import discover

            self._discovery = discover(
                self.model_,
                self._train,
                self._valid,
                history=self._training,
                options=self._options(),
                seed=self._seed,
            )
        return self._discovery

    @property
    def equations_(self) -> "pd.DataFrame":
        """One row a latent: equation, latex, expression, features, r2, verdict."""
        from discovery.results.frames import latents_table

        return latents_table(self.discovery_, self._train)

    def latex(self, digits: int | None = -1) -> dict[str, str]:
        """Return latent -> LaTeX of its equation; see `Discovery.latex`."""
        return self.discovery_.latex(digits)

    def sympy(self) -> dict[str, Any]:
        """Return latent -> sympy expression of the columns of X."""
        return self.discovery_.sympy()

    def choose(self, candidate: int | str) -> Self:
        """Take another candidate of the equations; the network stays as it is.

        Args:
            candidate: row of ``discovery_.equations.candidates``, simplest first; or
                "bic", "best", "accuracy" as `symbolic.SymbolicOptions.model_selection`.
        Raises:
            ConfigError: there is no such candidate.
        """
        check_is_fitted(self)
        # Called for its check, before anything is thrown away.
        options_of(None, {"model_selection": candidate})
        equations = None if self._discovery is None else self._discovery.equations
        if isinstance(candidate, int) and equations is not None:
            count = len(equations.candidates)
            if not 0 <= candidate < count:
                raise ConfigError(
                    f"choose({candidate}): there are candidates 0 to {count - 1}; see "
                    "discovery_.equations.candidates"
                )
        self.model_selection = candidate
        self._discovery = None
        return self

    def summary(self) -> str:
        """Return what was found in at most ten lines, the verdict first."""
        return repr(self.discovery_)

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Write the fitted estimator into a folder that `load` reads; return its path.

        The folder holds plain data: reading it runs no code, other than with pickle.
        """
        from discovery.regressor.storage import save_estimator

        check_is_fitted(self)
        return save_estimator(self, folder, overwrite)

    @classmethod
    def load(cls, folder: str | Path, decoder: "Decoder | None" = None) -> Self:
        """Read what `save` wrote.

        Args:
            folder: of the estimator.
            decoder: process model, where it is a function of your own.
        """
        from discovery.regressor.storage import load_estimator

        return load_estimator(cls, folder, decoder)
