"""What the search for equations is asked for, after the tests of features."""

from types import SimpleNamespace
from typing import Any

import pytest

import symbolic
from discovery.results.stages import SLOW, _Task
from discovery.runs.checkpoints import Checkpoints
from discovery.runs.training import Training
from sciren import LinearEncoder, Q10Respiration, ScIReN
from symbolic.options import SymbolicOptions


@pytest.mark.parametrize("slow", [(), ((0, 0),)], ids=["told apart", "like slow noise"])
@pytest.mark.parametrize("seed", [0, 3])
def test_the_search_for_equations_follows_from_the_data_alone(monkeypatch, slow, seed):
    asked: dict[str, Any] = {}

    def symbolify(model, table, options, **keywords):
        asked.update(keywords, compose=options.compose)
        return SimpleNamespace()

    monkeypatch.setattr(symbolic, "symbolify", symbolify)
    monkeypatch.setattr(
        symbolic, "verify", lambda *parts: SimpleNamespace(verdict="PASS")
    )
    model = ScIReN(LinearEncoder(1, 1), "auto", Q10Respiration())
    parts: Any = {"train": None}
    task = _Task(
        model, parts, Training.of(model, None), SymbolicOptions(compose=7.0),
        {}, seed, lambda message: None, Checkpoints(),
    )  # fmt: skip
    monkeypatch.setattr(_Task, "_selected", SimpleNamespace(slow=slow))
    monkeypatch.setattr(_Task, "_bands", lambda self, thinner: ())
    task._verified(model)
    assert asked["compose"] == (0.0 if slow else 7.0)
    assert "seed" not in asked
    assert (SLOW in task.notes) is bool(slow)
