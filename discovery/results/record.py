"""The record of a discovery: plain objects, which files are written and read from."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discovery.results.identification import Identification
from discovery.verdict.record import Verdict, not_judged
from sciren.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from discovery.dynamics.equations import SeriesEquations
    from discovery.results.scoring import Scores
    from discovery.uncertainty.record import Uncertainty
    from sciren.model import ScIReN
    from symbolic.model.symbolic_model import SymbolicModel
    from symbolic.verdict import Verification


@dataclass(eq=False)
class DiscoveryRecord:
    """What was found, as objects.

    Attributes:
        model: the trained network; None until asked for where a run was loaded.
        equations: closed forms with their verification; None for a black box.
        constants: one row a constant, process ones first: constant, latent, source,
            estimate, error, low, high (95 %), unit, method, identified, reason.
        identification: what each profile says about each process constant.
        scores, latent_scores: part -> model -> target (or latent) -> r2, rmse, bias, n.
        importance: one row a latent and feature, share of the latent's deviation.
        candidates: everything that was tried, one row each.
        replicates: one row a resample of the blocks, one column a constant; empty where
            there was no bootstrap.
        profiles, history: points of the profiles, steps of the training.
        notes: sentences that a reader should not miss; training_notes: those of them
            that are about the training.
        folder: the run that this was loaded from.
        verdict: what the result is worth: headline, faithful, skilful, identified.
        uncertainty: intervals that count the selection, bands, and what `predict` needs
            for intervals; None where the process model does not act row by row.
        given_bands: bands of the curves of the equations, as `bands`, where tests of single
            edges take too long: they take the edges as given.
        series: of a process with memory: its recurrence with the equations inside.
        group_scores: of such a process: one row a part, model, group and target: nse,
            kge, bias.
        noise: of such a process, as `discovery.dynamics.noise` reads it.
        state_curves: views of its functions of states, before they are written.
    """

    model: "ScIReN | None"
    equations: "SymbolicModel | None"
    constants: "pd.DataFrame"
    identification: tuple[Identification, ...]
    scores: "Scores"
    latent_scores: "Scores"
    importance: "pd.DataFrame"
    candidates: "pd.DataFrame"
    profiles: "pd.DataFrame"
    history: "pd.DataFrame"
    notes: tuple[str, ...] = ()
    training_notes: tuple[str, ...] = ()
    replicates: "pd.DataFrame | None" = None
    folder: Path | None = field(default=None, repr=False)
    verdict: Verdict = field(
        default_factory=lambda: not_judged(
            "The result was not judged", "Run `sciren verify RUN`"
        )
    )
    uncertainty: "Uncertainty | None" = field(default=None, repr=False)
    given_bands: "pd.DataFrame | None" = field(default=None, repr=False)
    series: "SeriesEquations | None" = field(default=None, repr=False)
    group_scores: "pd.DataFrame | None" = field(default=None, repr=False)
    noise: dict[str, Any] | None = field(default=None, repr=False)
    state_curves: tuple[dict[str, Any], ...] = field(default=(), repr=False)

    @property
    def plain(self) -> bool:
        """Whether it is a regression: its equations are those of the targets themselves."""
        return self.equations is not None and self.equations.plain

    @property
    def has_network(self) -> bool:
        """Whether a network was trained; groups with numbers of their own need none."""
        # A run from disk keeps its network there until it is needed; its file says that
        # it exists.
        if self.folder is None or self.model is not None:
            return self.model is not None
        return (self.folder / "model.json").is_file()

    @property
    def verification(self) -> "Verification | None":
        """The checks of the equations, and those of the free run of a recurrence."""
        verification = None if self.equations is None else self.equations.verification
        return (
            verification
            if self.series is None
            else self.series.verified_with(verification)
        )

    @property
    def consistency(self) -> str:
        """Whether the equation is the network: ``"PASS"`` or ``"FAIL"``.

        ``"NOT VERIFIED"`` where there is no equation.
        """
        verification = self.verification
        return "NOT VERIFIED" if verification is None else verification.verdict

    @property
    def bands(self) -> "pd.DataFrame":
        """Bands that hold whole curves with 95 %: latent, source, x, estimate, low, high.

        Curves are in the unit of the latent, as its equation is (raw where a constraint
        bends it everywhere), moved to mean zero over the data; no rows where there are no
        bands.
        """
        from discovery.uncertainty.record import bands_table

        if self.uncertainty is not None:
            return self.uncertainty.bands_table(self.equations)
        if self.given_bands is None:
            return bands_table((), self.equations)
        return self.given_bands

    @property
    def edges(self) -> "pd.DataFrame":
        """One row an edge of the equations, as in ``edges.csv``.

        ``inside_band``: whether the closed form lies inside the band of its curve;
        ``families_inside``: all families that do; ``asked``: what tests say (kept,
        undecided, excluded); ``inclusion``: share of resamples that kept the edge.

        Raises:
            ConfigError: there are no equations.
        """
        from discovery.results.edge_tests import with_tests
        from discovery.uncertainty.families import with_bands

        edges = with_bands(equations_of(self).edges, self.uncertainty)
        return with_tests(edges, self.candidates)

    @property
    def constant_estimates(self) -> "pd.DataFrame":
        """Every estimate of the process constants, recommended first, and why they differ."""
        import pandas as pd

        from discovery.uncertainty.record import CONSTANT_COLUMNS

        if self.uncertainty is None:
            return pd.DataFrame(columns=list(CONSTANT_COLUMNS))
        return self.uncertainty.constants_table()

    @property
    def process_constants(self) -> list[dict[str, Any]]:
        """Rows of ``constants`` that belong to the process model.

        ``in_equations`` beside them: the estimate, error, low and high of the equations
        where they hold another answer, which the interval leaves out; else None.
        """
        from discovery.uncertainty.constants import in_equations

        rows: list[Any] = self.constants.to_dict("records")
        known = () if self.uncertainty is None else self.uncertainty.constants
        return [
            row | {"in_equations": in_equations(known, row["constant"])}
            for row in rows
            if row["latent"] in ("", None)
        ]

    def latex(self, digits: int | None = -1) -> dict[str, str]:
        """Return latent -> LaTeX of its equation; curves without formula as pieces.

        Bounds that no row comes near stand beside an equation, not inside.

        Args:
            digits: significant digits; None for full precision; default those that the
                printed equations keep.
        """
        from symbolic import to_latex
        from symbolic.printing.beside import latex_beside
        from symbolic.printing.contents import pieces_of

        model = equations_of(self)
        # -1 stands for "as printed", because None already asks for full precision.
        shown = model.digits if digits == -1 else digits
        symbols = model.record.options.symbols
        formulas = {
            name: to_latex(model.between_bounds(name), shown, symbols)
            + latex_beside(model.beside(name).rising(name), symbols)
            for name in model.equations
        }
        return formulas | {
            curve.name: curve.latex(symbols) for curve in pieces_of(model)
        }

    def sympy(self) -> dict[str, Any]:
        """Return latent -> sympy expression in raw units."""
        return dict(equations_of(self).equations)


def equations_of(record: DiscoveryRecord) -> "SymbolicModel":
    """Return the equations.

    Raises:
        ConfigError: there are none.
    """
    if record.equations is None:
        raise ConfigError(
            "there are no equations, because the encoder is a black box; "
            "use the network"
        )
    return record.equations


def failed_note(record: DiscoveryRecord) -> str:
    """Return the sentence that marks outputs of equations that are not the network, or ''."""
    checks = record.verification.checks if record.verification else ()
    names = [check.name for check in checks if not check.passed]
    return f"Consistency FAILED: {', '.join(names)}." if names else ""
