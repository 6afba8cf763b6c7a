"""Equations as a torch module: the numbers of predict, gradients, named constants."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from sciren import KANEncoder, Q10Respiration, ScIReN, Table, TrainConfig, fit
from sciren.errors import ColumnError
from symbolic import symbolify
from symbolic.curves.spline_curve import SplineCurve
from symbolic.families.variants import form_named
from symbolic.model.symbolic_model import SymbolicModel
from symbolic.model.torch_module import EquationModule
from symbolic.terms.edge_term import EdgeTerm
from symbolic.terms.nodes import Node
from symbolic.terms.parametric import parametric
from symbolic.terms.rebuild import Units, raw_expression
from symbolic.terms.structure import LatentStructure

ROOT = Path(__file__).resolve().parents[3]


def frame(rows=300, seed=0):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-2, 3, rows), rng.uniform(10, 50, rows)
    ta = rng.uniform(-5, 25, rows)
    rb = 2 + 0.3 * (x - 0.7) ** 2 + 0.05 * y
    reco = rb * 1.8 ** ((ta - 15) / 10) + 0.05 * rng.normal(size=rows)
    return pd.DataFrame({"x": x, "y": y, "t_air": ta, "reco": reco})


@pytest.fixture(scope="module")
def respiration():
    rows = Table.from_frame(frame(), ["x", "y"], {"ta": "t_air"}, ["reco"])
    model = ScIReN(KANEncoder(2, 1, seed=0), "auto", Q10Respiration())
    fit(model, rows, rows, TrainConfig())
    return symbolify(model, rows, compose=0)


def planted(structures, constraints, constants=()):
    """Return equations of planted structures, as a plain regression."""
    units = Units(
        ("u", "v"),
        np.array([3.0, -1.0]),
        np.array([2.0, 0.5]),
        np.array([-3.0, -3.0]),
        np.array([9.0, 1.0]),
    )
    parts = [
        parametric(structure, units, bounds)
        for structure, bounds in zip(structures, constraints, strict=True)
    ]
    values = {
        s: constant.value for part in parts for s, constant in part.constants.items()
    }
    nothing = pd.DataFrame()
    return SymbolicModel(
        {p.name: p.expression.subs(values) for p in parts},
        {s.name: raw_expression(s, units) for s in structures},
        None, None, dict(constants), {}, {}, tuple(structures), units, nothing,
        nothing, {}, {}, {},
        {structure.name: b for structure, b in zip(structures, constraints, strict=True)},
    )  # fmt: skip


def term(source, family, *constants, variant=""):
    return EdgeTerm(source, form_named(family, variant), constants)


def test_the_module_gives_the_numbers_of_predict(respiration):
    data = frame(seed=5)
    found = respiration.to_torch()(dict(data))
    expected = respiration.predict(data)
    assert set(found) == {"reco", "rb"}
    for name, values in found.items():
        np.testing.assert_allclose(values.detach(), expected[name], rtol=1e-12)


def test_parameters_are_called_as_the_printed_constants(respiration):
    module = respiration.to_torch()
    state = {name: float(value) for name, value in module.state_dict().items()}
    table = dict(zip(respiration.table.name, respiration.table.value, strict=True))
    assert state == pytest.approx(respiration.constants | table, rel=1e-15)
    assert module.constants()["", "q10"] is module.q10


def test_gradients_of_all_constants_are_those_of_differences(respiration):
    module, data = respiration.to_torch(), dict(frame(50))

    def loss():
        return ((module(data)["reco"] - torch.tensor(data["reco"])) ** 2).mean()

    loss().backward()
    for name, parameter in module.named_parameters():
        step = 1e-6 * max(1.0, abs(float(parameter.detach())))
        sides = []
        with torch.no_grad():
            for move in (step, -2 * step):
                parameter.add_(move)
                sides.append(float(loss()))
            parameter.add_(step)
        assert float(parameter.grad) == pytest.approx(
            (sides[0] - sides[1]) / (2 * step), rel=1e-4, abs=1e-8
        ), name


def test_training_recovers_a_constant_that_was_moved(respiration):
    module, data = respiration.to_torch(), dict(frame(200))
    found = float(module.q10.detach())
    with torch.no_grad():
        module.q10 += 0.4
    steps = torch.optim.LBFGS([module.q10], max_iter=50, line_search_fn="strong_wolfe")
    reco = torch.tensor(data["reco"])

    def closure():
        steps.zero_grad()
        value = ((module(data)["reco"] - reco) ** 2).mean()
        value.backward()
        return value

    steps.step(closure)
    assert float(module.q10.detach()) == pytest.approx(found, abs=0.02)


@pytest.mark.parametrize("constraint", ["sigmoid", "softplus", "hard_sigmoid", "relu"])
def test_every_family_node_and_constraint_is_written(constraint):
    edges = (term(0, "exp", 0.3, -0.8), term(1, "log", 0.5, 4.0, variant="+"))
    inner = (term(0, "linear", 0.7), term(1, "abs", -0.4, 0.2))
    nodes = tuple(
        Node(outer, amplitude, 5.0, inner)
        for outer, amplitude in (("abs", -1.0), ("log", 0.6), ("quadratic", 1.0))
    )
    first = LatentStructure("a", 0.4, edges, nodes)
    second = LatentStructure("b", -0.2, (term(0, "quadratic", 0.1, 0.5),))
    bounds = (constraint, 0.5, np.inf if constraint == "softplus" else 2.5, 0.7)
    symbolic = planted([first, second], [bounds, ("identity", -np.inf, np.inf, 1.0)])
    rng = np.random.default_rng(0)
    data = {"u": rng.uniform(-2, 8, 1000), "v": rng.uniform(-2, 1, 1000)}
    module = EquationModule(symbolic)
    z = (np.stack([data["u"], data["v"]], axis=1) - [3.0, -1.0]) / [2.0, 0.5]
    raw = torch.tensor(first.value(z))
    low, high = bounds[1:3]
    expected = {
        "sigmoid": lambda: low + (high - low) * torch.sigmoid(raw / 0.7),
        "softplus": lambda: low + torch.logaddexp(raw, torch.zeros_like(raw)),
        "hard_sigmoid": lambda: low + (high - low) * (raw / 6 + 0.5).clamp(0, 1),
        "relu": lambda: raw.clamp(low, high),
    }[constraint]()
    found = module(data)
    np.testing.assert_allclose(found["a"].detach(), expected, rtol=1e-12)
    np.testing.assert_allclose(found["b"].detach(), second.value(z), rtol=1e-12)
    assert {"a_u_a", "a_u_b", "a_u_1", "A_a_2"} <= set(module.state_dict())


def test_a_refused_edge_is_its_table_with_the_table_s_slope():
    knots = np.linspace(-2, 3, 40)
    curve = SplineCurve(knots, np.sin(2 * knots), (1.0, -0.5))
    edge = EdgeTerm(0, None, (), curve, "f_a_u")
    symbolic = planted(
        [LatentStructure("a", 1.0, (edge,))], [("identity", -np.inf, np.inf, 1.0)]
    )
    table = curve.moved(3.0, 2.0)
    symbolic.functions["f_a_u"] = table
    x = torch.linspace(-4, 12, 301, dtype=torch.float64, requires_grad=True)
    found = EquationModule(symbolic)({"u": x})["a"]
    np.testing.assert_allclose(
        found.detach(), 1.0 + table.value(x.detach().numpy()), rtol=1e-12, atol=1e-12
    )
    (slope,) = torch.autograd.grad(found.sum(), x)
    inside = (x.detach() > -1) & (x.detach() < 9)
    np.testing.assert_allclose(
        slope[inside], table.slope(x.detach().numpy())[inside], rtol=1e-9, atol=1e-9
    )


def test_a_missing_column_is_named(respiration):
    with pytest.raises(ColumnError, match="t_air"):
        respiration.to_torch()({"x": np.ones(2), "y": np.ones(2)})


def test_the_numpy_function_needs_no_torch(respiration, tmp_path):
    path = respiration.save(tmp_path / "equations.json")
    code = f"""
import sys
sys.modules["torch"] = None  # any import of torch fails
from symbolic import SymbolicModel
called = SymbolicModel.load({str(path)!r}).to_numpy()
values = called({{"x": [0.5, 1.0], "y": [20.0, 30.0], "t_air": [3.0, 15.0]}})
print(repr(values["reco"].tolist()))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    data = pd.DataFrame({"x": [0.5, 1.0], "y": [20.0, 30.0], "t_air": [3.0, 15.0]})
    expected = respiration.predict(data).reco.tolist()
    assert eval(done.stdout) == expected
