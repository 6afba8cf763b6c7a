"""Compositions for a latent of a trained model, and their way back into its equations."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from sciren.data.kinds import Periodic
from sciren.errors import ConfigError, closest_names
from symbolic.composition.entry import compose
from symbolic.composition.result import Composition
from symbolic.terms.rebuild import BENT, Units
from symbolic.terms.structure import LatentStructure

Array = np.ndarray

COLUMN = "_target"  # forcing that says which target a row is
HELD = "_held_"  # prefix of forcings that are other latents
NOTICED = 1e-9  # share of a target's size by which a latent must move it to count


def compose_latent(
    model: Any,
    table: Any,
    latent: str | None = None,
    trained: bool = True,
    **options: Any,
) -> Composition:
    """Compose the formula of one latent of a trained model on the observations.

    Its other latents are held where they are. Every target that the latent moves is
    used, each in units of its deviation; plain regression is composed without a process.

    Args:
        model: trained.
        table: rows with observed targets.
        latent: name; not needed where the model has one latent.
        trained: start from the latent and the process constants that the model learned;
            else from the data alone.
        options: of `compose`, e.g. families, seed, budget_s.
    Returns:
        The latent's formula; behind a sigmoid or softplus that of the raw latent.
    Raises:
        ConfigError: an unknown latent, or one that moves no target.
    """
    name = _chosen(model, latent)
    names = [str(latent_name) for latent_name in model.latent_names]
    decoder = model.decoder
    features, weights = _array(table.features), getattr(table, "weights", None)
    options = {"names": tuple(table.feature_names), "target_name": name} | options
    values = _array(model.latents(table))
    seen = _observed_of(model, table, name, values)
    options |= {"groups": _groups(table)[seen.rows], "periodic": _periods(table)}
    if weights is not None:
        options["weight"] = _array(weights)[seen.rows]
    # Plain regression observes the latent itself: there is nothing to see it through.
    if decoder.name == "identity":
        return compose(features[seen.rows], seen.target, **options)
    # what else the decoder needs goes with the rows, so that a search may take fewer
    forcings = {n: _array(table.forcings[n])[seen.rows] for n in decoder.forcings}
    forcings |= {HELD + n: values[seen.rows, k] for k, n in enumerate(names)}
    bounds = decoder.parameters[name]
    k = names.index(name)
    # A bound that bends belongs to the process, so that the formula stays that of the raw
    # latent; a straight one is a bound of the latent itself.
    through = raw_link(model, k, table.features)
    if trained and through is None:
        options["start"] = values[seen.rows, k]
    elif trained:
        raw = model.raw_latents(model.scaled(table.features))
        options["start"] = _array(raw)[seen.rows, k]
    return compose(
        features[seen.rows],
        seen.target,
        process=_process(decoder, name, names, seen.scales, table.features, through),
        forcings=forcings | {COLUMN: seen.place},
        constants=_ranges(decoder, model.constants()),
        bounds=(bounds.low, bounds.high) if through is None else None,
        **options,
    )


def raw_link(model: Any, k: int, like: Any) -> Callable[[Array], Array] | None:
    """Return raw latent -> latent where the bounds bend the latent, else None.

    Behind a sigmoid or a softplus the formula is that of the raw latent; a ramp that is
    straight between its bounds leaves it to the latent itself.
    """
    layers = getattr(model, "constraints", None)
    if layers is None or layers[k].name not in BENT:
        # inside its bounds the latent is a line of the raw one
        return None
    low, high = model.low[k], model.high[k]
    return lambda raw: _array(layers[k].forward(like.new_tensor(raw), low, high))


def _chosen(model: Any, latent: str | None) -> str:
    names = [str(latent_name) for latent_name in model.latent_names]
    name = names[0] if latent is None and len(names) == 1 else str(latent)
    if name not in names:
        raise ConfigError(
            f"the model has the latents {', '.join(names)}; say which one to compose. "
            f"{closest_names(name, names)}"
        )
    return name


def _array(values: Any) -> Array:
    """Tensor or array -> array of float64."""
    held = values.detach().cpu().numpy() if hasattr(values, "detach") else values
    return np.asarray(held, dtype=float)


def _groups(table: Any) -> Array:
    """Blocks of rows that stay together when a residual is judged."""
    blocks = getattr(table, "blocks", None)
    rows = len(table.features)
    return np.arange(rows) if blocks is None else _array(blocks).astype(int)


def _periods(table: Any) -> dict[str, float]:
    """Period of every feature on a circle."""
    kinds = getattr(table, "kinds", {})
    return {n: kind.period for n, kind in kinds.items() if isinstance(kind, Periodic)}


@dataclass(frozen=True)
class _Observed:
    """Observations of the targets that a latent moves, one after another.

    Args:
        rows: (m,) row of the table behind each;  place: (m,) its target's number;
        target: (m,) values, in deviations where there are several targets;
        scales: number of a target -> what its values were divided by.
    """

    rows: Array
    place: Array
    target: Array
    scales: dict[int, float]


def _observed_of(model: Any, table: Any, name: str, values: Array) -> _Observed:
    """Collect what is observed of a latent.

    Raises:
        ConfigError: no observed target depends on it.
    """
    decoder, names = (
        model.decoder,
        [str(latent_name) for latent_name in model.latent_names],
    )
    columns = [list(table.target_names).index(target) for target in decoder.targets]
    observed = _array(table.targets)[:, columns]
    moved = values.copy()
    k = names.index(name)
    # five per cent, or a small number where the latent is zero
    moved[:, k] = 1.05 * values[:, k] + 0.01 * (values[:, k] == 0)
    evaluate = _evaluator(decoder, names, table.features)
    forcings = {n: _array(table.forcings[n]) for n in decoder.forcings}
    before, after = (
        evaluate(dict(zip(names, latents.T, strict=True)), model.constants(), forcings)
        for latents in (values, moved)
    )
    noticed = np.abs(after - before).mean(0) > NOTICED * np.abs(before).mean(0)
    places = np.flatnonzero(noticed & np.isfinite(observed).any(0)).tolist()
    if not places:
        raise ConfigError(
            f"no observed target of decoder {decoder.name!r} depends on latent {name!r}; "
            "there is nothing to compose its formula on"
        )
    rows = [np.flatnonzero(np.isfinite(observed[:, t])) for t in places]
    whole = np.concatenate(rows)
    target_of = np.repeat(np.array(places), [len(row) for row in rows])
    scales = {t: float(np.nanstd(observed[:, t])) or 1.0 for t in places}
    # a single target stays in its unit, so that process constants keep their meaning
    if len(places) == 1:
        scales = {places[0]: 1.0}
    factors = np.array([scales[t] for t in target_of])
    return _Observed(whole, target_of, observed[whole, target_of] / factors, scales)


def _evaluator(decoder: Any, names: Sequence[str], like: Any) -> Callable[..., Array]:
    """Return a function (latents, constants, forcings) -> all targets (n, t).

    Args:
        like: features of the table; the decoder is called with what they are.
    """

    def on_arrays(
        latents: Mapping[str, Array], constants: Mapping[str, float], forcings: Any
    ) -> Array:
        # a table of arrays comes with a decoder that is called on arrays
        p = SimpleNamespace(**latents, **constants)
        outputs = decoder(p, SimpleNamespace(**forcings))
        if hasattr(outputs, "keys"):
            outputs = [outputs[target] for target in decoder.targets]
        columns = outputs if len(decoder.targets) > 1 else np.reshape(outputs, (1, -1))
        return np.stack([np.asarray(column, dtype=float) for column in columns], axis=1)

    def on_tensors(
        latents: Mapping[str, Array], constants: Mapping[str, float], forcings: Any
    ) -> Array:
        rows = np.stack([latents[name] for name in names], axis=1)
        values = [constants[constant_name] for constant_name in decoder.constant_names]
        given = {name: like.new_tensor(forcing) for name, forcing in forcings.items()}
        return _array(
            decoder.evaluate(like.new_tensor(rows), like.new_tensor(values), given)
        )

    return on_tensors if hasattr(like, "new_tensor") else on_arrays


def _process(
    decoder: Any,
    name: str,
    names: Sequence[str],
    scales: Mapping[int, float],
    like: Any,
    through: Callable[[Array], Array] | None,
) -> Callable[..., Array]:
    """Return the process behind one latent, in deviations of its targets.

    Args:
        through: raw latent -> latent where the formula is that of the raw latent.
    """
    evaluate = _evaluator(decoder, names, like)
    # each row is one target of one row of the table: its number picks the output
    factors = np.ones(max(scales) + 1)
    factors[list(scales)] = list(scales.values())

    def function(
        latent: Array, forcings: Mapping[str, Any], constants: Mapping[str, float]
    ) -> Array:
        held = {n: forcings[HELD + n] for n in names if n != name}
        given = {n: forcings[n] for n in decoder.forcings}
        own = latent if through is None else through(latent)
        predicted = evaluate({name: own, **held}, constants, given)
        target_of = forcings[COLUMN]
        return predicted[np.arange(len(predicted)), target_of] / factors[target_of]

    return function


def _ranges(decoder: Any, values: Mapping[str, float]) -> dict[str, Any]:
    """Start, and bounds around it, of every constant of the process."""
    ranges = {}
    for constant in decoder.parameters.constants:
        start = float(values[constant.name])
        # training may have left a constant outside what the model declares
        ranges[constant.name] = (
            min(constant.low, start),
            start,
            max(constant.high, start),
        )
    return ranges


def latent_structure(
    composed: Composition, units: Units, slope: float = 1.0, offset: float = 0.0
) -> LatentStructure:
    """Write a composition as the structure that a model's equations are made of.

    Args:
        units: scaling of the features in the model.
        slope, offset: raw latent = offset + slope * physical latent, inside the bounds.
    """
    # scaled features of the composition -> raw -> scaled features of the model
    own = composed.units
    shift, scale = (own.shift - units.shift) / units.scale, own.scale / units.scale
    moved = composed.form.in_units(shift, scale).scaled(slope)
    # the offset is free again before it may move into a logarithm
    level = replace(moved, offset=moved.offset + offset, offset_free=True)
    return level.with_offset_in_log().oriented()
