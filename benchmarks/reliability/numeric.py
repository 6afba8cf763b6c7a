"""Public numeric functions at extreme legal inputs: one row to many, 1 to 100 features.

Every law holds for any sample, in float32 and float64, from the smallest to the largest
size that a table may have (`sciren.bounded.MAGNITUDES`); an error of ours is an
answer too, any other error, a warning and a broken law are none.
"""

import random
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

import discovery
import sciren
import symbolic
from benchmarks.reliability.score import Attempts, Score
from sciren.constraints import CONSTRAINTS
from sciren.errors import SciRenError

ROWS = (1, 2, 3, 4, 7, 20, 100, 1000)
FEATURES = (1, 2, 5, 30, 100)
SLOW_OR_LARGE = (
    HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large,
    HealthCheck.large_base_example,
)  # fmt: skip
"""Checks of hypothesis that extreme samples are meant to fail."""

KINDS = (
    "normal",
    "uniform",
    "equal",
    "two values",
    "tiny spread",
    "heavy",
    "one apart",
)
Sizes = Mapping[str, tuple[int, ...]]
"""Precision -> powers of ten."""
# of float32 the squares of sums of 1000 values; of float64 what a table keeps as it is
SIZES: Sizes = {"float32": (-15, 0, 15), "float64": (-50, -20, 0, 20, 50)}


@dataclass(frozen=True)
class Sample:
    """A table of numbers: features x (n, d), target y (n,), and a seed."""

    x: np.ndarray
    y: np.ndarray
    seed: int

    @property
    def table(self) -> sciren.Table:
        """The same as a table of the toolkit, always float64."""
        names = [f"x{k}" for k in range(self.x.shape[1])]
        columns = {**dict(zip(names, self.x.T, strict=True)), "y": self.y}
        return sciren.Table.from_frame(columns, names, (), {"y": "y"}, constant="keep")


@st.composite
def samples(
    draw: st.DrawFn, rows: tuple[int, ...] = ROWS, sizes: Sizes = SIZES
) -> Sample:
    """Draw a sample of any dtype, shape, kind and size."""
    dtype = draw(st.sampled_from(list(sizes)))
    shape = draw(st.sampled_from(rows)), draw(st.sampled_from(FEATURES))
    power = draw(st.sampled_from(sizes[dtype]))
    number = draw(st.integers(0, 2**31 - 1))
    rng = np.random.default_rng(number)
    x = _values(draw(st.sampled_from(KINDS)), shape, rng) * 10.0**power
    y = _values(draw(st.sampled_from(KINDS)), shape[:1], rng) * 10.0**power
    return Sample(x.astype(dtype), y.astype(dtype), number)


