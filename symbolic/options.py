"""SymbolicOptions: everything that a user may decide about equations, in one record.

Python, the configuration (`discovery:`), `sciren explain --set discovery.*` and the
scikit-learn estimator all set the fields of this record and nothing else. A new option is
a field here and the place that reads it; the four ways in follow by themselves.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sciren.config_errors import config_error
from sciren.errors import ConfigError, closest_names

UnitProblems = Literal["warn", "error", "ignore"]
UnitMode = Literal["free", "dimensionless"]
Shape = Literal["increasing", "decreasing", "positive", "negative"]
ModelSelection = Literal["bic", "best", "accuracy"] | Annotated[int, Field(ge=0)]

USUAL_FAMILIES = ("linear", "quadratic", "exp", "log", "abs")
"""The five closed forms that the paper offers for a curve."""

FURTHER_FAMILIES = ("michaelis_menten", "power", "logistic", "gaussian")
"""Saturations, powers, sigmoids and bells: what the five families imitate or refuse."""

DOMAIN_MARGIN = 0.02
"""Share of the data range that poles keep away on either side, unless the user says."""

OUTER_FAMILIES = ("linear", "abs", "quadratic", "exp", "log")
"""Families that the outer function of a hidden node may have."""


class OptionFields(BaseModel):
    """The fields, as a configuration holds them; Python code uses `SymbolicOptions`.

    In keys, an edge is written ``"feature -> latent"``; the hidden nodes of a latent are
    ``h1_<latent>``, ``h2_<latent>``, ... and start edges as features do.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, coerce_numbers_to_str=True, validate_default=True
    )

    families: tuple[str, ...] = Field(
        default=USUAL_FAMILIES,
        min_length=1,
        description="closed forms that may replace a curve, beside the constant",
    )
    further_families: tuple[str, ...] | None = Field(
        default=None,
        description="closed forms tried for curves that none of `families` describes as "
        "well; where nothing is said, michaelis_menten, power, logistic and gaussian, and "
        "none where `families` is set",
    )
    pins: dict[str, str] = Field(
        default_factory=dict,
        description='your own choice, such as {"ta -> rb": linear}; also of a feature, '
        "a latent or a hidden node",
    )
    forbid: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description='families refused, such as {"ta -> rb": [exp]}; also of a feature, '
        "a latent or a hidden node",
    )
    shapes: dict[str, Shape] = Field(
        default_factory=dict,
        description="shape that a curve must have on the range of the data: increasing, "
        'decreasing, positive or negative, such as {"ta -> rb": increasing}; also of a '
        "feature",
    )
    refuse_above: float = Field(
        default=0.01,
        ge=0,
        description="unexplained share of a curve's variance above which it is refused, "
        "unless the data cannot tell the difference",
    )
    domain_margin: float = Field(
        default=DOMAIN_MARGIN,
        ge=0,
        description="share of the data range beyond which poles of closed forms stay, on "
        "either side",
    )
    search_rows: int = Field(
        default=8000,
        ge=50,
        description="training rows that the search over closed forms sees; constants are "
        "refitted on all",
    )
    model_selection: ModelSelection = Field(
        default="bic",
        description="which candidate is taken: bic, accuracy (smallest loss), best "
        "(simplest within 1.5 times the smallest loss), or a row of candidates.csv, "
        "simplest first",
    )
    complexity: dict[str, float] = Field(
        default_factory=dict,
        description="feature or family: weight of its nodes in the complexity, such as "
        "{exp: 2}; 1 where nothing is said",
    )
    symbols: dict[str, str] = Field(
        default_factory=dict,
        description="column, latent or constant: the LaTeX that it is printed as, such as "
        '{sw_pot: "S_0"}; text and code keep the names',
    )
    unit_problems: UnitProblems = Field(
        default="warn",
        description="what to do about terms whose units cannot fit: warn, error or "
        "ignore",
    )
    unit_mode: UnitMode = Field(
        default="free",
        description="free: constants take the unit that their term needs; dimensionless: "
        "they have none, and terms that need one are reported",
    )
    compose: float = Field(
        default=60.0,
        ge=0,
        description="seconds of work for formulas of whole latents, tried where single "
        "curves are refused or hidden or the features still predict the residual; "
        "0: none",
    )
    threshold: float = Field(
        default=0.03,
        ge=0,
        lt=1,
        description="curves with a smaller share of the output are left out, where "
        "validation did not choose the curves (train: {select: false})",
    )
    bootstrap: int = Field(
        default=200,
        ge=0,
        le=100_000,
        description="resamples of blocks for the intervals of the constants, 0: none",
    )


