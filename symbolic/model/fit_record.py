"""How equations were fitted: options, what was tried, and what the data do not tell."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from symbolic.options import SymbolicOptions


@dataclass(frozen=True)
class CompositionAttempt:
    """One formula of a whole latent that was sought, and what became of it.

    Attributes:
        start: "trained encoder" or "data alone"; "" where none was sought.
        verdict: "taken", "agrees" (what was found edge by edge as well), "beaten",
            "refused" or "not sought".
        structure: families and nodes as text;  reason: in words.
        delta: criterion above what was there before, None where nothing was scored.
        equals: other forms that the data cannot tell from it, as text.
    """

    latent: str
    start: str
    verdict: str
    structure: str = ""
    reason: str = ""
    delta: float | None = None
    equals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Correlation:
    """Two constants whose estimates are strongly correlated."""

    latent: str
    constant: str
    other_latent: str
    other: str
    correlation: float


@dataclass(frozen=True)
class SlopeAndCurvature:
    """Slope and curvature of a term at the mean of the data, with standard errors.

    The constants of a nearly straight exp, log or parabola are not identified one by one,
    these two are. Raw units of the feature; in a hidden node slopes are of its index.
    """

    latent: str
    source: str
    family: str
    at: float
    slope: float
    slope_error: float
    curvature: float
    curvature_error: float


@dataclass(frozen=True)
class ConstantsRecord:
    """How the errors of constants were found, and which depend on each other.

    Attributes:
        method: in words.
        correlated, reparametrised: constants that are not identified one by one.
        cosines: behind the errors in time order (degrees of freedom of their
            quantiles); 0 where time does not count.
        groups: behind the errors where groups are few, one more than degrees of freedom;
            0 where they are many or there are none.
    """

    method: str = "joint refit (Jacobian)"
    correlated: tuple[Correlation, ...] = ()
    reparametrised: tuple[SlopeAndCurvature, ...] = ()
    cosines: int = 0
    groups: int = 0


@dataclass(frozen=True)
class ComposedLatent:
    """Where the equation is one formula of `symbolic.compose`: what was said about it.

    Attributes:
        accepted, reason: whether nothing outside the class predicts the residual.
        noise: "constant" or "proportional".
    """

    accepted: bool
    reason: str
    noise: str


@dataclass(frozen=True)
class FitRecord:
    """What is known about a fit beside its equations.

    Attributes:
        options: what the user decided.
        layers: of the encoder that the equations came from.
        constants: errors and dependence; None for a candidate that was not refitted.
        unit_problems: one sentence for each term whose units cannot fit.
        compositions: formulas of whole latents that were sought.
        residual: share of the residual's variance that the features still predict; None
            where it was not asked for.
        selected: row of the candidate that the equations are; None without candidates.
        composition: verdict of the search where the model is a composition's.
    """

    options: SymbolicOptions = field(default_factory=SymbolicOptions)
    layers: int = 1
    constants: ConstantsRecord | None = None
    unit_problems: tuple[str, ...] = ()
    compositions: tuple[CompositionAttempt, ...] = ()
    residual: float | None = None
    selected: int | None = None
    composition: ComposedLatent | None = None


# -- files --------------------------------------------------------------------------------
def record_to_json(record: FitRecord) -> dict[str, Any]:
    """Return the record as plain data, under the keys that equation files always had."""
    # keys of files are a promise: fields may be renamed here, keys may not
    options = record.options
    by_user = "user" if "compose" in options.given() else "auto"
    stored: dict[str, Any] = {"layers": record.layers}
    if record.constants is not None:
        stored["identification"] = {
            key: value
            for key, value in asdict(record.constants).items()
            # files without time or with many groups stay as they were
            if key not in ("cosines", "groups") or value
        }
    if record.composition is not None:
        stored["composition"] = asdict(record.composition) | {"seconds": None}
    return stored | {
        "units": {"mode": options.unit_mode, "problems": list(record.unit_problems)},
        "shapes": dict(options.shapes),
        "complexity": dict(options.complexity),
        "domain_margin": options.domain_margin,
        "model_selection": str(options.model_selection),
        "compositions": [_attempt(tried, by_user) for tried in record.compositions],
        "residual": record.residual,
        "options": options.model_dump(mode="json"),
    }


def record_from_json(stored: Mapping[str, Any]) -> FitRecord:
    """Read a record back; files without "options" say the most of it under own keys.

    Raises:
        ConfigError, LookupError, TypeError, ValueError: something of the wrong kind.
    """
    units = stored.get("units", {})
    identification = stored.get("identification")
    rows = stored.get("candidates", ())
    marked = [place for place, row in enumerate(rows) if row["selected"]]
    residual, composed = stored.get("residual"), stored.get("composition")
    return FitRecord(
        options=_options(stored, units),
        layers=int(stored.get("layers", 1)),
        constants=None if identification is None else _constants(identification),
        unit_problems=tuple(map(str, units.get("problems", ()))),
        compositions=tuple(map(_read_attempt, stored.get("compositions", ()))),
        residual=None if residual is None else float(residual),
        selected=marked[0] if marked else None,
        composition=None if composed is None else _composed(composed),
    )


def _options(stored: Mapping[str, Any], units: Mapping[str, Any]) -> SymbolicOptions:
    if "options" in stored:
        return SymbolicOptions(**stored["options"])
    names = ("shapes", "complexity", "domain_margin", "model_selection")
    given = {name: stored[name] for name in names if name in stored}
    # a row was written as text
    if str(given.get("model_selection", "")).isdigit():
        given["model_selection"] = int(given["model_selection"])
    mode = {"unit_mode": units["mode"]} if "mode" in units else {}
    return SymbolicOptions(**given, **mode)


def _composed(stored: Mapping[str, Any]) -> ComposedLatent:
    return ComposedLatent(
        bool(stored["accepted"]), str(stored["reason"]), str(stored["noise"])
    )


def _constants(stored: Mapping[str, Any]) -> ConstantsRecord:
    return ConstantsRecord(
        str(stored["method"]),
        tuple(Correlation(**row) for row in stored["correlated"]),
        tuple(SlopeAndCurvature(**row) for row in stored["reparametrised"]),
        int(stored.get("cosines", 0)),
        int(stored.get("groups", 0)),
    )


def _attempt(tried: CompositionAttempt, by_user: str) -> dict[str, Any]:
    row = asdict(tried)
    # files call the start "origin" and the difference "gap"
    row["origin"], row["gap"] = row.pop("start"), row.pop("delta")
    if not row["equals"]:
        del row["equals"]  # files of one form stay as they were
    return row | {"chosen": by_user}


def _read_attempt(stored: Mapping[str, Any]) -> CompositionAttempt:
    names = ("latent", "origin", "verdict", "structure", "reason")
    delta = stored["gap"]
    texts = [str(stored[name]) for name in names]
    return CompositionAttempt(
        *texts,
        delta=None if delta is None else float(delta),
        equals=tuple(map(str, stored.get("equals", ()))),
    )
