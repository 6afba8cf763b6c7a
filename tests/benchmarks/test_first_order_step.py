"""The candidates of the first-order benchmark compute one and the same thing."""

import pytest
import torch

from benchmarks import first_order, peer_layers
from benchmarks.first_order import Workload, engine_step, shown, spent
from benchmarks.peer_layers import RecursionLayer, penalty
from benchmarks.report import Line, markdown
from sciren.importance import deviation
from sciren.losses import score_penalty, smoothness_form
from sciren.splines import design


def test_the_plain_recursion_is_the_basis():
    torch.manual_seed(0)
    layer, x = RecursionLayer(2, 3).double(), torch.rand(20, 2).double() * 2 - 1
    ends = torch.tensor([-1.0, -1.0]).double(), torch.tensor([1.0, 1.0]).double()
    expected = torch.einsum("nik,ijk->nij", design(x, *ends, 30, "zero"), layer.coef)
    torch.testing.assert_close(layer.edges(x), expected, rtol=1e-4, atol=1e-5)


def test_the_penalty_is_the_one_of_the_package():
    torch.manual_seed(0)
    edges = [torch.randn(30, 3, 4), torch.randn(30, 4, 2)]
    c = [torch.randn(3, 4, 9), torch.randn(4, 2, 9)]
    asked = score_penalty(
        [deviation(e)[None] for e in edges],
        [deviation(e.sum(1))[None] for e in edges],
        peer_layers.WEIGHT,
        peer_layers.WEIGHT,
    )
    form = smoothness_form("differences", 6).float()
    rough = sum((p @ form * p).sum() for p in c)
    assert asked.entropy is not None
    assert asked.l1 is not None
    expected = (asked.entropy + asked.l1)[0] + peer_layers.SMOOTH * rough
    torch.testing.assert_close(penalty(edges, c), expected)


@pytest.mark.parametrize("members", [1, 3])
def test_every_candidate_takes_steps(members):
    torch.manual_seed(0)
    work = Workload((3, 2, 1), 40, members)
    x, y = torch.rand(40, 3), torch.randn(40, 1)
    for step in (
        engine_step(work, x, y), peer_layers.recursion_step(work.widths, x, y),
        peer_layers.pykan_step(work.widths, x, y),
    ):  # fmt: skip
        assert spent(step, 1e-4) > 0


def test_workloads_have_names_and_ratios_a_range():
    names = [work.name for work in first_order.WORKLOADS]
    assert len(set(names)) == len(names)
    assert "3-8-1, B 240, compiled" in names
    assert shown([3.0, 1.0, 2.0]) == "2.0 (1.0-3.0)"


def test_a_table_has_one_line_a_result():
    text = markdown([Line("a", "1 us", "2x", "1 / 2", "goal"), Line("b", "3")])
    assert text.splitlines()[2] == "| a | 1 us | 2x | 1 / 2 | goal |"
    assert len({line.count("|") for line in text.splitlines()}) == 1