class SymbolicOptions(OptionFields):
    """What the user decides about equations: frozen, and checked when it is made.

    The fields and their meaning are those of `OptionFields`; `threshold` and `bootstrap`
    matter to `discovery.discover` only.

    Raises:
        ConfigError: a field that does not exist, or a value that it cannot have.

    ```python
    options = SymbolicOptions(families=["linear", "exp"], shapes={"ta": "increasing"})
    equations = symbolify(model, table, options)
    ```
    """

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise config_error(error, type(self), values, "options") from error

    def changed(self, **values: Any) -> Self:
        """Return the options with other values of some fields.

        Raises:
            ConfigError: a field that does not exist, or a value that it cannot have.
        """
        return type(self)(**{**self.given(), **values})

    def given(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults."""
        return {
            name: value
            for name, field in type(self).model_fields.items()
            # what is as the default says was not decided by the user
            if (value := getattr(self, name))
            != field.get_default(call_default_factory=True)
        }

    # -- what holds for an edge ---------------------------------------------------------
    @property
    def allowed_families(self) -> tuple[str, ...]:
        """Families of a curve; a curve may always turn out to be constant."""
        return tuple(dict.fromkeys(("constant", *self.families)))

    @property
    def further(self) -> tuple[str, ...]:
        """Families that are tried where the allowed ones do not describe a curve."""
        if self.further_families is not None:
            return self.further_families
        return FURTHER_FAMILIES if self.families == USUAL_FAMILIES else ()

    def shape(self, source: str, latent: str) -> str | None:
        """Shape required of an edge, or None."""
        # an edge goes before its feature
        return self.shapes.get(f"{source} -> {latent}", self.shapes.get(source))

    def pinned(self, source: str, latent: str) -> str | None:
        """Family pinned for an edge, or None; the narrower pin goes first."""
        # The order is edge, feature, latent. A pin of the latent is meant for its curves, not
        # for the outer functions of its hidden nodes.
        own = self.pins.get(f"{source} -> {latent}", self.pins.get(source))
        node = re.fullmatch(rf"h\d+_{re.escape(latent)}", source)
        return self.pins.get(latent) if own is None and not node else own

    def forbidden(self, source: str, latent: str) -> tuple[str, ...]:
        """Families forbidden for an edge."""
        # what is forbidden anywhere is forbidden: these add up
        keys = (source, latent, f"{source} -> {latent}")
        return tuple(name for key in keys for name in self.forbid.get(key, ()))

    def by_user(self, source: str, latent: str) -> bool:
        """Whether the user had a say in the family of an edge."""
        return bool(
            self.pinned(source, latent)
            or self.shape(source, latent)
            or self.forbidden(source, latent)
        )


def options_of(
    options: "SymbolicOptions | Mapping[str, Any] | Sequence[str] | None",
    keywords: Mapping[str, Any],
) -> SymbolicOptions:
    """Return options with keywords put in; keywords that are None change nothing.

    Args:
        options: a record, a mapping of its fields, or None for the defaults; a bare list
            of names means the families.
    Raises:
        ConfigError: a keyword that is no field, or a value that it cannot have.
    """
    given = {name: value for name, value in keywords.items() if value is not None}
    if options is None:
        return SymbolicOptions(**given)
    if isinstance(options, SymbolicOptions):
        return options.changed(**given)
    if isinstance(options, Mapping):
        return SymbolicOptions(**{**options, **given})
    return SymbolicOptions(**{"families": options, **given})


def check_edges(
    options: OptionFields, features: Sequence[str], latents: Mapping[str, int | None]
) -> None:
    """Refuse families that do not exist and edges that a model cannot have.

    Args:
        options: what the user decided.
        features: names of the features.
        latents: latent -> number of its hidden nodes; None where it is not known before
            the training, so that any number may be named.
    Raises:
        ConfigError: with the key and the closest names.
    """
    check_families(options)
    # every place that a key may name: edges, features, latents, hidden nodes
    nodes = _hidden_nodes(options, latents)
    direct = [f"{feature} -> {latent}" for feature in features for latent in latents]
    hidden = [*nodes, *(f"{node} -> {latent}" for node, latent in nodes.items())]
    edges = [*direct, *features]
    for key in options.shapes:
        _check_place(key, edges, "shapes")
    places = [*edges, *latents, *hidden]
    for key in options.pins:
        _check_place(key, places, "pins")
    for key in options.forbid:
        _check_place(key, places, "forbid")
    for node, latent in nodes.items():
        family = SymbolicOptions(pins=options.pins).pinned(node, latent)
        if family is not None and family not in OUTER_FAMILIES:
            raise ConfigError(
                f"key 'discovery.pins': {family!r} is pinned for hidden node {node}; an "
                f"outer function is one of {', '.join(OUTER_FAMILIES)}"
            )


def check_symbols(options: OptionFields, names: Sequence[str]) -> None:
    """Refuse symbols of names that no equation can hold, and two alike.

    Args:
        options: what the user decided.
        names: of columns, latents, constants, targets.
    Raises:
        ConfigError: with the key and the closest names.
    """
    taken: dict[str, str] = {}
    for name, symbol in options.symbols.items():
        key = f"key 'discovery.symbols.{name}'"
        if name not in names:
            raise ConfigError(
                f"{key}: no column or parameter in use is called so. "
                f"{closest_names(name, names)}"
            )
        if not _is_math(symbol):
            raise ConfigError(
                f"{key}: {symbol!r} is no LaTeX of mathematics; write such as S_0 or "
                r"\theta_{\mathrm{s}}, without dollar signs, every brace closed"
            )
        if taken.setdefault(symbol, name) != name:
            raise ConfigError(
                f"{key}: {taken[symbol]!r} is printed as {symbol} already; give one of "
                "them another symbol"
            )


def _is_math(symbol: str) -> bool:
    # escaped signs are text and close no group
    bare = re.sub(r"\\[\\{}$%#&]", "", symbol)
    depth = 0
    for sign in bare:
        depth += (sign == "{") - (sign == "}")
        if depth < 0:
            return False
    plain = symbol.isprintable() and not re.search(r"[$%#&]|\\$", bare)
    letter = any(map(str.isalpha, symbol))  # 5 or + would be read as what it is
    return letter and plain and depth == 0


def check_families(options: OptionFields) -> None:
    """Refuse families that are not in the library.

    Raises:
        ConfigError: with the key and the closest names.
    """
    pinned = [(f"pins.{edge}", (name,)) for edge, name in options.pins.items()]
    banned = [(f"forbid.{edge}", names) for edge, names in options.forbid.items()]
    named = [("families", options.families)]
    named += [("further_families", options.further_families or ())]
    for key, names in [*named, *pinned, *banned]:
        for name in names:
            _check_family(name, key)


def _check_family(name: str, key: str) -> None:
    # loads sympy, which reading a configuration does not need
    from symbolic.families.library import FAMILIES

    if name not in FAMILIES:
        raise ConfigError(
            f"key 'discovery.{key}': family {name!r} is not in the library. "
            f"{closest_names(name, FAMILIES)}"
        )


def _check_place(key: str, known: Sequence[str], field: str) -> None:
    if key not in known:
        raise ConfigError(
            f"key 'discovery.{field}': {key!r} is no edge of this model; write "
            f'"feature -> latent". {closest_names(key, known)}'
        )


def _hidden_nodes(
    options: OptionFields, latents: Mapping[str, int | None]
) -> dict[str, str]:
    """Return hidden node -> its latent, those that options name where any may be."""
    nodes = {
        hidden_name(k, latent): latent
        for latent, count in latents.items()
        for k in range(count or 0)
    }
    # before training the number of hidden nodes is open, so named ones are believed
    for key in (*options.pins, *options.forbid):
        source = key.partition(" -> ")[0]
        latent = re.sub(r"^h\d+_", "", source)
        if latent != source and latent in latents and latents[latent] is None:
            nodes[source] = latent
    return nodes


def hidden_name(number: int, latent: str) -> str:
    """Name of a hidden node of a latent, counted from 0."""
    return f"h{number + 1}_{latent}"
