"""Laws of splits, models, fits and equations at extreme legal inputs."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import torch

import sciren
import symbolic
from benchmarks.reliability.numeric import Sample
from sciren.dynamics import SeriesProcess, Values

WITHOUT_LAW = {
    "classes that are declared, records of results, tables of names": (
        "Agreement", "Balance", "CurveFit", "DEFAULT_FAMILIES", "Decoder", "Discovery",
        "EdgeCurve", "FAMILIES", "Forcing", "History", "Parameter", "ParameterTable",
        "PrintableModel", "RunConfig", "SciRenError", "SeriesDiscovery", "SeriesEquations",
        "SeriesSplit", "Split", "State", "SymbolicModel", "SymbolicOptions", "Verification",
        "process_model", "redeclare", "register_family", "load_config", "Directions",
        "FunctionFit", "GroupDeviations", "GroupFits", "Process", "SeriesHistory",
        "SeriesPrediction", "SeriesProcess", "StateFit", "Trajectory", "Values",
    ),
    "constraints, by their table CONSTRAINTS": (
        "HardSigmoid", "Identity", "ReLU", "Sigmoid", "Softplus",
    ),
    "files: benchmarks.reliability.fuzz, malformed": ("read_frame", "read_table"),
    "runs: benchmarks.reliability.malformed": ("discover", "run", "ScIReNRegressor"),
    "seconds to minutes a sample: tests/symbolic/composition": (
        "Composition", "compose", "compose_latent",
    ),
    "fit_groups, fit_functions and what joins them: tests/sciren/dynamics": (
        "fit_series", "trades_at_start",
    ),
    "fit_ensemble of several is fit of one": ("fit_ensemble",),
    "numbers that are printed already: tests/symbolic/printing": ("to_document",),
}  # fmt: skip
"""Public names that no law here calls, by the reason."""

BASE = sciren.Parameter("base", 1, 7, "d", start=3, per="group")


def _model(s: Sample, table: sciren.Table) -> sciren.ScIReN:
    torch.manual_seed(0)
    model = sciren.ScIReN(sciren.KANEncoder(s.x.shape[1], 1), "auto", None)
    model.set_scaling(sciren.FeatureScaling.fit(table.features), table.feature_names)
    model.encoder.prepare(model.scaled(table.features))
    return model


def _splits(s: Sample) -> None:
    """Groups and folds share the rows, each group is in one part; periods take theirs."""
    table = s.table
    day = np.datetime64("2001-01-01") + 400 * (np.arange(len(table)) % 3)
    timed = replace(table, time=day.astype("datetime64[ns]"))
    by_time = sciren.split_by_time(timed, "2001", "2002", "2003")
    assert sum(len(part) for part in by_time) == len(table)
    labels = np.arange(len(table)) % 5
    by_group = sciren.split_by_group(table, labels, seed=s.seed)
    parts = [set(labels[part.row_ids]) for part in by_group]
    assert sum(map(len, parts)) == len(set(labels))
    by_fold = sciren.split_by_fold(table, labels, test=4, valid=3)
    assert sum(len(part) for part in by_fold) == len(table)


def _pruned(s: Sample) -> None:
    """Pruning leaves no more edges, and every share adds to one or nothing."""
    table = s.table.take(slice(0, 50))
    model = _model(s, table)
    before = list(sciren.edge_table(model, table)["status"]).count("spline")
    sciren.prune(model, table)
    after = list(sciren.edge_table(model, table)["status"]).count("spline")
    assert after <= before
    total = float(sciren.feature_importance(model, table).sum().iloc[0])
    assert abs(total - 1) < 1e-6 or total == 0


def _respiration(s: Sample) -> None:
    """A warming by ten degrees multiplies by q10, and the base is met at 15 degrees."""
    rb = torch.from_numpy(np.abs(s.y).astype(float))
    ta = torch.from_numpy(np.clip(s.x[:, 0].astype(float), -90, 60))
    process, constants = sciren.Q10Respiration(), SimpleNamespace(rb=rb, q10=2.0)

    def at(temperature: torch.Tensor) -> torch.Tensor:
        return process(constants, SimpleNamespace(ta=temperature))

    torch.testing.assert_close(at(ta + 10), 2 * at(ta))
    torch.testing.assert_close(at(torch.full_like(ta, 15.0)), rb)


def _routed(s: Sample) -> None:
    """What enters delays leaves them or is on its way; groups of series are shared out."""
    rows = 3 * (len(s.y) // 3)
    flow = np.abs(s.y[:rows]).astype(float)
    frame = {"site": np.repeat(["a", "b", "c"], rows // 3),
             "day": np.tile(np.arange(rows // 3), 3), "q": flow}  # fmt: skip
    series = sciren.SeriesTable.from_frame(
        frame, group="site", time="day", time_unit="d", forcings=["q"]
    )
    assert len(sciren.split_series(series, seed=s.seed).train.groups) == 1
    first, second = (
        sciren.lag(lambda u, p: u / p.base, 3, *ends, [BASE], name=name)
        for name, ends in (("one", ("q", "late")), ("two", ("late", "later")))
    )
    river = sciren.cascade(first, second)
    starts = {state.name: np.zeros(3) for state in river.states}
    known = Values({"base": np.full(3, 3.0)}, starts)
    run = SeriesProcess(river, series).simulate(known)
    left = run.outputs.sum() + run.states[:, -1].sum() - run.states[:, 0].sum()
    np.testing.assert_allclose(left, flow.sum(), rtol=1e-9)


def _equations(s: Sample) -> None:
    """A fit is finite, its equations are the network, and their print reads as numbers."""
    few = s.table.take(slice(0, 60))
    split = sciren.split_random(few, seed=s.seed)
    model = _model(s, few)
    options = sciren.TrainConfig(epochs=1, profiles=False)
    sciren.fit(model, split.train, split.valid, options)
    predicted = model.predict(few).targets
    assert torch.isfinite(predicted).all()
    equations = symbolic.symbolify(model, split.train)
    checked = symbolic.verify(equations, model, split.train, split.valid, split.test)
    assert checked is not None
    assert np.isfinite(
        equations.predict(
            dict(zip(few.feature_names, few.features.numpy().T, strict=True))
        )["y"]
    ).all()
    for write in (symbolic.to_text, symbolic.to_latex):
        assert write(equations.equations["y"])
    assert symbolic.latex_table([{"y": v} for v in s.y[:3].tolist()], "y", "tab:y")
    assert symbolic.check_units(equations) is not None
    for curve in symbolic.edge_curves(model, split.train, equations):
        assert np.isfinite(curve.spline).all()


HEAVY = {"fit to equations": _equations}
"""Laws of seconds a sample; the others take milliseconds."""
HEAVY_ROWS = (20, 100, 1000)
"""Rows of their samples, of which 60 are fitted."""

MODEL_LAWS: dict[str, Callable[[Sample], None]] = {
    "split_by_group, split_by_fold": _splits,
    "prune, edge_table, feature_importance": _pruned,
    "Q10Respiration": _respiration,
    "SeriesTable, split_series, lag, cascade": _routed,
}