def _values(kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    if kind == "equal":
        return np.full(shape, 1.5)
    if kind == "two values":
        return rng.integers(0, 2, shape).astype(float)
    if kind == "tiny spread":
        return 1 + 1e-6 * rng.normal(size=shape)
    if kind == "heavy":
        return rng.standard_cauchy(shape).clip(-1e6, 1e6)
    if kind == "one apart":
        values = rng.normal(size=shape)
        values.flat[0] = 1e6
        return values
    return rng.uniform(-1, 1, shape) if kind == "uniform" else rng.normal(size=shape)


def _agreement(s: Sample) -> None:
    """R2 of a perfect prediction is 1, no R2 is above 1, and it knows no unit."""
    assert np.isnan(sciren.r2(s.y, s.y)) or sciren.r2(s.y, s.y) == 1
    first, scaled = sciren.r2(s.y, s.x[:, 0]), sciren.r2(8 * s.y, 8 * s.x[:, 0])
    assert np.isnan(first) or first <= 1
    np.testing.assert_allclose(scaled, first, rtol=1e-6)


def _scaling(s: Sample) -> None:
    """Scaled values are finite, and unscaled ones are those that were given."""
    features = torch.from_numpy(s.x)
    for kind in ("standard", "minmax"):
        scaling = sciren.FeatureScaling.fit(features, kind)
        scaled = scaling.apply(features)
        assert torch.isfinite(scaled).all()
        size = float(features.abs().max())
        close = 1e-4 if s.x.dtype == np.float32 else 1e-9
        torch.testing.assert_close(
            scaling.undo(scaled), features, rtol=close, atol=close * size
        )


def _encoders(s: Sample) -> None:
    """A batch is its rows, and outputs are finite."""
    inputs = s.x.shape[1]
    torch.manual_seed(0)
    features = torch.from_numpy(s.x.astype(float))
    scaled = sciren.FeatureScaling.fit(features).apply(features)
    for encoder in (
        sciren.KANEncoder(inputs, 2), sciren.AdditiveEncoder(inputs, 2, width=3),
        sciren.LinearEncoder(inputs, 2), sciren.MLPEncoder(inputs, 2, width=3),
    ):  # fmt: skip
        encoder.prepare(scaled)
        encoder.eval()
        with torch.no_grad():
            whole, last = encoder(scaled), encoder(scaled[-1:])
        assert torch.isfinite(whole).all()
        torch.testing.assert_close(
            whole[-1:].double(), last.double(), rtol=1e-5, atol=1e-6
        )


def _constraints(s: Sample) -> None:
    """Bounds hold for every raw latent; violations are not negative."""
    z = torch.from_numpy(s.x)
    low, high = torch.tensor(-2.0, dtype=z.dtype), torch.tensor(3.0, dtype=z.dtype)
    none = torch.tensor(torch.inf, dtype=z.dtype)
    for kind in CONSTRAINTS.values():
        layer = kind()
        upper = high if layer.needs == "both" else none
        value = layer.forward(z, low, upper)
        assert torch.isfinite(value).all()
        if layer.needs != "none":
            assert (value >= low).all()
            assert (value <= upper).all()
        assert (layer.violation(z, low, upper) >= 0).all()


def _splits(s: Sample) -> None:
    """Every row goes to one part, and the seed decides which."""
    table = s.table
    split = sciren.split_random(table, seed=s.seed)
    rows = np.concatenate([part.row_ids for part in split])
    assert sorted(rows) == list(range(len(table)))
    again = sciren.split_random(table, seed=s.seed)
    assert all(
        (a.row_ids == b.row_ids).all() for a, b in zip(split, again, strict=True)
    )


def _blocks(s: Sample) -> None:
    """Equal places are in one fold, and every fold is one that was asked for."""
    x, y = (v.astype(float) / (np.abs(v).max() or 1) for v in (s.x[:, 0], s.y))
    lon, lat = 180 * x, 90 * y
    fold = sciren.split_by_block(lon, lat, 2.0, 3, s.seed)
    assert set(fold) <= set(range(3))
    same = (lon == lon[0]) & (lat == lat[0])
    assert len(set(fold[same])) == 1


def _table(s: Sample) -> None:
    """A table holds what it was given."""
    np.testing.assert_array_equal(s.table.features.numpy(), s.x.astype(float))
    np.testing.assert_array_equal(s.table.targets.numpy()[:, 0], s.y.astype(float))


def _distances(s: Sample) -> None:
    """Importances that agree are at distance 0, and no distance is infinite."""
    shares = np.abs(s.x[0].astype(float))
    same = discovery.relationship_kl(shares, shares)
    # shares are held above 1e-6, so each below it adds up to 1e-6
    assert abs(same) < 1e-6 * (1 + len(shares)), same
    assert np.isfinite(discovery.relationship_kl(shares, shares[::-1]))


def _effects(s: Sample) -> None:
    """Effects of a sum are finite, and its importances add to one or nothing."""
    table = s.table.take(slice(0, 50))

    def model(x: np.ndarray) -> np.ndarray:
        return x.mean(axis=1)

    few = table.feature_names[:2]
    for effect in (discovery.partial_dependence, discovery.accumulated_local_effects):
        assert np.isfinite(effect(model, table, few)["effect"]).all()
    total = float(discovery.functional_importance(model, table, grid=5).sum().iloc[0])
    assert abs(total - 1) < 1e-6 or total == 0


def _selection(s: Sample) -> None:
    """A condition and its opposite share the rows."""
    import pandas as pd

    frame = pd.DataFrame({"x": s.x[:, 0], "y": s.y})
    kept = discovery.select_rows(frame, "x > y").sum()
    assert kept + discovery.select_rows(frame, "not x > y").sum() == len(frame)


def _curves(s: Sample) -> None:
    """A fitted form is finite on its points and no worse than the mean."""
    fit = symbolic.fit_curve(s.x[:, 0].astype(float), s.y.astype(float))
    assert np.isfinite(fit.r2) or np.ptp(s.y) == 0 or fit.form is None


def _networks(s: Sample) -> None:
    """Predictions, importances and the model from its files agree with the model."""
    import tempfile

    table = s.table.take(slice(0, 50))
    torch.manual_seed(0)
    model = sciren.ScIReN(sciren.KANEncoder(s.x.shape[1], 1), "auto", None)
    model.set_scaling(sciren.FeatureScaling.fit(table.features), table.feature_names)
    model.encoder.prepare(model.scaled(table.features))
    predicted = model.predict(table).targets
    assert torch.isfinite(predicted).all()
    for layer in sciren.edge_importance(model, table):
        assert torch.isfinite(layer).all()
    with tempfile.TemporaryDirectory() as folder:
        sciren.save_model(model, folder)
        assert torch.equal(sciren.load_model(folder).predict(table).targets, predicted)


LAWS: dict[str, Callable[[Sample], None]] = {
    "r2": _agreement, "FeatureScaling": _scaling, "encoders": _encoders,
    "constraints": _constraints, "split_random": _splits, "split_by_block": _blocks,
    "Table": _table, "relationship_kl": _distances, "effects": _effects,
    "select_rows": _selection, "fit_curve": _curves, "ScIReN": _networks,
}  # fmt: skip


def broken_law(
    law: Callable[[Sample], None],
    examples: int,
    seed: int = 0,
    rows: tuple[int, ...] = ROWS,
    sizes: Sizes = SIZES,
) -> str:
    """Try a law on many samples; return the smallest that breaks it, or nothing."""
    kept = 0

    @seeded(seed)
    @settings(
        max_examples=examples, database=None, deadline=None, derandomize=False,
        suppress_health_check=SLOW_OR_LARGE, report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink],
    )  # fmt: skip
    @given(samples(rows, sizes))
    def tried(sample: Sample) -> None:
        nonlocal kept
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                law(sample)
            except SciRenError:
                return
        kept += 1

    try:
        tried()
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return (
            f"{type(error).__name__} at {last.filename}:{last.lineno}: {error!s:.300}"
        )
    return "" if 10 * kept >= examples else f"only {kept} of {examples} were answered"


def laws_kept(
    laws: Mapping[str, Callable[[Sample], None]],
    examples: int,
    attempts: Attempts,
    rows: tuple[int, ...] = (*ROWS, 10**6),
    sizes: Sizes = SIZES,
) -> Score:
    """Try every law on so many samples; an attempt is a law."""
    names = list(laws)

    def attempt(number: int, rng: random.Random) -> list[str]:
        name = names[number]
        problem = broken_law(laws[name], examples, attempts.seed, rows, sizes)
        return [f"{name}: {problem}"] if problem else []

    check = f"laws of numeric functions, {examples} samples each"
    return replace(attempts, count=len(names)).made(check, attempt)
