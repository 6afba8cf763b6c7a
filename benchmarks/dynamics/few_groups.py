"""Relations of six to eleven groups: what tests keep where nothing acts, and where it does.

Numbers of groups that were fitted alone, with their precisions, as the second level of a
dynamic process model sees them: k = 0.4 + slope x1 + a deviation of 0.03, known to 0.005.
"""

from typing import Any

import numpy as np

from sciren import (
    FeatureScaling,
    KANEncoder,
    Parameter,
    ScIReN,
    SeriesTable,
    State,
    process_model,
)
from sciren.comparison import ResidualScale
from sciren.dynamics.linearised import Linearisation, LinearisedModel
from sciren.inference import select
from sciren.inference.observed import ObservedProcess

GROUPS, FEATURES, SLOPES = (6, 8, 10, 11), (1, 4), (0.0, 0.1)
DEVIATION, ERROR = 0.03, 0.005


@process_model(
    parameters=[Parameter("k", low=0.01, high=0.9, per="group", start=0.3)],
    state=[State("store", start=10)],
    forcings=["rain"],
    targets=["q"],
)
def reservoir(s: Any, p: Any, f: Any) -> Any:
    """A store that loses a share of its water a day; only its k is asked about."""
    q = p.k * s.store
    return {"store": s.store + f.rain - q}, {"q": q}


def run(seeds: range) -> list[dict[str, Any]]:
    """Return shares of sets with a false feature, and with the true one."""
    rows = []
    for groups in GROUPS:
        for features in FEATURES:
            row: dict[str, Any] = {"groups": groups, "features": features}
            row["sets"] = len(seeds)
            for slope in SLOPES:
                kept = [_kept(groups, features, slope, seed) for seed in seeds]
                true = {0} if slope else set()
                name = "a relation" if slope else "none"
                false = np.mean([bool(names - true) for names in kept])
                row[f"{name}: a false feature %"] = f"{100 * false:.1f}"
                if slope:
                    power = np.mean([0 in names for names in kept])
                    row["the true one %"] = f"{100 * power:.1f}"
            rows.append(row)
    return rows


def _kept(groups: int, features: int, slope: float, seed: int) -> set[int]:
    """Return the features that tests keep in one set."""
    rng = np.random.default_rng([seed, groups, features])
    x = rng.uniform(-1, 1, (groups, features))
    precision = np.exp(0.6 * rng.normal(size=groups)) / ERROR**2
    deviation = DEVIATION * rng.normal(size=groups)
    k = 0.4 + slope * x[:, 0] + deviation + rng.normal(size=groups) / np.sqrt(precision)
    names = [f"x{j}" for j in range(features)]
    columns: dict[str, Any] = {
        "site": np.repeat(np.arange(groups), 2), "day": np.tile([0, 1], groups),
        "rain": np.ones(2 * groups), "q": np.ones(2 * groups),
    }  # fmt: skip
    columns |= {name: np.repeat(x[:, j], 2) for j, name in enumerate(names)}
    series = SeriesTable.from_frame(
        columns, group="site", time="day", time_unit="d", forcings=["rain"],
        targets=["q"], static=names,
    )  # fmt: skip
    level = Linearisation(k[:, None], precision[:, None, None], np.array([k.mean()]))
    table = level.table(series)
    model = ScIReN(KANEncoder(features, 1), "auto", LinearisedModel(reservoir))
    model.set_scaling(FeatureScaling.fit(table.features), table.feature_names)
    scale = ResidualScale.fit(table.targets)
    found = select(ObservedProcess.of(model, table, scale, None))
    return {feature for feature, _ in found.kept}
